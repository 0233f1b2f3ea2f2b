//! `index.html`, "where to follow us": every feed of the publication, for people.
//!
//! One HTML5 page without scripts and without anything fetched from elsewhere, in the publication's
//! language and direction, for a phone as for a desk, by day and by night.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::words::Words;
use super::{ChannelView, GENERATOR, OverviewView};
use crate::article::{Article, Timestamp};
use crate::config::Publication;
use crate::document::{ChannelKind, FeedFormat};

/// The page's style, inside the page.
const STYLE: &str = include_str!("html/page.css");

/// Writes the page.
#[must_use]
pub fn render(view: &OverviewView<'_>) -> Vec<u8> {
    let mut page = Page {
        publication: view.publication,
        words: Words::of(&view.publication.language),
        html: String::with_capacity(16 * 1024),
    };
    page.head(view);
    page.line("<body>");
    page.header(view);
    page.line("<main>");
    page.front(&view.front);
    for (kind, title, channels) in page.groups(view) {
        page.group(kind, title, channels);
    }
    page.line("</main>");
    page.footer(view);
    page.line("</body>\n</html>");
    page.html.into_bytes()
}

/// The page's list of the newest articles of a channel; empty where there are none.
#[must_use]
pub fn headlines(publication: &Publication, articles: &[&Article]) -> String {
    if articles.is_empty() {
        return String::new();
    }
    let mut html = String::from("<ul class=\"headlines\">\n");
    for article in articles {
        let mut language = String::new();
        // Writing to a String cannot fail.
        if article.language != publication.language {
            let _ = write!(
                language,
                " lang=\"{}\" dir=\"{}\"",
                escape(article.language.as_str()),
                article.language.dir()
            );
        }
        let _ = writeln!(
            html,
            "<li><a href=\"{}\"{language}>{}</a>{}</li>",
            escape(article.url.as_str()),
            escape(article.title.as_str()),
            time(publication, article.published)
        );
    }
    html.push_str("</ul>\n");
    html
}

/// A date in the publication's time zone. It is an island from left to right: in Arabic text the parts
/// of `2026-11-23` would change places.
fn time(publication: &Publication, instant: Timestamp) -> String {
    let local = instant.to_datetime().with_timezone(&publication.time_zone);
    format!(
        "<time datetime=\"{instant}\"><bdi dir=\"ltr\">{}</bdi></time>",
        local.format("%Y-%m-%d %H:%M")
    )
}

/// What the page says of its maker.
pub(super) fn signature() -> String {
    format!("<meta name=\"generator\" content=\"{GENERATOR}\">")
}

/// The page under construction.
struct Page<'a> {
    publication: &'a Publication,
    words: &'static Words,
    html: String,
}

/// A sort of channel, its heading, and its channels.
type Group<'a> = (ChannelKind, &'static str, &'a [ChannelView<'a>]);

impl Page<'_> {
    fn line(&mut self, markup: &str) {
        self.html.push_str(markup);
        self.html.push('\n');
    }

    /// `lang` and `dir` for khabar's own words, where they are not in the page's language.
    fn own(&self) -> String {
        if self.words.language == self.publication.language.primary() {
            String::new()
        } else {
            format!(
                " lang=\"{}\" dir=\"{}\"",
                self.words.language, self.words.dir
            )
        }
    }

    fn head(&mut self, view: &OverviewView<'_>) {
        let publication = self.publication;
        let language = &publication.language;
        let title = escape(publication.title.as_str());
        self.line("<!DOCTYPE html>");
        self.line(&format!(
            "<html lang=\"{}\" dir=\"{}\">",
            escape(language.as_str()),
            language.dir()
        ));
        self.line("<head>\n<meta charset=\"utf-8\">");
        self.line("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        self.line(&signature());
        self.line(&format!("<title>{} · {title}</title>", self.words.follow));
        if !publication.description.is_empty() {
            self.line(&format!(
                "<meta name=\"description\" content=\"{}\">",
                escape(publication.description.as_str())
            ));
        }
        if let Some(icon) = &publication.icon {
            self.line(&format!(
                "<link rel=\"icon\" href=\"{}\">",
                escape(icon.as_str())
            ));
        }
        for (format, url) in &view.front.feeds {
            self.line(&format!(
                "<link rel=\"alternate\" type=\"{}\" title=\"{title} ({})\" href=\"{}\">",
                format.media_type(),
                format_name(*format),
                escape(url.as_str())
            ));
        }
        self.line(&format!(
            "<link rel=\"alternate\" type=\"text/x-opml\" title=\"{}\" href=\"{}\">",
            self.words.all_feeds,
            escape(view.opml_url.as_str())
        ));
        self.line(&format!("<style>\n{STYLE}</style>\n</head>"));
    }

    fn header(&mut self, view: &OverviewView<'_>) {
        let publication = self.publication;
        let own = self.own();
        self.line("<header>");
        self.line(&format!("<p class=\"dim\"{own}>{}</p>", self.words.follow));
        self.line(&format!(
            "<h1><a href=\"{}\">{}</a></h1>",
            escape(publication.url.as_str()),
            escape(publication.title.as_str())
        ));
        if !publication.description.is_empty() {
            self.line(&format!(
                "<p>{}</p>",
                escape(publication.description.as_str())
            ));
        }
        let groups = self.groups(view);
        // With one group the next heading is the whole of the contents.
        if groups.len() > 1 {
            self.line(&format!(
                "<nav aria-label=\"{}\"{own}>\n<ul>",
                self.words.contents
            ));
            for (kind, title, _) in groups {
                self.line(&format!(
                    "<li><a href=\"#{}\">{title}</a></li>",
                    anchor(kind)
                ));
            }
            self.line("</ul>\n</nav>");
        }
        self.line("</header>");
    }

    /// The groups that have channels, in the order of the page.
    fn groups<'v>(&self, view: &'v OverviewView<'_>) -> Vec<Group<'v>> {
        let words = self.words;
        let mut groups: Vec<Group<'v>> = vec![
            (ChannelKind::Section, words.sections, &view.sections),
            (ChannelKind::Story, words.stories, &view.stories),
            (ChannelKind::Declared, words.channels, &view.channels),
        ];
        groups.retain(|(_, _, channels)| !channels.is_empty());
        groups
    }

    fn front(&mut self, front: &ChannelView<'_>) {
        let own = self.own();
        let words = self.words;
        self.line("<section class=\"card\" aria-labelledby=\"all\">");
        self.line(&format!("<h2 id=\"all\"{own}>{}</h2>", words.all_news));
        self.line(&format!("<p{own}>{}</p>", words.how_to));
        self.feeds(front);
        self.line("</section>");
        if !front.headlines.is_empty() {
            self.line("<section aria-labelledby=\"latest\">");
            self.line(&format!("<h2 id=\"latest\"{own}>{}</h2>", words.latest));
            self.html.push_str(&front.headlines);
            self.line("</section>");
        }
    }

    fn group(&mut self, kind: ChannelKind, title: &str, channels: &[ChannelView<'_>]) {
        let anchor = anchor(kind);
        let own = self.own();
        self.line(&format!("<section aria-labelledby=\"{anchor}\">"));
        self.line(&format!("<h2 id=\"{anchor}\"{own}>{title}</h2>"));
        self.line("<ul class=\"cards\">");
        for channel in channels {
            self.line("<li class=\"card\">");
            self.line(&format!(
                "<div><h3><a href=\"{}\">{}</a></h3>",
                escape(channel.link.as_str()),
                escape(channel.title.as_str())
            ));
            self.line(&format!(
                "<span class=\"dim\"{own}>{}</span></div>",
                (self.words.articles)(channel.count)
            ));
            self.html.push_str(&channel.headlines);
            self.feeds(channel);
            self.line("</li>");
        }
        self.line("</ul>\n</section>");
    }

    /// A link to each feed of a channel. Their short names are alike in every card, so that each
    /// also says whose it is to those who hear the page.
    fn feeds(&mut self, channel: &ChannelView<'_>) {
        let title = escape(channel.title.as_str());
        self.line("<ul class=\"feeds\">");
        for (format, url) in &channel.feeds {
            let name = format_name(*format);
            self.line(&format!(
                "<li><a href=\"{}\" type=\"{}\" aria-label=\"{name}: {title}\">{name}</a></li>",
                escape(url.as_str()),
                format.media_type(),
            ));
        }
        self.line("</ul>");
    }

    fn footer(&mut self, view: &OverviewView<'_>) {
        let own = self.own();
        self.line("<footer class=\"dim\">");
        self.line(&format!(
            "<a href=\"{}\" type=\"text/x-opml\"{own}>{}</a>",
            escape(view.opml_url.as_str()),
            self.words.all_feeds
        ));
        self.line(&format!(
            "<a href=\"{}\"{own}>{}</a>",
            escape(view.sitemap_url.as_str()),
            self.words.sitemap
        ));
        if let Some(copyright) = &self.publication.copyright {
            self.line(&format!("<span>{}</span>", escape(copyright.as_str())));
        }
        self.line("</footer>");
    }
}

/// The name a format goes by among readers.
fn format_name(format: FeedFormat) -> &'static str {
    match format {
        FeedFormat::Rss => "RSS",
        FeedFormat::Atom => "Atom",
        FeedFormat::Json => "JSON",
    }
}

/// Where in the page a sort of channel is.
fn anchor(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Front => "all",
        ChannelKind::Section => "sections",
        ChannelKind::Story => "stories",
        ChannelKind::Declared => "channels",
    }
}

#[cfg(test)]
mod tests;
