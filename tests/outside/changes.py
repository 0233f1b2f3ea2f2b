"""The ways in which editors, sync tools and people change a folder of articles."""

import json
import os
import shutil
import time
from datetime import datetime, timezone
from pathlib import Path

START = int(datetime(2026, 11, 23, 12, tzinfo=timezone.utc).timestamp())
HOUR, DAY = 3600, 86400


def rfc3339(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


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
