//! The elements, attributes and URLs that may stand in a printed body.
//!
//! One table serves both passes, so that they cannot disagree.

use url::Url;

/// How an element nests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A paragraph: ends where any block begins.
    Paragraph,
    /// A heading: ends where another begins.
    Heading,
    /// Any other block.
    Block,
    /// A list that holds items.
    List,
    /// An item of a list or a glossary.
    Item,
    /// Part of a line.
    Inline,
    /// A recording: holds sources and nothing else.
    Recording,
    /// Has no content.
    Void,
    /// A table.
    Table,
    /// A caption of a table.
    Caption,
    /// A group of rows.
    Rows,
    /// A row.
    Row,
    /// A cell.
    Cell,
}

/// What is allowed, and how it nests. No ids and no classes: feeds are pages of many articles.
const ELEMENTS: [(&str, Class); 66] = [
    ("a", Class::Inline),
    ("abbr", Class::Inline),
    ("address", Class::Block),
    ("article", Class::Block),
    ("aside", Class::Block),
    ("audio", Class::Recording),
    ("b", Class::Inline),
    ("bdi", Class::Inline),
    ("bdo", Class::Inline),
    ("blockquote", Class::Block),
    ("br", Class::Void),
    ("caption", Class::Caption),
    ("cite", Class::Inline),
    ("code", Class::Inline),
    ("dd", Class::Item),
    ("del", Class::Inline),
    ("details", Class::Block),
    ("dfn", Class::Inline),
    ("div", Class::Block),
    ("dl", Class::List),
    ("dt", Class::Item),
    ("em", Class::Inline),
    ("figcaption", Class::Block),
    ("figure", Class::Block),
    ("footer", Class::Block),
    ("h1", Class::Heading),
    ("h2", Class::Heading),
    ("h3", Class::Heading),
    ("h4", Class::Heading),
    ("h5", Class::Heading),
    ("h6", Class::Heading),
    ("header", Class::Block),
    ("hr", Class::Void),
    ("i", Class::Inline),
    ("img", Class::Void),
    ("ins", Class::Inline),
    ("kbd", Class::Inline),
    ("li", Class::Item),
    ("mark", Class::Inline),
    ("ol", Class::List),
    ("p", Class::Paragraph),
    ("picture", Class::Inline),
    ("pre", Class::Block),
    ("q", Class::Inline),
    ("s", Class::Inline),
    ("samp", Class::Inline),
    ("section", Class::Block),
    ("small", Class::Inline),
    ("source", Class::Void),
    ("span", Class::Inline),
    ("strong", Class::Inline),
    ("sub", Class::Inline),
    ("summary", Class::Block),
    ("sup", Class::Inline),
    ("table", Class::Table),
    ("tbody", Class::Rows),
    ("td", Class::Cell),
    ("tfoot", Class::Rows),
    ("th", Class::Cell),
    ("thead", Class::Rows),
    ("time", Class::Inline),
    ("tr", Class::Row),
    ("u", Class::Inline),
    ("ul", Class::List),
    ("video", Class::Recording),
    ("wbr", Class::Void),
];

/// Elements that go with all they hold: what runs, what is embedded, what asks, what navigates.
/// Every other element that is not allowed leaves its content behind.
pub(super) const DROPPED: [&str; 23] = [
    "applet",
    "button",
    "canvas",
    "dialog",
    "embed",
    "form",
    "frameset",
    "iframe",
    "math",
    "nav",
    "noembed",
    "noframes",
    "object",
    "optgroup",
    "option",
    "plaintext",
    "script",
    "select",
    "style",
    "svg",
    "template",
    "textarea",
    "title",
];

/// Attributes allowed on every element.
pub(super) const GENERIC_ATTRIBUTES: [&str; 3] = ["dir", "lang", "title"];

/// Attributes allowed on some elements.
pub(super) const ATTRIBUTES: [(&str, &[&str]); 15] = [
    ("a", &["href", "hreflang"]),
    ("audio", &["controls", "src"]),
    ("blockquote", &["cite"]),
    ("del", &["cite", "datetime"]),
    ("details", &["open"]),
    ("img", &["alt", "height", "src", "srcset", "width"]),
    ("ins", &["cite", "datetime"]),
    ("li", &["value"]),
    ("ol", &["reversed", "start"]),
    ("q", &["cite"]),
    ("source", &["media", "src", "srcset", "type"]),
    ("td", &["colspan", "rowspan"]),
    ("th", &["colspan", "rowspan", "scope"]),
    ("time", &["datetime"]),
    ("video", &["controls", "height", "poster", "src", "width"]),
];

/// The schemes a link may have. Everything that is loaded is http or https.
pub(super) const LINK_SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];

/// How `element` nests; `None` where it is not allowed.
pub(super) fn class_of(element: &str) -> Option<Class> {
    let at = ELEMENTS
        .binary_search_by(|(name, _)| (*name).cmp(element))
        .ok()?;
    ELEMENTS.get(at).map(|(_, class)| *class)
}

/// Every element that is allowed.
pub(super) fn allowed() -> impl Iterator<Item = &'static str> {
    ELEMENTS.iter().map(|(name, _)| *name)
}

/// Whether `attribute` may stand on `element`, whatever its value.
pub(super) fn is_allowed(element: &str, attribute: &str) -> bool {
    GENERIC_ATTRIBUTES.contains(&attribute)
        || ATTRIBUTES
            .iter()
            .any(|(name, names)| *name == element && names.contains(&attribute))
}

/// `value` with its URLs made absolute against `base`; `None` where `attribute` may not hold it.
pub(super) fn absolute(attribute: &str, value: &str, base: &Url) -> Option<String> {
    match attribute {
        "href" => link(value, base, &LINK_SCHEMES),
        "src" | "poster" | "cite" => loaded(value, base),
        "srcset" => srcset(value, base),
        _ => Some(value.to_owned()),
    }
}

/// The last word on a value, after `tidy`: the same rules, on URLs that must be absolute by now.
pub(super) fn is_safe(attribute: &str, value: &str) -> bool {
    let is_web =
        |url: &str| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    match attribute {
        "src" | "poster" | "cite" => is_web(value),
        "srcset" => candidates(value).all(|(url, _)| is_web(url)),
        "dir" => ["rtl", "ltr", "auto"].contains(&value),
        // Links are checked against the list of schemes by ammonia itself.
        _ => true,
    }
}

fn loaded(value: &str, base: &Url) -> Option<String> {
    link(value, base, &["http", "https"])
}

fn link(value: &str, base: &Url, schemes: &[&str]) -> Option<String> {
    let url = base.join(value.trim()).ok()?;
    schemes.contains(&url.scheme()).then(|| url.into())
}

fn srcset(value: &str, base: &Url) -> Option<String> {
    let mut out = String::new();
    for (url, descriptor) in candidates(value) {
        let Some(mut url) = loaded(url, base) else {
            continue;
        };
        // A comma at the end would be read as the end of the candidate.
        while url.ends_with(',') {
            url.pop();
            url.push_str("%2C");
        }
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(&url);
        if !descriptor.is_empty() {
            out.push(' ');
            out.push_str(descriptor);
        }
    }
    (!out.is_empty()).then_some(out)
}

/// The URLs of a `srcset` and their descriptors (HTML, "Parsing a srcset attribute"): a URL may
/// hold commas, but none at its end.
fn candidates(value: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = value;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
        if rest.is_empty() {
            return None;
        }
        let (url, after) = rest.split_at(
            rest.find(|c: char| c.is_ascii_whitespace())
                .unwrap_or(rest.len()),
        );
        let bare = url.trim_end_matches(',');
        if bare.len() < url.len() {
            rest = after;
            return Some((bare, ""));
        }
        let (descriptor, after) = after.split_once(',').unwrap_or((after, ""));
        rest = after;
        Some((bare, descriptor.trim()))
    })
}
