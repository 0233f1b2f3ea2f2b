"""Reads a served newsroom with readers people use, while it changes: feedparser, reader, newsboat.

Usage: serve.py PROGRAM [--polls 288] [--seed 7]

Each must be told 304 when nothing has changed, take a delta (RFC 3229) when something has, and then
know every article once. Then a day of polling is played: as many polls of the front as a reader that
asks every five minutes makes, with about 140 articles that are new or edited between them, and
the bytes are counted that pollers of different manners receive.
"""

import argparse
import gzip
import http.client
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import feedparser
from prometheus_client.parser import text_string_to_metric_families
from reader import make_reader

from published import Tally

SITE = "https://news.example/"
CONFIG = f"""
[publication]
name = "News Example"
language = "ar"
url = "{SITE}"
feeds_url = "{SITE}"
id_authority = "news.example,2016"
[store]
path = "store"
settle = "10ms"
[serve]
listen = "127.0.0.1:0"
operations = "127.0.0.1:0"
"""
LETTERS = "اابتثجحخدذرزسشصضطظعغفقكلللممننههوويي"
WORDS = 5_000
"""The vocabulary; the n-th word is n times rarer than the first, as in any language, so that texts
compress about as real ones do."""
ARTICLES = 60
"""Articles at the start: more than a feed has."""
PATIENCE = 60
"""Seconds that nothing takes unless it hangs."""


class Newsroom:
    """A store, and the server over it."""

    def __init__(self, program: str, root: Path, seed: int) -> None:
        self.program = str(Path(program).resolve())
        self.root = root
        self.random = random.Random(seed)
        lengths = self.random.choices(range(2, 9), k=WORDS)
        self.words = ["".join(self.random.choices(LETTERS, k=length)) for length in lengths]
        self.weights = [1 / rank for rank in range(1, WORDS + 1)]
        self.count = 0
        (root / "store").mkdir()
        (root / "config.toml").write_text(CONFIG, encoding="utf-8")
        self.start = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=30)
        for _ in range(ARTICLES):
            self.write_new()

    def write(self, number: int) -> None:
        """Writes an article anew, with another body of about 3 kB."""
        body = " ".join(self.random.choices(self.words, self.weights, k=260))
        article = {
            "id": f"a{number}",
            "title": f"خبر {number}",
            "body": f"<p>{body}</p>",
            "published": (self.start + timedelta(minutes=number)).isoformat(),
            "section": f"section-{number % 3}",
        }
        path = self.root / "store" / f"a{number}.json"
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_text(json.dumps(article), encoding="utf-8")
        temporary.rename(path)

    def write_new(self) -> None:
        """Writes one more article, newer than all."""
        self.write(self.count)
        self.count += 1

    def edit(self) -> None:
        """Edits one of the fifty newest."""
        self.write(self.random.randrange(self.count - 50, self.count))

    def sync(self) -> None:
        """Waits until everything written is served."""
        command = [self.program, "-c", self.root / "config.toml", "sync", "--timeout", f"{PATIENCE}s"]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)

    @contextmanager
    def serve(self) -> Iterator[tuple[str, str]]:
        """Runs the server and yields the addresses of documents and of operations."""
        log = self.root / "log"
        with log.open("wb") as stderr:
            command = [self.program, "-c", self.root / "config.toml", "serve"]
            server = subprocess.Popen(command, stderr=stderr, stdout=subprocess.DEVNULL)
        try:
            addresses = re.compile(r"address=(\S+)")
            until(lambda: len(addresses.findall(log.read_text())) == 2)
            public, operations = addresses.findall(log.read_text())
            until(lambda: get(operations, "/healthz")[0] == 200)
            yield public, operations
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(PATIENCE)


def until(is_so: Callable[[], bool]) -> None:
    """Waits for something that must come to be."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError("it does not come to be")
        time.sleep(0.02)


def get(address: str, path: str, **fields: str) -> tuple[int, dict[str, str], bytes, int]:
    """Status, header fields, body as sent, and how many bytes all of that was."""
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    head = sum(len(name) + len(value) + 4 for name, value in answer.getheaders()) + 25
    fields = {name.lower(): value for name, value in answer.getheaders()}
    connection.close()
    return answer.status, fields, body, head + len(body)


def answers(operations: str, status: int) -> int:
    """How often the public was answered with a status."""
    text = get(operations, "/metrics")[2].decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {"listener": "public", "status": str(status)}
            if sample.name == "khabar_http_answers_total" and sample.labels == labels:
                return int(sample.value)
    raise LookupError(status)


def ids(feed: bytes) -> list[str]:
    """The ids of a JSON feed."""
    return [item["id"] for item in json.loads(feed)["items"]]


def check_feedparser(tally: Tally, newsroom: Newsroom, public: str) -> None:
    """Polls every feed of the front and of a section as feedparser does."""
    for path in ("rss.xml", "atom.xml", "feed.json", "sections/section-1/rss.xml"):
        url = f"http://{public}/{path}"
        first = feedparser.parse(url)
        if path.endswith(".json"):
            tally.check(first.status == 200, f"{path}: {first.status}")
            continue
        tally.check(first.status == 200 and not first.bozo, f"{path}: {first.get('bozo_exception')}")
        again = feedparser.parse(url, etag=first.etag, modified=first.get("modified"))
        tally.check(again.status == 304, f"{path}: {again.status}, not 304")
        before = {entry.id for entry in first.entries}
        while newsroom.count % 3 != 1:
            newsroom.write_new()
        newsroom.write_new()
        newsroom.sync()
        new = feedparser.parse(url, etag=first.etag, modified=first.get("modified"))
        whole = feedparser.parse(url)
        tally.check(new.status == 226 and not new.bozo, f"{path}: {new.status}, not 226")
        wanted = [entry.id for entry in whole.entries if entry.id not in before]
        tally.check([entry.id for entry in new.entries] == wanted, f"{path}: not just the new ones")
        tally.check(new.feed.title == whole.feed.title, f"{path}: another title")
        tally.check(new.etag.split("-")[0].strip('"') == whole.etag.split("-")[0].strip('"'), path)
        known = feedparser.parse(url, etag=new.etag)
        tally.check(known.status == 304, f"{path}: {known.status} after a delta, not 304")
        tally.saw("deltas by feedparser")


def check_reader(tally: Tally, newsroom: Newsroom, public: str, operations: str) -> None:
    """Subscribes with reader, a feed reader's library."""
    with make_reader(":memory:") as reader:
        url = f"http://{public}/rss.xml"
        reader.add_feed(url)
        reader.update_feeds()
        before = reader.get_entry_counts().total
        tally.check(before == 50, f"reader: {before} entries, not 50")
        same, deltas = answers(operations, 304), answers(operations, 226)
        reader.update_feed(url)
        tally.check(answers(operations, 304) > same, "reader: no 304")
        newsroom.write_new()
        newsroom.write_new()
        newsroom.edit()
        newsroom.sync()
        reader.update_feed(url)
        tally.check(answers(operations, 226) > deltas, "reader: no 226")
        after = reader.get_entry_counts().total
        tally.check(after == before + 2, f"reader: {after} entries, not {before + 2}")
        tally.saw("entries by reader", after)


def check_newsboat(tally: Tally, newsroom: Newsroom, public: str, operations: str) -> None:
    """Subscribes with newsboat, in a home of its own."""
    for path in ("rss.xml", "atom.xml"):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            (home / "urls").write_text(f"http://{public}/{path}\n", encoding="utf-8")
            (home / "config").write_text("download-timeout 10\n", encoding="utf-8")
            command = ["newsboat", "-u", home / "urls", "-c", home / "cache.db"]
            command += ["-C", home / "config", "-x", "reload"]
            environment = {"HOME": folder, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}

            def reload() -> int:
                subprocess.run(
                    command, env=environment, check=True, timeout=PATIENCE, stdin=subprocess.DEVNULL
                )
                with sqlite3.connect(home / "cache.db") as cache:
                    return cache.execute("SELECT count(*) FROM rss_item WHERE unread").fetchone()[0]

            # It asks conditionally from the third time on.
            reload()
            before = reload()
            tally.check(before == 50, f"newsboat {path}: {before} unread, not 50")
            same, deltas = answers(operations, 304), answers(operations, 226)
            tally.check(reload() == before, f"newsboat {path}: more unread without a change")
            tally.check(answers(operations, 304) > same, f"newsboat {path}: no 304")
            newsroom.write_new()
            newsroom.sync()
            after = reload()
            tally.check(after == before + 1, f"newsboat {path}: {after} unread, not {before + 1}")
            tally.check(answers(operations, 226) > deltas, f"newsboat {path}: no 226")
            tally.saw("unread articles by newsboat", after)


class Poller:
    """A reader of one manner that counts what it receives."""

    def __init__(self, name: str, **fields: str) -> None:
        self.name = name
        self.fields = fields
        self.bytes = 0
        self.tag = ""
        self.items: dict[str, Any] = {}

    def poll(self, public: str, path: str) -> None:
        """Asks once, and takes in what it gets."""
        fields = dict(self.fields)
        if fields.pop("conditional", "") and self.tag:
            fields["If_None_Match"] = self.tag
        status, headers, body, size = get(public, path, **fields)
        self.bytes += size
        if status == 304:
            return
        if status not in (200, 226):
            raise ValueError(f"{self.name}: {status}")
        self.tag = headers["etag"]
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        items = {item["id"]: item for item in json.loads(body)["items"]}
        self.items = {**self.items, **items} if status == 226 else items


def play_day(tally: Tally, newsroom: Newsroom, public: str, polls: int) -> None:
    """Polls the front as often as a day has five minutes, edits between, and counts."""
    path = "/feed.json"
    pollers = [
        Poller("always the whole"),
        Poller("the whole, gzip", Accept_Encoding="gzip"),
        Poller("conditional", conditional="yes"),
        Poller("conditional, gzip", conditional="yes", Accept_Encoding="gzip"),
        Poller("conditional, gzip, deltas", conditional="yes", Accept_Encoding="gzip", A_IM="feed"),
    ]
    edits = 0
    for _ in range(polls):
        changes = newsroom.random.choices((0, 1, 2), weights=(60, 30, 10))[0]
        for _ in range(changes):
            newsroom.random.choice((newsroom.write_new, newsroom.write_new, newsroom.edit))()
        if changes:
            edits += changes
            newsroom.sync()
            # What has just been published is compressed by and by; a reader rarely comes so soon.
            tag = get(public, path)[1]["etag"]
            coded = f'{tag[:-1]}-gzip"'
            until(lambda: get(public, path, Accept_Encoding="gzip")[1]["etag"] == coded)
        for poller in pollers:
            poller.poll(public, path)
    whole = json.loads(get(public, path)[2])["items"]
    for poller in pollers:
        held = [poller.items.get(item["id"]) for item in whole]
        tally.check(held == whole, f"{poller.name}: does not hold what the feed says")
        tally.saw("pollers")
    print(f"serve: {polls} polls of the front by each, {edits} articles new or edited between them:")
    most = pollers[0].bytes
    for poller in pollers:
        share = 100 * poller.bytes / most
        print(f"serve:   {poller.name:<26} {poller.bytes / 1e6:8.2f} MB  {share:5.1f} %")


def main() -> int:
    """Runs everything over one server."""
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--polls", type=int, default=288)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    tally = Tally("serve")
    tally.expect("deltas by feedparser", "entries by reader", "unread articles by newsboat", "pollers")
    with tempfile.TemporaryDirectory() as folder:
        newsroom = Newsroom(arguments.program, Path(folder), arguments.seed)
        with newsroom.serve() as (public, operations):
            check_feedparser(tally, newsroom, public)
            check_reader(tally, newsroom, public, operations)
            check_newsboat(tally, newsroom, public, operations)
            play_day(tally, newsroom, public, arguments.polls)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
