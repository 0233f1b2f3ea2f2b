//! What readers and crawlers get: documents, 304, codings, deltas.

use std::io::{Read as _, Write as _};

use super::{Answer, Server, connect, ids, project, until};
use crate::project::{article, article_with, local_id};

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
    let tags =
        ["/rss.xml", "/atom.xml"].map(|path| (path, server.get(path).field("etag").to_owned()));
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
    for (path, tag) in &tags {
        let delta = server.get_with(path, &[a_im, ("If-None-Match", tag)]);
        assert_eq!(delta.status, 226, "{path}");
        let feed = feed_rs::parser::parse(&delta.body[..]).unwrap();
        let found: Vec<String> = feed
            .entries
            .iter()
            .map(|entry| local_id(&entry.id))
            .collect();
        assert_eq!(found, ["new", "a003"], "{path}");
        assert_eq!(feed.title.unwrap().content, "نيوز إكزامبل", "{path}");
    }
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

#[test]
fn deltas_go_on_after_a_restart() {
    let project = project();
    project.write_many(0..10);
    let server = Server::ready(&project);
    let first = server.get("/feed.json");
    project.write("b.md", article("b", "2025-03-10T12:30:00Z"));
    server.sync();
    let second = server.get("/feed.json");
    server.stop();
    let versions = project.state().join("versions");
    let saved = std::fs::read(&versions).unwrap();

    // What is published while nothing serves comes between.
    project.write("c.md", article("c", "2025-03-10T12:40:00Z"));
    project.khabar(&["build"]).ends(0);
    let server = Server::ready(&project);
    project.write("d.md", article("d", "2025-03-10T12:50:00Z"));
    server.sync();
    for (version, new) in [(&first, &["d", "c", "b"][..]), (&second, &["d", "c"])] {
        let asked = [("A-IM", "feed"), ("If-None-Match", version.field("etag"))];
        let delta = server.get_with("/feed.json", &asked);
        assert_eq!(delta.status, 226);
        assert_eq!(ids(&delta.body), new);
    }
    server.stop();

    // Torn, or another's: it is named, and answers are whole.
    for torn in [&saved[..saved.len() - 1], b"somebody else's"] {
        std::fs::write(&versions, torn).unwrap();
        let server = Server::ready(&project);
        let log = std::fs::read_to_string(project.root().join("log")).unwrap();
        assert!(log.contains("`versions` is not used"), "{log}");
        let asked = [("A-IM", "feed"), ("If-None-Match", first.field("etag"))];
        assert_eq!(server.get_with("/feed.json", &asked).status, 200);
        server.stop();
    }
    // Without it nothing is missed.
    std::fs::remove_file(&versions).unwrap();
    let server = Server::ready(&project);
    let log = std::fs::read_to_string(project.root().join("log")).unwrap();
    assert!(!log.contains("WARN"), "{log}");
    server.stop();
}

#[test]
fn a_large_document_is_the_same_however_often_it_is_asked_for() {
    let project = project();
    for number in 0..40 {
        let id = format!("a{number:03}");
        let text = article(&id, &crate::project::minutes_before(number));
        project.write(&format!("{id}.md"), text + &"نص طويل كثيرا. ".repeat(300));
    }
    let server = Server::ready(&project);
    let bytes = project.tree()["feed.json"].clone();
    assert!(bytes.len() > 200_000);
    // One behind the other on one connection, of two documents, more than a socket takes at once.
    let request =
        |path: &str, close: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{close}\r\n");
    let mut stream = connect(server.public);
    let mut asked = [request("/feed.json", ""), request("/rss.xml", "")]
        .concat()
        .repeat(15);
    asked += &request("/feed.json", "Connection: close\r\n");
    stream.write_all(asked.as_bytes()).unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).unwrap();
    let count = |bytes: &[u8]| occurrences(&said, bytes);
    assert_eq!((count(&bytes), count(&project.tree()["rss.xml"])), (16, 15));
    for _ in 0..3 {
        assert!(server.get("/feed.json").body == bytes);
    }
    server.stop();
}

/// How often `part` is in `whole`.
fn occurrences(whole: &[u8], part: &[u8]) -> usize {
    let mut count = 0;
    let mut rest = whole;
    while let Some(at) = rest.windows(16).position(|start| start == &part[..16]) {
        rest = &rest[at..];
        if rest.starts_with(part) {
            count += 1;
            rest = &rest[part.len()..];
        } else {
            rest = &rest[1..];
        }
    }
    count
}
