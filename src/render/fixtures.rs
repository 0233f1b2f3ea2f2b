//! A small newsroom for the tests of the renderers, with the values that break feeds.

use smol_str::SmolStr;

use super::{ChannelView, EntryView, FeedView, Label, OverviewView, SitemapEntry, Tombstone, html};
use crate::article::{
    Access, Article, ArticleId, Comments, ContentHash, Image, Kind, Language, Media, Person,
    Source, Status, Text, Timestamp, Topic, TopicId, WebUrl,
};
use crate::config::{IdAuthority, Publication};
use crate::document::{Channel, DocumentKey, FeedFormat};

/// Markup, entities, the end of CDATA and both quotation marks, around Arabic.
pub(super) const NASTY: &str = "خبر <b>غامق</b> & ]]> \"عاجل\" 'الآن' &amp; <entry> 🚀";
/// A body that ends CDATA and looks like the end of an entry.
pub(super) const BODY: &str =
    "<div dir=\"rtl\" lang=\"ar\"><p>نص ]]&gt; ]]> &lt;entry&gt; &amp;amp; <b>غامق</b></p></div>";

pub(super) fn text(text: &str) -> Text {
    Text::clean(text).0
}

/// `https://news.example/` and `path`, with a query that needs escaping.
pub(super) fn url(path: &str) -> WebUrl {
    WebUrl::parse(&format!("https://news.example/{path}?a=1&b='2'")).unwrap()
}

pub(super) fn at(instant: &str) -> Timestamp {
    Timestamp::parse_rfc3339(instant).unwrap()
}

pub(super) fn language(tag: &str) -> Language {
    Language::new(tag).unwrap()
}

pub(super) fn topic_id(id: &str) -> TopicId {
    TopicId::new(id).unwrap()
}

fn topic(id: &str, title: &str) -> Topic {
    Topic {
        id: topic_id(id),
        title: Some(text(title)),
    }
}

pub(super) fn publication() -> Publication {
    Publication {
        name: text("News <Example>"),
        title: text("نيوز & إكزامبل"),
        description: text("أخبار <العالم> كل ساعة"),
        language: language("ar"),
        url: WebUrl::parse("https://news.example/").unwrap(),
        feeds_url: WebUrl::parse("https://news.example/").unwrap(),
        article_url: "/{path}/".to_owned(),
        time_zone: chrono_tz::Europe::Moscow,
        id_authority: IdAuthority {
            tagging_entity: "news.example,2016".to_owned(),
            since: at("2016-01-01T00:00:00Z"),
        },
        copyright: Some(text("© نيوز & شركاه")),
        logo: Some(url("logo.png")),
        icon: Some(url("icon.png")),
        authors: vec![Person {
            name: text("نيوز"),
            url: None,
            email: None,
        }],
    }
}

/// An article with nothing but what it must have.
pub(super) fn plain(id: &str) -> Article {
    Article {
        id: ArticleId::new(id).unwrap(),
        title: text("عنوان"),
        summary: Text::default(),
        url: WebUrl::parse(&format!("https://news.example/{id}/")).unwrap(),
        published: at("2026-11-23T15:34:37Z"),
        updated: at("2026-11-23T15:34:37Z"),
        expires: None,
        status: Status::Published,
        sections: Vec::new(),
        stories: Vec::new(),
        tags: Vec::new(),
        authors: Vec::new(),
        images: Vec::new(),
        video: None,
        audio: None,
        source: None,
        language: language("ar"),
        kind: Kind::Article,
        access: Access::Free,
        comments: None,
        news: true,
        index: true,
        translations: std::collections::BTreeMap::new(),
        body: None,
    }
}

/// An article with everything, and with markup in every text.
pub(super) fn nasty() -> Article {
    Article {
        title: text(NASTY),
        summary: text(&format!("ملخص {NASTY}")),
        url: url("world/1001"),
        updated: at("2026-11-23T16:00:00Z"),
        sections: vec![topic("العالم & co", "أخبار <العالم>")],
        stories: vec![topic("caspian", "قزوين & \"البحر\"")],
        tags: vec![text("<وسم> & \"آخر\"")],
        authors: vec![
            Person {
                name: text("ليلى <حداد> & ابنها"),
                url: Some(url("authors/layla")),
                email: Some(text("layla@news.example")),
            },
            Person {
                name: text("سامي"),
                url: None,
                email: Some(text("ليس بريدا")),
            },
        ],
        images: vec![image("one"), image("two")],
        video: Some(media("clip.mp4", "video/mp4")),
        audio: Some(media("clip.mp3", "audio/mpeg")),
        source: Some(Source {
            name: text("وكالة <س> & ص"),
            url: Some(url("agency.xml")),
        }),
        comments: Some(Comments {
            url: Some(url("talk")),
            count: Some(7),
        }),
        translations: [
            (language("ar"), url("world/1001")),
            (language("en-GB"), url("en/1001")),
        ]
        .into(),
        body: Some(ContentHash::of(BODY.as_bytes())),
        ..plain("a/1001 %<\">")
    }
}

pub(super) fn image(name: &str) -> Image {
    Image {
        url: url(&format!("{name}.jpg")),
        caption: Some(text(&format!("تعليق <{name}> & \"وصف\""))),
        credit: Some(text("تصوير: <س> & ص")),
        alt: Some(text(&format!("بديل \"{name}\" <&>"))),
        media_type: SmolStr::new("image/jpeg"),
        width: Some(1200),
        height: Some(630),
        length: Some(123_456),
    }
}

pub(super) fn media(name: &str, media_type: &str) -> Media {
    Media {
        url: url(name),
        media_type: SmolStr::new(media_type),
        length: Some(9_876_543),
        duration: Some(95),
        thumbnail: Some(url("still.jpg")),
        title: Some(text("مقطع <1> & \"2\"")),
        description: Some(text("وصف <1> & \"2\"")),
        width: Some(1920),
        height: Some(1080),
    }
}

/// Everything a feed view borrows.
pub(super) struct Feed {
    pub(super) publication: Publication,
    pub(super) channel: Channel,
    pub(super) title: Text,
    pub(super) link: WebUrl,
    pub(super) articles: Vec<(Article, Option<&'static str>)>,
    pub(super) dead: Vec<(ArticleId, Timestamp)>,
    pub(super) hubs: Vec<WebUrl>,
}

impl Feed {
    /// The front, with `articles` and their bodies.
    pub(super) fn new(articles: Vec<(Article, Option<&'static str>)>) -> Self {
        let publication = publication();
        Self {
            title: publication.title.clone(),
            link: publication.url.clone(),
            publication,
            channel: Channel::Front,
            articles,
            dead: Vec::new(),
            hubs: vec![url("hub")],
        }
    }

    pub(super) fn view(&self) -> FeedView<'_> {
        FeedView {
            publication: &self.publication,
            channel: &self.channel,
            title: &self.title,
            link: &self.link,
            feeds: feeds(&self.channel, &FeedFormat::ALL),
            updated: at("2026-11-23T16:00:00Z"),
            entries: self
                .articles
                .iter()
                .map(|(article, body)| EntryView {
                    article,
                    updated: article.updated,
                    body: *body,
                    labels: labels(article),
                })
                .collect(),
            tombstones: self
                .dead
                .iter()
                .map(|(id, when)| Tombstone { id, when: *when })
                .collect(),
            hubs: &self.hubs,
        }
    }
}

/// Where `channel` is served in `formats`.
pub(super) fn feeds(channel: &Channel, formats: &[FeedFormat]) -> Vec<(FeedFormat, String)> {
    let feeds_url = publication().feeds_url;
    formats
        .iter()
        .map(|format| {
            let key = DocumentKey::Feed(channel.clone(), *format);
            (*format, key.url(&feeds_url))
        })
        .collect()
}

fn labels(article: &Article) -> Vec<Label<'_>> {
    let sections = article.sections.iter().map(|topic| (true, topic));
    let stories = article.stories.iter().map(|topic| (false, topic));
    sections
        .chain(stories)
        .filter_map(|(is_section, topic)| {
            Some(Label {
                is_section,
                id: &topic.id,
                title: topic.title.as_ref()?,
            })
        })
        .collect()
}

/// The entries of `articles` in a sitemap.
pub(super) fn sitemap(articles: &[Article]) -> impl Iterator<Item = SitemapEntry<'_>> {
    articles.iter().map(|article| SitemapEntry {
        article,
        updated: article.updated,
    })
}

/// Everything an overview view borrows.
pub(super) struct Overview {
    pub(super) publication: Publication,
    pub(super) channels: Vec<(Channel, Text, Vec<FeedFormat>, usize)>,
    pub(super) articles: Vec<Article>,
    link: WebUrl,
}

impl Overview {
    /// The front, two sections, two stories and a declared channel that has JSON alone.
    pub(super) fn new() -> Self {
        let all = FeedFormat::ALL.to_vec();
        let channel = |channel: Channel, title: &str, formats: &[FeedFormat], count| {
            (channel, text(title), formats.to_vec(), count)
        };
        Self {
            publication: publication(),
            channels: vec![
                channel(Channel::Front, "نيوز & إكزامبل", &all, 1_205),
                channel(Channel::Section(topic_id("world")), "العالم <&>", &all, 11),
                channel(
                    Channel::Section(topic_id("اقتصاد")),
                    "اقتصاد",
                    &[FeedFormat::Atom, FeedFormat::Json],
                    0,
                ),
                channel(Channel::Story(topic_id("caspian")), "OPEC وقزوين", &all, 2),
                channel(Channel::Story(topic_id("b")), "قمة", &[FeedFormat::Rss], 1),
                channel(
                    Channel::Declared(topic_id("videos")),
                    "فيديوهات",
                    &[FeedFormat::Json],
                    3,
                ),
            ],
            articles: vec![
                nasty(),
                Article {
                    title: text("An <English> title"),
                    language: language("en"),
                    ..plain("2")
                },
                plain("3"),
            ],
            link: url("section"),
        }
    }

    pub(super) fn view(&self) -> OverviewView<'_> {
        let mut views = self.channels.iter().map(|channel| self.channel(channel));
        let front = views.next().unwrap();
        let (mut sections, mut stories, mut channels) = (Vec::new(), Vec::new(), Vec::new());
        for view in views {
            match view.channel {
                Channel::Front => unreachable!("the front comes first"),
                Channel::Section(_) => sections.push(view),
                Channel::Story(_) => stories.push(view),
                Channel::Declared(_) => channels.push(view),
            }
        }
        OverviewView {
            publication: &self.publication,
            front,
            sections,
            stories,
            channels,
            sitemap_url: "https://news.example/sitemap.xml".to_owned(),
            opml_url: "https://news.example/feeds.opml".to_owned(),
            updated: at("2026-11-23T16:00:00Z"),
        }
    }

    pub(super) fn channel<'a>(
        &'a self,
        (channel, title, formats, count): &'a (Channel, Text, Vec<FeedFormat>, usize),
    ) -> ChannelView<'a> {
        let newest: Vec<&Article> = self.articles.iter().take(*count).collect();
        ChannelView {
            channel,
            title,
            link: &self.link,
            feeds: feeds(channel, formats),
            count: *count,
            last_published: (*count > 0).then(|| at("2026-11-23T15:34:37Z")),
            headlines: html::headlines(&self.publication, &newest).into(),
        }
    }
}
