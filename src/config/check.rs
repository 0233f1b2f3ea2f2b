//! From one value as typed to one value of the configuration: text, ids, tags, URLs, paths, globs.
//!
//! Every function reports what is wrong at the value's own place, with its remedy. None of them
//! looks at the disk or resolves a name: whether a path exists is found out by whoever opens it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use url::Url;

use super::fault::Checked;
use super::typed::{Table, Value};
use crate::article::{Language, Person, Text, TopicId, UrlError, WebUrl};

/// Text for readers, not empty.
pub(super) fn text(value: &Value<'_>) -> Checked<Text> {
    let (text, dropped) = Text::clean(value.text()?);
    if dropped > 0 {
        return Err(value.fault(
            &format!("`{}` holds characters that XML cannot hold", value.name()),
            "remove control characters and escapes such as `\\u0000`",
        ));
    }
    if text.is_empty() {
        return Err(value.fault(
            &format!("`{}` is empty", value.name()),
            "write some text, or remove the key where it is optional",
        ));
    }
    Ok(text)
}

/// The id of a section, story or channel.
pub(super) fn topic(value: &Value<'_>) -> Checked<TopicId> {
    TopicId::new(value.text()?).map_err(|error| {
        value.fault(
            &error.to_string(),
            "write 1 to 512 bytes of text without control characters, as articles write it",
        )
    })
}

/// A language tag.
pub(super) fn language(value: &Value<'_>) -> Checked<Language> {
    let text = value.text()?;
    Language::new(text).map_err(|error| {
        // `ar_EG` is how POSIX locales are written, and the commonest mistake.
        let remedy = match Language::new(&text.replace('_', "-")) {
            Ok(meant) => format!("did you mean `{meant}`?"),
            Err(_) => "write a tag of BCP 47, such as `ar` or `ar-EG`".to_owned(),
        };
        value.fault(&format!("`{text}` is {error}"), &remedy)
    })
}

/// A URL that other URLs and paths are put behind: absolute, without query and fragment. A missing
/// slash at its end is added.
pub(super) fn base_url(value: &Value<'_>) -> Checked<WebUrl> {
    let text = value.text()?;
    let url = parsed_url(value, WebUrl::parse(text))?;
    if let Some(at) = url.as_str().find(['?', '#']) {
        let remedy = format!("write `{}`", &url.as_str()[..at]);
        return Err(value.fault(
            &format!("`{}` has a query or a fragment", value.name()),
            &remedy,
        ));
    }
    if url.as_str().ends_with('/') {
        return Ok(url);
    }
    parsed_url(value, WebUrl::parse(&format!("{url}/")))
}

/// An absolute URL.
pub(super) fn absolute_url(value: &Value<'_>) -> Checked<WebUrl> {
    parsed_url(value, WebUrl::parse(value.text()?))
}

/// A URL, resolved against the site's where it is relative. Where the site's is at fault itself,
/// that fault is enough.
pub(super) fn page_url(value: &Value<'_>, site: &Checked<Url>) -> Checked<WebUrl> {
    let text = value.text()?;
    match site {
        Ok(site) => parsed_url(value, WebUrl::resolve(site, text)),
        Err(reported) => Err(*reported),
    }
}

/// Reports why `url` is none.
pub(super) fn parsed_url(value: &Value<'_>, url: Result<WebUrl, UrlError>) -> Checked<WebUrl> {
    url.map_err(|error| {
        let remedy = match error {
            UrlError::Malformed | UrlError::Scheme => {
                "write it whole, such as `https://news.example/`"
            }
            UrlError::TooLong => "write a shorter one",
            UrlError::Credentials => "remove everything before the `@`: URLs are published",
        };
        value.fault(&format!("`{}`: {error}", value.name()), remedy)
    })
}

/// An author: a name, or a table of `name`, `url` and `email`.
pub(super) fn person(value: &Value<'_>, site: &Checked<Url>) -> Checked<Person> {
    if !value.is_table() {
        return text(value).map(|name| Person {
            name,
            url: None,
            email: None,
        });
    }
    value.table(|table: &mut Table<'_>| {
        let name = table.required("name", "name = \"…\"", text);
        let url = table.optional("url", |value| page_url(value, site));
        let email = table.optional("email", email);
        Ok(Person {
            name: name?,
            url: url?,
            email: email?,
        })
    })
}

/// A mail address, as far as it can be told from something else.
fn email(value: &Value<'_>) -> Checked<Text> {
    let address = text(value)?;
    match address.as_str().split_once('@') {
        Some((user, host))
            if !user.is_empty()
                && !host.is_empty()
                && !host.contains('@')
                && !address.as_str().contains(char::is_whitespace) =>
        {
            Ok(address)
        }
        _ => Err(value.fault(
            &format!("`{address}` is no mail address"),
            "write it as `desk@news.example`",
        )),
    }
}

/// An IP address and a port.
pub(super) fn socket(value: &Value<'_>) -> Checked<SocketAddr> {
    let text = value.text()?;
    text.parse().map_err(|_| {
        value.fault(
            &format!("`{text}` is no IP address with a port"),
            "write it as `127.0.0.1:8080` or `[::1]:8080`; host names are not looked up",
        )
    })
}

/// A path, made absolute from `folder`. `..` stays in it: through a link it means something else.
pub(super) fn path(value: &Value<'_>, folder: &Path) -> Checked<PathBuf> {
    let text = value.text()?;
    if text.is_empty() || text.contains('\0') {
        return Err(value.fault(
            &format!("`{}` is no path", value.name()),
            "write a path, absolute or relative to this file",
        ));
    }
    Ok(folder.join(text).components().collect())
}

/// A list of globs. They match whole paths from the store's root; `*` and `?` stop at a slash, `**`
/// does not.
pub(super) fn globs(value: &Value<'_>) -> Checked<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for glob in value.list(glob)? {
        set.add(glob);
    }
    set.build().map_err(|error| {
        value.fault(
            &format!("`{}` cannot be used: {error}", value.name()),
            "write fewer or shorter patterns",
        )
    })
}

fn glob(value: &Value<'_>) -> Checked<Glob> {
    let text = value.text()?;
    // These two are valid globs that no path of a store can match.
    if text.is_empty() || text.starts_with('/') || text.starts_with("./") {
        return Err(value.fault(
            &format!(
                "the pattern `{text}` matches nothing: paths begin at the store's root, without `/`"
            ),
            "write it as `drafts/**`",
        ));
    }
    if let Some(folder) = text.strip_suffix('/') {
        return Err(value.fault(
            &format!(
                "the pattern `{text}` matches nothing: it names a folder, and files are matched"
            ),
            &format!("write `{folder}/**`"),
        ));
    }
    GlobBuilder::new(text)
        .literal_separator(true)
        .build()
        .map_err(|error| {
            value.fault(
                &format!("the pattern `{text}` is malformed: {}", error.kind()),
                "put a backslash before a bracket or brace that stands for itself",
            )
        })
}

/// A share such as `25%` or `12.5%`, in hundredths of a percent: 0 to 10,000.
pub(super) fn share(value: &Value<'_>) -> Checked<u32> {
    let text = value.text_or("write a percentage in quotes, such as `\"25%\"`")?;
    basis_points(text).ok_or_else(|| {
        value.fault(
            &format!("`{text}` is no share"),
            "write a percentage from `0%` to `100%`, with two decimals at the most",
        )
    })
}

fn basis_points(text: &str) -> Option<u32> {
    let number = text.strip_suffix('%')?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(whole, 3) || !digits(decimals, 2) {
        return None;
    }
    let hundredths: u32 = format!("{decimals:0<2}").parse().ok()?;
    Some(whole.parse::<u32>().ok()? * 100 + hundredths).filter(|share| *share <= 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages() {
        assert_eq!(basis_points("25%"), Some(2_500));
        assert_eq!(basis_points("0%"), Some(0));
        assert_eq!(basis_points("12.5%"), Some(1_250));
        assert_eq!(basis_points("0.05%"), Some(5));
        assert_eq!(basis_points("100.00%"), Some(10_000));
        for text in [
            "", "%", "25", "-1%", "+5%", "101%", "100.01%", "1.234%", "1.%", ".5%", "٢٥%", "25 %",
        ] {
            assert_eq!(basis_points(text), None, "{text}");
        }
    }
}
