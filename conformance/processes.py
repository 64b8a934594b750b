"""Programs of others as processes: find them, start them, wait for them, end them.

Nothing here sleeps for a fixed time: a peer counts as started when it answers (a C-ECHO, a REST call), an object as arrived
when its receiver says so. Every process is ended by whoever started it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

HOST = "127.0.0.1"
DEADLINE_S = 60.0
"""How long a test waits for what should come at once: only a test that fails ever waits so long, however busy the machine."""
_POLL_S = 0.05

PACKAGES = {
    "echoscu": "dcmtk",
    "storescu": "dcmtk",
    "dcmsend": "dcmtk",
    "storescp": "dcmtk",
    "dcmrecv": "dcmtk",
    "dcmdump": "dcmtk",
    "dcmconv": "dcmtk",
    "dcmcrle": "dcmtk",
    "dcmcjpeg": "dcmtk",
    "dcmcjpls": "dcmtk",
    "dcmodify": "dcmtk",
    "findscu": "dcmtk",
    "getscu": "dcmtk",
    "movescu": "dcmtk",
    "Orthanc": "orthanc",
    "dciodvfy": "dicom3tools",
    "plastimatch": "plastimatch",
    "chromium": "chromium",
}
"""The Debian package of each program."""

# Without it DCMTK lets small messages wait up to 90 ms (Nagle's algorithm); Orthanc is built on DCMTK.
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}

versions: dict[str, str] = {}
"""Which version of each peer the run has talked to; printed at its end."""


def program(name: str) -> str:
    """Return the path of a peer's program. Without it the test is skipped, or fails where it is required.

    TG263_REQUIRE_PEERS is 1 for all, or names Debian packages (``dcmtk,orthanc``).
    """
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        reason = f"PEER MISSING: {name} is not installed (Debian package {PACKAGES[name]})"
        required = os.environ.get("TG263_REQUIRE_PEERS", "").split(",")
        if "1" in required or PACKAGES[name] in required:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    package = PACKAGES[name]
    if package not in versions:
        versions[package] = _version(package, path)
    return path


def _version(package: str, path: str) -> str:
    option = "-version" if package == "dicom3tools" else "--version"
    said = subprocess.run(
        [path, option], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    lines = [line for line in (said.stdout + said.stderr).splitlines() if line.strip()]
    return lines[0].replace(path, Path(path).name).strip("$ ") if lines else "version unknown"


def run(name: str, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a peer's command to its end; its output, with standard error, is in ``stdout``."""
    done = subprocess.run(
        [program(name), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        timeout=2 * DEADLINE_S,
        check=False,
        env=ENVIRONMENT,
    )
    assert not check or done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stdout}"
    return done


def wait_until(condition: Callable[[], Any], what: str, *, deadline_s: float = DEADLINE_S) -> Any:
    """Return the first true value of ``condition``; fail when the deadline passes."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"after {deadline_s:.0f} s still not: {what}", pytrace=False)
        time.sleep(_POLL_S)


_kept: list[socket.socket] = []


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody uses, and that nobody gets who asks for any."""
    _kept.append(socket.socket())
    _kept[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _kept[-1].bind((HOST, 0))
    return int(_kept[-1].getsockname()[1])


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def echo(port: int, ae_title: str, *options: str) -> bool:
    """Say whether a peer answers DCMTK's C-ECHO."""
    return (
        is_open(port)
        and run("echoscu", "-to", 2, *options, "-aec", ae_title, HOST, port, check=False).returncode == 0
    )


class Running:
    """A process with its output in a file; the base of everything that is started here."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.environment: dict[str, str] = {}
        """Variables of its environment beside those of all."""
        self._process: subprocess.Popen[bytes] | None = None

    def _launch(self, command: Sequence[object], ready: Callable[[], bool]) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**ENVIRONMENT, **self.environment},
            )

        def answers() -> bool:
            assert self._process is not None
            code = self._process.poll()
            assert code is None, f"{self.name} ended with {code}:\n{self.output()}"
            return ready()

        try:
            wait_until(answers, f"{self.name} answers")
        except BaseException:
            self.kill()
            raise

    def children(self) -> list[int]:
        """Return the numbers of the processes that it has started, as Linux lists them."""
        assert self._process is not None, f"{self.name} is not running"
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/children")
        return [int(child) for path in tasks for child in path.read_text().split()]

    def output(self) -> str:
        """Return what the process has written so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def hang_up(self) -> None:
        """Send SIGHUP."""
        assert self._process is not None, f"{self.name} is not running"
        self._process.send_signal(signal.SIGHUP)

    def ask_to_stop(self) -> Callable[[], int]:
        """Ask the process to end, as a system does (SIGTERM); return what waits for its exit code."""
        process, self._process = self._process, None
        assert process is not None, f"{self.name} is not running"
        process.terminate()

        def ended() -> int:
            try:
                return process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                pytest.fail(f"{self.name} did not end within {DEADLINE_S:.0f} s of SIGTERM", pytrace=False)

        return ended

    def stop(self) -> int:
        """End the process gently and return its exit code."""
        return self.ask_to_stop()()

    def kill(self) -> None:
        """End the process at once (SIGKILL): it cannot finish anything."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def sending(*arguments: object, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``storescu`` beside the test; it is killed when the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program("storescu"), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
