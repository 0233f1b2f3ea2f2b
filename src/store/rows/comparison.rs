//! The rows of a database beside what is known of them: what is new, changed and gone.
//!
//! A row is told from its last version by the hash of what it says, so that nothing depends on what
//! a database claims of its rows. A reading may take several passes, where one would hold too much in
//! memory or a lock for too long; the last one decides.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::columns::{Cell, Columns, Text, line};
use crate::article::{ContentHash, Diagnostic, Finding, Place, Severity, StorePath};
use crate::catalog::Intake;
use crate::config::Config;
use crate::files::{Change, Changes, FileNo, Ledger, Seen, Sighting};
use crate::store::format;

/// The most bytes of new and changed rows that are held before they are read: 64 MiB. So few in tests
/// that a reading takes several passes.
const ROOM: usize = if cfg!(test) { 4 << 10 } else { 64 << 20 };

/// What it means that a row is not there.
pub(in crate::store) enum Absence<'a> {
    /// Everything was asked for: what was not seen is gone.
    OfAll,
    /// These were asked for, and others perhaps: of these alone it says something.
    Of(&'a [StorePath]),
}

/// One reading of a database.
pub(in crate::store) struct Comparison<'a> {
    known: &'a Ledger,
    intake: &'a Intake,
    config: &'a Config,
    /// What remarks call the table or query.
    store: StorePath,
    /// The number of the pass.
    pass: u32,
    /// Known rows by their numbers: whether they were seen in this pass.
    seen: Vec<bool>,
    /// Rows that are new or changed.
    found: HashMap<StorePath, Found>,
    /// Keys that several rows have, and the sum of what the rows say.
    repeated: BTreeMap<StorePath, u128>,
    /// Rows that have to be read.
    unread: Vec<(StorePath, Text)>,
    unread_bytes: usize,
    /// Rows without a key that can be one.
    keyless: u64,
    columns: Option<Columns>,
}

struct Found {
    hash: ContentHash,
    pass: u32,
    change: Option<Change>,
}

impl<'a> Comparison<'a> {
    /// Nothing is seen yet. `store` names the table or query in remarks.
    pub(in crate::store) fn new(
        known: &'a Ledger,
        intake: &'a Intake,
        config: &'a Config,
        store: &str,
    ) -> Self {
        Self {
            known,
            intake,
            config,
            store: StorePath::new(store),
            pass: 0,
            seen: vec![false; known.end()],
            found: HashMap::new(),
            repeated: BTreeMap::new(),
            unread: Vec::new(),
            unread_bytes: 0,
            keyless: 0,
            columns: None,
        }
    }

    /// Everything is looked at once more: what was seen so far may have changed meanwhile.
    pub(in crate::store) fn begin_pass(&mut self, columns: &Columns) {
        self.pass += 1;
        self.seen.fill(false);
        self.repeated.clear();
        self.keyless = 0;
        self.columns = Some(columns.clone());
    }

    /// Takes a row in, whose value in each column `cell` says.
    pub(in crate::store) fn take<'r>(
        &mut self,
        columns: &Columns,
        mut cell: impl FnMut(usize) -> Cell<'r>,
    ) {
        let Some(path) = columns.path(&mut cell) else {
            self.keyless += 1;
            return;
        };
        let text = columns.write(cell);
        let hash = ContentHash::of(&text.bytes);
        let no = self.known.find(&path);
        let is_known = no.is_some_and(|no| self.is_known(no, hash));
        let was_seen = no.is_some_and(|no| std::mem::replace(&mut self.seen[no.index()], true));
        match self.found.get_mut(&path) {
            Some(found) if found.pass == self.pass => {
                let sum = self.repeated.entry(path).or_insert(found.hash.0);
                *sum = sum.wrapping_add(hash.0);
            }
            // Seen in this pass and not found different: it says what is known.
            _ if was_seen => {
                let before = no.map_or(0, |no| self.hash_of(no));
                let sum = self.repeated.entry(path).or_insert(before);
                *sum = sum.wrapping_add(hash.0);
            }
            Some(found) if found.hash == hash => found.pass = self.pass,
            // As it was before this reading: what an earlier pass found is over.
            Some(_) if is_known => drop(self.found.remove(&path)),
            None if is_known => {}
            _ => {
                let found = Found {
                    hash,
                    pass: self.pass,
                    change: None,
                };
                self.found.insert(path.clone(), found);
                self.unread_bytes += text.len();
                self.unread.push((path, text));
            }
        }
    }

    /// Whether the row numbered `no` was found to be what has this hash.
    fn is_known(&self, no: FileNo, hash: ContentHash) -> bool {
        self.known.has_read(no, hash) || self.known.seen(no) == Some(Seen(hash.0))
    }

    /// The hash of what the known row numbered `no` says, good or bad.
    fn hash_of(&self, no: FileNo) -> u128 {
        let good = self.known.hash(no).map(|hash| hash.0);
        let bad = || self.known.seen(no).map(|seen| seen.0);
        good.or_else(bad).unwrap_or(0)
    }

    /// Whether so much is unread that it has to be read before more is taken in.
    pub(in crate::store) fn is_full(&self) -> bool {
        self.unread_bytes >= ROOM
    }

    /// Reads what was found different. Nothing has to be locked meanwhile.
    pub(in crate::store) fn read(&mut self) {
        self.unread_bytes = 0;
        let unread = std::mem::take(&mut self.unread);
        let Some(columns) = &self.columns else {
            return;
        };
        let (config, intake) = (self.config, self.intake);
        let changes: Vec<Change> = unread
            .into_par_iter()
            .map(|(path, text)| change(path, &text, columns, config, intake))
            .collect();
        for change in changes {
            if let Some(found) = self.found.get_mut(&change.path) {
                found.change = Some(change);
            }
        }
    }

    /// What happened, after a pass that came to its end.
    pub(in crate::store) fn finish(mut self, absence: &Absence<'_>) -> Changes {
        self.read();
        let mut changes = Changes::default();
        let last = self.pass;
        let repeated = std::mem::take(&mut self.repeated);
        let found = self.found.into_iter();
        changes.changed = found
            .filter(|(path, found)| found.pass == last && !repeated.contains_key(path))
            .filter_map(|(_, found)| found.change)
            .collect();
        for (path, sum) in repeated {
            let no = self.known.find(&path);
            if no.and_then(|no| self.known.seen(no)) != Some(Seen(sum)) {
                changes.changed.push(repeats(path, sum));
            }
        }
        changes.changed.sort_by(|a, b| a.path.cmp(&b.path));
        let is_seen = |no: &FileNo| self.seen[no.index()];
        changes.gone = match absence {
            Absence::OfAll => {
                let gone = self.known.iter().filter(|no| !is_seen(no));
                gone.map(|no| self.known.path(no)).collect()
            }
            Absence::Of(asked) => {
                let known = asked.iter().filter(|path| self.known.get(path).is_some());
                let gone = known.filter(|path| {
                    let no = self.known.find(path);
                    no.is_some_and(|no| !is_seen(&no))
                });
                gone.cloned().collect()
            }
        };
        changes.gone.sort();
        if let (Absence::OfAll, Some(columns)) = (absence, &self.columns) {
            changes.remarks = columns.doubts(&self.store);
            changes
                .remarks
                .extend(keyless(&self.store, columns, self.keyless));
        }
        changes
    }
}

/// Reads a row.
fn change(
    path: StorePath,
    text: &Text,
    columns: &Columns,
    config: &Config,
    intake: &Intake,
) -> Change {
    let hash = ContentHash::of(&text.bytes);
    let mut reading = format::read_row(&path, &text.bytes, config);
    for diagnostic in &mut reading.diagnostics {
        // What stands at the very beginning concerns the whole row.
        if diagnostic.place != Place::START
            && let Some(name) = columns.name(diagnostic.place.line)
            && !diagnostic.message.contains(&format!("`{name}`"))
        {
            diagnostic.message = format!("column `{name}`: {}", diagnostic.message);
        }
    }
    if !text.faults.is_empty() {
        if let Finding::Article(article) = &reading.finding {
            reading.published = Some(article.published);
        }
        reading.finding = Finding::Rejected;
        // Of a value that cannot be read, that is all there is to say.
        let is_read = |place: Place| {
            let mut unreadable = text.faults.iter();
            !unreadable.any(|fault| line(fault.column).line == place.line)
        };
        reading.diagnostics.retain(|found| is_read(found.place));
        let faults = text.faults.iter().map(|fault| {
            let place = line(fault.column);
            let name = columns.name(place.line).unwrap_or_default();
            Diagnostic {
                severity: Severity::Fault,
                code: fault.code,
                path: path.clone(),
                place,
                message: format!("column `{name}`: {}", fault.message),
                remedy: fault.remedy.to_owned(),
                excerpt: None,
            }
        });
        reading.diagnostics.extend(faults);
        reading.diagnostics.sort_by_key(|found| found.place);
    }
    let is_bad = matches!(reading.finding, Finding::Rejected);
    Change {
        file: intake.file(&path, reading.finding, Some(hash)),
        path,
        sighting: Sighting {
            // A bad row that says what it said is not reported each time something else is committed.
            seen: is_bad.then_some(Seen(hash.0)),
            inode: None,
        },
        published: reading.published,
        diagnostics: reading.diagnostics,
    }
}

/// The fault of several rows with one key: none of them can be meant.
fn repeats(path: StorePath, sum: u128) -> Change {
    let fault = Diagnostic {
        severity: Severity::Fault,
        code: "repeated-key",
        path: path.clone(),
        place: Place::START,
        message: "several rows have this key".to_owned(),
        remedy: "name a column in [store] key that tells rows apart, or mend the query".to_owned(),
        excerpt: None,
    };
    Change {
        path,
        file: crate::files::File::Rejected,
        sighting: Sighting {
            seen: Some(Seen(sum)),
            inode: None,
        },
        published: None,
        diagnostics: vec![fault],
    }
}

/// The fault of rows without a key, where there are any.
fn keyless(store: &StorePath, columns: &Columns, count: u64) -> Option<Diagnostic> {
    let place = line(columns.key);
    let name = columns.name(place.line).unwrap_or_default();
    (count > 0).then(|| Diagnostic {
        severity: Severity::Fault,
        code: "no-key",
        path: store.clone(),
        place,
        message: format!(
            "column `{name}`: {count} rows have a key that is no whole number and no short text, and \
             are no articles"
        ),
        remedy: "give every row a key".to_owned(),
        excerpt: None,
    })
}
