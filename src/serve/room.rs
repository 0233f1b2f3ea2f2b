//! How much of something may be held, and is.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Room for so many bytes, shared by all who take some.
#[derive(Debug)]
pub(super) struct Room {
    most: usize,
    taken: AtomicUsize,
}

impl Room {
    /// Room for so many bytes.
    pub(super) const fn new(most: usize) -> Self {
        let taken = AtomicUsize::new(0);
        Self { most, taken }
    }

    /// Takes so many bytes, where there are as many.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let taken = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.most);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken)
            .is_ok()
    }

    /// Gives back so many bytes of those that were taken.
    pub(super) fn leave(&self, bytes: usize) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_more_than_there_is() {
        let room = Room::new(10);
        assert!(room.take(8) && !room.take(3) && room.take(2));
        room.leave(8);
        assert!(!room.take(usize::MAX) && room.take(8));
    }
}
