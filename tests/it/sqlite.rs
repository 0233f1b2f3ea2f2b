//! Articles from the rows of an SQLite database, which belongs to a program that goes on writing.

mod cms;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::{Connection, TransactionBehavior};

pub(crate) use self::cms::{Cms, JOURNALS, Row, project};
use crate::daemon::{Daemon, in_seconds, until};
use crate::laws::Dice;
use crate::project::{DATE, NOW, Run, assert_same, minutes_before};

/// How rows are found: everything each time, or the newest.
pub(crate) const TABLE: &str = "table = \"articles\"\n";
pub(crate) const SEQUENCE: &str = "table = \"articles\"\nsequence = \"seq\"\n";

#[test]
fn columns_are_fields_whatever_they_hold() {
    let (project, cms) = project(
        "wal",
        "query = \"\"\"\nSELECT slug AS key, number AS ID, headline AS title, html AS body, day AS published,\n\
         labels AS tags, pictures AS images, flag AS news, hits, 'desk' AS authors FROM stories -- all\n;\"\"\"\n",
        "",
    );
    cms.execute(
        "CREATE TABLE stories (slug, number, headline, html, day, labels, pictures, flag, hits);
         INSERT INTO stories VALUES ('a.b/c', 7, 'عنوان', '<p>نص</p>', '2025-03-10 12:00:00', ' [\"x\",\n\"y\"]',
             '{\"url\": \"/p.jpg\", \"alt\": \"صورة\"}', 0, 12);
         INSERT INTO stories VALUES ('plain', 'id-8', '[عاجل] خبر', NULL, '2025-03-10T11:00:00Z', 'one', NULL, 1, 3);",
    );
    let check = project.khabar(&["check", "--now", NOW]).ends(0);
    assert!(
        check
            .stdout
            .contains("nothing is read from the column `hits`"),
        "{check:?}"
    );
    project.build();
    assert_eq!(project.shown(), ["7", "id-8"]);
    let rss = project.read("rss.xml");
    for part in [
        "<category>x</category>\n      <category>y</category>",
        "<category>one</category>",
        "<link>https://news.example/a%252Eb/c/</link>",
        "https://news.example/p.jpg",
        "[عاجل] خبر",
    ] {
        assert!(rss.contains(part), "{part} in {rss}");
    }
    let news = project.read("news-sitemap.xml");
    assert!(news.contains("/plain/") && !news.contains("/c/"), "{news}");
    // By its key, its id and its URL.
    for name in ["a.b/c", "7", "https://news.example/plain/"] {
        project.khabar(&["explain", name, "--now", NOW]).ends(0);
    }
    project.khabar(&["verify", "--now", NOW]).ends(0);
    // What nothing is read from changes nothing.
    cms.execute("UPDATE stories SET hits = hits + 1");
    assert!(project.build().stdout.contains("0 changed"));
}

#[test]
fn a_bad_row_is_named_with_its_column_and_all_else_is_published() {
    let (project, cms) = project("wal", SEQUENCE, "");
    for number in 0..4 {
        let id = format!("a{number}");
        cms.put(&id, &Row::new(&id, &minutes_before(number)));
    }
    project.build();
    let before = project.tree();
    cms.execute(
        "UPDATE articles SET published = '2025-13-01' WHERE key = 'a1';
         UPDATE articles SET tags = '[1' WHERE key = 'a2';
         UPDATE articles SET title = x'ff00' WHERE key = 'a3';
         INSERT INTO articles (key, title, published) VALUES (NULL, 'x', '2025-03-10');",
    );
    let check = project
        .khabar(&["check", "--now", NOW, "--format", "json"])
        .ends(1);
    let found: Vec<(String, u64, String)> = check
        .lines()
        .into_iter()
        .map(|line| {
            let fault: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| fault[key].as_str().unwrap().to_owned();
            (
                text("path"),
                fault["line"].as_u64().unwrap(),
                text("message"),
            )
        })
        .collect();
    let expected = [
        ("a1", 5, "column `published`: "),
        (
            "a2",
            9,
            "column `tags`: the value begins as JSON and is none",
        ),
        ("a3", 3, "column `title`: the value is no text in UTF-8"),
        ("articles", 1, "column `key`: 1 rows have a key"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((path, line, message), (key, column, words)) in found.iter().zip(expected) {
        assert_eq!((path.as_str(), *line), (key, column));
        assert!(message.starts_with(words), "{message}");
    }
    // Their last good versions stay.
    let build = project.build().says("a1:5:");
    assert!(build.stdout.contains("3 rejected"), "{build:?}");
    assert_same(&project.tree(), &before, "with and without bad rows");
}

#[test]
fn rows_with_one_key_are_all_refused() {
    let (project, cms) = project("wal", "query = \"SELECT * FROM twice\"\n", "");
    cms.execute(
        "CREATE TABLE twice (key, id, title, published);
         INSERT INTO twice VALUES (1, 'a', 'أ', '2025-03-10T10:00:00Z'), (2, 'b', 'ب', '2025-03-10T09:00:00Z'),
             ('1', 'c', 'ج', '2025-03-10T08:00:00Z');",
    );
    project.build().says("several rows have this key");
    assert_eq!(project.shown(), ["b"]);
    cms.execute("DELETE FROM twice WHERE id = 'c'");
    project.build();
    assert_eq!(project.shown(), ["a", "b"]);
}

/// Everything that is no store is refused, nothing that was published is lost, and it heals.
#[test]
fn a_database_that_cannot_be_read_is_no_empty_one() {
    let (project, cms) = project("delete", TABLE, "");
    for number in 0..30 {
        let id = format!("a{number:02}");
        cms.put(&id, &Row::new(&id, &minutes_before(number)));
    }
    project.build();
    let expected = project.tree();
    let whole = std::fs::read(project.store()).unwrap();
    let away = project.root().join("away");
    let build_fails = |words: &str| {
        let run = project.khabar(&["build", "--now", NOW]).ends(1);
        run.says("cannot be used").says(words);
        assert_same(&project.tree(), &expected, words);
    };
    std::fs::rename(project.store(), &away).unwrap();
    build_fails("No such file");
    std::fs::write(project.store(), "").unwrap();
    build_fails("no such table");
    std::fs::write(project.store(), &whole[..whole.len() / 2]).unwrap();
    build_fails("malformed");
    std::fs::write(project.store(), vec![b'x'; 9_000]).unwrap();
    build_fails("not a database");
    std::fs::remove_file(project.store()).unwrap();
    std::fs::rename(&away, project.store()).unwrap();
    cms.execute("ALTER TABLE articles RENAME TO others");
    build_fails("no such table");
    cms.execute("ALTER TABLE others RENAME TO articles; ALTER TABLE articles RENAME key TO k");
    build_fails("there is no column `key`");
    cms.execute("ALTER TABLE articles RENAME k TO key");
    assert!(project.build().stdout.contains("0 changed"));
    // An emptied table is a loss like any other, and held.
    cms.execute("DELETE FROM articles");
    let run = project.khabar(&["build", "--now", NOW]).ends(1);
    run.says("khabar accept");
    assert_same(&project.tree(), &expected, "held");
    project.khabar(&["accept"]).ends(0);
    project.build();
    assert_eq!(project.shown(), [""; 0]);
}

/// Laws 2 and 6: the same rows in any order, on any number of threads, in any zone and with bad ones
/// among them.
#[test]
fn the_same_rows_make_the_same_bytes_everywhere() {
    let mut dice = Dice(4);
    let rows: Vec<(String, Row)> = (0..60)
        .map(|number| (format!("k{number}"), row(&mut dice)))
        .collect();
    let make = |order: &mut dyn Iterator<Item = &(String, Row)>, journal| {
        let (project, cms) = project(journal, TABLE, "[feeds]\nnewest = 4\n");
        order.for_each(|(key, row)| cms.put(key, row));
        (project, cms)
    };
    let (forwards, _cms) = make(&mut rows.iter(), "wal");
    forwards.build();
    let expected = forwards.tree();
    for (threads, zone, locale) in [
        ("1", "UTC", "C"),
        ("2", "America/St_Johns", "ar_EG.UTF-8"),
        ("8", "Pacific/Kiritimati", "tr_TR.UTF-8"),
    ] {
        let (project, cms) = make(&mut rows.iter().rev(), "delete");
        // None of them is an article, whatever is wrong with it.
        cms.execute(
            "INSERT INTO articles (key, id, title, published) VALUES ('bad1', 'b1', NULL, '2025-03-10'),
                 ('bad2', 'b2', 'x', 'x'), ('bad3', 'b3', x'ff', '2025-03-10'), (NULL, 'b4', 'x', '2025-03-10')",
        );
        let mut command = project.command(&["build", "--now", NOW]);
        command.env("RAYON_NUM_THREADS", threads);
        command
            .env("TZ", zone)
            .env("LC_ALL", locale)
            .env("LANG", locale);
        Run::of(&mut command).ends(0).says("bad2:5:");
        assert_same(&project.tree(), &expected, threads);
    }
}

/// Law 1 and 6: whatever is committed, and bad, the next build makes what a first one makes.
#[test]
fn step_by_step_is_from_scratch() {
    for (journal, store) in [("wal", TABLE), ("delete", SEQUENCE)] {
        let (project, cms) = project(
            journal,
            store,
            "[feeds]\nnewest = 4\n[guard]\nmax_loss = \"100%\"\n",
        );
        cms.put("stays", &Row::new("stays", DATE));
        let mut dice = Dice(11);
        for step in 0..25 {
            let what: Vec<String> = (0..=dice.below(3))
                .map(|_| operate(&cms, &mut dice))
                .collect();
            let hour = dice.below(60);
            let now = format!("2025-03-{:02}T{:02}:00:00Z", 10 + hour / 24, hour % 24);
            project.build_at(&now);
            let what = format!("{journal}, step {step} at {now}: {what:?}");
            assert_same(&project.tree(), &project.rebuilt(&now), &what);
            project.khabar(&["verify", "--now", &now]).ends(0);
        }
    }
}

/// Changes the database in one way or another; says how.
pub(crate) fn operate(cms: &Cms, dice: &mut Dice) -> String {
    let (key, other) = (
        format!("k{}", dice.below(12)),
        format!("k{}", dice.below(12)),
    );
    match dice.below(10) {
        0 => {
            cms.remove(&key);
            format!("{key} removed")
        }
        1 => {
            cms.execute(&format!(
                "UPDATE articles SET published = 'x', seq = (SELECT max(seq) + 1 FROM articles) WHERE key = '{key}'"
            ));
            format!("{key} broken")
        }
        2 => {
            cms.execute(&format!(
                "UPDATE OR REPLACE articles SET key = '{other}', seq = (SELECT max(seq) + 1 FROM articles) WHERE key = '{key}'"
            ));
            format!("{key} moved to {other}")
        }
        3 => {
            // Several at once are seen at once.
            cms.execute("BEGIN IMMEDIATE");
            for key in [&key, &other] {
                cms.put(key, &row(dice));
            }
            cms.execute("COMMIT");
            format!("{key} and {other} together")
        }
        4 => {
            cms.execute("BEGIN IMMEDIATE");
            cms.put(&key, &row(dice));
            cms.execute("ROLLBACK");
            format!("{key} rolled back")
        }
        _ => {
            let row = row(dice);
            cms.put(&key, &row);
            format!("{key} is {row:?}")
        }
    }
}

fn row(dice: &mut Dice) -> Row {
    let hour = |dice: &mut Dice| {
        let hour = dice.below(96);
        format!("2025-03-{:02}T{:02}:00:00Z", 8 + hour / 24, hour % 24)
    };
    let mut row = Row::new(&format!("i{}", dice.below(16)), &hour(dice));
    row.body = format!("<p>نص {}</p>", dice.below(1_000));
    row.section = format!("x{}", dice.below(3));
    row.status = ["published", "published", "published", "draft", "withdrawn"]
        [usize::try_from(dice.below(5)).unwrap()];
    if dice.below(4) == 0 {
        row.expires = Some(hour(dice));
    }
    row
}

/// `sync` says the truth: what was committed before the call is published when it returns.
#[test]
fn a_watched_database_is_published_as_it_changes() {
    for journal in JOURNALS {
        for store in [TABLE, SEQUENCE] {
            let (project, cms) = project(
                journal,
                store,
                "[feeds]\nnewest = 5\n[guard]\nmax_loss = \"100%\"\n",
            );
            for number in 0..12 {
                let key = format!("k{number}");
                cms.put(&key, &Row::new(&format!("i{number}"), DATE));
            }
            let daemon = Daemon::start(&project);
            let mut dice = Dice(3);
            for round in 0..6 {
                let what: Vec<String> = (0..10).map(|_| operate(&cms, &mut dice)).collect();
                daemon.sync();
                let expected = project.rebuilt(&in_seconds(0));
                assert_same(
                    &project.tree(),
                    &expected,
                    &format!("{journal} {round} {what:?}"),
                );
            }
            // Without being asked, and what is gone as well.
            let row = Row::new("fresh", &in_seconds(-5));
            cms.put("fresh", &row);
            until("the row is published", || {
                project.read("rss.xml").contains("خبر fresh")
            });
            cms.remove("fresh");
            until("the row is gone", || {
                !project.read("rss.xml").contains("خبر fresh")
            });
            daemon.stop();
        }
    }
}

/// The database belongs to somebody who never waits: neither is in the other's way.
#[test]
fn beside_a_writer_that_commits_all_the_time_nobody_waits_and_nothing_is_missed() {
    for journal in JOURNALS {
        let (project, cms) = project(journal, SEQUENCE, "[feeds]\nnewest = 20\n");
        for number in 0..200 {
            let key = format!("k{number}");
            cms.put(&key, &Row::new(&key, &minutes_before(number)));
        }
        let daemon = Daemon::start(&project);
        let (is_over, commits) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut writer = Cms::open(&project, journal);
                let mut dice = Dice(5);
                while !is_over.load(Ordering::Relaxed) {
                    let number = dice.below(200);
                    let mut row = Row::new(
                        &format!("k{number}"),
                        &minutes_before(usize::try_from(number).unwrap()),
                    );
                    row.title = format!("خبر {}", commits.fetch_add(1, Ordering::Relaxed));
                    let behavior = TransactionBehavior::Immediate;
                    // Its patience is half a minute: an error here is a lock that was kept.
                    let transaction = writer
                        .connection
                        .transaction_with_behavior(behavior)
                        .unwrap();
                    drop(transaction);
                    writer.put(&format!("k{number}"), &row);
                }
            });
            for _ in 0..5 {
                let before = commits.load(Ordering::Relaxed);
                until("the writer writes", || {
                    commits.load(Ordering::Relaxed) > before + 20
                });
                daemon.sync();
                project.khabar(&["check", "--now", &in_seconds(0)]).ends(0);
            }
            is_over.store(true, Ordering::Relaxed);
        });
        daemon.sync();
        assert_same(&project.tree(), &project.rebuilt(&in_seconds(0)), journal);
        assert!(!daemon.log().contains("cannot be used"), "{}", daemon.log());
        daemon.stop();
    }
}

/// Locked for longer than anyone waits, it is degraded and not empty; then all is well again.
#[test]
fn a_locked_database_is_waited_for() {
    let (project, cms) = project("delete", TABLE, "");
    cms.put("a", &Row::new("a", DATE));
    let daemon = Daemon::start(&project);
    let before = project.tree();
    cms.execute("BEGIN EXCLUSIVE");
    cms.put("b", &Row::new("b", DATE));
    project.khabar(&["sync", "--timeout", "1s"]).ends(1);
    until("it is degraded", || {
        daemon.log().contains("database is locked")
    });
    assert_same(&project.tree(), &before, "locked");
    cms.execute("COMMIT");
    daemon.sync();
    assert_eq!(project.shown(), ["a", "b"]);
    assert!(daemon.log().contains("store: all is well again"));
    daemon.stop();
}

#[test]
fn a_database_that_is_replaced_is_read_anew_and_one_that_is_lost_stays_published() {
    let (project, cms) = project("delete", SEQUENCE, "");
    cms.put("a", &Row::new("a", DATE));
    cms.put("b", &Row::new("b", DATE));
    let daemon = Daemon::start(&project);
    let before = project.tree();
    let away = project.root().join("away");
    std::fs::rename(project.store(), &away).unwrap();
    until("it is degraded", || daemon.log().contains("cannot be used"));
    assert_same(&project.tree(), &before, "lost");
    // Another database, with a smaller sequence.
    let staged = project.root().join("staged");
    let other = Connection::open(&staged).unwrap();
    other.execute_batch(&format!("ATTACH '{}' AS old; CREATE TABLE articles AS SELECT * FROM old.articles WHERE key = 'a'; UPDATE articles SET seq = 0, title = 'آخر'", away.display())).unwrap();
    other.close().unwrap();
    std::fs::rename(&staged, project.store()).unwrap();
    daemon.sync();
    assert_eq!(project.shown(), ["a"]);
    assert!(project.read("rss.xml").contains("آخر"));
    daemon.stop();
}

#[test]
fn what_is_commanded_counts_for_rows_as_well() {
    let (project, cms) = project("wal", TABLE, "");
    for id in ["a", "b"] {
        cms.put(id, &Row::new(id, DATE));
    }
    project.build();
    project.khabar(&["withdraw", "a"]).ends(0);
    assert_eq!(project.shown(), ["b"]);
    project.khabar(&["restore", "a"]).ends(0);
    assert_eq!(project.shown(), ["a", "b"]);
    cms.put("c", &Row::new("c", DATE));
    let dry = project
        .khabar(&["build", "--dry-run", "--now", NOW])
        .ends(0);
    assert!(dry.stdout.contains("rss.xml"), "{dry:?}");
    assert_eq!(project.shown(), ["a", "b"]);
    // A scope is a key, as the table has it.
    cms.execute("UPDATE articles SET title = NULL");
    let check = project.khabar(&["check", "--now", NOW, "b"]).ends(1);
    assert!(
        check.stdout.contains("--> b:3:") || check.stdout.contains("b:3:"),
        "{check:?}"
    );
    assert!(!check.stdout.contains("a:3:"), "{check:?}");
}
