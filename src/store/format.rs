//! From the bytes of one file to an article: Markdown, JSON and HTML, and what each calls a field.
//!
//! Every form is first read into a [`Node`] tree that remembers where in the file each value stands,
//! then mapped by a module of its own to a [`Draft`] (fields as written, with their places), and the
//! draft is finished in one place for all: dates resolved, URLs made absolute, text cleaned,
//! defaults filled in. Nothing here opens a file or knows the time.

mod date;
mod draft;
mod fields;
mod markdown;
mod node;
mod plain;
mod problem;

pub use draft::{Draft, Field, RawBody, RawImage, RawMedia, RawPerson, RawTopic};
pub use node::{Key, Node, Value};

use crate::article::{Diagnostic, Finding};

/// What one file says.
#[derive(Clone, Debug)]
pub struct Reading {
    /// An article, deliberately none, or a rejected one.
    pub finding: Finding,
    /// Faults, doubts and notes, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}
