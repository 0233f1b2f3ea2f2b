//! Feed deltas (RFC 3229 with the instance manipulation `feed`): a feed with only those entries that
//! are new or changed since a version the client has.
//!
//! A delta is cut out of the rendered bytes: what stands before the first entry, the wanted entries,
//! what stands behind the last. So it is a feed like any other, in the very bytes of the whole one
//! (tombstones stand before the first entry and are always in it), and neither the renderers nor the
//! plan know of it. Where the entries are is found by reading the document once, when it is
//! published, with the parsers that know what is markup and what is text.
//!
//! What a version held is remembered by the hashes of its entries' bytes, which also tell identity:
//! an entry that changed is another one. Every hash has 64 bits, one for each of the last 64 versions
//! that had it; a new version shifts them all. So an entry that left and came back as it was is not
//! sent to those who have it, and the memory of a feed grows with its changes, not with its versions.
//! A [`History`] carries that memory from one run to the next.

use std::collections::HashMap;
use std::ops::Range;

use hyper::body::Bytes;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::article::ContentHash;
use crate::document::FeedFormat;

/// How many versions before the current one can be a delta's base: the bits of a mask.
const VERSIONS: usize = 64;

/// Where the entries of a feed are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cut {
    /// One behind the other; in XML each with the white space before it.
    entries: Vec<(Range<usize>, ContentHash)>,
    /// What stands between two of them.
    separator: Range<usize>,
}

impl Cut {
    fn hashes(&self) -> impl Iterator<Item = ContentHash> {
        self.entries.iter().map(|(_, hash)| *hash)
    }
}

/// A version's entries, and what versions before it held.
#[derive(Clone, Debug)]
pub(super) struct Deltas {
    cut: Cut,
    past: Past,
}

/// What versions before the current one held.
#[derive(Clone, Debug, Default)]
struct Past {
    /// The versions, the newest first.
    bases: Vec<ContentHash>,
    /// Their entries: bit *n* says that `bases[n]` has it.
    held: HashMap<ContentHash, u64>,
}

/// What is remembered of a feed when its bytes are gone: the newest version and those before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct History {
    hash: ContentHash,
    entries: Vec<ContentHash>,
    bases: Vec<ContentHash>,
    held: Vec<(ContentHash, u64)>,
}

impl Past {
    /// What is past once the version `before`, with these entries, is.
    fn after(&self, before: ContentHash, entries: impl Iterator<Item = ContentHash>) -> Self {
        let mut held: HashMap<ContentHash, u64> = self
            .held
            .iter()
            .map(|(entry, versions)| (*entry, versions << 1))
            .filter(|(_, versions)| *versions != 0)
            .collect();
        for entry in entries {
            *held.entry(entry).or_default() |= 1;
        }
        let bases = std::iter::once(before)
            .chain(self.bases.iter().copied())
            .take(VERSIONS)
            .collect();
        Self { bases, held }
    }
}

impl Deltas {
    /// Of the first version that is known; `None` where the bytes cannot be read as a feed.
    pub(super) fn first(bytes: &[u8], format: FeedFormat) -> Option<Self> {
        let past = Past::default();
        let cut = cut(bytes, format)?;
        Some(Self { cut, past })
    }

    /// Of the version that `bytes` are, where `self` is of the one before, whose hash is `before`.
    pub(super) fn next(
        &self,
        before: ContentHash,
        bytes: &[u8],
        format: FeedFormat,
    ) -> Option<Self> {
        let past = self.past.after(before, self.cut.hashes());
        let cut = cut(bytes, format)?;
        Some(Self { cut, past })
    }

    /// Of the version that `bytes` are, whose hash is `hash`, after an earlier run's `history`: it is
    /// the newest of them, or follows it.
    pub(super) fn resumed(
        history: &History,
        hash: ContentHash,
        bytes: &[u8],
        format: FeedFormat,
    ) -> Option<Self> {
        let past = Past {
            bases: history.bases.iter().copied().take(VERSIONS).collect(),
            held: history.held.iter().copied().collect(),
        };
        let past = if history.hash == hash {
            past
        } else {
            past.after(history.hash, history.entries.iter().copied())
        };
        let cut = cut(bytes, format)?;
        Some(Self { cut, past })
    }

    /// What the next run is to remember, where this version's hash is `hash`.
    pub(super) fn history(&self, hash: ContentHash) -> History {
        History {
            hash,
            entries: self.cut.hashes().collect(),
            bases: self.past.bases.clone(),
            held: self.past.held.iter().map(|(e, v)| (*e, *v)).collect(),
        }
    }

    /// The first of `named` that is remembered.
    pub(super) fn base(&self, named: impl Iterator<Item = ContentHash>) -> Option<Base> {
        let mut named = named;
        named.find_map(|hash| {
            let place = self.past.bases.iter().position(|base| *base == hash)?;
            Some(Base { place, hash })
        })
    }

    /// The delta from `base` to the version whose bytes are `bytes`; `None` where it would hold every
    /// entry.
    pub(super) fn since(&self, base: Base, bytes: &[u8]) -> Option<Bytes> {
        let cut = &self.cut;
        let (first, last) = (cut.entries.first()?, cut.entries.last()?);
        let is_wanted = |entry: &ContentHash| {
            let versions = self.past.held.get(entry).copied().unwrap_or(0);
            versions & (1 << base.place) == 0
        };
        let wanted = || cut.entries.iter().filter(|(_, entry)| is_wanted(entry));
        if wanted().count() == cut.entries.len() {
            return None;
        }
        let mut delta = Vec::new();
        delta.extend_from_slice(bytes.get(..first.0.start)?);
        for (position, (range, _)) in wanted().enumerate() {
            if position > 0 {
                delta.extend_from_slice(bytes.get(cut.separator.clone())?);
            }
            delta.extend_from_slice(bytes.get(range.clone())?);
        }
        delta.extend_from_slice(bytes.get(last.0.end..)?);
        Some(delta.into())
    }
}

/// A version that a client has and that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Base {
    place: usize,
    /// Which one.
    pub(super) hash: ContentHash,
}

fn cut(bytes: &[u8], format: FeedFormat) -> Option<Cut> {
    let (ranges, separator) = match format {
        FeedFormat::Rss => (cut_xml(bytes, b"item", 3)?, 0..0),
        FeedFormat::Atom => (cut_xml(bytes, b"entry", 2)?, 0..0),
        FeedFormat::Json => cut_json(bytes)?,
    };
    let entries = ranges
        .into_iter()
        .map(|range| {
            let entry = bytes.get(range.clone())?;
            Some((range, ContentHash::of(entry)))
        })
        .collect::<Option<_>>()?;
    Some(Cut { entries, separator })
}

/// The elements `name` at a depth, where the root's is 1. `None` where anything stands between two
/// of them.
fn cut_xml(bytes: &[u8], name: &[u8], depth: usize) -> Option<Vec<Range<usize>>> {
    let mut reader = Reader::from_reader(bytes);
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut open = 0;
    let mut start = None;
    // Where the white space before what comes next begins.
    let mut gap = 0;
    loop {
        let before = usize::try_from(reader.buffer_position()).ok()?;
        let event = reader.read_event().ok()?;
        let after = usize::try_from(reader.buffer_position()).ok()?;
        match event {
            Event::Start(tag) => {
                open += 1;
                if open == depth && tag.name().as_ref() == name {
                    start = Some(gap);
                }
                gap = after;
            }
            Event::End(_) => {
                if open == depth
                    && let Some(start) = start.take()
                {
                    let follows = ranges.last().is_none_or(|last| last.end == start);
                    follows.then_some(())?;
                    ranges.push(start..after);
                }
                open = open.checked_sub(1)?;
                gap = after;
            }
            Event::Eof => return (open == 0).then_some(ranges),
            Event::Text(text) if text.iter().all(u8::is_ascii_whitespace) => gap = before,
            _ => gap = after,
        }
    }
}

/// The members of `items`, and what separates the first two.
fn cut_json(bytes: &[u8]) -> Option<(Vec<Range<usize>>, Range<usize>)> {
    #[derive(Deserialize)]
    struct Feed<'a> {
        #[serde(borrow)]
        items: Vec<&'a RawValue>,
    }
    let feed: Feed<'_> = serde_json::from_slice(bytes).ok()?;
    let start = bytes.as_ptr().addr();
    let ranges: Vec<Range<usize>> = feed
        .items
        .iter()
        .map(|item| {
            let at = item.get().as_ptr().addr().checked_sub(start)?;
            Some(at..at + item.get().len())
        })
        .collect::<Option<_>>()?;
    let separator = match ranges.as_slice() {
        [first, second, ..] => first.end..second.start,
        _ => 0..0,
    };
    Some((ranges, separator))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSS: &str = "<?xml version=\"1.0\"?>\n<rss>\n  <channel>\n    <title>t</title>\n    \
        <item>\n      <title>a</title>\n      <x><![CDATA[<item></item>]]></x>\n    </item>\n    \
        <item>\n      <title>b</title>\n    </item>\n    <item/>\n  </channel>\n</rss>\n";

    fn json(items: &[&str]) -> String {
        let items: Vec<String> = items
            .iter()
            .map(|id| format!("    {{\"id\":\"{id}\"}}"))
            .collect();
        format!(
            "{{\n  \"title\": \"t\",\n  \"items\": [\n{}\n  ]\n}}\n",
            items.join(",\n")
        )
    }

    /// The versions of a feed, one after the other, and the deltas of the last.
    fn history(versions: &[String]) -> (Vec<ContentHash>, Deltas) {
        let hashes: Vec<_> = versions
            .iter()
            .map(|v| ContentHash::of(v.as_bytes()))
            .collect();
        let mut deltas = Deltas::first(versions[0].as_bytes(), FeedFormat::Json).unwrap();
        for (place, version) in versions.iter().enumerate().skip(1) {
            deltas = deltas
                .next(hashes[place - 1], version.as_bytes(), FeedFormat::Json)
                .unwrap();
        }
        (hashes, deltas)
    }

    fn since(deltas: &Deltas, hash: ContentHash, version: &str) -> Option<String> {
        let base = deltas.base([hash].into_iter())?;
        let delta = deltas.since(base, version.as_bytes())?;
        Some(String::from_utf8(delta.to_vec()).unwrap())
    }

    #[test]
    fn entries_are_found_where_they_are_markup() {
        // An empty element is not what khabar writes; it is taken for the end of the entries.
        let ranges = cut_xml(RSS.as_bytes(), b"item", 3).unwrap();
        let found: Vec<&str> = ranges.into_iter().map(|range| &RSS[range]).collect();
        assert_eq!(found.len(), 2);
        assert!(
            found[0].starts_with("\n    <item>\n      <title>a"),
            "{found:?}"
        );
        assert!(found[0].ends_with("]]></x>\n    </item>"), "{found:?}");
        assert!(cut_xml(b"<rss><channel>", b"item", 3).is_none());
        let between = b"<feed><entry></entry><x/><entry></entry></feed>";
        assert_eq!(cut_xml(between, b"entry", 2), None);
        assert_eq!(
            cut_xml(b"<feed><title/></feed>", b"entry", 2),
            Some(Vec::new())
        );
    }

    #[test]
    fn only_new_and_changed_entries_are_in_a_delta() {
        let versions = [
            json(&["c", "b", "a"]),
            json(&["d", "c", "b", "a"]),
            json(&["d", "c", "b2", "a"]),
            json(&["d", "c", "b2"]),
        ];
        let (hashes, deltas) = history(&versions);
        let last = &versions[3];
        assert_eq!(since(&deltas, hashes[0], last), Some(json(&["d", "b2"])));
        assert_eq!(since(&deltas, hashes[1], last), Some(json(&["b2"])));
        let nothing = since(&deltas, hashes[2], last).unwrap();
        let nothing: serde_json::Value = serde_json::from_str(&nothing).unwrap();
        assert_eq!(nothing["items"], serde_json::json!([]));
        // The current one is answered with 304, and others are not known.
        assert_eq!(since(&deltas, hashes[3], last), None);
        assert_eq!(since(&deltas, ContentHash(0), last), None);
    }

    #[test]
    fn an_entry_that_came_back_is_not_sent_to_those_who_have_it() {
        let versions = [
            json(&["b", "a"]),
            json(&["a"]),
            json(&["b", "a"]),
            json(&["c", "b", "a"]),
        ];
        let (hashes, deltas) = history(&versions);
        // Two versions in the same bytes: the newer one counts, and they hold the same.
        assert_eq!(since(&deltas, hashes[0], &versions[3]), Some(json(&["c"])));
        assert_eq!(
            since(&deltas, hashes[1], &versions[3]),
            Some(json(&["c", "b"]))
        );
    }

    #[test]
    fn a_delta_that_would_be_the_whole_is_none() {
        let versions = [json(&["a"]), json(&["b"])];
        let (hashes, deltas) = history(&versions);
        assert_eq!(since(&deltas, hashes[0], &versions[1]), None);
        let versions = [json(&["a"]), json(&[])];
        let (hashes, deltas) = history(&versions);
        assert_eq!(since(&deltas, hashes[0], &versions[1]), None);
    }

    #[test]
    fn a_history_goes_on_where_the_run_before_ended() {
        let versions = [
            json(&["a"]),
            json(&["b", "a"]),
            json(&["c", "b", "a"]),
            json(&["d", "c", "b", "a"]),
        ];
        let hash = |text: &String| ContentHash::of(text.as_bytes());
        let (hashes, deltas) = history(&versions[..3]);
        let saved = deltas.history(hashes[2]);
        let saved = postcard::to_stdvec(&saved).unwrap();
        let saved: History = postcard::from_bytes(&saved).unwrap();
        let resumed = |text: &String| {
            Deltas::resumed(&saved, hash(text), text.as_bytes(), FeedFormat::Json).unwrap()
        };
        // The file is what it was, or another version has been published since.
        let same = resumed(&versions[2]);
        assert_eq!(
            since(&same, hashes[0], &versions[2]),
            Some(json(&["c", "b"]))
        );
        assert_eq!(since(&same, hashes[2], &versions[2]), None);
        let newer = resumed(&versions[3]);
        assert_eq!(
            since(&newer, hashes[0], &versions[3]),
            Some(json(&["d", "c", "b"]))
        );
        assert_eq!(since(&newer, hashes[2], &versions[3]), Some(json(&["d"])));
        // More versions than a mask has bits are not khabar's, and not believed.
        let mut foreign = saved.clone();
        foreign.bases = vec![ContentHash(9); VERSIONS + 5];
        foreign.bases.push(ContentHash(5));
        let text = &versions[2];
        let foreign = Deltas::resumed(&foreign, hash(text), text.as_bytes(), FeedFormat::Json);
        assert_eq!(since(&foreign.unwrap(), ContentHash(5), text), None);
    }

    #[test]
    fn sixty_four_versions_are_remembered() {
        let versions: Vec<String> = (0..=VERSIONS + 1)
            .map(|number| json(&[&number.to_string(), "always"]))
            .collect();
        let (hashes, deltas) = history(&versions);
        let last = versions.last().unwrap();
        assert_eq!(since(&deltas, hashes[0], last), None);
        let newest = (VERSIONS + 1).to_string();
        assert_eq!(since(&deltas, hashes[1], last), Some(json(&[&newest])));
        // Nothing of what was forgotten is kept.
        assert_eq!(
            (deltas.past.bases.len(), deltas.past.held.len()),
            (VERSIONS, VERSIONS + 1)
        );
    }
}
