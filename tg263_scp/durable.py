"""Files that appear under their name complete and on the disk, or not at all: also where the process or the power ends.

A file is written under another name, brought to the disk (fsync), given its name, and then the folder is brought to the disk.
What has the name already stays (a link never replaces), unless the caller wants it replaced (a rename always does).
"""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import BinaryIO

_NAMING = Lock()
"""Without hard links, looking whether a name is free and giving it are two steps."""


@contextmanager
def whole_file(
    target: Path, *, replace: bool = False, private: bool = False, part: Path | None = None
) -> Iterator[tuple[BinaryIO, Path]]:
    """Yield a new file and its path for now; it gets the name ``target`` when the block ends well, else it vanishes.

    The file may be read as well. ``part`` is its path for now, on the same file system; without one it stands beside
    ``target``. A ``private`` file is for its owner alone (0600).

    Raises:
        FileExistsError: ``target`` exists and is not to be replaced; it is left alone.
        OSError: the disk or the folder refuses.
    """
    part = part or target.with_name(f".{uuid.uuid4().hex}.part")
    opener = partial(os.open, mode=0o600 if private else 0o666)
    file = open(part, "x+b", opener=opener)  # noqa: SIM115 - Path.open takes no opener
    try:
        with file:
            yield file, part
            file.flush()
            os.fsync(file.fileno())
        publish(part, target, replace=replace)
    finally:
        with suppress(OSError):
            part.unlink()


def publish(part: Path, target: Path, *, replace: bool = False) -> None:
    """Give a file that is on the disk its name, which is on the disk too when this returns.

    Raises:
        FileExistsError: ``target`` exists and is not to be replaced; both files are left alone.
        OSError: the folder refuses.
    """
    if replace:
        part.replace(target)
    else:
        _name(part, target)
    sync_folder(target.parent)


def _name(part: Path, target: Path) -> None:
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with _NAMING:
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
            part.rename(target)
    else:
        part.unlink()


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk; where the system cannot open folders (Windows) the rename has to do.

    Raises:
        OSError: the disk refuses.
    """
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def give_to_owner_of_folder(file: Path) -> None:
    """Give a file that an administrator made to the owner of its folder, so that a service of that owner can go on with it."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    owner, found = file.parent.stat(), file.stat()
    if (found.st_uid, found.st_gid) != (owner.st_uid, owner.st_gid):
        with suppress(OSError):
            os.chown(file, owner.st_uid, owner.st_gid)
