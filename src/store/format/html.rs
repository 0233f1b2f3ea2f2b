//! HTML pages: what they say about themselves in JSON-LD, in `meta` and `link`, and in the text.
//!
//! JSON-LD comes first, the rest fills in what it does not say: broken attributes (a quotation mark
//! in `og:title`) are common, broken JSON-LD is not, because search engines complain of it. The page
//! is read as a run of tags; no tree is built, and no script is run.

mod page;

use std::borrow::Cow;

use url::Url;

use self::page::{Page, Script};
use super::draft::{Draft, Field, RawBody, RawImage, RawPerson, RawTopic, Written};
use super::jsonld;
use super::node::{Node, json};
use super::problem::Problem;
use super::tokens::TooComplex;
use crate::article::WebUrl;

/// Reads one page. `text` begins at byte `base` of the file, and `site` is the publication's. The
/// draft borrows from what it puts into `kept`.
///
/// # Errors
/// One fault where the page cannot be read in good time.
pub(super) fn read<'n, 't: 'n>(
    text: &'t str,
    base: usize,
    site: &WebUrl,
    kept: &'n mut Option<Node<'t>>,
) -> Result<(Draft<'n>, Vec<Problem>), Problem> {
    let page = Page::read(text, base).map_err(|TooComplex| {
        Problem::fault(
            "html-too-complex",
            base..base,
            "a tag or comment of the page never ends",
            "close it",
        )
    })?;
    let (mut draft, mut problems) = structured(&page, kept);
    fill(&mut draft, &mut problems, &page, site);
    Ok((draft, problems))
}

/// What the first script with an article says; broken ones before it are faults.
fn structured<'n, 't: 'n>(
    page: &Page<'t>,
    kept: &'n mut Option<Node<'t>>,
) -> (Draft<'n>, Vec<Problem>) {
    let mut problems = Vec::new();
    for Script { text, base } in &page.scripts {
        let parsed = match text {
            Cow::Borrowed(text) => json::parse(text, *base),
            Cow::Owned(text) => json::parse(text, *base).map(Node::into_owned),
        };
        match parsed {
            Ok(root) if jsonld::read(&root).is_some() => {
                *kept = Some(root);
                break;
            }
            Ok(_) => {}
            Err(problem) => problems.push(problem),
        }
    }
    let Some((draft, found)) = kept.as_ref().and_then(jsonld::read) else {
        return (Draft::default(), problems);
    };
    problems.extend(found);
    (draft, problems)
}

/// Fills in what JSON-LD does not say.
fn fill(draft: &mut Draft<'_>, problems: &mut Vec<Problem>, page: &Page<'_>, site: &WebUrl) {
    fill_one(&mut draft.title, || {
        let og = page.meta("og:title");
        og.or_else(|| page.h1.clone())
            .or_else(|| page.title.clone())
    });
    fill_one(&mut draft.summary, || {
        page.meta("description")
            .or_else(|| page.meta("og:description"))
    });
    fill_one(&mut draft.published, || page.meta("article:published_time"));
    fill_one(&mut draft.updated, || page.meta("article:modified_time"));
    fill_one(&mut draft.expires, || page.meta("article:expiration_time"));
    fill_one(&mut draft.url, || {
        page.canonical.clone().or_else(|| page.meta("og:url"))
    });
    fill_one(&mut draft.language, || page.language.clone());
    if draft.sections.is_empty() {
        let sections = page.metas("article:section");
        draft.sections = sections
            .map(|section| section.map(|id| RawTopic { id, title: None }))
            .collect();
    }
    if draft.tags.is_empty() {
        draft.tags = page.metas("article:tag").collect();
    }
    if draft.authors.is_empty() {
        let authors = page.metas("author");
        draft.authors = authors
            .map(|author| {
                author.map(|name| RawPerson {
                    name,
                    ..RawPerson::default()
                })
            })
            .collect();
    }
    if draft.images.is_empty() {
        draft.images = images(page, problems);
    }
    if let Some(body) = page.body() {
        // The page's own markup says more than JSON-LD's text of it.
        draft.body = RawBody::Html(Cow::Owned(body.to_owned()));
    }
    if is_noindex(page) || is_elsewhere(page, site) {
        draft.index = Some(false);
    }
}

fn fill_one(
    field: &mut Option<Field<Written<'_>>>,
    found: impl FnOnce() -> Option<Field<Written<'static>>>,
) {
    if field.is_none() {
        *field = found();
    }
}

/// `og:image` once or more, each with the properties that follow it (ogp.me, "Structured
/// Properties" and "Arrays").
fn images(page: &Page<'_>, problems: &mut Vec<Problem>) -> Vec<Field<RawImage<'static>>> {
    let mut pixels = |content: &Field<Written<'_>>| {
        let count = content.value.trim().parse().ok();
        if count.is_none() {
            problems.push(Problem::fault(
                "wrong-type",
                content.span.clone(),
                "the picture's size is no whole number",
                "write it in pixels, digits alone",
            ));
        }
        count
    };
    let mut images: Vec<Field<RawImage<'static>>> = Vec::new();
    for (name, content) in &page.metas {
        if name == "og:image" || name == "og:image:url" {
            images.push(content.clone().map(|url| RawImage {
                url,
                ..RawImage::default()
            }));
            continue;
        }
        let Some(Field { value: image, .. }) = images.last_mut() else {
            continue;
        };
        let text = &content.value;
        match name.as_str() {
            "og:image:width" => image.width = pixels(content),
            "og:image:height" => image.height = pixels(content),
            "og:image:alt" => image.alt = Some(text.clone()),
            "og:image:type" => image.media_type = Some(text.clone()),
            _ => {}
        }
    }
    images
}

/// `robots` says `noindex`, or `none`, which includes it.
fn is_noindex(page: &Page<'_>) -> bool {
    page.metas("robots").any(|robots| {
        robots
            .value
            .split(',')
            .map(str::trim)
            .any(|word| word.eq_ignore_ascii_case("noindex") || word.eq_ignore_ascii_case("none"))
    })
}

/// The page says that its canonical URL is on another host: it is a copy.
fn is_elsewhere(page: &Page<'_>, site: &WebUrl) -> bool {
    let Some(site) = site.to_url() else {
        return false;
    };
    let canonical = page.canonical.as_ref();
    let canonical = canonical.and_then(|field| site.join(field.value.trim()).ok());
    canonical.is_some_and(|canonical: Url| canonical.host_str() != site.host_str())
}

#[cfg(test)]
mod tests;
