//! What stands on the shelf, and what becomes of it.

use std::path::Path;

use super::*;
use crate::article::{Timestamp, TopicId};
use crate::document::{Channel, Document, DocumentKey, FeedFormat, Fingerprint, Period};
use crate::serve::coding::Coding;
use crate::serve::room::Room;

struct World {
    folder: tempfile::TempDir,
    shelf: Arc<Shelf>,
}

fn config(folder: &Path, feeds_url: &str) -> Config {
    let text = format!(
        "[publication]\nname = \"News\"\nlanguage = \"ar\"\nurl = \"https://news.example/\"\n\
         feeds_url = \"{feeds_url}\"\nid_authority = \"news.example,2016\"\n\
         [store]\npath = \"store\"\n"
    );
    Config::parse(&text, folder, Timestamp::MAX).unwrap()
}

fn front(format: FeedFormat) -> DocumentKey {
    DocumentKey::Feed(Channel::Front, format)
}

fn story() -> DocumentKey {
    let id = TopicId::new("قزوين").unwrap();
    DocumentKey::Feed(Channel::Story(id), FeedFormat::Rss)
}

fn month(month: u32) -> DocumentKey {
    DocumentKey::Sitemap(Period::Month { year: 2026, month }, 1)
}

impl World {
    fn new(feeds_url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(&config(folder.path(), feeds_url)).unwrap();
        Self {
            folder,
            shelf: Arc::new(shelf),
        }
    }

    /// Writes as the target does, then puts on the shelf.
    fn publish(&self, documents: &[(DocumentKey, &str)]) {
        for (key, text) in documents {
            self.write(&key.path(), text);
        }
        let documents = documents.iter().map(|(key, text)| Document {
            key: key.clone(),
            bytes: text.as_bytes().to_vec(),
        });
        self.shelf.put(Release {
            documents: documents.collect(),
            ..Release::default()
        });
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.out().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    fn out(&self) -> std::path::PathBuf {
        self.folder.path().join("out")
    }

    fn lose_out(&self) {
        std::fs::rename(self.out(), self.folder.path().join("away")).unwrap();
    }

    async fn get(&self, path: &str) -> Result<Arc<Version>, Absent> {
        self.shelf.get(path).await
    }

    async fn text(&self, path: &str) -> String {
        let version = self.get(path).await.unwrap();
        String::from_utf8(version.bytes.to_vec()).unwrap()
    }
}

const SITE: &str = "https://news.example/";

#[tokio::test]
async fn nothing_but_what_is_published_can_be_reached() {
    let world = World::new(SITE);
    assert_eq!(world.get("rss.xml").await.unwrap_err(), Absent::NotNow);
    world.publish(&[
        (front(FeedFormat::Rss), "<rss/>"),
        (story(), "<rss>s</rss>"),
    ]);
    world.write("secret", "secret");
    world.write("sections/a/rss.xml", "not published");
    assert_eq!(world.text("rss.xml").await, "<rss/>");
    assert_eq!(world.text("stories/قزوين/rss.xml").await, "<rss>s</rss>");
    for path in [
        "secret",
        "sections/a/rss.xml",
        "./rss.xml",
        "stories/../rss.xml",
        "/rss.xml",
        "RSS.xml",
        "",
    ] {
        assert_eq!(
            world.get(path).await.unwrap_err(),
            Absent::Unknown,
            "{path}"
        );
    }
    let retired = vec!["rss.xml".to_owned(), story().path()];
    world.shelf.put(Release {
        retired: retired.clone(),
        ..Release::default()
    });
    for path in &retired {
        assert_eq!(
            world.get(path).await.unwrap_err(),
            Absent::Unknown,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_folder_that_out_is_served_below_may_be_there_or_not() {
    let world = World::new("https://news.example/%D8%A3/feeds/");
    world.publish(&[(DocumentKey::Page, "<p>")]);
    for path in ["index.html", "", "أ/feeds/index.html", "أ/feeds/"] {
        assert_eq!(world.text(path).await, "<p>", "{path}");
    }
    for path in ["أ/feeds", "feeds/", "أ/feeds/أ/feeds/"] {
        assert_eq!(
            world.get(path).await.unwrap_err(),
            Absent::Unknown,
            "{path}"
        );
    }
    world.publish(&[(front(FeedFormat::Rss), "<rss/>")]);
    let link = world.get("rss.xml").await.unwrap().link.clone().unwrap();
    assert_eq!(
        link,
        "<https://news.example/%D8%A3/feeds/rss.xml>; rel=\"self\""
    );
}

#[tokio::test]
async fn a_dead_disk_does_not_stop_what_is_pinned() {
    let world = World::new(SITE);
    world.publish(&[
        (front(FeedFormat::Atom), "<feed/>"),
        (DocumentKey::NewsSitemap(1), "<n/>"),
        (month(10), "<october/>"),
        (month(11), "<november/>"),
        (story(), "<rss/>"),
    ]);
    assert_eq!(world.shelf.stock().documents, 5);
    assert_eq!(world.shelf.stock().pinned, 3);
    assert_eq!(world.text("sitemap-2026-10.xml").await, "<october/>");
    world.lose_out();
    for (path, text) in [
        ("atom.xml", "<feed/>"),
        ("news-sitemap.xml", "<n/>"),
        ("sitemap-2026-11.xml", "<november/>"),
        // It was asked for before and is held.
        ("sitemap-2026-10.xml", "<october/>"),
    ] {
        assert_eq!(world.text(path).await, text);
    }
    assert_eq!(
        world.get(&story().path()).await.unwrap_err(),
        Absent::NotNow
    );
}

#[tokio::test]
async fn a_new_month_unpins_the_last_one() {
    let world = World::new(SITE);
    world.publish(&[(month(11), "<november/>")]);
    world.publish(&[(month(12), "<december/>")]);
    assert_eq!(world.shelf.stock().pinned, 1);
    assert_eq!(world.text("sitemap-2026-11.xml").await, "<november/>");
    assert_eq!(world.text("sitemap-2026-12.xml").await, "<december/>");
}

#[tokio::test]
async fn what_is_replaced_is_served_in_its_new_version_from_everywhere() {
    let world = World::new(SITE);
    for text in ["one", "two", "three"] {
        world.publish(&[(story(), text), (front(FeedFormat::Json), text)]);
        assert_eq!(world.text(&story().path()).await, text);
        assert_eq!(world.text("feed.json").await, text);
    }
}

#[tokio::test]
async fn dates_tell_versions_apart_and_never_go_back() {
    let world = World::new(SITE);
    let key = || front(FeedFormat::Rss);
    let mut last = 0;
    for text in ["one", "two", "three"] {
        world.publish(&[(key(), text)]);
        let version = world.get("rss.xml").await.unwrap();
        assert!(version.modified > last, "{} after {last}", version.modified);
        last = version.modified;
        // The same bytes again are the same version.
        world.publish(&[(key(), text)]);
        assert!(Arc::ptr_eq(&version, &world.get("rss.xml").await.unwrap()));
    }
    assert_eq!(
        world
            .get("rss.xml")
            .await
            .unwrap()
            .validators(last - 1)
            .modified,
        None
    );
}

#[tokio::test]
async fn a_restart_keeps_tags_and_dates() {
    let world = World::new(SITE);
    world.publish(&[
        (front(FeedFormat::Rss), "<rss/>"),
        (story(), "<rss>s</rss>"),
    ]);
    let old = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_448_077);
    let future = SystemTime::now() + Duration::from_hours(24);
    for (path, time) in [("rss.xml".to_owned(), old), (story().path(), future)] {
        let file = std::fs::File::options()
            .write(true)
            .open(world.out().join(path));
        file.unwrap().set_modified(time).unwrap();
    }
    let shelf = Shelf::new(&config(world.folder.path(), SITE)).unwrap();
    let restarted = World {
        folder: world.folder,
        shelf: Arc::new(shelf),
    };
    let fingerprint = Fingerprint::of(b"what was noted may be out of date");
    let paths = ["rss.xml".to_owned(), story().path(), "atom.xml".to_owned()];
    let manifest = paths.into_iter().map(|path| (path, fingerprint)).collect();
    restarted.shelf.adopt(&manifest, &BTreeMap::new());
    let front = restarted.get("rss.xml").await.unwrap();
    assert_eq!(front.hash, ContentHash::of(b"<rss/>"));
    assert_eq!(front.modified, 1_795_448_077);
    let found = restarted.get(&story().path()).await.unwrap();
    assert_eq!(found.hash, ContentHash::of(b"<rss>s</rss>"));
    assert!(found.modified <= now(), "a date of tomorrow");
    // It was published, and is not there: it may be in a moment.
    assert_eq!(restarted.get("atom.xml").await.unwrap_err(), Absent::NotNow);
    // The first turn publishes everything again; nothing of it is new.
    restarted.shelf.put(Release {
        documents: vec![
            Document {
                key: self::front(FeedFormat::Rss),
                bytes: b"<rss/>".to_vec(),
            },
            Document {
                key: story(),
                bytes: b"<rss>s</rss>".to_vec(),
            },
        ],
        ..Release::default()
    });
    assert!(Arc::ptr_eq(
        &front,
        &restarted.get("rss.xml").await.unwrap()
    ));
}

#[tokio::test]
async fn a_file_that_another_hand_changed_is_not_taken_for_what_was_published() {
    let world = World::new(SITE);
    world.publish(&[(story(), "<rss/>")]);
    world.write(&story().path(), "altered");
    let version = world.get(&story().path()).await.unwrap();
    assert_eq!(version.hash, ContentHash::of(b"altered"));
    world.write(&story().path(), "<rss/>");
    assert_eq!(world.text(&story().path()).await, "<rss/>");
}

#[tokio::test]
async fn what_is_read_from_out_is_compressed_after_its_answer() {
    let world = World::new(SITE);
    let text = "خبر عاجل ".repeat(500);
    world.publish(&[(story(), &text)]);
    let version = world.get(&story().path()).await.unwrap();
    while version.coded(Coding::Brotli).is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(version.coded(Coding::Gzip).is_some());
    assert_eq!(world.shelf.stock().cached_bytes, text.len());
}

#[tokio::test]
async fn sections_are_pinned_as_far_as_there_is_room() {
    let world = World::new(SITE);
    world.shelf.write().room = Room::new(10);
    let section = |id: &str| {
        let id = TopicId::new(id).unwrap();
        DocumentKey::Feed(Channel::Section(id), FeedFormat::Rss)
    };
    let pinned = || world.shelf.stock().pinned;
    world.publish(&[(section("a"), "12345678")]);
    world.publish(&[(section("b"), "1234"), (front(FeedFormat::Rss), "1234")]);
    assert_eq!(pinned(), 2);
    assert_eq!(world.text(&section("b").path()).await, "1234");
    // One that grows beyond it is read from `out`, and makes room.
    world.publish(&[(section("a"), "12345678901")]);
    assert_eq!(pinned(), 1);
    world.publish(&[(section("b"), "12345")]);
    assert_eq!(pinned(), 2);
    world.shelf.put(Release {
        retired: vec![section("b").path()],
        ..Release::default()
    });
    world.publish(&[(section("a"), "1234567890")]);
    assert_eq!(pinned(), 2);
    assert_eq!(world.text(&section("a").path()).await, "1234567890");
}

#[tokio::test]
async fn deltas_lead_to_the_front_from_versions_before() {
    let world = World::new(SITE);
    let feed = |ids: &[u32]| {
        let items: Vec<String> = ids
            .iter()
            .map(|id| format!("\n  <entry>{id}</entry>"))
            .collect();
        let items = items.concat();
        format!("<feed>{items}\n</feed>\n")
    };
    let versions = [feed(&[1]), feed(&[2, 1]), feed(&[3, 2, 1])];
    for version in &versions {
        world.publish(&[(front(FeedFormat::Atom), version)]);
    }
    let version = world.get("atom.xml").await.unwrap();
    let named = [ContentHash(1), ContentHash::of(versions[0].as_bytes())];
    let (base, delta) = version.delta(named.into_iter()).unwrap();
    assert_eq!(base.hash, named[1]);
    assert_eq!(delta.bytes, feed(&[3, 2])); // Another run goes on with them, also where a version was published in between.
    let histories = world.shelf.histories();
    let shelf = Arc::new(Shelf::new(&config(world.folder.path(), SITE)).unwrap());
    let fingerprint = Fingerprint::of(b"");
    let manifest = [("atom.xml".to_owned(), fingerprint)].into();
    for (last, new) in [(&[3, 2, 1][..], &[3, 2][..]), (&[4, 3, 2, 1], &[4, 3, 2])] {
        world.write("atom.xml", &feed(last));
        shelf.adopt(&manifest, &histories);
        let version = shelf.get("atom.xml").await.unwrap();
        let (base, delta) = version.delta(named.into_iter()).unwrap();
        assert_eq!(base.hash, named[1]);
        assert_eq!(delta.bytes, feed(new));
    }
}
