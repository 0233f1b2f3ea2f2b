//! The lines of the sitemaps that were written last: when one article of a month changes, the lines
//! of the others are joined again and not made again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{AssembleError, Engine};
use crate::article::{ContentHash, Timestamp};
use crate::document::Period;
use crate::files::FileNo;
use crate::plan::SitemapPlan;
use crate::render::{SitemapEntry, sitemap};

/// So many bytes of lines are held: those of a few months of a large newsroom, 1 MB each.
const BYTES_MAX: usize = 12 << 20;

/// The lines of the parts that were written last.
#[derive(Debug, Default)]
pub(super) struct Lines(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    parts: HashMap<Period, Part>,
    bytes: usize,
    turn: u64,
}

/// The lines of one part.
#[derive(Debug, Default)]
struct Part {
    lines: HashMap<FileNo, Line>,
    bytes: usize,
    /// When it was last asked for.
    turn: u64,
}

/// A line, and what it was made of.
#[derive(Debug)]
struct Line {
    content: ContentHash,
    updated: Timestamp,
    text: Box<[u8]>,
}

impl Lines {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn take(&mut self, period: Period) -> Part {
        let part = self.parts.remove(&period).unwrap_or_default();
        self.bytes -= part.bytes;
        part
    }

    /// Holds a part, and lets go of those that were not asked for for longest.
    fn put(&mut self, period: Period, mut part: Part) {
        self.turn += 1;
        part.turn = self.turn;
        self.bytes += part.bytes;
        self.parts.insert(period, part);
        while self.bytes > BYTES_MAX {
            let oldest = self.parts.iter().min_by_key(|(_, part)| part.turn);
            let Some(oldest) = oldest.map(|(period, _)| *period) else {
                return;
            };
            self.take(oldest);
        }
    }
}

impl Engine {
    /// The files of a sitemap part. Its lines are held where it `changes`, for it may again.
    pub(super) fn sitemap(
        &self,
        period: Period,
        plan: &SitemapPlan,
        changes: bool,
    ) -> Result<Vec<Vec<u8>>, AssembleError> {
        let mut before = self.lines.held().take(period);
        let mut lines = Vec::with_capacity(plan.entries.len());
        for no in &plan.entries {
            let content = self.catalog.content(*no);
            let updated = self.catalog.updated(*no);
            let known = before
                .lines
                .remove(no)
                .filter(|line| (line.content, line.updated) == (content, updated));
            let line = match known {
                Some(line) => line,
                None => Line {
                    content,
                    updated,
                    text: self.line(*no, updated)?,
                },
            };
            lines.push((*no, line));
        }
        let files = sitemap::join(lines.iter().map(|(_, line)| &*line.text));
        if changes {
            let texts = lines.iter().map(|(_, line)| line.text.len());
            let bytes = texts.sum::<usize>() + lines.len() * size_of::<(FileNo, Line)>();
            let part = Part {
                lines: lines.into_iter().collect(),
                bytes,
                turn: 0,
            };
            self.lines.held().put(period, part);
        }
        Ok(files)
    }

    fn line(&self, no: FileNo, updated: Timestamp) -> Result<Box<[u8]>, AssembleError> {
        let Some(entry) = self.catalog.entry_of(no) else {
            return Ok(Box::default());
        };
        let article = entry.card.fetch(&*self.archive)?;
        let entry = SitemapEntry {
            article: &article,
            updated,
        };
        Ok(sitemap::line(&entry)?.into_boxed_slice())
    }
}
