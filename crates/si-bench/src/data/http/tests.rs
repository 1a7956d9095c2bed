use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use super::*;

#[test]
fn a_file_is_downloaded_and_named_when_it_is_whole() {
    let place = Playground::new();
    let server = Server::start(vec![Answer::whole()]);
    let mut seen = Vec::new();
    let result = place.download(&[server.url()], &mut |received, total| {
        seen.push((received, total));
    });
    assert_eq!(result, Ok(()));
    place.assert_finished();
    assert_eq!(seen.first(), Some(&(0, Some(SIZE))));
    assert_eq!(seen.last(), Some(&(SIZE, Some(SIZE))));
}

#[test]
fn an_answer_cut_short_is_dropped_and_the_next_mirror_sends_the_whole_file() {
    let place = Playground::new();
    let short = || {
        Server::start(vec![Answer {
            cut: Some(40_000),
            ..Answer::whole()
        }])
    };
    let attempts = place
        .download(&[short().url()], &mut |_, _| {})
        .expect_err("cut short");
    assert!(attempts[0].contains("stopped after"), "{attempts:?}");
    assert!(!place.part().exists());
    assert!(!place.target().exists());
    let whole = Server::start(vec![Answer::whole()]);
    let urls = [short().url(), whole.url()];
    assert_eq!(place.download(&urls, &mut |_, _| {}), Ok(()));
    place.assert_finished();
}

#[test]
fn remains_of_an_interrupted_download_are_replaced() {
    let place = Playground::new();
    fs::write(place.part(), vec![9; 150_000]).expect("a writable folder");
    let server = Server::start(vec![Answer::whole()]);
    assert_eq!(place.download(&[server.url()], &mut |_, _| {}), Ok(()));
    place.assert_finished();
}

#[test]
fn a_missing_file_and_a_closed_port_lead_to_the_next_mirror() {
    let place = Playground::new();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}/file", listener.local_addr().expect("bound"))
    };
    let missing = Server::start(vec![Answer::missing(), Answer::missing()]);
    let whole = Server::start(vec![Answer::whole()]);
    let urls = [closed, missing.url()];
    let attempts = place
        .download(&urls, &mut |_, _| {})
        .expect_err("no mirror has it");
    assert!(attempts[1].ends_with("HTTP status 404"), "{attempts:?}");
    assert!(!place.part().exists());
    let [closed, missing] = urls;
    let result = place.download(&[closed, missing, whole.url()], &mut |_, _| {});
    assert_eq!(result, Ok(()));
    place.assert_finished();
}

#[test]
fn a_wrong_checksum_is_refused_and_nothing_is_left() {
    let place = Playground::new();
    let server = Server::start(vec![Answer {
        content: vec![7; 500],
        ..Answer::whole()
    }]);
    let attempts = place
        .download(&[server.url()], &mut |_, _| {})
        .expect_err("another file");
    assert_eq!(attempts.len(), 1);
    assert!(attempts[0].contains(&server.url()), "{attempts:?}");
    assert!(attempts[0].contains(&sum()), "{attempts:?}");
    assert!(!place.part().exists());
    assert!(!place.target().exists());
}

#[test]
fn an_answer_that_is_too_long_is_given_up() {
    let place = Playground::new();
    for has_length in [true, false] {
        let server = Server::start(vec![Answer {
            content: vec![0; 400_000],
            has_length,
            ..Answer::whole()
        }]);
        let attempts = place
            .download(&[server.url()], &mut |_, _| {})
            .expect_err("too long");
        assert!(attempts[0].contains("too long"), "{attempts:?}");
        assert!(!place.part().exists());
    }
}

/// A folder to download to.
struct Playground {
    folder: tempfile::TempDir,
}

impl Playground {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("file.gz")
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("file.gz.part")
    }

    fn download(
        &self,
        urls: &[String],
        observe: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), Vec<String>> {
        let job = Download {
            urls,
            target: &self.target(),
            md5: &sum(),
            max_size: 200_000,
        };
        // A proxy of the environment would stand between the test and its own server.
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .proxy(None)
            .build()
            .new_agent();
        job.run(&agent, observe).expect("a writable folder")
    }

    fn assert_finished(&self) {
        assert_eq!(fs::read(self.target()).expect("downloaded"), content());
        assert!(!self.part().exists());
    }
}

/// What the server does with one request.
struct Answer {
    status: u16,
    content: Vec<u8>,
    /// The connection is closed after so many bytes of the body.
    cut: Option<usize>,
    has_length: bool,
}

impl Answer {
    fn whole() -> Self {
        Self {
            status: 200,
            content: content(),
            cut: None,
            has_length: true,
        }
    }

    fn missing() -> Self {
        Self {
            status: 404,
            ..Self::whole()
        }
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut lines = BufReader::new(&stream).lines();
        while lines
            .next()
            .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
        {}
        let size = self.content.len();
        let mut head = format!("HTTP/1.1 {} whatever\r\nConnection: close\r\n", self.status);
        if self.has_length {
            head += &format!("Content-Length: {size}\r\n");
        }
        head += "\r\n";
        let sent = self.cut.unwrap_or(size).min(size);
        // The client hangs up when it has seen enough.
        let _ = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&self.content[..sent]));
    }
}

/// A server that gives its answers one after another, on one connection each.
struct Server {
    address: String,
}

impl Server {
    fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        thread::spawn(move || {
            for answer in answers {
                let Ok((stream, _)) = listener.accept() else {
                    return;
                };
                answer.serve(stream);
            }
        });
        Self { address }
    }

    fn url(&self) -> String {
        format!("http://{}/file", self.address)
    }
}

fn content() -> Vec<u8> {
    (0..SIZE).map(|index| (index * index % 251) as u8).collect()
}

fn sum() -> String {
    checksum::md5(&content()[..]).expect("a slice")
}

const SIZE: u64 = 100_000;
