//! A tree of values that remember where in the file they stand, read from YAML, TOML or JSON.
//!
//! The three syntaxes end here: what maps members to fields sees nodes alone. A node keeps numbers
//! and dates as they are written, because only the field says whether `0123` is an id or a count.

pub(super) mod json;
pub(super) mod toml;
pub(super) mod yaml;

use std::collections::HashSet;
use std::ops::Range;

use super::problem::Problem;

/// The most levels of lists and tables in YAML and TOML. Front matter needs about four.
const MAX_DEPTH: usize = 32;

/// A value and the bytes of the file it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands: byte offsets in the whole file.
    pub span: Range<usize>,
}

/// The values the three syntaxes have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// JSON `null`, YAML `~`.
    Null,
    /// `true` or `false`; in YAML also a plain `yes`, `no`, `on` or `off`.
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// Text.
    Text(String),
    /// A date of the syntax itself (TOML, an unquoted YAML date), as written.
    Date(String),
    /// A list.
    List(Vec<Node>),
    /// A table, in the order of the file. Keys are not repeated.
    Table(Vec<(Key, Node)>),
}

/// The key of a table's member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// As written.
    pub name: String,
    /// Where it stands.
    pub span: Range<usize>,
}

impl Node {
    /// The member `name` of a table, exactly so written.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node> {
        let Value::Table(members) = &self.value else {
            return None;
        };
        members
            .iter()
            .find(|(key, _)| key.name == name)
            .map(|(_, node)| node)
    }

    /// What it is, for messages: "text", "a list"…
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::Date(_) => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

/// A fault where two members of a table have one key: whichever is taken, the author meant the other.
fn reject_repeated_keys(members: &[(Key, Node)]) -> Result<(), Problem> {
    let mut seen: HashSet<&str> = HashSet::with_capacity(members.len());
    for (key, _) in members {
        if !seen.insert(&key.name) {
            return Err(Problem::repeated_key(&key.name, key.span.clone()));
        }
    }
    Ok(())
}

/// The fault of lists and tables more than `limit` levels deep.
fn too_deep(span: Range<usize>, limit: usize) -> Problem {
    Problem::fault(
        "too-deep",
        span,
        format!("lists and tables are nested more than {limit} levels deep"),
        "write it flatter; no field of an article is that deep",
    )
}

/// The fault of a limit on size; `message` names the limit.
fn too_large(span: Range<usize>, message: &str) -> Problem {
    Problem::fault(
        "too-large",
        span,
        message,
        "leave out what the article does not need",
    )
}
