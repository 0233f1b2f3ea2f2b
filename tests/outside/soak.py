"""Eight pollers read a served newsroom while it is edited, for as long as is wanted.

    soak.py PROGRAM [--minutes 30] [--seed 7]

Articles come, change, move, expire, are withdrawn and vanish, ten times a second. Each poller asks for
documents as its kind does: whole, with gzip, with Brotli, for deltas (RFC 3229), and mostly with what
it knows of them. Nothing may be malformed; every length must be that of the bytes; a tag must stand for
one run of bytes and these for one tag, whoever asks and in whichever version; Last-Modified must never
go back; and what an index names must be there. At the end, what is served is what is in `out`.
"""

import argparse
import gzip
import hashlib
import http.client
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from random import Random
from urllib.parse import quote, unquote

import brotli

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
settle = "5ms"
settle_delete = "50ms"
[feeds]
newest = 20
[guard]
max_loss = "100%"
[serve]
listen = "127.0.0.1:0"
operations = "127.0.0.1:0"
"""
POLLERS = ["", "", "gzip", "gzip", "br", "br", "gzip", "br"]
"""What each accepts. The last three ask for deltas."""
DELTAS = 3
EDIT_EVERY = 0.1
"""Seconds."""
ARTICLES = 300
"""About as many there are all the time."""
SECTIONS = ["العالم", "economy", "sport & more", "ثقافة"]
PATIENCE = 60
"""Seconds that nothing takes unless it hangs."""
INDEXES = ("sitemap.xml", "feeds.opml", "stories.json", "index.html")
START = ["rss.xml", "atom.xml", "feed.json", "news-sitemap.xml", *INDEXES]


class Faults(list):
    """What must not be, each as a sentence. The pollers stop once there are too many."""

    def check(self, is_right, what):
        if not is_right:
            self.append(what)
            print(f"FAULT: {what}", file=sys.stderr)
        return is_right


class Known:
    """Which tag stands for which bytes, over all pollers."""

    def __init__(self, faults):
        self.faults, self.lock = faults, threading.Lock()
        self.bytes_of, self.tag_of = {}, {}

    def see(self, path, tag, data):
        digest = hashlib.sha256(data).digest()[:16]
        with self.lock:
            same = self.bytes_of.setdefault(tag, digest) == digest
            alone = self.tag_of.setdefault(digest, tag) == tag
        self.faults.check(same, f"{path}: {tag} stands for two runs of bytes")
        self.faults.check(alone, f"{path}: {tag} and {self.tag_of[digest]} stand for the same bytes")


def write(store, dice, number, clock):
    """An article of any sort."""
    path = store / f"a{number}.json"
    age = timedelta(minutes=number % 90, seconds=dice.randrange(60))
    article = {
        "id": f"a{number}",
        "title": f"خبر {number}: {dice.randrange(1000)}",
        "body": f"<p>{'كلمة ' * dice.randrange(40, 400)}{dice.random()}</p>",
        "published": (clock - age).isoformat(timespec="seconds"),
        "section": dice.choice(SECTIONS),
    }
    if dice.random() < 0.4:
        article["story"] = f"قصة {dice.randrange(12)}"
    chance = dice.random()
    now = datetime.now(timezone.utc)
    if chance < 0.05:
        article["status"] = "withdrawn"
    elif chance < 0.1:
        article["published"] = (now + timedelta(seconds=dice.randrange(1, 20))).isoformat(timespec="seconds")
    elif chance < 0.15:
        article["expires"] = (now + timedelta(seconds=dice.randrange(1, 20))).isoformat(timespec="seconds")
    staged = path.with_name(f".{path.name}.tmp")
    staged.write_text(json.dumps(article, ensure_ascii=False), encoding="utf-8")
    staged.rename(path)


def edit(store, seed, over, counts):
    """Changes something every tenth of a second, and now and then much at once."""
    dice, clock = Random(seed), datetime.now(timezone.utc)
    while not over.wait(EDIT_EVERY):
        number = dice.randrange(ARTICLES)
        for touched in range(number, number + (40 if dice.random() < 0.005 else 1)):
            if dice.random() < 0.15:
                (store / f"a{touched}.json").unlink(missing_ok=True)
            else:
                write(store, dice, touched, clock)
            counts["edits"] += 1


def is_whole(path, data):
    """Whether a document parses to its end."""
    try:
        if path.endswith((".xml", ".opml")):
            ElementTree.fromstring(data)
        elif path.endswith(".json"):
            json.loads(data)
        else:
            return data.rstrip().endswith(b"</html>")
    except (ElementTree.ParseError, ValueError):
        return False
    return True


def named(data):
    """The documents that an index names."""
    urls = re.findall(re.escape(SITE) + r"[^\"<>\s]*", data.decode())
    paths = {unquote(url.removeprefix(SITE)) for url in urls}
    return {path for path in paths if path.endswith((".xml", ".json", ".opml"))}


class Poller(threading.Thread):
    """One that asks again and again for one document or another."""

    def __init__(self, address, accepts, wants_deltas, seed, shared):
        super().__init__()
        self.address, self.accepts, self.wants_deltas, self.dice = address, accepts, wants_deltas, Random(seed)
        self.faults, self.known, self.over, self.counts = shared
        self.paths = list(START)
        self.seen, self.dates = {}, {}
        self.connection = None

    def run(self):
        while not self.over.is_set() and len(self.faults) < 20:
            self.poll(self.dice.choice(START if self.dice.random() < 0.5 else self.paths))
            time.sleep(self.dice.uniform(0, 0.05))

    def fetch(self, path, fields):
        """An answer over a connection that is kept, a new one where it was closed."""
        for _ in range(3):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
            try:
                self.connection.request("GET", "/" + quote(path), headers=fields)
                answer = self.connection.getresponse()
                return answer.status, answer.headers, answer.read()
            except http.client.IncompleteRead:
                self.faults.check(False, f"{path}: fewer bytes than it said")
                raise
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # A connection that was idle for too long, or has carried its share.
                self.connection = None
        raise ConnectionError(path)

    def poll(self, path):
        fields = {"Accept-Encoding": self.accepts}
        tag = self.seen.get(path)
        date = self.dates.get(path)
        if tag and self.dice.random() < 0.8:
            fields["If-None-Match"] = tag
            if self.wants_deltas:
                fields["A-IM"] = "feed"
        elif date and self.dice.random() < 0.5:
            fields["If-Modified-Since"] = date
        status, answer, data = self.fetch(path, fields)
        self.counts[status] += 1
        if status == 200:
            self.take(path, answer, data)
        elif status == 304:
            self.faults.check(not data and answer["ETag"], f"{path}: a 304 with a body, or without a tag")
            self.faults.check("If-None-Match" in fields or date, f"{path}: a 304 for nothing")
        elif status == 226:
            self.patch(path, answer, data)
        else:
            # A section or story that is no more.
            self.faults.check(status == 404 and path not in START, f"{path}: {status}")
            self.paths = [other for other in self.paths if other != path]

    def take(self, path, answer, data):
        """A whole document."""
        self.faults.check(answer["Content-Length"] == str(len(data)), f"{path}: {answer['Content-Length']} for {len(data)}")
        self.known.see(path, answer["ETag"], data)
        plain = self.decoded(path, answer, data)
        self.known.see(path, re.sub(r"-(gzip|br)\"", '"', answer["ETag"]), plain)
        self.faults.check(is_whole(path, plain), f"{path}: not whole ({len(plain)} bytes)")
        self.seen[path] = answer["ETag"]
        if date := answer["Last-Modified"]:
            before, now = self.dates.get(path, date), parsedate_to_datetime(date)
            self.faults.check(parsedate_to_datetime(before) <= now, f"{path}: {before}, then {date}")
            self.faults.check(now.timestamp() <= time.time() + 1, f"{path}: {date} is to come")
            self.dates[path] = date
        if path in INDEXES:
            self.follow(path, plain)

    def decoded(self, path, answer, data):
        coding = answer["Content-Encoding"]
        self.faults.check(coding in (None, self.accepts), f"{path}: {coding}, not {self.accepts}")
        return {None: bytes, "gzip": gzip.decompress, "br": brotli.decompress}[coding](data)

    def patch(self, path, answer, data):
        """A delta: a feed with some of the entries, each once."""
        self.faults.check(answer["Content-Length"] == str(len(data)), f"{path}: a delta's length")
        plain = self.decoded(path, answer, data)
        self.faults.check(is_whole(path, plain), f"{path}: a delta is not whole")
        ids = re.findall(rb"<guid[^>]*>([^<]*)<|<entry>.*?<id>([^<]*)<", plain, re.S)
        self.faults.check(len(ids) == len(set(ids)), f"{path}: a delta has an entry twice")
        self.seen[path] = answer["ETag"]

    def follow(self, index, data):
        """What an index names must be there, unless a newer index no longer names it."""
        names = named(data)
        self.paths = START + sorted(names)
        for name in self.dice.sample(sorted(names), min(10, len(names))):
            if self.fetch(name, {})[0] != 200:
                again = named(self.fetch(index, {})[2])
                is_gone = name not in again or self.fetch(name, {})[0] == 200
                self.faults.check(is_gone, f"{index} names {name}, which is not there")
            self.counts["followed"] += 1


def serve(program, root):
    log = (root / "log").open("w")
    server = subprocess.Popen([program, "serve"], cwd=root, stderr=log, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    sync = [program, "sync"]
    while subprocess.run(sync, cwd=root, capture_output=True).returncode != 0:
        if time.monotonic() > deadline:
            sys.exit("FAULT: it does not start")
        time.sleep(0.1)
    return server, re.search(r"serving documents.*address=(\S+)", (root / "log").read_text())[1]


def compare(faults, program, root, address):
    """Once nothing moves any more, what is served is what is in `out`, and that is what a build makes."""
    # Embargoes and expiries are at most twenty seconds away.
    time.sleep(21)
    subprocess.run([program, "sync"], cwd=root, check=True, capture_output=True)
    for file in (root / "out").rglob("*"):
        if file.is_file() and not file.name.startswith("."):
            path = str(file.relative_to(root / "out"))
            connection = http.client.HTTPConnection(address, timeout=PATIENCE)
            connection.request("GET", "/" + quote(path))
            answer = connection.getresponse()
            faults.check(answer.read() == file.read_bytes(), f"{path}: not what is in out")
    verified = subprocess.run([program, "verify"], cwd=root, capture_output=True, text=True)
    faults.check(verified.returncode == 0, f"verify: {verified.stdout}{verified.stderr}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    program, faults, over = options.program.resolve(), Faults(), threading.Event()
    counts, known = Counter(), Known(faults)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        store = root / "store"
        store.mkdir()
        (root / "config.toml").write_text(CONFIG)
        for number in range(ARTICLES):
            write(store, Random(number), number, datetime.now(timezone.utc))
        server, address = serve(program, root)
        try:
            editor = threading.Thread(target=edit, args=(store, options.seed, over, counts))
            tallies = [Counter() for _ in POLLERS]
            pollers = [
                Poller(address, accepts, place >= len(POLLERS) - DELTAS, place, (faults, known, over, tallies[place]))
                for place, accepts in enumerate(POLLERS)
            ]
            for thread in [editor, *pollers]:
                thread.start()
            end = time.monotonic() + options.minutes * 60
            while time.monotonic() < end and len(faults) < 20 and all(thread.is_alive() for thread in pollers):
                time.sleep(0.2)
            faults.check(all(thread.is_alive() for thread in pollers), "a poller ended before its time")
            over.set()
            for thread in [editor, *pollers]:
                thread.join()
            compare(faults, program, root, address)
        finally:
            over.set()
            server.send_signal(signal.SIGTERM)
            faults.check(server.wait(PATIENCE) == 0, "the server did not end well")
    counts.update(sum(tallies, Counter()))
    asked = sum(counts[status] for status in (200, 226, 304, 404))
    faults.check(asked > 0 and counts[226] > 0 and counts[304] > 0, "nothing was read")
    if faults:
        sys.exit(f"{len(faults)} faults")
    print(
        f"{options.minutes:g} minutes: {counts['edits']} edits, {asked} answers ({counts[200]} whole, {counts[304]} unchanged, "
        f"{counts[226]} deltas), {len(known.bytes_of)} tags for as many runs of bytes, "
        f"{counts['followed']} links of indexes followed; nothing was wrong"
    )


if __name__ == "__main__":
    main()
