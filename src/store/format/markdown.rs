//! Markdown with front matter, as Hugo, Zola and Jekyll write it.
//!
//! The front matter gives the fields; the text under it is the body, still Markdown, without the
//! tags of those programs' template languages, which only they can fill in. No title is taken from
//! a heading and no date from the text.

mod front_matter;
mod template;

use std::borrow::Cow;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use self::front_matter::{Matter, Syntax};
use super::draft::{Draft, Field, RawBody};
use super::fields::{Reader, Scopes, Vocabulary, fill};
use super::node::{Node, Value, json, toml, yaml};
use super::problem::Problem;
use crate::article::Status;

/// The words of front matter in TOML and JSON.
const WORDS: Vocabulary = Vocabulary {
    summary: &["summary", "description", "excerpt"],
    url: &["url", "permalink"],
    published: &["published", "publishDate", "pubdate", "date"],
    updated: &["updated", "lastmod", "modified", "last_modified_at"],
    expires: &["expires", "expiryDate", "unpublishdate"],
    sections: &["section", "sections", "category", "categories"],
    tags: &["tags", "keywords"],
    authors: &["authors", "author"],
    language: &["language", "lang"],
    spaced: &[],
    others: &["draft", "extra", "params", "taxonomies"],
};

/// Tables of front matter in which words are looked up after the front matter itself: Zola's own
/// fields, Hugo's own fields, Zola's terms.
const INNER_TABLES: [&str; 3] = ["extra", "params", "taxonomies"];

/// What ends the summary in the text, as Zola and as Hugo write it.
const MORE: [&str; 2] = ["<!-- more -->", "<!--more-->"];

/// The most bytes before that mark. One farther down divides a text, and ends no summary.
const MAX_LEAD_BYTES: usize = 16 * 1024;

/// What stands under the front matter: these programs take pages in HTML as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prose {
    /// Markdown.
    Markdown,
    /// HTML.
    Html,
}

/// Whether `text` begins with front matter in YAML or TOML, which no HTML page does.
pub(super) fn is_fenced(text: &str) -> bool {
    let first_line = text.trim_start().lines().next().unwrap_or_default();
    matches!(first_line.trim_end(), "---" | "+++")
}

/// Reads the fields of a Markdown file and says what is wrong with them. `text` begins at offset
/// `base` of the file (after a mark of byte order). The draft borrows from what it puts into `kept`.
///
/// # Errors
/// One fault where the front matter cannot be told from the text or is no YAML, TOML or JSON.
pub(super) fn read<'n, 't: 'n>(
    text: &'t str,
    base: usize,
    prose: Prose,
    kept: &'n mut Option<Node<'t>>,
) -> Result<(Draft<'n>, Vec<Problem>), Problem> {
    let split = front_matter::split(text, base)?;
    let mut reader = Reader::default();
    let mut draft = Draft::default();
    if let Some(matter) = &split.matter {
        let root = kept.insert(parse(matter)?);
        read_fields(&mut draft, &mut reader, root, matter.syntax);
    }
    read_body(
        &mut draft,
        &mut reader,
        prose,
        split.body,
        base + split.body_start,
    );
    Ok((draft, reader.finish()))
}

fn parse<'t>(matter: &Matter<'t>) -> Result<Node<'t>, Problem> {
    match matter.syntax {
        Syntax::Yaml => yaml::parse(matter.text, matter.start),
        Syntax::Toml => toml::parse(&line_feeds(matter.text), matter.start),
        Syntax::Json => json::parse(matter.text, matter.start),
    }
}

/// `text` with a line feed for each carriage return that stands alone, which TOML does not know as
/// a line end. Offsets stay.
fn line_feeds(text: &str) -> Cow<'_, str> {
    let lone = text.replace("\r\n", "\n\n").contains('\r');
    if lone {
        Cow::Owned(text.replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The fields that the front matter gives.
fn read_fields<'n>(draft: &mut Draft<'n>, reader: &mut Reader, root: &'n Node<'n>, syntax: Syntax) {
    match root.value {
        Value::Table(_) => {}
        // Nothing between the delimiters.
        Value::Null => return,
        _ => {
            let expected = "a table (lines of `key: value`)";
            reader.wrong_whole::<()>("the front matter", root, expected);
            return;
        }
    }
    let scopes = Scopes::folded(root, &INNER_TABLES, reader);
    let shown = published_switch(&scopes);
    fill(draft, reader, &scopes, &vocabulary(syntax, shown.is_some()));
    let is_draft = scopes
        .find(&["draft"])
        .and_then(|(word, node)| reader.truth(word, node));
    if is_draft == Some(true) || shown == Some(false) {
        hide(draft);
    }
    drop_pattern(draft, reader);
}

/// Jekyll's `published`, which says whether, where other programs' says when.
fn published_switch(scopes: &Scopes<'_>) -> Option<bool> {
    let (_, node) = scopes.find(&["published"])?;
    match node.value {
        Value::Bool(shown) => Some(shown),
        _ => None,
    }
}

/// The words of front matter in `syntax`, with `published` as a date or as a switch.
fn vocabulary(syntax: Syntax, published_is_switch: bool) -> Vocabulary {
    let mut words = WORDS;
    match syntax {
        // As Jekyll does, which knows YAML alone.
        Syntax::Yaml => words.spaced = &["categories", "tags"],
        Syntax::Toml | Syntax::Json => {}
    }
    if published_is_switch {
        words.published = &["publishDate", "pubdate", "date"];
        words.others = &["draft", "extra", "params", "taxonomies", "published"];
    }
    words
}

/// Makes a draft of what would be public. What is withheld or withdrawn stays so: it is hidden
/// already, and a withdrawal must be told.
fn hide(draft: &mut Draft<'_>) {
    match draft.status {
        None | Some(Status::Published) => draft.status = Some(Status::Draft),
        Some(Status::Draft | Status::Withheld | Status::Withdrawn) => {}
    }
}

/// Forgets a URL that is a pattern: only the program whose pattern it is could fill it in.
fn drop_pattern(draft: &mut Draft<'_>, reader: &mut Reader) {
    let Some(url) = &draft.url else {
        return;
    };
    if !is_pattern(url.value.trim()) {
        return;
    }
    reader.report(Problem::note(
        "url-pattern",
        url.span.clone(),
        "the URL is a pattern, which is not filled in; `publication.article_url` is used",
        "write the URL out",
    ));
    draft.url = None;
}

/// Whether `url` holds placeholders (`/:year/:title/`) or is one of Jekyll's named styles.
fn is_pattern(url: &str) -> bool {
    let is_style = ["date", "pretty", "ordinal", "weekdate", "none"].contains(&url);
    let has_placeholder = url.match_indices(':').any(|(at, _)| {
        let before = url[..at].chars().next_back();
        let after = url[at + 1..].chars().next();
        matches!(before, None | Some('/' | '-' | '_' | '.'))
            && after.is_some_and(|c| c.is_ascii_lowercase())
    });
    is_style || has_placeholder
}

/// The text under the front matter, and the summary it may mark.
fn read_body<'n>(
    draft: &mut Draft<'n>,
    reader: &mut Reader,
    prose: Prose,
    body: &'n str,
    start: usize,
) {
    let stripped = template::strip(body);
    if let Some(first) = stripped.first {
        reader.report(Problem::note(
            "template-tag",
            start + first.start..start + first.end,
            format!("template tags left out of the text: {}", stripped.count),
            "write what they would insert, if readers of feeds need it",
        ));
    }
    let text = stripped.text;
    if draft.summary.is_none() {
        let summary = match prose {
            Prose::Markdown => lead(&text).map(plain_text).unwrap_or_default(),
            Prose::Html => lead(&text)
                .map(super::body::text_of_html)
                .unwrap_or_default(),
        };
        if !summary.is_empty() {
            draft.summary = Some(Field {
                value: Cow::Owned(summary),
                span: start..start,
            });
        }
    }
    if !text.trim().is_empty() {
        draft.body = match prose {
            Prose::Markdown => RawBody::Markdown(text),
            Prose::Html => RawBody::Html(text),
        };
    }
}

/// The text before the mark that ends the summary.
fn lead(text: &str) -> Option<&str> {
    let end = MORE.iter().filter_map(|more| text.find(more)).min()?;
    text.get(..end).filter(|lead| lead.len() <= MAX_LEAD_BYTES)
}

/// The words of `markdown`, without its headings, pictures and HTML.
fn plain_text(markdown: &str) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH;
    let mut text = String::new();
    let mut hidden: u32 = 0;
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Start(Tag::Heading { .. } | Tag::Image { .. } | Tag::HtmlBlock) => hidden += 1,
            Event::End(TagEnd::Heading(_) | TagEnd::Image | TagEnd::HtmlBlock) => {
                hidden = hidden.saturating_sub(1);
            }
            Event::Text(words) | Event::Code(words) if hidden == 0 => text.push_str(&words),
            Event::SoftBreak
            | Event::HardBreak
            | Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell) => text.push(' '),
            _ => {}
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests;
