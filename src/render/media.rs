//! Pictures, video and sound of an article, as feeds show them: enclosures, and Media RSS 1.5.1
//! (rssboard.org/media-rss), which says of each what an enclosure cannot.

use std::io;

use smol_str::{SmolStr, ToSmolStr};

use super::entries::{Entries, Namespace};
use super::xml::{self, Xml};
use crate::article::{Article, Image, Media, Text, WebUrl};

/// A file a reader may fetch beside the article.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enclosure<'a> {
    /// Where it is.
    pub(super) url: &'a WebUrl,
    /// Its media type.
    pub(super) media_type: &'a str,
    /// Bytes, where known.
    pub(super) length: Option<u64>,
    /// Seconds, where known.
    pub(super) duration: Option<u32>,
    /// Its own title; pictures have captions instead.
    pub(super) title: Option<&'a Text>,
}

/// Everything that can be enclosed: sound, else video, else the pictures come first, which decides
/// what RSS encloses, for it takes one enclosure an item.
pub(super) fn enclosures(article: &Article) -> impl Iterator<Item = Enclosure<'_>> {
    let recordings = [&article.audio, &article.video];
    let recordings = recordings.into_iter().flatten();
    let files = recordings.filter(|media| !media.is_player());
    let recordings = files.map(|media| Enclosure {
        url: &media.url,
        media_type: &media.media_type,
        length: media.length,
        duration: media.duration,
        title: media.title.as_ref(),
    });
    let images = article.images.iter().map(|image| Enclosure {
        url: &image.url,
        media_type: &image.media_type,
        length: image.length,
        duration: None,
        title: None,
    });
    recordings.chain(images)
}

/// The one picture that stands for the article: its first, else the still of its video.
pub(super) fn picture(article: &Article) -> Option<&WebUrl> {
    let image = article.images.first().map(|image| &image.url);
    image.or_else(|| article.video.as_ref()?.thumbnail.as_ref())
}

/// `media:content` for each, and `media:thumbnail` for the picture that stands for the article.
/// Attributes and children stand in the order of their names.
pub(super) fn write(entries: &mut Entries, article: &Article) -> io::Result<()> {
    let picture = picture(article);
    if picture.is_some() || article.video.is_some() || article.audio.is_some() {
        entries.uses(Namespace::Media);
    }
    let xml = &mut entries.xml;
    for image in &article.images {
        image_content(xml, image)?;
    }
    for (media, medium) in [(&article.video, "video"), (&article.audio, "audio")] {
        if let Some(media) = media {
            content(xml, media, medium)?;
        }
    }
    let Some(url) = picture else {
        return Ok(());
    };
    let image = article.images.first();
    let height = number(image.and_then(|image| image.height));
    let width = number(image.and_then(|image| image.width));
    let attributes = [
        attribute("height", height.as_ref()),
        Some(("url", url.as_str())),
        attribute("width", width.as_ref()),
    ];
    void(xml, "media:thumbnail", attributes.into_iter().flatten())
}

fn image_content(xml: &mut Xml, image: &Image) -> io::Result<()> {
    let (length, height) = (number(image.length), number(image.height));
    let width = number(image.width);
    let attributes = [
        attribute("fileSize", length.as_ref()),
        attribute("height", height.as_ref()),
        Some(("medium", "image")),
        Some(("type", &*image.media_type)),
        Some(("url", image.url.as_str())),
        attribute("width", width.as_ref()),
    ];
    let attributes = attributes.into_iter().flatten();
    let title = image.alt.as_ref().or(image.caption.as_ref());
    if title.is_none() && image.credit.is_none() {
        return void(xml, "media:content", attributes);
    }
    xml::nest(xml, "media:content", attributes, |xml| {
        // The role of a credit is from a list of English words and says "photographer" at best,
        // which is a guess for an agency: without one, a credit is a name and nothing more.
        if let Some(credit) = &image.credit {
            xml::text(xml, "media:credit", credit.as_str())?;
        }
        plain(xml, "media:description", image.caption.as_ref())?;
        plain(xml, "media:title", title)
    })
}

fn content(xml: &mut Xml, media: &Media, medium: &str) -> io::Result<()> {
    let (duration, length) = (number(media.duration), number(media.length));
    let (height, width) = (number(media.height), number(media.width));
    let is_file = !media.is_player();
    let attributes = [
        attribute("duration", duration.as_ref()),
        attribute("fileSize", length.as_ref()).filter(|_| is_file),
        attribute("height", height.as_ref()),
        Some(("medium", medium)),
        is_file.then_some(("type", &*media.media_type)),
        is_file.then_some(("url", media.url.as_str())),
        attribute("width", width.as_ref()),
    ];
    let attributes = attributes.into_iter().flatten();
    let words = [&media.title, &media.description];
    if is_file && media.thumbnail.is_none() && words.iter().all(|text| text.is_none()) {
        return void(xml, "media:content", attributes);
    }
    xml::nest(xml, "media:content", attributes, |xml| {
        plain(xml, "media:description", media.description.as_ref())?;
        if !is_file {
            void(xml, "media:player", [("url", media.url.as_str())])?;
        }
        if let Some(url) = &media.thumbnail {
            void(xml, "media:thumbnail", [("url", url.as_str())])?;
        }
        plain(xml, "media:title", media.title.as_ref())
    })
}

/// `media:title` or `media:description` in plain text, where there is one.
fn plain(xml: &mut Xml, name: &str, text: Option<&Text>) -> io::Result<()> {
    match text {
        Some(text) => xml::text_with(xml, name, [("type", "plain")], text.as_str()),
        None => Ok(()),
    }
}

/// An element without content, written with both of its tags as the crates of the feeds do.
fn void<'a>(
    xml: &mut Xml,
    name: &str,
    attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> io::Result<()> {
    xml::text_with(xml, name, attributes, "")
}

fn number(value: Option<impl ToSmolStr>) -> Option<SmolStr> {
    value.map(|value| value.to_smolstr())
}

fn attribute<'a>(name: &'a str, value: Option<&'a SmolStr>) -> Option<(&'a str, &'a str)> {
    value.map(|value| (name, value.as_str()))
}
