//! From the bytes of one file to an article: Markdown, JSON and HTML, and what each calls a field.
//!
//! Every form is first read into a [`Node`] tree that remembers where in the file each value stands,
//! then mapped by a module of its own to a [`Draft`] (fields as written, with their places), and the
//! draft is finished in one place for all: dates resolved, URLs made absolute, text cleaned,
//! defaults filled in, the body rendered. Nothing here opens a file or knows the time.

mod body;
mod date;
mod draft;
mod fields;
mod finish;
mod html;
mod jsonld;
mod markdown;
mod ninjs;
mod node;
mod plain;
mod problem;
mod tokens;

use std::cmp::Reverse;

pub use draft::{Draft, Field, RawBody, RawImage, RawMedia, RawPerson, RawTopic, Written};
pub use node::{Key, Node, Value};

use self::finish::{Outcome, Purpose, Undated};
use self::problem::Problem;
use crate::article::{Diagnostic, Finding, Severity, StorePath, Timestamp};
use crate::config::Config;

/// The most diagnostics of one file, faults before doubts before notes. Each looks through the file
/// for its line, and nobody reads more.
const MAX_DIAGNOSTICS: usize = 200;

/// What one file says.
#[derive(Clone, Debug)]
pub struct Reading {
    /// An article, deliberately none, or a rejected one.
    pub finding: Finding,
    /// As [`Change::published`](crate::files::Change::published).
    pub published: Option<Timestamp>,
    /// Faults, doubts and notes, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// The forms, by extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Markdown,
    Json,
    Html,
    /// HTML under front matter, as Hugo and Jekyll take it beside Markdown.
    FencedHtml,
    /// The row of a database, written as plain JSON whatever its columns are called.
    Row,
}

impl Form {
    /// The form of the file `path`; `None` where it is none of ours.
    fn of(path: &StorePath) -> Option<Self> {
        if path.file_name().starts_with("_index.") {
            return None;
        }
        let (_, extension) = path.file_name().rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "md" | "markdown" => Some(Self::Markdown),
            "json" => Some(Self::Json),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }

    /// What a file without any date is: folders of Markdown hold pages too.
    fn undated(self) -> Undated {
        match self {
            Self::Markdown | Self::FencedHtml => Undated::NoArticle,
            Self::Json | Self::Html | Self::Row => Undated::Fault,
        }
    }
}

/// Reads the file `path`, whose content is `bytes`. A file with any fault is rejected; one that is
/// of no known form, or a section page of Hugo or Zola (`_index.*`), is no article.
#[must_use]
pub fn read(path: &StorePath, bytes: &[u8], config: &Config) -> Reading {
    reading(Form::of(path), path, bytes, config)
}

/// Reads the row known as `path`: `bytes` are a JSON object of its fields, as a plain JSON file has
/// them.
#[must_use]
pub fn read_row(path: &StorePath, bytes: &[u8], config: &Config) -> Reading {
    reading(Some(Form::Row), path, bytes, config)
}

fn reading(form: Option<Form>, path: &StorePath, bytes: &[u8], config: &Config) -> Reading {
    let (outcome, mut problems) = outcome(form, path, bytes, config, Purpose::Article);
    problems.sort_by_key(|problem| problem.severity);
    problems.truncate(MAX_DIAGNOSTICS);
    problems.sort_by_key(|problem| (problem.span.start, Reverse(problem.span.end)));
    let (finding, published) = match outcome {
        Outcome::Article(article, _) => (Finding::Article(article), None),
        Outcome::NoArticle => (Finding::NoArticle, None),
        Outcome::Rejected(published) => (Finding::Rejected, published),
    };
    Reading {
        finding,
        published,
        diagnostics: problems
            .into_iter()
            .map(|problem| problem.into_diagnostic(path, bytes))
            .collect(),
    }
}

/// The body of the article in the file `path`: sanitised HTML with absolute URLs, in a `div` with
/// the article's `dir` and `lang`. `None` where it has no body, or [`read`] finds no article.
///
/// The file is read again, in the very same way: bodies are large and few of them are printed, so
/// that nobody keeps them.
#[must_use]
pub fn body(path: &StorePath, bytes: &[u8], config: &Config) -> Option<String> {
    body_of(Form::of(path), path, bytes, config)
}

/// The body of the row known as `path`, as [`body`] gives that of a file.
#[must_use]
pub fn row_body(path: &StorePath, bytes: &[u8], config: &Config) -> Option<String> {
    body_of(Some(Form::Row), path, bytes, config)
}

/// Whether something is read from a member of plain JSON, or a column of a row, of this name.
#[must_use]
pub fn is_field(name: &str) -> bool {
    plain::WORDS.words().any(|word| word == name)
}

fn body_of(form: Option<Form>, path: &StorePath, bytes: &[u8], config: &Config) -> Option<String> {
    match outcome(form, path, bytes, config, Purpose::Body).0 {
        Outcome::Article(_, body) => body,
        Outcome::NoArticle | Outcome::Rejected(_) => None,
    }
}

fn outcome(
    form: Option<Form>,
    path: &StorePath,
    bytes: &[u8],
    config: &Config,
    purpose: Purpose,
) -> (Outcome, Vec<Problem>) {
    let Some(form) = form else {
        return (Outcome::NoArticle, Vec::new());
    };
    let (text, base) = match decode(bytes) {
        Ok(decoded) => decoded,
        Err(problem) => return (Outcome::Rejected(None), vec![problem]),
    };
    let form = match form {
        Form::Html if markdown::is_fenced(text) => Form::FencedHtml,
        form => form,
    };
    let mut kept = None;
    let (draft, mut problems) = match draft(form, text, base, config, &mut kept) {
        Ok(read) => read,
        Err(problem) => return (Outcome::Rejected(None), vec![problem]),
    };
    // What a broken file lacks says nothing: its date may stand where it could not be read.
    if has_fault(&problems) {
        let published = finish::published(&draft, path, config);
        return (Outcome::Rejected(published), problems);
    }
    let outcome = finish::finish(draft, form.undated(), purpose, path, config, &mut problems);
    (outcome, problems)
}

fn has_fault(problems: &[Problem]) -> bool {
    problems
        .iter()
        .any(|problem| problem.severity == Severity::Fault)
}

/// The fields of an article as its form gives them, and what is wrong with them. They are borrowed
/// from `text` and from what is put into `kept`.
///
/// # Errors
/// One fault where the file cannot be taken apart at all.
fn draft<'n, 't: 'n>(
    form: Form,
    text: &'t str,
    base: usize,
    config: &Config,
    kept: &'n mut Option<Node<'t>>,
) -> Result<(Draft<'n>, Vec<Problem>), Problem> {
    match form {
        Form::Markdown => markdown::read(text, base, markdown::Prose::Markdown, kept),
        Form::FencedHtml => markdown::read(text, base, markdown::Prose::Html, kept),
        Form::Json => json(kept.insert(node::json::parse(text, base)?)),
        Form::Row => Ok(plain::read(kept.insert(node::json::parse(text, base)?))),
        Form::Html => html::read(text, base, &config.publication.url, kept),
    }
}

/// Tells the three sorts of JSON apart by their members.
fn json<'n>(root: &'n Node<'n>) -> Result<(Draft<'n>, Vec<Problem>), Problem> {
    if jsonld::is_jsonld(root) {
        return jsonld::read(root).ok_or_else(|| {
            Problem::fault(
                "no-article",
                root.span.start..root.span.start,
                "the JSON-LD holds no article",
                "give it an object whose `@type` is NewsArticle or a kind of it",
            )
        });
    }
    if root.get("uri").is_some() {
        return Ok(ninjs::read(root));
    }
    Ok(plain::read(root))
}

/// The text of a file and where it begins, after a byte order mark.
fn decode(bytes: &[u8]) -> Result<(&str, usize), Problem> {
    const BOM: &[u8] = b"\xEF\xBB\xBF";
    let base = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
    let rest = bytes.get(base..).unwrap_or_default();
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(Problem::fault(
            "not-utf8",
            0..2,
            "the file is UTF-16, not UTF-8",
            "save it as UTF-8",
        ));
    }
    // The faster of the two says yes or no, the other where.
    let judged = simdutf8::basic::from_utf8(rest).or_else(|_| std::str::from_utf8(rest));
    let text = judged.map_err(|error| {
        let at = base + error.valid_up_to();
        let length = error.error_len().unwrap_or(1);
        Problem::fault(
            "not-utf8",
            at..at + length,
            format!("the file is not UTF-8 from byte {} on", at + 1),
            "save it as UTF-8",
        )
    })?;
    if text.trim().is_empty() {
        return Err(Problem::fault(
            "empty-file",
            0..0,
            "the file is empty",
            "write the article, or remove the file",
        ));
    }
    Ok((text, base))
}

#[cfg(test)]
mod tests;
