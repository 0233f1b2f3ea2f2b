//! The table of files that are no text, or not in the form they should be in.

use super::case::{GOOD, case, json, toml, yaml};
use super::try_all;

#[test]
fn bytes_that_are_no_text() {
    let utf16: Vec<u8> = "\u{FEFF}---\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let after_good = |bytes: &[u8]| [yaml(GOOD).as_bytes(), bytes].concat();
    try_all(vec![
        case("invalid.md", after_good(b"ab\xFFcd"), "not-utf8", 8, 3),
        case("cut.md", after_good(b"a\xD8"), "not-utf8", 8, 2),
        case(
            "surrogate.md",
            after_good(b"\xED\xA0\x80"),
            "not-utf8",
            8,
            1,
        ),
        case(
            "overlong.md",
            b"---\ntitle: \xC0\xAF\n---\n",
            "not-utf8",
            2,
            8,
        ),
        case(
            "latin1.json",
            b"{\"title\": \"caf\xE9\"}",
            "not-utf8",
            1,
            15,
        ),
        case(
            "latin1.html",
            b"<html>\n<title>caf\xE9</title>",
            "not-utf8",
            2,
            11,
        ),
        case("utf16.md", utf16, "not-utf8", 1, 1),
        case("empty.md", "", "empty-file", 1, 1),
        case("empty.json", "", "empty-file", 1, 1),
        case("empty.html", "", "empty-file", 1, 1),
        case("spaces.json", "  \n\n \t", "empty-file", 1, 1),
        case("mark.md", "\u{FEFF}", "empty-file", 1, 1),
        case("zeros.json", [0; 64], "json-syntax", 1, 1),
        case(
            "large.md",
            yaml(GOOD) + &"x".repeat(5_000_001),
            "too-large",
            1,
            1,
        ),
    ]);
}

#[test]
fn json_that_is_none() {
    let deep = format!(r#"{{"x": {}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    try_all(vec![
        case(
            "cut.json",
            "{\n \"id\": \"bad\",\n \"title\": \"خب",
            "json-syntax",
            3,
            14,
        ),
        case("cut-member.json", r#"{"id": "bad","#, "json-syntax", 1, 14),
        case("comma.json", r#"{"id": "bad",}"#, "json-syntax", 1, 14),
        case(
            "two.json",
            r#"{"id": "a"} {"id": "b"}"#,
            "json-syntax",
            1,
            13,
        ),
        case("list.json", "[1, 2]", "wrong-type", 1, 1),
        case("number.json", "42", "wrong-type", 1, 1),
        case("text.json", r#""خبر""#, "wrong-type", 1, 1),
        case("nan.json", json(r#""image": NaN"#), "json-syntax", 5, 10),
        case(
            "line-end.json",
            "{\"title\": \"a\nb\"}",
            "json-syntax",
            1,
            12,
        ),
        case(
            "comment.json",
            "// خبر\n{\"id\": \"bad\"}",
            "json-syntax",
            1,
            1,
        ),
        case("csv.json", "id,title\nbad,خبر\n", "json-syntax", 1, 1),
        case("html.json", "<html></html>", "json-syntax", 1, 1),
        case(
            "twice.json",
            "{\n \"id\": \"a\",\n \"id\": \"b\"}",
            "repeated-key",
            3,
            2,
        ),
        case(
            "twice-deep.json",
            json(r#""source": {"name": "a", "name": "b"}"#),
            "repeated-key",
            5,
            25,
        ),
        case("deep.json", deep, "too-deep", 1, 70),
        case("open.json", "[".repeat(100_000), "json-syntax", 1, 100_001),
        case(
            "high.json",
            r#"{"title": "\ud800"}"#,
            "lone-surrogate",
            1,
            18,
        ),
        case(
            "low.json",
            r#"{"title": "\udc00x"}"#,
            "lone-surrogate",
            1,
            17,
        ),
        case(
            "reversed.json",
            r#"{"title": "\udc00\ud800"}"#,
            "lone-surrogate",
            1,
            17,
        ),
        case("half.json", r#"{"title": "\ud8"#, "json-syntax", 1, 16),
    ]);
}

#[test]
fn yaml_that_is_none() {
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned()
        + &["ab", "bc", "cd", "de", "ef", "fg", "gh"]
            .map(|pair| {
                let (from, to) = pair.split_at(1);
                format!("{to}: &{to} [{}]\n", vec![format!("*{from}"); 9].join(", "))
            })
            .concat()
        + GOOD;
    let nested = format!("{GOOD}x: {}1{}", "{a: ".repeat(5_000), "}".repeat(5_000));
    try_all(vec![
        case(
            "open.md",
            "---\nid: bad\ntitle: خبر\n",
            "front-matter-open",
            1,
            1,
        ),
        case(
            "open-toml.md",
            "+++\nid = \"bad\"\n",
            "front-matter-open",
            1,
            1,
        ),
        case(
            "open-json.md",
            "{\"id\": \"bad\"\n\nنص",
            "json-syntax",
            3,
            1,
        ),
        case("bracket.md", yaml("title: ["), "yaml-syntax", 2, 8),
        case("tab.md", yaml("title: خبر\n\tdate: x"), "yaml-syntax", 2, 8),
        case(
            "colon.md",
            yaml("title: خبر: عاجل\ndate: 2025-03-10"),
            "yaml-syntax",
            2,
            11,
        ),
        case(
            "quote.md",
            yaml("title: \"خبر\ndate: 2025-03-10"),
            "yaml-syntax",
            2,
            8,
        ),
        case("anchor.md", yaml("title: *none"), "yaml-syntax", 2, 8),
        case("scalar.md", yaml("كلام"), "wrong-type", 2, 1),
        case("list.md", yaml("- a\n- b"), "wrong-type", 2, 1),
        case(
            "twice.md",
            yaml(&format!("{GOOD}title: آخر")),
            "repeated-key",
            5,
            1,
        ),
        case("bomb.md", yaml(&bomb), "too-large", 6, 8),
        case("nested.md", yaml(&nested), "too-deep", 5, 128),
        case(
            "conflict.md",
            yaml("id: bad\n<<<<<<< HEAD\ntitle: أ\n=======\ntitle: ب\n>>>>>>> x"),
            "yaml-syntax",
            3,
            1,
        ),
    ]);
}

#[test]
fn toml_and_embedded_json_that_are_none() {
    try_all(vec![
        case("bare.md", toml("id = bad"), "toml-syntax", 2, 6),
        case(
            "twice-toml.md",
            toml("id = \"a\"\nid = \"b\""),
            "repeated-key",
            3,
            1,
        ),
        case(
            "quote-toml.md",
            toml(r#"title = "خبر"#),
            "toml-syntax",
            2,
            13,
        ),
        case(
            "date-toml.md",
            toml("id = \"bad\"\ntitle = \"خبر\"\ndate = 2025-02-30"),
            "toml-syntax",
            4,
            8,
        ),
        case(
            "title-toml.md",
            toml("title = 5\ndate = 2025-02-20"),
            "wrong-type",
            2,
            9,
        ),
        case(
            "broken-ld.html",
            "<html>\n<script type='application/ld+json'>{\"@type\": </script></html>",
            "json-syntax",
            2,
            45,
        ),
    ]);
}
