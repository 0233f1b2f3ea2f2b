//! What the service manager is told (`sd_notify(3)`); nothing where there is none.

use std::time::{Duration, Instant};

use sd_notify::NotifyState;

/// The connection to the service manager.
#[derive(Debug)]
pub(super) struct Service {
    status: String,
    /// How often the watchdog wants to hear of us, and when it did.
    watchdog: Option<(Duration, Instant)>,
}

impl Service {
    pub(super) fn new() -> Self {
        let watchdog = sd_notify::watchdog_enabled();
        Self {
            status: String::new(),
            // Twice as often as must be (`sd_watchdog_enabled(3)`).
            watchdog: watchdog.map(|every| (every / 2, Instant::now())),
        }
    }

    /// The first publication is done.
    pub(super) fn ready() {
        tell(&[NotifyState::Ready]);
    }

    pub(super) fn reloading() {
        let now = NotifyState::monotonic_usec_now();
        match now {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(_) => tell(&[NotifyState::Reloading]),
        }
    }

    pub(super) fn stopping() {
        tell(&[NotifyState::Stopping]);
    }

    /// One line, told when it changes.
    pub(super) fn status(&mut self, status: &str) {
        if self.status != status {
            status.clone_into(&mut self.status);
            tell(&[NotifyState::Status(status)]);
        }
    }

    /// The loop has come round. Only the loop says so: where it hangs, the manager must know.
    pub(super) fn alive(&mut self) {
        if let Some((every, last)) = &mut self.watchdog
            && last.elapsed() >= *every
        {
            *last = Instant::now();
            tell(&[NotifyState::Watchdog]);
        }
    }
}

fn tell(what: &[NotifyState<'_>]) {
    // Nobody listens, or the manager is restarting: nothing hangs on it.
    let _ = sd_notify::notify(what);
}
