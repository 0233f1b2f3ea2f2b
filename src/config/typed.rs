//! The file as typed: tables that know which of their keys were asked for, values that know where
//! they stand.
//!
//! Serde would stop at the first fault. Here the parsed document is walked: every accessor reports
//! what it finds wrong and goes on, and a key nobody asked for is an unknown key, so that the list
//! of known keys cannot drift from the code that reads them. Nothing here knows what a key means.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Checked, Faults, Reported};
use super::suggest;

/// A table of the file.
#[derive(Debug)]
pub(super) struct Table<'a> {
    faults: &'a Faults<'a>,
    /// Dotted, for messages; empty for the whole file.
    name: String,
    /// What a missing key is reported at: the header, or the braces of an inline table.
    span: Range<usize>,
    /// None where the table is not in the file.
    members: Option<&'a DeTable<'a>>,
    /// Every key that was asked for so far.
    asked: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// The whole file.
    pub(super) fn root(faults: &'a Faults<'a>, members: &'a DeTable<'a>) -> Self {
        Self {
            faults,
            name: String::new(),
            span: 0..0,
            members: Some(members),
            asked: Vec::new(),
        }
    }

    /// Reads the table with `read`, then reports the keys that `read` did not ask for. They do not
    /// make its value unusable for further checks.
    pub(super) fn read<T>(mut self, read: impl FnOnce(&mut Self) -> Checked<T>) -> Checked<T> {
        let read = read(&mut self);
        self.refuse_unknown();
        read
    }

    /// The value of `key`, where it is there.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.asked.push(key);
        let (_, value) = self
            .members?
            .iter()
            .find(|(name, _)| name.get_ref() == key)?;
        Some(Value {
            faults: self.faults,
            name: self.dotted(key),
            span: value.span(),
            typed: value.get_ref(),
        })
    }

    /// `key` as `check` takes it, where it is there.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        check: impl FnOnce(&Value<'a>) -> Checked<T>,
    ) -> Checked<Option<T>> {
        self.get(key).map(|value| check(&value)).transpose()
    }

    /// `key` as `check` takes it, or `default`.
    pub(super) fn or<T>(
        &mut self,
        key: &'static str,
        default: T,
        check: impl FnOnce(&Value<'a>) -> Checked<T>,
    ) -> Checked<T> {
        self.get(key).map_or(Ok(default), |value| check(&value))
    }

    /// `key` as `check` takes it. Where it is missing, the remedy shows `example`, a whole line.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        example: &str,
        check: impl FnOnce(&Value<'a>) -> Checked<T>,
    ) -> Checked<T> {
        match self.get(key) {
            Some(value) => check(&value),
            None => Err(self.faults.add(
                &self.span,
                &format!("`{}` is missing", self.dotted(key)),
                &format!("add `{example}`"),
            )),
        }
    }

    /// The table `key`; one that is not there is read as an empty one.
    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Table<'a>) -> Checked<T>,
    ) -> Checked<T> {
        match self.get(key) {
            Some(value) => value.table(read),
            None => Self {
                faults: self.faults,
                name: self.dotted(key),
                span: self.span.clone(),
                members: None,
                asked: Vec::new(),
            }
            .read(read),
        }
    }

    /// The table `key` of the whole file, which must be there.
    pub(super) fn required_table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Table<'a>) -> Checked<T>,
    ) -> Checked<T> {
        match self.get(key) {
            Some(value) => value.table(read),
            None => Err(self.faults.add_for_file(
                &format!("the table `[{key}]` is missing"),
                "add it; `khabar init DIR` writes an example of the whole file",
            )),
        }
    }

    /// The tables `[[key]]`, in the order of the file.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Table<'a>) -> Checked<T>,
    ) -> Checked<Vec<T>> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        if matches!(value.typed, DeValue::Table(_)) {
            return Err(value.fault(
                &format!("`{key}` is one table, and there may be many"),
                &format!("write `[[{key}]]`, with two brackets"),
            ));
        }
        value.list(|item| item.table(&mut read))
    }

    /// Reports a fault of the table as a whole.
    pub(super) fn fault(&self, message: &str, remedy: &str) -> Reported {
        self.faults.add(&self.span, message, remedy)
    }

    /// Whether no key stands in it.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_none_or(DeTable::is_empty)
    }

    /// Its dotted name, for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn dotted(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    fn refuse_unknown(&self) {
        for (key, _) in self.members.into_iter().flatten() {
            let name: &str = key.get_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let message = if self.name.is_empty() {
                format!("unknown key `{name}`")
            } else {
                format!("unknown key `{name}` in `{}`", self.name)
            };
            let remedy = match suggest::nearest(name, self.asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("remove it; {} can stand here", listed(&self.asked)),
            };
            self.faults.add(&key.span(), &message, &remedy);
        }
    }
}

/// A value of the file, or of a list in it.
#[derive(Debug)]
pub(super) struct Value<'a> {
    faults: &'a Faults<'a>,
    /// The dotted name of its key, for messages.
    name: String,
    span: Range<usize>,
    typed: &'a DeValue<'a>,
}

impl<'a> Value<'a> {
    /// The dotted name of its key.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The bytes of the file it stands in.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The line it begins in, from 1.
    pub(super) fn line(&self) -> u32 {
        self.faults.line(self.span.start)
    }

    /// Reports a fault of the value.
    pub(super) fn fault(&self, message: &str, remedy: &str) -> Reported {
        self.faults.add(&self.span, message, remedy)
    }

    /// Reports a fault of the value, without the source line: it may hold a secret.
    pub(super) fn hidden_fault(&self, message: &str, remedy: &str) -> Reported {
        self.faults.add_hidden(&self.span, message, remedy)
    }

    /// Reports a fault of a part of the text: `within` is in bytes of the text. Where escapes make
    /// the text differ from what is typed, the whole value is marked.
    pub(super) fn fault_within(
        &self,
        within: &Range<usize>,
        message: &str,
        remedy: &str,
    ) -> Reported {
        let typed = self.faults.text().get(self.span.clone()).unwrap_or("");
        let quoted = |text: &str| {
            typed.len() == text.len() + 2
                && typed.get(1..).is_some_and(|rest| rest.starts_with(text))
        };
        match self.typed.as_str() {
            Some(text) if quoted(text) => {
                let start = self.span.start + 1;
                self.faults
                    .add(&(start + within.start..start + within.end), message, remedy)
            }
            _ => self.fault(message, remedy),
        }
    }

    fn wrong_type(&self, wanted: &str, remedy: &str) -> Reported {
        let found = match self.typed {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a decimal number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.fault(&format!("`{}` is {found}, not {wanted}", self.name), remedy)
    }

    /// Text, as it is.
    pub(super) fn text(&self) -> Checked<&'a str> {
        self.text_or("write it in quotes")
    }

    /// Text, as it is; `remedy` is for what is none.
    pub(super) fn text_or(&self, remedy: &str) -> Checked<&'a str> {
        self.typed
            .as_str()
            .ok_or_else(|| self.wrong_type("text", remedy))
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Checked<bool> {
        self.typed.as_bool().ok_or_else(|| {
            self.wrong_type("true or false", "write `true` or `false`, without quotes")
        })
    }

    /// A whole number within `range`.
    pub(super) fn integer(&self, range: &RangeInclusive<usize>) -> Checked<usize> {
        let number = self.typed.as_integer().ok_or_else(|| {
            self.wrong_type("a whole number", "write a whole number, without quotes")
        })?;
        usize::from_str_radix(number.as_str(), number.radix())
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let (least, most) = (range.start(), range.end());
                self.fault(
                    &format!("`{}` is not from {least} to {most}", self.name),
                    &format!("write a whole number from {least} to {most}"),
                )
            })
    }

    /// One of the words of a closed set.
    pub(super) fn word<T: Copy>(&self, words: &[(&'static str, T)]) -> Checked<T> {
        let text = self.text()?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(*meaning);
        }
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        let remedy = match suggest::nearest(text, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("{} can stand here", listed(&known)),
        };
        Err(self.fault(&format!("`{}` cannot be `{text}`", self.name), &remedy))
    }

    /// A list, every item as `check` takes it.
    pub(super) fn list<T>(
        &self,
        mut check: impl FnMut(&Value<'a>) -> Checked<T>,
    ) -> Checked<Vec<T>> {
        let items = self.typed.as_array().ok_or_else(|| {
            self.wrong_type("a list", "write it in brackets, such as `[\"a\", \"b\"]`")
        })?;
        // Collected twice: the first goes on after a fault, the second stops at it.
        let checked: Vec<_> = items.iter().map(|item| check(&self.item(item))).collect();
        checked.into_iter().collect()
    }

    /// One value, or a list of them.
    pub(super) fn one_or_many<T>(
        &self,
        mut check: impl FnMut(&Value<'a>) -> Checked<T>,
    ) -> Checked<Vec<T>> {
        if matches!(self.typed, DeValue::Array(_)) {
            self.list(check)
        } else {
            check(self).map(|one| vec![one])
        }
    }

    /// A table, read by `read`; keys that `read` did not ask for are reported.
    pub(super) fn table<T>(&self, read: impl FnOnce(&mut Table<'a>) -> Checked<T>) -> Checked<T> {
        let members = self.typed.as_table().ok_or_else(|| {
            self.wrong_type(
                "a table",
                "write it as a table: `{ key = value }`, or under a `[header]`",
            )
        })?;
        Table {
            faults: self.faults,
            name: self.name.clone(),
            span: self.span.clone(),
            members: Some(members),
            asked: Vec::new(),
        }
        .read(read)
    }

    /// Whether it is a table.
    pub(super) fn is_table(&self) -> bool {
        self.typed.is_table()
    }

    fn item(&self, item: &'a Spanned<DeValue<'a>>) -> Value<'a> {
        Value {
            faults: self.faults,
            name: self.name.clone(),
            span: item.span(),
            typed: item.get_ref(),
        }
    }
}

/// The words in backquotes, separated by commas.
fn listed(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}
