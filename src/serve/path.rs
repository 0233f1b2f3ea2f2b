//! The path of a URL, as a name of a document. Nothing is done about dots and slashes: names are
//! looked up and never walked, so what is not exactly the name of a document is none.

use std::borrow::Cow;

/// The path cannot be read: a bad escape, a control character, or no UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Decodes the path of a URL and takes its first slash off.
pub(super) fn decoded(path: &str) -> Result<Cow<'_, str>, Malformed> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let is_plain = |byte: u8| byte != b'%' && !byte.is_ascii_control();
    if path.bytes().all(is_plain) {
        return Ok(path.into());
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let high = digit(bytes.next())?;
                high * 16 + digit(bytes.next())?
            }
            byte => byte,
        };
        if byte.is_ascii_control() {
            return Err(Malformed);
        }
        decoded.push(byte);
    }
    String::from_utf8(decoded)
        .map(Cow::Owned)
        .map_err(|_| Malformed)
}

fn digit(byte: Option<u8>) -> Result<u8, Malformed> {
    match byte {
        Some(byte @ b'0'..=b'9') => Ok(byte - b'0'),
        Some(byte @ b'a'..=b'f') => Ok(byte - b'a' + 10),
        Some(byte @ b'A'..=b'F') => Ok(byte - b'A' + 10),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_once_and_never_resolved() {
        let table = [
            ("/", Ok("")),
            ("/rss.xml", Ok("rss.xml")),
            ("/sections/%D9%82%d8%b2/rss.xml", Ok("sections/قز/rss.xml")),
            ("/%2e%2E/rss.xml", Ok("../rss.xml")),
            ("/a/../rss.xml", Ok("a/../rss.xml")),
            ("//rss.xml", Ok("/rss.xml")),
            ("/a%2Frss.xml", Ok("a/rss.xml")),
            ("/%252e", Ok("%2e")),
            ("/a+b", Ok("a+b")),
            ("/%", Err(Malformed)),
            ("/%1", Err(Malformed)),
            ("/%zz", Err(Malformed)),
            ("/%00", Err(Malformed)),
            ("/%0a", Err(Malformed)),
            ("/%7f", Err(Malformed)),
            ("/%ff", Err(Malformed)),
            ("/%ED%A0%80", Err(Malformed)),
        ];
        for (path, wanted) in table {
            assert_eq!(
                decoded(path).as_deref(),
                wanted.as_ref().map(|w| *w),
                "{path}"
            );
        }
    }
}
