//! ninjs (IPTC): 1.x with its lower-case members, 2.x with its arrays, 3.x in camel case, and the
//! members that Superdesk adds.
//!
//! The versions are not told apart: a member counts under any of its names, without regard to case.
//! Members that are no field of an article are noted and ignored.

use std::borrow::Cow;
use std::cmp::Reverse;

use super::body::text_of_html;
use super::draft::{Draft, Field, RawBody, RawImage, RawPerson, RawTopic, Written};
use super::fields::{Reader, first, items};
use super::node::{Node, Value};
use super::problem::Problem;
use crate::article::{Kind, Status};

/// Every member that is read.
const MEMBERS: [&str; 39] = [
    "uri",
    "type",
    "headline",
    "headlines",
    "description_text",
    "description_html",
    "descriptions",
    "body_xhtml",
    "body_html",
    "body_text",
    "bodies",
    "firstcreated",
    "versioncreated",
    "contentcreated",
    "embargoed",
    "embargoeduntil",
    "expires",
    "pubstatus",
    "subject",
    "subjects",
    "service",
    "keywords",
    "authors",
    "person",
    "people",
    "byline",
    "by",
    "infosource",
    "infosources",
    "associations",
    "url",
    "slugline",
    "language",
    "version",
    "$standard",
    "standard",
    "representationtype",
    "profile",
    "renditions",
];

/// The words of `pubstatus`.
const PUB_STATUS: [(&str, Status); 3] = [
    ("usable", Status::Published),
    ("withheld", Status::Withheld),
    ("canceled", Status::Withdrawn),
];

/// Reads the fields of one item and says what is wrong with them.
pub(super) fn read<'n>(item: &'n Node<'n>) -> (Draft<'n>, Vec<Problem>) {
    let mut reader = Reader::default();
    let mut draft = Draft {
        id: reader.member(item, &["uri"], Reader::label),
        title: title(&mut reader, item),
        summary: description(&mut reader, item),
        body: body(&mut reader, item),
        updated: reader.member(item, &["versionCreated"], Reader::date),
        embargo: reader.member(item, &["embargoed", "embargoedUntil"], Reader::date),
        expires: reader.member(item, &["expires"], Reader::date),
        status: first(item, &["pubStatus"])
            .and_then(|(name, node)| reader.choice(name, node, &PUB_STATUS)),
        url: reader.member(item, &["url"], Reader::text),
        slug: reader.member(item, &["slugline"], Reader::label),
        language: reader.member(item, &["language"], Reader::text),
        kind: kind(&mut reader, item),
        ..Draft::default()
    };
    take_published(&mut draft, &mut reader, item);
    take_subjects(&mut draft, &mut reader, item);
    draft.authors = authors(&mut reader, item);
    draft.source = source(&mut reader, item);
    draft.images = image(&mut reader, item).into_iter().collect();
    reader.note_unknown("", item, &MEMBERS);
    (draft, reader.finish())
}

/// A video item is a video; what else an item may be is an article to us.
fn kind(reader: &mut Reader, item: &Node<'_>) -> Option<Kind> {
    let kind = reader.member(item, &["type"], Reader::text)?;
    kind.value
        .eq_ignore_ascii_case("video")
        .then_some(Kind::Video)
}

/// `headline`, or the main one of `headlines`, else their first.
fn title<'n>(reader: &mut Reader, item: &'n Node<'n>) -> Option<Field<Written<'n>>> {
    if let Some(headline) = reader.member(item, &["headline"], Reader::text) {
        return Some(headline);
    }
    let (name, headlines) = first(item, &["headlines"])?;
    let headline = by_role(headlines, "main")?;
    plain_value(reader, name, headline)
}

/// `description_text`, Superdesk's `description_html`, or the summary of `descriptions`, else their
/// first.
fn description<'n>(reader: &mut Reader, item: &'n Node<'n>) -> Option<Field<Written<'n>>> {
    if let Some(text) = reader.member(item, &["description_text"], Reader::text) {
        return Some(text);
    }
    if let Some(html) = reader.member(item, &["description_html"], Reader::text) {
        return Some(html.map(|html| Cow::Owned(text_of_html(&html))));
    }
    let (name, descriptions) = first(item, &["descriptions"])?;
    let description = by_role(descriptions, "summary")?;
    plain_value(reader, name, description)
}

/// The body as HTML where there is one, else as text.
fn body<'n>(reader: &mut Reader, item: &'n Node<'n>) -> RawBody<'n> {
    if let Some(html) = reader.member(item, &["body_xhtml", "body_html"], Reader::text) {
        return RawBody::Html(html.value);
    }
    if let Some(text) = reader.member(item, &["body_text"], Reader::text) {
        return RawBody::Text(text.value);
    }
    let Some((name, bodies)) = first(item, &["bodies"]) else {
        return RawBody::None;
    };
    let bodies = items(bodies);
    let html = bodies.iter().find(|body| is_html(body));
    let Some(body) = html.or(bodies.first()) else {
        return RawBody::None;
    };
    match value(reader, name, body) {
        Some(text) if html.is_some() => RawBody::Html(text.value),
        Some(text) => RawBody::Text(text.value),
        None => RawBody::None,
    }
}

/// First publication. Other dates move with every version of an item, so that an article dated by
/// one of them must not pass for news again and again.
fn take_published<'n>(draft: &mut Draft<'n>, reader: &mut Reader, item: &'n Node<'n>) {
    draft.published = reader.member(item, &["firstCreated"], Reader::date);
    if draft.published.is_some() || first(item, &["firstCreated"]).is_some() {
        return;
    }
    draft.published = reader.member(item, &["contentCreated", "versionCreated"], Reader::date);
    if let Some(field) = &draft.published {
        draft.news = Some(false);
        reader.report(Problem::doubt(
            "first-created-missing",
            field.span.clone(),
            "the item does not say when it was first created; another date is taken, and it stays \
             out of the news sitemap",
            "give it `firstcreated`",
        ));
    }
}

/// Subjects are sections, stories or tags; Superdesk has services for sections, and keywords.
fn take_subjects<'n>(draft: &mut Draft<'n>, reader: &mut Reader, item: &'n Node<'n>) {
    if let Some((name, subjects)) = first(item, &["subject", "subjects"]) {
        for subject in items(subjects) {
            if !reader.is_table(name, subject) {
                continue;
            }
            let rel = reader.member(subject, &["rel"], Reader::text);
            match rel.as_ref().map(|rel| rel.value.trim()) {
                Some("section") => draft.sections.extend(topic(reader, name, subject)),
                Some("story") => draft.stories.extend(topic(reader, name, subject)),
                _ => draft
                    .tags
                    .extend(reader.member(subject, &["name"], Reader::label)),
            }
        }
    }
    if let Some((name, services)) = first(item, &["service"]) {
        for service in items(services) {
            if reader.is_table(name, service) {
                draft.sections.extend(topic(reader, name, service));
            }
        }
    }
    if let Some((name, keywords)) = first(item, &["keywords"]) {
        draft.tags.extend(reader.labels(name, keywords));
    }
}

/// A section or story: `code` (1.x) or `literal` is its id, `name` its title. A name alone is both.
fn topic<'n>(reader: &mut Reader, name: &str, node: &'n Node<'n>) -> Option<Field<RawTopic<'n>>> {
    let title = reader.member(node, &["name"], Reader::label);
    let id = reader.member(node, &["code", "literal"], Reader::label);
    let Some(id) = id.or_else(|| title.clone()) else {
        reader.report(Problem::fault(
            "missing-member",
            node.span.clone(),
            format!("{} names no section or story", Problem::shown(name)),
            "give it a `code` (ninjs 1) or a `literal`",
        ));
        return None;
    };
    Some(Field {
        value: RawTopic {
            id: id.value,
            title: title.map(|title| title.value),
        },
        span: node.span.clone(),
    })
}

/// Superdesk's authors, else the people whose `rel` is author, else the byline as one name.
fn authors<'n>(reader: &mut Reader, item: &'n Node<'n>) -> Vec<Field<RawPerson<'n>>> {
    let mut authors = Vec::new();
    if let Some((name, people)) = first(item, &["authors"]) {
        for person in items(people) {
            if reader.is_table(name, person) {
                authors.extend(author(reader.member(person, &["name"], Reader::text)));
            }
        }
    }
    if authors.is_empty()
        && let Some((name, people)) = first(item, &["people", "person"])
    {
        for person in items(people) {
            if !reader.is_table(name, person) {
                continue;
            }
            let rel = reader.member(person, &["rel"], Reader::text);
            if rel.is_some_and(|rel| rel.value.trim().eq_ignore_ascii_case("author")) {
                authors.extend(author(reader.member(person, &["name"], Reader::text)));
            }
        }
    }
    if authors.is_empty() {
        authors.extend(author(reader.member(item, &["byline", "by"], Reader::text)));
    }
    authors
}

fn author(name: Option<Field<Written<'_>>>) -> Option<Field<RawPerson<'_>>> {
    name.map(|name| {
        name.map(|name| RawPerson {
            name,
            ..RawPerson::default()
        })
    })
}

fn source<'n>(
    reader: &mut Reader,
    item: &'n Node<'n>,
) -> Option<Field<(Written<'n>, Option<Written<'n>>)>> {
    let (name, sources) = first(item, &["infoSources", "infosource"])?;
    let source = items(sources).first()?;
    if !reader.is_table(name, source) {
        return None;
    }
    let agency = reader.member(source, &["name"], Reader::text)?;
    Some(agency.map(|agency| (agency, None)))
}

/// The first picture among the associations: an object of named items (1.x) or a list of them.
fn image<'n>(reader: &mut Reader, item: &'n Node<'n>) -> Option<Field<RawImage<'n>>> {
    let (name, associations) = first(item, &["associations"])?;
    for association in members(reader, name, associations) {
        let sort = reader.member(association, &["type"], Reader::text);
        if !sort.is_some_and(|sort| sort.value.trim().eq_ignore_ascii_case("picture")) {
            continue;
        }
        let Some(rendition) = largest(reader, association) else {
            continue;
        };
        let mut text = |names: &[&str]| {
            let field = reader.member(association, names, Reader::text)?;
            Some(field.value)
        };
        let credit = text(&["byline", "by"]).or_else(|| text(&["copyrightHolder"]));
        return Some(Field {
            value: RawImage {
                caption: description(reader, association).map(|field| field.value),
                credit,
                ..rendition
            },
            span: association.span.clone(),
        });
    }
    None
}

/// The rendition with the most pixels, then the most bytes, then the first.
fn largest<'n>(reader: &mut Reader, picture: &'n Node<'n>) -> Option<RawImage<'n>> {
    let (name, renditions) = first(picture, &["renditions"])?;
    let mut found = Vec::new();
    for rendition in members(reader, name, renditions) {
        let Some(url) = reader.member(rendition, &["href"], Reader::text) else {
            continue;
        };
        let media_type = reader.member(rendition, &["mimetype", "contentType"], Reader::text);
        found.push(RawImage {
            url: url.value,
            media_type: media_type.map(|field| field.value),
            width: reader.size(rendition, "width"),
            height: reader.size(rendition, "height"),
            length: reader.size(rendition, "sizeInBytes"),
            ..RawImage::default()
        });
    }
    found.into_iter().min_by_key(|image| {
        let pixels = u64::from(image.width.unwrap_or(0)) * u64::from(image.height.unwrap_or(0));
        Reverse((pixels, image.length))
    })
}

/// The tables in `node`: the members of an object (1.x) or the items of a list.
fn members<'n>(reader: &mut Reader, name: &str, node: &'n Node<'n>) -> Vec<&'n Node<'n>> {
    let all: Vec<&Node<'_>> = match &node.value {
        Value::Table(members) => members.iter().map(|(_, member)| member).collect(),
        _ => items(node).iter().collect(),
    };
    // Publishing systems write null for a place that is empty.
    all.into_iter()
        .filter(|member| !matches!(member.value, Value::Null) && reader.is_table(name, member))
        .collect()
}

/// Of `headlines` or `descriptions`: the one with the role, else the first.
fn by_role<'n>(list: &'n Node<'n>, role: &str) -> Option<&'n Node<'n>> {
    let list = items(list);
    let has_role = |node: &&Node<'_>| {
        matches!(first(node, &["role"]), Some((_, Node { value: Value::Text(text), .. }))
            if text.trim().eq_ignore_ascii_case(role))
    };
    list.iter().find(has_role).or(list.first())
}

/// The `value` of an item, reduced to text where it is HTML.
fn plain_value<'n>(
    reader: &mut Reader,
    name: &str,
    item: &'n Node<'n>,
) -> Option<Field<Written<'n>>> {
    let field = value(reader, name, item)?;
    Some(if is_html(item) {
        field.map(|html| Cow::Owned(text_of_html(&html)))
    } else {
        field
    })
}

fn value<'n>(reader: &mut Reader, name: &str, item: &'n Node<'n>) -> Option<Field<Written<'n>>> {
    if !reader.is_table(name, item) {
        return None;
    }
    reader.member(item, &["value"], Reader::text)
}

/// Whether an item says that its value is HTML or XHTML.
fn is_html(item: &Node<'_>) -> bool {
    matches!(first(item, &["contentType"]), Some((_, Node { value: Value::Text(text), .. }))
        if text.to_ascii_lowercase().contains("html"))
}

impl Reader {
    /// The first of `names` that the table has, taken by `take`.
    fn member<'n>(
        &mut self,
        table: &'n Node<'n>,
        names: &[&str],
        take: fn(&mut Self, &str, &'n Node<'n>) -> Option<Field<Written<'n>>>,
    ) -> Option<Field<Written<'n>>> {
        let (name, node) = first(table, names)?;
        take(self, name, node)
    }

    /// A number of pixels or bytes.
    fn size<T: std::str::FromStr>(&mut self, table: &Node<'_>, name: &str) -> Option<T> {
        let (name, node) = first(table, &[name])?;
        self.count(name, node)
    }

    /// Whether `node` is a table; a fault where it is not.
    fn is_table(&mut self, name: &str, node: &Node<'_>) -> bool {
        let is_table = matches!(node.value, Value::Table(_));
        if !is_table {
            self.wrong::<()>(name, node, "a table (an object in braces)");
        }
        is_table
    }
}

#[cfg(test)]
mod tests;
