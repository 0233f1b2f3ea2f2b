//! What happens in `out`: only what changed is written, only what is khabar's is touched, and who
//! stands in the way is told so.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::project::{
    DATE, NOW, Project, Run, article, article_with, assert_same, differing, stamps,
};

/// Three articles in two sections and a story.
pub(crate) fn newsroom() -> Project {
    let project = Project::new();
    project.write("a.md", article_with("a", DATE, "section: x\nstory: s\n"));
    project.write(
        "b.md",
        article_with("b", "2025-03-10T11:00:00Z", "section: x\n"),
    );
    project.write(
        "c.md",
        article_with("c", "2025-01-05T11:00:00Z", "section: y\n"),
    );
    project
}

/// The documents that the next build at [`NOW`] changes, and that it rewrites no other.
fn changed_by_build(project: &Project) -> Vec<String> {
    let (before, inodes) = (project.tree(), stamps(&project.out()));
    let run = project.build();
    let (after, new) = (project.tree(), stamps(&project.out()));
    let changed = differing(&before, &after);
    let rewritten: Vec<String> = inodes
        .keys()
        .chain(new.keys())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter(|path| inodes.get(*path) != new.get(*path))
        .cloned()
        .collect();
    assert_eq!(rewritten, changed, "what is rewritten and what changed");
    let count = format!(" {} changed, ", changed.len());
    assert!(run.stdout.contains(&count), "{} {changed:?}", run.stdout);
    changed
}

fn three(folder: &str) -> Vec<String> {
    ["atom.xml", "feed.json", "rss.xml"]
        .iter()
        .map(|name| format!("{folder}{name}"))
        .collect()
}

fn sorted(mut lists: Vec<Vec<String>>, others: &[&str]) -> Vec<String> {
    lists.push(others.iter().map(|path| (*path).to_owned()).collect());
    let mut all = lists.concat();
    all.sort();
    all
}

#[test]
fn a_first_build_writes_exactly_these_documents() {
    let project = newsroom();
    project.build();
    let expected = sorted(
        vec![
            three(""),
            three("sections/x/"),
            three("sections/y/"),
            three("stories/s/"),
        ],
        &[
            "feeds.opml",
            "index.html",
            "news-sitemap.xml",
            "sitemap-2025-01.xml",
            "sitemap-2025-03.xml",
            "sitemap.xml",
            "stories.json",
        ],
    );
    assert_eq!(project.tree().into_keys().collect::<Vec<_>>(), expected);
}

#[test]
fn what_does_not_change_is_not_rewritten() {
    let project = newsroom();
    project.build();
    assert_eq!(changed_by_build(&project), [""; 0]);
    // Neither where nothing is remembered.
    std::fs::remove_file(project.state().join("checkpoint")).unwrap();
    assert_eq!(changed_by_build(&project), [""; 0]);
}

#[test]
fn an_edit_rewrites_what_it_touches_and_no_more() {
    let project = newsroom();
    project.build();
    // The second paragraph of a body: full-content feeds alone print it.
    let second = format!(
        "{}\nفقرة ثانية.\n",
        article_with("c", "2025-01-05T11:00:00Z", "section: y\n")
    );
    project.write("c.md", &second);
    assert_eq!(
        changed_by_build(&project),
        sorted(vec![three(""), three("sections/y/")], &[])
    );
    // A significant change moves dates: of the feeds, and of one sitemap part and the index.
    project.write(
        "c.md",
        second.replace("section: y", "updated: 2025-03-10T12:30:00Z\nsection: y"),
    );
    assert_eq!(
        changed_by_build(&project),
        sorted(
            vec![three(""), three("sections/y/")],
            &["feeds.opml", "sitemap-2025-01.xml", "sitemap.xml"]
        )
    );
    // Bytes that say the same are no edit.
    let text = std::fs::read(project.store().join("b.md")).unwrap();
    project.write("b.md", text);
    assert_eq!(changed_by_build(&project), [""; 0]);
}

#[test]
fn what_was_lost_or_altered_in_out_is_restored() {
    let project = newsroom();
    project.build();
    let whole = project.tree();
    let out = project.out();
    std::fs::remove_file(out.join("rss.xml")).unwrap();
    std::fs::remove_dir_all(out.join("sections/y")).unwrap();
    std::fs::write(out.join("index.html"), "defaced").unwrap();
    File::options()
        .write(true)
        .open(out.join("sitemap.xml"))
        .unwrap()
        .set_len(20)
        .unwrap();
    let mut same_length = whole["feed.json"].clone();
    same_length[5] ^= 1;
    std::fs::write(out.join("feed.json"), same_length).unwrap();
    let expected = sorted(
        vec![three("sections/y/")],
        &["feed.json", "index.html", "rss.xml", "sitemap.xml"],
    );
    assert_eq!(changed_by_build(&project), expected);
    assert_same(&project.tree(), &whole, "what was lost is back");
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    for umask in ["077", "000"] {
        let project = newsroom();
        let khabar = assert_cmd::cargo::cargo_bin!("khabar");
        let line = format!("umask {umask}; exec {khabar:?} build --now {NOW}");
        let mut shell = assert_cmd::Command::new("sh");
        Run::of(shell.current_dir(project.root()).args(["-c", &line])).ends(0);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
        for path in project.tree().keys() {
            let file = project.out().join(path);
            assert_eq!(mode(&file), 0o644, "{path} under {umask}");
            let folder = file.parent().unwrap();
            if folder != project.out() {
                assert_eq!(mode(folder), 0o755, "the folder of {path} under {umask}");
            }
        }
        assert_eq!(mode(&project.state()), 0o700, "state under {umask}");
        for path in stamps(&project.state()).keys() {
            assert_eq!(
                mode(&project.state().join(path)),
                0o600,
                "{path} under {umask}"
            );
        }
    }
}

/// What the index of sitemaps lists, by path below `out`.
fn listed(project: &Project) -> Vec<String> {
    project
        .read("sitemap.xml")
        .split("<loc>https://news.example/")
        .skip(1)
        .map(|rest| rest.split_once("</loc>").unwrap().0.to_owned())
        .collect()
}

/// Every sitemap part in `out`.
fn parts(project: &Project) -> Vec<String> {
    let tree = project.tree().into_keys();
    tree.filter(|path| path.contains("sitemap") && path != "sitemap.xml")
        .collect()
}

/// Writes small articles, so many an hour, back from `day`.
fn write_small(project: &Project, numbers: std::ops::Range<usize>, day: &str) {
    for number in numbers {
        let (hour, minute) = (number / 60 % 24, number % 60);
        let text = format!(
            r#"{{"id":"n{number}","title":"خبر {number}","published":"{day}T{hour:02}:{minute:02}:00Z","body":"<p>نص</p>"}}"#
        );
        project.write(&format!("{day}/n{number}.json"), text);
    }
}

#[test]
fn a_month_of_too_many_articles_is_written_as_days() {
    let project = Project::new();
    write_small(&project, 0..2_500, "2025-01-01");
    write_small(&project, 2_500..5_000, "2025-01-17");
    project.build();
    assert_eq!(listed(&project), ["sitemap-2025-01.xml"]);
    assert_eq!(
        project.read("sitemap-2025-01.xml").matches("<loc>").count(),
        5_000
    );

    write_small(&project, 5_000..5_001, "2025-01-31");
    project.build();
    let days = [
        "sitemap-2025-01-01.xml",
        "sitemap-2025-01-17.xml",
        "sitemap-2025-01-31.xml",
    ];
    assert_eq!(listed(&project), days);
    assert_eq!(parts(&project), [&["news-sitemap.xml"], &days[..]].concat());
    let counts = days.map(|part| project.read(part).matches("<loc>").count());
    assert_eq!(counts, [2_500, 2_500, 1]);

    project.remove("2025-01-31/n5000.json");
    project.build();
    assert_eq!(listed(&project), ["sitemap-2025-01.xml"]);
    assert_eq!(parts(&project), ["news-sitemap.xml", "sitemap-2025-01.xml"]);
}

#[test]
fn more_news_than_a_news_sitemap_holds_goes_on_in_another() {
    let project = Project::new();
    write_small(&project, 0..1_001, "2025-03-09");
    project.build_at("2025-03-10T00:00:00Z");
    let news = ["news-sitemap.xml", "news-sitemap-2.xml"];
    let counts = news.map(|part| project.read(part).matches("<news:news>").count());
    assert_eq!(counts, [1_000, 1]);
    assert_eq!(
        listed(&project),
        [
            "news-sitemap.xml",
            "news-sitemap-2.xml",
            "sitemap-2025-03.xml"
        ]
    );
    // Two days later the clock alone has emptied the first and removed the second.
    project.build_at("2025-03-12T00:00:00Z");
    assert_eq!(project.read("news-sitemap.xml").matches("<url>").count(), 0);
    assert_eq!(parts(&project), ["news-sitemap.xml", "sitemap-2025-03.xml"]);
    assert_eq!(listed(&project), ["sitemap-2025-03.xml"]);
}

#[test]
fn a_second_writer_is_refused_and_the_first_named() {
    let project = newsroom();
    project.build();
    let before = stamps(project.root());
    let mut held = File::open(project.out()).unwrap();
    held.lock().unwrap();
    let run = project.khabar(&["build", "--now", NOW]).ends(1);
    run.says("in use by").says(&std::process::id().to_string());
    // Whoever only looks is not in the way.
    project.khabar(&["verify", "--now", NOW]).ends(0);
    project.khabar(&["check", "--now", NOW]).ends(0);
    project
        .khabar(&["build", "--dry-run", "--now", NOW])
        .ends(0);
    assert_eq!(stamps(project.root()), before);
    // The state alone is enough to be in the way.
    held = File::open(project.state()).unwrap();
    held.lock().unwrap();
    project
        .khabar(&["build", "--now", NOW])
        .ends(1)
        .says("in use by");
    drop(held);
    project.build();
}

#[test]
fn a_dry_run_tells_everything_and_writes_nothing() {
    let project = newsroom();
    let run = project
        .khabar(&["build", "--dry-run", "--now", NOW])
        .ends(0);
    assert_eq!(run.lines().len(), 19, "{run:?}");
    assert!(
        run.lines()
            .iter()
            .all(|line| line.ends_with(": write (it is new)"))
    );
    run.says("19 changed").says("nothing was written");
    assert!(!project.out().exists() && !project.state().exists());

    project.build();
    let out = project.out();
    std::fs::remove_file(out.join("rss.xml")).unwrap();
    std::fs::write(out.join("atom.xml"), "altered").unwrap();
    project.write(
        "d.md",
        article_with("d", "2024-12-01T00:00:00Z", "section: z\n"),
    );
    std::fs::write(out.join("sitemap-2024-12.xml"), "mine").unwrap();
    project.remove("c.md");
    let before = (stamps(project.root()), crate::project::tree(project.root()));
    let run = project
        .khabar(&["build", "--dry-run", "--now", NOW])
        .ends(1);
    let after = (stamps(project.root()), crate::project::tree(project.root()));
    assert!(before == after, "a dry run wrote");
    let reason = |path: &str| {
        let lines = run.lines();
        let mut found = lines
            .iter()
            .filter_map(|line| line.strip_prefix(&format!("{path}: ")));
        found.next().map(str::to_owned)
    };
    let why = |path: &str| reason(path).unwrap_or_else(|| panic!("{path} in {run:#?}"));
    assert_eq!(why("rss.xml"), "write (it is gone from out)");
    assert_eq!(why("feed.json"), "write (its content changed)");
    assert_eq!(why("sections/z/rss.xml"), "write (it is new)");
    assert_eq!(
        why("sitemap-2024-12.xml"),
        "leave (somebody else's file is in its place)"
    );
    assert_eq!(
        why("sections/y/rss.xml"),
        "remove (nothing names it any more)"
    );
    assert_eq!(reason("sections/x/rss.xml"), None);

    // What it says is what a build does.
    let told: Vec<String> = run
        .lines()
        .iter()
        .map(|line| line.split_once(": ").unwrap())
        .filter(|(_, what)| !what.starts_with("leave"))
        .map(|(path, _)| path.to_owned())
        .collect();
    std::fs::remove_file(out.join("sitemap-2024-12.xml")).unwrap();
    let mut changed = changed_by_build(&project);
    changed.retain(|path| path != "sitemap-2024-12.xml");
    assert_eq!(changed, told);
}

#[test]
fn verify_finds_each_kind_of_difference() {
    let project = newsroom();
    // Nothing is published yet.
    let run = project.khabar(&["verify", "--now", NOW]).ends(1);
    assert!(run.lines().contains(&"missing rss.xml"), "{run:?}");
    assert!(!project.out().exists() && !project.state().exists());
    project.build();
    assert_eq!(project.khabar(&["verify", "--now", NOW]).ends(0).stdout, "");
    std::fs::write(project.out().join("rss.xml"), "altered").unwrap();
    std::fs::remove_file(project.out().join("index.html")).unwrap();
    std::fs::write(project.out().join("mine.txt"), "mine").unwrap();
    let before = stamps(project.root());
    let run = project.khabar(&["verify", "--now", NOW]).ends(1);
    assert_eq!(run.lines(), ["missing index.html", "differs rss.xml"]);
    assert_eq!(stamps(project.root()), before, "verify wrote");
    project.build();
    project.remove("c.md");
    let run = project.khabar(&["verify", "--now", NOW]).ends(1);
    for line in [
        "stale sections/y/rss.xml",
        "stale sitemap-2025-01.xml",
        "differs rss.xml",
    ] {
        assert!(run.lines().contains(&line), "{line} in {run:#?}");
    }
    assert!(!run.stdout.contains("sections/x/"), "{run:?}");
}

#[test]
fn an_out_that_cannot_be_written_is_told_and_stays() {
    let project = newsroom();
    project.build();
    let before = project.tree();
    project.write("d.md", article("d", DATE));
    let closed = std::fs::Permissions::from_mode(0o555);
    std::fs::set_permissions(project.out(), closed).unwrap();
    let run = project.khabar_as_nobody(&["build", "--now", NOW]).ends(1);
    run.says("out").says("ermission denied");
    assert_same(&project.tree(), &before, "old documents stay");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(project.out(), open).unwrap();
    project.khabar_as_nobody(&["build", "--now", NOW]).ends(0);
    assert_same(&project.tree(), &project.rebuilt(NOW), "then it goes on");
}

#[test]
fn an_out_that_is_a_file_is_told() {
    let project = newsroom();
    std::fs::write(project.out(), "mine").unwrap();
    project
        .khabar(&["build", "--now", NOW])
        .ends(1)
        .says("/out cannot be used");
    assert_eq!(std::fs::read_to_string(project.out()).unwrap(), "mine");
}

#[test]
fn what_a_killed_build_left_staged_is_swept() {
    let project = newsroom();
    project.build();
    let stage = project.out().join(".khabar-stage");
    std::fs::create_dir(&stage).unwrap();
    std::fs::write(stage.join("0"), "half a docum").unwrap();
    assert!(project.build().stdout.contains(" 0 changed, "));
    assert!(!stage.exists());
}

#[test]
fn an_embargoed_article_is_in_no_log() {
    let project = newsroom();
    project.write(
        "secret-deal.md",
        "---\ntitle: سر\ndate: 2030-01-01T00:00:00Z\nurgency: 3\nimage: 'javascript:x'\n---\nنص {{< x >}}\n",
    );
    let run = project.khabar(&["build", "-vv", "--now", NOW]).ends(0);
    assert!(!run.stderr.contains("secret-deal"), "{run:?}");
    // check is for the people who wrote it.
    let checked = project.khabar(&["check", "-v", "--now", NOW]).ends(0);
    assert!(checked.stdout.contains("secret-deal"), "{checked:?}");
}

/// Nor one that was never good, where its date can be read.
#[test]
fn a_bad_new_file_under_embargo_is_not_named() {
    let project = newsroom();
    let date = "2090-01-01T00:00:00Z";
    project.write(
        "secret-a.md",
        format!("---\nid: z\ndate: {date}\n---\nنص\n"),
    );
    project.write(
        "secret-b.json",
        format!("{{\"title\": \"س\", \"published\": \"{date}\", \"authors\": 12}}"),
    );
    project.write(
        "secret-c.md",
        article_with("c", date, "expires: gestern\nlanguage: '??'\n"),
    );
    for _ in 0..2 {
        let run = project.khabar(&["build", "-vv", "--now", NOW]).ends(0);
        assert!(!run.stderr.contains("secret"), "{run:?}");
        run.says("3 files under embargo");
    }
    let checked = project.khabar(&["check", "--now", NOW]).ends(1);
    assert!(checked.stdout.contains("secret-a.md:"), "{checked:?}");
}

/// Not even when its file becomes bad, checkpoint or not.
#[test]
fn a_bad_file_under_embargo_is_not_named() {
    let project = Project::new();
    project.write("secret-deal.md", article("x", "2090-01-01T00:00:00Z"));
    project.build();
    project.write("secret-deal.md", "---\ntitle: [\n");
    for _ in 0..2 {
        let run = project.khabar(&["build", "-vv", "--now", NOW]).ends(0);
        assert!(!run.stderr.contains("secret"), "{run:?}");
        assert!(run.stderr.contains("1 files under embargo"), "{run:?}");
        std::fs::remove_file(project.state().join("checkpoint")).unwrap();
    }
    project.khabar(&["check"]).ends(1);
}
