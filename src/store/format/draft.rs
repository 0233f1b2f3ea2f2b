//! An article as written: raw strings and their places, before dates, URLs and text are checked.

use std::ops::Range;

use crate::article::{Access, Kind, Status};

/// A value as written and the bytes of the file it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<T> {
    /// The value.
    pub value: T,
    /// Byte offsets in the whole file.
    pub span: Range<usize>,
}

impl<T> Field<T> {
    /// What `change` makes of the value, in the same place.
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Field<U> {
        Field {
            value: change(self.value),
            span: self.span,
        }
    }
}

/// The body as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RawBody {
    /// None at all.
    #[default]
    None,
    /// `CommonMark`.
    Markdown(String),
    /// HTML, not yet sanitised.
    Html(String),
    /// Plain text; blank lines separate paragraphs.
    Text(String),
}

/// The fields of an article as its form gives them. Absent means that the form does not say.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Identity.
    pub id: Option<Field<String>>,
    /// Plain text.
    pub title: Option<Field<String>>,
    /// Plain text.
    pub summary: Option<Field<String>>,
    /// The body.
    pub body: RawBody,
    /// URL, relative or absolute.
    pub url: Option<Field<String>>,
    /// For `{slug}`.
    pub slug: Option<Field<String>>,
    /// For `{path}`.
    pub path: Option<Field<String>>,
    /// First publication, as written.
    pub published: Option<Field<String>>,
    /// Last significant change, as written.
    pub updated: Option<Field<String>>,
    /// Where later than `published`, it becomes `published`.
    pub embargo: Option<Field<String>>,
    /// The instant it leaves everything, as written.
    pub expires: Option<Field<String>>,
    /// Status; published where the form does not say.
    pub status: Option<Status>,
    /// Sections, the main one first.
    pub sections: Vec<Field<RawTopic>>,
    /// Stories.
    pub stories: Vec<Field<RawTopic>>,
    /// Tags.
    pub tags: Vec<Field<String>>,
    /// Who wrote it.
    pub authors: Vec<Field<RawPerson>>,
    /// Pictures.
    pub images: Vec<Field<RawImage>>,
    /// Video.
    pub video: Option<Field<RawMedia>>,
    /// Audio.
    pub audio: Option<Field<RawMedia>>,
    /// The agency: name and URL.
    pub source: Option<Field<(String, Option<String>)>>,
    /// Language tag.
    pub language: Option<Field<String>>,
    /// Kind; article where the form does not say.
    pub kind: Option<Kind>,
    /// Access; free where the form does not say.
    pub access: Option<Access>,
    /// The discussion: URL and count.
    pub comments: Option<Field<(Option<String>, Option<u32>)>>,
    /// May stand in the news sitemap.
    pub news: Option<bool>,
    /// May stand in sitemaps.
    pub index: Option<bool>,
    /// Language tag and URL, for hreflang.
    pub translations: Vec<Field<(String, String)>>,
}

/// A section or story as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawTopic {
    /// Its id.
    pub id: String,
    /// Its title, where the form gives one.
    pub title: Option<String>,
}

/// A person as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawPerson {
    /// Name.
    pub name: String,
    /// Home page.
    pub url: Option<String>,
    /// Mail address.
    pub email: Option<String>,
}

/// A picture as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawImage {
    /// URL, relative or absolute.
    pub url: String,
    /// Caption.
    pub caption: Option<String>,
    /// Credit.
    pub credit: Option<String>,
    /// Alternative text.
    pub alt: Option<String>,
    /// Media type.
    pub media_type: Option<String>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Bytes.
    pub length: Option<u64>,
}

/// A video or sound recording as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawMedia {
    /// URL, relative or absolute.
    pub url: String,
    /// Media type.
    pub media_type: Option<String>,
    /// Bytes.
    pub length: Option<u64>,
    /// Seconds.
    pub duration: Option<u32>,
    /// A still picture: URL, relative or absolute.
    pub thumbnail: Option<String>,
    /// Its own title.
    pub title: Option<String>,
    /// Its own description.
    pub description: Option<String>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
}
