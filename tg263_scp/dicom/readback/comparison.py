"""Is what a destination has the relabelled set, or an older version of it?

An archive may write an object anew, with other lengths or in another transfer syntax, and keep it all the same. So content is
compared, not bytes: SOP Instance UID, the names by ROI Number, and Instance Coercion DateTime (0008,0015), which a relabelling
with provenance writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tg263_scp.dicom.encoding.layout import INSTANCE_COERCION_DATETIME, read_layout
from tg263_scp.dicom.encoding.length_fields import raw_value
from tg263_scp.dicom.encoding.part10 import opened
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.errors import HeldObjectError


class Held(StrEnum):
    """Which version of a structure set a destination has."""

    SENT = "sent"
    """The one that it was sent."""
    OLDER = "older"
    """One with the names from before the relabelling, or from an earlier one."""
    OTHER = "other"
    """Another object, or what cannot be read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Which version it is, and in words, without names, what differs."""

    held: Held
    text: str


@dataclass(frozen=True, slots=True)
class _Version:
    sop_instance_uid: str
    names: tuple[tuple[int, str], ...]
    coerced_at: bytes


def compare(sent: Path, there: Path) -> Finding:
    """Compare the set that was sent with what the destination gave.

    Raises:
        HeldObjectError: the set that was sent cannot be read.
        OSError: a file cannot be read.
    """
    ours = _version(sent)
    try:
        theirs = _version(there)
    except HeldObjectError as problem:
        return Finding(Held.OTHER, f"what the destination gave cannot be read: {problem.message}")
    if theirs.sop_instance_uid != ours.sop_instance_uid:
        return Finding(Held.OTHER, "the destination gave an object with another SOP Instance UID")
    if {number for number, _ in theirs.names} != {number for number, _ in ours.names}:
        return Finding(Held.OTHER, "the destination gave a structure set with other ROIs")
    differing = sum(one != other for one, other in zip(ours.names, theirs.names, strict=True))
    if differing:
        return Finding(Held.OLDER, f"{differing} of {len(ours.names)} ROIs have other names there")
    if theirs.coerced_at != ours.coerced_at:
        return Finding(Held.OLDER, "its names are those that were sent, from another relabelling")
    return Finding(
        Held.SENT, f"{len(ours.names)} names and the time of the relabelling are those that were sent"
    )


def _version(path: Path) -> _Version:
    structure_set = read_structure_set(path)
    # An ROI without a number, which is none that a plan can refer to, counts as number -1.
    numbered = ((-1 if roi.number is None else roi.number, roi.name.strip()) for roi in structure_set.rois)
    names = tuple(sorted(numbered))
    with opened(path) as source:
        found = read_layout(source, ()).found
        coerced_at = raw_value(source.window, found.get(INSTANCE_COERCION_DATETIME)).strip(b"\0 ")
    return _Version(structure_set.sop_instance_uid, names, coerced_at)
