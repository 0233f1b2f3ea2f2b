//! From nodes to the fields of a draft: the one place that says which types a field takes.
//!
//! A [`Reader`] hands out typed values and keeps a fault for each node of another type, so that a
//! mapping names every mistake of a file at once. Nothing is guessed: `true` is no text and `"7"` is
//! no truth value. Three things count as absent, because templates of publishing systems are full
//! of them: null, text of nothing but white space, and an empty list.

mod things;
mod vocabulary;

pub(super) use vocabulary::{Scopes, Vocabulary, fill};

use std::borrow::Cow;

use super::draft::{Field, Written};
use super::node::{Key, Node, Value};
use super::problem::Problem;
use crate::article::{Access, Kind, Status};

/// The words of `status`.
pub(super) const STATUS: [(&str, Status); 4] = [
    ("published", Status::Published),
    ("draft", Status::Draft),
    ("withheld", Status::Withheld),
    ("withdrawn", Status::Withdrawn),
];

/// The words of `access`.
pub(super) const ACCESS: [(&str, Access); 2] = [
    ("free", Access::Free),
    ("subscription", Access::Subscription),
];

/// Takes typed values out of nodes and keeps what is wrong with them.
///
/// `name` is always what messages call the node: its key, or the way to it, such as `image.width`.
#[derive(Debug, Default)]
pub(super) struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    /// The most problems of one severity that are kept of one file. Nobody reads more, and a file of
    /// a million mistakes must not cost a million messages.
    const MAX_PROBLEMS: usize = 100;

    /// What was wrong, in the order of the file.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.span.start);
        self.problems
    }

    /// Keeps one more problem; of each severity, [`Reader::MAX_PROBLEMS`] at most.
    pub(super) fn report(&mut self, problem: Problem) {
        let same = |known: &&Problem| known.severity == problem.severity;
        if self.problems.iter().filter(same).count() < Self::MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }

    /// Text. A number, a date or a truth value is a fault that says to put it in quotes.
    pub(super) fn text<'n>(
        &mut self,
        name: &str,
        node: &'n Node<'_>,
    ) -> Option<Field<Written<'n>>> {
        match &node.value {
            Value::Text(text) => field(text, node),
            Value::Null => None,
            _ => self.wrong(name, node, "text"),
        }
    }

    /// A title: as [`Reader::text`], but null is a fault too (YAML reads a bare `null` as one).
    pub(super) fn title<'n>(
        &mut self,
        name: &str,
        node: &'n Node<'_>,
    ) -> Option<Field<Written<'n>>> {
        match &node.value {
            Value::Null => self.wrong(name, node, "text"),
            _ => self.text(name, node),
        }
    }

    /// Text, or a number or date taken as written: ids, slugs, sections and tags look like that.
    pub(super) fn label<'n>(
        &mut self,
        name: &str,
        node: &'n Node<'_>,
    ) -> Option<Field<Written<'n>>> {
        match &node.value {
            Value::Text(text) | Value::Number(text) | Value::Date(text) => field(text, node),
            Value::Null => None,
            _ => self.wrong(name, node, "text"),
        }
    }

    /// A date as written; whether it is one is decided when the draft is finished.
    pub(super) fn date<'n>(
        &mut self,
        name: &str,
        node: &'n Node<'_>,
    ) -> Option<Field<Written<'n>>> {
        match &node.value {
            Value::Text(text) | Value::Date(text) => field(text, node),
            Value::Null => None,
            _ => self.wrong(name, node, "a date"),
        }
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, name: &str, node: &Node<'_>) -> Option<bool> {
        match &node.value {
            Value::Bool(truth) => Some(*truth),
            _ if is_absent(node) && !is_empty_list(node) => None,
            _ => self.wrong(name, node, "true or false"),
        }
    }

    /// A whole number that is not negative and that `T` can hold; digits in quotes count too.
    pub(super) fn count<T: std::str::FromStr>(&mut self, name: &str, node: &Node<'_>) -> Option<T> {
        if is_absent(node) && !is_empty_list(node) {
            return None;
        }
        let count = match &node.value {
            // TOML groups digits: 120_000.
            Value::Number(text) => text.replace('_', "").parse().ok(),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        if count.is_some() {
            return count;
        }
        self.wrong(name, node, "a whole number")
    }

    /// One word of a closed set, without regard to case. A fault lists the set.
    pub(super) fn choice<T: Copy>(
        &mut self,
        name: &str,
        node: &Node<'_>,
        words: &[(&str, T)],
    ) -> Option<T> {
        let word = self.text(name, node)?;
        let found = words
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(word.value.trim()));
        if let Some((_, value)) = found {
            return Some(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.report(Problem::fault(
            "unknown-word",
            word.span,
            format!("{} is none of the words it may be", Problem::shown(name)),
            format!("write one of: {}", known.join(", ")),
        ));
        None
    }

    /// `kind`.
    pub(super) fn kind(&mut self, name: &str, node: &Node<'_>) -> Option<Kind> {
        self.choice(name, node, &Kind::ALL.map(|kind| (kind.as_str(), kind)))
    }

    /// Labels: one, or a list of them.
    pub(super) fn labels<'n>(&mut self, name: &str, node: &'n Node<'n>) -> Vec<Field<Written<'n>>> {
        items(node)
            .iter()
            .filter_map(|item| self.label(name, item))
            .collect()
    }

    /// Notes each member of the table `node` that is none of `known`, without regard to case.
    /// `name` is the table's, empty for the whole file.
    pub(super) fn note_unknown(&mut self, name: &str, node: &Node<'_>, known: &[&str]) {
        let Value::Table(members) = &node.value else {
            return;
        };
        for (key, _) in members {
            if !known
                .iter()
                .any(|known| known.eq_ignore_ascii_case(&key.name))
            {
                self.note_unread(name, key);
            }
        }
    }

    /// Notes that nothing is read from the member `key` of the table `name`.
    pub(super) fn note_unread(&mut self, name: &str, key: &Key<'_>) {
        self.report(Problem::note(
            "unknown-member",
            key.span.clone(),
            format!(
                "nothing is read from {}",
                Problem::shown(&join(name, &key.name))
            ),
            "leave it if another program needs it",
        ));
    }

    /// Keeps the fault that the member `name`, `node`, is not `expected`, and gives nothing.
    pub(super) fn wrong<T>(&mut self, name: &str, node: &Node<'_>, expected: &str) -> Option<T> {
        self.wrong_whole(&Problem::shown(name), node, expected)
    }

    /// As [`Reader::wrong`], for what has no key: `subject` begins the message as it is.
    pub(super) fn wrong_whole<T>(
        &mut self,
        subject: &str,
        node: &Node<'_>,
        expected: &str,
    ) -> Option<T> {
        let quotable = !matches!(node.value, Value::List(_) | Value::Table(_));
        let remedy = match expected {
            "text" if quotable => "put it in quotes".to_owned(),
            "a date" => "write it like 2026-11-23T10:00:00+03:00".to_owned(),
            _ => format!("write {expected}"),
        };
        self.report(Problem::fault(
            "wrong-type",
            node.span.clone(),
            format!("{subject} is {}, not {expected}", node.type_name()),
            remedy,
        ));
        None
    }
}

/// Whether `node` says nothing: null, blank text, or an empty list.
pub(super) fn is_absent(node: &Node<'_>) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Text(text) => text.trim().is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Date(_) | Value::Table(_) => false,
    }
}

/// The items of a list; a single value is a list of itself, and what is absent is an empty one.
pub(super) fn items<'n>(node: &'n Node<'n>) -> &'n [Node<'n>] {
    match &node.value {
        Value::List(items) => items,
        _ if is_absent(node) => &[],
        _ => std::slice::from_ref(node),
    }
}

/// The first of `names` that the table `node` has and that is not absent, with its name; keys
/// without regard to case. Where there is none, an empty list: whoever wants text must refuse it.
pub(super) fn first<'n, 'k>(
    node: &'n Node<'n>,
    names: &[&'k str],
) -> Option<(&'k str, &'n Node<'n>)> {
    let Value::Table(members) = &node.value else {
        return None;
    };
    let search = |counts: fn(&Node<'_>) -> bool| {
        names.iter().find_map(|name| {
            let (_, found) = members
                .iter()
                .find(|(key, found)| key.name.eq_ignore_ascii_case(name) && counts(found))?;
            Some((*name, found))
        })
    };
    search(|node| !is_absent(node)).or_else(|| search(is_empty_list))
}

/// Whether `node` is a list of nothing.
pub(super) fn is_empty_list(node: &Node<'_>) -> bool {
    matches!(&node.value, Value::List(items) if items.is_empty())
}

/// `name` as messages call the member `key` of the table `table`.
fn join(table: &str, key: &str) -> String {
    if table.is_empty() {
        key.to_owned()
    } else {
        format!("{table}.{key}")
    }
}

/// `text` with its place; nothing where it is blank.
fn field<'n>(text: &'n str, node: &Node<'_>) -> Option<Field<Written<'n>>> {
    (!text.trim().is_empty()).then(|| Field {
        value: Cow::Borrowed(text),
        span: node.span.clone(),
    })
}

#[cfg(test)]
mod tests;
