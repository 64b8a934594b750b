"""The spool: a folder that keeps every acknowledged object, through a power cut, until every destination has it.

    incoming/   files being written, and a mark for each that is not in the journal yet; removed at start
    originals/  objects as received, one file per job, named by the job's token and never by anything a peer sent
    results/    relabelled copies
    new-uids/   relabelled copies under new UIDs, for the destinations that want them
    rewritten/  plans and doses that refer to those, one for each destination
    orphans/    complete files that no journal row knows (found at start; kept, since a journal may have been lost); those that
                still had their mark were not acknowledged either, and go after the time of retention
    reserve     room on the disk for journal and audit log, given up while the disk is full

An object is durable when :meth:`Incoming.keep` returns: its bytes and its name are on the disk (:mod:`tg263_scp.durable`).
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from tg263_scp.dicom.encoding.part10 import file_head, read_file_head
from tg263_scp.durable import publish, sync_folder, whole_file
from tg263_scp.errors import Tg263Error


class SpoolFull(Tg263Error):  # noqa: N818 - the word the rest of the node uses
    """Storing the object would leave less free disk than ``spool.min_free_bytes``."""


LOCK_NAME = "node.lock"
"""Name of the file inside the spool folder that a running node has locked, of any version."""
RESERVED_BYTES = 32 << 20
"""Some 30 000 deliveries, by what journal and audit log write of each."""
_LITTLE_BYTES = 16 << 20
_MUCH_BYTES = 1 << 30
"""The most that is cleared beyond ``spool.min_free_bytes``."""
_ZEROS_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Spooled:
    """A durable object: its job token, the SHA-256 (hex) of the data set as received, and the data set's size."""

    token: str
    sha256: str
    dataset_bytes: int


@dataclass(frozen=True, slots=True)
class Swept:
    """What :meth:`Spool.sweep` found at start."""

    unfinished_removed: int
    expired_removed: int
    orphans_kept: int


_LOOK_EVERY_BYTES = 16 << 20
"""The free disk is asked for again after so many bytes of one object."""


_MARK = ".unacknowledged"
_UNACKNOWLEDGED = "unacknowledged-"


def _mark(part: Path) -> Path:
    return part.with_suffix(_MARK)


_private = partial(os.open, mode=0o600)


class Incoming:
    """An object on its way into the spool: its bytes go to the disk as they come.

    The first fault is kept for :meth:`keep`, and what comes after it is dropped: a sender gets its status when it has sent all.
    """

    def __init__(
        self,
        token: str,
        part: Path,
        original: Path,
        head: Callable[[], bytes],
        room_for: Callable[[int], bool],
    ) -> None:
        self._token = token
        self._part = part
        self._original = original
        self._room_for = room_for
        self._sha256 = hashlib.sha256()
        self._dataset_bytes = 0
        self._looked_at_bytes = 0
        self._file: BinaryIO | None = None
        self._fault: Exception | None = None
        try:
            self._check_room(0)
            self._file = open(part, "xb", opener=_private)  # noqa: SIM115 - Path.open takes no opener
            self._file.write(head())
        except (SpoolFull, ValueError, OSError) as fault:
            self._fail(fault)

    def write(self, block: bytes | memoryview) -> None:
        """Take the next bytes of the data set."""
        if self._file is None:
            return
        try:
            unseen = self._dataset_bytes + len(block) - self._looked_at_bytes
            if self._dataset_bytes == 0 or unseen > _LOOK_EVERY_BYTES:
                self._check_room(len(block))
                self._looked_at_bytes = self._dataset_bytes
            self._file.write(block)
        except (SpoolFull, OSError) as fault:
            self._fail(fault)
            return
        self._sha256.update(block)
        self._dataset_bytes += len(block)

    def keep(self) -> Spooled:
        """Make the object durable.

        Raises:
            SpoolFull: not enough free disk; nothing is stored.
            ValueError: a UID is not a UID; nothing is stored.
            OSError: the disk refuses; nothing is stored.
        """
        try:
            if self._fault is None and self._file is not None:
                self._check_room(0)
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
                _mark(self._part).touch(mode=0o600)
                publish(self._part, self._original)
        except (SpoolFull, OSError) as fault:
            self._fail(fault)
        if self._fault is not None:
            raise self._fault
        return Spooled(self._token, self._sha256.hexdigest(), self._dataset_bytes)

    def discard(self) -> None:
        """Forget the object; it will not be kept."""
        file, self._file = self._file, None
        with suppress(OSError):
            if file is not None:
                file.close()
        for path in (self._part, _mark(self._part)):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _check_room(self, more_bytes: int) -> None:
        if not self._room_for(more_bytes):
            raise SpoolFull("the spool's disk is full", hint="free disk or lower spool.min_free_bytes")

    def _fail(self, fault: Exception) -> None:
        self._fault = self._fault or fault
        self.discard()


@dataclass(frozen=True, slots=True)
class Orphan:
    """A complete object that the journal does not know: its token, and when it was received (seconds since 1970)."""

    token: str
    received_at: float


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a spooled file says of the object, and the facts of the data set behind it."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    source_ae_title: str
    sha256: str
    dataset_bytes: int


class Spool:
    """The spool folder of one node."""

    def __init__(
        self,
        folder: Path,
        *,
        min_free_bytes: int,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self.folder = folder
        self._min_free_bytes = min_free_bytes
        self._free_bytes = free_bytes
        self._incoming = folder / "incoming"
        self._originals = folder / "originals"
        self._results = folder / "results"
        self._new_uids = folder / "new-uids"
        self._rewritten = folder / "rewritten"
        self._orphans = folder / "orphans"
        self._kept = (self._originals, self._results, self._new_uids, self._rewritten)
        for part in (self._incoming, *self._kept, self._orphans):
            part.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in (folder, self._incoming, *self._kept, self._orphans):
            with suppress(OSError):  # of another owner, who let us write there
                part.chmod(0o700)

    def keep_room(self) -> None:
        """Keep room for journal and audit log: a file that is given up while the disk is full, and made again afterwards.

        It is as large as :data:`RESERVED_BYTES`, and no larger than ``spool.min_free_bytes``.
        """
        size, free_bytes = min(RESERVED_BYTES, self._min_free_bytes), self._free_bytes(self.folder)
        reserve = self.folder / "reserve"
        if reserve.exists():
            if free_bytes < size // 4:
                reserve.unlink()
        elif size and free_bytes > 4 * size:
            with suppress(OSError), whole_file(reserve, private=True) as (file, _):
                for _ in range(0, size, _ZEROS_BYTES):
                    file.write(bytes(_ZEROS_BYTES))

    def short_of_bytes(self) -> int:
        """Return how much has to go before objects are received again, and some more; 0 where there is enough free disk."""
        more_bytes = min(self._min_free_bytes // 8, _MUCH_BYTES)
        wanted = max(self._min_free_bytes + more_bytes, _LITTLE_BYTES)
        return max(0, wanted - self._free_bytes(self.folder))

    @property
    def scratch(self) -> Path:
        """The folder for files of the moment; whatever lies there at start is removed."""
        return self._incoming

    def original(self, token: str) -> Path:
        """Return the file of the object as received."""
        return self._originals / f"{token}.dcm"

    def result(self, token: str) -> Path:
        """Return the file of the relabelled copy; it exists only where there is one."""
        return self._results / f"{token}.dcm"

    def under_new_uids(self, token: str) -> Path:
        """Return the file of the relabelled copy under new UIDs; it exists only where a destination wanted it."""
        return self._new_uids / f"{token}.dcm"

    def rewritten(self, token: str, destination: str) -> Path:
        """Return the file of a plan or dose with other references; it exists only where a destination wanted it."""
        return self._rewritten / f"{token}.{destination}.dcm"

    def begin(
        self, *, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str, source_ae_title: str
    ) -> Incoming:
        """Begin to store one data set as a DICOM file; what is wrong is raised by :meth:`Incoming.keep`."""
        token = secrets.token_hex(16)

        def head() -> bytes:
            return file_head(
                sop_class_uid=sop_class_uid,
                sop_instance_uid=sop_instance_uid,
                transfer_syntax_uid=transfer_syntax_uid,
                source_ae_title=source_ae_title,
            )

        return Incoming(token, self._incoming / f"{token}.part", self.original(token), head, self._room_for)

    def _room_for(self, more_bytes: int) -> bool:
        return self._free_bytes(self.folder) - more_bytes >= self._min_free_bytes

    def discard(self, token: str) -> None:
        """Remove the files of a job; those already gone are no error."""
        self.original(token).unlink(missing_ok=True)
        self.result(token).unlink(missing_ok=True)
        self.under_new_uids(token).unlink(missing_ok=True)
        for path in self._rewritten.glob(f"{token}.*"):
            path.unlink(missing_ok=True)

    def discard_result(self, token: str) -> None:
        """Remove a relabelled copy that a job no longer wants or did not finish, under new UIDs too."""
        self.result(token).unlink(missing_ok=True)
        self.under_new_uids(token).unlink(missing_ok=True)

    def journaled(self, token: str) -> None:
        """Take the mark off an object that the journal knows; until then its sender has no answer."""
        with suppress(OSError):
            _mark(self._incoming / f"{token}.part").unlink(missing_ok=True)

    def orphans(self) -> list[Orphan]:
        """Return the complete objects in ``orphans/``, in order of receipt, also those that were never acknowledged."""
        found = [
            (path.stat(), path.name.removeprefix(prefix).removesuffix(".dcm"))
            for prefix in ("originals-", _UNACKNOWLEDGED)
            for path in self._orphans.glob(f"{prefix}*.dcm")
        ]
        return [
            Orphan(token, stat.st_mtime)
            for stat, token in sorted(found, key=lambda each: (each[0].st_mtime_ns, each[1]))
        ]

    def head(self, orphan: Orphan) -> Head | None:
        """Read the head of an orphan as :meth:`write` wrote it, and digest what is behind; None where it is another's file.

        The data set may begin with elements of group 0002: only the length in the head says where it begins.

        Raises:
            OSError: the file cannot be read.
        """
        path = self._orphans / f"{_UNACKNOWLEDGED}{orphan.token}.dcm"
        if not path.exists():
            path = self._orphans / f"originals-{orphan.token}.dcm"
        with path.open("rb") as file:
            values = read_file_head(file)
            if values is None:
                return None
            begin = file.tell()
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Head(*values, digest, file.tell() - begin)

    def take_back(self, token: str) -> None:
        """Put the files of an orphan back to where they were."""
        for path, home in self._files_of_orphan(token):
            path.rename(home)
            sync_folder(home.parent)

    def drop_orphan(self, token: str) -> None:
        """Remove the files of an orphan that is here a second time."""
        for path, _ in self._files_of_orphan(token):
            path.unlink()

    def _files_of_orphan(self, token: str) -> list[tuple[Path, Path]]:
        """Return the files of an orphan, each with the place it came from."""
        homes = [(f"{folder.name}-", folder) for folder in self._kept]
        return [
            (path, folder / path.name.removeprefix(prefix))
            for prefix, folder in (*homes, (_UNACKNOWLEDGED, self._originals))
            for path in self._orphans.glob(f"{prefix}{token}.*")
        ]

    def sweep(
        self, live: Collection[str], expired: Collection[str], *, leftovers_before: float = 0.0
    ) -> Swept:
        """Clear up after an unclean end; call before anything is received.

        ``live`` and ``expired`` are the tokens that the journal holds. Unfinished files were never acknowledged and go;
        files of expired jobs go; complete files unknown to the journal are moved to ``orphans/``, and come back from there
        once it knows them again. Of those that were never acknowledged, the ones received before ``leftovers_before`` (seconds
        since 1970) go.
        """
        marked = {path.name.partition(".")[0] for path in self._incoming.glob(f"*{_MARK}")}
        for orphan in self.orphans():
            if orphan.token in live:
                self.take_back(orphan.token)
        removed = orphans = 0
        for path in self._orphans.glob(f"{_UNACKNOWLEDGED}*.dcm"):
            if path.stat().st_mtime < leftovers_before:
                path.unlink()
                removed += 1
        for folder in self._kept:
            for path in list(folder.iterdir()):
                token = path.name.partition(".")[0]
                if path.suffix == ".dcm" and token in live:
                    continue
                if path.suffix != ".dcm" or token in expired:
                    path.unlink()
                    removed += 1
                else:
                    leftover = folder is self._originals and token in marked
                    prefix = _UNACKNOWLEDGED if leftover else f"{folder.name}-"
                    path.rename(self._orphans / f"{prefix}{path.name}")
                    orphans += not leftover
        # Last, since the marks are here: cut off before this, the next start finds them again.
        unfinished = [path for path in self._incoming.iterdir() if path.is_file()]
        for path in unfinished:
            path.unlink()
        return Swept(sum(path.suffix != _MARK for path in unfinished), removed, orphans)


def unknown_objects(folder: Path, known: Callable[[], Collection[str]]) -> int:
    """Return how many complete objects a spool folder holds that its journal does not know; the folder may be in use.

    ``known`` gives the tokens of the journal. It is asked after the folder: an object gets its file first, then its row. One
    that came within the last minute is not counted, since its row may be on the way.
    """
    lately = time.time() - 60
    orphans = {path.name.removeprefix("originals-") for path in (folder / "orphans").glob("originals-*.dcm")}
    originals = folder / "originals"
    found = {name for name in _names(originals) if name.endswith(".dcm")}
    if not orphans | found:
        return 0
    familiar = {f"{token}.dcm" for token in known()}
    old = {name for name in found - familiar if _came_before(lately, originals / name)}
    return len((orphans - familiar) | old)


def _came_before(lately: float, original: Path) -> bool:
    try:
        return original.stat().st_mtime < lately
    except FileNotFoundError:  # it has left meanwhile
        return False


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except FileNotFoundError:
        return []
