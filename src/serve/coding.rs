//! Content codings, and what a client's header fields say of them: lists of words with weights.

use hyper::header::{ACCEPT_ENCODING, HeaderMap, HeaderName};

/// The codings a version is held in, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Coding {
    /// Brotli (RFC 7932).
    Brotli,
    /// gzip (RFC 1952).
    Gzip,
    /// The bytes as they are.
    Identity,
}

impl Coding {
    /// Its name in `Content-Encoding`; the bytes as they are have none.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// What its entity-tags end in: each coding is another representation (RFC 9110 §8.8.3.3).
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => "-br",
            Self::Gzip => "-gzip",
            Self::Identity => "",
        }
    }
}

/// The words of a list field and their weights in thousandths. Parameters other than `q` are passed
/// over, and so is a member that cannot be read.
fn weighted<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = (&'a str, u16)> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|member| {
            let mut parts = member.split(';');
            let word = parts.next()?.trim();
            let weight = parts.find_map(|parameter| {
                let (name, value) = parameter.split_once('=')?;
                name.trim()
                    .eq_ignore_ascii_case("q")
                    .then(|| weight(value.trim()))
            });
            (!word.is_empty()).then_some(())?;
            Some((word, weight.unwrap_or(Some(1_000))?))
        })
}

/// `0.8` in thousandths (RFC 9110 §12.4.2).
fn weight(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match (whole, fraction) {
        ("0", fraction) => Some(fraction),
        ("1", 0) => Some(1_000),
        _ => None,
    }
}

/// The codings that `headers` allow, the wanted ones first; what is never left out is the bytes as
/// they are, the last resort for a client that forbids even them (RFC 9110 §12.5.3).
pub(super) fn acceptable(headers: &HeaderMap) -> impl Iterator<Item = Coding> {
    let (mut brotli, mut gzip, mut identity, mut others) = (None, None, None, None);
    for (word, weight) in weighted(headers, &ACCEPT_ENCODING) {
        let is = |name| word.eq_ignore_ascii_case(name);
        if is("br") {
            brotli = Some(weight);
        } else if is("gzip") || is("x-gzip") {
            gzip = Some(weight);
        } else if is("identity") {
            identity = Some(weight);
        } else if is("*") {
            others = Some(weight);
        }
    }
    // The bytes as they are may be sent unless that is forbidden, and are the last choice unless
    // they are named.
    let unnamed = u16::from(others != Some(0));
    let mut wanted = [
        (Coding::Brotli, brotli.or(others).unwrap_or(0)),
        (Coding::Gzip, gzip.or(others).unwrap_or(0)),
        (Coding::Identity, identity.unwrap_or(unnamed)),
    ];
    // Stable: among equals the best stays first.
    wanted.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    let is_forbidden = wanted.contains(&(Coding::Identity, 0));
    wanted
        .into_iter()
        .filter(|(_, weight)| *weight > 0)
        .map(|(coding, _)| coding)
        .chain(is_forbidden.then_some(Coding::Identity))
}

/// Whether `A-IM` asks for the instance manipulation `feed` (RFC 3229 §10.5.3).
pub(super) fn accepts_delta(headers: &HeaderMap) -> bool {
    static A_IM: HeaderName = HeaderName::from_static("a-im");
    weighted(headers, &A_IM).any(|(word, weight)| word.eq_ignore_ascii_case("feed") && weight > 0)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn of(name: &'static str, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn codings_by_rfc_9110_section_12_5_3() {
        use Coding::{Brotli, Gzip, Identity};
        let table: &[(&[&str], &[Coding])] = &[
            (&[], &[Identity]),
            (&[""], &[Identity]),
            (&["gzip"], &[Gzip, Identity]),
            (&["gzip, deflate, br, zstd"], &[Brotli, Gzip, Identity]),
            (&["GZIP;Q=0.5, br;q=0.4"], &[Gzip, Brotli, Identity]),
            (&["br;q=0, gzip"], &[Gzip, Identity]),
            (&["gzip;q=0"], &[Identity]),
            (&["*"], &[Brotli, Gzip, Identity]),
            (&["*;q=0.5, gzip;q=0"], &[Brotli, Identity]),
            (&["identity, gzip;q=0.5"], &[Identity, Gzip]),
            (&["identity;q=0.5, gzip;q=1.0"], &[Gzip, Identity]),
            (&["gzip;q=0.001"], &[Gzip, Identity]),
            (&["identity;q=0"], &[Identity]),
            (&["*;q=0"], &[Identity]),
            (&["gzip", "br"], &[Brotli, Gzip, Identity]),
            (&["x-gzip"], &[Gzip, Identity]),
            // What cannot be read is as if it were not there.
            (&["gzip;q=2"], &[Identity]),
            (&["gzip;q=0.1234, br"], &[Brotli, Identity]),
            (&["gzip;q=-1, ,;q=1"], &[Identity]),
            (&["gzip;level=9;q=0.3"], &[Gzip, Identity]),
        ];
        for (values, wanted) in table {
            let headers = of("accept-encoding", values);
            let found: Vec<Coding> = acceptable(&headers).collect();
            assert_eq!(found, *wanted, "{values:?}");
        }
    }

    #[test]
    fn instance_manipulations_by_rfc_3229() {
        for (values, is_wanted) in [
            (&["feed"][..], true),
            (&["FEED"], true),
            (&["vcdiff, feed"], true),
            (&["vcdiff", "feed;q=0.3"], true),
            (&["feed, gzip"], true),
            (&["feed;q=0"], false),
            (&["feeds"], false),
            (&["vcdiff, diffe, gzip"], false),
            (&[], false),
        ] {
            assert_eq!(accepts_delta(&of("a-im", values)), is_wanted, "{values:?}");
        }
    }
}
