//! A reading of everything by somebody who knows nothing of the store: in parts, so that what is found
//! of a million files need not be held at once.

use super::walk::{self, Listing};
use super::{DirectoryStore, StoreError};
use crate::catalog::Intake;
use crate::files::{Changes, Ledger};

/// So many files are in one part of a first reading.
const PART: usize = 8_192;

/// A reading of everything by somebody who knows nothing.
#[derive(Debug)]
pub struct FirstReading<'a> {
    store: &'a DirectoryStore,
    /// What is still to be read.
    listing: Option<Listing>,
    total: u64,
    /// So many files are in one part.
    part: usize,
}

impl FirstReading<'_> {
    /// What the next files are; `None` where there are no more.
    pub fn next(
        &mut self,
        intake: &Intake,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Option<Changes> {
        let mut rest = self.listing.take()?;
        // From the end, so that what is left need not be moved, and what was read is let go of.
        let part = Listing {
            files: rest
                .files
                .split_off(rest.files.len().saturating_sub(self.part)),
            remarks: std::mem::take(&mut rest.remarks),
            unread: Vec::new(),
        };
        rest.files.shrink_to_fit();
        self.listing = (!rest.files.is_empty()).then_some(rest);
        let progress = |count| progress(count, self.total);
        let settled = self
            .store
            .settle(part, None, &Ledger::default(), intake, &progress);
        Some(settled)
    }
}

impl DirectoryStore {
    /// Begins to read everything where nothing is known: as [`DirectoryStore::changes`], in parts, so
    /// that nobody has to hold all of it.
    ///
    /// # Errors
    /// As [`DirectoryStore::changes`].
    pub fn first_reading(&self) -> Result<FirstReading<'_>, StoreError> {
        self.first_reading_by(PART)
    }

    /// The same with so many files in one part.
    pub(super) fn first_reading_by(&self, part: usize) -> Result<FirstReading<'_>, StoreError> {
        let listing = walk::walk(self, &|_| {})?;
        Ok(FirstReading {
            store: self,
            total: listing.files.len() as u64,
            listing: Some(listing),
            part,
        })
    }
}
