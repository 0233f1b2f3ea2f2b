//! Readings: all rows, or those that were committed since the last reading, each in one snapshot.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, IsolationLevel, Transaction};

use super::horizon::Horizon;
use super::session::{Failure, Session};
use super::statements::{Statements, qualified};
use crate::article::StorePath;
use crate::catalog::Intake;
use crate::config::{Config, PostgresConfig, Select};
use crate::files::{Changes, Ledger};
use crate::store::Progress;
use crate::store::rows::{self, Absence, Comparison, Text};

/// So many rows are asked for at once.
const BATCH: i32 = 1_000;
/// How long a batch may take: a query may sort everything before its first row.
const BATCH_PATIENCE: Duration = Duration::from_mins(5);
/// How long it may take until a reading begins, which asks nothing that takes long.
const BEGIN_PATIENCE: Duration = Duration::from_secs(10);
/// So many changes are looked up by their keys; of more, all rows are read.
const LOGGED_MAX: usize = 20_000;

/// What the last reading has seen.
pub(super) enum Cursor {
    /// Its snapshot, as `pg_current_snapshot()` says it: the log is asked what was not visible in it.
    Logged(String),
    /// The sequences it and readings before it have seen.
    Sequence(Horizon),
}

/// What a reading is for.
pub(super) struct Reading<'a> {
    pub(super) settings: &'a PostgresConfig,
    pub(super) config: &'a Config,
    pub(super) known: &'a Ledger,
    pub(super) intake: &'a Intake,
    pub(super) progress: Progress<'a>,
}

impl Reading<'_> {
    fn comparison(&self) -> Comparison<'_> {
        let name = match &self.settings.rows.select {
            Select::Table(name) => name,
            Select::Query(_) => "query",
        };
        Comparison::new(self.known, self.intake, self.config, name)
    }
}

/// What is committed and what is not, when a reading begins.
struct Snapshot {
    text: String,
    xmin: u64,
    xmax: u64,
}

/// What happened to any row.
pub(super) async fn all(session: &mut Session, reading: &Reading<'_>) -> Result<Changes, Failure> {
    let (client, cursor) = session.parts();
    *cursor = None;
    let (statements, transaction, snapshot) = begin(client, reading.settings).await?;
    let mut comparison = reading.comparison();
    comparison.begin_pass(&statements.columns);
    take(
        &transaction,
        &statements,
        &statements.all,
        &[],
        reading,
        &mut comparison,
    )
    .await?;
    let mut horizon = Horizon::default();
    if reading.settings.changes.is_none() {
        see(&transaction, &statements, &snapshot, &mut horizon).await?;
    }
    transaction.rollback().await?;
    *cursor = Some(match &reading.settings.changes {
        Some(_) => Cursor::Logged(snapshot.text),
        None => Cursor::Sequence(horizon),
    });
    Ok(comparison.finish(&Absence::OfAll))
}

/// What happened to the rows that were committed since the last reading, and to those that are
/// `asked` for. `None` where that cannot be told, or is too much.
pub(super) async fn newest(
    session: &mut Session,
    reading: &Reading<'_>,
    asked: &[StorePath],
) -> Result<Option<Changes>, Failure> {
    let (client, cursor) = session.parts();
    let Some(before) = cursor else {
        return Ok(None);
    };
    let (statements, transaction, snapshot) = begin(client, reading.settings).await?;
    let mut comparison = reading.comparison();
    comparison.begin_pass(&statements.columns);
    let mut keys: BTreeSet<String> = asked.iter().filter_map(rows::key_of).collect();
    match (before, &reading.settings.changes) {
        (Cursor::Logged(seen), Some(log)) => {
            let Some(logged) = logged(&transaction, log, seen).await? else {
                return Ok(None);
            };
            keys.extend(logged);
            let keys = possible(&statements, keys.iter());
            let by_key = &statements.by_key;
            take(
                &transaction,
                &statements,
                by_key,
                &[&keys],
                reading,
                &mut comparison,
            )
            .await?;
            *seen = snapshot.text;
        }
        (Cursor::Sequence(horizon), None) => {
            let (Some(since), Some(by_sequence)) = (horizon.since(), &statements.by_sequence)
            else {
                return Ok(None);
            };
            let since = since.to_owned();
            let keys = possible(&statements, keys.iter());
            let found: [&(dyn ToSql + Sync); 2] = [&since, &keys];
            take(
                &transaction,
                &statements,
                by_sequence,
                &found,
                reading,
                &mut comparison,
            )
            .await?;
            see(&transaction, &statements, &snapshot, horizon).await?;
        }
        // Made under other settings.
        (Cursor::Logged(_), None) | (Cursor::Sequence(_), Some(_)) => return Ok(None),
    }
    transaction.rollback().await?;
    let looked_up: Vec<StorePath> = keys.iter().filter_map(|key| rows::path_of(key)).collect();
    Ok(Some(comparison.finish(&Absence::Of(&looked_up))))
}

/// The rows of these paths, written down.
pub(super) async fn texts(
    session: &mut Session,
    settings: &PostgresConfig,
    paths: &[StorePath],
) -> Result<Vec<(StorePath, Text)>, Failure> {
    let client = session.client();
    let statements = Statements::of(client, settings).await?;
    let keys: Vec<String> = paths.iter().filter_map(rows::key_of).collect();
    let keys = possible(&statements, keys.iter());
    let rows = client.query(&statements.by_key, &[&keys]).await?;
    let text = |row| {
        let cell = |at| statements.cell(row, at);
        Some((
            statements.columns.path(cell)?,
            statements.columns.write(cell),
        ))
    };
    Ok(rows.iter().filter_map(text).collect())
}

/// The keys that the server can look for.
fn possible<'k>(statements: &Statements, keys: impl Iterator<Item = &'k String>) -> Vec<&'k str> {
    let keys = keys.map(String::as_str);
    keys.filter(|key| statements.is_possible(key)).collect()
}

/// Begins a transaction that sees one snapshot and writes nothing.
async fn begin<'c>(
    client: &'c mut Client,
    settings: &PostgresConfig,
) -> Result<(Statements, Transaction<'c>, Snapshot), Failure> {
    let begun = async {
        let statements = Statements::of(client, settings).await?;
        let transaction = client.build_transaction();
        let transaction = transaction.isolation_level(IsolationLevel::RepeatableRead);
        let transaction = transaction.read_only(true).start().await?;
        let snapshot = snapshot(&transaction).await?;
        Ok((statements, transaction, snapshot))
    };
    in_time(BEGIN_PATIENCE, begun).await
}

/// What `asked` gives, where it does so in time.
async fn in_time<T>(
    patience: Duration,
    asked: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let answer = tokio::time::timeout(patience, asked).await;
    answer.map_err(|_| Failure::Silent)?
}

/// The snapshot that a transaction sees.
async fn snapshot(transaction: &Transaction<'_>) -> Result<Snapshot, Failure> {
    let row = transaction
        .query_one(
            "SELECT seen::text, pg_snapshot_xmin(seen)::text, pg_snapshot_xmax(seen)::text \
             FROM pg_current_snapshot() AS seen",
            &[],
        )
        .await?;
    let number = |at| {
        let text: &str = row.try_get(at)?;
        text.parse().map_err(|_| Failure::Silent)
    };
    Ok(Snapshot {
        text: row.try_get(0)?,
        xmin: number(1)?,
        xmax: number(2)?,
    })
}

/// Notes what a reading has seen of the sequence, where there is one.
async fn see(
    transaction: &Transaction<'_>,
    statements: &Statements,
    snapshot: &Snapshot,
    horizon: &mut Horizon,
) -> Result<(), Failure> {
    let Some(last) = &statements.last_sequence else {
        return Ok(());
    };
    let last = async { Ok(transaction.query_one(last, &[]).await?) };
    let last: Option<String> = in_time(BATCH_PATIENCE, last).await?.try_get(0)?;
    if let Some(last) = last {
        horizon.saw(snapshot.xmin, snapshot.xmax, last);
    }
    Ok(())
}

/// The keys that the log has of transactions that the snapshot `seen` did not see. `None` where they
/// are too many, or all may have changed.
async fn logged(
    transaction: &Transaction<'_>,
    log: &str,
    seen: &str,
) -> Result<Option<Vec<String>>, Failure> {
    let query = format!(
        "SELECT DISTINCT key::text FROM {} WHERE xid >= pg_snapshot_xmin($1::text::pg_snapshot) \
         AND NOT pg_visible_in_snapshot(xid, $1::text::pg_snapshot) LIMIT {}",
        qualified(log),
        LOGGED_MAX + 1
    );
    let rows = async { Ok(transaction.query(&query, &[&seen]).await?) };
    let rows = in_time(BATCH_PATIENCE, rows).await?;
    if rows.len() > LOGGED_MAX {
        return Ok(None);
    }
    // A row without a key says that all are gone, or others.
    let keys: Result<Option<Vec<String>>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    Ok(keys?)
}

/// Takes in the rows of a query, batch by batch.
async fn take(
    transaction: &Transaction<'_>,
    statements: &Statements,
    query: &str,
    parameters: &[&(dyn ToSql + Sync)],
    reading: &Reading<'_>,
    comparison: &mut Comparison<'_>,
) -> Result<(), Failure> {
    let portal = async { Ok(transaction.bind(query, parameters).await?) };
    let portal = in_time(BATCH_PATIENCE, portal).await?;
    let mut count = 0;
    loop {
        let batch = async { Ok(transaction.query_portal(&portal, BATCH).await?) };
        let batch = in_time(BATCH_PATIENCE, batch).await?;
        if batch.is_empty() {
            return Ok(());
        }
        for row in &batch {
            comparison.take(&statements.columns, |at| statements.cell(row, at));
        }
        count += batch.len() as u64;
        (reading.progress)(batch.len() as u64, count);
        if comparison.is_full() {
            comparison.read();
        }
    }
}
