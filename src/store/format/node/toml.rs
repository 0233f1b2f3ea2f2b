//! TOML to nodes, from the spanned tree of the `toml` crate.
//!
//! That crate already refuses repeated keys and depth; nothing is added here but places.

use std::borrow::Cow;
use std::ops::Range;

use toml::de::{DeTable, DeValue, Error};

use super::super::problem::Problem;
use super::{Key, MAX_DEPTH, Node, Value, too_deep};

/// Reads one TOML document; `base` is the offset of `text` in the file.
///
/// # Errors
/// One fault, with its place: bad syntax, a repeated key, or a limit overrun.
pub(in super::super) fn parse(text: &str, base: usize) -> Result<Node<'static>, Problem> {
    let document = DeTable::parse(text).map_err(|error| syntax(&error, text, base))?;
    let source = Source { text, base };
    Ok(Node {
        value: source.table(document.get_ref(), 0)?,
        span: base..base + text.len(),
    })
}

/// A complaint of the crate about `text`. Its sentences name syntax, never values.
fn syntax(error: &Error, text: &str, base: usize) -> Problem {
    let span = error.span().unwrap_or(0..0);
    let place = base + span.start..base + span.end;
    if error.message() == "duplicate key" {
        return Problem::repeated_key(text.get(span).unwrap_or_default(), place);
    }
    let reason = error.message().lines().next().unwrap_or("bad syntax");
    Problem::fault(
        "toml-syntax",
        place,
        format!("not TOML: {reason}"),
        "correct the TOML at this place; text needs quotes",
    )
}

/// The text that spans point into.
struct Source<'a> {
    text: &'a str,
    base: usize,
}

impl Source<'_> {
    /// The members of `table`, in the order of the file; the crate keeps them in that of the keys.
    fn table(&self, table: &DeTable<'_>, depth: usize) -> Result<Value<'static>, Problem> {
        let mut members = Vec::with_capacity(table.len());
        for (key, value) in table {
            let key = Key {
                name: Cow::Owned(key.get_ref().to_string()),
                span: self.place(key.span()),
            };
            members.push((key, self.node(value.get_ref(), value.span(), depth + 1)?));
        }
        members.sort_by_key(|(key, _)| key.span.start);
        Ok(Value::Table(members))
    }

    /// `value`, inside `depth` lists and tables.
    fn node(
        &self,
        value: &DeValue<'_>,
        span: Range<usize>,
        depth: usize,
    ) -> Result<Node<'static>, Problem> {
        let as_written = || {
            let written = self.text.get(span.clone()).unwrap_or_default();
            Cow::Owned(written.to_owned())
        };
        let place = self.place(span.clone());
        let is_open = matches!(value, DeValue::Array(_) | DeValue::Table(_));
        if is_open && depth == MAX_DEPTH {
            return Err(too_deep(place, MAX_DEPTH));
        }
        let value = match value {
            DeValue::String(text) => Value::Text(Cow::Owned(text.to_string())),
            DeValue::Integer(_) | DeValue::Float(_) => Value::Number(as_written()),
            DeValue::Boolean(truth) => Value::Bool(*truth),
            DeValue::Datetime(_) => Value::Date(as_written()),
            DeValue::Array(items) => Value::List(
                items
                    .iter()
                    .map(|item| self.node(item.get_ref(), item.span(), depth + 1))
                    .collect::<Result<_, _>>()?,
            ),
            DeValue::Table(table) => self.table(table, depth)?,
        };
        Ok(Node { value, span: place })
    }

    /// `span` in bytes of the file.
    fn place(&self, span: Range<usize>) -> Range<usize> {
        self.base + span.start..self.base + span.end
    }
}

#[cfg(test)]
mod tests;
