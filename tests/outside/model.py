"""Random operations on a watched store, then `khabar sync`, then out byte for byte what a build makes.

    model.py PROGRAM [--operations 2000] [--seed 1] [--every 50] [--lose]

The store is changed in every way that editors, sync tools and people have; the daemon's clock, its
configuration and its life are changed too. It must make of all that exactly what a build into an
empty folder makes, with the same memory, at the instant that is khabar's now: the greatest of the
clock and the instant last published at. The clock stands still unless it is moved (libfaketime), so
nothing waits for a second to pass. After `sysctl fs.inotify.max_queued_events=16`, the kernel also
loses events in every burst. With --lose, the kernel is made to refuse some of the daemon's watches
without its knowing (with strace) and the audit is put off: the check must then find a difference, or
it could not find any.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

from changes import DAY, HOUR, START, Store, rfc3339

CONFIG = """
[publication]
name = "News Example"
language = "ar"
url = "https://news.example/"
feeds_url = "https://news.example/"
id_authority = "news.example,2016"
[store]
path = "store"
scan_every = "{scan_every}"
settle = "5ms"
settle_delete = "30ms"
[out]
path = "{out}"
[state]
path = "{state}"
[feeds]
newest = {newest}
floor = "1h"
[feeds.stories]
content = "summary"
[[story]]
id = "tagged"
match = {{ tags = ["tag"] }}
"""


class Clock:
    """The daemon's clock, and what khabar's now may be by it."""

    def __init__(self, file):
        self.file, self.time = file, START
        # The instants that it may have published at last: one, unless it was moved unobserved.
        self.marks = {START}
        self.move(START)

    def move(self, to):
        self.time = to
        self.marks |= set(self.nows())
        staged = self.file.with_suffix(".new")
        staged.write_text(datetime.fromtimestamp(to, timezone.utc).strftime("%Y-%m-%d %H:%M:%S\n"))
        staged.rename(self.file)

    def nows(self):
        return sorted({max(self.time, mark) for mark in self.marks}, reverse=True)

    def now(self):
        return self.nows()[0]

    def has_published(self):
        """Something was surely published at this time."""
        self.marks = set(self.nows())

    def is_accepted(self):
        self.marks = {self.time}


class World:
    """A store, a daemon that watches it, and what can befall the daemon."""

    def __init__(self, program, seed, lose):
        self.program = str(Path(program).resolve())
        self.base = Path(tempfile.mkdtemp(prefix="khabar-model-"))
        self.dice = random.Random(seed)
        self.clock = Clock(self.base / "clock")
        self.store = Store(self.base / "store", self.dice, self.clock)
        self.store.when_linked = self.sync
        self.lose, self.newest, self.withdrawn = lose, 5, []
        self.compared = self.late = 0
        self.is_stopped = True
        for _ in range(60):
            self.store.write()
        self.configure()
        self.log = (self.base / "log").open("w")
        self.start()

    def configure(self):
        for name, out, state, scan_every in (
            ("oracle.toml", "oracle-out", "oracle-state", "7d"),
            ("config.toml", "out", "state", "7d" if self.lose else "10s"),
        ):
            staged = self.base / f"{name}.new"
            staged.write_text(CONFIG.format(out=out, state=state, scan_every=scan_every, newest=self.newest))
            staged.rename(self.base / name)

    def start(self):
        library = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
        assert library, "libfaketime is not installed (Debian: libfaketime)"
        fake = {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self.clock.file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1", "TZ": "UTC",
        }
        command = [self.program, "-c", str(self.base / "config.toml"), "watch"]
        if self.lose:
            # Of the first hundred watches every fifth is refused, as for a folder that is not ours.
            inject = "inject=inotify_add_watch:error=EACCES:when=3+5"
            strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=inotify_add_watch", "-e", inject]
            command = [*strace, *(word for name, value in fake.items() for word in ("-E", f"{name}={value}")), *command]
            fake = {}
        self.is_stopped = False
        self.daemon = subprocess.Popen(command, stderr=self.log, start_new_session=True, env=os.environ | fake)
        for _ in range(200):
            if self.ask("sync").returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError((self.base / "log").read_text())

    def ask(self, *arguments):
        command = [self.program, "-q", "-c", str(self.base / "config.toml"), *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    def sync(self):
        if self.is_stopped:
            return
        run = self.ask("sync", "--timeout", "60s")
        assert run.returncode == 0, f"sync failed: {run.stderr}"

    def move_clock(self):
        """Mostly forward, and often to the very second at which something is due, or just before."""
        span = self.dice.choice([90, 90, HOUR, HOUR, 6 * HOUR, 3 * DAY])
        to = self.clock.time + self.dice.randrange(1, span)
        path = self.store.any_file()
        if self.dice.random() < 0.5 and path.exists():
            try:
                article = json.loads(path.read_bytes())
                due = datetime.fromisoformat(article.get("expires", article["published"])).timestamp()
            except (ValueError, KeyError, TypeError):
                due = 0
            due = int(due) + self.dice.choice([0, HOUR, 2 * DAY]) - self.dice.randrange(2)
            to = due if self.clock.now() < due else to
        self.clock.move(to)

    def move_clock_back(self):
        if self.dice.random() < 0.8:
            # So that it is known what was last published at.
            self.store.count += 1
            article = {"id": "clock", "title": str(self.store.count), "published": rfc3339(START)}
            self.store.replace(self.store.root / "clock.json", json.dumps(article))
            self.sync()
            self.clock.has_published()
        self.clock.move(self.clock.time - self.dice.randrange(1, self.dice.choice([70, HOUR, 3 * DAY])))

    def accept_clock(self):
        if self.ask("accept", "--clock").returncode == 0:
            self.clock.is_accepted()

    def withdraw(self):
        article = f"a{self.dice.randrange(80)}"
        run = self.ask("withdraw", article)
        assert run.returncode == 0, run.stderr
        assert f":{article}<" not in (self.base / "out" / "rss.xml").read_text(), f"{article} is withdrawn and shown"
        self.withdrawn.append(article)

    def restore(self):
        if self.withdrawn:
            self.ask("restore", self.withdrawn.pop(self.dice.randrange(len(self.withdrawn))))

    def accept(self):
        self.ask("accept")

    def lose_much(self):
        """Nearly everything goes, which the guard holds; then it returns, or that is accepted."""
        outside, root = self.store.outside, self.store.root
        outside.mkdir()
        names = sorted(path.name for path in root.iterdir())
        lost = [name for name in names if self.dice.random() < 0.9]
        for name in lost:
            (root / name).rename(outside / name)
        self.compare()
        if self.dice.random() < 0.7:
            for name in lost:
                (outside / name).rename(root / name)
        else:
            self.ask("accept")
        shutil.rmtree(outside)

    def reconfigure(self):
        self.newest = self.dice.choice([3, 5, 7])
        before = self.log_text().count("the configuration is read again")
        self.configure()
        if self.dice.random() < 0.7:
            self.daemon.send_signal(signal.SIGHUP)
        for _ in range(300):
            if self.log_text().count("the configuration is read again") > before:
                return
            time.sleep(0.01)
        raise AssertionError("the configuration is not read again")

    def log_text(self):
        return (self.base / "log").read_text()

    def stop_and_continue(self):
        self.daemon.send_signal(signal.SIGSTOP)
        self.is_stopped = True
        for _ in range(self.dice.randrange(100)):
            self.change_store()
        self.daemon.send_signal(signal.SIGCONT)
        self.is_stopped = False

    def restart(self):
        if self.dice.random() < 0.5:
            self.daemon.kill()
            self.daemon.wait()
        else:
            self.stop()
        self.is_stopped = True
        for _ in range(self.dice.randrange(10)):
            self.change_store()
        self.start()

    def take_the_root_away(self):
        """Away and back, or another folder with the same files in its place."""
        root, outside = self.store.root, self.store.outside
        root.rename(outside)
        self.store.pause(0.1)
        if self.dice.random() < 0.5:
            outside.rename(root)
        else:
            shutil.copytree(outside, self.base / "copy", symlinks=True)
            (self.base / "copy").rename(root)
            shutil.rmtree(outside)

    def change_store(self):
        return self.draw(self.store.ways())

    def change(self):
        ways = self.store.ways()
        if not self.lose:
            ways |= {
                self.move_clock: 8, self.move_clock_back: 0.5, self.accept_clock: 0.2, self.withdraw: 1, self.restore: 1,
                self.accept: 0.4, self.lose_much: 0.2, self.reconfigure: 0.15, self.stop_and_continue: 0.3,
                self.restart: 0.15, self.take_the_root_away: 0.1,
            }
        return self.draw(ways)

    def draw(self, ways):
        way = self.dice.choices(list(ways), list(ways.values()))[0]
        way()
        return way.__name__

    def expected(self, now):
        """What a build makes now with the daemon's memory and nothing else."""
        for name in ("oracle-out", "oracle-state"):
            shutil.rmtree(self.base / name, ignore_errors=True)
        (self.base / "oracle-state").mkdir()
        memory = self.base / "state" / "memory"
        if memory.exists():
            shutil.copy(memory, self.base / "oracle-state" / "memory")
        command = [self.program, "-q", "-c", str(self.base / "oracle.toml"), "build", "--now", rfc3339(now)]
        run = subprocess.run(command, capture_output=True, text=True)
        assert run.returncode in (0, 1), run.stderr
        return tree(self.base / "oracle-out")

    def compare(self):
        """Syncs and compares. What is due by the clock may come a second late, and is told."""
        self.compared += 1
        for attempt in range(5):
            self.late += attempt > 0
            time.sleep(0.3 if attempt > 0 else 0)
            self.sync()
            found = tree(self.base / "out")
            for now in self.clock.nows():
                expected = self.expected(now)
                different = sorted(p for p in found.keys() | expected.keys() if found.get(p) != expected.get(p))
                if not different:
                    return
        raise Different(different)

    def stop(self):
        os.killpg(self.daemon.pid, signal.SIGTERM)
        code = self.daemon.wait(10)
        assert code == 0, f"the daemon ended with {code}"

    def kill(self):
        """Whatever has happened, no daemon stays."""
        if self.daemon.poll() is None:
            os.killpg(self.daemon.pid, signal.SIGKILL)
        self.log.close()


class Different(Exception):
    """The documents that differ."""


def tree(root):
    found = [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names]
    return {os.path.relpath(path, root): Path(path).read_bytes() for path in found}


def run(world, options):
    recent, start = [], time.monotonic()
    for operation in range(1, options.operations + 1):
        try:
            recent.append(world.change())
            if operation % options.every == 0:
                world.compare()
        except Different as different:
            world.stop()
            if options.lose:
                shutil.rmtree(world.base)
                print(f"model: with lost events, a difference was found after {operation} operations, as it must be")
                return
            print(f"seed {options.seed}, operation {operation}: {len(different.args[0])} documents differ: {different.args[0][:8]}")
            print("last operations:", recent[-options.every :])
            sys.exit(f"everything is in {world.base}")
        if operation % 5_000 == 0:
            print(f"{operation} operations in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    world.stop()
    if options.lose:
        sys.exit("model: events were lost and no difference was found: the check finds nothing")
    shutil.rmtree(world.base)
    print(
        f"model: {options.operations} operations, {world.compared} comparisons ({world.late} tries came too early), "
        f"seed {options.seed}: 0 differences"
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--operations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--lose", action="store_true")
    options = parser.parse_args()
    world = World(options.program, options.seed, options.lose)
    try:
        run(world, options)
    finally:
        world.kill()


main()
