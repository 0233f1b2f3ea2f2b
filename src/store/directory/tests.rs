//! Looking where something was heard finds what looking everywhere finds.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::*;
use crate::config::StoreKind;
use crate::files::Stamp;
use crate::files::heap::HeapArchive;
use crate::store::Due;

const CONFIG: &str = r#"
[publication]
name = "News"
language = "ar"
url = "https://news.example/"
feeds_url = "https://news.example/"
id_authority = "news.example,2016"
[store]
path = "store"
exclude = ["drafts/**"]
settle_delete = "0s"
"#;

/// A store in a folder of its own, and what was taken in of it.
struct Scene {
    folder: tempfile::TempDir,
    store: DirectoryStore,
    intake: Intake,
    watch: Watch,
    known: Ledger,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("store")).unwrap();
        let config = Config::parse(CONFIG, folder.path(), crate::article::Timestamp::MAX).unwrap();
        let intake = Intake::new(&config, Arc::new(HeapArchive::default()));
        let StoreKind::Directory(rules) = config.store.kind.clone() else {
            panic!("a directory");
        };
        let store = DirectoryStore::open(Arc::new(config), rules).unwrap();
        let watch = Watch::start(&store, Box::new(|| {}));
        Self {
            folder,
            store,
            intake,
            watch,
            known: Ledger::default(),
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join("store").join(path)
    }

    fn put(&self, path: &str, title: &str) {
        let place = self.at(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        let text = format!(r#"{{"id":"{path}","title":"{title}","published":"2026-11-23"}}"#);
        fs::write(place, text).unwrap();
    }

    /// Takes in what is found where something was heard.
    fn look(&mut self, paths: &[&str]) {
        let now = Instant::now();
        let heard = paths
            .iter()
            .map(|path| {
                (
                    (*path).to_owned(),
                    When {
                        first: now,
                        last: now,
                    },
                )
            })
            .collect();
        let scope = Scope::Paths(heard);
        let changes = self
            .store
            .heard_changes(&self.known, &self.intake, &scope, &self.watch)
            .unwrap();
        self.take_in(changes);
    }

    fn take_in(&mut self, changes: Changes) {
        let mut sightings = changes.sightings;
        for change in changes.changed {
            self.known.insert(&change.path, &change.file);
            sightings.push((change.path, change.sighting));
        }
        for (path, sighting) in sightings {
            let no = self.known.find(&path).unwrap();
            self.known.see(no, sighting.seen);
            self.known.link(no, sighting.inode);
        }
        for path in changes.gone {
            self.known.remove(self.known.find(&path).unwrap());
        }
    }

    fn look_everywhere(&mut self) {
        let scope = Scope::Everything;
        let changes = self
            .store
            .heard_changes(&self.known, &self.intake, &scope, &self.watch);
        self.take_in(changes.unwrap());
    }

    /// As if all had been read long after they were changed.
    fn settle(&mut self) {
        let files: Vec<FileNo> = self.known.iter().collect();
        for no in files {
            let path = self.at(self.known.path(no).as_str());
            if let Ok(stat) = rustix::fs::stat(&path) {
                self.known.see(no, Some(Seen::of(&Stamp::from(&stat))));
            }
        }
    }

    /// Whether looking everywhere finds nothing more.
    fn assert_complete(&self) {
        let changes = self
            .store
            .changes(&self.known, &self.intake, &|_, _| {})
            .unwrap();
        let unseen: Vec<&StorePath> = changes.changed.iter().map(|c| &c.path).collect();
        assert!(unseen.is_empty(), "not seen: {unseen:?}");
        assert!(changes.gone.is_empty(), "not gone: {:?}", changes.gone);
    }

    fn names(&self) -> Vec<String> {
        let paths = self.known.iter().map(|no| self.known.path(no).to_string());
        paths.collect()
    }
}

#[test]
fn files_and_folders_come_change_and_go() {
    let mut scene = Scene::new();
    scene.put("a.json", "1");
    scene.put("x/y/b.json", "1");
    scene.look(&["a.json", "x"]);
    assert_eq!(scene.names(), ["a.json", "x/y/b.json"]);
    scene.assert_complete();

    scene.put("a.json", "2");
    fs::rename(scene.at("x"), scene.at("z")).unwrap();
    scene.look(&["a.json", "x", "z"]);
    assert_eq!(scene.names(), ["a.json", "z/y/b.json"]);
    scene.assert_complete();

    // A file where a folder was, and a folder where a file was.
    fs::remove_dir_all(scene.at("z")).unwrap();
    scene.put("z.json", "1");
    fs::rename(scene.at("z.json"), scene.at("z")).unwrap();
    fs::remove_file(scene.at("a.json")).unwrap();
    scene.put("a.json/c.json", "1");
    scene.look(&["z", "z.json", "a.json"]);
    assert_eq!(scene.names(), ["a.json/c.json"]);
    scene.assert_complete();
}

#[test]
fn what_a_walk_leaves_out_is_left_out_here_too() {
    let mut scene = Scene::new();
    scene.put("drafts/a.json", "1");
    scene.put(".git/b.json", "1");
    scene.put("c.json~", "1");
    scene.put("notes.txt", "1");
    scene.look(&[
        "drafts/a.json",
        "drafts",
        ".git/b.json",
        "c.json~",
        "notes.txt",
    ]);
    assert!(scene.names().is_empty(), "{:?}", scene.names());
    scene.assert_complete();
}

#[test]
fn a_link_is_a_matter_of_everything() {
    let mut scene = Scene::new();
    scene.put("..1/k.json", "1");
    std::os::unix::fs::symlink("..1", scene.at("..data")).unwrap();
    std::os::unix::fs::symlink("..data/k.json", scene.at("k.json")).unwrap();
    scene.look(&["k.json"]);
    assert!(scene.names().is_empty());
    let later = Instant::now() + std::time::Duration::from_secs(1);
    assert_eq!(scene.watch.due(later), Due::Ready(Scope::Everything));
    scene.look_everywhere();
    assert_eq!(scene.names(), ["k.json"]);
    scene.assert_complete();
}

#[test]
fn a_first_reading_in_parts_finds_what_one_at_once_does() {
    let scene = Scene::new();
    for number in 0..10 {
        scene.put(&format!("{}/{number}.json", number % 3), "1");
    }
    scene.put("bad.json", "");
    fs::write(scene.at("0/bad.json"), "{").unwrap();
    let at_once = scene
        .store
        .changes(&scene.known, &scene.intake, &|_, _| {})
        .unwrap();
    for part in [1, 4, 12, 100] {
        let looked_at = AtomicU64::new(0);
        let progress = |count, total| {
            assert_eq!(total, 12);
            looked_at.fetch_add(count, Ordering::Relaxed);
        };
        let mut reading = scene.store.first_reading_by(part).unwrap();
        let mut found = Vec::new();
        while let Some(changes) = reading.next(&scene.intake, &progress) {
            assert!((1..=part).contains(&changes.changed.len()));
            assert!(changes.gone.is_empty());
            found.extend(changes.changed);
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let what = |changes: &[Change]| -> Vec<(StorePath, File)> {
            let found = changes.iter().map(|c| (c.path.clone(), c.file.clone()));
            found.collect()
        };
        assert_eq!(what(&found), what(&at_once.changed));
        assert_eq!(looked_at.into_inner(), 12);
    }
}

#[test]
fn what_could_not_be_read_for_a_while_is_read_again() {
    let mut scene = Scene::new();
    scene.put("..1/k.json", "1");
    std::os::unix::fs::symlink("..1", scene.at("..data")).unwrap();
    std::os::unix::fs::symlink("..data/k.json", scene.at("k.json")).unwrap();
    let look_everywhere = |scene: &mut Scene| {
        let changes = scene
            .store
            .changes(&scene.known, &scene.intake, &|_, _| {})
            .unwrap();
        scene.take_in(changes);
        scene.settle();
        matches!(
            scene.known.get(&StorePath::new("k.json")),
            Some(File::Article(..))
        )
    };
    assert!(look_everywhere(&mut scene));
    fs::rename(scene.at("..1"), scene.at("..2")).unwrap();
    assert!(!look_everywhere(&mut scene));
    fs::rename(scene.at("..2"), scene.at("..1")).unwrap();
    assert!(look_everywhere(&mut scene));
}

#[test]
fn a_file_is_looked_at_under_all_its_names() {
    let mut scene = Scene::new();
    scene.put("a.json", "1");
    scene.look(&["a.json"]);
    fs::hard_link(scene.at("a.json"), scene.at("b.json")).unwrap();
    scene.look(&["b.json"]);
    let later = || Instant::now() + std::time::Duration::from_secs(1);
    // A file with a name that nobody knows may be any.
    assert_eq!(scene.watch.due(later()), Due::Ready(Scope::Everything));
    scene.look_everywhere();
    fs::write(scene.at("b.json"), "{").unwrap();
    scene.look(&["b.json"]);
    match scene.watch.due(later()) {
        Due::Ready(Scope::Paths(paths)) => assert!(paths.contains_key("a.json")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_looked_at_under_its_other_name_though_the_first_is_anothers_now() {
    for is_replaced in [true, false] {
        let mut scene = Scene::new();
        scene.put("a.json", "first");
        fs::hard_link(scene.at("a.json"), scene.at("b.json")).unwrap();
        scene.look(&["a.json", "b.json"]);
        let later = || Instant::now() + std::time::Duration::from_secs(1);
        assert_eq!(scene.watch.due(later()), Due::Ready(Scope::Everything));
        scene.look_everywhere();
        scene.put("a.json", "other");
        if is_replaced {
            scene.put(".a.json.tmp", "a third");
            fs::rename(scene.at(".a.json.tmp"), scene.at("a.json")).unwrap();
        } else {
            fs::remove_file(scene.at("a.json")).unwrap();
        }
        scene.look(&["a.json"]);
        match scene.watch.due(later()) {
            Due::Ready(Scope::Paths(paths)) => assert!(paths.contains_key("b.json")),
            other => panic!("replaced: {is_replaced}: {other:?}"),
        }
    }
}

#[test]
fn the_root_has_an_identity() {
    let scene = Scene::new();
    assert!(scene.store.health().is_ok());
    fs::rename(scene.at(""), scene.folder.path().join("away")).unwrap();
    assert!(scene.store.health().is_err());
    fs::create_dir(scene.at("")).unwrap();
    let error = scene.store.health().unwrap_err().to_string();
    assert!(
        error.contains("another directory is in its place"),
        "{error}"
    );
}

#[test]
fn names_are_sorted() {
    use ignore::{Heard, Name, heard, sort};
    for name in [
        ".a.json.swp",
        "a.json~",
        "#a.json#",
        "~$a.json",
        "4913",
        "a.json.part",
        ".#a.json",
    ] {
        assert_eq!(sort(name), Name::Leftover, "{name}");
    }
    assert_eq!(sort("a.sync-conflict-20261123.json"), Name::ConflictCopy);
    assert_eq!(sort("خبر.json"), Name::Ordinary);
    assert_eq!(heard("x/a.json"), Heard::Path);
    assert_eq!(heard("x/.a.json.tmp"), Heard::Nothing);
    assert_eq!(heard("..data"), Heard::Everything);
    assert_eq!(heard("..2026/x/a.json"), Heard::Everything);
}

#[test]
fn what_was_listed_is_not_trusted_when_it_is_opened() {
    use read::Refusal;
    let scene = Scene::new();
    for name in ["x/a.json", "x/b.json", "x/c.json", "y/d.json", "z/e.json"] {
        scene.put(name, "1");
    }
    let listing = walk::walk(&scene.store, &|_| {}).unwrap();
    let mut reader = Reader::new(&scene.store);
    let mut read = |name: &str| {
        let file = listing.files.iter().find(|file| file.path.as_str() == name);
        let (bytes, stamp) = reader.read(file.unwrap())?;
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(reader.look(file.unwrap()).ok(), stamp, "{name}");
        assert!(stamp.is_some(), "{name} stood still");
        Ok::<_, Refusal>(text)
    };
    assert!(read("x/a.json").unwrap().contains("\"1\""));
    // Once a folder is open, a file in it becomes a link, and another goes.
    fs::remove_file(scene.at("x/b.json")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", scene.at("x/b.json")).unwrap();
    assert!(matches!(read("x/b.json"), Err(Refusal::Outside)));
    fs::remove_file(scene.at("x/c.json")).unwrap();
    assert!(matches!(read("x/c.json"), Err(Refusal::Gone)));
    // Another folder takes the place of one that is open.
    fs::rename(scene.at("x"), scene.at("old")).unwrap();
    fs::remove_file(scene.at("old/a.json")).unwrap();
    scene.put("x/a.json", "2");
    assert!(read("x/a.json").unwrap().contains("\"2\""));
    // A folder becomes a link, and a file a folder.
    fs::rename(scene.at("y"), scene.at("away")).unwrap();
    std::os::unix::fs::symlink("away", scene.at("y")).unwrap();
    assert!(matches!(read("y/d.json"), Err(Refusal::Outside)));
    fs::remove_file(scene.at("z/e.json")).unwrap();
    fs::create_dir(scene.at("z/e.json")).unwrap();
    assert!(matches!(read("z/e.json"), Err(Refusal::NotAFile)));
}

#[test]
fn files_are_read_to_their_ends_whatever_was_read_before() {
    let scene = Scene::new();
    let sizes = [0, 1, 4_095, 4_096, 4_097, 700_000, 5_000_000, 5_000_001, 10];
    for size in sizes {
        fs::write(scene.at(&format!("{size}.json")), "a".repeat(size)).unwrap();
    }
    let listing = walk::walk(&scene.store, &|_| {}).unwrap();
    let mut reader = Reader::new(&scene.store);
    for size in sizes {
        let name = format!("{size}.json");
        let file = listing.files.iter().find(|file| file.path.as_str() == name);
        match reader.read(file.unwrap()) {
            Ok((bytes, stamp)) => assert_eq!((bytes.len(), stamp.is_some()), (size, true)),
            Err(refusal) => {
                assert!(matches!(refusal, read::Refusal::TooLarge) && size > 5_000_000);
            }
        }
    }
}
