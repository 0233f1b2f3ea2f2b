"""Random operations on a watched store, then `khabar sync`, then out byte for byte what a build makes.

    model.py PROGRAM [--operations 2000] [--seed 1] [--every 50] [--queue N] [--lose]

The store is changed in every way that editors, sync tools and people have; the daemon's clock, its
configuration and its life are changed too. It must make of all that exactly what a build into an
empty folder makes, with the same memory, at the instant that is khabar's now: the greatest of the
clock and the instant last published at. The clock stands still unless it is moved (libfaketime), so
nothing waits for a second to pass. With --queue, the kernel forgets events over that number (root
only). With --lose, the kernel is made to refuse some of the daemon's watches without its knowing
(with strace) and the audit is put off: the check must then find a difference, or it could not find any.
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
START = int(datetime(2026, 11, 23, 12, tzinfo=timezone.utc).timestamp())
MINUTE, HOUR, DAY = 60, 3600, 86400
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


def rfc3339(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


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


class Store:
    """A folder of articles and the ways to change it."""

    def __init__(self, root, dice, clock):
        self.root, self.dice, self.clock = root, dice, clock
        self.outside = root.parent / "outside"
        root.mkdir()
        self.count = 0
        self.broken = []
        self.when_linked = lambda: None

    def walk(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield folder, sorted(names)

    def files(self):
        """All but links, whose names begin with k."""
        return [f"{folder}/{name}" for folder, names in self.walk() for name in names if name.endswith(".json") and name[0] != "k"]

    def folders(self):
        return [Path(folder) for folder, _ in self.walk()][1:]

    def place(self):
        parts = [f"d{self.dice.randrange(4)}" for _ in range(self.dice.randrange(4))]
        path = self.root.joinpath(*parts, f"{self.dice.randrange(60)}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def any_file(self):
        """A file that is there, or a place for one."""
        files = self.files()
        return Path(self.dice.choice(files)) if files else self.place()

    def pause(self, most):
        time.sleep(self.dice.random() * most)

    def text(self):
        dice, now = self.dice, self.clock.now()
        if dice.random() < 0.06:
            return '{"id": "broken", "title":'
        self.count += 1
        ages = [dice.randrange(90 * DAY), dice.randrange(3 * DAY), dice.randrange(2 * HOUR), -dice.randrange(2 * HOUR), -dice.randrange(2 * DAY)]
        article = {
            "id": f"a{dice.randrange(80)}",
            "title": f"عنوان {self.count % 7}",
            "summary": f"ملخص {self.count % 5}",
            "body": f"<p>متن {self.count}</p>",
            "published": rfc3339(now - dice.choices(ages, [4, 4, 2, 1, 1])[0]),
            "section": f"قسم {dice.randrange(3)}",
            "status": dice.choice(["published"] * 8 + ["draft", "withdrawn"]),
        }
        if dice.random() < 0.4:
            article["story"] = f"s{dice.randrange(4)}"
        if dice.random() < 0.3:
            article["tags"] = ["tag"]
        if dice.random() < 0.2:
            article["updated"] = rfc3339(now + dice.randrange(-DAY, HOUR))
        if dice.random() < 0.1:
            article["expires"] = rfc3339(now + dice.randrange(-HOUR, dice.choice([HOUR, 3 * DAY])))
        return json.dumps(article, ensure_ascii=False)

    def write(self):
        self.place().write_text(self.text())

    def replace(self, path, text, staged_name=".{}.tmp"):
        staged = path.with_name(staged_name.format(path.name))
        staged.write_text(text)
        staged.rename(path)

    def save_by_rename(self):
        self.replace(self.place(), self.text())

    def save_as_vim_does(self):
        path = self.any_file()
        if path.exists():
            backup = path.with_name(path.name + "~")
            path.rename(backup)
            self.pause(0.01)
            path.write_text(self.text())
            backup.unlink()

    def rewrite_in_place(self):
        """The same length and the same time of modification, other bytes."""
        path = self.any_file()
        if not path.exists():
            return
        before, mark = path.stat(), "عنوان ".encode()
        at = path.read_bytes().find(mark)
        if at >= 0:
            with path.open("r+b") as file:
                file.seek(at + len(mark))
                file.write(str(self.dice.randrange(10)).encode())
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def edit_body(self):
        path = self.any_file()
        self.count += 1
        text = path.read_text(errors="replace") if path.exists() else self.text()
        self.replace(path, text.replace("<p>متن", f"<p>({self.count}) متن"))

    def write_slowly(self):
        with self.place().open("w") as file:
            text = self.text()
            file.write(text[: len(text) // 2])
            file.flush()
            self.pause(0.03)
            file.write(text[len(text) // 2 :])

    def rsync(self):
        """Some files under temporary names, with the times they have elsewhere; or in place."""
        for path in {self.place() for _ in range(self.dice.randrange(1, 8))}:
            if self.dice.random() < 0.3:
                path.write_text(self.text())
            else:
                self.replace(path, self.text(), f".{{}}.{self.dice.randrange(100_000, 1_000_000)}")
            os.utime(path, (START, START - self.dice.randrange(9) * DAY))

    def check_out(self):
        """As git goes to another branch: files are removed and made anew, many at once."""
        files = self.files()
        for path in map(Path, self.dice.sample(files, min(len(files), self.dice.randrange(20, 120)))):
            path.unlink()
            if self.dice.random() < 0.9:
                path.write_text(self.text())
        for _ in range(self.dice.randrange(20)):
            self.write()

    def spoil(self):
        path = self.any_file()
        whole = path.read_bytes() if path.exists() else self.text().encode()
        ways = [whole[: len(whole) // 2], whole.replace("عنوان".encode(), b"\xd8\xff"), b"", b"{}", whole.replace(b'"published": ', b'"dated": ')]
        path.write_bytes(self.dice.choice(ways))
        self.broken.append(path)

    def mend(self):
        self.dice.shuffle(self.broken)
        while self.broken:
            path = self.broken.pop()
            if path.exists() and not path.is_symlink():
                self.replace(path, self.text())
                return

    def double(self):
        """The same article under another name."""
        path = self.any_file()
        if path.exists():
            self.place().write_bytes(path.read_bytes())

    def remove(self):
        self.any_file().unlink(missing_ok=True)

    def rename(self):
        path = self.any_file()
        if path.exists():
            path.rename(self.place())

    def link(self):
        """Heard of before it is written to: a change under a name that is gone again is left to the audit."""
        path, target = self.any_file(), self.place()
        if path.exists() and not target.exists():
            os.link(path, target)
            self.when_linked()

    def remove_folder(self):
        if folders := self.folders():
            shutil.rmtree(self.dice.choice(folders), ignore_errors=True)

    def move_folder(self):
        if folders := self.folders():
            target = self.root / f"d{self.dice.randrange(4)}" / f"m{self.dice.randrange(3)}"
            target.parent.mkdir(exist_ok=True)
            source = self.dice.choice(folders)
            if not target.exists() and source.exists() and source not in target.parents and source != target.parent:
                source.rename(target)

    def move_folder_out_and_in(self):
        if folders := self.folders():
            source = self.dice.choice(folders)
            source.rename(self.outside)
            self.pause(0.05)
            source.parent.mkdir(parents=True, exist_ok=True)
            self.outside.rename(source)

    def bring_a_tree(self):
        built = self.root.parent / "built"
        (built / "x" / "y").mkdir(parents=True)
        for number in range(5):
            (built / "x" / "y" / f"t{number}.json").write_text(self.text())
        target = self.root / f"t{self.dice.randrange(3)}"
        shutil.rmtree(target, ignore_errors=True)
        built.rename(target)

    def swap_data(self):
        """As Kubernetes publishes files: visible links into a folder that a hidden link names."""
        version = self.root / f"..{self.count}-{self.dice.randrange(1_000_000)}"
        version.mkdir()
        for number in range(3):
            (version / f"k{number}.json").write_text(self.text())
        old = (self.root / "..data").resolve() if (self.root / "..data").is_symlink() else None
        (self.root / "..tmp").symlink_to(version.name)
        (self.root / "..tmp").rename(self.root / "..data")
        for number in range(3):
            link = self.root / f"k{number}.json"
            if not link.is_symlink():
                link.unlink(missing_ok=True)
                link.symlink_to(f"..data/k{number}.json")
        if old:
            shutil.rmtree(old, ignore_errors=True)

    def burst(self):
        for _ in range(40):
            self.write()

    def wait(self):
        self.pause(0.1)

    def ways(self):
        return {
            self.write: 20, self.save_by_rename: 20, self.save_as_vim_does: 8, self.rewrite_in_place: 10, self.edit_body: 8,
            self.write_slowly: 3, self.rsync: 3, self.check_out: 0.5, self.spoil: 4, self.mend: 4, self.double: 2,
            self.remove: 12, self.rename: 8, self.link: 3, self.remove_folder: 2, self.move_folder: 4,
            self.move_folder_out_and_in: 2, self.bring_a_tree: 3, self.swap_data: 2, self.burst: 1, self.wait: 2,
        }


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
    parser.add_argument("--queue", type=int)
    parser.add_argument("--lose", action="store_true")
    options = parser.parse_args()
    queue = QUEUE.read_text()
    if options.queue:
        QUEUE.write_text(str(options.queue))
    world = World(options.program, options.seed, options.lose)
    try:
        run(world, options)
    finally:
        world.kill()
        if options.queue:
            QUEUE.write_text(queue)


main()
