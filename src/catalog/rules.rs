//! What the configuration says about where an article belongs, and what channels are called.

use std::collections::HashMap;

use chrono::NaiveDate;

use crate::article::{Article, Text, Timestamp, TopicId, WebUrl};
use crate::config::{Config, Declared};
use crate::document::Channel;
use crate::files::Belonging;

/// What the configuration says about where an article belongs.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) publication_title: Text,
    zone: chrono_tz::Tz,
    feeds_url: WebUrl,
    cross_host: bool,
    /// Whether anybody is told of pages.
    pub(super) tells_pages: bool,
    exclude_sections: Vec<TopicId>,
    pub(super) floors: Vec<i64>,
    pub(super) declared: Vec<(Channel, Declared)>,
    declared_titles: HashMap<Channel, Option<Text>>,
}

impl Rules {
    pub(super) fn of(config: &Config) -> Self {
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
            tells_pages: config.announce.indexnow_key.is_some(),
            exclude_sections: config.exclude_sections.clone(),
            floors,
            declared_titles: declared
                .iter()
                .map(|(channel, declared)| (channel.clone(), declared.title.clone()))
                .collect(),
            declared,
        }
    }

    pub(super) fn is_declared(&self, channel: &Channel) -> bool {
        self.declared_titles.contains_key(channel)
    }

    pub(super) fn title(&self, channel: &Channel) -> Option<&Text> {
        self.declared_titles.get(channel)?.as_ref()
    }

    pub(super) fn belonging_of(&self, article: &Article) -> Belonging {
        let sections = article.sections.iter();
        let sections = sections.map(|s| (Channel::Section(s.id.clone()), s.title.clone()));
        let stories = article.stories.iter();
        let stories = stories.map(|s| (Channel::Story(s.id.clone()), s.title.clone()));
        let front = std::iter::once((Channel::Front, None));
        let mut belonging = Belonging(front.chain(sections).chain(stories).collect());
        for (channel, declared) in &self.declared {
            let collected = declared
                .matches
                .as_ref()
                .is_some_and(|matches| matches.holds(article));
            if collected && !belonging.contains(channel) {
                belonging.0.push((channel.clone(), None));
            }
        }
        belonging
    }

    pub(super) fn day_of(&self, published: Timestamp) -> NaiveDate {
        published
            .to_datetime()
            .with_timezone(&self.zone)
            .date_naive()
    }

    pub(super) fn is_listed(&self, article: &Article) -> bool {
        article.index && (self.cross_host || article.url.same_site(&self.feeds_url))
    }

    pub(super) fn is_news(&self, article: &Article) -> bool {
        article.news
            && self.is_listed(article)
            && !article
                .sections
                .iter()
                .any(|section| self.exclude_sections.contains(&section.id))
    }
}

/// The title of a channel that nobody gives one: its id.
pub(super) fn id_title(channel: &Channel) -> Option<Text> {
    channel.id().map(|id| Text::clean(id.as_str()).0)
}
