//! What is served while something is wrong, and what operators are told.

use super::{SERVE, Server, ask, project, until};
use crate::project::article;

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
    // A folder where the memory is staged: nothing can be remembered, so nothing is published.
    let in_the_way = project.state().join("memory.new");
    std::fs::create_dir_all(&in_the_way).unwrap();
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
    std::fs::remove_dir(in_the_way).unwrap();
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

    // Should some be heard of before the others, those are let go and the rest is held.
    for number in 0..30 {
        project.remove(&format!("a{number:03}.md"));
    }
    until("the loss is held", || {
        server.health().text().starts_with("{\"status\":\"held\"")
    });
    assert!(server.health().text().contains("khabar accept"));
    assert_eq!(server.health().status, 200);
    until("it is counted", || {
        server.metric("khabar_articles_held") > 10.0
    });
    assert!((server.metric("khabar_trouble{trouble=\"held\"}") - 1.0).abs() < 0.5);
    server.stop();
}

#[test]
fn who_does_not_listen_is_told_to_operators_by_host_and_the_key_to_nobody() {
    use std::io::{Read as _, Write as _};
    const KEY: &str = "0123456789abcdef-planted";
    let endpoint = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = endpoint.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in endpoint.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let project = project();
    project.configure(&format!(
        "{SERVE}[announce]\nallow_private = true\nhubs = [\"http://{address}/hidden\"]\n\
         indexnow_key_file = \"key\"\nindexnow_endpoint = \"http://{address}/hidden\"\n"
    ));
    std::fs::write(project.root().join("key"), KEY).unwrap();
    project.write("a.md", article("a", "2025-03-10T12:00:00Z"));
    let server = Server::ready(&project);
    project.write("b.md", article("b", "2025-03-10T13:00:00Z"));
    server.sync();
    until("both are told of", || {
        let health = server.health().text();
        health.contains("does not let khabar publish") && health.contains("not accept the key")
    });
    let health = server.health();
    assert_eq!(health.status, 200);
    assert!(health.text().starts_with("{\"status\":\"degraded\""));
    assert!(health.text().contains("\"announce\"") && health.text().contains("127.0.0.1: "));
    assert!((server.metric("khabar_trouble{trouble=\"announce\"}") - 1.0).abs() < 0.5);
    let metrics = ask(server.operations, "GET", "/metrics", &[]).text();
    let log = std::fs::read_to_string(project.root().join("log")).unwrap();
    for said in [health.text(), metrics, log] {
        assert!(!said.contains(KEY) && !said.contains("hidden"), "{said}");
    }
    // It stops within its time although nobody has listened.
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

#[test]
fn what_another_hand_put_into_out_is_not_served() {
    let project = project();
    project.write("a.md", article("a", "2025-03-10T12:00:00Z"));
    std::fs::create_dir(project.out()).unwrap();
    std::fs::write(project.out().join("rss.xml"), "somebody else's").unwrap();
    let server = Server::ready(&project);
    assert!(
        server.health().text().contains("\"foreign\""),
        "{}",
        server.health().text()
    );
    assert_eq!(server.get("/rss.xml").status, 404);
    assert_eq!(server.get("/atom.xml").status, 200);
    server.stop();
}
