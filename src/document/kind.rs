//! What sort of document stands at a path: enough to serve it, and to tell paths of khabar's from
//! others. A manifest names documents by path alone, and a folder's name does not say the id that it
//! was made from, so a sort says less than a [`DocumentKey`](super::DocumentKey).

use super::{ChannelKind, FeedFormat};

/// The sort of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentKind {
    /// A feed of a sort of channel.
    Feed(ChannelKind, FeedFormat),
    /// A part of the news sitemap.
    NewsSitemap,
    /// A sitemap part of this month, or of a day of it.
    Sitemap {
        /// Year.
        year: i32,
        /// 1 to 12.
        month: u32,
    },
    /// The sitemap index.
    SitemapIndex,
    /// The subscription list.
    Opml,
    /// The list of stories.
    Stories,
    /// The page for people.
    Page,
}

impl DocumentKind {
    /// The sort of the document at `path` below `out`; `None` where khabar has no such document.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        if let Some((folder, name)) = path.rsplit_once('/') {
            let format = format(name)?;
            let (parent, folder) = folder.split_once('/')?;
            if folder.is_empty() || folder.contains('/') {
                return None;
            }
            let kind = match parent {
                "sections" => ChannelKind::Section,
                "stories" => ChannelKind::Story,
                "channels" => ChannelKind::Declared,
                _ => return None,
            };
            return Some(Self::Feed(kind, format));
        }
        if let Some(format) = format(path) {
            return Some(Self::Feed(ChannelKind::Front, format));
        }
        match path {
            "sitemap.xml" => Some(Self::SitemapIndex),
            "feeds.opml" => Some(Self::Opml),
            "stories.json" => Some(Self::Stories),
            "index.html" => Some(Self::Page),
            "news-sitemap.xml" => Some(Self::NewsSitemap),
            _ => part(path),
        }
    }

    /// Its media type, with the charset where the type has that parameter.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Feed(_, FeedFormat::Rss) => "application/rss+xml; charset=utf-8",
            Self::Feed(_, FeedFormat::Atom) => "application/atom+xml; charset=utf-8",
            // JSON is UTF-8 and its types have no charset (RFC 8259 §11).
            Self::Feed(_, FeedFormat::Json) => "application/feed+json",
            Self::Stories => "application/json",
            Self::NewsSitemap | Self::Sitemap { .. } | Self::SitemapIndex => {
                "application/xml; charset=utf-8"
            }
            Self::Opml => "text/x-opml; charset=utf-8",
            Self::Page => "text/html; charset=utf-8",
        }
    }
}

fn format(name: &str) -> Option<FeedFormat> {
    FeedFormat::ALL
        .into_iter()
        .find(|format| format.file_name() == name)
}

/// `news-sitemap-2.xml`, `sitemap-2026-11.xml`, `sitemap-2026-11-23.xml`, `sitemap-2026-11-23-2.xml`.
fn part(path: &str) -> Option<DocumentKind> {
    let name = path.strip_suffix(".xml")?;
    if let Some(number) = name.strip_prefix("news-sitemap-") {
        return digits(number).map(|_| DocumentKind::NewsSitemap);
    }
    let mut numbers = name.strip_prefix("sitemap-")?.split('-');
    let year = digits(numbers.next()?)?;
    let month = digits(numbers.next()?)?;
    let rest: Vec<u32> = numbers.map(digits).collect::<Option<_>>()?;
    if !(1..=12).contains(&month) || rest.len() > 2 {
        return None;
    }
    let year = i32::try_from(year).ok()?;
    Some(DocumentKind::Sitemap { year, month })
}

fn digits(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::TopicId;
    use crate::document::{Channel, DocumentKey, Period};

    #[test]
    fn every_key_is_known_by_its_path() {
        let topic = || TopicId::new("قمة المناخ").unwrap();
        let month = |day: Option<u32>| {
            let date = chrono::NaiveDate::from_ymd_opt(2026, 11, day.unwrap_or(1)).unwrap();
            match day {
                Some(_) => Period::Day(date),
                None => Period::month_of(date),
            }
        };
        let november = DocumentKind::Sitemap {
            year: 2026,
            month: 11,
        };
        let mut known = vec![
            (DocumentKey::NewsSitemap(1), DocumentKind::NewsSitemap),
            (DocumentKey::NewsSitemap(12), DocumentKind::NewsSitemap),
            (DocumentKey::Sitemap(month(None), 1), november),
            (DocumentKey::Sitemap(month(None), 2), november),
            (DocumentKey::Sitemap(month(Some(3)), 1), november),
            (DocumentKey::Sitemap(month(Some(23)), 14), november),
            (DocumentKey::SitemapIndex, DocumentKind::SitemapIndex),
            (DocumentKey::Opml, DocumentKind::Opml),
            (DocumentKey::Stories, DocumentKind::Stories),
            (DocumentKey::Page, DocumentKind::Page),
        ];
        for channel in [
            Channel::Front,
            Channel::Section(topic()),
            Channel::Story(topic()),
            Channel::Declared(topic()),
        ] {
            for format in FeedFormat::ALL {
                let kind = DocumentKind::Feed(channel.kind(), format);
                known.push((DocumentKey::Feed(channel.clone(), format), kind));
            }
        }
        for (key, kind) in known {
            assert_eq!(DocumentKind::of_path(&key.path()), Some(kind), "{key:?}");
        }
    }

    #[test]
    fn other_paths_are_no_documents() {
        for path in [
            "",
            "/",
            "rss.xml/",
            "/rss.xml",
            "sections/rss.xml",
            "sections//rss.xml",
            "sections/a/b/rss.xml",
            "tags/a/rss.xml",
            "sections/a/index.html",
            "sitemap-2026.xml",
            "sitemap-2026-13.xml",
            "sitemap-2026-11-1-2-3.xml",
            "sitemap-2026-+1.xml",
            "news-sitemap-.xml",
            "../rss.xml",
        ] {
            assert_eq!(DocumentKind::of_path(path), None, "{path}");
        }
    }
}
