"""Holds a server's connections open with slowhttptest, and asks it meanwhile as a reader does.

    slow.py PROGRAM [--seconds 8]

Debian's slowhttptest sends heads that never end, bodies that never end, and reads its answers a few bytes
at a time. Whatever it does, everybody else is answered, the server opens no more descriptors than it has
connections, and once it is over all of them are closed again.
"""

import argparse
import http.client
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from random import Random

from soak import CONFIG, PATIENCE, serve, write

ATTACKS = {
    "heads": ["-H", "-i", "2", "-x", "24"],
    "bodies": ["-B", "-i", "2", "-s", "8192"],
    "reading": ["-X", "-w", "1", "-y", "10", "-n", "1", "-z", "32", "-k", "3"],
}
CONNECTIONS = 500
SPARE = 100
"""Descriptors of everything that is no connection."""


def descriptors(pid):
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def poll(address, over, found):
    """A reader over a new connection each time; what it is answered."""
    while not over.is_set():
        connection = http.client.HTTPConnection(address, timeout=PATIENCE)
        try:
            connection.request("GET", "/rss.xml")
            found.append(connection.getresponse().status)
        except OSError as error:
            found.append(repr(error))
        connection.close()
        time.sleep(0.01)


def attack(server, address, name, seconds):
    """Faults, each as a sentence, of one attack."""
    over, found = threading.Event(), []
    reader = threading.Thread(target=poll, args=(address, over, found))
    reader.start()
    count = ["-c", str(CONNECTIONS), "-r", str(CONNECTIONS), "-l", str(seconds), "-p", "3"]
    command = ["slowhttptest", *ATTACKS[name], *count, "-u", f"http://{address}/rss.xml"]
    attacker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = 0
    while attacker.poll() is None:
        most = max(most, descriptors(server.pid))
        time.sleep(0.05)
    over.set()
    reader.join()
    faults = [f"{name}: a reader was answered {answer}" for answer in set(found) if answer != 200]
    if not found:
        faults.append(f"{name}: a reader was never answered")
    if most > CONNECTIONS + SPARE:
        faults.append(f"{name}: {most} descriptors are open")
    print(f"{name}: {len(found)} answers meanwhile, {most} descriptors at the most")
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("--seconds", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "store").mkdir()
        (root / "config.toml").write_text(CONFIG)
        for number in range(30):
            write(root / "store", Random(number), number, datetime.now(timezone.utc))
        server, address = serve(options.program.resolve(), root)
        try:
            before = descriptors(server.pid)
            faults = [fault for name in ATTACKS for fault in attack(server, address, name, options.seconds)]
            deadline = time.monotonic() + PATIENCE
            while descriptors(server.pid) > before + 10 and time.monotonic() < deadline:
                time.sleep(0.1)
            if descriptors(server.pid) > before + 10:
                faults.append("connections stay open after those who held them are gone")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(PATIENCE)
    if faults:
        sys.exit("\n".join(f"FAULT: {fault}" for fault in faults))


if __name__ == "__main__":
    main()
