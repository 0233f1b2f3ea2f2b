"""A newsroom on disk and the daemon that watches it: what the programs that break it share.

What a reader may ask at any instant is here (every document whole, no index that names what is not
there), and what must be true once the daemon has come to rest: `out` is what a build makes.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta, timezone
from pathlib import Path

FEEDS = "https://news.example/feeds/"
CONFIG = """
[publication]
name = "News Example"
language = "en"
url = "https://news.example/"
feeds_url = "{feeds}"
id_authority = "news.example,2016"
[store]
path = "{store}"
settle = "{settle}"
settle_delete = "20ms"
[out]
path = "{out}"
[state]
path = "{state}"
[feeds]
newest = 5
"""
MEMORY = Path("/dev/shm")
STAGE = ".khabar-stage"
INDEXES = ("sitemap.xml", "feeds.opml", "stories.json", "index.html")
# What a publication does to files. Each is tried only where it is seen to happen.
CALLS = [
    "openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "syncfs", "rename", "renameat", "renameat2",
    "unlink", "unlinkat", "mkdir", "mkdirat", "fchmod",
]
# No deadline falls into a run: nothing here is younger than two hours or about two days old.
START = datetime.now(timezone.utc)
# Told to stop, a program still takes away what it has mounted and started.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))


def published(hours):
    return (START - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def article(number, title, section, story, hours):
    told = {
        "id": f"a{number}",
        "title": title,
        "body": f"<p>{title}, by itself</p>",
        "published": published(hours),
        "section": section,
    }
    return told | {"story": story} if story else told


def put(path, value):
    """As editors save: beside the file, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.tmp")
    staged.write_text(json.dumps(value))
    staged.rename(path)


def put_version(store, version, stories=2):
    """Eight articles, one of which has two versions that differ in nearly every document, gain a section
    and lose one. One file makes the difference, so that no third version is ever read."""
    for number in range(1, 8):
        if not (store / f"{number}.json").exists():
            put(store / f"{number}.json", article(number, f"title {number}", "world", f"s{number % stories}", 5 + number))
    first = article(0, f"version {version}", ("old", "new")[version], None, 5)
    put(store / "0.json", first | {"stories": [f"s{number}" for number in range(stories)]})


def tree(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def tree_at_rest(root):
    """The same twice: nothing came or went while it was read."""
    for _ in range(1000):
        try:
            found = tree(root)
            if found == tree(root):
                return found
        except FileNotFoundError:
            pass
    raise AssertionError(f"{root} does not come to rest")


def check_whole(out, what):
    """Every document parses to its end, and no index names what is not there."""
    found = {path: data for path, data in tree_at_rest(out).items() if not path.startswith(STAGE)}
    for path, data in found.items():
        try:
            if path.endswith((".xml", ".opml")):
                ElementTree.fromstring(data)
            elif path.endswith(".json"):
                json.loads(data)
            else:
                assert data.rstrip().endswith(b"</html>")
        except (ElementTree.ParseError, ValueError, AssertionError) as error:
            raise AssertionError(f"{what}: {path} is not whole ({len(data)} bytes): {error}") from error
    for index in INDEXES:
        for url in re.findall(re.escape(FEEDS) + r"[^\"<>\s]+", found.get(index, b"").decode()):
            assert url.removeprefix(FEEDS) in found, f"{what}: {index} names {url}"
    return found


class Newsroom:
    """A store, an out and a state, each of which may be elsewhere, and at most one daemon."""

    def __init__(self, program, out=None, state=None, settle="5ms", lies=None):
        self.program = str(Path(program).resolve())
        self.base = Path(tempfile.mkdtemp(prefix="khabar-watched-"))
        self.store, self.out, self.state = self.base / "store", out or self.base / "out", state or self.base / "state"
        self.store.mkdir()
        # What only compares needs no disk.
        self.side = Path(tempfile.mkdtemp(prefix="khabar-fresh-", dir=MEMORY if MEMORY.is_dir() else None))
        self.settle = settle
        self.config("config.toml", self.out, self.state)
        self.config("fresh.toml", self.side / "out", self.side / "state")
        # Calls that the daemon is told have succeeded and that do nothing: the checks must see it.
        self.lies = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={lies}"] if lies else []
        self.daemon, self.log = None, []

    def config(self, name, out, state):
        (self.base / name).write_text(CONFIG.format(
            feeds=FEEDS, store=self.store, settle=self.settle, out=out, state=state
        ))

    def command(self, *arguments, config="config.toml"):
        return [self.program, "-c", str(self.base / config), *arguments]

    def run(self, *arguments, config="config.toml"):
        return subprocess.run(self.command("-q", *arguments, config=config), capture_output=True, text=True)

    def start(self):
        """Starts the daemon and does not wait for it."""
        # One worker, so that the calls of a publication come in one order.
        environment = os.environ | {"RAYON_NUM_THREADS": "1"}
        command = [*self.lies, *self.command("watch")]
        self.daemon = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
        )
        self.log = []
        threading.Thread(target=lambda p, log: log.extend(p), args=(self.daemon.stderr, self.log), daemon=True).start()

    def started(self):
        """Starts the daemon and waits until it answers."""
        self.start()
        for _ in range(3000):
            if self.run("sync").returncode == 0:
                return
            assert self.daemon.poll() is None, f"the daemon ended: {self.said()}"
            time.sleep(0.01)
        raise AssertionError(f"the daemon does not answer: {self.said()}")

    def said(self):
        return "".join(self.log)

    def kill(self):
        os.killpg(self.daemon.pid, signal.SIGKILL)
        self.daemon.wait()

    def stop(self):
        os.killpg(self.daemon.pid, signal.SIGTERM)
        assert self.daemon.wait(60) == 0, f"the daemon ended with {self.daemon.returncode}: {self.said()}"

    def sync(self):
        run = self.run("sync", "--timeout", "60s")
        assert run.returncode == 0, f"sync: {run.stderr}\n{self.said()}"

    def fresh(self):
        """What a build makes now with what must not be forgotten and nothing else."""
        for name in ("out", "state"):
            shutil.rmtree(self.side / name, ignore_errors=True)
        (self.side / "state").mkdir()
        if (self.state / "memory").exists():
            shutil.copy(self.state / "memory", self.side / "state" / "memory")
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        run = self.run("build", "--now", now, config="fresh.toml")
        assert run.returncode == 0, run.stderr
        return tree(self.side / "out")

    def check_true(self, what):
        """`out` is what a build makes, byte for byte, and nothing staged is left."""
        found, fresh = tree(self.out), self.fresh()
        different = sorted(p for p in found.keys() | fresh.keys() if found.get(p) != fresh.get(p))
        assert not different, f"{what}: {len(different)} documents differ from a build: {different[:6]}"
        assert not (self.out / STAGE).exists(), f"{what}: the stage stays"

    def remove(self):
        if self.daemon and self.daemon.poll() is None:
            self.kill()
        shutil.rmtree(self.base, ignore_errors=True)
        shutil.rmtree(self.side, ignore_errors=True)


class Strace:
    """strace on a running daemon, from when it is there until it lets go."""

    def __init__(self, daemon, log, *options):
        self.log = log
        command = ["strace", "-f", "-qq", "-y", "-o", str(log), *options, "-p", str(daemon)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while not all("TracerPid:\t0" not in status for status in statuses(daemon)):
            assert self.process.poll() is None, f"strace: {self.process.stderr.read()}"
            time.sleep(0.002)

    def let_go(self):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()

    def injected(self):
        return self.log.read_text().count("INJECTED")


def statuses(process):
    for task in Path(f"/proc/{process}/task").iterdir():
        try:
            yield (task / "status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            pass


def seen_calls(newsroom, change):
    """The calls that a publication makes beneath out and state, each with the options that make strace
    meet those alone. One thread stages and another does the rest, and strace counts by threads: so
    what is done in the stage stands apart."""
    log = newsroom.base / "seen"
    strace = Strace(newsroom.daemon.pid, log, "-e", f"trace={','.join(CALLS)}")
    change()
    newsroom.sync()
    strace.let_go()
    stage, places = str(newsroom.out / STAGE), (str(newsroom.out), str(newsroom.state))
    calls, paths = set(), ({stage}, set(places))
    for line in log.read_text().splitlines():
        call = re.match(r"\d+ +(\w+)\(", line)
        # A path as an argument, and one that strace knows a descriptor by.
        named = [p for p in re.findall(r'[<"](/[^<>"]*)[>"]', line) if p.startswith(places)]
        if call and named:
            is_elsewhere = not named[0].startswith(stage)
            calls.add((call.group(1), is_elsewhere))
            paths[is_elsewhere].add(named[0])
    beneath = [[option for path in sorted(group) for option in ("-P", path)] for group in paths]
    return [(call, beneath[is_elsewhere]) for call, is_elsewhere in sorted(calls)]
