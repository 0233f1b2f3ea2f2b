//! One bad file, and how the files of the tables are made.

/// A bad file and the fault it has.
pub(super) struct Case {
    /// Its name in the store.
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) code: &'static str,
    /// Line and column, from 1.
    pub(super) place: (u64, u64),
}

/// Front matter of a good article, five lines with its fences.
pub(super) const GOOD: &str = "id: bad\ntitle: خبر\ndate: 2025-03-10T12:00:00Z\n";

pub(super) fn case(
    name: &'static str,
    bytes: impl AsRef<[u8]>,
    code: &'static str,
    line: u64,
    column: u64,
) -> Case {
    Case {
        name,
        bytes: bytes.as_ref().to_vec(),
        code,
        place: (line, column),
    }
}

/// YAML front matter and a body.
pub(super) fn yaml(lines: &str) -> String {
    format!("---\n{lines}\n---\nنص الخبر.\n")
}

/// TOML front matter and a body.
pub(super) fn toml(lines: &str) -> String {
    format!("+++\n{lines}\n+++\nنص الخبر.\n")
}

/// A plain JSON article whose fifth line is `member`.
pub(super) fn json(member: &str) -> String {
    format!(
        "{{\n\"id\": \"bad\",\n\"title\": \"خبر\",\n\"published\": \"2025-03-10T12:00:00Z\",\n{member}\n}}\n"
    )
}

/// A ninjs article whose fifth line is `member`.
pub(super) fn ninjs(member: &str) -> String {
    format!(
        "{{\n\"uri\": \"urn:bad\",\n\"headline\": \"خبر\",\n\"versioncreated\": \"2025-03-10T12:00:00Z\",\n{member}\n}}\n"
    )
}

/// An article of JSON-LD, published on `date`, whose fifth line is `member`.
pub(super) fn news(date: &str, member: &str) -> String {
    let kind = r#""@type": "NewsArticle", "headline": "خبر""#;
    linked(&format!("{kind}, \"datePublished\": \"{date}\",\n{member}"))
}

/// JSON-LD whose fourth line is `members`.
pub(super) fn linked(members: &str) -> String {
    format!("{{\n\"@context\": \"https://schema.org\",\n\"identifier\": \"bad\",\n{members}\n}}\n")
}
