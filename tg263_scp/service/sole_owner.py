"""One program at a time: the lock on a spool, an audit log or an output folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tg263_scp.errors import Tg263Error


@contextmanager
def sole_owner(path: Path, what: str, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` (created where missing) for the duration of the block; wait for it so long.

    The lock ends with the process, however it ends; the file itself may stay and means nothing. On POSIX systems it is
    the lock of ``flock``, which version 0.2.0 took too: an old and a new program exclude each other.

    Raises:
        Tg263Error: another process holds it.
        OSError: the file cannot be opened.
    """
    # It may be let go by another thread than took it.
    lock = FileLock(path, thread_local=False)
    try:
        held = lock.acquire(timeout=wait_s)
    except Timeout as problem:
        raise Tg263Error(
            f"{what} is in use by another process ({path})", hint="stop it, or use another folder"
        ) from problem
    with held:
        yield
