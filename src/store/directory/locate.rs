//! What people mean by a path: as the shell sees it, or from the store's root.

use std::path::Path;

use super::DirectoryStore;

impl DirectoryStore {
    /// As [`crate::store::Store::locate`].
    #[must_use]
    pub fn locate(&self, name: &Path) -> Option<String> {
        // As the shell sees it, else as the store does.
        let seen = [name.to_owned(), self.root.join(name)];
        seen.iter().find_map(|path| inside(path, &self.root))
    }
}

/// Where `path` lies below `root`; a link itself, not what it leads to.
fn inside(path: &Path, root: &Path) -> Option<String> {
    path.symlink_metadata().ok()?;
    if let Ok(whole) = path.canonicalize()
        && whole == root
    {
        return Some(String::new());
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
    let whole = folder.join(path.file_name()?);
    Some(whole.strip_prefix(root).ok()?.to_str()?.to_owned())
}
