//! `khabar serve` over real sockets: what readers, crawlers, operators and hostile clients get.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;

use crate::project::{Project, article, article_with};

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

#[test]
fn every_document_is_served_as_what_it_is() {
    let project = project();
    let text = article_with(
        "a",
        "2025-03-10T12:00:00Z",
        "section: العالم\nstory: قزوين\n",
    );
    project.write("a.md", text);
    let server = Server::ready(&project);
    let tree = project.tree();
    assert!(tree.len() > 15, "{:?}", tree.keys());
    for (path, bytes) in &tree {
        let name = path.rsplit('/').next().unwrap();
        let (media_type, is_feed) = match name {
            "rss.xml" => ("application/rss+xml; charset=utf-8", true),
            "atom.xml" => ("application/atom+xml; charset=utf-8", true),
            "feed.json" => ("application/feed+json", true),
            "stories.json" => ("application/json", false),
            "index.html" => ("text/html; charset=utf-8", false),
            "feeds.opml" => ("text/x-opml; charset=utf-8", false),
            _ => ("application/xml; charset=utf-8", false),
        };
        let url = percent_encoded(path);
        let whole = server.get(&url);
        assert_eq!(whole.status, 200, "{path}");
        assert!(whole.body == *bytes, "{path}");
        assert_eq!(whole.field("content-type"), media_type, "{path}");
        assert_eq!(whole.field("content-length"), bytes.len().to_string());
        assert_eq!(whole.field("x-content-type-options"), "nosniff");
        assert_eq!(whole.field("vary"), "Accept-Encoding");
        assert!(whole.field("etag").starts_with('"'), "{whole:?}");
        let caching = whole.field("cache-control");
        assert!(
            caching.contains("max-age=") && caching.contains("stale-if-error="),
            "{caching}"
        );
        let link = format!("<https://news.example{url}>; rel=\"self\"");
        assert_eq!(
            whole.field("link"),
            if is_feed { link.as_str() } else { "" }
        );
        let head = server.ask("HEAD", &url, &[]);
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        // A date may have come meanwhile.
        let undated = |answer: &Answer| {
            let mut fields = answer.fields.clone();
            fields.retain(|(name, _)| !["last-modified", "date"].contains(&name.as_str()));
            fields
        };
        assert_eq!(undated(&head), undated(&whole), "{path}");
    }
    assert_eq!(server.get("/").body, tree["index.html"]);
    assert_eq!(server.get("/rss.xml?from=reader").body, tree["rss.xml"]);
    server.stop();
}

fn percent_encoded(path: &str) -> String {
    let encode = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    path.bytes()
        .fold("/".to_owned(), |url, byte| url + &encode(byte))
}

#[test]
fn a_client_that_has_it_is_told_so_and_nothing_more() {
    let project = project();
    project.write("a.md", article("a", "2025-03-10T12:00:00Z"));
    let server = Server::ready(&project);
    until("it is dated", || {
        !server.get("/rss.xml").field("last-modified").is_empty()
    });
    let whole = server.get("/rss.xml");
    let (tag, date) = (whole.field("etag"), whole.field("last-modified"));
    let bare = tag.trim_matches('"');
    for fields in [
        vec![("If-None-Match", tag.to_owned())],
        vec![("If-None-Match", format!("W/{tag}"))],
        vec![("If-None-Match", format!("\"x\", {tag}"))],
        vec![("If-None-Match", format!("\"{bare}-gzip\""))],
        vec![("If-None-Match", format!("\"{bare};gzip\""))],
        vec![("If-None-Match", "*".to_owned())],
        vec![("If-Modified-Since", date.to_owned())],
        vec![
            ("If-None-Match", tag.to_owned()),
            (
                "If-Modified-Since",
                "Thu, 01 Jan 1970 00:00:00 GMT".to_owned(),
            ),
        ],
    ] {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        for method in ["GET", "HEAD"] {
            let same = server.ask(method, "/rss.xml", &fields);
            assert_eq!((same.status, same.body.len()), (304, 0), "{fields:?}");
            assert_eq!(
                same.names(),
                ["cache-control", "etag", "vary"],
                "{fields:?}"
            );
            assert_eq!(same.field("cache-control"), whole.field("cache-control"));
            assert!(same.field("etag").contains(bare), "{same:?}");
        }
    }
    let other = [("If-None-Match", "\"other\""), ("If-Modified-Since", date)];
    assert_eq!(server.get_with("/rss.xml", &other).status, 200);
    assert_eq!(
        server
            .get_with("/rss.xml", &[("If-Match", "\"other\"")])
            .status,
        412
    );
    // Ranges of what changes all the time are not served: the whole is.
    let range = [("Range", "bytes=0-9"), ("If-Range", tag)];
    assert_eq!(server.get_with("/rss.xml", &range).body, whole.body);

    // It changes: the tag is another, and the date a later one.
    project.write("b.md", article("b", "2025-03-10T12:30:00Z"));
    server.sync();
    let changed = server.get_with("/rss.xml", &[("If-None-Match", tag)]);
    assert_eq!(changed.status, 200);
    assert_ne!(changed.field("etag"), tag);
    assert_eq!(
        server
            .get_with("/rss.xml", &[("If-Modified-Since", date)])
            .status,
        200
    );
    server.stop();

    // A restart changes neither.
    let server = Server::ready(&project);
    let known = [("If-None-Match", changed.field("etag"))];
    assert_eq!(server.get_with("/rss.xml", &known).status, 304);
    server.stop();
}

#[test]
fn codings_hold_the_same_and_are_chosen_by_weight() {
    let project = project();
    project.write_many(0..20);
    let server = Server::ready(&project);
    let plain = server.get("/rss.xml");
    assert_eq!(plain.field("content-encoding"), "");
    for (accepted, coding) in [
        ("gzip, deflate", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0, *", "gzip"),
        ("identity", ""),
        ("gzip;q=0", ""),
        ("deflate", ""),
    ] {
        let fields = [("Accept-Encoding", accepted)];
        until("it is compressed", || {
            server
                .get_with("/rss.xml", &fields)
                .field("content-encoding")
                == coding
        });
        let coded = server.get_with("/rss.xml", &fields);
        let body = match coding {
            "gzip" => {
                let mut body = Vec::new();
                flate2::read::GzDecoder::new(&coded.body[..])
                    .read_to_end(&mut body)
                    .unwrap();
                body
            }
            "br" => {
                let mut body = Vec::new();
                brotli::BrotliDecompress(&mut &coded.body[..], &mut body).unwrap();
                body
            }
            _ => coded.body.clone(),
        };
        assert_eq!(body, plain.body, "{accepted}");
        assert_eq!(coded.field("vary"), "Accept-Encoding");
        assert_eq!(
            coded.field("etag") == plain.field("etag"),
            coding.is_empty(),
            "{accepted}"
        );
        // Its own tag, and that of any other form, is known for this version.
        for tag in [coded.field("etag"), plain.field("etag")] {
            let known = [fields[0], ("If-None-Match", tag)];
            let same = server.get_with("/rss.xml", &known);
            assert_eq!((same.status, same.field("etag")), (304, tag));
        }
    }
    server.stop();
}

#[test]
fn a_delta_holds_what_is_new_since_a_version() {
    let project = project();
    project.write_many(0..10);
    let server = Server::ready(&project);
    let a_im = ("A-IM", "feed");
    let first = server.get("/feed.json");
    let tag = first.field("etag").to_owned();
    project.write("new.md", article("new", "2025-03-10T12:30:00Z"));
    server.sync();
    let text = article("a003", &crate::project::minutes_before(3));
    project.write("a003.md", text.replace("كما ورد", "كما وصل"));
    server.sync();
    project.remove("a005.md");
    server.sync();
    until("the removal is published", || {
        ids(&server.get("/feed.json").body).len() == 10
    });
    let now = server.get("/feed.json");
    for path in ["/feed.json", "/rss.xml", "/atom.xml"] {
        assert_eq!(server.get_with(path, &[a_im]).status, 200, "{path}");
        let unknown = [a_im, ("If-None-Match", "\"0\"")];
        assert_eq!(server.get_with(path, &unknown).status, 200, "{path}");
    }
    let asked = [a_im, ("If-None-Match", tag.as_str())];
    let delta = server.get_with("/feed.json", &asked);
    assert_eq!(delta.status, 226);
    assert_eq!(ids(&delta.body), ["new", "a003"]);
    assert_eq!(delta.field("im"), "feed");
    assert_eq!(delta.field("delta-base"), tag);
    assert_eq!(delta.field("etag"), now.field("etag"));
    assert_eq!(delta.field("cache-control"), "no-store, im");
    assert_eq!(delta.field("vary"), "A-IM, If-None-Match, Accept-Encoding");
    assert_eq!(delta.field("content-type"), "application/feed+json");
    assert!(delta.field("link").contains("rel=\"self\""));
    assert!(delta.body.len() < now.body.len());
    // The tag it had in another coding, or from a proxy, is as good.
    let suffixed = format!("W/\"{}-gzip\"", tag.trim_matches('"'));
    let asked = [
        ("A-IM", "vcdiff, FEED;q=0.5"),
        ("If-None-Match", suffixed.as_str()),
    ];
    assert_eq!(server.get_with("/feed.json", &asked).body, delta.body);
    // Those who have it all, do not ask, or ask for something else.
    let known = [a_im, ("If-None-Match", now.field("etag"))];
    assert_eq!(server.get_with("/feed.json", &known).status, 304);
    for other in ["", "feed;q=0", "vcdiff"] {
        let asked = [("A-IM", other), ("If-None-Match", tag.as_str())];
        let whole = server.get_with("/feed.json", &asked);
        assert_eq!(
            (whole.status, whole.field("vary")),
            (200, "Accept-Encoding")
        );
    }
    // What is no feed has no entries.
    let page = [a_im, ("If-None-Match", "\"x\"")];
    assert_eq!(server.get_with("/stories.json", &page).status, 200);
    assert!(server.metric("khabar_delta_saved_bytes_total") > 0.0);
    server.stop();
}

/// Bytes that are sent, and the statuses that may be answered.
type Case = (String, &'static [u16]);

/// `GET` of a target.
fn get(target: &str) -> String {
    method("GET", target)
}

/// Any method, of any target.
fn method(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

/// `GET` with these lines in its head.
fn with(lines: &str) -> String {
    format!("GET /rss.xml HTTP/1.1\r\n{lines}Connection: close\r\n\r\n")
}

fn targets() -> Vec<Case> {
    vec![
        // Targets.
        (get("/rss.xml"), &[200]),
        (get("http://elsewhere.example/rss.xml"), &[200]),
        (get("/%72ss.xml"), &[200]),
        (get("/rss.xml?%"), &[200]),
        (get("/rss.xml/"), &[404]),
        (get("//rss.xml"), &[404]),
        (get("/./rss.xml"), &[404]),
        (get("/sections/../rss.xml"), &[404]),
        (get("/../out/rss.xml"), &[404]),
        (get("/..%2f..%2fetc%2fpasswd"), &[404]),
        (get("/%2e%2e/%2e%2e/etc/passwd"), &[404]),
        (get("/config.toml"), &[404]),
        (get("/.khabar-stage"), &[404]),
        (get("/healthz"), &[404]),
        (get("/metrics"), &[404]),
        (get("/rss.xml\\"), &[400, 404]),
        (get("/rss.xml%00"), &[400]),
        (get("/rss.xml%0d%0aX:y"), &[400]),
        (get("/%"), &[400]),
        (get("/%1"), &[400]),
        (get("/%zz"), &[400]),
        (get("/%ff"), &[400]),
        (get("rss.xml"), &[400, 404]),
        (get("/a b"), &[400]),
        (get("/a\u{1}b"), &[400]),
        (get(&format!("/{}", "a".repeat(20_000))), &[400, 414, 431]),
    ]
}

fn hosts_and_methods() -> Vec<Case> {
    vec![
        // Hosts.
        (with("Host: news.example:8080\r\n"), &[200]),
        (with("Host: [::1]:80\r\n"), &[200]),
        (with(""), &[400]),
        (with("Host:\r\n"), &[400]),
        (with("Host: .\r\n"), &[400]),
        (with("Host: a b\r\n"), &[400]),
        (with("Host: a:port\r\n"), &[400]),
        (with("Host: a/b\r\n"), &[400]),
        (with("Host: a\r\nHost: a\r\n"), &[400]),
        ("GET /rss.xml HTTP/1.0\r\n\r\n".to_owned(), &[200]),
        // Methods.
        (method("HEAD", "/rss.xml"), &[200]),
        (method("OPTIONS", "/rss.xml"), &[204]),
        (method("OPTIONS", "*"), &[204]),
        (method("POST", "/rss.xml"), &[405]),
        (method("PUT", "/rss.xml"), &[405]),
        (method("DELETE", "/rss.xml"), &[405]),
        (method("TRACE", "/rss.xml"), &[405]),
        (method("CONNECT", "a:1"), &[405]),
        (method("BREW", "/rss.xml"), &[405]),
        (method("get", "/rss.xml"), &[405]),
    ]
}

fn heads() -> Vec<Case> {
    vec![
        // Heads.
        (
            with(&format!("Host: a\r\n{}", "X: y\r\n".repeat(70))),
            &[431],
        ),
        (
            with(&format!("Host: a\r\nX: {}\r\n", "y".repeat(20_000))),
            &[431],
        ),
        (with("Host: a\r\nX : y\r\n"), &[400]),
        (with("Host: a\r\nX\r\n"), &[400]),
        (with("Host: a\r\n folded: y\r\n"), &[400]),
        (
            with("Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n"),
            &[400],
        ),
        (with("Host: a\r\nContent-Length: -1\r\n"), &[400]),
        (
            with("Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
            &[400],
        ),
        (with("Host: a\r\nTransfer-Encoding: gzip\r\n"), &[400]),
        ("nonsense\r\n\r\n".to_owned(), &[400]),
        ("GET /rss.xml\r\n\r\n".to_owned(), &[400]),
        (
            "GET /rss.xml HTTP/9.9\r\nHost: a\r\n\r\n".to_owned(),
            &[400, 505],
        ),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), &[400, 505]),
    ]
}

#[test]
fn requests_that_are_none_are_refused() {
    let project = project();
    project.write("a.md", article("a", "2025-03-10T12:00:00Z"));
    let server = Server::ready(&project);
    for (request, allowed) in targets()
        .into_iter()
        .chain(hosts_and_methods())
        .chain(heads())
    {
        let answer = raw(server.public, request.as_bytes());
        let shown: String = request.chars().take(100).collect();
        // hyper closes without a word on what it cannot even call a bad request.
        if answer.is_empty() {
            assert!(
                allowed.iter().all(|status| *status >= 400),
                "{shown:?}: closed"
            );
            continue;
        }
        let answer = Answer::parse(&answer);
        assert!(allowed.contains(&answer.status), "{shown:?}: {answer:?}");
        if answer.status == 405 || answer.status == 204 {
            assert_eq!(answer.field("allow"), "GET, HEAD, OPTIONS", "{shown:?}");
        }
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        let is_told = said.contains("khabar") && answer.status != 200;
        assert!(
            !is_told && !said.contains(project.root().to_str().unwrap()),
            "{said}"
        );
    }
    // A body that nobody reads is not taken for the next request.
    let smuggled = b"GET /rss.xml HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\n\r\n\
        GET /atom.xml HTTP/1.1\r\nHost: a\r\n\r\n";
    let answers = String::from_utf8(raw(server.public, smuggled)).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
    // What stands in Host comes back in nothing.
    let evil = raw(
        server.public,
        b"GET /rss.xml HTTP/1.0\r\nHost: evil.example\r\n\r\n",
    );
    assert!(!String::from_utf8(evil).unwrap().contains("evil.example"));
    server.stop();
}

#[test]
fn one_connection_carries_many_requests() {
    let project = project();
    project.write("a.md", article("a", "2025-03-10T12:00:00Z"));
    let server = Server::ready(&project);
    let mut stream = connect(server.public);
    let request = "GET /rss.xml HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n";
    let last = "GET /rss.xml HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\nConnection: close\r\n\r\n";
    // All at once, and then one behind the other.
    stream.write_all(request.repeat(9).as_bytes()).unwrap();
    stream.write_all(last.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert_eq!(said.matches("HTTP/1.1 304 Not Modified\r\n").count(), 10);
    let statuses = server.metric("khabar_http_answers_total{listener=\"public\",status=\"304\"}");
    assert!(statuses >= 10.0);
    server.stop();
}

#[test]
fn silent_and_slow_clients_do_not_stop_the_others() {
    let project = project();
    project.write("a.md", article("a", "2025-03-10T12:00:00Z"));
    let server = Server::ready(&project);
    let mut slow: Vec<TcpStream> = (0..300).map(|_| connect(server.public)).collect();
    for stream in slow.iter_mut().skip(100) {
        stream
            .write_all(b"GET /rss.xml HTTP/1.1\r\nHost: a\r\nX: ")
            .unwrap();
    }
    for stream in slow.iter_mut().skip(200) {
        stream.write_all(b"y").unwrap();
    }
    for _ in 0..20 {
        assert_eq!(server.get("/rss.xml").status, 200);
    }
    project.write("b.md", article("b", "2025-03-10T12:30:00Z"));
    server.sync();
    assert_eq!(ids(&server.get("/feed.json").body), ["b", "a"]);
    // It stops although they are there.
    server.stop();
    let mut rest = Vec::new();
    // A reset is an end, too.
    let _ = slow[0].read_to_end(&mut rest);
    assert_eq!(rest, b"");
}

#[test]
fn neither_a_lost_store_nor_a_lost_out_stops_it() {
    let project = project();
    project.write_many(0..12);
    let server = Server::ready(&project);
    let before = server.get("/rss.xml");
    server.stop();

    // It starts without its store: what was published is served, and it is told.
    let away = project.root().join("away");
    std::fs::rename(project.store(), &away).unwrap();
    let server = Server::start(&project);
    let known = [("If-None-Match", before.field("etag"))];
    assert_eq!(server.get_with("/rss.xml", &known).status, 304);
    assert_eq!(server.get("/rss.xml").body, before.body);
    until("the trouble is told", || {
        server.health().text().contains("\"store\"")
    });
    std::fs::rename(&away, project.store()).unwrap();
    until("it heals", || {
        server.health().text() == "{\"status\":\"ready\",\"troubles\":[]}\n"
    });

    let out = project.root().join("lost");
    std::fs::rename(project.out(), &out).unwrap();
    assert_eq!(server.get("/rss.xml").body, before.body);
    assert_eq!(server.get("/news-sitemap.xml").status, 200);
    std::fs::rename(&out, project.out()).unwrap();
    server.stop();
}

#[test]
fn a_server_with_nothing_yet_asks_to_come_back() {
    let project = project();
    project.write("a.md", article("a", "2025-03-10T12:00:00Z"));
    // A file where the folder of sections must be: nothing can be published.
    project.write(
        "b.md",
        article_with("b", "2025-03-10T12:00:00Z", "section: world\n"),
    );
    std::fs::create_dir(project.out()).unwrap();
    std::fs::write(project.out().join("sections"), "in the way").unwrap();
    let server = Server::start(&project);
    until("the trouble is told", || {
        server.health().text().contains("\"disk\"")
    });
    let health = server.health();
    assert_eq!(health.status, 503);
    assert!(
        health.text().starts_with("{\"status\":\"starting\""),
        "{}",
        health.text()
    );
    let answer = server.get("/rss.xml");
    assert_eq!((answer.status, answer.field("retry-after")), (503, "5"));
    assert_eq!(answer.field("cache-control"), "no-store");
    std::fs::remove_file(project.out().join("sections")).unwrap();
    until("it is served", || server.get("/rss.xml").status == 200);
    server.stop();
}

#[test]
fn operators_are_told_how_things_are() {
    let project = project();
    project.write_many(0..40);
    project.write("bad.md", "---\ntitle: [\n");
    let server = Server::ready(&project);
    assert_eq!(
        server.health().text(),
        "{\"status\":\"ready\",\"troubles\":[]}\n"
    );
    assert_eq!(server.health().field("content-type"), "application/json");
    for (path, status) in [("/rss.xml", 404), ("/", 404), ("/metrics", 200)] {
        assert_eq!(
            ask(server.operations, "GET", path, &[]).status,
            status,
            "{path}"
        );
    }
    assert_eq!(ask(server.operations, "POST", "/metrics", &[]).status, 405);
    let metrics = ask(server.operations, "GET", "/metrics", &[]);
    assert_eq!(
        metrics.field("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert!(
        metrics
            .text()
            .contains("# TYPE khabar_publish_latency_seconds histogram")
    );
    until("everything is counted", || {
        server.metric("khabar_articles") > 39.0
    });
    #[expect(clippy::cast_precision_loss, reason = "a handful of documents")]
    let documents = project.tree().len() as f64;
    for (name, value) in [
        ("khabar_ready", 1.0),
        ("khabar_articles", 40.0),
        ("khabar_articles_rejected", 1.0),
        ("khabar_documents", documents),
        ("khabar_documents_written_total", documents),
    ] {
        assert!((server.metric(name) - value).abs() < 0.5, "{name}");
    }
    let before = server.metric("khabar_publish_latency_seconds_count");
    project.write("more.md", article("more", "2025-03-10T14:00:00Z"));
    server.sync();
    assert!(server.metric("khabar_publish_latency_seconds_count") > before);

    for number in 0..20 {
        project.remove(&format!("a{number:03}.md"));
    }
    until("the loss is held", || {
        server.health().text().starts_with("{\"status\":\"held\"")
    });
    assert!(server.health().text().contains("khabar accept"));
    assert_eq!(server.health().status, 200);
    until("it is counted", || {
        server.metric("khabar_articles_held") > 19.0
    });
    assert!((server.metric("khabar_trouble{trouble=\"held\"}") - 1.0).abs() < 0.5);
    server.stop();
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let project = project();
    let run = project.khabar(&["serve", "--listen", &address]).ends(1);
    assert!(run.stderr.contains(&address), "{run:?}");
    project.khabar(&["serve", "--listen", "nowhere"]).ends(2);
}
