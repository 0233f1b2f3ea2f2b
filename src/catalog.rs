//! The index: which article stands in which channel, newest first, and when that changes next.
//!
//! It is fed with [`Changes`](crate::article::Changes)-like operations on single files and with the
//! clock, and answers each with what was [`Touched`]. Time is part of it: an article moves from
//! *pending* to *live* to *expired* when the clock passes its dates, exactly as if a file had
//! changed. It renders nothing and knows nothing of files beyond their paths.

mod claims;
mod members;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;

use crate::article::{
    Article, ArticleId, Diagnostic, Status, StorePath, Text, Timestamp, TopicId, WebUrl,
};
use crate::config::{Config, Declared};
use crate::document::{Channel, ChannelKind, Window};

use claims::Claims;
pub use claims::Offer;
pub use members::{Members, Rank};

/// Where an article stands in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its first publication is still to come.
    Pending,
    /// Visible.
    Live,
    /// It left at its `expires`.
    Expired,
    /// It was public and was withdrawn.
    Withdrawn,
    /// Never visible: a draft, withheld, or withdrawn or expired before it was published.
    Hidden,
}

impl Phase {
    /// Whether documents show or count it, or are dated by it.
    fn is_traced(self) -> bool {
        match self {
            Self::Live | Self::Expired | Self::Withdrawn => true,
            Self::Pending | Self::Hidden => false,
        }
    }
}

/// An article in play: it holds its id and its URL.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What is shown of it.
    pub article: Arc<Article>,
    /// Whether this is a last good version, its file being bad, missing or a duplicate now.
    pub is_kept: bool,
    /// Where it stands in time.
    pub phase: Phase,
    /// The channels it belongs to: the front, then its sections, stories and declared channels.
    pub channels: Vec<Channel>,
    /// The day of its first publication, in the publication's time zone.
    pub day: NaiveDate,
    /// Whether it may stand in sitemaps.
    pub is_listed: bool,
    /// Whether it may stand in news sitemaps, inside the 48 hours.
    pub is_news: bool,
    /// When it was withdrawn, by command or by its file.
    withdrawn: Option<Timestamp>,
    /// The next instant that changes something about it.
    deadline: Option<Timestamp>,
}

impl Entry {
    /// Its place in the order of every feed.
    #[must_use]
    pub fn rank(&self) -> Rank {
        Rank::new(self.article.published, self.article.id.clone())
    }

    /// When it left what documents cover, by expiry or withdrawal, as seen at `now`.
    #[must_use]
    pub fn left_at(&self, now: Timestamp) -> Option<Timestamp> {
        match self.phase {
            Phase::Expired => self.article.expires,
            // Seen from before a withdrawal by command (`--now`), it has just happened.
            Phase::Withdrawn => self.withdrawn.map(|when| when.min(now)),
            Phase::Pending | Phase::Live | Phase::Hidden => None,
        }
    }
}

/// What a change may have altered.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    /// Channels, each with the newest rank at which something happened.
    pub channels: BTreeMap<Channel, Rank>,
    /// Days of sitemaps.
    pub days: BTreeSet<NaiveDate>,
    /// News sitemaps.
    pub news: bool,
}

impl Touched {
    /// Whether nothing was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.days.is_empty() && !self.news
    }

    /// Adds what `other` touched.
    pub fn merge(&mut self, other: Self) {
        for (channel, rank) in other.channels {
            self.touch(&channel, &rank);
        }
        self.days.extend(other.days);
        self.news |= other.news;
    }

    fn touch(&mut self, channel: &Channel, rank: &Rank) {
        match self.channels.get_mut(channel) {
            Some(newest) if *newest <= *rank => {}
            Some(newest) => *newest = rank.clone(),
            None => {
                self.channels.insert(channel.clone(), rank.clone());
            }
        }
    }

    fn touch_entry(&mut self, entry: &Entry) {
        if !entry.phase.is_traced() {
            return;
        }
        let rank = entry.rank();
        for channel in &entry.channels {
            self.touch(channel, &rank);
        }
        if entry.is_listed {
            self.days.insert(entry.day);
        }
        self.news |= entry.is_news;
    }
}

/// The index over everything that is in play.
#[derive(Debug)]
pub struct Catalog {
    rules: Rules,
    now: Timestamp,
    claims: Claims,
    entries: HashMap<ArticleId, Entry>,
    channels: BTreeMap<Channel, Members>,
    days: BTreeMap<NaiveDate, Members>,
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
            if let Some((article, is_kept)) = outcome.enters {
                self.insert(article, is_kept, &mut touched);
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

    /// Moves the clock on. An instant before [`Catalog::now`] moves nothing.
    pub fn advance(&mut self, to: Timestamp) -> Touched {
        let mut touched = Touched::default();
        if to <= self.now {
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
            let (article, is_kept) = (Arc::clone(&entry.article), entry.is_kept);
            self.remove(id, touched);
            self.insert(article, is_kept, touched);
        }
    }

    fn insert(&mut self, article: Arc<Article>, is_kept: bool, touched: &mut Touched) {
        let by_command = self.withdrawals.get(&article.id).copied();
        let withdrawn = by_command.or_else(|| {
            (article.status == Status::Withdrawn).then(|| article.updated_at(self.now))
        });
        let mut entry = Entry {
            phase: phase(&article, withdrawn, self.now),
            channels: self.rules.channels_of(&article),
            day: self.rules.day_of(article.published),
            is_listed: self.rules.is_listed(&article),
            is_news: self.rules.is_news(&article),
            withdrawn,
            deadline: None,
            is_kept,
            article,
        };
        self.place(&mut entry);
        touched.touch_entry(&entry);
        self.entries.insert(entry.article.id.clone(), entry);
    }

    fn remove(&mut self, id: &ArticleId, touched: &mut Touched) {
        if let Some(entry) = self.entries.remove(id) {
            self.unplace(&entry);
            if let Some(deadline) = entry.deadline {
                self.deadlines.remove(&(deadline, id.clone()));
            }
            touched.touch_entry(&entry);
        }
    }

    /// Puts an entry into the sets of its phase and its next deadline into the calendar.
    fn place(&mut self, entry: &mut Entry) {
        entry.deadline = self.deadline(entry);
        if let Some(at) = entry.deadline {
            self.deadlines.insert((at, entry.article.id.clone()));
        }
        if !entry.phase.is_traced() {
            return;
        }
        let rank = entry.rank();
        for channel in &entry.channels {
            let members = self.channels.entry(channel.clone()).or_default();
            let newest = members.live.first().cloned();
            members.add(&rank, entry.phase);
            if entry.phase == Phase::Live
                && let Some(title) = given_title(&entry.article, channel)
            {
                members.titled.insert(rank.clone(), title.clone());
            }
            self.refresh(channel, newest.as_ref());
        }
        if entry.is_listed {
            self.days
                .entry(entry.day)
                .or_default()
                .add(&rank, entry.phase);
        }
    }

    fn unplace(&mut self, entry: &Entry) {
        if !entry.phase.is_traced() {
            return;
        }
        let rank = entry.rank();
        for channel in &entry.channels {
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

    /// A new title shows beside every article of the section or story, wherever that stands.
    fn touch_retitled(&mut self, touched: &mut Touched) {
        for channel in std::mem::take(&mut self.retitled) {
            let Some(members) = self.channels.get(&channel) else {
                continue;
            };
            for rank in &members.live {
                if let Some(entry) = self.entries.get(&rank.id) {
                    touched.touch_entry(entry);
                }
            }
        }
    }

    /// The next instant after now at which a document that shows or counts `entry` may change.
    fn deadline(&self, entry: &Entry) -> Option<Timestamp> {
        let article = &entry.article;
        let published = article.published;
        let floors = self.rules.floors.iter().map(|floor| published.plus(*floor));
        [
            Some(published),
            Some(article.updated),
            Some(published.plus(Window::NEWS_SECONDS)),
            article.expires,
            entry.withdrawn,
        ]
        .into_iter()
        .flatten()
        .chain(floors)
        .filter(|at| *at > self.now)
        .min()
    }
}

/// Where an article stands at `now`, given when it was withdrawn.
fn phase(article: &Article, withdrawn: Option<Timestamp>, now: Timestamp) -> Phase {
    let is_over = |at: Timestamp| article.expires.is_some_and(|expires| expires <= at);
    match withdrawn {
        // Only the withdrawal of something public leaves a trace.
        Some(when) if when < article.published => Phase::Hidden,
        Some(_) if article.published > now => Phase::Pending,
        Some(_) => Phase::Withdrawn,
        None if article.status != Status::Published || is_over(article.published) => Phase::Hidden,
        None if article.published > now => Phase::Pending,
        None if is_over(now) => Phase::Expired,
        None => Phase::Live,
    }
}

/// The title of a channel that nobody gives one: its id.
fn id_title(channel: &Channel) -> Option<Text> {
    channel.id().map(|id| Text::clean(id.as_str()).0)
}

/// The title an article gives for one of its sections or stories.
fn given_title<'a>(article: &'a Article, channel: &Channel) -> Option<&'a Text> {
    let (topics, id) = match channel {
        Channel::Section(id) => (&article.sections, id),
        Channel::Story(id) => (&article.stories, id),
        Channel::Front | Channel::Declared(_) => return None,
    };
    topics
        .iter()
        .find(|topic| topic.id == *id)
        .and_then(|topic| topic.title.as_ref())
}

/// What the configuration says about where an article belongs.
#[derive(Debug)]
struct Rules {
    publication_title: Text,
    zone: chrono_tz::Tz,
    feeds_url: WebUrl,
    cross_host: bool,
    exclude_sections: Vec<TopicId>,
    floors: Vec<i64>,
    declared: Vec<(Channel, Declared)>,
    declared_titles: HashMap<Channel, Option<Text>>,
}

impl Rules {
    fn of(config: &Config) -> Self {
        let declared: Vec<(Channel, Declared)> = [
            (&config.sections, Channel::Section as fn(_) -> _),
            (&config.stories, Channel::Story as fn(_) -> _),
            (&config.channels, Channel::Declared as fn(_) -> _),
        ]
        .into_iter()
        .flat_map(|(list, channel)| list.iter().map(move |d| (channel(d.id.clone()), d.clone())))
        .collect();
        let feeds = &config.feeds;
        let mut floors: Vec<i64> = [
            &feeds.front,
            &feeds.sections,
            &feeds.stories,
            &feeds.channels,
        ]
        .map(|settings| settings.floor)
        .to_vec();
        floors.sort_unstable();
        floors.dedup();
        Self {
            publication_title: config.publication.title.clone(),
            zone: config.publication.time_zone,
            feeds_url: config.publication.feeds_url.clone(),
            cross_host: config.cross_host,
            exclude_sections: config.exclude_sections.clone(),
            floors,
            declared_titles: declared
                .iter()
                .map(|(channel, declared)| (channel.clone(), declared.title.clone()))
                .collect(),
            declared,
        }
    }

    fn is_declared(&self, channel: &Channel) -> bool {
        self.declared_titles.contains_key(channel)
    }

    fn title(&self, channel: &Channel) -> Option<&Text> {
        self.declared_titles.get(channel)?.as_ref()
    }

    fn channels_of(&self, article: &Article) -> Vec<Channel> {
        let sections = article
            .sections
            .iter()
            .map(|s| Channel::Section(s.id.clone()));
        let stories = article.stories.iter().map(|s| Channel::Story(s.id.clone()));
        let mut channels: Vec<Channel> = std::iter::once(Channel::Front)
            .chain(sections)
            .chain(stories)
            .collect();
        for (channel, declared) in &self.declared {
            let collected = declared
                .matches
                .as_ref()
                .is_some_and(|matches| matches.holds(article));
            if collected && !channels.contains(channel) {
                channels.push(channel.clone());
            }
        }
        channels
    }

    fn day_of(&self, published: Timestamp) -> NaiveDate {
        published
            .to_datetime()
            .with_timezone(&self.zone)
            .date_naive()
    }

    fn is_listed(&self, article: &Article) -> bool {
        article.index && (self.cross_host || article.url.same_site(&self.feeds_url))
    }

    fn is_news(&self, article: &Article) -> bool {
        article.news
            && self.is_listed(article)
            && !article
                .sections
                .iter()
                .any(|section| self.exclude_sections.contains(&section.id))
    }
}
