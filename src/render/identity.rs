//! Permanent names: tag: URIs (RFC 4151) of articles and channels.
//!
//! They are made of the publication's authority and an id, and of nothing that may change: no
//! title, URL, section, scheme or host.

use std::fmt::Write as _;

use crate::article::ArticleId;
use crate::config::IdAuthority;
use crate::document::{Channel, ChannelKind};

/// The guid and Atom id of an article: `tag:<authority>:<id>`.
#[must_use]
pub fn article(authority: &IdAuthority, id: &ArticleId) -> String {
    tag(authority, &["", id.as_str()])
}

/// The Atom id of a channel's feed: `tag:<authority>:/` for the front, else its scheme with its id
/// at the end.
#[must_use]
pub fn channel(authority: &IdAuthority, channel: &Channel) -> String {
    let id = channel.id().map_or("", |id| id.as_str());
    tag(authority, &[folder(channel.kind()), id])
}

/// The name of a set of ids, for the `scheme` of an Atom category and the `domain` of an RSS one:
/// `tag:<authority>:/sections/`. With an id at the end it is the id of that channel's feed.
#[must_use]
pub fn scheme(authority: &IdAuthority, kind: ChannelKind) -> String {
    tag(authority, &[folder(kind)])
}

fn folder(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Front => "/",
        ChannelKind::Section => "/sections/",
        ChannelKind::Story => "/stories/",
        ChannelKind::Declared => "/channels/",
    }
}

/// RFC 4151 §2.1: the specific part holds `pchar`, `/` and `?`. Everything else is percent-encoded
/// in upper case, and so is `%` itself, so that two ids never share a name.
fn tag(authority: &IdAuthority, specific: &[&str]) -> String {
    let length: usize = specific.iter().map(|part| part.len()).sum();
    let entity = authority.tagging_entity.as_str();
    let mut uri = String::with_capacity("tag::".len() + entity.len() + length);
    uri.push_str("tag:");
    uri.push_str(entity);
    uri.push(':');
    for byte in specific.iter().flat_map(|part| part.bytes()) {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::{Timestamp, TopicId};

    fn authority() -> IdAuthority {
        IdAuthority {
            tagging_entity: "news.example,2016".to_owned(),
            since: Timestamp::MIN,
        }
    }

    fn name(id: &str) -> String {
        article(&authority(), &ArticleId::new(id).unwrap())
    }

    #[test]
    fn what_rfc_4151_allows_stays_and_the_rest_is_encoded() {
        assert_eq!(name("1001"), "tag:news.example,2016:1001");
        assert_eq!(
            name("a-b._~!$&'()*+,;=:@/?z"),
            "tag:news.example,2016:a-b._~!$&'()*+,;=:@/?z"
        );
        assert_eq!(
            name("خ b#[\"]<"),
            "tag:news.example,2016:%D8%AE%20b%23%5B%22%5D%3C"
        );
    }

    #[test]
    fn an_id_and_its_encoded_spelling_are_two_names() {
        assert_eq!(name("a%20b"), "tag:news.example,2016:a%2520b");
        assert_ne!(name("a%20b"), name("a b"));
    }

    proptest::proptest! {
        /// What is decoded from a name is the id again, so that no two ids share a name.
        #[test]
        fn any_id_can_be_read_back(id in "[^\\p{C}\\s]{1,40}") {
            let id = ArticleId::new(&id).unwrap();
            let name = article(&authority(), &id);
            proptest::prop_assert!(name.is_ascii());
            let specific = name.strip_prefix("tag:news.example,2016:").unwrap();
            let mut bytes = Vec::new();
            let mut rest = specific.bytes();
            while let Some(byte) = rest.next() {
                bytes.push(if byte == b'%' {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                } else {
                    byte
                });
            }
            proptest::prop_assert_eq!(bytes, id.as_str().as_bytes());
        }
    }

    #[test]
    fn channels() {
        let world = TopicId::new("arab world").unwrap();
        let of = |c: &Channel| channel(&authority(), c);
        assert_eq!(of(&Channel::Front), "tag:news.example,2016:/");
        let section = of(&Channel::Section(world.clone()));
        assert_eq!(section, "tag:news.example,2016:/sections/arab%20world");
        assert!(section.starts_with(&scheme(&authority(), ChannelKind::Section)));
        assert_eq!(
            of(&Channel::Story(world.clone())),
            "tag:news.example,2016:/stories/arab%20world"
        );
        assert_eq!(
            of(&Channel::Declared(world)),
            "tag:news.example,2016:/channels/arab%20world"
        );
    }
}
