//! `feeds.opml` (OPML 2.0): every feed in one file, for readers that subscribe to a list.

use std::io;

use super::words::Words;
use super::xml::{self, Xml};
use super::{ChannelView, OverviewView, RenderError};
use crate::article::Language;
use crate::document::FeedFormat;

/// What it begins with, after the declaration.
pub(super) const HEAD: &str = "<opml version=\"2.0\">\n  <head>\n    <title>";

/// Writes the OPML. A channel stands in it once, by its RSS feed, else its Atom feed: OPML knows
/// no JSON Feed, and a channel with nothing else is left out.
///
/// # Errors
/// Where the writing crate fails, which it does not when it writes into memory.
pub fn render(view: &OverviewView<'_>) -> Result<Vec<u8>, RenderError> {
    let mut xml = Xml::new_with_indent(xml::DECLARATION.as_bytes().to_vec(), b' ', 2);
    let language = &view.publication.language;
    let words = Words::of(language);
    xml::nest(&mut xml, "opml", [("version", "2.0")], |xml| {
        xml::nest(xml, "head", [], |xml| {
            xml::text(xml, "title", view.publication.title.as_str())?;
            xml::text(xml, "dateModified", &view.updated.to_rfc2822())
        })?;
        xml::nest(xml, "body", [], |xml| {
            outline(xml, &view.front, language)?;
            group(xml, words.sections, &view.sections, language)?;
            group(xml, words.stories, &view.stories, language)?;
            group(xml, words.channels, &view.channels, language)
        })
    })?;
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

/// A folder of channels; none where none of them has a feed to name.
fn group(
    xml: &mut Xml,
    title: &str,
    channels: &[ChannelView<'_>],
    language: &Language,
) -> io::Result<()> {
    if channels.iter().all(|channel| feed_url(channel).is_none()) {
        return Ok(());
    }
    xml::nest(xml, "outline", [("text", title)], |xml| {
        channels
            .iter()
            .try_for_each(|channel| outline(xml, channel, language))
    })
}

fn outline(xml: &mut Xml, channel: &ChannelView<'_>, language: &Language) -> io::Result<()> {
    let Some(feed) = feed_url(channel) else {
        return Ok(());
    };
    // `rss` is the type of every feed, Atom's too (OPML 2.0, "Subscription lists").
    let attributes = [
        ("type", "rss"),
        ("text", channel.title.as_str()),
        ("title", channel.title.as_str()),
        ("xmlUrl", feed),
        ("htmlUrl", channel.link.as_str()),
        ("language", language.as_str()),
    ];
    xml::empty(xml, "outline", attributes)
}

fn feed_url<'a>(channel: &'a ChannelView<'_>) -> Option<&'a str> {
    let served = |wanted: FeedFormat| {
        channel
            .feeds
            .iter()
            .find(|(format, _)| *format == wanted)
            .map(|(_, url)| url.as_str())
    };
    served(FeedFormat::Rss).or_else(|| served(FeedFormat::Atom))
}

#[cfg(test)]
mod tests;
