//! `[[section]]`, `[[story]]`, `[[channel]]` and their `match` tables.

use url::Url;

use super::check::{language, page_url, text, topic};
use super::fault::Checked;
use super::typed::{Table, Value};
use super::{Declared, Match};
use crate::article::{Kind, TopicId};

/// Whether a declaration lives by its `match` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matching {
    /// Articles name it; `match` collects further ones.
    Optional,
    /// No article can name it.
    Required,
}

/// All declarations `[[key]]`, in the order of the file. An id stands once.
pub(super) fn declarations(
    root: &mut Table<'_>,
    key: &'static str,
    matching: Matching,
    site: &Checked<Url>,
) -> Checked<Vec<Declared>> {
    let mut seen: Vec<(TopicId, u32)> = Vec::new();
    root.tables(key, |table| {
        let id = table.required("id", "id = \"…\"", |value| {
            let id = topic(value)?;
            if let Some((_, line)) = seen.iter().find(|(other, _)| *other == id) {
                return Err(value.fault(
                    &format!(
                        "the {key} `{id}` is declared twice, in line {line} and in line {}",
                        value.line()
                    ),
                    "remove one of the two, or give it another id",
                ));
            }
            seen.push((id.clone(), value.line()));
            Ok(id)
        });
        let title = table.optional("title", text);
        let url = table.optional("url", |value| page_url(value, site));
        let matches = match matching {
            Matching::Optional => table.optional("match", match_table),
            Matching::Required => table
                .required("match", "match = { kind = \"video\" }", match_table)
                .map(Some),
        };
        Ok(Declared {
            id: id?,
            title: title?,
            url: url?,
            matches: matches?,
        })
    })
}

fn match_table(value: &Value<'_>) -> Checked<Match> {
    value.table(|table| {
        // An empty table would hold for every article, and its `not` for none.
        if table.is_empty() {
            return Err(table.fault(
                &format!("`{}` is empty", table.name()),
                "say what to match, such as `{ kind = \"video\" }`",
            ));
        }
        let kinds = Kind::ALL.map(|kind| (kind.as_str(), kind));
        let kind = some_of(table, "kind", |value| value.word(&kinds));
        let sections = some_of(table, "sections", topic);
        let stories = some_of(table, "stories", topic);
        let tags = some_of(table, "tags", text);
        let authors = some_of(table, "authors", text);
        let languages = some_of(table, "language", language);
        let source = some_of(table, "source", text);
        let not = table.optional("not", match_table);
        Ok(Match {
            kind: kind?,
            sections: sections?,
            stories: stories?,
            tags: tags?,
            authors: authors?,
            language: languages?,
            source: source?,
            not: not?.map(Box::new),
        })
    })
}

/// One value or a list of them; nothing where the key is absent. An empty list is refused: it
/// would mean the same as no list, which is never what was meant.
fn some_of<'a, T>(
    table: &mut Table<'a>,
    key: &'static str,
    check: impl FnMut(&Value<'a>) -> Checked<T>,
) -> Checked<Vec<T>> {
    table.or(key, Vec::new(), |value| {
        let values = value.one_or_many(check)?;
        if values.is_empty() {
            return Err(value.fault(
                &format!("`{}` is empty", value.name()),
                "write at least one value, or remove the key",
            ));
        }
        Ok(values)
    })
}
