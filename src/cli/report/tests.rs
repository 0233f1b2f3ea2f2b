//! What people and machines are shown.

use super::*;
use crate::article::StorePath;

fn sample(severity: Severity, text: &str, marked: &str) -> Diagnostic {
    let at = text.find(marked).unwrap();
    Diagnostic {
        severity,
        code: "bad-date",
        path: StorePath::new("2026/خبر.md"),
        place: Place::of(text.as_bytes(), at),
        message: "this is no date".to_owned(),
        remedy: "write it as `2026-11-23T18:34:37+03:00`".to_owned(),
        excerpt: Some(Excerpt::of(text.as_bytes(), at, marked.len())),
    }
}

#[test]
fn a_fault_is_shown_with_its_source_line() {
    let fault = sample(
        Severity::Fault,
        "---\ntitle: خبر\ndate: أمس # متى؟\n---\n",
        "أمس",
    );
    assert_eq!(
        diagnostic(&fault, Style::Plain),
        "\
fault[bad-date]: this is no date
 --> 2026/خبر.md:3:7
  |
3 | date: أمس # متى؟
  |       ^^^
  |
  = help: write it as `2026-11-23T18:34:37+03:00`
"
    );
}

#[test]
fn a_doubt_of_a_whole_file_has_a_place_and_no_line() {
    let mut doubt = sample(Severity::Doubt, "x", "x");
    doubt.excerpt = None;
    let shown = diagnostic(&doubt, Style::Plain);
    assert!(
        shown.starts_with("doubt[bad-date]: this is no date\n"),
        "{shown}"
    );
    assert!(shown.contains("--> 2026/خبر.md:1:1\n"), "{shown}");
    let note = sample(Severity::Note, "x", "x");
    assert!(diagnostic(&note, Style::Plain).starts_with("note[bad-date]: "));
}

#[test]
fn a_cut_line_keeps_its_real_column() {
    for before in [3, 79, 81, 500, PADDING_MAX + 79, PADDING_MAX + 500] {
        let text = format!("\n{}؟!{}\n", "خ".repeat(before), "ب".repeat(500));
        let shown = diagnostic(&sample(Severity::Fault, &text, "!"), Style::Plain);
        let place = format!("--> 2026/خبر.md:2:{}\n", before + 2);
        assert!(shown.contains(&place), "{shown}");
        let mut lines = shown.lines().skip_while(|line| !line.starts_with("2 |"));
        let (source, marks) = (lines.next().unwrap(), lines.next().unwrap());
        let column = |line: &str, what: char| line.chars().position(|c| c == what);
        assert_eq!(column(source, '!'), column(marks, '^'), "{shown}");
        assert!(source.chars().count() < 250, "{shown}");
    }
}

#[test]
fn nothing_from_outside_reaches_the_terminal_as_a_control() {
    let mut fault = sample(Severity::Fault, "a\u{1B}[31m\u{202E}b", "b");
    fault.path = StorePath::new("x\u{1B}]0;\u{202E}\n.md");
    let shown = diagnostic(&fault, Style::Plain);
    assert!(!shown.contains(['\u{1B}', '\u{202E}']), "{shown:?}");
    assert!(shown.contains(r"x\u{1b}]0;\u{202e}\u{a}.md:1:"), "{shown}");
}

#[test]
fn colour_is_there_only_where_it_was_asked_for() {
    let fault = sample(Severity::Fault, "x", "x");
    assert!(diagnostic(&fault, Style::Coloured).contains("\u{1B}["));
    assert!(!diagnostic(&fault, Style::Plain).contains('\u{1B}'));
    let stream = std::io::stderr();
    assert_eq!(Style::of(Color::Always, &stream), Style::Coloured);
    assert_eq!(Style::of(Color::Never, &stream), Style::Plain);
}

#[test]
fn machines_get_one_object_a_line() {
    let mut doubt = sample(Severity::Doubt, "a\nخبر", "بر");
    doubt.message = "one \"quoted\"\nline".to_owned();
    assert_eq!(
        json(&doubt).unwrap(),
        r#"{"severity":"doubt","code":"bad-date","path":"2026/خبر.md","line":2,"column":2,"message":"one \"quoted\"\nline","remedy":"write it as `2026-11-23T18:34:37+03:00`"}"#
    );
}

#[test]
fn faults_of_the_configuration_are_shown_with_their_line() {
    let text = "[publication]\nnme = \"أ\"\n[store]\npath = \"articles\"\n";
    let faults =
        crate::config::Config::parse(text, Path::new("/project"), crate::article::Timestamp::MAX)
            .unwrap_err();
    let unknown = faults.iter().find(|fault| fault.place.line == 2).unwrap();
    assert_eq!(
        config_fault(Path::new("news/config.toml"), unknown, Style::Plain),
        "\
error: unknown key `nme` in `publication`
 --> news/config.toml:2:1
  |
2 | nme = \"أ\"
  | ^^^
  |
  = help: did you mean `name`?
"
    );
}

#[test]
fn errors_name_their_causes() {
    let inner = std::io::Error::other("disk on fire");
    let outer = anyhow::Error::new(inner).context("cannot write `out`");
    assert_eq!(
        error(&outer, Style::Plain),
        "error: cannot write `out`: disk on fire\n"
    );
    assert_eq!(
        message("no store", Some("mount it"), Style::Plain),
        "error: no store\nhelp: mount it\n"
    );
}
