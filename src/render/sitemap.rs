//! Sitemaps (sitemaps.org, protocol 0.9) with Google's image and video extensions and hreflang
//! links, and the index that names them.
//!
//! A part is cut into files at both limits of the protocol. What crawlers ignore is not written:
//! `changefreq`, `priority`, and the image tags that were retired in 2022.

use std::io;

use unicode_segmentation::UnicodeSegmentation as _;

use super::xml::{self, Xml};
use super::{IndexEntry, RenderError, SitemapEntry, SitemapView};
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

/// Writes a part, as one file or, where it is over a limit of the protocol, as several in order.
/// Without entries there is no file: the protocol knows no empty sitemap.
///
/// # Errors
/// Where the writing crate fails, which it does not when it writes into memory.
pub fn render_parts(view: &SitemapView<'_>) -> Result<Vec<Vec<u8>>, RenderError> {
    parts_within(view, MAX_URLS, MAX_BYTES)
}

fn parts_within(
    view: &SitemapView<'_>,
    max_urls: usize,
    max_bytes: usize,
) -> Result<Vec<Vec<u8>>, RenderError> {
    let mut parts = Vec::new();
    let mut part = Vec::new();
    let mut urls = 0;
    for entry in &view.entries {
        let line = url(entry)?;
        if urls == max_urls || (urls > 0 && part.len() + line.len() + TAIL.len() > max_bytes) {
            part.extend_from_slice(TAIL.as_bytes());
            parts.push(std::mem::take(&mut part));
            urls = 0;
        }
        if urls == 0 {
            part.extend_from_slice(xml::DECLARATION.as_bytes());
            part.extend_from_slice(HEAD.as_bytes());
        }
        part.extend_from_slice(&line);
        urls += 1;
    }
    if urls > 0 {
        part.extend_from_slice(TAIL.as_bytes());
        parts.push(part);
    }
    Ok(parts)
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
fn url(entry: &SitemapEntry<'_>) -> io::Result<Vec<u8>> {
    let article = entry.article;
    let mut xml = Xml::new(Vec::new());
    xml::nest(&mut xml, "url", [], |xml| {
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
    let mut line = xml.into_inner();
    line.push(b'\n');
    Ok(line)
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
