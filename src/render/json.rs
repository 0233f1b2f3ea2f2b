//! JSON Feed 1.1 (jsonfeed.org/version/1.1), through `serde_json`.
//!
//! HTML stands in `content_html` alone; everything else is plain text. What the format has no field
//! for (sections, stories, the agency, comments, captions) stands in the extension `_khabar`.

use serde::Serialize;

use super::{EntryView, FeedView, Label, RenderError, bidi, identity, media};
use crate::article::{self, Article, Text, WebUrl};
use crate::config::Publication;
use crate::document::FeedFormat;

/// What a feed begins with.
pub(super) const HEAD: &str =
    "{\n  \"version\": \"https://jsonfeed.org/version/1.1\",\n  \"title\": \"";

/// Bytes of an item beside its summary and its body, to make room for it at once.
const ITEM: usize = 2_048;

/// Writes a feed as JSON Feed 1.1.
///
/// # Errors
/// Where the writing crate fails, which it does not for a view made of clean values.
pub fn render(view: &FeedView<'_>) -> Result<Vec<u8>, RenderError> {
    let publication = view.publication;
    let feed = Feed {
        version: "https://jsonfeed.org/version/1.1",
        title: bidi::display(view.title, &publication.language),
        home_page_url: view.link,
        own_url: view.url_in(FeedFormat::Json),
        description: filled(&publication.description),
        icon: publication.icon.as_ref(),
        authors: publication.authors.iter().map(Author::of).collect(),
        language: publication.language.as_str(),
        hubs: view.hubs.iter().map(Hub::of).collect(),
        items: view
            .entries
            .iter()
            .map(|entry| item(publication, entry))
            .collect(),
    };
    let bodies = view.entries.iter().map(|entry| {
        let body = entry.body.map_or(0, str::len);
        // An eighth of a body is what its markup takes more once it is escaped.
        ITEM + entry.article.summary.as_str().len() + body + body / 8
    });
    let mut bytes = Vec::with_capacity(bodies.sum());
    serde_json::to_writer_pretty(&mut bytes, &feed)?;
    bytes.push(b'\n');
    Ok(bytes)
}

// The order of the fields is the order in the document.

#[derive(Serialize)]
struct Feed<'a> {
    version: &'static str,
    title: std::borrow::Cow<'a, str>,
    home_page_url: &'a WebUrl,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(rename = "feed_url")]
    own_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<&'a WebUrl>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Author<'a>>,
    language: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hubs: Vec<Hub<'a>>,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Author<'a> {
    name: &'a Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a WebUrl>,
}

impl<'a> Author<'a> {
    fn of(person: &'a article::Person) -> Self {
        Self {
            name: &person.name,
            url: person.url.as_ref(),
        }
    }
}

#[derive(Serialize)]
struct Hub<'a> {
    r#type: &'static str,
    url: &'a WebUrl,
}

impl<'a> Hub<'a> {
    fn of(url: &'a WebUrl) -> Self {
        Self {
            r#type: "WebSub",
            url,
        }
    }
}

#[derive(Serialize)]
struct Item<'a> {
    id: String,
    url: &'a WebUrl,
    title: std::borrow::Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_html: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_text: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a WebUrl>,
    date_published: String,
    date_modified: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Author<'a>>,
    #[serde(skip_serializing_if = "<[Text]>::is_empty")]
    tags: &'a [Text],
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment<'a>>,
    #[serde(skip_serializing_if = "Extension::is_empty")]
    _khabar: Extension<'a>,
}

#[derive(Serialize)]
struct Attachment<'a> {
    url: &'a WebUrl,
    mime_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_in_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_in_seconds: Option<u32>,
}

/// `_khabar` of an item.
#[derive(Serialize)]
struct Extension<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sections: Vec<Topic<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stories: Vec<Topic<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comments: Option<Comments<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Image<'a>>,
}

impl Extension<'_> {
    fn is_empty(&self) -> bool {
        self.sections.is_empty()
            && self.stories.is_empty()
            && self.source.is_none()
            && self.comments.is_none()
            && self.images.is_empty()
    }
}

#[derive(Serialize)]
struct Topic<'a> {
    id: &'a str,
    title: &'a Text,
}

#[derive(Serialize)]
struct Source<'a> {
    name: &'a Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a WebUrl>,
}

#[derive(Serialize)]
struct Comments<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a WebUrl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
}

#[derive(Serialize)]
struct Image<'a> {
    url: &'a WebUrl,
    #[serde(skip_serializing_if = "Option::is_none")]
    caption: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credit: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alt: Option<&'a Text>,
}

fn item<'a>(publication: &Publication, entry: &'a EntryView<'_>) -> Item<'a> {
    let article = entry.article;
    let summary = filled(&article.summary);
    Item {
        id: identity::article(&publication.id_authority, &article.id),
        url: &article.url,
        title: bidi::display(&article.title, &article.language),
        summary,
        content_html: entry.body,
        // One of the two is required. Without a body the summary is all there is to read.
        content_text: entry
            .body
            .is_none()
            .then(|| summary.unwrap_or(&article.title)),
        image: media::picture(article),
        date_published: article.published.to_rfc3339(),
        date_modified: entry.updated.to_rfc3339(),
        authors: article.authors.iter().map(Author::of).collect(),
        tags: &article.tags,
        language: (article.language != publication.language).then(|| article.language.as_str()),
        attachments: attachments(article),
        _khabar: extension(article, &entry.labels),
    }
}

/// Attachments that share a title are one thing in several forms (JSON Feed, "Attachments"), so
/// that pictures, which often share a caption, go without.
fn attachments(article: &Article) -> Vec<Attachment<'_>> {
    media::enclosures(article)
        .map(|enclosure| Attachment {
            url: enclosure.url,
            mime_type: enclosure.media_type,
            title: enclosure.title,
            size_in_bytes: enclosure.length,
            duration_in_seconds: enclosure.duration,
        })
        .collect()
}

fn extension<'a>(article: &'a Article, labels: &[Label<'a>]) -> Extension<'a> {
    let topics = |is_section: bool| {
        labels
            .iter()
            .filter(|label| label.is_section == is_section)
            .map(|label| Topic {
                id: label.id.as_str(),
                title: label.title,
            })
            .collect()
    };
    Extension {
        sections: topics(true),
        stories: topics(false),
        source: article.source.as_ref().map(|source| Source {
            name: &source.name,
            url: source.url.as_ref(),
        }),
        comments: article.comments.as_ref().map(|comments| Comments {
            url: comments.url.as_ref(),
            count: comments.count,
        }),
        images: article.images.iter().map(image).collect(),
    }
}

fn image(image: &article::Image) -> Image<'_> {
    Image {
        url: &image.url,
        caption: image.caption.as_ref(),
        credit: image.credit.as_ref(),
        alt: image.alt.as_ref(),
    }
}

fn filled(text: &Text) -> Option<&Text> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
