//! What is in `out` and is not khabar's: it stays, and is told where it is in the way.

use std::os::unix::fs::{MetadataExt as _, symlink};

use crate::project::{DATE, NOW, Project, article, article_with, assert_same, stamp};
use crate::publish::newsroom;

#[test]
fn foreign_files_are_left_alone() {
    let project = newsroom();
    let foreign = [
        "robots.txt",
        ".htaccess",
        "sections/x/logo.png",
        "sections/x/.hidden",
        "sections/mine/rss.xml.bak",
        "stories/readme",
        "sitemap-2019-01.xml.gz",
    ];
    for path in foreign {
        let file = project.out().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, format!("mine: {path}")).unwrap();
    }
    symlink("/nowhere", project.out().join("dangling")).unwrap();
    let before: Vec<_> = foreign
        .iter()
        .map(|path| stamp(&project.out().join(path)))
        .collect();
    project.build();
    for name in ["a.md", "b.md", "c.md"] {
        project.remove(name);
    }
    project.write("d.md", article("d", DATE));
    project.build();
    assert!(!project.out().join("sections/x/rss.xml").exists());
    assert!(!project.out().join("sections/y").exists());
    assert!(!project.out().join("stories/s").exists());
    for (path, stamp_before) in foreign.iter().zip(before) {
        let file = project.out().join(path);
        assert_eq!(
            std::fs::read_to_string(&file).unwrap(),
            format!("mine: {path}")
        );
        assert_eq!(stamp(&file), stamp_before, "{path}");
    }
    assert!(project.out().join("dangling").is_symlink());
}

#[test]
fn links_in_place_of_a_document_are_replaced_and_not_written_through() {
    let project = newsroom();
    let precious = project.root().join("precious");
    std::fs::write(&precious, "precious").unwrap();
    let elsewhere = project.root().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    project.build();
    for name in ["rss.xml", "atom.xml", "feed.json"] {
        std::fs::remove_file(project.out().join(name)).unwrap();
    }
    symlink(&precious, project.out().join("rss.xml")).unwrap();
    std::fs::hard_link(&precious, project.out().join("atom.xml")).unwrap();
    symlink("/nowhere/at/all", project.out().join("feed.json")).unwrap();
    project.build();
    for name in ["rss.xml", "atom.xml", "feed.json"] {
        let meta = project.out().join(name).symlink_metadata().unwrap();
        assert!(meta.is_file() && meta.nlink() == 1, "{name}");
    }
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
    // A link in place of a folder could lead anywhere: it is told, and nothing is put behind it.
    std::fs::remove_dir_all(project.out().join("sections")).unwrap();
    symlink(&elsewhere, project.out().join("sections")).unwrap();
    let run = project.khabar(&["build", "--now", NOW]).ends(1);
    run.says("sections/x/atom.xml");
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
    assert!(!project.out().join(".khabar-stage").exists());
}

#[test]
fn a_folder_in_place_of_a_document_is_told() {
    let project = newsroom();
    std::fs::create_dir_all(project.out().join("rss.xml/inside")).unwrap();
    let run = project.khabar(&["build", "--now", NOW]).ends(1);
    run.says("rss.xml; move them away");
    assert!(project.out().join("rss.xml/inside").is_dir());
    assert!(!project.out().join(".khabar-stage").exists());
    std::fs::remove_dir_all(project.out().join("rss.xml")).unwrap();
    project.build();
    assert_same(&project.tree(), &project.rebuilt(NOW), "it recovers");
}

/// Files that were there first, under names of khabar's, are somebody else's.
#[test]
fn foreign_files_under_the_names_of_documents_stay() {
    let project = Project::new();
    let foreign = ["index.html", "sitemap-2025-03.xml"];
    std::fs::create_dir_all(project.out()).unwrap();
    for name in foreign {
        std::fs::write(project.out().join(name), "somebody else's").unwrap();
    }
    project.write("a.md", article("a", DATE));
    for _ in 0..2 {
        let run = project.khabar(&["build", "--now", NOW]).ends(1);
        run.says("2 files in")
            .says("index.html, sitemap-2025-03.xml");
        for name in foreign {
            assert_eq!(project.read(name), "somebody else's");
        }
        assert_eq!(project.shown(), ["a"]);
    }
    let run = project.khabar(&["verify", "--now", NOW]).ends(1);
    assert_eq!(
        run.stdout,
        "foreign index.html\nforeign sitemap-2025-03.xml\n"
    );
    // What nothing names any more was never khabar's either.
    project.write("a.md", article("a", "2025-02-10T12:00:00Z"));
    project.khabar(&["build", "--now", NOW]).ends(1);
    assert_eq!(project.read("sitemap-2025-03.xml"), "somebody else's");
    std::fs::remove_file(project.out().join("index.html")).unwrap();
    project.build();
    assert!(project.read("index.html").contains("<html"));
    // From here on it is khabar's, and is restored.
    std::fs::write(project.out().join("index.html"), "altered").unwrap();
    project.build();
    assert!(project.read("index.html").contains("<html"));
}

/// What khabar wrote is known to be its own even where nothing is remembered, and another directory
/// is another matter even where something is.
#[test]
fn what_is_khabars_is_told_by_what_it_says() {
    let project = newsroom();
    project.build();
    std::fs::remove_dir_all(project.state()).unwrap();
    project.write("b.md", article("b", DATE));
    project.build();
    assert_same(
        &project.tree(),
        &project.rebuilt(NOW),
        "nothing was in the way",
    );
    let old = project.root().join("old");
    std::fs::rename(project.out(), &old).unwrap();
    std::fs::create_dir(project.out()).unwrap();
    std::fs::write(project.out().join("index.html"), "somebody else's").unwrap();
    project
        .khabar(&["build", "--now", NOW])
        .ends(1)
        .says("index.html");
    assert_eq!(project.read("index.html"), "somebody else's");
    // The project is moved as a whole.
    std::fs::remove_dir_all(project.out()).unwrap();
    std::fs::rename(&old, project.out()).unwrap();
    project.build();
}

/// A sitemap cannot say who made it: it is khabar's where it looks so, too.
#[test]
fn a_foreign_sitemap_stays_where_nothing_is_remembered() {
    let project = newsroom();
    project.build();
    for name in ["sitemap.xml", "sitemap-2025-03.xml", "feeds.opml"] {
        std::fs::write(project.out().join(name), "<urlset/>").unwrap();
    }
    std::fs::remove_dir_all(project.state()).unwrap();
    let run = project.khabar(&["build", "--now", NOW]).ends(1);
    run.says("feeds.opml, sitemap-2025-03.xml, sitemap.xml");
    assert_eq!(project.read("sitemap.xml"), "<urlset/>");
}

/// What khabar wrote and nobody remembers goes all the same, and nothing else does.
#[test]
fn documents_that_nobody_remembers_are_removed() {
    let project = newsroom();
    project.build();
    std::fs::create_dir_all(project.out().join("sections/mine")).unwrap();
    let mine = project.out().join("sections/mine/feed.json");
    std::fs::write(
        &mine,
        "{\n  \"version\": \"https://jsonfeed.org/version/1.1\"",
    )
    .unwrap();
    let copy = std::fs::read(project.state().join("memory")).unwrap();
    project.write(
        "d.md",
        article_with("d", "2024-12-01T00:00:00Z", "section: gone\n"),
    );
    project.build();
    assert!(project.out().join("sections/gone/feed.json").exists());
    project.remove("d.md");
    std::fs::write(project.state().join("memory"), copy).unwrap();
    let run = project.khabar(&["verify", "--now", NOW]).ends(1);
    run.stdout
        .lines()
        .find(|line| *line == "stale sections/gone/feed.json")
        .unwrap();
    project.build();
    assert!(!project.out().join("sections/gone").exists() && mine.exists());
    assert!(!project.out().join("sitemap-2024-12.xml").exists());
    std::fs::remove_dir_all(mine.parent().unwrap()).unwrap();
    assert_same(
        &project.tree(),
        &project.rebuilt(NOW),
        "nothing is left over",
    );
}

/// Where a folder cannot be, its documents are not published; all others are.
#[test]
fn what_stands_in_place_of_a_folder_stays() {
    let project = newsroom();
    let elsewhere = project.root().join("elsewhere");
    std::fs::create_dir_all(project.out()).unwrap();
    std::fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, project.out().join("sections")).unwrap();
    let run = project.khabar(&["build", "--now", NOW]).ends(1);
    run.says("sections/x/atom.xml");
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
    assert!(project.read("index.html").contains("<html"));
    std::fs::remove_file(project.out().join("sections")).unwrap();
    project.build();
    assert_same(&project.tree(), &project.rebuilt(NOW), "it recovers");
}
