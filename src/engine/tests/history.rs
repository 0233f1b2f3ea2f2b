//! What may happen to a store, at random.

use proptest::prelude::*;

use super::world::START;
use crate::article::Timestamp;

/// An article of a history.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a field of the article"
)]
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) id: u8,
    pub(super) title: u8,
    pub(super) body: u8,
    pub(super) is_indexed: bool,
    pub(super) age_minutes: i64,
    pub(super) updated_minutes: Option<i64>,
    pub(super) expires_minutes: Option<i64>,
    pub(super) section: Option<u8>,
    pub(super) section_title: bool,
    pub(super) story: Option<u8>,
    pub(super) status: &'static str,
    pub(super) kind: &'static str,
    pub(super) is_tagged: bool,
    pub(super) is_news: bool,
}

impl Written {
    fn json(&self) -> String {
        let at = |minutes: i64| {
            Timestamp::from_seconds(START + minutes * 60)
                .unwrap()
                .to_rfc3339()
        };
        let mut article = serde_json::json!({
            "id": format!("a{}", self.id),
            "title": format!("عنوان {}", self.title),
            "summary": "ملخص",
            "body": format!("<p>متن {}</p>", self.body),
            "index": self.is_indexed,
            "published": at(-self.age_minutes),
            "status": self.status,
            "kind": self.kind,
            "news": self.is_news,
        });
        if let Some(minutes) = self.updated_minutes {
            article["updated"] = at(-self.age_minutes + minutes).into();
        }
        if let Some(minutes) = self.expires_minutes {
            article["expires"] = at(-self.age_minutes + minutes).into();
        }
        if let Some(section) = self.section {
            article["section"] = section_id(section).into();
        }
        if let Some(story) = self.story {
            article["story"] = ["declared", "حكاية"][usize::from(story)].into();
        }
        if self.is_tagged {
            article["tags"] = vec!["وسم"].into();
        }
        article.to_string()
    }

    /// ninjs, the form in which an article can title its section.
    fn ninjs(&self) -> String {
        let at = |minutes: i64| {
            Timestamp::from_seconds(START + minutes * 60)
                .unwrap()
                .to_rfc3339()
        };
        let mut article = serde_json::json!({
            "uri": format!("a{}", self.id),
            "headline": format!("عنوان {}", self.title),
            "body_xhtml": format!("<p>متن {}</p>", self.body),
            "firstcreated": at(-self.age_minutes),
            "versioncreated": at(-self.age_minutes),
            "pubstatus": "usable",
            "slugline": format!("a{}", self.id),
        });
        if let Some(section) = self.section {
            article["subject"] = serde_json::json!([{
                "rel": "section",
                "code": section_id(section),
                "name": format!("قسم {}", self.title),
            }]);
        }
        article.to_string()
    }

    pub(super) fn text(&self) -> String {
        if self.section_title {
            self.ninjs()
        } else {
            self.json()
        }
    }
}

fn section_id(number: u8) -> &'static str {
    ["world", "قسم", "a/b"][usize::from(number)]
}

pub(super) fn written() -> impl Strategy<Value = Written> {
    // Some instants come often: ties are where orders are decided by ids.
    let minutes = prop_oneof![
        2 => -200..200_i64,
        2 => (0..4_i64).prop_map(|tie| tie * 30),
        1 => 2_700..3_000_i64,
        1 => 40_000..90_000_i64
    ];
    (
        (0..12_u8, 0..4_u8, 0..4_u8, any::<bool>(), minutes),
        (
            prop::option::of(0..300_i64),
            prop::option::of(-10..400_i64),
            prop::option::of(0..3_u8),
            any::<bool>(),
            prop::option::of(0..2_u8),
        ),
        (
            prop_oneof![
                8 => Just("published"),
                1 => Just("draft"),
                1 => Just("withheld"),
                2 => Just("withdrawn")
            ],
            prop_oneof![3 => Just("article"), 1 => Just("video")],
            any::<bool>(),
            any::<bool>(),
        ),
    )
        .prop_map(
            |(
                (id, title, body, is_indexed, age_minutes),
                (updated_minutes, expires_minutes, section, section_title, story),
                (status, kind, is_tagged, is_news),
            )| Written {
                id,
                title,
                body,
                is_indexed,
                age_minutes,
                updated_minutes,
                expires_minutes,
                section,
                section_title,
                story,
                status,
                kind,
                is_tagged,
                is_news,
            },
        )
}

/// What may happen.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    Write(u8, Written),
    Break(u8),
    NoArticle(u8),
    Remove(u8),
    RemoveAll,
    Move(u8, u8),
    Pass(i64),
    Withdraw(u8),
    Restore(u8),
    Accept,
    Restart,
    /// The daemon is killed: what it remembers is what it saved for its publications.
    Crash,
    /// The next publication fails.
    Fail,
}

pub(super) fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        12 => (0..16_u8, written()).prop_map(|(file, written)| Happening::Write(file, written)),
        2 => (0..16_u8).prop_map(Happening::Break),
        1 => (0..16_u8).prop_map(Happening::NoArticle),
        3 => (0..16_u8).prop_map(Happening::Remove),
        1 => Just(Happening::RemoveAll),
        2 => (0..16_u8, 0..16_u8).prop_map(|(from, to)| Happening::Move(from, to)),
        4 => prop_oneof![1..4_000_i64, 40_000..200_000_i64].prop_map(Happening::Pass),
        1 => (0..12_u8).prop_map(Happening::Withdraw),
        1 => (0..12_u8).prop_map(Happening::Restore),
        1 => Just(Happening::Accept),
        1 => Just(Happening::Restart),
        2 => Just(Happening::Crash),
        2 => Just(Happening::Fail),
    ]
}

pub(super) fn file(number: u8) -> String {
    format!("f{number}.json")
}
