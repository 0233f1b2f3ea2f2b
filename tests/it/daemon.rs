//! `khabar watch`: out stays true while the store, the clock and the configuration move.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;

use crate::project::{DATE, Project, article, article_with, assert_same};

/// A running daemon; killed where a test ends without stopping it.
pub(crate) struct Daemon<'a> {
    project: &'a Project,
    child: Child,
}

impl<'a> Daemon<'a> {
    /// Starts the daemon and waits for its first publication.
    pub(crate) fn start(project: &'a Project) -> Self {
        let daemon = Self::start_anyhow(project);
        until("the daemon answers", || project.khabar(&["sync"]).code == 0);
        daemon
    }

    /// Starts the daemon.
    fn start_anyhow(project: &'a Project) -> Self {
        let log = std::fs::File::create(project.root().join("log")).unwrap();
        let child = Command::new(cargo_bin!("khabar"))
            .current_dir(project.root())
            .arg("watch")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { project, child }
    }

    /// Waits until everything that happened is published.
    pub(crate) fn sync(&self) {
        self.project.khabar(&["sync", "--timeout", "30s"]).ends(0);
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.project.root().join("log")).unwrap()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Stops it as a service manager does.
    pub(crate) fn stop(mut self) {
        self.signal("-TERM");
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}: {}", self.log());
                return;
            }
            assert!(
                Instant::now() < deadline,
                "it does not stop: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        // Where it has ended already, there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for something that must come to be. The limit is a guard against hanging, not a measure.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: it does not come to be");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn in_seconds(seconds: i64) -> String {
    let at = chrono::Utc::now() + chrono::Duration::seconds(seconds);
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

#[test]
fn edits_of_every_kind_are_published() {
    let project = Project::new();
    project.write("a.md", article("a", "2025-03-10T11:00:00Z"));
    let daemon = Daemon::start(&project);
    assert_eq!(project.shown(), ["a"]);

    project.write("new/deep/b.md", article("b", "2025-03-10T12:00:00Z"));
    daemon.sync();
    assert_eq!(project.shown(), ["b", "a"]);

    let store = project.store();
    std::fs::write(
        store.join(".c.md.tmp"),
        article("c", "2025-03-10T13:00:00Z"),
    )
    .unwrap();
    std::fs::rename(store.join(".c.md.tmp"), store.join("c.md")).unwrap();
    daemon.sync();
    assert_eq!(project.shown(), ["c", "b", "a"]);

    std::fs::rename(store.join("new"), store.join("moved")).unwrap();
    daemon.sync();
    assert_eq!(project.shown(), ["c", "b", "a"]);

    std::fs::remove_dir_all(store.join("moved")).unwrap();
    daemon.sync();
    assert_eq!(project.shown(), ["c", "a"]);

    // Nothing but the body: what is shown of the article beside it stays.
    let text = article_with("a", "2025-03-10T11:00:00Z", "summary: s\n");
    project.write("a.md", &text);
    daemon.sync();
    project.write("a.md", text + "\nفقرة أخيرة\n");
    daemon.sync();
    assert!(project.read("rss.xml").contains("فقرة أخيرة"));

    project.write("a.md", "---\ntitle: [\n");
    daemon.sync();
    assert_eq!(project.shown(), ["c", "a"], "the last good version stays");
    assert!(daemon.log().contains("a.md:"), "{}", daemon.log());
    daemon.stop();
    project.khabar(&["verify"]).ends(0);
}

#[test]
fn the_clock_alone_publishes_and_takes_away() {
    let project = Project::new();
    let expiring = article("old", "2025-03-10T11:00:00Z");
    let expiring = expiring.replacen("---\n", &format!("---\nexpires: {}\n", in_seconds(4)), 1);
    project.write("old.md", expiring);
    project.write("new.md", article("new", &in_seconds(4)));
    let daemon = Daemon::start(&project);
    assert_eq!(project.shown(), ["old"]);
    until("the embargo lifts and the other expires", || {
        project.shown() == ["new"]
    });
    assert!(!daemon.log().contains("new.md"), "{}", daemon.log());
    daemon.stop();
}

#[test]
fn a_lost_store_changes_nothing_and_heals_alone() {
    let project = Project::new();
    project.write_many(0..12);
    let daemon = Daemon::start(&project);
    let before = project.tree();
    let store = project.store();
    let away = project.root().join("away");
    std::fs::rename(&store, &away).unwrap();
    until("the loss is told", || {
        daemon.log().contains("trouble=\"store\"")
    });
    assert_same(&project.tree(), &before, "the store is away");
    // As an unmounted one looks.
    std::fs::create_dir(&store).unwrap();
    until("the empty store is no store", || {
        daemon.log().matches("ERROR").count() >= 1
    });
    std::thread::sleep(Duration::from_millis(1_500));
    assert_same(&project.tree(), &before, "the store is empty");
    std::fs::remove_dir(&store).unwrap();
    std::fs::rename(&away, &store).unwrap();
    until("it heals", || {
        daemon.log().contains("store: all is well again")
    });
    project.write("more.md", article("more", "2025-03-10T14:00:00Z"));
    until("it sees again", || {
        project.shown().contains(&"more".to_owned())
    });
    daemon.stop();
}

#[test]
fn commands_act_on_the_running_daemon() {
    let project = Project::new();
    project.write_many(0..40);
    let daemon = Daemon::start(&project);
    project.khabar(&["build"]).ends(1).says("in use by process");
    let all = project.shown();
    let id = all[0].clone();
    project.khabar(&["withdraw", &id]).ends(0);
    assert!(!project.shown().contains(&id));
    project.khabar(&["restore", &id]).ends(0);
    project.khabar(&["restore", &id]).ends(1);
    assert_eq!(project.shown(), all);
    project.khabar(&["accept"]).ends(1).says("nothing is held");

    let mut files: Vec<_> = std::fs::read_dir(project.store())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    for file in &files[..20] {
        std::fs::remove_file(file).unwrap();
    }
    daemon.sync();
    assert_eq!(project.shown(), all, "the loss is held");
    // It may have been told in two parts, and is logged when it begins.
    assert!(
        daemon.log().contains("run `khabar accept`"),
        "{}",
        daemon.log()
    );
    project.khabar(&["accept"]).ends(0).says("20 articles");
    assert_eq!(project.shown().len(), all.len().min(20));
    daemon.stop();
    project.khabar(&["sync"]).ends(1).says("no daemon");
}

#[test]
fn a_configuration_is_swapped_whole_or_not_at_all() {
    let project = Project::new();
    project.write("a.md", article("a", "2025-03-10T11:00:00Z"));
    let daemon = Daemon::start(&project);
    let path = project.root().join("config.toml");
    let good = std::fs::read_to_string(&path).unwrap();
    let before = project.tree();

    std::fs::write(
        &path,
        good.replace("[publication]", "[publication]\nnonsense = 1"),
    )
    .unwrap();
    until("the fault is told", || daemon.log().contains("nonsense"));
    assert_same(&project.tree(), &before, "the old configuration goes on");

    let channel = "\n[[channel]]\nid = \"all\"\nmatch = { kind = \"article\" }\n";
    std::fs::write(&path, format!("{good}{channel}")).unwrap();
    daemon.signal("-HUP");
    until("the new channel is there", || {
        project.tree().contains_key("channels/all/rss.xml")
    });
    daemon.stop();
    project.khabar(&["verify"]).ends(0);
}

#[test]
fn what_stands_in_the_way_is_waited_for() {
    let project = Project::new();
    project.write("a.md", article("a", "2025-03-10T11:00:00Z"));
    let daemon = Daemon::start(&project);
    // A file where a folder must be stands in the way of root, too.
    let stories = project.out().join("sections");
    std::fs::write(&stories, "in the way").unwrap();
    let text = article("b", "2025-03-10T12:00:00Z");
    project.write("b.md", text.replacen("---\n", "---\nsection: world\n", 1));
    until("the trouble is told", || {
        daemon.log().contains("trouble=\"foreign\"")
    });
    std::fs::remove_file(&stories).unwrap();
    until("it recovers", || {
        project.tree().contains_key("sections/world/rss.xml")
    });
    until("and says so", || {
        daemon.log().contains("foreign: all is well again")
    });
    daemon.stop();
}

/// The clock goes on over what is remembered of a store that is away when the daemon starts.
#[test]
fn a_daemon_that_starts_without_its_store_moves_with_the_clock() {
    let project = Project::new();
    project.write("a.md", article("a", DATE));
    let soon = |seconds: i64| {
        let at = chrono::Utc::now() + chrono::TimeDelta::seconds(seconds);
        at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    project.write("to-come.md", article("to-come", &soon(4)));
    project.khabar(&["build"]).ends(0);
    assert_eq!(project.shown(), ["a"]);
    let away = project.root().join("away");
    std::fs::rename(project.store(), &away).unwrap();
    let daemon = Daemon::start_anyhow(&project);
    until("the embargo ends", || project.shown().len() == 2);
    std::fs::rename(&away, project.store()).unwrap();
    project.write("more.md", article("more", DATE));
    until("the store is back", || project.shown().len() == 3);
    daemon.stop();
}

/// `out` and the state are taken away under the running daemon: both come back, whole.
#[test]
fn what_is_taken_away_comes_back() {
    let project = Project::new();
    project.write_many(0..5);
    let daemon = Daemon::start(&project);
    let before = project.tree();
    // A folder in place of one document keeps none of the others from being published.
    std::fs::remove_file(project.out().join("feed.json")).unwrap();
    std::fs::create_dir(project.out().join("feed.json")).unwrap();
    project.write("more.md", article("more", DATE));
    daemon.sync();
    assert!(project.read("rss.xml").contains("more"));
    std::fs::remove_dir(project.out().join("feed.json")).unwrap();
    project.remove("more.md");
    daemon.sync();
    std::fs::remove_dir_all(project.out()).unwrap();
    until("out is back", || project.out().join("index.html").exists());
    daemon.sync();
    assert_same(&project.tree(), &before, "the same documents");
    std::fs::rename(project.out(), project.root().join("moved")).unwrap();
    std::fs::create_dir(project.out()).unwrap();
    until("another out is filled", || {
        project.out().join("index.html").exists()
    });
    project.khabar(&["withdraw", "a000"]).ends(0);
    for round in 0..4 {
        std::fs::remove_dir_all(project.state()).unwrap();
        until("the memory is back", || {
            project.state().join("memory").exists()
        });
        until("the daemon can be asked", || {
            project.khabar(&["sync"]).code == 0
        });
        project.write(
            "more.md",
            article_with("more", DATE, &format!("summary: round{round}\n")),
        );
        daemon.sync();
        assert!(
            project.read("rss.xml").contains(&format!("round{round}")),
            "{round}"
        );
    }
    daemon.stop();
    // What was remembered before is remembered still.
    project.khabar(&["build"]).ends(0);
    assert_eq!(project.shown().len(), 5);
    assert!(!project.shown().contains(&"a000".to_owned()));
}
