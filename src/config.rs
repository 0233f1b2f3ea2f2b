//! The configuration, resolved: every path absolute, every default filled in, every value checked.
//!
//! Parsing needs no environment; resolving takes the folder of the file as an argument. Unknown
//! keys are errors, and all faults of a file are reported at once.

mod announce;
mod authority;
mod check;
mod declared;
mod duration;
mod fault;
mod paths;
mod pattern;
mod resolve;
mod store;
mod suggest;
mod typed;
mod zone;

use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

pub use duration::duration;
pub use fault::ConfigFault;
pub use paths::{Overlap, overlap};
pub use store::{
    ConnectionUrl, DirectoryConfig, PostgresConfig, RowsConfig, Select, SqliteConfig, StoreConfig,
    StoreKind,
};

use crate::article::{Article, Kind, Language, Person, Text, Timestamp, TopicId, WebUrl};
use crate::document::{Channel, ChannelKind, FeedFormat};

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who publishes.
    pub publication: Publication,
    /// Where articles come from.
    pub store: StoreConfig,
    /// The directory documents are written to, absolute.
    pub out: PathBuf,
    /// How feeds are made, by sort of channel.
    pub feeds: Feeds,
    /// `[sitemap] cross_host`: URLs on other hosts are listed too.
    pub cross_host: bool,
    /// `[news] exclude_sections`.
    pub exclude_sections: Vec<TopicId>,
    /// `[[section]]`, in the order of the file.
    pub sections: Vec<Declared>,
    /// `[[story]]`, in the order of the file.
    pub stories: Vec<Declared>,
    /// `[[channel]]`, in the order of the file.
    pub channels: Vec<Declared>,
    /// When a loss of articles is held.
    pub guard: Guard,
    /// The directory of checkpoint and memory, absolute.
    pub state: PathBuf,
    /// The HTTP server.
    pub serve: Serve,
    /// What is told to hubs and search engines.
    pub announce: Announce,
    /// A hash of the text it was read from.
    pub source: u64,
}

/// `[publication]`.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Exactly as Google News shows it.
    pub name: Text,
    /// Title of the front feed.
    pub title: Text,
    /// One sentence about it.
    pub description: Text,
    /// Its language.
    pub language: Language,
    /// The site: relative URLs of articles resolve against it. Ends in `/`.
    pub url: WebUrl,
    /// Where `out` is served. Ends in `/`.
    pub feeds_url: WebUrl,
    /// The pattern for articles that name no URL, such as `/{path}/`.
    pub article_url: String,
    /// For dates without an offset, `{year}…` and the months of sitemaps.
    pub time_zone: chrono_tz::Tz,
    /// Authority and date of tag: URIs (RFC 4151).
    pub id_authority: IdAuthority,
    /// A copyright line.
    pub copyright: Option<Text>,
    /// A wide picture.
    pub logo: Option<WebUrl>,
    /// A square picture.
    pub icon: Option<WebUrl>,
    /// Authors of the feeds; the name where none are given.
    pub authors: Vec<Person>,
}

/// `id_authority`: `news.example,2016` (RFC 4151 §2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdAuthority {
    /// As written, such as `news.example,2016`.
    pub tagging_entity: String,
    /// Midnight UTC of its date: what an empty feed is dated.
    pub since: Timestamp,
}

/// `[store] section_from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionFrom {
    /// The article's own field.
    Field,
    /// The first folder of its path, where the article names none.
    Directory,
}

/// `[feeds]` and its tables.
#[derive(Clone, Debug)]
pub struct Feeds {
    /// `[feeds]` with `[feeds.front]` over it.
    pub front: FeedSettings,
    /// … with `[feeds.sections]` over it.
    pub sections: FeedSettings,
    /// … with `[feeds.stories]` over it.
    pub stories: FeedSettings,
    /// … with `[feeds.channels]` over it.
    pub channels: FeedSettings,
}

impl Feeds {
    /// The settings for one sort of channel.
    #[must_use]
    pub fn of(&self, kind: ChannelKind) -> &FeedSettings {
        match kind {
            ChannelKind::Front => &self.front,
            ChannelKind::Section => &self.sections,
            ChannelKind::Story => &self.stories,
            ChannelKind::Declared => &self.channels,
        }
    }
}

/// How the feeds of one sort of channel are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSettings {
    /// Which formats, without repeats, in the order of [`FeedFormat::ALL`].
    pub formats: Vec<FeedFormat>,
    /// How many entries at the least, 1 to 1,000.
    pub newest: usize,
    /// Everything published within so many seconds stays, up to 500 entries in all.
    pub floor: i64,
    /// Whether bodies are printed.
    pub content: Content,
}

/// `content` of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The body where the article is free.
    Full,
    /// The summary alone.
    Summary,
}

/// A `[[section]]`, `[[story]]` or `[[channel]]`.
#[derive(Clone, Debug)]
pub struct Declared {
    /// Its id.
    pub id: TopicId,
    /// Its title.
    pub title: Option<Text>,
    /// Its page on the site.
    pub url: Option<WebUrl>,
    /// Articles collected although they do not name it.
    pub matches: Option<Match>,
}

/// A `match` table: every key must hold, any value of a list is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// Kinds; empty where the key is absent, as all below.
    pub kind: Vec<Kind>,
    /// Section ids.
    pub sections: Vec<TopicId>,
    /// Story ids, as the article names them.
    pub stories: Vec<TopicId>,
    /// Tags, NFC, exactly.
    pub tags: Vec<Text>,
    /// Names of authors.
    pub authors: Vec<Text>,
    /// Language ranges: `ar` matches `ar-EG` (RFC 4647 §3.3.1).
    pub language: Vec<Language>,
    /// Names of sources.
    pub source: Vec<Text>,
    /// What must not hold.
    pub not: Option<Box<Match>>,
}

impl Match {
    /// Whether `article` is collected.
    #[must_use]
    pub fn holds(&self, article: &Article) -> bool {
        fn any<T, U>(wanted: &[T], present: &[U], same: impl Fn(&T, &U) -> bool) -> bool {
            wanted.is_empty() || wanted.iter().any(|w| present.iter().any(|p| same(w, p)))
        }
        any(&self.kind, &[article.kind], |w, p| w == p)
            && any(&self.sections, &article.sections, |w, p| *w == p.id)
            && any(&self.stories, &article.stories, |w, p| *w == p.id)
            && any(&self.tags, &article.tags, |w, p| w == p)
            && any(&self.authors, &article.authors, |w, p| *w == p.name)
            && any(
                &self.language,
                std::slice::from_ref(&article.language),
                |w, p| {
                    let (w, p) = (w.as_str(), p.as_str());
                    p.len() >= w.len()
                        && p[..w.len()].eq_ignore_ascii_case(w)
                        && matches!(p.as_bytes().get(w.len()), None | Some(b'-'))
                },
            )
            && any(&self.source, article.source.as_slice(), |w, p| *w == p.name)
            && self.not.as_ref().is_none_or(|not| !not.holds(article))
    }
}

/// `[guard]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The share of visible articles, in hundredths of a percent, that may vanish at once.
    pub max_loss_basis_points: u32,
}

impl Guard {
    /// However small the share, a loss of so many articles is never held.
    pub const ALWAYS_ALLOWED: usize = 10;

    /// Whether a loss of `lost` among `visible` articles is held.
    #[must_use]
    pub fn holds(self, lost: usize, visible: usize) -> bool {
        lost > Self::ALWAYS_ALLOWED
            && (lost as u128) * 10_000 > (visible as u128) * u128::from(self.max_loss_basis_points)
    }
}

/// `[serve]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serve {
    /// Where documents are served.
    pub listen: std::net::SocketAddr,
    /// Where `/healthz` and `/metrics` are.
    pub operations: std::net::SocketAddr,
}

/// Where a secret is: it is read when it is needed, and held no longer than that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// In a file, absolute: one of the newsroom's, or a credential of systemd.
    File(PathBuf),
    /// In a variable of the environment.
    Variable(String),
}

/// `[announce]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announce {
    /// WebSub hubs.
    pub hubs: Vec<WebUrl>,
    /// Where the IndexNow key is.
    pub indexnow_key: Option<Secret>,
    /// Where search engines take the news.
    pub indexnow_endpoint: WebUrl,
    /// Seconds to wait for a CDN.
    pub delay: u64,
    /// Private addresses may be told, and in plain http.
    pub allow_private: bool,
}

impl Announce {
    /// Whether there is anybody to tell.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        !self.hubs.is_empty() || self.indexnow_key.is_some()
    }
}

impl Config {
    /// The declaration of `channel`, where it has one.
    #[must_use]
    pub fn declared(&self, channel: &Channel) -> Option<&Declared> {
        let (list, id) = match channel {
            Channel::Front => return None,
            Channel::Section(id) => (&self.sections, id),
            Channel::Story(id) => (&self.stories, id),
            Channel::Declared(id) => (&self.channels, id),
        };
        list.iter().find(|declared| declared.id == *id)
    }

    /// The most bytes a configuration file may have: 1 MiB, several thousand declarations.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Reads the text of a configuration file. Relative paths in it are taken from `folder`, the
    /// absolute path of the file's folder; `now` is when it is read.
    ///
    /// # Errors
    /// All faults of the file in its order, at least one; where it is no TOML, the first.
    pub fn parse(text: &str, folder: &Path, now: Timestamp) -> Result<Self, Vec<ConfigFault>> {
        // Editors do not show a byte order mark, so it is no column either.
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let faults = fault::Faults::new(text);
        let document = match toml::de::DeTable::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                faults.add(
                    &span,
                    &format!("this is no TOML: {}", error.message()),
                    "mend it; what follows has not been read yet",
                );
                return Err(faults.into_list());
            }
        };
        let config = typed::Table::root(&faults, document.get_ref())
            .read(|root| resolve::config(root, folder, now, &faults));
        let faults = faults.into_list();
        match config {
            Ok(config) if faults.is_empty() => Ok(Self {
                source: fingerprint(&[text.as_bytes()]),
                ..config
            }),
            _ => Err(faults),
        }
    }

    /// A hash of everything here that decides how the file of an article is read. Readings that
    /// were kept under another one are stale.
    #[must_use]
    pub fn reading_fingerprint(&self) -> u64 {
        let publication = &self.publication;
        let section_from: &[u8] = match self.store.section_from {
            SectionFrom::Field => b"field",
            SectionFrom::Directory => b"directory",
        };
        fingerprint(&[
            publication.url.as_str().as_bytes(),
            publication.feeds_url.as_str().as_bytes(),
            publication.article_url.as_bytes(),
            publication.language.as_str().as_bytes(),
            publication.time_zone.name().as_bytes(),
            section_from,
            &[u8::from(self.cross_host)],
            // Another program may read the same bytes otherwise.
            env!("CARGO_PKG_VERSION").as_bytes(),
        ])
    }

    /// A hash of everything here that decides where an article belongs once it is read.
    #[must_use]
    pub fn rules_fingerprint(&self) -> u64 {
        let declared = [&self.sections, &self.stories, &self.channels];
        fingerprint(&[
            // What it prints is all that is in it.
            format!("{declared:?}").as_bytes(),
            format!("{:?}", self.exclude_sections).as_bytes(),
            self.publication.feeds_url.as_str().as_bytes(),
            &[u8::from(self.cross_host)],
            env!("CARGO_PKG_VERSION").as_bytes(),
        ])
    }
}

fn fingerprint(parts: &[&[u8]]) -> u64 {
    let mut hash = Xxh3::new();
    for part in parts {
        // With its length, so that no two lists of parts run together to the same bytes.
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.digest()
}

#[cfg(test)]
mod tests;
