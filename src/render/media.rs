//! Pictures, video and sound of an article, as feeds show them: enclosures, and Media RSS 1.5.1
//! (rssboard.org/media-rss), which says of each what an enclosure cannot.

use super::extension::{Element, Namespace};
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
pub(super) fn elements(article: &Article) -> Vec<Element> {
    let mut elements: Vec<Element> = article.images.iter().map(image_content).collect();
    elements.extend(article.video.as_ref().map(|video| content(video, "video")));
    elements.extend(article.audio.as_ref().map(|audio| content(audio, "audio")));
    elements.extend(picture(article).map(|url| {
        let image = article.images.first();
        Element::new(Namespace::Media, "thumbnail")
            .attribute("url", url)
            .maybe("width", image.and_then(|image| image.width))
            .maybe("height", image.and_then(|image| image.height))
    }));
    elements
}

fn image_content(image: &Image) -> Element {
    let title = image.alt.as_ref().or(image.caption.as_ref());
    // The role of a credit is from a list of English words and says "photographer" at best, which
    // is a guess for an agency: without one, a credit is a name and nothing more.
    let credit = image
        .credit
        .as_ref()
        .map(|credit| Element::new(Namespace::Media, "credit").text(credit));
    Element::new(Namespace::Media, "content")
        .attribute("url", &image.url)
        .attribute("medium", &"image")
        .attribute("type", &image.media_type)
        .maybe("fileSize", image.length)
        .maybe("width", image.width)
        .maybe("height", image.height)
        .children(title.map(|title| plain("title", title)))
        .children(
            image
                .caption
                .as_ref()
                .map(|caption| plain("description", caption)),
        )
        .children(credit)
}

fn content(media: &Media, medium: &'static str) -> Element {
    let thumbnail = media
        .thumbnail
        .as_ref()
        .map(|url| Element::new(Namespace::Media, "thumbnail").attribute("url", url));
    let element = Element::new(Namespace::Media, "content").attribute("medium", &medium);
    let element = if media.is_player() {
        let player = Element::new(Namespace::Media, "player").attribute("url", &media.url);
        element.children(Some(player))
    } else {
        element
            .attribute("url", &media.url)
            .attribute("type", &media.media_type)
            .maybe("fileSize", media.length)
    };
    element
        .maybe("duration", media.duration)
        .maybe("width", media.width)
        .maybe("height", media.height)
        .children(media.title.as_ref().map(|title| plain("title", title)))
        .children(
            media
                .description
                .as_ref()
                .map(|description| plain("description", description)),
        )
        .children(thumbnail)
}

/// `media:title` or `media:description` in plain text.
fn plain(local: &'static str, text: &Text) -> Element {
    Element::new(Namespace::Media, local)
        .attribute("type", &"plain")
        .text(text)
}
