//! The paths of a store's files, each under a number, with every folder's name held once.
//!
//! A number is given again once its file is gone. What lies below a folder is found without a look
//! at the rest.

use std::collections::BTreeMap;

use crate::article::StorePath;

/// The number of a file, as long as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileNo(pub(super) u32);

impl FileNo {
    /// As an index into what is kept by number.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Paths by number, and numbers by path.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    by_name: BTreeMap<Box<str>, u32>,
    folders: Vec<Folder>,
    places: Vec<Place>,
    vacant: Vec<FileNo>,
    names: Names,
}

/// A folder that holds or held files.
#[derive(Clone, Debug)]
struct Folder {
    path: Box<str>,
    /// By name.
    files: Vec<FileNo>,
}

/// Where a file stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    folder: u32,
    name: NameRef,
}

impl Paths {
    /// The number of the file at `path`.
    pub(super) fn find(&self, path: &str) -> Option<FileNo> {
        let (folder, name) = split(path);
        let folder = &self.folders[*self.by_name.get(folder)? as usize];
        let at = self.search(folder, name).ok()?;
        Some(folder.files[at])
    }

    /// The number of the file at `path`, which is given one where it has none.
    pub(super) fn add(&mut self, path: &str) -> FileNo {
        let (folder_path, name) = split(path);
        let folder = match self.by_name.get(folder_path) {
            Some(folder) => *folder,
            None => self.add_folder(folder_path),
        };
        let files = &self.folders[folder as usize];
        let at = match self.search(files, name) {
            Ok(at) => return files.files[at],
            Err(at) => at,
        };
        let place = Place {
            folder,
            name: self.names.add(name),
        };
        let no = if let Some(no) = self.vacant.pop() {
            self.places[no.index()] = place;
            no
        } else {
            // A store of more than four thousand million files does not fit into memory.
            let no = FileNo(u32::try_from(self.places.len()).unwrap_or(u32::MAX));
            grow(&mut self.places);
            self.places.push(place);
            no
        };
        let files = &mut self.folders[folder as usize].files;
        grow(files);
        files.insert(at, no);
        no
    }

    /// Forgets a file.
    pub(super) fn remove(&mut self, no: FileNo) {
        let place = self.places[no.index()];
        let name = self.names.get(place.name).to_owned();
        let folder = &self.folders[place.folder as usize];
        if let Ok(at) = self.search(folder, &name) {
            self.folders[place.folder as usize].files.remove(at);
            self.vacant.push(no);
        }
    }

    /// The path of a file.
    pub(super) fn path(&self, no: FileNo) -> StorePath {
        let place = self.places[no.index()];
        let folder = &self.folders[place.folder as usize].path;
        let name = self.names.get(place.name);
        if folder.is_empty() {
            StorePath::new(name)
        } else {
            StorePath::new(&format!("{folder}/{name}"))
        }
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.vacant.len()
    }

    /// One more than the largest number.
    pub(super) fn end(&self) -> usize {
        self.places.len()
    }

    /// Every file, folder by folder.
    pub(super) fn iter(&self) -> impl Iterator<Item = FileNo> {
        let folders = self.by_name.values();
        folders.flat_map(|folder| self.folders[*folder as usize].files.iter().copied())
    }

    /// The file at `path`, or the files below it where it is a folder; the empty path is the root.
    pub(super) fn at_or_below(&self, path: &str) -> impl Iterator<Item = FileNo> {
        let file = self.find(path);
        let whole = self.by_name.get(path).copied();
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let below = self
            .by_name
            .range::<str, _>((
                std::ops::Bound::Included(prefix.as_str()),
                std::ops::Bound::Unbounded,
            ))
            .map(|(name, folder)| (name.clone(), *folder))
            .take_while(move |(name, _)| name.starts_with(&prefix))
            .filter(move |(_, folder)| Some(*folder) != whole)
            .map(|(_, folder)| folder);
        let folders = whole.into_iter().chain(below);
        let files = folders.flat_map(|folder| self.folders[folder as usize].files.iter().copied());
        file.into_iter().chain(files)
    }

    fn add_folder(&mut self, path: &str) -> u32 {
        let number = u32::try_from(self.folders.len()).unwrap_or(u32::MAX);
        self.folders.push(Folder {
            path: path.into(),
            files: Vec::new(),
        });
        self.by_name.insert(path.into(), number);
        number
    }

    /// Where the file `name` is among those of a folder, or would be.
    fn search(&self, folder: &Folder, name: &str) -> Result<usize, usize> {
        let name = name.as_bytes();
        let name_of = |no: &FileNo| self.names.bytes(self.places[no.index()].name);
        // Files are mostly read in order.
        if folder.files.last().is_none_or(|last| name_of(last) < name) {
            return Err(folder.files.len());
        }
        folder.files.binary_search_by(|no| name_of(no).cmp(name))
    }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Makes room for one more, and not for twice as many.
pub(super) fn grow<T>(list: &mut Vec<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 8).max(4));
    }
}

/// Short strings, one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    bytes: Vec<u8>,
}

/// Where a string begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NameRef(u32);

impl NameRef {
    /// No string.
    pub(super) const NONE: Self = Self(u32::MAX);
}

impl Names {
    /// Keeps a string, of which the first 65,535 bytes count: names of files have 255 at most, ids
    /// 512.
    pub(super) fn add(&mut self, name: &str) -> NameRef {
        let at = NameRef(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
        let needed = self.bytes.len() + 2 + usize::from(length);
        if needed > self.bytes.capacity() {
            let more = (self.bytes.len() / 8).max(2 + usize::from(length));
            self.bytes.reserve_exact(more);
        }
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes
            .extend_from_slice(&name.as_bytes()[..usize::from(length)]);
        at
    }

    /// How many bytes are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The string that begins there.
    pub(super) fn get(&self, name: NameRef) -> &str {
        // Only whole strings are put in.
        std::str::from_utf8(self.bytes(name)).unwrap_or_default()
    }

    /// The string as bytes, which are in the same order and need no second look.
    pub(super) fn bytes(&self, name: NameRef) -> &[u8] {
        let rest = &self.bytes[name.0 as usize..];
        let (length, rest) = rest.split_at(2);
        let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
        &rest[..length]
    }
}
