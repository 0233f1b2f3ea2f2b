//! From a publication to those who are told of it, and back to the memory.

use std::time::{Duration, Instant};

use super::remembering::Mark;
use super::trouble::Trouble;
use super::{Daemon, TurnError, Workbench};
use crate::announce::{Announcer, report};
use crate::document::Errand;

/// How soon after something was told that is written down, where nothing is published meanwhile:
/// after a crash in between it is told again.
const NOTE_AFTER: Duration = Duration::from_secs(1);
/// How long a request that is under way at the end is waited for.
const END_PATIENCE: Duration = Duration::from_secs(2);
/// How long a command that publishes goes on to tell of it.
const PATIENCE: Duration = Duration::from_secs(10);

impl Daemon {
    /// Hands over what is to be told. What is published must be what readers get by now.
    pub(super) fn announce(&mut self) {
        let handover = self.bench.engine_mut().hand_over();
        self.announcer.tell(handover, self.bench.now());
    }

    /// Notes what was told, and who does not listen.
    pub(super) fn note_told(&mut self, now: Instant) {
        self.announcer.revive(now);
        let complaints = self.announcer.complaints(now);
        let why = (!complaints.is_empty()).then(|| complaints.join("; "));
        self.troubles.note(Trouble::Announce, why);
        let done = self.announcer.done();
        if !done.is_empty() {
            self.bench.told(done);
            self.note_at.get_or_insert(now + NOTE_AFTER);
        }
        if self.note_at.is_some_and(|at| at <= now) {
            self.note_at = match self.bench.write_down() {
                Ok(()) => {
                    if self.retry.is_none() {
                        self.troubles.set(Trouble::Disk, None);
                    }
                    None
                }
                Err(error) => {
                    self.troubles.set(Trouble::Disk, Some(error.to_string()));
                    Some(now + NOTE_AFTER)
                }
            };
        }
    }

    /// Another configuration may name others.
    pub(super) fn restart_announcer(&mut self) {
        // What was told by now is not told again.
        let done = self.announcer.done();
        self.bench.told(done);
        self.announcer = Announcer::start(&self.bench.shared_config());
    }

    /// Lets requests that are under way come to their end, and notes what they told.
    pub(super) async fn stop_announcing(&mut self) {
        let now = Instant::now();
        let done = self.announcer.finish(now, now + END_PATIENCE).await;
        self.bench.told(done);
    }
}

impl Workbench {
    /// Notes what was told.
    fn told(&mut self, done: Vec<(Errand, u64)>) {
        let now = self.now();
        self.engine_mut().told(done, now);
    }

    /// Writes down what is new, whether or not it could wait.
    fn write_down(&mut self) -> Result<(), TurnError> {
        self.save_news(None, Mark::Stays)
    }
}

/// Tells of what a command has published, for a bounded time; each receiver that fails is left to
/// the next command or the daemon, and so is what has to wait longer.
///
/// # Errors
/// Where the state cannot be written.
pub fn deliver(bench: &mut Workbench) -> Result<(), TurnError> {
    let handover = bench.engine_mut().hand_over();
    if handover.errands.is_empty() {
        report(&handover);
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::warn!("nothing is announced now: {error}");
            return Ok(());
        }
    };
    let now = bench.now();
    let done = runtime.block_on(async {
        let mut announcer = Announcer::start(&bench.shared_config());
        announcer.tell(handover, now);
        let end = Instant::now() + PATIENCE;
        announcer.finish(end, end).await
    });
    // A name that cannot be resolved must not keep the process.
    runtime.shutdown_background();
    bench.told(done);
    bench.write_down()
}
