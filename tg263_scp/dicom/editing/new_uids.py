"""Give a relabelled object identifiers of its own, for destinations that must not see two objects under one UID.

The policy ``keep`` leaves all UIDs: a correction may (PS3.3 C.12.1.1.9), and plans and doses go on referring to the set.
This module is the policy ``new``: new SOP Instance UID and Series Instance UID, in the file meta too; the set it came
from becomes an item of Predecessor Structure Set Sequence (3006,0018; PS3.3 C.8.8.5), Structure Set Date and Time are
those of the change. Plans and doses go on referring to the old set, unless
:mod:`tg263_scp.dicom.editing.rewrite_references` changes that.

All is a byte splice like a relabelling, and is read back. An object under new UIDs is a new object: ``revert`` refuses
it, since the sender's object still exists under its own UID.
"""

from __future__ import annotations

import hmac
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tg263_scp.dicom.editing.proof import check_written
from tg263_scp.dicom.editing.provenance import append_item
from tg263_scp.dicom.encoding import encode
from tg263_scp.dicom.encoding.elements import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    LONG_VRS,
    SHORT_VRS,
    Element,
    elements,
)
from tg263_scp.dicom.encoding.layout import (
    PREDECESSORS,
    SERIES_INSTANCE_UID,
    SOP_INSTANCE_UID,
    STRUCTURE_SET_DATE,
    STRUCTURE_SET_TIME,
    Layout,
)
from tg263_scp.dicom.encoding.length_fields import LengthField, group_lengths, wanted_elements
from tg263_scp.dicom.encoding.part10 import PREAMBLE_BYTES, OpenedObject, opened, uid_text
from tg263_scp.dicom.encoding.splice import Patch, Splice, write_spliced
from tg263_scp.dicom.encoding.window import ByteWindow
from tg263_scp.dicom.reading.structure_set import RT_STRUCTURE_SET_STORAGE, survey
from tg263_scp.durable import whole_file
from tg263_scp.errors import HeldObjectError, HoldReason

MIN_KEY_BYTES = 16
_META_SOP_INSTANCE_UID, _META_GROUP_LENGTH = 0x00020003, 0x00020000
_REFERENCED_SOP_CLASS_UID, _REFERENCED_SOP_INSTANCE_UID = 0x00081150, 0x00081155


@dataclass(frozen=True, slots=True)
class UidMap:
    """Which new UID stands for an old one: the same wherever and whenever the same secret ``key`` is used.

    So the sets of a series stay in one series, over several runs and over restarts, without a list; without the key nobody can
    tell which old UID a new one stands for.

    Raises:
        ValueError: the key is shorter than 16 bytes.
    """

    key: bytes

    def __post_init__(self) -> None:
        if len(self.key) < MIN_KEY_BYTES:
            raise ValueError(f"the key of the UID map must have at least {MIN_KEY_BYTES} bytes")

    def instance(self, uid: str) -> str:
        """Return the new SOP Instance UID, derived from a UUID below 2.25 (PS3.5 B.2)."""
        return self._derived(uid)

    def series(self, uid: str) -> str:
        """Return the new Series Instance UID; never that of an instance, though some senders use one UID for both."""
        return self._derived(f"series {uid}")

    def _derived(self, of: str) -> str:
        digest = hmac.digest(self.key, of.encode("ascii", "replace"), "sha256")
        return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


@dataclass(frozen=True, slots=True)
class NewUids:
    """What :func:`new_uids` replaced. The series is empty where the object has none."""

    old_sop_instance_uid: str
    new_sop_instance_uid: str
    old_series_instance_uid: str
    new_series_instance_uid: str


def new_uids(source: Path, target: Path, uids: UidMap, changed_at: datetime) -> NewUids:
    """Write a structure set as a new object that names ``source`` as its predecessor.

    ``changed_at`` becomes Structure Set Date and Time, as written (DA and TM know no time zone). ``target`` appears
    complete, synced and compared with what it should be, or not at all; it is never overwritten.

    Raises:
        FileExistsError: ``target`` exists.
        HeldObjectError: as :func:`~tg263_scp.dicom.reading.structure_set.read_structure_set`; ``unreadable`` where there is no
            SOP Instance UID; ``provenance_not_writable``, ``odd_length``, ``edit_not_proven``.
        OSError: reading or writing failed.
    """
    if target.exists():
        raise FileExistsError(f"{target.name} exists and is not overwritten")
    with opened(source) as before:
        found = survey(before, source)
        old, series = found.structure_set.sop_instance_uid, found.structure_set.series_instance_uid
        if not uid_text(old.encode("ascii", "replace")):
            raise HeldObjectError(HoldReason.UNREADABLE, "the object has no SOP Instance UID to be replaced")
        report = NewUids(old, uids.instance(old), series, uids.series(series) if series else "")
        splice = Splice(before.window)
        at = found.layout
        _set(splice, at, SOP_INSTANCE_UID, "UI", report.new_sop_instance_uid)
        if series:
            _set(splice, at, SERIES_INSTANCE_UID, "UI", report.new_series_instance_uid)
        _set(splice, at, STRUCTURE_SET_DATE, "DA", changed_at.strftime("%Y%m%d"))
        _set(splice, at, STRUCTURE_SET_TIME, "TM", changed_at.strftime("%H%M%S.%f"))
        append_item(
            splice,
            at,
            PREDECESSORS,
            lambda own: (
                *encode.text(own, _REFERENCED_SOP_CLASS_UID, "UI", RT_STRUCTURE_SET_STORAGE),
                *encode.text(own, _REFERENCED_SOP_INSTANCE_UID, "UI", old),
            ),
        )
        _write(before, splice, _meta_patches(before, report.new_sop_instance_uid), target)
        return report


def _set(splice: Splice, at: Layout, tag: int, vr: str, value: str) -> None:
    there = at.found.get(tag)
    if there is None:
        splice.insert(at.gaps[tag], encode.text(at.encoding, tag, vr, value), at.counted_by(tag))
    else:
        _put(splice, there, vr, value, at.counted_by(tag))


def _put(splice: Splice, there: Element, vr: str, value: str, counted_by: tuple[LengthField, ...]) -> None:
    parts = encode.text(there.encoding, there.tag, vr, value)
    splice.replace(there.header_offset, there.end - there.header_offset, parts, counted_by)


def _meta_patches(source: OpenedObject, sop_instance_uid: str) -> list[Patch]:
    """Change Media Storage SOP Instance UID (0002,0003), where the file has it, and what counts its bytes."""
    window = ByteWindow(source.file)
    start = PREAMBLE_BYTES + 4 if source.meta.has_preamble else 0
    if not source.meta.sop_instance_uid:
        return []
    vr = window.take(start + 4, 2)
    encoding = EXPLICIT_LITTLE if vr in SHORT_VRS or vr in LONG_VRS else IMPLICIT_LITTLE
    walked = elements(window, start, source.meta.dataset_offset, encoding)
    found = wanted_elements(walked, (_META_GROUP_LENGTH, _META_SOP_INSTANCE_UID))
    splice = Splice(window)
    counted_by = group_lengths(found, (_META_GROUP_LENGTH,))
    _put(splice, found[_META_SOP_INSTANCE_UID], "UI", sop_instance_uid, counted_by)
    return splice.patches()


def _write(before: OpenedObject, splice: Splice, head: list[Patch], target: Path) -> None:
    splice.check_even(before)
    patches = splice.patches()
    with whole_file(target) as (out, written):
        write_spliced(before, patches, out, head=head)
        out.flush()
        with opened(written) as after:
            check_written(before, patches, head, after)
