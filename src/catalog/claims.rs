//! Who holds an id and a URL when several files claim them.
//!
//! The one published earlier stays, then the smaller store path without extension. A bad file holds
//! what its last good version held; other last good versions come after what any file says now.
//! Drafts and withheld articles claim nothing. A change is settled among the files that share an id
//! or URL with it, directly or through others, and no more.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use super::play::{Play, Seat};
use crate::article::{ArticleId, Diagnostic, Place, Severity, StorePath, Timestamp};
use crate::files::{Card, FileNo, UrlHash};

/// Which files claim an id or a URL.
#[derive(Debug, Default)]
pub(super) struct Claims {
    by_id: Claimed,
    by_url: Claimed,
    losers: BTreeMap<StorePath, Loss>,
}

/// Why a file lost.
#[derive(Debug, PartialEq, Eq)]
struct Loss {
    by_id: bool,
    holder: StorePath,
}

/// Files by a hash of what they claim: those that claim the same, and by chance others.
#[derive(Debug, Default)]
struct Claimed(HashTable<(u32, FileNo)>);

impl Claimed {
    fn spread(short: u32) -> u64 {
        // The table looks at both ends of a hash (Knuth, multiplicative hashing).
        u64::from(short).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn add(&mut self, short: u32, no: FileNo) {
        let entry = (short, no);
        let known = self.0.entry(
            Self::spread(short),
            |other| *other == entry,
            |(short, _)| Self::spread(*short),
        );
        known.or_insert(entry);
    }

    fn remove(&mut self, short: u32, no: FileNo) {
        let entry = (short, no);
        if let Ok(known) = self
            .0
            .find_entry(Self::spread(short), |other| *other == entry)
        {
            known.remove();
        }
    }

    fn get(&self, short: u32) -> impl Iterator<Item = FileNo> {
        let likely = self.0.iter_hash(Self::spread(short));
        likely
            .filter(move |(other, _)| *other == short)
            .map(|(_, no)| *no)
    }
}

fn short_id(id: &str) -> u32 {
    let [a, b, c, d, ..] = xxh3_64(id.as_bytes()).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// A version of a file: what it says now, or its last good version.
type Version<'a> = (&'a str, UrlHash);

/// What a file claims: with what it says now, and with its last good version.
fn offers(play: &Play, no: FileNo) -> impl Iterator<Item = Version<'_>> {
    let now = play
        .claims_now(no)
        .then(|| (play.ledger.id(no), play.ledger.url(no)));
    let kept = kept(play, no);
    now.into_iter()
        .chain(kept.map(|kept| (kept.id.as_str(), kept.url)))
}

/// A decision about a file.
pub(super) struct Verdict {
    pub(super) no: FileNo,
    pub(super) seat: Seat,
}

impl Claims {
    /// Notes what a file claims.
    pub(super) fn register(&mut self, play: &Play, no: FileNo) {
        for (id, url) in offers(play, no) {
            self.by_id.add(short_id(id), no);
            self.by_url.add(url.short(), no);
        }
    }

    /// Forgets what a file claims.
    pub(super) fn unregister(&mut self, play: &Play, no: FileNo) {
        for (id, url) in offers(play, no) {
            self.by_id.remove(short_id(id), no);
            self.by_url.remove(url.short(), no);
        }
    }

    /// The files with a version of the id `id`.
    pub(super) fn with_id<'a>(
        &'a self,
        play: &'a Play,
        id: &'a str,
    ) -> impl Iterator<Item = FileNo> + 'a {
        let likely = self.by_id.get(short_id(id));
        likely.filter(move |no| offers(play, *no).any(|(other, _)| other == id))
    }

    /// The files with a version at `url`.
    pub(super) fn with_url<'a>(
        &'a self,
        play: &'a Play,
        url: UrlHash,
    ) -> impl Iterator<Item = FileNo> + 'a {
        let likely = self.by_url.get(url.short());
        likely.filter(move |no| offers(play, *no).any(|(_, other)| other == url))
    }

    /// Whether what the file at `path` says now lost its id or URL.
    pub(super) fn is_loser(&self, path: &StorePath) -> bool {
        self.losers.contains_key(path)
    }

    /// Whether what some file says now claims `id`.
    pub(super) fn is_claimed(&self, play: &Play, id: &ArticleId) -> bool {
        let mut files = self.with_id(play, id.as_str());
        files.any(|no| play.claims_now(no) && play.ledger.id(no) == id.as_str())
    }

    /// A fault for every file that lost, by path.
    pub(super) fn duplicates(&self) -> Vec<Diagnostic> {
        self.losers
            .iter()
            .map(|(path, loss)| {
                let (code, what) = if loss.by_id {
                    ("duplicate-id", "id")
                } else {
                    ("duplicate-url", "URL")
                };
                Diagnostic {
                    severity: Severity::Fault,
                    code,
                    path: path.clone(),
                    place: Place::START,
                    message: format!("its {what} is already held by {}", loss.holder),
                    remedy: format!(
                        "give one of the two another {what}, or remove the copy; \
                         the one published earlier stays"
                    ),
                    excerpt: None,
                }
            })
            .collect()
    }

    /// Adds to `group` the files that share an id or URL with its members, directly or through
    /// others. Each id and URL is followed once, so a thousand copies cost a thousand steps.
    pub(super) fn complete(&self, play: &Play, group: &mut BTreeSet<FileNo>) {
        let mut open: Vec<FileNo> = group.iter().copied().collect();
        // Most files share nothing with others, and no note is taken of what they claim.
        open.retain(|no| !self.is_alone(play, *no));
        let mut ids: HashSet<&str> = HashSet::new();
        let mut urls: HashSet<UrlHash> = HashSet::new();
        while let Some(next) = open.pop() {
            for (id, url) in offers(play, next) {
                let same_id = ids.insert(id).then(|| self.with_id(play, id));
                let same_url = urls.insert(url).then(|| self.with_url(play, url));
                let others = same_id.into_iter().flatten();
                for other in others.chain(same_url.into_iter().flatten()) {
                    if group.insert(other) {
                        open.push(other);
                    }
                }
            }
        }
    }

    /// Whether a file shares nothing with another.
    fn is_alone(&self, play: &Play, no: FileNo) -> bool {
        offers(play, no).all(|(id, url)| {
            let mut ids = self.by_id.get(short_id(id));
            let mut urls = self.by_url.get(url.short());
            // By chance alike counts as shared: then it is looked at closely.
            ids.all(|other| other == no) && urls.all(|other| other == no)
        })
    }

    /// Decides who holds what among `group`, which holds everything it shares a claim with.
    pub(super) fn settle(&mut self, play: &Play, group: &BTreeSet<FileNo>) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(group.len());
        let mut contested = Vec::new();
        for no in group {
            if !self.losers.is_empty() {
                self.losers.remove(&play.ledger.path(*no));
            }
            if self.is_alone(play, *no) {
                let seat = match (play.claims_now(*no), kept(play, *no)) {
                    (true, _) => Seat::Current,
                    (false, Some(_)) => Seat::Kept,
                    (false, None) => Seat::Out,
                };
                verdicts.push(Verdict { no: *no, seat });
            } else {
                contested.push(*no);
            }
        }
        if !contested.is_empty() {
            let seats = self.contest(play, &contested);
            verdicts.extend(contested.into_iter().map(|no| Verdict {
                no,
                seat: seats.get(&no).copied().unwrap_or(Seat::Out),
            }));
        }
        verdicts
    }

    /// Hands out ids and URLs in the order of what files say now, or said last where they are bad;
    /// then to other last good versions.
    fn contest(&mut self, play: &Play, files: &[FileNo]) -> HashMap<FileNo, Seat> {
        let mut table = Table::default();
        let standing = files.iter().filter_map(|no| {
            let now = play
                .claims_now(*no)
                .then(|| Arc::new(play.ledger.card(*no)));
            let is_bad = play.standing(*no).is_bad;
            let last = kept(play, *no).filter(|_| is_bad).cloned();
            let seat = if now.is_some() {
                Seat::Current
            } else {
                Seat::Kept
            };
            Some((*no, seat, now.or(last)?))
        });
        for (no, seat, card) in in_order(standing) {
            match table.take(no, seat, &card) {
                Err(loss) if seat == Seat::Current => {
                    self.losers.insert(card.path.clone(), loss);
                }
                // A bad file is reported anyway.
                Err(_) | Ok(()) => {}
            }
        }
        let spare = files
            .iter()
            .filter_map(|no| Some((*no, Seat::Kept, kept(play, *no)?.clone())));
        for (no, seat, card) in in_order(spare) {
            if !table.seats.contains_key(&no) {
                // A last good version that meets a holder stays out; its file is reported anyway.
                let _ = table.take(no, seat, &card);
            }
        }
        table.seats
    }
}

/// The last good version of a file, where it claims anything.
fn kept(play: &Play, no: FileNo) -> Option<&Arc<Card>> {
    play.kept(no).filter(|kept| kept.status.makes_claims())
}

/// By first publication, then by path without extension.
fn in_order(
    offers: impl Iterator<Item = (FileNo, Seat, Arc<Card>)>,
) -> Vec<(FileNo, Seat, Arc<Card>)> {
    let mut offers: Vec<_> = offers.collect();
    offers.sort_by(|(_, _, a), (_, _, b)| {
        let key = |card: &Card| -> (Timestamp, String, StorePath) {
            let path = &card.path;
            (card.published, path.stem().to_owned(), path.clone())
        };
        key(a).cmp(&key(b))
    });
    offers
}

/// Ids and URLs handed out so far.
#[derive(Default)]
struct Table {
    ids: HashMap<ArticleId, StorePath>,
    urls: HashMap<UrlHash, StorePath>,
    seats: HashMap<FileNo, Seat>,
}

impl Table {
    fn take(&mut self, no: FileNo, seat: Seat, card: &Card) -> Result<(), Loss> {
        if let Some(holder) = self.ids.get(&card.id) {
            return Err(Loss {
                by_id: true,
                holder: holder.clone(),
            });
        }
        if let Some(holder) = self.urls.get(&card.url) {
            return Err(Loss {
                by_id: false,
                holder: holder.clone(),
            });
        }
        self.ids.insert(card.id.clone(), card.path.clone());
        self.urls.insert(card.url, card.path.clone());
        self.seats.insert(no, seat);
        Ok(())
    }
}
