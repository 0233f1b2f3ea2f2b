//! One version of a document, ready to be sent: its bytes in every coding, its header fields, and
//! what deltas to it can be made from.
//!
//! A version never changes. Its compressed forms are made once, by another thread: until they are
//! there, the bytes go out as they are.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use hyper::body::Bytes;
use hyper::header::HeaderValue;

use super::coding::Coding;
use super::conditions::{Validators, opaque};
use super::delta::{Base, Deltas, History};
use super::stream::Sheet;
use crate::article::ContentHash;
use crate::document::{ChannelKind, DocumentKind};

/// Fewer bytes are not worth compressing: they fit into one packet as they are.
const COMPRESS_MIN: usize = 512;
/// What a web server takes by default: ten times faster than the best, and a few per cent larger.
const GZIP_LEVEL: u32 = 6;
/// As good as gzip's best and more, in twice the time of its default.
const BROTLI_QUALITY: i32 = 5;
/// log2 of the window: 4 MiB, more than a feed has.
const BROTLI_WINDOW: i32 = 22;

/// How often a version is asked for in one coding before it is put on a sheet.
const SHEET_AFTER: u32 = 8;
/// How many deltas of a version are held; further ones are made each time.
const DELTAS_MAX: usize = 16;

/// A version of a document.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) kind: DocumentKind,
    pub(super) hash: ContentHash,
    pub(super) bytes: Bytes,
    /// When these bytes came to be, in seconds since 1970, and later than any version before; so it
    /// may lie a little in the future, and is not told until it has come.
    pub(super) modified: i64,
    /// `Last-Modified`.
    pub(super) date: Option<HeaderValue>,
    /// `Link`.
    pub(super) link: Option<HeaderValue>,
    tags: [Option<HeaderValue>; 3],
    sheets: [Sheets; 3],
    gzip: OnceLock<Option<Bytes>>,
    brotli: OnceLock<Option<Bytes>>,
    pub(super) deltas: Option<Deltas>,
    /// Deltas that were asked for: most readers have one of the last two or three versions. `None`
    /// says that the whole is as good.
    made: Mutex<HashMap<Base, Option<Arc<Delta>>>>,
}

/// The sheet of one coding.
#[derive(Debug, Default)]
struct Sheets {
    asked: AtomicU32,
    made: OnceLock<Option<Arc<Sheet>>>,
}

/// Where what there is of a coding stands.
fn place(coding: Coding) -> usize {
    match coding {
        Coding::Brotli => 0,
        Coding::Gzip => 1,
        Coding::Identity => 2,
    }
}

/// What is known of the versions before one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Before<'a> {
    /// It is the first.
    Nothing,
    /// The version it replaces.
    Version(&'a Version),
    /// What an earlier run left.
    History(&'a History),
}

/// A delta to a version, ready to be sent.
#[derive(Debug)]
pub(super) struct Delta {
    pub(super) bytes: Bytes,
    /// Compressed, where that makes it smaller.
    pub(super) gzip: Option<Bytes>,
}

impl Version {
    pub(super) fn new(kind: DocumentKind, bytes: Bytes, modified: i64) -> Self {
        let hash = ContentHash::of(&bytes);
        let tag = |coding| HeaderValue::from_str(&format!("\"{}\"", opaque(hash, coding))).ok();
        Self {
            kind,
            hash,
            bytes,
            modified,
            date: http_date(modified),
            link: None,
            tags: [Coding::Brotli, Coding::Gzip, Coding::Identity].map(tag),
            sheets: Default::default(),
            gzip: OnceLock::new(),
            brotli: OnceLock::new(),
            deltas: None,
            made: Mutex::default(),
        }
    }

    /// With another date.
    pub(super) fn dated(mut self, modified: i64) -> Self {
        self.modified = modified;
        self.date = http_date(modified);
        self
    }

    /// With what deltas are made from, where such a document has any.
    pub(super) fn with_deltas(mut self, before: Before<'_>) -> Self {
        let DocumentKind::Feed(
            ChannelKind::Front | ChannelKind::Section | ChannelKind::Declared,
            format,
        ) = self.kind
        else {
            return self;
        };
        let bytes = &self.bytes;
        self.deltas = match before {
            Before::Version(before) => match &before.deltas {
                Some(deltas) => deltas.next(before.hash, bytes, format),
                None => Deltas::first(bytes, format),
            },
            Before::History(history) => Deltas::resumed(history, self.hash, bytes, format),
            Before::Nothing => Deltas::first(bytes, format),
        };
        self
    }

    /// What the next run is to remember of this version and those before it.
    pub(super) fn history(&self) -> Option<History> {
        Some(self.deltas.as_ref()?.history(self.hash))
    }

    /// The entity-tag of one coding.
    pub(super) fn tag(&self, coding: Coding) -> Option<&HeaderValue> {
        self.tags[place(coding)].as_ref()
    }

    /// Where the bytes of one coding may be sent from without copying them, once they have been asked
    /// for often enough. `bytes` are those.
    pub(super) fn sheet(&self, coding: Coding, bytes: &Bytes) -> Option<Arc<Sheet>> {
        let sheets = &self.sheets[place(coding)];
        if let Some(made) = sheets.made.get() {
            return made.clone();
        }
        if sheets.asked.fetch_add(1, Ordering::Relaxed) < SHEET_AFTER {
            return None;
        }
        let make = || Sheet::new(bytes).map(Arc::new);
        sheets.made.get_or_init(make).clone()
    }

    /// What preconditions are compared with at `now`.
    pub(super) fn validators(&self, now: i64) -> Validators {
        Validators {
            hash: self.hash,
            modified: (self.modified <= now).then_some(self.modified),
        }
    }

    /// The bytes in one coding, where they are there.
    pub(super) fn coded(&self, coding: Coding) -> Option<&Bytes> {
        match coding {
            Coding::Identity => Some(&self.bytes),
            Coding::Gzip => self.gzip.get()?.as_ref(),
            Coding::Brotli => self.brotli.get()?.as_ref(),
        }
    }

    /// Makes the compressed forms that are missing. `go_on` is asked between them.
    pub(super) fn compress(&self, go_on: impl Fn() -> bool) {
        self.gzip
            .get_or_init(|| worth(gzip(&self.bytes), &self.bytes));
        if go_on() {
            self.brotli
                .get_or_init(|| worth(brotli(&self.bytes), &self.bytes));
        }
    }

    /// What is new since the first of `named` that is remembered; `None` where none is, or the whole
    /// is as good.
    pub(super) fn delta(
        &self,
        named: impl Iterator<Item = ContentHash>,
    ) -> Option<(Base, Arc<Delta>)> {
        let deltas = self.deltas.as_ref()?;
        let base = deltas.base(named)?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(delta) = made.get(&base) {
            return Some((base, Arc::clone(delta.as_ref()?)));
        }
        let delta = deltas.since(base, &self.bytes).map(|bytes| {
            let gzip = worth(gzip(&bytes), &bytes);
            Arc::new(Delta { bytes, gzip })
        });
        if made.len() < DELTAS_MAX {
            made.insert(base, delta.clone());
        }
        Some((base, delta?))
    }
}

/// A date as HTTP has it; `None` before 1970.
pub(super) fn http_date(seconds: i64) -> Option<HeaderValue> {
    let since = std::time::Duration::from_secs(u64::try_from(seconds).ok()?);
    let date = std::time::UNIX_EPOCH.checked_add(since)?;
    HeaderValue::from_str(&httpdate::fmt_http_date(date)).ok()
}

/// The compressed bytes, where they are fewer.
fn worth(compressed: Option<Vec<u8>>, plain: &[u8]) -> Option<Bytes> {
    compressed
        .filter(|compressed| compressed.len() < plain.len())
        .map(Bytes::from)
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() < COMPRESS_MIN {
        return None;
    }
    // Its header has no time: the same bytes are always compressed to the same.
    let level = flate2::Compression::new(GZIP_LEVEL);
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(bytes.len() / 4), level);
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

fn brotli(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() < COMPRESS_MIN {
        return None;
    }
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut compressed = Vec::with_capacity(bytes.len() / 4);
    brotli::BrotliCompress(&mut &*bytes, &mut compressed, &parameters).ok()?;
    Some(compressed)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn version(bytes: &[u8]) -> Version {
        Version::new(DocumentKind::Page, Bytes::copy_from_slice(bytes), 1)
    }

    #[test]
    fn compressed_forms_are_made_once_and_hold_the_same() {
        let text = "خبر عاجل من المراسل. ".repeat(200);
        let version = version(text.as_bytes());
        assert!(version.coded(Coding::Gzip).is_none());
        version.compress(|| true);
        let gzip = version.coded(Coding::Gzip).unwrap();
        let mut plain = String::new();
        let mut reader = flate2::read::GzDecoder::new(&gzip[..]);
        reader.read_to_string(&mut plain).unwrap();
        assert_eq!(plain, text);
        let brotli = version.coded(Coding::Brotli).unwrap();
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut &brotli[..], &mut plain).unwrap();
        assert_eq!(plain, text.as_bytes());
    }

    #[test]
    fn what_does_not_shrink_stays_as_it_is() {
        let short = version(b"short");
        let noise: Vec<u8> = (0..2_000_u32)
            .map(|n| ContentHash::of(&n.to_le_bytes()).0.to_le_bytes()[0])
            .collect();
        let noise = version(&noise);
        for version in [short, noise] {
            version.compress(|| true);
            assert!(version.coded(Coding::Gzip).is_none());
            assert!(version.coded(Coding::Brotli).is_none());
        }
    }

    #[test]
    fn every_coding_has_a_tag_of_its_own() {
        let version = version(b"x");
        let tags: std::collections::HashSet<_> = [Coding::Brotli, Coding::Gzip, Coding::Identity]
            .map(|coding| version.tag(coding).unwrap().clone())
            .into();
        assert_eq!(tags.len(), 3);
    }

    #[test]
    fn a_date_that_has_not_come_is_not_told() {
        let version = version(b"x");
        assert_eq!(version.validators(0).modified, None);
        assert_eq!(version.validators(1).modified, Some(1));
        let date = http_date(1_795_448_077).unwrap();
        assert_eq!(date, "Mon, 23 Nov 2026 15:34:37 GMT");
    }
}
