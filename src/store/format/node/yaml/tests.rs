//! What YAML becomes, where its values stand, and what is refused where.

use std::fmt::Write as _;

use super::*;

fn fault(text: &str) -> (&'static str, &str) {
    let problem = parse(text, 0).unwrap_err();
    (problem.code, &text[..problem.span.start])
}

fn value(text: &str) -> Value<'_> {
    parse(text, 0).unwrap().value
}

#[test]
fn plain_scalars_follow_the_core_schema() {
    let number = |text: &'static str| Value::Number(text.into());
    let date = |text: &'static str| Value::Date(text.into());
    let text = |text: &'static str| Value::Text(text.into());
    for (source, expected) in [
        ("~", Value::Null),
        ("", Value::Null),
        ("true", Value::Bool(true)),
        ("no", Value::Bool(false)),
        ("'no'", text("no")),
        ("!!str no", text("no")),
        ("y", text("y")),
        ("012", number("012")),
        ("1e3", number("1e3")),
        ("-1.5", number("-1.5")),
        (".5", number(".5")),
        ("0x1F", number("0x1F")),
        (".inf", number(".inf")),
        ("1.2.3", text("1.2.3")),
        (".", text(".")),
        ("e5", text("e5")),
        ("1e", text("1e")),
        ("2025-12-19", date("2025-12-19")),
        (
            "2025-12-19 10:00:00 +0300",
            date("2025-12-19 10:00:00 +0300"),
        ),
        ("2025-12-19t10:00:00.5Z", date("2025-12-19t10:00:00.5Z")),
        ("2025-12-19 خبر", text("2025-12-19 خبر")),
        ("2025-12-19-slug", text("2025-12-19-slug")),
        ("خبر عاجل", text("خبر عاجل")),
    ] {
        assert_eq!(value(source), expected, "{source}");
    }
}

#[test]
fn values_know_their_places() {
    let text = "# note\ntitle: خبر\ntags:\n- ا\n- ب\n\nimage: {url: x}\nsummary: |\n  سطر\n";
    let node = parse(text, 7).unwrap();
    let at = |node: &Node| &text[node.span.start - 7..node.span.end - 7];
    assert_eq!(at(node.get("title").unwrap()), "خبر");
    // A list that is not indented begins at its first value.
    assert_eq!(at(node.get("tags").unwrap()), "ا\n- ب");
    assert_eq!(at(node.get("image").unwrap()), "{url: x}");
    assert_eq!(
        node.get("summary").unwrap().value,
        Value::Text("سطر\n".into())
    );
    let Value::Table(members) = &node.value else {
        panic!("not a table");
    };
    for (key, _) in members {
        assert_eq!(&text[key.span.start - 7..key.span.end - 7], key.name);
    }
}

#[test]
fn every_line_end_is_one() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["a: 1", "b: x", "c:", "- y", ""].join(end);
        let node = parse(&text, 0).unwrap();
        assert_eq!(node.get("b").unwrap().value, Value::Text("x".into()));
        assert!(matches!(&node.get("c").unwrap().value, Value::List(items) if items.len() == 1));
    }
}

#[test]
fn faults_have_places() {
    assert_eq!(
        fault("a: 1\nb: 2\na: 3\n"),
        ("repeated-key", "a: 1\nb: 2\n")
    );
    assert_eq!(fault("title: خبر: عاجل\n"), ("yaml-syntax", "title: خبر"));
    assert_eq!(fault("a: [1, 2\nb: 3\n").0, "yaml-syntax");
    assert_eq!(fault("a: 'x\n").0, "yaml-syntax");
    assert_eq!(fault("a: *x\n"), ("yaml-syntax", "a: "));
    assert_eq!(fault("a: 1\n--- \nb: 2\n"), ("yaml-syntax", "a: 1\n"));
    assert_eq!(fault("? [a]\n: 1\n").0, "yaml-syntax");
    assert_eq!(fault("a: &x [*x]\n").0, "yaml-syntax");
}

#[test]
fn aliases_are_written_out() {
    let text = "a: &x {url: u}\nb: *x\n";
    let node = parse(text, 0).unwrap();
    assert_eq!(&text[node.get("b").unwrap().span.clone()], "*x");
    assert_eq!(
        node.get("b").unwrap().get("url"),
        node.get("a").unwrap().get("url")
    );
}

#[test]
fn limits_hold() {
    let nest = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(parse(&nest(MAX_DEPTH), 0).is_ok());
    assert_eq!(fault(&nest(MAX_DEPTH + 1)).0, "too-deep");
    parse(&nest(30_000), 0).unwrap_err();
    // Nine levels, each nine times the one before.
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..9 {
        let below = vec![format!("*a{}", level - 1); 9].join(",");
        writeln!(bomb, "a{level}: &a{level} [{below}]").unwrap();
    }
    assert_eq!(fault(&bomb).0, "too-large");
    // One long text, a thousand times.
    let long = format!(
        "a: &a '{}'\nb: [{}0]\n",
        "x".repeat(30_000),
        "*a, ".repeat(1_000)
    );
    assert_eq!(fault(&long).0, "too-large");
    let number = format!(
        "a: &a {}\nb: [{}0]\n",
        "1".repeat(30_000),
        "*a, ".repeat(1_000)
    );
    assert_eq!(fault(&number).0, "too-large");
    let key = format!(
        "a: &a\n  ? {}\n  : 1\nb: [{}0]\n",
        "x".repeat(30_000),
        "*a, ".repeat(1_000)
    );
    assert_eq!(fault(&key).0, "too-large");
    // Each anchor is one level higher than the one before.
    let mut tower = "a0: &a0 [x]\n".to_owned();
    for level in 1..MAX_DEPTH {
        writeln!(tower, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    assert_eq!(fault(&tower).0, "too-deep");
}
