"""Subscribes newsboat, a feed reader people use, to every RSS and Atom feed over loopback HTTP.

Usage: newsboat.py OUT SITE

After one reload a feed must hold as many unread articles as the channel's JSON Feed has items, and
after a second one no more: identities are stable. Each feed gets a newsboat of its own, which
knows one article under one id whatever feeds carry it.
"""

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from published import Published, Tally, loopback

TIMEOUT = 60
"""Seconds one reload of one feed may take."""


def reload(home: Path) -> None:
    """Lets newsboat fetch its feeds, with files and a home of its own."""
    command = ["newsboat", "-u", home / "urls", "-c", home / "cache.db", "-C", home / "config"]
    subprocess.run(
        [*command, "-x", "reload"],
        env={"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        check=True,
        timeout=TIMEOUT,
        stdin=subprocess.DEVNULL,
    )


def unread(home: Path) -> int:
    """Unread articles in newsboat's own cache."""
    with sqlite3.connect(home / "cache.db") as cache:
        return cache.execute("SELECT count(*) FROM rss_item WHERE unread").fetchone()[0]


def subscribe(tally: Tally, url: str, wanted: int) -> None:
    """Subscribes to one feed, reloads twice, and compares counts."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "urls").write_text(f"{url}\n", encoding="utf-8")
        (home / "config").write_text("download-timeout 10\n", encoding="utf-8")
        for turn in ("first", "second"):
            reload(home)
            have = unread(home)
            tally.check(
                have == wanted, f"{url}: {have} unread after the {turn} reload, not {wanted}"
            )
        tally.saw("feeds")
        tally.saw("unread articles", have)


def main(out: str, site: str) -> int:
    """Subscribes to every feed."""
    published, tally = Published(out, site), Tally("newsboat")
    tally.expect("feeds", "unread articles")
    with loopback(published.out) as base:
        for channel in published.channels():
            wanted = len(channel.entries())
            for path in (channel.rss, channel.atom):
                url = base + quote(path.relative_to(published.out).as_posix())
                subscribe(tally, url, wanted)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
