//! Requests that are none, and clients that mean no good: what nginx's tests ask of static files, as
//! far as it applies.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::{Answer, Server, connect, ids, project, raw};
use crate::project::article;

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
