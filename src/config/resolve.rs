//! From the file as typed to the configuration, table by table in the order of the file.
//!
//! Every key is read before the first `?`, so that one fault does not hide the next. Defaults and
//! limits stand here, each with its name.

use std::ops::RangeInclusive;
use std::path::Path;

use url::Url;

use super::announce::announce;
use super::authority::id_authority;
use super::check::{base_url, language, page_url, person, share, socket, text, topic};
use super::declared::{Matching, declarations};
use super::duration::{DAY, seconds};
use super::fault::{Checked, Faults};
use super::paths::{Overlap, overlap};
use super::pattern::article_url;
use super::store::{Located, located, store};
use super::typed::{Table, Value};
use super::zone::time_zone;
use super::{Config, Content, FeedSettings, Feeds, Guard, Publication, Serve};
use crate::article::{Person, Timestamp, WebUrl};
use crate::document::FeedFormat;

/// How many entries a feed may be told to hold.
const NEWEST: RangeInclusive<usize> = 1..=1_000;
/// Milliseconds. Longer than a week, a floor would be no protection against bursts but a window.
const FLOOR: RangeInclusive<u64> = 0..=7 * DAY;

// Used where the file says nothing.

const DEFAULT_ARTICLE_URL: &str = "/{path}/";
const DEFAULT_OUT: &str = "out";
const DEFAULT_STATE: &str = ".khabar";
const DEFAULT_MAX_LOSS_BASIS_POINTS: u32 = 2_500;
const DEFAULT_LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);
const DEFAULT_OPERATIONS: ([u8; 4], u16) = ([127, 0, 0, 1], 8081);

/// The configuration, as the file says it. `folder` is the absolute path of the file's folder.
pub(super) fn config(
    root: &mut Table<'_>,
    folder: &Path,
    now: Timestamp,
    faults: &Faults<'_>,
) -> Checked<Config> {
    let (site, publication) = root
        .required_table("publication", |table| Ok(publication(table, now)))
        .unwrap_or_else(|reported| (Err(reported), Err(reported)));
    let (store_path, store) = root
        .required_table("store", |table| Ok(store(table, folder)))
        .unwrap_or_else(|reported| (Err(reported), Err(reported)));
    let out = root.table("out", |table| {
        refuse_other_kinds(table);
        directory(table, DEFAULT_OUT, folder)
    });
    let state = root.table("state", |table| directory(table, DEFAULT_STATE, folder));
    if let (Ok(store), Ok(out), Ok(state)) = (&store_path, &out, &state) {
        refuse_overlap(store.as_ref(), out, state, faults);
    }
    let feeds = root.table("feeds", feeds);
    let cross_host = root.table("sitemap", |table| {
        table.or("cross_host", false, Value::boolean)
    });
    let exclude_sections = root.table("news", |table| {
        table.or("exclude_sections", Vec::new(), |value| value.list(topic))
    });
    let sections = declarations(root, "section", Matching::Optional, &site);
    let stories = declarations(root, "story", Matching::Optional, &site);
    let channels = declarations(root, "channel", Matching::Required, &site);
    let guard = root.table("guard", guard);
    let serve = root.table("serve", serve);
    let announce = root.table("announce", |table| announce(table, folder));
    Ok(Config {
        publication: publication?,
        store: store?,
        out: out?.path,
        feeds: feeds?,
        cross_host: cross_host?,
        exclude_sections: exclude_sections?,
        sections: sections?,
        stories: stories?,
        channels: channels?,
        guard: guard?,
        state: state?.path,
        serve: serve?,
        announce: announce?,
        source: 0,
    })
}

/// `[publication]`, and its URL by itself: other URLs resolve against it even where another key of
/// the table is at fault.
fn publication(table: &mut Table<'_>, now: Timestamp) -> (Checked<Url>, Checked<Publication>) {
    let url = table.required("url", "url = \"https://news.example/\"", site_url);
    let (site, url) = match url {
        Ok((site, url)) => (Ok(site), Ok(url)),
        Err(reported) => (Err(reported), Err(reported)),
    };
    let name = table.required("name", "name = \"…\"", text);
    let title = table.optional("title", text);
    let description = table.optional("description", text);
    let language = table.required("language", "language = \"ar\"", language);
    let feeds_url = table.required(
        "feeds_url",
        "feeds_url = \"https://news.example/\"",
        base_url,
    );
    let pattern = table.or("article_url", DEFAULT_ARTICLE_URL.to_owned(), |value| {
        article_url(value, &site)
    });
    let time_zone = table.or("time_zone", chrono_tz::UTC, time_zone);
    let id_authority = table.required(
        "id_authority",
        "id_authority = \"news.example,2016\"",
        |value| id_authority(value, now),
    );
    let copyright = table.optional("copyright", text);
    let logo = table.optional("logo", |value| page_url(value, &site));
    let icon = table.optional("icon", |value| page_url(value, &site));
    let authors = table.or("authors", Vec::new(), |value| {
        value.one_or_many(|item| person(item, &site))
    });
    let resolve = || {
        let name = name?;
        let title = title?.unwrap_or_else(|| name.clone());
        let mut authors = authors?;
        if authors.is_empty() {
            authors.push(Person {
                name: name.clone(),
                url: None,
                email: None,
            });
        }
        Ok(Publication {
            description: description?.unwrap_or_else(|| title.clone()),
            name,
            title,
            language: language?,
            url: url?,
            feeds_url: feeds_url?,
            article_url: pattern?,
            time_zone: time_zone?,
            id_authority: id_authority?,
            copyright: copyright?,
            logo: logo?,
            icon: icon?,
            authors,
        })
    };
    let publication = resolve();
    (site, publication)
}

/// The site's URL, taken apart and as it is.
fn site_url(value: &Value<'_>) -> Checked<(Url, WebUrl)> {
    let url = base_url(value)?;
    match url.to_url() {
        Some(site) => Ok((site, url)),
        None => Err(value.fault("the URL cannot be taken apart", "write a simpler one")),
    }
}

/// Reports a `kind` that is not the only one there is. It is not needed further on.
fn refuse_other_kinds(table: &mut Table<'_>) {
    // What is at fault has been reported, and nothing depends on it.
    let _ = table.or("kind", (), |value| value.word(&[("directory", ())]));
}

/// The `path` of `[out]` or `[state]`.
fn directory(table: &mut Table<'_>, default: &str, folder: &Path) -> Checked<Located> {
    let default = Located {
        path: folder.join(default),
        span: None,
    };
    table.or("path", default, |value| located(value, folder))
}

/// Reports directories in one another at the one to move; where that is a default, at the other.
fn refuse_overlap(store: Option<&Located>, out: &Located, state: &Located, faults: &Faults<'_>) {
    let store_path = store.map(|store| store.path.as_path());
    for found in overlap(store_path, &out.path, &state.path) {
        let (key, inner, outer) = match found {
            Overlap::OutInStore => ("out", Some(out), store),
            Overlap::StoreInOut => ("store", store, Some(out)),
            Overlap::StateInStore => ("state", Some(state), store),
            Overlap::StateInOut => ("state", Some(state), Some(out)),
        };
        let message = found.to_string();
        let remedy = format!("set `path` of `[{key}]` to a directory beside it");
        let mut places = [inner, outer].into_iter().flatten();
        match places.find_map(|place| place.span.as_ref()) {
            Some(span) => faults.add(span, &message, &remedy),
            None => faults.add_for_file(&message, &remedy),
        };
    }
}

/// `[feeds]`, and over it the tables for one sort of channel.
fn feeds(table: &mut Table<'_>) -> Checked<Feeds> {
    let general = FeedSettings {
        formats: FeedFormat::ALL.to_vec(),
        newest: 50,
        floor: 3_600,
        content: Content::Full,
    };
    let settings = feed_settings(table, &general);
    // A fault of the general table is reported once; the others are still checked.
    let below = settings.as_ref().unwrap_or(&general);
    let mut over = |key| table.table(key, |table| feed_settings(table, below));
    let (front, sections) = (over("front"), over("sections"));
    let (stories, channels) = (over("stories"), over("channels"));
    settings?;
    Ok(Feeds {
        front: front?,
        sections: sections?,
        stories: stories?,
        channels: channels?,
    })
}

fn feed_settings(table: &mut Table<'_>, below: &FeedSettings) -> Checked<FeedSettings> {
    let formats = table.or("formats", below.formats.clone(), formats);
    let newest = table.or("newest", below.newest, |value| value.integer(&NEWEST));
    let floor = table.or("floor", below.floor, |value| {
        // Bounded by FLOOR, which an i64 holds many times over.
        Ok(i64::try_from(seconds(value, &FLOOR)?).unwrap_or(i64::MAX))
    });
    let content = table.or("content", below.content, |value| {
        value.word(&[("full", Content::Full), ("summary", Content::Summary)])
    });
    Ok(FeedSettings {
        formats: formats?,
        newest: newest?,
        floor: floor?,
        content: content?,
    })
}

/// Feed formats, at least one and none twice, in the order of [`FeedFormat::ALL`].
fn formats(value: &Value<'_>) -> Checked<Vec<FeedFormat>> {
    let words = FeedFormat::ALL.map(|format| (format.as_str(), format));
    let mut seen = Vec::new();
    value.list(|item| {
        let format = item.word(&words)?;
        if seen.contains(&format) {
            return Err(item.fault(
                &format!("`{}` stands twice", format.as_str()),
                "remove one of the two",
            ));
        }
        seen.push(format);
        Ok(())
    })?;
    if seen.is_empty() {
        return Err(value.fault(
            &format!("`{}` is empty", value.name()),
            "write at least one of `rss`, `atom`, `json`",
        ));
    }
    Ok(FeedFormat::ALL
        .into_iter()
        .filter(|format| seen.contains(format))
        .collect())
}

fn guard(table: &mut Table<'_>) -> Checked<Guard> {
    let max_loss_basis_points = table.or("max_loss", DEFAULT_MAX_LOSS_BASIS_POINTS, share)?;
    Ok(Guard {
        max_loss_basis_points,
    })
}

fn serve(table: &mut Table<'_>) -> Checked<Serve> {
    let listen = table.or("listen", DEFAULT_LISTEN.into(), socket);
    let operations = table.or("operations", DEFAULT_OPERATIONS.into(), socket);
    let (listen, operations) = (listen?, operations?);
    // Port 0 is any free one. One of the two may be a default: the table is marked, not a value.
    if listen == operations && listen.port() != 0 {
        return Err(table.fault(
            "`serve.listen` and `serve.operations` are the same address",
            "give `operations` another port: what is served there is not for the public",
        ));
    }
    Ok(Serve { listen, operations })
}
