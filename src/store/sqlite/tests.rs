//! A reading takes several passes here: there is room for very little at once.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::article::Timestamp;
use crate::config::StoreKind;
use crate::files::heap::HeapArchive;

const CONFIG: &str = r#"
[publication]
name = "News"
language = "ar"
url = "https://news.example/"
feeds_url = "https://news.example/"
id_authority = "news.example,2016"
[store]
kind = "sqlite"
path = "db"
table = "articles"
sequence = "seq"
"#;

struct Scene {
    _folder: tempfile::TempDir,
    store: SqliteStore,
    intake: Intake,
    known: Ledger,
    writer: Connection,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let writer = Connection::open(folder.path().join("db")).unwrap();
        writer
            .execute_batch(
                "PRAGMA journal_mode = wal; PRAGMA synchronous = off;
                 CREATE TABLE articles (id TEXT PRIMARY KEY, title TEXT, published TEXT, seq INTEGER);",
            )
            .unwrap();
        let config = Config::parse(CONFIG, folder.path(), Timestamp::MAX).unwrap();
        let StoreKind::Sqlite(settings) = config.store.kind.clone() else {
            panic!("a database");
        };
        Self {
            intake: Intake::new(&config, Arc::new(HeapArchive::default())),
            store: SqliteStore::open(Arc::new(config), settings).unwrap(),
            known: Ledger::default(),
            _folder: folder,
            writer,
        }
    }

    fn put(&self, id: &str, title: &str) {
        let sql = "INSERT OR REPLACE INTO articles VALUES (?1, ?2, '2026-11-23',
                       (SELECT coalesce(max(seq), 0) + 1 FROM articles))";
        self.writer.execute(sql, [id, title]).unwrap();
    }

    fn remove(&self, id: &str) {
        let sql = "DELETE FROM articles WHERE id = ?1";
        self.writer.execute(sql, [id]).unwrap();
    }

    /// Takes in what a look at everything finds, while `meanwhile` happens at each row.
    fn look(&mut self, meanwhile: &(dyn Fn(u64) + Sync)) -> Changes {
        let changes = self
            .store
            .changes(&self.known, &self.intake, &|_, row| meanwhile(row));
        self.take_in(changes.unwrap())
    }

    fn take_in(&mut self, changes: Changes) -> Changes {
        for change in &changes.changed {
            let no = self.known.insert(&change.path, &change.file);
            self.known.see(no, change.sighting.seen);
        }
        for path in &changes.gone {
            self.known.remove(self.known.find(path).unwrap());
        }
        changes
    }

    /// Whether what is known is what the table holds.
    fn assert_complete(&self) {
        let changes = self
            .store
            .changes(&self.known, &self.intake, &|_, _| {})
            .unwrap();
        let unseen: Vec<&StorePath> = changes.changed.iter().map(|c| &c.path).collect();
        assert!(unseen.is_empty(), "not seen: {unseen:?}");
        assert!(changes.gone.is_empty(), "not gone: {:?}", changes.gone);
        let sql = "SELECT count(*) FROM articles";
        let count: i64 = self.writer.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(self.known.len(), usize::try_from(count).unwrap());
    }

    fn newest(&self, asked: &[&str]) -> Changes {
        let asked: Vec<StorePath> = asked.iter().map(|path| StorePath::new(path)).collect();
        let changes = self
            .store
            .changes_of_newest(&self.known, &self.intake, &asked);
        changes.unwrap().unwrap()
    }
}

#[test]
fn a_reading_of_several_passes_reads_each_row_once() {
    let mut scene = Scene::new();
    for number in 0..600 {
        scene.put(&format!("a{number:03}"), "خبر");
    }
    let rows = AtomicU64::new(0);
    let changes = scene.look(&|_| {
        rows.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(changes.changed.len(), 600);
    // Nothing was committed meanwhile, and no row was looked at twice.
    assert_eq!(rows.into_inner(), 600);
    scene.assert_complete();
}

#[test]
fn what_is_committed_between_passes_is_part_of_the_reading() {
    let mut scene = Scene::new();
    for number in 0..600 {
        scene.put(&format!("a{number:03}"), "خبر");
    }
    let path = scene.store.settings.path.clone();
    let commits = AtomicU64::new(0);
    scene.look(&|row| {
        // Rows that were read are changed, go and come: behind the pass and before it.
        if row % 100 == 99 && commits.fetch_add(1, Ordering::Relaxed) < 8 {
            let writer = Connection::open(&path).unwrap();
            writer
                .execute_batch(&format!(
                    "UPDATE articles SET title = 'آخر {row}' WHERE id = 'a000' OR id = 'a599';
                     DELETE FROM articles WHERE id = 'a{:03}' OR id = 'a{:03}';
                     INSERT OR REPLACE INTO articles VALUES ('b{row}', 'جديد', '2026-11-23', 1000);",
                    row - 90,
                    row + 90
                ))
                .unwrap();
        }
    });
    assert!(commits.into_inner() > 0);
    // Whatever was committed during the last pass is found by the next look.
    scene.look(&|_| {});
    scene.assert_complete();
}

#[test]
fn the_newest_are_found_by_their_sequence_and_others_by_their_keys() {
    let mut scene = Scene::new();
    for number in 0..20 {
        scene.put(&format!("a{number:02}"), "خبر");
    }
    scene.look(&|_| {});
    scene.put("a03", "آخر");
    scene.put("b", "خبر");
    scene.remove("a05");
    scene
        .writer
        .execute("UPDATE articles SET title = 'x' WHERE id = 'a07'", [])
        .unwrap();
    let found = scene.newest(&[]);
    let names = |changes: &Changes| -> Vec<String> {
        changes
            .changed
            .iter()
            .map(|change| change.path.to_string())
            .collect()
    };
    assert_eq!(
        (names(&found), found.gone.len()),
        (vec!["a03".to_owned(), "b".to_owned()], 0)
    );
    scene.take_in(found);
    // Of the rows that are asked for, it says what became of them.
    let found = scene.newest(&["a05", "a07", "a09", "nothing"]);
    assert_eq!(names(&found), ["a07"]);
    assert_eq!(found.gone, [StorePath::new("a05")]);
    scene.take_in(found);
    assert_eq!(names(&scene.newest(&[])), [""; 0]);
    scene.assert_complete();
}

#[test]
fn keys_are_found_by_their_index_whatever_their_type() {
    let scene = Scene::new();
    for table in [
        "numbers (id INTEGER PRIMARY KEY, title, published)",
        "texts (id TEXT PRIMARY KEY, title, published)",
        "untyped (id PRIMARY KEY, title, published)",
    ] {
        let name = table.split(' ').next().unwrap();
        let sql =
            format!("CREATE TABLE {table}; INSERT INTO {name} VALUES (12, 'عنوان', '2026-11-23')");
        scene.writer.execute_batch(&sql).unwrap();
        let rows = crate::config::RowsConfig {
            select: Select::Query(format!("SELECT id, title, published FROM {name}")),
            key: "id".to_owned(),
            sequence: None,
        };
        let by_key = Statements::new(&rows).by_key;
        let keys = keys(&[StorePath::new("12"), StorePath::new("x")]);
        let found = scene
            .writer
            .query_row(&by_key, [&keys], |row| row.get::<_, String>(1));
        assert_eq!(found.unwrap(), "عنوان", "{name}");
        let plan = format!("EXPLAIN QUERY PLAN {by_key}");
        let plan: Vec<String> = {
            let mut statement = scene.writer.prepare(&plan).unwrap();
            let steps = statement.query_map([&keys], |row| row.get(3)).unwrap();
            steps.map(Result::unwrap).collect()
        };
        assert!(
            plan.iter().any(|step| step.starts_with("SEARCH")),
            "{plan:?}"
        );
    }
}
