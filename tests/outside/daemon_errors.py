"""A daemon whose disk fails: at every call of a publication, and for real.

    daemon_errors.py PROGRAM [--short] [--lie]

Each call with which a publication changes files is made to fail (with strace) at each of its
positions, once, and from there on until the fault is taken away. Then disks that are full, without
inodes, read-only or immutable, and limits of the process: out and state lie on small disks for that,
which needs root, loop devices and mkfs.ext4. Whatever happens, the daemon goes on, every document is
whole and of one of its two versions, the trouble is logged once and its end once, nothing staged is
left, and once the fault is gone, out comes right by itself in time. --short takes a sample of the
calls, and the limits of the process alone. With --lie, renames that do nothing are reported done
instead of failed: it must then find a fault, or it could not find any.
"""

import argparse
import os
import resource
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from watched import STAGE, Newsroom, Strace, check_whole, put_version, seen_calls, tree

ERRORS = {
    "openat": ["EMFILE", "EACCES", "EROFS", "ENOSPC", "EDQUOT", "EIO"],
    "write": ["ENOSPC", "EDQUOT", "EIO"],
    "pwrite64": ["ENOSPC", "EDQUOT", "EIO"],
    "ftruncate": ["EIO"],
    "fsync": ["EIO", "ENOSPC", "EDQUOT"],
    "fdatasync": ["EIO", "ENOSPC", "EDQUOT"],
    "syncfs": ["EIO", "ENOSPC"],
}
OTHER_ERRORS = ["EACCES", "EROFS", "ENOSPC", "EIO"]
RECOVERY = 5.0
"""Seconds from the end of a fault until everything is published, on a machine that is not loaded."""
SAMPLE = 9
"""In the short form, every so manieth position is tried, each with one error."""


class Trial:
    """A newsroom whose articles are in one of two versions, and what is made of each."""

    def __init__(self, program, **places):
        self.newsroom = Newsroom(program, settle="20ms", **places)
        self.versions, self.recoveries, self.runs = [], [], 0
        newsroom = self.newsroom
        put_version(newsroom.store, 1)
        newsroom.started()
        self.versions.append(tree(newsroom.out))
        start = time.monotonic()
        self.turn(0)
        # On a loaded machine an undisturbed publication takes longer, and so may a recovery.
        self.limit = RECOVERY + 20 * (time.monotonic() - start)
        self.versions.insert(0, tree(newsroom.out))
        newsroom.check_true("undisturbed")

    def turn(self, version):
        put_version(self.newsroom.store, version)
        self.newsroom.sync()

    def is_new(self):
        try:
            return tree(self.newsroom.out) == self.versions[1]
        except OSError:
            return False

    def until(self, holds, seconds, what):
        end = time.monotonic() + seconds
        while not holds():
            assert self.newsroom.daemon.poll() is None, f"{what}: the daemon ended: {self.newsroom.said()}"
            assert time.monotonic() < end, f"{what}: not within {seconds:.1f} s: {self.newsroom.said()}"
            time.sleep(0.01)

    def begin(self):
        self.turn(0)
        assert tree(self.newsroom.out) == self.versions[0]
        self.newsroom.log.clear()

    def check_during(self, what):
        """Old or new documents while it lasts."""
        assert self.newsroom.daemon.poll() is None, f"{what}: the daemon ended: {self.newsroom.said()}"
        for path, data in check_whole(self.newsroom.out, what).items():
            assert any(version.get(path) == data for version in self.versions), f"{what}: {path} is torn"

    def check_after(self, what):
        """The fault is gone. Nothing is asked of the daemon before it came right: that would wake it."""
        start = time.monotonic()
        self.until(self.is_new, self.limit, f"{what}: recovery")
        self.recoveries.append(time.monotonic() - start)
        self.until(lambda: self.ended() == self.begun(), self.limit, f"{what}: its end is not logged")
        assert max(self.begun().values(), default=0) <= 1, f"{what}: logged more than once: {self.newsroom.said()}"
        self.newsroom.sync()
        assert self.is_new(), f"{what}: out changed after it came right"
        assert not (self.newsroom.out / STAGE).exists(), f"{what}: the stage stays"
        left = [path.name for path in self.newsroom.state.iterdir() if path.suffix == ".new"]
        assert not left, f"{what}: {left} stays"
        assert "panicked" not in self.newsroom.said(), f"{what}: {self.newsroom.said()}"
        self.runs += 1

    def begun(self):
        """How often each trouble was logged."""
        return self.counts(lambda line: "ERROR" in line and line.rsplit("trouble=", 1)[-1].strip())

    def ended(self):
        return self.counts(lambda line: "all is well again" in line and line.rsplit("trouble=", 1)[-1].strip())

    def counts(self, name):
        names = [name(line) for line in list(self.newsroom.log)]
        return {found: names.count(found) for found in names if found}

    def close(self):
        self.newsroom.stop()


def fail_at_every_call(trial, is_short, lies):
    newsroom = trial.newsroom
    trial.turn(0)
    failed = 0
    for call, beneath in seen_calls(newsroom, lambda: put_version(newsroom.store, 1)):
        if lies and not call.startswith("rename"):
            continue
        errors = ERRORS.get(call, OTHER_ERRORS)
        n = 1
        while n:
            # There are hundreds of openings: each position takes one error, and the next the next.
            is_sample = is_short or call == "openat"
            for error in [errors[n % len(errors)]] if is_sample else errors:
                for when in (f"{n}", f"{n}+"):
                    what = f"{error} at {call} {when}"
                    trial.begin()
                    inject = "retval=0" if lies else f"error={error}"
                    options = ["-e", f"trace={call}", "-e", f"inject={call}:{inject}:when={when}", *beneath]
                    strace = Strace(newsroom.daemon.pid, newsroom.base / "trace", *options)
                    put_version(newsroom.store, 1)
                    if when.endswith("+"):
                        trial.until(lambda: strace.injected() > 1 and trial.begun() or trial.is_new(), trial.limit, what)
                        time.sleep(0.3 if trial.begun() else 0)
                    else:
                        trial.until(trial.is_new, trial.limit, what)
                    trial.check_during(what)
                    strace.let_go()
                    met = strace.injected()
                    trial.check_after(what)
                    failed += met > 0
            n = met and n + (SAMPLE if is_short else 1)
    assert failed, "no call was met"
    return failed


@contextmanager
def disk(kind, options=""):
    """A small disk of its own; with loop devices, or in memory."""
    place = Path(tempfile.mkdtemp(prefix="khabar-disk-"))
    image = place.with_suffix(".img")
    try:
        if kind == "tmpfs":
            command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place]
        else:
            with image.open("wb") as file:
                file.truncate(4 << 20)
            subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-N", "160", image], check=True)
            command = ["mount", "-o", "loop", image, place]
        subprocess.run(command, check=True)
        yield place
    finally:
        subprocess.run(["umount", place], stderr=subprocess.DEVNULL)
        place.rmdir()
        image.unlink(missing_ok=True)


@contextmanager
def full(place):
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while True:
                    assert file.write(b"x" * size)
            except OSError:
                pass
        os.fsync(file.fileno())
    yield
    filler.unlink()


@contextmanager
def without_inodes(place):
    fillers = place / "fillers"
    fillers.mkdir()
    try:
        for number in range(1_000_000):
            (fillers / str(number)).touch()
    except OSError:
        pass
    yield
    for filler in fillers.iterdir():
        filler.unlink()
    fillers.rmdir()


class Untried(Exception):
    """The kernel refuses to make this fault."""


@contextmanager
def read_only(place):
    run = subprocess.run(["mount", "-o", "remount,ro", place], capture_output=True, text=True)
    if run.returncode != 0:
        raise Untried(run.stderr.splitlines()[0])
    yield
    subprocess.run(["mount", "-o", "remount,rw", place], check=True)


@contextmanager
def immutable(place):
    folders = [place / "out", place / "out" / "stories" / "s1", place / "state"]
    folders = [folder for folder in folders if folder.is_dir()]
    subprocess.run(["chattr", "+i", *folders], check=True)
    yield
    subprocess.run(["chattr", "-i", *folders], check=True)


def limited(trial, kind, value):
    @contextmanager
    def limit():
        before = resource.prlimit(trial.newsroom.daemon.pid, kind)
        resource.prlimit(trial.newsroom.daemon.pid, kind, (value(), before[1]))
        yield
        resource.prlimit(trial.newsroom.daemon.pid, kind, before)

    return limit()


def fail_for_real(trial, what, fault, seconds=1.0):
    """The fault lasts while an edit is owed and an article is withdrawn by command."""
    newsroom = trial.newsroom
    trial.begin()
    with fault:
        put_version(newsroom.store, 1)
        # With some descriptors left, everything may be possible.
        trial.until(lambda: trial.begun() or trial.is_new(), trial.limit, f"{what}: it is not told")
        # Nobody is withdrawn by this, but it must be remembered: state is written as well.
        newsroom.run("withdraw", "nobody")
        time.sleep(seconds)
        trial.check_during(what)
    trial.check_after(what)
    run = newsroom.run("restore", "nobody")
    assert run.returncode == 0, f"{what}: what was commanded meanwhile is lost: {run.stderr}"


def fail_to_remember(trial, what, fault):
    """The fault lasts while nothing is to be published, and a withdrawal is to be remembered."""
    trial.begin()
    with fault:
        # A few bytes may find a place on a full disk.
        if trial.newsroom.run("withdraw", "nobody").returncode != 0:
            trial.until(trial.begun, trial.limit, f"{what}: it is not told")
    trial.until(lambda: trial.ended() == trial.begun(), trial.limit, f"{what}: its end is not logged")
    run = trial.newsroom.run("restore", "nobody")
    assert run.returncode == 0, f"{what}: what was commanded is lost: {run.stderr}"
    trial.runs += 1


def fail_on_disks(program):
    recoveries, runs = [], 0
    cases = [
        ("tmpfs", "size=256k", full),
        ("tmpfs", "size=4m,nr_inodes=60", without_inodes),
        ("tmpfs", "size=4m", read_only),
        ("ext4", "", full),
        ("ext4", "", without_inodes),
        ("ext4", "", read_only),
        ("ext4", "", immutable),
    ]
    for kind, options, fault in cases:
        for name in ("out", "state"):
            with disk(kind, options) as place:
                trial = Trial(program, **{name: place / name})
                try:
                    what = f"{name} on {kind}, {fault.__name__}"
                    fail_for_real(trial, what, fault(place))
                    if name == "state":
                        fail_to_remember(trial, what, fault(place))
                    trial.close()
                except Untried as why:
                    # A file that is open for writing stands against it; out has none while nothing is published.
                    assert name == "state", f"{what}: {why}"
                    print(f"daemon_errors: not tried: {what}: {why}")
                finally:
                    trial.newsroom.remove()
                recoveries += trial.recoveries
                runs += trial.runs
    return recoveries, runs


def fail_by_limits(trial):
    descriptors = Path(f"/proc/{trial.newsroom.daemon.pid}/fd")
    for spare in range(6):
        def value(spare=spare):
            taken = {int(path.name) for path in descriptors.iterdir()}
            return min(set(range(len(taken) + 1)) - taken) + spare

        fail_for_real(trial, f"{spare} descriptors left", limited(trial, resource.RLIMIT_NOFILE, value))
    for fail in (fail_for_real, fail_to_remember):
        fail(trial, "files of 100 bytes at most", limited(trial, resource.RLIMIT_FSIZE, lambda: 100))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--lie", action="store_true")
    options = parser.parse_args()
    start = time.monotonic()
    trial = Trial(options.program)
    try:
        failed = fail_at_every_call(trial, options.short, options.lie)
        injected, real = time.monotonic() - start, -trial.runs
        fail_by_limits(trial)
        real += trial.runs
        trial.close()
    except AssertionError as fault:
        if not options.lie:
            raise
        print(f"daemon_errors: with lost renames a fault was found, as it must be: {fault}")
        return
    finally:
        trial.newsroom.remove()
    if options.lie:
        raise SystemExit("daemon_errors: renames were lost and no fault was found: the check finds nothing")
    recoveries, disks = ([], 0) if options.short else fail_on_disks(options.program)
    print(
        f"daemon_errors: {failed} injected failures ({injected:.0f} s), {real + disks} real ones, "
        f"slowest recovery {max(trial.recoveries + recoveries):.2f} s (at most {trial.limit:.1f} s), "
        f"{time.monotonic() - start:.0f} s: 0 faults"
    )


if __name__ == "__main__":
    main()
