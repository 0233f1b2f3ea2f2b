//! The lists that articles stand in: of channels, of days, of the news; and what channels are called,
//! which the newest article in a list decides.

use std::cmp::Reverse;
use std::sync::Arc;

use super::rules::id_title;
use super::{Catalog, ChannelState, Members, Phase, Touched};
use crate::article::Timestamp;
use crate::document::{Channel, ChannelKind};
use crate::files::{Belonging, FileNo};

impl Catalog {
    /// The number of a channel, which is given one where it has none.
    pub(super) fn number(&mut self, channel: &Channel) -> usize {
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

    /// Puts an article into the lists of its phase.
    pub(super) fn place(&mut self, no: FileNo, phase: Phase) {
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

    pub(super) fn unplace(&mut self, no: FileNo, phase: Phase) {
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
    pub(super) fn touch_retitled(&mut self, touched: &mut Touched) {
        for number in std::mem::take(&mut self.retitled) {
            for no in self.channels[number].members.live.iter() {
                let rank = self.rank(no);
                for channel in self.play.belonging(no).channels() {
                    touched.touch(channel, &rank);
                }
            }
        }
    }
}
