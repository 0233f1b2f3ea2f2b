"""Requests a second of the server's processor, of khabar and of nginx over the same files, in turns.

    beside_nginx.py PROGRAM [--pairs 7] [--seconds 3] [--syscalls]

Needs nginx, wrk and taskset, and strace for --syscalls (Debian: nginx-light, wrk, util-linux, strace).
Each server has one thread on the first core, wrk has the second. A pair is a run of each, one right
after the other; of the ratios of all pairs, the median counts, because a machine that other work
shares is never as fast as a moment ago. The processor time is that of the server's process, from
/proc. Then both are asked while an article is edited every second and a thousand slow connections
are held open, and without these, and the 99th percentiles are compared. The figures go to standard
output as JSON, each with its goal; what is missed is no failure.
"""

import argparse
import asyncio
import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random

SERVER_CORE, CLIENT_CORE = "0", "1"
CONNECTIONS = 32
"""Open connections of wrk."""
SLOW = 1_000
"""Connections that never finish a request."""
DRIP = 5
"""Seconds between two header fields of a slow connection."""
PATIENCE = 30
"""Seconds that nothing takes unless it hangs."""
GOALS = {"304": 1.2, "gzip": 1.0, "full": 0.9}
"""How many times nginx's requests a second of processor are wanted at the least."""
P99_GOAL = 4.0
"""How many times longer the slowest of a hundred may take with slow connections and edits."""

CONFIG = """
[publication]
name = "News Example"
language = "ar"
url = "https://news.example/"
feeds_url = "https://news.example/"
id_authority = "news.example,2016"
[store]
path = "store"
[feeds]
formats = ["rss"]
[serve]
listen = "127.0.0.1:0"
operations = "127.0.0.1:0"
"""
NGINX = """
daemon off; master_process off; worker_processes 1; pid {root}/nginx.pid; error_log {root}/nginx.log;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; client_header_timeout 15s;
    open_file_cache max=1000 inactive=60s; open_file_cache_valid 1s;
    client_body_temp_path {root}/1; proxy_temp_path {root}/2; fastcgi_temp_path {root}/3;
    uwsgi_temp_path {root}/4; scgi_temp_path {root}/5;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        root {root}/out;
        charset utf-8; charset_types application/rss+xml;
        types {{ application/rss+xml xml; }}
        add_header Cache-Control "public, max-age=60";
        if_modified_since exact;
        gzip_static on; gzip_vary on;
    }}
}}
"""


def write(store, number, text):
    """An article, replaced as editors do."""
    date = datetime.now(timezone.utc) - timedelta(hours=100, minutes=number)
    article = {"id": f"a{number}", "title": f"خبر {number}", "body": f"<p>{text}</p>", "published": date.isoformat()}
    staged = store / f".a{number}.tmp"
    staged.write_text(json.dumps(article), encoding="utf-8")
    staged.rename(store / f"a{number}.json")


def body(dice):
    letters = "اابتثجحخدذرزسشصضطظعغفقكلللممننههوويي"
    return " ".join("".join(dice.choices(letters, k=dice.randint(2, 8))) for _ in range(75))


@contextmanager
def running(command, log, **options):
    with log.open("w+") as output:
        process = subprocess.Popen(["taskset", "-c", SERVER_CORE, *command], stderr=output, **options)
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=PATIENCE)


def wait_for(what, found):
    deadline = time.monotonic() + PATIENCE
    while not (value := found()):
        if time.monotonic() > deadline:
            sys.exit(f"FAULT: {what}: not in {PATIENCE} s")
        time.sleep(0.02)
    return value


def address_in(log):
    found = re.search(r"serving documents.*address=\S*?:(\d+)", log.read_text())
    return found and int(found[1])


def get(port, **fields):
    """An answer's status, fields and bytes; None where nobody listens yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/rss.xml", headers={name.replace("_", "-"): value for name, value in fields.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    except ConnectionRefusedError:
        return None
    finally:
        connection.close()


def processor(pid):
    """Seconds of processor that a process has used, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(port, pid, seconds, fields):
    """Asks as fast as it goes: requests, requests a second of processor, milliseconds of the 99th percentile."""
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    for name, value in fields.items():
        command += ["-H", f"{name}: {value}"]
    before = processor(pid)
    said = subprocess.run([*command, f"http://127.0.0.1:{port}/rss.xml"], capture_output=True, text=True, check=True).stdout
    spent = processor(pid) - before
    if faults := re.search(r"Socket errors.*|Non-2xx or 3xx.*", said):
        sys.exit(f"FAULT: {faults[0]}")
    requests = int(re.search(r"(\d+) requests in", said)[1])
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
    return requests, requests / spent, float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def cases(port):
    """What is asked for, by name."""
    tag = get(port)[1]["ETag"]
    return {"304": {"If-None-Match": tag}, "gzip": {"Accept-Encoding": "gzip"}, "full": {}}


def check(servers):
    """Both must answer with the same bytes, or they are not compared."""
    for fields in ({}, {"Accept_Encoding": "gzip"}):
        answers = {name: get(port, **fields) for name, (port, _) in servers.items()}
        if len({(status, data) for status, _, data in answers.values()}) != 1:
            sys.exit(f"FAULT: the answers differ for {fields}")
    for port, _ in servers.values():
        if get(port, If_None_Match=get(port)[1]["ETag"])[0] != 304:
            sys.exit("FAULT: no 304")


def compare(servers, pairs, seconds):
    """The rows of requests a second of processor."""
    rows = {}
    wanted = {name: cases(port) for name, (port, _) in servers.items()}
    for case, goal in GOALS.items():
        found = {name: [] for name in servers}
        for _ in range(pairs):
            for name, (port, pid) in servers.items():
                found[name].append(ask(port, pid, seconds, wanted[name][case])[1])
        ratios = [ours / theirs for ours, theirs in zip(found["khabar"], found["nginx"])]
        rows[case] = {name: round(statistics.median(values)) for name, values in found.items()}
        rows[case] |= {"ratio": round(statistics.median(ratios), 3), "goal": goal}
        rows[case] |= {"ratios": [round(ratio, 2) for ratio in sorted(ratios)], "met": statistics.median(ratios) >= goal}
        print(case, rows[case], file=sys.stderr)
    return rows


async def drip(port, over):
    """A connection that sends a field now and then, and another where it is closed."""
    ended = asyncio.ensure_future(over.wait())
    while not ended.done():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /rss.xml HTTP/1.1\r\nHost: a\r\n")
            # One reading for as long as the connection lives: a second beside it is an error, at once.
            closed = asyncio.ensure_future(reader.read())
            while not ended.done() and not closed.done():
                writer.write(b"X: y\r\n")
                await writer.drain()
                await asyncio.wait([closed, ended], timeout=DRIP, return_when=asyncio.FIRST_COMPLETED)
            writer.close()
            await asyncio.wait([closed])
            closed.exception()
        except OSError:
            await asyncio.sleep(1)


@contextmanager
def burdened(root, dice, port):
    """Meanwhile an article is edited every second, and slow connections are held open at a port."""
    over, ended = threading.Event(), asyncio.Event()

    def edit():
        while not over.wait(1):
            write(root / "store", dice.randrange(20), body(dice))

    async def hold():
        await asyncio.gather(*(drip(port, ended) for _ in range(SLOW)))

    loop = asyncio.new_event_loop()
    threads = [threading.Thread(target=edit), threading.Thread(target=lambda: loop.run_until_complete(hold()))]
    for thread in threads:
        thread.start()
    time.sleep(2)
    try:
        yield
    finally:
        over.set()
        loop.call_soon_threadsafe(ended.set)
        for thread in threads:
            thread.join()


def slow(servers, root, dice, pairs, seconds):
    """The rows of the 99th percentile, alone and burdened."""
    found = {name: {"alone": [], "burdened": []} for name in servers}
    for _ in range(pairs):
        for name, (port, pid) in servers.items():
            found[name]["alone"].append(ask(port, pid, seconds, {})[2])
            with burdened(root, dice, port):
                found[name]["burdened"].append(ask(port, pid, seconds, {})[2])
    rows = {}
    for name, values in found.items():
        times = [after / before for before, after in zip(values["alone"], values["burdened"])]
        rows[name] = {f"{what}_ms": round(statistics.median(of), 2) for what, of in values.items()}
        rows[name] |= {"times": round(statistics.median(times), 2), "goal": P99_GOAL, "met": statistics.median(times) <= P99_GOAL}
    print("p99", rows, file=sys.stderr)
    return rows


def syscalls(servers):
    """System calls a request, by name."""
    rows = {}
    wanted = {name: cases(port) for name, (port, _) in servers.items()}
    for case in GOALS:
        for name, (port, pid) in servers.items():
            with tempfile.NamedTemporaryFile("r") as counted:
                tracer = subprocess.Popen(["strace", "-c", "-f", "-qq", "-o", counted.name, "-p", str(pid)])
                time.sleep(0.5)
                requests = ask(port, pid, 1, wanted[name][case])[0]
                tracer.send_signal(signal.SIGINT)
                tracer.wait()
                calls = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", counted.read(), re.M)
            calls = {call: round(int(count) / requests, 2) for count, call in calls if call != "total"}
            rows.setdefault(case, {})[name] = {call: count for call, count in calls.items() if count >= 0.02}
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--syscalls", action="store_true", help="count system calls instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, dice = Path(folder), Random(7)
        root.chmod(0o755)
        (root / "store").mkdir()
        for number in range(60):
            write(root / "store", number, body(dice))
        (root / "config.toml").write_text(CONFIG)
        port = 18_000 + os.getpid() % 10_000
        (root / "nginx.conf").write_text(NGINX.format(root=root, port=port))
        ours, theirs = root / "khabar.log", root / "nginx.err"
        nginx = ["nginx", "-e", str(root / "nginx.log"), "-c", str(root / "nginx.conf")]
        with running([options.program.resolve(), "serve"], ours, cwd=root) as khabar:
            served = wait_for("khabar", lambda: address_in(ours))
            gzip = wait_for("the compressed feed", lambda: compressed(served))
            (root / "out" / "rss.xml.gz").write_bytes(gzip)
            with running(nginx, theirs) as pid:
                wait_for("nginx", lambda: get(port))
                servers = {"khabar": (served, khabar), "nginx": (port, pid)}
                check(servers)
                if options.syscalls:
                    print(json.dumps(syscalls(servers), indent=1))
                    return
                result = {"bytes": len(get(served)[2]), "gzip_bytes": len(gzip), "pairs": options.pairs}
                result["requests_a_second_of_processor"] = compare(servers, options.pairs, options.seconds)
                result["p99"] = slow(servers, root, dice, options.pairs, options.seconds)
                print(json.dumps(result, indent=1))


def compressed(port):
    status, fields, data = get(port, Accept_Encoding="gzip")
    return status == 200 and fields["Content-Encoding"] == "gzip" and data


if __name__ == "__main__":
    main()
