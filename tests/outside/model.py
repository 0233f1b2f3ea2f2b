"""Random operations on a watched store, then `khabar sync`, then out byte for byte what a build makes.

    model.py PROGRAM [--operations 2000] [--seed 1] [--every 50] [--lose]

The store is changed in every way that editors, sync tools and people have; the daemon must make of
it exactly what a build into an empty folder makes, with the same memory. With --lose, the kernel is
made to refuse some of the daemon's watches without its knowing (with strace) and the audit is put off:
the check must then find a difference, or it could not find any.
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
from datetime import datetime, timedelta, timezone
from pathlib import Path

CONFIG = """
[publication]
name = "News Example"
language = "ar"
url = "https://news.example/"
feeds_url = "https://news.example/"
id_authority = "news.example,2016"
[store]
path = "{store}"
scan_every = "{scan_every}"
settle = "5ms"
settle_delete = "30ms"
[out]
path = "{out}"
[state]
path = "{state}"
[feeds]
newest = 5
floor = "1h"
[feeds.stories]
content = "summary"
[[story]]
id = "tagged"
match = {{ tags = ["tag"] }}
"""


class Store:
    """A folder of articles and the ways to change it."""

    def __init__(self, root, dice):
        self.root, self.dice = root, dice
        root.mkdir()
        self.count = 0

    def files(self):
        return [p for p in self.root.rglob("*.json") if p.is_file() and not p.is_symlink() and ".." not in str(p)]

    def folders(self):
        return [p for p in self.root.rglob("*") if p.is_dir() and not p.name.startswith(".")]

    def place(self):
        parts = [f"d{self.dice.randrange(4)}" for _ in range(self.dice.randrange(4))]
        return self.root.joinpath(*parts, f"{self.dice.randrange(60)}.json")

    def text(self):
        dice = self.dice
        if dice.random() < 0.06:
            return '{"id": "broken", "title":'
        self.count += 1
        age = timedelta(seconds=dice.choice([dice.randrange(90 * 86400), dice.randrange(3 * 86400), -dice.randrange(2, 6)]))
        article = {
            "id": f"a{dice.randrange(80)}",
            "title": f"عنوان {self.count % 7}",
            "summary": f"ملخص {self.count % 5}",
            "body": f"<p>متن {self.count}</p>",
            "published": (datetime.now(timezone.utc) - age).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "section": f"قسم {dice.randrange(3)}",
            "status": dice.choice(["published"] * 8 + ["draft", "withdrawn"]),
        }
        if dice.random() < 0.4:
            article["story"] = f"s{dice.randrange(4)}"
        if dice.random() < 0.3:
            article["tags"] = ["tag"]
        if dice.random() < 0.1:
            article["expires"] = (datetime.now(timezone.utc) + timedelta(seconds=dice.randrange(-5, 20))).strftime("%Y-%m-%dT%H:%M:%SZ")
        return json.dumps(article, ensure_ascii=False)

    def write(self):
        path = self.place()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text())

    def save_by_rename(self):
        path = self.place()
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.with_name(f".{path.name}.tmp")
        staged.write_text(self.text())
        staged.rename(path)

    def save_as_vim_does(self):
        if files := self.files():
            path = self.dice.choice(files)
            backup = path.with_name(path.name + "~")
            path.rename(backup)
            time.sleep(self.dice.random() * 0.01)
            path.write_text(self.text())
            backup.unlink()

    def rewrite_in_place(self):
        """The same length and the same time of modification, other bytes."""
        if files := self.files():
            path = self.dice.choice(files)
            before = path.stat()
            text = path.read_bytes()
            at = text.find("عنوان ".encode()) + len("عنوان ".encode())
            if at > len("عنوان ".encode()):
                with path.open("r+b") as file:
                    file.seek(at)
                    file.write(str(self.dice.randrange(10)).encode())
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def edit_body(self):
        if files := self.files():
            path = self.dice.choice(files)
            self.count += 1
            text = path.read_text().replace("<p>متن", f"<p>({self.count}) متن")
            staged = path.with_name(f".{path.name}.tmp")
            staged.write_text(text)
            staged.rename(path)

    def write_slowly(self):
        path = self.place()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            text = self.text()
            file.write(text[: len(text) // 2])
            file.flush()
            time.sleep(self.dice.random() * 0.03)
            file.write(text[len(text) // 2 :])

    def remove(self):
        if files := self.files():
            self.dice.choice(files).unlink()

    def rename(self):
        if files := self.files():
            target = self.place()
            target.parent.mkdir(parents=True, exist_ok=True)
            self.dice.choice(files).rename(target)

    def link(self):
        if files := self.files():
            target = self.place()
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(self.dice.choice(files), target)

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
            outside = self.root.parent / "outside"
            source = self.dice.choice(folders)
            if source.exists():
                source.rename(outside)
                time.sleep(self.dice.random() * 0.05)
                source.parent.mkdir(parents=True, exist_ok=True)
                if source.exists():
                    shutil.rmtree(outside)
                else:
                    outside.rename(source)

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
        time.sleep(self.dice.random() * 0.2)

    def change(self):
        ways = {
            self.write: 20, self.save_by_rename: 20, self.save_as_vim_does: 8, self.rewrite_in_place: 10, self.edit_body: 8,
            self.write_slowly: 3, self.remove: 12, self.rename: 8, self.link: 3, self.remove_folder: 2,
            self.move_folder: 4, self.move_folder_out_and_in: 2, self.bring_a_tree: 3, self.swap_data: 2,
            self.burst: 1, self.wait: 2,
        }
        way = self.dice.choices(list(ways), list(ways.values()))[0]
        way()
        return way.__name__


class World:
    def __init__(self, program, seed, lose):
        self.program = str(Path(program).resolve())
        self.base = Path(tempfile.mkdtemp(prefix="khabar-model-"))
        self.store = Store(self.base / "store", random.Random(seed))
        for _ in range(60):
            self.store.write()
        self.config("config.toml", "out", "state", "7d" if lose else "10s")
        self.config("oracle.toml", "oracle-out", "oracle-state", "7d")
        self.log = (self.base / "log").open("w")
        command = [self.program, "-c", str(self.base / "config.toml"), "watch"]
        if lose:
            # Of the first hundred watches every fifth is refused, as for a folder that is not ours.
            inject = "inject=inotify_add_watch:error=EACCES:when=3+5"
            command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=inotify_add_watch", "-e", inject, *command]
        self.daemon = subprocess.Popen(command, stderr=self.log, start_new_session=True)
        self.until_it_runs()

    def config(self, name, out, state, scan_every):
        text = CONFIG.format(store="store", out=out, state=state, scan_every=scan_every)
        (self.base / name).write_text(text)

    def run(self, *arguments):
        return subprocess.run([self.program, "-q", *arguments], capture_output=True, text=True)

    def sync(self):
        run = self.run("-c", str(self.base / "config.toml"), "sync", "--timeout", "60s")
        assert run.returncode == 0, f"sync failed: {run.stderr}"

    def until_it_runs(self):
        for _ in range(200):
            if self.run("-c", str(self.base / "config.toml"), "sync").returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError((self.base / "log").read_text())

    def expected(self, now):
        """What a build makes now with the daemon's memory and nothing else."""
        for name in ("oracle-out", "oracle-state"):
            shutil.rmtree(self.base / name, ignore_errors=True)
        (self.base / "oracle-state").mkdir()
        memory = self.base / "state" / "memory"
        if memory.exists():
            shutil.copy(memory, self.base / "oracle-state" / "memory")
        run = self.run("-c", str(self.base / "oracle.toml"), "build", "--now", now)
        assert run.returncode in (0, 1), run.stderr
        return tree(self.base / "oracle-out")

    def differences(self):
        # A deadline may pass between the daemon's turn and the build: then another try agrees.
        for _ in range(5):
            before = datetime.now(timezone.utc)
            time.sleep(1.05 - before.microsecond / 1e6 if before.microsecond > 600_000 else 0)
            time.sleep(0.35)
            self.sync()
            now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            found, expected = tree(self.base / "out"), self.expected(now)
            different = sorted(p for p in found.keys() | expected.keys() if found.get(p) != expected.get(p))
            if not different:
                return []
        return different

    def close(self):
        os.killpg(self.daemon.pid, signal.SIGTERM)
        code = self.daemon.wait(10)
        self.log.close()
        return code


def tree(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--operations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--lose", action="store_true")
    options = parser.parse_args()
    world = World(options.program, options.seed, options.lose)
    recent, compared = [], 0
    for operation in range(1, options.operations + 1):
        recent.append(world.store.change())
        if operation % options.every == 0:
            different = world.differences()
            compared += 1
            if different and options.lose:
                world.close()
                shutil.rmtree(world.base)
                print(f"model: with lost events, a difference was found after {operation} operations, as it must be")
                return
            if different:
                world.close()
                print(f"seed {options.seed}, operation {operation}: {len(different)} documents differ: {different[:8]}")
                print("last operations:", recent[-options.every :])
                print("everything is in", world.base)
                sys.exit(1)
    code = world.close()
    assert code == 0, f"the daemon ended with {code}"
    if options.lose:
        sys.exit("model: events were lost and no difference was found: the check finds nothing")
    shutil.rmtree(world.base)
    print(f"model: {options.operations} operations, {compared} comparisons, seed {options.seed}: 0 differences")


main()
