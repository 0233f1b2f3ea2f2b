//! Reading the memory's file: the records that are whole, and none of the articles.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::{ENTRY, EntryKind, HEADER, MAGIC, OFFSET, entry_hash};
use crate::engine::{Memory, Record};

/// So many records are taken apart at once: a few hundred kilobytes each.
const BATCH: usize = 32;

/// What is read from the file.
#[derive(Debug, Default)]
pub(in crate::state) struct Read {
    pub(in crate::state) memory: Memory,
    /// How many bytes of the file that is.
    pub(super) end: u64,
    /// As the file says.
    pub(super) base: u64,
    /// Whether something after them was cut off.
    pub(in crate::state) is_torn: bool,
    /// The file itself; none where there is none.
    pub(super) file: Option<Arc<File>>,
}

/// Why nothing is read.
#[derive(Debug)]
pub(in crate::state) enum Damaged {
    /// The file is damaged, or of another version.
    Yes,
    /// It cannot be read.
    Unreadable(io::Error),
}

impl From<io::Error> for Damaged {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // It ends where it says it goes on.
            io::ErrorKind::UnexpectedEof => Self::Yes,
            _ => Self::Unreadable(error),
        }
    }
}

/// Reads all that is whole.
pub(in crate::state) fn read(path: &Path) -> Result<Read, Damaged> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Read::default()),
        Err(error) => return Err(error.into()),
    };
    let head = head(&file)?;
    let mut reader = Reader {
        length: file.metadata()?.len(),
        at: HEADER as u64,
        sealed: head.sealed,
        is_over: false,
        file: &file,
    };
    let mut memory = Memory::default();
    let mut group = Vec::new();
    let mut end = reader.at;
    'reading: loop {
        let batch = reader.batch()?;
        if batch.is_empty() {
            break;
        }
        // Taking records apart is what takes time, and each is on its own.
        let records: Vec<Option<Record>> = batch
            .par_iter()
            .map(|entry| postcard::from_bytes(&entry.payload).ok())
            .collect();
        for (entry, record) in batch.into_iter().zip(records) {
            let Some(record) = record else {
                break 'reading;
            };
            group.push(record);
            if entry.kind == EntryKind::Last {
                end = entry.end;
                for record in group.drain(..) {
                    for card in record.cards() {
                        card.location.move_to(card.location.at() & OFFSET);
                    }
                    memory.apply(record);
                }
            }
        }
    }
    if end < head.sealed {
        return Err(Damaged::Yes);
    }
    Ok(Read {
        memory,
        end,
        base: head.base,
        is_torn: end < reader.length,
        file: Some(Arc::new(file)),
    })
}

/// Goes through the entries.
struct Reader<'a> {
    file: &'a File,
    length: u64,
    at: u64,
    sealed: u64,
    /// Nothing whole follows.
    is_over: bool,
}

/// A whole record.
struct Entry {
    kind: EntryKind,
    payload: Vec<u8>,
    /// Where the next one begins.
    end: u64,
}

impl Reader<'_> {
    /// The next whole records; none at the end of what is whole.
    fn batch(&mut self) -> io::Result<Vec<Entry>> {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH && !self.is_over {
            match self.next()? {
                None => self.is_over = true,
                Some((EntryKind::Block, _)) => {}
                Some((kind, payload)) => batch.push(Entry {
                    kind,
                    payload,
                    end: self.at,
                }),
            }
        }
        Ok(batch)
    }

    /// The next whole entry, and the payload where that is a record.
    fn next(&mut self) -> io::Result<Option<(EntryKind, Vec<u8>)>> {
        if self.length - self.at < ENTRY as u64 {
            return Ok(None);
        }
        let mut head = [0; ENTRY];
        self.file.read_exact_at(&mut head, self.at)?;
        let Some((signed, hash)) = head.split_first_chunk::<5>() else {
            return Ok(None);
        };
        let [length @ .., kind] = signed;
        let length = u64::from(u32::from_le_bytes(*length));
        let start = self.at + ENTRY as u64;
        let Some(kind) = EntryKind::of(*kind).filter(|_| length <= self.length - start) else {
            return Ok(None);
        };
        self.at = start + length;
        if kind == EntryKind::Block && self.at <= self.sealed {
            // Each article is checked when it is asked for.
            return Ok(Some((kind, Vec::new())));
        }
        let mut payload = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut payload, start)?;
        let is_whole = entry_hash(signed, &payload).to_le_bytes() == *hash;
        Ok(is_whole.then_some((kind, payload)))
    }
}

/// What the head of the file says.
struct Head {
    sealed: u64,
    base: u64,
}

/// The head, again while a writer is busy with it.
fn head(file: &File) -> Result<Head, Damaged> {
    const TRIES: usize = 3;
    for _ in 0..TRIES {
        let mut bytes = [0; HEADER];
        file.read_exact_at(&mut bytes, 0)?;
        if let Some(head) = parse(&bytes)
            && head.sealed <= file.metadata()?.len()
        {
            return Ok(head);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(Damaged::Yes)
}

fn parse(bytes: &[u8; HEADER]) -> Option<Head> {
    let (signed, hash) = bytes.split_last_chunk::<8>()?;
    let (rest, base) = signed.split_last_chunk::<8>()?;
    let (magic, sealed) = rest.split_last_chunk::<8>()?;
    let is_whole = magic == MAGIC && xxh3_64(signed) == u64::from_le_bytes(*hash);
    is_whole.then(|| Head {
        sealed: u64::from_le_bytes(*sealed),
        base: u64::from_le_bytes(*base),
    })
}
