//! The entries of a feed, written one after another into one buffer and set into the frame that the
//! `rss` or the `atom_syndication` crate makes of the channel.
//!
//! The crates would take each entry as a structure of owned strings, several dozen of them, which
//! costs more than everything else of a feed. So they get one empty entry, and what they write for it
//! is replaced. Elements of other namespaces are said once for both formats.

use std::collections::BTreeMap;
use std::io;

use quick_xml::events::{BytesStart, Event};

use super::xml::{self, Xml};

/// A namespace of elements inside feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Namespace {
    /// Atom, inside RSS.
    Atom,
    /// RSS 1.0 module Content: bodies, inside RSS.
    Content,
    /// Dublin Core.
    DublinCore,
    /// Media RSS; its name ends in a slash (rssboard.org/media-rss).
    Media,
    /// RSS 1.0 module Slash: the number of comments.
    Slash,
    /// Atom Threading Extensions (RFC 4685).
    Thread,
}

impl Namespace {
    /// The prefix khabar binds it to.
    fn prefix(self) -> &'static str {
        match self {
            Self::Atom => "atom",
            Self::Content => "content",
            Self::DublinCore => "dc",
            Self::Media => "media",
            Self::Slash => "slash",
            Self::Thread => "thr",
        }
    }

    /// Its name.
    fn uri(self) -> &'static str {
        match self {
            Self::Atom => "http://www.w3.org/2005/Atom",
            Self::Content => "http://purl.org/rss/1.0/modules/content/",
            Self::DublinCore => "http://purl.org/dc/elements/1.1/",
            Self::Media => "http://search.yahoo.com/mrss/",
            Self::Slash => "http://purl.org/rss/1.0/modules/slash/",
            Self::Thread => "http://purl.org/syndication/thread/1.0",
        }
    }
}

/// Entries under construction.
pub(super) struct Entries {
    /// The elements so far.
    pub(super) xml: Xml,
    tag: &'static str,
    indent: usize,
    used: Vec<Namespace>,
}

impl Entries {
    /// Room for entries named `tag`, which stand inside `parents`, the outermost first. They are
    /// expected to take so many `bytes`.
    pub(super) fn new(parents: &[&str], tag: &'static str, bytes: usize) -> io::Result<Self> {
        let mut xml = Xml::new_with_indent(Vec::with_capacity(bytes), b' ', 2);
        // They are in the frame; here they only say how far the entries are indented.
        for parent in parents {
            xml.write_event(Event::Start(BytesStart::new(*parent)))?;
        }
        xml.get_mut().clear();
        Ok(Self {
            xml,
            tag,
            indent: 2 * parents.len(),
            used: Vec::new(),
        })
    }

    /// Says that there is an element of `namespace`, so that the frame declares it.
    pub(super) fn uses(&mut self, namespace: Namespace) {
        if !self.used.contains(&namespace) {
            self.used.push(namespace);
        }
    }

    /// `<prefix:local>text</prefix:local>`, by its whole name.
    pub(super) fn foreign(
        &mut self,
        namespace: Namespace,
        name: &str,
        text: &str,
    ) -> io::Result<()> {
        self.uses(namespace);
        xml::text(&mut self.xml, name, text)
    }

    /// The namespaces that are used, by prefix: a reader takes no undeclared one.
    pub(super) fn declarations(&self) -> BTreeMap<String, String> {
        self.used
            .iter()
            .map(|namespace| (namespace.prefix().to_owned(), namespace.uri().to_owned()))
            .collect()
    }

    /// `frame` with `before` and the entries in place of the one empty entry it holds. Markup in a
    /// frame's texts is escaped, so that the tag stands nowhere else.
    pub(super) fn set_into(self, frame: &[u8], before: &[u8]) -> io::Result<Vec<u8>> {
        let start = format!("\n{:indent$}<{}>", "", self.tag, indent = self.indent);
        let end = format!("</{}>", self.tag);
        let (head, rest) = split_at(frame, start.as_bytes())?;
        let (_, tail) = split_at(rest, end.as_bytes())?;
        let entries = self.xml.into_inner();
        Ok([head, before, &entries, tail, b"\n"].concat())
    }
}

/// What is before the first `mark` in `bytes`, and what is after it.
fn split_at<'a>(bytes: &'a [u8], mark: &[u8]) -> io::Result<(&'a [u8], &'a [u8])> {
    let missing = || io::Error::other("a frame without an empty entry");
    let mut windows = bytes.windows(mark.len());
    let at = windows
        .position(|window| window == mark)
        .ok_or_else(missing)?;
    let (head, rest) = bytes.split_at_checked(at).ok_or_else(missing)?;
    Ok((head, rest.get(mark.len()..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_take_the_place_of_the_empty_one() {
        let frame = b"<a>\n  <b>\n    <e>\n    </e>\n  </b>\n</a>";
        let mut entries = Entries::new(&["a", "b"], "e", 0).unwrap();
        for text in ["1", "<2>"] {
            entries.xml.create_element("e").write_empty().unwrap();
            entries
                .foreign(Namespace::Media, "media:title", text)
                .unwrap();
        }
        let declared: Vec<_> = entries.declarations().into_iter().collect();
        assert_eq!(
            declared,
            [(
                "media".to_owned(),
                "http://search.yahoo.com/mrss/".to_owned()
            )]
        );
        let whole = entries.set_into(frame, b"\n    <first/>").unwrap();
        assert_eq!(
            String::from_utf8(whole).unwrap(),
            "<a>\n  <b>\n    <first/>\n    <e/>\n    <media:title>1</media:title>\n    <e/>\n    \
             <media:title>&lt;2&gt;</media:title>\n  </b>\n</a>\n"
        );
    }

    #[test]
    fn no_entries_leave_nothing_behind() {
        let frame = b"<a>\n  <e></e>\n</a>";
        let entries = Entries::new(&["a"], "e", 0).unwrap();
        assert_eq!(entries.set_into(frame, b"").unwrap(), b"<a>\n</a>\n");
        let entries = Entries::new(&["a"], "e", 0).unwrap();
        assert!(entries.set_into(b"<a/>", b"").is_err());
    }
}
