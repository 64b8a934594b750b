"""Write a file that appears complete under its name or not at all, and never replaces another."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_BEGIN_BYTES = 1 << 22


@contextmanager
def new_file(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Yield a new file beside ``target`` and its path; it gets its name when the block ends well, else it vanishes.

    Raises:
        FileExistsError: ``target`` has appeared meanwhile; it is left alone.
    """
    written = target.with_name(f".{target.name[:100]}.{uuid.uuid4().hex}.part")
    try:
        with written.open("xb") as out:
            yield out, written
        _publish(written, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            written.unlink()


def write_through(out: BinaryIO, chunks: Iterable[memoryview | bytes]) -> None:
    """Write chunks at the place where ``out`` is, and let the disk begin with them: fsync then waits less."""
    begun = out.tell()
    for chunk in chunks:
        out.write(chunk)
        if out.tell() - begun >= _BEGIN_BYTES:
            begun = _begin(out, begun)
    out.flush()
    _begin(out, begun)


def _begin(out: BinaryIO, start: int) -> int:
    end = out.tell()
    if end > start and hasattr(os, "posix_fadvise"):
        # The only call in Python with which Linux starts to write dirty pages; it drops clean ones, and these are not.
        os.posix_fadvise(out.fileno(), start, end - start, os.POSIX_FADV_DONTNEED)
    return end


def _publish(written: Path, target: Path) -> None:
    try:
        os.link(written, target)  # unlike a rename, a link never replaces what is there
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with target.open("xb"):
            pass  # reserves the name
        try:
            written.replace(target)
        except OSError:
            target.unlink()
            raise
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
