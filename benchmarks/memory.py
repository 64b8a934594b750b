"""Does the node take more and more memory? Ten thousand objects pass it, and its resident set is looked at on the way.

    python benchmarks/memory.py [--objects 10000] [--evidence FILE]

A node of its own (``tg263-scp serve``, a process) receives images and structure sets in turn from several senders, names the
structure sets and forwards all to a receiver of ours. After each tenth of the objects it may finish, and then its resident
set counts. The last line says by how much it grew from the second look, when everything is loaded, to the last.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from doubles.loopback import CT, RTSTRUCT, Receiver
from evidence import record, table
from soak import OBJECTS_PER_ASSOCIATION, SETTLE_S, Books, NodeProcess, send

LOOKS, SENDERS = 10, 4
MOST_GROWTH_MB = 30


def resident_mb(pid: int) -> float:
    """Resident set of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1e3


def passed(folder: Path, objects: int) -> list[tuple[int, float]]:
    """Return how many objects had passed a node, and its resident set in MB then, look by look."""
    looks: list[tuple[int, float]] = []
    with Receiver() as receiver:
        node = NodeProcess(folder, receiver.port)
        node.start()
        try:
            for look in range(1, LOOKS + 1):
                _send(node, look, objects // LOOKS // SENDERS)
                _await(receiver, look * (objects // LOOKS // SENDERS) * SENDERS)
                looks.append((len(receiver.box), resident_mb(node.pid)))
                print(f"{looks[-1][0]} objects: {looks[-1][1]:.0f} MB", flush=True)
        finally:
            node.end(signal.SIGTERM)
    return looks


def _send(node: NodeProcess, look: int, count: int) -> None:
    threads = [
        threading.Thread(target=_send_some, args=(node.port, f"1.2.{look}.{sender}", count))
        for sender in range(SENDERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _send_some(port: int, root: str, count: int) -> None:
    books = Books()
    for first in range(0, count, OBJECTS_PER_ASSOCIATION):
        wanted = [f"{root}.{first + more}" for more in range(min(OBJECTS_PER_ASSOCIATION, count - first))]
        send(wanted, (CT, RTSTRUCT)[first // OBJECTS_PER_ASSOCIATION % 2], port, books)


def _await(receiver: Receiver, count: int) -> None:
    until = time.monotonic() + SETTLE_S
    while len(receiver.box) < count:
        if time.monotonic() > until:
            raise SystemExit(f"only {len(receiver.box)} of {count} objects arrived")
        time.sleep(0.05)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--evidence", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        looks = passed(Path(folder), options.objects)
    growth_mb = looks[-1][1] - looks[1][1]
    verdict = f"Asked: at most {MOST_GROWTH_MB} MB more from the second look to the last; found: {growth_mb:+.0f} MB."
    lines = [
        *table(("objects", "resident set, MB"), ((count, f"{mb:.0f}") for count, mb in looks)),
        "",
        verdict,
    ]
    print(verdict)
    if options.evidence:
        record(
            "Memory stays flat",
            "images of 2 kB and structure sets of 3 names, in turn",
            lines,
            options.evidence,
        )
    return 0 if growth_mb <= MOST_GROWTH_MB else 1


if __name__ == "__main__":
    sys.exit(main())
