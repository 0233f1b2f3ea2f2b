//! The index: which article stands in which channel, newest first, and when that changes next.
//!
//! It is fed with [`Changes`](crate::files::Changes)-like operations on single files and with the
//! clock, and answers each with what was [`Touched`]. Time is part of it: an article moves from
//! *pending* to *live* to *expired* when the clock passes its dates, exactly as if a file had
//! changed. It renders nothing, and opens no file.

mod claims;
mod entry;
mod intake;
mod lists;
mod members;
mod play;
mod questions;
mod ranks;
mod rules;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;

use crate::article::{ArticleId, Status, StorePath, Text, Timestamp, TopicId};
use crate::config::Config;
use crate::document::{Channel, Window};
use crate::files::{Card, File, FileNo, Ledger};

use claims::Claims;
use entry::phase;
pub use entry::{Entry, Phase, Touched};
pub use intake::Intake;
pub use members::{Members, Rank};
use play::{Play, Seat};
pub use ranks::Ranks;
use rules::Rules;

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

    fn is_in_play(&self, no: FileNo) -> bool {
        self.play.standing(no).seat != Seat::Out
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
