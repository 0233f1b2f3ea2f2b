//! One pass over the rows of a snapshot.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Params, Row, Statement};

use super::connection::Failure;
use crate::config::RowsConfig;
use crate::store::Progress;
use crate::store::rows::{Cell, Columns, Comparison};

/// Where a pass had to stop.
pub(super) struct Stop {
    /// The version of the database it saw (`PRAGMA data_version`).
    pub(super) version: i64,
    /// Rows it has gone through.
    pub(super) rows: u64,
    /// The key of the last one.
    pub(super) key: Value,
}

/// How a pass ended.
pub(super) enum Ended {
    /// With the last row.
    AtTheEnd,
    /// After so many rows, the last of which has this key: what was found has to be read before more is.
    Here { rows: u64, key: Value },
    /// The rows are others than those that were gone through before. A query may answer otherwise
    /// although nothing was committed: by the clock, say.
    Astray,
}

/// A pass over the rows of a snapshot.
pub(super) struct Pass<'p, 'a> {
    /// What takes them in.
    pub(super) comparison: &'p mut Comparison<'a>,
    /// Which columns count.
    pub(super) rows: &'p RowsConfig,
    /// The largest sequence so far.
    pub(super) newest: &'p mut Option<Value>,
    /// Is told of each row.
    pub(super) progress: Progress<'p>,
}

impl Pass<'_, '_> {
    /// Goes through the rows of `query`, from where another pass over the same snapshot stopped.
    pub(super) fn run(
        &mut self,
        snapshot: &Connection,
        query: &str,
        parameters: impl Params,
        before: Option<&Stop>,
    ) -> Result<Ended, Failure> {
        let mut statement = snapshot.prepare(query)?;
        let prepared = columns(&statement, self.rows)?;
        let mut rows = statement.query(parameters)?;
        let mut first = None;
        let mut number = 0;
        while let Some(row) = rows.next()? {
            number += 1;
            let columns = match &mut first {
                Some(columns) => columns,
                none => {
                    // The table may have changed since the statement was prepared.
                    let columns = none.insert(columns(row.as_ref(), self.rows)?);
                    if before.is_none() {
                        self.comparison.begin_pass(columns);
                    }
                    columns
                }
            };
            if let Some(stop) = before.filter(|stop| number <= stop.rows) {
                if number == stop.rows && row.get_ref(columns.key)? != ValueRef::from(&stop.key) {
                    return Ok(Ended::Astray);
                }
                continue;
            }
            self.comparison.take(columns, |at| cell(row, at));
            if let Some(sequence) = columns.sequence {
                advance(self.newest, row.get_ref(sequence)?)?;
            }
            (self.progress)(1, number);
            if self.comparison.is_full() {
                let (rows, key) = (number, row.get(columns.key)?);
                return Ok(Ended::Here { rows, key });
            }
        }
        if number == 0 && before.is_none() {
            self.comparison.begin_pass(&prepared);
        }
        if before.is_some_and(|stop| number < stop.rows) {
            return Ok(Ended::Astray);
        }
        Ok(Ended::AtTheEnd)
    }
}

/// What the columns of a statement stand for.
pub(super) fn columns(statement: &Statement<'_>, rows: &RowsConfig) -> Result<Columns, Failure> {
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    Columns::new(&names, rows).map_err(Failure::Columns)
}

/// The value of a row in the column `at`.
pub(super) fn cell<'r>(row: &'r Row<'_>, at: usize) -> Cell<'r> {
    match row.get_ref(at) {
        Ok(ValueRef::Null) => Cell::Null,
        Ok(ValueRef::Integer(number)) => Cell::Integer(number),
        Ok(ValueRef::Real(number)) => Cell::Real(number),
        Ok(ValueRef::Text(bytes)) => std::str::from_utf8(bytes).map_or(Cell::Binary, Cell::Text),
        // There is no column but those of the statement.
        Ok(ValueRef::Blob(_)) | Err(_) => Cell::Binary,
    }
}

/// Keeps the larger of two sequences, in the order of SQLite: numbers, then text, then bytes. Null is
/// no sequence.
fn advance(newest: &mut Option<Value>, value: ValueRef<'_>) -> Result<(), Failure> {
    let value = Value::try_from(value).map_err(rusqlite::Error::from)?;
    let is_newer = match (&value, newest.as_ref()) {
        (Value::Null, _) => false,
        (_, None) => true,
        (value, Some(before)) => is_larger(value, before),
    };
    if is_newer {
        *newest = Some(value);
    }
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a sequence of whole and other numbers is told apart well enough by that"
)]
fn is_larger(a: &Value, b: &Value) -> bool {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Integer(_) | Value::Real(_) => 1,
        Value::Text(_) => 2,
        Value::Blob(_) => 3,
    };
    match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => a > b,
        (Value::Real(a), Value::Real(b)) => a > b,
        (Value::Integer(a), Value::Real(b)) => *a as f64 > *b,
        (Value::Real(a), Value::Integer(b)) => *a > *b as f64,
        (Value::Text(a), Value::Text(b)) => a > b,
        (Value::Blob(a), Value::Blob(b)) => a > b,
        (a, b) => rank(a) > rank(b),
    }
}
