//! What must survive a restart, as a value, and the records of how it changes.
//!
//! A publication is preceded by the record of what it is made from: what files were found to be,
//! with the bodies that are printed, last good versions, withdrawals, and what in `out` is khabar's.
//! Records are applied in order; the same ones make the same memory, on any machine.

mod packed;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Engine, Kept};
use crate::article::{ArticleId, StorePath, Timestamp};
use crate::catalog::Intake;
use crate::document::{Errand, Fingerprint, Manifest, Owed, TargetId};
use crate::files::{Body, Card, File, FileNo, Ledger};

/// So many files, at most, are in one record when everything is recorded anew.
const FILES_PER_RECORD: usize = 1_000;

/// What must survive a restart.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The instant last published at by the system's clock: now never goes back behind it.
    pub mark: Option<Timestamp>,
    /// The instant that was last published, by whatever clock.
    pub seen_at: Option<Timestamp>,
    /// The configuration and program that files were read under.
    pub reading: u64,
    /// The configuration that says where articles belong.
    pub rules: u64,
    /// Where nothing was owed: the edition of all that is in `out`.
    pub settled: Option<u64>,
    /// The directory that the manifest is of.
    pub target: Option<TargetId>,
    /// What every file of the store was found to be.
    pub files: Ledger,
    /// Bodies of full-content windows.
    pub bodies: HashMap<StorePath, Body>,
    /// Last good versions, by the file they were read from.
    pub kept: BTreeMap<StorePath, Kept>,
    /// Withdrawals by command, and when.
    pub withdrawals: BTreeMap<ArticleId, Timestamp>,
    /// Everything below `out` that is khabar's.
    pub manifest: Manifest,
    /// Files that became bad while their article was under embargo, and until when that was.
    pub embargoed: BTreeMap<StorePath, Timestamp>,
    /// What others are still to be told of.
    pub errands: BTreeMap<Errand, Owed>,
    /// When search engines were last told of a page, as long as it rests.
    pub rested: BTreeMap<Errand, Timestamp>,
}

impl Memory {
    /// Takes in what has changed.
    pub fn apply(&mut self, record: Record) {
        let Record {
            mark,
            seen_at,
            reading,
            rules,
            settled,
            target,
            files,
            bodies,
            kept,
            withdrawals,
            manifest,
            embargoed,
            errands,
            rested,
        } = record;
        self.mark = mark.unwrap_or(self.mark);
        self.seen_at = seen_at.or(self.seen_at);
        self.reading = reading.unwrap_or(self.reading);
        self.rules = rules.unwrap_or(self.rules);
        self.settled = settled.unwrap_or(self.settled);
        self.target = target.or(self.target);
        for (path, file) in files {
            match file {
                Some(file) => {
                    self.files.insert(&path, &file);
                }
                None => {
                    if let Some(no) = self.files.find(&path) {
                        self.files.remove(no);
                    }
                }
            }
        }
        for (path, body) in bodies {
            match body {
                Some(body) => self.bodies.insert(path, body),
                None => self.bodies.remove(&path),
            };
        }
        for (path, version) in kept {
            put(&mut self.kept, path, version);
        }
        for (id, when) in withdrawals {
            put(&mut self.withdrawals, id, when);
        }
        for (path, fingerprint) in manifest {
            put(&mut self.manifest, path, fingerprint);
        }
        for (path, until) in embargoed {
            put(&mut self.embargoed, path, until);
        }
        for (errand, owed) in errands {
            put(&mut self.errands, errand, owed);
        }
        for (errand, told) in rested {
            put(&mut self.rested, errand, told);
        }
    }

    /// Has every article belong where the rules of `intake` say; says what that changes. One that
    /// cannot be fetched is read again.
    pub(super) fn renew_cards(&mut self, intake: &Intake) -> Unsaved {
        let mut unsaved = Unsaved::default();
        let files: Vec<FileNo> = self.files.iter().collect();
        for no in files {
            if let Some(File::Article(hash, card)) = self.files.file(no) {
                let Ok(renewed) = intake.renew(&card) else {
                    self.files.forget_hash(no);
                    continue;
                };
                if *card != renewed {
                    let path = card.path.clone();
                    self.files
                        .insert(&path, &File::Article(hash, Arc::new(renewed)));
                    unsaved.files.insert(path);
                }
            }
        }
        for (path, kept) in &mut self.kept {
            if let Ok(renewed) = intake.renew(&kept.card)
                && *kept.card != renewed
            {
                kept.card = Arc::new(renewed);
                unsaved.kept.insert(path.clone());
            }
        }
        unsaved
    }

    /// Has every file and body read again; what was good and visible stays known, with its body.
    pub fn distrust_readings(&mut self) {
        for body in self.bodies.values_mut() {
            body.hash = None;
        }
        let files: Vec<FileNo> = self.files.iter().collect();
        for no in files {
            self.files.forget_hash(no);
        }
    }
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

/// What is new in a [`Memory`]: values as they are now, and `None` for what is to be forgotten.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The mark, where it moved or is taken back.
    pub mark: Option<Option<Timestamp>>,
    /// As [`Memory::seen_at`].
    pub seen_at: Option<Timestamp>,
    /// As [`Memory::reading`].
    pub reading: Option<u64>,
    /// As [`Memory::rules`].
    pub rules: Option<u64>,
    /// As [`Memory::settled`].
    pub settled: Option<Option<u64>>,
    /// As [`Memory::target`].
    pub target: Option<TargetId>,
    /// As [`Memory::files`].
    #[serde(with = "packed")]
    pub files: Vec<(StorePath, Option<File>)>,
    /// As [`Memory::bodies`].
    pub bodies: Vec<(StorePath, Option<Body>)>,
    /// As [`Memory::kept`].
    pub kept: Vec<(StorePath, Option<Kept>)>,
    /// As [`Memory::withdrawals`].
    pub withdrawals: Vec<(ArticleId, Option<Timestamp>)>,
    /// As [`Memory::manifest`].
    pub manifest: Vec<(String, Option<Fingerprint>)>,
    /// As [`Memory::embargoed`].
    pub embargoed: Vec<(StorePath, Option<Timestamp>)>,
    /// As [`Memory::errands`].
    pub errands: Vec<(Errand, Option<Owed>)>,
    /// As [`Memory::rested`].
    pub rested: Vec<(Errand, Option<Timestamp>)>,
}

impl Record {
    /// The cards of all articles that it speaks of.
    pub fn cards(&self) -> impl Iterator<Item = &Card> {
        let files = self.files.iter().filter_map(|(_, file)| match file {
            Some(File::Article(_, card)) => Some(&**card),
            Some(File::NoArticle(_) | File::Rejected) | None => None,
        });
        let kept = self.kept.iter().filter_map(|(_, kept)| kept.as_ref());
        files.chain(kept.map(|kept| &*kept.card))
    }
}

/// The names of what is not saved yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Unsaved {
    pub(super) files: BTreeSet<StorePath>,
    pub(super) bodies: BTreeSet<StorePath>,
    pub(super) kept: BTreeSet<StorePath>,
    pub(super) withdrawals: BTreeSet<ArticleId>,
    pub(super) manifest: BTreeSet<String>,
    pub(super) embargoed: BTreeSet<StorePath>,
    pub(super) errands: BTreeSet<Errand>,
}

impl Unsaved {
    /// Whether something must be saved although nothing is published: what files say can wait for
    /// the next publication, which is the first to depend on it.
    fn is_pressing(&self) -> bool {
        !self.kept.is_empty()
            || !self.withdrawals.is_empty()
            || !self.manifest.is_empty()
            || !self.embargoed.is_empty()
    }

    /// Everything that `engine` knows.
    pub(super) fn everything(engine: &Engine) -> Self {
        Self {
            files: engine
                .files()
                .iter()
                .map(|no| engine.files().path(no))
                .collect(),
            bodies: engine.bodies.keys().cloned().collect(),
            kept: engine.kept.keys().cloned().collect(),
            withdrawals: engine.withdrawals.keys().cloned().collect(),
            manifest: engine.manifest.keys().cloned().collect(),
            embargoed: engine.embargoed.keys().cloned().collect(),
            errands: {
                let waiting = engine.errands().keys();
                waiting.chain(engine.rested().keys()).cloned().collect()
            },
        }
    }

    /// The records of it, to be applied together; each is made when it is asked for.
    fn records<'a>(&'a self, engine: &'a Engine) -> impl Iterator<Item = Record> + 'a {
        let first = move || Record {
            seen_at: Some(engine.catalog.now()),
            reading: Some(engine.config.reading_fingerprint()),
            rules: Some(engine.config.rules_fingerprint()),
            settled: Some(engine.settled()),
            target: engine.home,
            kept: values(&self.kept, |path| engine.kept.get(path).cloned()),
            withdrawals: values(&self.withdrawals, |id| engine.withdrawals.get(id).copied()),
            manifest: values(&self.manifest, |path| engine.manifest.get(path).copied()),
            embargoed: values(&self.embargoed, |path| engine.embargoed.get(path).copied()),
            errands: values(&self.errands, |errand| {
                engine.errands().get(errand).copied()
            }),
            rested: values(&self.errands, |errand| engine.rested().get(errand).copied()),
            ..Record::default()
        };
        let files = parts(&self.files).map(|paths| Record {
            files: values(paths, |path| engine.files().get(path)),
            ..Record::default()
        });
        let bodies = parts(&self.bodies).map(|paths| Record {
            bodies: values(paths, |path| engine.bodies.get(path).cloned()),
            ..Record::default()
        });
        std::iter::once_with(first).chain(files).chain(bodies)
    }
}

/// Keys with their values as they are now.
fn values<'a, K: Clone + 'a, V>(
    keys: impl IntoIterator<Item = &'a K>,
    value: impl Fn(&K) -> Option<V>,
) -> Vec<(K, Option<V>)> {
    let keys = keys.into_iter();
    keys.map(|key| (key.clone(), value(key))).collect()
}

/// As many paths at a time as are in one record.
fn parts(paths: &BTreeSet<StorePath>) -> impl Iterator<Item = Vec<&StorePath>> {
    let mut paths = paths.iter();
    std::iter::from_fn(move || {
        let part: Vec<&StorePath> = paths.by_ref().take(FILES_PER_RECORD).collect();
        (!part.is_empty()).then_some(part)
    })
}

impl Engine {
    /// What is new since it was last saved; and what must be saved before anything of `coming` is put
    /// in place, so that a crash leaves no document that nobody owns, and forgets no takedown: with
    /// the documents to come, and still with those to go.
    pub fn news<'a>(
        &'a self,
        coming: Option<&'a super::Rendered>,
    ) -> impl Iterator<Item = Record> + 'a {
        let mut coming = coming;
        self.unsaved.records(self).map(move |mut record| {
            if let Some(rendered) = coming.take() {
                let new = rendered.fingerprints.iter();
                let new = new.filter(|(path, made)| self.manifest.get(*path) != Some(made));
                let new = new.map(|(path, made)| (path.clone(), Some(*made)));
                record.manifest.extend(new);
            }
            record
        })
    }

    /// All of [`Memory`] but the mark, as records.
    #[must_use]
    pub fn everything(&self) -> Vec<Record> {
        Unsaved::everything(self).records(self).collect()
    }

    /// Says where the articles are that these records speak of: the archive was written anew.
    pub fn relocate(&mut self, records: &[Record]) {
        // Last good versions are shared with their records and the index, and know already.
        for (path, file) in records.iter().flat_map(|record| &record.files) {
            if let Some(File::Article(_, card)) = file
                && let Some(no) = self.article_in(path)
                && self.files().content(no) == card.content
            {
                self.catalog.ledger_mut().relocate(no, card.location.at());
            }
        }
    }

    /// Whether something must be saved although nothing is published.
    #[must_use]
    pub fn has_pressing_news(&self) -> bool {
        self.unsaved.is_pressing()
    }

    /// All news is saved.
    pub fn news_is_saved(&mut self) {
        self.unsaved = Unsaved::default();
    }
}
