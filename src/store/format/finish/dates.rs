//! When an article appears, changes and leaves.

use super::super::date::{self, LocalTime};
use super::super::draft::{Draft, Field, Written};
use super::super::problem::Problem;
use super::{Finisher, Undated, WHOLE};
use crate::article::{StorePath, Timestamp};

/// The dates of an article.
pub(super) struct Dates {
    /// First publication, an embargo included.
    pub(super) published: Timestamp,
    /// Last change; never before `published`.
    pub(super) updated: Timestamp,
    /// When it leaves everything.
    pub(super) expires: Option<Timestamp>,
}

impl Finisher<'_> {
    /// The dates of the article; `None` where it has none, or one is none (a fault says so).
    pub(super) fn dates(&mut self, draft: &Draft<'_>, undated: Undated) -> Option<Dates> {
        let published = match &draft.published {
            Some(field) => self.date("the date of publication", field),
            None => self.date_in_path(draft),
        };
        let Some(mut published) = published else {
            if draft.published.is_none() {
                self.report_undated(undated);
            }
            return None;
        };
        if let Some(field) = &draft.embargo
            && let Some(embargo) = self.date("the embargo", field)
        {
            published = published.max(embargo);
        }
        self.published = Some(published);
        let changed = draft
            .updated
            .as_ref()
            .and_then(|field| self.date("the date of the last change", field));
        let mut expires = None;
        if let Some(field) = &draft.expires {
            expires = self.date("the date of expiry", field);
            if expires.is_some_and(|expires| expires <= published) {
                self.doubt(
                    "never-visible",
                    field.span.clone(),
                    "the article expires before it is published",
                    "correct one of the two dates",
                );
            }
        }
        Some(Dates {
            published,
            updated: changed.map_or(published, |changed| changed.max(published)),
            expires,
        })
    }

    /// The date that the article's own path gives (Zola: `path = "2025/12/19/slug"`), else the
    /// file's.
    fn date_in_path(&self, draft: &Draft<'_>) -> Option<Timestamp> {
        let zone = self.config.publication.time_zone;
        let own = draft.path.as_ref().map(|path| StorePath::new(&path.value));
        own.and_then(|path| date::from_path(&path, zone))
            .or_else(|| date::from_path(self.path, zone))
    }

    fn report_undated(&mut self, undated: Undated) {
        match undated {
            Undated::NoArticle => self.doubt(
                "no-date",
                WHOLE,
                "the file has no date and is taken for no article",
                "give it a `date`, or exclude it in the configuration",
            ),
            Undated::Fault => self.fault(
                "no-date",
                WHOLE,
                "the article has no date of publication",
                "say when it was first published",
            ),
        }
    }

    /// A date as written; a fault where it is none, and a note where the clock was put forward or
    /// back.
    fn date(&mut self, what: &str, field: &Field<Written<'_>>) -> Option<Timestamp> {
        let span = field.span.clone();
        let resolved = match date::parse(&field.value, self.config.publication.time_zone) {
            Ok(resolved) => resolved,
            Err(error) => {
                self.fault(
                    "bad-date",
                    span,
                    format!("{what} {error}"),
                    "write it as 2026-11-23T18:30:00+03:00",
                );
                return None;
            }
        };
        let message = match resolved.local_time {
            LocalTime::Plain => return Some(resolved.instant),
            LocalTime::Repeated => "comes twice, as the clock is put back; the earlier is taken",
            LocalTime::Skipped => "does not exist, as the clock is put forward; it is moved on",
        };
        self.problems.push(Problem::note(
            "clock-change",
            span,
            format!("{what} {message}"),
            "write it with its offset from UTC",
        ));
        Some(resolved.instant)
    }
}
