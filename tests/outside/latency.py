"""How long after an editor's save the last document is in place, and how long it must take at least.

    latency.py PROGRAM [--articles 10000 --articles 100000] [--edits 1000] [--settle 50] [--folder DIR]

For each size: a store of ten years with a folder a day, most of it recent, sections and stories by
Zipf, articles of 5 kB of Arabic; then `khabar watch`, and edits one at a time by rename(2), most of
recent articles and some of old ones. The time runs from just after the rename of the article to the
last rename of a document; the quiet time that khabar waits for (settle) is given apart and taken off.
Beside it, after each edit, the limit: the same documents written, synced, renamed and synced as khabar
does it, by a program that does nothing else. Needs about 12 kB of disk an article; takes them back.
"""

import argparse
import ctypes
import json
import math
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
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
path = "store"
settle = "{settle}ms"
"""
DISK_PER_ARTICLE = 12_000
DAYS = 3650
# Half of all articles are not older than this.
HALF_LIFE = 400
SECTIONS, STORIES = 20, 500
# Of the edits, so many are of the newest so many articles; the others are of any.
RECENT_SHARE, RECENT = 0.85, 200
# So long after the last rename, `khabar sync` is asked whether that was all.
QUIET = 0.04
# From so many files or folders on, khabar syncs the file system instead of each.
SYNC_ONE_BY_ONE = 32
# What khabar puts in place after everything else.
INDEXES = {"sitemap.xml", "feeds.opml", "stories.json", "index.html"}
IN_MOVED_TO, IN_ISDIR = 0x80, 0x40000000
SENTENCES = [
    "افتتحت البلدية صباح اليوم جسرا جديدا يربط ضفتي النهر بعد عامين من العمل.",
    "وقال المهندس المشرف إن المشروع أنجز قبل موعده بثلاثة أسابيع.",
    "وانتظر عشرات السكان منذ الفجر ليكونوا أول العابرين.",
    "وتبلغ كلفة الأعمال اثني عشر مليونا دفعت المدينة نصفها.",
    "وفي السوق القديمة رحب التجار بعودة الزبائن من الجانب الآخر.",
    "وذكرت معلمة تسكن الحي أن طريقها إلى المدرسة صار عشر دقائق.",
    "ويخشى الصيادون من جهتهم أن تبعد الحركة الأسماك عن المرسى.",
    "ومن المقرر أن تبدأ حافلة كهربائية بالعمل على الخط مطلع الشهر القادم.",
    "وأظهرت القياسات أن الجسر يحتمل ضعف الوزن المطلوب.",
    "وستبقى الإنارة خافتة ليلا حتى لا تزعج الطيور المهاجرة.",
    "ووعدت الإدارة بنشر نتائج الفحص الدوري على موقعها كل عام.",
    "وختم الاحتفال بعرض قصير قدمه أطفال مدرسة الموسيقى.",
]


def zipf(dice, count):
    """A number below `count`, small ones far more often."""
    return int(math.exp(dice.random() * math.log(count + 1))) - 1


def rfc3339(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def article(dice, number, published):
    body, paragraph = [], []
    while sum(map(len, body)) < 2_700:
        paragraph = dice.sample(SENTENCES, 5)
        body.append(f"<p>{' '.join(paragraph)}</p>")
    return {
        "id": f"n{number}",
        "title": f"{dice.choice(SENTENCES)[:60]} ({number})",
        "summary": " ".join(paragraph[:2]),
        "body": "".join(body),
        "published": rfc3339(published),
        "section": f"قسم {zipf(dice, SECTIONS)}",
        "story": f"قصة {zipf(dice, STORIES)}",
        "authors": [{"name": f"كاتب {zipf(dice, 50)}"}],
    }


def fill(root, dice, count):
    """Writes the store; returns its files, newest first."""
    now, dated = datetime.now(timezone.utc), []
    for number in range(count):
        published = now - timedelta(days=dice.expovariate(math.log(2) / HALF_LIFE) % DAYS)
        folder = root / published.strftime("%Y-%m-%d")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{number}.json"
        path.write_text(json.dumps(article(dice, number, published), ensure_ascii=False))
        dated.append((published, path))
    return [path for _, path in sorted(dated, reverse=True)]


class Ears(threading.Thread):
    """Writes down when documents are renamed into place. An event is read within a few hundredths
    of a millisecond of the rename: nearer than the ticks of the times that a file system notes."""

    def __init__(self, out, state):
        super().__init__(daemon=True)
        libc = ctypes.CDLL(None, use_errno=True)
        self.queue, self.state = libc.inotify_init1(os.O_CLOEXEC), state
        self.folders = {}
        for folder in [state, *(folder for folder, _, _ in os.walk(out))]:
            number = libc.inotify_add_watch(self.queue, os.fsencode(folder), IN_MOVED_TO)
            assert number >= 0, os.strerror(ctypes.get_errno())
            self.folders[number] = Path(folder)
        self.forget()
        self.start()

    def forget(self):
        self.renamed, self.remembered, self.last = [], [], 0.0

    def run(self):
        while events := os.read(self.queue, 65_536):
            now, at = time.monotonic(), 0
            while at < len(events):
                number, mask, _, length = struct.unpack_from("iIII", events, at)
                name = events[at + 16 : at + 16 + length].rstrip(b"\0")
                if mask & IN_MOVED_TO and not mask & IN_ISDIR:
                    path = self.folders[number] / os.fsdecode(name)
                    if path.parent == self.state:
                        self.remembered.append(path)
                    else:
                        self.renamed.append(path)
                        self.last = now
                at += 16 + length


def put(path, content, is_synced):
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        if is_synced:
            os.fsync(file.fileno())


def sync_folder(folder):
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(handle)
    os.close(handle)


def least(root, out, documents, remembered):
    """The time that it takes to put `documents` in place as khabar does, doing nothing else, and
    before them the files of the state that it wrote."""
    names = [path.relative_to(out) for path in documents]
    contents = [path.read_bytes() for path in documents]
    state = [path.read_bytes() for path in remembered]
    for name in names:
        (root / name.parent).mkdir(parents=True, exist_ok=True)
    stage, one_by_one = root / "stage", len(documents) <= SYNC_ONE_BY_ONE
    start = time.monotonic()
    for content in state:
        put(root / "state.new", content, True)
        os.rename(root / "state.new", root / "state")
        sync_folder(root)
    stage.mkdir()
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(lambda job: put(stage / str(job[0]), job[1], one_by_one), enumerate(contents)))
    if not one_by_one:
        os.sync()
    for is_index in (False, True):
        folders = set()
        for number, name in enumerate(names):
            if (str(name) in INDEXES) == is_index:
                os.rename(stage / str(number), root / name)
                last = time.monotonic()
                folders.add(name.parent)
        for folder in [folder for name in folders for folder in (name, *name.parents)]:
            sync_folder(root / folder)
    stage.rmdir()
    return last - start


class Bench:
    def __init__(self, program, count, settle, folder):
        self.program = str(Path(program).resolve())
        self.base = Path(tempfile.mkdtemp(prefix="khabar-latency-", dir=folder))
        self.dice = random.Random(count)
        self.settle = settle
        (self.base / "config.toml").write_text(CONFIG.format(settle=settle))
        start = time.monotonic()
        self.files = fill(self.base / "store", self.dice, count)
        filled = time.monotonic()
        self.log = open(self.base / "log", "w")
        self.daemon = subprocess.Popen(self.command("watch"), stderr=self.log)
        while self.ask().returncode != 0:
            assert self.daemon.poll() is None, (self.base / "log").read_text()
            time.sleep(0.1)
        print(f"{count} articles: written in {filled - start:.0f} s, first publication after {time.monotonic() - filled:.1f} s", flush=True)
        self.ears = Ears(self.base / "out", self.base / ".khabar")

    def command(self, *arguments):
        return [self.program, "-q", "-c", str(self.base / "config.toml"), *arguments]

    def ask(self):
        return subprocess.run(self.command("sync"), capture_output=True)

    def edit(self, number):
        newest = self.files[:RECENT] if self.dice.random() < RECENT_SHARE else self.files
        path = self.dice.choice(newest)
        found = json.loads(path.read_bytes())
        if self.dice.random() < 0.5:
            found["title"] = f"{found['title'].split(' — ')[0]} — {number}"
        found["body"] += f"<p>{self.dice.choice(SENTENCES)} ({number})</p>"
        found["updated"] = rfc3339(datetime.now(timezone.utc))
        staged = path.with_name(f".{path.name}.tmp")
        staged.write_text(json.dumps(found, ensure_ascii=False))
        staged.rename(path)

    def measure(self, number):
        """Seconds from an edit to the last document, the same for the limit, and how many there were."""
        self.ears.forget()
        self.edit(number)
        start = time.monotonic()
        while not self.ears.last or time.monotonic() - self.ears.last < QUIET:
            assert time.monotonic() - start < 60, "an edit is not published"
            time.sleep(0.005)
        assert self.ask().returncode == 0
        documents = self.ears.renamed
        limit = least(self.base / "limit", self.base / "out", documents, self.ears.remembered)
        return self.ears.last - start, limit, documents

    def close(self):
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait()
        self.log.close()
        shutil.rmtree(self.base)


def show(name, seconds):
    ordered = sorted(seconds)
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.50, 0.99))
    print(f"  {name:32} p50 {p50 * 1e3:7.1f} ms   p99 {p99 * 1e3:7.1f} ms   max {ordered[-1] * 1e3:7.1f} ms", flush=True)
    return p50, p99


def run(bench, edits):
    found = [bench.measure(number) for number in range(edits)]
    quiet = bench.settle / 1e3
    counts = sorted(len(documents) for _, _, documents in found)
    print(f"  {edits} edits, {counts[len(counts) // 2]} documents each in the middle, {counts[-1]} at the most; settle {bench.settle} ms")
    show("rename to last document", [whole for whole, _, _ in found])
    without = show("the same without settle", [whole - quiet for whole, _, _ in found])
    limit = show("the limit: the writing alone", [least for _, least, _ in found])
    print(f"  times the limit: p50 {without[0] / limit[0]:.1f}, p99 {without[1] / limit[1]:.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--articles", type=int, action="append")
    parser.add_argument("--edits", type=int, default=1000)
    parser.add_argument("--settle", type=int, default=50)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    options = parser.parse_args()
    sizes = options.articles or [10_000, 100_000]
    need, free = max(sizes) * DISK_PER_ARTICLE, shutil.disk_usage(options.folder).free
    print(f"needs {need / 1e9:.1f} GB in {options.folder}, where {free / 1e9:.1f} GB are free", flush=True)
    assert need < free, "there is not enough disk"
    for size in sizes:
        bench = Bench(options.program, size, options.settle, options.folder)
        try:
            run(bench, options.edits)
        finally:
            bench.close()


main()
