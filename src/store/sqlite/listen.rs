//! The bell of a database: a look at its version on a short tick.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::connection::{self, Failure};
use crate::config::SqliteConfig;
use crate::store::rows::{Ears, Look, RowsWatch};

/// Starts to look; `bell` is rung whenever something was committed, or a look fails: whoever reads then
/// finds out why.
pub(super) fn start(settings: &SqliteConfig, bell: Box<dyn Fn() + Send + Sync>) -> RowsWatch {
    let look = match settings.rows.sequence {
        Some(_) => Look::Newest,
        None => Look::All,
    };
    let ears = Ears::new(look, bell);
    let mut listener = Listener {
        path: settings.path.clone(),
        connection: None,
        version: None,
        is_failing: false,
    };
    // Before this returns: what is committed from here on is heard.
    let _ = listener.is_news();
    let (end, ended) = mpsc::channel::<()>();
    let tick = Duration::from_millis(settings.poll_ms);
    let heard = Arc::clone(&ears);
    // It ends with the watch, which holds the other end of the channel.
    std::thread::spawn(move || {
        while ended.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
            if listener.is_news() {
                heard.hear();
            }
        }
    });
    RowsWatch::new(ears, Box::new(end))
}

struct Listener {
    path: PathBuf,
    connection: Option<Connection>,
    /// As the connection saw it last.
    version: Option<i64>,
    is_failing: bool,
}

impl Listener {
    /// Whether something may have happened since the last look.
    fn is_news(&mut self) -> bool {
        match self.look() {
            Ok(version) => {
                let before = self.version.replace(version);
                self.is_failing = false;
                before != Some(version)
            }
            // Somebody is writing: the next look sees it.
            Err(Failure::Sqlite(error))
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) =>
            {
                false
            }
            Err(_) => {
                self.connection = None;
                self.version = None;
                !std::mem::replace(&mut self.is_failing, true)
            }
        }
    }

    fn look(&mut self) -> Result<i64, Failure> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(connection::open_impatient(&self.path)?),
        };
        connection::version(connection)
    }
}
