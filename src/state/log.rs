//! The memory's file: records one after the other, each with its hash.
//!
//! ```text
//! magic and version | sealed length | hash of both | group | group | …
//! group: one or more of   length | whether the group goes on | hash of all three | payload
//! ```
//!
//! A group is appended and synced as a whole, and counts as a whole. Whatever lies within the sealed
//! length was synced before that was written: damage there is damage. What lies after
//! it and is not whole was cut off by a crash before anything depended on it, and is left out.
//! A file that has grown too long is written anew beside itself and renamed, so another process can
//! read or copy it at any time.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::engine::{Memory, Record};

/// The first bytes, and the version of what follows.
const MAGIC: &[u8; 12] = b"khabar\0\0m002";
/// Magic, sealed length, their hash.
pub(super) const HEADER: usize = MAGIC.len() + 8 + 8;
/// Length, whether the group goes on, the hash of both and of the payload.
const ENTRY: usize = 4 + 1 + 16;
/// A file is not written anew for less than this many bytes of what is out of date.
const GROWTH: u64 = 1 << 20;

/// What is read from the file.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) memory: Memory,
    /// How many bytes of the file that is.
    end: u64,
    /// Whether something after them was cut off.
    pub(super) is_torn: bool,
}

/// The file is damaged, or of another version.
#[derive(Debug)]
pub(super) struct Damaged;

/// Reads all that is whole.
pub(super) fn read(bytes: &[u8]) -> Result<Read, Damaged> {
    let sealed = sealed_length(bytes).ok_or(Damaged)?;
    if sealed > bytes.len() {
        return Err(Damaged);
    }
    let mut read = Read::default();
    let mut group = Vec::new();
    let mut at = HEADER;
    let mut end = HEADER;
    while at < bytes.len() {
        let Some((record, goes_on, next)) = entry(bytes, at) else {
            break;
        };
        group.push(record);
        at = next;
        if !goes_on {
            end = at;
            for record in group.drain(..) {
                read.memory.apply(record);
            }
        }
    }
    if end < sealed {
        return Err(Damaged);
    }
    read.is_torn = end < bytes.len();
    read.end = end as u64;
    Ok(read)
}

fn sealed_length(bytes: &[u8]) -> Option<usize> {
    let (header, _) = bytes.split_first_chunk::<HEADER>()?;
    let (signed, hash) = header.split_last_chunk::<8>()?;
    let (magic, length) = signed.split_last_chunk::<8>()?;
    let is_whole = magic == MAGIC && xxh3_64(signed) == u64::from_le_bytes(*hash);
    let length = is_whole.then(|| u64::from_le_bytes(*length))?;
    usize::try_from(length).ok()
}

fn header(sealed: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let (signed, hash) = header.split_at_mut(HEADER - 8);
    signed[..MAGIC.len()].copy_from_slice(MAGIC);
    signed[MAGIC.len()..].copy_from_slice(&sealed.to_le_bytes());
    hash.copy_from_slice(&xxh3_64(signed).to_le_bytes());
    header
}

/// The record at `at`, whether its group goes on, and where the next one begins.
fn entry(bytes: &[u8], at: usize) -> Option<(Record, bool, usize)> {
    let (head, rest) = bytes.get(at..)?.split_first_chunk::<ENTRY>()?;
    let (signed, hash) = head.split_first_chunk::<5>()?;
    let [length @ .., goes_on] = signed;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let payload = rest.get(..length)?;
    if entry_hash(signed, payload).to_le_bytes() != *hash {
        return None;
    }
    let record = postcard::from_bytes(payload).ok()?;
    Some((record, *goes_on != 0, at + ENTRY + length))
}

fn entry_hash(signed: &[u8], payload: &[u8]) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(signed);
    hash.update(payload);
    hash.digest128()
}

/// The entries of one group.
fn write_group(records: &[Record], to: &mut impl io::Write) -> io::Result<()> {
    let last = records.len().saturating_sub(1);
    for (number, record) in records.iter().enumerate() {
        let payload = postcard::to_stdvec(record).map_err(io::Error::other)?;
        let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
        let mut signed = [0; 5];
        signed[..4].copy_from_slice(&length.to_le_bytes());
        signed[4] = u8::from(number < last);
        to.write_all(&signed)?;
        to.write_all(&entry_hash(&signed, &payload).to_le_bytes())?;
        to.write_all(&payload)?;
    }
    Ok(())
}

/// The file, to be written.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    /// Open and in agreement with what is known of it; otherwise it is written anew.
    file: Option<File>,
    /// Up to here everything is whole and synced.
    end: u64,
    /// How long it was when it was written anew.
    base: u64,
}

impl Log {
    /// The file at `path`, of which `read` is known.
    pub(super) fn new(path: PathBuf, read: &Read) -> Self {
        Self {
            path,
            file: None,
            end: read.end,
            base: read.end,
        }
    }

    /// Adds a group, or where that cannot be, writes the file anew from `everything` and the group.
    /// All of it is durable when this returns.
    pub(super) fn save(
        &mut self,
        news: &[Record],
        everything: impl FnOnce() -> Vec<Record>,
    ) -> io::Result<()> {
        if self.is_open()? {
            return self.append(news);
        }
        let mut records = everything();
        records.extend_from_slice(news);
        self.rewrite(&records)
    }

    /// Whether more of the file is out of date than not.
    pub(super) fn is_overgrown(&self) -> bool {
        self.end.saturating_sub(self.base) > self.base.max(GROWTH)
    }

    /// Writes the file anew beside itself, syncs, renames, syncs the directory.
    pub(super) fn rewrite(&mut self, records: &[Record]) -> io::Result<()> {
        // Anything but success leaves a file that is not known: then it is written anew again.
        self.file = None;
        self.end = 0;
        self.base = 0;
        let mut end = 0;
        let file = super::replace(&self.path, |file| {
            let mut writer = io::BufWriter::with_capacity(1 << 20, file);
            writer.write_all(&[0; HEADER])?;
            write_group(records, &mut writer)?;
            writer.flush()?;
            drop(writer);
            end = file.metadata()?.len();
            file.write_all_at(&header(end), 0)
        })?;
        self.file = Some(file);
        self.end = end;
        self.base = end;
        Ok(())
    }

    /// Says in the file that all of it is whole: from here on, damage is damage.
    pub(super) fn seal(&mut self) -> io::Result<()> {
        if self.is_open()?
            && let Some(file) = &self.file
        {
            file.write_all_at(&header(self.end), 0)?;
            file.sync_data()?;
        }
        Ok(())
    }

    /// Whether the file can be appended to: it is there, and it is the one that is known.
    fn is_open(&mut self) -> io::Result<bool> {
        if self.end == 0 {
            return Ok(false);
        }
        let there = match std::fs::metadata(&self.path) {
            Ok(there) => there,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if self.file.is_none() {
            let file = OpenOptions::new().write(true).open(&self.path)?;
            if file.metadata()?.len() < self.end {
                return Ok(false);
            }
            file.set_len(self.end)?;
            // A process that was killed may have written what it did not sync.
            file.sync_data()?;
            self.file = Some(file);
        }
        let Some(file) = &self.file else {
            return Ok(false);
        };
        let open = file.metadata()?;
        Ok((open.dev(), open.ino(), open.len()) == (there.dev(), there.ino(), self.end))
    }

    fn append(&mut self, news: &[Record]) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut group = Vec::new();
        write_group(news, &mut group)?;
        let written = file
            .write_all_at(&header(self.end), 0)
            .and_then(|()| file.write_all_at(&group, self.end));
        if let Err(error) = written {
            // Where even that fails, the length is not what is known, and it is written anew.
            let _ = file.set_len(self.end);
            return Err(error);
        }
        if let Err(error) = file.sync_data() {
            // What reached the disk is unknown from here on.
            self.file = None;
            self.end = 0;
            return Err(error);
        }
        self.end += group.len() as u64;
        // It is synced, and damage from here on. Where that cannot be said, the next one says it.
        let _ = file.write_all_at(&header(self.end), 0);
        Ok(())
    }
}

/// The bytes of the file at `path`, again while a writer is busy with its head.
pub(super) fn bytes(path: &Path) -> io::Result<Option<Vec<u8>>> {
    const TRIES: usize = 3;
    let mut bytes = Vec::new();
    for _ in 0..TRIES {
        bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if sealed_length(&bytes).is_some_and(|sealed| sealed <= bytes.len()) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Ok(Some(bytes))
}
