"""A daemon that is killed while its store is edited without pause.

    daemon_kill.py PROGRAM [--kills 500] [--seed 1] [--lie]

First at random instants, one in four of them while it starts; then at every call with which a
publication changes files. After each kill a reader finds every document whole and no index that names
what is not there; and the next start makes of out what a build with the same memory makes, with what
was commanded before. With --lie, some renames are reported done that are not: it must then find a
fault, or it could not find any. Needs strace.
"""

import argparse
import random
import threading
import time

from watched import STAGE, Newsroom, Strace, article, check_whole, put, put_version, seen_calls

ARTICLES = range(36, 45)
"""How many there are: at most eight can be lost at once, which the guard lets pass."""


class Editor(threading.Thread):
    """Edits the store without pause, unless it is told to."""

    def __init__(self, newsroom, dice):
        super().__init__(daemon=True)
        self.newsroom, self.dice = newsroom, dice
        self.pause, self.may_command = threading.Lock(), False
        self.count, self.error = 0, None
        self.paths, self.commanded = {}, {}
        while len(self.paths) < ARTICLES.start:
            self.add()

    def run(self):
        try:
            while True:
                with self.pause:
                    self.change()
                time.sleep(self.dice.random() * 0.004)
        except Exception as error:
            self.error = error

    def change(self):
        ways = {self.rewrite: 30, self.write_in_place: 20, self.move: 10, self.add: 15, self.delete: 15}
        if self.may_command:
            ways[self.command] = 6
        self.dice.choices(list(ways), list(ways.values()))[0]()

    def text(self, number):
        dice = self.dice
        self.count += 1
        # Now and then a section or a story that nothing else has, and that goes with the article.
        section = f"new-{self.count % 9}" if dice.random() < 0.1 else f"s{dice.randrange(3)}"
        story = f"fresh-{self.count % 9}" if dice.random() < 0.1 else f"t{dice.randrange(3)}"
        hours = [3 + number % 30, 100 + number % 30, 1000 + number][number % 3]
        return article(number, f"edit {self.count} of {number}", section, story, hours)

    def place(self, number):
        return self.newsroom.store / f"d{self.dice.randrange(4)}" / f"{number}.json"

    def any(self):
        return self.dice.choice(list(self.paths))

    def add(self):
        if len(self.paths) < ARTICLES[-1]:
            number = self.dice.choice([n for n in range(60) if n not in self.paths])
            self.paths[number] = self.place(number)
            put(self.paths[number], self.text(number))

    def delete(self):
        if len(self.paths) > ARTICLES.start:
            self.paths.pop(self.any()).unlink()

    def rewrite(self):
        number = self.any()
        put(self.paths[number], self.text(number))

    def write_in_place(self):
        number = self.any()
        staged = self.newsroom.base / "text"
        put(staged, self.text(number))
        text = staged.read_text()
        with self.paths[number].open("w") as file:
            for part in (text[:50], text[50:]):
                file.write(part)
                file.flush()

    def move(self):
        number = self.any()
        target = self.place(number)
        target.parent.mkdir(exist_ok=True)
        self.paths[number] = self.paths[number].rename(target)

    def command(self):
        number = self.any()
        what = "restore" if self.commanded.get(number) == "withdraw" else "withdraw"
        # Killed under way, it may have been done or not.
        self.commanded.pop(number, None)
        if self.newsroom.run(what, f"a{number}").returncode == 0:
            self.commanded[number] = what


def kill_at_random(program, kills, dice, lies):
    newsroom = Newsroom(program, lies=lies)
    editor = Editor(newsroom, dice)
    left_staged = 0
    try:
        editor.pause.acquire()
        editor.start()
        newsroom.started()
        for number in range(kills):
            what = f"kill {number}"
            is_starting = dice.random() < 0.25
            if is_starting:
                newsroom.kill()
                newsroom.start()
            editor.may_command = not is_starting
            editor.pause.release()
            time.sleep(dice.random() * (0.06 if is_starting else 0.15))
            newsroom.kill()
            editor.pause.acquire()
            assert not editor.error, editor.error
            left_staged += (newsroom.out / STAGE).exists()
            check_whole(newsroom.out, what)
            newsroom.started()
            newsroom.check_true(what)
            check_commands(newsroom, editor.commanded, what)
        newsroom.stop()
    finally:
        newsroom.remove()
    assert left_staged or kills < 100, "no kill met a publication under way"
    return left_staged, editor.count


def check_commands(newsroom, commanded, what):
    """An article that was withdrawn by command is in the tombstones alone, whatever came after."""
    for number, command in commanded.items():
        if command == "withdraw":
            for path in newsroom.out.rglob("feed.json"):
                assert f":a{number}\"" not in path.read_text(), f"{what}: a{number} was withdrawn, {path} shows it"


def kill_at_every_call(program, stories, only=()):
    # Quiet enough that a version is one publication.
    newsroom = Newsroom(program, settle="20ms")
    killed = 0
    try:
        put_version(newsroom.store, 0, stories)
        newsroom.started()
        calls = seen_calls(newsroom, lambda: put_version(newsroom.store, 1, stories))
        # Killed at an opening, the disk is as it is at the next call that changes it.
        wanted = only or {call for call, _ in calls} - {"openat"}
        for call, beneath in calls:
            for n in range(1, 10_000 if call in wanted else 0):
                what = f"killed at {call} {n}"
                put_version(newsroom.store, 0, stories)
                newsroom.sync()
                options = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}", *beneath]
                strace = Strace(newsroom.daemon.pid, newsroom.base / "trace", *options)
                put_version(newsroom.store, 1, stories)
                lived = newsroom.run("sync", "--timeout", "60s").returncode == 0
                if lived:
                    strace.let_go()
                    break
                newsroom.daemon.wait(60)
                strace.process.wait(60)
                check_whole(newsroom.out, what)
                newsroom.started()
                newsroom.check_true(what)
                killed += 1
        newsroom.stop()
    finally:
        newsroom.remove()
    assert killed, "no call was met"
    return killed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lie", action="store_true")
    options = parser.parse_args()
    dice = random.Random(options.seed)
    start = time.monotonic()
    if options.lie:
        try:
            kill_at_random(options.program, options.kills, dice, "renameat:retval=0:when=40+7")
        except AssertionError as fault:
            print(f"daemon_kill: with lost renames a fault was found, as it must be: {fault}")
            return
        raise SystemExit("daemon_kill: renames were lost and no fault was found: the check finds nothing")
    staged, edits = kill_at_random(options.program, options.kills, dice, None)
    at_random = time.monotonic() - start
    # Thirty-two documents or fewer are synced one by one, more all at once.
    calls = kill_at_every_call(options.program, 2) + kill_at_every_call(options.program, 8, {"syncfs"})
    print(
        f"daemon_kill: {options.kills} kills at random ({staged} left a stage, {edits} edits, {at_random:.0f} s), "
        f"{calls} at every call, seed {options.seed}, {time.monotonic() - start:.0f} s: 0 faults"
    )


if __name__ == "__main__":
    main()
