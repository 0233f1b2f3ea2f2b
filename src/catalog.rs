//! The index: which article stands in which channel, newest first, and when that changes next.
//!
//! It is fed with [`Changes`](crate::files::Changes)-like operations on single files and with the
//! clock, and answers each with what was [`Touched`]. Time is part of it: an article moves from
//! *pending* to *live* to *expired* when the clock passes its dates, exactly as if a file had
//! changed. It renders nothing and knows nothing of files beyond their paths.

mod claims;
mod entry;
mod intake;
mod members;
mod rules;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;

use crate::article::{ArticleId, Diagnostic, Status, StorePath, Text, Timestamp, TopicId};
use crate::config::Config;
use crate::document::{Channel, ChannelKind, Window};
use crate::files::{Card, UrlHash};

use claims::Claims;
pub use claims::Offer;
use entry::phase;
pub use entry::{Entry, Phase, Touched};
pub use intake::Intake;
pub use members::{Members, Rank};
use rules::{Rules, id_title};

/// The index over everything that is in play.
#[derive(Debug)]
pub struct Catalog {
    rules: Rules,
    now: Timestamp,
    claims: Claims,
    entries: HashMap<ArticleId, Entry>,
    channels: BTreeMap<Channel, Members>,
    days: BTreeMap<NaiveDate, Members>,
    news: Members,
    stories_by_date: BTreeSet<(Reverse<Timestamp>, TopicId)>,
    deadlines: BTreeSet<(Timestamp, ArticleId)>,
    withdrawals: BTreeMap<ArticleId, Timestamp>,
    titles: HashMap<Channel, Text>,
    retitled: HashSet<Channel>,
}

impl Catalog {
    /// An empty catalog at `now`, under the rules of `config` and the withdrawals by command.
    #[must_use]
    pub fn new(
        config: &Config,
        withdrawals: BTreeMap<ArticleId, Timestamp>,
        now: Timestamp,
    ) -> Self {
        let rules = Rules::of(config);
        let mut channels = BTreeMap::from([(Channel::Front, Members::default())]);
        channels.extend(
            rules
                .declared
                .iter()
                .map(|(channel, _)| (channel.clone(), Members::default())),
        );
        Self {
            rules,
            now,
            claims: Claims::default(),
            entries: HashMap::new(),
            days: BTreeMap::new(),
            news: Members::default(),
            stories_by_date: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            withdrawals,
            titles: channels
                .keys()
                .filter_map(|channel| Some((channel.clone(), id_title(channel)?)))
                .collect(),
            channels,
            retitled: HashSet::new(),
        }
    }

    /// The instant everything here is seen at.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Sets what files say now and their last good versions, and settles who holds the ids and
    /// URLs concerned.
    pub fn set(&mut self, offers: Vec<Offer>) -> Touched {
        let outcomes = self.claims.set(offers);
        let mut touched = Touched::default();
        // All that leave go first: an id that moves between files is taken out before it comes in.
        for outcome in &outcomes {
            if let Some(id) = &outcome.leaves {
                self.remove(id, &mut touched);
            }
        }
        for outcome in outcomes {
            if let Some((card, is_kept)) = outcome.enters {
                self.insert(card, is_kept, &mut touched);
            }
        }
        self.touch_retitled(&mut touched);
        touched
    }

    /// Withdraws an article by command at `when`, or takes the withdrawal back with `None`.
    pub fn set_withdrawal(&mut self, id: &ArticleId, when: Option<Timestamp>) -> Touched {
        match when {
            Some(when) => self.withdrawals.insert(id.clone(), when),
            None => self.withdrawals.remove(id),
        };
        let mut touched = Touched::default();
        self.replace(id, &mut touched);
        self.touch_retitled(&mut touched);
        touched
    }

    /// Moves the clock: on, or back where it had run ahead and nothing was published since.
    pub fn advance(&mut self, to: Timestamp) -> Touched {
        let mut touched = Touched::default();
        if to < self.now {
            self.go_back(to, &mut touched);
            return touched;
        }
        self.now = to;
        while let Some((at, _)) = self.deadlines.first()
            && *at <= to
        {
            let Some((_, id)) = self.deadlines.pop_first() else {
                break;
            };
            self.replace(&id, &mut touched);
        }
        self.touch_retitled(&mut touched);
        touched
    }

    /// Puts everything back where it stood at `to`.
    fn go_back(&mut self, to: Timestamp, touched: &mut Touched) {
        self.now = to;
        let has_moved = |entry: &&Entry| self.deadline(entry) != entry.deadline;
        let moved: Vec<ArticleId> = self
            .entries
            .values()
            .filter(has_moved)
            .map(|entry| entry.card.id.clone())
            .collect();
        for id in moved {
            self.replace(&id, touched);
        }
        self.touch_retitled(touched);
    }

    /// The next instant at which something changes without any change of content.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The article in play under `id`.
    #[must_use]
    pub fn entry(&self, id: &ArticleId) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// The article in play that is read from the file or at the URL `name`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Entry> {
        let url = UrlHash::of(name);
        let mut entries = self.entries.values();
        entries.find(|entry| entry.card.path.as_str() == name || entry.card.url == url)
    }

    /// How many articles are in play.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every article in play, in no order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// What is in play from the file at `path`.
    #[must_use]
    pub fn in_play(&self, path: &StorePath) -> Option<&Entry> {
        self.claims.holder(path).and_then(|id| self.entries.get(id))
    }

    /// Whether the file at `path` says something that lost its id or URL to another file.
    #[must_use]
    pub fn is_duplicate(&self, path: &StorePath) -> bool {
        self.claims.is_loser(path)
    }

    /// A fault for every file whose id or URL another file holds, by path.
    #[must_use]
    pub fn duplicates(&self) -> Vec<Diagnostic> {
        self.claims.duplicates()
    }

    /// Whether some file that is there claims `id`.
    #[must_use]
    pub fn is_claimed(&self, id: &ArticleId) -> bool {
        self.claims.is_claimed(id)
    }

    /// The members of a channel, where it exists now: declared, or named by an article that is
    /// visible or withdrawn.
    #[must_use]
    pub fn members(&self, channel: &Channel) -> Option<&Members> {
        let members = self.channels.get(channel)?;
        let exists = *channel == Channel::Front
            || self.rules.is_declared(channel)
            || !members.live.is_empty()
            || !members.withdrawn.is_empty();
        exists.then_some(members)
    }

    /// Every channel that exists now, in the order of [`Channel`].
    pub fn channels(&self) -> impl Iterator<Item = (&Channel, &Members)> {
        self.channels
            .keys()
            .filter_map(|channel| Some((channel, self.members(channel)?)))
    }

    /// Sitemap members by day, oldest day first.
    #[must_use]
    pub fn days(&self) -> &BTreeMap<NaiveDate, Members> {
        &self.days
    }

    /// Articles that may stand in news sitemaps, or did.
    #[must_use]
    pub fn news(&self) -> &Members {
        &self.news
    }

    /// Every declared section, story and channel, each in the order of the configuration.
    pub fn declared(&self) -> impl Iterator<Item = &Channel> {
        self.rules.declared.iter().map(|(channel, _)| channel)
    }

    /// The stories with visible articles, the one with the newest article first.
    pub fn stories_by_date(&self) -> impl Iterator<Item = &Channel> {
        self.stories_by_date.iter().filter_map(|(_, id)| {
            let story = Channel::Story(id.clone());
            self.channels
                .get_key_value(&story)
                .map(|(channel, _)| channel)
        })
    }

    /// A channel's title: from the configuration, else from the newest visible article that gives
    /// one, else its id. The front's is the publication's.
    #[must_use]
    pub fn title(&self, channel: &Channel) -> &Text {
        self.rules
            .title(channel)
            .or_else(|| self.titles.get(channel))
            .unwrap_or(&self.rules.publication_title)
    }

    /// Takes an entry out and puts it in again as it stands now.
    fn replace(&mut self, id: &ArticleId, touched: &mut Touched) {
        if let Some(entry) = self.entries.get(id) {
            let (card, is_kept) = (Arc::clone(&entry.card), entry.is_kept);
            self.remove(id, touched);
            self.insert(card, is_kept, touched);
        }
    }

    fn insert(&mut self, card: Arc<Card>, is_kept: bool, touched: &mut Touched) {
        let by_command = self.withdrawals.get(&card.id).copied();
        let withdrawn = by_command
            .or_else(|| (card.status == Status::Withdrawn).then(|| card.updated_at(self.now)));
        let mut entry = Entry {
            phase: phase(&card, withdrawn, self.now),
            day: self.rules.day_of(card.published),
            withdrawn,
            deadline: None,
            is_kept,
            card,
        };
        self.place(&mut entry);
        touched.touch_entry(&entry);
        if self.rules.tells_pages {
            touched.touch_page(&entry.card.id, None);
        }
        self.entries.insert(entry.card.id.clone(), entry);
    }

    fn remove(&mut self, id: &ArticleId, touched: &mut Touched) {
        if let Some(entry) = self.entries.remove(id) {
            self.unplace(&entry);
            if let Some(deadline) = entry.deadline {
                self.deadlines.remove(&(deadline, id.clone()));
            }
            touched.touch_entry(&entry);
            if self.rules.tells_pages {
                touched.touch_page(id, Some(&entry));
            }
        }
    }

    /// Puts an entry into the sets of its phase and its next deadline into the calendar.
    fn place(&mut self, entry: &mut Entry) {
        entry.deadline = self.deadline(entry);
        if let Some(at) = entry.deadline {
            self.deadlines.insert((at, entry.card.id.clone()));
        }
        if !entry.phase.is_traced() {
            return;
        }
        let rank = entry.rank();
        for (channel, title) in &entry.card.belonging.0 {
            let members = self.channels.entry(channel.clone()).or_default();
            let newest = members.live.first().cloned();
            members.add(&rank, entry.phase);
            if entry.phase == Phase::Live
                && let Some(title) = title
            {
                members.titled.insert(rank.clone(), title.clone());
            }
            self.refresh(channel, newest.as_ref());
        }
        if entry.card.is_listed {
            self.days
                .entry(entry.day)
                .or_default()
                .add(&rank, entry.phase);
        }
        if entry.card.is_news {
            self.news.add(&rank, entry.phase);
        }
    }

    fn unplace(&mut self, entry: &Entry) {
        if !entry.phase.is_traced() {
            return;
        }
        let rank = entry.rank();
        for channel in entry.card.belonging.channels() {
            let Some(members) = self.channels.get_mut(channel) else {
                continue;
            };
            let newest = members.live.first().cloned();
            members.remove(&rank);
            self.refresh(channel, newest.as_ref());
            if self.channels.get(channel).is_some_and(Members::is_empty)
                && *channel != Channel::Front
                && !self.rules.is_declared(channel)
            {
                self.channels.remove(channel);
                self.titles.remove(channel);
            }
        }
        self.news.remove(&rank);
        if let Some(members) = self.days.get_mut(&entry.day) {
            members.remove(&rank);
            if members.is_empty() {
                self.days.remove(&entry.day);
            }
        }
    }

    /// Brings a channel's title and, for a story, its place among the stories up to date.
    fn refresh(&mut self, channel: &Channel, newest_before: Option<&Rank>) {
        let (Some(members), Some(id)) = (self.channels.get(channel), channel.id()) else {
            return;
        };
        let given = members
            .titled
            .first_key_value()
            .map(|(_, title)| title.clone());
        let Some(title) = given.or_else(|| id_title(channel)) else {
            return;
        };
        if self.titles.get(channel) != Some(&title) {
            let is_shown = self.rules.title(channel).is_none();
            if self.titles.insert(channel.clone(), title).is_some() && is_shown {
                self.retitled.insert(channel.clone());
            }
        }
        if channel.kind() == ChannelKind::Story {
            let newest = members.live.first();
            if newest != newest_before {
                let as_story = |rank: &Rank| (Reverse(rank.published()), id.clone());
                if let Some(before) = newest_before {
                    self.stories_by_date.remove(&as_story(before));
                }
                if let Some(now) = newest {
                    self.stories_by_date.insert(as_story(now));
                }
            }
        }
    }

    /// A new title shows beside every article of the section or story, in every feed of it.
    fn touch_retitled(&mut self, touched: &mut Touched) {
        for channel in std::mem::take(&mut self.retitled) {
            let Some(members) = self.channels.get(&channel) else {
                continue;
            };
            for rank in &members.live {
                let entry = self.entries.get(&rank.id);
                for channel in entry.into_iter().flat_map(|e| e.card.belonging.channels()) {
                    touched.touch(channel, rank);
                }
            }
        }
    }

    /// The next instant after now at which a document that shows or counts `entry` may change.
    fn deadline(&self, entry: &Entry) -> Option<Timestamp> {
        let card = &entry.card;
        let published = card.published;
        let floors = self.rules.floors.iter().map(|floor| published.plus(*floor));
        [
            Some(published),
            Some(card.updated),
            Some(published.plus(Window::NEWS_SECONDS)),
            card.expires,
            entry.withdrawn,
        ]
        .into_iter()
        .flatten()
        .chain(floors)
        .filter(|at| *at > self.now)
        .min()
    }
}
