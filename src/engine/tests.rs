//! Law 1 (incremental = from scratch), law 5 (minimal) and law 6 (isolation) over random histories.

mod errands;
mod history;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::article::{Change, ContentHash};
use crate::plan::explain::explain;
use crate::store::format;
use history::{Happening, Written, file, happening};

/// The start of every history: 2026-11-23T12:00:00Z.
const START: i64 = 1_795_435_200;

const CONFIG: &str = r#"
[publication]
name = "News"
language = "ar"
url = "https://news.example/"
feeds_url = "https://news.example/"
id_authority = "news.example,2016"
[store]
path = "store"
[feeds]
newest = 3
floor = "1h"
[feeds.stories]
newest = 2
content = "summary"
[[section]]
id = "world"
[[story]]
id = "declared"
title = "قصة"
match = { tags = ["وسم"] }
[[channel]]
id = "videos"
match = { kind = "video" }
"#;

fn config() -> Arc<Config> {
    Arc::new(
        Config::parse(
            CONFIG,
            Path::new("/nowhere"),
            crate::article::Timestamp::MAX,
        )
        .unwrap(),
    )
}

/// A store that is a map, and what has been published from it.
struct World {
    config: Arc<Config>,
    files: BTreeMap<StorePath, String>,
    now: Timestamp,
    engine: Engine,
    out: BTreeMap<String, Vec<u8>>,
    saved: Memory,
}

/// What a turn published.
struct Published {
    written: BTreeSet<String>,
    guarded: Guarded,
}

impl World {
    fn new() -> Self {
        let config = config();
        let now = Timestamp::from_seconds(START).unwrap();
        Self {
            engine: Engine::new(Arc::clone(&config), Memory::default(), now),
            config,
            files: BTreeMap::new(),
            now,
            out: BTreeMap::new(),
            saved: Memory::default(),
        }
    }

    fn put(&mut self, path: &str, text: impl Into<String>) {
        self.files.insert(StorePath::new(path), text.into());
    }

    fn read(&self, known: &Files) -> Changes {
        let mut changes = Changes::default();
        for (path, text) in &self.files {
            let hash = ContentHash::of(text.as_bytes());
            if !known.has_read(path, hash) {
                let reading = format::read(path, text.as_bytes(), &self.config);
                changes.changed.push(Change {
                    path: path.clone(),
                    hash: Some(hash),
                    finding: reading.finding,
                    published: reading.published,
                    diagnostics: reading.diagnostics,
                });
            }
        }
        let gone = known
            .at_or_below("")
            .filter(|path| !self.files.contains_key(*path));
        changes.gone = gone.cloned().collect();
        changes
    }

    fn feed_bodies(&self, engine: &mut Engine) {
        let bodies: Vec<(StorePath, Body)> = engine
            .work()
            .needs
            .into_iter()
            .map(|path| {
                let bytes = self.files[&path].as_bytes();
                let body = Body {
                    hash: Some(ContentHash::of(bytes)),
                    html: format::body(&path, bytes, &self.config),
                };
                (path, body)
            })
            .collect();
        engine.take_bodies(bodies);
    }

    /// One turn; where `fails`, nothing of it reaches `out` and nothing is committed.
    fn turn(&mut self, fails: bool) -> Published {
        let changes = self.read(self.engine.files());
        let guarded = self.engine.step(changes, self.now);
        let mut engine = std::mem::replace(
            &mut self.engine,
            Engine::new(config(), Memory::default(), self.now),
        );
        self.feed_bodies(&mut engine);
        self.engine = engine;
        // As the daemon does: where nothing is owed, nothing is rendered.
        if self.engine.work().is_empty() {
            if self.engine.has_pressing_news() {
                self.save(self.engine.news());
            }
            return Published {
                written: BTreeSet::new(),
                guarded,
            };
        }
        let rendered = self.engine.render(self.engine.work()).unwrap();
        self.engine.owe_topics(&rendered);
        self.save(self.engine.news_before(&rendered));
        let mut written = BTreeSet::new();
        if !fails {
            for document in &rendered.release.documents {
                let path = document.key.path();
                if self.out.get(&path) != Some(&document.bytes) {
                    written.insert(path.clone());
                }
                self.out.insert(path, document.bytes.clone());
            }
            for path in &rendered.release.retired {
                assert!(self.out.remove(path).is_some(), "{path} was not there");
            }
            self.engine.commit(rendered);
        }
        Published { written, guarded }
    }

    fn save(&mut self, news: Vec<Record>) {
        for record in news {
            self.saved.apply(record);
        }
        self.engine.news_is_saved();
    }

    /// What a build into an empty `out` writes, with the same memory and no checkpoint.
    fn built_anew(&self) -> BTreeMap<String, Vec<u8>> {
        let mut memory = self.saved.clone();
        memory.manifest.clear();
        memory.distrust_readings();
        let mut engine = Engine::new(Arc::clone(&self.config), memory, self.now);
        engine.step(self.read(engine.files()), self.now);
        self.feed_bodies(&mut engine);
        let rendered = engine.render(engine.work()).unwrap();
        let documents = rendered.release.documents.into_iter();
        documents
            .map(|document| (document.key.path(), document.bytes))
            .collect()
    }

    /// The daemon is stopped, which saves everything.
    fn stop(&mut self) {
        let news = self.engine.news();
        self.save(news);
        let mut everything = Memory::default();
        for record in self.engine.everything() {
            everything.apply(record);
        }
        assert_eq!(
            format!("{:?}", self.saved.files),
            format!("{:?}", everything.files)
        );
        self.saved = everything;
    }

    /// The daemon is started again with what it had saved.
    fn start(&mut self) {
        let memory = self.saved.clone();
        self.engine = Engine::new(Arc::clone(&self.config), memory, self.now);
    }

    fn assert_true(&self) {
        let expected = self.built_anew();
        for (path, bytes) in &expected {
            let found = self
                .out
                .get(path)
                .unwrap_or_else(|| panic!("{path} is missing"));
            assert_eq!(
                String::from_utf8_lossy(found),
                String::from_utf8_lossy(bytes),
                "{path} at {}",
                self.now
            );
        }
        for path in self.out.keys() {
            assert!(expected.contains_key(path), "{path} is stale");
        }
    }

    /// `explain` says of every article what the documents say.
    fn assert_explained(&self) {
        let catalog = self.engine.catalog();
        for entry in catalog.entries() {
            let guid = crate::render::identity::article(
                &self.config.publication.id_authority,
                &entry.article.id,
            );
            for standing in explain(catalog, &self.config, entry).standings {
                for path in &standing.documents {
                    let text = self.out.get(path).map(|b| String::from_utf8_lossy(b));
                    let text = text.as_deref().unwrap_or_default();
                    let is_feed = path.ends_with("rss.xml") || path.ends_with("feed.json");
                    let is_atom = path.ends_with("atom.xml");
                    let is_carried = if path == "index.html" {
                        text.contains(&format!("href=\"{}\"", entry.article.url))
                    } else if is_feed {
                        text.contains(&format!("{guid}<")) || text.contains(&format!("{guid}\""))
                    } else if is_atom {
                        text.contains(&format!("<id>{guid}</id>"))
                    } else {
                        text.contains(&format!("<loc>{}</loc>", entry.article.url))
                    };
                    assert_eq!(
                        is_carried, standing.is_carried,
                        "{guid} in {path}: {}",
                        standing.why
                    );
                }
            }
        }
    }
}

impl World {
    /// Makes something happen; says whether the next publication fails.
    fn happen(&mut self, happening: &Happening) -> bool {
        let id = |number: u8| ArticleId::new(&format!("a{number}")).unwrap();
        match happening {
            Happening::Write(number, written) => self.put(&file(*number), written.text()),
            Happening::Break(number) => self.put(&file(*number), "{\"id\": "),
            Happening::NoArticle(number) => {
                self.files.remove(&StorePath::new(&file(*number)));
                self.put(&format!("f{number}.md"), "---\ntitle: صفحة\n---\nنص\n");
            }
            Happening::Remove(number) => {
                self.files.remove(&StorePath::new(&file(*number)));
            }
            Happening::RemoveAll => self.files.clear(),
            Happening::Move(from, to) => {
                if let Some(text) = self.files.remove(&StorePath::new(&file(*from))) {
                    self.put(&file(*to), text);
                }
            }
            Happening::Pass(seconds) => self.now = self.now.plus(*seconds),
            Happening::Withdraw(number) => {
                self.engine.withdraw(&id(*number), Some(self.now));
            }
            Happening::Restore(number) => {
                self.engine.withdraw(&id(*number), None);
            }
            Happening::Accept => {
                self.engine.accept();
            }
            Happening::Restart => {
                self.stop();
                self.start();
            }
            Happening::Crash => self.start(),
            Happening::Fail => return true,
        }
        false
    }
}

/// 48 histories, or as many as `PROPTEST_CASES` says.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|cases| cases.parse().ok()).unwrap_or(48)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn incremental_is_built_anew(history in prop::collection::vec(happening(), 1..60)) {
        let mut world = World::new();
        world.turn(false);
        for happening in &history {
            let fails = world.happen(happening);
            world.turn(fails);
            if !fails {
                world.assert_true();
                world.assert_explained();
                // Nothing happened since: nothing is rendered that differs.
                prop_assert!(world.turn(false).written.is_empty());
            }
        }
    }
}

fn simple(id: u8, age_minutes: i64) -> Written {
    Written {
        id,
        title: 0,
        body: 0,
        is_indexed: true,
        age_minutes,
        updated_minutes: None,
        expires_minutes: None,
        section: None,
        section_title: false,
        story: None,
        status: "published",
        kind: "article",
        is_tagged: false,
        is_news: true,
    }
}

#[test]
fn an_edit_below_a_window_renders_nothing_of_it() {
    let mut world = World::new();
    for number in 0..10 {
        world.put(
            &file(number),
            simple(number, 100_000 + i64::from(number)).text(),
        );
    }
    world.turn(false);
    world.put(
        &file(9),
        Written {
            title: 3,
            ..simple(9, 100_009)
        }
        .text(),
    );
    let changes = world.read(world.engine.files());
    world.engine.step(changes, world.now);
    assert!(world.engine.work().feeds.is_empty());
    world.put(
        &file(0),
        Written {
            title: 3,
            ..simple(0, 100_000)
        }
        .text(),
    );
    let changes = world.read(world.engine.files());
    world.engine.step(changes, world.now);
    assert_eq!(world.engine.work().feeds.len(), 1);
}

#[test]
fn a_held_loss_stays_held_while_other_articles_come() {
    let mut world = World::new();
    for number in 0..40 {
        world.put(
            &file(number),
            simple(number, 100 + i64::from(number)).text(),
        );
    }
    world.turn(false);
    for number in 0..20 {
        world.files.remove(&StorePath::new(&file(number)));
    }
    let published = world.turn(false);
    assert_eq!(
        (published.guarded.held, published.guarded.visible),
        (20, 40)
    );
    assert!(published.written.is_empty(), "{:?}", published.written);
    for number in 100..200 {
        world.put(
            &file(number),
            simple(number, 1_000 + i64::from(number)).text(),
        );
    }
    assert_eq!(world.turn(false).guarded.held, 20);
    world.happen(&Happening::Restart);
    assert_eq!(world.turn(false).guarded.held, 20);
    world.put(&file(0), simple(0, 100).text());
    assert_eq!(world.turn(false).guarded.held, 19);
    assert_eq!(world.engine.accept(), 19);
    assert_eq!(world.turn(false).guarded.held, 0);
    assert_eq!(world.engine.visible(), 121);
    world.assert_true();
}

#[test]
fn what_was_let_go_before_a_crash_is_no_new_loss() {
    let mut world = World::new();
    for number in 0..40 {
        world.put(
            &file(number),
            simple(number, 100 + i64::from(number)).text(),
        );
    }
    world.turn(false);
    // Five at a time, as no guard minds.
    for batch in 0..4 {
        for number in batch * 5..batch * 5 + 5 {
            world.files.remove(&StorePath::new(&file(number)));
        }
        assert_eq!(world.turn(false).guarded.held, 0);
    }
    world.happen(&Happening::Crash);
    assert_eq!(world.turn(false).guarded.held, 0);
    assert_eq!(world.engine.visible(), 20);
    world.assert_true();
}

#[test]
fn a_look_into_the_future_lets_go_of_nothing_that_is_held() {
    let mut world = World::new();
    for number in 0..40 {
        let expiring = Written {
            expires_minutes: Some(1_000),
            ..simple(number, 100 + i64::from(number))
        };
        world.put(&file(number), expiring.text());
    }
    world.turn(false);
    world.files.clear();
    assert_eq!(world.turn(false).guarded.held, 40);
    let now = world.now;
    world.stop();
    world.now = now.plus(100_000);
    world.start();
    assert_eq!(world.turn(false).guarded.held, 0);
    world.stop();
    world.now = now;
    world.start();
    assert_eq!(world.turn(false).guarded.held, 40);
}

#[test]
fn a_holder_that_becomes_bad_still_holds() {
    let mut world = World::new();
    world.put(&file(0), simple(7, 200).text());
    world.put(
        &file(1),
        Written {
            title: 3,
            ..simple(7, 100)
        }
        .text(),
    );
    world.turn(false);
    let before = world.out.clone();
    world.put(&file(0), "{\"id\":");
    world.turn(false);
    assert_eq!(world.out, before);
    assert_eq!(world.engine.duplicates().len(), 1);
    world.happen(&Happening::Restart);
    world.turn(false);
    assert_eq!(world.out, before);
    world.files.remove(&StorePath::new(&file(0)));
    world.turn(false);
    assert_ne!(world.out, before, "the holder has left the store");
    world.assert_true();
}

#[test]
fn a_lost_change_is_seen() {
    // The test of the test: an engine that misses a file must not pass for true.
    let mut world = World::new();
    world.put(&file(0), simple(0, 10).text());
    world.turn(false);
    world.put(&file(1), simple(1, 5).text());
    let is_true = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.assert_true()));
    assert!(is_true.is_err());
}

#[test]
fn a_body_that_cannot_be_fetched_is_owed() {
    let mut world = World::new();
    world.put(&file(0), simple(0, 10).text());
    let changes = world.read(world.engine.files());
    world.engine.step(changes, world.now);
    // The store is lost before the body is asked for: the summary is published meanwhile.
    let rendered = world.engine.render(world.engine.work()).unwrap();
    world.engine.commit(rendered);
    assert!(!world.engine.work().is_empty());
    world.turn(false);
    assert!(world.engine.work().is_empty());
    let feed = String::from_utf8(world.out["rss.xml"].clone()).unwrap();
    assert!(feed.contains("متن 0"), "{feed}");
}

#[test]
fn a_clock_that_ran_ahead_and_published_nothing_goes_back() {
    let mut world = World::new();
    world.put(&file(0), simple(0, 60).text());
    world.turn(false);
    let (now, before) = (world.now, world.out.clone());
    world.put(&file(1), simple(1, -10).text());
    world.now = now.plus(3_600);
    world.turn(true);
    world.now = now;
    world.put(&file(2), simple(2, -20).text());
    world.turn(false);
    assert_eq!(world.out, before, "both are under embargo");
    world.assert_true();
    for minutes in [10, 20] {
        world.now = now.plus(minutes * 60);
        world.turn(false);
        assert!(world.out != before);
        world.assert_true();
    }
}
