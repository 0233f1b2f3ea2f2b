//! The rows of a database as articles: columns are fields by their names, and a row is known by its
//! key where a file is known by its path.
//!
//! A row is written down as the plain JSON file it could be, one column a line, and read by the same
//! reader; nothing here knows what a field means, or which database a row came from.

mod columns;
mod comparison;
mod watch;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use super::{Scope, StoreError};
use crate::article::StorePath;
use crate::files::Changes;

pub(super) use columns::{Cell, Columns, Text};
pub(super) use comparison::{Absence, Comparison};
pub(super) use watch::{Ears, Look};
pub use watch::{RowsWatch, Wanted};

/// The most bytes of a key.
const KEY_MAX: usize = 1_024;

/// What a row with this key is known as: the key with everything percent-encoded but letters, digits,
/// `-`, `_` and the slashes between its parts, so that nothing of it passes for an extension or an
/// empty folder. `None` where the key is too long to be one.
pub(super) fn path_of(key: &str) -> Option<StorePath> {
    if key.len() > KEY_MAX {
        return None;
    }
    if key.is_empty() {
        // No other key is written so.
        return Some(StorePath::new("%"));
    }
    let bytes = key.as_bytes();
    let mut path = String::with_capacity(key.len());
    for (at, c) in key.char_indices() {
        let parts_others = |neighbour: Option<&u8>| neighbour.is_some_and(|byte| *byte != b'/');
        let is_plain = match c {
            '/' => {
                parts_others(at.checked_sub(1).and_then(|at| bytes.get(at)))
                    && parts_others(bytes.get(at + 1))
            }
            _ => c.is_alphanumeric() || matches!(c, '-' | '_'),
        };
        if is_plain {
            path.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a String cannot fail.
                let _ = write!(path, "%{byte:02X}");
            }
        }
    }
    Some(StorePath::new(&path))
}

/// The key that [`path_of`] made `path` from; `None` where it never did.
pub(super) fn key_of(path: &StorePath) -> Option<String> {
    if path.as_str() == "%" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(path.as_str().len());
    let mut rest = path.as_str().bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// What happened where `watch` heard something: `newest` says it of the rows that are new and of those
/// that are asked for, where it can; else `all` says it of every row.
pub(super) fn heard_changes(
    scope: &Scope,
    watch: &RowsWatch,
    newest: impl FnOnce(&[StorePath]) -> Result<Option<Changes>, StoreError>,
    all: impl FnOnce() -> Result<Changes, StoreError>,
) -> Result<Changes, StoreError> {
    if let Scope::Rows(Wanted::Newest(paths)) = scope {
        let asked: Vec<StorePath> = paths.iter().map(|path| StorePath::new(path)).collect();
        if let Some(changes) = newest(&asked)? {
            return Ok(changes);
        }
    }
    let begun = Instant::now();
    let changes = all()?;
    watch.looked_at_all(begun.elapsed());
    Ok(changes)
}

/// What people mean by `name`, which is a key or what a row is known as.
pub(super) fn locate(name: &Path) -> Option<String> {
    let name = name.to_str()?;
    let known = StorePath::new(name);
    let is_path = key_of(&known).and_then(|key| path_of(&key)) == Some(known);
    if is_path {
        return Some(name.to_owned());
    }
    path_of(name).map(|path| path.as_str().to_owned())
}

#[cfg(test)]
mod tests;
