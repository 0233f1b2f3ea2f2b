//! When the checkpoint is written. It is written on the loop, so it waits for a time at which the loop
//! has nothing to be late for.

use std::time::{Duration, Instant};

use super::trouble::Trouble;
use super::{Daemon, RETRY_MAX};

/// The longest that writing the checkpoint is put off because a deadline is near.
const SAVE_PUT_OFF: Duration = Duration::from_mins(5);

impl Daemon {
    /// Whether there is time at `now` to write the checkpoint, which is due at `at`: no deadline
    /// comes before it is written, or it has been put off for long.
    pub(super) fn has_time_since(&self, at: Instant, now: Instant) -> bool {
        if at > now {
            return false;
        }
        // Whole seconds, of which the first may be over in a moment.
        let needed = self.save_takes.as_secs().saturating_add(1);
        let free = self.bench.engine().wake_at().map(|deadline| {
            let left = deadline
                .seconds()
                .saturating_sub(self.bench.now().seconds());
            u64::try_from(left).unwrap_or(0)
        });
        free.is_none_or(|free| free > needed) || now >= at + SAVE_PUT_OFF
    }

    /// Writes it, and tidies the memory.
    pub(super) fn save(&mut self) {
        let begun = Instant::now();
        let saved = self.bench.save();
        self.save_takes = begun.elapsed();
        self.is_unsaved = saved.is_err();
        self.save_at = saved.is_err().then(|| Instant::now() + RETRY_MAX);
        let why = saved.err().map(|error| error.to_string());
        self.troubles.set(Trouble::Checkpoint, why);
    }
}
