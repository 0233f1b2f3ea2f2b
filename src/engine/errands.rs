//! Whom to tell of what is published: feeds whose bytes change, articles that are new, changed or
//! gone.
//!
//! An errand is remembered together with what it is about, before that is published, and handed
//! over only once it is: a crash in between forgets none. What is remembered and not done is handed
//! over after the first publication of the next run.

use std::collections::{BTreeMap, BTreeSet};

use super::{Engine, Memory, Rendered};
use crate::article::{ArticleId, Timestamp, WebUrl};
use crate::catalog::{Entry, Phase};
use crate::config::Config;
use crate::document::{DocumentKey, Errand, Handover, Owed};
use crate::files::Card;

/// So many errands wait at most for one receiver.
const WAITING_MAX: usize = 10_000;
/// More pages than this at once are no news but a mass change, and search engines are not told.
const PAGES_MAX: usize = 1_000;
/// Seconds that count as at once: a mass change may be seen in parts.
const AT_ONCE: i64 = 60;

/// What search engines could see of articles before they were touched.
type Before = BTreeMap<ArticleId, Option<Card>>;

/// Seconds that a page rests before it is told of again (indexnow.org, FAQ: ten minutes).
const REST: i64 = 600;

/// The errands that are not done.
#[derive(Debug, Default)]
pub(super) struct Errands {
    waiting: BTreeMap<Errand, Owed>,
    /// What was touched in the step that is being taken.
    stirred: Before,
    /// How many wait for each hub, and for search engines.
    counts: BTreeMap<Option<WebUrl>, usize>,
    /// Those whose publication is not known to be done.
    fresh: BTreeSet<Errand>,
    forgotten: BTreeSet<Errand>,
    /// When pages were last told of, as long as they rest.
    rested: BTreeMap<Errand, Timestamp>,
    next_turn: u64,
    /// When the pages of now began to change, how many have, and their first turn.
    burst: (Option<Timestamp>, usize, u64),
    spared: usize,
    overflow: usize,
    /// Nothing was published yet that could have changed.
    is_first: bool,
    /// Files are read in another way than before: what is found to differ has not changed.
    is_reread: bool,
    /// What is published is not for the public.
    is_quiet: bool,
}

impl Errands {
    /// What earlier runs left undone, as far as `config` still wants it; the rest is forgotten.
    pub(super) fn new(memory: &mut Memory, config: &Config) -> Self {
        let waiting = std::mem::take(&mut memory.errands);
        let (waiting, unwanted): (BTreeMap<_, _>, BTreeMap<_, _>) =
            waiting.into_iter().partition(|(errand, _)| match errand {
                Errand::Topic { hub, .. } => config.announce.hubs.contains(hub),
                Errand::Page { .. } => config.announce.indexnow_key.is_some(),
            });
        let mut counts = BTreeMap::new();
        for errand in waiting.keys() {
            *counts.entry(receiver(errand)).or_default() += 1;
        }
        Self {
            counts,
            fresh: waiting.keys().cloned().collect(),
            forgotten: unwanted.into_keys().collect(),
            next_turn: waiting
                .values()
                .map(|owed| owed.turn + 1)
                .max()
                .unwrap_or(0),
            waiting,
            rested: std::mem::take(&mut memory.rested),
            is_first: memory.seen_at.is_none(),
            is_reread: memory.reading != config.reading_fingerprint(),
            ..Self::default()
        }
    }

    /// What was not wanted any more when it was remembered.
    pub(super) fn unwanted(&self) -> &BTreeSet<Errand> {
        &self.forgotten
    }

    fn add(&mut self, errand: Errand, since: Timestamp) {
        let is_known = self.waiting.contains_key(&errand);
        let count = self.counts.entry(receiver(&errand)).or_default();
        if !is_known && *count >= WAITING_MAX {
            self.overflow += 1;
            return;
        }
        *count += usize::from(!is_known);
        let rested = self.rested.get(&errand);
        let since = rested.map_or(since, |told| since.max(told.plus(REST)));
        let turn = self.next_turn;
        self.next_turn += 1;
        self.forgotten.remove(&errand);
        self.fresh.insert(errand.clone());
        self.waiting.insert(errand, Owed { since, turn });
    }

    fn remove(&mut self, errand: &Errand) {
        if self.waiting.remove(errand).is_some()
            && let Some(count) = self.counts.get_mut(&receiver(errand))
        {
            *count -= 1;
        }
        self.fresh.remove(errand);
    }

    /// Takes back what `is_meant`, wherever it is by now.
    fn forget(&mut self, is_meant: impl Fn(&Errand, &Owed) -> bool) -> Vec<Errand> {
        let waiting = self.waiting.iter();
        let meant = waiting.filter(|(errand, owed)| is_meant(errand, owed));
        let meant: Vec<Errand> = meant.map(|(errand, _)| errand.clone()).collect();
        for errand in &meant {
            self.remove(errand);
            self.forgotten.insert(errand.clone());
        }
        meant
    }
}

/// The hub that is told, or none for search engines.
fn receiver(errand: &Errand) -> Option<WebUrl> {
    match errand {
        Errand::Topic { hub, .. } => Some(hub.clone()),
        Errand::Page { .. } => None,
    }
}

fn is_page(errand: &Errand) -> bool {
    matches!(errand, Errand::Page { .. })
}

impl Engine {
    /// Nobody is told of anything: what is published is not for the public.
    pub fn keep_quiet(&mut self) {
        self.errands.is_quiet = true;
    }

    /// Everything that is owed to others, published or about to be.
    #[must_use]
    pub fn errands(&self) -> &BTreeMap<Errand, Owed> {
        &self.errands.waiting
    }

    /// What has to be done now that everything is published.
    pub fn hand_over(&mut self) -> Handover {
        if self.errands.is_quiet {
            return Handover::default();
        }
        let errands = &mut self.errands;
        let fresh = std::mem::take(&mut errands.fresh).into_iter();
        let owed = |errand: Errand| Some((errand.clone(), *errands.waiting.get(&errand)?));
        Handover {
            errands: fresh.filter_map(owed).collect(),
            forgotten: std::mem::take(&mut errands.forgotten).into_iter().collect(),
            spared: std::mem::take(&mut errands.spared),
            overflow: std::mem::take(&mut errands.overflow),
        }
    }

    /// When pages were last told of, as long as they rest.
    #[must_use]
    pub fn rested(&self) -> &BTreeMap<Errand, Timestamp> {
        &self.errands.rested
    }

    /// These errands are done at `now`, where nothing has changed since the turn they were for.
    pub fn told(&mut self, done: Vec<(Errand, u64)>, now: Timestamp) {
        let is_over = |told: &Timestamp| told.plus(REST) <= now;
        let over = self.errands.rested.iter().filter(|(_, told)| is_over(told));
        self.unsaved
            .errands
            .extend(over.map(|(errand, _)| errand.clone()));
        self.errands.rested.retain(|_, told| !is_over(told));
        for (errand, turn) in done {
            if is_page(&errand) {
                self.errands.rested.insert(errand.clone(), now);
                self.unsaved.errands.insert(errand.clone());
            }
            let is_of = |owed: &Owed| owed.turn == turn;
            if self.errands.waiting.get(&errand).is_some_and(is_of) {
                self.errands.remove(&errand);
                self.unsaved.errands.insert(errand);
            }
        }
    }

    /// Owes hubs the feeds of `rendered`, which is about to be published.
    pub fn owe_topics(&mut self, rendered: &Rendered) {
        if self.is_silent() || self.config.announce.hubs.is_empty() {
            return;
        }
        let now = self.catalog.now();
        let channels = rendered.feeds.iter().map(|plan| &plan.channel);
        let keys = channels.flat_map(|channel| {
            let formats = self.config.feeds.of(channel.kind()).formats.iter();
            formats.map(|format| DocumentKey::Feed(channel.clone(), *format))
        });
        let is_new = |key: &DocumentKey| {
            let path = key.path();
            let made = rendered.fingerprints.get(&path);
            made.is_some() && made != self.manifest.get(&path)
        };
        let topics: Vec<DocumentKey> = keys.filter(is_new).collect();
        for topic in topics {
            for hub in &self.config.announce.hubs {
                let errand = Errand::Topic {
                    hub: hub.clone(),
                    topic: topic.clone(),
                };
                self.unsaved.errands.insert(errand.clone());
                self.errands.add(errand, now);
            }
        }
    }

    /// Notes what pages were before they were touched.
    pub(super) fn stir(&mut self, before: Before) {
        for (id, before) in before {
            self.errands.stirred.entry(id).or_insert(before);
        }
    }

    /// Owes search engines the pages that are not what they were before the step that ends here.
    pub(super) fn owe_pages(&mut self) {
        let before = std::mem::take(&mut self.errands.stirred);
        let is_reread = self.errands.is_reread;
        if self.is_silent() || is_reread || self.config.announce.indexnow_key.is_none() {
            return;
        }
        let mut pages = Vec::new();
        let mut embargoed = BTreeSet::new();
        for (id, before) in before {
            let entry = self.catalog.entry(&id);
            if entry
                .as_ref()
                .is_some_and(|entry| entry.phase == Phase::Pending)
            {
                embargoed.insert(id);
                continue;
            }
            let after = entry.as_ref().and_then(Entry::page);
            for url in self.changed(before.as_ref(), after) {
                // One key stands for one host.
                if url.same_host(&self.config.publication.url) {
                    pages.push(Errand::Page {
                        id: id.clone(),
                        url,
                    });
                }
            }
        }
        // Whatever was to be told of them: they are under embargo now.
        let is_of = |errand: &Errand, _: &Owed| match errand {
            Errand::Page { id, .. } => embargoed.contains(id),
            Errand::Topic { .. } => false,
        };
        self.forget_errands(is_of);
        self.add_pages(pages);
    }

    fn add_pages(&mut self, pages: Vec<Errand>) {
        if pages.is_empty() {
            return;
        }
        let now = self.catalog.now();
        let next = self.errands.next_turn;
        let (since, count, first) = &mut self.errands.burst;
        if since.is_none_or(|since| now >= since.plus(AT_ONCE)) {
            (*since, *count, *first) = (Some(now), 0, next);
        }
        *count += pages.len();
        if *count > PAGES_MAX {
            self.errands.spared += pages.len();
            let first = *first;
            let is_of = |errand: &Errand, owed: &Owed| is_page(errand) && owed.turn >= first;
            self.errands.spared += self.forget_errands(is_of);
            return;
        }
        for errand in pages {
            self.unsaved.errands.insert(errand.clone());
            self.errands.add(errand, now);
        }
    }

    /// Takes back what `is_meant`; says how many that are.
    fn forget_errands(&mut self, is_meant: impl Fn(&Errand, &Owed) -> bool) -> usize {
        let forgotten = self.errands.forget(is_meant);
        let count = forgotten.len();
        self.unsaved.errands.extend(forgotten);
        count
    }

    /// Forgets the feeds that are not published any more.
    pub(super) fn forget_topics(&mut self, retired: &[String]) {
        if retired.is_empty() {
            return;
        }
        let is_of = |errand: &Errand, _: &Owed| match errand {
            Errand::Topic { topic, .. } => retired.contains(&topic.path()),
            Errand::Page { .. } => false,
        };
        self.forget_errands(is_of);
    }

    /// Something is published, and from now on it can change.
    pub(super) fn begin_to_tell(&mut self) {
        self.errands.is_first = false;
        self.errands.is_reread = false;
    }

    fn is_silent(&self) -> bool {
        self.errands.is_quiet || self.errands.is_first
    }
}

impl Engine {
    /// The URLs whose pages are not what they were.
    fn changed(&self, before: Option<&Card>, after: Option<&Card>) -> Vec<WebUrl> {
        let cards = match (before, after) {
            (Some(before), Some(after)) if before.content == after.content => Vec::new(),
            (Some(before), Some(after)) if before.url == after.url => vec![after],
            (before, after) => before.into_iter().chain(after).collect(),
        };
        // A page whose URL cannot be read any more cannot be named to anyone.
        let urls = cards.into_iter().filter_map(|card| self.article(card).ok());
        urls.map(|article| article.url.clone()).collect()
    }
}
