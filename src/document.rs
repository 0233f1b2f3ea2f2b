//! What is published: channels, windows, formats, and the key that names one document.
//!
//! A document is a [`Channel`], seen through a [`Window`], written in a [`FeedFormat`]. A
//! [`DocumentKey`] knows its path below `out`, and a path of a key never leaves `out`.

mod errand;
mod folder;
mod kind;

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

pub use errand::{Errand, Handover, Owed, Receiver};
pub use folder::folder_name;
pub use kind::DocumentKind;

use crate::article::{ContentHash, Timestamp, TopicId, WebUrl};

/// Which articles a feed holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// All of them.
    Front,
    /// Those of a section.
    Section(TopicId),
    /// Those of a story.
    Story(TopicId),
    /// Those a `[[channel]]` of the configuration matches.
    Declared(TopicId),
}

/// The four sorts of channel; the feed settings may differ by sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ChannelKind {
    /// The front.
    Front,
    /// Sections.
    Section,
    /// Stories.
    Story,
    /// Declared channels.
    Declared,
}

impl Channel {
    /// Which sort it is.
    #[must_use]
    pub fn kind(&self) -> ChannelKind {
        match self {
            Self::Front => ChannelKind::Front,
            Self::Section(_) => ChannelKind::Section,
            Self::Story(_) => ChannelKind::Story,
            Self::Declared(_) => ChannelKind::Declared,
        }
    }

    /// Its id; the front has none.
    #[must_use]
    pub fn id(&self) -> Option<&TopicId> {
        match self {
            Self::Front => None,
            Self::Section(id) | Self::Story(id) | Self::Declared(id) => Some(id),
        }
    }

    /// Its folder below `out`, with a trailing slash; empty for the front.
    #[must_use]
    pub fn folder(&self) -> String {
        match self {
            Self::Front => String::new(),
            Self::Section(id) => format!("sections/{}/", folder_name(id)),
            Self::Story(id) => format!("stories/{}/", folder_name(id)),
            Self::Declared(id) => format!("channels/{}/", folder_name(id)),
        }
    }
}

/// Which of a channel's articles stand in a document now. Sitemap parts show a [`Period`] instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The newest `count`, or everything of the last `floor` seconds where that is more, though
    /// never more than [`Window::FLOOR_MAX`] on the floor's account.
    Newest {
        /// How many at the least, where there are so many.
        count: usize,
        /// Seconds.
        floor: i64,
    },
    /// Everything published within so many seconds.
    Within(i64),
}

impl Window {
    /// Whether the article at `position` (from 0, newest first), published at `published`, is seen
    /// through the window at `now`.
    #[must_use]
    pub fn shows(self, position: usize, published: Timestamp, now: Timestamp) -> bool {
        match self {
            Self::Newest { count, floor } => {
                position < count || (position < Self::FLOOR_MAX && now < published.plus(floor))
            }
            Self::Within(seconds) => now < published.plus(seconds),
        }
    }

    /// The most entries a window has on its floor's account, so that a burst stays a feed.
    pub const FLOOR_MAX: usize = 500;
    /// The most entries of one news sitemap (Google Search Central, "News sitemaps").
    pub const NEWS_MAX: usize = 1_000;
    /// Over so many URLs a month's sitemap is written as days.
    pub const MONTH_MAX: usize = 5_000;
    /// How long an article is news: 48 hours (Google Search Central, "News sitemaps").
    pub const NEWS_SECONDS: i64 = 48 * 3_600;
}

/// A stretch of the archive, in the publication's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Period {
    /// A calendar month.
    Month {
        /// Year.
        year: i32,
        /// 1 to 12.
        month: u32,
    },
    /// A day.
    Day(NaiveDate),
}

impl Period {
    /// The month of a day.
    #[must_use]
    pub fn month_of(day: NaiveDate) -> Self {
        Self::Month {
            year: day.year(),
            month: day.month(),
        }
    }

    /// The month it is or lies in.
    #[must_use]
    pub fn month(self) -> Self {
        match self {
            Self::Month { .. } => self,
            Self::Day(day) => Self::month_of(day),
        }
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Month { year, month } => write!(f, "{year:04}-{month:02}"),
            Self::Day(day) => write!(f, "{day}"),
        }
    }
}

/// The three formats of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FeedFormat {
    /// RSS 2.0.
    Rss,
    /// Atom 1.0 (RFC 4287).
    Atom,
    /// JSON Feed 1.1.
    Json,
}

impl FeedFormat {
    /// All three, in the order they are listed everywhere.
    pub const ALL: [Self; 3] = [Self::Rss, Self::Atom, Self::Json];

    /// The file a channel's folder holds.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Rss => "rss.xml",
            Self::Atom => "atom.xml",
            Self::Json => "feed.json",
        }
    }

    /// Its media type, without parameters.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Rss => "application/rss+xml",
            Self::Atom => "application/atom+xml",
            Self::Json => "application/feed+json",
        }
    }

    /// The word used in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rss => "rss",
            Self::Atom => "atom",
            Self::Json => "json",
        }
    }
}

/// Names one document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DocumentKey {
    /// A channel in a feed format.
    Feed(Channel, FeedFormat),
    /// Part `n` (from 1) of the news sitemap.
    NewsSitemap(u32),
    /// Part `n` (from 1) of a period's sitemap.
    Sitemap(Period, u32),
    /// `sitemap.xml`, the index.
    SitemapIndex,
    /// `feeds.opml`.
    Opml,
    /// `stories.json`.
    Stories,
    /// `index.html`.
    Page,
}

/// When in a publication a document becomes visible: an index never names a missing part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Feeds and sitemap parts.
    Part,
    /// What names them.
    Index,
}

impl DocumentKey {
    /// Its path below `out`: `/`-separated UTF-8, never absolute, without `.` or `..`.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Feed(channel, format) => channel.folder() + format.file_name(),
            Self::NewsSitemap(1) => "news-sitemap.xml".to_owned(),
            Self::NewsSitemap(part) => format!("news-sitemap-{part}.xml"),
            Self::Sitemap(period, 1) => format!("sitemap-{period}.xml"),
            Self::Sitemap(period, part) => format!("sitemap-{period}-{part}.xml"),
            Self::SitemapIndex => "sitemap.xml".to_owned(),
            Self::Opml => "feeds.opml".to_owned(),
            Self::Stories => "stories.json".to_owned(),
            Self::Page => "index.html".to_owned(),
        }
    }

    /// Where it is served: its path, percent-encoded, below `feeds_url`.
    #[must_use]
    pub fn url(&self, feeds_url: &WebUrl) -> String {
        url_of(&self.path(), feeds_url)
    }

    /// When it becomes visible.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self {
            Self::Feed(..) | Self::NewsSitemap(_) | Self::Sitemap(..) => Phase::Part,
            Self::SitemapIndex | Self::Opml | Self::Stories | Self::Page => Phase::Index,
        }
    }
}

/// Where the document at `path` is served: percent-encoded, below `feeds_url`.
#[must_use]
pub fn url_of(path: &str, feeds_url: &WebUrl) -> String {
    use std::fmt::Write as _;
    let mut url = feeds_url.as_str().to_owned();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

/// What tells one version of a document from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// xxh3-128 of the bytes.
    pub hash: ContentHash,
    /// How many bytes.
    pub length: u64,
}

impl Fingerprint {
    /// Of a document of which it is not known whether it is in place. No bytes have it.
    pub const UNKNOWN: Self = Self {
        hash: ContentHash(0),
        length: u64::MAX,
    };

    /// Fingerprint of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            hash: ContentHash::of(bytes),
            length: bytes.len() as u64,
        }
    }
}

/// A rendered document.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its name.
    pub key: DocumentKey,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Every document that is published, by path below `out`: what khabar owns there. It is ordered, so
/// that everything derived from it is too.
pub type Manifest = std::collections::BTreeMap<String, Fingerprint>;

/// A publication or a part of one: documents to put in place, then paths to retire.
#[derive(Clone, Debug, Default)]
pub struct Release {
    /// New and changed documents, in any order.
    pub documents: Vec<Document>,
    /// Paths below `out` of documents that nothing names any more.
    pub retired: Vec<String>,
    /// Those of all these paths that no memory says are khabar's in this target: a file that stands
    /// there already is somebody else's, unless it shows that it is not.
    pub unproven: BTreeSet<String>,
    /// Paths of documents that are known to be in this target in another version, so that nobody has
    /// to look.
    pub replaced: BTreeSet<String>,
    /// Whether there is a memory of this target at all.
    pub is_target_known: bool,
}

impl Release {
    /// Leaves paths alone at which somebody else's files stand: neither written nor removed.
    pub fn leave(&mut self, foreign: &BTreeSet<String>) {
        if foreign.is_empty() {
            return;
        }
        self.documents
            .retain(|document| !foreign.contains(&document.key.path()));
        self.retired.retain(|path| !foreign.contains(path));
    }
}

/// Which directory documents are put in. It is another one when it is made anew, and the same when
/// it is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetId {
    /// Its inode.
    pub inode: u64,
    /// When it was made: seconds and nanoseconds; zero where the file system does not say.
    pub born: (i64, u32),
}

/// What a publication did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Documents put in place.
    pub written: usize,
    /// Documents removed.
    pub removed: usize,
}
