//! One thing that is wrong with a file, while the file is still being read: a byte span and words.
//!
//! Reading modules know offsets, not files; [`Problem::into_diagnostic`] gives the problem its path,
//! its line and its source line. A message names keys and types and never quotes a value: values
//! may be under embargo, and messages are logged.

use std::ops::Range;

use crate::article::{Diagnostic, Excerpt, Place, Severity, StorePath, escape_controls};

/// One fault, doubt or note, by its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Fault, doubt or note.
    pub(super) severity: Severity,
    /// A stable name for machines, in kebab case.
    pub(super) code: &'static str,
    /// Where: byte offsets in the whole file.
    pub(super) span: Range<usize>,
    /// What is wrong, one sentence without a full stop.
    pub(super) message: String,
    /// What to do about it, one sentence without a full stop.
    pub(super) remedy: String,
}

impl Problem {
    /// The most characters of a key that a message shows.
    const SHOWN_CHARS: usize = 60;

    /// Something that rejects the article.
    pub(super) fn fault(
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Fault,
            code,
            span,
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// Something that somebody should look at; the article is published.
    pub(super) fn doubt(
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Doubt,
            ..Self::fault(code, span, message, remedy)
        }
    }

    /// Nothing wrong; said by `check -v` alone.
    pub(super) fn note(
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Note,
            ..Self::fault(code, span, message, remedy)
        }
    }

    /// The fault of the key `name`, given in its table a second time at `span`.
    pub(super) fn repeated_key(name: &str, span: Range<usize>) -> Self {
        Self::fault(
            "repeated-key",
            span,
            format!("the key {} is given twice in one table", Self::shown(name)),
            "keep one of the two",
        )
    }

    /// A key as messages show it: in backquotes, cut short, with nothing that could forge a log line.
    pub(super) fn shown(key: &str) -> String {
        let mut short: String = key.chars().take(Self::SHOWN_CHARS).collect();
        if short.len() < key.len() {
            short.push('…');
        }
        format!("`{}`", escape_controls(&short))
    }

    /// The problem of the file `path`, whose bytes are `bytes`.
    pub(super) fn into_diagnostic(self, path: &StorePath, bytes: &[u8]) -> Diagnostic {
        let length = self.span.end.saturating_sub(self.span.start);
        Diagnostic {
            severity: self.severity,
            code: self.code,
            path: path.clone(),
            place: Place::of(bytes, self.span.start),
            message: self.message,
            remedy: self.remedy,
            excerpt: Some(Excerpt::of(bytes, self.span.start, length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_becomes_a_diagnostic_with_line_and_source() {
        let bytes = "title: خبر\ndate: x\n".as_bytes();
        let at = bytes.len() - 2;
        let path = StorePath::new("a.md");
        let diagnostic = Problem::fault("bad-date", at..at + 1, "no date", "write one")
            .into_diagnostic(&path, bytes);
        assert_eq!(diagnostic.to_string(), "a.md:2:7: no date (write one)");
        let excerpt = diagnostic.excerpt.unwrap();
        assert_eq!((excerpt.line.as_str(), excerpt.span), ("date: x", 6..7));
    }

    #[test]
    fn keys_are_shown_short_and_harmless() {
        assert_eq!(Problem::shown("وسم"), "`وسم`");
        assert_eq!(Problem::shown("a\nb\u{202E}"), "`a\\u{a}b\\u{202e}`");
        let long = Problem::shown(&"ك".repeat(500));
        assert_eq!(long.chars().count(), Problem::SHOWN_CHARS + 3);
    }
}
