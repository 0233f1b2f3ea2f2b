//! Fields that are more than one value: sections, people, pictures, recordings, sources, comments.
//!
//! Each is either one string, which is its name or its URL, or a table.

use std::borrow::Cow;

use super::super::draft::{Field, RawImage, RawMedia, RawPerson, RawTopic, Written};
use super::super::node::{Node, Value};
use super::super::problem::Problem;
use super::{Reader, first, items, join};

impl Reader {
    /// Sections or stories: an id, a table (`id`, `title`), or a list of either.
    pub(in super::super) fn topics<'n>(
        &mut self,
        name: &str,
        node: &'n Node<'n>,
    ) -> Vec<Field<RawTopic<'n>>> {
        self.each(node, |reader, item| {
            let Value::Table(_) = &item.value else {
                let id = reader.label(name, item)?.value;
                return Some(RawTopic { id, title: None });
            };
            reader.note_unknown(name, item, &["id", "title"]);
            Some(RawTopic {
                id: reader.required(name, item, &["id"], Self::label)?,
                title: reader.optional(name, item, "title"),
            })
        })
    }

    /// People: a name, a table (`name`, `url`, `email`), or a list of either.
    pub(in super::super) fn people<'n>(
        &mut self,
        name: &str,
        node: &'n Node<'n>,
    ) -> Vec<Field<RawPerson<'n>>> {
        self.each(node, |reader, item| {
            let Value::Table(_) = &item.value else {
                return Some(RawPerson {
                    name: reader.text(name, item)?.value,
                    ..RawPerson::default()
                });
            };
            reader.note_unknown(name, item, &["name", "url", "email"]);
            Some(RawPerson {
                name: reader.required(name, item, &["name"], Self::text)?,
                url: reader.optional(name, item, "url"),
                email: reader.optional(name, item, "email"),
            })
        })
    }

    /// Pictures: a URL, a table, or a list of either. In tables the URL may be called `path`, as
    /// Jekyll's own plug-ins call it.
    pub(in super::super) fn images<'n>(
        &mut self,
        name: &str,
        node: &'n Node<'n>,
    ) -> Vec<Field<RawImage<'n>>> {
        const KEYS: [&str; 9] = [
            "url", "path", "caption", "credit", "alt", "type", "width", "height", "length",
        ];
        self.each(node, |reader, item| {
            let Value::Table(_) = &item.value else {
                return Some(RawImage {
                    url: reader.text(name, item)?.value,
                    ..RawImage::default()
                });
            };
            reader.note_unknown(name, item, &KEYS);
            Some(RawImage {
                url: reader.required(name, item, &["url", "path"], Self::text)?,
                caption: reader.optional(name, item, "caption"),
                credit: reader.optional(name, item, "credit"),
                alt: reader.optional(name, item, "alt"),
                media_type: reader.optional(name, item, "type"),
                width: reader.optional_count(name, item, "width"),
                height: reader.optional_count(name, item, "height"),
                length: reader.optional_count(name, item, "length"),
            })
        })
    }

    /// A video or sound recording: a URL or a table. Of a list the first counts, because an article
    /// shows one; the others are noted.
    pub(in super::super) fn media<'n>(
        &mut self,
        name: &str,
        node: &'n Node<'n>,
    ) -> Option<Field<RawMedia<'n>>> {
        if let Some(second) = items(node).get(1) {
            self.report(Problem::note(
                "second-recording",
                second.span.clone(),
                format!("only the first of {} is taken", Problem::shown(name)),
                "put the main one first",
            ));
        }
        let item = items(node).first()?;
        let value = self.recording(name, item)?;
        Some(Field {
            value,
            span: item.span.clone(),
        })
    }

    fn recording<'n>(&mut self, name: &str, item: &'n Node<'n>) -> Option<RawMedia<'n>> {
        const KEYS: [&str; 9] = [
            "url",
            "type",
            "length",
            "duration",
            "thumbnail",
            "title",
            "description",
            "width",
            "height",
        ];
        let Value::Table(_) = &item.value else {
            return Some(RawMedia {
                url: self.text(name, item)?.value,
                ..RawMedia::default()
            });
        };
        self.note_unknown(name, item, &KEYS);
        let duration = first(item, &["duration"]);
        Some(RawMedia {
            url: self.required(name, item, &["url"], Self::text)?,
            media_type: self.optional(name, item, "type"),
            length: self.optional_count(name, item, "length"),
            duration: duration.and_then(|(key, node)| self.duration(&join(name, key), node)),
            thumbnail: self.optional(name, item, "thumbnail"),
            title: self.optional(name, item, "title"),
            description: self.optional(name, item, "description"),
            width: self.optional_count(name, item, "width"),
            height: self.optional_count(name, item, "height"),
        })
    }

    /// A length of time in whole seconds: a number of seconds, fractions cut off, or `PT1H2M3S`
    /// (ISO 8601, days to seconds).
    pub(in super::super) fn duration(&mut self, name: &str, node: &Node<'_>) -> Option<u32> {
        let seconds = match &node.value {
            Value::Number(text) => seconds(text),
            Value::Text(text) => seconds(text.trim()).or_else(|| iso_duration(text.trim())),
            _ => None,
        };
        match seconds {
            Some(seconds) => Some(seconds),
            None => self.wrong(name, node, "a duration (seconds, or such as PT1M30S)"),
        }
    }

    /// The agency: a name or a table (`name`, `url`).
    pub(in super::super) fn source<'n>(
        &mut self,
        name: &str,
        node: &'n Node<'n>,
    ) -> Option<Field<(Written<'n>, Option<Written<'n>>)>> {
        let value = if let Value::Table(_) = &node.value {
            self.note_unknown(name, node, &["name", "url"]);
            let source = self.required(name, node, &["name"], Self::text)?;
            (source, self.optional(name, node, "url"))
        } else {
            (self.text(name, node)?.value, None)
        };
        Some(Field {
            value,
            span: node.span.clone(),
        })
    }

    /// The discussion: a table (`url`, `count`). Themes of Hugo and Jekyll switch comments with a
    /// truth value of this name, which is noted.
    pub(in super::super) fn comments<'n>(
        &mut self,
        name: &str,
        node: &'n Node<'n>,
    ) -> Option<Field<(Option<Written<'n>>, Option<u32>)>> {
        if let Value::Bool(_) = &node.value {
            self.report(Problem::note(
                "comments-switch",
                node.span.clone(),
                format!(
                    "{} is true or false; nothing is read from it",
                    Problem::shown(name)
                ),
                "leave it if a theme needs it, or give `url` and `count`",
            ));
            return None;
        }
        let Value::Table(_) = &node.value else {
            return self.wrong(name, node, "a table with `url` and `count`");
        };
        self.note_unknown(name, node, &["url", "count"]);
        Some(Field {
            value: (
                self.optional(name, node, "url"),
                self.optional_count(name, node, "count"),
            ),
            span: node.span.clone(),
        })
    }

    /// The article in other languages: a table of language tags and URLs.
    pub(in super::super) fn translations<'n>(
        &mut self,
        name: &str,
        node: &'n Node<'n>,
    ) -> Vec<Field<(Written<'n>, Written<'n>)>> {
        let Value::Table(members) = &node.value else {
            self.wrong::<()>(name, node, "a table of languages and URLs");
            return Vec::new();
        };
        let mut translations = Vec::with_capacity(members.len());
        for (key, node) in members {
            if let Some(url) = self.text(&join(name, &key.name), node) {
                translations.push(Field {
                    value: (Cow::Borrowed(&*key.name), url.value),
                    span: key.span.start..node.span.end,
                });
            }
        }
        translations
    }

    /// What `take` makes of each item of `node`, with the item's place.
    fn each<'n, T>(
        &mut self,
        node: &'n Node<'n>,
        take: impl Fn(&mut Self, &'n Node<'n>) -> Option<T>,
    ) -> Vec<Field<T>> {
        let mut taken = Vec::new();
        for item in items(node) {
            if let Some(value) = take(self, item) {
                taken.push(Field {
                    value,
                    span: item.span.clone(),
                });
            }
        }
        taken
    }

    /// The member that a table cannot do without: the first of `keys`, else a fault.
    fn required<'n>(
        &mut self,
        name: &str,
        table: &'n Node<'n>,
        keys: &[&str],
        take: fn(&mut Self, &str, &'n Node<'n>) -> Option<Field<Written<'n>>>,
    ) -> Option<Written<'n>> {
        if let Some((key, node)) = first(table, keys) {
            return take(self, &join(name, key), node).map(|field| field.value);
        }
        let key = keys.first().copied().unwrap_or_default();
        self.report(Problem::fault(
            "missing-member",
            table.span.clone(),
            format!("{} has no {}", Problem::shown(name), Problem::shown(key)),
            format!("give it a {}", Problem::shown(key)),
        ));
        None
    }

    fn optional<'n>(&mut self, name: &str, table: &'n Node<'n>, key: &str) -> Option<Written<'n>> {
        let (_, node) = first(table, &[key])?;
        self.text(&join(name, key), node).map(|field| field.value)
    }

    fn optional_count<T: std::str::FromStr>(
        &mut self,
        name: &str,
        table: &Node<'_>,
        key: &str,
    ) -> Option<T> {
        let (_, node) = first(table, &[key])?;
        self.count(&join(name, key), node)
    }
}

/// `90` or `90.5` as whole seconds.
fn seconds(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    whole.parse().ok()
}

/// `P1DT2H3M4.5S` as whole seconds. Years and months have no fixed length and are refused.
fn iso_duration(text: &str) -> Option<u32> {
    let rest = text.strip_prefix('P')?;
    let (date, time) = rest.split_once('T').unwrap_or((rest, ""));
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let days = components(date, &[('W', 604_800), ('D', 86_400)])?;
    let clock = components(time, &[('H', 3_600), ('M', 60), ('S', 1)])?;
    days.checked_add(clock)
}

/// The sum of numbers, each followed by its unit, in the order of `units`.
fn components(mut text: &str, units: &[(char, u32)]) -> Option<u32> {
    let mut sum: u32 = 0;
    for (unit, size) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            sum = sum.checked_add(seconds(number)?.checked_mul(*size)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(sum)
}
