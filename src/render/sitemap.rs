//! Sitemaps (sitemaps.org, protocol 0.9) with Google's image and video extensions and hreflang
//! links, and the index that names them.
//!
//! A part is cut into files at both limits of the protocol. What crawlers ignore is not written:
//! `changefreq`, `priority`, and the image tags that were retired in 2022.

use std::io;

use unicode_segmentation::UnicodeSegmentation as _;

use super::xml::{self, Xml};
use super::{IndexEntry, RenderError, SitemapEntry};
use crate::article::{Article, Language, Media, WebUrl};

/// The most URLs in a sitemap, and sitemaps in an index (sitemaps.org).
pub const MAX_URLS: usize = 50_000;
/// The most bytes of a sitemap before compression: 50 MB (sitemaps.org).
pub const MAX_BYTES: usize = 52_428_800;
/// The most pictures of one URL (Google, "Image sitemaps").
pub const MAX_IMAGES: usize = 1_000;
/// Seconds of video a sitemap can say (sitemap-video.xsd); 0 is as good as unknown.
const VIDEO_SECONDS: std::ops::RangeInclusive<u32> = 1..=28_800;
/// Characters of a video's title (sitemap-video.xsd).
const VIDEO_TITLE: usize = 100;
/// Characters of a video's description (sitemap-video.xsd).
const VIDEO_DESCRIPTION: usize = 2_048;

/// What a part begins with: always the same namespaces, so that an article with a first video
/// changes its own lines and no others.
pub(super) const HEAD: &str = "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" \
     xmlns:image=\"http://www.google.com/schemas/sitemap-image/1.1\" \
     xmlns:video=\"http://www.google.com/schemas/sitemap-video/1.1\" \
     xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n";
/// What the index begins with.
pub(super) const INDEX_HEAD: &str =
    "<sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n";
/// What a part ends with.
const TAIL: &str = "</urlset>\n";
/// Bytes around the lines of a part.
const FRAME: usize = xml::DECLARATION.len() + HEAD.len() + TAIL.len();
/// Bytes of the line of an article with one picture, to make room for it at once.
const LINE: usize = 256;

/// The line of one article, for [`join`]: its `url` element and a line end.
///
/// # Errors
/// Where the writing crate fails, which it does not when it writes into memory.
pub fn line(entry: &SitemapEntry<'_>) -> Result<Vec<u8>, RenderError> {
    let mut xml = Xml::new(Vec::with_capacity(LINE));
    url(&mut xml, entry)?;
    Ok(xml.into_inner())
}

/// Joins lines of [`line()`], in their order, into a part: one file or, where it is over a limit of
/// the protocol, several in order. Without lines there is no file: the protocol knows no empty
/// sitemap. The lines are walked through twice, to make room for them at once.
#[must_use]
pub fn join<'a>(lines: impl Iterator<Item = &'a [u8]> + Clone) -> Vec<Vec<u8>> {
    let room = FRAME + lines.clone().map(<[u8]>::len).sum::<usize>();
    let mut parts = Parts::within(MAX_URLS, MAX_BYTES, room);
    for line in lines {
        parts.push(line);
    }
    parts.finish()
}

/// The files of a part, filled line by line.
struct Parts {
    max_urls: usize,
    max_bytes: usize,
    full: Vec<Vec<u8>>,
    part: Vec<u8>,
    urls: usize,
}

impl Parts {
    /// Files of so many URLs and bytes at most. There is room for so many bytes in the first.
    fn within(max_urls: usize, max_bytes: usize, room: usize) -> Self {
        Self {
            max_urls,
            max_bytes,
            full: Vec::new(),
            part: Vec::with_capacity(room.min(max_bytes)),
            urls: 0,
        }
    }

    fn push(&mut self, line: &[u8]) {
        let is_over = self.part.len() + line.len() + TAIL.len() > self.max_bytes;
        if self.urls == self.max_urls || (self.urls > 0 && is_over) {
            self.close();
        }
        if self.urls == 0 {
            self.part.extend_from_slice(xml::DECLARATION.as_bytes());
            self.part.extend_from_slice(HEAD.as_bytes());
        }
        self.part.extend_from_slice(line);
        self.urls += 1;
    }

    fn close(&mut self) {
        self.part.extend_from_slice(TAIL.as_bytes());
        self.full.push(std::mem::take(&mut self.part));
        self.urls = 0;
    }

    fn finish(mut self) -> Vec<Vec<u8>> {
        if self.urls > 0 {
            self.close();
        }
        self.full
    }
}

/// Writes the index, in the order given.
///
/// # Errors
/// Where the writing crate fails, which it does not when it writes into memory.
pub fn render_index(entries: &[IndexEntry]) -> Result<Vec<u8>, RenderError> {
    let mut xml = Xml::new(xml::DECLARATION.as_bytes().to_vec());
    xml.get_mut().extend_from_slice(INDEX_HEAD.as_bytes());
    for entry in entries {
        xml::nest(&mut xml, "sitemap", [], |xml| {
            xml::text(xml, "loc", &entry.url)?;
            xml::text(xml, "lastmod", &entry.lastmod.to_rfc3339())
        })?;
        xml.get_mut().push(b'\n');
    }
    let mut bytes = xml.into_inner();
    bytes.extend_from_slice(b"</sitemapindex>\n");
    Ok(bytes)
}

/// One `url`, on a line. The order of its children is the schema's: the protocol's own, then
/// foreign ones.
fn url(xml: &mut Xml, entry: &SitemapEntry<'_>) -> io::Result<()> {
    let article = entry.article;
    xml::nest(xml, "url", [], |xml| {
        xml::text(xml, "loc", article.url.as_str())?;
        xml::text(xml, "lastmod", &entry.updated.to_rfc3339())?;
        for image in article.images.iter().take(MAX_IMAGES) {
            xml::nest(xml, "image:image", [], |xml| {
                xml::text(xml, "image:loc", image.url.as_str())
            })?;
        }
        if let Some(video) = &article.video {
            self::video(xml, article, video)?;
        }
        for (language, url) in alternates(article) {
            let attributes = [
                ("rel", "alternate"),
                ("hreflang", language.as_str()),
                ("href", url.as_str()),
            ];
            xml::empty(xml, "xhtml:link", attributes)?;
        }
        Ok(())
    })?;
    xml.get_mut().push(b'\n');
    Ok(())
}

/// A `video:video`, in the order of its schema; none without a thumbnail, which is required.
fn video(xml: &mut Xml, article: &Article, video: &Media) -> io::Result<()> {
    let Some(thumbnail) = &video.thumbnail else {
        return Ok(());
    };
    let title = video.title.as_ref().unwrap_or(&article.title);
    let description = [video.description.as_ref(), Some(&article.summary)]
        .into_iter()
        .flatten()
        .find(|text| !text.is_empty())
        .unwrap_or(title);
    xml::nest(xml, "video:video", [], |xml| {
        xml::text(xml, "video:thumbnail_loc", thumbnail.as_str())?;
        xml::text(xml, "video:title", &cut(title.as_str(), VIDEO_TITLE))?;
        xml::text(
            xml,
            "video:description",
            &cut(description.as_str(), VIDEO_DESCRIPTION),
        )?;
        let location = if video.is_player() {
            "video:player_loc"
        } else {
            "video:content_loc"
        };
        xml::text(xml, location, video.url.as_str())?;
        if let Some(seconds) = video.duration.filter(|s| VIDEO_SECONDS.contains(s)) {
            xml::text(xml, "video:duration", &seconds.to_string())?;
        }
        xml::text(
            xml,
            "video:publication_date",
            &article.published.to_rfc3339(),
        )
    })
}

/// The article in each of its languages, itself included, by language (Google, "Localized
/// versions"). A cluster must name the page it stands on: where the article does not, it is added,
/// and where another page is named for its language, the cluster contradicts itself and is left
/// out.
fn alternates(article: &Article) -> Vec<(&Language, &WebUrl)> {
    let mut alternates: Vec<_> = article.translations.iter().collect();
    if !article.translations.values().any(|url| *url == article.url) {
        if article.translations.contains_key(&article.language) {
            return Vec::new();
        }
        alternates.push((&article.language, &article.url));
        alternates.sort_unstable();
    }
    // Alone, it is no translation.
    if alternates.len() < 2 {
        alternates.clear();
    }
    alternates
}

/// The first `max` characters of `text` at most, cut between graphemes, with an ellipsis where
/// something is missing.
fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut left = max.saturating_sub(1);
    for grapheme in text.graphemes(true) {
        let length = grapheme.chars().count();
        if length > left {
            break;
        }
        left -= length;
        out.push_str(grapheme);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests;
