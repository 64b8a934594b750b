"""A process beside another one: started again when it ends, ended with the one that started it."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

logger = logging.getLogger("tg263_scp.serve")

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
"""Between two starts; doubled with each that did not last as long."""
_STOP_WITHIN_S = 10.0


@contextmanager
def kept_running(command: Sequence[str], *, first_wait_s: float = FIRST_WAIT_S) -> Iterator[None]:
    """Keep a process running while the block runs; its standard input ends with the block, or with this process."""
    stop = Event()
    thread = Thread(target=_keep, args=(list(command), stop, first_wait_s), name="kept process", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(2 * _STOP_WITHIN_S)


def _keep(command: list[str], stop: Event, first_wait_s: float) -> None:
    wait_s = first_wait_s
    while not stop.is_set():
        try:
            with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
                lasted = _watch(process, stop, wait_s)
        except OSError as problem:
            logger.error("the process beside this one cannot be started: %s", problem.strerror)
            lasted = False
        if stop.is_set():
            return
        wait_s = first_wait_s if lasted else min(2 * wait_s, LONGEST_WAIT_S)
        logger.error("the process beside this one has ended: it is started again in %.0f s", wait_s)
        stop.wait(wait_s)


def _watch(process: subprocess.Popen[bytes], stop: Event, lasting_s: float) -> bool:
    """Wait until a process ends, or end it; return whether it ran for longer than ``lasting_s``."""
    waited_s, look_every_s = 0.0, 0.2
    while process.poll() is None and not stop.wait(look_every_s):
        waited_s += look_every_s
    if stop.is_set():
        _end(process)
    return waited_s > lasting_s


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
