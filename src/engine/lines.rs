//! The lines of the sitemaps that were written last: when one article of a month changes, the lines
//! of the others are joined again and not made again.

use std::collections::HashMap;
use std::iter::Peekable;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{AssembleError, Engine};
use crate::article::{ContentHash, Timestamp};
use crate::document::Period;
use crate::files::FileNo;
use crate::plan::SitemapPlan;
use crate::render::{SitemapEntry, news, sitemap};

/// So many bytes of lines are held: those of a few months of a large newsroom, 1 MB each.
const BYTES_MAX: usize = 12 << 20;

/// The lines of the parts that were written last.
#[derive(Debug, Default)]
pub(super) struct Lines(Mutex<Held>);

/// What lines are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sheet {
    Sitemap(Period),
    /// By its number.
    News(u32),
}

#[derive(Debug, Default)]
struct Held {
    parts: HashMap<Sheet, Part>,
    bytes: usize,
    turn: u64,
}

/// The lines of one part.
#[derive(Debug, Default)]
struct Part {
    /// In the order they were written.
    lines: Vec<(FileNo, Line)>,
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
    fn take(&mut self, sheet: Sheet) -> Part {
        let part = self.parts.remove(&sheet).unwrap_or_default();
        self.bytes -= part.bytes;
        part
    }

    /// Holds a part, and lets go of those that were not asked for for longest.
    fn put(&mut self, sheet: Sheet, mut part: Part) {
        self.turn += 1;
        part.turn = self.turn;
        self.bytes += part.bytes;
        self.parts.insert(sheet, part);
        while self.bytes > BYTES_MAX {
            let oldest = self.parts.iter().min_by_key(|(_, part)| part.turn);
            let Some(oldest) = oldest.map(|(sheet, _)| *sheet) else {
                return;
            };
            self.take(oldest);
        }
    }
}

/// The lines as they were, which are asked for in the order they had but for a few.
struct Before {
    lines: Peekable<std::vec::IntoIter<(FileNo, Line)>>,
    /// Those that were passed by, once one was asked for that was not the next.
    others: HashMap<FileNo, Line>,
}

impl Before {
    fn new(lines: Vec<(FileNo, Line)>) -> Self {
        Self {
            lines: lines.into_iter().peekable(),
            others: HashMap::new(),
        }
    }

    fn take(&mut self, no: FileNo) -> Option<Line> {
        if let Some((_, line)) = self.lines.next_if(|(next, _)| *next == no) {
            return Some(line);
        }
        self.others.extend(self.lines.by_ref());
        self.others.remove(&no)
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
        let sheet = Sheet::Sitemap(period);
        let lines = self.lines_of(sheet, plan)?;
        let files = sitemap::join(lines.iter().map(|(_, line)| &*line.text));
        if changes {
            self.hold(sheet, lines);
        }
        Ok(files)
    }

    /// A part of the news sitemap, by its number.
    pub(super) fn news_sitemap(
        &self,
        number: u32,
        plan: &SitemapPlan,
    ) -> Result<Vec<u8>, AssembleError> {
        let sheet = Sheet::News(number);
        let lines = self.lines_of(sheet, plan)?;
        let file = news::join(lines.iter().map(|(_, line)| &*line.text));
        self.hold(sheet, lines);
        Ok(file)
    }

    fn lines_of(
        &self,
        sheet: Sheet,
        plan: &SitemapPlan,
    ) -> Result<Vec<(FileNo, Line)>, AssembleError> {
        let mut before = Before::new(self.lines.held().take(sheet).lines);
        let entries = plan.entries.iter();
        let lines = entries.map(|no| {
            let content = self.catalog.content(*no);
            let updated = self.catalog.updated(*no);
            let known = before
                .take(*no)
                .filter(|line| (line.content, line.updated) == (content, updated));
            let line = match known {
                Some(line) => line,
                None => Line {
                    content,
                    updated,
                    text: self.line(sheet, *no, updated)?,
                },
            };
            Ok((*no, line))
        });
        lines.collect()
    }

    fn hold(&self, sheet: Sheet, lines: Vec<(FileNo, Line)>) {
        let texts = lines.iter().map(|(_, line)| line.text.len());
        let part = Part {
            bytes: texts.sum::<usize>() + lines.len() * size_of::<(FileNo, Line)>(),
            lines,
            turn: 0,
        };
        self.lines.held().put(sheet, part);
    }

    fn line(
        &self,
        sheet: Sheet,
        no: FileNo,
        updated: Timestamp,
    ) -> Result<Box<[u8]>, AssembleError> {
        let Some(entry) = self.catalog.entry_of(no) else {
            return Ok(Box::default());
        };
        let article = entry.card.fetch(&*self.archive)?;
        let entry = SitemapEntry {
            article: &article,
            updated,
        };
        let line = match sheet {
            Sheet::Sitemap(_) => sitemap::line(&entry)?,
            Sheet::News(_) => news::line(&self.config.publication.name, &entry)?,
        };
        Ok(line.into_boxed_slice())
    }
}
