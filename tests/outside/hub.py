"""A hub that fetches each topic the moment it is told of it: it must find the new bytes, each time, once.

    hub.py PROGRAM [--count 1000] [--kills 20]

The hub speaks https with a certificate that the program is made to trust, and a second one beside it is
dead. It fetches over HTTP from `khabar serve`, and reads the same from `out`. An article is edited again and again; every edit changes ten channels in three formats. Then the
daemon is killed at some time after each edit, and every feed must be told of once it runs again.
"""

import argparse
import http.server
import os
import random
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, unquote

SITE = "https://news.example/"
SECTIONS = [f"قسم {number}" for number in range(9)]
TOPICS = 3 * (1 + len(SECTIONS))
"""How many feeds an edit changes: the front and the sections, in three formats."""
REST = 1.1
"""Seconds between two edits."""
PATIENCE = 60
"""Seconds to wait for an announcement before there is something wrong."""

CONFIG = """
[publication]
name = "News Example"
language = "ar"
url = "{site}"
feeds_url = "{site}"
id_authority = "news.example,2016"
[store]
path = "store"
settle = "5ms"
[serve]
listen = "127.0.0.1:{served}"
operations = "127.0.0.1:0"
[announce]
hubs = ["https://127.0.0.1:{port}/", "https://127.0.0.1:9/"]
allow_private = true
"""


class Hub(http.server.ThreadingHTTPServer):
    """Takes announcements, and fetches what they name before it answers."""

    def __init__(self, out, served):
        super().__init__(("127.0.0.1", 0), Request)
        self.out, self.served = out, served
        self.found = []
        """Topic and bytes, as they were fetched."""
        self.faults = []


class Request(http.server.BaseHTTPRequestHandler):
    """One announcement."""

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        topics = form["hub.url"]
        if form["hub.mode"] != ["publish"] or form["hub.topic"] != topics or len(topics) > 10:
            self.server.faults.append(f"not a publish request of ten topics at the most: {form}")
        for topic in topics:
            path = topic.removeprefix(SITE)
            written = (self.server.out / unquote(path)).read_text(encoding="utf-8")
            with urllib.request.urlopen(f"http://127.0.0.1:{self.server.served}/{path}", timeout=PATIENCE) as answer:
                served = answer.read().decode()
            # The older of the two counts: a mark that one of them lacks is found in neither.
            marks = [set(re.findall(r"serial [^<\"]* ends", text)) for text in (written, served)]
            self.server.found.append((topic, " ".join(marks[0] & marks[1])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def certificate(root):
    """A key and a certificate for this machine in one file, and beside it the authority that signed it."""
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    authority = ["-CA", root / "authority.pem", "-CAkey", root / "authority.key"]
    for command in (
        [*new, "-subj", "/CN=authority", "-keyout", root / "authority.key", "-out", root / "authority.pem"],
        [*new, *authority, "-subj", "/CN=hub", "-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", root / "hub.key", "-out", root / "hub.pem"],
    ):
        subprocess.run(command, check=True, capture_output=True)
    return root / "hub.pem", root / "hub.key"


def write(store, serial):
    """An edit that every feed shows."""
    text = (
        f"---\nid: one\ntitle: خبر\nsummary: serial {serial} ends\n"
        f"sections: [{', '.join(SECTIONS)}]\n"
        f"date: {datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}\n---\nنص\n"
    )
    staged = store / ".one.md.tmp"
    staged.write_text(text, encoding="utf-8")
    staged.rename(store / "one.md")


def wait_for(what, is_so):
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            sys.exit(f"FAULT: {what}: not in {PATIENCE} s")
        time.sleep(0.005)


def edit(hub, store, count):
    """Edits until `count` topics have been fetched; says how many showed the edit, and how many were told twice."""
    fresh, twice, spent = 0, 0, []
    serial = 0
    while fresh < count and not hub.faults:
        serial += 1
        # A topic is told of once a second at the most, and that is not what is measured.
        time.sleep(REST)
        before, start = len(hub.found), time.monotonic()
        write(store, serial)
        wait_for("the announcement of an edit", lambda: len(hub.found) >= before + TOPICS)
        spent.append(time.monotonic() - start)
        found = hub.found[before:]
        twice += sum(times - 1 for times in Counter(topic for topic, _ in found).values())
        stale = [topic for topic, text in found if f"serial {serial} ends" not in text]
        hub.faults += [f"{topic} was told of before its new bytes were there" for topic in stale]
        fresh += len(found) - len(stale)
    spent.sort()
    return fresh, twice, spent[len(spent) // 2]


def start(program, root, log):
    """A daemon that has published."""
    daemon = subprocess.Popen(
        [program, "serve"], cwd=root, stderr=log, env={**os.environ, "SSL_CERT_FILE": str(root / "authority.pem")}
    )
    sync = [program, "sync"]
    wait_for("the daemon", lambda: subprocess.run(sync, cwd=root, capture_output=True).returncode == 0)
    return daemon


def kill(hub, store, daemon, again, kills):
    """Kills the daemon after edits, of which all feeds must be told all the same; returns the last one."""
    dice = random.Random(1)
    for number in range(kills):
        before, mark = len(hub.found), f"serial killed {number} ends"
        write(store, f"killed {number}")
        time.sleep(dice.uniform(0, 0.3))
        daemon.kill()
        daemon.wait()
        daemon = again()
        wait_for("the announcement of an edit before a kill", lambda: told(hub.found[before:], mark) == TOPICS)
    return daemon


def told(found, mark):
    """How many feeds were told of that show `mark`."""
    return len({topic for topic, text in found if mark in text})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        store = root / "store"
        store.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            served = free.getsockname()[1]
        hub = Hub(root / "out", served)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(root))
        hub.socket = context.wrap_socket(hub.socket, server_side=True)
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        (root / "config.toml").write_text(CONFIG.format(site=SITE, port=hub.server_port, served=served))
        write(store, 0)
        log = (root / "log").open("w+")
        again = partial(start, options.program.resolve(), root, log)
        daemon = again()
        try:
            fresh, twice, middle = edit(hub, store, options.count)
            daemon = kill(hub, store, daemon, again, options.kills)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(timeout=10)
            log.seek(0)
            said = log.read()
            print(said, file=sys.stderr)
        if hub.faults or twice:
            sys.exit("\n".join([*hub.faults[:10], f"{twice} topics were told twice"]))
        if said.count("it cannot be reached") > 1 + options.kills:
            sys.exit("FAULT: the dead hub is not reported once")
        print(
            f"{fresh} of {fresh} fetches found the new bytes over HTTP and in out; an edit was told of in all feeds "
            f"{middle * 1000:.0f} ms after it was saved (median); after {options.kills} kills every edit was told of"
        )


if __name__ == "__main__":
    main()
