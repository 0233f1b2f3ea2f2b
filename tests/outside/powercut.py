"""The power is cut while a daemon or a build publishes to XFS, which keeps only what was synced.

    powercut.py PROGRAM [--cuts 30] [--seed 1] [--lie]

out and state are on a file system that stops at a random moment without writing anything more, its log
included. Mounted again, every document is whole, no index names what is not there, and what had been
reported published, or withdrawn, still is; and the next start makes of out what a build with the same
memory makes. With --lie, syncs are reported done that are not: it must then find a fault, or it could
not find any. Needs root, loop devices, mkfs.xfs and xfs_io.
"""

import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from watched import Newsroom, article, check_whole, put

SIZE = 320 << 20
"""The smallest that mkfs.xfs makes is 300 MB."""

SHOWING = ("", "sections/s0/", "stories/t0/")
"""Whose feeds show the article that carries the count."""


class Disk:
    """A file system whose power can be cut."""

    def __init__(self):
        self.base = Path(tempfile.mkdtemp(prefix="khabar-power-"))
        self.image, self.place = self.base / "image", self.base / "disk"
        self.place.mkdir()
        with self.image.open("wb") as file:
            file.truncate(SIZE)
        subprocess.run(["mkfs.xfs", "-q", self.image], check=True)

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.place], check=True)

    def cut(self):
        """Stops the file system as it is: what is in memory alone is lost."""
        subprocess.run(["xfs_io", "-x", "-c", "shutdown", self.place], check=True)

    def unmount(self):
        # What was killed under strace may take a moment to be gone.
        for _ in range(200):
            if subprocess.run(["umount", self.place], stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.05)
        raise OSError(f"{self.place} stays in use")

    def remove(self):
        while subprocess.run(["umount", "-l", self.place], stderr=subprocess.DEVNULL).returncode == 0:
            pass
        shutil.rmtree(self.base)


class Publisher(threading.Thread):
    """Edits and has it published, over and over, until it fails; remembers what was reported done."""

    def __init__(self, newsroom, dice, first, is_daemon):
        super().__init__(daemon=True)
        self.newsroom, self.dice, self.is_daemon = newsroom, dice, is_daemon
        self.reported = self.count = first
        self.withdrawn = {}

    def run(self):
        command = ["sync", "--timeout", "10s"] if self.is_daemon else ["build"]
        while True:
            self.count += 1
            self.edit()
            if self.newsroom.run(*command).returncode != 0:
                return
            self.reported = self.count
            number = self.dice.randrange(10, 20)
            what = "restore" if self.withdrawn.get(number) == "withdraw" else "withdraw"
            self.withdrawn.pop(number, None)
            if self.newsroom.run(what, f"a{number}").returncode != 0:
                return
            self.withdrawn[number] = what

    def edit(self):
        """The newest article carries the count; others come, go and change, with sections and stories."""
        put(self.newsroom.store / "count.json", article(99, f"count {self.count}.", "s0", "t0", 3))
        for _ in range(3):
            number = self.dice.randrange(30)
            path = self.newsroom.store / f"{number}.json"
            if number < 8 and path.exists():
                path.unlink()
            else:
                section, story = f"s{self.dice.randrange(6)}", f"t{self.dice.randrange(6)}"
                put(path, article(number, f"edit {self.count} of {number}", section, story, 5 + 50 * number))


def cut(disk, newsroom, dice, number):
    """One cut. Says how often a publication had been reported before it."""
    is_daemon = number % 2 == 0
    what = f"cut {number} of {'a daemon' if is_daemon else 'builds'}"
    if is_daemon:
        newsroom.started()
    publisher = Publisher(newsroom, dice, 1000 * number, is_daemon)
    publisher.start()
    # Some cuts come before anything was reported.
    time.sleep(dice.random() * dice.choice([0.2, 2.0]))
    reported = publisher.reported
    disk.cut()
    if is_daemon:
        newsroom.kill()
    publisher.join()
    disk.unmount()
    disk.mount()
    found = check_whole(newsroom.out, what)
    if reported > 1000 * number:
        for path in (f"{folder}{name}" for folder in SHOWING for name in ("rss.xml", "atom.xml", "feed.json")):
            counts = {int(count) for count in re.findall(rb"count (\d+)\.", found.get(path, b""))}
            assert counts and min(counts) >= reported, f"{what}: {reported} was reported, {path} shows {counts or 'nothing'}"
    newsroom.started()
    newsroom.check_true(what)
    for article_number, command in publisher.withdrawn.items():
        if command == "withdraw":
            for path in newsroom.out.rglob("feed.json"):
                assert f":a{article_number}\"" not in path.read_text(), f"{what}: the withdrawal of a{article_number} is lost"
    newsroom.stop()
    return reported - 1000 * number


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--cuts", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lie", action="store_true")
    options = parser.parse_args()
    missing = [command for command in ("mkfs.xfs", "xfs_io", "mount") if not shutil.which(command)]
    if missing:
        sys.exit(f"powercut: not tried, for {', '.join(missing)} is missing")
    dice, reported = random.Random(options.seed), 0
    disk = Disk()
    lies = "fsync,fdatasync,syncfs:retval=0" if options.lie else None
    newsroom = Newsroom(options.program, out=disk.place / "out", state=disk.place / "state", lies=lies)
    try:
        try:
            disk.mount()
        except subprocess.CalledProcessError:
            sys.exit("powercut: not tried, for a file cannot be mounted: it needs root and loop devices")
        for number in range(30):
            put(newsroom.store / f"{number}.json", article(number, "first", f"s{number % 6}", f"t{number % 6}", 5 + 50 * number))
        for number in range(options.cuts):
            reported += cut(disk, newsroom, dice, number)
    except AssertionError as fault:
        if not options.lie:
            raise
        print(f"powercut: with syncs that do nothing a fault was found, as it must be: {fault}")
        return
    finally:
        newsroom.remove()
        disk.remove()
    if options.lie:
        sys.exit("powercut: syncs did nothing and no fault was found: the check finds nothing")
    assert reported, "nothing was reported before a cut"
    print(f"powercut: {options.cuts} cuts after {reported} reported publications, seed {options.seed}: 0 faults")


if __name__ == "__main__":
    main()
