//! What every kind of store has to do, in one table: the same changes, and the same bytes published.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use khabar::article::Timestamp;
use khabar::config::Config;
use khabar::daemon::{Clock, Hold, Prepared, Trust, Workbench};
use khabar::store::memory::{MemoryRows, MemoryStore};
use khabar::store::{Store, StoreError};

use crate::project::{Project, Tree, assert_same};

/// The fields of an article, by their names; lists are JSON.
pub(crate) type Fields = BTreeMap<&'static str, String>;

/// A store of one kind that a newsroom writes to.
pub(crate) trait Newsroom {
    /// What `[store]` says of it.
    fn table(&self) -> String;
    fn put(&mut self, key: &str, fields: &Fields);
    fn remove(&mut self, key: &str);
    fn rename(&mut self, from: &str, to: &str);
    /// The store goes away as a whole, or comes back as it was.
    fn set_lost(&mut self, is_lost: bool);

    fn open(&self, config: Arc<Config>) -> Result<Store, StoreError> {
        Store::open(config)
    }
}

/// Plain JSON files.
struct Directory {
    root: PathBuf,
}

impl Directory {
    fn file(&self, key: &str) -> PathBuf {
        self.root.join(format!("{key}.json"))
    }
}

impl Newsroom for Directory {
    fn table(&self) -> String {
        "path = \"store\"\n".to_owned()
    }

    fn put(&mut self, key: &str, fields: &Fields) {
        let members = fields.iter().map(|(name, text)| {
            let json = serde_json::from_str(text)
                .ok()
                .filter(serde_json::Value::is_array);
            let value = json.unwrap_or_else(|| serde_json::Value::from(text.as_str()));
            ((*name).to_owned(), value)
        });
        let object: serde_json::Map<String, serde_json::Value> = members.collect();
        let file = self.file(key);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, serde_json::to_vec(&object).unwrap()).unwrap();
    }

    fn remove(&mut self, key: &str) {
        std::fs::remove_file(self.file(key)).unwrap();
    }

    fn rename(&mut self, from: &str, to: &str) {
        std::fs::rename(self.file(from), self.file(to)).unwrap();
    }

    fn set_lost(&mut self, is_lost: bool) {
        let away = self.root.with_file_name("away");
        let (from, to) = if is_lost {
            (&self.root, &away)
        } else {
            (&away, &self.root)
        };
        std::fs::rename(from, to).unwrap();
    }
}

/// Rows in memory.
#[derive(Default)]
struct Memory(MemoryRows);

impl Newsroom for Memory {
    fn table(&self) -> String {
        // Nothing is there, and nobody looks.
        "path = \"store\"\n".to_owned()
    }

    fn put(&mut self, key: &str, fields: &Fields) {
        self.0.put(key, fields.clone());
    }

    fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    fn rename(&mut self, from: &str, to: &str) {
        self.0.rename(from, to);
    }

    fn set_lost(&mut self, is_lost: bool) {
        self.0.set_lost(is_lost);
    }

    fn open(&self, config: Arc<Config>) -> Result<Store, StoreError> {
        MemoryStore::open(config, &self.0).map(Store::Memory)
    }
}

/// A table of SQLite.
#[cfg(feature = "sqlite")]
struct Sqlite {
    cms: crate::sqlite::Cms,
    path: PathBuf,
    more: &'static str,
}

#[cfg(feature = "sqlite")]
impl Sqlite {
    fn new(project: &Project, journal: &str, more: &'static str) -> Self {
        std::fs::remove_dir(project.store()).unwrap();
        Self {
            cms: crate::sqlite::Cms::open(project, journal),
            path: project.store(),
            more,
        }
    }
}

#[cfg(feature = "sqlite")]
impl Newsroom for Sqlite {
    fn table(&self) -> String {
        format!(
            "kind = \"sqlite\"\npath = \"store\"\nkey = \"key\"\n{}",
            self.more
        )
    }

    fn put(&mut self, key: &str, fields: &Fields) {
        let names: Vec<&str> = fields.keys().copied().collect();
        let places = vec!["?"; names.len()].join(", ");
        let sql = format!(
            "INSERT OR REPLACE INTO articles (key, seq, {}) VALUES (?, \
                 (SELECT coalesce(max(seq), 0) + 1 FROM articles), {places})",
            names.join(", ")
        );
        let values = std::iter::once(key).chain(fields.values().map(String::as_str));
        let values = rusqlite::params_from_iter(values);
        self.cms.connection.execute(&sql, values).unwrap();
    }

    fn remove(&mut self, key: &str) {
        self.cms.remove(key);
    }

    fn rename(&mut self, from: &str, to: &str) {
        let sql = "UPDATE articles SET key = ?2, seq = seq + 1000 WHERE key = ?1";
        self.cms.connection.execute(sql, [from, to]).unwrap();
    }

    fn set_lost(&mut self, is_lost: bool) {
        let away = self.path.with_file_name("away");
        let (from, to) = if is_lost {
            (&self.path, &away)
        } else {
            (&away, &self.path)
        };
        // As an unmounted disk takes them all.
        for more in ["", "-wal", "-shm"] {
            let of = |path: &PathBuf| {
                path.with_file_name(format!("{}{more}", path.file_name().unwrap().display()))
            };
            if of(from).exists() {
                std::fs::rename(of(from), of(to)).unwrap();
            }
        }
    }
}

/// What a newsroom does in one step of the table.
type Act = fn(&mut dyn Newsroom);

/// One step: its name, the hour (of 10 March 2025) at which is built, what happens before, the ids that
/// the front shows then, and how many articles are rejected and held.
type Step = (&'static str, u32, Act, &'static str, usize, usize);

fn article(key: &str, hour: u32) -> Fields {
    BTreeMap::from([
        ("id", format!("id-{key}")),
        ("title", format!("خبر {key}")),
        ("body", format!("<p>نص الخبر {key}.</p>")),
        ("published", format!("2025-03-10T{hour:02}:00:00Z")),
        ("section", "world".to_owned()),
        ("tags", r#"["وسم", "b"]"#.to_owned()),
    ])
}

fn with(mut fields: Fields, name: &'static str, value: &str) -> Fields {
    fields.insert(name, value.to_owned());
    fields
}

fn fill(room: &mut dyn Newsroom) {
    for number in 0..12 {
        let key = format!("f{number:02}");
        room.put(&key, &with(article(&key, 1), "status", "published"));
    }
}

fn empty(room: &mut dyn Newsroom) {
    for number in 0..12 {
        room.remove(&format!("f{number:02}"));
    }
}

const STEPS: &[Step] = &[
    (
        "added",
        8,
        |room| {
            fill(room);
            room.put("a", &article("a", 4));
            room.put("b", &article("b", 3));
            room.put("c", &article("c", 2));
        },
        "a b c",
        0,
        0,
    ),
    (
        "edited",
        8,
        |room| room.put("a", &with(article("a", 4), "title", "عنوان آخر")),
        "a b c",
        0,
        0,
    ),
    (
        "the body alone",
        8,
        |room| {
            let fields = with(
                with(article("a", 4), "title", "عنوان آخر"),
                "summary",
                "ملخص",
            );
            room.put("a", &with(fields, "body", "<p>نص آخر</p>"));
        },
        "a b c",
        0,
        0,
    ),
    (
        "moved",
        8,
        |room| room.rename("b", "moved-b"),
        "a b c",
        0,
        0,
    ),
    ("deleted", 8, |room| room.remove("c"), "a b f00", 0, 0),
    (
        "bad",
        8,
        |room| room.put("a", &with(article("a", 4), "published", "x")),
        "a b f00",
        1,
        0,
    ),
    (
        "bad, and others change",
        8,
        |room| room.put("d", &article("d", 2)),
        "a b d",
        1,
        0,
    ),
    (
        "good again",
        8,
        |room| room.put("a", &article("a", 5)),
        "a b d",
        0,
        0,
    ),
    (
        "a second one with its id",
        8,
        |room| room.put("z", &with(article("z", 6), "id", "id-a")),
        "a b d",
        1,
        0,
    ),
    (
        "the first one leaves",
        8,
        |room| room.remove("a"),
        "a b d",
        0,
        0,
    ),
    (
        "without an id",
        8,
        |room| {
            let mut fields = article("noid", 5);
            fields.remove("id");
            room.put("noid", &fields);
        },
        "a noid b",
        0,
        0,
    ),
    (
        "under embargo",
        8,
        |room| room.put("e", &article("e", 9)),
        "a noid b",
        0,
        0,
    ),
    ("the embargo ends", 9, |_| {}, "e a noid", 0, 0),
    (
        "about to expire",
        9,
        |room| {
            room.put(
                "e",
                &with(article("e", 9), "expires", "2025-03-10T10:00:00Z"),
            );
        },
        "e a noid",
        0,
        0,
    ),
    ("expired", 10, |_| {}, "a noid b", 0, 0),
    (
        "withdrawn",
        10,
        |room| {
            room.put(
                "z",
                &with(with(article("z", 6), "id", "id-a"), "status", "withdrawn"),
            );
        },
        "noid b d",
        0,
        0,
    ),
    (
        "a draft",
        10,
        |room| room.put("noid", &with(article("noid", 5), "status", "draft")),
        "b d f00",
        0,
        0,
    ),
    (
        "a key of any kind",
        10,
        |room| room.put("قسم/خبر", &with(article("k", 7), "url", "/k/")),
        "k b d",
        0,
        0,
    ),
    (
        "the next one waits",
        10,
        |room| room.put("late", &article("late", 11)),
        "k b d",
        0,
        0,
    ),
    (
        "lost, and the clock goes on",
        11,
        |room| room.set_lost(true),
        "late k b",
        0,
        0,
    ),
    ("back", 11, |room| room.set_lost(false), "late k b", 0, 0),
    ("many vanish", 11, empty, "late k b", 0, 12),
    (
        "meanwhile others change",
        11,
        |room| room.put("n", &article("n", 10)),
        "late n k",
        0,
        12,
    ),
    ("they come back", 11, fill, "late n k", 0, 0),
];

const TABLES: &str = "[feeds]\nnewest = 3\nfloor = \"1s\"\n[state]\npath = \"state\"\n";

/// How a build ended.
struct Built {
    rejected: usize,
    held: usize,
    is_degraded: bool,
}

/// The configuration over `room`.
fn config(room: &dyn Newsroom, project: &Project) -> Config {
    let text = format!(
        "[publication]\nname = \"News\"\nlanguage = \"ar\"\nurl = \"https://news.example/\"\n\
         feeds_url = \"https://news.example/\"\nid_authority = \"news.example,2016\"\n\
         [store]\n{}{TABLES}",
        room.table()
    );
    Config::parse(&text, project.root(), Timestamp::MAX).unwrap()
}

/// A build at an hour, as the program does it.
fn build(room: &dyn Newsroom, project: &Project, hold: &Hold, hour: u32) -> Built {
    let now = format!("2025-03-10T{hour:02}:00:00Z");
    let now = chrono::DateTime::parse_from_rfc3339(&now).unwrap();
    let clock = Clock::Fixed(Timestamp::from_seconds(now.timestamp()).unwrap());
    let open = |config| room.open(config);
    let config = config(room, project);
    let mut bench = Workbench::over(open, config, clock, Trust::Readings).unwrap();
    bench.write_ahead(true);
    let Prepared {
        guarded,
        store_error,
        ..
    } = bench.prepare(&|_, _| {}).unwrap();
    bench.publish(hold, false).unwrap();
    bench.save().unwrap();
    Built {
        rejected: bench.counts().rejected,
        held: guarded.held,
        is_degraded: store_error.is_some(),
    }
}

/// Goes through the table; what was published after each step.
pub(crate) fn run(kind: &str, project: &Project, room: &mut dyn Newsroom) -> Vec<Tree> {
    let mut trees = Vec::new();
    // Once: other tests start programs, to which the lock belongs as well until they have begun.
    let hold = Hold::take(&config(room, project)).unwrap();
    for (name, hour, act, shown, rejected, held) in STEPS {
        let what = format!("{kind}: {name}");
        act(room);
        let is_lost = name.starts_with("lost");
        let built = build(room, project, &hold, *hour);
        assert_eq!(built.is_degraded, is_lost, "{what}");
        let ids: Vec<String> = project.shown();
        let ids: Vec<&str> = ids.iter().map(|id| id.trim_start_matches("id-")).collect();
        assert_eq!(ids.join(" "), *shown, "{what}");
        assert_eq!((built.rejected, built.held), (*rejected, *held), "{what}");
        trees.push(project.tree());
    }
    let has_tombstone = |tree: &Tree| {
        let atom = String::from_utf8_lossy(&tree["atom.xml"]).into_owned();
        atom.contains("at:deleted-entry")
    };
    assert!(
        trees.iter().any(has_tombstone),
        "{kind}: what is withdrawn is retracted"
    );
    trees
}

/// What files publish is what every other kind has to publish.
pub(crate) fn expected() -> Vec<Tree> {
    let project = Project::new();
    let root = project.store();
    run("directory", &project, &mut Directory { root })
}

pub(crate) fn compare(kind: &str, trees: &[Tree], expected: &[Tree]) {
    assert_eq!(trees.len(), expected.len());
    for ((tree, expected), step) in trees.iter().zip(expected).zip(STEPS) {
        assert_same(tree, expected, &format!("{kind}: {}", step.0));
    }
}

#[test]
fn every_kind_of_store_publishes_the_same() {
    let expected = expected();
    let project = Project::new();
    let trees = run("memory", &project, &mut Memory::default());
    compare("memory", &trees, &expected);
    #[cfg(feature = "sqlite")]
    for journal in crate::sqlite::JOURNALS {
        for more in [crate::sqlite::TABLE, crate::sqlite::SEQUENCE] {
            let project = Project::new();
            let mut room = Sqlite::new(&project, journal, more);
            let kind = format!("sqlite, {journal}, {more:?}");
            let trees = run(&kind, &project, &mut room);
            compare(&kind, &trees, &expected);
        }
    }
}
