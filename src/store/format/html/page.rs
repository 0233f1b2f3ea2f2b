//! One pass over a page that keeps what may say something about the article.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::super::draft::{Field, Written};
use super::super::tokens::{self, Event, Start, TooComplex};

/// What a page holds.
#[derive(Debug, Default)]
pub(super) struct Page<'t> {
    /// JSON-LD scripts, in order.
    pub(super) scripts: Vec<Script<'t>>,
    /// Every `meta` with a name and something in `content`: the name in lower case.
    pub(super) metas: Vec<(String, Field<Written<'static>>)>,
    /// `link rel=canonical`.
    pub(super) canonical: Option<Field<Written<'static>>>,
    /// `html lang`.
    pub(super) language: Option<Field<Written<'static>>>,
    /// The first `title`.
    pub(super) title: Option<Field<Written<'static>>>,
    /// The first `h1`.
    pub(super) h1: Option<Field<Written<'static>>>,
    article: Option<Part>,
    main: Option<Part>,
}

/// A script and where its text begins in the file.
#[derive(Debug)]
pub(super) struct Script<'t> {
    /// Its text, as it stands in the file.
    pub(super) text: Cow<'t, str>,
    /// Byte offset in the file.
    pub(super) base: usize,
}

/// The markup inside an element.
#[derive(Debug, Default)]
struct Part {
    html: String,
    /// Whether there is any text or picture in it.
    says_something: bool,
}

impl<'t> Page<'t> {
    /// Reads `text`, which begins at byte `base` of the file.
    pub(super) fn read(text: &'t str, base: usize) -> Result<Self, TooComplex> {
        let mut reading = Reading {
            text,
            base,
            lower: text.to_ascii_lowercase(),
            found: 0,
            line_starts: std::iter::once(0)
                .chain(text.match_indices('\n').map(|(at, _)| at + 1))
                .collect(),
            page: Self::default(),
            collected: None,
            articles: Capture::new("article"),
            mains: Capture::new("main"),
            searched: 0,
        };
        tokens::read(text, |event, line| {
            reading.take(&event, line);
            ControlFlow::Continue(())
        })?;
        let Reading {
            mut page,
            articles,
            mains,
            ..
        } = reading;
        page.article = articles.part;
        page.main = mains.part;
        Ok(page)
    }

    /// The first `meta` of that name.
    pub(super) fn meta(&self, name: &str) -> Option<Field<Written<'static>>> {
        self.metas(name).next()
    }

    /// Every `meta` of that name.
    pub(super) fn metas(&self, name: &str) -> impl Iterator<Item = Field<Written<'static>>> {
        let metas = self.metas.iter().filter(move |(key, _)| key == name);
        metas.map(|(_, content)| content.clone())
    }

    /// What is inside the first `article`, else the first `main`; an empty one does not count.
    pub(super) fn body(&self) -> Option<&str> {
        let parts = [&self.article, &self.main];
        let mut parts = parts.into_iter().flatten();
        let part = parts.find(|part| part.says_something)?;
        Some(&part.html)
    }
}

/// An element whose text is being collected.
struct Collected {
    name: &'static str,
    text: String,
    line: usize,
}

struct Reading<'t> {
    text: &'t str,
    base: usize,
    line_starts: Vec<usize>,
    page: Page<'t>,
    collected: Option<Collected>,
    articles: Capture,
    mains: Capture,
    /// How far scripts have been searched for in `text`.
    searched: usize,
    /// `text` in lower case, and how far tags have been searched for in it.
    lower: String,
    found: usize,
}

impl Reading<'_> {
    fn take(&mut self, event: &Event, line: usize) {
        match event {
            Event::Start(tag) => {
                // A break divides words, though it holds none.
                if let Some(collected) = self.collected.as_mut().filter(|_| tag.name == "br") {
                    collected.text.push(' ');
                }
                self.start(tag, line);
            }
            Event::End(name) => {
                if self.collected.as_ref().is_some_and(|it| it.name == name) {
                    self.finish_collected();
                }
            }
            Event::Text(text) => {
                if let Some(collected) = &mut self.collected {
                    collected.text.push_str(text);
                }
            }
            Event::Nul => {}
        }
        self.articles.take(event);
        self.mains.take(event);
    }

    fn start(&mut self, tag: &Start, line: usize) {
        if ends_h1(&tag.name) && self.collected.as_ref().is_some_and(|it| it.name == "h1") {
            self.finish_collected();
        }
        // Every one of them, read or not, so that the next is found where it stands.
        let at = match tag.name.as_str() {
            "html" | "meta" | "link" => self.locate(&tag.name, line),
            _ => self.base,
        };
        match tag.name.as_str() {
            "html" if self.page.language.is_none() => {
                self.page.language = attribute(tag, "lang", at);
            }
            "meta" => self.meta(tag, at),
            "link" if self.page.canonical.is_none() && has_rel(tag, "canonical") => {
                self.page.canonical = attribute(tag, "href", at);
            }
            "title" if self.page.title.is_none() => self.collect("title", line),
            "h1" if self.page.h1.is_none() => self.collect("h1", line),
            "script" if is_jsonld(tag) => self.collect("script", line),
            _ => {}
        }
    }

    fn meta(&mut self, tag: &Start, at: usize) {
        let name = ["property", "name", "itemprop"]
            .iter()
            .find_map(|key| tag.attribute(key));
        if let (Some(name), Some(content)) = (name, attribute(tag, "content", at)) {
            let name = name.trim().to_ascii_lowercase();
            self.page.metas.push((name, content));
        }
    }

    /// Where the tag `name`, which ends in `line`, begins: the next one so named. The tokeniser
    /// knows lines alone, and a page may have a single one.
    fn locate(&mut self, name: &str, line: usize) -> usize {
        let end = self.line_starts.get(line).copied();
        let open = format!("<{name}");
        let ahead = self.lower.get(self.found..end.unwrap_or(self.lower.len()));
        match ahead.and_then(|ahead| ahead.find(&open)) {
            Some(offset) => {
                let at = self.found + offset;
                self.found = at + open.len();
                self.base + at
            }
            // It was not found as it was read: its line must do.
            None => self.base + self.line_starts.get(line.wrapping_sub(1)).unwrap_or(&0),
        }
    }

    fn field(&self, value: String, line: usize) -> Option<Field<Written<'static>>> {
        let at = self.base + self.line_starts.get(line.wrapping_sub(1)).unwrap_or(&0);
        (!value.trim().is_empty()).then_some(Field {
            value: Cow::Owned(value),
            span: at..at,
        })
    }

    fn collect(&mut self, name: &'static str, line: usize) {
        self.collected = Some(Collected {
            name,
            text: String::new(),
            line,
        });
    }

    fn finish_collected(&mut self) {
        let Some(Collected { name, text, line }) = self.collected.take() else {
            return;
        };
        match name {
            "script" => self.keep_script(text, line),
            "title" => self.page.title = self.field(text, line),
            _ => self.page.h1 = self.field(text, line),
        }
    }

    /// Finds the script's text again in the file: the tokeniser knows lines, and JSON needs bytes.
    fn keep_script(&mut self, text: String, line: usize) {
        while let Some((start, end)) = script_after(self.text, self.searched) {
            self.searched = end;
            let raw = self.text.get(start..end).unwrap_or_default();
            if is_same(raw, &text) {
                self.page.scripts.push(Script {
                    text: Cow::Borrowed(raw),
                    base: self.base + start,
                });
                return;
            }
        }
        // It was not found as it was read (a NUL in it, say): its line must do.
        let base = self.base + self.line_starts.get(line.wrapping_sub(1)).unwrap_or(&0);
        self.page.scripts.push(Script {
            text: Cow::Owned(text),
            base,
        });
    }
}

/// The bytes between the next `<script …>` at or after `from` and its end tag.
fn script_after(text: &str, from: usize) -> Option<(usize, usize)> {
    let open = find(text, from, "<script")?;
    let start = find(text, open, ">")? + 1;
    let end = find(text, start, "</script").unwrap_or(text.len());
    Some((start, end))
}

/// Where `wanted`, in lower case, next stands in `text` in any case.
fn find(text: &str, from: usize, wanted: &str) -> Option<usize> {
    let bytes = text.as_bytes().get(from..)?;
    let mut windows = bytes.windows(wanted.len());
    let at = windows.position(|window| window.eq_ignore_ascii_case(wanted.as_bytes()))?;
    Some(from + at)
}

/// An attribute of the tag at `at`, where it is not blank.
fn attribute(tag: &Start, name: &str, at: usize) -> Option<Field<Written<'static>>> {
    let value = tag.attribute(name)?;
    (!value.trim().is_empty()).then(|| Field {
        value: Cow::Owned(value.to_owned()),
        span: at..at,
    })
}

/// Whether two texts differ in their line ends alone, which the tokeniser makes line feeds.
fn is_same(raw: &str, read: &str) -> bool {
    let ends = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n");
    raw == read || ends(raw) == ends(read)
}

fn has_rel(tag: &Start, wanted: &str) -> bool {
    tag.attribute("rel").is_some_and(|rel| {
        rel.split_ascii_whitespace()
            .any(|word| word.eq_ignore_ascii_case(wanted))
    })
}

fn is_jsonld(tag: &Start) -> bool {
    tag.attribute("type").is_some_and(|media_type| {
        let name = media_type.split(';').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case("application/ld+json")
    })
}

/// Copies what is inside the first element of one name, without its `h1`. What else has no place in
/// a body is left to the one who cleans it.
struct Capture {
    name: &'static str,
    part: Option<Part>,
    /// How many elements of that name are open, from the first on.
    depth: usize,
    /// Inside an `h1`.
    in_h1: bool,
    /// How many elements whose text nobody sees are open.
    unseen: usize,
}

impl Capture {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            part: None,
            depth: 0,
            in_h1: false,
            unseen: 0,
        }
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Start(tag) if tag.name == self.name => {
                self.depth += usize::from(self.part.is_none() || self.depth > 0);
                if self.part.is_none() {
                    self.part = Some(Part::default());
                    return;
                }
            }
            Event::End(name) if name == self.name && self.depth > 0 => self.depth -= 1,
            _ => {}
        }
        let Some(part) = self.part.as_mut().filter(|_| self.depth > 0) else {
            return;
        };
        match event {
            Event::Start(tag) => {
                self.in_h1 &= !ends_h1(&tag.name);
                self.in_h1 |= tag.name == "h1";
                if !self.in_h1 {
                    self.unseen += usize::from(is_unseen(&tag.name));
                    part.says_something |=
                        self.unseen == 0 && matches!(tag.name.as_str(), "img" | "video" | "audio");
                    tokens::write_start(&tag.name, tag.attributes(), &mut part.html);
                }
            }
            Event::End(name) if self.in_h1 => self.in_h1 = name != "h1",
            Event::End(name) => {
                self.unseen = self.unseen.saturating_sub(usize::from(is_unseen(name)));
                tokens::write_end(name, &mut part.html);
            }
            Event::Text(text) if !self.in_h1 => {
                part.says_something |= self.unseen == 0 && !text.trim().is_empty();
                tokens::escape_text(text, &mut part.html);
            }
            Event::Text(_) | Event::Nul => {}
        }
    }
}

/// Whether an `h1` that is never closed ends where this begins.
fn ends_h1(name: &str) -> bool {
    matches!(name, "p" | "h2" | "h3")
}

/// Elements whose text is no part of an article.
fn is_unseen(name: &str) -> bool {
    matches!(name, "script" | "style" | "nav" | "form" | "template")
}
