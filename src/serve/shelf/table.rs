//! The table of what is published: for each path what is there, and whether it is held in memory for
//! good. It reads nothing and waits for nothing.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use hyper::body::Bytes;
use hyper::header::HeaderValue;

use crate::article::{ContentHash, WebUrl};
use crate::document::{ChannelKind, DocumentKind, url_of};
use crate::serve::path;
use crate::serve::room::Room;
use crate::serve::version::{Before, Version};

/// Bytes of sections' feeds that are pinned at most, as they are: sections come from articles, and
/// there may be any number of them.
const SECTION_BYTES: usize = 256 << 20;
/// What a URL that names no file stands for.
const PAGE: &str = "index.html";

/// Everything that is published, by path.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) entries: HashMap<String, Entry>,
    /// The newest month that has a sitemap.
    pub(super) month: Option<(i32, u32)>,
    /// Where `out` is served.
    site: WebUrl,
    /// The path of that, decoded and without its first slash.
    folder: String,
    hubs: Vec<WebUrl>,
    /// For sections' feeds.
    pub(super) room: Room,
}

/// A document.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) kind: DocumentKind,
    pub(super) content: Content,
    /// See [`Version::modified`]; the least it can be where that is not known yet.
    pub(super) modified: i64,
}

/// Where a document's bytes are.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// In memory.
    Pinned(Arc<Version>),
    /// In `out`; the hash where it is known.
    Stored(Option<ContentHash>),
}

impl Table {
    /// A table of nothing, served at `site`.
    pub(super) fn new(site: &WebUrl) -> Self {
        Self {
            entries: HashMap::new(),
            month: None,
            folder: folder(site),
            site: site.clone(),
            hubs: Vec::new(),
            room: Room::new(SECTION_BYTES),
        }
    }

    /// Has later versions name this site and these hubs.
    pub(super) fn set_links(&mut self, site: &WebUrl, hubs: &[WebUrl]) {
        self.folder = folder(site);
        self.site = site.clone();
        self.hubs = hubs.to_vec();
    }

    /// The entry at a path of a URL, and its path below `out`.
    pub(super) fn find<'a>(&'a self, path: &'a str) -> Option<(&'a str, &'a Entry)> {
        let at = |path: &'a str| {
            let path = if path.is_empty() { PAGE } else { path };
            Some((path, self.entries.get(path)?))
        };
        at(path).or_else(|| at(path.strip_prefix(&self.folder)?))
    }

    /// A version with its links, and the deltas to it from those before.
    pub(super) fn version(
        &self,
        path: &str,
        kind: DocumentKind,
        bytes: Bytes,
        modified: i64,
        before: Before<'_>,
    ) -> Version {
        let mut version = Version::new(kind, bytes, modified).with_deltas(before);
        version.link = self.link(path, kind);
        version
    }

    /// The `Link` field of a document: feeds name themselves and their hubs.
    pub(super) fn link(&self, path: &str, kind: DocumentKind) -> Option<HeaderValue> {
        matches!(kind, DocumentKind::Feed(..)).then_some(())?;
        let mut link = format!("<{}>; rel=\"self\"", url_of(path, &self.site));
        for hub in &self.hubs {
            // Writing to a String cannot fail.
            let _ = write!(link, ", <{hub}>; rel=\"hub\"");
        }
        HeaderValue::from_str(&link).ok()
    }

    /// Whether a document of so many bytes is to be held in memory, where `newest` is the newest
    /// month and `before` what was at its path. The room it takes is taken then, and what was taken
    /// before is free.
    pub(super) fn pins(
        &self,
        kind: DocumentKind,
        newest: Option<(i32, u32)>,
        bytes: usize,
        before: Option<&Entry>,
    ) -> bool {
        if let Some(before) = before {
            self.unpin(before);
        }
        is_pinned(kind, newest) && (!is_of_section(kind) || self.room.take(bytes))
    }

    /// What was at a path is not there any more.
    pub(super) fn unpin(&self, before: &Entry) {
        if let Content::Pinned(version) = &before.content
            && is_of_section(before.kind)
        {
            self.room.leave(version.bytes.len());
        }
    }

    /// Sitemaps of months that are not the newest any more are read when they are asked for.
    pub(super) fn unpin_old_months(&mut self) {
        let newest = self.month;
        for entry in self.entries.values_mut() {
            if !is_pinned(entry.kind, newest)
                && let Content::Pinned(version) = &entry.content
            {
                entry.content = Content::Stored(Some(version.hash));
            }
        }
    }
}

impl Entry {
    /// The hash of its bytes, where it is known.
    pub(super) fn hash(&self) -> Option<ContentHash> {
        match &self.content {
            Content::Pinned(version) => Some(version.hash),
            Content::Stored(hash) => *hash,
        }
    }

    /// Its version, where that is in memory.
    pub(super) fn pinned(&self) -> Option<&Arc<Version>> {
        match &self.content {
            Content::Pinned(version) => Some(version),
            Content::Stored(_) => None,
        }
    }
}

/// The decoded path of a site, without its first slash.
fn folder(site: &WebUrl) -> String {
    let url = site.to_url();
    let folder = url.and_then(|url| Some(path::decoded(url.path()).ok()?.into_owned()));
    folder.unwrap_or_default()
}

/// Whether such a document is held in memory for good, where `newest` is the newest month.
pub(super) fn is_pinned(kind: DocumentKind, newest: Option<(i32, u32)>) -> bool {
    match kind {
        DocumentKind::Feed(ChannelKind::Story, _) => false,
        DocumentKind::Sitemap { .. } => month(kind) == newest,
        DocumentKind::Feed(..)
        | DocumentKind::NewsSitemap
        | DocumentKind::SitemapIndex
        | DocumentKind::Opml
        | DocumentKind::Stories
        | DocumentKind::Page => true,
    }
}

/// The month of a sitemap.
pub(super) fn month(kind: DocumentKind) -> Option<(i32, u32)> {
    match kind {
        DocumentKind::Sitemap { year, month } => Some((year, month)),
        _ => None,
    }
}

fn is_of_section(kind: DocumentKind) -> bool {
    matches!(kind, DocumentKind::Feed(ChannelKind::Section, _))
}
