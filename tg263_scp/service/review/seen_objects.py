"""The structure sets that were decided, as the audit log has them: the last decision about each, found again by its names.

The log is read once, and then what was added. In memory stand the names that are left for review and where each line lies; the
line itself is read again where more of it is wanted.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

from tg263_scp.decision import Status
from tg263_scp.errors import HoldReason
from tg263_scp.service.audit import parsed, parts
from tg263_scp.service.review.decisions import name_key, sender_of

_DECIDED_MARK = b'"rois":'
_LEAVE, _COME_BACK = "discarded", "restored"
_MOVE_MARKS = (b'"kind": "discarded"', b'"kind": "restored"')


@dataclass(frozen=True, slots=True)
class OfferedName:
    """A name that was offered to whoever decides; ``evidence`` are lines of data files."""

    name: str
    score: float
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenRoi:
    """An ROI whose name was left for review.

    ``ruling`` is the decision that a veto or a set rule stopped, if any; ``votes`` what a language model said, where it was
    asked.
    """

    name: str
    number: int | None
    interpreted_type: str
    reason: str
    rule: str
    ruling: str
    candidates: tuple[OfferedName, ...]
    place: Mapping[str, Any]
    identifying: bool
    votes: str = ""


@dataclass(frozen=True, slots=True)
class SeenObject:
    """A structure set with the last decision about it. ``job`` is None for one of an archive, whose file is ``source``.

    ``patient`` is a keyed hash; ``version`` the SHA-256 (hex) of the data set; ``approved`` that its Approval Status is
    APPROVED.
    """

    sop_instance_uid: str
    version: str
    sender: str
    site: str
    at: str
    outcome: str
    patient: str = ""
    job: int | None = None
    source: str = ""
    approved: bool = False
    open_rois: tuple[OpenRoi, ...] = ()


@dataclass(slots=True)
class _Ref:
    """Where the line of an object lies, and whether it is the last one about it."""

    inode: int
    offset: int
    length: int
    seen: SeenObject
    last: bool = True


@dataclass(slots=True)
class _File:
    path: Path
    read: int = 0


@dataclass(slots=True)
class SeenObjects:
    """All structure sets of one audit log; :meth:`refresh` takes in what was added. Safe to use from several threads."""

    audit: Path
    generation: int = 0
    _files: dict[int, _File] = field(default_factory=dict)
    _refs: list[_Ref] = field(default_factory=list)
    _last: dict[tuple[str, str], int] = field(default_factory=dict)
    _of_job: dict[int, int] = field(default_factory=dict)
    _by_name: dict[str, array[int]] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock)

    def refresh(self) -> None:
        """Read the complete lines that were added.

        Raises:
            OSError: the log cannot be read.
        """
        with self._lock:
            for path in parts(self.audit):
                found = path.stat()
                file = self._files.setdefault(found.st_ino, _File(path))
                file.path = path
                if found.st_size > file.read:
                    self._read(found.st_ino, file)

    def _read(self, inode: int, file: _File) -> None:
        with file.path.open("rb") as log:
            log.seek(file.read)
            for text in log:
                if not text.endswith(b"\n"):
                    break
                if _DECIDED_MARK in text or any(mark in text for mark in _MOVE_MARKS):
                    self._take(text, inode, file.read)
                file.read += len(text)

    def _take(self, text: bytes, inode: int, offset: int) -> None:
        line = parsed(text) or {}
        rois = line.get("rois")
        key = (str(line.get("sop_instance_uid", "")), str(line.get("route", "")))
        if line.get("kind") in (_LEAVE, _COME_BACK):
            self._move(line)
        elif isinstance(rois, list):
            before = self._last.get(key)
            if before is not None:
                self._refs[before].last = False
            self._last[key] = self._of_job[line.get("job_number", 0)] = len(self._refs)
            for name in {name_key(roi["old"]) for roi in rois}:
                self._by_name.setdefault(name, array("I")).append(len(self._refs))
            self._refs.append(_Ref(inode, offset, len(text), _seen(line)))
            self.generation += 1

    def _move(self, line: Mapping[str, Any]) -> None:
        number = self._of_job.get(line.get("job_number", 0))
        if number is not None:
            self._refs[number].last = line["kind"] == _COME_BACK
            self.generation += 1

    def last(self) -> list[SeenObject]:
        """Return every object that is not discarded, in the order of its last decision."""
        with self._lock:
            return [ref.seen for ref in self._refs if ref.last]

    def with_name(self, name: str) -> Iterator[tuple[SeenObject, list[dict[str, Any]]]]:
        """Yield the objects that have an ROI of a name, newest first, each with the lines of all its ROIs."""
        with self._lock:
            numbers = self._by_name.get(name_key(name), array("I"))
            refs = [self._refs[number] for number in reversed(numbers) if self._refs[number].last]
        for ref in refs:
            yield ref.seen, self._rois(ref)

    def with_uid(self, sop_instance_uid: str) -> Iterator[tuple[SeenObject, list[dict[str, Any]]]]:
        """Yield the objects of a SOP Instance UID, each with the lines of all its ROIs."""
        with self._lock:
            refs = [ref for ref in self._refs if ref.last and ref.seen.sop_instance_uid == sop_instance_uid]
        for ref in refs:
            yield ref.seen, self._rois(ref)

    def of_jobs(self, jobs: Iterable[int]) -> Iterator[tuple[SeenObject, list[dict[str, Any]]]]:
        """Yield the objects of these jobs, each with the lines of all its ROIs."""
        with self._lock:
            refs = [self._refs[self._of_job[job]] for job in jobs if job in self._of_job]
        for ref in refs:
            yield ref.seen, self._rois(ref)

    def _rois(self, ref: _Ref) -> list[dict[str, Any]]:
        for path in (self._files[ref.inode].path, *parts(self.audit)):
            if path.exists() and path.stat().st_ino == ref.inode:
                with path.open("rb") as file:
                    file.seek(ref.offset)
                    line = parsed(file.read(ref.length)) or {}
                rois: list[dict[str, Any]] = line.get("rois", [])
                return rois
        return []


def _seen(line: Mapping[str, Any]) -> SeenObject:
    peer = line.get("peer") or {}
    gates = line.get("gates") or []
    return SeenObject(
        sop_instance_uid=str(line.get("sop_instance_uid", "")),
        version=str(line.get("dataset_sha256", "")),
        sender=str(line.get("sender") or sender_of(str(peer.get("ae_title", "")))),
        site=str(line.get("site", "")),
        at=str(line.get("time", "")),
        outcome=str(line.get("kind", "")),
        patient=str(line.get("patient", "")),
        job=line.get("job_number"),
        approved=any(gate.get("found") == HoldReason.APPROVED for gate in gates),
        open_rois=tuple(_open_roi(roi) for roi in line["rois"] if roi.get("status") == Status.REVIEW),
    )


def _open_roi(roi: Mapping[str, Any]) -> OpenRoi:
    offered = (
        OfferedName(each["name"], each["score"], (each["source"],) if each["source"] else ())
        for each in roi.get("candidates", ())
    )
    return OpenRoi(
        name=roi["old"],
        number=roi.get("number"),
        interpreted_type=roi.get("type", ""),
        reason=roi.get("reason", ""),
        rule=roi.get("rule", ""),
        ruling=roi.get("ruling", ""),
        candidates=tuple(offered),
        place=roi.get("place", {}),
        identifying=bool(roi.get("identifying")),
        votes=roi.get("votes", ""),
    )
