//! `[announce]`: whom to tell, and where the secrets for that are. A secret itself never stands in the
//! configuration, and no fault shows what was written in place of a secret's name.

use std::ops::RangeInclusive;
use std::path::Path;

use super::check::{absolute_url, path};
use super::duration::{HOUR, seconds};
use super::fault::Checked;
use super::typed::{Table, Value};
use super::{Announce, Secret};
use crate::article::WebUrl;

/// Milliseconds a CDN is waited for.
const DELAY: RangeInclusive<u64> = 0..=HOUR;
/// So many hubs are told at the most: each is told of every change.
const HUBS_MAX: usize = 8;
/// The endpoint that hands on to all engines that take part (indexnow.org).
const DEFAULT_INDEXNOW: &str = "https://api.indexnow.org/indexnow";

/// `[announce]`; paths are relative to `folder`.
pub(super) fn announce(table: &mut Table<'_>, folder: &Path) -> Checked<Announce> {
    let allow_private = table.or("allow_private", false, Value::boolean);
    // Where that key is at fault, that fault is enough.
    let is_plain_allowed = allow_private.unwrap_or(true);
    let hubs = table.or("hubs", Vec::new(), |value| hubs(value, is_plain_allowed));
    let indexnow_endpoint = table.optional("indexnow_endpoint", |value| {
        endpoint(value, is_plain_allowed)
    });
    let indexnow_key = indexnow_key(table, folder);
    let delay = table.or("delay", 0, |value| seconds(value, &DELAY));
    Ok(Announce {
        hubs: hubs?,
        indexnow_key: indexnow_key?,
        indexnow_endpoint: match indexnow_endpoint? {
            Some(endpoint) => endpoint,
            None => WebUrl::parse(DEFAULT_INDEXNOW)
                .map_err(|_| table.fault("`announce.indexnow_endpoint` is missing", "write one"))?,
        },
        delay: delay?,
        allow_private: allow_private?,
    })
}

/// Where the key of the site is, if it has one.
fn indexnow_key(table: &mut Table<'_>, folder: &Path) -> Checked<Option<Secret>> {
    // An empty name is how the example file says that there is none.
    let is_there = |value: &Value<'_>| Ok(!value.text()?.is_empty());
    let file = table.or("indexnow_key_file", None, |value| {
        let file = is_there(value)?.then(|| path(value, folder));
        Ok(file.transpose()?.map(Secret::File))
    });
    let variable = table.or("indexnow_key_env", None, |value| {
        let variable = is_there(value)?.then(|| variable(value, "INDEXNOW_KEY"));
        Ok(variable.transpose()?.map(Secret::Variable))
    });
    match (file?, variable?) {
        (Some(_), Some(_)) => Err(table.fault(
            "`announce.indexnow_key_file` and `announce.indexnow_key_env` both name a key",
            "remove one of the two",
        )),
        (file, variable) => Ok(file.or(variable)),
    }
}

/// The name of a variable of the environment. What is written here in place of a name is a secret:
/// no fault shows it.
pub(super) fn variable(value: &Value<'_>, example: &str) -> Checked<String> {
    let name = value.text()?;
    let may_stand = |byte: u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_');
    if name.bytes().all(may_stand) && !name.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(name.to_owned());
    }
    Err(value.hidden_fault(
        &format!("`{}` is no name of a variable", value.name()),
        &format!(
            "write its name in A–Z, 0–9 and _, such as `{example}`, and never the secret itself"
        ),
    ))
}

/// WebSub hubs, none twice.
fn hubs(value: &Value<'_>, is_plain_allowed: bool) -> Checked<Vec<WebUrl>> {
    let mut seen: Vec<WebUrl> = Vec::new();
    value.list(|item| {
        let hub = endpoint(item, is_plain_allowed)?;
        if seen.contains(&hub) {
            return Err(item.fault(&format!("`{hub}` stands twice"), "remove one of the two"));
        }
        seen.push(hub);
        Ok(())
    })?;
    if seen.len() > HUBS_MAX {
        return Err(value.fault(
            &format!("`{}` names more than {HUBS_MAX} hubs", value.name()),
            "name fewer: subscribers need one",
        ));
    }
    Ok(seen)
}

/// A URL that something is sent to.
fn endpoint(value: &Value<'_>, is_plain_allowed: bool) -> Checked<WebUrl> {
    let url = absolute_url(value)?;
    if url.as_str().starts_with("https://") || is_plain_allowed {
        return Ok(url);
    }
    Err(value.fault(
        &format!("`{}`: it is not https", value.name()),
        "write it with `https://`, or set `allow_private = true` for one in your own network",
    ))
}
