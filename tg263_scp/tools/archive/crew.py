"""Who handles the files of an archive: this process, or several that end with it.

The results come in the order of the files, so that a manifest does not depend on how many worked at it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from tg263_scp.errors import Tg263Error
from tg263_scp.tools.archive.copies import Order, Workshop, open_workshop
from tg263_scp.tools.archive.find_files import Source
from tg263_scp.tools.archive.manifest import Record
from tg263_scp.tools.archive.one_file import handle
from tg263_scp.tools.archive.outcome import Handled

_WAITING_PER_PROCESS = 4

Task = tuple[Source, Record | None, Mapping[str, str] | None]


@contextmanager
def crew(
    order: Order, look: Callable[[Workshop], None]
) -> Iterator[Callable[[Iterable[Task]], Iterator[Handled]]]:
    """Yield what handles files, in this process or in several, and returns the results in the order of the files.

    ``look`` may refuse the workshop before any work is done.

    Raises:
        Tg263Error: a worker process ended unexpectedly.
    """
    workshop = open_workshop(order)  # a mistake in the configuration is reported here, once
    look(workshop)
    if order.jobs == 1:
        yield lambda tasks: (handle(source, workshop, known, uids) for source, known, uids in tasks)
        return
    # Fresh processes: forking this one would copy the thread that draws the progress bar.
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(order.jobs, context, _begin, (order,)) as pool:
            try:
                yield lambda tasks: _handled_there(tasks, pool, order.jobs * _WAITING_PER_PROCESS)
            except BaseException:  # Ctrl-C too: what has not begun does not begin
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except BrokenProcessPool as problem:
        raise Tg263Error(
            "a worker process ended unexpectedly",
            hint="run the same command again: it goes on where it ended",
        ) from problem


def _handled_there(tasks: Iterable[Task], pool: ProcessPoolExecutor, most: int) -> Iterator[Handled]:
    waiting: deque[Future[Handled]] = deque()
    for task in tasks:
        with _interrupts_later():
            waiting.append(pool.submit(_handle_there, *task))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Let Ctrl-C wait while a process may be started: it inherits that, ends its file and prints no traceback.

    Windows has no such mask; there :func:`_begin` makes a process deaf to it a moment later.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_there: list[Workshop] = []
"""The workshop of a worker process; empty in the process that was asked."""


def _begin(order: Order) -> None:
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that was asked ends the others
    _there.append(open_workshop(order))


def _end_with_parent() -> None:
    """Wait for the end of the process that was asked, however it ends, and end too: a killed one cannot tell its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # what is unfinished has no name yet; the next run begins it anew


def _handle_there(source: Source, known: Record | None, uids: Mapping[str, str] | None) -> Handled:
    return handle(source, _there[0], known, uids)
