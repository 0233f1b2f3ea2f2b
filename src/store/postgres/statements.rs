//! The queries of a store, made once the server has said which columns there are.

use tokio_postgres::types::{Kind, Type};
use tokio_postgres::{Client, Column, Row};

use super::session::Failure;
use crate::config::{PostgresConfig, Select};
use crate::store::rows::{Cell, Columns};

/// A table or query, its columns, and how to ask for them.
pub(super) struct Statements {
    pub(super) columns: Columns,
    /// Whether each column comes as text, and not as JSON.
    is_text: Vec<bool>,
    /// Every row.
    pub(super) all: String,
    /// The rows whose keys are in the list `$1`.
    pub(super) by_key: String,
    /// The rows whose sequence is `$1` or more, and those whose keys are in the list `$2`.
    pub(super) by_sequence: Option<String>,
    /// The largest sequence, as text.
    pub(super) last_sequence: Option<String>,
    /// Whether keys are whole numbers.
    has_number_keys: bool,
}

impl Statements {
    /// Asks the server for the columns.
    pub(super) async fn of(client: &Client, settings: &PostgresConfig) -> Result<Self, Failure> {
        let rows = &settings.rows;
        let from = match &rows.select {
            Select::Table(name) => format!("{} AS article", qualified(name)),
            // What stands behind the query may be a comment.
            Select::Query(query) => format!("(\n{query}\n) AS article"),
        };
        let described = client.prepare(&format!("SELECT * FROM {from}")).await?;
        let names: Vec<String> = described
            .columns()
            .iter()
            .map(|c| c.name().to_owned())
            .collect();
        let columns = Columns::new(&names, rows).map_err(Failure::Columns)?;
        let types: Vec<&Type> = described.columns().iter().map(Column::type_).collect();
        let is_text: Vec<bool> = types.iter().map(|of| is_text(of)).collect();
        let listed = names.iter().zip(&is_text).map(|(name, is_text)| {
            let column = quoted(name);
            if *is_text {
                format!("article.{column}::text")
            } else {
                format!("to_json(article.{column})::text")
            }
        });
        let listed: Vec<String> = listed.collect();
        let all = format!("SELECT {} FROM {from}", listed.join(", "));
        let column = |at: usize| format!("article.{}", quoted(&names[at]));
        let (key, key_type) = (column(columns.key), typed(types[columns.key]));
        let sequence = columns.sequence.map(|at| (column(at), typed(types[at])));
        Ok(Self {
            by_key: format!("{all} WHERE {key} = ANY ($1::text[]::{key_type}[])"),
            by_sequence: sequence.as_ref().map(|(sequence, of)| {
                format!(
                    "{all} WHERE {sequence} >= $1::text::{of} \
                     OR {key} = ANY ($2::text[]::{key_type}[])"
                )
            }),
            last_sequence: sequence
                .map(|(sequence, _)| format!("SELECT max({sequence})::text FROM {from}")),
            has_number_keys: [Type::INT2, Type::INT4, Type::INT8].contains(types[columns.key]),
            all,
            is_text,
            columns,
        })
    }

    /// The value of a row in the column `at`.
    pub(super) fn cell<'r>(&self, row: &'r Row, at: usize) -> Cell<'r> {
        // Every column was asked for as text.
        match row.try_get::<_, Option<&str>>(at) {
            Ok(Some(text)) if self.is_text.get(at) == Some(&true) => Cell::Text(text),
            Ok(Some(json)) => Cell::Json(json),
            Ok(None) | Err(_) => Cell::Null,
        }
    }

    /// Whether the server can look for this key at all.
    pub(super) fn is_possible(&self, key: &str) -> bool {
        !self.has_number_keys || key.parse::<i64>().is_ok()
    }
}

/// Whether a type is text, which needs no JSON around it.
fn is_text(of: &Type) -> bool {
    [Type::TEXT, Type::VARCHAR, Type::BPCHAR, Type::NAME].contains(of)
}

/// A type as SQL names it.
fn typed(of: &Type) -> String {
    match of.kind() {
        Kind::Domain(inner) => typed(inner),
        _ => format!("{}.{}", quoted(of.schema()), quoted(of.name())),
    }
}

/// A name as SQL takes it, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name of a table, with its schema before a full stop where it has one.
pub(super) fn qualified(name: &str) -> String {
    match name.split_once('.') {
        Some((schema, name)) => format!("{}.{}", quoted(schema), quoted(name)),
        None => quoted(name),
    }
}
