//! A tree of values that remember where in the file they stand, read from YAML, TOML or JSON.

use std::ops::Range;

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
    /// `true` or `false` (YAML 1.2: no `yes` and `no`).
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
