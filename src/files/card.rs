//! What decides where an article stands, and where the rest of it is kept.
//!
//! An index over a million articles holds a million cards. What only documents show is kept in an
//! [`Archive`] and fetched by the card for the few documents that are written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::article::{Article, ArticleId, ContentHash, Status, StorePath, Text, Timestamp, WebUrl};
use crate::document::Channel;

/// What decides where an article stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each says another thing")]
pub struct Card {
    /// Permanent identity.
    pub id: ArticleId,
    /// The file it was read from.
    pub path: StorePath,
    /// Tells one URL from another.
    pub url: UrlHash,
    /// As [`Article::published`].
    pub published: Timestamp,
    /// As [`Article::updated`].
    pub updated: Timestamp,
    /// As [`Article::expires`].
    pub expires: Option<Timestamp>,
    /// As [`Article::status`].
    pub status: Status,
    /// As [`Article::index`].
    pub index: bool,
    /// Whether it may stand in sitemaps.
    pub is_listed: bool,
    /// Whether it may stand in news sitemaps, inside the 48 hours.
    pub is_news: bool,
    /// Whether its body may be printed, and there is one.
    pub prints_body: bool,
    /// The channels it belongs to.
    pub belonging: Arc<Belonging>,
    /// Tells one content from another: the hash of the article as it is archived. The file it was
    /// read from is not in it, being nothing to readers.
    pub content: ContentHash,
    /// Where that is.
    pub location: Location,
}

impl Card {
    /// The article itself, from the archive.
    ///
    /// # Errors
    /// Where it cannot be read, or is not what was put there.
    pub fn fetch(&self, archive: &dyn Archive) -> Result<Article, ArchiveError> {
        let mut bytes = Vec::new();
        archive
            .get(&self.location, &mut bytes)
            .map_err(|cause| ArchiveError {
                path: self.path.clone(),
                cause,
            })?;
        (ContentHash::of(&bytes) == self.content)
            .then(|| postcard::from_bytes(&bytes).ok())
            .flatten()
            .ok_or_else(|| ArchiveError {
                path: self.path.clone(),
                cause: std::io::ErrorKind::InvalidData.into(),
            })
    }
}

/// The channels an article belongs to: the front, then its sections, stories and declared channels,
/// each with the title that the article gives for it. Many articles share one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Belonging(pub Vec<(Channel, Option<Text>)>);

impl Belonging {
    /// The channels.
    pub fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.0.iter().map(|(channel, _)| channel)
    }

    /// Whether `channel` is among them.
    #[must_use]
    pub fn contains(&self, channel: &Channel) -> bool {
        self.channels().any(|other| other == channel)
    }

    /// The title that is given for `channel`.
    #[must_use]
    pub fn title(&self, channel: &Channel) -> Option<&Text> {
        let mut given = self.0.iter();
        given.find(|(other, _)| other == channel)?.1.as_ref()
    }
}

/// Tells one URL from another: the xxh3-128 of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UrlHash(pub(super) u128);

impl UrlHash {
    /// Of a URL, or of a text that may be one.
    #[must_use]
    pub fn of(url: &str) -> Self {
        Self(ContentHash::of(url.as_bytes()).0)
    }

    /// A part of it, by which it is found among others.
    #[must_use]
    pub fn short(self) -> u32 {
        let [a, b, c, d, ..] = self.0.to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
}

impl From<&WebUrl> for UrlHash {
    fn from(url: &WebUrl) -> Self {
        Self::of(url.as_str())
    }
}

/// Where an article is kept: how the archive finds it, and its length in bytes. It moves when the
/// archive is written anew, so two cards that differ in it alone are the same.
#[derive(Debug)]
pub struct Location {
    at: AtomicU64,
    /// Bytes.
    pub length: u32,
}

impl Location {
    /// A location that the archive knows as `at`.
    #[must_use]
    pub fn new(at: u64, length: u32) -> Self {
        Self {
            at: AtomicU64::new(at),
            length,
        }
    }

    /// What the archive knows it as.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at.load(Ordering::Relaxed)
    }

    /// It is known as `at` from now on.
    pub fn move_to(&self, at: u64) {
        self.at.store(at, Ordering::Relaxed);
    }
}

impl Clone for Location {
    fn clone(&self) -> Self {
        Self::new(self.at(), self.length)
    }
}

impl PartialEq for Location {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Location {}

impl Serialize for Location {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.at(), self.length).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (at, length) = Deserialize::deserialize(deserializer)?;
        Ok(Self::new(at, length))
    }
}

/// Where articles are kept as bytes, until they are asked for.
pub trait Archive: std::fmt::Debug + Send + Sync {
    /// Keeps bytes. Where they cannot be written yet, that is told when they are to be saved.
    fn put(&self, bytes: &[u8]) -> Location;

    /// Reads what is kept at a location into the empty `into`.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn get(&self, location: &Location, into: &mut Vec<u8>) -> std::io::Result<()>;

    /// Sees to it that what is kept at a location stays, which was asked for before the archive was
    /// written anew.
    fn adopt(&self, location: &Location);
}

/// An article cannot be fetched.
#[derive(Debug, thiserror::Error)]
#[error("what is remembered of {path} cannot be read: {cause}")]
pub struct ArchiveError {
    /// The file it was read from.
    pub path: StorePath,
    /// Why.
    pub cause: std::io::Error,
}
