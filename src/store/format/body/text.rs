//! Markup → plain text for titles and summaries.

use std::ops::ControlFlow;

use unicode_segmentation::UnicodeSegmentation;

use super::markup::{self, Class};
use crate::store::format::tokens::{self, Event};

/// The text of `html`, references decoded, with a space where a block begins or ends. Markup that is
/// too complex to be read gives the text before it.
pub(in crate::store::format) fn text_of_html(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut dropped = 0_usize;
    // What was read before markup that never ends is all the text there is.
    let _ = tokens::read(html, |event, _line| {
        match event {
            Event::Start(tag) if is_dropped(&tag.name) => dropped += 1,
            Event::End(name) if is_dropped(&name) => dropped = dropped.saturating_sub(1),
            Event::Start(tag) if is_break(&tag.name) => text.push(' '),
            Event::End(name) if is_break(&name) => text.push(' '),
            Event::Text(piece) if dropped == 0 => text.push_str(&piece),
            Event::Start(_) | Event::End(_) | Event::Text(_) | Event::Nul => {}
        }
        ControlFlow::Continue(())
    });
    fold(&text)
}

/// The first paragraph of a body that [`super::render`] has made, as text: the first `p` that says
/// something outside figures, tables, quotations and asides; without one, the first text outside
/// headings and figures; without that, the first text.
pub(in crate::store::format) fn first_paragraph(body: &str) -> String {
    let mut search = Search::default();
    // A body that was rendered can be read.
    let _ = tokens::read(body, |event, _line| search.take(event));
    search.flush();
    [search.paragraph, search.plain, search.any]
        .into_iter()
        .flatten()
        .next()
        .unwrap_or_default()
}

#[derive(Default)]
struct Search {
    open: Vec<String>,
    run: String,
    paragraph: Option<String>,
    plain: Option<String>,
    any: Option<String>,
}

impl Search {
    fn take(&mut self, event: Event) -> ControlFlow<()> {
        match event {
            Event::Start(tag) if tag.name == "br" => self.run.push(' '),
            Event::Start(tag) if is_break(&tag.name) => {
                self.flush();
                self.open.push(tag.name);
            }
            Event::End(name) if is_break(&name) => {
                self.flush();
                if let Some(at) = self.open.iter().rposition(|open| *open == name) {
                    self.open.truncate(at);
                }
            }
            Event::Text(piece) => self.run.push_str(&piece),
            Event::Start(_) | Event::End(_) | Event::Nul => {}
        }
        match self.paragraph {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    }

    /// Ends the run of text, and keeps it where it is the best so far.
    fn flush(&mut self) {
        let run = fold(&std::mem::take(&mut self.run));
        if run.is_empty() || self.paragraph.is_some() {
            return;
        }
        let within = |names: &[&str]| self.open.iter().any(|open| names.contains(&open.as_str()));
        let is_paragraph = self.open.last().is_some_and(|open| open == "p");
        if is_paragraph && !within(&["figure", "table", "blockquote", "aside"]) {
            self.paragraph = Some(run);
        } else if !within(&["figure", "h1", "h2", "h3", "h4", "h5", "h6"]) {
            self.plain.get_or_insert(run);
        } else {
            self.any.get_or_insert(run);
        }
    }
}

/// `text` cut at a word so that it has at most `limit` graphemes, the ellipsis included.
pub(in crate::store::format) fn shorten(text: &str, limit: usize) -> String {
    let mut ends = text
        .grapheme_indices(true)
        .map(|(at, grapheme)| at + grapheme.len());
    // The end of what would stand before the ellipsis; and whether there is more than fits.
    let Some(end) = ends.by_ref().nth(limit.saturating_sub(2)) else {
        return text.to_owned();
    };
    if ends.nth(1).is_none() {
        return text.to_owned();
    }
    let (head, tail) = text.split_at(end);
    let whole = tail.starts_with(char::is_whitespace);
    let cut = match head.rfind(char::is_whitespace) {
        Some(space) if !whole => head.get(..space).unwrap_or(head),
        _ => head,
    };
    let cut = cut.trim_end_matches(|c: char| c.is_whitespace() || "،,؛;:.…-–—".contains(c));
    let mut short = cut.to_owned();
    short.extend(std::iter::repeat_n('\u{2069}', open_isolates(cut)));
    short.push('…');
    short
}

/// How many bidirectional isolates `text` opens and does not close: what is cut must not turn what
/// follows it (UAX #9).
fn open_isolates(text: &str) -> usize {
    text.chars().fold(0, |open, c| match c {
        '\u{2066}'..='\u{2068}' => open + 1,
        '\u{2069}' => open.saturating_sub(1),
        _ => open,
    })
}

/// Whether the content of the element is not text for readers.
fn is_dropped(name: &str) -> bool {
    matches!(name, "script" | "style" | "template" | "title" | "noscript")
}

/// Whether words on either side of the element's tags are apart.
fn is_break(name: &str) -> bool {
    name == "br"
        || !matches!(
            markup::class_of(name),
            None | Some(Class::Inline | Class::Void)
        )
}

/// Every run of white space made one space, none at the ends. Spaces that do not break stay, except
/// where there is nothing else.
fn fold(text: &str) -> String {
    let is_space = |c: char| c.is_whitespace() && c != '\u{A0}' && c != '\u{202F}';
    let mut out = String::with_capacity(text.len());
    for word in text.trim().split(is_space).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}
