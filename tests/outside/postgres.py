"""A PostgreSQL server on loopback, and the tests that need one.

    postgres.py run COMMAND…            runs a command with KHABAR_POSTGRES set to the server
    postgres.py check PROGRAM           TLS, a server that stops and comes back, and passwords in logs
    postgres.py measure PROGRAM ROWS…   first publication, and COMMIT to visible beside NOTIFY alone

The server is Debian's `postgresql`, run as the user `postgres` in a temporary folder, and goes with
the script. `measure` needs psycopg.
"""

import argparse
import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

CONFIG = """
[publication]
name = "News Example"
language = "ar"
url = "https://news.example/"
feeds_url = "https://news.example/"
id_authority = "news.example,2016"
[store]
kind = "postgres"
url = "{url}"
table = "khabar_articles"
changes = "khabar_changes"
{more}
[feeds]
newest = 20
"""
# A machine may have a null device that only root can write to, and the server needs one.
PRIVATE_NULL = """
become='setpriv --reuid=postgres --regid=postgres --init-groups'
if ! $become sh -c ': > /dev/null' 2>/dev/null; then
    mknod "$1/null" c 1 3 && chmod 666 "$1/null" && mount --bind "$1/null" /dev/null
fi
shift
exec $become "$@"
"""


def binaries():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        sys.exit("no PostgreSQL server is installed: apt-get install postgresql")
    return found[-1].parent


class Server:
    """A server of its own, on a free port of loopback."""

    def __init__(self, settings=()):
        self.folder = Path(tempfile.mkdtemp(prefix="khabar-postgres-"))
        user = pwd.getpwnam("postgres")
        os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.folder.chmod(0o755)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.settings = list(settings)
        data = self.folder / "data"
        self.as_postgres(
            [binaries() / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync",
             "--encoding", "UTF8", "--locale", "C.UTF-8"],
        ).wait(60)
        self.process = None
        self.start()

    def as_postgres(self, command):
        null = ["unshare", "--mount", "sh", "-c", PRIVATE_NULL, "sh", self.folder]
        log = (self.folder / "log").open("ab")
        return subprocess.Popen(
            [str(word) for word in [*null, *command]], cwd=self.folder, stdout=log, stderr=log
        )

    def start(self):
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "max_connections": 200,
        }
        command = [binaries() / "postgres", "-D", self.folder / "data"]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        for setting in self.settings:
            command += ["-c", setting]
        self.process = self.as_postgres(command)
        deadline = time.monotonic() + 60
        while self.psql("SELECT 1", check=False) != "1":
            if time.monotonic() > deadline:
                sys.exit((self.folder / "log").read_text())
            time.sleep(0.05)

    def stop(self, how=signal.SIGQUIT):
        pid = int((self.folder / "data/postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, how)
        self.process.wait(30)

    def url(self, database="postgres"):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def psql(self, sql, check=True):
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.url()]
        done = subprocess.run(command, input=sql, capture_output=True, text=True)
        if check and done.returncode:
            sys.exit(f"{sql[:200]}: {done.stderr}")
        return done.stdout.strip()


@contextlib.contextmanager
def server(*settings):
    made = Server(settings)
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(made.folder)


class Project:
    """A project over the server's tables, which goes with its `with`."""

    def __init__(self, program, url, more=""):
        self.program = program
        self.folder = Path(tempfile.mkdtemp(prefix="khabar-project-"))
        (self.folder / "config.toml").write_text(CONFIG.format(url=url, more=more))
        self.daemon = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.kill()
        shutil.rmtree(self.folder)

    def khabar(self, *arguments):
        command = [self.program, *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True)

    def start(self):
        log = (self.folder / "log").open("ab")
        self.daemon = subprocess.Popen([self.program, "watch"], cwd=self.folder, stderr=log)
        self.until(lambda: self.khabar("sync", "--timeout", "600s").returncode == 0, "sync", 3600)

    def log(self):
        return (self.folder / "log").read_text()

    def shown(self):
        feed = json.loads((self.folder / "out/feed.json").read_text())
        return [item["title"] for item in feed["items"]]

    def until(self, is_so, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                sys.exit(f"{what} does not come to be: {self.log()}")
            time.sleep(0.02)

    def stop(self):
        self.daemon.terminate()
        if self.daemon.wait(30) != 0:
            sys.exit(f"the daemon ended with {self.daemon.returncode}: {self.log()}")


def put(made, number):
    made.psql(
        "INSERT INTO khabar_articles (id, title, body, published) VALUES "
        f"('n{number}', 'خبر {number}', '<p>نص</p>', now() - interval '1 minute')"
    )


def certificates(folder):
    """An authority, and a server's certificate for 127.0.0.1 signed by it."""

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-days", "2", "-subj", "/CN=ca", "-addext", "basicConstraints=critical,CA:TRUE")
    for name, address in (("good", "IP:127.0.0.1"), ("other", "DNS:other.example")):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", "csr",
                "-subj", f"/CN={name}")
        (folder / "ext").write_text(f"subjectAltName={address}\n")
        openssl("x509", "-req", "-in", "csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", f"{name}.pem", "-days", "2", "-extfile", "ext")
        user = pwd.getpwnam("postgres")
        for file in (f"{name}.key", f"{name}.pem"):
            os.chown(folder / file, user.pw_uid, user.pw_gid)
            (folder / file).chmod(0o600)


def check_tls(program):
    """A certificate is verified: who signed it, and for which machine."""
    folder = Path(tempfile.mkdtemp(prefix="khabar-tls-"))
    folder.chmod(0o755)
    certificates(folder)
    ca = f'ca_file = "{folder}/ca.pem"'
    for name, more, works in (("good", ca, True), ("good", "", False), ("other", ca, False)):
        with server("ssl=on", f"ssl_cert_file={folder}/{name}.pem", f"ssl_key_file={folder}/{name}.key") as made:
            made.psql(subprocess.run([program, "schema", "postgres"], capture_output=True, text=True).stdout)
            put(made, 1)
            with Project(program, made.url() + "?sslmode=require", more) as project:
                ran = project.khabar("build")
            if (ran.returncode == 0) != works:
                sys.exit(f"TLS with {name} and {more!r}: {ran.stdout}{ran.stderr}")
            if not works and "certificate" not in ran.stderr:
                sys.exit(f"no word of the certificate: {ran.stderr}")
    # A server without TLS, where it is asked for: nothing is said in the open.
    with server() as made:
        with Project(program, made.url() + "?sslmode=require", ca) as project:
            ran = project.khabar("build")
        if ran.returncode == 0 or "TLS" not in ran.stderr:
            sys.exit(f"TLS is not insisted on: {ran.stderr}")
    shutil.rmtree(folder)
    print("TLS: verified, refused where it is not to be trusted")


def survive(made, project, number):
    """The daemon of `project` goes through it all, with `number` articles."""
    for how in (signal.SIGQUIT, signal.SIGINT, signal.SIGQUIT):
        before = project.shown()
        told = project.log().count("cannot be used")
        made.stop(how)
        project.until(lambda: project.log().count("cannot be used") > told, "degraded")
        if project.shown() != before:
            sys.exit("what was published is gone with the server")
        made.start()
        number += 1
        put(made, number)
        title = f"خبر {number}"
        project.until(lambda: title in project.shown(), title)
    # It hangs: nobody is told, and nothing answers.
    postmaster = (made.folder / "data/postmaster.pid").read_text().split()[0]
    children = subprocess.run(["pgrep", "-P", postmaster], capture_output=True, text=True)
    family = [int(postmaster), *map(int, children.stdout.split())]
    told = project.log().count("trouble=")
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    project.until(lambda: project.log().count("trouble=") > told, "degraded while it hangs")
    for pid in family:
        os.kill(pid, signal.SIGCONT)
    number += 1
    put(made, number)
    title = f"خبر {number}"
    project.until(lambda: title in project.shown(), title)
    project.khabar("sync")
    project.stop()
    if project.khabar("verify").returncode != 0:
        sys.exit("out is not what a build makes")
    if "geheim" in project.log():
        sys.exit("the log shows the password")


def check_outage(program):
    """The server is killed and comes back, is stopped for a while, and loses nothing that was committed."""
    with server() as made:
        made.psql(subprocess.run([program, "schema", "postgres"], capture_output=True, text=True).stdout)
        made.psql("CREATE ROLE reader LOGIN PASSWORD 'geheim'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        number = 0
        for number in range(1, 21):
            put(made, number)
        url = made.url().replace("postgres@", "reader:geheim@")
        with Project(program, url) as project:
            project.start()
            survive(made, project, number)
    print("outage: killed, stopped, hung: degraded each time, and nothing lost")


def fill(made, rows):
    """So many articles of ten years in eight sections, 800 of them of the last two days."""
    made.psql("ALTER TABLE khabar_articles DISABLE TRIGGER ALL")
    made.psql(
        "INSERT INTO khabar_articles (id, title, summary, body, published, sections, tags) "
        "SELECT 'a' || n, 'خبر رقم ' || n, 'ملخص الخبر ' || n, "
        "'<p>' || repeat('نص الخبر كما ورد من المراسل. ', 30) || n || '</p>', "
        "now() - CASE WHEN n <= 800 THEN interval '200 seconds' * n "
        f"ELSE interval '2 days' + interval '3650 days' * ((n - 800)::float / {rows}) END, "
        "jsonb_build_array('s' || n % 8), "
        f"jsonb_build_array('t' || n % 40) FROM generate_series(1, {rows}) AS n"
    )
    made.psql("ALTER TABLE khabar_articles ENABLE TRIGGER ALL; ANALYZE khabar_articles")


def measure(program, rows, edits=200):
    with server("shared_buffers=1GB", "max_wal_size=4GB") as made:
        made.psql(subprocess.run([program, "schema", "postgres"], capture_output=True, text=True).stdout)
        fill(made, rows)
        with Project(program, made.url(), 'scan_every = "7d"') as project:
            time_project(made, project, rows, edits)


def time_project(made, project, rows, edits):
    """What `measure` says of one project."""
    import psycopg

    begun = time.monotonic()
    built = project.khabar("build")
    first = time.monotonic() - begun
    if built.returncode != 0:
        sys.exit(built.stderr)
    begun = time.monotonic()
    project.khabar("build")
    again = time.monotonic() - begun
    project.start()
    writer = psycopg.connect(made.url(), autocommit=True)
    listener = psycopg.connect(made.url(), autocommit=True)
    listener.execute("LISTEN khabar")
    heard = {}

    def listen():
        # It ends with the connection.
        with contextlib.suppress(psycopg.Error):
            for _ in listener.notifies():
                heard.setdefault("at", time.monotonic())

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    feed = project.folder / "out/feed.json"
    bare, visible = [], []
    for number in range(edits):
        title = f"عاجل {rows} {number}"
        stamp = feed.stat().st_mtime_ns, feed.stat().st_ino
        heard.pop("at", None)
        with writer.transaction():
            writer.execute(
                "INSERT INTO khabar_articles (id, title, body, published, sections) "
                "VALUES (%s, %s, '<p>نص</p>', now(), '[\"s1\"]')",
                (f"e{number}", title),
            )
            begun = time.monotonic()
        while True:
            now = feed.stat()
            if (now.st_mtime_ns, now.st_ino) != stamp and title in feed.read_text():
                break
            if time.monotonic() > begun + 60:
                sys.exit(f"{title} does not come: {project.log()}")
            time.sleep(0.0005)
        visible.append(time.monotonic() - begun)
        while "at" not in heard:
            time.sleep(0.0005)
        bare.append(heard["at"] - begun)
        time.sleep(0.05)
    project.stop()

    def spread(times):
        times = sorted(1000 * time for time in times)
        return f"p50 {statistics.median(times):.1f} ms, p99 {times[int(len(times) * 0.99)]:.1f} ms"

    print(f"{rows} rows: first publication {first:.1f} s, again {again:.1f} s; "
          f"COMMIT to visible {spread(visible)}; NOTIFY alone {spread(bare)}", flush=True)
    print("  " + built.stdout.strip(), flush=True)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run").add_argument("words", nargs=argparse.REMAINDER)
    commands.add_parser("check").add_argument("program", type=Path)
    measuring = commands.add_parser("measure")
    measuring.add_argument("program", type=Path)
    measuring.add_argument("rows", type=int, nargs="+")
    options = parser.parse_args()
    if options.command == "run":
        with server("fsync=off", "autovacuum=off") as made:
            environment = os.environ | {"KHABAR_POSTGRES": made.url()}
            code = subprocess.run(options.words, env=environment).returncode
        sys.exit(code)
    program = options.program.resolve()
    if options.command == "check":
        check_tls(program)
        check_outage(program)
    else:
        for rows in options.rows:
            measure(program, rows)


if __name__ == "__main__":
    main()
