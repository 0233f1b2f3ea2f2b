//! The thread that compresses: off the path of publication and of answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};

use super::version::Version;

/// Versions that wait to be compressed. They are held weakly: one that is replaced before its turn
/// is passed over, so that not more wait than are served.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    versions: Vec<Weak<Version>>,
    /// Those that wait for all others: read from `out`, they are asked for now and then.
    rare: Vec<Weak<Version>>,
    is_over: bool,
}

/// Compresses what it is given, one after the other. Dropped, it stops after the one at hand.
#[derive(Debug)]
pub(super) struct Press(Arc<Queue>);

impl Press {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system has no thread to give.
    pub(super) fn start() -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let worker = Arc::clone(&queue);
        std::thread::Builder::new()
            .name("compress".to_owned())
            .spawn(move || work(&worker))?;
        Ok(Self(queue))
    }

    /// Has versions compressed.
    pub(super) fn add<'a>(&self, versions: impl IntoIterator<Item = &'a Arc<Version>>) {
        let mut waiting = lock(&self.0);
        waiting
            .versions
            .retain(|version| version.strong_count() > 0);
        waiting
            .versions
            .extend(versions.into_iter().map(Arc::downgrade));
        self.0.bell.notify_one();
    }

    /// Has a version compressed that is not asked for all the time.
    pub(super) fn add_rare(&self, version: &Arc<Version>) {
        let mut waiting = lock(&self.0);
        waiting.rare.retain(|version| version.strong_count() > 0);
        waiting.rare.push(Arc::downgrade(version));
        self.0.bell.notify_one();
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        let waiting = lock(&self.0);
        waiting.versions.len() + waiting.rare.len()
    }
}

impl Drop for Press {
    fn drop(&mut self) {
        lock(&self.0).is_over = true;
        self.0.bell.notify_one();
    }
}

fn lock(queue: &Queue) -> std::sync::MutexGuard<'_, Waiting> {
    queue.waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work(queue: &Queue) {
    loop {
        let next = {
            let mut waiting = lock(queue);
            loop {
                if waiting.is_over {
                    return;
                }
                // The newest first: its readers are on their way.
                if let Some(next) = waiting.versions.pop().or_else(|| waiting.rare.pop()) {
                    break next;
                }
                waiting = queue
                    .bell
                    .wait(waiting)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        };
        let Some(version) = next.upgrade() else {
            continue;
        };
        // Where nobody else holds it any more, it has been replaced meanwhile.
        let press = AssertUnwindSafe(|| version.compress(|| Arc::strong_count(&version) > 1));
        if catch_unwind(press).is_err() {
            // It is served as it is; the next ones are to be compressed all the same.
            tracing::error!("a document could not be compressed, which is a bug");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hyper::body::Bytes;

    use super::*;
    use crate::document::DocumentKind;
    use crate::serve::coding::Coding;

    #[test]
    fn what_is_replaced_before_its_turn_does_not_wait() {
        let version = || {
            let bytes = Bytes::from("خبر ".repeat(1_000));
            Arc::new(Version::new(DocumentKind::Page, bytes, 0))
        };
        let press = Press(Arc::default());
        for _ in 0..10 {
            press.add([&version()]);
        }
        assert_eq!(press.waiting(), 1);
        let press = Press::start().unwrap();
        let kept = version();
        press.add([&version(), &kept]);
        while kept.coded(Coding::Brotli).is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(kept.coded(Coding::Gzip).is_some());
    }
}
