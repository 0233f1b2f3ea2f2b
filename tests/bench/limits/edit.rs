//! Writing what khabar wrote for one edit: the same bytes over the same files with the same syncs.
//!
//! The calls here are those of khabar's publication, written down a second time. Where it changes how
//! it syncs, this has to follow.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rayon::prelude::*;

/// From so many files or folders on, the file system is synced instead of each.
const SYNC_ONE_BY_ONE: usize = 32;
/// What is put in place after everything else.
const INDEXES: [&str; 4] = ["sitemap.xml", "feeds.opml", "stories.json", "index.html"];

/// The files of the state, as they are at one instant: inode and length.
pub(crate) struct StateFiles(BTreeMap<PathBuf, (u64, u64)>);

/// What an edit made khabar write into its state.
struct Written {
    /// Bytes at the end of a file.
    appended: u64,
    /// The lengths of files that were replaced.
    replaced: Vec<u64>,
}

impl StateFiles {
    pub(crate) fn look(state: &Path) -> anyhow::Result<Self> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(state)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            if meta.is_file() {
                found.insert(entry.path(), (meta.ino(), meta.len()));
            }
        }
        Ok(Self(found))
    }

    fn since(&self, before: &Self) -> Written {
        let mut written = Written {
            appended: 0,
            replaced: Vec::new(),
        };
        for (path, (inode, length)) in &self.0 {
            match before.0.get(path) {
                Some((same, less)) if same == inode => {
                    written.appended += length.saturating_sub(*less);
                }
                _ => written.replaced.push(*length),
            }
        }
        written
    }
}

/// How long it took until the last document was in place, and until that was durable.
#[derive(Clone, Copy)]
pub(crate) struct Least {
    pub(crate) in_place: Duration,
    pub(crate) durable: Duration,
}

/// Puts the documents named (as they are below `out` now) in place below `copy`, where older ones
/// stand; before that, into its state what went into khabar's between `before` and `after`.
pub(crate) fn least_for_edit(
    out: &Path,
    copy: &Path,
    names: &[PathBuf],
    before: &StateFiles,
    after: &StateFiles,
) -> anyhow::Result<Least> {
    let documents: Vec<(usize, &PathBuf, Vec<u8>)> = names
        .iter()
        .enumerate()
        .map(|(number, name)| Ok((number, name, fs::read(out.join(name))?)))
        .collect::<io::Result<_>>()?;
    for name in names {
        if let Some(folder) = copy.join(name).parent() {
            fs::create_dir_all(folder)?;
        }
    }
    let memory = copy.with_extension("state");
    fs::create_dir_all(&memory)?;
    let written = after.since(before);
    let stage = copy.join(".stage");
    let one_by_one = documents.len() <= SYNC_ONE_BY_ONE;

    let start = Instant::now();
    fs::create_dir(&stage)?;
    let files: Vec<File> = documents
        .par_iter()
        .map(|(number, _, content)| {
            let mut file = File::create_new(stage.join(number.to_string()))?;
            file.write_all(content)?;
            Ok(file)
        })
        .collect::<io::Result<_>>()?;
    let sync = || {
        if one_by_one {
            files.par_iter().try_for_each(File::sync_all)
        } else {
            Ok(rustix::fs::syncfs(File::open(&stage)?)?)
        }
    };
    let (remembered, synced) = rayon::join(|| remember(&memory, &written), sync);
    remembered?;
    synced?;
    let mut in_place = start.elapsed();
    for is_index in [false, true] {
        let mut folders = BTreeSet::new();
        for (number, name, _) in &documents {
            if INDEXES.iter().any(|index| name.as_os_str() == *index) == is_index {
                fs::rename(stage.join(number.to_string()), copy.join(name))?;
                in_place = start.elapsed();
                folders.extend(name.ancestors().skip(1));
            }
        }
        sync_folders(copy, &folders)?;
    }
    let durable = start.elapsed();
    fs::remove_dir(&stage)?;
    Ok(Least { in_place, durable })
}

fn remember(state: &Path, written: &Written) -> io::Result<()> {
    let content = |length: u64| vec![b'x'; usize::try_from(length).unwrap_or(0)];
    if written.appended > 0 {
        let path = state.join("appended");
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.write_all(&content(written.appended))?;
        file.sync_data()?;
    }
    for length in &written.replaced {
        let staged = state.join("replaced.new");
        let mut file = File::create(&staged)?;
        file.write_all(&content(*length))?;
        file.sync_all()?;
        fs::rename(staged, state.join("replaced"))?;
        File::open(state)?.sync_all()?;
    }
    Ok(())
}

fn sync_folders(root: &Path, folders: &BTreeSet<&Path>) -> io::Result<()> {
    if folders.len() > SYNC_ONE_BY_ONE {
        return Ok(rustix::fs::syncfs(File::open(root)?)?);
    }
    folders
        .par_iter()
        .try_for_each(|folder| File::open(root.join(folder))?.sync_all())
}
