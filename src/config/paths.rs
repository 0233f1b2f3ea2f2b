//! Where store, out and state may stand to one another.
//!
//! What khabar writes must not be read as articles, and what it owns must not be served. Paths are
//! compared as they are written; whoever opens them compares them again with links resolved.

use std::path::{Component, Path, PathBuf};

/// Two of the three directories that must not stand in one another, and do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Overlap {
    /// `out` is the store or stands in it.
    #[error("`out` stands in the store: what khabar writes would be read as articles")]
    OutInStore,
    /// The store stands in `out`.
    #[error("the store stands in `out`: the articles would be served with the feeds")]
    StoreInOut,
    /// `state` is the store or stands in it.
    #[error("`state` stands in the store: what khabar remembers would be read as articles")]
    StateInStore,
    /// `state` is `out` or stands in it.
    #[error("`state` stands in `out`: what khabar remembers would be served with the feeds")]
    StateInOut,
}

/// Everything that is wrong with where the three directories stand; a store may be on no disk of
/// this machine. The paths are absolute; `.` and
/// `..` are taken out of them as text. A directory stands in itself.
#[must_use]
pub fn overlap(store: Option<&Path>, out: &Path, state: &Path) -> Vec<Overlap> {
    let (out, state) = (normalised(out), normalised(state));
    let mut found = Vec::new();
    if let Some(store) = store.map(normalised) {
        if out.starts_with(&store) {
            found.push(Overlap::OutInStore);
        } else if store.starts_with(&out) {
            found.push(Overlap::StoreInOut);
        }
        if state.starts_with(&store) {
            found.push(Overlap::StateInStore);
        }
    }
    if state.starts_with(&out) {
        found.push(Overlap::StateInOut);
    }
    found
}

/// `path` without `.` and `..`; a `..` at the root stays at the root, as in the file system.
fn normalised(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => out.push(component),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(store: &str, out: &str, state: &str) -> Vec<Overlap> {
        overlap(Some(Path::new(store)), Path::new(out), Path::new(state))
    }

    #[test]
    fn directories_beside_one_another_are_fine() {
        assert_eq!(of("/p/articles", "/p/out", "/p/.khabar"), []);
        // A common beginning of the name is no common directory.
        assert_eq!(of("/p/out-store", "/p/out", "/p/out-state"), []);
        assert_eq!(of("/p/a/../articles", "/p/a", "/p/./s"), []);
        // State may hold out: nothing in state is served or read as an article.
        assert_eq!(of("/p/articles", "/p/s/out", "/p/s"), []);
    }

    #[test]
    fn directories_in_one_another_are_named() {
        use Overlap::*;
        assert_eq!(of("/p", "/p/out", "/s"), [OutInStore]);
        assert_eq!(of("/p", "/p", "/s"), [OutInStore]);
        assert_eq!(of("/p/out/articles", "/p/out", "/s"), [StoreInOut]);
        assert_eq!(of("/p/a", "/p/out", "/p/a/s"), [StateInStore]);
        assert_eq!(of("/p/a", "/p/out", "/p/x/../out/s"), [StateInOut]);
        assert_eq!(of("/", "/out", "/s"), [OutInStore, StateInStore]);
        assert_eq!(of("/../p", "/p/out", "/s"), [OutInStore]);
    }
}
