//! Where front matter is seen, and where it is not.

use super::*;

/// Syntax, front matter and body; checks that the offsets say the same.
fn parts(text: &str) -> Option<(Syntax, &str, &str)> {
    let split = split(text, 3).unwrap();
    assert_eq!(&text[split.body_start..], split.body);
    let matter = split.matter?;
    assert!(text[matter.start - 3..].starts_with(matter.text));
    Some((matter.syntax, matter.text, split.body))
}

#[test]
fn delimiters() {
    use Syntax::{Json, Toml, Yaml};
    for (text, expected) in [
        ("---\na: 1\n---\nنص\n", Some((Yaml, "a: 1\n", "نص\n"))),
        ("---\r\na: 1\r\n---\r\nنص", Some((Yaml, "a: 1\r\n", "نص"))),
        ("---\ra: 1\r---\rنص", Some((Yaml, "a: 1\r", "نص"))),
        ("--- \na: 1\n--- \n", Some((Yaml, "a: 1\n", ""))),
        ("---\na: 1\n...\nنص", Some((Yaml, "a: 1\n", "نص"))),
        ("---\na: 1\n---", Some((Yaml, "a: 1\n", ""))),
        ("\n\n---\na: 1\n---\n---\n", Some((Yaml, "a: 1\n", "---\n"))),
        ("---\n---\nنص", Some((Yaml, "", "نص"))),
        ("---\na: |\n  ---\n---\n", Some((Yaml, "a: |\n  ---\n", ""))),
        ("+++\na = 1\n+++\n\nنص", Some((Toml, "a = 1\n", "\nنص"))),
        ("{\"a\": \"}\"}\nنص", Some((Json, "{\"a\": \"}\"}", "\nنص"))),
        ("{\n}\n", Some((Json, "{\n}", "\n"))),
        ("{{< x >}}\n", None),
        ("{% x %}\n", None),
        ("----\na: 1\n----\n", None),
        ("نص\n---\na: 1\n---\n", None),
        ("", None),
    ] {
        assert_eq!(parts(text), expected, "{text}");
    }
}

#[test]
fn an_end_that_is_missing_is_a_fault_where_the_beginning_is() {
    for text in [
        "\n---\na: 1\n",
        "---",
        "+++\na = 1\n---\n",
        "---\na: 1\n ---\n",
    ] {
        let problem = split(text, 10).unwrap_err();
        assert_eq!(problem.code, "front-matter-open", "{text}");
        let fence = &text[problem.span.start - 10..problem.span.end - 10];
        assert_eq!(fence, &text.trim_start()[..3]);
    }
    assert_eq!(split("{\"a\": 1", 0).unwrap_err().code, "json-syntax");
}

#[test]
fn front_matter_has_a_limit() {
    let text = |length: usize| format!("---\n{}\n---\n", "#".repeat(length - 1));
    assert!(split(&text(MAX_BYTES), 0).is_ok());
    assert_eq!(
        split(&text(MAX_BYTES + 1), 0).unwrap_err().code,
        "too-large"
    );
}
