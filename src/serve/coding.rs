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
pub(super) fn acceptable(headers: &HeaderMap) -> Vec<Coding> {
    let mut of_coding = [None; 3];
    let mut of_others = None;
    let all = [Coding::Brotli, Coding::Gzip, Coding::Identity];
    for (word, weight) in weighted(headers, &ACCEPT_ENCODING) {
        let coding = match word.to_ascii_lowercase().as_str() {
            "br" => 0,
            "gzip" | "x-gzip" => 1,
            "identity" => 2,
            "*" => {
                of_others = Some(weight);
                continue;
            }
            _ => continue,
        };
        of_coding[coding] = Some(weight);
    }
    let mut wanted: Vec<(Coding, u16)> = all
        .into_iter()
        .zip(of_coding)
        .filter_map(|(coding, weight)| {
            let weight = match coding {
                // Acceptable unless it is forbidden, and the last choice unless it is named.
                Coding::Identity => weight.unwrap_or(match of_others {
                    Some(0) => 0,
                    _ => 1,
                }),
                Coding::Brotli | Coding::Gzip => weight.or(of_others).unwrap_or(0),
            };
            (weight > 0).then_some((coding, weight))
        })
        .collect();
    // Stable: among equals the best stays first.
    wanted.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    let mut wanted: Vec<Coding> = wanted.into_iter().map(|(coding, _)| coding).collect();
    if !wanted.contains(&Coding::Identity) {
        wanted.push(Coding::Identity);
    }
    wanted
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
            let found = acceptable(&of("accept-encoding", values));
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
