//! URLs of the web, as every document writes them.
//!
//! The `url` crate takes them apart (WHATWG URL); most are plain enough that it need not be asked, and a
//! property test holds that shortcut to it. Nothing is fetched here, and no host is looked up.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Why a string is no web URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL, even beside the base.
    #[error("not a URL")]
    Malformed,
    /// A scheme other than http and https.
    #[error("the URL is neither http nor https")]
    Scheme,
    /// Longer than [`WebUrl::MAX_BYTES`].
    #[error("the URL is longer than 2,047 bytes once it is percent-encoded")]
    TooLong,
    /// Holds a user name or a password.
    #[error("the URL holds a user name or password")]
    Credentials,
}

/// An absolute http or https URL in ASCII: percent-encoded UTF-8 in upper case, host by IDNA
/// (RFC 3986, RFC 3987 §3.1). Encoding it again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebUrl(SmolStr);

impl WebUrl {
    /// Sitemaps take URLs of fewer than 2,048 characters (sitemaps.org, protocol).
    pub const MAX_BYTES: usize = 2_047;

    /// Reads `text`, resolving it against `base` where it is relative.
    ///
    /// # Errors
    /// Where it is not a URL of the web, holds credentials, or is too long.
    pub fn resolve(base: &url::Url, text: &str) -> Result<Self, UrlError> {
        let url = base.join(text.trim()).map_err(|_| UrlError::Malformed)?;
        Self::from_url(&url)
    }

    /// Reads `text`, resolving it against this URL where it is relative.
    ///
    /// # Errors
    /// As [`WebUrl::resolve`].
    pub fn join(&self, text: &str) -> Result<Self, UrlError> {
        if let Some(url) = self.join_plain(text.trim()) {
            return Ok(url);
        }
        Self::resolve(&self.to_url().ok_or(UrlError::Malformed)?, text)
    }

    /// The result where it can be told without taking `text` apart: it is a path from the root, or an
    /// http or https URL whose host is a plain name, of nothing that would be encoded or left out.
    fn join_plain(&self, text: &str) -> Option<Self> {
        let scheme = ["https://", "http://"];
        let rest = scheme.iter().find_map(|scheme| text.strip_prefix(scheme));
        let url = if let Some(rest) = rest {
            let (host, path) = rest.split_at_checked(rest.find('/')?)?;
            (is_plain_host(host) && is_plain_path(path)).then(|| SmolStr::new(text))
        } else {
            let origin = self.origin();
            is_plain_path(text).then(|| smol_str::format_smolstr!("{origin}{text}"))
        };
        url.filter(|url| url.len() <= Self::MAX_BYTES).map(Self)
    }

    /// Reads an absolute URL.
    ///
    /// # Errors
    /// As [`WebUrl::resolve`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = url::Url::parse(text.trim()).map_err(|_| UrlError::Malformed)?;
        Self::from_url(&url)
    }

    fn from_url(url: &url::Url) -> Result<Self, UrlError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        let ascii = canonical(url.as_str());
        if ascii.len() > Self::MAX_BYTES {
            return Err(UrlError::TooLong);
        }
        Ok(Self(SmolStr::new(ascii)))
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL taken apart.
    #[must_use]
    pub fn to_url(&self) -> Option<url::Url> {
        url::Url::parse(&self.0).ok()
    }

    /// Whether scheme, host and port are those of `other` (the sitemap protocol's rule).
    #[must_use]
    pub fn same_site(&self, other: &Self) -> bool {
        self.origin() == other.origin()
    }

    /// Scheme, host and port.
    fn origin(&self) -> &str {
        let host = self.0.find("://").map_or(0, |p| p + 3);
        let end = self.0[host..]
            .find(['/', '?', '#'])
            .map_or(self.0.len(), |p| host + p);
        &self.0[..end]
    }

    /// Its host, without a port.
    #[must_use]
    pub fn host(&self) -> String {
        let url = self.to_url();
        let host = url.as_ref().and_then(url::Url::host_str);
        host.unwrap_or_default().to_owned()
    }

    /// Whether its host is that of `other`, whatever the scheme and the port.
    #[must_use]
    pub fn same_host(&self, other: &Self) -> bool {
        self.same_site(other) || self.host() == other.host()
    }
}

impl std::fmt::Display for WebUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the URL standard leaves `host` as it is, and finds no number in it (WHATWG URL, "host
/// parsing"): letters in lower case, digits and single hyphens between dots, the last part with a letter
/// before its digits.
fn is_plain_host(host: &str) -> bool {
    let is_plain = |label: &str| {
        let bytes = label.as_bytes();
        let is_ldh = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let ends = [bytes.first(), bytes.last()];
        bytes.iter().all(is_ldh)
            && ends.iter().all(|end| end.is_some_and(|byte| *byte != b'-'))
            && !label.contains("--")
    };
    let last = host.rsplit('.').next().unwrap_or(host);
    host.split('.').all(is_plain) && last.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Whether `path` begins at the root, and neither the URL standard nor [`canonical`] changes it: of
/// unreserved characters, slashes and upper-case escapes, with no part that begins with a dot.
fn is_plain_path(path: &str) -> bool {
    let mut bytes = path.bytes();
    let is_upper_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    let mut before = 0;
    while let Some(byte) = bytes.next() {
        let is_plain = match byte {
            b'.' => before != b'/',
            b'/' => true,
            // An escaped dot is a dot.
            b'%' => {
                let escape = [bytes.next(), bytes.next()];
                escape.iter().all(|byte| byte.is_some_and(is_upper_hex))
                    && (before != b'/' || escape != [Some(b'2'), Some(b'E')])
            }
            byte => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~'),
        };
        if !is_plain {
            return false;
        }
        before = byte;
    }
    path.starts_with('/') && !path.starts_with("//")
}

/// Percent-encoding in upper case; what the URL standard leaves raw but RFC 3986 forbids (quotes,
/// angle brackets, braces, brackets outside the host, a stray percent sign) is encoded.
fn canonical(url: &str) -> String {
    let bytes = url.as_bytes();
    let mut out = String::with_capacity(bytes.len());
    let authority_end = url.find("://").map_or(0, |p| {
        url[p + 3..]
            .find(['/', '?', '#'])
            .map_or(url.len(), |q| p + 3 + q)
    });
    let mut rest = url.char_indices();
    while let Some((at, c)) = rest.next() {
        match c {
            '%' => match (bytes.get(at + 1), bytes.get(at + 2)) {
                (Some(a), Some(b)) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                    out.push('%');
                    out.push(char::from(a.to_ascii_uppercase()));
                    out.push(char::from(b.to_ascii_uppercase()));
                    rest.nth(1);
                }
                _ => out.push_str("%25"),
            },
            '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' | ' ' => encode(c, &mut out),
            '[' | ']' if at >= authority_end => encode(c, &mut out),
            _ if c.is_ascii() => out.push(c),
            _ => encode(c, &mut out),
        }
    }
    out
}

fn encode(c: char, out: &mut String) {
    use std::fmt::Write as _;
    let mut buffer = [0; 4];
    for byte in c.encode_utf8(&mut buffer).bytes() {
        // Writing to a String cannot fail.
        let _ = write!(out, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_are_ascii_and_encoding_is_idempotent() {
        let base = url::Url::parse("https://news.example/").unwrap();
        let url = WebUrl::resolve(&base, "/world/خبر [1]%d8%a8?q=\"|^").unwrap();
        assert!(url.as_str().is_ascii());
        assert_eq!(
            url.as_str(),
            "https://news.example/world/%D8%AE%D8%A8%D8%B1%20%5B1%5D%D8%A8?q=%22%7C%5E"
        );
        assert_eq!(WebUrl::parse(url.as_str()).unwrap(), url);
        assert_eq!(
            WebUrl::resolve(&base, "javascript:alert(1)"),
            Err(UrlError::Scheme)
        );
        assert_eq!(
            WebUrl::parse("https://[::1]:8080/").unwrap().as_str(),
            "https://[::1]:8080/"
        );
    }

    /// Parts of URLs, most of them plain.
    fn part() -> impl Strategy<Value = String> {
        let odd = [
            "..",
            ".",
            "%2E",
            "%2e%2E",
            "%2F",
            "%D8%AE",
            "%d8",
            "%",
            "%4",
            "?",
            "#",
            "?a=1",
            "@",
            ":",
            ":80",
            ":443",
            "\\",
            "//",
            "/",
            " ",
            "\t",
            "\n",
            "ل",
            "xn--mgbh0fb",
            "xn--",
            "a--b",
            "-",
            "0x7f",
            "127",
            "1.2",
            "_",
            "~",
            "a.b",
            ".b",
            "b.",
            "'",
            "\"",
            "[::1]",
            "|",
            "&",
            "=",
            "+",
            ";",
            "https:",
            "http:",
            "HTTPS:",
            "ftp:",
            "NEWS",
        ];
        prop_oneof![
            4 => "[a-z]{1,4}",
            2 => "[a-z0-9-]{1,3}",
            2 => "[A-Za-z0-9._~%-]{1,5}",
            4 => Just("/".to_owned()),
            2 => Just(".".to_owned()),
            4 => proptest::sample::select(odd.to_vec()).prop_map(str::to_owned),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn what_is_told_without_the_parser_is_what_it_says(
            start in proptest::sample::select(vec!["", "/", "https://", "http://", "https://news.example/", "https://cdn."]),
            parts in proptest::collection::vec(part(), 0..8),
            base in proptest::sample::select(vec![
                "https://news.example/", "http://news.example:8080/a/b/?c#d", "https://[::1]/x", "https://xn--mgbh0fb.example",
            ]),
        ) {
            let base = WebUrl::parse(base).unwrap();
            let text = format!("{start}{}", parts.concat());
            if let Some(url) = base.join_plain(text.trim()) {
                let parsed = WebUrl::resolve(&base.to_url().unwrap(), &text);
                prop_assert_eq!(Ok(url), parsed, "{}", text);
            }
        }
    }

    #[test]
    fn most_urls_are_told_without_the_parser() {
        let base = WebUrl::parse("https://news.example/a/").unwrap();
        for text in [
            "https://news.example/images/12.jpg",
            "http://cdn1.news.example/%D8%AE/a_b~c.d/",
            "/2026-11-24/12/",
            "/",
        ] {
            assert!(base.join_plain(text).is_some(), "{text}");
        }
        for text in [
            "a/b",
            "//a.example/",
            "https://a.example",
            "https://1.2.3.4/",
            "/a/../b",
            "/%2E/",
            "/ل",
            "/%d8",
        ] {
            assert!(base.join_plain(text).is_none(), "{text}");
        }
        let long = format!("/{}", "a".repeat(WebUrl::MAX_BYTES));
        assert_eq!(base.join(&long), Err(UrlError::TooLong));
    }
}
