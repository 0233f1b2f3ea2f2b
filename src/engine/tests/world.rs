//! A store that is a map, an engine over it, and what that has published and remembered.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::super::*;
use super::history::{Happening, Written, file};
use crate::article::ContentHash;
use crate::document::Release;
use crate::files::heap::HeapArchive;
use crate::files::{Change, File, Sighting};
use crate::plan::explain::explain;
use crate::store::format;

/// The start of every history: 2026-11-23T12:00:00Z.
pub(super) const START: i64 = 1_795_435_200;

pub(super) const CONFIG: &str = r#"
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

pub(super) fn config() -> Arc<Config> {
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
pub(super) struct World {
    pub(super) config: Arc<Config>,
    pub(super) files: BTreeMap<StorePath, String>,
    pub(super) now: Timestamp,
    pub(super) engine: Engine,
    pub(super) out: BTreeMap<String, Vec<u8>>,
    pub(super) saved: Memory,
    pub(super) archive: Arc<HeapArchive>,
}

fn engine(
    config: &Arc<Config>,
    memory: Memory,
    archive: &Arc<HeapArchive>,
    now: Timestamp,
) -> Engine {
    let archive = Arc::clone(archive) as Arc<dyn Archive>;
    Engine::new(Arc::clone(config), memory, archive, now)
}

/// What a turn published.
pub(super) struct Published {
    pub(super) written: BTreeSet<String>,
    pub(super) guarded: Guarded,
}

impl World {
    pub(super) fn new() -> Self {
        let config = config();
        let now = Timestamp::from_seconds(START).unwrap();
        let archive = Arc::new(HeapArchive::default());
        Self {
            engine: engine(&config, Memory::default(), &archive, now),
            archive,
            config,
            files: BTreeMap::new(),
            now,
            out: BTreeMap::new(),
            saved: Memory::default(),
        }
    }

    /// Ordinary articles, each a minute older than the one before it.
    pub(super) fn fill(&mut self, numbers: std::ops::Range<u8>, age_minutes: i64) {
        for number in numbers {
            let article = simple(number, age_minutes + i64::from(number));
            self.put(&file(number), article.text());
        }
    }

    pub(super) fn put(&mut self, path: &str, text: impl Into<String>) {
        self.files.insert(StorePath::new(path), text.into());
    }

    /// Another engine over what is archived, from what is remembered.
    pub(super) fn engine(&self, config: &Arc<Config>, memory: Memory) -> Engine {
        engine(config, memory, &self.archive, self.now)
    }

    pub(super) fn read(&self, engine: &Engine) -> Changes {
        let known = engine.files();
        let intake = engine.intake();
        let mut changes = Changes::default();
        for (path, text) in &self.files {
            let hash = ContentHash::of(text.as_bytes());
            let no = known.find(path);
            if !no.is_some_and(|no| known.has_read(no, hash)) {
                let reading = format::read(path, text.as_bytes(), &self.config);
                changes.changed.push(Change {
                    path: path.clone(),
                    file: intake.file(path, reading.finding, Some(hash)),
                    sighting: Sighting::default(),
                    published: reading.published,
                    diagnostics: reading.diagnostics,
                });
            }
        }
        let gone = known.iter().map(|no| known.path(no));
        changes.gone = gone.filter(|path| !self.files.contains_key(path)).collect();
        changes
    }

    pub(super) fn feed_bodies(&self, engine: &mut Engine) {
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
    pub(super) fn turn(&mut self, fails: bool) -> Published {
        let changes = self.read(&self.engine);
        let guarded = self.engine.step(changes, self.now);
        let other = self.engine(&config(), Memory::default());
        let mut engine = std::mem::replace(&mut self.engine, other);
        self.feed_bodies(&mut engine);
        self.engine = engine;
        // As the daemon does: where nothing is owed, nothing is rendered.
        if !self.engine.owes() {
            if self.engine.has_pressing_news() {
                let news = self.engine.news(None).collect();
                self.save(news);
            }
            return Published {
                written: BTreeSet::new(),
                guarded,
            };
        }
        let (rendered, documents) = render(&self.engine).unwrap();
        self.engine.owe_topics(&rendered);
        let news = self.engine.news(Some(&rendered)).collect();
        self.save(news);
        let mut written = BTreeSet::new();
        if !fails {
            for (path, bytes) in documents {
                if self.out.get(&path) != Some(&bytes) {
                    written.insert(path.clone());
                }
                self.out.insert(path, bytes);
            }
            for path in rendered.retired() {
                assert!(self.out.remove(path).is_some(), "{path} was not there");
            }
            self.engine.commit(rendered);
        }
        Published { written, guarded }
    }

    pub(super) fn save(&mut self, news: Vec<Record>) {
        for record in news {
            self.saved.apply(record);
        }
        self.engine.news_is_saved();
    }

    /// What a build into an empty `out` writes, with the same memory and no checkpoint.
    pub(super) fn built_anew(&self) -> BTreeMap<String, Vec<u8>> {
        let mut memory = self.saved.clone();
        memory.manifest.clear();
        memory.distrust_readings();
        let mut engine = self.engine(&self.config, memory);
        engine.step(self.read(&engine), self.now);
        self.feed_bodies(&mut engine);
        render(&engine).unwrap().1
    }

    /// The daemon is stopped, which saves everything.
    pub(super) fn stop(&mut self) {
        let news = self.engine.news(None).collect();
        self.save(news);
        let mut everything = Memory::default();
        for record in self.engine.everything() {
            everything.apply(record);
        }
        let files = |ledger: &Ledger| -> BTreeMap<StorePath, Option<File>> {
            let files = ledger.iter();
            files.map(|no| (ledger.path(no), ledger.file(no))).collect()
        };
        assert_eq!(files(&self.saved.files), files(&everything.files));
        self.saved = everything;
    }

    /// The daemon is started again with what it had saved.
    pub(super) fn start(&mut self) {
        let memory = self.saved.clone();
        self.engine = self.engine(&self.config, memory);
    }

    pub(super) fn assert_true(&self) {
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
    pub(super) fn assert_explained(&self) {
        let catalog = self.engine.catalog();
        for entry in catalog.entries() {
            let guid = crate::render::identity::article(
                &self.config.publication.id_authority,
                &entry.card.id,
            );
            let url = &self.engine.article(&entry.card).unwrap().url;
            for standing in explain(catalog, &self.config, &entry).standings {
                for path in &standing.documents {
                    let text = self.out.get(path).map(|b| String::from_utf8_lossy(b));
                    let text = text.as_deref().unwrap_or_default();
                    let is_feed = path.ends_with("rss.xml") || path.ends_with("feed.json");
                    let is_atom = path.ends_with("atom.xml");
                    let is_carried = if path == "index.html" {
                        text.contains(&format!("href=\"{url}\""))
                    } else if is_feed {
                        text.contains(&format!("{guid}<")) || text.contains(&format!("{guid}\""))
                    } else if is_atom {
                        text.contains(&format!("<id>{guid}</id>"))
                    } else {
                        text.contains(&format!("<loc>{url}</loc>"))
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

/// Renders what is owed, with all documents by path.
pub(super) fn render(
    engine: &Engine,
) -> Result<(Rendered, BTreeMap<String, Vec<u8>>), AssembleError> {
    let documents = Mutex::new(BTreeMap::new());
    let hand = |release: Release| {
        let made = release.documents.into_iter();
        let made = made.map(|document| (document.key.path(), document.bytes));
        documents.lock().unwrap().extend(made);
        Ok(())
    };
    let rendered = engine.render::<AssembleError>(engine.work(), &hand)?;
    Ok((rendered, documents.into_inner().unwrap()))
}

impl World {
    /// Makes something happen; says whether the next publication fails.
    pub(super) fn happen(&mut self, happening: &Happening) -> bool {
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

pub(super) fn simple(id: u8, age_minutes: i64) -> Written {
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
