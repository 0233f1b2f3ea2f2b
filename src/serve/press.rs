//! The thread that compresses: off the path of publication and of answers.

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

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        lock(&self.0).versions.len()
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
                if let Some(next) = waiting.versions.pop() {
                    break next;
                }
                waiting = queue
                    .bell
                    .wait(waiting)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        };
        if let Some(version) = next.upgrade() {
            // Where nobody else holds it any more, it has been replaced meanwhile.
            version.compress(|| Arc::strong_count(&version) > 1);
        }
    }
}
