//! Tables, by section of RFC 9110.

use hyper::header::HeaderValue;

use super::*;

const HASH: ContentHash = ContentHash(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
const TAG: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "00000000000000000000000000000000";
/// Mon, 23 Nov 2026 15:34:37 GMT
const MODIFIED: i64 = 1_795_448_077;

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let value = value.replace("TAG", TAG).replace("OTHER", OTHER);
        headers.append(*name, HeaderValue::from_str(&value).unwrap());
    }
    headers
}

fn verdict(method: &Method, fields: &[(&'static str, &str)], modified: Option<i64>) -> Verdict {
    let validators = Validators {
        hash: HASH,
        modified,
    };
    evaluate(method, &headers(fields), validators, Coding::Gzip)
}

fn get(fields: &[(&'static str, &str)]) -> Verdict {
    verdict(&Method::GET, fields, Some(MODIFIED))
}

#[test]
fn section_13_1_2_if_none_match() {
    use Coding::{Brotli, Gzip, Identity};
    let same = |coding| Verdict::NotModified(Some(coding));
    let table = [
        ("\"TAG\"", same(Identity)),
        ("\"TAG-gzip\"", same(Gzip)),
        ("\"TAG-br\"", same(Brotli)),
        // Weak comparison.
        ("W/\"TAG\"", same(Identity)),
        ("W/\"TAG-gzip\"", same(Gzip)),
        // Any at all.
        ("*", Verdict::NotModified(None)),
        ("\"*\"", Verdict::Proceed),
        // Lists; empty members are allowed.
        ("\"OTHER\", \"TAG\"", same(Identity)),
        ("\"TAG\",\"OTHER\"", same(Identity)),
        (",, \"OTHER\" ,\t, W/\"TAG\" ,", same(Identity)),
        ("\"a,b\", \"TAG\"", same(Identity)),
        // The coding that a full answer would have is preferred.
        ("\"TAG\", \"TAG-gzip\", \"TAG-br\"", same(Gzip)),
        // Others.
        ("\"OTHER\"", Verdict::Proceed),
        ("W/\"OTHER\", \"OTHER-gzip\"", Verdict::Proceed),
        ("", Verdict::Proceed),
        (",", Verdict::Proceed),
        ("\"", Verdict::Proceed),
        // What proxies add: Apache, Jetty, nginx, Caddy and others.
        ("\"TAG;gzip\"", same(Gzip)),
        ("\"TAG--gzip\"", same(Gzip)),
        ("\"TAG-gzip-gzip\"", same(Gzip)),
        ("\"TAG-br-gzip\"", same(Gzip)),
        ("\"TAG;br\"", same(Brotli)),
        ("\"TAG-df\"", same(Identity)),
        ("\"TAG-zstd\"", same(Identity)),
        ("W/\"TAG-gzip;gzip\"", same(Gzip)),
        // Without their quotes.
        ("TAG", same(Identity)),
        ("OTHER, TAG-gzip ,x", same(Gzip)),
        ("W/TAG", same(Identity)),
        ("\"TAG", same(Identity)),
        // Not ours, although they begin so.
        ("\"TAG0\"", Verdict::Proceed),
        ("\"TAGgzip\"", Verdict::Proceed),
        ("\"TAG-\"", Verdict::Proceed),
        ("\"TAG-bz2\"", Verdict::Proceed),
        ("\"0123456789ABCDEF0123456789ABCDEF\"", Verdict::Proceed),
    ];
    for (value, wanted) in table {
        assert_eq!(get(&[("if-none-match", value)]), wanted, "{value}");
    }
    // Several fields are one list.
    let fields = [("if-none-match", "\"OTHER\""), ("if-none-match", "\"TAG\"")];
    assert_eq!(get(&fields), same(Identity));
    let head = verdict(&Method::HEAD, &[("if-none-match", "\"TAG\"")], None);
    assert_eq!(head, same(Identity));
    // Other methods must not act on what the client has.
    let post = verdict(&Method::POST, &[("if-none-match", "*")], None);
    assert_eq!(post, Verdict::Failed);
}

#[test]
fn section_13_1_3_if_modified_since() {
    let not = Verdict::NotModified(None);
    let table = [
        ("Mon, 23 Nov 2026 15:34:37 GMT", not),
        ("Mon, 23 Nov 2026 15:34:38 GMT", not),
        ("Mon, 23 Nov 2026 15:34:36 GMT", Verdict::Proceed),
        // The obsolete forms (§5.6.7).
        ("Monday, 23-Nov-26 15:34:37 GMT", not),
        ("Mon Nov 23 15:34:37 2026", not),
        // Far dates.
        ("Tue, 19 Jan 2038 03:14:08 GMT", not),
        ("Thu, 24 Feb 2174 00:00:00 GMT", not),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Verdict::Proceed),
        // No dates.
        ("yesterday", Verdict::Proceed),
        ("0", Verdict::Proceed),
        ("", Verdict::Proceed),
        ("2026-11-23T15:34:37Z", Verdict::Proceed),
        ("Mon, 32 Nov 2026 15:34:37 GMT", Verdict::Proceed),
    ];
    for (value, wanted) in table {
        assert_eq!(get(&[("if-modified-since", value)]), wanted, "{value}");
    }
    let date = "Mon, 23 Nov 2026 15:34:37 GMT";
    let twice = [("if-modified-since", date), ("if-modified-since", date)];
    assert_eq!(get(&twice), Verdict::Proceed);
    // Only for GET and HEAD.
    let fields = [("if-modified-since", date)];
    assert_eq!(verdict(&Method::HEAD, &fields, Some(MODIFIED)), not);
    assert_eq!(
        verdict(&Method::POST, &fields, Some(MODIFIED)),
        Verdict::Proceed
    );
    // No date tells this version from the one before.
    assert_eq!(verdict(&Method::GET, &fields, None), Verdict::Proceed);
}

#[test]
fn section_13_1_1_if_match_compares_strongly() {
    let table = [
        ("\"TAG\"", Verdict::Proceed),
        ("\"TAG-gzip\"", Verdict::Proceed),
        ("\"OTHER\", \"TAG-br\"", Verdict::Proceed),
        ("*", Verdict::Proceed),
        ("W/\"TAG\"", Verdict::Failed),
        ("\"TAG;gzip\"", Verdict::Failed),
        ("\"OTHER\"", Verdict::Failed),
        ("", Verdict::Failed),
    ];
    for (value, wanted) in table {
        assert_eq!(get(&[("if-match", value)]), wanted, "{value}");
    }
}

#[test]
fn section_13_1_4_if_unmodified_since() {
    let table = [
        ("Mon, 23 Nov 2026 15:34:37 GMT", Verdict::Proceed),
        ("Mon, 23 Nov 2026 15:34:36 GMT", Verdict::Failed),
        ("nonsense", Verdict::Proceed),
    ];
    for (value, wanted) in table {
        assert_eq!(get(&[("if-unmodified-since", value)]), wanted, "{value}");
    }
}

#[test]
fn section_13_2_2_precedence() {
    let old = "Thu, 01 Jan 1970 00:00:00 GMT";
    let new = "Mon, 23 Nov 2026 15:34:37 GMT";
    let same = Verdict::NotModified(Some(Coding::Identity));
    let table: [(&[(&str, &str)], Verdict); 7] = [
        // If-None-Match goes before If-Modified-Since, whatever the latter says.
        (
            &[("if-none-match", "\"OTHER\""), ("if-modified-since", new)],
            Verdict::Proceed,
        ),
        (
            &[("if-none-match", "\"TAG\""), ("if-modified-since", old)],
            same,
        ),
        (
            &[("if-none-match", ""), ("if-modified-since", new)],
            Verdict::Proceed,
        ),
        // If-Match goes before If-Unmodified-Since, and both before all others.
        (
            &[("if-match", "\"TAG\""), ("if-unmodified-since", old)],
            Verdict::Proceed,
        ),
        (
            &[("if-match", "\"OTHER\""), ("if-none-match", "\"TAG\"")],
            Verdict::Failed,
        ),
        (
            &[("if-match", "\"TAG\""), ("if-none-match", "\"TAG\"")],
            same,
        ),
        (
            &[("if-unmodified-since", old), ("if-none-match", "\"TAG\"")],
            Verdict::Failed,
        ),
    ];
    for (fields, wanted) in table {
        let fields: Vec<(&'static str, &str)> = fields.to_vec();
        assert_eq!(get(&fields), wanted, "{fields:?}");
    }
    assert_eq!(get(&[]), Verdict::Proceed);
}

#[test]
fn versions_named_for_a_delta() {
    let value = "\"OTHER-gzip\", W/\"TAG;br\", \"x\", *, \"OTHER-bz2\", TAG";
    let found: Vec<ContentHash> = named_versions(&headers(&[("if-none-match", value)])).collect();
    assert_eq!(found, [ContentHash(0), HASH, HASH]);
}
