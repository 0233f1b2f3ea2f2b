//! From one run to the next: which versions of its feeds the server remembers, so that readers go on
//! to get deltas after a restart. It is written beside the publishing path and never waited for while
//! the daemon runs; where it is lost, readers get whole feeds once.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::Workbench;
use crate::serve::Stand;
use crate::state::Aside;

/// Its name in the state.
const NAME: &str = "versions";
/// How soon after a publication it is written: readers of versions between that and a crash get whole
/// feeds.
const SAVE_AFTER: Duration = Duration::from_secs(10);
/// How long a writing that is under way is waited for at the end.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// Has `stand` take over what earlier runs published, and what they remembered.
pub fn adopt(stand: &Stand, bench: &Workbench) {
    let aside = Aside::new(&bench.config().state, NAME);
    let remembered = aside.load().unwrap_or_else(|error| {
        ignore(&error);
        None
    });
    if let Err(error) = stand.adopt(bench.engine().manifest(), remembered.as_deref()) {
        ignore(&error);
    }
}

fn ignore(why: &dyn std::error::Error) {
    tracing::warn!(
        "the state's file `{NAME}` is not used, and readers get whole feeds once: {why}"
    );
}

/// When what the server remembers is to be written, and the writing.
#[derive(Debug, Default)]
pub(super) struct Versions {
    due: Option<Instant>,
    writing: Option<JoinHandle<io::Result<()>>>,
}

impl Versions {
    /// Something new is served.
    pub(super) fn changed(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + SAVE_AFTER);
    }

    /// Writes what has become due, in a thread of its own, one at a time.
    pub(super) fn save(&mut self, stand: &Arc<Stand>, state: &Path, now: Instant) {
        let is_writing = self
            .writing
            .as_ref()
            .is_some_and(|task| !task.is_finished());
        if is_writing || self.due.is_none_or(|due| due > now) {
            return;
        }
        self.due = None;
        let (stand, aside) = (Arc::clone(stand), Aside::new(state, NAME));
        let write = move || write(&stand, &aside);
        self.writing = Some(tokio::task::spawn_blocking(write));
    }

    /// Writes what is not written yet, before the end.
    pub(super) async fn finish(&mut self, stand: &Arc<Stand>, state: &Path) {
        if let Some(writing) = self.writing.take()
            && tokio::time::timeout(END_PATIENCE, writing).await.is_err()
        {
            // A disk that hangs: another writing would hang as well.
            return;
        }
        if self.due.take().is_some() {
            let _ = tokio::task::block_in_place(|| write(stand, &Aside::new(state, NAME)));
        }
    }
}

fn write(stand: &Stand, aside: &Aside) -> io::Result<()> {
    // The next publication has it written again, and nobody misses it until a restart.
    aside.save(&stand.remembered()).inspect_err(|error| {
        tracing::debug!("the state's file `{NAME}` cannot be written: {error}");
    })
}
