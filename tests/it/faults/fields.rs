//! The table of files that can be read and say what no article can say.

use super::case::{Case, GOOD, case, json, linked, news, ninjs, yaml};
use super::try_all;

#[test]
fn dates_that_are_none() {
    let dated = |date: &str| yaml(&format!("id: bad\ntitle: خبر\ndate: {date}"));
    let mut cases: Vec<Case> = [
        ("february.md", "2025-02-30"),
        ("leap.md", "2025-02-29"),
        ("year-zero.md", "0000-01-01"),
        ("year-many.md", "10000-01-01"),
        ("word.md", "yesterday"),
        ("hour.md", "2025-03-10T24:00:00Z"),
        ("month.md", "2025-13-01"),
        ("offset.md", "2025-03-10T12:00:00+99:00"),
        ("slashes.md", "10/03/2025"),
    ]
    .map(|(name, date)| case(name, dated(date), "bad-date", 4, 7))
    .into();
    cases.extend(
        [
            ("epoch.md", "1741608000"),
            ("list-date.md", "[2025-03-10]"),
            ("true.md", "true"),
        ]
        .map(|(name, date)| case(name, dated(date), "wrong-type", 4, 7)),
    );
    cases.extend([
        case(
            "updated.md",
            yaml(&format!("{GOOD}updated: غدا")),
            "bad-date",
            5,
            10,
        ),
        case(
            "expires.md",
            yaml(&format!("{GOOD}expires: 2025-02-31")),
            "bad-date",
            5,
            10,
        ),
        case(
            "none.json",
            r#"{"id": "bad", "title": "خبر"}"#,
            "no-date",
            1,
            1,
        ),
        case(
            "none.html",
            "<html><title>خبر</title><article>نص</article>",
            "no-date",
            1,
            1,
        ),
        case(
            "ninjs.json",
            ninjs(r#""firstcreated": "soon""#),
            "bad-date",
            5,
            17,
        ),
        case(
            "linked.json",
            news("2025-02-30", r#""author": "اسم""#),
            "bad-date",
            4,
            61,
        ),
    ]);
    try_all(cases);
}

#[test]
fn titles_and_ids_that_are_none() {
    let titled = |title: &str| yaml(&format!("id: bad\ntitle: {title}\ndate: 2025-03-10"));
    let long = format!(r#""id": "{}""#, "x".repeat(10_000));
    let identified = |member: &str| {
        format!("{{\n{member},\n\"title\": \"خبر\",\n\"published\": \"2025-03-10\"}}")
    };
    try_all(vec![
        case("no.md", titled("no"), "wrong-type", 3, 8),
        case("year.md", titled("1984"), "wrong-type", 3, 8),
        case("null.md", titled("~"), "wrong-type", 3, 8),
        case("list-title.md", titled("[a, b]"), "wrong-type", 3, 8),
        case("table-title.md", titled("{a: b}"), "wrong-type", 3, 8),
        case(
            "missing.md",
            yaml("id: bad\ndate: 2025-03-10"),
            "no-title",
            1,
            1,
        ),
        case(
            "missing.html",
            "<meta property='article:published_time' content='2025-03-10'><article>نص</article>",
            "no-title",
            1,
            1,
        ),
        case(
            "controls.json",
            r#"{"title": "\u0001\u0002", "published": "2025-03-10"}"#,
            "no-title",
            1,
            11,
        ),
        case("list.json", identified(r#""id": [1]"#), "wrong-type", 2, 7),
        case("long.json", identified(&long), "bad-id", 2, 7),
        case(
            "nul.json",
            identified(r#""id": "a\u0000b""#),
            "bad-id",
            2,
            7,
        ),
        case("lines.json", identified(r#""id": "a\nb""#), "bad-id", 2, 7),
        case(
            "section-nul.json",
            json(r#""section": "a\u0000b""#),
            "bad-topic",
            5,
            12,
        ),
        case(
            "story-lines.json",
            json(r#""story": "a\nb""#),
            "bad-topic",
            5,
            10,
        ),
        case(
            "duplicate.md",
            yaml("id: n1\ntitle: خبر\ndate: 2025-03-10T12:00:00Z"),
            "duplicate-id",
            1,
            1,
        ),
        case(
            "same-url.md",
            yaml(&format!("{GOOD}url: /n1/")),
            "duplicate-url",
            1,
            1,
        ),
        case(
            "recipe.json",
            linked(r#""@type": "Recipe""#),
            "no-article",
            1,
            1,
        ),
        case(
            "graph.json",
            r#"{"@context": "https://schema.org", "@graph": []}"#,
            "no-article",
            1,
            1,
        ),
    ]);
}

#[test]
fn members_of_the_wrong_type() {
    let cases = [
        ("slug.json", r#""slug": true"#, "wrong-type", 9),
        ("summary.json", r#""summary": 5"#, "wrong-type", 12),
        ("url.json", r#""url": 7"#, "wrong-type", 8),
        ("updated.json", r#""updated": 5"#, "wrong-type", 12),
        ("expires.json", r#""expires": {}"#, "wrong-type", 12),
        ("status.json", r#""status": "gone""#, "unknown-word", 11),
        (
            "sections.json",
            r#""sections": {"a": 1}"#,
            "missing-member",
            13,
        ),
        ("stories.json", r#""story": [[]]"#, "wrong-type", 11),
        ("authors.json", r#""authors": 5"#, "wrong-type", 12),
        ("image.json", r#""image": 5"#, "wrong-type", 10),
        ("images.json", r#""images": true"#, "wrong-type", 11),
        ("video.json", r#""video": 5"#, "wrong-type", 10),
        ("audio.json", r#""audio": [5]"#, "wrong-type", 11),
        ("source.json", r#""source": [1]"#, "wrong-type", 11),
        ("language.json", r#""language": "x y""#, "bad-language", 13),
        ("kind.json", r#""kind": "comic""#, "unknown-word", 9),
        ("access.json", r#""access": "never""#, "unknown-word", 11),
        ("comments.json", r#""comments": "many""#, "wrong-type", 13),
        ("news.json", r#""news": "maybe""#, "wrong-type", 9),
        ("index.json", r#""index": 5"#, "wrong-type", 10),
        (
            "translations.json",
            r#""translations": [1]"#,
            "wrong-type",
            17,
        ),
        (
            "script.json",
            r#""url": "javascript:alert(1)""#,
            "bad-url",
            8,
        ),
        ("data.json", r#""url": "data:text/html,x""#, "bad-url", 8),
        ("host.json", r#""url": "http://[::1""#, "bad-url", 8),
    ];
    let mut cases: Vec<Case> = cases
        .into_iter()
        .map(|(name, member, code, column)| case(name, json(member), code, 5, column))
        .collect();
    cases.extend([
        case(
            "draft.md",
            yaml(&format!("{GOOD}draft: maybe")),
            "wrong-type",
            5,
            8,
        ),
        case(
            "status.md",
            yaml(&format!("{GOOD}status: gone")),
            "unknown-word",
            5,
            9,
        ),
        case(
            "pubstatus.json",
            ninjs(r#""pubstatus": "maybe""#),
            "unknown-word",
            5,
            14,
        ),
        case(
            "subject.json",
            ninjs(r#""subject": "x""#),
            "wrong-type",
            5,
            12,
        ),
        case(
            "picture.json",
            ninjs(r#""associations": [1]"#),
            "wrong-type",
            5,
            18,
        ),
        case(
            "person.json",
            news("2025-02-20", r#""author": 5"#),
            "wrong-type",
            5,
            11,
        ),
        case(
            "deep-quote.md",
            yaml(GOOD) + &">".repeat(100_000),
            "bad-body",
            1,
            1,
        ),
    ]);
    try_all(cases);
}

#[test]
fn an_empty_list_is_no_text() {
    try_all(vec![
        case("body.json", json(r#""body": []"#), "wrong-type", 5, 9),
        case("path.json", json(r#""path": []"#), "wrong-type", 5, 9),
    ]);
}
