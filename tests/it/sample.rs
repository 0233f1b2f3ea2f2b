//! The sample newsroom: what is published of it is what was planned, and what parsers written by
//! others read in the feeds is what the articles say.

use std::collections::{BTreeMap, BTreeSet};

use feed_rs::model::{Entry, Feed};
use serde_json::Value;

use crate::project::{Project, Run, Tree, local_id, repository};

const NOW: &str = "2026-11-23T16:00:00+03:00";
/// Begins a title that would otherwise be laid out from left to right.
const RLM: char = '\u{200F}';

fn expected() -> Value {
    let path = repository().join("tests/expected.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn built() -> (Project, Run) {
    let project = Project::sample();
    let run = project
        .khabar(&["build", "-vv", "--strict", "--now", NOW])
        .ends(0);
    (project, run)
}

fn texts(value: &Value) -> Vec<String> {
    let texts = value.as_array().unwrap().iter();
    texts
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

/// Every `loc` of a sitemap.
fn locations(sitemap: &str) -> Vec<String> {
    sitemap
        .split("<loc>")
        .skip(1)
        .map(|rest| rest.split_once("</loc>").unwrap().0.replace("&amp;", "&"))
        .collect()
}

/// The ids of articles by their URL, as the front's feed gives them.
fn ids_by_url(project: &Project) -> BTreeMap<String, String> {
    let feed: Value = serde_json::from_str(&project.read("feed.json")).unwrap();
    let items = feed["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            let text = |key: &str| item[key].as_str().unwrap().to_owned();
            (text("url"), local_id(&text("id")))
        })
        .collect()
}

#[test]
fn counts_are_as_planned() {
    let (project, run) = built();
    let expected = expected();
    let number = |key: &str| expected[key].as_u64().unwrap();
    let size = |key: &str| expected[key].as_object().unwrap().len();
    let begin = format!(
        "{} articles, {} sections, {} stories, ",
        number("visible"),
        size("sections"),
        size("stories")
    );
    assert!(run.stdout.starts_with(&begin), "{}", run.stdout);
    assert!(run.stdout.contains(", 0 rejected, "), "{}", run.stdout);
    for (kind, folder) in [
        ("sections", "sections"),
        ("stories", "stories"),
        ("channels", "channels"),
    ] {
        let planned = expected[kind].as_object().unwrap();
        for (id, count) in planned {
            let shown = project.shown_in(&format!("{folder}/{id}/feed.json")).len();
            assert_eq!(shown as u64, count.as_u64().unwrap(), "{folder}/{id}");
        }
        let folders = std::fs::read_dir(project.out().join(folder)).unwrap();
        assert_eq!(folders.count(), planned.len(), "{folder}");
    }
    assert_eq!(project.shown().len() as u64, number("visible"));
    let stories: Value = serde_json::from_str(&project.read("stories.json")).unwrap();
    for story in stories["stories"].as_array().unwrap() {
        let id = story["id"].as_str().unwrap();
        assert_eq!(story["count"], expected["stories"][id], "{id}");
    }
    assert_eq!(
        stories["stories"].as_array().unwrap().len(),
        size("stories")
    );
}

#[test]
fn news_and_months_are_as_planned() {
    let (project, _) = built();
    let expected = expected();
    let ids = ids_by_url(&project);
    let news: Vec<String> = locations(&project.read("news-sitemap.xml"))
        .iter()
        .map(|url| ids[url].clone())
        .collect();
    assert_eq!(news, texts(&expected["news"]));
    let mut parts = vec!["https://news.example/news-sitemap.xml".to_owned()];
    for (month, count) in expected["sitemap_months"].as_object().unwrap() {
        let part = format!("sitemap-{month}.xml");
        let found = locations(&project.read(&part)).len();
        assert_eq!(found as u64, count.as_u64().unwrap(), "{part}");
        parts.push(format!("https://news.example/{part}"));
    }
    assert_eq!(locations(&project.read("sitemap.xml")), parts);
}

#[test]
fn withdrawn_articles_leave_a_tombstone_and_nothing_else() {
    let (project, _) = built();
    let planned: BTreeSet<String> = texts(&expected()["tombstones"]).into_iter().collect();
    let atom = project.read("atom.xml");
    let found: BTreeSet<String> = atom
        .split("<at:deleted-entry ref=\"")
        .skip(1)
        .map(|rest| local_id(rest.split_once('"').unwrap().0))
        .collect();
    assert_eq!(found, planned);
    for (path, bytes) in project.tree() {
        let text = String::from_utf8(bytes).unwrap();
        for id in &planned {
            let number = &id[id.len() - 7..];
            let is_named = text.contains(number);
            assert!(!is_named || path.ends_with("atom.xml"), "{id} in {path}");
        }
    }
}

/// What is hidden is in no document, and what is under embargo in no log either: neither id nor
/// title nor path.
#[test]
fn hidden_articles_occur_nowhere() {
    let (project, run) = built();
    let documents = project.tree();
    let mut embargoed = 0;
    for (id, why) in expected()["hidden"].as_object().unwrap() {
        let number = &id[id.len() - 7..];
        let (path, text) = source(number);
        let title = text
            .lines()
            .find_map(|line| line.strip_prefix("title: \""))
            .or_else(|| text.split("\"value\": \"").nth(1))
            .and_then(|rest| rest.split('"').next())
            .unwrap();
        let name = path.rsplit('/').next().unwrap().split('.').next().unwrap();
        for word in [number, title, name] {
            for (path, bytes) in &documents {
                let text = std::str::from_utf8(bytes).unwrap();
                assert!(!text.contains(word), "{word} in {path}");
            }
            if why == "embargoed" {
                assert!(!run.stdout.contains(word) && !run.stderr.contains(word));
                embargoed += 1;
            }
        }
    }
    assert_eq!(embargoed, 3);
}

/// The file of the newsroom whose name has `number`, and its text.
fn source(number: &str) -> (String, String) {
    let newsroom: Tree = crate::project::tree(&repository().join("tests/newsroom"));
    let mut found = newsroom
        .into_iter()
        .filter(|(path, _)| path.contains(number));
    let (path, bytes) = found.next().unwrap();
    assert!(found.next().is_none(), "{number} is in two names");
    (path, String::from_utf8(bytes).unwrap())
}

#[test]
fn check_has_the_planned_doubts_and_no_fault() {
    let project = Project::sample();
    let run = project
        .khabar(&["check", "--format", "json", "--now", NOW])
        .ends(0);
    let expected = expected();
    let doubts: Vec<Value> = run
        .lines()
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let planned = expected["doubts"].as_array().unwrap();
    assert_eq!(doubts.len(), planned.len(), "{}", run.stdout);
    for (doubt, planned) in doubts.iter().zip(planned) {
        assert_eq!(doubt["severity"], "doubt");
        assert_eq!(doubt["path"], planned["path"]);
    }
    let files = expected["files"].as_u64().unwrap();
    run.says(&format!(
        "{files} files read: 0 faults, {} doubts",
        planned.len()
    ));
}

#[test]
fn a_second_build_has_nothing_to_do_and_verify_agrees() {
    let (project, _) = built();
    let again = project.khabar(&["build", "--now", NOW]).ends(0);
    assert!(again.stdout.contains(" 0 changed, "), "{}", again.stdout);
    assert_eq!(project.khabar(&["verify", "--now", NOW]).ends(0).stdout, "");
}

/// A feed as the independent parser sees it.
fn parse(project: &Project, path: &str) -> Feed {
    feed_rs::parser::parse(project.read(path).as_bytes())
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every folder of `out` with three feeds, `""` for the front.
fn folders(tree: &Tree) -> Vec<String> {
    let feeds = tree
        .keys()
        .filter_map(|path| path.strip_suffix("feed.json"));
    feeds.map(str::to_owned).collect()
}

/// What the three formats must agree on.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    id: String,
    title: String,
    link: String,
    published: i64,
    summary: String,
    content: Option<String>,
    authors: Vec<String>,
}

fn said(entry: &Entry) -> Said {
    let text =
        |text: Option<&feed_rs::model::Text>| text.map(|text| text.content.trim().to_owned());
    let body = entry
        .content
        .as_ref()
        .and_then(|content| content.body.clone());
    Said {
        id: entry.id.clone(),
        title: text(entry.title.as_ref())
            .unwrap()
            .trim_start_matches(RLM)
            .to_owned(),
        link: entry.links[0].href.clone(),
        published: entry.published.unwrap().timestamp(),
        summary: text(entry.summary.as_ref()).unwrap_or_default(),
        content: body.map(|body| body.trim().to_owned()),
        authors: entry
            .authors
            .iter()
            .filter_map(|person| person.name.clone())
            .collect(),
    }
}

#[test]
fn the_three_formats_of_a_channel_say_the_same() {
    let (project, _) = built();
    let folders = folders(&project.tree());
    assert_eq!(folders.len(), 1 + 9 + 13 + 5);
    for folder in folders {
        let [rss, atom, json] = ["rss.xml", "atom.xml", "feed.json"]
            .map(|name| parse(&project, &format!("{folder}{name}")));
        let says = |feed: &Feed| feed.entries.iter().map(said).collect::<Vec<_>>();
        let plain: Value =
            serde_json::from_str(&project.read(&format!("{folder}feed.json"))).unwrap();
        let items = plain["items"].as_array().unwrap();
        assert_eq!(says(&json).len(), items.len(), "{folder}");
        assert_eq!(says(&atom), says(&rss), "{folder}");
        for ((entry, item), in_json) in says(&atom).iter().zip(items).zip(says(&json)) {
            let text = |key: &str| item[key].as_str().unwrap_or_default().trim().to_owned();
            assert_eq!(entry.id, text("id"), "{folder}");
            let title = text("title");
            assert_eq!(entry.title, title.trim_start_matches(RLM), "{folder}");
            assert_eq!(entry.link, text("url"), "{folder}");
            assert_eq!(entry.summary, text("summary"), "{folder}");
            assert_eq!(
                entry.content.clone().unwrap_or_default(),
                text("content_html")
            );
            let date = chrono::DateTime::parse_from_rfc3339(&text("date_published")).unwrap();
            assert_eq!(entry.published, date.timestamp(), "{folder}");
            let named = item["authors"].as_array().into_iter().flatten();
            let named: Vec<&str> = named
                .map(|person| person["name"].as_str().unwrap())
                .collect();
            assert_eq!(entry.authors, named, "{folder}: {}", entry.id);
            assert_eq!(
                (in_json.id, in_json.title),
                (entry.id.clone(), entry.title.clone())
            );
        }
        check_updates(&atom, items, &folder);
        check_topics(&rss, &atom, items, &folder);
        check_media(&rss, &atom, items, &folder);
    }
}

fn check_updates(atom: &Feed, items: &[Value], folder: &str) {
    for (entry, item) in atom.entries.iter().zip(items) {
        let modified = item["date_modified"].as_str().unwrap();
        let modified = chrono::DateTime::parse_from_rfc3339(modified).unwrap();
        assert_eq!(entry.updated.unwrap(), modified, "{folder}: {}", entry.id);
        assert!(entry.updated >= entry.published, "{folder}: {}", entry.id);
    }
}

/// Sections and stories with their own domains, then tags.
fn check_topics(rss: &Feed, atom: &Feed, items: &[Value], folder: &str) {
    for ((in_rss, in_atom), item) in rss.entries.iter().zip(&atom.entries).zip(items) {
        let mut topics: Vec<(String, String, Option<String>)> = Vec::new();
        for kind in ["sections", "stories"] {
            for topic in item["_khabar"][kind].as_array().into_iter().flatten() {
                let text = |key: &str| topic[key].as_str().unwrap().to_owned();
                let scheme = format!("tag:news.example,2016:/{kind}/");
                topics.push((text("id"), text("title"), Some(scheme)));
            }
        }
        for tag in item["tags"].as_array().into_iter().flatten() {
            let tag = tag.as_str().unwrap().to_owned();
            topics.push((tag.clone(), tag, None));
        }
        let atom: Vec<_> = in_atom
            .categories
            .iter()
            .map(|c| {
                (
                    c.term.clone(),
                    c.label.clone().unwrap_or(c.term.clone()),
                    c.scheme.clone(),
                )
            })
            .collect();
        assert_eq!(atom, topics, "{folder}: {}", in_atom.id);
        let rss: Vec<_> = in_rss
            .categories
            .iter()
            .map(|c| (c.term.clone(), c.scheme.clone()))
            .collect();
        let titles: Vec<_> = topics
            .into_iter()
            .map(|(_, title, scheme)| (title, scheme))
            .collect();
        assert_eq!(rss, titles, "{folder}: {}", in_rss.id);
    }
}

/// What a feed says of media: of each URL its caption and credit.
fn media(entry: &Entry) -> BTreeSet<String> {
    let contents = entry.media.iter().flat_map(|object| &object.content);
    contents
        .filter_map(|content| Some(content.url.as_ref()?.to_string()))
        .collect()
}

fn check_media(rss: &Feed, atom: &Feed, items: &[Value], folder: &str) {
    for ((in_rss, in_atom), item) in rss.entries.iter().zip(&atom.entries).zip(items) {
        let at = format!("{folder}: {}", in_rss.id);
        let attachments: Vec<&Value> = item["attachments"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        let urls: BTreeSet<String> = attachments
            .iter()
            .map(|a| a["url"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(media(in_rss), urls, "{at}");
        let enclosures: BTreeSet<String> = in_atom
            .links
            .iter()
            .filter(|link| link.rel.as_deref() == Some("enclosure"))
            .map(|link| link.href.clone())
            .collect();
        assert_eq!(enclosures, urls, "{at}");
        let images: Vec<&Value> = item["_khabar"]["images"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        // Of several media the parser keeps the last caption alone.
        let ([image], 1) = (images.as_slice(), attachments.len()) else {
            continue;
        };
        let with_it = |entry: &Entry| {
            let credits: Vec<String> = entry
                .media
                .iter()
                .flat_map(|object| object.credits.iter().map(|credit| credit.entity.clone()))
                .collect();
            let captions: Vec<String> = entry
                .media
                .iter()
                .filter_map(|object| object.description.as_ref().map(|text| text.content.clone()))
                .collect();
            (credits, captions)
        };
        for entry in [in_rss, in_atom] {
            let (credits, captions) = with_it(entry);
            let has = |list: &[String], key: &str| {
                image[key]
                    .as_str()
                    .is_none_or(|text| list.iter().any(|found| found == text))
            };
            assert!(has(&credits, "credit"), "{at}: {credits:?}");
            assert!(has(&captions, "caption"), "{at}: {captions:?}");
        }
    }
}

#[test]
fn full_feeds_have_bodies_and_paid_articles_have_none() {
    let (project, _) = built();
    let feed: Value = serde_json::from_str(&project.read("feed.json")).unwrap();
    let (mut full, mut paid) = (0, 0);
    for item in feed["items"].as_array().unwrap() {
        match item["content_html"].as_str() {
            Some(body) => {
                assert!(
                    body.starts_with("<div dir=") && body.ends_with("</div>"),
                    "{body}"
                );
                assert!(body.len() > 60, "{body}");
                full += 1;
            }
            None => paid += 1,
        }
    }
    assert!(
        full > 35 && full + paid == 44,
        "{full} with a body, {paid} without"
    );
    // [feeds.stories] content = "summary"
    for path in project
        .tree()
        .keys()
        .filter(|path| path.starts_with("stories/") && path.ends_with("rss.xml"))
    {
        assert!(!project.read(path).contains("content:encoded>"), "{path}");
    }
}
