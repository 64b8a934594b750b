"""How soon an honest peer is served while others are silent, slow, greedy or rude, and what the node takes of memory meanwhile.

    python benchmarks/hostile_peers.py [OBJECTS]

A node of its own (``tg263-scp serve``, default limits) is beset in each way from the honest peer's own address and from
another one. Meanwhile the honest peer opens an association and stores a CT image, over and over; the slowest of it counts,
from the connection to the acknowledgement. The memory is the node's peak resident set so far (Linux). The last lines say
what is asked for and what was found.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from doubles.loopback import image
from doubles.nuisances import HELD, coming_and_going, unfinished_object
from doubles.wire import connected, fragment, pdu, raw_association, store_command

ADDRESSES = ("127.0.0.1", "127.0.0.2")
NUISANCES = 25
WITHIN_S, PEAK_MB = 1.0, 300


def store_s(port: int, number: int) -> float:
    """Store one image over an association of its own and return how long that took."""
    began = time.perf_counter()
    uid = f"1.2.3.{number}".encode()
    with raw_association(port) as connection:
        uid += b"\x00" * (len(uid) % 2)
        connection.sendall(
            fragment(store_command(uid), is_command=True) + fragment(image(uid.rstrip(b"\x00").decode()))
        )
        answer = pdu(connection)
        if answer[:1] != b"\x04":
            raise SystemExit("the honest peer was not served")
    return time.perf_counter() - began


def peak_mb(pid: int) -> float:
    """Peak resident set of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1e3


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, int]]:
    """Run a node; yield its port and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "node.yaml"
    config.write_text(
        f"listen: {{port: {port}}}\nllm: {{enabled: no}}\nspool: {{folder: '{folder}', min_free_bytes: 0}}\n"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "tg263_scp", "serve", "--config", str(config)], stderr=subprocess.DEVNULL
    ) as node:
        while True:
            with suppress(OSError), connected(port):
                break
            time.sleep(0.1)
        try:
            yield port, node.pid
        finally:
            node.terminate()


def main() -> None:
    objects = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    slowest, number = 0.0, 0
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (port, pid):

        def report(what: str) -> None:
            nonlocal slowest, number
            times = []
            for _ in range(objects):
                number += 1
                times.append(store_s(port, number))
            slowest = max(slowest, *times)
            print(
                f"{what:64s} median {sorted(times)[objects // 2]:6.3f} s   slowest {max(times):6.3f} s"
                f"   peak {peak_mb(pid):6.1f} MB",
                flush=True,
            )

        report("undisturbed")
        for address in ADDRESSES:
            for name, nuisance in HELD.items():
                with ExitStack() as held:
                    for _ in range(NUISANCES):
                        held.enter_context(nuisance(port, address))
                    report(f"{NUISANCES} {name}, {address}")
            with ExitStack() as held:
                for _ in range(4):
                    held.enter_context(coming_and_going(port, address))
                report(f"4 that send garbage and leave at once, {address}")
            with ExitStack() as held:
                for _ in range(3):
                    held.enter_context(unfinished_object(port, address))
                report(f"3 unfinished objects of 1.2 GB, {address}")
        peak = peak_mb(pid)
        began = time.perf_counter()
    stopped_s = time.perf_counter() - began
    print(f"stopping took {stopped_s:.1f} s")
    print(
        f"asked: served within {WITHIN_S:g} s, less than {PEAK_MB} MB; found: {slowest:.3f} s, {peak:.0f} MB"
    )


if __name__ == "__main__":
    main()
