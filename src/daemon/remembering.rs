//! What a workbench writes down, and what of it the next one can go on from.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::Xxh3;

use super::workbench::{TurnError, Workbench, system_now};
use crate::article::Timestamp;
use crate::config::Config;
use crate::engine::{Engine, Record, Rendered};
use crate::files::Seen;
use crate::publish::directory::DirectoryView;
use crate::state::Checkpoint;

/// Whether the clock's mark is written down as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// As it is now.
    IsSaved,
    /// It stays what it is.
    Stays,
}

impl Workbench {
    /// Owes nothing but what the clock has touched, where nobody has touched anything since an earlier
    /// run had everything in place.
    pub(super) fn resume(&mut self, checkpoint: Checkpoint) {
        if !self.engine.was_settled() || checkpoint.manifest != self.engine.manifest_hash() {
            return;
        }
        let before: BTreeMap<String, Seen> = checkpoint.documents.into_iter().collect();
        let view = DirectoryView::open(&self.config.out).ok().flatten();
        let looks = view.and_then(|view| view.holds_exactly(self.engine.manifest(), &before));
        if let Some(looks) = looks {
            self.engine.resume(checkpoint.parts.into_iter().collect());
            self.is_checkpoint_current = looks == before;
            self.looks = looks;
        }
    }

    /// The checkpoint is gone.
    pub fn lose_checkpoint(&mut self) {
        self.is_checkpoint_current = false;
    }

    /// Writes down what must not be forgotten, where that has changed, although nothing is
    /// published.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn remember(&mut self) -> Result<(), TurnError> {
        if self.engine.has_pressing_news() {
            self.save_news(None, Mark::Stays)?;
        }
        Ok(())
    }

    /// Takes the clock's word although it went back: forgets the mark, and returns it. Then everything
    /// has to be opened anew, at the clock's time. `None` where the clock was not behind the mark.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn accept_clock(&mut self) -> Result<Option<Timestamp>, TurnError> {
        let Some(mark) = self.mark.filter(|mark| *mark > system_now()) else {
            return Ok(None);
        };
        self.set_mark(None)?;
        Ok(Some(mark))
    }

    /// Puts the clock's mark where it is to be.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub(super) fn set_mark(&mut self, mark: Option<Timestamp>) -> Result<(), TurnError> {
        self.mark = mark;
        self.save_news(None, Mark::IsSaved)
    }

    /// Writes down what is new, and what is about to be published.
    pub(super) fn save_news(
        &mut self,
        coming: Option<&Rendered>,
        mark: Mark,
    ) -> Result<(), TurnError> {
        let (engine, now) = (&self.engine, self.mark);
        let mut news_mark = (mark == Mark::IsSaved).then_some(now);
        let news = engine.news(coming).map(|mut record| {
            record.mark = news_mark.take();
            record
        });
        let moved = self.state.save_memory(news, || everything(engine, now))?;
        self.engine.relocate(&moved);
        self.engine.news_is_saved();
        Ok(())
    }

    /// Has what is damaged in the memory read from the store again.
    pub fn mend(&mut self) {
        let lost = self.engine.mend();
        tracing::warn!(lost, "part of the memory is damaged, and is made again");
    }

    /// Writes down everything for the next start.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn save(&mut self) -> Result<(), TurnError> {
        self.save_news(None, Mark::Stays)?;
        let (engine, mark) = (&self.engine, self.mark);
        let moved = self.state.tidy_memory(|| everything(engine, mark))?;
        self.engine.relocate(&moved);
        if self.is_checkpoint_current {
            return Ok(());
        }
        let looks = self.looks.clone().into_iter().collect();
        let checkpoint = Checkpoint::of(&self.engine, looks);
        self.state.save_checkpoint(&checkpoint)?;
        self.is_checkpoint_current = true;
        Ok(())
    }
}

/// What documents are made under: the configuration, and the program that makes them.
pub(super) fn edition(config: &Config) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let program = std::env::current_exe().and_then(|path| path.metadata());
    let program = program.map(|meta| (meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()));
    let mut hash = Xxh3::new();
    hash.update(&config.source.to_le_bytes());
    // One that cannot be looked at is never the same.
    hash.update(format!("{:?}", program.ok().map_or_else(|| Err(system_now()), Ok)).as_bytes());
    hash.digest()
}

/// All that must survive, as records.
fn everything(engine: &Engine, mark: Option<Timestamp>) -> Vec<Record> {
    let mut records = engine.everything();
    if let Some(record) = records.first_mut() {
        record.mark = Some(mark);
    }
    records
}
