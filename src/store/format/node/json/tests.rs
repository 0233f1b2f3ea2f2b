//! What JSON is taken, where its values stand, and what is refused where.

use super::*;

/// The fault of `text`, as code and the bytes before it.
fn fault(text: &str) -> (&'static str, &str) {
    let problem = parse(text, 0).unwrap_err();
    (problem.code, &text[..problem.span.start])
}

#[test]
fn values_know_their_places() {
    let text = r#" {"عنوان": "خبر é\n", "n": -1.50e3, "l": [true, null, {}] } "#;
    let node = parse(text, 100).unwrap();
    let at = |node: &Node<'_>| text[node.span.start - 100..node.span.end - 100].to_owned();
    assert_eq!(at(&node), text.trim());
    let title = node.get("عنوان").unwrap();
    assert_eq!(title.value, Value::Text("خبر é\n".into()));
    assert_eq!(at(title), r#""خبر é\n""#);
    assert_eq!(
        node.get("n").unwrap().value,
        Value::Number("-1.50e3".into())
    );
    let Value::List(items) = &node.get("l").unwrap().value else {
        panic!("not a list");
    };
    let places: Vec<_> = items.iter().map(at).collect();
    assert_eq!(places, ["true", "null", "{}"]);
    let Value::Table(members) = &node.value else {
        panic!("not a table");
    };
    let key = &members[0].0;
    assert_eq!(&text[key.span.start - 100..key.span.end - 100], "\"عنوان\"");
}

#[test]
fn strings_are_decoded() {
    let node = parse(
        r#"["\u062e\u0628\u0631","\ud83d\ude00","\"\\\/\t","\\"]"#,
        0,
    )
    .unwrap();
    let Value::List(items) = node.value else {
        panic!("not a list");
    };
    let texts: Vec<_> = items.into_iter().map(|item| item.value).collect();
    assert_eq!(
        texts,
        ["خبر", "😀", "\"\\/\t", "\\"].map(|t| Value::Text(t.into()))
    );
}

#[test]
fn a_repeated_key_is_a_fault_at_the_second() {
    assert_eq!(
        fault(r#"{"a":1,"b":{"a":2},"\u0061":3}"#),
        ("repeated-key", r#"{"a":1,"b":{"a":2},"#)
    );
}

#[test]
fn lone_surrogates_are_faults_in_their_string() {
    for text in [
        r#"{"title":"x \ud83d y"}"#,
        r#"{"title":"x \ude00"}"#,
        r#"{"title":"x \ude00\ud83d"}"#,
        r#"{"\ud800":1}"#,
    ] {
        let (code, before) = fault(text);
        assert_eq!(code, "lone-surrogate", "{text}");
        assert!(before.contains("\\u"), "{text}: placed after {before}");
    }
}

#[test]
fn bad_syntax_is_a_fault_at_its_place() {
    assert_eq!(fault("{\"a\":1}\n ثم"), ("json-syntax", "{\"a\":1}\n "));
    assert_eq!(
        fault("{\"ا\":\n\"ب\" x}"),
        ("json-syntax", "{\"ا\":\n\"ب\" ")
    );
    assert_eq!(fault("{\"a\":01}").0, "json-syntax");
    assert_eq!(fault("{a:1}"), ("json-syntax", "{"));
    assert_eq!(fault("[1,]").0, "json-syntax");
    assert_eq!(fault("[\"a\u{1}\"]").0, "json-syntax");
    assert_eq!(fault("[\"\\x\"]").0, "json-syntax");
}

#[test]
fn text_cut_short_is_a_fault_at_its_end() {
    for text in ["", "{", "{\"a\":", "{\"a\":\"خب", "[1,2", "{\"a\":\"\\u06"] {
        let problem = parse(text, 0).unwrap_err();
        assert_eq!(problem.span, text.len()..text.len(), "{text}");
        assert!(problem.message.contains("too early"), "{text}");
    }
}

#[test]
fn limits_hold() {
    let nest = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nest(MAX_DEPTH), 0).is_ok());
    assert_eq!(fault(&nest(MAX_DEPTH + 1)).0, "too-deep");
    assert_eq!(fault(&nest(1_000_000)).0, "too-deep");
    let many = format!("[{}0]", "0,".repeat(MAX_NODES));
    assert_eq!(fault(&many).0, "too-large");
    let long = format!("\"{}\"", "a".repeat(MAX_BYTES));
    assert_eq!(fault(&long).0, "too-large");
}

/// The node as `serde_json` would have read it, each value checked against the text at its place.
fn as_value(node: &Node<'_>, text: &str) -> serde_json::Value {
    let value = match &node.value {
        Value::List(items) => items.iter().map(|item| as_value(item, text)).collect(),
        Value::Table(members) => members
            .iter()
            .map(|(key, item)| {
                let name: String = serde_json::from_str(&text[key.span.clone()]).unwrap();
                assert_eq!(name, key.name);
                (name, as_value(item, text))
            })
            .collect(),
        Value::Text(text) => text.clone().into(),
        Value::Number(number) => serde_json::from_str(number).unwrap(),
        Value::Bool(truth) => serde_json::Value::Bool(*truth),
        Value::Null => serde_json::Value::Null,
        Value::Date(_) => panic!("JSON has no dates"),
    };
    assert_eq!(
        value,
        serde_json::from_str::<serde_json::Value>(&text[node.span.clone()]).unwrap()
    );
    value
}

fn any_value() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        ".{0,8}".prop_map(serde_json::Value::from),
        "[\\\\\"\n\u{1}{}:,]{0,6}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            proptest::collection::vec((".{0,6}", inner), 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// What JSON is made of, and what breaks it.
const PIECES: [&str; 48] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    " ",
    "\t",
    "\n",
    "\r",
    "\u{c}",
    "\u{a0}",
    "\u{1}",
    "\u{7f}",
    "null",
    "true",
    "false",
    "nul",
    "True",
    "NaN",
    "0",
    "-",
    "-0",
    "01",
    "1.",
    ".5",
    "1.50",
    "1e9",
    "1E+9",
    "2e-3",
    "1e",
    "-e",
    "1e999",
    "99999999999999999999",
    "\"a\"",
    "\"a\":",
    "\"خبر\"",
    "\"\\n\"",
    "\"\\u0041\"",
    "\"\\u004\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\x\"",
    "\"\\\"",
    "/",
    "😀",
];

/// Text that is JSON, or nearly, or not at all.
fn any_text() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let pieces = || proptest::sample::select(&PIECES[..]);
    let broken = (
        any_value(),
        any::<proptest::sample::Index>(),
        pieces(),
        0..3_usize,
    )
        .prop_map(|(value, place, piece, cut)| {
            let mut text = value.to_string();
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let start = *place.get(&places);
            let end = text[start..]
                .char_indices()
                .nth(cut)
                .map_or(text.len(), |(at, _)| start + at);
            text.replace_range(start..end, piece);
            text
        });
    let list = proptest::collection::vec(pieces(), 0..6);
    prop_oneof![
        broken,
        list.prop_map(|pieces| pieces.concat()),
        proptest::collection::vec(pieces(), 0..4)
            .prop_map(|pieces| format!("[{}]", pieces.join(","))),
    ]
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]
    #[test]
    fn what_serde_json_takes_is_taken_and_nothing_else(text in any_text()) {
        let judged = judge(&text);
        match (parse(&text, 0), &judged) {
            (Ok(node), Ok(())) => {
                proptest::prop_assert_eq!(&text[node.span.clone()], text.trim_matches([' ', '\t', '\n', '\r']));
                // It reads no number that is too large for it.
                if let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) {
                    proptest::prop_assert_eq!(as_value(&node, &text), value);
                }
            }
            (Err(problem), Ok(())) => {
                proptest::prop_assert!(matches!(problem.code, "repeated-key" | "lone-surrogate"), "{:?}", problem);
            }
            (Err(problem), Err(error)) => proptest::prop_assert_eq!(problem, syntax(error, &text, 0)),
            (Ok(_), Err(error)) => proptest::prop_assert!(false, "{} is taken, and not by serde_json: {}", text, error),
        }
    }

    #[test]
    fn what_serde_json_writes_is_read_in_its_places(value in any_value(), pretty in proptest::bool::ANY) {
        let text = if pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        proptest::prop_assert_eq!(as_value(&parse(&text, 0).unwrap(), &text), value);
    }
}
