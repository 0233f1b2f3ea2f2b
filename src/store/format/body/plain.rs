//! Bodies that need not be rendered to be known: something is sure to be seen of them, and nothing
//! can be wrong with them. Most are, and few are ever printed.
//!
//! This reads no HTML. It finds reasons to be sure, and where it finds none it says so.

use memchr::{memchr, memchr_iter, memchr2, memchr2_iter};

use super::super::draft::RawBody;
use super::MAX_BODY_BYTES;

/// Markup whose tags are all shorter, each with its quotes in pairs, is never too complex.
const TAG_MAX_BYTES: usize = 1_024;
/// The most that escaping costs, in bytes looked at, as [`super::tidy`] counts it at the worst.
const ESCAPING_MAX: usize = 1 << 26;
/// Tags without attributes that text may stand in and that hide nothing.
const OPENING: [&str; 14] = [
    "p",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "em",
    "strong",
    "b",
    "i",
    "ul",
    "ol",
    "li",
    "blockquote",
];

/// Whether rendering `raw` is sure to succeed, to show something, and to drop nothing.
pub(in crate::store::format) fn is_plain(raw: &RawBody<'_>) -> bool {
    match raw {
        RawBody::Html(html) => {
            html.len() <= MAX_BODY_BYTES
                && is_cheap_to_escape(html, 1)
                && is_legal(html)
                && begins_visibly(html)
                && has_short_tags(html)
        }
        // Escaped, a character takes five times its room at most.
        RawBody::Text(text) => {
            text.len() <= MAX_BODY_BYTES / 8
                && is_cheap_to_escape(text, 5)
                && is_legal(text)
                && text.chars().any(char::is_alphabetic)
        }
        RawBody::None | RawBody::Markdown(_) => false,
    }
}

fn is_cheap_to_escape(text: &str, growth: usize) -> bool {
    let is_cheap = |count: usize| count.saturating_mul(text.len() * growth) <= ESCAPING_MAX;
    // `«` is C2 AB; other characters that begin with C2 only make this more careful.
    let costly = |byte: &u8| matches!(byte, b'&' | b'<' | b'>' | 0xC2);
    is_cheap(text.len()) || is_cheap(text.bytes().filter(|byte| costly(byte)).count())
}

/// Whether it holds no character that XML forbids, written out or by its number.
fn is_legal(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    // Over all bytes, without an end in between: that is done many at a time.
    let has_controls = bytes
        .iter()
        .fold(false, |found, byte| found | is_control(*byte));
    // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
    let is_suspect = |at: usize| {
        let pair = bytes.get(at..).unwrap_or_default();
        pair.starts_with(b"&#") || pair.starts_with(&[0xEF, 0xBF])
    };
    !has_controls && !memchr2_iter(b'&', 0xEF, bytes).any(is_suspect)
}

/// Whether a letter stands before any tag but the plainest.
fn begins_visibly(html: &str) -> bool {
    let mut rest = html;
    loop {
        let (text, tag) = match rest.split_once('<') {
            Some((text, tag)) => (text, Some(tag)),
            None => (rest, None),
        };
        // A reference may stand for nothing that is seen.
        if text.contains('&') {
            return false;
        }
        if text.chars().any(char::is_alphabetic) {
            return true;
        }
        let Some((name, after)) = tag.and_then(|tag| tag.split_once('>')) else {
            return false;
        };
        if !OPENING.contains(&name.trim_start_matches('/')) {
            return false;
        }
        rest = after;
    }
}

/// Whether every tag ends soon, with its quotes in pairs; there are no comments.
fn has_short_tags(html: &str) -> bool {
    memchr_iter(b'<', html.as_bytes()).all(|at| {
        let tag = html.as_bytes().get(at + 1..).unwrap_or_default();
        let tag = tag.get(..=TAG_MAX_BYTES).unwrap_or(tag);
        let inside = memchr(b'>', tag).and_then(|end| tag.get(..end));
        inside.is_some_and(|inside| {
            let quotes = memchr_iter(b'"', inside).count();
            quotes.is_multiple_of(2)
                && memchr2(b'\'', b'<', inside).is_none()
                && !inside.starts_with(b"!")
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::super::render;
    use super::*;

    fn html(text: &str) -> RawBody<'_> {
        RawBody::Html(text.into())
    }

    #[test]
    fn most_bodies_are_plain() {
        for text in [
            "خبر",
            "<p>خبر <a href=\"/x\">هنا</a></p><script>x</script>",
            "\n<div><p><strong>عاجل</strong> …</p></div>",
        ] {
            assert!(is_plain(&html(text)), "{text}");
        }
        for text in [
            "",
            "<p></p>",
            "<p>&nbsp;</p><p>خبر</p>",
            "<script>خبر</script>",
            "<p title=\"x\">خبر</p>",
            "<p>خبر</p><a title=\"",
            "<p>خبر</p><!-- > -->",
            "<p>خبر\u{1}</p>",
            "<p>خبر&#1;</p>",
        ] {
            assert!(!is_plain(&html(text)), "{text}");
        }
        assert!(is_plain(&RawBody::Text("خبر".into())));
        assert!(!is_plain(&RawBody::Text("…".into())));
    }

    proptest! {
        /// What is called plain keeps the promise.
        #[test]
        fn plain_bodies_are_rendered(parts in prop::collection::vec(prop_oneof![
            3 => "[ا-ي a]{0,9}",
            1 => "\\PC{0,4}",
            6 => prop::sample::select(vec![
                "<p>", "</p>", "<div>", "<script>", "</script>", "<svg>", "<template>", "<a href=\"x\">", "</a>", "&amp;",
                "<select>", "<table>", "<plaintext>", "<textarea>", "<!--", "-->", "\"", "'", ">", "<", "&#0;", "<h1>", "«",
                "<title>", "<img src=x>", "<br>", "\u{0}", "\r", "<ul>", "<li>", "</div>", "<noscript>", "<iframe>",
            ]).prop_map(str::to_owned),
        ], 0..30)) {
            let text = parts.concat();
            let raw = html(&text);
            if is_plain(&raw) {
                let base = Url::parse("https://news.example/").unwrap();
                let body = render(&raw, &base).unwrap();
                prop_assert!(body.is_some_and(|body| body.dropped == 0), "{raw:?}");
            }
        }
    }
}
