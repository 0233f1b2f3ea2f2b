//! What is owed: everything, or what was touched since the last publication, and the work that is.

use std::collections::BTreeSet;

use super::Engine;
use crate::article::StorePath;
use crate::catalog::Touched;
use crate::document::{Channel, Period};
use crate::plan;

/// Work that is not known to be published.
#[derive(Debug)]
pub(super) enum Debt {
    /// Every document: nothing is known of what is in `out`.
    All,
    /// What was touched since the last publication.
    Touched(Touched),
}

/// What a plan is made of: articles by reference, and the bodies it needs.
#[derive(Debug)]
pub struct Work {
    pub(super) feeds: Vec<plan::FeedPlan>,
    pub(super) removed_channels: Vec<Channel>,
    pub(super) months: Vec<chrono::NaiveDate>,
    pub(super) is_everything: bool,
    /// Anything is owed, if only what the overviews count.
    pub(super) is_owed: bool,
    /// The news may have changed.
    pub(super) is_news: bool,
    /// The files whose bodies must be handed to [`Engine::take_bodies`] before rendering.
    pub needs: Vec<StorePath>,
}

impl Engine {
    /// Whether anything is owed, if only what the overviews count.
    #[must_use]
    pub fn owes(&self) -> bool {
        match &self.debt {
            Debt::All => true,
            Debt::Touched(touched) => !touched.is_empty(),
        }
    }

    /// What is owed now.
    #[must_use]
    pub fn work(&self) -> Work {
        let mut work = match &self.debt {
            Debt::All => Work {
                feeds: self
                    .catalog
                    .channels()
                    .filter_map(|(channel, _)| plan::feed(&self.catalog, &self.config, channel))
                    .collect(),
                removed_channels: Vec::new(),
                months: plan::months(&self.catalog).collect(),
                is_everything: true,
                is_owed: true,
                is_news: true,
                needs: Vec::new(),
            },
            Debt::Touched(touched) => self.touched_work(touched),
        };
        work.needs = self.needed_bodies(&work.feeds);
        work
    }

    /// Everything is owed, as at the start.
    pub fn owe_everything(&mut self) {
        self.debt = Debt::All;
    }

    pub(super) fn owe(&mut self, mut touched: Touched) {
        self.stir(std::mem::take(&mut touched.articles));
        match &mut self.debt {
            Debt::All => {}
            Debt::Touched(owed) => owed.merge(touched),
        }
    }

    /// The work of what was touched: channels whose window it reaches, months, and the overviews.
    fn touched_work(&self, touched: &Touched) -> Work {
        let mut work = Work {
            feeds: Vec::new(),
            removed_channels: Vec::new(),
            months: Vec::new(),
            is_everything: false,
            is_owed: !touched.is_empty(),
            is_news: touched.news,
            needs: Vec::new(),
        };
        for (channel, rank) in &touched.channels {
            match plan::feed(&self.catalog, &self.config, channel) {
                None => work.removed_channels.push(channel.clone()),
                Some(plan) => {
                    let before = self.windows.get(channel);
                    let is_reached =
                        before.is_none_or(|before| before.reaches(rank)) || plan.reaches(rank);
                    if is_reached {
                        work.feeds.push(plan);
                    }
                }
            }
        }
        let mut months = BTreeSet::new();
        for day in &touched.days {
            if months.insert(Period::month_of(*day)) {
                work.months.push(*day);
            }
        }
        work
    }
}
