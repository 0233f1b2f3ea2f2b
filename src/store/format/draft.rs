//! An article as written: raw strings and their places, before dates, URLs and text are checked.

use std::borrow::Cow;
use std::ops::Range;

use crate::article::{Access, Kind, Status};

/// Text as written: borrowed from the file, or from what was read of it, wherever it can be.
pub type Written<'n> = Cow<'n, str>;

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
pub enum RawBody<'n> {
    /// None at all.
    #[default]
    None,
    /// `CommonMark`.
    Markdown(Written<'n>),
    /// HTML, not yet sanitised.
    Html(Written<'n>),
    /// Plain text; blank lines separate paragraphs.
    Text(Written<'n>),
}

/// The fields of an article as its form gives them. Absent means that the form does not say.
#[derive(Clone, Debug, Default)]
pub struct Draft<'n> {
    /// Identity.
    pub id: Option<Field<Written<'n>>>,
    /// Plain text.
    pub title: Option<Field<Written<'n>>>,
    /// Plain text.
    pub summary: Option<Field<Written<'n>>>,
    /// The body.
    pub body: RawBody<'n>,
    /// URL, relative or absolute.
    pub url: Option<Field<Written<'n>>>,
    /// For `{slug}`.
    pub slug: Option<Field<Written<'n>>>,
    /// For `{path}`.
    pub path: Option<Field<Written<'n>>>,
    /// First publication, as written.
    pub published: Option<Field<Written<'n>>>,
    /// Last significant change, as written.
    pub updated: Option<Field<Written<'n>>>,
    /// Where later than `published`, it becomes `published`.
    pub embargo: Option<Field<Written<'n>>>,
    /// The instant it leaves everything, as written.
    pub expires: Option<Field<Written<'n>>>,
    /// Status; published where the form does not say.
    pub status: Option<Status>,
    /// Sections, the main one first.
    pub sections: Vec<Field<RawTopic<'n>>>,
    /// Stories.
    pub stories: Vec<Field<RawTopic<'n>>>,
    /// Tags.
    pub tags: Vec<Field<Written<'n>>>,
    /// Who wrote it.
    pub authors: Vec<Field<RawPerson<'n>>>,
    /// Pictures.
    pub images: Vec<Field<RawImage<'n>>>,
    /// Video.
    pub video: Option<Field<RawMedia<'n>>>,
    /// Audio.
    pub audio: Option<Field<RawMedia<'n>>>,
    /// The agency: name and URL.
    pub source: Option<Field<(Written<'n>, Option<Written<'n>>)>>,
    /// Language tag.
    pub language: Option<Field<Written<'n>>>,
    /// Kind; article where the form does not say.
    pub kind: Option<Kind>,
    /// Access; free where the form does not say.
    pub access: Option<Access>,
    /// The discussion: URL and count.
    pub comments: Option<Field<(Option<Written<'n>>, Option<u32>)>>,
    /// May stand in the news sitemap.
    pub news: Option<bool>,
    /// May stand in sitemaps.
    pub index: Option<bool>,
    /// Language tag and URL, for hreflang.
    pub translations: Vec<Field<(Written<'n>, Written<'n>)>>,
}

/// A section or story as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawTopic<'n> {
    /// Its id.
    pub id: Written<'n>,
    /// Its title, where the form gives one.
    pub title: Option<Written<'n>>,
}

/// A person as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawPerson<'n> {
    /// Name.
    pub name: Written<'n>,
    /// Home page.
    pub url: Option<Written<'n>>,
    /// Mail address.
    pub email: Option<Written<'n>>,
}

/// A picture as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawImage<'n> {
    /// URL, relative or absolute.
    pub url: Written<'n>,
    /// Caption.
    pub caption: Option<Written<'n>>,
    /// Credit.
    pub credit: Option<Written<'n>>,
    /// Alternative text.
    pub alt: Option<Written<'n>>,
    /// Media type.
    pub media_type: Option<Written<'n>>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Bytes.
    pub length: Option<u64>,
}

/// A video or sound recording as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawMedia<'n> {
    /// URL, relative or absolute.
    pub url: Written<'n>,
    /// Media type.
    pub media_type: Option<Written<'n>>,
    /// Bytes.
    pub length: Option<u64>,
    /// Seconds.
    pub duration: Option<u32>,
    /// A still picture: URL, relative or absolute.
    pub thumbnail: Option<Written<'n>>,
    /// Its own title.
    pub title: Option<Written<'n>>,
    /// Its own description.
    pub description: Option<Written<'n>>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
}
