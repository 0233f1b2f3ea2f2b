//! Markup as written → balanced, bounded, absolute markup.
//!
//! It applies the nesting rules of HTML to the elements that are allowed, so that a parser finds
//! nothing to repair: that is what keeps the result of the sanitiser the same when it is sanitised
//! again, and its time and memory in proportion to the input. It is no security boundary; the
//! allow-list after it is.

use std::ops::ControlFlow;

use url::Url;

use super::markup::{self, Class};
use super::{BodyError, clean_text};
use crate::store::format::tokens::{self, Event, Start, is_void};

/// The most elements that are open at once. Deeper ones lose their tags and keep their text.
const MAX_DEPTH: usize = 100;

/// The most parts of a line that are open at once. Parsers open them again in every block they
/// reach into, so that many would multiply.
const MAX_INLINE: usize = 12;

/// The most tags of a body. A live page of a thousand entries has some twenty thousand.
const MAX_TAGS: usize = 200_000;

/// The most work that escaping a body may be, in bytes looked at: html5ever's writer looks through
/// the whole rest of a text again at each ampersand and each `«`. A paragraph of 100 kB with a
/// thousand of them is a third of it.
const MAX_ESCAPING: usize = 1 << 28;

/// What came out.
#[derive(Debug)]
pub(super) struct Tidied {
    /// Balanced HTML.
    pub(super) html: String,
    /// Whether a reader sees anything: text, a picture or a recording.
    pub(super) visible: bool,
    /// How many characters were dropped because XML forbids them.
    pub(super) dropped: usize,
}

/// Writes `html` balanced, with its URLs resolved against `base`.
///
/// # Errors
/// Where it has too many tags, or one that never ends.
pub(super) fn tidy(html: &str, base: &Url) -> Result<Tidied, BodyError> {
    let mut writer = Writer {
        base,
        out: String::with_capacity(html.len()),
        open: Vec::new(),
        inline: 0,
        skipped: Vec::new(),
        text: String::new(),
        after_pre: false,
        tags: 0,
        escaping: 0,
        visible: false,
        dropped: 0,
    };
    tokens::read(html, |event, _line| writer.take(event))?;
    writer.close_to(0);
    writer.write_text();
    if writer.tags > MAX_TAGS || writer.escaping > MAX_ESCAPING {
        return Err(BodyError::TooComplex);
    }
    Ok(Tidied {
        html: writer.out,
        visible: writer.visible,
        dropped: writer.dropped,
    })
}

/// An element that is open in what has been written.
struct Open {
    name: String,
    class: Class,
}

struct Writer<'b> {
    base: &'b Url,
    out: String,
    open: Vec<Open>,
    /// How many of `open` are parts of a line.
    inline: usize,
    /// Elements that are open inside a dropped one, that one first.
    skipped: Vec<String>,
    /// Text that is not written yet. It comes in pieces, and is in NFC only as a whole.
    text: String,
    /// The last tag written was `<pre>`, whose first line end parsers swallow.
    after_pre: bool,
    tags: usize,
    escaping: usize,
    visible: bool,
    dropped: usize,
}

impl Writer<'_> {
    fn take(&mut self, event: Event) -> ControlFlow<()> {
        match event {
            Event::Start(tag) => {
                self.tags += 1;
                if self.tags > MAX_TAGS {
                    return ControlFlow::Break(());
                }
                if self.skipped.is_empty() {
                    self.start(&tag);
                } else {
                    self.skip(tag.name);
                }
            }
            Event::End(name) => {
                if self.skipped.is_empty() || self.leaves_skipped(&name) {
                    self.end(&name);
                }
            }
            Event::Text(text) => self.text(&text),
            Event::Nul => self.dropped += 1,
        }
        ControlFlow::Continue(())
    }

    fn text(&mut self, text: &str) {
        let inside = self.open.last().map(|open| open.class);
        if !self.skipped.is_empty() || inside == Some(Class::Recording) {
            return;
        }
        // Between cells, parsers let white space of ASCII stand and move any other text away.
        if !text.trim_ascii().is_empty() {
            self.leave_table_structure();
        }
        self.text.push_str(text);
    }

    fn start(&mut self, tag: &Start) {
        let Some(class) = markup::class_of(&tag.name) else {
            if markup::DROPPED.contains(&tag.name.as_str()) {
                self.skip(tag.name.clone());
            }
            return;
        };
        if self.make_room(&tag.name, class) {
            self.write_start(tag, class);
        }
    }

    /// Closes what cannot hold the element, and says whether it may be written.
    fn make_room(&mut self, name: &str, class: Class) -> bool {
        if self.open.last().map(|open| open.class) == Some(Class::Recording) && name != "source" {
            return false;
        }
        match class {
            Class::Caption | Class::Rows | Class::Row | Class::Cell => {
                return self.enter_table(class);
            }
            Class::Void if name == "source" => return self.may_hold_source(),
            Class::Void if name != "hr" => self.leave_table_structure(),
            Class::Inline => {
                self.leave_table_structure();
                if name == "a" {
                    self.close_nearest(|open| open.name == "a");
                }
                return self.inline < MAX_INLINE && self.open.len() < MAX_DEPTH;
            }
            Class::Recording => self.leave_table_structure(),
            Class::Item => {
                self.leave_table_structure();
                self.close_item(name);
                self.close_nearest(|open| open.class == Class::Paragraph);
            }
            Class::Heading => {
                self.leave_table_structure();
                self.close_nearest(|open| open.class == Class::Paragraph);
                self.close_nearest(|open| open.class == Class::Heading);
            }
            Class::Paragraph | Class::Block | Class::List | Class::Table | Class::Void => {
                self.leave_table_structure();
                self.close_nearest(|open| open.class == Class::Paragraph);
            }
        }
        self.open.len() < MAX_DEPTH
    }

    /// Closes the innermost element of the current cell (or of the whole body) that `wanted` names,
    /// with everything in it.
    fn close_nearest(&mut self, wanted: impl Fn(&Open) -> bool) {
        for at in (0..self.open.len()).rev() {
            let open = &self.open[at];
            if wanted(open) {
                self.close_to(at);
                return;
            }
            if matches!(open.class, Class::Cell | Class::Caption | Class::Table) {
                return;
            }
        }
    }

    /// Closes the item that another item ends, in the innermost list.
    fn close_item(&mut self, name: &str) {
        for at in (0..self.open.len()).rev() {
            let open = &self.open[at];
            if open.class == Class::Item && (open.name == "li") == (name == "li") {
                self.close_to(at);
                return;
            }
            if !matches!(open.class, Class::Inline | Class::Paragraph) && open.name != "div" {
                return;
            }
        }
    }

    /// Closes up to where a part of a table belongs; `false` where there is no table.
    fn enter_table(&mut self, class: Class) -> bool {
        let Some(table) = self.open.iter().rposition(|o| o.class == Class::Table) else {
            return false;
        };
        let fits = |open: &Open| match class {
            Class::Row => open.class == Class::Rows,
            Class::Cell => open.class == Class::Row,
            _ => false,
        };
        let holder = self.open.iter().rposition(fits).filter(|at| *at > table);
        self.close_to(holder.unwrap_or(table) + 1);
        let in_rows = self.open.last().map(|open| open.class) == Some(Class::Rows);
        // A row without a group, and a cell without a row, are given what parsers would give them.
        if class == Class::Row && holder.is_none() {
            self.write_bare("tbody", Class::Rows);
        }
        if class == Class::Cell && holder.is_none() {
            if !in_rows {
                self.write_bare("tbody", Class::Rows);
            }
            self.write_bare("tr", Class::Row);
        }
        true
    }

    /// Text and other elements between the cells of a table: the table ends there, as parsers would
    /// move them out of it.
    fn leave_table_structure(&mut self) {
        while let Some(Class::Table | Class::Rows | Class::Row) =
            self.open.last().map(|open| open.class)
        {
            self.close_to(self.open.len() - 1);
        }
    }

    fn may_hold_source(&self) -> bool {
        self.open
            .last()
            .is_some_and(|open| open.class == Class::Recording || open.name == "picture")
    }

    fn write_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = clean_text(&text, &mut self.dropped);
        let mut text = &*text;
        if self.after_pre {
            text = text.trim_start_matches('\n');
        }
        if !text.is_empty() {
            self.visible |= !text.trim().is_empty();
            self.after_pre = false;
            self.escaping = self.escaping.saturating_add(escaping(text));
            tokens::escape_text(text, &mut self.out);
        }
    }

    fn write_start(&mut self, tag: &Start, class: Class) {
        let mut attributes: Vec<(&str, String)> = Vec::new();
        for (name, value) in tag.attributes() {
            if !markup::is_allowed(&tag.name, name) {
                continue;
            }
            let value = clean_text(value, &mut self.dropped);
            if let Some(value) = markup::absolute(name, &value, self.base) {
                self.escaping = self.escaping.saturating_add(escaping(&value));
                attributes.push((name, value));
            }
        }
        let has = |wanted: &str| attributes.iter().any(|(name, _)| *name == wanted);
        // Without these a picture, a source or a link is nothing.
        let is_empty = match tag.name.as_str() {
            "img" => !has("src"),
            "source" => !has("src") && !has("srcset"),
            "a" => !has("href"),
            _ => false,
        };
        if is_empty {
            return;
        }
        self.write_text();
        self.visible |= tag.name == "img" || class == Class::Recording;
        let attributes = attributes
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        tokens::write_start(&tag.name, attributes, &mut self.out);
        self.opened(&tag.name, class);
    }

    fn write_bare(&mut self, name: &str, class: Class) {
        self.write_text();
        tokens::write_start(name, [], &mut self.out);
        self.opened(name, class);
    }

    fn opened(&mut self, name: &str, class: Class) {
        self.after_pre = name == "pre";
        if class != Class::Void {
            self.inline += usize::from(class == Class::Inline);
            self.open.push(Open {
                name: name.to_owned(),
                class,
            });
        }
    }

    /// An end tag closes its element and everything in it, but nothing outside the current cell
    /// unless it is part of the table itself. Without such an element it is left out.
    fn end(&mut self, name: &str) {
        let of_table = matches!(
            markup::class_of(name),
            Some(Class::Table | Class::Caption | Class::Rows | Class::Row | Class::Cell)
        );
        for at in (0..self.open.len()).rev() {
            let open = &self.open[at];
            if open.name == name {
                self.close_to(at);
                return;
            }
            let is_bound = match open.class {
                Class::Table => true,
                Class::Cell | Class::Caption => !of_table,
                _ => false,
            };
            if is_bound {
                return;
            }
        }
    }

    /// Closes open elements until `depth` are left.
    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth
            && let Some(open) = self.open.pop()
        {
            self.write_text();
            self.inline -= usize::from(open.class == Class::Inline);
            self.after_pre = false;
            tokens::write_end(&open.name, &mut self.out);
        }
    }

    /// A start tag that begins a dropped element, or stands inside one.
    fn skip(&mut self, name: String) {
        if !is_void(&name) && self.skipped.len() < MAX_DEPTH {
            self.skipped.push(name);
        }
    }

    /// Takes an end tag inside a dropped element. It is for the caller where it ends an element
    /// around the dropped one, which then was never closed.
    fn leaves_skipped(&mut self, name: &str) -> bool {
        if let Some(at) = self.skipped.iter().rposition(|open| open == name) {
            self.skipped.truncate(at);
            return false;
        }
        let ends_outer = self.open.iter().any(|open| open.name == name);
        if ends_outer {
            self.skipped.clear();
        }
        ends_outer
    }
}

/// The work of escaping `text`, see [`MAX_ESCAPING`]: those characters begin with these bytes.
fn escaping(text: &str) -> usize {
    let stops = text.bytes().filter(|byte| matches!(byte, b'&' | 0xC2));
    stops.count().saturating_mul(text.len())
}
