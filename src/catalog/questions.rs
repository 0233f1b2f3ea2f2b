//! What can be asked of the index: who is in play, in which lists, in what order.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::play::Seat;
use super::{Catalog, ChannelState, Entry, Members, Phase, Rank, Ranks};
use crate::article::{ArticleId, ContentHash, Diagnostic, StorePath, Text, Timestamp};
use crate::document::Channel;
use crate::files::{FileNo, UrlHash};

impl Catalog {
    /// The file whose article is in play under `id`.
    #[must_use]
    pub fn find(&self, id: &ArticleId) -> Option<FileNo> {
        let mut files = self.claims.with_id(&self.play, id.as_str());
        files.find(|no| self.is_in_play(*no) && self.play.id(*no) == id.as_str())
    }

    /// The article in play under `id`.
    #[must_use]
    pub fn entry(&self, id: &ArticleId) -> Option<Entry> {
        self.entry_of(self.find(id)?)
    }

    /// The article in play from a file.
    #[must_use]
    pub fn entry_of(&self, no: FileNo) -> Option<Entry> {
        let standing = self.play.standing(no);
        (standing.seat != Seat::Out).then(|| Entry {
            no,
            card: self.play.card(no),
            is_kept: standing.seat == Seat::Kept,
            phase: standing.phase,
            day: self.rules.day_of(self.play.published(no)),
            left_at: self.left_at(no),
        })
    }

    /// The article in play that is read from the file or at the URL `name`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Entry> {
        let by_path = self.play.ledger.find(&StorePath::new(name));
        let by_path = by_path.filter(|no| self.is_in_play(*no));
        let no = by_path.or_else(|| self.at_url(UrlHash::of(name)))?;
        self.entry_of(no)
    }

    /// The file whose article is in play at `url`.
    #[must_use]
    pub fn at_url(&self, url: UrlHash) -> Option<FileNo> {
        let mut files = self.claims.with_url(&self.play, url);
        files.find(|no| self.is_in_play(*no) && self.play.url(*no) == url)
    }

    /// How many articles are in play.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Every article in play, in no order.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.play.iter().filter_map(|no| self.entry_of(no))
    }

    /// What is in play from the file at `path`.
    #[must_use]
    pub fn in_play(&self, path: &StorePath) -> Option<Entry> {
        self.entry_of(self.play.ledger.find(path)?)
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
        self.claims.is_claimed(&self.play, id)
    }

    /// The members of a channel, where it exists now: declared, or named by an article that is
    /// visible or withdrawn.
    #[must_use]
    pub fn members(&self, channel: &Channel) -> Option<&Members> {
        self.existing(*self.numbers.get(channel)?)
    }

    fn existing(&self, number: usize) -> Option<&Members> {
        let ChannelState {
            channel, members, ..
        } = self.channels.get(number)?;
        let exists = *channel == Channel::Front
            || self.rules.is_declared(channel)
            || !members.live.is_empty()
            || !members.withdrawn.is_empty();
        exists.then_some(members)
    }

    /// Every channel that exists now, in the order of [`Channel`].
    pub fn channels(&self) -> impl Iterator<Item = (&Channel, &Members)> {
        self.numbers
            .iter()
            .filter_map(|(channel, number)| Some((channel, self.existing(*number)?)))
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

    /// The rank of the article in play from a file.
    #[must_use]
    pub fn rank(&self, no: FileNo) -> Rank {
        Rank::new(self.play.published(no), self.play.article_id(no))
    }

    /// The id of the article in play from a file.
    #[must_use]
    pub fn id(&self, no: FileNo) -> &str {
        self.play.id(no)
    }

    /// What tells the content of the article in play from a file from another.
    #[must_use]
    pub fn content(&self, no: FileNo) -> ContentHash {
        self.play.content(no)
    }

    /// When the article in play from a file was first published.
    #[must_use]
    pub fn published(&self, no: FileNo) -> Timestamp {
        self.play.published(no)
    }

    /// When the article in play from a file last changed.
    #[must_use]
    pub fn updated(&self, no: FileNo) -> Timestamp {
        self.play.updated_at(no, self.now)
    }

    /// Whether one is newer than another, in the order of every list.
    #[must_use]
    pub fn is_newer(&self, no: FileNo, other: FileNo) -> bool {
        self.play.key(no) < self.play.key(other)
    }

    /// How many of a list are newer than the article in play from a file.
    #[must_use]
    pub fn newer(&self, ranks: &Ranks, no: FileNo) -> usize {
        ranks.count_before(&self.play.key(no), |no| self.play.key(no))
    }

    /// Whether the article in play from a file is in a list.
    #[must_use]
    pub fn is_among(&self, ranks: &Ranks, no: FileNo) -> bool {
        ranks.contains(no, |no| self.play.key(no))
    }

    /// When an article left what documents cover, by expiry or withdrawal.
    #[must_use]
    pub fn left_at(&self, no: FileNo) -> Option<Timestamp> {
        match self.play.standing(no).phase {
            Phase::Expired => self.play.expires(no),
            // Seen from before a withdrawal by command (`--now`, a clock that was put back), there
            // is no date for it but the article's own: now would be another one every second.
            Phase::Withdrawn => {
                let when = self.withdrawn(no).filter(|when| *when <= self.now);
                Some(when.unwrap_or_else(|| self.updated(no)))
            }
            Phase::Pending | Phase::Live | Phase::Hidden => None,
        }
    }

    /// Every declared section, story and channel, each in the order of the configuration.
    pub fn declared(&self) -> impl Iterator<Item = &Channel> {
        self.rules.declared.iter().map(|(channel, _)| channel)
    }

    /// The stories with visible articles, the one with the newest article first.
    pub fn stories_by_date(&self) -> impl Iterator<Item = &Channel> {
        self.stories_by_date.iter().filter_map(|(_, id)| {
            let story = Channel::Story(id.clone());
            self.numbers
                .get_key_value(&story)
                .map(|(channel, _)| channel)
        })
    }

    /// A channel's title: from the configuration, else from the newest visible article that gives
    /// one, else its id. The front's is the publication's.
    #[must_use]
    pub fn title(&self, channel: &Channel) -> &Text {
        let given = || {
            let number = self.numbers.get(channel)?;
            self.channels[*number].title.as_ref()
        };
        self.rules
            .title(channel)
            .or_else(given)
            .unwrap_or(&self.rules.publication_title)
    }
}
