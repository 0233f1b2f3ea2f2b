//! Hubs and search engines are told of what is published, of all of it, once, and after it is.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::daemon::{Daemon, in_seconds, until};
use crate::project::{Project, Run, article, article_with, tree};

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const KEY: &str = "0123456789abcdef-planted";
/// Where the environment may hold it.
const VARIABLE: &str = "INDEXNOW_KEY";

/// What was sent to a stub, as its body and what its watcher saw at that moment.
type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// A server that answers everything as it is told to.
struct Stub {
    address: SocketAddr,
    heard: Heard,
    answers: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    fn start() -> Self {
        Self::at("127.0.0.1:0", None)
    }

    /// A stub that reads `looks_at` the moment it is told something.
    fn at(address: &str, looks_at: Option<PathBuf>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let stub = Self {
            address: listener.local_addr().unwrap(),
            heard: Heard::default(),
            answers: Arc::default(),
        };
        let (heard, answers) = (Arc::clone(&stub.heard), Arc::clone(&stub.answers));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let Some(body) = body(&mut stream) else {
                    continue;
                };
                let seen = looks_at
                    .as_ref()
                    .map(|path| std::fs::read_to_string(path).unwrap());
                let mut answers = answers.lock().unwrap();
                let answer = if answers.is_empty() {
                    OK.to_owned()
                } else {
                    answers.remove(0)
                };
                heard.lock().unwrap().push((body, seen.unwrap_or_default()));
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        stub
    }

    /// Answers the next request with `answer`, and those after it with what comes next.
    fn will_answer(&self, answer: &str) {
        self.answers.lock().unwrap().push(answer.to_owned());
    }

    fn heard(&self) -> Vec<(String, String)> {
        self.heard.lock().unwrap().clone()
    }

    /// How often each topic was announced.
    fn topics(&self) -> BTreeMap<String, usize> {
        let mut topics = BTreeMap::new();
        for (body, _) in self.heard() {
            let pairs: Vec<_> = url::form_urlencoded::parse(body.as_bytes())
                .into_owned()
                .collect();
            assert_eq!(pairs[0], ("hub.mode".to_owned(), "publish".to_owned()));
            let named = pairs.iter().filter(|(name, _)| name == "hub.url");
            assert!(named.clone().count() <= 10);
            for (_, topic) in named {
                let path = topic.strip_prefix("https://news.example/").unwrap();
                *topics.entry(path.to_owned()).or_default() += 1;
            }
        }
        topics
    }

    /// The pages of each submission.
    fn pages(&self) -> Vec<Vec<String>> {
        let heard = self.heard().into_iter();
        let pages = heard.map(|(body, _)| {
            let json: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(json["host"], "news.example");
            assert_eq!(json["key"], KEY);
            let urls = json["urlList"].as_array().unwrap().iter();
            let urls = urls.map(|url| url.as_str().unwrap());
            let mut urls: Vec<String> = urls
                .map(|url| {
                    url.strip_prefix("https://news.example/")
                        .unwrap()
                        .to_owned()
                })
                .collect();
            urls.sort();
            urls
        });
        pages.collect()
    }
}

/// The body of one request.
fn body(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let (_, length) = head.split_once("content-length: ")?;
            let length: usize = length.lines().next()?.trim().parse().ok()?;
            if body.len() >= length {
                return Some(body.to_owned());
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}

/// A project that tells `hubs`.
fn telling(hubs: &[&SocketAddr]) -> Project {
    let hubs: Vec<String> = hubs
        .iter()
        .map(|at| format!("\"http://{at}/hub\""))
        .collect();
    Project::with(&format!(
        "[announce]\nallow_private = true\nhubs = [{}]\n",
        hubs.join(", ")
    ))
}

/// A project that tells an `IndexNow` endpoint.
fn indexing(endpoint: &Stub) -> Project {
    let project = Project::new();
    tell_engine(&project, endpoint);
    project
}

fn tell_engine(project: &Project, endpoint: &Stub) {
    project.configure(&format!(
        "[announce]\nallow_private = true\nindexnow_key_file = \"key\"\n\
         indexnow_endpoint = \"http://{}/indexnow\"\n",
        endpoint.address
    ));
    std::fs::write(project.root().join("key"), KEY).unwrap();
}

const FRONT: [&str; 3] = ["atom.xml", "feed.json", "rss.xml"];

fn times(count: usize) -> BTreeMap<String, usize> {
    FRONT.map(|name| (name.to_owned(), count)).into()
}

#[test]
fn a_hub_is_told_once_of_each_change_and_finds_the_new_bytes() {
    let project = Project::new();
    let hub = Stub::at("127.0.0.1:0", Some(project.out().join("rss.xml")));
    project.configure(&format!(
        "[announce]\nallow_private = true\nhubs = [\"http://{}/hub\"]\n",
        hub.address
    ));
    project.write("a.md", article("a", "2025-03-10T11:00:00Z"));
    let daemon = Daemon::start(&project);
    let link = format!(
        "<atom:link href=\"http://{}/hub\" rel=\"hub\"/>",
        hub.address
    );
    assert!(
        project.read("rss.xml").contains(&link),
        "{}",
        project.read("rss.xml")
    );
    for number in 0..5 {
        let id = format!("new{number}");
        project.write(&format!("{id}.md"), article(&id, "2025-03-10T12:00:00Z"));
        until("the hub is told", || hub.topics() == times(number + 1));
        let heard = hub.heard();
        assert!(
            heard.last().unwrap().1.contains(&id),
            "it found the old bytes"
        );
    }
    daemon.stop();

    // Neither a start, nor a build, nor an out that has to be made again is news.
    std::fs::remove_dir_all(project.out()).unwrap();
    project.khabar(&["build"]).ends(0);
    std::fs::remove_dir_all(project.state().join("checkpoint")).unwrap_err();
    std::fs::remove_file(project.state().join("checkpoint")).unwrap();
    let daemon = Daemon::start(&project);
    project.write("last.md", article("last", "2025-03-10T12:30:00Z"));
    until("the hub is told", || hub.topics() == times(6));
    daemon.stop();
    // At another time than now, nobody is told.
    project.write("later.md", article("later", "2025-03-10T12:40:00Z"));
    project.build();
    project.khabar(&["build"]).ends(0);
    assert_eq!(hub.topics(), times(6));
}

#[test]
fn a_dead_hub_and_a_silent_one_delay_nobody_and_are_told_after_a_restart() {
    let hub = Stub::start();
    // One that listens and never answers, and one where nobody listens.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let project = telling(&[&dead, &silent.local_addr().unwrap(), &hub.address]);
    project.write("a.md", article("a", "2025-03-10T11:00:00Z"));
    let daemon = Daemon::start(&project);
    for number in 0..4 {
        let id = format!("new{number}");
        project.write(&format!("{id}.md"), article(&id, "2025-03-10T12:00:00Z"));
        until("the others are told", || hub.topics() == times(number + 1));
    }
    until("the dead one is named", || {
        daemon.log().contains("it cannot be reached")
    });
    assert!(!daemon.log().contains("/hub"), "{}", daemon.log());
    daemon.stop();
    let revived = Stub::at(&dead.to_string(), None);
    let daemon = Daemon::start(&project);
    until("it is told of what it missed", || {
        revived.topics() == times(1)
    });
    // What was told is forgotten, also where nothing tells of it but the disk.
    daemon.sync();
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    drop(daemon);
    let daemon = Daemon::start(&project);
    project.write("b.md", article("b", "2025-03-10T12:30:00Z"));
    until("the next change is told", || revived.topics() == times(2));
    assert_eq!(hub.topics(), times(5));
    daemon.stop();
}

#[test]
fn a_daemon_that_is_killed_before_it_told_tells_after_its_start() {
    let dead = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let project = telling(&[&dead]);
    project.write("a.md", article("a", "2025-03-10T11:00:00Z"));
    let daemon = Daemon::start(&project);
    project.write("b.md", article("b", "2025-03-10T12:00:00Z"));
    daemon.sync();
    drop(daemon);
    let hub = Stub::at(&dead.to_string(), None);
    let daemon = Daemon::start(&project);
    until("the hub is told", || hub.topics() == times(1));
    daemon.stop();
}

#[test]
fn a_hub_that_is_busy_is_told_later_and_a_redirect_leads_nowhere() {
    let (busy, moved, elsewhere) = (Stub::start(), Stub::start(), Stub::start());
    busy.will_answer(
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    );
    moved.will_answer(&format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n",
        elsewhere.address
    ));
    let project = telling(&[&busy.address, &moved.address]);
    project.write("a.md", article("a", "2025-03-10T11:00:00Z"));
    let daemon = Daemon::start(&project);
    project.write("b.md", article("b", "2025-03-10T12:00:00Z"));
    until("it is told again", || busy.topics() == times(2));
    until("the other is named", || {
        daemon.log().contains("a redirect (307)")
    });
    assert_eq!((elsewhere.heard().len(), moved.heard().len()), (0, 1));
    daemon.stop();
}

#[test]
fn a_hub_that_takes_one_topic_a_request_gets_one() {
    let hub = Stub::start();
    hub.will_answer("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let project = telling(&[&hub.address]);
    project.write("a.md", article("a", "2025-03-10T11:00:00Z"));
    project.khabar(&["build"]).ends(0);
    project.write("b.md", article("b", "2025-03-10T12:00:00Z"));
    project.khabar(&["build"]).ends(0);
    assert_eq!(hub.topics(), times(2));
    assert_eq!(hub.heard().len(), 4);
}

#[test]
fn private_addresses_and_plain_http_have_to_be_allowed() {
    let hub = Stub::start();
    let project = Project::with(&format!(
        "[announce]\nhubs = [\"http://{}/\"]\n",
        hub.address
    ));
    project.khabar(&["build"]).ends(2).says("it is not https");
    project.configure(&format!(
        "[announce]\nhubs = [\"https://{}/\"]\n",
        hub.address
    ));
    project.write("a.md", article("a", "2025-03-10T11:00:00Z"));
    project.khabar(&["build"]).ends(0);
    project.write("b.md", article("b", "2025-03-10T12:00:00Z"));
    project.khabar(&["build"]).ends(0).says("private address");
    assert!(hub.heard().is_empty());
}

#[test]
fn search_engines_are_told_of_pages_that_are_new_changed_or_gone() {
    let endpoint = Stub::start();
    let project = indexing(&endpoint);
    for id in ["same", "edited", "moved", "gone", "drafted"] {
        project.write(&format!("{id}.md"), article(id, "2025-03-10T11:00:00Z"));
    }
    project.write("secret.md", article("secret", &in_seconds(3_600)));
    let first = project.khabar(&["build"]).ends(0);
    assert_eq!(first.stderr, "");
    assert!(
        endpoint.heard().is_empty(),
        "a first publication changes nothing"
    );

    let text = article("same", "2025-03-10T11:00:00Z");
    project.write("same.md", text.replacen("---\n", "---\n# a comment\n", 1));
    project.write(
        "edited.md",
        article("edited", "2025-03-10T11:00:00Z") + "\nتصحيح\n",
    );
    project.write(
        "moved.md",
        article_with("moved", "2025-03-10T11:00:00Z", "path: there\n"),
    );
    project.remove("gone.md");
    project.write(
        "drafted.md",
        article_with("drafted", "2025-03-10T11:00:00Z", "draft: true\n"),
    );
    project.write("new.md", article("new", "2025-03-10T12:00:00Z"));
    let secret = article_with("secret", &in_seconds(3_600), "section: world\n");
    project.write("secret.md", secret);
    project.khabar(&["build"]).ends(0);
    let told = ["drafted/", "edited/", "gone/", "moved/", "new/", "there/"];
    assert_eq!(endpoint.pages(), [told]);

    project.khabar(&["withdraw", "same"]).ends(0);
    assert_eq!(endpoint.pages()[1..], [["same/"]]);
    // One that has just been told of rests for a while.
    project.write(
        "new.md",
        article("new", "2025-03-10T12:00:00Z") + "\nتصحيح\n",
    );
    project.khabar(&["build"]).ends(0);
    project.khabar(&["build"]).ends(0);
    assert_eq!(endpoint.pages().len(), 2);
}

#[test]
fn an_embargo_is_told_of_once_it_has_lifted() {
    let project = Project::new();
    let endpoint = Stub::at("127.0.0.1:0", Some(project.out().join("rss.xml")));
    tell_engine(&project, &endpoint);
    project.write("a.md", article("a", "2025-03-10T11:00:00Z"));
    let daemon = Daemon::start(&project);
    project.write("secret.md", article("secret", &in_seconds(3)));
    daemon.sync();
    assert!(!project.shown().contains(&"secret".to_owned()));
    until("it is told of", || !endpoint.heard().is_empty());
    assert_eq!(endpoint.pages(), [["secret/"]]);
    assert!(endpoint.heard()[0].1.contains(":secret</guid>"));
    daemon.stop();
}

#[test]
fn a_mass_change_is_told_to_no_search_engine_and_the_log_says_so() {
    let endpoint = Stub::start();
    let project = indexing(&endpoint);
    project.write("a.md", article("a", "2025-03-10T11:00:00Z"));
    project.khabar(&["build"]).ends(0);
    project.write_many(0..1_001);
    project
        .khabar(&["build"])
        .ends(0)
        .says("so many pages changed at once");
    project.write("a.md", article("a", "2025-03-10T11:00:00Z") + "\nتصحيح\n");
    project.khabar(&["build"]).ends(0);
    assert_eq!(endpoint.pages(), [["a/"]]);
}

#[test]
fn refusals_are_told_to_people_and_the_key_to_nobody_else() {
    let endpoint = Stub::start();
    let project = indexing(&endpoint);
    project.write("a.md", article("a", "2025-03-10T11:00:00Z"));
    project.khabar(&["build"]).ends(0);
    let mut number = 0;
    let mut next = || {
        number += 1;
        let id = format!("new{number}");
        project.write(&format!("{id}.md"), article(&id, "2025-03-10T12:00:00Z"));
        project.khabar(&["-vv", "build"]).ends(0)
    };
    let status = |status: &str| {
        endpoint.will_answer(&format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"));
    };
    status("403");
    let mut logs = next().says("does not accept the key").stderr;
    status("429");
    logs += &next().says("it answers 429").stderr;
    status("422");
    logs += &next().says("not of the key's host").stderr;
    logs += &next().stderr;
    let told: Vec<usize> = endpoint.pages().iter().map(Vec::len).collect();
    // Kept, kept, given up, and the next one by itself.
    assert_eq!(told, [1, 2, 3, 1]);
    std::fs::write(project.root().join("key"), "bad key").unwrap();
    logs += &next().says("does not hold a key").stderr;
    assert!(!logs.contains(KEY) && !logs.contains("bad key"), "{logs}");
    is_nowhere(&project, KEY);
}

/// No command shows `secret`, and no file khabar writes holds it.
fn is_nowhere(project: &Project, secret: &str) {
    for arguments in [
        &["-vv", "explain", "a"][..],
        &["-vv", "check"],
        &["-vv", "check", "--format", "json"],
        &["-vv", "verify"],
        &["unit", "--serve"],
    ] {
        let mut command = project.command(arguments);
        let run = Run::of(command.env(VARIABLE, secret));
        let said = run.stdout + &run.stderr;
        assert!(!said.contains(secret), "{arguments:?}: {said}");
    }
    for folder in [project.out(), project.state()] {
        for (path, bytes) in tree(&folder) {
            assert!(!String::from_utf8_lossy(&bytes).contains(secret), "{path}");
        }
    }
}

#[test]
fn the_key_may_be_in_the_environment_and_is_shown_from_there_no_more_than_from_a_file() {
    let endpoint = Stub::start();
    let project = Project::with(&format!(
        "[announce]\nallow_private = true\nindexnow_key_env = \"{VARIABLE}\"\n\
         indexnow_endpoint = \"http://{}/indexnow\"\n",
        endpoint.address
    ));
    let mut logs = String::new();
    let mut publish = |id: &str, key: Option<&str>| {
        project.write(&format!("{id}.md"), article(id, "2025-03-10T12:00:00Z"));
        let mut command = project.command(&["-vv", "build"]);
        command.env_remove(VARIABLE);
        if let Some(key) = key {
            command.env(VARIABLE, key);
        }
        let run = Run::of(&mut command).ends(0);
        logs += &run.stderr;
        run
    };
    publish("a", Some(KEY));
    publish("b", None).says("the environment's INDEXNOW_KEY is not set");
    publish("c", Some("a bad-planted key")).says("INDEXNOW_KEY does not hold a key");
    assert!(endpoint.heard().is_empty());
    endpoint.will_answer("HTTP/1.1 403 X\r\nContent-Length: 0\r\n\r\n");
    publish("d", Some(KEY)).says("does not accept the key");
    publish("e", Some(KEY));
    assert_eq!(
        endpoint.pages(),
        [&["b/", "c/", "d/"][..], &["b/", "c/", "d/", "e/"]]
    );
    assert!(!logs.contains("planted"), "{logs}");
    is_nowhere(&project, KEY);
}
