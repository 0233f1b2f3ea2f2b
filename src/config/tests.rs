//! What sound files mean.

mod faults;
mod stores;

use std::path::{Path, PathBuf};

use super::*;

/// The least a configuration must say: eight lines.
const LEAST: &str = r#"[publication]
name = "News Example"
language = "ar"
url = "https://news.example"
feeds_url = "https://feeds.example/news/"
id_authority = "news.example,2016"
[store]
path = "articles"
"#;

fn parse(text: &str) -> Result<Config, Vec<String>> {
    Config::parse(text, Path::new("/project"), crate::article::Timestamp::MAX)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

/// The least configuration with `more` from line 9 on.
fn sound(more: &str) -> Config {
    parse(&format!("{LEAST}{more}")).unwrap_or_else(|faults| panic!("{more}: {faults:?}"))
}

fn directory(config: &Config) -> &DirectoryConfig {
    match &config.store.kind {
        StoreKind::Directory(directory) => directory,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_least_configuration_has_its_defaults() {
    let config = sound("");
    let publication = &config.publication;
    assert_eq!(publication.title.as_str(), "News Example");
    assert_eq!(publication.description.as_str(), "News Example");
    assert_eq!(publication.url.as_str(), "https://news.example/");
    assert_eq!(
        publication.feeds_url.as_str(),
        "https://feeds.example/news/"
    );
    assert_eq!(publication.article_url, "/{path}/");
    assert_eq!(publication.time_zone, chrono_tz::UTC);
    assert_eq!(
        publication.id_authority.since.to_rfc3339(),
        "2016-01-01T00:00:00Z"
    );
    assert_eq!(publication.authors.len(), 1);
    assert_eq!(publication.authors[0].name.as_str(), "News Example");
    assert_eq!(config.store.path(), Some(Path::new("/project/articles")));
    assert!(directory(&config).include.is_none() && directory(&config).exclude.is_empty());
    assert_eq!(config.store.section_from, SectionFrom::Field);
    assert_eq!(
        (config.store.scan_every, directory(&config).settle_ms),
        (300, 50)
    );
    assert_eq!(
        (
            directory(&config).settle_delete_ms,
            directory(&config).settle_max_ms
        ),
        (500, 2_000)
    );
    assert_eq!(config.out, PathBuf::from("/project/out"));
    assert_eq!(config.state, PathBuf::from("/project/.khabar"));
    assert_eq!(config.feeds.front.formats, FeedFormat::ALL);
    assert_eq!(
        (config.feeds.front.newest, config.feeds.front.floor),
        (50, 3_600)
    );
    assert_eq!(config.feeds.stories, config.feeds.front);
    assert_eq!(config.guard.max_loss_basis_points, 2_500);
    assert_eq!(config.serve.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.serve.operations.to_string(), "127.0.0.1:8081");
    assert_eq!(
        config.announce,
        Announce {
            hubs: vec![],
            indexnow_key: None,
            indexnow_endpoint: WebUrl::parse("https://api.indexnow.org/indexnow").unwrap(),
            delay: 0,
            allow_private: false,
        }
    );
}

#[test]
fn the_configuration_of_the_repository_is_sound() {
    let config = parse(include_str!("../../config.toml")).unwrap();
    assert_eq!(config.publication.name.as_str(), "News Example");
    assert_eq!(config.publication.title.as_str(), "نيوز إكزامبل");
    assert_eq!(config.publication.time_zone, chrono_tz::Europe::Moscow);
    assert_eq!(
        config.store.path(),
        Some(Path::new("/project/tests/newsroom"))
    );
    assert_eq!(config.feeds.front.content, Content::Full);
    assert_eq!(config.feeds.stories.content, Content::Summary);
    let videos = TopicId::new("videos").unwrap();
    let videos = config.declared(&Channel::Declared(videos)).unwrap();
    assert_eq!(videos.matches.as_ref().unwrap().kind, [Kind::Video]);
}

#[test]
fn every_key_is_read() {
    let config = sound(
        r#"
include = ["**/*.md", "*.json"]
exclude = ["drafts/**"]
section_from = "directory"
follow_symlinks = true
scan_every = "1h"
settle = "1s"
settle_delete = "0ms"
settle_max = "1s"
[out]
kind = "directory"
path = "/srv/./feeds"
[feeds]
formats = ["json", "rss"]
newest = 1_000
floor = "0s"
[feeds.sections]
formats = ["atom"]
[feeds.front]
content = "summary"
[sitemap]
cross_host = true
[news]
exclude_sections = ["sport"]
[[section]]
id = " sport "
url = "/s/"
[guard]
max_loss = "12.5%"
[state]
path = "../state"
[serve]
listen = "[::]:80"
operations = "127.0.0.1:80"
[announce]
hubs = ["https://hub.example/"]
indexnow_key_file = "key.txt"
delay = "1m"
"#,
    );
    assert!(
        directory(&config)
            .include
            .as_ref()
            .unwrap()
            .is_match("a/b/c.md")
    );
    // A star stops at a slash.
    assert!(
        !directory(&config)
            .include
            .as_ref()
            .unwrap()
            .is_match("a/b.json")
    );
    assert!(directory(&config).exclude.is_match("drafts/a/b.md"));
    assert_eq!(config.store.section_from, SectionFrom::Directory);
    assert!(directory(&config).follow_symlinks && config.cross_host);
    assert_eq!(
        (config.store.scan_every, directory(&config).settle_ms),
        (3_600, 1_000)
    );
    assert_eq!(
        (
            directory(&config).settle_delete_ms,
            directory(&config).settle_max_ms
        ),
        (0, 1_000)
    );
    assert_eq!(config.out, PathBuf::from("/srv/feeds"));
    assert_eq!(config.state, PathBuf::from("/project/../state"));
    // In the order of the formats, not of the file.
    assert_eq!(
        config.feeds.channels.formats,
        [FeedFormat::Rss, FeedFormat::Json]
    );
    assert_eq!(config.feeds.sections.formats, [FeedFormat::Atom]);
    assert_eq!(
        (config.feeds.sections.newest, config.feeds.sections.floor),
        (1_000, 0)
    );
    assert_eq!(config.feeds.front.content, Content::Summary);
    assert_eq!(config.exclude_sections, [config.sections[0].id.clone()]);
    assert_eq!(
        config.sections[0].url.as_ref().unwrap().as_str(),
        "https://news.example/s/"
    );
    assert_eq!(config.guard.max_loss_basis_points, 1_250);
    assert_eq!(
        config.announce.indexnow_key,
        Some(Secret::File(PathBuf::from("/project/key.txt")))
    );
    assert_eq!(config.announce.delay, 60);
}

#[test]
fn a_key_may_be_in_the_environment() {
    let key = |keys| sound(&format!("[announce]\n{keys}")).announce.indexnow_key;
    assert_eq!(
        key("indexnow_key_env = \"INDEXNOW_KEY\"\n"),
        Some(Secret::Variable("INDEXNOW_KEY".to_owned()))
    );
    let none = "indexnow_key_env = \"\"\nindexnow_key_file = \"\"\n";
    assert_eq!(key(none), None);
}

#[test]
fn a_default_follows_what_it_depends_on() {
    assert_eq!(directory(&sound("settle = \"3s\"\n")).settle_max_ms, 3_000);
    let any_port = sound("[serve]\nlisten = \"127.0.0.1:0\"\noperations = \"127.0.0.1:0\"\n");
    assert_eq!(any_port.serve.listen, any_port.serve.operations);
}

#[test]
fn match_tables_take_one_value_or_a_list() {
    let config = sound(
        r#"
[[channel]]
id = "a"
match = { kind = ["video", "live"], sections = "s", stories = ["t"], tags = "وسم", authors = "م", language = "AR", source = "ق", not = { tags = ["x", "y"] } }
"#,
    );
    let matches = config.channels[0].matches.as_ref().unwrap();
    assert_eq!(matches.kind, [Kind::Video, Kind::Live]);
    assert_eq!(matches.sections, [TopicId::new("s").unwrap()]);
    assert_eq!(matches.stories, [TopicId::new("t").unwrap()]);
    assert_eq!(matches.tags[0].as_str(), "وسم");
    assert_eq!(matches.authors[0].as_str(), "م");
    assert_eq!(matches.language[0].as_str(), "ar");
    assert_eq!(matches.source[0].as_str(), "ق");
    assert_eq!(matches.not.as_ref().unwrap().tags.len(), 2);
}

#[test]
fn authors_are_names_or_tables() {
    let text = LEAST.replace(
        "[store]",
        "authors = [\"أ\", { name = \"ب\", url = \"/b\", email = \"b@news.example\" }]\n[store]",
    );
    let authors = parse(&text).unwrap().publication.authors;
    assert_eq!(authors[0].name.as_str(), "أ");
    assert_eq!(
        authors[1].url.as_ref().unwrap().as_str(),
        "https://news.example/b"
    );
    assert_eq!(
        authors[1].email.as_ref().unwrap().as_str(),
        "b@news.example"
    );
}

#[test]
fn readings_are_stale_when_what_they_read_by_has_changed() {
    let print = |text: &str| parse(text).unwrap().reading_fingerprint();
    let first = print(LEAST);
    let mut prints = vec![first];
    for (from, to) in [
        ("https://news.example", "https://www.news.example"),
        ("https://feeds.example/news/", "https://feeds.example/"),
        ("\"ar\"", "\"fa\""),
        ("[store]", "time_zone = \"Asia/Tehran\"\n[store]"),
        ("[store]", "article_url = \"/{id}/\"\n[store]"),
        (
            "[store]",
            "[sitemap]\ncross_host = true\n[store]\nsection_from = \"field\"",
        ),
        ("[store]", "[store]\nsection_from = \"directory\""),
    ] {
        prints.push(print(&LEAST.replacen(from, to, 1)));
    }
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), 8, "every one of them counts");
    let unrelated = LEAST.replace("News Example", "Other") + "[feeds]\nnewest = 5\n";
    assert_eq!(print(&unrelated), first);
}

proptest::proptest! {
    /// Whatever is typed into a sound file: no panic, and every fault has a place that is there.
    #[test]
    fn no_edit_is_too_much(at in 0..4_000_usize, cut in 0..40_usize, put in "\\PC{0,12}|[\\[\\]{}=\"'.,#\n\t a1]{0,8}") {
        let mut text = include_str!("../../config.toml").to_owned();
        let boundary = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (from, to) = (boundary(at), boundary(at + cut));
        text.replace_range(from..to, &put);
        if let Err(faults) = Config::parse(&text, Path::new("/project"), crate::article::Timestamp::MAX) {
            assert!(!faults.is_empty());
            for fault in faults {
                assert!(fault.place.line as usize <= text.split('\n').count());
                if let Some(excerpt) = fault.excerpt {
                    assert!(excerpt.line.get(excerpt.span).is_some());
                }
            }
        }
    }
}
