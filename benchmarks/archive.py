"""Relabelling an archive of many structure sets, with one process and with several, beside `cp -r` and `sync`.

    python benchmarks/archive.py [OBJECTS] [--jobs N] [--profile FUNCTIONS]

Each set has 30 ROIs and about 0.5 MB, two of its names change. All ways run in turn on files in the page cache. Seconds of
processor time are those of all processes together. The last way runs once more over the finished archive. ``--profile`` shows
the functions of one process that take most time of their own.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from relabel import write_set

MEGABYTES = 0.5
_UID_MARK, _RENAMED = b"1" * 20, ((b"organ 1 ", b"lung li "), (b"organ 2 ", b"lung re "))


def make_archive(folder: Path, objects: int) -> None:
    """Write structure sets that differ by their UID."""
    pattern = folder.parent / "pattern.dcm"
    write_set(pattern, MEGABYTES, undefined=False)
    content = pattern.read_bytes()
    for before, after in _RENAMED:
        content = content.replace(before, after)
    for number in range(objects):
        place = folder / f"{number // 100:04}"
        place.mkdir(parents=True, exist_ok=True)
        uid = b"2%019d" % number
        (place / f"{number:07}.dcm").write_bytes(content.replace(_UID_MARK, uid))


def relabelling(archive: Path, output: Path, jobs: int) -> list[str]:
    """The command that relabels the archive."""
    verb = [sys.executable, "-m", "tg263_scp", "relabel", str(archive), "--output", str(output)]
    return [*verb, "--jobs", str(jobs)]


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that a work takes, and those of the processors."""
    before, start = os.times(), time.perf_counter()
    work()
    took, after = time.perf_counter() - start, os.times()
    return took, sum(after[:4]) - sum(before[:4])


def ways(archive: Path, folder: Path, jobs: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what is compared."""

    def run(*command: str) -> Callable[[], object]:
        return lambda: subprocess.run(command, check=True, capture_output=True)

    def copied() -> None:
        subprocess.run(["cp", "-r", str(archive), str(folder / "copied")], check=True)
        os.sync()

    yield "cp -r and sync", copied
    yield "1 process", run(*relabelling(archive, folder / "one", 1))
    yield f"{jobs} processes", run(*relabelling(archive, folder / "several", jobs))
    yield "once more, all done before", run(*relabelling(archive, folder / "several", 1))


def profile(archive: Path, output: Path, functions: int) -> None:
    """Show where one process spends its time."""
    from tg263_scp.tools.archive.copies import Order
    from tg263_scp.tools.archive.relabel import relabel_archive

    profiler = cProfile.Profile()
    profiler.runcall(relabel_archive, Order((archive,), output))
    pstats.Stats(profiler).sort_stats("tottime").print_stats(functions)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("objects", nargs="?", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--profile", type=int, default=0, metavar="FUNCTIONS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tg263-archive-") as temporary:
        folder = Path(temporary)
        archive = folder / "archive"
        make_archive(archive, options.objects)
        if options.profile:
            profile(archive, folder / "profiled", options.profile)
            return
        for name, work in ways(archive, folder, options.jobs):
            took, cpu = measured(work)
            rate, each = options.objects / took, 1000 * cpu / options.objects
            print(f"{name:<28} {took:7.1f} s {rate:8.0f} objects/s {each:7.2f} ms CPU an object")


if __name__ == "__main__":
    main()
