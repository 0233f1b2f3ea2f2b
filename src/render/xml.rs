//! The gestures of the documents that are written element by element: sitemaps, OPML, and the
//! entries of RSS and Atom feeds.
//!
//! Tags go through quick-xml, which places and indents them. Text and values of attributes are
//! escaped here, into the same bytes as quick-xml's own [`escape`](quick_xml::escape::escape), which
//! looks at one byte after another, an eighth of the work of an edit. Nothing here checks names, which
//! are all khabar's own.

use std::borrow::Cow;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesCData, BytesEnd, BytesStart, BytesText, Event};

/// A document under construction.
pub(super) type Xml = Writer<Vec<u8>>;

/// The declaration every document begins with, and the line after it.
pub(super) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// So many bytes are looked at together when text is escaped.
const STRIDE: usize = 32;
/// Room for a tag with its attributes, in bytes; longer ones grow.
const TAG: usize = 192;

/// `<name>text</name>`.
pub(super) fn text(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    text_with(xml, name, [], text)
}

/// `<name …>text</name>`.
pub(super) fn text_with<'a>(
    xml: &mut Xml,
    name: &str,
    attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    text: &str,
) -> io::Result<()> {
    xml.write_event(Event::Start(tag(name, attributes)))?;
    xml.write_event(Event::Text(BytesText::from_escaped(escape(text))))?;
    xml.write_event(Event::End(BytesEnd::new(name)))
}

/// `<name><![CDATA[text]]></name>`, with as many sections as `text` needs.
pub(super) fn cdata(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    xml.write_event(Event::Start(BytesStart::new(name)))?;
    for section in BytesCData::escaped(text) {
        xml.write_event(Event::CData(section))?;
    }
    xml.write_event(Event::End(BytesEnd::new(name)))
}

/// `<name …/>`.
pub(super) fn empty<'a>(
    xml: &mut Xml,
    name: &str,
    attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> io::Result<()> {
    xml.write_event(Event::Empty(tag(name, attributes)))
}

/// `<name …>` with what `inside` writes.
pub(super) fn nest<'a>(
    xml: &mut Xml,
    name: &str,
    attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    inside: impl FnOnce(&mut Xml) -> io::Result<()>,
) -> io::Result<()> {
    xml.write_event(Event::Start(tag(name, attributes)))?;
    inside(xml)?;
    xml.write_event(Event::End(BytesEnd::new(name)))
}

/// A name and its attributes, in the order given.
fn tag<'n, 'a>(
    name: &'n str,
    attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> BytesStart<'n> {
    let mut attributes = attributes.into_iter().peekable();
    if attributes.peek().is_none() {
        return BytesStart::new(name);
    }
    let mut content = String::with_capacity(TAG);
    content.push_str(name);
    for (key, value) in attributes {
        content.push(' ');
        content.push_str(key);
        content.push_str("=\"");
        content.push_str(&escape(value));
        content.push('"');
    }
    BytesStart::from_content(content, name.len())
}

/// `text` with `<`, `>`, `&` and both quotation marks as entities; itself where it has none.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    escape_these(text, [b'<', b'>', b'&', b'\'', b'"'])
}

/// `text` as HTML: with `<`, `>` and `&` as entities; itself where it has none.
pub(super) fn escape_html(text: &str) -> Cow<'_, str> {
    escape_these(text, [b'<', b'>', b'&'])
}

/// `special` holds none but the five characters that have an entity.
fn escape_these<const N: usize>(text: &str, special: [u8; N]) -> Cow<'_, str> {
    let Some(mut at) = find(text.as_bytes(), special) else {
        return Cow::Borrowed(text);
    };
    // An eighth more is enough for HTML with its tags.
    let mut escaped = String::with_capacity(text.len() + text.len() / 8 + STRIDE);
    let mut rest = text;
    loop {
        // What is special is ASCII, so that a character begins there and after it.
        let (before, after) = rest.split_at(at);
        escaped.push_str(before);
        let mut characters = after.chars();
        escaped.push_str(match characters.next() {
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('&') => "&amp;",
            Some('\'') => "&apos;",
            _ => "&quot;",
        });
        rest = characters.as_str();
        match find(rest.as_bytes(), special) {
            Some(next) => at = next,
            None => break,
        }
    }
    escaped.push_str(rest);
    Cow::Owned(escaped)
}

/// Where the first special byte is. A whole stride is asked at once, without a branch and in bytes,
/// which the compiler turns into wide comparisons.
fn find<const N: usize>(bytes: &[u8], special: [u8; N]) -> Option<usize> {
    let (strides, _) = bytes.as_chunks::<STRIDE>();
    let is_plain = |stride: &&[u8; STRIDE]| {
        let mut found = 0;
        for byte in *stride {
            for one in special {
                found |= u8::from(*byte == one);
            }
        }
        found == 0
    };
    let plain = STRIDE * strides.iter().take_while(is_plain).count();
    let rest = bytes.get(plain..)?;
    Some(plain + rest.iter().position(|byte| special.contains(byte))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// The crate's own escapes say the same of any text, at any place of a stride.
        #[test]
        fn escapes_are_quick_xmls(text in "[<>&'\"a-cخ🚀]{0,9}.{0,70}[<>&'\"a-cخ🚀]{0,90}") {
            proptest::prop_assert_eq!(escape(&text), quick_xml::escape::escape(&text));
            proptest::prop_assert_eq!(escape_html(&text), quick_xml::escape::partial_escape(&text));
        }
    }

    #[test]
    fn text_without_anything_to_escape_is_borrowed() {
        let text = "خبر من الميناء: لا شيء يستحق التبديل هنا، ولو طال النص قليلا";
        assert!(matches!(escape(text), Cow::Borrowed(_)));
        assert!(matches!(escape_html("\"a\" 'b'"), Cow::Borrowed(_)));
    }
}
