//! `stories.json`: the running stories, for apps and pages that offer them.

use serde::Serialize;

use super::{ChannelView, OverviewView, RenderError};
use crate::article::{Text, Timestamp};
use crate::document::FeedFormat;

/// What it begins with.
pub(super) const HEAD: &str = "{\n  \"stories\": [";

/// Writes the story list. Titles are plain, without direction marks.
///
/// # Errors
/// Where the writing crate fails, which it does not for a view made of clean values.
pub fn render(view: &OverviewView<'_>) -> Result<Vec<u8>, RenderError> {
    let list = List {
        stories: view.stories.iter().map(Story::of).collect(),
    };
    let mut bytes = serde_json::to_vec_pretty(&list)?;
    bytes.push(b'\n');
    Ok(bytes)
}

// The order of the fields is the order in the document.

#[derive(Serialize)]
struct List<'a> {
    stories: Vec<Story<'a>>,
}

#[derive(Serialize)]
struct Story<'a> {
    id: &'a str,
    title: &'a Text,
    count: usize,
    /// `null` where no article is visible: such a story is not listed.
    last_published: Option<String>,
    feeds: Feeds<'a>,
}

/// The formats the story is published in, and no others.
#[derive(Default, Serialize)]
struct Feeds<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    rss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    atom: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<&'a str>,
}

impl<'a> Story<'a> {
    fn of(view: &'a ChannelView<'_>) -> Self {
        let mut feeds = Feeds::default();
        for (format, url) in &view.feeds {
            let place = match format {
                FeedFormat::Rss => &mut feeds.rss,
                FeedFormat::Atom => &mut feeds.atom,
                FeedFormat::Json => &mut feeds.json,
            };
            *place = Some(url);
        }
        Self {
            id: view.channel.id().map_or("", |id| id.as_str()),
            title: view.title,
            count: view.count,
            last_published: view.last_published.map(Timestamp::to_rfc3339),
            feeds,
        }
    }
}

#[cfg(test)]
mod tests;
