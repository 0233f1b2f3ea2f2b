//! Names that are never articles: what editors, sync tools and version control leave behind.

use std::borrow::Cow;

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// Perhaps an article, or a folder of articles.
    Ordinary,
    /// Left behind by a tool, or hidden.
    Leftover,
    /// The losing copy of a synchronisation conflict: somebody should look at it.
    ConflictCopy,
}

/// Sorts a file or folder name.
pub(super) fn sort(name: &str) -> Name {
    let is_lower = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    let lower = if name.bytes().all(is_lower) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.to_lowercase())
    };
    let is_leftover = name.starts_with('.')
        || name.starts_with("~$")
        || name.starts_with('#')
        || name.ends_with('~')
        || name == "4913"
        || [".tmp", ".part", ".crdownload", ".orig", ".rej", ".bak"]
            .iter()
            .any(|end| lower.ends_with(end))
        || is_swap(&lower);
    if is_leftover {
        return Name::Leftover;
    }
    let is_conflict = [".sync-conflict-", "conflicted copy", "_conflict-"]
        .iter()
        .any(|mark| lower.contains(mark));
    if is_conflict {
        Name::ConflictCopy
    } else {
        Name::Ordinary
    }
}

/// Whether any part of a relative path is hidden or a leftover: a link into such a folder is the
/// only way to what it holds.
pub(super) fn is_hidden(relative: &std::path::Path) -> bool {
    relative.components().any(|part| {
        part.as_os_str()
            .to_str()
            .is_none_or(|name| sort(name) != Name::Ordinary)
    })
}

/// What something heard of in the store means, by its path from the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing: a leftover of a tool.
    Nothing,
    /// Look at it.
    Path,
    /// Something hidden that visible links may lead into: look at everything.
    Everything,
}

/// Sorts what was heard of. Kubernetes swaps a link named `..data`, and no visible name changes.
pub(super) fn heard(relative: &str) -> Heard {
    let mut parts = relative.split('/').peekable();
    while let Some(part) = parts.next() {
        if sort(part) == Name::Leftover {
            let is_last = parts.peek().is_none();
            return if !is_last || part.starts_with("..") {
                Heard::Everything
            } else {
                Heard::Nothing
            };
        }
    }
    Heard::Path
}

/// Whether a file has the extension of an input form.
pub(super) fn is_article_name(name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return false;
    };
    !stem.is_empty()
        && ["md", "markdown", "json", "html", "htm"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
}

/// vim's swap files: `.swp`, `.swo`, `.swx`…
fn is_swap(lower: &str) -> bool {
    lower
        .rsplit_once('.')
        .is_some_and(|(_, end)| end.len() == 3 && end.starts_with("sw"))
}
