//! HTML as a run of tags and text, by the tokeniser of the HTML standard; and back.
//!
//! It builds no tree: nothing is nested, implied or moved, and the reader decides what a tag means.
//! It refuses markup whose reading would take quadratic time (see [`MAX_TAG_SEPARATORS`]), and it
//! knows neither elements that are allowed nor URLs.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use html5ever::Attribute;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// The most characters that can separate attributes (white space, slashes, quotes) within one tag
/// or comment. The tokeniser compares every attribute of a tag with all before it, so that a tag
/// of a megabyte would take minutes; no honest one comes near, inline pictures included.
pub(super) const MAX_TAG_SEPARATORS: usize = 16_384;

/// How many bytes the tokeniser is fed at a time: what it may read on after the reader has seen
/// enough, and how closely [`MAX_TAG_SEPARATORS`] is watched.
const CHUNK_BYTES: usize = 4_096;

/// Elements that have no content and no end tag (HTML, "Void elements").
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

/// A tag or a stretch of text. Comments and doctypes are left out.
#[derive(Debug)]
pub(super) enum Event {
    /// A start tag.
    Start(Start),
    /// An end tag, by its name in lower case.
    End(String),
    /// Text, with its references decoded. A long text may come in pieces.
    Text(StrTendril),
    /// A NUL: no reader of HTML shows one.
    Nul,
}

/// A start tag.
#[derive(Debug)]
pub(super) struct Start {
    /// Its name in lower case.
    pub(super) name: String,
    attributes: Vec<Attribute>,
}

impl Start {
    /// The value of the attribute `name` (in lower case).
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// All attributes, in order; names in lower case, none twice.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes
            .iter()
            .map(|attribute| (&*attribute.name.local, &*attribute.value))
    }
}

/// The markup would take too long to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooComplex;

/// Whether the element `name` has no content.
pub(super) fn is_void(name: &str) -> bool {
    VOID.contains(&name)
}

/// Reads `html` and hands every tag and text to `visit`, with its line (from 1), until it breaks.
///
/// # Errors
/// Where one tag is longer than any honest one.
pub(super) fn read(
    html: &str,
    visit: impl FnMut(Event, usize) -> ControlFlow<()>,
) -> Result<(), TooComplex> {
    let sink = Sink {
        visit: RefCell::new(visit),
        progress: Cell::new(false),
        done: Cell::new(false),
    };
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let input = BufferQueue::default();
    let mut rest = html;
    let mut separators = 0;
    while !rest.is_empty() && !tokenizer.sink.done.get() {
        let (chunk, after) = rest.split_at(rest.floor_char_boundary(CHUNK_BYTES));
        input.push_back(StrTendril::from_slice(chunk));
        tokenizer.sink.progress.set(false);
        // The sink asks for nothing, so that one call reads everything there is.
        let _ = tokenizer.feed(&input);
        if tokenizer.sink.progress.get() {
            separators = 0;
        } else {
            separators += chunk.bytes().filter(|byte| is_separator(*byte)).count();
            if separators > MAX_TAG_SEPARATORS {
                return Err(TooComplex);
            }
        }
        rest = after;
    }
    if !tokenizer.sink.done.get() {
        tokenizer.end();
    }
    Ok(())
}

fn is_separator(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'')
}

struct Sink<F> {
    visit: RefCell<F>,
    /// Whether a tag or text has been finished since the last chunk.
    progress: Cell<bool>,
    /// Whether the reader has seen enough.
    done: Cell<bool>,
}

impl<F: FnMut(Event, usize) -> ControlFlow<()>> TokenSink for Sink<F> {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        let mut next = TokenSinkResult::Continue;
        let event = match token {
            Token::TagToken(tag) => {
                if tag.kind == TagKind::StartTag {
                    next = content_state(&tag.name);
                }
                Some(tag_event(tag))
            }
            Token::CharacterTokens(text) => Some(Event::Text(text)),
            Token::NullCharacterToken => Some(Event::Nul),
            Token::CommentToken(_) | Token::DoctypeToken(_) => None,
            Token::EOFToken | Token::ParseError(_) => return next,
        };
        self.progress.set(true);
        if let (Some(event), false) = (event, self.done.get()) {
            let line = usize::try_from(line).unwrap_or(usize::MAX);
            if (self.visit.borrow_mut())(event, line).is_break() {
                self.done.set(true);
            }
        }
        next
    }
}

fn tag_event(tag: Tag) -> Event {
    let name = tag.name.to_string();
    match tag.kind {
        TagKind::StartTag => Event::Start(Start {
            name,
            attributes: tag.attrs,
        }),
        TagKind::EndTag => Event::End(name),
    }
}

/// How the content of an element is read: as markup, or as text up to its end tag (HTML, "Parsing
/// HTML fragments"). Without a tree nobody else tells the tokeniser.
fn content_state(name: &str) -> TokenSinkResult<()> {
    match name {
        "script" => TokenSinkResult::RawData(RawKind::ScriptData),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => {
            TokenSinkResult::RawData(RawKind::Rawtext)
        }
        "textarea" | "title" => TokenSinkResult::RawData(RawKind::Rcdata),
        "plaintext" => TokenSinkResult::Plaintext,
        _ => TokenSinkResult::Continue,
    }
}

/// Writes the start tag `name` with `attributes` into `out`.
pub(super) fn write_start<'a>(
    name: &str,
    attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    out: &mut String,
) {
    out.push('<');
    out.push_str(name);
    for (key, value) in attributes {
        out.push(' ');
        out.push_str(key);
        out.push_str("=\"");
        escape_value(value, out);
        out.push('"');
    }
    out.push('>');
}

/// Writes the end tag `name` into `out`.
pub(super) fn write_end(name: &str, out: &mut String) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Writes `text` into `out` as text of HTML.
pub(super) fn escape_text(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            _ => out.push(c),
        }
    }
}

/// Writes `value` into `out` as an attribute's value in double quotes.
fn escape_value(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            _ => out.push(c),
        }
    }
}
