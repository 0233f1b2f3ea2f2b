//! JSON (RFC 8259) to nodes: `serde_json` judges the text, a walk over the judged text finds the
//! places.
//!
//! Refused, beside what is no JSON: a key given twice (`serde_json` would take the last in silence),
//! lone surrogates, and more depth, nodes or bytes than an article can need.

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
/// One fault, with its place: bad syntax, a repeated key, a lone surrogate, or a limit overrun.
pub(in super::super) fn parse(text: &str, base: usize) -> Result<Node, Problem> {
    if text.len() > MAX_BYTES {
        return Err(too_large(base..base, "the JSON is longer than 5 MiB"));
    }
    judge(text).map_err(|error| syntax(&error, text, base))?;
    let mut walk = Walk {
        text,
        at: 0,
        base,
        nodes: 0,
    };
    walk.skip_blanks();
    walk.value(0)
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

/// A walk over text that is known to be JSON. On other text it would find nonsense, and still end.
struct Walk<'a> {
    text: &'a str,
    at: usize,
    base: usize,
    nodes: usize,
}

impl Walk<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes blanks, then `byte` where it comes next, then blanks again.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
            self.skip_blanks();
        }
        found
    }

    /// The value that begins here, inside `depth` lists and tables.
    fn value(&mut self, depth: usize) -> Result<Node, Problem> {
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
            _ => self.literal(),
        };
        Ok(Node {
            value,
            span: self.base + start..self.base + self.at,
        })
    }

    fn table(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut members = Vec::new();
        self.take(b'{');
        while self.peek() == Some(b'"') {
            let start = self.at;
            let name = self.string()?;
            let span = self.base + start..self.base + self.at;
            self.take(b':');
            members.push((Key { name, span }, self.value(depth + 1)?));
            self.take(b',');
        }
        self.close(b'}');
        reject_repeated_keys(&members)?;
        Ok(Value::Table(members))
    }

    fn list(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut items = Vec::new();
        self.take(b'[');
        while !matches!(self.peek(), None | Some(b']')) {
            items.push(self.value(depth + 1)?);
            self.take(b',');
        }
        self.close(b']');
        Ok(Value::List(items))
    }

    /// The closing bracket, without the blanks after it: they are not part of the value.
    fn close(&mut self, bracket: u8) {
        if self.peek() == Some(bracket) {
            self.at += 1;
        }
    }

    /// The string that begins here, decoded.
    fn string(&mut self) -> Result<String, Problem> {
        let start = self.at;
        let mut escaped = false;
        for (index, byte) in self.text.bytes().enumerate().skip(start + 1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    self.at = index + 1;
                    break;
                }
                _ => {}
            }
        }
        let literal = self.text.get(start..self.at).unwrap_or_default();
        // The judge reads past escapes; a lone surrogate shows only when the string is decoded.
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
    fn literal(&mut self) -> Value {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))
            .unwrap_or(rest.len());
        let word = &rest[..end];
        // At least one byte, so that every loop over values ends.
        self.at += end.max(1);
        match word {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            number => Value::Number(number.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
