"""Crawls the sitemaps as a search engine does, with ultimate-sitemap-parser over loopback HTTP.

Usage: crawl.py OUT SITE

The crawler starts at `sitemap.xml` and must find every URL of every part on disk, once for each
part that lists it, and the news of every news part.
"""

import sys
from collections import Counter
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from usp.fetch_parse import SitemapFetcher
from usp.objects.sitemap import InvalidSitemap
from usp.web_client.requests_client import RequestsWebClient

from published import Published, Tally, locations, loopback


class Loopback(HTTPAdapter):
    """Sends requests for the site to the loopback server: its documents name the real one."""

    def __init__(self, site: str, base: str) -> None:
        super().__init__()
        self.site, self.base = site, base

    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        wanted = request.url
        request.url = wanted.replace(self.site, self.base, 1)
        response = super().send(request, *args, **kwargs)
        request.url = response.url = wanted
        return response


def main(out: str, site: str) -> int:
    """Crawls from the index and compares with the parts on disk."""
    published, tally = Published(out, site), Tally("crawl")
    tally.expect("sitemaps", "URLs", "news")
    parts = [*published.articles(), *published.news()]
    wanted = Counter(loc for part in parts for loc in locations(part))
    with loopback(published.out) as base:
        session = requests.Session()
        session.trust_env = False
        session.mount(published.site, Loopback(published.site, base))
        tree = SitemapFetcher(
            url=published.url(published.index),
            web_client=RequestsWebClient(session=session),
            recursion_level=0,
            parent_urls=set(),
        ).sitemap()
        for sitemap in [tree, *tree.all_sitemaps()]:
            tally.check(not isinstance(sitemap, InvalidSitemap), f"{sitemap.url} is not valid")
            tally.saw("sitemaps")
        pages = list(tree.all_pages())
    found = Counter(page.url for page in pages)
    for url in (wanted - found) | (found - wanted):
        tally.check(False, f"{url}: listed {wanted[url]} times, found {found[url]} times")
    news = [page.news_story for page in pages if page.news_story]
    tally.check(
        len(news) == sum(len(locations(part)) for part in published.news()),
        "the crawler did not find all news",
    )
    tally.check(all(story.title and story.publish_date for story in news), "news lacks a title")
    tally.saw("URLs", sum(found.values()))
    tally.saw("news", len(news))
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
