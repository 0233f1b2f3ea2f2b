//! What TOML becomes, where its values stand, and what is refused where.

use std::fmt::Write as _;

use super::*;

fn fault(text: &str) -> (&'static str, &str) {
    let problem = parse(text, 0).unwrap_err();
    (problem.code, &text[..problem.span.start])
}

#[test]
fn values_keep_their_writing_and_their_order() {
    let text = "title = \"خبر\"\ndate = 2025-01-01\nat = 2025-01-01T07:32:00+03:00\nid = 1_000\n\
                draft = false\nauthors = []\n[taxonomies]\ntags = [\"ا\"]\n[extra.image]\nurl = 'x'\n";
    let node = parse(text, 5).unwrap();
    let Value::Table(members) = &node.value else {
        panic!("not a table");
    };
    let names: Vec<_> = members.iter().map(|(key, _)| &*key.name).collect();
    assert_eq!(
        names,
        [
            "title",
            "date",
            "at",
            "id",
            "draft",
            "authors",
            "taxonomies",
            "extra"
        ]
    );
    for (key, value) in members {
        assert_eq!(&text[key.span.start - 5..key.span.end - 5], key.name);
        assert!(
            key.span.end <= value.span.start || key.name == "taxonomies" || key.name == "extra"
        );
    }
    let value = |name: &str| node.get(name).unwrap().value.clone();
    assert_eq!(value("title"), Value::Text("خبر".into()));
    assert_eq!(value("date"), Value::Date("2025-01-01".into()));
    assert_eq!(value("at"), Value::Date("2025-01-01T07:32:00+03:00".into()));
    assert_eq!(value("id"), Value::Number("1_000".into()));
    assert_eq!(value("draft"), Value::Bool(false));
    assert_eq!(value("authors"), Value::List(Vec::new()));
    let url = node.get("extra").unwrap().get("image").unwrap().get("url");
    assert_eq!(url.unwrap().value, Value::Text("x".into()));
}

#[test]
fn faults_have_places() {
    assert_eq!(
        fault("a = 1\nb = 2\na = 3\n"),
        ("repeated-key", "a = 1\nb = 2\n")
    );
    assert_eq!(fault("title = خبر\n"), ("toml-syntax", "title = "));
    assert_eq!(fault("title = \"خبر\n").0, "toml-syntax");
    assert_eq!(fault("a = [1\n").0, "toml-syntax");
}

#[test]
fn depth_is_limited() {
    let nest = |n: usize| format!("a = {}{}\n", "[".repeat(n), "]".repeat(n));
    assert!(parse(&nest(MAX_DEPTH - 1), 0).is_ok());
    assert_eq!(fault(&nest(MAX_DEPTH)).0, "too-deep");
    assert_eq!(fault(&nest(20_000)).0, "toml-syntax");
    assert_eq!(
        fault(&format!("{}a = 1\n", "a.".repeat(20_000))).0,
        "toml-syntax"
    );
    // Headers one below the other: each is short, the tree is deep.
    let mut headers = String::new();
    for depth in 1..200 {
        writeln!(headers, "[{}]", vec!["a"; depth].join(".")).unwrap();
    }
    parse(&headers, 0).unwrap_err();
}
