//! What every file of a store was found to be: as small as it can be kept, since a store may hold
//! millions.
//!
//! It is a map from paths to [`File`]s, which are put together when they are asked for. What
//! articles have in common (folders, the channels they belong to) is held once.

mod rows;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::paths::{FileNo, NameRef, Names, Paths, grow};
use super::{Belonging, Card, File, Location, UrlHash};
use crate::article::{ArticleId, ContentHash, Status, StorePath, Timestamp};
pub use rows::Seen;
use rows::{
    Belongings, CardRow, EXPIRES, INDEX, LISTED, NEWS, NO_CARD, PRINTS, Row, RowKind, VACANT,
};

/// Every file of a store that has been taken in.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    paths: Paths,
    rows: Vec<Row>,
    cards: Vec<CardRow>,
    ids: Names,
    belongings: Belongings,
    expiries: HashMap<FileNo, Timestamp>,
    /// Files that have other names, by inode.
    links: HashMap<(u64, u64), BTreeSet<FileNo>>,
    inodes: HashMap<FileNo, (u64, u64)>,
    rejected: usize,
    gone: usize,
}

impl Ledger {
    /// What the file at `path` was found to be.
    #[must_use]
    pub fn get(&self, path: &StorePath) -> Option<File> {
        self.file(self.find(path)?)
    }

    /// The number of the file at `path`, which may be gone.
    #[must_use]
    pub fn find(&self, path: &StorePath) -> Option<FileNo> {
        self.paths.find(path.as_str())
    }

    /// The path of a file.
    #[must_use]
    pub fn path(&self, no: FileNo) -> StorePath {
        self.paths.path(no)
    }

    /// What a file was found to be.
    #[must_use]
    pub fn file(&self, no: FileNo) -> Option<File> {
        let hash = self.hash(no);
        match self.rows[no.index()].kind {
            RowKind::Article => Some(File::Article(hash, Arc::new(self.card(no)))),
            RowKind::NoArticle => Some(File::NoArticle(hash)),
            RowKind::Rejected => Some(File::Rejected),
            RowKind::Gone | RowKind::Vacant => None,
        }
    }

    /// The hash of the bytes a file was read from; none where it is bad, or has to be read again.
    #[must_use]
    pub fn hash(&self, no: FileNo) -> Option<ContentHash> {
        let row = &self.rows[no.index()];
        row.has_hash
            .then(|| ContentHash(u128::from_le_bytes(row.hash)))
    }

    /// Whether a file holds an article.
    #[must_use]
    pub fn is_article(&self, no: FileNo) -> bool {
        self.rows[no.index()].kind == RowKind::Article
    }

    /// Whether a file is deliberately no article.
    #[must_use]
    pub fn is_no_article(&self, no: FileNo) -> bool {
        self.rows[no.index()].kind == RowKind::NoArticle
    }

    /// Whether exactly these bytes have been taken in from a file.
    #[must_use]
    pub fn has_read(&self, no: FileNo, hash: ContentHash) -> bool {
        self.hash(no) == Some(hash)
    }

    /// How a file looked when it was read, where that can be relied on: one that looks the same
    /// holds what it held then.
    #[must_use]
    pub fn seen(&self, no: FileNo) -> Option<Seen> {
        let row = &self.rows[no.index()];
        // Without a hash it has to be read again, unless it is bad.
        let is_known = row.has_hash || row.kind == RowKind::Rejected;
        (row.is_seen && is_known).then(|| Seen(u128::from_le_bytes(row.seen)))
    }

    /// The card of a file that holds an article.
    #[must_use]
    pub fn card(&self, no: FileNo) -> Card {
        let row = &self.cards[no.index()];
        let has = |flag| row.flags & flag != 0;
        Card {
            id: self.article_id(no),
            path: self.path(no),
            url: UrlHash(u128::from_le_bytes(row.url)),
            published: Timestamp::from_seconds(row.published).unwrap_or(Timestamp::MAX),
            updated: Timestamp::from_seconds(row.updated).unwrap_or(Timestamp::MAX),
            expires: self.expires(no),
            status: row.status,
            index: has(INDEX),
            is_listed: has(LISTED),
            is_news: has(NEWS),
            prints_body: has(PRINTS),
            belonging: Arc::clone(self.belonging(no)),
            content: ContentHash(u128::from_le_bytes(row.content)),
            location: Location::new(row.at, row.length),
        }
    }

    /// The id of the article in a file.
    #[must_use]
    pub fn id(&self, no: FileNo) -> &str {
        self.ids.get(self.cards[no.index()].id)
    }

    /// The id of the article in a file as bytes, in whose order ids are.
    #[must_use]
    pub fn id_bytes(&self, no: FileNo) -> &[u8] {
        self.ids.bytes(self.cards[no.index()].id)
    }

    /// The id of the article in a file, as one.
    #[must_use]
    pub fn article_id(&self, no: FileNo) -> ArticleId {
        ArticleId::of_clean(self.id(no))
    }

    /// As [`Card::url`].
    #[must_use]
    pub fn url(&self, no: FileNo) -> UrlHash {
        UrlHash(u128::from_le_bytes(self.cards[no.index()].url))
    }

    /// As [`Card::content`].
    #[must_use]
    pub fn content(&self, no: FileNo) -> ContentHash {
        ContentHash(u128::from_le_bytes(self.cards[no.index()].content))
    }

    /// As [`Card::published`].
    #[must_use]
    pub fn published(&self, no: FileNo) -> Timestamp {
        Timestamp::from_seconds(self.cards[no.index()].published).unwrap_or(Timestamp::MAX)
    }

    /// As [`Card::updated`].
    #[must_use]
    pub fn updated(&self, no: FileNo) -> Timestamp {
        Timestamp::from_seconds(self.cards[no.index()].updated).unwrap_or(Timestamp::MAX)
    }

    /// As [`Card::expires`].
    #[must_use]
    pub fn expires(&self, no: FileNo) -> Option<Timestamp> {
        let expires = self.cards[no.index()].flags & EXPIRES != 0;
        expires.then(|| self.expiries.get(&no).copied())?
    }

    /// As [`Card::status`].
    #[must_use]
    pub fn status(&self, no: FileNo) -> Status {
        self.cards[no.index()].status
    }

    /// As [`Card::is_listed`].
    #[must_use]
    pub fn is_listed(&self, no: FileNo) -> bool {
        self.cards[no.index()].flags & LISTED != 0
    }

    /// As [`Card::is_news`].
    #[must_use]
    pub fn is_news(&self, no: FileNo) -> bool {
        self.cards[no.index()].flags & NEWS != 0
    }

    /// As [`Card::belonging`].
    #[must_use]
    pub fn belonging(&self, no: FileNo) -> &Arc<Belonging> {
        self.belongings.get(self.cards[no.index()].belonging)
    }

    /// The number of that list of channels, which is the same for all files that have it.
    #[must_use]
    pub fn belonging_number(&self, no: FileNo) -> usize {
        self.cards[no.index()].belonging as usize
    }

    /// Every number that is given, gone files included.
    pub fn all(&self) -> impl Iterator<Item = FileNo> {
        self.paths.iter()
    }

    /// Every file that is there, folder by folder.
    pub fn iter(&self) -> impl Iterator<Item = FileNo> {
        self.all().filter(|no| self.is_there(*no))
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.paths.len() - self.gone
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn is_there(&self, no: FileNo) -> bool {
        !matches!(self.rows[no.index()].kind, RowKind::Gone | RowKind::Vacant)
    }

    /// One more than the largest number of a file.
    #[must_use]
    pub fn end(&self) -> usize {
        self.paths.end()
    }

    /// How many files are bad.
    #[must_use]
    pub fn rejected(&self) -> usize {
        self.rejected
    }

    /// The file at `path`, or the files below it where it is a folder; the empty path is the root.
    pub fn at_or_below(&self, path: &str) -> impl Iterator<Item = FileNo> {
        let files = self.paths.at_or_below(path);
        files.filter(|no| self.is_there(*no))
    }

    /// The other names of a file that has several: a change of one is a change of all, and is heard
    /// of once.
    pub fn other_names(&self, no: FileNo) -> impl Iterator<Item = FileNo> {
        let inode = self.inodes.get(&no);
        let names = inode.and_then(|inode| self.links.get(inode));
        names
            .into_iter()
            .flatten()
            .copied()
            .filter(move |name| *name != no)
    }

    /// The inode of a file that has several names.
    #[must_use]
    pub fn inode(&self, no: FileNo) -> Option<(u64, u64)> {
        self.inodes.get(&no).copied()
    }

    /// Takes a file in, in place of what was at its path; how it looked is not known yet.
    pub fn insert(&mut self, path: &StorePath, file: &File) -> FileNo {
        let no = self.number(path);
        let kind = match file {
            File::Article(_, card) => {
                self.set_card(no, card);
                RowKind::Article
            }
            File::NoArticle(_) => RowKind::NoArticle,
            File::Rejected => RowKind::Rejected,
        };
        let hash = file.hash();
        self.set_row(
            no,
            Row {
                hash: hash.map_or([0; 16], |hash| hash.0.to_le_bytes()),
                kind,
                has_hash: hash.is_some(),
                ..VACANT
            },
        );
        no
    }

    /// Keeps a number for the file at `path`, which is gone.
    pub fn hold(&mut self, path: &StorePath) -> FileNo {
        let no = self.number(path);
        self.link(no, None);
        self.set_row(
            no,
            Row {
                kind: RowKind::Gone,
                ..VACANT
            },
        );
        no
    }

    fn number(&mut self, path: &StorePath) -> FileNo {
        let no = self.paths.add(path.as_str());
        if no.index() == self.rows.len() {
            grow(&mut self.rows);
            self.rows.push(VACANT);
            grow(&mut self.cards);
            self.cards.push(NO_CARD);
        }
        no
    }

    fn set_row(&mut self, no: FileNo, row: Row) {
        let before = std::mem::replace(&mut self.rows[no.index()], row);
        let is = |row: &Row, kind| usize::from(row.kind == kind);
        self.rejected += is(&row, RowKind::Rejected);
        self.rejected -= is(&before, RowKind::Rejected);
        self.gone += is(&row, RowKind::Gone);
        self.gone -= is(&before, RowKind::Gone);
    }

    /// Remembers how a file looked when it was read, or that this cannot be relied on.
    pub fn see(&mut self, no: FileNo, seen: Option<Seen>) {
        let row = &mut self.rows[no.index()];
        row.is_seen = seen.is_some();
        row.seen = seen.map_or([0; 16], |seen| seen.0.to_le_bytes());
    }

    /// Remembers that a file has other names, by its inode, or that it has none.
    pub fn link(&mut self, no: FileNo, inode: Option<(u64, u64)>) {
        let before = match inode {
            Some(inode) => self.inodes.insert(no, inode),
            None => self.inodes.remove(&no),
        };
        if before == inode {
            return;
        }
        if let Some(before) = before
            && let Some(names) = self.links.get_mut(&before)
        {
            names.remove(&no);
            if names.is_empty() {
                self.links.remove(&before);
            }
        }
        if let Some(inode) = inode {
            self.links.entry(inode).or_default().insert(no);
        }
    }

    /// Has a file read again, although it looks the same.
    pub fn forget_hash(&mut self, no: FileNo) {
        self.rows[no.index()].has_hash = false;
    }

    /// Says where the article of a file is kept by now.
    pub fn relocate(&mut self, no: FileNo, at: u64) {
        self.cards[no.index()].at = at;
    }

    /// Forgets a file.
    pub fn remove(&mut self, no: FileNo) {
        self.link(no, None);
        self.expiries.remove(&no);
        self.set_row(no, VACANT);
        self.cards[no.index()] = NO_CARD;
        self.paths.remove(no);
    }

    fn set_card(&mut self, no: FileNo, card: &Card) {
        let before = self.cards[no.index()];
        let id = if before.id != NameRef::NONE && self.ids.get(before.id) == card.id.as_str() {
            before.id
        } else {
            self.ids.add(card.id.as_str())
        };
        let flags = [
            (card.index, INDEX),
            (card.is_listed, LISTED),
            (card.is_news, NEWS),
            (card.prints_body, PRINTS),
            (card.expires.is_some(), EXPIRES),
        ];
        match card.expires {
            Some(expires) => self.expiries.insert(no, expires),
            None => self.expiries.remove(&no),
        };
        self.cards[no.index()] = CardRow {
            published: card.published.seconds(),
            updated: card.updated.seconds(),
            at: card.location.at(),
            url: card.url.0.to_le_bytes(),
            content: card.content.0.to_le_bytes(),
            id,
            length: card.location.length,
            belonging: self.belongings.add(&card.belonging),
            status: card.status,
            flags: flags
                .iter()
                .filter(|(is_set, _)| *is_set)
                .fold(0, |flags, (_, flag)| flags | flag),
        };
    }
}

#[cfg(test)]
mod tests;
