//! Which types a field takes; the mappings' own tests say which fields there are.

use super::super::node::json;
use super::*;
use crate::article::Severity;

fn node(text: &str) -> Node<'_> {
    json::parse(text, 0).unwrap()
}

#[test]
fn durations() {
    for (text, expected) in [
        ("90", Some(90)),
        ("90.9", Some(90)),
        ("\"90\"", Some(90)),
        ("\"PT1M30S\"", Some(90)),
        ("\"PT0.5S\"", Some(0)),
        ("\"P1DT2H\"", Some(93_600)),
        ("\"P1W\"", Some(604_800)),
        ("\"PT90M\"", Some(5_400)),
        ("\"P\"", None),
        ("\"PT\"", None),
        ("\"P1M\"", None),
        ("\"P1Y\"", None),
        ("\"PT1S1M\"", None),
        ("\"PTS\"", None),
        ("\"1:30\"", None),
        ("-5", None),
        ("1e3", None),
        ("99999999999", None),
        ("\"P99999W\"", None),
        ("true", None),
    ] {
        let mut reader = Reader::default();
        assert_eq!(reader.duration("duration", &node(text)), expected, "{text}");
        assert_eq!(
            reader.finish().len(),
            usize::from(expected.is_none()),
            "{text}"
        );
    }
}

#[test]
fn counts() {
    for (text, expected) in [
        ("0", Ok(Some(0))),
        ("1200", Ok(Some(1200))),
        ("\"1200\"", Ok(Some(1200))),
        ("null", Ok(None)),
        ("\" \"", Ok(None)),
        ("-1", Err(())),
        ("1.5", Err(())),
        ("4294967296", Err(())),
        ("\"many\"", Err(())),
        ("[1]", Err(())),
    ] {
        let mut reader = Reader::default();
        let count: Option<u32> = reader.count("width", &node(text));
        let found = if reader.finish().is_empty() {
            Ok(count)
        } else {
            Err(())
        };
        assert_eq!(found, expected, "{text}");
    }
    let mut reader = Reader::default();
    let grouped = Node {
        value: Value::Number("120_000".into()),
        span: 0..7,
    };
    assert_eq!(reader.count::<u64>("length", &grouped), Some(120_000));
}

#[test]
fn labels_take_numbers_and_dates_as_written() {
    let mut reader = Reader::default();
    let list = Node {
        value: Value::List(vec![
            node("70e1"),
            node("\"وسم\""),
            node("null"),
            Node {
                value: Value::Date("2026-11-23".into()),
                span: 0..0,
            },
        ]),
        span: 0..0,
    };
    let labels = reader.labels("tags", &list);
    let labels: Vec<_> = labels.iter().map(|label| &*label.value).collect();
    assert_eq!(labels, ["70e1", "وسم", "2026-11-23"]);
    assert_eq!(reader.finish(), []);
}

#[test]
fn problems_are_bounded_and_a_fault_is_never_lost_to_notes() {
    let mut reader = Reader::default();
    let many = (0..500)
        .map(|key| format!("\"k{key}\": 1"))
        .collect::<Vec<_>>();
    reader.note_unknown("", &node(&format!("{{{}}}", many.join(","))), &[]);
    reader.text("title", &node("1"));
    let problems = reader.finish();
    let count = |severity| problems.iter().filter(|p| p.severity == severity).count();
    assert_eq!(count(Severity::Note), Reader::MAX_PROBLEMS);
    assert_eq!(count(Severity::Fault), 1);
}

#[test]
fn a_null_title_is_a_fault_and_another_null_is_nothing() {
    let mut reader = Reader::default();
    assert_eq!(reader.text("summary", &node("null")), None);
    assert_eq!(reader.title("title", &node("null")), None);
    let problems = reader.finish();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].message, "`title` is null, not text");
}
