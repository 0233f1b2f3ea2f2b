//! YAML to nodes, from the events of the parser below `serde-saphyr`.
//!
//! Events and not `serde`, because the mapping needs to know how a scalar is written: quoted `no` is
//! text, plain `no` is a trap. Refused, beside what is no YAML: a second document, a key given
//! twice or that is no scalar, and aliases that multiply (a "billion laughs").

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use serde_saphyr::granit_parser::{
    ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle, Tag, options,
};

use super::super::problem::Problem;
use super::{Key, MAX_DEPTH, Node, Value, reject_repeated_keys, too_deep, too_large};

/// The most values, aliases written out. Front matter has some twenty.
const MAX_NODES: usize = 10_000;

/// Bytes of text that weigh as much as one value.
const BYTES_PER_NODE: usize = 64;

/// Reads one YAML document; `base` is the offset of `text` in the file. Nothing at all is null.
///
/// # Errors
/// One fault, with its place: bad syntax, a repeated key, or a limit overrun.
pub(in super::super) fn parse(text: &str, base: usize) -> Result<Node<'static>, Problem> {
    let mut build = Build {
        // Another crate of the build may have switched comment events on.
        parser: Parser::new_from_str_with_options(text, options! { emit_comments: false }),
        text,
        base,
        weight: 0,
        anchors: HashMap::new(),
    };
    let node = build.document()?;
    build.rest()?;
    Ok(node)
}

/// The parser, and what has been built from it so far.
struct Build<'a> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    base: usize,
    weight: usize,
    /// Values that have a name, by the parser's number for it.
    anchors: HashMap<usize, Rc<Node<'static>>>,
}

impl<'a> Build<'a> {
    /// The next event; after the last one, the end of the stream again.
    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.syntax(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// The value of the first document.
    fn document(&mut self) -> Result<Node<'static>, Problem> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd => {
                    return Ok(Node {
                        value: Value::Null,
                        span: self.base..self.base,
                    });
                }
                event => return self.node(event, span, 0),
            }
        }
    }

    /// What comes after the first document, which must be nothing.
    fn rest(&mut self) -> Result<(), Problem> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::DocumentEnd => {}
                Event::StreamEnd => return Ok(()),
                _ => {
                    let span = self.place(span);
                    return Err(Problem::fault(
                        "yaml-syntax",
                        span.start..span.start,
                        "a second YAML document begins here",
                        "keep one document",
                    ));
                }
            }
        }
    }

    /// The value that `event` begins, inside `depth` lists and tables.
    fn node(
        &mut self,
        event: Event<'a>,
        span: Span,
        depth: usize,
    ) -> Result<Node<'static>, Problem> {
        let place = self.place(span);
        self.weigh(1, &place)?;
        let is_open = matches!(event, Event::SequenceStart(..) | Event::MappingStart(..));
        if is_open && depth == MAX_DEPTH {
            return Err(too_deep(place.start..place.start, MAX_DEPTH));
        }
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref());
                (Node { value, span: place }, anchor)
            }
            Event::SequenceStart(style, anchor, _) => (self.list(&place, style, depth)?, anchor),
            Event::MappingStart(style, anchor, _) => (self.table(&place, style, depth)?, anchor),
            Event::Alias(anchor) => return self.alias(anchor, &place, depth),
            // No other event can stand where a value is due.
            _ => return Err(stray(&place)),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::new(node.clone()));
        }
        Ok(node)
    }

    fn list(
        &mut self,
        open: &Range<usize>,
        style: StructureStyle,
        depth: usize,
    ) -> Result<Node<'static>, Problem> {
        let mut items: Vec<Node<'static>> = Vec::new();
        let close = loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                break self.place(span).end;
            }
            items.push(self.node(event, span, depth + 1)?);
        };
        let last = items.last().map(|item| item.span.end);
        Ok(Node {
            span: open.start..end_of(style, open.start, last, close),
            value: Value::List(items),
        })
    }

    fn table(
        &mut self,
        open: &Range<usize>,
        style: StructureStyle,
        depth: usize,
    ) -> Result<Node<'static>, Problem> {
        let mut members: Vec<(Key<'static>, Node<'static>)> = Vec::new();
        let close = loop {
            let (event, span) = self.next()?;
            let place = self.place(span);
            let name = match event {
                Event::MappingEnd => break place.end,
                Event::Scalar(name, ..) => Cow::Owned(name.into_owned()),
                _ => return Err(odd_key(&place)),
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            members.push((Key { name, span: place }, value));
        };
        reject_repeated_keys(&members)?;
        let last = members.last().map(|(_, value)| value.span.end);
        Ok(Node {
            span: open.start..end_of(style, open.start, last, close),
            value: Value::Table(members),
        })
    }

    /// A copy of the value that `anchor` names, standing where the alias stands.
    fn alias(
        &mut self,
        anchor: usize,
        place: &Range<usize>,
        depth: usize,
    ) -> Result<Node<'static>, Problem> {
        // An anchor is known once its value is complete, so that no value can hold itself.
        let target = self.anchors.get(&anchor).map(Rc::clone);
        let target = target.ok_or_else(|| stray(place))?;
        let (weight, height) = measure(&target);
        self.weigh(weight, place)?;
        if depth + height > MAX_DEPTH {
            return Err(too_deep(place.clone(), MAX_DEPTH));
        }
        Ok(Node {
            value: target.value.clone(),
            span: place.clone(),
        })
    }

    /// Counts `weight` against the budget of the document.
    fn weigh(&mut self, weight: usize, place: &Range<usize>) -> Result<(), Problem> {
        self.weight += weight;
        if self.weight > MAX_NODES {
            let message = "the front matter has more than 10,000 values, aliases written out";
            return Err(too_large(place.clone(), message));
        }
        Ok(())
    }

    /// `span` in bytes of the file.
    fn place(&self, span: Span) -> Range<usize> {
        // Markers of text held in memory always have byte offsets.
        let start = span.start.byte_offset().unwrap_or(0).min(self.text.len());
        let end = span.end.byte_offset().unwrap_or(0).min(self.text.len());
        self.base + start..self.base + end.max(start)
    }

    /// A complaint of the parser, with its place. Its sentences name syntax, never content.
    fn syntax(&self, error: &ScanError) -> Problem {
        let at = error.marker().byte_offset().unwrap_or(0);
        let at = self.base + at.min(self.text.len());
        let remedy = match error.kind() {
            ErrorKind::MappingValueNotAllowed => "put text that holds a colon in quotes",
            ErrorKind::TabNotAllowed => "indent with spaces",
            ErrorKind::UnknownAnchor => "put text that begins with * in quotes",
            _ => "correct the YAML at this place; quotes make any text safe",
        };
        Problem::fault(
            "yaml-syntax",
            at..at,
            format!("not YAML: {}", error.kind()),
            remedy,
        )
    }
}

/// Where a list or table ends. The parser closes block style where the next line begins, which may
/// be lines after the last value.
fn end_of(style: StructureStyle, start: usize, last: Option<usize>, close: usize) -> usize {
    match style {
        StructureStyle::Flow => close,
        StructureStyle::Block => last.unwrap_or(start).max(start),
    }
}

/// How much `node` weighs, and how many levels of lists and tables it has. Text weighs by its
/// length: an alias may repeat sixty thousand bytes as well as sixty values.
fn measure(node: &Node<'_>) -> (usize, usize) {
    let leaf = |text: &str| (1 + text.len() / BYTES_PER_NODE, 0);
    let add = |sum: (usize, usize), next: (usize, usize)| (sum.0 + next.0, sum.1.max(next.1 + 1));
    match &node.value {
        Value::Null | Value::Bool(_) => leaf(""),
        Value::Text(text) | Value::Number(text) | Value::Date(text) => leaf(text),
        Value::List(items) => items.iter().map(measure).fold((1, 1), add),
        Value::Table(members) => members.iter().fold((1, 1), |sum, (key, value)| {
            let (weight, _) = leaf(&key.name);
            add((sum.0 + weight, sum.1), measure(value))
        }),
    }
}

fn odd_key(place: &Range<usize>) -> Problem {
    Problem::fault(
        "yaml-syntax",
        place.clone(),
        "a key is a list, a table or an alias",
        "write a plain name before the colon",
    )
}

fn stray(place: &Range<usize>) -> Problem {
    Problem::fault(
        "yaml-syntax",
        place.clone(),
        "no value can be read here",
        "write the value out",
    )
}

/// A scalar by the core schema (YAML 1.2 §10.3.2), and two liberties of YAML 1.1: dates, and the
/// words `yes`, `no`, `on` and `off`. Programs differ on those words, so text must not be one.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value<'static> {
    let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
    if is_text || style != ScalarStyle::Plain {
        return Value::Text(Cow::Owned(text.to_owned()));
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Value::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        _ if is_number(text) => Value::Number(Cow::Owned(text.to_owned())),
        _ if is_date(text) => Value::Date(Cow::Owned(text.to_owned())),
        _ => Value::Text(Cow::Owned(text.to_owned())),
    }
}

/// Integers and floats of the core schema.
fn is_number(text: &str) -> bool {
    if let Some(octal) = text.strip_prefix("0o") {
        return !octal.is_empty() && octal.bytes().all(|b| matches!(b, b'0'..=b'7'));
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            exponent.strip_prefix(['+', '-']).unwrap_or(exponent),
        ),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let some = !whole.is_empty() || !fraction.is_empty();
    some && digits(whole) && digits(fraction) && !exponent.is_empty() && digits(exponent)
}

/// `2025-12-19`, alone or with a time after `T`, `t` or blanks.
fn is_date(text: &str) -> bool {
    let shape = |text: &str, shape: &str| {
        text.len() >= shape.len()
            && text.bytes().zip(shape.bytes()).all(|(b, s)| match s {
                b'0' => b.is_ascii_digit(),
                s => b == s,
            })
    };
    if !shape(text, "0000-00-00") {
        return false;
    }
    let rest = &text["0000-00-00".len()..];
    let time = rest.trim_start_matches([' ', '\t', 'T', 't']);
    rest.is_empty()
        || (time.len() < rest.len()
            && shape(time, "00:00")
            && time
                .bytes()
                .all(|b| b.is_ascii_digit() || b" \t:.,+-Zz".contains(&b)))
}

#[cfg(test)]
mod tests;
