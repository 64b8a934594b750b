"""Everything at once: does the node keep each object that it acknowledged, whatever happens to it?

    python benchmarks/soak.py [--seconds 180] [--seed 1] [--only TEXT[,TEXT]] [--small-disk] [--evidence FILE]

A node of its own (``tg263-scp serve``, a process) receives structure sets and images from honest senders. Meanwhile it is
killed, its destination is away, refuses or breaks off, its disk is short, its clock steps, and hostile peers beset it, in a
random order that the seed repeats. The clock is what ``time.time`` says inside the node. The disk is short while less is free
than ``spool.min_free_bytes`` asks for; with ``--small-disk`` everything lies on a disk of 512 MB in memory, which also becomes
full to the last byte (Linux, where a user may mount in a namespace of their own). A sender that gets no answer, or another
one than success, sends the object again.

In the end everything is mended, and every acknowledged object is looked for at the destination: images must have come byte
for byte, structure sets with their new names and nothing else changed but what records it. What is not there must wait for
a person, by the audit log; anything else is lost. The program ends with 1 where one is lost or damaged.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from doubles.loopback import CT, RTSTRUCT, Receiver, image, structure_set, unrecorded, unused_port
from doubles.nuisances import HELD, coming_and_going, unfinished_object
from doubles.wire import answer, connected, fragment, raw_association, store_command
from evidence import record, table
from hostile_peers import peak_mb

from tg263_scp.service.audit import verify
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.node import JOURNAL_NAME

SENDERS, OBJECTS_PER_ASSOCIATION, SETTLE_S = 3, 5, 120.0
SMALL_DISK_BYTES = 512 << 20
PAUSE_S = 0.05
"""Of each sender between two objects: faster than any department, slower than a destination takes them."""
NAMES, NEW_NAMES = ["LUNG-L", "Heart", "no such thing"], ["Lung_L", "Heart", "no such thing"]
_PROGRAM = """
import sys, time
from pathlib import Path
steps, real = Path(sys.argv[1]), time.time

def stepped():
    try:
        return real() + float(steps.read_text())
    except (OSError, ValueError):
        return real()

time.time = stepped
from tg263_scp.cli import main
sys.exit(main(["serve", "--config", sys.argv[2]]))
"""


class NodeProcess:
    """A node that can be killed, and whose clock can be set."""

    def __init__(self, folder: Path, destination_port: int) -> None:
        self.folder, self.port = folder, unused_port()
        self.log, self.clock, self.config = folder / "node.log", folder / "clock", folder / "node.yaml"
        self.audit, self.journal = folder / "spool" / "audit.jsonl", folder / "spool" / JOURNAL_NAME
        self.filler = folder / "filler"
        self.peak_mb = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        free = shutil.disk_usage(folder).free
        self.short_bytes = min(512 << 20, free // 4)
        self.config.write_text(
            f"listen: {{port: {self.port}, drain_s: 10}}\nllm: {{enabled: no}}\n"
            f"spool: {{folder: spool, min_free_bytes: {free - 2 * self.short_bytes}}}\n"
            "destination_defaults: {dimse_timeout_s: 5, retry: {first_delay_s: 0.2, max_delay_s: 1}}\n"
            f"destinations: [{{name: archive, host: 127.0.0.1, port: {destination_port}, ae_title: RECEIVER}}]\n"
        )

    def start(self) -> None:
        """Start it and return when it can be called."""
        with self.log.open("ab") as log:
            words = [sys.executable, "-c", _PROGRAM, self.clock, self.config]
            self._process = subprocess.Popen(list(map(str, words)), stdout=log, stderr=log)
        until = time.monotonic() + SETTLE_S
        while self._process.poll() is None and time.monotonic() < until:
            with suppress(OSError), connected(self.port):
                return
            time.sleep(0.05)
        raise SystemExit(f"the node does not start:\n{self.log.read_text()[-2000:]}")

    def end(self, number: signal.Signals) -> None:
        """Send it a signal and wait for its end."""
        assert self._process is not None
        self.look()
        self._process.send_signal(number)
        self._process.wait(SETTLE_S)

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process is not None
        return self._process.pid

    def look(self) -> None:
        """Note how much memory it has taken."""
        if self._process is not None and self._process.poll() is None:
            self.peak_mb = max(self.peak_mb, peak_mb(self._process.pid))


@dataclass
class Books:
    """What the senders were told; ``acknowledged`` holds the data set by SOP Instance UID."""

    acknowledged: dict[str, bytes] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, said: str, uid: str = "", dataset: bytes = b"", took_s: float = 0.0) -> None:
        with self.lock:
            self.answers[said] += 1
            if uid:
                self.acknowledged[uid] = dataset
                self.slowest_s = max(self.slowest_s, took_s)


def send_until(over: threading.Event, node: NodeProcess, books: Books, sender: int) -> None:
    """Send object after object; each is sent again until it is acknowledged or the run is over."""
    number = 0
    while not over.is_set():
        sop_class = (CT, RTSTRUCT)[number // OBJECTS_PER_ASSOCIATION % 2]
        wanted = [f"1.2.{sender + 3}.{number + more}" for more in range(OBJECTS_PER_ASSOCIATION)]
        while wanted and not over.is_set():
            try:
                send(wanted, sop_class, node.port, books, PAUSE_S)
            except (OSError, AssertionError):
                books.note("no answer")
                over.wait(0.1)
        number += OBJECTS_PER_ASSOCIATION


def send(wanted: list[str], sop_class: str, port: int, books: Books, pause_s: float = 0.0) -> None:
    """Send objects over one association, with a pause after each, and take those off the list that are acknowledged.

    Raises:
        OSError: one was not acknowledged.
        AssertionError: there was no answer.
    """
    with raw_association(port, sop_class=sop_class) as connection:
        connection.settimeout(20.0)
        while wanted:
            uid = wanted[0]
            dataset = image(uid) if sop_class == CT else structure_set(NAMES, uid=uid)
            padded = [text.encode() + b"\x00" * (len(text) % 2) for text in (sop_class, uid)]
            began = time.monotonic()
            connection.sendall(
                fragment(store_command(padded[1], sop_class=padded[0]), is_command=True) + fragment(dataset)
            )
            status = answer(connection)["status"]
            if status != 0:
                books.note(f"status 0x{status:04X}")
                raise OSError("to be sent again")
            books.note("acknowledged", uid, dataset, time.monotonic() - began)
            wanted.pop(0)
            time.sleep(pause_s)


class Trouble:
    """What can happen, each for some seconds, to a node and its destination."""

    def __init__(
        self,
        node: NodeProcess,
        receiver: Receiver,
        chance: random.Random,
        wanted: Callable[[str], bool] = lambda kind: True,
    ) -> None:
        self.node, self.receiver, self.chance = node, receiver, chance
        self.happened: Counter[str] = Counter()
        kinds: dict[str, Callable[[float], None]] = {
            "node killed": self._killed,
            "destination away": self._away,
            "destination out of resources": self._refusing,
            "destination breaks off": self._breaking_off,
            "disk short": self._short_disk,
            **({"disk full": self._full_disk} if _is_small(node.folder) else {}),
            "clock set back an hour": lambda pause_s: self._clock(-3600.0, pause_s),
            "clock set forward nine days": lambda pause_s: self._clock(9 * 86400.0, pause_s),
            **{f"25 {name}": self._beset(name) for name in HELD},
            "garbage, over and over": self._garbage,
            "3 unfinished objects of 1.2 GB": self._unfinished,
        }
        self.kinds = {kind: happens for kind, happens in kinds.items() if wanted(kind)}

    def until(self, end: float, rounds: int) -> None:
        """Let everything happen in a random order, over and over; kills come between."""
        for _ in range(rounds):
            for kind in self.chance.sample(list(self.kinds), len(self.kinds)):
                if time.monotonic() >= end:
                    return
                self.kinds[kind](self.chance.uniform(0.5, 2.0))
                self.happened[kind] += 1
                if "node killed" in self.kinds and self.chance.random() < 0.3:
                    self._killed(self.chance.uniform(0.0, 0.3))
                    self.happened["node killed"] += 1
                self.node.look()

    def _killed(self, pause_s: float) -> None:
        self.node.end(signal.SIGKILL)
        time.sleep(pause_s / 4)
        self.node.start()

    def _away(self, pause_s: float) -> None:
        self.receiver.stop()
        time.sleep(pause_s)
        self.receiver.start()

    def _refusing(self, pause_s: float) -> None:
        self.receiver.status = 0xA700
        time.sleep(pause_s)
        self.receiver.status = 0x0000

    def _breaking_off(self, pause_s: float) -> None:
        self.receiver.abort_on = lambda uid: self.chance.random() < 0.3
        time.sleep(pause_s)
        self.receiver.abort_on = lambda uid: False

    def _short_disk(self, pause_s: float) -> None:
        with self.node.filler.open("wb") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, 3 * self.node.short_bytes)
            except OSError:
                return
            time.sleep(pause_s)
        self.node.filler.unlink()

    def _full_disk(self, pause_s: float) -> None:
        with self.node.filler.open("wb", buffering=0) as file:
            for block_bytes in (1 << 20, 1 << 9):
                with suppress(OSError):
                    while file.write(bytes(block_bytes)):
                        pass
            time.sleep(pause_s)
        self.node.filler.unlink()

    def _clock(self, step_s: float, pause_s: float) -> None:
        self.node.clock.write_text(str(step_s))
        time.sleep(pause_s)
        if (
            "node killed" in self.kinds and self.chance.random() < 0.5
        ):  # a node that starts with the wrong time, and sees it mended
            self._killed(0.1)
        self.node.clock.unlink()

    def _beset(self, name: str) -> Callable[[float], None]:
        def beset(pause_s: float) -> None:
            with ExitStack() as held:
                for _ in range(25):
                    with suppress(OSError):
                        held.enter_context(HELD[name](self.node.port, "127.0.0.2"))
                time.sleep(pause_s)

        return beset

    def _garbage(self, pause_s: float) -> None:
        with coming_and_going(self.node.port, "127.0.0.2"):
            time.sleep(pause_s)

    def _unfinished(self, pause_s: float) -> None:
        with ExitStack() as held:
            for _ in range(3):
                with suppress(OSError, AssertionError):
                    held.enter_context(unfinished_object(self.node.port, "127.0.0.2"))
            time.sleep(pause_s)


def _is_small(folder: Path) -> bool:
    """Whether a folder lies on a disk that may be filled: one of its own."""
    return shutil.disk_usage(folder).total <= SMALL_DISK_BYTES


def on_a_small_disk(words: list[str]) -> int:
    """Run this program with other arguments and, as the last, a folder on a disk that only it sees; return its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        mount = f'mount -t tmpfs -o size={SMALL_DISK_BYTES} tmpfs "$0" && exec "$@"'
        return subprocess.call(
            [*"unshare --map-root-user --mount sh -c".split(), mount, folder, sys.executable, *words, folder]
        )


@dataclass
class Account:
    """What became of the acknowledged objects, by number, and what else was seen."""

    acknowledged: int = 0
    delivered: int = 0
    delivered_again: int = 0
    settled_s: float = 0.0
    waiting_for_a_person: int = 0
    stalled: int = 0
    found_so: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    tracebacks: int = 0
    audit_intact: bool = False
    audit_lines: int = 0

    @property
    def good(self) -> bool:
        """Nothing lost, stalled or damaged, the audit log whole."""
        return not (self.lost or self.stalled or self.damaged) and self.audit_intact


def _arrived_well(sent: bytes, uid: str, arrived: bytes) -> bool:
    if arrived == sent:
        return sent == image(uid)
    return unrecorded(arrived) == structure_set(NEW_NAMES, uid=uid)


def _kept_for_a_person(audit: Path) -> set[str]:
    lines = map(json.loads, audit.read_text(encoding="utf-8").splitlines())
    return {line["sop_instance_uid"] for line in lines if line["kind"] in ("held", "delivery_failed")}


def _known(journal: Path) -> dict[str, str]:
    """How the journal has each object: its state, and those of its deliveries with what keeps them."""
    with closing(Journal(journal)) as opened:
        return {
            job.sop_instance_uid: " ".join(
                [
                    job.state,
                    *(f"{each.state} in {each.next_attempt_at - time.time():.0f} s" for each in deliveries),
                ]
            )
            for job, deliveries in opened.list_objects(finished=True)
        }


def _audited(audit: Path, uids: set[str]) -> Counter[str]:
    """Which lines the audit log has of some objects."""
    told: dict[str, list[str]] = {uid: [] for uid in uids}
    for line in map(json.loads, audit.read_text(encoding="utf-8").splitlines()):
        if line.get("sop_instance_uid") in told:
            told[line["sop_instance_uid"]].append(line["kind"])
    return Counter(f"lost, audited: {', '.join(kinds) or 'never'}" for kinds in told.values())


def settled(books: Books, receiver: Receiver, node: NodeProcess) -> Account:
    """Wait until every acknowledged object is accounted for, at most ``SETTLE_S``, and say what became of them."""
    audit = node.audit
    began = time.monotonic()
    while True:
        # In the order of their way: what goes on meanwhile is seen further on, and never nowhere.
        known = _known(node.journal)
        kept = _kept_for_a_person(audit)
        boxes = list(receiver.box)
        settled_s = time.monotonic() - began
        missing = set(books.acknowledged) - {each.uid for each in boxes}
        kept &= missing
        if missing == kept or settled_s > SETTLE_S:
            break
        time.sleep(0.5)
    stalled = (missing - kept) & set(known)
    lost = missing - kept - stalled
    report = verify(audit)
    sent = [each for each in boxes if each.uid in books.acknowledged]
    return Account(
        acknowledged=len(books.acknowledged),
        settled_s=settled_s,
        delivered=len({each.uid for each in sent}),
        delivered_again=len(sent) - len({each.uid for each in sent}),
        waiting_for_a_person=len(kept),
        stalled=len(stalled),
        lost=sorted(lost),
        found_so=Counter(known[uid] for uid in stalled) + _audited(audit, lost),
        damaged=sorted(
            {
                each.uid
                for each in sent
                if not _arrived_well(books.acknowledged[each.uid], each.uid, each.dataset)
            }
        ),
        audit_intact=report.intact,
        audit_lines=report.lines,
    )


@contextmanager
def senders(node: NodeProcess, books: Books) -> Iterator[None]:
    """Send from several threads until the block ends."""
    over = threading.Event()
    threads = [
        threading.Thread(target=send_until, args=(over, node, books, number)) for number in range(SENDERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def soak(
    folder: Path,
    *,
    seed: int,
    seconds: float = math.inf,
    rounds: int = sys.maxsize,
    wanted: Callable[[str], bool] = lambda kind: True,
) -> tuple[Account, Books, Trouble]:
    """Run the whole thing in a folder for some seconds or rounds; the node is stopped when this returns."""
    books = Books()
    with Receiver() as receiver:
        node = NodeProcess(folder, receiver.port)
        node.start()
        try:
            trouble = Trouble(node, receiver, random.Random(seed), wanted)
            with senders(node, books):
                trouble.until(time.monotonic() + seconds, rounds)
            account = settled(books, receiver, node)
        finally:
            node.end(signal.SIGTERM)
    account.tracebacks = node.log.read_text(errors="replace").count("Traceback")
    return account, books, trouble


def report(account: Account, books: Books, trouble: Trouble) -> list[str]:
    """The figures as lines of Markdown."""
    figures = [
        ("objects acknowledged", account.acknowledged),
        ("of them at the destination, as they should be", account.delivered - len(account.damaged)),
        ("all of them there after the last object was sent", f"{account.settled_s:.1f} s"),
        ("delivered more than once", account.delivered_again),
        ("waiting for a person, by the audit log", account.waiting_for_a_person),
        (f"still not delivered after {SETTLE_S:.0f} s", account.stalled),
        ("lost", len(account.lost)),
        ("damaged", len(account.damaged)),
        ("slowest acknowledgement", f"{books.slowest_s:.2f} s"),
        ("peak memory of the node", f"{trouble.node.peak_mb:.0f} MB"),
        ("tracebacks in its log", account.tracebacks),
        ("audit log", f"{account.audit_lines} lines, {'intact' if account.audit_intact else 'BROKEN'}"),
    ]
    answers = ", ".join(f"{said}: {count}" for said, count in sorted(books.answers.items()))
    happened = sorted(trouble.happened.items())
    return [
        *table(("", "found"), figures),
        "",
        f"What senders met: {answers}.",
        "",
        *table(("what happened", "times"), happened),
    ]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only",
        default="",
        metavar="TEXT[,TEXT]",
        help="what has one of these in its name, such as clock,killed",
    )
    parser.add_argument("--small-disk", action="store_true", help="also fill the disk to its last byte")
    parser.add_argument("--evidence", type=Path)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.small_disk and options.folder is None:
        return on_a_small_disk([*sys.argv, "--folder"])
    if options.folder is not None:
        del sys.argv[sys.argv.index("--folder") :]  # the evidence names the command that a person gave
    with ExitStack() as made:
        folder = options.folder or Path(made.enter_context(tempfile.TemporaryDirectory()))
        account, books, trouble = soak(
            folder,
            seconds=options.seconds,
            seed=options.seed,
            wanted=lambda kind: any(text in kind for text in options.only.split(",")),
        )
        lines = report(account, books, trouble)
    print("\n".join(lines))
    for what, uids in (("lost", account.lost), ("damaged", account.damaged)):
        print(f"{what}: {', '.join(uids[:20]) or 'none'}")
    for found, count in account.found_so.most_common(10):
        print(f"{count} {found}")
    if options.evidence:
        data = f"{SENDERS} senders, images of 2 kB and structure sets of {len(NAMES)} names, {options.seconds:.0f} s"
        data += f", on a disk of {SMALL_DISK_BYTES >> 20} MB in memory" if options.small_disk else ""
        record("Nothing is lost: the soak", data, lines, options.evidence)
    return 0 if account.good else 1


if __name__ == "__main__":
    sys.exit(main())
