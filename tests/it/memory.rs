//! What khabar remembers: last good versions, held losses, withdrawals, and what happens when the
//! store or the state is not what it was.

use crate::project::{DATE, NOW, Project, Run, article, article_with, assert_same, stamps, tree};

const HELD: &str = "khabar accept";

/// Forgets everything that can be derived.
fn forget(project: &Project) {
    std::fs::remove_file(project.state().join("checkpoint")).unwrap();
}

/// An edit breaks the file of an article: what was good stays in every document.
#[test]
fn a_broken_file_keeps_its_last_good_version() {
    let project = Project::new();
    let good = article_with("a", DATE, "section: x\nstory: s\n");
    project.write("a.md", &good);
    project.write("b.md", article("b", DATE));
    project.build();
    let before = project.tree();
    for broken in ["---\ntitle: [\n", "", "---\nid: a\ndate: 2025-03-10\n---\n"] {
        project.write("a.md", broken);
        let run = project.khabar(&["build", "--strict", "--now", NOW]).ends(1);
        assert!(run.stdout.contains(" 1 rejected, "), "{broken:?}: {run:?}");
        run.says("a.md:");
        assert_same(&project.tree(), &before, broken);
        forget(&project);
        project.build();
        assert_same(&project.tree(), &before, "without a checkpoint");
        assert_same(&project.rebuilt(NOW), &before, "into an empty out");
    }
    project.write("a.md", good.replace("خبر a", "عنوان جديد"));
    project.build();
    assert!(project.read("rss.xml").contains("عنوان جديد"));
    assert!(!project.read("rss.xml").contains("خبر a<"));
    project.write("a.md", "");
    project.build();
    assert_eq!(project.shown(), ["a", "b"]);
    project.remove("a.md");
    project.build();
    assert_eq!(project.shown(), ["b"]);
    assert_same(
        &project.tree(),
        &project.rebuilt(NOW),
        "and nothing is left of it",
    );
    assert!(!project.out().join("sections").exists());
}

/// The clock goes on for a last good version too.
#[test]
fn a_last_good_version_leaves_when_it_expires() {
    let project = Project::new();
    project.write(
        "a.md",
        article_with("a", DATE, "expires: 2025-03-10T14:00:00Z\n"),
    );
    project.build();
    project.write("a.md", "");
    project.build_at("2025-03-10T13:59:59Z");
    assert_eq!(project.shown(), ["a"]);
    project.build_at("2025-03-10T14:00:00Z");
    assert_eq!(project.shown(), [""; 0]);
}

/// Forty articles, of which twenty vanish.
fn with_a_loss() -> (Project, Run) {
    let project = Project::new();
    project.write_many(0..40);
    project.build();
    for number in 0..20 {
        project.remove(&format!("a{number:03}.md"));
    }
    let run = project.khabar(&["build", "--now", NOW]);
    (project, run)
}

#[test]
fn a_great_loss_is_held_and_everything_else_goes_on() {
    let (project, run) = with_a_loss();
    run.ends(1).says(HELD).says("20 of 40");
    assert_eq!(project.shown().len(), 40);
    // An addition, an edit, a withdrawal, the clock.
    project.write("new.md", article("new", "2025-03-10T14:00:00Z"));
    let edited = article("a030", "2025-03-10T11:30:00Z").replace("خبر a030", "معدّل");
    project.write("a030.md", edited);
    let later = "2025-03-10T14:00:00Z";
    let run = project.khabar(&["build", "--now", later]).ends(1);
    run.says(HELD).says("20 of ");
    assert_eq!(project.shown().len(), 41);
    assert_eq!(project.shown()[0], "new");
    assert!(project.read("feed.json").contains("معدّل"));
    project.khabar(&["withdraw", "a005"]).ends(0).says(HELD);
    project.khabar(&["build", "--now", later]).ends(1);
    assert_eq!(project.shown().len(), 40);
    assert!(!project.shown().contains(&"a005".to_owned()));
    // Nothing of this depends on the checkpoint.
    let before = project.tree();
    forget(&project);
    project
        .khabar(&["build", "--now", later])
        .ends(1)
        .says(HELD);
    assert_same(&project.tree(), &before, "without a checkpoint");
}

#[test]
fn a_held_loss_ends_when_the_articles_return() {
    let (project, run) = with_a_loss();
    run.ends(1);
    let whole = project.tree();
    project.write_many(0..20);
    project.build();
    assert_same(&project.tree(), &whole, "they are back");
    project.khabar(&["accept"]).ends(1).says("nothing is held");
}

/// Where some return, what is left of a held loss stays held however small it is.
#[test]
fn what_is_left_of_a_held_loss_stays_held() {
    let (project, run) = with_a_loss();
    run.ends(1);
    project.write_many(1..20);
    let run = project.khabar(&["build", "--now", NOW]).ends(1);
    run.says("1 of 40");
    assert_eq!(project.shown().len(), 40);
}

#[test]
fn accept_lets_through_exactly_the_loss_that_is_held() {
    let (project, run) = with_a_loss();
    run.ends(1);
    // `accept` runs at the true time, at which all of these are published.
    project.khabar(&["accept"]).ends(0);
    assert_eq!(project.shown().len(), 20);
    assert!(project.shown().iter().all(|id| id.as_str() >= "a020"));
    project.khabar(&["accept"]).ends(1).says("nothing is held");
    project.build();
    assert_same(
        &project.tree(),
        &project.rebuilt(NOW),
        "nothing is left of them",
    );
    // The next great loss is held again.
    for number in 20..35 {
        project.remove(&format!("a{number:03}.md"));
    }
    project
        .khabar(&["build", "--now", NOW])
        .ends(1)
        .says("15 of 20");
}

#[test]
fn a_small_loss_is_not_held() {
    let project = Project::new();
    project.write_many(0..12);
    project.build();
    for number in 0..10 {
        project.remove(&format!("a{number:03}.md"));
    }
    project.build();
    assert_eq!(project.shown(), ["a010", "a011"]);
}

/// Eleven of forty-four are exactly a quarter, which is not more than a quarter.
#[test]
fn the_limit_itself_is_not_held() {
    let project = Project::new();
    project.write_many(0..44);
    project.build();
    for number in 0..11 {
        project.remove(&format!("a{number:03}.md"));
    }
    project.build();
    assert_eq!(project.shown().len(), 33);
    let project = Project::new();
    project.write_many(0..44);
    project.build();
    for number in 0..12 {
        project.remove(&format!("a{number:03}.md"));
    }
    project
        .khabar(&["build", "--now", NOW])
        .ends(1)
        .says("12 of 44");
}

#[test]
fn an_empty_store_is_held_however_small_it_was() {
    let project = Project::new();
    project.write_many(0..2);
    project.build();
    let before = project.tree();
    project.remove("a000.md");
    project.remove("a001.md");
    project.khabar(&["build", "--now", NOW]).ends(1).says(HELD);
    assert_same(&project.tree(), &before, "held");
    project.khabar(&["verify", "--now", NOW]).ends(0);
    project.khabar(&["accept"]).ends(0);
    assert_eq!(project.shown(), [""; 0]);
}

/// What time or status hides does not count, and what has a new name has not vanished.
#[test]
fn hiding_and_renaming_are_no_loss() {
    let project = Project::new();
    project.write_many(0..40);
    project.build();
    let before = project.tree();
    for number in 0..40 {
        let from = project.store().join(format!("a{number:03}.md"));
        let to = project.store().join(format!("moved-{number}.md"));
        std::fs::rename(from, to).unwrap();
    }
    project.build();
    assert_eq!(project.shown().len(), 40);
    // A URL made of the path is another one now; nothing else is.
    assert_ne!(project.tree(), before);
    for number in 0..30 {
        let id = format!("a{number:03}");
        let text = article_with(&id, DATE, "draft: true\n");
        project.write(&format!("moved-{number}.md"), text);
    }
    project.build();
    assert_eq!(project.shown().len(), 10);
}

/// Without a checkpoint everything is read again, and nothing else is different: not even where files
/// have become bad or vanished since, and articles have come.
#[test]
fn a_lost_checkpoint_costs_time_alone() {
    let projects = [Project::new(), Project::new()];
    let trees = projects.each_ref().map(|project| {
        project.write_many(0..40);
        project.build();
        for number in 0..39 {
            project.remove(&format!("a{number:03}.md"));
        }
        project.write("a039.md", "---\ntitle: [\n");
        project.write_many(40..79);
        if std::ptr::eq(project, &raw const projects[1]) {
            forget(project);
        }
        let run = project.khabar(&["build", "--now", NOW]).ends(1);
        run.says("39 of 40").says(HELD);
        assert_eq!(project.shown().len(), 50);
        project.tree()
    });
    assert_same(&trees[0], &trees[1], "with and without a checkpoint");
}

#[test]
fn a_withdrawal_takes_effect_at_once_and_survives() {
    let project = Project::new();
    project.write("a.md", article_with("a", DATE, "section: x\nstory: s\n"));
    project.write("b.md", article("b", DATE));
    project.build();
    // Its file cannot even be read.
    project.write("a.md", "---\ntitle: [\n");
    project.build();
    assert_eq!(project.shown(), ["a", "b"]);
    project.khabar(&["withdraw", "a"]).ends(0);
    let only_tombstones = |when: &str| {
        for (path, bytes) in project.tree() {
            let text = String::from_utf8(bytes).unwrap();
            assert!(!text.contains("خبر a"), "{path} {when}");
            let is_tombstone =
                text.contains("<at:deleted-entry ref=\"tag:news.example,2016:a\" when=");
            assert_eq!(is_tombstone, path.ends_with("atom.xml"), "{path} {when}");
        }
        assert_eq!(project.shown(), ["b"], "{when}");
    };
    only_tombstones("at once");
    let withdrawn = project.tree();
    project
        .khabar(&["withdraw", "a"])
        .ends(0)
        .says("withdrawn already");
    assert_same(&project.tree(), &withdrawn, "a second time");
    forget(&project);
    project.khabar(&["build"]).ends(0);
    assert_same(&project.tree(), &withdrawn, "without a checkpoint");
    std::fs::remove_dir_all(project.out()).unwrap();
    project.khabar(&["build"]).ends(0);
    assert_same(&project.tree(), &withdrawn, "into an empty out");
    project.write("a.md", article_with("a", DATE, "section: x\nstory: s\n"));
    project.khabar(&["build"]).ends(0);
    only_tombstones("with a good file");
    project.khabar(&["restore", "a"]).ends(0);
    assert_eq!(project.shown(), ["a", "b"]);
    assert!(!project.read("atom.xml").contains("deleted-entry"));
    project
        .khabar(&["restore", "a"])
        .ends(1)
        .says("not withdrawn");
}

/// A withdrawal is remembered with its instant, which a given time may be before.
#[test]
fn a_withdrawal_seen_from_before_it_has_the_articles_date() {
    let project = Project::new();
    project.write("a.md", article("a", DATE));
    project.write("b.md", article("b", DATE));
    project.khabar(&["withdraw", "a"]).ends(0);
    project.build();
    let before = project.tree();
    let later = "2025-03-10T13:00:01Z";
    project.build_at(later);
    assert_same(&project.tree(), &before, "a second later");
    assert_same(&project.rebuilt(later), &before, "from scratch");
}

/// A takedown that names a path or a URL must not pass for done.
#[test]
fn a_withdrawal_goes_by_id_alone() {
    let project = Project::new();
    project.write("a.md", article("a1", DATE));
    project.build();
    for name in ["a.md", "https://news.example/a/"] {
        let run = project.khabar(&["withdraw", name]).ends(1);
        run.says("that is where a1 is");
    }
    assert_eq!(project.shown(), ["a1"]);
}

#[test]
fn an_unknown_article_can_be_withdrawn_before_it_comes() {
    let project = Project::new();
    project.write("b.md", article("b", DATE));
    project
        .khabar(&["withdraw", "a"])
        .ends(0)
        .says("no article a");
    project.write("a.md", article("a", DATE));
    project.build();
    assert_eq!(project.shown(), ["b"]);
}

/// A store that is not there is not a store that is empty.
#[test]
fn a_missing_store_changes_nothing_but_the_clock() {
    let project = Project::new();
    project.write("a.md", article("a", DATE));
    project.write(
        "gone.md",
        article_with("gone", DATE, "expires: 2025-03-10T15:00:00Z\n"),
    );
    project.write("to-come.md", article("to-come", "2025-03-10T14:00:00Z"));
    project.build();
    let before = project.tree();
    let away = project.root().join("away");
    std::fs::rename(project.store(), &away).unwrap();
    project
        .khabar(&["build", "--now", NOW])
        .ends(1)
        .says("degraded")
        .says("store");
    assert_same(&project.tree(), &before, "out stays");
    project
        .khabar(&["build", "--now", "2025-03-10T15:00:00Z"])
        .ends(1);
    assert!(!project.shown().contains(&"gone".to_owned()));
    std::fs::rename(&away, project.store()).unwrap();
    project.build_at("2025-03-10T15:00:00Z");
    assert_eq!(project.shown(), ["to-come", "a"]);
    assert_same(
        &project.tree(),
        &project.rebuilt("2025-03-10T15:00:00Z"),
        "it converges",
    );
}

#[test]
fn a_store_that_was_never_there_is_told() {
    let project = Project::new();
    std::fs::remove_dir(project.store()).unwrap();
    for command in ["build", "check", "verify"] {
        project.khabar(&[command]).ends(1).says("store");
    }
    assert!(!project.out().join("rss.xml").exists());
}

#[test]
fn a_damaged_checkpoint_is_ignored_with_a_word() {
    let project = Project::new();
    project.write("a.md", article("a", DATE));
    project.build();
    let before = project.tree();
    let file = project.state().join("checkpoint");
    let whole = std::fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damaged in [&flipped[..], &whole[..whole.len() / 2], b"", b"{}"] {
        std::fs::write(&file, damaged).unwrap();
        let run = project.build();
        run.says("checkpoint is damaged");
        assert_same(&project.tree(), &before, "the same documents");
        assert!(!project.build().stderr.contains("damaged"));
    }
}

#[test]
fn a_damaged_memory_is_an_error_and_out_stays() {
    let project = Project::new();
    project.write("a.md", article("a", DATE));
    project.build();
    let before = project.tree();
    let file = project.state().join("memory");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    project.write("b.md", article("b", DATE));
    for command in ["build", "verify", "check"] {
        let run = project.khabar(&[command]).ends(1);
        run.says("state/memory is damaged")
            .says("restore it from a copy");
    }
    assert_same(&project.tree(), &before, "out stays");
    std::fs::write(&file, whole).unwrap();
    project.build();
}

/// `--now` neither reads nor moves the mark.
#[test]
fn a_given_time_does_not_move_the_clock() {
    let project = Project::new();
    project.write("a.md", article("a", DATE));
    project.write("to-come.md", article("to-come", "2090-01-01T00:00:00Z"));
    project.build_at("2100-01-01T00:00:00Z");
    assert_eq!(project.shown(), ["to-come", "a"]);
    let run = project.khabar(&["build"]).ends(0);
    assert!(!run.stderr.contains("degraded"), "{run:?}");
    assert_eq!(project.shown(), ["a"]);
    project.build_at("2000-01-01T00:00:00Z");
    assert_eq!(project.shown(), [""; 0]);
    project
        .khabar(&["accept", "--clock"])
        .ends(1)
        .says("the clock is not behind");
}

/// Reading commands leave no trace, whatever they find.
#[test]
fn check_and_verify_write_nothing() {
    let project = Project::new();
    project.write_many(0..30);
    project.write("bad.md", "---\n");
    project.build();
    for number in 0..29 {
        project.remove(&format!("a{number:03}.md"));
    }
    let before = (stamps(project.root()), tree(project.root()));
    project.khabar(&["check", "--now", NOW]).ends(1);
    project.khabar(&["verify", "--now", NOW]);
    project
        .khabar(&["build", "--dry-run", "--now", NOW])
        .ends(1)
        .says(HELD);
    assert!(before == (stamps(project.root()), tree(project.root())));
}

/// A lost date line must not take an article away: it is no article from the start alone.
#[test]
fn an_article_that_loses_its_date_stays_as_it_was() {
    let project = Project::new();
    project.write("a.md", article("a", DATE));
    project.build();
    let before = project.tree();
    project.write("a.md", "---\nid: a\ntitle: x\ndat: 2026-11-20\n---\n\ny\n");
    let run = project.khabar(&["build", "--strict", "--now", NOW]).ends(1);
    assert!(run.stderr.contains("has no date any more"), "{run:?}");
    assert_same(&project.tree(), &before, "the date is lost");
    project.write("b.md", "---\ntitle: x\n---\n\ny\n");
    project.khabar(&["build", "--now", NOW]).ends(0);
    assert_eq!(project.shown(), ["a"]);
    project.remove("a.md");
    project.khabar(&["build", "--now", NOW]);
    project.khabar(&["accept"]);
    assert_eq!(project.shown(), [""; 0]);
}

/// A document that is altered between two builds is made again, however alike it looks, and what
/// nobody touched is not even rendered.
#[test]
fn what_is_altered_in_out_is_made_again() {
    let project = Project::new();
    project.write_many(0..5);
    project.khabar(&["build"]).ends(0);
    let before = project.tree();
    for round in 0..3 {
        let path = project.out().join("rss.xml");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[200] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let run = project.khabar(&["build"]).ends(0);
        assert!(run.stdout.contains("1 changed"), "{round}: {run:?}");
        assert_same(&project.tree(), &before, "healed");
        let run = project.khabar(&["build"]);
        assert!(run.stdout.contains("0 changed"), "{round}: {run:?}");
        project.khabar(&["verify"]).ends(0);
    }
}
