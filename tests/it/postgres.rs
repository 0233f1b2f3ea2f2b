//! Articles on a real PostgreSQL server: `tests/outside/postgres.py` starts one and runs these tests
//! against it. The server is named by the variable `KHABAR_POSTGRES`, a connection string.

mod cms;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use khabar::article::Timestamp;
use khabar::catalog::Intake;
use khabar::config::Config;
use khabar::files::{Archive, Ledger, Location};
use khabar::store::rows::Wanted;
use khabar::store::{Scope, Store, Watch};

use self::cms::{Cms, literal};
use crate::daemon::{Daemon, in_seconds, until};
use crate::laws::Dice;
use crate::project::{DATE, NOW, Project, Run, assert_same, minutes_before};
use crate::stores::{self, Fields, Newsroom};

/// One test at a time: what is open in one transaction holds up the snapshots of the whole server.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How rows are found.
const WAYS: [&str; 3] = ["", "sequence = \"seq\"\n", "changes = \"khabar_changes\"\n"];

/// The table of changes that every kind goes through.
struct Room {
    cms: Cms,
    way: &'static str,
}

impl Newsroom for Room {
    fn table(&self) -> String {
        self.cms.table(self.way)
    }

    fn put(&mut self, key: &str, fields: &Fields) {
        self.cms.put_row(key, fields);
    }

    fn remove(&mut self, key: &str) {
        let sql = format!("DELETE FROM khabar_articles WHERE key = {}", literal(key));
        self.cms.execute(&sql);
    }

    fn rename(&mut self, from: &str, to: &str) {
        self.cms.execute(&format!(
            "UPDATE khabar_articles SET key = {}, seq = DEFAULT WHERE key = {}",
            literal(to),
            literal(from)
        ));
    }

    fn set_lost(&mut self, is_lost: bool) {
        let (from, to) = if is_lost {
            ("khabar_articles", "away")
        } else {
            ("away", "khabar_articles")
        };
        self.cms
            .execute(&format!("ALTER TABLE {from} RENAME TO {to}"));
    }
}

#[test]
#[ignore = "needs a server"]
fn postgres_publishes_what_every_kind_of_store_publishes() {
    let _alone = alone();
    let expected = stores::expected();
    for way in WAYS {
        let project = Project::new();
        let cms = Cms::new(&project, "conformance");
        let trees = stores::run(way, &project, &mut Room { cms, way });
        stores::compare(&format!("postgres, {way:?}"), &trees, &expected);
    }
}

/// A transaction that begins earlier and is committed later is not missed, however many there are.
#[test]
#[ignore = "needs a server"]
fn postgres_commits_out_of_order_are_all_published() {
    let _alone = alone();
    for way in WAYS {
        let project = Project::with("[feeds]\nnewest = 100\n[guard]\nmax_loss = \"100%\"\n");
        let cms = Cms::new(&project, "order");
        cms.configure(&project, way);
        cms.article("first", DATE);
        let daemon = Daemon::start(&project);
        let writers: Vec<Cms> = (0..6).map(|_| Cms::join(&cms.schema)).collect();
        let mut open = [false; 6];
        let mut dice = Dice(9);
        for step in 0..60 {
            let which = usize::try_from(dice.below(6)).unwrap();
            let writer = &writers[which];
            if open[which] {
                writer.execute("COMMIT");
            } else {
                writer.execute("BEGIN");
                let key = format!("w{which}-{step}");
                writer.article(&key, &minutes_before(step));
            }
            open[which] = !open[which];
            // Something is committed at once, with a larger sequence than all that is open.
            let key = format!("now-{step}");
            cms.article(&key, &minutes_before(step));
            if step % 4 == 3 {
                // Nobody asks: what is committed comes by itself, and soon.
                let shown = || project.read("rss.xml").contains(&format!("خبر {key}<"));
                until(&format!("{way:?}: {key} is published"), shown);
            }
            if step % 10 == 9 {
                daemon.sync();
                let expected = project.rebuilt(&in_seconds(0));
                assert_same(&project.tree(), &expected, &format!("{way:?}, step {step}"));
            }
        }
        // The oldest of all commits last, and nothing else happens.
        for (writer, is_open) in writers.iter().zip(open) {
            if is_open {
                writer.execute("COMMIT");
            }
        }
        writers[0].execute("BEGIN");
        writers[0].article("slow", DATE);
        for number in 0..3 {
            let key = format!("quick-{number}");
            cms.article(&key, DATE);
            until(&key, || {
                project.read("rss.xml").contains(&format!("خبر {key}<"))
            });
        }
        writers[0].execute("COMMIT");
        until(&format!("{way:?}: slow is published"), || {
            project.read("rss.xml").contains("خبر slow<")
        });
        daemon.sync();
        assert_same(&project.tree(), &project.rebuilt(&in_seconds(0)), way);
        daemon.stop();
    }
}

/// A store asked directly, so that no comparison of all rows helps it out.
struct Asked {
    store: Store,
    watch: Watch,
    intake: Intake,
    known: Ledger,
}

impl Asked {
    fn new(project: &Project, cms: &Cms, way: &str) -> Self {
        cms.configure(project, way);
        let text = std::fs::read_to_string(project.config()).unwrap();
        let config = Config::parse(&text, project.root(), Timestamp::MAX).unwrap();
        let intake = Intake::new(&config, Arc::new(Heap::default()));
        let store = Store::open(Arc::new(config)).unwrap();
        Self {
            watch: Watch::start(&store, Box::new(|| {})),
            store,
            intake,
            known: Ledger::default(),
        }
    }

    /// The keys of what is new or gone, by a look at everything or at the newest alone.
    fn look(&mut self, scope: &Scope) -> String {
        let changes = self
            .store
            .heard_changes(&self.known, &self.intake, scope, &self.watch)
            .unwrap();
        let mut keys = Vec::new();
        for change in changes.changed {
            self.known.insert(&change.path, &change.file);
            keys.push(change.path.to_string());
        }
        for path in changes.gone {
            self.known.remove(self.known.find(&path).unwrap());
            keys.push(format!("-{path}"));
        }
        keys.join(" ")
    }

    fn newest(&mut self) -> String {
        self.look(&Scope::Rows(Wanted::Newest(BTreeSet::new())))
    }
}

#[derive(Debug, Default)]
struct Heap(Mutex<Vec<Vec<u8>>>);

impl Archive for Heap {
    fn put(&self, bytes: &[u8]) -> Location {
        let mut held = self.0.lock().unwrap();
        held.push(bytes.to_vec());
        Location::new(held.len() as u64 - 1, u32::try_from(bytes.len()).unwrap())
    }

    fn get(&self, location: &Location, into: &mut Vec<u8>) -> std::io::Result<()> {
        let at = usize::try_from(location.at()).unwrap();
        into.extend(&self.0.lock().unwrap()[at]);
        Ok(())
    }

    fn adopt(&self, _: &Location) {}
}

/// Each look at the newest rows finds exactly what was committed since the last one, in whatever order
/// the transactions began.
#[test]
#[ignore = "needs a server"]
fn postgres_cursors_lose_nothing_that_commits_late() {
    let _alone = alone();
    for way in &WAYS[1..] {
        let project = Project::new();
        let cms = Cms::new(&project, "cursor");
        let mut asked = Asked::new(&project, &cms, way);
        let [slow, slower] = [Cms::join(&cms.schema), Cms::join(&cms.schema)];
        cms.article("a", DATE);
        assert_eq!(asked.look(&Scope::Everything), "a", "{way}");
        assert_eq!(asked.newest(), "", "{way}");
        slow.execute("BEGIN");
        slow.article("slow", DATE);
        cms.article("b", DATE);
        assert_eq!(asked.newest(), "b", "{way}");
        slower.execute("BEGIN");
        slower.article("slower", DATE);
        cms.article("c", DATE);
        assert_eq!(asked.newest(), "c", "{way}");
        slow.execute("COMMIT");
        assert_eq!(asked.newest(), "slow", "{way}");
        cms.article("d", DATE);
        assert_eq!(asked.newest(), "d", "{way}");
        slower.execute("ROLLBACK; BEGIN");
        slower.execute("UPDATE khabar_articles SET title = 'x', seq = DEFAULT WHERE key = 'a'");
        cms.article("e", DATE);
        assert_eq!(asked.newest(), "e", "{way}");
        slower.execute("SAVEPOINT s");
        slower.article("rolled-back", DATE);
        slower.execute("ROLLBACK TO s; SAVEPOINT t");
        slower.article("kept", DATE);
        slower.execute("COMMIT");
        assert_eq!(asked.newest(), "a kept", "{way}");
        assert_eq!(asked.newest(), "", "{way}");
        cms.execute("DELETE FROM khabar_articles WHERE key = 'b'");
        let gone = if way.contains("changes") { "-b" } else { "" };
        assert_eq!(asked.newest(), gone, "{way}");
        // Everything shows what is left, and nothing else.
        let left = if gone.is_empty() { "-b" } else { "" };
        assert_eq!(asked.look(&Scope::Everything), left, "{way}");
    }
}

/// The log alone says all: a change without a sequence, and deletions, with no audit near.
#[test]
#[ignore = "needs a server"]
fn postgres_deletions_are_seen_through_the_log() {
    let _alone = alone();
    let project = Project::with("");
    let cms = Cms::new(&project, "log");
    cms.configure(
        &project,
        "changes = \"khabar_changes\"\nscan_every = \"7d\"\n",
    );
    for number in 0..5 {
        cms.article(&format!("a{number}"), &minutes_before(number));
    }
    let daemon = Daemon::start(&project);
    cms.execute("DELETE FROM khabar_articles WHERE key = 'a1'");
    until("a1 is gone", || project.shown() == ["a0", "a2", "a3", "a4"]);
    cms.execute("UPDATE khabar_articles SET key = 'b2' WHERE key = 'a2'");
    cms.execute("BEGIN; DELETE FROM khabar_articles WHERE key = 'a3'; ROLLBACK");
    cms.execute("UPDATE khabar_articles SET title = 'آخر' WHERE key = 'a4'");
    until("a4 is edited", || project.read("rss.xml").contains("آخر"));
    assert_eq!(project.shown(), ["a0", "a2", "a3", "a4"]);
    cms.execute("BEGIN; TRUNCATE khabar_articles");
    cms.article("c", DATE);
    cms.execute("COMMIT");
    until("all others are gone", || project.shown() == ["c"]);
    daemon.stop();
}

/// However often its connections are cut, nothing is missed, and it heals without a word from outside.
#[test]
#[ignore = "needs a server"]
fn postgres_connections_that_are_cut_are_made_again() {
    let _alone = alone();
    for way in WAYS {
        let project = Project::with("[feeds]\nnewest = 100\n");
        let cms = Cms::new(&project, "cut");
        cms.configure(&project, way);
        cms.article("first", DATE);
        let daemon = Daemon::start(&project);
        for number in 0..8 {
            cms.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = current_schema",
            );
            let key = format!("k{number}");
            cms.article(&key, &minutes_before(number));
            until(&format!("{way:?}: {key} is published"), || {
                project.read("rss.xml").contains(&format!("خبر {key}<"))
            });
        }
        daemon.sync();
        assert_same(&project.tree(), &project.rebuilt(&in_seconds(0)), way);
        daemon.stop();
    }
}

/// Tables of somebody else, mapped by a query; what the server has of types comes as what it is.
#[test]
#[ignore = "needs a server"]
fn postgres_columns_of_every_type_are_fields() {
    let _alone = alone();
    let project = Project::new();
    let cms = Cms::new(&project, "types");
    cms.execute(
        "CREATE TABLE people (n int PRIMARY KEY, name text);
         CREATE TABLE posts (uid uuid PRIMARY KEY, headline varchar(80), html text, at timestamptz,
             labels text[], extra json, author int REFERENCES people, premium boolean, hits int);
         INSERT INTO people VALUES (1, 'سلمى'), (2, 'Omar');
         INSERT INTO posts VALUES
             ('0a0a0a0a-0000-0000-0000-000000000001', 'عنوان \"أول\"', '<p>نص</p>', '2025-03-10 15:00:00+03',
              ARRAY['x', 'y'], '{\"url\":\n\"/p.jpg\"}', 1, false, 7),
             ('0a0a0a0a-0000-0000-0000-000000000002', 'عنوان ثان', NULL, '2025-03-10 11:00:00+00',
              NULL, NULL, 2, true, 8),
             ('0a0a0a0a-0000-0000-0000-000000000003', 'x', NULL, 'infinity', NULL, NULL, 2, true, 8),
             ('0a0a0a0a-0000-0000-0000-000000000004', NULL, NULL, now(), NULL, NULL, 2, true, 8);",
    );
    let way = "query = \"\"\"\nSELECT uid AS id, headline AS title, html AS body, at AS published, labels AS tags,\n\
               extra AS image, json_build_array(name) AS authors, hits, NOT premium AS news\n\
               FROM posts JOIN people ON people.n = posts.author -- all\n\"\"\"\n";
    cms.configure(&project, way);
    let config = std::fs::read_to_string(project.config()).unwrap();
    let config = config.replace("table = \"khabar_articles\"\nkey = \"key\"\n", "");
    std::fs::write(project.config(), config).unwrap();
    let check = project.khabar(&["check", "--now", NOW]).ends(1);
    for part in [
        "nothing is read from the column `hits`",
        "column `published`",
        "`title` is null",
        "0a0a0a0a-0000-0000-0000-000000000003:4",
        "0a0a0a0a-0000-0000-0000-000000000004:2",
    ] {
        assert!(check.stdout.contains(part), "{part}: {check:?}");
    }
    project.build().says("0a0a0a0a-0000-0000-0000-000000000003");
    let id = |number: usize| format!("0a0a0a0a-0000-0000-0000-00000000000{number}");
    assert_eq!(project.shown(), [id(1), id(2)]);
    let rss = project.read("rss.xml");
    for part in [
        "<category>y</category>",
        "<dc:creator>سلمى</dc:creator>",
        "https://news.example/p.jpg",
        "<p>نص</p>",
        "Mon, 10 Mar 2025 12:00:00 +0000",
    ] {
        assert!(rss.contains(part), "{part}: {rss}");
    }
    assert!(!project.read("news-sitemap.xml").contains("000000000002"));
    project.khabar(&["explain", &id(1), "--now", NOW]).ends(0);
    project.khabar(&["verify", "--now", NOW]).ends(0);
}

/// What cannot be asked is no empty store, and no word of ours shows a password.
#[test]
#[ignore = "needs a server"]
fn postgres_that_cannot_be_asked_is_no_empty_store_and_passwords_are_never_shown() {
    let _alone = alone();
    let project = Project::new();
    let cms = Cms::new(&project, "errors");
    cms.configure(&project, "");
    let good = std::fs::read_to_string(project.config()).unwrap();
    // Of what was never read, nothing is published.
    cms.execute("ALTER TABLE khabar_articles RENAME TO away");
    project
        .khabar(&["build", "--now", NOW])
        .ends(1)
        .says("does not exist");
    assert!(!project.out().join("rss.xml").exists());
    cms.execute("ALTER TABLE away RENAME TO khabar_articles");
    cms.article("a", DATE);
    project.build();
    let before = project.tree();
    for (from, to, words) in [
        (
            "table = \"khabar_articles\"",
            "table = \"nothing\"",
            "does not exist",
        ),
        (
            "key = \"key\"",
            "key = \"nokey\"",
            "there is no column `nokey`",
        ),
        (
            "url = \"",
            "url = \"postgres://u:geheim@127.0.0.1:1/x?connect_timeout=1&y=",
            "cannot be understood",
        ),
        (
            "url = \"",
            "url = \"postgres://u:geheim@127.0.0.1:1/x\" #",
            "127.0.0.1",
        ),
        (
            "url = \"",
            "url = \"postgres://u:geheim@127.0.0.1:nought/x\" #",
            "cannot be understood",
        ),
        (
            "url = \"",
            "url = \"postgres://u:geheim@news.invalid/x\" #",
            "news.invalid",
        ),
        (
            "url = \"",
            "url_env = \"KHABAR_NOTHING\" #",
            "no variable KHABAR_NOTHING",
        ),
    ] {
        std::fs::write(project.config(), good.replacen(from, to, 1)).unwrap();
        let run = project
            .khabar(&["-v", "build", "--now", NOW])
            .ends(1)
            .says(words);
        assert!(!run.stderr.contains("geheim"), "{run:?}");
        assert_same(&project.tree(), &before, words);
        let check = project.khabar(&["check", "--now", NOW]).ends(1);
        assert!(!check.stderr.contains("geheim"), "{check:?}");
    }
    // From the environment.
    let line = good
        .lines()
        .find(|line| line.starts_with("url = "))
        .unwrap();
    let url = line.trim_start_matches("url = ").trim_matches('"');
    std::fs::write(
        project.config(),
        good.replace(line, "url_env = \"DATABASE_URL\""),
    )
    .unwrap();
    let mut command = project.command(&["build", "--now", NOW]);
    Run::of(command.env("DATABASE_URL", url)).ends(0);
}
