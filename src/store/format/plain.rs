//! Plain JSON: the field names of an article as they are, with `body` as HTML.
//!
//! Names are exact, as JSON's are. Members that are no field are noted; members of another type
//! than the field's are faults.

use super::draft::{Draft, RawBody};
use super::fields::{Reader, Scopes, Vocabulary, fill};
use super::node::{Node, Value};
use super::problem::Problem;

/// Every field by its own name.
pub(super) const WORDS: Vocabulary = Vocabulary {
    summary: &["summary"],
    url: &["url"],
    published: &["published"],
    updated: &["updated"],
    expires: &["expires"],
    sections: &["section", "sections"],
    tags: &["tags"],
    authors: &["authors"],
    language: &["language"],
    spaced: &[],
    others: &["body"],
};

/// Reads the fields of one article and says what is wrong with them.
pub(super) fn read<'n>(node: &'n Node<'n>) -> (Draft<'n>, Vec<Problem>) {
    let mut reader = Reader::default();
    let mut draft = Draft::default();
    if !matches!(node.value, Value::Table(_)) {
        reader.wrong_whole::<()>("the file", node, "a table (an object in braces)");
        return (draft, reader.finish());
    }
    let scopes = Scopes::exact(node);
    fill(&mut draft, &mut reader, &scopes, &WORDS);
    if let Some((word, body)) = scopes.find(&["body"])
        && let Some(html) = reader.text(word, body)
    {
        draft.body = RawBody::Html(html.value);
    }
    (draft, reader.finish())
}

#[cfg(test)]
mod tests;
