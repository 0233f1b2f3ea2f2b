//! Who holds an id and a URL when several files claim them.
//!
//! The one published earlier stays, then the smaller store path without extension. A bad file holds
//! what its last good version held; other last good versions come after what any file says now. Drafts and withheld articles claim nothing. A change is
//! settled among the files that share an id or URL with it, directly or through others, and no more.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::article::{ArticleId, Diagnostic, Place, Severity, StorePath, Timestamp};
use crate::files::{Card, UrlHash};

/// The claims of every file.
#[derive(Debug, Default)]
pub(super) struct Claims {
    files: HashMap<StorePath, Claim>,
    by_id: HashMap<ArticleId, BTreeSet<StorePath>>,
    by_url: HashMap<UrlHash, BTreeSet<StorePath>>,
    losers: BTreeMap<StorePath, Loss>,
}

/// What one file offers, and what of it is in play.
#[derive(Debug, Default)]
struct Claim {
    current: Option<Arc<Card>>,
    kept: Option<Arc<Card>>,
    is_bad: bool,
    in_play: Option<(Arc<Card>, bool)>,
}

/// What the file at a path offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The file.
    pub path: StorePath,
    /// What it says now; `None` where that is nothing, bad, or the file is gone.
    pub current: Option<Arc<Card>>,
    /// Its last good version, where one is kept.
    pub kept: Option<Arc<Card>>,
    /// The file is there and bad: what is kept of it holds its id and URL as if it were good.
    pub is_bad: bool,
}

/// Why a file lost.
#[derive(Debug, PartialEq, Eq)]
struct Loss {
    by_id: bool,
    holder: StorePath,
}

/// What a settlement changes for one file.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The id that was in play from it and no longer is.
    pub(super) leaves: Option<ArticleId>,
    /// The article that is in play from it now, and whether it is a last good version.
    pub(super) enters: Option<(Arc<Card>, bool)>,
}

impl Claims {
    /// Sets what files offer and settles everything that hangs together with them, each group of
    /// files once however many of its members changed.
    pub(super) fn set(&mut self, offers: Vec<Offer>) -> Vec<Outcome> {
        let paths: Vec<StorePath> = offers.iter().map(|offer| offer.path.clone()).collect();
        // Those that shared a claim with the old version may win it now.
        let mut dirty = self.group_of(&paths);
        for offer in offers {
            self.unregister(&offer.path);
            let claim = self.files.entry(offer.path.clone()).or_default();
            claim.current = offer.current.filter(|card| card.makes_claims());
            claim.kept = offer.kept.filter(|card| card.makes_claims());
            claim.is_bad = offer.is_bad;
            self.register(&offer.path);
        }
        dirty.extend(self.group_of(&paths));
        let outcomes = self.settle(&dirty);
        for path in &paths {
            if self.files.get(path).is_some_and(Claim::is_empty) {
                self.files.remove(path);
            }
        }
        outcomes
    }

    /// The id in play from the file at `path`.
    pub(super) fn holder(&self, path: &StorePath) -> Option<&ArticleId> {
        let (card, _) = self.files.get(path)?.in_play.as_ref()?;
        Some(&card.id)
    }

    /// Whether what the file says now lost its id or URL.
    pub(super) fn is_loser(&self, path: &StorePath) -> bool {
        self.losers.contains_key(path)
    }

    /// Whether what some file says now claims `id`.
    pub(super) fn is_claimed(&self, id: &ArticleId) -> bool {
        self.by_id.get(id).is_some_and(|paths| {
            paths.iter().any(|path| {
                self.files
                    .get(path)
                    .and_then(|claim| claim.current.as_ref())
                    .is_some_and(|card| card.id == *id)
            })
        })
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

    /// The files that share an id or URL with `paths`, directly or through others, themselves
    /// included. Each id and URL is followed once, so a thousand copies cost a thousand steps.
    fn group_of(&self, paths: &[StorePath]) -> BTreeSet<StorePath> {
        let mut group: BTreeSet<StorePath> = paths.iter().cloned().collect();
        let mut open: Vec<StorePath> = paths.to_vec();
        let mut ids: HashSet<&ArticleId> = HashSet::new();
        let mut urls: HashSet<UrlHash> = HashSet::new();
        while let Some(next) = open.pop() {
            for card in self.files.get(&next).into_iter().flat_map(Claim::offers) {
                let same_id = ids
                    .insert(&card.id)
                    .then(|| self.by_id.get(&card.id))
                    .flatten();
                let same_url = urls
                    .insert(card.url)
                    .then(|| self.by_url.get(&card.url))
                    .flatten();
                for other in [same_id, same_url].into_iter().flatten().flatten() {
                    if group.insert(other.clone()) {
                        open.push(other.clone());
                    }
                }
            }
        }
        group
    }

    fn register(&mut self, path: &StorePath) {
        let Some(claim) = self.files.get(path) else {
            return;
        };
        for card in claim.offers() {
            let ids = self.by_id.entry(card.id.clone()).or_default();
            ids.insert(path.clone());
            let urls = self.by_url.entry(card.url).or_default();
            urls.insert(path.clone());
        }
    }

    fn unregister(&mut self, path: &StorePath) {
        let Some(claim) = self.files.get(path) else {
            return;
        };
        for card in claim.offers() {
            if let Some(paths) = self.by_id.get_mut(&card.id) {
                paths.remove(path);
                if paths.is_empty() {
                    self.by_id.remove(&card.id);
                }
            }
            if let Some(paths) = self.by_url.get_mut(&card.url) {
                paths.remove(path);
                if paths.is_empty() {
                    self.by_url.remove(&card.url);
                }
            }
        }
    }

    /// Decides who holds what among `group`, which holds everything it shares a claim with, and says
    /// what that changes.
    fn settle(&mut self, group: &BTreeSet<StorePath>) -> Vec<Outcome> {
        let mut table = Table::default();
        let mut losses = BTreeMap::new();
        for (path, card) in self.in_order(group, Claim::standing) {
            let is_kept = self.files.get(&path).is_some_and(|c| c.current.is_none());
            match table.take(&path, &card, is_kept) {
                Err(loss) if !is_kept => drop(losses.insert(path, loss)),
                // A bad file is reported anyway.
                Err(_) | Ok(()) => {}
            }
        }
        for (path, card) in self.in_order(group, |claim| claim.kept.as_ref()) {
            if !table.seats.contains_key(&path) {
                // A last good version that meets a holder stays out; its file is reported anyway.
                let _ = table.take(&path, &card, true);
            }
        }
        let mut outcomes = Vec::new();
        for path in group {
            self.losers.remove(path);
            if let Some(loss) = losses.remove(path) {
                self.losers.insert(path.clone(), loss);
            }
            let seat = table.seats.remove(path);
            let Some(claim) = self.files.get_mut(path) else {
                continue;
            };
            if claim.in_play == seat {
                continue;
            }
            outcomes.push(Outcome {
                leaves: claim.in_play.take().map(|(card, _)| card.id.clone()),
                enters: seat.clone(),
            });
            claim.in_play = seat;
        }
        outcomes
    }

    fn in_order(
        &self,
        group: &BTreeSet<StorePath>,
        offer: impl Fn(&Claim) -> Option<&Arc<Card>>,
    ) -> Vec<(StorePath, Arc<Card>)> {
        let mut offers: Vec<(StorePath, Arc<Card>)> = group
            .iter()
            .filter_map(|path| Some((path.clone(), Arc::clone(offer(self.files.get(path)?)?))))
            .collect();
        offers.sort_by(|(a_path, a), (b_path, b)| {
            let key = |path: &StorePath, published: Timestamp| {
                (published, path.stem().to_owned(), path.clone())
            };
            key(a_path, a.published).cmp(&key(b_path, b.published))
        });
        offers
    }
}

impl Claim {
    fn offers(&self) -> impl Iterator<Item = &Arc<Card>> {
        self.current.iter().chain(self.kept.iter())
    }

    /// What the file says now, or said last where it is bad.
    fn standing(&self) -> Option<&Arc<Card>> {
        let kept = self.kept.as_ref().filter(|_| self.is_bad);
        self.current.as_ref().or(kept)
    }

    fn is_empty(&self) -> bool {
        self.current.is_none() && self.kept.is_none() && self.in_play.is_none()
    }
}

/// Ids and URLs handed out so far.
#[derive(Default)]
struct Table {
    ids: HashMap<ArticleId, StorePath>,
    urls: HashMap<UrlHash, StorePath>,
    seats: HashMap<StorePath, (Arc<Card>, bool)>,
}

impl Table {
    fn take(&mut self, path: &StorePath, card: &Arc<Card>, kept: bool) -> Result<(), Loss> {
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
        self.ids.insert(card.id.clone(), path.clone());
        self.urls.insert(card.url, path.clone());
        self.seats.insert(path.clone(), (Arc::clone(card), kept));
        Ok(())
    }
}
