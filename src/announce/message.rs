//! What is sent to whom, and what the answers mean.

use std::env::VarError;
use std::io::{self, Read as _};
use std::path::Path;

use serde::Serialize;
use url::form_urlencoded;

use super::post::{Answer, Message, PostError};
use crate::article::WebUrl;
use crate::config::Secret;
use crate::document::Errand;

/// The shortest and the longest key (indexnow.org, documentation).
const KEY: std::ops::RangeInclusive<usize> = 8..=128;
/// The most bytes of a key file that are read.
const KEY_FILE_MAX: u64 = 4_096;

/// What has to be done after an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is told.
    Told,
    /// It could not be told now.
    Later(String),
    /// It cannot be told until somebody changes something.
    Halted(String),
    /// It will never be taken in this form.
    Refused(String),
}

/// A WebSub publish request: `hub.url` as the public hubs read it, `hub.topic` as some others do.
pub(super) fn publish(batch: &[(Errand, u64)], feeds_url: &WebUrl) -> Message {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("hub.mode", "publish");
    for (errand, _) in batch {
        if let Errand::Topic { topic, .. } = errand {
            let url = topic.url(feeds_url);
            form.append_pair("hub.url", &url);
            form.append_pair("hub.topic", &url);
        }
    }
    Message {
        content_type: "application/x-www-form-urlencoded",
        body: form.finish().into_bytes(),
    }
}

/// An IndexNow key. It is not shown in any log or error.
pub(super) struct Key(String);

impl Key {
    /// Reads the key from where it is; the error is for people, and holds no key.
    pub(super) fn read(place: &Secret) -> Result<Self, String> {
        let (text, place) = match place {
            Secret::File(path) => {
                let place = format!("the key file {}", path.display());
                let text =
                    file(path).map_err(|error| format!("{place} cannot be read: {error}"))?;
                (text, place)
            }
            Secret::Variable(name) => {
                let place = format!("the environment's {name}");
                // The error of one that is no Unicode would show what it holds.
                let text = std::env::var(name).map_err(|error| match error {
                    VarError::NotPresent => format!("{place} is not set"),
                    VarError::NotUnicode(_) => format!("{place} is no text"),
                })?;
                (text, place)
            }
        };
        let key = text.trim();
        let is_sound = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if is_sound && KEY.contains(&key.len()) {
            return Ok(Self(key.to_owned()));
        }
        Err(format!(
            "{place} does not hold a key: 8 to 128 of a–z, A–Z, 0–9 and -"
        ))
    }
}

fn file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(KEY_FILE_MAX).read_to_string(&mut text)?;
    Ok(text)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Submission<'a> {
    host: String,
    key: &'a str,
    url_list: Vec<&'a str>,
}

/// An IndexNow submission of pages of the host of `site`.
pub(super) fn submission(
    batch: &[(Errand, u64)],
    site: &WebUrl,
    key: &Key,
) -> Result<Message, String> {
    let urls = batch.iter().filter_map(|(errand, _)| match errand {
        Errand::Page { url, .. } => Some(url.as_str()),
        Errand::Topic { .. } => None,
    });
    let submission = Submission {
        host: site.host(),
        key: &key.0,
        url_list: urls.collect(),
    };
    let body = serde_json::to_vec(&submission).map_err(|_| "it cannot be written".to_owned())?;
    Ok(Message {
        content_type: "application/json; charset=utf-8",
        body,
    })
}

/// What a hub's answer means: any 2xx is a yes.
pub(super) fn of_hub(answer: Result<Answer, PostError>) -> Verdict {
    match answer {
        Err(error) => of_error(&error),
        Ok(Answer { status, .. }) => match status {
            200..=299 => Verdict::Told,
            300..=399 => redirected(status),
            408 | 425 | 429 | 500.. => busy(status),
            401 | 403 => Verdict::Halted(format!("it does not let khabar publish ({status})")),
            _ => Verdict::Refused(format!("it refuses the feeds ({status})")),
        },
    }
}

/// What the answer of an IndexNow endpoint means (indexnow.org, documentation).
pub(super) fn of_indexnow(answer: Result<Answer, PostError>) -> Verdict {
    match answer {
        Err(error) => of_error(&error),
        Ok(Answer { status, .. }) => match status {
            200..=299 => Verdict::Told,
            300..=399 => redirected(status),
            408 | 425 | 429 | 500.. => busy(status),
            401 | 403 => Verdict::Halted(format!(
                "it does not accept the key: is it served at the site's root as <key>.txt? ({status})"
            )),
            422 => Verdict::Refused(
                "the URLs are not of the key's host, or the key is not that of the site (422)"
                    .to_owned(),
            ),
            _ => Verdict::Refused(format!("it refuses the request ({status})")),
        },
    }
}

fn of_error(error: &PostError) -> Verdict {
    if error.is_lasting() {
        Verdict::Halted(error.to_string())
    } else {
        Verdict::Later(error.to_string())
    }
}

fn redirected(status: u16) -> Verdict {
    Verdict::Halted(format!(
        "it answers with a redirect ({status}), which is not followed: configure where it leads"
    ))
}

fn busy(status: u16) -> Verdict {
    Verdict::Later(format!("it answers {status}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::{ArticleId, TopicId};
    use crate::document::{Channel, DocumentKey, FeedFormat};

    fn url(text: &str) -> WebUrl {
        WebUrl::parse(text).unwrap()
    }

    #[test]
    fn a_publish_request_names_each_topic() {
        let topic = |channel| Errand::Topic {
            hub: url("https://hub.example/"),
            topic: DocumentKey::Feed(channel, FeedFormat::Rss),
        };
        let section = Channel::Section(TopicId::new("اقتصاد").unwrap());
        let batch = [(topic(Channel::Front), 1), (topic(section), 2)];
        let message = publish(&batch, &url("https://news.example/"));
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(&message.body).into_owned().collect();
        let section = "https://news.example/sections/%D8%A7%D9%82%D8%AA%D8%B5%D8%A7%D8%AF/rss.xml";
        let expected = [
            ("hub.mode", "publish"),
            ("hub.url", "https://news.example/rss.xml"),
            ("hub.topic", "https://news.example/rss.xml"),
            ("hub.url", section),
            ("hub.topic", section),
        ];
        assert_eq!(pairs, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn a_submission_is_as_the_protocol_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "a1b2c3d4-key\n").unwrap();
        let place = Secret::File(path.clone());
        let key = Key::read(&place).unwrap();
        let page = Errand::Page {
            id: ArticleId::new("1").unwrap(),
            url: url("https://news.example/خبر/"),
        };
        let message = submission(&[(page, 1)], &url("https://news.example/x/"), &key).unwrap();
        assert_eq!(
            String::from_utf8(message.body).unwrap(),
            r#"{"host":"news.example","key":"a1b2c3d4-key","urlList":["https://news.example/%D8%AE%D8%A8%D8%B1/"]}"#
        );
        for bad in ["short", "has space in it", "", "clé-clé-clé"] {
            std::fs::write(&path, bad).unwrap();
            let error = Key::read(&place).err().unwrap();
            assert!(bad.is_empty() || !error.contains(bad), "{error}");
        }
    }

    #[test]
    fn answers_mean_what_the_protocols_say() {
        let answer = |status| {
            Ok(Answer {
                status,
                retry_after: None,
            })
        };
        let word = |verdict| match verdict {
            Verdict::Told => "told",
            Verdict::Later(_) => "later",
            Verdict::Halted(_) => "halted",
            Verdict::Refused(_) => "refused",
        };
        for (status, hub, indexnow) in [
            (200, "told", "told"),
            (202, "told", "told"),
            (204, "told", "told"),
            (301, "halted", "halted"),
            (400, "refused", "refused"),
            (403, "halted", "halted"),
            (404, "refused", "refused"),
            (422, "refused", "refused"),
            (429, "later", "later"),
            (500, "later", "later"),
            (503, "later", "later"),
        ] {
            assert_eq!(word(of_hub(answer(status))), hub, "{status}");
            assert_eq!(word(of_indexnow(answer(status))), indexnow, "{status}");
        }
        assert_eq!(word(of_hub(Err(PostError::Private))), "halted");
        assert_eq!(word(of_hub(Err(PostError::Time))), "later");
    }
}
