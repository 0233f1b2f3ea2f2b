//! The news sitemap (Google Search Central, "News sitemaps").
//!
//! Titles are the page's own, without direction marks; the publication date is the first
//! publication, whatever was edited since. Of the optional tags none is written: Google's page no
//! longer names them.

use std::io;

use super::xml::{self, Xml};
use super::{RenderError, SitemapEntry};
use crate::article::{Language, Text};

/// What one begins with.
pub(super) const HEAD: &str = "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" \
         xmlns:news=\"http://www.google.com/schemas/sitemap-news/0.9\">\n";

/// What one ends with.
const TAIL: &str = "</urlset>\n";
/// Bytes of the line of an article, to make room for it at once.
const LINE: usize = 640;

/// The most articles in a news sitemap (Google, "News sitemaps").
pub const MAX_ARTICLES: usize = 1_000;

/// The line of one article in the news of `publication`, for [`join`]: its `url` element and a line
/// end.
///
/// # Errors
/// Where the writing crate fails, which it does not when it writes into memory.
pub fn line(publication: &Text, entry: &SitemapEntry<'_>) -> Result<Vec<u8>, RenderError> {
    let mut xml = Xml::new(Vec::with_capacity(LINE));
    url(&mut xml, publication.as_str(), entry)?;
    Ok(xml.into_inner())
}

/// Joins lines of [`line()`], at most [`MAX_ARTICLES`] in their order, into a news sitemap; the caller
/// has cut it. One without lines is written all the same: crawlers come back to it. The lines are
/// walked through twice, to make room for them at once.
#[must_use]
pub fn join<'a>(lines: impl Iterator<Item = &'a [u8]> + Clone) -> Vec<u8> {
    let frame = xml::DECLARATION.len() + HEAD.len() + TAIL.len();
    let room = lines.clone().map(<[u8]>::len).sum::<usize>();
    let mut bytes = Vec::with_capacity(frame + room);
    bytes.extend_from_slice(xml::DECLARATION.as_bytes());
    bytes.extend_from_slice(HEAD.as_bytes());
    for line in lines {
        bytes.extend_from_slice(line);
    }
    bytes.extend_from_slice(TAIL.as_bytes());
    bytes
}

/// One `url`, on a line.
fn url(xml: &mut Xml, publication: &str, entry: &SitemapEntry<'_>) -> io::Result<()> {
    let article = entry.article;
    xml::nest(xml, "url", [], |xml| {
        xml::text(xml, "loc", article.url.as_str())?;
        xml::text(xml, "lastmod", &entry.updated.to_rfc3339())?;
        xml::nest(xml, "news:news", [], |xml| {
            xml::nest(xml, "news:publication", [], |xml| {
                xml::text(xml, "news:name", publication)?;
                xml::text(xml, "news:language", news_language(&article.language))
            })?;
            xml::text(
                xml,
                "news:publication_date",
                &article.published.to_rfc3339(),
            )?;
            xml::text(xml, "news:title", article.title.as_str())
        })
    })?;
    xml.get_mut().push(b'\n');
    Ok(())
}

/// ISO 639 alone, without script or region, but for Chinese, where Google wants `zh-cn` or `zh-tw`:
/// by script, else by region, else simplified (the likely script of `zh`, CLDR).
fn news_language(language: &Language) -> &str {
    if language.primary() != "zh" {
        return language.primary();
    }
    let script_or_region = language
        .as_str()
        .split('-')
        .skip(1)
        .find_map(|part| match part {
            "Hant" | "TW" | "HK" | "MO" => Some("zh-tw"),
            "Hans" | "CN" | "SG" | "MY" => Some("zh-cn"),
            _ => None,
        });
    script_or_region.unwrap_or("zh-cn")
}

#[cfg(test)]
mod tests;
