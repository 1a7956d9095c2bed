use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
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
    assert_eq!(server.ranges(), [None]);
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let place = Playground::new();
    place.leave_part(&content()[..1000]);
    let server = Server::start(vec![Answer::whole()]);
    let mut first = None;
    let result = place.download(&[server.url()], &mut |received, total| {
        first.get_or_insert((received, total));
    });
    assert_eq!(result, Ok(()));
    place.assert_finished();
    assert_eq!(first, Some((1000, Some(SIZE))));
    assert_eq!(server.ranges(), [Some(1000)]);
}

#[test]
fn an_answer_cut_short_is_completed_by_the_next_mirror() {
    let place = Playground::new();
    let short = Server::start(vec![Answer {
        cut: Some(40_000),
        ..Answer::whole()
    }]);
    let whole = Server::start(vec![Answer::whole()]);
    let result = place.download(&[short.url(), whole.url()], &mut |_, _| {});
    assert_eq!(result, Ok(()));
    place.assert_finished();
    let resumed = whole.ranges()[0].expect("a range");
    assert!((1..=40_000).contains(&resumed), "{resumed}");
}

#[test]
fn an_answer_cut_short_by_the_last_mirror_is_kept_for_the_next_time() {
    let place = Playground::new();
    let short = Server::start(vec![Answer {
        cut: Some(40_000),
        ..Answer::whole()
    }]);
    let attempts = place
        .download(&[short.url()], &mut |_, _| {})
        .expect_err("cut short");
    assert!(attempts[0].contains("stopped after"), "{attempts:?}");
    assert!(fs::metadata(place.part()).expect("kept").len() > 0);
    assert!(!place.target().exists());
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
fn a_leftover_of_another_file_is_dropped_and_the_same_mirror_asked_again() {
    let place = Playground::new();
    place.leave_part(&[9; 1000]);
    let server = Server::start(vec![Answer::whole(), Answer::whole()]);
    assert_eq!(place.download(&[server.url()], &mut |_, _| {}), Ok(()));
    place.assert_finished();
    assert_eq!(server.ranges(), [Some(1000), None]);
}

#[test]
fn a_leftover_that_is_whole_only_needs_its_name() {
    let place = Playground::new();
    place.leave_part(&content());
    let server = Server::start(vec![Answer::whole()]);
    assert_eq!(place.download(&[server.url()], &mut |_, _| {}), Ok(()));
    place.assert_finished();
}

#[test]
fn a_server_without_ranges_sends_the_file_anew() {
    let place = Playground::new();
    place.leave_part(&content()[..1000]);
    let server = Server::start(vec![Answer {
        has_ranges: false,
        ..Answer::whole()
    }]);
    assert_eq!(place.download(&[server.url()], &mut |_, _| {}), Ok(()));
    place.assert_finished();
}

#[test]
fn an_endless_answer_is_given_up() {
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

    fn leave_part(&self, bytes: &[u8]) {
        fs::write(self.part(), bytes).expect("a writable folder");
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
    has_ranges: bool,
    has_length: bool,
}

impl Answer {
    fn whole() -> Self {
        Self {
            status: 200,
            content: content(),
            cut: None,
            has_ranges: true,
            has_length: true,
        }
    }

    fn missing() -> Self {
        Self {
            status: 404,
            ..Self::whole()
        }
    }

    /// Answers the request on `stream` and returns the first byte that it asked for.
    fn serve(&self, mut stream: TcpStream) -> Option<u64> {
        let mut range = None;
        let mut lines = BufReader::new(&stream).lines();
        while let Some(Ok(line)) = lines.next() {
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
                range = value.trim_end_matches('-').parse().ok();
            }
        }
        let first = range.filter(|_| self.has_ranges).unwrap_or(0) as usize;
        let size = self.content.len();
        let is_partial = first > 0 && self.status == 200;
        let (status, body) = match self.content.get(first..) {
            Some([]) if is_partial => (416, &[][..]),
            Some(body) if is_partial => (206, body),
            Some(body) => (self.status, body),
            None => (416, &[][..]),
        };
        let mut head = format!("HTTP/1.1 {status} whatever\r\nConnection: close\r\n");
        if self.has_length {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        if status == 206 {
            head += &format!("Content-Range: bytes {first}-{}/{size}\r\n", size - 1);
        }
        head += "\r\n";
        let sent = self.cut.unwrap_or(body.len()).min(body.len());
        // The client hangs up when it has seen enough.
        let _ = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&body[..sent]));
        range
    }
}

/// A server that gives its answers one after another, on one connection each.
struct Server {
    address: String,
    ranges: Arc<Mutex<Vec<Option<u64>>>>,
}

impl Server {
    fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&ranges);
        thread::spawn(move || {
            for answer in answers {
                let Ok((stream, _)) = listener.accept() else {
                    return;
                };
                let mut seen = seen.lock().expect("no panic holds it");
                seen.push(answer.serve(stream));
            }
        });
        Self { address, ranges }
    }

    fn url(&self) -> String {
        format!("http://{}/file", self.address)
    }

    fn ranges(&self) -> Vec<Option<u64>> {
        self.ranges.lock().expect("no panic holds it").clone()
    }
}

fn content() -> Vec<u8> {
    (0..SIZE).map(|index| (index * index % 251) as u8).collect()
}

fn sum() -> String {
    checksum::md5(&content()[..]).expect("a slice")
}

const SIZE: u64 = 100_000;
