"""Reads every feed with two parsers written by others, feedparser and atoma, and compares them.

Usage: readers.py OUT SITE

Both must take the RSS and the Atom feed of every channel without complaint, and find in them the
ids, titles and links of the channel's JSON Feed, in its order.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atoma
import feedparser

from published import Channel, Published, Tally

Rows = list[tuple[str, str, str]]

# A title is plain text; feedparser would take "<div>" in an RSS title for markup and remove it.
feedparser.SANITIZE_HTML = False
feedparser.RESOLVE_RELATIVE_URIS = False


def with_feedparser(path: Path) -> Rows:
    """Rows of a feed as feedparser reads it."""
    feed = feedparser.parse(path.read_bytes())
    if feed.bozo:
        raise ValueError(repr(feed.bozo_exception))
    return [(entry.id, entry.title, entry.link) for entry in feed.entries]


def rss_with_atoma(path: Path) -> Rows:
    """Rows of an RSS feed as atoma reads it."""
    feed = atoma.parse_rss_bytes(path.read_bytes())
    return [(item.guid or "", item.title or "", item.link or "") for item in feed.items]


def atom_with_atoma(path: Path) -> Rows:
    """Rows of an Atom feed as atoma reads it."""

    def alternate(entry: Any) -> str:
        return next((link.href for link in entry.links if link.rel in (None, "alternate")), "")

    feed = atoma.parse_atom_bytes(path.read_bytes())
    return [(entry.id_, entry.title.value, alternate(entry)) for entry in feed.entries]


def compare(tally: Tally, channel: Channel, path: Path, read: Callable[[Path], Rows]) -> None:
    """Reads one feed with one parser and compares it with the channel's JSON Feed."""
    wanted = [(item["id"], item["title"], item["url"]) for item in channel.entries()]
    where = f"{path} by {read.__name__}"
    try:
        rows = read(path)
    except Exception as error:  # whatever a parser throws at a feed is a fault of the feed
        tally.check(False, f"{where}: {error}")
        return
    tally.check(len(rows) == len(wanted), f"{where}: {len(rows)} entries, not {len(wanted)}")
    for have, want in zip(rows, wanted, strict=False):
        tally.check(have == want, f"{where}: {have} is not {want}")
    tally.saw("entries", len(rows))


def main(out: str, site: str) -> int:
    """Reads every feed of every channel."""
    published, tally = Published(out, site), Tally("readers")
    tally.expect("RSS feeds", "Atom feeds", "JSON Feeds", "entries")
    for channel in published.channels():
        for read in (with_feedparser, rss_with_atoma):
            compare(tally, channel, channel.rss, read)
        for read in (with_feedparser, atom_with_atoma):
            compare(tally, channel, channel.atom, read)
        items = atoma.parse_json_feed_bytes(channel.json.read_bytes()).items
        tally.check(len(items) == len(channel.entries()), f"{channel.json}: atoma lost items")
        for kind in ("RSS feeds", "Atom feeds", "JSON Feeds"):
            tally.saw(kind)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
