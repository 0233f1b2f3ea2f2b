//! Which members give which field, and the one walk that fills a draft by them: shared by plain
//! JSON and by front matter, which differ in their words and in where they look.

use std::borrow::Cow;

use super::super::draft::{Draft, Field, RawTopic, Written};
use super::super::node::{Key, Node, Value};
use super::super::problem::Problem;
use super::{ACCESS, Reader, STATUS, first, is_absent, is_empty_list, join};

/// The words that give each field of an article (`Draft` has their meanings); of several, the first
/// that is present wins. Fields that are not listed here go by their own names everywhere.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Vocabulary {
    pub(in super::super) summary: &'static [&'static str],
    pub(in super::super) url: &'static [&'static str],
    pub(in super::super) published: &'static [&'static str],
    pub(in super::super) updated: &'static [&'static str],
    pub(in super::super) expires: &'static [&'static str],
    pub(in super::super) sections: &'static [&'static str],
    pub(in super::super) tags: &'static [&'static str],
    pub(in super::super) authors: &'static [&'static str],
    pub(in super::super) language: &'static [&'static str],
    /// Words whose string is a list with spaces between its items.
    pub(in super::super) spaced: &'static [&'static str],
    /// Words that the form reads by itself.
    pub(in super::super) others: &'static [&'static str],
}

/// The fields that go by their own names everywhere.
const OWN_NAMES: &[&str] = &[
    "id",
    "title",
    "slug",
    "path",
    "status",
    "story",
    "stories",
    "image",
    "images",
    "video",
    "audio",
    "source",
    "kind",
    "access",
    "comments",
    "news",
    "index",
    "translations",
];

impl Vocabulary {
    /// Every word that something is read from.
    pub(in super::super) fn words(&self) -> impl Iterator<Item = &'static str> {
        [
            OWN_NAMES,
            self.summary,
            self.url,
            self.published,
            self.updated,
            self.expires,
            self.sections,
            self.tags,
            self.authors,
            self.language,
            self.others,
        ]
        .into_iter()
        .flatten()
        .copied()
    }

    /// The items of the list that a string with spaces stands for, where `word` allows one.
    fn spread<'n>(
        &self,
        word: &str,
        node: &'n Node<'_>,
    ) -> Option<impl Iterator<Item = Field<Written<'n>>>> {
        let Value::Text(text) = &node.value else {
            return None;
        };
        let items = || {
            text.split_whitespace().map(|item| Field {
                value: Cow::Borrowed(item),
                span: node.span.clone(),
            })
        };
        self.spaced.contains(&word).then(items)
    }
}

/// The tables of a file in which a word is looked up, the first that has it winning.
#[derive(Debug)]
pub(in super::super) struct Scopes<'n> {
    /// Each table with its name: empty for the whole file.
    tables: Vec<(&'static str, &'n Node<'n>)>,
    /// Whether upper and lower case are one.
    fold: bool,
    /// Whether any member is a list of nothing.
    has_empty_list: bool,
    /// The [`shape`]s of all keys: most words that stand in no table are told by that.
    shapes: u64,
}

impl<'n> Scopes<'n> {
    /// One table, whose keys are compared exactly.
    pub(in super::super) fn exact(table: &'n Node<'n>) -> Self {
        Self::new(vec![("", table)], false)
    }

    /// Front matter: the whole, then those of the tables `inner` that it has, without regard to case.
    pub(in super::super) fn folded(
        root: &'n Node<'n>,
        inner: &[&'static str],
        reader: &mut Reader,
    ) -> Self {
        let mut tables = vec![("", root)];
        for (name, node) in inner.iter().filter_map(|name| first(root, &[*name])) {
            match node.value {
                Value::Table(_) => tables.push((name, node)),
                _ => {
                    reader.wrong::<()>(name, node, "a table");
                }
            }
        }
        Self::new(tables, true)
    }

    fn new(tables: Vec<(&'static str, &'n Node<'n>)>, fold: bool) -> Self {
        let has_empty_list = tables.iter().any(|(_, table)| {
            let mut members = members(table).iter();
            members.any(|(_, node)| is_empty_list(node))
        });
        let keys = tables.iter().flat_map(|(_, table)| members(table));
        let shapes = keys.fold(0, |shapes, (key, _)| shapes | shape(&key.name));
        Self {
            tables,
            fold,
            has_empty_list,
            shapes,
        }
    }

    /// The member of the first table that has one of `words`, with that word. Members that say
    /// nothing are passed over; an empty list is the last resort, as for [`super::first`].
    pub(in super::super) fn find(
        &self,
        words: &[&'static str],
    ) -> Option<(&'static str, &'n Node<'n>)> {
        let found = self.search(words, |node| !is_absent(node));
        if found.is_some() || !self.has_empty_list {
            return found;
        }
        self.search(words, is_empty_list)
    }

    fn search(
        &self,
        words: &[&'static str],
        counts: fn(&Node<'_>) -> bool,
    ) -> Option<(&'static str, &'n Node<'n>)> {
        let possible = |word: &&&str| self.shapes & shape(word) != 0;
        self.tables.iter().find_map(|(_, table)| {
            words.iter().filter(possible).find_map(|word| {
                let mut members = members(table).iter();
                let (_, node) =
                    members.find(|(key, node)| self.same(&key.name, word) && counts(node))?;
                Some((*word, node))
            })
        })
    }

    fn same(&self, a: &str, b: &str) -> bool {
        shape(a) == shape(b)
            && (if self.fold {
                a.eq_ignore_ascii_case(b)
            } else {
                a == b
            })
    }

    /// Notes every member that `vocabulary` has no word for, and, where case is folded, refuses
    /// keys that differ in case alone.
    fn check_keys(&self, reader: &mut Reader, vocabulary: &Vocabulary) {
        for (name, table) in &self.tables {
            let mut known = Vec::new();
            for (key, _) in members(table) {
                match vocabulary.words().find(|word| self.same(word, &key.name)) {
                    // The syntax has refused keys that are the same.
                    Some(_) if !self.fold => {}
                    Some(word) if known.contains(&word) => reader.report(Problem::repeated_key(
                        &join(name, &key.name),
                        key.span.clone(),
                    )),
                    Some(word) => known.push(word),
                    None => reader.note_unread(name, key),
                }
            }
        }
    }
}

/// One of 64 bits by the length and the first letter of a word, whatever its case: words of two shapes are
/// two words.
fn shape(word: &str) -> u64 {
    let first = word.bytes().next().unwrap_or(0).to_ascii_lowercase();
    1 << ((usize::from(first) + 5 * word.len()) % 64)
}

/// The members of a table; none of anything else.
fn members<'n>(node: &'n Node<'n>) -> &'n [(Key<'n>, Node<'n>)] {
    match &node.value {
        Value::Table(members) => members,
        _ => &[],
    }
}

/// Fills the fields of `draft` that plain JSON and front matter have in common, and notes the
/// members that nothing is read from.
pub(in super::super) fn fill<'n>(
    draft: &mut Draft<'n>,
    reader: &mut Reader,
    scopes: &Scopes<'n>,
    vocabulary: &Vocabulary,
) {
    scopes.check_keys(reader, vocabulary);
    fill_text(draft, reader, scopes, vocabulary);
    fill_topics(draft, reader, scopes, vocabulary);
    fill_things(draft, reader, scopes, vocabulary);
}

/// Strings, dates, words and truth values.
fn fill_text<'n>(
    draft: &mut Draft<'n>,
    reader: &mut Reader,
    scopes: &Scopes<'n>,
    vocabulary: &Vocabulary,
) {
    if let Some((word, node)) = scopes.search(&["title"], |_| true) {
        draft.title = reader.title(word, node);
    }
    let mut one = |words, take: fn(&mut Reader, &str, &'n Node<'n>) -> _| {
        let (word, node) = scopes.find(words)?;
        take(reader, word, node)
    };
    draft.id = one(&["id"], Reader::label);
    draft.slug = one(&["slug"], Reader::label);
    draft.path = one(&["path"], Reader::label);
    draft.summary = one(vocabulary.summary, Reader::text);
    draft.url = one(vocabulary.url, Reader::text);
    draft.published = one(vocabulary.published, Reader::date);
    draft.updated = one(vocabulary.updated, Reader::date);
    draft.expires = one(vocabulary.expires, Reader::date);
    draft.language = one(vocabulary.language, Reader::text);
    if let Some((word, node)) = scopes.find(&["status"]) {
        draft.status = reader.choice(word, node, &STATUS);
    }
    if let Some((word, node)) = scopes.find(&["access"]) {
        draft.access = reader.choice(word, node, &ACCESS);
    }
    if let Some((word, node)) = scopes.find(&["kind"]) {
        draft.kind = reader.kind(word, node);
    }
    if let Some((word, node)) = scopes.find(&["news"]) {
        draft.news = reader.truth(word, node);
    }
    if let Some((word, node)) = scopes.find(&["index"]) {
        draft.index = reader.truth(word, node);
    }
}

/// Sections, stories and tags.
fn fill_topics<'n>(
    draft: &mut Draft<'n>,
    reader: &mut Reader,
    scopes: &Scopes<'n>,
    vocabulary: &Vocabulary,
) {
    if let Some((word, node)) = scopes.find(vocabulary.sections) {
        let topic = |id| RawTopic { id, title: None };
        draft.sections = match vocabulary.spread(word, node) {
            Some(ids) => ids.map(|id| id.map(topic)).collect(),
            None => reader.topics(word, node),
        };
    }
    if let Some((word, node)) = scopes.find(&["story", "stories"]) {
        draft.stories = reader.topics(word, node);
    }
    if let Some((word, node)) = scopes.find(vocabulary.tags) {
        draft.tags = match vocabulary.spread(word, node) {
            Some(tags) => tags.collect(),
            None => reader.labels(word, node),
        };
    }
}

/// People, pictures, recordings and what else may be a table.
fn fill_things<'n>(
    draft: &mut Draft<'n>,
    reader: &mut Reader,
    scopes: &Scopes<'n>,
    vocabulary: &Vocabulary,
) {
    if let Some((word, node)) = scopes.find(vocabulary.authors) {
        draft.authors = reader.people(word, node);
    }
    if let Some((word, node)) = scopes.find(&["image", "images"]) {
        draft.images = reader.images(word, node);
    }
    if let Some((word, node)) = scopes.find(&["video"]) {
        draft.video = reader.media(word, node);
    }
    if let Some((word, node)) = scopes.find(&["audio"]) {
        draft.audio = reader.media(word, node);
    }
    if let Some((word, node)) = scopes.find(&["source"]) {
        draft.source = reader.source(word, node);
    }
    if let Some((word, node)) = scopes.find(&["comments"]) {
        draft.comments = reader.comments(word, node);
    }
    if let Some((word, node)) = scopes.find(&["translations"]) {
        draft.translations = reader.translations(word, node);
    }
}
