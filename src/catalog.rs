//! The index: which article stands in which channel, newest first, and when that changes next.
//!
//! It is fed with [`Changes`](crate::files::Changes)-like operations on single files and with the
//! clock, and answers each with what was [`Touched`]. Time is part of it: an article moves from
//! *pending* to *live* to *expired* when the clock passes its dates, exactly as if a file had
//! changed. It renders nothing, and opens no file.

mod claims;
mod entry;
mod intake;
mod members;
mod play;
mod ranks;
mod rules;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;

use crate::article::{
    ArticleId, ContentHash, Diagnostic, Status, StorePath, Text, Timestamp, TopicId,
};
use crate::config::Config;
use crate::document::{Channel, ChannelKind, Window};
use crate::files::{Belonging, Card, File, FileNo, Ledger, UrlHash};

use claims::Claims;
use entry::phase;
pub use entry::{Entry, Phase, Touched};
pub use intake::Intake;
pub use members::{Members, Rank};
use play::{Play, Seat};
pub use ranks::Ranks;
use rules::{Rules, id_title};

/// The index over everything that is in play.
#[derive(Debug)]
pub struct Catalog {
    rules: Rules,
    now: Timestamp,
    play: Play,
    claims: Claims,
    len: usize,
    numbers: BTreeMap<Channel, usize>,
    channels: Vec<ChannelState>,
    /// The numbers of the channels in each list that the ledger numbers.
    belongings: Vec<Option<Arc<[usize]>>>,
    days: BTreeMap<NaiveDate, Members>,
    news: Members,
    stories_by_date: BTreeSet<(Reverse<Timestamp>, TopicId)>,
    deadlines: BTreeSet<(Timestamp, FileNo)>,
    deadline_of: HashMap<FileNo, Timestamp>,
    withdrawals: BTreeMap<ArticleId, Timestamp>,
    retitled: HashSet<usize>,
}

/// What is known of a channel. It exists where it is declared or has members.
#[derive(Debug)]
struct ChannelState {
    channel: Channel,
    members: Members,
    /// As articles give it, or its id.
    title: Option<Text>,
}

/// What a file offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The file.
    pub path: StorePath,
    /// What it is found to be; `None` where it is gone.
    pub file: Option<File>,
    /// Its last good version, where one is kept.
    pub kept: Option<Arc<Card>>,
    /// The file is bad: what is kept of it holds its id and URL as if it were good.
    pub is_bad: bool,
}

impl Catalog {
    /// A catalog at `now` of the files of `ledger` and the last good versions in `kept`, each with
    /// whether its file is bad; under the rules of `config` and the withdrawals by command.
    #[must_use]
    pub fn new(
        config: &Config,
        ledger: Ledger,
        kept: Vec<(StorePath, Arc<Card>, bool)>,
        withdrawals: BTreeMap<ArticleId, Timestamp>,
        now: Timestamp,
    ) -> Self {
        let mut catalog = Self {
            rules: Rules::of(config),
            now,
            play: Play::new(ledger),
            claims: Claims::default(),
            len: 0,
            numbers: BTreeMap::new(),
            channels: Vec::new(),
            belongings: Vec::new(),
            days: BTreeMap::new(),
            news: Members::default(),
            stories_by_date: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            deadline_of: HashMap::new(),
            withdrawals,
            retitled: HashSet::new(),
        };
        catalog.number(&Channel::Front);
        let declared: Vec<Channel> = catalog.declared().cloned().collect();
        for channel in &declared {
            catalog.number(channel);
        }
        for (path, card, is_bad) in kept {
            let ledger = Arc::make_mut(&mut catalog.play.ledger);
            let known = ledger.find(&path);
            let no = known.unwrap_or_else(|| ledger.hold(&path));
            catalog.play.set_kept(no, Some(card));
            catalog.play.standing_mut(no).is_bad = is_bad;
        }
        let files: BTreeSet<FileNo> = catalog.play.ledger.all().collect();
        for no in &files {
            catalog.claims.register(&catalog.play, *no);
        }
        catalog.settle(&files, &mut Touched::default());
        catalog.retitled.clear();
        catalog
    }

    /// The instant everything here is seen at.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Every file that was taken in.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.play.ledger
    }

    /// Every file that was taken in, for what nothing here depends on: how files look, and where
    /// their articles are kept.
    pub fn ledger_mut(&mut self) -> &mut Ledger {
        Arc::make_mut(&mut self.play.ledger)
    }

    /// Sets what files are found to be and their last good versions, and settles who holds the ids
    /// and URLs concerned.
    pub fn set(&mut self, offers: Vec<Offer>) -> Touched {
        let mut touched = Touched::default();
        let mut changed = Vec::with_capacity(offers.len());
        for offer in offers {
            if !self.is_same(&offer) {
                changed.push(offer);
            } else if let Some(file) = &offer.file {
                let no = self.ledger_mut().insert(&offer.path, file);
                // It may be kept elsewhere.
                self.play.set_kept(no, offer.kept);
            }
        }
        // Those that shared a claim with the old version may win it now.
        let known = changed
            .iter()
            .filter_map(|offer| self.play.ledger.find(&offer.path));
        let mut dirty: BTreeSet<FileNo> = known.collect();
        let old: Vec<FileNo> = dirty.iter().copied().collect();
        self.claims.complete(&self.play, &mut dirty);
        for no in old {
            self.leave(no, &mut touched);
            self.claims.unregister(&self.play, no);
        }
        for offer in changed {
            dirty.extend(self.write(offer));
        }
        self.claims.complete(&self.play, &mut dirty);
        for no in self.settle(&dirty, &mut touched) {
            self.touch_entered(no, &mut touched);
        }
        for no in dirty {
            if self.play.ledger.file(no).is_none() && self.play.kept(no).is_none() {
                self.ledger_mut().remove(no);
            }
        }
        self.touch_retitled(&mut touched);
        touched
    }

    /// Whether an offer changes nothing about who is in play and how.
    fn is_same(&self, offer: &Offer) -> bool {
        let Some(no) = self.play.ledger.find(&offer.path) else {
            return false;
        };
        let is_same_card = match &offer.file {
            Some(File::Article(_, card)) => {
                self.play.ledger.is_article(no) && self.play.ledger.card(no) == **card
            }
            Some(File::NoArticle(_) | File::Rejected) => {
                !self.play.ledger.is_article(no) && self.play.ledger.file(no).is_some()
            }
            None => false,
        };
        is_same_card
            && self.play.kept(no) == offer.kept.as_ref()
            && self.play.standing(no).is_bad == offer.is_bad
    }

    /// Writes down what a file offers; says under which number, where it offers anything.
    fn write(&mut self, offer: Offer) -> Option<FileNo> {
        let ledger = Arc::make_mut(&mut self.play.ledger);
        let no = match &offer.file {
            Some(file) => ledger.insert(&offer.path, file),
            None if offer.kept.is_some() || ledger.find(&offer.path).is_some() => {
                ledger.hold(&offer.path)
            }
            None => return None,
        };
        self.play.set_kept(no, offer.kept);
        self.play.standing_mut(no).is_bad = offer.is_bad;
        self.claims.register(&self.play, no);
        Some(no)
    }

    /// Has those in play that win their claims; says which came in. `files` hold all that they share
    /// a claim with.
    fn settle(&mut self, files: &BTreeSet<FileNo>, touched: &mut Touched) -> Vec<FileNo> {
        let mut verdicts = self.claims.settle(&self.play, files);
        verdicts.retain(|verdict| self.play.standing(verdict.no).seat != verdict.seat);
        // All that leave go first: an id that moves between files is taken out before it comes in.
        for verdict in &verdicts {
            self.leave(verdict.no, touched);
        }
        verdicts.retain(|verdict| verdict.seat != Seat::Out);
        for verdict in &verdicts {
            self.play.standing_mut(verdict.no).seat = verdict.seat;
        }
        // In the order of every list, so that each is put at the end of those that come.
        verdicts.sort_unstable_by(|a, b| self.play.key(a.no).cmp(&self.play.key(b.no)));
        let entered: Vec<FileNo> = verdicts.into_iter().map(|verdict| verdict.no).collect();
        for no in &entered {
            self.enter(*no);
        }
        entered
    }

    /// Withdraws an article by command at `when`, or takes the withdrawal back with `None`.
    pub fn set_withdrawal(&mut self, id: &ArticleId, when: Option<Timestamp>) -> Touched {
        match when {
            Some(when) => self.withdrawals.insert(id.clone(), when),
            None => self.withdrawals.remove(id),
        };
        let mut touched = Touched::default();
        if let Some(no) = self.find(id) {
            self.replace(no, &mut touched);
        }
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
        while let Some((at, no)) = self.deadlines.first().copied()
            && at <= to
        {
            self.deadlines.pop_first();
            self.replace(no, &mut touched);
        }
        self.touch_retitled(&mut touched);
        touched
    }

    /// Puts everything back where it stood at `to`.
    fn go_back(&mut self, to: Timestamp, touched: &mut Touched) {
        self.now = to;
        let moved: Vec<FileNo> = self
            .play
            .iter()
            .filter(|no| self.deadline(*no) != self.deadline_of.get(no).copied())
            .collect();
        for no in moved {
            self.replace(no, touched);
        }
        self.touch_retitled(touched);
    }

    /// The next instant at which something changes without any change of content.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(at, _)| *at)
    }

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
        let mut files = self.play.iter();
        files.find(|no| self.play.url(*no) == url)
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

    fn is_in_play(&self, no: FileNo) -> bool {
        self.play.standing(no).seat != Seat::Out
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

    /// When an article was withdrawn, by command or by its file.
    fn withdrawn(&self, no: FileNo) -> Option<Timestamp> {
        let by_command = if self.withdrawals.is_empty() {
            None
        } else {
            self.withdrawals.get(&self.play.article_id(no)).copied()
        };
        by_command.or_else(|| (self.play.status(no) == Status::Withdrawn).then(|| self.updated(no)))
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

    /// The number of a channel, which is given one where it has none.
    fn number(&mut self, channel: &Channel) -> usize {
        if let Some(number) = self.numbers.get(channel) {
            return *number;
        }
        let number = self.channels.len();
        self.channels.push(ChannelState {
            channel: channel.clone(),
            members: Members::default(),
            title: id_title(channel).filter(|_| self.rules.is_declared(channel)),
        });
        self.numbers.insert(channel.clone(), number);
        number
    }

    /// The numbers of the channels that the article of a file belongs to.
    fn numbers_of(&mut self, no: FileNo, belonging: &Belonging) -> Arc<[usize]> {
        let number = self.play.belonging_number(no);
        let known = number.and_then(|number| self.belongings.get(number)?.clone());
        if let Some(known) = known {
            return known;
        }
        let numbers: Arc<[usize]> = belonging
            .channels()
            .map(|channel| self.number(channel))
            .collect();
        if let Some(number) = number {
            let end = self.belongings.len().max(number + 1);
            self.belongings.resize(end, None);
            self.belongings[number] = Some(Arc::clone(&numbers));
        }
        numbers
    }

    /// Takes an article out and puts it in again as it stands now.
    fn replace(&mut self, no: FileNo, touched: &mut Touched) {
        let seat = self.play.standing(no).seat;
        if seat != Seat::Out {
            self.leave(no, touched);
            self.play.standing_mut(no).seat = seat;
            self.enter(no);
            self.touch_entered(no, touched);
        }
    }

    /// Puts the article of a file in play, whose seat is set.
    fn enter(&mut self, no: FileNo) {
        let phase = phase(&self.play, no, self.withdrawn(no), self.now);
        self.play.standing_mut(no).phase = phase;
        self.len += 1;
        if let Some(at) = self.deadline(no) {
            self.deadlines.insert((at, no));
            self.deadline_of.insert(no, at);
        }
        self.place(no, phase);
    }

    fn touch_entered(&self, no: FileNo, touched: &mut Touched) {
        self.touch(no, self.play.standing(no).phase, touched);
        if self.rules.tells_pages {
            touched.touch_page(&self.play.article_id(no), None);
        }
    }

    /// Takes the article of a file out of play.
    fn leave(&mut self, no: FileNo, touched: &mut Touched) {
        let standing = self.play.standing(no);
        if standing.seat == Seat::Out {
            return;
        }
        self.unplace(no, standing.phase);
        if let Some(at) = self.deadline_of.remove(&no) {
            self.deadlines.remove(&(at, no));
        }
        self.touch(no, standing.phase, touched);
        if self.rules.tells_pages {
            touched.touch_page(&self.play.article_id(no), self.entry_of(no).as_ref());
        }
        self.len -= 1;
        self.play.standing_mut(no).seat = Seat::Out;
    }

    fn touch(&self, no: FileNo, phase: Phase, touched: &mut Touched) {
        if !phase.is_traced() {
            return;
        }
        let rank = self.rank(no);
        for channel in self.play.belonging(no).channels() {
            touched.touch(channel, &rank);
        }
        if self.play.is_listed(no) {
            touched
                .days
                .insert(self.rules.day_of(self.play.published(no)));
        }
        touched.news |= self.play.is_news(no);
    }

    /// Puts an article into the lists of its phase.
    fn place(&mut self, no: FileNo, phase: Phase) {
        if !phase.is_traced() {
            return;
        }
        let belonging = Arc::clone(self.play.belonging(no));
        for (number, (_, title)) in self.numbers_of(no, &belonging).iter().zip(&belonging.0) {
            let play = &self.play;
            let members = &mut self.channels[*number].members;
            let newest = members.live.first();
            members.add(no, phase, |no| play.key(no));
            let gives_title = phase == Phase::Live && title.is_some();
            if gives_title {
                members.titled.insert(no, |no| play.key(no));
            }
            let newest_before = newest.map(|no| play.published(no));
            if newest != members.live.first()
                || gives_title && members.titled.first() == Some(no)
                || self.channels[*number].title.is_none()
            {
                self.refresh(*number, newest_before);
            }
        }
        let play = &self.play;
        if play.is_listed(no) {
            let day = self.rules.day_of(play.published(no));
            let members = self.days.entry(day).or_default();
            members.add(no, phase, |no| play.key(no));
        }
        if play.is_news(no) {
            self.news.add(no, phase, |no| play.key(no));
        }
    }

    fn unplace(&mut self, no: FileNo, phase: Phase) {
        if !phase.is_traced() {
            return;
        }
        let belonging = Arc::clone(self.play.belonging(no));
        for number in self.numbers_of(no, &belonging).iter() {
            let play = &self.play;
            let members = &mut self.channels[*number].members;
            let newest = members.live.first();
            let titled = members.titled.first();
            let newest_before = newest.map(|no| play.published(no));
            members.remove(no, phase, |no| play.key(no));
            if newest != members.live.first() || titled != members.titled.first() {
                self.refresh(*number, newest_before);
            }
            let ChannelState {
                channel,
                members,
                title,
            } = &mut self.channels[*number];
            if members.is_empty() && !self.rules.is_declared(channel) {
                // Whoever comes next gives it a title as if it were new.
                *title = None;
            }
        }
        let play = &self.play;
        if play.is_news(no) {
            self.news.remove(no, phase, |no| play.key(no));
        }
        let day = self.rules.day_of(play.published(no));
        if play.is_listed(no)
            && let Some(members) = self.days.get_mut(&day)
        {
            members.remove(no, phase, |no| play.key(no));
            if members.is_empty() {
                self.days.remove(&day);
            }
        }
    }

    /// Brings a channel's title and, for a story, its place among the stories up to date.
    fn refresh(&mut self, number: usize, newest_before: Option<Timestamp>) {
        let ChannelState {
            channel,
            members,
            title,
        } = &mut self.channels[number];
        let Some(id) = channel.id() else {
            return;
        };
        let titled = members.titled.first();
        let given = titled.and_then(|no| self.play.belonging(no).title(channel).cloned());
        let Some(new) = given.or_else(|| id_title(channel)) else {
            return;
        };
        if title.as_ref() != Some(&new) {
            let is_shown = self.rules.title(channel).is_none();
            if title.replace(new).is_some() && is_shown {
                self.retitled.insert(number);
            }
        }
        if channel.kind() == ChannelKind::Story {
            let newest = members.live.first().map(|no| self.play.published(no));
            if newest != newest_before {
                let as_story = |published| (Reverse(published), id.clone());
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
        for number in std::mem::take(&mut self.retitled) {
            for no in self.channels[number].members.live.iter() {
                let rank = self.rank(no);
                for channel in self.play.belonging(no).channels() {
                    touched.touch(channel, &rank);
                }
            }
        }
    }

    /// The next instant after now at which a document that shows or counts an article may change.
    fn deadline(&self, no: FileNo) -> Option<Timestamp> {
        let published = self.play.published(no);
        let floors = self.rules.floors.iter().map(|floor| published.plus(*floor));
        [
            Some(published),
            Some(self.play.updated(no)),
            Some(published.plus(Window::NEWS_SECONDS)),
            self.play.expires(no),
            self.withdrawn(no),
        ]
        .into_iter()
        .flatten()
        .chain(floors)
        .filter(|at| *at > self.now)
        .min()
    }
}
