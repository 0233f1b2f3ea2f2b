//! Which of the known files a look at the store has seen, noted by many threads.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::files::{FileNo, Ledger};

/// The known files that were seen: of all, a mark each; of a few, the few.
pub(super) enum Present {
    All(Vec<AtomicBool>),
    Few(Mutex<HashSet<FileNo>>),
}

impl Present {
    /// None of them yet: to be marked of all files, or of a few.
    pub(super) fn new(of_all: bool, known: &Ledger) -> Self {
        if of_all {
            let marks = (0..known.end()).map(|_| AtomicBool::new(false));
            Self::All(marks.collect())
        } else {
            Self::Few(Mutex::default())
        }
    }

    /// The file was seen.
    pub(super) fn add(&self, no: FileNo) {
        match self {
            Self::All(marks) => marks[no.index()].store(true, Ordering::Relaxed),
            Self::Few(few) => {
                few.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(no);
            }
        }
    }

    /// Whether it was.
    pub(super) fn has(&self, no: FileNo) -> bool {
        match self {
            Self::All(marks) => marks[no.index()].load(Ordering::Relaxed),
            Self::Few(few) => few
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(&no),
        }
    }
}
