//! Preconditions, in the order of RFC 9110 §13.2.2. Pure: header fields and what is known of the
//! version in, what to do out.
//!
//! A tag is the hash of the bytes as they are and the suffix of a coding. Between here and a client,
//! proxies that compress put suffixes of their own behind it, and some clients send what they were
//! given without its quotes; as 128 bits of hash name one version and no other, all these count as
//! that version's in `If-None-Match`, whose comparison is weak. `If-Match` compares strongly, and
//! takes nothing but the very tags.

use hyper::Method;
use hyper::header::{
    HeaderMap, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE,
};

use super::coding::Coding;
use crate::article::ContentHash;

/// What there is to compare with: a version, and when its bytes came to be, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validators {
    /// Its hash.
    pub(super) hash: ContentHash,
    /// `None` where no date tells this version from the one before.
    pub(super) modified: Option<i64>,
}

/// What the preconditions come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Answer as if there were none.
    Proceed,
    /// 304: the client has this version, in this coding where it said in which.
    NotModified(Option<Coding>),
    /// 412.
    Failed,
}

/// Evaluates the preconditions of a request for what is there. `wanted` is the coding that a full
/// answer would have.
pub(super) fn evaluate(
    method: &Method,
    headers: &HeaderMap,
    validators: Validators,
    wanted: Coding,
) -> Verdict {
    // Step 1 and 2.
    if headers.contains_key(IF_MATCH) {
        let is_met = tags(headers, &IF_MATCH).any(|tag| match tag {
            Tag::Any => true,
            Tag::Named { opaque, is_weak } => !is_weak && exact(validators.hash, opaque).is_some(),
        });
        if !is_met {
            return Verdict::Failed;
        }
    } else if let (Some(date), Some(modified)) =
        (date(headers, &IF_UNMODIFIED_SINCE), validators.modified)
        && modified > date
    {
        return Verdict::Failed;
    }
    let is_read = *method == Method::GET || *method == Method::HEAD;
    // Step 3.
    if headers.contains_key(IF_NONE_MATCH) {
        let mut known = None;
        for tag in tags(headers, &IF_NONE_MATCH) {
            match tag {
                Tag::Any => known = Some(known.flatten()),
                Tag::Named { opaque, .. } => {
                    let Some(coding) = likeness(validators.hash, opaque) else {
                        continue;
                    };
                    // Of several tags of this version, the one a full answer would have.
                    if known.flatten().is_none() || coding == wanted {
                        known = Some(Some(coding));
                    }
                }
            }
        }
        return match known {
            Some(coding) if is_read => Verdict::NotModified(coding),
            Some(_) => Verdict::Failed,
            None => Verdict::Proceed,
        };
    }
    // Step 4. Step 5 is about ranges, which nobody asks for of documents that change all the time.
    match (date(headers, &IF_MODIFIED_SINCE), validators.modified) {
        (Some(date), Some(modified)) if is_read && modified <= date => Verdict::NotModified(None),
        _ => Verdict::Proceed,
    }
}

/// The versions that `If-None-Match` names, in its order, as far as the tags can be ours.
pub(super) fn named_versions(headers: &HeaderMap) -> impl Iterator<Item = ContentHash> {
    tags(headers, &IF_NONE_MATCH).filter_map(|tag| match tag {
        Tag::Any => None,
        Tag::Named { opaque, .. } => {
            let (hash, suffix) = opaque.split_at_checked(HASH_DIGITS)?;
            coding_of(suffix)?;
            Some(ContentHash(hash_of(hash)?))
        }
    })
}

/// How many digits a hash has in a tag.
const HASH_DIGITS: usize = 32;

/// The digits of a hash, without quotes.
pub(super) fn opaque(hash: ContentHash, coding: Coding) -> String {
    format!("{:032x}{}", hash.0, coding.suffix())
}

fn hash_of(digits: &str) -> Option<u128> {
    let is_hex = digits
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex
        .then(|| u128::from_str_radix(digits, 16).ok())
        .flatten()
}

/// The coding of a tag of this version, byte for byte.
fn exact(hash: ContentHash, tag: &str) -> Option<Coding> {
    [Coding::Identity, Coding::Gzip, Coding::Brotli]
        .into_iter()
        .find(|coding| opaque(hash, *coding) == tag)
}

/// The coding of a tag of this version, whatever proxies made of it.
fn likeness(hash: ContentHash, tag: &str) -> Option<Coding> {
    let (digits, suffix) = tag.split_at_checked(HASH_DIGITS)?;
    (hash_of(digits)? == hash.0).then_some(())?;
    coding_of(suffix)
}

/// Reads suffixes such as `-gzip`, `;gzip`, `--gzip` and one behind the other; `None` for what is no
/// suffix of a coding.
fn coding_of(suffix: &str) -> Option<Coding> {
    let mut coding = Coding::Identity;
    let mut rest = suffix;
    while !rest.is_empty() {
        let word = rest.trim_start_matches(['-', ';']);
        (word.len() < rest.len()).then_some(())?;
        let end = word.find(['-', ';']).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        match word {
            "gzip" | "gz" => coding = Coding::Gzip,
            "br" => coding = Coding::Brotli,
            // Codings khabar has not: a proxy's.
            "deflate" | "df" | "zstd" => {}
            _ => return None,
        }
        rest = after;
    }
    Some(coding)
}

/// A member of `If-Match` or `If-None-Match`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag<'a> {
    Any,
    Named { opaque: &'a str, is_weak: bool },
}

/// The members of a list of tags. A tag may hold commas, and may have lost its quotes on its way.
fn tags<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = Tag<'a>> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| {
            let mut rest = value;
            std::iter::from_fn(move || next_tag(&mut rest))
        })
}

fn next_tag<'a>(rest: &mut &'a str) -> Option<Tag<'a>> {
    let text = rest.trim_start_matches([' ', '\t', ',']);
    if text.is_empty() {
        return None;
    }
    let (is_weak, text) = match text.strip_prefix("W/").or_else(|| text.strip_prefix("w/")) {
        Some(strong) => (true, strong),
        None => (false, text),
    };
    let quoted = text.strip_prefix('"');
    let (opaque, after) = if let Some(quoted) = quoted {
        quoted.split_once('"').unwrap_or((quoted, ""))
    } else {
        let (opaque, after) = text.split_at(text.find(',').unwrap_or(text.len()));
        (opaque.trim_end(), after)
    };
    *rest = after;
    if opaque == "*" && quoted.is_none() && !is_weak {
        return Some(Tag::Any);
    }
    Some(Tag::Named { opaque, is_weak })
}

/// A date field in seconds since 1970, in any of the three forms of RFC 9110 §5.6.7; `None` where
/// there is not exactly one, or it is no date.
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<i64> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    let date = httpdate::parse_http_date(value.to_str().ok()?).ok()?;
    match date.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).ok(),
        Err(before) => i64::try_from(before.duration().as_secs()).ok().map(|s| -s),
    }
}

#[cfg(test)]
mod tests;
