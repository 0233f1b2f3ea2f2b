//! Elements of other namespaces, said once for RSS and Atom.
//!
//! The two crates have an `Extension` each, alike but for one fault: `atom_syndication` 0.12.10
//! writes attribute values as they are, so that a `&` in a URL breaks the feed and a quotation mark
//! lets markup in. Values are therefore escaped here on the way to Atom, and only there; a test
//! fails when the crate begins to escape them itself.

use std::collections::BTreeMap;

use quick_xml::escape::escape;

/// A namespace of elements inside feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Namespace {
    /// Atom, inside RSS.
    Atom,
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
    /// All of them.
    pub(super) const ALL: [Self; 5] = [
        Self::Atom,
        Self::DublinCore,
        Self::Media,
        Self::Slash,
        Self::Thread,
    ];

    /// The prefix khabar binds it to.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Atom => "atom",
            Self::DublinCore => "dc",
            Self::Media => "media",
            Self::Slash => "slash",
            Self::Thread => "thr",
        }
    }

    /// Its name.
    pub(super) fn uri(self) -> &'static str {
        match self {
            Self::Atom => "http://www.w3.org/2005/Atom",
            Self::DublinCore => "http://purl.org/dc/elements/1.1/",
            Self::Media => "http://search.yahoo.com/mrss/",
            Self::Slash => "http://purl.org/rss/1.0/modules/slash/",
            Self::Thread => "http://purl.org/syndication/thread/1.0",
        }
    }

    /// Declarations of those whose prefix `is_used`, and of no others: neither crate notices an
    /// undeclared prefix.
    pub(super) fn declarations(is_used: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
        Self::ALL
            .into_iter()
            .filter(|namespace| is_used(namespace.prefix()))
            .map(|namespace| (namespace.prefix().to_owned(), namespace.uri().to_owned()))
            .collect()
    }
}

/// One element, with children of its own namespace.
#[derive(Clone, Debug)]
pub(super) struct Element {
    namespace: Namespace,
    local: &'static str,
    text: Option<String>,
    attributes: BTreeMap<&'static str, String>,
    children: Vec<Element>,
}

impl Element {
    /// An empty element.
    pub(super) fn new(namespace: Namespace, local: &'static str) -> Self {
        Self {
            namespace,
            local,
            text: None,
            attributes: BTreeMap::new(),
            children: Vec::new(),
        }
    }

    /// With text inside.
    pub(super) fn text(mut self, text: &impl ToString) -> Self {
        self.text = Some(text.to_string());
        self
    }

    /// With an attribute.
    pub(super) fn attribute(mut self, name: &'static str, value: &impl ToString) -> Self {
        self.attributes.insert(name, value.to_string());
        self
    }

    /// With an attribute, where there is a value for it.
    pub(super) fn maybe(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.attribute(name, &value),
            None => self,
        }
    }

    /// With more children.
    pub(super) fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    fn name(&self) -> String {
        format!("{}:{}", self.namespace.prefix(), self.local)
    }

    /// The text to write. An empty element has empty text: it keeps the indented writers from
    /// putting a line end inside it.
    fn value(&mut self) -> Option<String> {
        let text = self.text.take();
        text.or_else(|| self.children.is_empty().then(String::new))
    }

    fn into_rss(mut self) -> rss::extension::Extension {
        rss::extension::Extension {
            name: self.name(),
            value: self.value(),
            attrs: self
                .attributes
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            children: by_name(self.children, Self::into_rss),
        }
    }

    fn into_atom(mut self) -> atom_syndication::extension::Extension {
        atom_syndication::extension::Extension {
            name: self.name(),
            value: self.value(),
            attrs: self
                .attributes
                .into_iter()
                .map(|(name, value)| (name.to_owned(), escape(value).into_owned()))
                .collect(),
            children: by_name(self.children, Self::into_atom),
        }
    }
}

/// `elements` for an RSS item.
pub(super) fn for_rss(elements: Vec<Element>) -> rss::extension::ExtensionMap {
    by_prefix(elements, Element::into_rss)
}

/// `elements` for an Atom entry.
pub(super) fn for_atom(elements: Vec<Element>) -> atom_syndication::extension::ExtensionMap {
    by_prefix(elements, Element::into_atom)
}

fn by_prefix<T>(
    elements: Vec<Element>,
    convert: impl Fn(Element) -> T,
) -> BTreeMap<String, BTreeMap<String, Vec<T>>> {
    let mut map: BTreeMap<String, BTreeMap<String, Vec<T>>> = BTreeMap::new();
    for element in elements {
        map.entry(element.namespace.prefix().to_owned())
            .or_default()
            .entry(element.local.to_owned())
            .or_default()
            .push(convert(element));
    }
    map
}

fn by_name<T>(elements: Vec<Element>, convert: impl Fn(Element) -> T) -> BTreeMap<String, Vec<T>> {
    let mut map: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for element in elements {
        map.entry(element.local.to_owned())
            .or_default()
            .push(convert(element));
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When this fails, `atom_syndication` has begun to escape: unpin it and drop `escape` above.
    #[test]
    fn atom_syndication_still_writes_attribute_values_as_they_are() {
        let mut attrs = BTreeMap::new();
        attrs.insert("url".to_owned(), "?a=1&b=\"2\"".to_owned());
        let extension = atom_syndication::extension::Extension {
            name: "media:content".to_owned(),
            attrs,
            ..Default::default()
        };
        let mut feed = atom_syndication::Feed::default();
        feed.extensions
            .entry("media".to_owned())
            .or_default()
            .insert("content".to_owned(), vec![extension]);
        assert!(feed.to_string().contains("url=\"?a=1&b=\"2\"\""));
    }

    #[test]
    fn values_are_escaped_for_atom_and_left_alone_for_rss() {
        let element = Element::new(Namespace::Media, "content").attribute("url", &"?a=1&b=\"2\"");
        let atom = for_atom(vec![element.clone()]);
        assert_eq!(
            atom["media"]["content"][0].attrs["url"],
            "?a=1&amp;b=&quot;2&quot;"
        );
        let rss = for_rss(vec![element]);
        assert_eq!(rss["media"]["content"][0].attrs["url"], "?a=1&b=\"2\"");
    }
}
