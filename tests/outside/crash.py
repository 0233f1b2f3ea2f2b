"""Publications that are cut off: traced, killed at every system call, and made to fail at each.

    crash.py PROGRAM trace    every file is synced before it is renamed, every folder after; parts
                              before indexes; removals last
    crash.py PROGRAM kill     killed at the n-th call of each kind, for every n
    crash.py PROGRAM errors   the n-th call of each kind fails, once and for ever after

Whatever happens, a reader finds every document whole, in its old or its new version, no index names
what is not there, and the next build is as if nothing had happened. Needs strace.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NOW = "2026-11-23T16:00:00Z"
SITE = "https://news.example/"
CONFIG = f"""
[publication]
name = "News Example"
language = "en"
url = "{SITE}"
feeds_url = "{SITE}"
id_authority = "news.example,2016"
[store]
path = "store"
"""
# What a publication does to files; reading calls are left out, for they happen before it.
CALLS = ["write", "pwrite64", "ftruncate", "fsync", "fdatasync", "syncfs", "renameat", "renameat2", "rename", "unlinkat",
         "mkdirat", "fchmod"]
FULL = ["ENOSPC", "EDQUOT", "EIO"]
ERRORS = {"write": FULL, "pwrite64": FULL, "ftruncate": ["EIO"], "fsync": ["EIO"], "fdatasync": ["EIO"], "syncfs": ["EIO"]}
OTHER_ERRORS = ["EACCES", "EROFS"]
STAGE = ".khabar-stage"


def article(number, section, title):
    return {
        "id": str(number),
        "title": title,
        "body": f"<p>{title} of {section}</p>",
        "published": f"2026-11-{10 + number:02}T12:00:00Z",
        "section": section,
        "story": f"story-{number % 2}",
    }


def write_store(root, version):
    """Two versions that differ in every feed, gain a section and lose one."""
    shutil.rmtree(root / "store", ignore_errors=True)
    (root / "store").mkdir()
    for number in range(8):
        section = "world" if number < 6 else ("old" if version == 0 else "new")
        text = json.dumps(article(number, section, f"version {version}"))
        (root / "store" / f"{number}.json").write_text(text)


def tree(root):
    out = root / "out"
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


class Bench:
    def __init__(self, program):
        self.program = str(Path(program).resolve())
        self.base = Path(tempfile.mkdtemp(prefix="khabar-crash-"))
        self.template = self.base / "template"
        self.template.mkdir()
        (self.template / "config.toml").write_text(CONFIG)
        self.versions = []
        for version in (1, 0):
            write_store(self.template, version)
            self.build(self.template)
            self.versions.insert(0, tree(self.template))
        write_store(self.template, 1)

    def command(self, root):
        return [self.program, "--config", str(root / "config.toml"), "build", "--now", NOW]

    def build(self, root):
        subprocess.run(self.command(root), check=True, capture_output=True)

    def traced(self, root, *options):
        # One worker, so that calls are counted in one order.
        command = ["strace", "-f", "-qq", *options, *self.command(root)]
        return subprocess.run(command, capture_output=True, text=True, env={"RAYON_NUM_THREADS": "1"})

    def fresh(self):
        root = self.base / "run"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.template, root, symlinks=True)
        return root

    def check_coherent(self, root, what):
        found = {path: data for path, data in tree(root).items() if not path.startswith(STAGE)}
        for path, data in found.items():
            assert any(v.get(path) == data for v in self.versions), f"{what}: {path} is torn"
        for index, pattern in (("sitemap.xml", r"<loc>([^<]+)"), ("feeds.opml", r'xmlUrl="([^"]+)')):
            for url in re.findall(pattern, found.get(index, b"").decode()):
                assert url.removeprefix(SITE) in found, f"{what}: {index} names {url}"

    def check_converges(self, root, what):
        self.build(root)
        assert tree(root) == self.versions[1], f"{what}: the next build differs"

    def count(self, call):
        """How often one thread makes a call at the most, in a build that nothing disturbs."""
        run = self.traced(self.fresh(), "-e", f"trace={call}")
        counts = {}
        for line in run.stderr.splitlines():
            if re.search(rf"\b{call}\(", line):
                pid = re.match(r"\[pid +(\d+)\]", line)
                key = pid.group(1) if pid else "main"
                counts[key] = counts.get(key, 0) + 1
        return max(counts.values(), default=0)


def kill(bench):
    killed = 0
    for call in CALLS:
        for n in range(1, bench.count(call) + 1):
            root = bench.fresh()
            what = f"killed at {call} {n}"
            options = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}"]
            run = bench.traced(root, *options)
            assert run.returncode != 0, f"{what}: it lived on"
            bench.check_coherent(root, what)
            bench.check_converges(root, what)
            killed += 1
    return killed, "kills"


def errors(bench):
    runs = 0
    for call in CALLS:
        for n in range(1, bench.count(call) + 1):
            for error in ERRORS.get(call, OTHER_ERRORS):
                for when in (f"{n}", f"{n}+"):
                    root = bench.fresh()
                    what = f"{error} at {call} {when}"
                    options = ["-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}"]
                    # The messages of strace and of the program share standard error.
                    run = bench.traced(root, "-o", "/dev/null", *options)
                    assert run.returncode in (0, 1), f"{what}: exit {run.returncode}: {run.stderr}"
                    is_told = call == "write" or run.stderr.strip()
                    assert run.returncode == 0 or is_told, f"{what}: failed without a word"
                    assert "panicked" not in run.stderr, f"{what}: {run.stderr}"
                    bench.check_coherent(root, what)
                    bench.check_converges(root, what)
                    assert not (root / "out" / STAGE).exists(), f"{what}: the stage stays"
                    runs += 1
    return runs, "failures"


def trace(bench):
    root = bench.fresh()
    calls = "openat,write,fsync,syncfs,renameat,renameat2,unlinkat"
    log = bench.base / "trace"
    run = bench.traced(root, "-y", "-o", str(log), "-e", f"trace={calls}", "-e", "signal=none")
    assert run.returncode == 0, run.stderr
    synced, dirty, unsynced_folders, order = set(), set(), {}, []
    out = str(root / "out")
    for line in log.read_text().splitlines():
        call = re.search(r"\b(\w+)\(", line)
        call = call.group(1) if call else ""
        paths = re.findall(r"<([^<>]+)>", line)
        if call == "write" and paths and STAGE in paths[0]:
            dirty.add(paths[0])
            synced.discard(paths[0])
        elif call == "fsync" and paths:
            synced.add(paths[0])
            unsynced_folders.pop(paths[0], None)
        elif call == "syncfs":
            synced |= dirty
            unsynced_folders.clear()
        elif call.startswith("renameat") and STAGE in line:
            names = re.findall(r'"([^"]+)"', line)
            source = f"{paths[0]}/{names[0]}"
            assert source in synced, f"renamed before it was synced: {line}"
            order.append(("index" if paths[1] == out and names[1] in INDEXES else "part", names[1]))
            unsynced_folders[paths[1]] = line
        elif call == "unlinkat" and paths and paths[0].startswith(out) and STAGE not in line:
            order.append(("removal", line))
            unsynced_folders[paths[0]] = line
    kinds = [kind for kind, _ in order]
    assert kinds == sorted(kinds, key=["part", "index", "removal"].index), f"out of order: {order}"
    assert {"part", "index", "removal"} <= set(kinds), f"the trace shows too little: {kinds}"
    gone = {path for path in unsynced_folders if not Path(path).exists()}
    left = set(unsynced_folders) - gone
    assert not left, f"never synced: {left}"
    return len(order), "renames and removals"


INDEXES = {"sitemap.xml", "feeds.opml", "stories.json", "index.html"}


def main():
    program, mode = sys.argv[1:]
    bench = Bench(program)
    try:
        count, noun = {"trace": trace, "kill": kill, "errors": errors}[mode](bench)
    finally:
        shutil.rmtree(bench.base)
    assert count, "nothing was tried"
    print(f"crash {mode}: {count} {noun} checked, 0 faults")


main()
