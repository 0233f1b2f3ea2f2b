//! JSON (RFC 8259) to nodes in one pass: strings are borrowed from the text, and every value knows its
//! place.
//!
//! What the scanner does not take, `serde_json` judges: whose words and places a fault of syntax has,
//! and whose reading of a string with escapes beyond the usual ones. The two take the same texts; a
//! property test holds them to it.
//!
//! Refused, beside what is no JSON: a key given twice (`serde_json` would take the last in silence),
//! lone surrogates, and more depth, nodes or bytes than an article can need.

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::problem::Problem;
use super::{Key, Node, Value, reject_repeated_keys, too_deep, too_large};

/// The most levels of lists and tables. Deeper than front matter may go, because JSON-LD nests.
const MAX_DEPTH: usize = 64;

/// The most bytes of one JSON text.
const MAX_BYTES: usize = 5 * 1024 * 1024;

/// The most values in one JSON text. A live blog of a thousand updates has some ten thousand.
const MAX_NODES: usize = 200_000;

/// Reads one JSON value; `base` is the offset of `text` in the file.
///
/// # Errors
/// One fault, with its place: bad syntax, a repeated key, a lone surrogate, or a limit overrun. Bad
/// syntax anywhere goes before the rest.
pub(in super::super) fn parse(text: &str, base: usize) -> Result<Node<'_>, Problem> {
    if text.len() > MAX_BYTES {
        return Err(too_large(base..base, "the JSON is longer than 5 MiB"));
    }
    let mut scan = Scan {
        text,
        at: 0,
        base,
        nodes: 0,
    };
    scan.document().map_err(|problem| match judge(text) {
        Err(error) => syntax(&error, text, base),
        Ok(()) => problem,
    })
}

/// The length of the JSON value that `text` begins with; `base` is the offset of `text` in the file.
/// What follows may be anything.
///
/// # Errors
/// One fault, with its place, where no value ends.
pub(in super::super) fn first_value(text: &str, base: usize) -> Result<usize, Problem> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Err(error)) => Err(syntax(&error, text, base)),
        Some(Ok(_)) | None => Ok(values.byte_offset()),
    }
}

/// Whether `text` is one JSON value and nothing else. Neither recursive nor allocating.
fn judge(text: &str) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    IgnoredAny::deserialize(&mut reader)?;
    reader.end()
}

/// A complaint of `serde_json` about `text`, with its place.
fn syntax(error: &serde_json::Error, text: &str, base: usize) -> Problem {
    let at = base + offset_of(error, text);
    if error.is_eof() {
        return Problem::fault(
            "json-syntax",
            at..at,
            "the JSON ends too early",
            "complete the file; it may have been cut off while it was written",
        );
    }
    let said = error.to_string();
    // The library's sentence names syntax, never content; its own line and column are left out.
    let reason = said.split(" at line ").next().unwrap_or("bad syntax");
    Problem::fault(
        "json-syntax",
        at..at,
        format!("not JSON: {reason}"),
        "correct the syntax at this place",
    )
}

/// The byte that `serde_json` complains about. It counts columns in bytes, up to and with that byte.
fn offset_of(error: &serde_json::Error, text: &str) -> usize {
    if error.is_eof() {
        return text.trim_end().len();
    }
    let line_start: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let mut at = (line_start + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// One pass over a text.
struct Scan<'t> {
    text: &'t str,
    at: usize,
    base: usize,
    nodes: usize,
}

impl<'t> Scan<'t> {
    /// The one value of the text.
    fn document(&mut self) -> Result<Node<'t>, Problem> {
        self.skip_blanks();
        let root = self.value(0)?;
        self.skip_blanks();
        if self.at < self.text.len() {
            return Err(self.stuck());
        }
        Ok(root)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes `byte` where it comes next.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes blanks, then `byte`, which must come next.
    fn need(&mut self, byte: u8) -> Result<(), Problem> {
        self.skip_blanks();
        if self.take(byte) {
            return Ok(());
        }
        Err(self.stuck())
    }

    /// The fault of a text that is no JSON from here on. The judge finds better words for it.
    fn stuck(&self) -> Problem {
        let at = self.base + self.at;
        Problem::fault(
            "json-syntax",
            at..at,
            "not JSON",
            "correct the syntax at this place",
        )
    }

    /// The value that begins here, inside `depth` lists and tables.
    fn value(&mut self, depth: usize) -> Result<Node<'t>, Problem> {
        let start = self.at;
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = "the JSON has more than 200,000 values";
            return Err(too_large(self.base + start..self.base + start, message));
        }
        let value = match self.peek() {
            Some(b'{' | b'[') if depth == MAX_DEPTH => {
                return Err(too_deep(self.base + start..self.base + start, MAX_DEPTH));
            }
            Some(b'{') => self.table(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            _ => self.literal()?,
        };
        Ok(Node {
            value,
            span: self.base + start..self.base + self.at,
        })
    }

    fn table(&mut self, depth: usize) -> Result<Value<'t>, Problem> {
        /// Members of an ordinary table.
        const USUAL: usize = 8;
        self.need(b'{')?;
        self.skip_blanks();
        if self.take(b'}') {
            return Ok(Value::Table(Vec::new()));
        }
        let mut members = Vec::with_capacity(USUAL);
        loop {
            self.skip_blanks();
            let start = self.at;
            let name = self.string()?;
            let span = self.base + start..self.base + self.at;
            self.need(b':')?;
            self.skip_blanks();
            members.push((Key { name, span }, self.value(depth + 1)?));
            self.skip_blanks();
            if self.take(b'}') {
                break;
            }
            self.need(b',')?;
        }
        reject_repeated_keys(&members)?;
        Ok(Value::Table(members))
    }

    fn list(&mut self, depth: usize) -> Result<Value<'t>, Problem> {
        self.need(b'[')?;
        self.skip_blanks();
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Value::List(items));
        }
        loop {
            self.skip_blanks();
            items.push(self.value(depth + 1)?);
            self.skip_blanks();
            if self.take(b']') {
                return Ok(Value::List(items));
            }
            self.need(b',')?;
        }
    }

    /// The string that begins here, decoded.
    fn string(&mut self) -> Result<Cow<'t, str>, Problem> {
        let start = self.at;
        if !self.take(b'"') {
            return Err(self.stuck());
        }
        let mut is_escaped = false;
        let mut from = self.at;
        let end = loop {
            let rest = self.text.as_bytes().get(from..).unwrap_or_default();
            let Some(offset) = memchr2(b'"', b'\\', rest) else {
                return Err(self.stuck());
            };
            if rest.get(offset) == Some(&b'"') {
                break from + offset;
            }
            is_escaped = true;
            // Whatever is escaped ends nothing.
            from += offset + 2;
        };
        let content = self.text.get(self.at..end).unwrap_or_default();
        // Over all bytes, without an end in between: that is done many at a time.
        if content.bytes().fold(u8::MAX, u8::min) < b' ' {
            return Err(self.stuck());
        }
        self.at = end + 1;
        if !is_escaped {
            return Ok(Cow::Borrowed(content));
        }
        match unescape(content) {
            Some(text) => Ok(Cow::Owned(text)),
            None => self.decode(start).map(Cow::Owned),
        }
    }

    /// The string from `start` up to here, as `serde_json` reads it. Its judgement of a whole text
    /// reads past escapes: a lone surrogate shows here alone.
    fn decode(&self, start: usize) -> Result<String, Problem> {
        let literal = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str(literal).map_err(|error| {
            let at = self.base + start + offset_of(&error, literal);
            Problem::fault(
                "lone-surrogate",
                at..at,
                "half of a surrogate pair stands alone in a string",
                "write the whole character, or both halves as \\uD8xx\\uDCxx",
            )
        })
    }

    /// `null`, `true`, `false` or a number.
    fn literal(&mut self) -> Result<Value<'t>, Problem> {
        let words = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
        ];
        let rest = self.text.get(self.at..).unwrap_or_default();
        for (word, value) in words {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        let start = self.at;
        self.number()?;
        let number = self.text.get(start..self.at).unwrap_or_default();
        Ok(Value::Number(Cow::Borrowed(number)))
    }

    /// Takes a number (RFC 8259 §6), however large.
    fn number(&mut self) -> Result<(), Problem> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _is_signed = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    /// Takes digits, at least one.
    fn digits(&mut self) -> Result<(), Problem> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.stuck());
        }
        Ok(())
    }
}

/// The content of a string with the escapes that most texts make do with; `None` where it has others.
fn unescape(content: &str) -> Option<String> {
    let mut text = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        let (before, escape) = rest.split_at_checked(at)?;
        text.push_str(before);
        text.push(match escape.as_bytes().get(1)? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            _ => return None,
        });
        rest = escape.get(2..)?;
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests;
