//! A tree of values that remember where in the file they stand, read from YAML, TOML or JSON.
//!
//! The three syntaxes end here: what maps members to fields sees nodes alone. A node keeps numbers
//! and dates as they are written, because only the field says whether `0123` is an id or a count.

pub(super) mod json;
pub(super) mod toml;
pub(super) mod yaml;

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use super::problem::Problem;

/// The most levels of lists and tables in YAML and TOML. Front matter needs about four.
const MAX_DEPTH: usize = 32;

/// A value and the bytes of the file it was read from. What stands in the text as it is, is borrowed
/// from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node<'t> {
    /// What it is.
    pub value: Value<'t>,
    /// Where it stands: byte offsets in the whole file.
    pub span: Range<usize>,
}

/// The values the three syntaxes have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'t> {
    /// JSON `null`, YAML `~`.
    Null,
    /// `true` or `false`; in YAML also a plain `yes`, `no`, `on` or `off`.
    Bool(bool),
    /// A number, as written.
    Number(Cow<'t, str>),
    /// Text.
    Text(Cow<'t, str>),
    /// A date of the syntax itself (TOML, an unquoted YAML date), as written.
    Date(Cow<'t, str>),
    /// A list.
    List(Vec<Node<'t>>),
    /// A table, in the order of the file. Keys are not repeated.
    Table(Vec<(Key<'t>, Node<'t>)>),
}

/// The key of a table's member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key<'t> {
    /// As written.
    pub name: Cow<'t, str>,
    /// Where it stands.
    pub span: Range<usize>,
}

impl<'t> Node<'t> {
    /// The member `name` of a table, exactly so written.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node<'t>> {
        let Value::Table(members) = &self.value else {
            return None;
        };
        members
            .iter()
            .find(|(key, _)| key.name == name)
            .map(|(_, node)| node)
    }

    /// The same, borrowed from nowhere.
    #[must_use]
    pub fn into_owned(self) -> Node<'static> {
        let owned = |text: Cow<'t, str>| Cow::Owned(text.into_owned());
        let value = match self.value {
            Value::Null => Value::Null,
            Value::Bool(truth) => Value::Bool(truth),
            Value::Number(number) => Value::Number(owned(number)),
            Value::Text(text) => Value::Text(owned(text)),
            Value::Date(date) => Value::Date(owned(date)),
            Value::List(items) => Value::List(items.into_iter().map(Node::into_owned).collect()),
            Value::Table(members) => {
                let members = members.into_iter().map(|(key, node)| {
                    let (name, span) = (owned(key.name), key.span);
                    (Key { name, span }, node.into_owned())
                });
                Value::Table(members.collect())
            }
        };
        Node {
            value,
            span: self.span,
        }
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
fn reject_repeated_keys(members: &[(Key<'_>, Node<'_>)]) -> Result<(), Problem> {
    /// So few are compared with one another sooner than they are hashed.
    const FEW: usize = 24;
    let names = || members.iter().map(|(key, _)| &*key.name);
    let mut seen: HashSet<&str> = HashSet::new();
    let mut is_repeated = |index: usize, name| {
        if members.len() <= FEW {
            names().take(index).any(|earlier| earlier == name)
        } else {
            !seen.insert(name)
        }
    };
    let mut keys = members.iter().map(|(key, _)| key).enumerate();
    match keys.find(|(index, key)| is_repeated(*index, &key.name)) {
        Some((_, key)) => Err(Problem::repeated_key(&key.name, key.span.clone())),
        None => Ok(()),
    }
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
