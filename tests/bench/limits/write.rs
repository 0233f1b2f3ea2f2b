//! Writing what khabar wrote, as new files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

/// Documents, by their folders.
pub(crate) struct Outputs(BTreeMap<PathBuf, Vec<(String, Vec<u8>)>>);

impl Outputs {
    /// All files below `root`.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut found = BTreeMap::new();
        let mut open = vec![PathBuf::new()];
        while let Some(folder) = open.pop() {
            let mut files = Vec::new();
            for entry in fs::read_dir(root.join(&folder))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if entry.file_type()?.is_dir() {
                    open.push(folder.join(name));
                } else {
                    files.push((name, fs::read(entry.path())?));
                }
            }
            found.insert(folder, files);
        }
        Ok(Self(found))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    pub(crate) fn bytes(&self) -> usize {
        let files = self.0.values().flatten();
        files.map(|(_, content)| content.len()).sum()
    }

    /// Writes all of them below `root`, on all cores, and makes them durable at once.
    pub(crate) fn write(&self, root: &Path) -> anyhow::Result<()> {
        // In their order each folder comes after the one it lies in.
        for folder in self.0.keys() {
            fs::create_dir_all(root.join(folder))?;
        }
        let files: Vec<_> = self
            .0
            .iter()
            .flat_map(|(folder, files)| files.iter().map(move |file| (folder, file)))
            .collect();
        files.into_par_iter().try_for_each(|(folder, file)| {
            let (name, content) = file;
            let path = root.join(folder).join(name);
            File::create_new(path)?.write_all(content)
        })?;
        Ok(rustix::fs::syncfs(File::open(root)?)?)
    }
}

/// Empties a folder, which stays.
pub(crate) fn clear(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
