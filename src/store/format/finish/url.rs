//! Where an article is read: the URL it names, else the pattern of the configuration filled in.

use std::fmt::Write as _;

use chrono::Datelike;

use super::super::date;
use super::super::draft::{Draft, Field, Written};
use super::{Finisher, WHOLE};
use crate::article::{ArticleId, StorePath, Timestamp, Topic, UrlError, WebUrl, to_nfc};

/// What the placeholders of `article_url` stand for.
struct Parts<'a> {
    path: &'a str,
    id: &'a str,
    slug: &'a str,
    section: &'a str,
    published: Timestamp,
    zone: chrono_tz::Tz,
}

impl Parts<'_> {
    /// The day of publication where the newsroom is.
    fn day(&self) -> chrono::NaiveDate {
        let published = self.published.to_datetime();
        published.with_timezone(&self.zone).date_naive()
    }
}

impl Finisher<'_> {
    /// The URL of the article; a fault where it has none.
    pub(super) fn url(
        &mut self,
        draft: &Draft<'_>,
        id: &ArticleId,
        section: Option<&Topic>,
        published: Timestamp,
    ) -> Option<WebUrl> {
        let given = draft.url.as_ref();
        if let Some(field) = given.filter(|field| !field.value.trim().is_empty()) {
            let url = self.resolve(&field.value);
            return self.or_fault(url, field);
        }
        let path = match &draft.path {
            Some(field) => field.value.trim().trim_matches('/'),
            None => default_path(self.path),
        };
        let slug = match &draft.slug {
            Some(field) => field.value.trim(),
            None => default_slug(path),
        };
        let filled = fill(
            &self.config.publication.article_url,
            &Parts {
                path,
                id: id.as_str(),
                slug,
                section: section.map_or("", |section| section.id.as_str()),
                published,
                zone: self.config.publication.time_zone,
            },
        );
        let span = [&draft.path, &draft.slug]
            .into_iter()
            .flatten()
            .next()
            .map_or(WHOLE, |field| field.span.clone());
        if leaves_site(&filled) {
            self.fault(
                "bad-url",
                span,
                "a part of the URL would be `.` or `..`",
                "give the article another `path`, `slug` or `id`, or a `url`",
            );
            return None;
        }
        let url = self.resolve(&filled);
        self.or_fault(
            url,
            &Field {
                value: filled.into(),
                span,
            },
        )
    }

    /// `text` as a URL, relative ones beside the site's.
    pub(super) fn resolve(&self, text: &str) -> Result<WebUrl, UrlError> {
        self.config.publication.url.join(text)
    }

    fn or_fault(
        &mut self,
        url: Result<WebUrl, UrlError>,
        field: &Field<Written<'_>>,
    ) -> Option<WebUrl> {
        match url {
            Ok(url) => Some(url),
            Err(error) => {
                self.fault(
                    "bad-url",
                    field.span.clone(),
                    format!("the article has no URL: {error}"),
                    "write an absolute http or https URL, or one relative to the site",
                );
                None
            }
        }
    }

    /// Sitemaps list only what stands beside them (sitemaps.org, "Location").
    pub(super) fn doubt_other_site(&mut self, url: &WebUrl, field: Option<&Field<Written<'_>>>) {
        if self.config.cross_host || url.same_site(&self.config.publication.feeds_url) {
            return;
        }
        self.doubt(
            "other-site",
            field.map_or(WHOLE, |field| field.span.clone()),
            "the article stays out of the sitemaps: its URL has another scheme or host than they",
            "correct the URL, or set `cross_host` and name the sitemap in that host's robots.txt",
        );
    }
}

/// The path of a file that gives none: without its extension, and a file named `index` is its
/// folder.
fn default_path(path: &StorePath) -> &str {
    let stem = path.stem();
    match stem.rsplit_once('/') {
        Some((folder, "index")) => folder,
        None if stem == "index" => "",
        _ => stem,
    }
}

/// The last part of a path, without the date that Jekyll puts first (`2026-11-23-`).
fn default_slug(path: &str) -> &str {
    date::without_date(path.rsplit_once('/').map_or(path, |(_, name)| name))
}

/// `pattern` with its placeholders filled in, each part percent-encoded. Where a part is empty, one
/// of the slashes around it goes too.
fn fill(pattern: &str, parts: &Parts<'_>) -> String {
    let mut out = String::with_capacity(pattern.len() + parts.path.len());
    let mut rest = pattern;
    while let Some(at) = rest.find('{') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let Some((name, after)) = tail[1..].split_once('}') else {
            rest = tail;
            break;
        };
        let before = out.len();
        if !insert(name, parts, &mut out) {
            // The configuration refuses other names; whatever slips through stays as it is.
            out.push_str(&tail[..tail.len() - after.len()]);
        }
        rest = after;
        if out.len() == before && out.ends_with('/') {
            rest = rest.strip_prefix('/').unwrap_or(rest);
        }
    }
    out.push_str(rest);
    out
}

/// Writes the part that the placeholder `name` stands for; `false` where it stands for none.
fn insert(name: &str, parts: &Parts<'_>, out: &mut String) -> bool {
    match name {
        "path" => encode(parts.path, true, out),
        "id" => encode(parts.id, false, out),
        "slug" => encode(parts.slug, false, out),
        "section" => encode(parts.section, false, out),
        // Writing to a String cannot fail.
        "year" => drop(write!(out, "{:04}", parts.day().year())),
        "month" => drop(write!(out, "{:02}", parts.day().month())),
        "day" => drop(write!(out, "{:02}", parts.day().day())),
        _ => return false,
    }
    true
}

/// Writes `part` in NFC, with everything but unreserved characters percent-encoded (RFC 3986 §2.3).
/// Its slashes part segments only where `is_path`.
fn encode(part: &str, is_path: bool, out: &mut String) {
    let mut buffer = [0; 4];
    for c in to_nfc(part).chars() {
        if c.is_ascii_alphanumeric() || "-._~".contains(c) || (is_path && c == '/') {
            out.push(c);
        } else {
            for byte in c.encode_utf8(&mut buffer).bytes() {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

/// Whether a segment of the filled pattern would climb, or vanish, when the URL is resolved.
fn leaves_site(filled: &str) -> bool {
    filled
        .split(['/', '?', '#'])
        .any(|segment| matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(pattern: &str, path: &str, slug: &str, section: &str) -> String {
        let parts = Parts {
            path,
            id: "خبر/1",
            slug,
            section,
            published: Timestamp::parse_rfc3339("2026-03-08T22:00:00Z").unwrap(),
            zone: chrono_tz::Europe::Moscow,
        };
        fill(pattern, &parts)
    }

    #[test]
    fn parts_are_encoded_and_only_a_path_keeps_its_slashes() {
        assert_eq!(
            filled("/{path}/", "عالم/a b", "", ""),
            "/%D8%B9%D8%A7%D9%84%D9%85/a%20b/"
        );
        assert_eq!(filled("/n/{id}", "", "", ""), "/n/%D8%AE%D8%A8%D8%B1%2F1");
        assert_eq!(filled("/{slug}", "", "a/..?#%", ""), "/a%2F..%3F%23%25");
        assert_eq!(
            filled("/{year}/{month}/{day}/{slug}.html", "", "x", ""),
            "/2026/03/09/x.html"
        );
    }

    #[test]
    fn an_empty_part_leaves_no_double_slash() {
        assert_eq!(filled("/{section}/{slug}/", "", "x", ""), "/x/");
        assert_eq!(filled("/{section}/{slug}/", "", "x", "s"), "/s/x/");
        assert_eq!(filled("/{path}/", "", "", ""), "/");
        assert_eq!(filled("/n-{section}/x", "", "", ""), "/n-/x");
    }

    #[test]
    fn unknown_placeholders_and_stray_braces_stay() {
        assert_eq!(filled("/{what}/{slug", "", "x", ""), "/{what}/{slug");
    }

    #[test]
    fn nfd_names_and_nfc_names_are_one_url() {
        assert_eq!(
            filled("/{path}", "e\u{301}", "", ""),
            filled("/{path}", "\u{e9}", "", "")
        );
    }

    #[test]
    fn defaults_come_from_the_path() {
        let path = |path: &str| default_path(&StorePath::new(path)).to_owned();
        assert_eq!(path("a/b.md"), "a/b");
        assert_eq!(path("a/b/index.md"), "a/b");
        assert_eq!(path("index.md"), "");
        assert_eq!(path("a/myindex.md"), "a/myindex");
        assert_eq!(default_slug("a/2026-11-23-خبر"), "خبر");
        assert_eq!(default_slug("a/2026-11-23-"), "2026-11-23-");
        assert_eq!(default_slug("é"), "é");
    }

    #[test]
    fn dot_segments_are_seen() {
        assert!(leaves_site("/a/../b"));
        assert!(leaves_site("/.."));
        assert!(!leaves_site("/a..b/...html"));
    }
}
