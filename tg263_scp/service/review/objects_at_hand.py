"""The object that a decision is about: a job of the node whose files are still here, or a file of an archive."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tg263_scp.decision import Decision
from tg263_scp.dicom.encoding.part10 import data_set_sha256
from tg263_scp.dicom.reading.geometry import places
from tg263_scp.dicom.reading.structure_set import RoiRecord, StructureSet, read_structure_set
from tg263_scp.errors import HeldObjectError, JournalError, ReviewError
from tg263_scp.naming.decide import decide_set
from tg263_scp.naming.query import NamingOptions, RulingOn
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.journal.database import JOURNAL_NAME
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Job
from tg263_scp.service.review.checking import Seen
from tg263_scp.service.review.decisions import Scope, ScopeKind, Wish, name_key, sender_of
from tg263_scp.service.review.open_names import Occurrence
from tg263_scp.service.spool import Spool

_GONE_HINT = "it is everywhere and past retention, or was discarded: send it again, or decide for its sender"


@dataclass(frozen=True, slots=True)
class AtHand:
    """A structure set that can be read, and what its sender is called."""

    structure_set: StructureSet
    path: Path
    version: str
    sender: str

    @property
    def sop_instance_uid(self) -> str:
        """The UID of the structure set."""
        return self.structure_set.sop_instance_uid


class ObjectsAtHand:
    """Finds the structure sets of one node, or of an archive where ``folder`` has no journal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def has_node(self) -> bool:
        """Whether a node has ever run there."""
        return (self._folder / JOURNAL_NAME).is_file()

    def journal(self) -> closing[Journal]:
        """Open the journal of the node, to be closed at the end of a ``with`` block.

        Raises:
            JournalError: there is none, or it cannot be opened.
        """
        if not self.has_node:
            raise JournalError(
                f"there is no journal in {self._folder}", hint="has the node run with this configuration?"
            )
        return closing(Journal(self._folder / JOURNAL_NAME))

    def original(self, token: str) -> Path:
        """Return the file of an object as it was received."""
        return Spool(self._folder, min_free_bytes=0).original(token)

    def find(self, wish: Wish) -> AtHand | None:
        """Return the object that a wish is about; None where it names none.

        Raises:
            ReviewError: it is no longer here, or cannot be read.
        """
        if wish.file is not None:
            return self._read(wish.file, "", "")
        if wish.job is None and wish.scope.kind is not ScopeKind.OBJECT:
            return None
        job = self._job(wish)
        return self._read(self.original(job.token), job.calling_ae_title, job.sha256)

    def place(self, occurrence: Occurrence) -> Mapping[str, Any]:
        """Return where an ROI lies in the body; nothing where its object is gone or its contours do not tell."""
        try:
            path = self._path_of(occurrence)
            read = read_structure_set(path)
        except (HeldObjectError, JournalError, OSError):
            return {}
        index = next((roi.index for roi in read.rois if roi.number == occurrence.roi_number), None)
        place = None if index is None else places(path, read)(index)
        return {} if place is None else place.as_json()

    def _path_of(self, occurrence: Occurrence) -> Path:
        if occurrence.job is None:
            return Path(occurrence.source)
        with self.journal() as journal:
            return self.original(journal.job(occurrence.job).token)

    def _job(self, wish: Wish) -> Job:
        if wish.job is None and not wish.scope.value:
            raise ReviewError(
                "scope", "no object is named to decide for", hint="name a job of the node, or a file"
            )
        if not self.has_node:
            raise _gone()
        with self.journal() as journal:
            try:
                if wish.job is not None:
                    return journal.job(wish.job)
            except JournalError:
                raise _gone() from None
            found = [job for job, _ in journal.outbox.versions_of(wish.scope.value, "")]
        for job in found:
            if wish.scope.version in ("", job.sha256):
                return job
        raise _gone()

    def _read(self, path: Path, calling_ae_title: str, version: str) -> AtHand:
        try:
            read = read_structure_set(path)
            version = version or data_set_sha256(path)
        except HeldObjectError as problem:
            raise ReviewError("scope", f"the object cannot be read: {problem.reason}") from problem
        except OSError as problem:
            raise _gone() from problem
        sender = sender_of(calling_ae_title, read.manufacturer, read.model_name, read.station_name)
        return AtHand(read, path, version, sender)


def _gone() -> ReviewError:
    return ReviewError("object_gone", "the object is no longer here", hint=_GONE_HINT)


def seen_in(at_hand: AtHand, wish: Wish, site: str) -> Seen:
    """Return what is known of the ROI that a wish is about, in the object at hand.

    Raises:
        ReviewError: the object has no such ROI, or several that the wish does not tell apart.
    """
    roi = _roi_of(at_hand, wish)
    same = [each for each in at_hand.structure_set.rois if name_key(each.name) == name_key(wish.name)]
    number = roi.number if len(same) > 1 else None
    scope = Scope(ScopeKind.OBJECT, at_hand.structure_set.sop_instance_uid, at_hand.version, number)
    return Seen(scope, at_hand.sender, site, roi.interpreted_type, at_hand.structure_set.identifiers)


def _roi_of(at_hand: AtHand, wish: Wish) -> RoiRecord:
    key, wanted = name_key(wish.name), wish.scope.roi
    found = [
        roi
        for roi in at_hand.structure_set.rois
        if name_key(roi.name) == key and wanted in (None, roi.number)
    ]
    if not found:
        raise ReviewError(
            "scope", "the object has no ROI of that name", hint="look at its names as they were received"
        )
    if len(found) > 1 and wish.scope.kind is ScopeKind.OBJECT and wish.becomes:
        numbers = ", ".join(str(roi.number) for roi in found)
        raise ReviewError(
            "scope",
            f"{len(found)} ROIs of the object bear that name",
            hint=f"say which: ROI Number {numbers}",
        )
    if not found[0].readable:
        raise ReviewError("scope", "the bytes of that name have no certain meaning: it is never changed")
    return found[0]


def decided_anew(
    path: Path,
    read: StructureSet,
    ruling_on: RulingOn | None,
    nomenclature: Nomenclature,
    options: NamingOptions,
) -> tuple[Decision, ...]:
    """Decide a whole structure set as the node would under these rulings, without a language model; nothing is written."""
    options = replace(options, identifiers=read.identifiers, ruling_on=ruling_on)
    rois = [record.roi for record in read.rois]
    return decide_set(rois, nomenclature, options, place_of=places(path, read))
