"""What khabar published: the documents in an `out` directory, found by their names alone.

Shared by the checks beside it. It reads the directory as a web server would see it, and knows
nothing about khabar's configuration or its store.
"""

from __future__ import annotations

import functools
import http.server
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from xml.etree import ElementTree

ATOM = "{http://www.w3.org/2005/Atom}"
TOMBSTONES = "{http://purl.org/atompub/tombstones/1.0}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"

MEDIA_TYPES = {
    "rss.xml": "application/rss+xml; charset=utf-8",
    "atom.xml": "application/atom+xml; charset=utf-8",
    "feed.json": "application/feed+json",
    "feeds.opml": "text/x-opml; charset=utf-8",
    "stories.json": "application/json",
}


class Tally:
    """Counts what a check looked at and collects what is wrong with it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.counts: dict[str, int] = {}
        self.faults: list[str] = []

    def expect(self, *kinds: str) -> None:
        """Announces kinds of document, so that looking at none of them is a fault."""
        for kind in kinds:
            self.counts.setdefault(kind, 0)

    def saw(self, kind: str, number: int = 1) -> None:
        """Counts documents or values of a kind as looked at."""
        self.counts[kind] = self.counts.get(kind, 0) + number

    def check(self, holds: bool, fault: str) -> bool:
        """Notes `fault` where `holds` is false, and returns `holds`."""
        if not holds:
            self.faults.append(fault)
        return holds

    def finish(self) -> int:
        """Prints the outcome and returns the exit code: 1 for any fault, or for nothing checked."""
        for kind, number in self.counts.items():
            self.check(number > 0, f"no {kind} to check")
        for fault in self.faults:
            print(f"{self.name}: {fault}", file=sys.stderr)
        counts = ", ".join(f"{number} {kind}" for kind, number in self.counts.items())
        print(f"{self.name}: {counts or 'nothing'} checked, {len(self.faults)} faults")
        return 1 if self.faults or not self.counts else 0


@dataclass(frozen=True)
class Channel:
    """The three feeds of one channel."""

    folder: Path
    """Relative to `out`; `.` for the front."""
    rss: Path
    atom: Path
    json: Path

    def entries(self) -> list[dict[str, Any]]:
        """The items of the JSON Feed: the form that needs no interpretation."""
        return json.loads(self.json.read_text(encoding="utf-8"))["items"]


class Published:
    """An `out` directory and the site it is served on."""

    def __init__(self, out: str, site: str) -> None:
        self.out = Path(out)
        self.site = site if site.endswith("/") else site + "/"

    def channels(self) -> list[Channel]:
        """Every channel, front first."""
        folders = sorted(path.parent for path in self.out.rglob("feed.json"))
        return [
            Channel(
                folder.relative_to(self.out),
                folder / "rss.xml",
                folder / "atom.xml",
                folder / "feed.json",
            )
            for folder in folders
        ]

    def articles(self) -> list[Path]:
        """Sitemap parts that list articles by period."""
        return sorted(self.out.glob("sitemap-*.xml"))

    def news(self) -> list[Path]:
        """Parts of the news sitemap, empty ones too."""
        return sorted(self.out.glob("news-sitemap*.xml"))

    @property
    def index(self) -> Path:
        """The sitemap index."""
        return self.out / "sitemap.xml"

    def url(self, path: Path) -> str:
        """Where a document is served."""
        return self.site + quote(path.relative_to(self.out).as_posix())

    def path(self, url: str) -> Path | None:
        """The document behind a URL of the site; `None` for a URL elsewhere."""
        if not url.startswith(self.site):
            return None
        return self.out / unquote(url.removeprefix(self.site))


def locations(path: Path) -> list[str]:
    """Every `loc` of a sitemap or an index, not those of its extensions."""
    root = ElementTree.parse(path).getroot()
    return [loc.text or "" for loc in root.iterfind(f"*/{SITEMAP}loc")]


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files with the media types that feed readers expect, and without a log."""

    def guess_type(self, path: Any) -> str:
        name = Path(path).name
        if name in MEDIA_TYPES:
            return MEDIA_TYPES[name]
        return "application/xml" if name.endswith(".xml") else super().guess_type(path)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def loopback(out: Path) -> Iterator[str]:
    """Serves `out` on a free port of the loopback interface and yields its URL."""
    handler = functools.partial(_Handler, directory=str(out))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
