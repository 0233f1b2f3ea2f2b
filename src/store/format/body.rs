//! The body of an article: from Markdown, plain text or HTML to HTML that is safe to print.
//!
//! Two passes, each strict by itself. [`tidy`] reads the markup as tokens and writes it balanced:
//! bounded in depth and size, URLs absolute, text in NFC without characters that XML forbids. Then
//! ammonia parses that as a browser would and lets through only what the allow-list names. Scripts,
//! frames, forms, styles, event handlers, `svg` and `math` never pass, and neither do relative URLs
//! or schemes other than http, https, mailto and tel.

mod markup;
mod plain;
mod text;
mod tidy;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use pulldown_cmark::{Options, Parser};
use url::Url;

pub(super) use plain::is_plain;
pub(super) use text::{first_paragraph, shorten, text_of_html};

use super::draft::RawBody;
use super::tokens::{self, TooComplex};
use crate::article::{Language, is_xml_char, to_nfc};

/// The most bytes of a body, before and after Markdown is rendered. A long report has 0.1 MB, a
/// live page of a day some 0.5 MB; more would be refused by feed readers anyway.
pub(super) const MAX_BODY_BYTES: usize = 1 << 20;

/// The body as it is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Body {
    /// Sanitised HTML, without the `div` around it.
    pub(super) html: String,
    /// How many characters were dropped because XML forbids them.
    pub(super) dropped: usize,
}

/// Why a body cannot be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// Longer than [`MAX_BODY_BYTES`].
    #[error("the body is longer than 1 MiB")]
    TooLong,
    /// More tags, or longer ones, than any article has.
    #[error("the markup of the body has too many tags, or one that never ends")]
    TooComplex,
}

impl From<TooComplex> for BodyError {
    fn from(_: TooComplex) -> Self {
        Self::TooComplex
    }
}

/// Renders and sanitises `raw`, with relative URLs resolved against `base`; `None` where nothing
/// would be seen of it.
///
/// # Errors
/// Where it is too long or too complex to be read in good time.
pub(super) fn render(raw: &RawBody<'_>, base: &Url) -> Result<Option<Body>, BodyError> {
    let html = match raw {
        RawBody::None => return Ok(None),
        RawBody::Markdown(source) => Cow::Owned(from_markdown(within(source)?)?),
        RawBody::Text(source) => Cow::Owned(from_text(within(source)?)),
        RawBody::Html(source) => Cow::Borrowed(&**source),
    };
    let tidied = tidy::tidy(within(&html)?, base)?;
    let clean = SANITISER.clean(&tidied.html).to_string();
    let clean = clean.trim();
    Ok((tidied.visible && !clean.is_empty()).then(|| Body {
        html: clean.to_owned(),
        dropped: tidied.dropped,
    }))
}

/// `html` in the `div` that every printed body stands in, so that it keeps its direction among
/// entries in other languages.
pub(super) fn wrap(html: &str, language: &Language) -> String {
    format!(
        "<div dir=\"{}\" lang=\"{}\">{html}</div>",
        language.dir(),
        language.as_str()
    )
}

fn within(source: &str) -> Result<&str, BodyError> {
    if source.len() > MAX_BODY_BYTES {
        return Err(BodyError::TooLong);
    }
    Ok(source)
}

/// `CommonMark` with tables, footnotes and strikethrough.
fn from_markdown(source: &str) -> Result<String, BodyError> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH;
    let mut html = Limited(String::with_capacity(source.len() + source.len() / 4));
    pulldown_cmark::html::write_html_fmt(&mut html, Parser::new_ext(source, options))
        .map_err(|_| BodyError::TooLong)?;
    Ok(html.0)
}

/// A string that refuses to grow over [`MAX_BODY_BYTES`]: Markdown can say much in few characters.
struct Limited(String);

impl std::fmt::Write for Limited {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if self.0.len() + text.len() > MAX_BODY_BYTES {
            return Err(std::fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// Plain text: blank lines separate paragraphs, other line ends are kept as line breaks.
fn from_text(source: &str) -> String {
    let mut html = String::with_capacity(source.len() + source.len() / 8);
    let mut in_paragraph = false;
    for line in source.lines().map(str::trim) {
        if line.is_empty() {
            if in_paragraph {
                html.push_str("</p>\n");
            }
            in_paragraph = false;
            continue;
        }
        html.push_str(if in_paragraph { "<br>" } else { "<p>" });
        tokens::escape_text(line, &mut html);
        in_paragraph = true;
    }
    if in_paragraph {
        html.push_str("</p>");
    }
    html
}

/// Drops what XML forbids from `text` and puts it in NFC; counts what it dropped in `dropped`. A
/// carriage return becomes a line feed, as every parser of the result would make it.
fn clean_text<'t>(text: &'t str, dropped: &mut usize) -> Cow<'t, str> {
    let legal: Cow<'t, str> = if text.chars().all(|c| is_xml_char(c) && c != '\r') {
        Cow::Borrowed(text)
    } else {
        *dropped += text.chars().filter(|c| !is_xml_char(*c)).count();
        let kept = text.chars().filter(|c| is_xml_char(*c));
        Cow::Owned(kept.map(|c| if c == '\r' { '\n' } else { c }).collect())
    };
    match legal {
        Cow::Borrowed(text) => to_nfc(text),
        Cow::Owned(text) => Cow::Owned(to_nfc(&text).into_owned()),
    }
}

/// The allow-list, shared by all articles: what is particular to one, its base URL, `tidy` has
/// already resolved, so that a relative URL here is refused.
static SANITISER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut attributes: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (element, names) in markup::ATTRIBUTES {
        attributes.insert(element, names.iter().copied().collect());
    }
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(markup::allowed().collect())
        .clean_content_tags(markup::DROPPED.into_iter().collect())
        .tag_attributes(attributes)
        .generic_attributes(markup::GENERIC_ATTRIBUTES.into_iter().collect())
        .url_schemes(markup::LINK_SCHEMES.into_iter().collect())
        .url_relative(ammonia::UrlRelative::Deny)
        // A feed is read outside the site's windows: there is no opener to hide.
        .link_rel(None)
        .strip_comments(true)
        .attribute_filter(|_element, attribute, value| {
            markup::is_safe(attribute, value).then_some(Cow::Borrowed(value))
        });
    builder
});

#[cfg(test)]
mod tests;
