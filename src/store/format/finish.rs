//! A draft → an article: everything that is the same whatever form the article was written in.
//!
//! Dates are resolved, URLs made absolute, text cleaned, defaults filled in, the body rendered. What
//! cannot be repaired without guessing is a fault; what is left out, or out of one document, is a
//! doubt. Nothing here knows a form, and nothing knows the time.

mod dates;
mod media;
mod url;

use std::collections::BTreeMap;
use std::ops::Range;

use super::body::{self, Body};
use super::draft::{Draft, Field, RawBody, RawPerson, RawTopic, Written};
use super::has_fault;
use super::problem::Problem;
use crate::article::{
    Access, Article, ArticleId, Comments, ContentHash, Kind, Language, Person, Source, Status,
    StorePath, Text, Timestamp, Topic, TopicId, WebUrl,
};
use crate::config::{Config, SectionFrom};

/// The most graphemes of a summary that is taken from the body, the ellipsis included.
const SUMMARY_GRAPHEMES: usize = 300;

/// The most sections, tags, authors, pictures… that an article has of each: every one is compared
/// with all before it, and is kept in memory.
const MAX_ITEMS: usize = 500;

/// What a file without any date is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undated {
    /// A page that is no article, such as "about us": sites keep both in one folder.
    NoArticle,
    /// An article that lacks one.
    Fault,
}

/// What a file is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The article: its body is rendered only where that decides something.
    Article,
    /// The body that is printed.
    Body,
}

/// What a draft came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// An article and the body to print, where it was asked for.
    Article(Box<Article>, Option<String>),
    /// Deliberately none.
    NoArticle,
    /// It has a fault. Its first publication, where that could be read.
    Rejected(Option<Timestamp>),
}

/// Finishes the draft of the file `path`. What is wrong with it is added to `problems`, which holds
/// no fault yet.
pub(super) fn finish(
    draft: Draft<'_>,
    undated: Undated,
    purpose: Purpose,
    path: &StorePath,
    config: &Config,
    problems: &mut Vec<Problem>,
) -> Outcome {
    let mut finisher = Finisher {
        purpose,
        path,
        config,
        problems,
        published: None,
    };
    let found = finisher.article(draft, undated);
    let published = finisher.published;
    match found {
        _ if has_fault(problems) => Outcome::Rejected(published),
        Some((article, body)) => Outcome::Article(Box::new(article), body),
        None => Outcome::NoArticle,
    }
}

/// The first publication that a draft names, whatever else is wrong with it.
pub(super) fn published(draft: &Draft<'_>, path: &StorePath, config: &Config) -> Option<Timestamp> {
    let mut finisher = Finisher {
        purpose: Purpose::Article,
        path,
        config,
        problems: &mut Vec::new(),
        published: None,
    };
    finisher.dates(draft, Undated::NoArticle);
    finisher.published
}

/// A part of the file that is nowhere in particular: its beginning.
const WHOLE: Range<usize> = 0..0;

struct Finisher<'a> {
    purpose: Purpose,
    path: &'a StorePath,
    config: &'a Config,
    problems: &'a mut Vec<Problem>,
    /// The first publication, once it is known.
    published: Option<Timestamp>,
}

impl Finisher<'_> {
    /// The article and its body; `None` where it is none, or cannot be one (a fault says so).
    fn article(
        &mut self,
        mut draft: Draft<'_>,
        undated: Undated,
    ) -> Option<(Article, Option<String>)> {
        let dates = self.dates(&draft, undated)?;
        let language = self.language(draft.language.as_ref());
        let id = self.id(draft.id.as_ref());
        let title = self.title(draft.title.as_ref());
        let sections = self.sections(&draft.sections);
        let stories = self.topics("story", &draft.stories);
        let url = id
            .as_ref()
            .and_then(|id| self.url(&draft, id, sections.first(), dates.published));
        let (Some(language), Some(id), Some(title), Some(url)) = (language, id, title, url) else {
            // Each has said why.
            return None;
        };
        let index = draft.index.unwrap_or(true);
        if index {
            self.doubt_other_site(&url, draft.url.as_ref());
        }
        let access = draft.access.unwrap_or(Access::Free);
        let summary = draft.summary.as_ref();
        let summary = summary.and_then(|f| self.some_text("the summary", &f.value, &f.span));
        let raw = std::mem::take(&mut draft.body);
        let plain = plain_hash(&raw);
        let body = if summary.is_some() && plain.is_some() && self.purpose == Purpose::Article {
            None
        } else {
            self.body(&raw, &url)
        };
        let summary = summary.unwrap_or_else(|| self.summary(body.as_ref(), access));
        let article = Article {
            id,

            title,
            summary,
            url,
            published: dates.published,
            updated: dates.updated,
            expires: dates.expires,
            status: draft.status.unwrap_or(Status::Published),
            sections,
            stories,
            tags: self.tags(&draft.tags),
            authors: self.authors(&draft.authors),
            images: self.images(&draft.images),
            video: self.video(draft.video.as_ref()),
            audio: self.audio(draft.audio.as_ref()),
            source: self.source(draft.source.as_ref()),
            kind: draft.kind.unwrap_or(Kind::Article),
            access,
            comments: self.comments(draft.comments.as_ref()),
            news: draft.news.unwrap_or(true),
            index,
            translations: self.translations(&draft.translations),
            body: plain.or(body
                .as_ref()
                .map(|body| ContentHash::of(body.html.as_bytes()))),
            language,
        };
        let body = body.map(|body| body::wrap(&body.html, &article.language));
        Some((article, body))
    }

    fn id(&mut self, field: Option<&Field<Written<'_>>>) -> Option<ArticleId> {
        let (text, span) = match field {
            Some(field) => (&*field.value, field.span.clone()),
            None => (self.path.stem(), WHOLE),
        };
        match ArticleId::new(text) {
            Ok(id) => {
                if field.is_none() {
                    self.doubt(
                        "id-from-path",
                        span,
                        "the article has no id; its path is taken, and renaming the file will make \
                         a new article",
                        "give it an `id` that never changes",
                    );
                }
                Some(id)
            }
            Err(error) => {
                self.fault("bad-id", span, error.to_string(), "give it another id");
                None
            }
        }
    }

    fn title(&mut self, field: Option<&Field<Written<'_>>>) -> Option<Text> {
        let title = field.map(|field| self.text("the title", &field.value, &field.span));
        if let Some(title) = title
            && !title.is_empty()
        {
            return Some(title);
        }
        let span = field.map_or(WHOLE, |field| field.span.clone());
        self.fault(
            "no-title",
            span,
            "the article has no title",
            "give it one in plain text",
        );
        None
    }

    fn language(&mut self, field: Option<&Field<Written<'_>>>) -> Option<Language> {
        let Some(field) = field else {
            return Some(self.config.publication.language.clone());
        };
        match Language::new(&field.value) {
            Ok(language) => Some(language),
            Err(error) => {
                self.fault(
                    "bad-language",
                    field.span.clone(),
                    format!("the language is {error}"),
                    "write a tag of BCP 47, such as `ar` or `ar-EG`",
                );
                None
            }
        }
    }

    fn sections(&mut self, fields: &[Field<RawTopic<'_>>]) -> Vec<Topic> {
        let folder = self.path.as_str().split_once('/').map(|(first, _)| first);
        match (self.config.store.section_from, folder) {
            (SectionFrom::Directory, Some(folder)) if fields.is_empty() => {
                let field = Field {
                    value: RawTopic {
                        id: folder.into(),
                        title: None,
                    },
                    span: WHOLE,
                };
                self.topics("section", &[field])
            }
            _ => self.topics("section", fields),
        }
    }

    /// Sections or stories, each once, in the order they are first named.
    fn topics(&mut self, what: &str, fields: &[Field<RawTopic<'_>>]) -> Vec<Topic> {
        let mut topics: Vec<Topic> = Vec::new();
        for field in self.first_of("sections or stories", fields) {
            let id = match TopicId::new(&field.value.id) {
                Ok(id) => id,
                Err(error) => {
                    self.fault(
                        "bad-topic",
                        field.span.clone(),
                        format!("a {what} cannot be named so: {error}"),
                        "give it another id",
                    );
                    continue;
                }
            };
            let title = field.value.title.as_deref();
            let title = title.and_then(|title| self.some_text("a title", title, &field.span));
            match topics.iter_mut().find(|topic| topic.id == id) {
                Some(topic) => topic.title = topic.title.take().or(title),
                None => topics.push(Topic { id, title }),
            }
        }
        topics
    }

    fn tags(&mut self, fields: &[Field<Written<'_>>]) -> Vec<Text> {
        let mut tags: Vec<Text> = Vec::new();
        for field in self.first_of("tags", fields) {
            if let Some(tag) = self.some_text("a tag", &field.value, &field.span)
                && !tags.contains(&tag)
            {
                tags.push(tag);
            }
        }
        tags
    }

    fn authors(&mut self, fields: &[Field<RawPerson<'_>>]) -> Vec<Person> {
        let mut authors: Vec<Person> = Vec::new();
        for Field { value, span } in self.first_of("authors", fields) {
            let Some(name) = self.some_text("the name of an author", &value.name, span) else {
                continue;
            };
            let url = self.link("of an author", value.url.as_deref(), span);
            let email = value.email.as_deref();
            let email = email.and_then(|email| self.some_text("a mail address", email, span));
            let person = Person { name, url, email };
            if !authors.contains(&person) {
                authors.push(person);
            }
        }
        authors
    }

    fn source(
        &mut self,
        field: Option<&Field<(Written<'_>, Option<Written<'_>>)>>,
    ) -> Option<Source> {
        let Field {
            value: (name, url),
            span,
        } = field?;
        Some(Source {
            name: self.some_text("the name of the source", name, span)?,
            url: self.link("of the source", url.as_deref(), span),
        })
    }

    fn comments(
        &mut self,
        field: Option<&Field<(Option<Written<'_>>, Option<u32>)>>,
    ) -> Option<Comments> {
        let Field {
            value: (url, count),
            span,
        } = field?;
        let url = self.link("of the comments", url.as_deref(), span);
        (url.is_some() || count.is_some()).then_some(Comments { url, count: *count })
    }

    fn translations(
        &mut self,
        fields: &[Field<(Written<'_>, Written<'_>)>],
    ) -> BTreeMap<Language, WebUrl> {
        let mut translations = BTreeMap::new();
        for Field {
            value: (tag, url),
            span,
        } in self.first_of("translations", fields)
        {
            let Ok(language) = Language::of_alternate(tag) else {
                self.doubt(
                    "bad-translation",
                    span.clone(),
                    "a translation is left out: its language is not a language tag",
                    "write a tag of BCP 47, such as `ar` or `ar-EG`",
                );
                continue;
            };
            if let Some(url) = self.link("of a translation", Some(url), span) {
                translations.insert(language, url);
            }
        }
        translations
    }

    fn body(&mut self, raw: &RawBody<'_>, url: &WebUrl) -> Option<Body> {
        // A WebUrl can always be taken apart again.
        let base = url.to_url()?;
        match body::render(raw, &base) {
            Ok(body) => {
                let dropped = body.as_ref().map_or(0, |body| body.dropped);
                self.doubt_dropped("the body", dropped, &WHOLE);
                body
            }
            Err(error) => {
                self.fault(
                    "bad-body",
                    WHOLE,
                    error.to_string(),
                    "shorten it, or keep the long version on the page alone",
                );
                None
            }
        }
    }

    /// The summary of an article that gives none.
    fn summary(&mut self, body: Option<&Body>, access: Access) -> Text {
        let Some(body) = body else {
            return Text::default();
        };
        if access == Access::Subscription {
            self.doubt(
                "summary-of-paid-body",
                WHOLE,
                "the article is for subscribers and has no summary: feeds show its first paragraph",
                "give it a `summary`",
            );
        }
        // A rendered body holds nothing that would be dropped.
        let (paragraph, _) = Text::clean(&body::first_paragraph(&body.html));
        Text::clean(&body::shorten(paragraph.as_str(), SUMMARY_GRAPHEMES)).0
    }

    /// `raw` as clean text; a doubt where characters were dropped.
    fn text(&mut self, what: &str, raw: &str, span: &Range<usize>) -> Text {
        let (text, dropped) = Text::clean(raw);
        self.doubt_dropped(what, dropped, span);
        text
    }

    /// As [`Finisher::text`]; `None` where nothing is left.
    fn some_text(&mut self, what: &str, raw: &str, span: &Range<usize>) -> Option<Text> {
        let text = self.text(what, raw, span);
        (!text.is_empty()).then_some(text)
    }

    /// The first [`MAX_ITEMS`] of a list; a doubt where there are more.
    fn first_of<'f, T>(&mut self, what: &str, fields: &'f [Field<T>]) -> &'f [Field<T>] {
        let (taken, left) = fields.split_at(fields.len().min(MAX_ITEMS));
        if let Some(field) = left.first() {
            self.doubt(
                "too-many",
                field.span.clone(),
                format!("only the first {MAX_ITEMS} {what} are taken"),
                "leave out what readers do not need",
            );
        }
        taken
    }

    fn doubt_dropped(&mut self, what: &str, dropped: usize, span: &Range<usize>) {
        if dropped > 0 {
            self.doubt(
                "illegal-characters",
                span.clone(),
                format!("characters of {what} that XML forbids are left out: {dropped}"),
                "remove the control characters",
            );
        }
    }

    /// A URL beside the article's own; a doubt where it is none, and it is left out.
    fn link(&mut self, what: &str, raw: Option<&str>, span: &Range<usize>) -> Option<WebUrl> {
        let raw = raw.filter(|raw| !raw.trim().is_empty())?;
        match self.resolve(raw) {
            Ok(url) => Some(url),
            Err(error) => {
                self.doubt(
                    "bad-link",
                    span.clone(),
                    format!("the URL {what} is left out: {error}"),
                    "write an absolute http or https URL, or one relative to the site",
                );
                None
            }
        }
    }

    fn fault(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        remedy: &str,
    ) {
        self.problems
            .push(Problem::fault(code, span, message, remedy));
    }

    fn doubt(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        remedy: &str,
    ) {
        self.problems
            .push(Problem::doubt(code, span, message, remedy));
    }
}

/// What tells a plain body from another without rendering it.
fn plain_hash(raw: &RawBody<'_>) -> Option<ContentHash> {
    match raw {
        RawBody::Html(source) | RawBody::Text(source) => {
            body::is_plain(raw).then(|| ContentHash::of(source.as_bytes()))
        }
        RawBody::None | RawBody::Markdown(_) => None,
    }
}

#[cfg(test)]
mod tests;
