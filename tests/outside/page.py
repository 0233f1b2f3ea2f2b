"""Looks at a page in Chromium, as phone and desk show it, by day and by night: is it accessible, does it fit?

    page.py OUT AXE [--shots FOLDER]

OUT holds index.html, AXE is axe.min.js of axe-core, and Debian's chromium is in the PATH. Every rule of axe
that is no mere advice must hold, nothing may be wider than the window, and the page must not need a script.
With --shots, the pictures are left in a folder, to be looked at.
"""

import argparse
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WIDTHS = {"phone": 390, "desk": 1280}
SCHEMES = {"light": 1, "dark": 0}
"""The values of Chromium's setting preferredColorScheme."""
PATIENCE = 120
"""Seconds that Chromium may take."""
RUN = """<script src="axe.min.js"></script><script>
addEventListener("load", async () => {
  const found = await axe.run();
  const wide = document.documentElement.scrollWidth > innerWidth;
  const result = {
    passes: found.passes.length, width: innerWidth, wide,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    violations: found.violations.map(rule => [rule.id, rule.help, rule.nodes.slice(0, 3).map(node => node.html)]),
    unsure: found.incomplete.map(rule => rule.id),
  };
  const said = parent.document.createElement("pre");
  said.id = "axe-said";
  said.textContent = JSON.stringify(result);
  parent.document.body.append(said);
});
</script>"""
FRAME = '<!DOCTYPE html><title>frame</title><body><iframe src="index.html" width="{width}" height="2400" style="border:0">'
"""Chromium has no window as narrow as a phone, but shows a frame of that width."""


def chromium(folder, width, scheme, *arguments):
    """Runs Chromium with a profile of its own; what it prints."""
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
        f"--user-data-dir={folder}/profile", f"--window-size={width},2400",
        f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", *arguments,
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE).stdout


def look(folder, width, scheme):
    """What axe says of the page at a width."""
    name = "index.html" if width >= 500 else "frame.html"
    (folder / "frame.html").write_text(FRAME.format(width=width), encoding="utf-8")
    arguments = ["--allow-file-access-from-files", "--virtual-time-budget=20000", "--dump-dom"]
    dom = chromium(folder, width, scheme, *arguments, f"file://{folder}/{name}")
    said = re.search(r'<pre id="axe-said">(.*?)</pre>', dom, re.S)
    if not said:
        sys.exit("FAULT: axe said nothing")
    return json.loads(html.unescape(said[1]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("axe", type=Path)
    parser.add_argument("--shots", type=Path)
    options = parser.parse_args()
    page = (options.out / "index.html").read_text(encoding="utf-8")
    faults = []
    if "<script" in page:
        faults.append("the page has a script")
    with tempfile.TemporaryDirectory(prefix="khabar-page-") as name:
        folder = Path(name)
        shutil.copy(options.axe, folder / "axe.min.js")
        (folder / "index.html").write_text(page.replace("</head>", RUN + "</head>"), encoding="utf-8")
        passes = 0
        for device, width in WIDTHS.items():
            for scheme in SCHEMES:
                said = look(folder, width, scheme)
                where = f"{device}, {scheme}"
                if said["width"] != width or said["dark"] != (scheme == "dark"):
                    sys.exit(f"FAULT: Chromium does not show it as on a {where}: {said}")
                passes += said["passes"]
                faults += [f"{where}: {rule}" for rule in said["violations"]]
                if said["wide"]:
                    faults.append(f"{where}: something is wider than the window")
                if options.shots:
                    shot = options.shots.resolve() / f"{device}-{scheme}.png"
                    chromium(folder, width, scheme, f"--screenshot={shot}", f"file://{options.out.resolve()}/index.html")
    if faults:
        sys.exit("\n".join(f"FAULT: {fault}" for fault in faults))
    print(f"The page fits phone and desk, by day and by night; axe found {passes} rules kept and none broken.")


if __name__ == "__main__":
    main()
