//! `khabar serve` over real sockets: what readers, crawlers, operators and hostile clients get.

mod documents;
mod hostile;
mod troubles;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;

use crate::project::Project;

/// Any free ports: tests run side by side.
const SERVE: &str = "\n[serve]\nlisten = \"127.0.0.1:0\"\noperations = \"127.0.0.1:0\"\n";
/// No answer takes so long unless it hangs.
const HANG: Duration = Duration::from_secs(30);

/// A running server; killed where a test ends without stopping it.
struct Server<'a> {
    project: &'a Project,
    child: Child,
    public: SocketAddr,
    operations: SocketAddr,
}

/// An answer.
#[derive(Clone)]
struct Answer {
    status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl<'a> Server<'a> {
    /// Starts it and waits until it listens.
    fn start(project: &'a Project) -> Self {
        let path = project.root().join("log");
        let log = std::fs::File::create(&path).unwrap();
        let child = Command::new(cargo_bin!("khabar"))
            .current_dir(project.root())
            .arg("serve")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let address = |what: &str| {
            let mut found = None;
            until("it listens", || {
                let log = std::fs::read_to_string(&path).unwrap();
                let line = log
                    .lines()
                    .find(|line| line.contains(what) && line.contains("address="));
                found = line.and_then(|line| line.split_once("address=")?.1.trim().parse().ok());
                found.is_some()
            });
            found.unwrap()
        };
        Self {
            project,
            public: address("serving documents"),
            operations: address("/healthz"),
            child,
        }
    }

    /// Starts it and waits for its first publication.
    fn ready(project: &'a Project) -> Self {
        let server = Self::start(project);
        until("it is ready", || server.health().status == 200);
        server
    }

    fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    fn get_with(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, fields)
    }

    fn ask(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        ask(self.public, method, path, fields)
    }

    fn health(&self) -> Answer {
        ask(self.operations, "GET", "/healthz", &[])
    }

    /// One figure of `/metrics`.
    fn metric(&self, name: &str) -> f64 {
        let text = ask(self.operations, "GET", "/metrics", &[]).text();
        let found = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found
            .unwrap_or_else(|| panic!("no {name} in\n{text}"))
            .parse()
            .unwrap()
    }

    /// Waits until everything that happened is published, and so served.
    fn sync(&self) {
        self.project.khabar(&["sync", "--timeout", "30s"]).ends(0);
    }

    fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        until("it stops", || self.child.try_wait().unwrap().is_some());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // Where it has ended already, there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let length = self.body.len();
        write!(f, "{} {:?} and {length} bytes", self.status, self.fields)
    }
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(bytes)));
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let (status, fields) = head.split_once("\r\n").unwrap_or((head, ""));
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            (name.to_ascii_lowercase(), value.to_owned())
        };
        Self {
            status: status.split(' ').nth(1).unwrap().parse().unwrap(),
            fields: fields.lines().map(field).collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    /// A field's value; empty where there is none.
    fn field(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The names of the fields, without those of the connection.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        names.retain(|name| !["connection", "date"].contains(name));
        names.sort_unstable();
        names
    }
}

fn ask(address: SocketAddr, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let fields = fields.concat();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: news.example\r\nConnection: close\r\n{fields}\r\n"
    );
    Answer::parse(&raw(address, request.as_bytes()))
}

/// Sends bytes and reads until the server closes.
fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(address);
    // A server that has refused may have closed before all was sent.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    stream.set_write_timeout(Some(HANG)).unwrap();
    stream
}

/// Waits for something that must come to be. The limit is a guard against hanging, not a measure.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + HANG;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: it does not come to be");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn project() -> Project {
    Project::with(&format!(
        "[[channel]]\nid = \"videos\"\nmatch = {{ kind = \"video\" }}\n{SERVE}"
    ))
}

/// The ids in a JSON feed's bytes.
fn ids(feed: &[u8]) -> Vec<String> {
    let feed: serde_json::Value = serde_json::from_slice(feed).unwrap();
    let items = feed["items"].as_array().unwrap();
    let id = |item: &serde_json::Value| crate::project::local_id(item["id"].as_str().unwrap());
    items.iter().map(id).collect()
}
