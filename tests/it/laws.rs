//! The laws of the design that hold for the program as a whole: same input, same bytes; crash
//! anywhere; incremental equals from scratch; on time, seen once.

use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;

use crate::project::{
    DATE, NOW, Project, Run, Tree, article, article_with, assert_same, repository, tree,
};

/// Numbers that look random and are the same every time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }
}

/// Law 2: the sample newsroom, its files made in one order or the other.
#[test]
fn the_same_store_makes_the_same_bytes_everywhere() {
    let newsroom = tree(&repository().join("tests/newsroom"));
    let make = |order: &mut dyn Iterator<Item = (&String, &Vec<u8>)>| {
        let project = Project::with("[[channel]]\nid = \"live\"\nmatch = { kind = \"live\" }\n");
        order.for_each(|(path, bytes)| project.write(path, bytes));
        project
    };
    let now = "2026-11-23T13:00:00Z";
    let forwards = make(&mut newsroom.iter());
    forwards.build_at(now);
    let expected = forwards.tree();
    assert!(expected.len() > 80);
    for (threads, zone, locale) in [
        ("1", "UTC", "C"),
        ("2", "America/St_Johns", "ar_EG.UTF-8"),
        ("8", "Pacific/Kiritimati", "tr_TR.UTF-8"),
    ] {
        let project = make(&mut newsroom.iter().rev());
        let mut command = project.command(&["build", "--now", now]);
        command.env("RAYON_NUM_THREADS", threads);
        command
            .env("TZ", zone)
            .env("LC_ALL", locale)
            .env("LANG", locale);
        Run::of(&mut command).ends(0);
        assert_same(&project.tree(), &expected, threads);
    }
}

/// What a year of articles is in one of two versions. Between them every feed, every section and
/// every part of the sitemap changes.
fn write_version(project: &Project, version: usize) {
    let (year, section) = [(2023, "old"), (2024, "new")][version % 2];
    for number in 0..240 {
        let (month, day) = (number % 12 + 1, number / 12 + 1);
        let id = format!("k{number:03}");
        let date = format!("{year}-{month:02}-{day:02}T10:00:00Z");
        let lines = format!(
            "section: {section}{}\nstory: {section}{}\n",
            number % 6,
            number % 10
        );
        project.write(&format!("{id}.md"), article_with(&id, &date, &lines));
    }
}

/// Law 3: whatever is in `out` after a kill is a whole document of one version or the other, and
/// the index names no part that is not there.
fn check_coherent(project: &Project, versions: &[Tree; 2]) {
    let out: Tree = project
        .tree()
        .into_iter()
        .filter(|(path, _)| !path.starts_with(".khabar-stage/"))
        .collect();
    for (path, bytes) in &out {
        let is_whole = versions
            .iter()
            .any(|version| version.get(path) == Some(bytes));
        assert!(is_whole, "{path}: {}", String::from_utf8_lossy(bytes));
    }
    let Some(index) = out.get("sitemap.xml") else {
        return;
    };
    let index = std::str::from_utf8(index).unwrap();
    for part in index.split("<loc>https://news.example/").skip(1) {
        let part = part.split_once("</loc>").unwrap().0;
        assert!(out.contains_key(part), "the index names {part}");
    }
}

#[test]
fn a_build_killed_at_any_moment_leaves_whole_documents_and_the_next_converges() {
    let project = Project::new();
    let mut length = Duration::MAX;
    let versions = [0, 1].map(|version| {
        write_version(&project, version);
        let started = Instant::now();
        project.build();
        length = length.min(started.elapsed());
        project.tree()
    });
    let same = versions[0]
        .keys()
        .filter(|path| versions[0].get(*path) == versions[1].get(*path));
    assert!(same.count() < 3, "the versions are too much alike");
    let mut dice = Dice(7);
    let mut killed = 0;
    let mut rounds = 0..1_000;
    // However fast the machine is: until so many builds were killed before they had ended.
    while killed < 30 {
        let round = rounds.next().expect("builds end before they can be killed");
        write_version(&project, round);
        let mut child = std::process::Command::new(cargo_bin!("khabar"))
            .current_dir(project.root())
            .args(["build", "--now", NOW])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let length = u64::try_from(length.as_micros()).unwrap();
        std::thread::sleep(Duration::from_micros(dice.below(length)));
        child.kill().unwrap();
        killed += usize::from(child.wait().unwrap().signal() == Some(9));
        check_coherent(&project, &versions);
        if round % 10 == 9 {
            project.build();
            assert_same(
                &project.tree(),
                &versions[round % 2],
                "the next build converges",
            );
        }
    }
}

/// Configurations that publish other documents of the same store.
const CONFIGS: [&str; 3] = [
    "[feeds]\nnewest = 4\n[[story]]\nid = \"s1\"\nmatch = { tags = [\"t1\"] }\n",
    "[feeds]\nnewest = 2\nformats = [\"rss\"]\n[feeds.stories]\nformats = [\"atom\"]\n",
    "[feeds]\ncontent = \"summary\"\n[news]\nexclude_sections = [\"x1\"]\n\
     [[channel]]\nid = \"c\"\nmatch = { sections = [\"x0\"], not = { tags = [\"t2\"] } }\n",
];

/// Law 1: after each of a long row of changes and movements of the clock, what was built step by
/// step is what a build into an empty `out` makes.
#[test]
fn step_by_step_is_from_scratch() {
    let project = Project::with(CONFIGS[0]);
    project.write("stays.md", article("stays", DATE));
    let mut dice = Dice(1);
    for step in 0..60 {
        let what: Vec<String> = (0..=dice.below(3))
            .map(|_| change(&project, &mut dice))
            .collect();
        let hour = dice.below(60);
        let now = format!("2025-03-{:02}T{:02}:00:00Z", 10 + hour / 24, hour % 24);
        let run = project.khabar(&["build", "--now", &now]);
        assert_eq!(run.code, 0, "{step} {what:?} {run:?}");
        let what = format!("step {step} at {now}: {what:?}");
        assert_same(&project.tree(), &project.rebuilt(&now), &what);
        project.khabar(&["verify", "--now", &now]).ends(0);
    }
}

/// Makes one change to the project; says which.
fn change(project: &Project, dice: &mut Dice) -> String {
    let (id, path) = pick(dice);
    match dice.below(14) {
        0 if project.store().join(&path).exists() => {
            project.remove(&path);
            format!("{path} removed")
        }
        1 => {
            project.write(&path, "---\ntitle: [\n");
            format!("{path} broken")
        }
        2 => {
            let command = ["withdraw", "restore"][usize::from(dice.below(2) == 0)];
            project.khabar(&[command, &id]);
            format!("{command} {id}")
        }
        3 => {
            // The id of another file: a duplicate, which may win.
            let (other, _) = pick(dice);
            project.write(&path, article(&other, &date(dice)));
            format!("{path} says {other}")
        }
        4 if project.store().join(&path).exists() => {
            let (_, to) = pick(dice);
            std::fs::rename(project.store().join(&path), project.store().join(&to)).unwrap();
            format!("{path} renamed to {to}")
        }
        5 => {
            let which = usize::try_from(dice.below(3)).unwrap();
            project.configure(CONFIGS[which]);
            format!("configuration {which}")
        }
        6 => lose(project, dice),
        _ => {
            let (published, lines) = front_matter(dice);
            project.write(&path, article_with(&id, &published, &lines));
            format!("{path} {published} {lines:?}")
        }
    }
}

/// One of nine articles: its id and its path.
fn pick(dice: &mut Dice) -> (String, String) {
    let number = dice.below(9);
    (format!("p{number}"), format!("p{number}.md"))
}

/// Loses what khabar must be able to make again.
fn lose(project: &Project, dice: &mut Dice) -> String {
    let (lost, folder) = [("checkpoint", project.state()), ("rss.xml", project.out())]
        [usize::from(dice.below(2) == 0)]
    .clone();
    // It may be lost already, or never have been.
    let _ = std::fs::remove_file(folder.join(lost));
    format!("{lost} lost")
}

/// What a good article says: its date, and further lines.
fn front_matter(dice: &mut Dice) -> (String, String) {
    let (section, story) = (dice.below(3), dice.below(3));
    let mut lines = format!("section: x{section}\nstory: s{story}\ntags: t{story}\n");
    for (key, chance) in [("updated", 3), ("expires", 4)] {
        if dice.below(chance) == 0 {
            writeln!(lines, "{key}: {}", date(dice)).unwrap();
        }
    }
    let status = usize::try_from(dice.below(6)).unwrap();
    lines += [
        "",
        "",
        "",
        "draft: true\n",
        "status: withdrawn\n",
        "news: false\n",
    ][status];
    (date(dice), lines)
}

/// An hour of the days around the builds.
fn date(dice: &mut Dice) -> String {
    let hour = dice.below(96);
    format!("2025-03-{:02}T{:02}:00:00Z", 8 + hour / 24, hour % 24)
}

/// Law 7, seen once: an article is there from its first second on, and not a second longer.
#[test]
fn embargo_expiry_and_the_end_of_news_are_exact_to_the_second() {
    let project = Project::new();
    project.write("a.md", article("a", "2025-03-10T10:00:00Z"));
    project.write(
        "e.md",
        article_with(
            "e",
            "2025-03-10T14:00:00Z",
            "section: x\nexpires: 2025-03-10T15:00:00Z\n",
        ),
    );
    let news = |project: &Project| project.read("news-sitemap.xml").matches("<url>").count();
    for (now, shown, in_news) in [
        ("2025-03-10T09:59:59Z", &[] as &[&str], 0),
        ("2025-03-10T10:00:00Z", &["a"], 1),
        ("2025-03-10T13:59:59Z", &["a"], 1),
        ("2025-03-10T14:00:00Z", &["e", "a"], 2),
        ("2025-03-10T17:59:59+03:00", &["e", "a"], 2),
        ("2025-03-10T15:00:00Z", &["a"], 1),
        ("2025-03-12T09:59:59Z", &["a"], 1),
        ("2025-03-12T10:00:00Z", &["a"], 0),
        // And back again: a given time is taken as it is.
        ("2025-03-10T14:30:00Z", &["e", "a"], 2),
    ] {
        project.build_at(now);
        assert_eq!(project.shown(), shown, "{now}");
        assert_eq!(news(&project), in_news, "{now}");
        let is_there = shown.contains(&"e");
        assert_eq!(
            project.out().join("sections/x/rss.xml").exists(),
            is_there,
            "{now}"
        );
        let whole: Vec<u8> = project.tree().into_values().flatten().collect();
        let whole = String::from_utf8(whole).unwrap();
        assert_eq!(whole.contains("خبر e"), is_there, "{now}");
        assert_eq!(whole.contains("T14:00:00"), is_there, "{now}");
        let listed = project.read("sitemap.xml").contains("/news-sitemap.xml");
        assert_eq!(
            listed,
            in_news > 0,
            "an empty news sitemap is not indexed: {now}"
        );
    }
}

/// The text between the first `before` and the next `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap();
    rest.split_once(after).unwrap().0
}

/// The dates of the front's feeds and of sitemap parts, in RFC 3339 without a zone.
fn dates(project: &Project, part: Option<&str>) -> String {
    let Some(part) = part else {
        let rss = project.read("rss.xml");
        let atom = project.read("atom.xml");
        let rss = between(&rss, "<lastBuildDate>", "</lastBuildDate>");
        let rss = chrono::DateTime::parse_from_rfc2822(rss).unwrap();
        let atom = between(&atom, "<updated>", "</updated>");
        assert_eq!(chrono::DateTime::parse_from_rfc3339(atom).unwrap(), rss);
        return rss.format("%Y-%m-%dT%H:%M:%S").to_string();
    };
    let index = project.read("sitemap.xml");
    let (_, rest) = index.split_once(&format!("{part}</loc>")).unwrap();
    between(rest, "<lastmod>", "Z</lastmod>").to_owned()
}

#[test]
fn dates_come_from_content_and_deadlines() {
    let project = Project::new();
    project.write("a.md", article("a", "2025-03-10T12:00:00Z"));
    project.write("b.md", article("b", "2025-03-10T14:00:00Z"));
    project.write(
        "c.md",
        article_with(
            "c",
            "2025-03-10T10:00:00Z",
            "updated: 2025-03-10T11:00:00Z\nexpires: 2025-03-10T15:00:00Z\n",
        ),
    );
    // A change in the future counts from then.
    project.write(
        "d.md",
        article_with(
            "d",
            "2025-03-09T10:00:00Z",
            "updated: 2025-03-10T16:00:00Z\n",
        ),
    );
    let (front, month, news) = (None, Some("sitemap-2025-03.xml"), Some("news-sitemap.xml"));
    for (now, of, expected) in [
        ("2025-03-10T13:59:59Z", front, "2025-03-10T12:00:00"),
        ("2025-03-10T13:59:59Z", month, "2025-03-10T12:00:00"),
        ("2025-03-10T14:00:00Z", front, "2025-03-10T14:00:00"),
        ("2025-03-10T14:59:59Z", month, "2025-03-10T14:00:00"),
        ("2025-03-10T15:00:00Z", front, "2025-03-10T15:00:00"),
        ("2025-03-10T15:00:00Z", month, "2025-03-10T15:00:00"),
        ("2025-03-10T15:59:59Z", news, "2025-03-10T15:00:00"),
        ("2025-03-10T16:00:00Z", news, "2025-03-10T16:00:00"),
        // d leaves the news after 48 hours, and a after it; no other document takes note.
        ("2025-03-11T09:59:59Z", news, "2025-03-10T16:00:00"),
        ("2025-03-11T10:00:00Z", news, "2025-03-11T10:00:00"),
        ("2025-03-12T12:00:00Z", news, "2025-03-12T12:00:00"),
        ("2025-03-12T12:00:00Z", front, "2025-03-10T16:00:00"),
        ("2025-03-12T12:00:00Z", month, "2025-03-10T16:00:00"),
    ] {
        project.build_at(now);
        assert_eq!(dates(&project, of), expected, "{of:?} at {now}");
    }
}

/// What leaves a full window from below its last entry changes no date.
#[test]
fn what_leaves_below_a_full_window_counts_for_nothing() {
    let project = Project::with("[feeds]\nnewest = 2\nfloor = \"1s\"\n");
    project.write("p1.md", article("p1", "2025-03-10T12:00:00Z"));
    project.write("p2.md", article("p2", "2025-03-10T11:00:00Z"));
    for (id, published, expires) in [("p3", "10:00", "12:30"), ("p4", "11:30", "12:40")] {
        let lines = format!("expires: 2025-03-10T{expires}:00Z\n");
        let text = article_with(id, &format!("2025-03-10T{published}:00Z"), &lines);
        project.write(&format!("{id}.md"), text);
    }
    for (now, shown, date) in [
        ("2025-03-10T12:30:00Z", ["p1", "p4"], "2025-03-10T12:00:00"),
        ("2025-03-10T12:40:00Z", ["p1", "p2"], "2025-03-10T12:40:00"),
    ] {
        project.build_at(now);
        assert_eq!(project.shown(), shown);
        assert_eq!(dates(&project, None), date, "at {now}");
    }
}

#[test]
fn a_burst_stays_until_its_hour_is_over() {
    let project = Project::with("[feeds]\nnewest = 2\n");
    project.write_many(0..5);
    // They are a minute apart, the newest of 12:00.
    project.build_at("2025-03-10T12:55:59Z");
    assert_eq!(project.shown().len(), 5);
    project.build_at("2025-03-10T12:56:00Z");
    assert_eq!(project.shown().len(), 4);
    project.build_at("2025-03-10T13:00:00Z");
    assert_eq!(project.shown().len(), 2);
}

#[test]
fn an_empty_feed_has_the_date_of_the_authority() {
    let project = Project::with("[[channel]]\nid = \"none\"\nmatch = { tags = [\"none\"] }\n");
    project.build();
    assert_eq!(dates(&project, None), "2016-01-01T00:00:00");
    assert_eq!(project.shown_in("channels/none/feed.json"), [""; 0]);
}
