"""Validates sitemaps with libxml2 against the XSDs and Atom feeds with jing against RELAX NG.

Usage: schemas.py OUT SITE SCHEMAS

SCHEMAS holds `urlset-all.xsd` (sitemap with the news, image, video and hreflang extensions),
`siteindex.xsd` and `atom.rng`. An empty news sitemap is left out: Google takes it, the sitemap
schema wants at least one URL.
"""

import subprocess
import sys
from pathlib import Path

from published import Published, Tally, locations

BATCH = 200
"""Files a call: command lines have a limit, and a Java start is slow."""


def run(tally: Tally, command: list[str], files: list[Path], kind: str) -> None:
    """Runs a validator over `files`; what it prints is the fault, but for good files and the
    complaints of jing's launcher about optional Java libraries."""
    for start in range(0, len(files), BATCH):
        batch = files[start : start + BATCH]
        result = subprocess.run(
            [*command, *map(str, batch)], capture_output=True, text=True, check=False
        )
        lines = (result.stdout + result.stderr).splitlines()
        said = [line for line in lines if not (line.endswith(" validates") or "[warning]" in line)]
        tally.check(result.returncode == 0, f"{command[0]}: {'; '.join(said)}")
        tally.saw(kind, len(batch))


def main(out: str, site: str, schemas: str) -> int:
    """Validates everything that has a schema."""
    published, tally, folder = Published(out, site), Tally("schemas"), Path(schemas)
    tally.expect("sitemap parts", "sitemap indexes", "Atom feeds")
    for name in ("urlset-all.xsd", "siteindex.xsd", "atom.rng"):
        tally.check((folder / name).is_file(), f"{folder / name} is missing")
    if tally.faults:
        return tally.finish()

    parts = [*published.articles(), *published.news()]
    filled = [part for part in parts if locations(part)]
    tally.check(
        all(part in published.news() for part in parts if part not in filled),
        "a sitemap part other than news is empty",
    )
    xsd = ["xmllint", "--nonet", "--noout", "--schema"]
    run(tally, [*xsd, str(folder / "urlset-all.xsd")], filled, "sitemap parts")
    run(tally, [*xsd, str(folder / "siteindex.xsd")], [published.index], "sitemap indexes")
    feeds = [channel.atom for channel in published.channels()]
    run(tally, ["jing", str(folder / "atom.rng")], feeds, "Atom feeds")
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
