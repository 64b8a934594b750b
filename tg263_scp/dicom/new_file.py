"""Write a file that appears complete under its name or not at all, and never replaces another."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


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
