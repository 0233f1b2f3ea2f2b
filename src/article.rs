//! The nouns: what an article is once it has been read, whatever form it was written in.
//!
//! Everything here is already clean. Strings stop at the door: a [`Text`] is legal XML and NFC, a
//! [`Timestamp`] is UTC in whole seconds, a [`WebUrl`] is absolute and ASCII. This module does no
//! I/O, knows no clock, and knows nothing about documents.

mod diagnostic;
mod text;
mod time;
mod web_url;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use diagnostic::{Diagnostic, Excerpt, Place, Severity};
pub use text::{
    ArticleId, IdError, Language, LanguageError, Text, TopicId, escape_controls, is_xml_char,
    to_nfc,
};
pub use time::Timestamp;
pub use web_url::{UrlError, WebUrl};

/// Where a file stands in the store: its path from the root, `/`-separated, with extension.
///
/// Ordered bytewise, which is the order duplicates are settled in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StorePath(SmolStr);

impl StorePath {
    /// Takes a path from the store's root. The caller has made it relative and `/`-separated.
    #[must_use]
    pub fn new(path: &str) -> Self {
        Self(SmolStr::new(path))
    }

    /// The whole path, with extension.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without the extension of its last part: the identity of an article that gives none.
    #[must_use]
    pub fn stem(&self) -> &str {
        let name = self.0.rfind('/').map_or(0, |slash| slash + 1);
        match self.0[name..].rfind('.') {
            Some(dot) if dot > 0 => &self.0[..name + dot],
            _ => &self.0,
        }
    }

    /// The last part, with extension.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0
            .rsplit_once('/')
            .map_or(self.0.as_str(), |(_, name)| name)
    }
}

impl std::fmt::Display for StorePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A content hash: xxh3-128 of a file's bytes. It tells change, not authenticity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContentHash(pub u128);

impl ContentHash {
    /// Hashes `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(xxhash_rust::xxh3::xxh3_128(bytes))
    }
}

/// One article, without its body: everything that documents show of it and that decides where it
/// stands. The body is fetched only for the documents that print it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Article {
    /// Permanent identity.
    pub id: ArticleId,
    /// Plain text; never empty.
    pub title: Text,
    /// Plain text; empty only where the article has no body either.
    pub summary: Text,
    /// Where the article is read.
    pub url: WebUrl,
    /// First publication, an embargo included.
    pub published: Timestamp,
    /// Last significant change; never before `published`. It counts only once it is not in the
    /// future: see [`Article::updated_at`].
    pub updated: Timestamp,
    /// The article leaves everything at this instant.
    pub expires: Option<Timestamp>,
    /// Whether it may be seen at all.
    pub status: Status,
    /// Sections, the main one first.
    pub sections: Vec<Topic>,
    /// Stories.
    pub stories: Vec<Topic>,
    /// Tags, as written.
    pub tags: Vec<Text>,
    /// Who wrote it.
    pub authors: Vec<Person>,
    /// Pictures, the main one first.
    pub images: Vec<Image>,
    /// Its video.
    pub video: Option<Media>,
    /// Its audio.
    pub audio: Option<Media>,
    /// The agency it came from.
    pub source: Option<Source>,
    /// Its language; the publication's where it names none.
    pub language: Language,
    /// What sort of article it is.
    pub kind: Kind,
    /// Who may read the body.
    pub access: Access,
    /// Where it is discussed.
    pub comments: Option<Comments>,
    /// May stand in the news sitemap.
    pub news: bool,
    /// May stand in sitemaps at all.
    pub index: bool,
    /// The same article in other languages, itself included, for hreflang.
    pub translations: BTreeMap<Language, WebUrl>,
    /// Tells one body from another; `None` where it has none to print. The body itself is fetched
    /// where it is printed, but a change of it is a change of the article.
    pub body: Option<ContentHash>,
}

impl Article {
    /// The date of the last change as seen at `now`: a change dated in the future has not happened.
    #[must_use]
    pub fn updated_at(&self, now: Timestamp) -> Timestamp {
        seen_at(self.published, self.updated, now)
    }

    /// Visible: published, and `published ≤ now < expires`.
    #[must_use]
    pub fn is_visible(&self, now: Timestamp) -> bool {
        self.status == Status::Published
            && self.published <= now
            && self.expires.is_none_or(|expires| now < expires)
    }
}

/// The date of the last change as seen at `now`: one that is dated in the future has not happened.
pub(crate) fn seen_at(published: Timestamp, updated: Timestamp, now: Timestamp) -> Timestamp {
    if updated <= now { updated } else { published }
}

/// `status` of an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Public from `published` to `expires`.
    Published,
    /// Not ready: not visible, claims no id and no URL.
    Draft,
    /// Held back: not visible, claims no id and no URL.
    Withheld,
    /// Was public and is retracted: in no document, but named by a tombstone.
    Withdrawn,
}

impl Status {
    /// Whether the article claims an id and a URL: drafts and withheld articles do not.
    #[must_use]
    pub fn makes_claims(self) -> bool {
        match self {
            Self::Published | Self::Withdrawn => true,
            Self::Draft | Self::Withheld => false,
        }
    }
}

/// `kind` of an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// An ordinary article.
    Article,
    /// A video page.
    Video,
    /// Live coverage.
    Live,
    /// An opinion piece.
    Opinion,
    /// A gallery of pictures.
    Gallery,
    /// A poll.
    Poll,
}

impl Kind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::Article,
        Self::Video,
        Self::Live,
        Self::Opinion,
        Self::Gallery,
        Self::Poll,
    ];

    /// The word used in articles and configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Video => "video",
            Self::Live => "live",
            Self::Opinion => "opinion",
            Self::Gallery => "gallery",
            Self::Poll => "poll",
        }
    }
}

/// `access` of an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Access {
    /// Anyone may read the body.
    Free,
    /// Feeds show the summary, never the body.
    Subscription,
}

/// A section or story an article names, with the title it gives for it, if any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// Which one.
    pub id: TopicId,
    /// Its title, as this article gives it.
    pub title: Option<Text>,
}

/// A person or organisation that signs an article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Name, never empty.
    pub name: Text,
    /// Home page.
    pub url: Option<WebUrl>,
    /// Mail address.
    pub email: Option<Text>,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Where it is.
    pub url: WebUrl,
    /// What it shows, in words for the reader.
    pub caption: Option<Text>,
    /// Who made it or owns it.
    pub credit: Option<Text>,
    /// What it shows, for those who cannot see it.
    pub alt: Option<Text>,
    /// Media type, such as `image/jpeg`: given, or guessed from the URL.
    pub media_type: SmolStr,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Bytes.
    pub length: Option<u64>,
}

/// A video or a sound recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Where it is.
    pub url: WebUrl,
    /// Media type, such as `video/mp4`: given, or guessed from the URL.
    pub media_type: SmolStr,
    /// Bytes.
    pub length: Option<u64>,
    /// Seconds.
    pub duration: Option<u32>,
    /// A still picture of it.
    pub thumbnail: Option<WebUrl>,
    /// Its own title.
    pub title: Option<Text>,
    /// Its own description.
    pub description: Option<Text>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
}

impl Media {
    /// Whether the URL is a page that plays it, and not the recording itself.
    #[must_use]
    pub fn is_player(&self) -> bool {
        self.media_type == "text/html"
    }
}

/// The agency an article came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name.
    pub name: Text,
    /// Its feed or page.
    pub url: Option<WebUrl>,
}

/// Where an article is discussed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comments {
    /// The page of the discussion.
    pub url: Option<WebUrl>,
    /// How many comments there are.
    pub count: Option<u32>,
}

/// What a store knows of one file after looking at it.
#[derive(Clone, Debug)]
pub enum Finding {
    /// A good article.
    Article(Box<Article>),
    /// Deliberately no article, such as a section page.
    NoArticle,
    /// A file that should be an article and cannot be read as one.
    Rejected,
}
