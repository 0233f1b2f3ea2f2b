//! What is wrong with an input: one message, its place and its remedy.

use super::StorePath;

/// A fault rejects the article; a doubt does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The article is rejected.
    Fault,
    /// The article is published, and somebody should look at it.
    Doubt,
    /// Nothing is wrong: said by `check -v` alone.
    Note,
}

/// A place in a file: line and column from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Place {
    /// The first character of a file: where a fault of the whole file stands.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place of byte `offset` in `text`. An offset past the end is the end.
    #[must_use]
    pub fn of(text: &[u8], offset: usize) -> Self {
        let before = &text[..offset.min(text.len())];
        let line_start = before
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |p| p + 1);
        let lines = before.split(|b| *b == b'\n').count();
        // Characters are counted by their first bytes, so that invalid UTF-8 is counted too.
        let columns = before[line_start..]
            .iter()
            .filter(|b| (**b & 0xC0) != 0x80)
            .count();
        Self {
            line: u32::try_from(lines).unwrap_or(u32::MAX),
            column: u32::try_from(columns + 1).unwrap_or(u32::MAX),
        }
    }
}

/// The source line a diagnostic points into. Only `check` shows it: it may be under embargo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, or the part of it around the place, without its line end.
    pub line: String,
    /// Where in `line` the fault begins and ends, in bytes, on character boundaries.
    pub span: std::ops::Range<usize>,
}

impl Excerpt {
    /// The most that is kept of one line, in characters each side of the place.
    pub const REACH: usize = 80;

    /// The line around byte `offset` of `text`, with `length` bytes marked (at least one character
    /// where there is one). Invalid UTF-8 shows as U+FFFD.
    #[must_use]
    pub fn of(text: &[u8], offset: usize, length: usize) -> Self {
        let offset = offset.min(text.len());
        let start = text[..offset]
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |p| p + 1);
        let end = text[offset..]
            .iter()
            .position(|b| *b == b'\n')
            .map_or(text.len(), |p| offset + p);
        let stop = offset.saturating_add(length).clamp(offset, end);
        let before = String::from_utf8_lossy(&text[start..offset]);
        let marked = String::from_utf8_lossy(&text[offset..stop]);
        let after = String::from_utf8_lossy(text[stop..end].trim_ascii_end());
        let skip = before.chars().count().saturating_sub(Self::REACH);
        let mut line: String = before.chars().skip(skip).collect();
        let from = line.len();
        line.extend(marked.chars().take(Self::REACH));
        let mut to = line.len();
        line.extend(after.chars().take(Self::REACH));
        if to == from {
            to += line[from..].chars().next().map_or(0, char::len_utf8);
        }
        Self {
            line,
            span: from..to,
        }
    }
}

/// One fault or doubt of one file.
///
/// Its message never quotes what the article says: the article may be under embargo, and messages
/// are logged. The excerpt may, and is shown by `check` alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Fault, doubt or note.
    pub severity: Severity,
    /// A stable name for machines, in kebab case.
    pub code: &'static str,
    /// The file.
    pub path: StorePath,
    /// Where in the file.
    pub place: Place,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to do about it, one sentence without a full stop.
    pub remedy: String,
    /// The source line.
    pub excerpt: Option<Excerpt>,
}

impl std::fmt::Display for Diagnostic {
    /// `path:line:column: message (remedy)`, without the source line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place { line, column } = self.place;
        // A file name may hold line ends and terminal escapes; neither may forge a log line.
        let path = super::text::escape_controls(self.path.as_str());
        write!(
            f,
            "{path}:{line}:{column}: {} ({})",
            self.message, self.remedy
        )
    }
}
