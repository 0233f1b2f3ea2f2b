//! A directory of articles: walks it, reads what may have changed, and refuses what is no
//! ordinary file.
//!
//! What was listed is never trusted when it is opened: a file is opened beneath the root without
//! following links (`openat2`), and what was opened decides. Nothing is written here but cookies, by
//! which `khabar sync` tells how far listening has come.

mod first;
mod heard;
mod ignore;
mod locate;
mod present;
mod read;
mod stamps;
mod walk;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;
use rustix::fs::{Mode, OFlags};

use crate::article::{ContentHash, Diagnostic, Place, Severity, StorePath};
use crate::catalog::Intake;
use crate::config::{Config, DirectoryConfig};
use crate::files::{
    Body, CHANGES_ARE_TIMED, Change, Changes, File, FileNo, Ledger, Seen, Sighting,
};
use crate::store::{Scope, StoreError, format};

pub use first::FirstReading;
pub use heard::When;
use present::Present;
use read::Reader;
pub use read::UNREADABLE;
use walk::Listed;
pub use watch::{Cookie, Watch};

/// A store that is a directory.
#[derive(Debug)]
pub struct DirectoryStore {
    root: PathBuf,
    handle: OwnedFd,
    config: Arc<Config>,
    rules: DirectoryConfig,
    /// Whether how a file looks tells whether it was changed.
    is_timed: bool,
}

impl DirectoryStore {
    /// Opens the directory that `rules` name, resolving links in the path of its root once. Articles
    /// are read as `config` says.
    ///
    /// # Errors
    /// Where the root is missing, not a directory, or unreadable.
    pub fn open(config: Arc<Config>, rules: DirectoryConfig) -> Result<Self, StoreError> {
        let opened = rules.path.canonicalize().and_then(|root| {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let handle = rustix::fs::open(&root, flags, Mode::empty())?;
            let system = rustix::fs::fstatfs(&handle)?.f_type;
            Ok((root, handle, CHANGES_ARE_TIMED.contains(&system)))
        });
        match opened {
            Ok((root, handle, is_timed)) => Ok(Self {
                root,
                handle,
                config,
                rules,
                is_timed,
            }),
            Err(cause) => Err(unusable(&rules.path, cause)),
        }
    }

    /// The root, with links resolved.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What happened since the files `known` were taken in: every file is looked at, and those whose
    /// bytes are known are left out. `progress` is called from many threads with how many more files
    /// have been looked at and how many there are.
    ///
    /// # Errors
    /// Where the root cannot be listed. Folders below it that cannot be are remarks, and what was
    /// known in them stays.
    pub fn changes(
        &self,
        known: &Ledger,
        intake: &Intake,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Changes, StoreError> {
        let listing = walk::walk(self, &|_| {})?;
        let total = listing.files.len() as u64;
        let progress = |count| progress(count, total);
        Ok(self.settle(listing, None, known, intake, &progress))
    }

    /// What happened where `watch` heard something, and `known` covers that: as
    /// [`DirectoryStore::changes`] says of everything. What is missing counts once it has been so
    /// for a while; until then it stays pending.
    ///
    /// # Errors
    /// As [`DirectoryStore::changes`].
    pub fn heard_changes(
        &self,
        known: &Ledger,
        intake: &Intake,
        scope: &Scope,
        watch: &Watch,
    ) -> Result<Changes, StoreError> {
        match scope {
            // There are no rows here: whoever asks for them has heard of another store.
            Scope::Everything | Scope::Rows(_) => self.changes_of_everything(known, intake, watch),
            Scope::Paths(paths) => self.changes_of_paths(known, intake, paths, watch),
        }
    }

    fn changes_of_everything(
        &self,
        known: &Ledger,
        intake: &Intake,
        watch: &Watch,
    ) -> Result<Changes, StoreError> {
        let since = Instant::now();
        let listing = walk::walk(self, &|folder| watch.arm(folder))?;
        let mut changes = self.settle(listing, None, known, intake, &|_| {});
        if !changes.gone.is_empty() {
            self.await_the_rest(&mut changes, known, watch, since);
        }
        Ok(changes)
    }

    /// Waits whether what is missing comes back, for an editor may be about to put it there, and,
    /// where it is much, until nothing more vanishes.
    fn await_the_rest(&self, changes: &mut Changes, known: &Ledger, watch: &Watch, since: Instant) {
        // What cannot be looked at has not vanished.
        let is_there = |path: &StorePath| {
            let seen = self.root.join(path.as_str()).symlink_metadata();
            seen.err().is_none_or(|error| {
                !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
            })
        };
        let when = When {
            first: since,
            last: since,
        };
        loop {
            std::thread::sleep(watch.settle_delete());
            changes.gone.retain(|path| {
                let is_back = is_there(path);
                if is_back {
                    watch.ring_since(path.as_str(), when);
                }
                !is_back
            });
            if changes.gone.len() <= heard::FEW_MISSING || since.elapsed() > heard::MISSING_MAX {
                return;
            }
            let mut seen: HashSet<&StorePath> = changes.gone.iter().collect();
            seen.extend(changes.changed.iter().map(|change| &change.path));
            let rest: Vec<FileNo> = known.iter().collect();
            let more: Vec<StorePath> = rest
                .into_par_iter()
                .map(|no| known.path(no))
                .filter(|path| !seen.contains(path) && !is_there(path))
                .collect();
            if more.is_empty() {
                return;
            }
            changes.gone.extend(more);
            changes.gone.sort();
        }
    }

    fn changes_of_paths(
        &self,
        known: &Ledger,
        intake: &Intake,
        paths: &BTreeMap<String, When>,
        watch: &Watch,
    ) -> Result<Changes, StoreError> {
        let here: Vec<(&String, When, walk::Here)> = paths
            .par_iter()
            .map(|(path, when)| {
                let here = walk::walk_at(self, path, &|folder| watch.arm(folder))?;
                Ok((path, *when, here))
            })
            .collect::<Result<_, StoreError>>()?;
        let mut whole = walk::Listing::default();
        let mut candidates = BTreeSet::new();
        let mut heard: HashMap<StorePath, When> = HashMap::new();
        for (path, when, here) in here {
            match here {
                walk::Here::Link => watch.escalate(when),
                walk::Here::Nothing => {
                    let below: Vec<FileNo> = known.at_or_below(path).collect();
                    if !below.is_empty() && watch.is_gone(path, when) {
                        candidates.extend(below);
                    }
                }
                walk::Here::Listing(listing) => {
                    let listed = listing.files.iter();
                    let listed: HashSet<FileNo> =
                        listed.filter_map(|file| known.find(&file.path)).collect();
                    let missing = known.at_or_below(path).filter(|no| !listed.contains(no));
                    let gone = missing.filter(|no| watch.is_gone(known.path(*no).as_str(), when));
                    candidates.extend(gone);
                    heard.extend(listing.files.iter().map(|file| (file.path.clone(), when)));
                    whole.files.extend(listing.files);
                    whole.remarks.extend(listing.remarks);
                    whole.unread.extend(listing.unread);
                }
            }
        }
        whole.files.sort_by(|a, b| a.path.cmp(&b.path));
        whole.files.dedup_by(|a, b| a.path == b.path);
        let linked = Self::linked(known, paths);
        let changes = self.settle(whole, Some(candidates), known, intake, &|_| {});
        Self::ring_other_names(known, &changes, linked, &heard, watch);
        Ok(changes)
    }

    /// Rings for the other names of what was changed, or may have been under this name before another
    /// file took it; and for everything where a file has names that nobody knows.
    fn ring_other_names(
        known: &Ledger,
        changes: &Changes,
        linked: Vec<Linked>,
        heard: &HashMap<StorePath, When>,
        watch: &Watch,
    ) {
        let read = changes.changed.iter().map(|c| (&c.path, c.sighting));
        let looked_at = changes.sightings.iter().map(|(path, seen)| (path, *seen));
        let mut now: HashMap<&StorePath, Option<(u64, u64)>> = HashMap::new();
        for (path, sighting) in read.chain(looked_at) {
            now.insert(path, sighting.inode);
            let before = known.find(path).and_then(|no| known.inode(no));
            if sighting.inode.is_some()
                && sighting.inode != before
                && let Some(when) = heard.get(path)
            {
                watch.escalate(*when);
            }
        }
        now.extend(changes.gone.iter().map(|path| (path, None)));
        let others: HashSet<&StorePath> = changes.changed.iter().map(|c| &c.path).collect();
        for linked in linked {
            let inode = now.get(&linked.path);
            let is_other = inode.is_some_and(|inode| *inode != Some(linked.inode));
            if is_other || others.contains(&linked.path) {
                for name in linked.others {
                    watch.ring_since(name.as_str(), linked.when);
                }
            }
        }
    }

    /// The known files where something was heard that have other names.
    fn linked(known: &Ledger, paths: &BTreeMap<String, When>) -> Vec<Linked> {
        let heard = paths
            .iter()
            .flat_map(|(path, when)| known.at_or_below(path).map(move |no| (no, *when)));
        heard
            .filter_map(|(no, when)| {
                let others = known.other_names(no);
                let others: Vec<StorePath> = others.map(|other| known.path(other)).collect();
                let inode = known.inode(no).filter(|_| !others.is_empty())?;
                Some(Linked {
                    path: known.path(no),
                    inode,
                    others,
                    when,
                })
            })
            .collect()
    }

    /// Looks at what was listed; of the candidates, or of everything, what was not seen is gone.
    fn settle(
        &self,
        listing: walk::Listing,
        candidates: Option<BTreeSet<FileNo>>,
        known: &Ledger,
        intake: &Intake,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Changes {
        let present = Present::new(candidates.is_none(), known);
        let look = |reader: &mut Reader<'_>, file: &Listed| {
            let no = known.find(&file.path);
            let outcome = self.look(reader, file, no.map(|no| (no, known)), intake);
            progress(1);
            if let Some(no) = no.filter(|_| !matches!(outcome, Outcome::Gone)) {
                present.add(no);
            }
            let is_news = !matches!(outcome, Outcome::Gone | Outcome::Untouched);
            is_news.then(|| (file.path.clone(), outcome))
        };
        let is_new = |file: &Listed| known.find(&file.path).is_none();
        let outcomes: Vec<(StorePath, Outcome)> =
            read::at_depth(self, &listing.files, is_new, || {
                let files = listing.files.par_iter();
                let outcomes = files.map_init(|| Reader::new(self), look);
                outcomes.flatten().collect()
            });
        let mut changes = Changes {
            remarks: listing.remarks,
            ..Changes::default()
        };
        for (path, outcome) in outcomes {
            match outcome {
                Outcome::Gone | Outcome::Untouched => {}
                Outcome::Same(sighting) => changes.sightings.push((path, sighting)),
                Outcome::Changed(change) => changes.changed.push(*change),
            }
        }
        changes.changed.sort_by(|a, b| a.path.cmp(&b.path));
        let is_missing = |no: &FileNo| !present.has(*no);
        let missing: Vec<FileNo> = match candidates {
            Some(candidates) => candidates.into_iter().filter(is_missing).collect(),
            None => known.iter().filter(is_missing).collect(),
        };
        let is_unread = |path: &StorePath| listing.unread.iter().any(|f| is_below(path, f));
        changes.gone = missing
            .into_iter()
            .map(|no| known.path(no))
            .filter(|path| !is_unread(path))
            .collect();
        changes.gone.sort();
        changes
    }

    /// The bodies of articles, in the order asked for. One that cannot be read now is left out.
    #[must_use]
    pub fn bodies(&self, paths: &[StorePath]) -> Vec<(StorePath, Body)> {
        paths
            .par_iter()
            .map_init(
                || Reader::new(self),
                |reader, path| {
                    let listed = walk::locate(self, path)?;
                    let (bytes, _) = reader.read(&listed).ok()?;
                    let body = Body {
                        hash: Some(ContentHash::of(bytes)),
                        html: format::body(path, bytes, &self.config),
                    };
                    Some((path.clone(), body))
                },
            )
            .flatten()
            .collect()
    }

    /// Looks at a file, of which the ledger may know something.
    fn look(
        &self,
        reader: &mut Reader<'_>,
        file: &Listed,
        known: Option<(FileNo, &Ledger)>,
        intake: &Intake,
    ) -> Outcome {
        let refused = |problem: read::Refusal| {
            Outcome::Changed(Box::new(Change {
                path: file.path.clone(),
                file: File::Rejected,
                // It may be let go of with the stamp it bore when it was last read.
                sighting: Sighting::default(),
                published: None,
                diagnostics: vec![problem.into_diagnostic(&file.path)],
            }))
        };
        if let Some(refusal) = &file.refusal {
            return refused(refusal.clone());
        }
        let seen = known.and_then(|(no, ledger)| ledger.seen(no));
        if let Some(seen) = seen.filter(|_| self.is_timed)
            && reader.look(file).is_ok_and(|now| Seen::of(&now) == seen)
        {
            return Outcome::Untouched;
        }
        let (bytes, stamp) = match reader.read(file) {
            Ok(read) => read,
            Err(read::Refusal::Gone) => return Outcome::Gone,
            Err(refusal) => return refused(refusal),
        };
        let sighting = stamp
            .map(|stamp| stamps::sighting(&stamp))
            .unwrap_or_default();
        let hash = ContentHash::of(bytes);
        if known.is_some_and(|(no, ledger)| ledger.has_read(no, hash)) {
            return Outcome::Same(sighting);
        }
        let reading = format::read(&file.path, bytes, &self.config);
        Outcome::Changed(Box::new(Change {
            path: file.path.clone(),
            file: intake.file(&file.path, reading.finding, Some(hash)),
            sighting,
            published: reading.published,
            diagnostics: reading.diagnostics,
        }))
    }
}

/// The root at `path` cannot be used.
fn unusable(path: &Path, cause: std::io::Error) -> StoreError {
    StoreError::new(
        path.display(),
        cause,
        "check [store] path, its permissions, its mount",
    )
}

/// A file with other names, before it is looked at.
struct Linked {
    path: StorePath,
    inode: (u64, u64),
    others: Vec<StorePath>,
    when: When,
}

/// What a look at a file showed.
enum Outcome {
    /// It vanished between listing and reading.
    Gone,
    /// It looks as it did when it was read.
    Untouched,
    /// It was read again, and its bytes are known.
    Same(Sighting),
    /// It is new or different.
    Changed(Box<Change>),
}

/// Whether `path` is in `folder` or below; the empty folder is the root.
fn is_below(path: &StorePath, folder: &str) -> bool {
    folder.is_empty()
        || path.as_str() == folder
        || path
            .as_str()
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

fn remark(
    severity: Severity,
    code: &'static str,
    path: &str,
    message: String,
    remedy: &str,
) -> Diagnostic {
    Diagnostic {
        severity,
        code,
        path: StorePath::new(path),
        place: Place::START,
        message,
        remedy: remedy.to_owned(),
        excerpt: None,
    }
}

#[cfg(test)]
mod tests;
