//! Bad input: each kind of bad file beside three good ones. It is rejected with one fault at its
//! place, and no document of the others notices (law 6).

mod case;
mod fields;
mod hostile;
mod syntax;

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;

use case::Case;
use serde_json::Value;

use crate::project::{NOW, Project, Tree, article, article_with, assert_same};

/// A source line so short is no evidence of anything where it is found.
const TELLING: usize = 10;
/// `check` shows at least so much of a line.
const SHOWN: usize = 80;

/// Three good articles in three forms.
fn neighbours() -> Project {
    let project = Project::new();
    project.write(
        "n1.md",
        article_with("n1", "2025-03-10T11:00:00Z", "section: x\n"),
    );
    project.write(
        "n2.json",
        r#"{"id":"n2","title":"خبر ثان","published":"2025-03-10T10:00:00Z","story":"s","body":"<p>نص</p>"}"#,
    );
    project.write(
        "n3.html",
        "<html lang=ar><head><title>خبر ثالث</title>\
         <meta property='article:published_time' content='2025-03-10T09:00:00Z'></head>\
         <body><article><p>نص ثالث</p></article></body></html>",
    );
    project
}

/// Tries one bad file after another beside the same neighbours.
fn try_all(cases: Vec<Case>) {
    let project = neighbours();
    project.build();
    let alone = project.tree();
    for case in cases {
        project.write(case.name, &case.bytes);
        try_one(&project, &case, &alone);
        project.remove(case.name);
    }
}

fn try_one(project: &Project, case: &Case, alone: &Tree) {
    let name = case.name;
    let fault = only_fault(project, name);
    assert_eq!(fault["code"], case.code, "{name}: {fault}");
    let place = (
        fault["line"].as_u64().unwrap(),
        fault["column"].as_u64().unwrap(),
    );
    assert_eq!(place, case.place, "{name}: {fault}");
    check_text(project, case, &fault);
    check_build(project, name, alone);
}

/// The one fault that `check --format json` finds, in the file `name`.
fn only_fault(project: &Project, name: &str) -> Value {
    let run = project
        .khabar(&["check", "--format", "json", "--now", NOW])
        .ends(1);
    let objects = run
        .lines()
        .into_iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let objects: Vec<Value> = objects.collect();
    let keys = [
        "code", "column", "line", "message", "path", "remedy", "severity",
    ];
    for object in &objects {
        let mut found: Vec<&String> = object.as_object().unwrap().keys().collect();
        found.sort();
        assert_eq!(found, keys, "{name}");
        for key in ["message", "remedy"] {
            assert!(
                !object[key].as_str().unwrap().is_empty(),
                "{name}: {object}"
            );
        }
    }
    let faults: Vec<&Value> = objects
        .iter()
        .filter(|o| o["severity"] == "fault")
        .collect();
    let [fault] = faults.as_slice() else {
        panic!("{name}: not one fault but {faults:#?}");
    };
    assert_eq!(fault["path"], name);
    (*fault).clone()
}

/// For people: the code, the place, the source line and the remedy.
fn check_text(project: &Project, case: &Case, fault: &Value) {
    let shown = project.khabar(&["check", "--now", NOW]).ends(1).stdout;
    let (line, column) = case.place;
    for part in [
        format!(
            "fault[{}]: {}",
            case.code,
            fault["message"].as_str().unwrap()
        ),
        format!("--> {}:{line}:{column}", case.name),
        format!("= help: {}", fault["remedy"].as_str().unwrap()),
    ] {
        assert!(
            shown.contains(&part),
            "{}: no {part:?} in\n{shown}",
            case.name
        );
    }
    if let Some(source) = source_line(case) {
        assert!(
            shown.contains(&source),
            "{}: no {source:?} in\n{shown}",
            case.name
        );
    }
}

/// The line at the place of a fault, where it has one and a terminal shows it as it is.
fn source_line(case: &Case) -> Option<String> {
    if ["too-large", "duplicate-id", "duplicate-url"].contains(&case.code) && case.place == (1, 1) {
        return None;
    }
    let number = usize::try_from(case.place.0).unwrap() - 1;
    let line = case.bytes.split(|byte| *byte == b'\n').nth(number)?;
    let line = std::str::from_utf8(line).ok()?.trim_end();
    let is_plain = !line.is_empty() && line.len() < SHOWN && !line.chars().any(char::is_control);
    is_plain.then(|| line.to_owned())
}

/// `build` publishes the others as if the file were not there, and says where it is, not what.
fn check_build(project: &Project, name: &str, alone: &Tree) {
    let run = project.build();
    assert!(run.stdout.contains(" 1 rejected, "), "{name}: {run:?}");
    assert!(run.stderr.contains(&format!("{name}:")), "{name}: {run:?}");
    assert_same(&project.tree(), alone, name);
    let strict = project.khabar(&["build", "--strict", "--now", NOW]).ends(1);
    assert!(
        strict.stdout.contains(" 0 changed, 1 rejected, "),
        "{name}: {strict:?}"
    );
    let text = std::fs::read(project.store().join(name)).unwrap_or_default();
    for line in String::from_utf8_lossy(&text).lines().take(20) {
        let line = line.trim();
        let is_told = line.len() >= TELLING && run.stderr.contains(line);
        assert!(!is_told, "{name}: the log quotes {line:?}");
    }
}

/// A special file, which must be refused without waiting for it.
fn try_special(name: &str, code: &str, make: impl FnOnce(&std::path::Path)) {
    let project = neighbours();
    project.build();
    let alone = project.tree();
    make(&project.store().join(name));
    let fault = only_fault(&project, name);
    assert_eq!(fault["code"], code, "{fault}");
    let run = project.build();
    assert!(run.stdout.contains(" 1 rejected, "), "{name}: {run:?}");
    assert_same(&project.tree(), &alone, name);
}

#[test]
fn files_that_are_no_files() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let fifo = |path: &std::path::Path| mknodat(CWD, path, FileType::Fifo, Mode::RUSR, 0).unwrap();
    try_special("fifo.md", "not-a-file", fifo);
    let socket = |path: &std::path::Path| drop(UnixListener::bind(path).unwrap());
    try_special("socket.json", "not-a-file", socket);
    try_special("sparse.md", "too-large", |path| {
        std::fs::File::create(path)
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
    });
    let link = |to: &'static str| move |path: &std::path::Path| symlink(to, path).unwrap();
    try_special("outside.md", "outside-link", link("/etc/hostname"));
    try_special("relative.md", "outside-link", link("../config.toml"));
    try_special("process.json", "outside-link", link("/proc/self/environ"));
    try_special("dangling.md", "dangling-link", link("nowhere"));
    try_special("loop.md", "dangling-link", link("loop.md"));
}

/// A link to another article is that article under its own name; a folder is no article.
#[test]
fn links_inside_the_store_and_folders_add_nothing() {
    let project = neighbours();
    project.build();
    let alone = project.tree();
    symlink("n1.md", project.store().join("again.md")).unwrap();
    symlink(".", project.store().join("circle")).unwrap();
    std::fs::create_dir(project.store().join("folder.md")).unwrap();
    let run = project.build();
    assert!(run.stdout.contains(" 0 changed, 0 rejected, "), "{run:?}");
    assert_same(&project.tree(), &alone, "links inside");
    // A folder elsewhere is not followed, and that is told.
    symlink("/etc", project.store().join("etc")).unwrap();
    let run = project.khabar(&["check", "--now", NOW]).ends(0);
    assert!(run.stdout.contains("doubt[outside-link]"), "{run:?}");
}

#[test]
fn what_editors_and_sync_tools_leave_is_ignored() {
    let project = neighbours();
    project.build();
    let alone = project.tree();
    for name in [
        ".hidden.md",
        "n1.md~",
        "#n1.md#",
        ".#n1.md",
        "n1.md.swp",
        ".n1.md.swp",
        "4913",
        "n1.tmp",
        "n1.md.part",
        "n1.md.orig",
        ".git/x.md",
        "picture.jpg",
        "notes.txt",
        "_index.md",
        "n1.sync-conflict-20250310-120000-ABCDEFG.md",
        "n1 (conflicted copy 2025-03-10).md",
        "n1 (Ann's conflicted copy 2025-03-10).md",
    ] {
        project.write(name, "---\ntitle: [");
    }
    let run = project.build();
    assert!(run.stdout.contains(" 0 rejected, "), "{run:?}");
    assert_same(&project.tree(), &alone, "leftovers");
    let checked = project.khabar(&["check", "--now", NOW]).ends(0);
    assert_eq!(checked.stdout.matches("doubt[conflict-copy]").count(), 3);
}

#[test]
fn a_file_that_cannot_be_read_is_a_fault() {
    let project = neighbours();
    project.build();
    let alone = project.tree();
    project.write("closed.md", article("closed", NOW));
    let closed = project.store().join("closed.md");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    let run = project.khabar_as_nobody(&["check", "--now", NOW]).ends(1);
    assert!(run.stdout.contains("fault[unreadable]"), "{run:?}");
    assert!(run.stdout.contains("closed.md:1:1"), "{run:?}");
    let run = project.khabar_as_nobody(&["build", "--now", NOW]).ends(0);
    assert!(run.stdout.contains(" 1 rejected, "), "{run:?}");
    assert_same(&project.tree(), &alone, "closed.md");
}

/// A folder that cannot be listed is not a folder whose articles were deleted.
#[test]
fn a_folder_that_cannot_be_read_keeps_its_articles() {
    let project = neighbours();
    project.write("deep/inside.md", article("inside", "2025-03-10T08:00:00Z"));
    project.build();
    let whole = project.tree();
    let folder = project.store().join("deep");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o000)).unwrap();
    let run = project.khabar_as_nobody(&["build", "--now", NOW]);
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    run.says("deep:1:1");
    assert_same(&project.tree(), &whole, "what was in it stays");
}

/// Both files are named, and which of them stays does not depend on which came first.
#[test]
fn duplicates_are_decided_by_what_the_files_say() {
    for (line, code) in [
        ("id: same\n", "duplicate-id"),
        ("url: /same/\n", "duplicate-url"),
    ] {
        let text = |id: &str, date: &str| {
            let id = if code == "duplicate-id" { "same" } else { id };
            let line = if code == "duplicate-id" { "" } else { line };
            article_with(id, date, line)
        };
        let project = Project::new();
        project.write("z.md", text("z", "2025-03-10T10:00:00Z"));
        project.build();
        let first = project.tree();
        project.write("a.md", text("a", "2025-03-10T11:00:00Z"));
        let run = project.build();
        run.says("a.md:1:1").says("z.md");
        assert_same(&project.tree(), &first, "the one published earlier stays");
        let fault = only_fault(&project, "a.md");
        assert_eq!(fault["code"], code);
        assert_same(&project.rebuilt(NOW), &first, "however it came to be");
        // The other enters when the holder leaves.
        project.remove("z.md");
        let run = project.build();
        assert!(run.stdout.contains(" 0 rejected, "), "{run:?}");
        assert_eq!(project.shown().len(), 1);
        assert!(project.read("feed.json").contains("2025-03-10T11:00:00Z"));
    }
}
