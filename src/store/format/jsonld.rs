//! schema.org in JSON-LD: news articles and their kin, alone, in an array or in a `@graph`.
//!
//! JSON-LD lets every value be a string, an object or a list of either, and lets an object be named
//! by its `@id` and given elsewhere. One function unwraps that, so that the fields below need not
//! know. It reads no context and fetches none: members are taken by the names that schema.org gives
//! them, as search engines do.

use std::borrow::Cow;
use std::collections::HashMap;

use super::draft::{Draft, Field, RawBody, RawImage, RawMedia, RawPerson, RawTopic, Written};
use super::fields::{Reader, first, is_absent, items};
use super::node::{Node, Value};
use super::problem::Problem;
use crate::article::{Access, Kind};

/// The types that are articles (schema.org, `Article` and its more specific types).
const TYPES: [&str; 17] = [
    "AdvertiserContentArticle",
    "AnalysisNewsArticle",
    "Article",
    "AskPublicNewsArticle",
    "BackgroundNewsArticle",
    "BlogPosting",
    "DiscussionForumPosting",
    "LiveBlogPosting",
    "NewsArticle",
    "OpinionNewsArticle",
    "Report",
    "ReportageNewsArticle",
    "ReviewNewsArticle",
    "SatiricalArticle",
    "ScholarlyArticle",
    "SocialMediaPosting",
    "TechArticle",
];

/// Every member that is read, and those that only say what the object is.
const MEMBERS: [&str; 29] = [
    "@context",
    "@graph",
    "@id",
    "@type",
    "about",
    "abstract",
    "articleBody",
    "articleSection",
    "author",
    "commentCount",
    "dateModified",
    "datePublished",
    "description",
    "discussionUrl",
    "expires",
    "headline",
    "identifier",
    "image",
    "inLanguage",
    "isAccessibleForFree",
    "keywords",
    "mainEntityOfPage",
    "name",
    "provider",
    "publisher",
    "sourceOrganization",
    "url",
    "video",
    "wordCount",
];

/// The most steps from a value to what it stands for: lists in lists, references to references. It
/// also ends references that go round in a circle.
const MAX_STEPS: usize = 8;

/// Reads the first article in `root`; `None` where there is none.
pub(super) fn read<'n>(root: &'n Node<'n>) -> Option<(Draft<'n>, Vec<Problem>)> {
    let objects = objects(root);
    let article = objects.iter().copied().find(|object| is_article(object))?;
    let mut page = Page {
        named: named(&objects),
        reader: Reader::default(),
    };
    let draft = page.article(article);
    page.reader.note_unknown("", article, &MEMBERS);
    Some((draft, page.reader.finish()))
}

/// Whether a JSON file is JSON-LD at all.
pub(super) fn is_jsonld(root: &Node<'_>) -> bool {
    let is_marked = |node: &Node<'_>| {
        ["@context", "@type", "@graph"]
            .iter()
            .any(|name| node.get(name).is_some())
    };
    match &root.value {
        Value::List(list) => list.iter().any(is_marked),
        _ => is_marked(root),
    }
}

/// The objects of a document: those of the array, each followed by those of its `@graph`.
fn objects<'n>(root: &'n Node<'n>) -> Vec<&'n Node<'n>> {
    let mut objects = Vec::new();
    for object in items(root) {
        objects.push(object);
        if let Some(graph) = object.get("@graph") {
            objects.extend(items(graph));
        }
    }
    objects
}

fn is_article(object: &Node<'_>) -> bool {
    TYPES.iter().any(|name| has_type(object, name))
}

/// Whether `@type` of the object is, or holds, `wanted`: a name, or its IRI at schema.org.
fn has_type(object: &Node<'_>, wanted: &str) -> bool {
    let Some(types) = object.get("@type") else {
        return false;
    };
    items(types).iter().any(|node| match &node.value {
        Value::Text(text) => {
            let name = ["https://schema.org/", "http://schema.org/", "schema:"]
                .iter()
                .find_map(|prefix| text.strip_prefix(prefix));
            name.unwrap_or(text) == wanted
        }
        _ => false,
    })
}

/// The objects that have an `@id` and say more than that, by it; the first of each.
fn named<'n>(objects: &[&'n Node<'n>]) -> HashMap<&'n str, &'n Node<'n>> {
    let mut named = HashMap::new();
    for object in objects {
        if let Some(id) = id_of(object)
            && !is_reference(object)
        {
            named.entry(id).or_insert(*object);
        }
    }
    named
}

fn id_of<'n>(object: &'n Node<'_>) -> Option<&'n str> {
    match &object.get("@id")?.value {
        Value::Text(id) => Some(id),
        _ => None,
    }
}

/// Whether an object is nothing but an `@id`.
fn is_reference(object: &Node<'_>) -> bool {
    matches!(&object.value, Value::Table(members) if members.len() == 1) && id_of(object).is_some()
}

/// One document: what its references lead to, and what was wrong with it.
struct Page<'n> {
    named: HashMap<&'n str, &'n Node<'n>>,
    reader: Reader,
}

impl<'n> Page<'n> {
    fn article(&mut self, article: &'n Node<'n>) -> Draft<'n> {
        let headline = self.text(article, &["headline", "name"], &[]);
        let body = self.text(article, &["articleBody"], &[]);
        Draft {
            id: self.label(article, &["identifier"], &["value"]),
            title: headline,
            summary: self.text(article, &["description", "abstract"], &[]),
            body: body.map_or(RawBody::None, |body| RawBody::Text(body.value)),
            published: self.date(article, "datePublished"),
            updated: self.date(article, "dateModified"),
            expires: self.date(article, "expires"),
            sections: self.sections(article),
            stories: self.stories(article),
            tags: self.tags(article),
            authors: self.authors(article),
            source: self.source(article),
            images: self.images(article),
            video: self.video(article),
            url: self.text(article, &["url", "mainEntityOfPage"], &["@id", "url"]),
            language: self.text(article, &["inLanguage"], &["alternateName", "name"]),
            comments: self.comments(article),
            kind: kind(article),
            access: self.access(article),
            ..Draft::default()
        }
    }

    fn sections(&mut self, article: &'n Node<'n>) -> Vec<Field<RawTopic<'n>>> {
        let mut sections = Vec::new();
        for item in list(article, "articleSection") {
            let value = self.one(item, &["name"]);
            if let Some(section) = self.reader.label("articleSection", value) {
                sections.push(section.map(|id| RawTopic { id, title: None }));
            }
        }
        sections
    }

    /// What the article is about, where that has an identity of its own.
    fn stories(&mut self, article: &'n Node<'n>) -> Vec<Field<RawTopic<'n>>> {
        let mut stories = Vec::new();
        for item in list(article, "about") {
            let about = self.resolve(item);
            if let Some(id) = self.label(about, &["identifier"], &["value"]) {
                let title = self.text(about, &["name"], &[]);
                stories.push(id.map(|id| RawTopic {
                    id,
                    title: title.map(|title| title.value),
                }));
            }
        }
        stories
    }

    /// A list of keywords, or one string of them with commas between, Latin or Arabic.
    fn tags(&mut self, article: &'n Node<'n>) -> Vec<Field<Written<'n>>> {
        let mut tags = Vec::new();
        let Some((_, keywords)) = first(article, &["keywords"]) else {
            return tags;
        };
        let is_list = matches!(keywords.value, Value::List(_));
        for item in list(article, "keywords") {
            let value = self.one(item, &["name"]);
            let Some(tag) = self.reader.label("keywords", value) else {
                continue;
            };
            if is_list {
                tags.push(tag);
                continue;
            }
            let words = tag.value.split([',', '،']).map(str::trim);
            tags.extend(words.filter(|word| !word.is_empty()).map(|word| Field {
                value: Cow::Owned(word.to_owned()),
                span: tag.span.clone(),
            }));
        }
        tags
    }

    fn authors(&mut self, article: &'n Node<'n>) -> Vec<Field<RawPerson<'n>>> {
        let mut authors = Vec::new();
        for item in list(article, "author") {
            let person = self.resolve(item);
            let Value::Table(_) = person.value else {
                let author = self.reader.text("author", person);
                authors.extend(author.map(|author| {
                    author.map(|name| RawPerson {
                        name,
                        ..RawPerson::default()
                    })
                }));
                continue;
            };
            // A reference that leads nowhere names nobody.
            if let Some(name) = self.text(person, &["name"], &[]) {
                let url = self.text(person, &["url"], &["@id", "url"]);
                let email = self.text(person, &["email"], &[]);
                authors.push(name.map(|name| RawPerson {
                    name,
                    url: url.map(|url| url.value),
                    email: email.map(|email| email.value),
                }));
            }
        }
        authors
    }

    fn source(
        &mut self,
        article: &'n Node<'n>,
    ) -> Option<Field<(Written<'n>, Option<Written<'n>>)>> {
        let (name, node) = first(article, &["sourceOrganization", "provider"])?;
        let agency = self.resolve(node);
        let Value::Table(_) = agency.value else {
            let agency = self.reader.text(name, agency)?;
            return Some(agency.map(|agency| (agency, None)));
        };
        let name = self.text(agency, &["name"], &[])?;
        let url = self.text(agency, &["url"], &["@id", "url"]);
        Some(name.map(|name| (name, url.map(|url| url.value))))
    }

    fn images(&mut self, article: &'n Node<'n>) -> Vec<Field<RawImage<'n>>> {
        let mut images = Vec::new();
        for item in list(article, "image") {
            let image = self.resolve(item);
            if let Some(value) = self.image(image) {
                images.push(Field {
                    value,
                    span: image.span.clone(),
                });
            }
        }
        images
    }

    /// A URL or an `ImageObject`; one without a URL shows nothing.
    fn image(&mut self, image: &'n Node<'n>) -> Option<RawImage<'n>> {
        let Value::Table(_) = image.value else {
            return Some(RawImage {
                url: self.reader.text("image", image)?.value,
                ..RawImage::default()
            });
        };
        let url = self.text(image, &["url", "contentUrl"], &["@id", "url"])?;
        let caption = self.text(image, &["caption"], &[]);
        let credit = self.text(image, &["creditText"], &[]);
        let media_type = self.text(image, &["encodingFormat"], &[]);
        Some(RawImage {
            url: url.value,
            caption: caption.map(|caption| caption.value),
            credit: credit.map(|credit| credit.value),
            media_type: media_type.map(|media_type| media_type.value),
            width: self.count(image, "width"),
            height: self.count(image, "height"),
            ..RawImage::default()
        })
    }

    fn video(&mut self, article: &'n Node<'n>) -> Option<Field<RawMedia<'n>>> {
        let (name, node) = first(article, &["video"])?;
        let video = self.resolve(node);
        let Value::Table(_) = video.value else {
            let url = self.reader.text(name, video)?;
            return Some(url.map(|url| RawMedia {
                url,
                ..RawMedia::default()
            }));
        };
        let file = self.text(video, &["contentUrl"], &["@id", "url"]);
        let player = self.text(video, &["embedUrl"], &["@id", "url"]);
        let media_type = self.text(video, &["encodingFormat"], &[]);
        // A player is a page, whatever its URL looks like.
        let of_player = file.is_none().then_some(Cow::Borrowed("text/html"));
        let Some(url) = file.or(player) else {
            self.reader.report(Problem::doubt(
                "video-without-url",
                video.span.clone(),
                "the video is left out: it has no URL",
                "give it a `contentUrl` or an `embedUrl`",
            ));
            return None;
        };
        let thumbnail = self.text(
            video,
            &["thumbnailUrl", "thumbnail"],
            &["url", "contentUrl"],
        );
        let title = self.text(video, &["name"], &[]);
        let description = self.text(video, &["description"], &[]);
        let duration = first(video, &["duration"]);
        Some(url.map(|url| RawMedia {
            url,
            media_type: media_type.map(|media_type| media_type.value).or(of_player),
            length: None,
            duration: duration.and_then(|(name, node)| {
                let value = self.one(node, &[]);
                self.reader.duration(name, value)
            }),
            thumbnail: thumbnail.map(|thumbnail| thumbnail.value),
            title: title.map(|title| title.value),
            description: description.map(|description| description.value),
            width: self.count(video, "width"),
            height: self.count(video, "height"),
        }))
    }

    fn comments(
        &mut self,
        article: &'n Node<'n>,
    ) -> Option<Field<(Option<Written<'n>>, Option<u32>)>> {
        let (_, node) = first(article, &["discussionUrl", "commentCount"])?;
        let url = self.text(article, &["discussionUrl"], &["@id", "url"]);
        let count = self.count(article, "commentCount");
        Some(Field {
            value: (url.map(|url| url.value), count),
            span: node.span.clone(),
        })
    }

    /// `isAccessibleForFree`: a truth value, or its name as schema.org writes it.
    fn access(&mut self, article: &'n Node<'n>) -> Option<Access> {
        let (name, node) = first(article, &["isAccessibleForFree"])?;
        let value = self.one(node, &[]);
        let is_free = match &value.value {
            Value::Text(text) => {
                let word = text.rsplit('/').next().unwrap_or(text);
                match word.to_ascii_lowercase().as_str() {
                    "true" => Some(true),
                    "false" => Some(false),
                    _ => self.reader.wrong(name, value, "true or false"),
                }
            }
            _ => self.reader.truth(name, value),
        };
        is_free.map(|free| {
            if free {
                Access::Free
            } else {
                Access::Subscription
            }
        })
    }

    fn text(
        &mut self,
        table: &'n Node<'n>,
        names: &[&str],
        inner: &[&str],
    ) -> Option<Field<Written<'n>>> {
        let (name, node) = first(table, names)?;
        let value = self.one(node, inner);
        self.reader.text(name, value)
    }

    fn label(
        &mut self,
        table: &'n Node<'n>,
        names: &[&str],
        inner: &[&str],
    ) -> Option<Field<Written<'n>>> {
        let (name, node) = first(table, names)?;
        let value = self.one(node, inner);
        self.reader.label(name, value)
    }

    fn date(&mut self, table: &'n Node<'n>, name: &str) -> Option<Field<Written<'n>>> {
        let (name, node) = first(table, &[name])?;
        let value = self.one(node, &[]);
        self.reader.date(name, value)
    }

    /// A number, or a `QuantitativeValue`.
    fn count<T: std::str::FromStr>(&mut self, table: &'n Node<'n>, name: &str) -> Option<T> {
        let (name, node) = first(table, &[name])?;
        let value = self.one(node, &["value"]);
        self.reader.count(name, value)
    }

    /// The one value that `node` stands for: the first of a list, the object that a reference names,
    /// and of an object `@value` or the first of `inner`.
    fn one(&self, node: &'n Node<'n>, inner: &[&str]) -> &'n Node<'n> {
        let mut node = node;
        for _ in 0..MAX_STEPS {
            node = self.resolve(node);
            let next = first(node, &["@value"]).or_else(|| first(node, inner));
            match next {
                Some((_, value)) => node = value,
                None => break,
            }
        }
        node
    }

    /// The first item of a list, and the object that an object of nothing but an `@id` refers to. A
    /// reference that leads nowhere stands for itself.
    fn resolve(&self, node: &'n Node<'n>) -> &'n Node<'n> {
        let mut node = node;
        for _ in 0..MAX_STEPS {
            let next = match &node.value {
                Value::List(list) => list.iter().find(|item| !is_absent(item)),
                Value::Table(_) if is_reference(node) => {
                    id_of(node).and_then(|id| self.named.get(id)).copied()
                }
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }
}

/// The items of the member `name`; lists in lists are one list.
fn list<'n>(table: &'n Node<'n>, name: &str) -> impl Iterator<Item = &'n Node<'n>> {
    let member = first(table, &[name]).map(|(_, node)| node);
    member.into_iter().flat_map(items).flat_map(items)
}

fn kind(article: &Node<'_>) -> Option<Kind> {
    if has_type(article, "LiveBlogPosting") {
        Some(Kind::Live)
    } else if has_type(article, "OpinionNewsArticle") {
        Some(Kind::Opinion)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
