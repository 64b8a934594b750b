"""How many objects a second are acknowledged, side by side with DCMTK's storescp and Orthanc; and how soon they are sent on.

    python benchmarks/receive.py [--rounds 3] [--evidence FILE]

One sender for all: processes that speak DICOM over a socket, with data sets that are in memory, in fragments as long as the
receiver allows. It waits for each answer before it sends the next object, as senders do. What is measured is the time from
the first byte of the first association to the last answer. All receivers run at once, idle but for the one whose turn it
is; each round sends new objects, and the best round counts. The node keeps each object durably (fsync) before it answers,
and decides its names meanwhile; it has no destination. storescp writes files as they come (``+B``), serves one association
after the other and syncs nothing. Orthanc has its defaults, without plugins. Both run as they are installed, where small
messages may wait for the answer to the one before (Nagle's algorithm), and once more with ``TCP_NODELAY=1`` in their
environment, where they do not.

Then objects come once a second to a node with a destination: the time from acknowledgement to arrival there.
The last lines say what is asked for and what was found.
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))

import processes
from doubles.loopback import CT, EXPLICIT, RTSTRUCT, Receiver, element, image, item, structure_set
from doubles.wire import answer, association_request, connected, fragment, pdu, store_command
from evidence import record, table
from foreign_peers import DcmtkReceiver, Orthanc
from serving_node import ServingNode

CALLING = b"STORESCU"
"""One of those that Orthanc is told of."""
LONGEST_FRAGMENT_BYTES = 1 << 20
SENDERS = (1, 8)
LATENCY_OBJECTS, LATENCY_MS = 30, 150
TIMES_STORESCP, TIMES_ORTHANC = 0.8, 2.0  # what is asked for, with eight senders


@dataclass(frozen=True)
class Load:
    """What is sent: ``count`` objects in all, of about ``size`` bytes each."""

    title: str
    sop_class: str
    size: int
    count: int

    def data_set(self, uid: str) -> bytes:
        if self.sop_class == CT:
            return image(uid, pixels=bytes(self.size))
        names = [f"organ {number}" for number in range(30)]
        head = structure_set(names, uid=uid)
        points = b"\\".join(b"%.2f" % (number * 7919 % 50_000 / 100 - 250) for number in range(450))
        contour = item(element(0x30060042, "CS", b"CLOSED_PLANAR"), element(0x30060050, "DS", points))
        contours = contour * (max(0, self.size - len(head)) // len(contour))
        return head + element(0x30060039, "SQ", item(element(0x30060040, "SQ", contours)))


LOADS = (
    Load("sets of 17 kB", RTSTRUCT, 17_000, 160),
    Load("sets of 0.2 MB", RTSTRUCT, 200_000, 64),
    Load("sets of 3 MB", RTSTRUCT, 3_000_000, 16),
    Load("a CT series, slices of 0.5 MB", CT, 524_288, 64),
)


@dataclass(frozen=True)
class Target:
    """A receiver as its caller sees it."""

    port: int
    ae_title: str


def associate(target: Target, sop_class: str) -> tuple[socket.socket, int]:
    """Open an association; return it and the longest fragment that the receiver takes."""
    connection = connected(target.port)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(
        association_request(
            calling=CALLING, called=target.ae_title.encode(), contexts=[(sop_class, EXPLICIT)]
        )
    )
    accepted = pdu(connection)
    if accepted[:1] != b"\x02":
        raise SystemExit(f"{target.ae_title} does not accept an association")
    limit = struct.unpack_from(">I", accepted, accepted.index(b"\x51\x00\x00\x04") + 4)[0]
    return connection, min(limit or LONGEST_FRAGMENT_BYTES, LONGEST_FRAGMENT_BYTES) - 12


def fragments(data_set: bytes, longest: int) -> Iterator[bytes]:
    longest -= longest % 2
    for start in range(0, len(data_set), longest):
        yield fragment(data_set[start : start + longest], last=start + longest >= len(data_set))


def store(connection: socket.socket, longest: int, sop_class: str, uid: str, data_set: bytes) -> None:
    padded = [text.encode() + b"\x00" * (len(text) % 2) for text in (sop_class, uid)]
    command = fragment(store_command(padded[1], sop_class=padded[0]), is_command=True)
    parts = list(fragments(data_set, longest))
    connection.sendall(command + parts[0])
    for part in parts[1:]:
        connection.sendall(part)
    status = answer(connection)["status"]
    if status != 0:
        raise SystemExit(f"an object was answered with 0x{status:04X}")


def send(target: Target, load: Load, uids: list[str], ready: Any) -> None:
    """One sender, in a process of its own: begins when all are ready."""
    objects = [(uid, load.data_set(uid)) for uid in uids]
    ready.wait()
    connection, longest = associate(target, load.sop_class)
    with connection:
        for uid, data_set in objects:
            store(connection, longest, load.sop_class, uid, data_set)
        connection.sendall(struct.pack(">BBII", 5, 0, 4, 0))
        pdu(connection)


def rate(target: Target, load: Load, senders: int, first: int) -> float:
    """Objects a second, all senders together."""
    ready = multiprocessing.Barrier(senders + 1)
    uids = [f"1.2.{first}.{number}" for number in range(load.count)]
    running = [
        multiprocessing.Process(target=send, args=(target, load, uids[number::senders], ready))
        for number in range(senders)
    ]
    for each in running:
        each.start()
    ready.wait()
    began = time.perf_counter()
    for each in running:
        each.join()
    took_s = time.perf_counter() - began
    if any(each.exitcode for each in running):
        raise SystemExit(f"a sender to {target.ae_title} failed")
    return load.count / took_s


PEERS: dict[str, Callable[[Path], Any]] = {
    "storescp": lambda place: DcmtkReceiver(place / "box"),
    "Orthanc": lambda place: Orthanc(place, overwrite=True),
}


def side_by_side(targets: Mapping[str, Target], rounds: int) -> list[tuple[str, int, dict[str, float]]]:
    """Measure every load against every receiver, one after the other."""
    found = []
    first = 10
    for load in LOADS:
        for senders in SENDERS:
            best = dict.fromkeys(targets, 0.0)
            for _ in range(rounds):
                first += 1
                for name, target in targets.items():
                    best[name] = max(best[name], rate(target, load, senders, first))
            found.append((load.title, senders, best))
            print(load.title, senders, {name: f"{value:.1f}/s" for name, value in best.items()}, flush=True)
    return found


def latencies_ms(folder: Path) -> list[float]:
    """Milliseconds from acknowledgement to arrival at the destination, for structure sets that come once a second."""
    arrived: dict[str, float] = {}
    noted: dict[str, float] = {}
    load = Load("", RTSTRUCT, 200_000, LATENCY_OBJECTS)
    with Receiver(before_answer=lambda uid: arrived.setdefault(uid, time.perf_counter())) as receiver:
        there = {"name": "archive", "host": "127.0.0.1", "port": receiver.port, "ae_title": "RECEIVER"}
        node = ServingNode(folder, [there]).start()
        try:
            connection, longest = associate(Target(node.port, node.ae_title), RTSTRUCT)
            with connection:
                for number in range(LATENCY_OBJECTS):
                    uid = f"1.2.9.{number}"
                    store(connection, longest, RTSTRUCT, uid, load.data_set(uid))
                    noted[uid] = time.perf_counter()
                    time.sleep(1.0)
            until = time.monotonic() + 30
            while len(arrived) < LATENCY_OBJECTS and time.monotonic() < until:
                time.sleep(0.05)
        finally:
            node.kill()
    return sorted(1e3 * max(0.0, arrived[uid] - noted[uid]) for uid in arrived)


def measure(folder: Path, rounds: int) -> tuple[list[tuple[str, int, dict[str, float]]], list[float]]:
    with ExitStack() as running:

        def start(name: str, make: Callable[[Path], Any]) -> Target:
            (folder / name).mkdir()
            receiver = make(folder / name)
            running.callback(receiver.kill)
            receiver.start()
            return Target(receiver.port, receiver.ae_title)

        targets = {"node": start("node", lambda place: ServingNode(place, []))}
        at_once = processes.ENVIRONMENT.pop("TCP_NODELAY")
        for environment, more in (({}, ""), ({"TCP_NODELAY": at_once}, ", TCP_NODELAY")):
            processes.ENVIRONMENT.update(environment)
            for name, make in PEERS.items():
                targets[name + more] = start(name + more, make)
        found = side_by_side(targets, rounds)
    (folder / "latency").mkdir()
    return found, latencies_ms(folder / "latency")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--evidence", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found, latencies = measure(Path(folder), options.rounds)
    names = list(found[0][2])
    rows = [
        (
            title,
            senders,
            *(f"{best[name]:.0f}" for name in names),
            f"{best['storescp'] / best['node']:.2f}",
            f"{best['node'] / best['Orthanc']:.1f}",
        )
        for title, senders, best in found
    ]
    header = ("objects", "senders", *names, "time, storescp = 1", "times as fast as Orthanc")
    many = [best for _, senders, best in found if senders == max(SENDERS)]
    slowest = max(best["storescp"] / best["node"] for best in many)
    orthanc = min(best["node"] / best["Orthanc"] for best in many)
    middle = median(latencies)
    lines = [
        "Objects a second until acknowledged:",
        "",
        *table(header, rows),
        "",
        f"From acknowledgement to the destination, one object a second: median {middle:.0f} ms,"
        f" slowest {latencies[-1]:.0f} ms of {len(latencies)}.",
        "",
        f"Asked with {max(SENDERS)} senders: at most {TIMES_STORESCP} of storescp's time, {TIMES_ORTHANC:g} times as fast as"
        f" Orthanc, median under {LATENCY_MS} ms; found: {slowest:.2f}, {orthanc:.1f}, {middle:.0f} ms.",
    ]
    print("\n".join(lines))
    if options.evidence:
        peers = ", ".join(f"{package} ({version})" for package, version in processes.versions.items())
        record("Receiving, side by side", f"synthetic; peers: {peers}", lines, options.evidence)


if __name__ == "__main__":
    main()
