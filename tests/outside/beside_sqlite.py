"""A daemon beside another program that writes the same SQLite database all the time.

    beside_sqlite.py PROGRAM [--seconds 20]

The writer is Python's sqlite3 in a process of its own, in both journal modes, with and without a
sequence. Each of its commits gives two rows the same number, so that a reading that is no snapshot
shows; and it waits for locks no longer than it does by itself (5 s), so that a reader that holds one
shows too. Every acknowledged commit must be published once `khabar sync` returns, also where the
daemon was killed meanwhile; in the end, `out` must be byte for byte what a build makes.
"""

import argparse
import json
import multiprocessing
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIG = """
[publication]
name = "News Example"
language = "ar"
url = "https://news.example/"
feeds_url = "https://news.example/"
id_authority = "news.example,2016"
[store]
kind = "sqlite"
path = "{database}"
table = "articles"
{sequence}
[feeds]
newest = 10
[guard]
max_loss = "100%"
"""
SCHEMA = """
CREATE TABLE articles (id TEXT PRIMARY KEY, title TEXT, body TEXT, published TEXT, seq INTEGER);
CREATE INDEX by_seq ON articles (seq);
"""
ROWS = 500
KILLS = 3
PUT = "INSERT OR REPLACE INTO articles VALUES (?, ?, ?, ?, (SELECT coalesce(max(seq), 0) + 1 FROM articles))"


def write(database, acknowledged, is_over, longest):
    """Commits until told to stop; says which number is committed, and how long a commit took."""
    connection = sqlite3.connect(database, isolation_level=None)
    chance = random.Random(7)
    number = 0
    while not is_over.value:
        number += 1
        begun = time.monotonic()
        connection.execute("BEGIN IMMEDIATE")
        for twin, minute in (("left", "59"), ("right", "58")):
            row = (twin, f"عدد {number}", f"<p>{number}</p>", f"2025-03-10T12:{minute}:00Z")
            connection.execute(PUT, row)
        name = f"a{chance.randrange(ROWS)}"
        if chance.random() < 0.2:
            connection.execute("DELETE FROM articles WHERE id = ?", (name,))
        else:
            row = (name, f"خبر {number}", "<p>نص</p>" * 20, "2025-03-09T12:00:00Z")
            connection.execute(PUT, row)
        connection.execute("COMMIT")
        acknowledged.value = number
        longest.value = max(longest.value, time.monotonic() - begun)
        time.sleep(chance.random() * 0.01)


def shown(folder):
    """The numbers that the two rows have in the front feed."""
    feed = json.loads((folder / "out/feed.json").read_text())
    items = {item["id"].rsplit(":")[-1]: item["title"] for item in feed["items"]}
    return [int(items[twin].split()[-1]) for twin in ("left", "right")]


def start(program, folder):
    return subprocess.Popen([program, "watch"], cwd=folder, stderr=(folder / "log").open("ab"))


def sync(program, folder):
    deadline = time.monotonic() + 60
    while subprocess.run([program, "-q", "sync"], cwd=folder, stderr=subprocess.DEVNULL).returncode:
        if time.monotonic() > deadline:
            sys.exit(f"sync fails: {(folder / 'log').read_text()}")
        time.sleep(0.05)


def run(program, journal, sequence, seconds):
    folder = Path(tempfile.mkdtemp(prefix="khabar-beside-"))
    database = folder / "cms.sqlite3"
    connection = sqlite3.connect(database)
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.executescript(SCHEMA)
    connection.close()
    config = CONFIG.format(database=database, sequence='sequence = "seq"' if sequence else "")
    (folder / "config.toml").write_text(config)
    acknowledged, is_over = multiprocessing.Value("q", 0), multiprocessing.Value("b", 0)
    longest = multiprocessing.Value("d", 0)
    writer = multiprocessing.Process(target=write, args=(database, acknowledged, is_over, longest))
    writer.start()
    daemon = start(program, folder)
    sync(program, folder)
    begun, syncs, looks, kills = time.monotonic(), 0, 0, 0
    while time.monotonic() < begun + seconds:
        before = acknowledged.value
        sync(program, folder)
        syncs += 1
        left, right = shown(folder)
        if left < before:
            sys.exit(f"{journal}: commit {before} is not published, {left} is")
        for _ in range(20):
            looks += 1
            left, right = shown(folder)
            if left != right:
                sys.exit(f"{journal}: {left} and {right} were committed together")
            time.sleep(0.01)
        if kills < KILLS and time.monotonic() > begun + seconds * (kills + 1) / (KILLS + 1):
            kills += 1
            daemon.kill()
            daemon.wait()
            daemon = start(program, folder)
    is_over.value = 1
    writer.join()
    if writer.exitcode != 0:
        sys.exit(f"{journal}: the writer could not write")
    sync(program, folder)
    daemon.terminate()
    if daemon.wait() != 0:
        sys.exit(f"the daemon ended with {daemon.returncode}")
    subprocess.run([program, "-q", "verify"], cwd=folder, check=True)
    log = (folder / "log").read_text()
    if "cannot be used" in log or "panicked" in log:
        sys.exit(log)
    name = "with a sequence" if sequence else "without"
    print(
        f"{journal}, {name}: {acknowledged.value} commits, the longest {longest.value * 1000:.0f} ms, "
        f"{syncs} syncs, {looks} looks, {kills} kills"
    )
    shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    for journal in ("wal", "delete"):
        for sequence in (True, False):
            run(options.program.resolve(), journal, sequence, options.seconds)


if __name__ == "__main__":
    main()
