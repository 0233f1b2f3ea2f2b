//! Pictures and recordings: where they are and what type they have.

use std::ops::Range;

use smol_str::SmolStr;

use super::super::draft::{Field, RawImage, RawMedia, Written};
use super::Finisher;
use crate::article::{Image, Media, WebUrl};

/// Media types by the extension of a URL, in lower case.
const TYPES: [(&str, &str); 27] = [
    ("aac", "audio/aac"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("jpe", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("m4a", "audio/mp4"),
    ("m4v", "video/mp4"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpd", "application/dash+xml"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("opus", "audio/ogg"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
];

/// What sort of medium a URL is for, and the type of one whose URL does not tell.
#[derive(Clone, Copy)]
enum Sort {
    Picture,
    Video,
    Audio,
}

impl Sort {
    fn default_type(self) -> &'static str {
        match self {
            Self::Picture => "image/jpeg",
            Self::Video => "video/mp4",
            Self::Audio => "audio/mpeg",
        }
    }

    /// Whether `media_type` may be one of this sort: playlists of videos are applications.
    fn fits(self, media_type: &str) -> bool {
        match self {
            Self::Picture => media_type.starts_with("image/"),
            Self::Video => !media_type.starts_with("image/") && !media_type.starts_with("audio/"),
            Self::Audio => !media_type.starts_with("image/") && !media_type.starts_with("video/"),
        }
    }
}

impl Finisher<'_> {
    pub(super) fn images(&mut self, fields: &[Field<RawImage<'_>>]) -> Vec<Image> {
        let mut images: Vec<Image> = Vec::new();
        for Field { value: raw, span } in self.first_of("pictures", fields) {
            let Some(url) = self.link("of a picture", Some(&raw.url), span) else {
                continue;
            };
            if images.iter().any(|image| image.url == url) {
                continue;
            }
            let mut words = |what, text: &Option<Written<'_>>| {
                let text = text.as_deref()?;
                self.some_text(what, text, span)
            };
            images.push(Image {
                caption: words("a caption", &raw.caption),
                credit: words("a credit", &raw.credit),
                alt: words("an alternative text", &raw.alt),
                media_type: self.media_type(raw.media_type.as_deref(), &url, Sort::Picture, span),
                // A size of nothing is no size.
                width: raw.width.filter(|pixels| *pixels > 0),
                height: raw.height.filter(|pixels| *pixels > 0),
                length: raw.length.filter(|bytes| *bytes > 0),
                url,
            });
        }
        images
    }

    pub(super) fn video(&mut self, field: Option<&Field<RawMedia<'_>>>) -> Option<Media> {
        let field = field?;
        let video = self.recording("of the video", field, Sort::Video)?;
        if video.thumbnail.is_none() {
            self.doubt(
                "no-thumbnail",
                field.span.clone(),
                "the video stays out of the sitemaps' video extension: it has no thumbnail",
                "give it a `thumbnail`",
            );
        }
        Some(video)
    }

    pub(super) fn audio(&mut self, field: Option<&Field<RawMedia<'_>>>) -> Option<Media> {
        self.recording("of the recording", field?, Sort::Audio)
    }

    fn recording(&mut self, what: &str, field: &Field<RawMedia<'_>>, sort: Sort) -> Option<Media> {
        let Field { value: raw, span } = field;
        let url = self.link(what, Some(&raw.url), span)?;
        let mut words = |what, text: &Option<Written<'_>>| {
            let text = text.as_deref()?;
            self.some_text(what, text, span)
        };
        Some(Media {
            title: words("a title", &raw.title),
            description: words("a description", &raw.description),
            media_type: self.media_type(raw.media_type.as_deref(), &url, sort, span),
            length: raw.length.filter(|bytes| *bytes > 0),
            duration: raw.duration.filter(|seconds| *seconds > 0),
            thumbnail: self.link("of a thumbnail", raw.thumbnail.as_deref(), span),
            width: raw.width.filter(|pixels| *pixels > 0),
            height: raw.height.filter(|pixels| *pixels > 0),
            url,
        })
    }

    /// The type as given, else by the extension of `url`, else the usual one.
    fn media_type(
        &mut self,
        given: Option<&str>,
        url: &WebUrl,
        sort: Sort,
        span: &Range<usize>,
    ) -> SmolStr {
        if let Some(given) = given.map(str::trim).filter(|given| !given.is_empty()) {
            if is_media_type(given) {
                return SmolStr::new(given.to_ascii_lowercase());
            }
            self.doubt(
                "bad-media-type",
                span.clone(),
                "a media type is guessed: the one that is given is none",
                "write one such as `image/jpeg`",
            );
        }
        let guessed = extension(url.as_str())
            .and_then(type_of)
            .filter(|guessed| sort.fits(guessed));
        SmolStr::new_static(guessed.unwrap_or(sort.default_type()))
    }
}

/// `type/subtype`, without parameters (RFC 6838 §4.2).
fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| {
        let mut bytes = name.bytes();
        bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
            && bytes.all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    text.split_once('/')
        .is_some_and(|(kind, name)| is_name(kind) && is_name(name))
}

fn type_of(extension: &str) -> Option<&'static str> {
    let known = TYPES
        .iter()
        .find(|(name, _)| extension.eq_ignore_ascii_case(name));
    known.map(|(_, media_type)| *media_type)
}

/// The extension of the last part of a URL's path.
fn extension(url: &str) -> Option<&str> {
    let path = url.split(['?', '#']).next()?;
    let (_, name) = path.rsplit_once('/')?;
    name.rsplit_once('.').map(|(_, extension)| extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_guessed_from_the_path_alone() {
        let guess = |url| extension(url).and_then(type_of);
        assert_eq!(
            guess("https://a.example/x/P.JPEG?w=1.png"),
            Some("image/jpeg")
        );
        assert_eq!(guess("https://a.example/x.webp#f.gif"), Some("image/webp"));
        assert_eq!(guess("https://a.example"), None);
        assert_eq!(guess("https://a.example/movie"), None);
    }

    #[test]
    fn media_types_are_told_from_other_words() {
        assert!(is_media_type("image/svg+xml"));
        assert!(is_media_type("application/vnd.apple.mpegurl"));
        for bad in ["", "jpeg", "image/", "/jpeg", "image/jpeg; q=1", "صورة/x"] {
            assert!(!is_media_type(bad), "{bad}");
        }
    }
}
