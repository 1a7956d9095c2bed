use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use ureq::{
    Agent, Body,
    http::{Response, StatusCode},
};

use crate::Error;

use super::checksum;

/// A file to download.
pub(super) struct Download<'a> {
    /// Addresses of the same file, in the order to try.
    pub(super) urls: &'a [String],
    /// The file to write. Until it is complete, it has the ending `.part`.
    pub(super) target: &'a Path,
    /// Its md5 sum.
    pub(super) md5: &'a str,
    /// An answer longer than this, in bytes, is not the file.
    pub(super) max_size: u64,
}

/// The client, with time limits for a server that does not answer or stops sending.
pub(super) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_resolve(Some(PATIENCE))
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_per_read(Some(PATIENCE))
        .user_agent(concat!("synaptic-intelligence/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

/// Why an attempt failed.
enum Failure {
    /// Another mirror may work.
    Mirror(String),
    /// Files cannot be written here; no mirror can help.
    Local(Error),
}

impl Download<'_> {
    /// Tries the addresses in order. The inner error has a line per address.
    pub(super) fn run(
        &self,
        agent: &Agent,
        observe: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Result<(), Vec<String>>, Error> {
        let mut attempts = Vec::new();
        for url in self.urls {
            match self.attempt(agent, url, observe) {
                Ok(()) => return Ok(Ok(())),
                Err(Failure::Local(error)) => return Err(error),
                Err(Failure::Mirror(reason)) => attempts.push(format!("{url}: {reason}")),
            }
        }
        Ok(Err(attempts))
    }

    /// Downloads from `url`. If that fails, removes what was received.
    fn attempt(
        &self,
        agent: &Agent,
        url: &str,
        observe: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Failure> {
        let mut response = agent
            .get(url)
            .call()
            .map_err(|error| Failure::Mirror(error.to_string()))?;
        if response.status() != StatusCode::OK {
            let status = response.status().as_u16();
            return Err(Failure::Mirror(format!("HTTP status {status}")));
        }
        let result = self
            .receive(&mut response, observe)
            .and_then(|()| self.check());
        if let Err(failure) = result {
            return Err(match fs::remove_file(self.part()) {
                Ok(()) => failure,
                Err(error) if error.kind() == io::ErrorKind::NotFound => failure,
                Err(error) => self.local(error),
            });
        }
        fs::rename(self.part(), self.target).map_err(|error| self.local(error))
    }

    /// Writes the answer to the file with the ending `.part`. Replaces an older one.
    fn receive(
        &self,
        response: &mut Response<Body>,
        observe: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Failure> {
        let too_long = || Failure::Mirror("an answer that is too long".to_string());
        let total = response.body().content_length();
        if total.unwrap_or(0) > self.max_size {
            return Err(too_long());
        }
        let mut part = File::create(self.part()).map_err(|error| self.local(error))?;
        let mut received = 0;
        observe(received, total);
        let mut reader = response
            .body_mut()
            .with_config()
            .limit(self.max_size + 1)
            .reader();
        let mut buffer = vec![0; BLOCK_SIZE];
        loop {
            let length = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(Failure::Mirror(format!(
                        "stopped after {received} bytes: {error}"
                    )));
                }
            };
            received += length as u64;
            if received > self.max_size {
                return Err(too_long());
            }
            part.write_all(&buffer[..length])
                .map_err(|error| self.local(error))?;
            observe(received, total);
        }
        if let Some(total) = total.filter(|total| received < *total) {
            return Err(Failure::Mirror(format!(
                "stopped after {received} of {total} bytes"
            )));
        }
        part.sync_all().map_err(|error| self.local(error))
    }

    /// Compares the md5 sum of the received file.
    fn check(&self) -> Result<(), Failure> {
        let sum = File::open(self.part())
            .and_then(|part| checksum::md5(BufReader::new(part)))
            .map_err(|error| self.local(error))?;
        if sum != self.md5 {
            let reason = format!("md5 sum {sum} instead of {}", self.md5);
            return Err(Failure::Mirror(reason));
        }
        Ok(())
    }

    fn part(&self) -> PathBuf {
        let mut name = self.target.as_os_str().to_os_string();
        name.push(".part");
        name.into()
    }

    fn local(&self, source: io::Error) -> Failure {
        Failure::Local(Error::io("write", &self.part())(source))
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
const BLOCK_SIZE: usize = 1 << 16;

#[cfg(test)]
mod tests;
