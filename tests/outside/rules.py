"""Checks what no schema and no validator catches.

Usage: rules.py OUT SITE NOW AUTHORITY

Locations are ASCII, on the site, short enough and listed once; the index lists exactly the parts
that exist; news is of the last 48 hours; no date lies after NOW; ids are permanent tag: URIs of
AUTHORITY, unique in their feed; text is NFC and its bidirectional controls are balanced; bodies
hold no relative URL and no script; translations name one another; RSS items keep the RSS Advisory
Board's profile; every document a document names exists.
"""

import json
import re
import sys
import unicodedata
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from published import ATOM, NEWS, SITEMAP, TOMBSTONES, Channel, Published, Tally, locations

CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
DC = "{http://purl.org/dc/elements/1.1/}"
XHTML = "{http://www.w3.org/1999/xhtml}"

NEWS_LIMIT = 1_000
"""`news:news` a file (Google Search Central, "News sitemaps")."""
URL_LIMIT = 50_000
"""URLs a file (sitemaps.org)."""
BYTE_LIMIT = 50 * 1024 * 1024
"""Bytes a file (sitemaps.org)."""
LOC_LIMIT = 2_048
"""Characters: a location is shorter (sitemaps.org)."""
WINDOW = timedelta(hours=48)
LOC = re.compile(r"(?:[A-Za-z0-9\-._~:/?#@!$&'()*+,;=]|%[0-9A-F]{2})+")
"""RFC 3986, percent-encoding in upper case, no brackets outside a host."""
ADDRESSES = {"href", "src", "poster", "srcset"}
ABSOLUTE = ("https://", "http://", "mailto:", "tel:")
ACTIVE = {"script", "object", "embed", "iframe", "form", "style", "meta", "link"}
"""Elements that readers strip or distrust."""
ISOLATES, POP_ISOLATE = "\u2066\u2067\u2068", "\u2069"
EMBEDDINGS, POP_EMBEDDING = "\u202a\u202b\u202d\u202e", "\u202c"


def is_balanced(text: str) -> bool:
    """Whether every bidirectional control that opens is closed, in order (UAX #9)."""
    stack: list[str] = []
    for char in text:
        if char in ISOLATES:
            stack.append(POP_ISOLATE)
        elif char in EMBEDDINGS:
            stack.append(POP_EMBEDDING)
        elif char in (POP_ISOLATE, POP_EMBEDDING) and (not stack or stack.pop() != char):
            return False
    return not stack


class Body(HTMLParser):
    """What a feed reader could not resolve or would distrust in a body."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.feed(body)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ACTIVE or any(name.startswith("on") for name, _ in attrs):
            self.faults.append(f"active <{tag}>")
        for name, value in attrs:
            if name in ADDRESSES and not (value or "").startswith(ABSOLUTE):
                self.faults.append(f"relative {name} {value}")


class Rules:
    """The rules, with everything they need to know."""

    def __init__(self, published: Published, now: datetime, authority: str) -> None:
        self.published, self.now = published, now
        self.authority = authority
        self.tally = Tally("rules")
        self.tally.expect("documents", "locations", "news", "index lines", "translated pages")
        self.tally.expect("entries", "links")

    def past(self, instant: datetime, where: str) -> None:
        """No date of a document lies in the future."""
        self.tally.check(instant <= self.now, f"{where}: {instant} lies after now")

    def text(self, path: Path) -> None:
        """The bytes of a document: UTF-8 without a mark, NFC, and no DTD in XML."""
        raw = path.read_bytes()
        text = raw.decode("utf-8")
        check = self.tally.check
        check(unicodedata.is_normalized("NFC", text), f"{path}: not NFC")
        check(not text.startswith("\ufeff"), f"{path}: begins with a byte order mark")
        if path.suffix in (".xml", ".opml"):
            check(raw.startswith(b"<?xml "), f"{path}: no XML declaration at its first byte")
            check("<!DOCTYPE" not in text, f"{path}: has a DTD")
            for element in ElementTree.fromstring(raw).iter():
                check(is_balanced(element.text or ""), f"{path}: unbalanced bidi controls")
        self.tally.saw("documents")

    def sitemap(self, path: Path) -> list[str]:
        """Limits and locations of one part; returns the locations."""
        locs = locations(path)
        check = self.tally.check
        check(len(locs) <= URL_LIMIT, f"{path}: {len(locs)} URLs")
        check(path.stat().st_size <= BYTE_LIMIT, f"{path}: too large")
        for loc in locs:
            check(bool(LOC.fullmatch(loc)), f"{path}: {loc} is not an ASCII URL")
            check(loc.startswith(self.published.site), f"{path}: {loc} is on another host")
            check(len(loc) < LOC_LIMIT, f"{path}: {loc} is too long")
        for lastmod in ElementTree.parse(path).getroot().iterfind(f"*/{SITEMAP}lastmod"):
            self.past(datetime.fromisoformat(lastmod.text or ""), str(path))
        self.tally.saw("locations", len(locs))
        return locs

    def news(self, path: Path) -> None:
        """Window, limit and titles of one part of the news sitemap."""
        stories = list(ElementTree.parse(path).getroot().iter(f"{NEWS}news"))
        check = self.tally.check
        check(len(stories) <= NEWS_LIMIT, f"{path}: {len(stories)} news")
        for story in stories:
            published = datetime.fromisoformat(story.findtext(f"{NEWS}publication_date") or "")
            self.past(published, str(path))
            check(self.now < published + WINDOW, f"{path}: {published} is older than 48 hours")
            title = story.findtext(f"{NEWS}title") or ""
            check("\u200f" not in title[:1], f"{path}: a mark before a news title")
        self.tally.saw("news", len(stories))

    def translations(self) -> None:
        """Every page of a cluster names all of it, itself included (Google, localized versions)."""
        clusters: dict[str, set[tuple[str, str]]] = {}
        for part in self.published.articles():
            for url in ElementTree.parse(part).getroot().iter(f"{SITEMAP}url"):
                links = url.iterfind(f"{XHTML}link[@rel='alternate']")
                cluster = {(link.get("hreflang", ""), link.get("href", "")) for link in links}
                if cluster:
                    clusters[url.findtext(f"{SITEMAP}loc") or ""] = cluster
        for loc, cluster in clusters.items():
            hrefs = {href for _, href in cluster}
            self.tally.check(loc in hrefs, f"{loc}: its translations leave it out")
            for href in hrefs & clusters.keys():
                same = clusters[href] == cluster
                self.tally.check(same, f"{loc}: {href} names other translations")
        self.tally.saw("translated pages", len(clusters))

    def sitemaps(self) -> None:
        """All parts, and the index over them."""
        published, check = self.published, self.tally.check
        listed = [loc for part in published.articles() for loc in self.sitemap(part)]
        check(len(listed) == len(set(listed)), "a URL is listed in two sitemap parts")
        for part in published.news():
            for loc in self.sitemap(part):
                check(loc in listed, f"{part}: {loc} is in no other sitemap")
            self.news(part)
        parts = [part for part in published.news() if locations(part)] + published.articles()
        wanted = sorted(published.url(part) for part in parts)
        found = self.sitemap(published.index)
        check(sorted(found) == wanted, f"the index lists {sorted(found)}, not {wanted}")
        self.tally.saw("index lines", len(found))
        self.translations()

    def channel(self, channel: Channel) -> None:
        """Identity, order, dates and addresses of the feeds of one channel."""
        check, where = self.tally.check, str(channel.folder)
        feed = json.loads(channel.json.read_text(encoding="utf-8"))
        check(feed["version"] == "https://jsonfeed.org/version/1.1", f"{where}: JSON Feed version")
        check(feed["feed_url"] == self.published.url(channel.json), f"{where}: feed_url")
        ids = [item["id"] for item in feed["items"]]
        check(len(ids) == len(set(ids)), f"{where}: an id stands twice")
        for item in feed["items"]:
            check(item["id"].startswith(f"tag:{self.authority}:"), f"{where}: id {item['id']}")
            check(bool(LOC.fullmatch(item["id"])), f"{where}: id {item['id']} is not a URI")
            check(bool(LOC.fullmatch(item["url"])), f"{where}: {item['url']} is not an ASCII URL")
            faults = Body(item.get("content_html", "")).faults
            check(not faults, f"{where}: {item['id']}: {', '.join(faults)}")
            for member in ("title", "summary"):
                check(is_balanced(item.get(member, "")), f"{where}: unbalanced {member}")
        dates = [datetime.fromisoformat(item["date_published"]) for item in feed["items"]]
        check(dates == sorted(dates, reverse=True), f"{where}: not newest first")
        for date in dates:
            self.past(date, where)
        self.tally.saw("entries", len(ids))
        self.rss(channel)
        self.atom(channel, ids)

    def rss(self, channel: Channel) -> None:
        """Self link, dates and items of an RSS feed."""
        feed = ElementTree.parse(channel.rss).getroot()
        for date in [*feed.iter("pubDate"), *feed.iter("lastBuildDate")]:
            self.past(parsedate_to_datetime(date.text or ""), str(channel.rss))
        links = [link.get("href") for link in feed.iter(f"{ATOM}link") if link.get("rel") == "self"]
        wanted = [self.published.url(channel.rss)]
        self.tally.check(links == wanted, f"{channel.rss}: self is {links}")
        for item in feed.iter("item"):
            self.rss_item(item, str(channel.rss))

    def rss_item(self, item: ElementTree.Element, where: str) -> None:
        """What the profile wants of an item: one enclosure at most, and the summary first."""
        check, names = self.tally.check, [child.tag for child in item]
        guid = item.find("guid")
        where = f"{where}: {guid.text if guid is not None else 'an item without guid'}"
        permanent = guid is not None and guid.get("isPermaLink") == "false"
        check(permanent, f"{where} claims to be a link")
        check("description" in names, f"{where} has no description")
        if CONTENT in names and "description" in names:
            check(names.index("description") < names.index(CONTENT), f"{where} has its body first")
        enclosures = item.findall("enclosure")
        check(len(enclosures) <= 1, f"{where} has {len(enclosures)} enclosures")
        for enclosure in enclosures:
            whole = all(enclosure.get(name) for name in ("url", "type", "length"))
            check(whole, f"{where} has half an enclosure")
        for name, dublin in (("author", f"{DC}creator"), ("source", f"{DC}source")):
            check(not (name in names and dublin in names), f"{where} says its {name} twice")

    def atom(self, channel: Channel, ids: list[str]) -> None:
        """Self link, dates and tombstones of an Atom feed."""
        feed, check = ElementTree.parse(channel.atom).getroot(), self.tally.check
        links = [
            link.get("href") for link in feed.iterfind(f"{ATOM}link") if link.get("rel") == "self"
        ]
        check(links == [self.published.url(channel.atom)], f"{channel.atom}: self is {links}")
        for date in [*feed.iter(f"{ATOM}updated"), *feed.iter(f"{ATOM}published")]:
            self.past(datetime.fromisoformat(date.text or ""), str(channel.atom))
        names = [child.tag for child in feed]
        first = names.index(f"{ATOM}entry") if f"{ATOM}entry" in names else len(names)
        late = f"{TOMBSTONES}deleted-entry" in names[first:]
        check(not late, f"{channel.atom}: a tombstone after an entry")
        for tombstone in feed.iterfind(f"{TOMBSTONES}deleted-entry"):
            check(tombstone.get("ref") not in ids, f"{channel.atom}: an entry and its tombstone")
            self.past(datetime.fromisoformat(tombstone.get("when") or ""), str(channel.atom))

    def links(self) -> None:
        """Every document that the OPML, the story list and the page name exists."""
        out = self.published.out
        outlines = ElementTree.parse(out / "feeds.opml").getroot().iter("outline")
        named = [outline.get("xmlUrl") or "" for outline in outlines if outline.get("xmlUrl")]
        stories = json.loads((out / "stories.json").read_text(encoding="utf-8"))["stories"]
        named += [url for story in stories for url in story["feeds"].values()]
        page = (out / "index.html").read_text(encoding="utf-8")
        feeds = re.findall(r'href="([^"]*(?:rss\.xml|atom\.xml|feed\.json|feeds\.opml))"', page)
        self.tally.check(bool(feeds), "index.html names no feed")
        base = self.published.site
        named += [url if url.startswith("http") else base + url.lstrip("/") for url in feeds]
        for url in named:
            path = self.published.path(url)
            self.tally.check(path is not None and path.is_file(), f"{url} names no document")
        self.tally.saw("links", len(named))


def main(out: str, site: str, now: str, authority: str) -> int:
    """Applies every rule."""
    published = Published(out, site)
    rules = Rules(published, datetime.fromisoformat(now), authority)
    for path in sorted(published.out.rglob("*")):
        if path.suffix in (".xml", ".json", ".opml", ".html"):
            rules.text(path)
    rules.sitemaps()
    for channel in published.channels():
        rules.channel(channel)
    rules.links()
    return rules.tally.finish()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
