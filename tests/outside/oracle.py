"""What the documents must say, computed a second time and by other means, over random stores.

    oracle.py PROGRAM [--stores 30] [--seed 1]

Each store is built at a random instant, and this file computes from the articles alone, by the words
of the documentation, which stand in each feed and sitemap, in which order, and how each is dated.
"""

import argparse
import json
import random
import re
import shutil
import subprocess
import tempfile
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path

SITE = "https://news.example/"
NEWEST, STORY_NEWEST, FLOOR, FLOOR_MAX = 6, 3, timedelta(hours=1), 500
NEWS, NEWS_MAX = timedelta(hours=48), 1000
EPOCH = datetime(2016, 1, 1, tzinfo=timezone.utc)
CONFIG = f"""
[publication]
name = "News Example"
language = "en"
url = "{SITE}"
feeds_url = "{SITE}"
id_authority = "news.example,2016"
[store]
path = "store"
[feeds]
newest = {NEWEST}
floor = "1h"
[feeds.stories]
newest = {STORY_NEWEST}
"""


def at(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def iso(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def make(dice, now):
    articles = []
    count = dice.choice([3, 20, 60, 700])
    spread = dice.choice([3_000, 200_000, 8_000_000])
    for number in range(count):
        published = now + timedelta(seconds=dice.randrange(-spread, spread // 20 + 2))
        if dice.random() < 0.2 and articles:
            published = at(dice.choice(articles)["published"])  # ties
        article = {
            "id": f"{dice.choice('abc')}{number}",
            "title": f"title {number}",
            "url": f"/{number}/",
            "published": iso(published),
            "section": f"s{dice.randrange(3)}",
            "status": dice.choices(["published", "draft", "withheld", "withdrawn"], [20, 1, 1, 2])[0],
        }
        if dice.random() < 0.4:
            article["story"] = f"t{dice.randrange(3)}"
        if dice.random() < 0.4:
            article["updated"] = iso(published + timedelta(seconds=dice.randrange(-500, spread // 2)))
        if dice.random() < 0.3:
            article["expires"] = iso(published + timedelta(seconds=dice.randrange(-500, spread)))
        if dice.random() < 0.1:
            article["news"] = False
        if dice.random() < 0.1:
            article["index"] = False
        articles.append(article)
    return articles


class Seen:
    """An article as seen at one instant."""

    def __init__(self, article, now):
        self.id = article["id"]
        self.published = at(article["published"])
        updated = max(at(article.get("updated", article["published"])), self.published)
        self.updated = updated if updated <= now else self.published
        expires = at(article["expires"]) if "expires" in article else None
        status = article["status"]
        ever = self.published <= now and (expires is None or expires > self.published)
        self.is_live = status == "published" and ever and (expires is None or now < expires)
        self.is_withdrawn = status == "withdrawn" and self.published <= now
        is_expired = status == "published" and ever and not self.is_live
        self.left = self.updated if self.is_withdrawn else expires if is_expired else None
        self.is_indexed = article.get("index", True)
        self.is_news = self.is_indexed and article.get("news", True)
        self.topics = {"front", f"sections/{article['section']}"}
        if "story" in article:
            self.topics.add(f"stories/{article['story']}")
        self.order = (-self.published.timestamp(), self.id.encode())


def windowed(articles, newest, now):
    """The newest, or everything of the last hour up to 500 where that is more."""
    articles = sorted(articles, key=lambda a: a.order)
    young = sum(now < a.published + FLOOR for a in articles)
    return articles[: max(newest, min(young, FLOOR_MAX))]


def expect_feed(members, newest, now):
    shown = windowed([a for a in members if a.is_live], newest, now)
    buried = [a for a in windowed([a for a in members if a.is_live or a.is_withdrawn], newest, now) if a.is_withdrawn]
    dates = [a.updated for a in shown]
    for a in members:
        if a.left and (len(shown) < newest or a.published >= shown[-1].published):
            dates.append(a.left)
    return [a.id for a in shown], [(a.id, iso(a.updated)) for a in buried], max(dates, default=EPOCH)


def expect_news(seen, now):
    shown = sorted((a for a in seen if a.is_live and a.is_news and now < a.published + NEWS), key=lambda a: a.order)
    parts = []
    for start in range(0, max(len(shown), 1), NEWS_MAX):
        part = shown[start : start + NEWS_MAX]
        dates = [a.updated for a in part]
        for a in seen:
            leaves = [d for d in (a.left, a.published + NEWS) if d]
            was_in = a.is_news and (a.is_live or a.left)
            if was_in and min(leaves) <= now and (len(part) < NEWS_MAX or a.published >= part[-1].published):
                dates.append(min(leaves))
        parts.append(([a.id for a in part], max(dates, default=None)))
    return parts


def expect_months(seen):
    months = {}
    for a in seen:
        if a.is_indexed and (a.is_live or a.left):
            live, dates = months.setdefault(a.published.strftime("%Y-%m"), ([], []))
            if a.is_live:
                live.append(a)
            dates.append(a.updated if a.is_live else a.left)
    return {
        month: ([a.id for a in sorted(live, key=lambda a: (a.published, a.id.encode()))], max(dates))
        for month, (live, dates) in months.items()
        if live
    }


def compare(what, found, expected):
    assert found == expected, f"{what}:\n  found    {found}\n  expected {expected}"


def check(out, articles, now):
    seen = [Seen(article, now) for article in articles]
    urls = {SITE.rstrip("/") + a["url"]: a["id"] for a in articles}
    ids = lambda text: [urls[u] for u in re.findall(r"<url><loc>([^<]+)", text)]
    channels = {topic for a in seen if a.is_live or a.is_withdrawn for topic in a.topics} | {"front"}
    checked = 0
    for channel in sorted(channels):
        folder = out if channel == "front" else out / channel
        newest = STORY_NEWEST if channel.startswith("stories") else NEWEST
        shown, buried, updated = expect_feed([a for a in seen if channel in a.topics], newest, now)
        items = json.loads((folder / "feed.json").read_text())["items"]
        compare(f"{channel} feed.json", [i["id"].split(":")[-1] for i in items], shown)
        rss = (folder / "rss.xml").read_text()
        compare(f"{channel} rss.xml", re.findall(r"<guid[^>]*>[^<]*:([^<:]+)<", rss), shown)
        built = parsedate_to_datetime(re.search("<lastBuildDate>([^<]+)", rss).group(1))
        compare(f"{channel} lastBuildDate", iso(built), iso(updated))
        atom = (folder / "atom.xml").read_text()
        compare(f"{channel} atom.xml updated", iso(at(re.search("<updated>([^<]+)", atom).group(1))), iso(updated))
        graves = re.findall(r'<at:deleted-entry ref="[^"]*:([^":]+)" when="([^"]+)"', atom)
        compare(f"{channel} tombstones", graves, buried)
        checked += 3
    on_disk = {str(p.parent.relative_to(out)) for p in out.glob("*/*/rss.xml")} | {"front"}
    compare("channels", on_disk, channels)
    index = dict(re.findall(r"<loc>([^<]+)</loc>\s*<lastmod>([^<]+)", (out / "sitemap.xml").read_text()))
    lines = {}
    for number, (expected, lastmod) in enumerate(expect_news(seen, now), 1):
        name = "news-sitemap.xml" if number == 1 else f"news-sitemap-{number}.xml"
        compare(name, ids((out / name).read_text()), expected)
        if expected:
            lines[SITE + name] = iso(lastmod)
    for month, (expected, lastmod) in expect_months(seen).items():
        name = f"sitemap-{month}.xml"
        compare(name, ids((out / name).read_text()), expected)
        lines[SITE + name] = iso(lastmod)
    compare("sitemap.xml", index, lines)
    stories = json.loads((out / "stories.json").read_text())["stories"]
    live = {}
    for a in seen:
        for topic in a.topics:
            if a.is_live and topic.startswith("stories/"):
                live.setdefault(topic.removeprefix("stories/"), []).append(a.published)
    expected = sorted(((-max(d).timestamp(), t, len(d)) for t, d in live.items()))
    compare("stories.json", [(s["id"], s["count"]) for s in stories], [(t, n) for _, t, n in expected])
    return checked + len(lines) + 2


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--stores", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    program = str(Path(options.program).resolve())
    checked = 0
    for seed in range(options.seed, options.seed + options.stores):
        dice = random.Random(seed)
        now = datetime(2026, 11, 23, 12, tzinfo=timezone.utc) + timedelta(seconds=dice.randrange(10**7))
        articles = make(dice, now)
        root = Path(tempfile.mkdtemp(prefix="khabar-oracle-"))
        (root / "store").mkdir()
        (root / "config.toml").write_text(CONFIG)
        for article in articles:
            (root / "store" / f"{article['id']}.json").write_text(json.dumps(article))
        # Three instants over the same state: what an earlier build knew must not show in a later one.
        for step in (timedelta(0), timedelta(seconds=dice.randrange(7_200)), timedelta(days=dice.randrange(1, 5))):
            command = [program, "-q", "-c", str(root / "config.toml"), "build", "--now", iso(now + step)]
            subprocess.run(command, check=True, capture_output=True)
            try:
                checked += check(root / "out", articles, now + step)
            except AssertionError as error:
                raise SystemExit(f"seed {seed} at {iso(now + step)} in {root}: {error}")
        shutil.rmtree(root)
    print(f"oracle: {options.stores} stores, {checked} documents checked, 0 faults")


main()
