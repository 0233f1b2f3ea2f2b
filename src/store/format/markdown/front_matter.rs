//! Where front matter ends and text begins.
//!
//! Front matter stands first in the file, after blank lines at most, and says by its first
//! characters what it is: `---` YAML, `+++` TOML, `{` JSON. An end that is missing is a fault, not
//! a guess: the whole text would become keys, or the keys text.

use super::super::node::json;
use super::super::problem::Problem;

/// The most bytes of front matter. Real ones have hundreds.
const MAX_BYTES: usize = 64 * 1024;

/// What front matter is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// Between lines of `---`; the last may be `...`.
    Yaml,
    /// Between lines of `+++`.
    Toml,
    /// One object in braces.
    Json,
}

/// Front matter, without its delimiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Matter<'a> {
    pub(super) syntax: Syntax,
    pub(super) text: &'a str,
    /// Where it begins: a byte offset in the whole file.
    pub(super) start: usize,
}

/// A file taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split<'a> {
    /// The front matter; a file without one is text from its first byte.
    pub(super) matter: Option<Matter<'a>>,
    pub(super) body: &'a str,
    /// Where the body begins: a byte offset in the text given.
    pub(super) body_start: usize,
}

/// Takes `text` apart; `base` is its offset in the file.
///
/// # Errors
/// Where front matter begins and does not end, or is longer than 64 kB.
pub(super) fn split(text: &str, base: usize) -> Result<Split<'_>, Problem> {
    let rest = text.trim_start();
    let open = base + text.len() - rest.len();
    let (first_line, inner) = take_line(rest);
    let fence = first_line.trim_end();
    let (syntax, (matter, body)) = match fence {
        "---" => (Syntax::Yaml, fenced(inner, &["---", "..."], fence, open)?),
        "+++" => (Syntax::Toml, fenced(inner, &["+++"], fence, open)?),
        _ if begins_json(rest) => (Syntax::Json, rest.split_at(json::first_value(rest, open)?)),
        _ => {
            return Ok(Split {
                matter: None,
                body: text,
                body_start: 0,
            });
        }
    };
    if matter.len() > MAX_BYTES {
        return Err(Problem::fault(
            "too-large",
            open..open,
            "the front matter is longer than 64 kB",
            "move what is not a field into the text",
        ));
    }
    let matter_start = match syntax {
        Syntax::Yaml | Syntax::Toml => text.len() - inner.len(),
        Syntax::Json => text.len() - rest.len(),
    };
    Ok(Split {
        matter: Some(Matter {
            syntax,
            text: matter,
            start: base + matter_start,
        }),
        body,
        body_start: text.len() - body.len(),
    })
}

/// Whether `text` begins with an object and not with a template tag, which begins with a brace too.
fn begins_json(text: &str) -> bool {
    text.starts_with('{') && !text.starts_with("{{") && !text.starts_with("{%")
}

/// The lines of `inner` before the first that is one of `closers`, and the text after it. The fault
/// of a missing one stands at `open`, where `fence` does.
fn fenced<'a>(
    inner: &'a str,
    closers: &[&str],
    fence: &str,
    open: usize,
) -> Result<(&'a str, &'a str), Problem> {
    let mut rest = inner;
    while !rest.is_empty() {
        let (line, next) = take_line(rest);
        if closers.contains(&line.trim_end()) {
            return Ok((&inner[..inner.len() - rest.len()], next));
        }
        rest = next;
    }
    Err(Problem::fault(
        "front-matter-open",
        open..open + fence.len(),
        "the front matter that begins here has no end",
        format!("close it with a line of {fence}"),
    ))
}

/// The first line of `text`, without its end, and what follows. A line ends with LF, CR LF or CR.
fn take_line(text: &str) -> (&str, &str) {
    let Some(end) = text.find(['\n', '\r']) else {
        return (text, "");
    };
    let rest = &text[end..];
    let rest = rest.strip_prefix("\r\n").unwrap_or(&rest[1..]);
    (&text[..end], rest)
}

#[cfg(test)]
mod tests;
