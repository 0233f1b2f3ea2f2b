//! The nouns: what an article is once it has been read, whatever form it was written in.
//!
//! Everything here is already clean. Strings stop at the door: a [`Text`] is legal XML and NFC, a
//! [`Timestamp`] is UTC in whole seconds, a [`WebUrl`] is absolute and ASCII. This module does no
//! I/O, knows no clock, and knows nothing about documents.

mod diagnostic;
mod text;
mod time;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use diagnostic::{Diagnostic, Excerpt, Place, Severity};
pub use text::{
    ArticleId, IdError, Language, LanguageError, Text, TopicId, UrlError, WebUrl, escape_controls,
    is_xml_char, to_nfc,
};
pub use time::Timestamp;

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
    /// The file it was read from.
    pub path: StorePath,
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
        if self.updated <= now {
            self.updated
        } else {
            self.published
        }
    }

    /// Whether readers find the same in both: the file it was read from is nothing to them.
    #[must_use]
    pub fn reads_as(&self, other: &Self) -> bool {
        let Self { path, .. } = other;
        let moved = Self {
            path: path.clone(),
            ..self.clone()
        };
        moved == *other
    }

    /// Visible: published, and `published ≤ now < expires`.
    #[must_use]
    pub fn is_visible(&self, now: Timestamp) -> bool {
        self.status == Status::Published
            && self.published <= now
            && self.expires.is_none_or(|expires| now < expires)
    }
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

/// One file that is new or changed since it was taken in.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which file.
    pub path: StorePath,
    /// Hash of the bytes it was read from; a file that could not be read has none.
    pub hash: Option<ContentHash>,
    /// What it says.
    pub finding: Finding,
    /// Of a bad file, the first publication it names, where that could be read: until then it is under
    /// embargo all the same.
    pub published: Option<Timestamp>,
    /// Faults and doubts, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// What happened in a store since its files were taken in.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// New and changed files, in bytewise order of their paths.
    pub changed: Vec<Change>,
    /// Files that are no longer there, in the same order.
    pub gone: Vec<StorePath>,
    /// What there is to say of files and folders that are no articles, such as a folder that could
    /// not be read. What was known below that is neither changed nor gone.
    pub remarks: Vec<Diagnostic>,
}

/// A body, and the version of the file it was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Hash of the bytes it was read from.
    pub hash: Option<ContentHash>,
    /// Sanitised HTML in its `div`; `None` where the article turned out to have none.
    pub html: Option<String>,
}

/// What is seen of a file without reading it: one that bears the stamp it bore when it was read holds
/// what it held then. The time of the last change of its inode cannot be set by anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Device and inode.
    pub inode: (u64, u64),
    /// Bytes.
    pub size: i64,
    /// Last modification: seconds and nanoseconds.
    pub modified: (i64, i64),
    /// Last change of the inode: seconds and nanoseconds.
    pub changed: (i64, i64),
}

/// A file that was read: how it looked, and which bytes that were. A bad one has no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// How it looked.
    pub stamp: Stamp,
    /// As [`File::hash`].
    pub hash: Option<ContentHash>,
}

/// What a file was found to be, and the hash of the bytes it was read from. Without a hash it has to
/// be read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum File {
    /// A good article.
    Article(Option<ContentHash>, Arc<Article>),
    /// Deliberately no article.
    NoArticle(Option<ContentHash>),
    /// It could not be read as one.
    Rejected,
}

impl File {
    /// The file that a finding makes.
    #[must_use]
    pub fn of(finding: Finding, hash: Option<ContentHash>) -> Self {
        match finding {
            Finding::Article(article) => Self::Article(hash, Arc::new(*article)),
            Finding::NoArticle => Self::NoArticle(hash),
            Finding::Rejected => Self::Rejected,
        }
    }

    /// The bytes it was read from. A bad file is read again each time it is asked for, so that its
    /// fault is reported each time.
    #[must_use]
    pub fn hash(&self) -> Option<ContentHash> {
        match self {
            Self::Article(hash, _) | Self::NoArticle(hash) => *hash,
            Self::Rejected => None,
        }
    }

    /// Whether it has to be read again although it bears the same stamp.
    #[must_use]
    pub fn is_to_be_read(&self) -> bool {
        match self {
            Self::Article(hash, _) | Self::NoArticle(hash) => hash.is_none(),
            Self::Rejected => false,
        }
    }

    /// Has it read again.
    pub fn forget_hash(&mut self) {
        match self {
            Self::Article(hash, _) | Self::NoArticle(hash) => *hash = None,
            Self::Rejected => {}
        }
    }
}

/// Every file of a store that has been taken in: how far the store has been read. Ordered, so that
/// what lies below a folder is found without a look at the rest.
#[derive(Clone, Debug, Default)]
pub struct Files(BTreeMap<StorePath, File>);

impl Files {
    /// What the file at `path` was found to be.
    #[must_use]
    pub fn get(&self, path: &StorePath) -> Option<&File> {
        self.0.get(path)
    }

    /// Whether exactly these bytes have been taken in from `path`.
    #[must_use]
    pub fn has_read(&self, path: &StorePath, hash: ContentHash) -> bool {
        self.get(path).and_then(File::hash) == Some(hash)
    }

    /// Every file, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&StorePath, &File)> {
        self.0.iter()
    }

    /// The file at `path`, or the files below it where it is a folder; the empty path is the root.
    pub fn at_or_below(&self, path: &str) -> impl Iterator<Item = &StorePath> {
        let whole = StorePath::new(path);
        let below = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let file = self.0.get_key_value(&whole).map(|(path, _)| path);
        let first = StorePath::new(&below);
        let folder = self
            .0
            .range(first..)
            .map(|(path, _)| path)
            .take_while(move |path| path.as_str().starts_with(&below));
        file.into_iter().chain(folder)
    }

    /// These files and no others.
    #[must_use]
    pub fn new(files: BTreeMap<StorePath, File>) -> Self {
        Self(files)
    }

    /// Takes a file in, in place of what was at its path.
    pub fn insert(&mut self, path: StorePath, file: File) {
        self.0.insert(path, file);
    }

    /// Forgets the file at `path`.
    pub fn remove(&mut self, path: &StorePath) {
        self.0.remove(path);
    }
}
