use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use ureq::{
    Agent, Body,
    http::{Response, StatusCode, header},
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
    /// The rest of an earlier download did not match and was removed. The same mirror may work now.
    Leftover(String),
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
            let first = self.attempt(agent, url, observe);
            let last = match first {
                Err(Failure::Leftover(_)) => self.attempt(agent, url, observe),
                other => other,
            };
            match last {
                Ok(()) => return Ok(Ok(())),
                Err(Failure::Local(error)) => return Err(error),
                Err(Failure::Mirror(reason) | Failure::Leftover(reason)) => {
                    attempts.push(format!("{url}: {reason}"));
                }
            }
        }
        Ok(Err(attempts))
    }

    fn attempt(
        &self,
        agent: &Agent,
        url: &str,
        observe: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Failure> {
        let present = fs::metadata(self.part()).map_or(0, |metadata| metadata.len());
        let mut request = agent.get(url);
        if present > 0 {
            request = request.header(header::RANGE, format!("bytes={present}-"));
        }
        let mut response = request
            .call()
            .map_err(|error| Failure::Mirror(error.to_string()))?;
        let start = match response.status() {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT if first_byte(&response) == Some(present) => present,
            StatusCode::RANGE_NOT_SATISFIABLE if present > 0 => present,
            status => return Err(Failure::Mirror(format!("HTTP status {}", status.as_u16()))),
        };
        let mut part = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.part())
            .map_err(|error| self.local(error))?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            // The server says that the end is reached: the file may be complete already. Its sum
            // decides.
            return self.finish(part, true);
        }
        part.set_len(start)
            .and_then(|()| part.seek(SeekFrom::Start(start)))
            .map_err(|error| self.local(error))?;
        self.receive(&mut response, &mut part, start, observe)?;
        self.finish(part, start > 0)
    }

    /// Appends the answer to `part`, which already has `start` bytes.
    fn receive(
        &self,
        response: &mut Response<Body>,
        part: &mut File,
        start: u64,
        observe: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Failure> {
        let total = response
            .body()
            .content_length()
            .map(|rest| start.saturating_add(rest));
        if total.unwrap_or(0) > self.max_size {
            return Err(self.discard(Failure::Mirror, "an answer that is too long".to_string()));
        }
        let mut received = start;
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
                // The bytes so far stay, for the next mirror or the next attempt.
                Err(error) => {
                    return Err(Failure::Mirror(format!(
                        "stopped after {received} bytes: {error}"
                    )));
                }
            };
            received += length as u64;
            if received > self.max_size {
                return Err(self.discard(Failure::Mirror, "an answer that is too long".to_string()));
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
        Ok(())
    }

    /// Gives the file its final name if its sum is right, otherwise removes it.
    fn finish(&self, mut part: File, is_resumed: bool) -> Result<(), Failure> {
        let sum = part
            .sync_all()
            .and_then(|()| part.seek(SeekFrom::Start(0)))
            .and_then(|_| checksum::md5(BufReader::new(&part)))
            .map_err(|error| self.local(error))?;
        drop(part);
        if sum != self.md5 {
            let reason = format!("md5 sum {sum} instead of {}", self.md5);
            let kind = if is_resumed {
                Failure::Leftover
            } else {
                Failure::Mirror
            };
            return Err(self.discard(kind, reason));
        }
        fs::rename(self.part(), self.target).map_err(|error| self.local(error))
    }

    fn discard(&self, kind: fn(String) -> Failure, reason: String) -> Failure {
        match fs::remove_file(self.part()) {
            Ok(()) => kind(reason),
            Err(error) => self.local(error),
        }
    }

    fn part(&self) -> PathBuf {
        let mut name = self.target.as_os_str().to_os_string();
        name.push(".part");
        name.into()
    }

    fn local(&self, source: io::Error) -> Failure {
        Failure::Local(Error::Io {
            action: "write",
            path: self.part(),
            source,
        })
    }
}

/// The first byte of a partial answer, from `Content-Range: bytes 5-9/10`.
fn first_byte(response: &Response<Body>) -> Option<u64> {
    let range = response
        .headers()
        .get(header::CONTENT_RANGE)?
        .to_str()
        .ok()?;
    let (first, _) = range.strip_prefix("bytes ")?.split_once('-')?;
    first.parse().ok()
}

const PATIENCE: Duration = Duration::from_secs(20);
const BLOCK_SIZE: usize = 1 << 16;

#[cfg(test)]
mod tests;
