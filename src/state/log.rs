//! The memory's file: records one after the other, each with its hash, and between them what they
//! speak of.
//!
//! ```text
//! magic and version | sealed length | base length | hash of all three | entry | entry | …
//! entry: length | kind | hash of all three | payload
//! group: one or more records
//! ```
//!
//! An entry is a record or a block of articles, which records refer to by their offset. A group is
//! appended and synced as a whole, with the articles it speaks of, and counts as a whole. Whatever
//! lies within the sealed length was synced before that was written: damage there is damage. Articles
//! there are not even looked at, for each is checked when it is asked for. What lies after it and
//! is not whole was cut off by a crash before anything depended on it, and is left out.
//! A file that has grown to twice its base is written anew beside itself and renamed, so another
//! process can read or copy it at any time.

mod articles;
mod read;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::sync::Arc;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::engine::Record;
use crate::files::{Card, Location};

pub(super) use articles::Articles;
pub(super) use read::{Damaged, Read, read};

/// The first bytes, and the version of what follows.
const MAGIC: &[u8; 12] = b"khabar\0\0m003";
/// Magic, sealed length, base length, their hash.
pub(super) const HEADER: usize = MAGIC.len() + 8 + 8 + 8;
/// Length, kind, the hash of both and of the payload.
const ENTRY: usize = 4 + 1 + 16;
/// A file is not written anew for less than this many bytes of what is out of date.
const GROWTH: u64 = 1 << 20;
/// So many bytes of articles are one block, where nothing asks for them to be written earlier.
const BLOCK: usize = 4 << 20;
/// The part of a [`Location`] that is an offset in the file. What is above counts how often the file
/// has been written anew by this process.
pub(super) const OFFSET: u64 = (1 << 48) - 1;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntryKind {
    /// A record, the last of its group.
    Last,
    /// A record, and more of its group.
    More,
    /// Articles.
    Block,
}

impl EntryKind {
    fn of(byte: u8) -> Option<Self> {
        [Self::Last, Self::More, Self::Block]
            .into_iter()
            .find(|kind| kind.byte() == byte)
    }

    fn byte(self) -> u8 {
        match self {
            Self::Last => 0,
            Self::More => 1,
            Self::Block => 2,
        }
    }
}

fn header(sealed: u64, base: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let (signed, hash) = header.split_at_mut(HEADER - 8);
    signed[..MAGIC.len()].copy_from_slice(MAGIC);
    signed[MAGIC.len()..MAGIC.len() + 8].copy_from_slice(&sealed.to_le_bytes());
    signed[MAGIC.len() + 8..].copy_from_slice(&base.to_le_bytes());
    hash.copy_from_slice(&xxh3_64(signed).to_le_bytes());
    header
}

fn entry_hash(signed: &[u8], payload: &[u8]) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(signed);
    hash.update(payload);
    hash.digest128()
}

fn write_entry(kind: EntryKind, payload: &[u8], to: &mut impl io::Write) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    let mut signed = [0; 5];
    signed[..4].copy_from_slice(&length.to_le_bytes());
    signed[4] = kind.byte();
    to.write_all(&signed)?;
    to.write_all(&entry_hash(&signed, payload).to_le_bytes())?;
    to.write_all(payload)
}

/// The entries of one group, each record made when it is written.
fn write_group<R: Borrow<Record>>(
    records: impl IntoIterator<Item = R>,
    to: &mut impl io::Write,
) -> io::Result<()> {
    let mut records = records.into_iter().peekable();
    while let Some(record) = records.next() {
        let payload = postcard::to_stdvec(record.borrow()).map_err(io::Error::other)?;
        let kind = match records.peek() {
            Some(_) => EntryKind::More,
            None => EntryKind::Last,
        };
        write_entry(kind, &payload, to)?;
    }
    Ok(())
}

/// The articles that can be read: in the file as it was opened or written, and those that are to be
/// written at its end.
#[derive(Debug, Default)]
struct Generation {
    /// Counts how often the file was written anew.
    number: u64,
    file: Option<Arc<File>>,
    /// A block that is to be written at `at`, without its head.
    pending: Vec<u8>,
    at: u64,
}

/// What is at a location.
enum Kept {
    Bytes(Vec<u8>),
    In(Arc<File>, u64),
}

impl Generation {
    /// Writes the articles that wait as a block, where there are any.
    fn write_pending(&self, to: &mut impl io::Write) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        write_entry(EntryKind::Block, &self.pending, to)
    }

    /// They are written, and the file goes on at `end`.
    fn is_written(&mut self, end: u64) {
        self.at = end;
        self.pending.clear();
    }

    fn put(&mut self, bytes: &[u8]) -> Location {
        let at = self.at + (ENTRY + self.pending.len()) as u64;
        self.pending.extend_from_slice(bytes);
        // The articles of a store are bounded by the size of its files, 5 MB each.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Location::new(self.number << 48 | at & OFFSET, length)
    }

    fn kept(&self, location: &Location) -> Option<Kept> {
        let (at, length) = (location.at() & OFFSET, location.length as usize);
        if at < self.at {
            return Some(Kept::In(Arc::clone(self.file.as_ref()?), at));
        }
        let start = usize::try_from(at - self.at).ok()?.checked_sub(ENTRY)?;
        let bytes = self.pending.get(start..start.checked_add(length)?)?;
        Some(Kept::Bytes(bytes.to_vec()))
    }
}

/// Writes to a file from an offset on.
struct WriterAt<'a> {
    file: &'a File,
    at: u64,
}

impl io::Write for WriterAt<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write_at(bytes, self.at)?;
        self.at += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The file, to be written.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    /// Open and in agreement with what is known of it; otherwise it is written anew.
    file: Option<File>,
    /// Whether it can be, once it is opened.
    is_sound: bool,
    /// How long it was when it was written anew.
    base: u64,
    /// Up to here it is synced, to the end of a group. What is written ahead lies after that.
    synced: u64,
    /// What is in the file, and what is to come there.
    now: Generation,
    /// Before the file was written anew: what is being read meanwhile may refer to it.
    before: Generation,
    /// Whether articles may be written before they are to be saved.
    writes_ahead: bool,
    /// So many bytes of articles are waited for.
    patience: usize,
}

impl Log {
    /// The file at `path`, of which `read` is known.
    pub(super) fn new(path: PathBuf, read: &Read) -> Self {
        Self {
            path,
            file: None,
            is_sound: read.file.is_some(),
            base: read.base,
            synced: read.end.max(HEADER as u64),
            now: Generation {
                file: read.file.clone(),
                at: read.end.max(HEADER as u64),
                ..Generation::default()
            },
            before: Generation::default(),
            writes_ahead: false,
            patience: BLOCK,
        }
    }

    /// Adds a group, or where that cannot be, writes the file anew from `everything` and the group:
    /// then it hands back all records, whose articles are elsewhere now. All of it is durable when
    /// this returns.
    pub(super) fn save<R: Borrow<Record>>(
        &mut self,
        news: impl IntoIterator<Item = R>,
        everything: impl FnOnce() -> Vec<Record>,
    ) -> io::Result<Vec<Record>> {
        if self.is_open()? {
            self.append(news)?;
            return Ok(Vec::new());
        }
        let mut records = everything();
        records.extend(news.into_iter().map(|record| record.borrow().clone()));
        self.rewrite(&records)?;
        Ok(records)
    }

    /// Whether more of the file is out of date than not.
    pub(super) fn is_overgrown(&self) -> bool {
        self.synced.saturating_sub(self.base) > self.base.max(GROWTH)
    }

    /// Says in the file that all of it is whole: from here on, damage is damage.
    pub(super) fn seal(&mut self) -> io::Result<()> {
        if self.is_open()?
            && let Some(file) = &self.file
        {
            file.write_all_at(&header(self.synced, self.base), 0)?;
            file.sync_data()?;
        }
        Ok(())
    }

    /// Writes the file anew beside itself with the articles of `records`, syncs, renames, syncs the
    /// directory.
    pub(super) fn rewrite(&mut self, records: &[Record]) -> io::Result<()> {
        // Anything but success leaves a file that is not known: then it is written anew again.
        self.file = None;
        self.is_sound = false;
        let cards: Vec<&Card> = records.iter().flat_map(Record::cards).collect();
        let places: Vec<u64> = cards.iter().map(|card| card.location.at()).collect();
        let written = self.write_anew(&cards, records);
        match written {
            Ok((file, readable, end)) => {
                let next = Generation {
                    number: self.now.number + 1,
                    file: Some(Arc::new(readable)),
                    pending: Vec::new(),
                    at: end,
                };
                self.before = std::mem::replace(&mut self.now, next);
                self.file = Some(file);
                self.is_sound = true;
                self.base = end;
                self.synced = end;
                self.patience = BLOCK;
                Ok(())
            }
            Err(error) => {
                for (card, at) in cards.iter().zip(places) {
                    card.location.move_to(at);
                }
                Err(error)
            }
        }
    }

    /// Writes the file anew; the cards are moved there.
    fn write_anew(&self, cards: &[&Card], records: &[Record]) -> io::Result<(File, File, u64)> {
        let mut end = 0;
        let file = super::replace(&self.path, |file| {
            let mut writer = io::BufWriter::with_capacity(1 << 20, file);
            writer.write_all(&[0; HEADER])?;
            let mut block = Generation {
                number: self.now.number + 1,
                at: HEADER as u64,
                ..Generation::default()
            };
            let mut bytes = Vec::new();
            // One that several cards speak of is moved once.
            let mut moved: HashMap<u64, u64> = HashMap::with_capacity(cards.len());
            for card in cards {
                let at = card.location.at();
                if let Some(to) = moved.get(&at) {
                    card.location.move_to(*to);
                    continue;
                }
                if at >> 48 == block.number {
                    continue;
                }
                bytes.clear();
                // What is lost stays so: whoever asks for it is told, and has it read again.
                let is_there = self.get(&card.location, &mut bytes).is_ok();
                let to = if is_there {
                    block.put(&bytes).at()
                } else {
                    block.number << 48
                };
                card.location.move_to(to);
                moved.insert(at, to);
                if block.pending.len() >= BLOCK {
                    block.write_pending(&mut writer)?;
                    block.is_written(block.at + (ENTRY + block.pending.len()) as u64);
                }
            }
            block.write_pending(&mut writer)?;
            write_group(records, &mut writer)?;
            writer.flush()?;
            drop(writer);
            end = file.metadata()?.len();
            file.write_all_at(&header(end, end), 0)
        })?;
        let readable = file.try_clone()?;
        Ok((file, readable, end))
    }

    /// Keeps an article; where much of them is waiting, it is written ahead of what speaks of it.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Location {
        let location = self.now.put(bytes);
        if self.writes_ahead && self.now.pending.len() >= self.patience {
            // What cannot be written now is told when it is to be saved.
            self.patience = match self.write_ahead() {
                Ok(()) => BLOCK,
                Err(_) => self.patience.saturating_add(BLOCK),
            };
        }
        location
    }

    /// Whether articles may be written before they are to be saved: for whoever may write at all.
    pub(super) fn write_ahead_from_now_on(&mut self, may: bool) {
        self.writes_ahead = may;
    }

    /// Writes the articles that wait, which nothing speaks of yet.
    fn write_ahead(&mut self) -> io::Result<()> {
        if self.base == 0 {
            self.make()?;
        }
        if !self.is_open()? {
            return Err(io::ErrorKind::NotFound.into());
        }
        let Some(file) = &self.file else {
            return Ok(());
        };
        let at = self.now.at;
        let mut writer = WriterAt { file, at };
        if let Err(error) = self.now.write_pending(&mut writer) {
            let _ = file.set_len(at);
            return Err(error);
        }
        self.now.is_written(writer.at);
        Ok(())
    }

    /// Makes a file that holds nothing yet.
    fn make(&mut self) -> io::Result<()> {
        let empty = header(HEADER as u64, HEADER as u64);
        let file = super::replace(&self.path, |mut file| file.write_all(&empty))?;
        self.now.file = Some(Arc::new(file.try_clone()?));
        self.file = Some(file);
        self.is_sound = true;
        self.base = HEADER as u64;
        Ok(())
    }

    /// Copies what was kept before the file was written anew.
    pub(super) fn adopt(&mut self, location: &Location) {
        let mut bytes = Vec::new();
        // Where it is lost, whoever asks for it is told.
        if location.at() >> 48 != self.now.number && self.get(location, &mut bytes).is_ok() {
            location.move_to(self.now.put(&bytes).at());
        }
    }

    /// What is kept at a location, or in which file and where.
    fn kept(&self, location: &Location) -> io::Result<Kept> {
        let number = location.at() >> 48;
        let mut generations = [&self.now, &self.before].into_iter();
        let generation = generations.find(|generation| generation.number == number);
        let kept = generation.and_then(|generation| generation.kept(location));
        kept.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn get(&self, location: &Location, into: &mut Vec<u8>) -> io::Result<()> {
        self.kept(location)?.read(location, into)
    }

    /// Whether the file can be appended to: it is there, and it is the one that is known.
    fn is_open(&mut self) -> io::Result<bool> {
        if !self.is_sound {
            return Ok(false);
        }
        let Some(known) = &self.now.file else {
            return Ok(false);
        };
        let there = match std::fs::metadata(&self.path) {
            Ok(there) => there,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if self.file.is_none() {
            let file = OpenOptions::new().read(true).write(true).open(&self.path)?;
            let (open, known) = (file.metadata()?, known.metadata()?);
            let is_known = (open.dev(), open.ino()) == (known.dev(), known.ino());
            if !is_known || open.len() < self.now.at {
                return Ok(false);
            }
            file.set_len(self.now.at)?;
            // A process that was killed may have written what it did not sync.
            file.sync_data()?;
            self.file = Some(file);
        }
        let Some(file) = &self.file else {
            return Ok(false);
        };
        let open = file.metadata()?;
        Ok((open.dev(), open.ino(), open.len()) == (there.dev(), there.ino(), self.now.at))
    }

    fn append<R: Borrow<Record>>(&mut self, news: impl IntoIterator<Item = R>) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let at = self.now.at;
        let write = || {
            file.write_all_at(&header(self.synced, self.base), 0)?;
            let mut writer = io::BufWriter::with_capacity(1 << 20, WriterAt { file, at });
            self.now.write_pending(&mut writer)?;
            write_group(news, &mut writer)?;
            let writer = writer
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?;
            Ok(writer.at)
        };
        let end = match write() {
            Ok(end) => end,
            Err(error) => {
                // Where even that fails, the length is not what is known, and it is written anew.
                let _ = file.set_len(at);
                return Err(error);
            }
        };
        let synced = file.sync_data();
        self.now.is_written(end);
        self.patience = BLOCK;
        if let Err(error) = synced {
            // What reached the disk is unknown from here on.
            self.file = None;
            self.is_sound = false;
            return Err(error);
        }
        if self.base == HEADER as u64 {
            // The first group of a file that was made for it is what the file is worth.
            self.base = end;
        }
        self.synced = end;
        // It is synced, and damage from here on. Where that cannot be said, the next one says it.
        let _ = file.write_all_at(&header(self.synced, self.base), 0);
        Ok(())
    }
}
