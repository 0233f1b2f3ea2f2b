//! `article_url`: the pattern that makes the URL of an article that names none.
//!
//! Here it is only checked, so that filling it in cannot fail but for what an article says.

use std::ops::Range;

use url::Url;

use super::check::parsed_url;
use super::fault::Checked;
use super::suggest;
use super::typed::Value;
use crate::article::WebUrl;

/// What may stand in braces.
const PLACEHOLDERS: [&str; 7] = ["path", "id", "slug", "section", "year", "month", "day"];
/// Without one of these, articles would share a URL.
const DISTINCT: [&str; 3] = ["path", "id", "slug"];
/// For the remedies.
const EXAMPLE: &str = "/{path}/";

/// A pattern that begins with one `/`, or is a whole URL.
pub(super) fn article_url(value: &Value<'_>, site: &Checked<Url>) -> Checked<String> {
    let text = value.text()?;
    let used = placeholders(value, text)?;
    if !used.iter().any(|name| DISTINCT.contains(name)) {
        return Err(value.fault(
            &format!("`{}` gives all articles the same URL", value.name()),
            &format!("use `{{path}}`, `{{id}}` or `{{slug}}`, such as `{EXAMPLE}`"),
        ));
    }
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(value.fault(
            &format!("`{}` holds white space or control characters", value.name()),
            "remove them",
        ));
    }
    let is_path = text.starts_with('/') && !text.starts_with("//");
    let is_whole = text.starts_with("https://") || text.starts_with("http://");
    if !is_path && !is_whole {
        return Err(value.fault(
            &format!("`{}` is neither a path nor a whole URL", value.name()),
            &format!("begin it with one `/`, such as `{EXAMPLE}`"),
        ));
    }
    // Filled in twice with different words: a placeholder in the host would make two sites.
    let filled = |word: &str| {
        let url = used.iter().fold(text.to_owned(), |url, name| {
            url.replace(&format!("{{{name}}}"), word)
        });
        match site {
            Ok(site) => parsed_url(value, WebUrl::resolve(site, &url)),
            Err(reported) => Err(*reported),
        }
    };
    if !filled("1")?.same_site(&filled("2")?) {
        return Err(value.fault(
            &format!("`{}` has a placeholder in its host", value.name()),
            "use placeholders behind the host alone",
        ));
    }
    Ok(text.to_owned())
}

/// The placeholders of `text`, in its order. Unknown ones and stray braces are reported, all of
/// them.
fn placeholders<'t>(value: &Value<'_>, text: &'t str) -> Checked<Vec<&'t str>> {
    let mut used = Vec::new();
    let mut fault = None;
    let mut at = 0;
    while let Some(brace) = text[at..].find(['{', '}']).map(|found| at + found) {
        let inside = text[brace..].strip_prefix('{').and_then(|rest| {
            rest.find(['{', '}'])
                .and_then(|end| rest[end..].starts_with('}').then(|| &rest[..end]))
        });
        let Some(name) = inside else {
            fault = Some(value.fault_within(
                &(brace..brace + 1),
                "this brace has no partner",
                "write placeholders as `{path}`",
            ));
            at = brace + 1;
            continue;
        };
        at = brace + name.len() + 2;
        if PLACEHOLDERS.contains(&name) {
            used.push(name);
        } else {
            fault = Some(unknown(value, name, &(brace..at)));
        }
    }
    fault.map_or(Ok(used), Err)
}

fn unknown(value: &Value<'_>, name: &str, at: &Range<usize>) -> super::fault::Reported {
    let remedy = match suggest::nearest(name, PLACEHOLDERS) {
        Some(near) => format!("did you mean `{{{near}}}`?"),
        None => format!("`{{{}}}` can stand here", PLACEHOLDERS.join("}`, `{")),
    };
    value.fault_within(at, &format!("unknown placeholder `{{{name}}}`"), &remedy)
}
