//! The loop's clock, exact to a small part of a millisecond.
//!
//! tokio's timers count whole milliseconds and round up: between an edit and its publication that is a
//! tenth of all the time. Where the kernel grants no timer, they do.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// A timer of the kernel.
#[derive(Debug)]
pub(super) struct Alarm(Option<AsyncFd<OwnedFd>>);

impl Alarm {
    /// One that waits for nothing yet. It belongs to the runtime it is made in.
    pub(super) fn new() -> Self {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags).ok();
        #[expect(
            deprecated,
            reason = "of some types it cannot be known that they keep their descriptor open; an OwnedFd does"
        )]
        let timer = timer.and_then(|timer| AsyncFd::new(timer).ok());
        Self(timer)
    }

    /// Waits for so long from now.
    pub(super) async fn wait(&self, pause: Duration) {
        if let Some(timer) = &self.0
            && set(timer.get_ref(), pause)
            && let Ok(mut rung) = timer.readable().await
        {
            // Where it rang while nobody waited, the next wait is over at once, and none after that.
            rung.clear_ready();
        } else {
            tokio::time::sleep(pause).await;
        }
    }
}

/// Sets the timer to ring once; says whether it does. What it has rung before is forgotten.
fn set(timer: &OwnedFd, pause: Duration) -> bool {
    // Zero would stop it.
    let pause = pause.max(Duration::from_nanos(1));
    let Ok(value) = Timespec::try_from(pause) else {
        return false;
    };
    let once = Itimerspec {
        it_interval: Timespec::default(),
        it_value: value,
    };
    timerfd_settime(timer, TimerfdTimerFlags::empty(), &once).is_ok()
}
