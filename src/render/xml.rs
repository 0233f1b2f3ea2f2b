//! The three gestures of the documents that are written element by element: sitemaps and OPML.
//!
//! Only the `str` forms of quick-xml are used: its byte forms do not escape.

use std::io;

use quick_xml::Writer;
use quick_xml::events::BytesText;

/// A document under construction.
pub(super) type Xml = Writer<Vec<u8>>;

/// The declaration every document begins with, and the line after it.
pub(super) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// `<name>text</name>`.
pub(super) fn text(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    xml.create_element(name)
        .write_text_content(BytesText::new(text))?;
    Ok(())
}

/// `<name …/>`.
pub(super) fn empty(xml: &mut Xml, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
    xml.create_element(name)
        .with_attributes(attributes.iter().copied())
        .write_empty()?;
    Ok(())
}

/// `<name …>` with what `inside` writes.
pub(super) fn nest(
    xml: &mut Xml,
    name: &str,
    attributes: &[(&str, &str)],
    inside: impl FnOnce(&mut Xml) -> io::Result<()>,
) -> io::Result<()> {
    xml.create_element(name)
        .with_attributes(attributes.iter().copied())
        .write_inner_content(inside)?;
    Ok(())
}
