//! What is wrong with a configuration file, and the place all of it is gathered in.
//!
//! Checks go on after a fault, so that a file is mended in one go and not fault by fault. A check
//! that fails returns [`Reported`], which only [`Faults`] can make: a configuration that could not
//! be resolved always comes with at least one fault.

use std::cell::RefCell;
use std::ops::Range;

use crate::article::{Excerpt, Place, escape_controls};

/// One fault of a configuration file. The caller knows the file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// Where in the file; its first character for what is missing from the whole file.
    pub place: Place,
    /// What is wrong, one sentence without a full stop, safe to print on a terminal.
    pub message: String,
    /// What to do about it, one sentence without a full stop, safe to print on a terminal.
    pub remedy: String,
    /// The source line; none for what is missing from the whole file, or holds credentials.
    pub excerpt: Option<Excerpt>,
}

impl std::fmt::Display for ConfigFault {
    /// `line:column: message (remedy)`, without the source line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place { line, column } = self.place;
        write!(f, "{line}:{column}: {} ({})", self.message, self.remedy)
    }
}

/// The proof that a fault was reported: what a failed check returns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported(());

/// What a check returns.
pub(super) type Checked<T> = Result<T, Reported>;

/// Gathers the faults of one file.
///
/// Tables and values share it while they are read, hence the cell.
#[derive(Debug)]
pub(super) struct Faults<'t> {
    text: &'t str,
    found: RefCell<Vec<ConfigFault>>,
}

impl<'t> Faults<'t> {
    /// For the file that holds `text`.
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            found: RefCell::default(),
        }
    }

    /// The text of the file.
    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// The line, from 1, that byte `offset` stands in.
    pub(super) fn line(&self, offset: usize) -> u32 {
        Place::of(self.text.as_bytes(), offset).line
    }

    /// Reports a fault of the bytes in `span`.
    pub(super) fn add(&self, span: &Range<usize>, message: &str, remedy: &str) -> Reported {
        let is_shown = !self.is_secret(span.start);
        let excerpt = is_shown.then(|| Excerpt::of(self.text.as_bytes(), span.start, span.len()));
        self.push_at(span, message, remedy, excerpt)
    }

    /// Reports a fault of the bytes in `span`, which may be a secret: no log shows their line.
    pub(super) fn add_hidden(&self, span: &Range<usize>, message: &str, remedy: &str) -> Reported {
        self.push_at(span, message, remedy, None)
    }

    fn push_at(
        &self,
        span: &Range<usize>,
        message: &str,
        remedy: &str,
        excerpt: Option<Excerpt>,
    ) -> Reported {
        self.push(ConfigFault {
            place: Place::of(self.text.as_bytes(), span.start),
            message: escape_controls(message),
            remedy: escape_controls(remedy),
            excerpt,
        })
    }

    /// Reports what is missing from the file, or wrong with it as a whole.
    pub(super) fn add_for_file(&self, message: &str, remedy: &str) -> Reported {
        self.push(ConfigFault {
            place: Place::START,
            message: escape_controls(message),
            remedy: escape_controls(remedy),
            excerpt: None,
        })
    }

    /// Whether the line that byte `offset` stands in holds a user name or a password: no log shows it.
    fn is_secret(&self, offset: usize) -> bool {
        let (before, after) = self.text.split_at_checked(offset).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let end = offset + after.find('\n').unwrap_or(after.len());
        let line = self.text.get(start..end).unwrap_or_default();
        line.split("//").skip(1).any(|rest| {
            let authority = rest.split(['/', '?', '#', '"', '\'', ' ']).next();
            authority.is_some_and(|authority| authority.contains('@'))
        })
    }

    fn push(&self, fault: ConfigFault) -> Reported {
        self.found.borrow_mut().push(fault);
        Reported(())
    }

    /// All that was reported, in the order of the file.
    pub(super) fn into_list(self) -> Vec<ConfigFault> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|fault| fault.place);
        found
    }
}
