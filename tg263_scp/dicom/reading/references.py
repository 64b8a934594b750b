"""Which structure sets a plan or dose refers to: every place where PS3.3 lets an RT Plan, RT Ion Plan or RT Dose name one.

- Referenced Structure Set Sequence (300C,0060) of RT General Plan (C.8.8.9) and RT DVH (C.8.8.4), and of each item of Plan
  Overview Sequence (300C,0116) of RT Dose (C.8.8.3);
- Referenced Instance Sequence (0008,114A) and Source Instance Sequence (0042,0013) of General Reference (C.12.4);
- Common Instance Reference (C.12.2): Referenced Series Sequence (0008,1115), also that of the items of Studies Containing
  Other Referenced Instances Sequence (0008,1200), with its Series Instance UID.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tg263_scp.dicom.encoding.elements import Element, elements, items
from tg263_scp.dicom.encoding.layout import SERIES_INSTANCE_UID, Layout, read_layout
from tg263_scp.dicom.encoding.length_fields import (
    LengthField,
    group_lengths,
    length_field,
    raw_value,
    wanted_elements,
)
from tg263_scp.dicom.encoding.part10 import opened, uid_text
from tg263_scp.dicom.encoding.window import ByteWindow
from tg263_scp.dicom.reading.charsets import ASCII
from tg263_scp.dicom.reading.roi_items import DIGITAL_SIGNATURES
from tg263_scp.dicom.reading.structure_set import RT_STRUCTURE_SET_STORAGE

REFERRING = {
    "1.2.840.10008.5.1.4.1.1.481.5": "RT Plan Storage",
    "1.2.840.10008.5.1.4.1.1.481.8": "RT Ion Plan Storage",
    "1.2.840.10008.5.1.4.1.1.481.2": "RT Dose Storage",
}
"""The SOP classes whose references are rewritten."""
LEFT_ALONE = {
    "1.2.840.10008.5.1.4.1.1.481.4": "RT Beams Treatment Record Storage",
    "1.2.840.10008.5.1.4.1.1.481.6": "RT Brachy Treatment Record Storage",
    "1.2.840.10008.5.1.4.1.1.481.7": "RT Treatment Summary Record Storage",
    "1.2.840.10008.5.1.4.1.1.481.9": "RT Ion Beams Treatment Record Storage",
    "1.2.840.10008.5.1.4.1.1.481.11": "RT Segment Annotation Storage",
    "1.2.840.10008.5.1.4.1.1.66.1": "Spatial Registration Storage",
    "1.2.840.10008.5.1.4.1.1.66.3": "Deformable Spatial Registration Storage",
    "1.2.840.10008.5.1.4.1.1.66.4": "Segmentation Storage",
    "1.2.840.10008.5.1.4.1.1.66.5": "Surface Segmentation Storage",
    "1.2.840.10008.5.1.4.1.1.88.59": "Key Object Selection Document Storage",
    "1.2.840.10008.5.1.4.1.1.88.33": "Comprehensive SR Storage",
}
"""SOP classes whose instances may refer to a structure set as well, and go on referring to the sender's: a reference there goes
with numbers of ROIs, segments or items in places of its own, or documents what was, as a treatment record does."""

_APPROVAL_STATUS = 0x300E0002
REFERENCED_SOP_INSTANCE_UID = 0x00081155
_REFERENCED_SOP_CLASS_UID = 0x00081150
_STRUCTURE_SETS = 0x300C0060
_SERIES, _INSTANCES = 0x00081115, 0x0008114A

_REFERENCE: dict[int, Any] = {}
PLACES: dict[int, Any] = {
    _STRUCTURE_SETS: _REFERENCE,
    0x300C0116: {_STRUCTURE_SETS: _REFERENCE},
    _INSTANCES: _REFERENCE,
    0x00420013: _REFERENCE,
    _SERIES: {_INSTANCES: _REFERENCE},
    0x00081200: {_SERIES: {_INSTANCES: _REFERENCE}},
}
"""The sequences that lead to a reference; an item of the last one is a Class/Instance pair (PS3.3 table 10-11)."""
_IN_AN_ITEM = frozenset(
    (
        *(_REFERENCED_SOP_CLASS_UID, REFERENCED_SOP_INSTANCE_UID, SERIES_INSTANCE_UID),
        *(_STRUCTURE_SETS, _INSTANCES, _SERIES),
        *(0x00080000, 0x00200000, 0x300C0000),  # group lengths
    )
)
AT_THE_TOP = frozenset((*PLACES, _APPROVAL_STATUS, DIGITAL_SIGNATURES, 0x00420000, 0x300C0000))


@dataclass(frozen=True, slots=True)
class Referring:
    """What a plan or dose says that matters for rewriting: the structure sets it refers to, and whether it is sealed."""

    structure_sets: tuple[str, ...]
    approval_status: str
    has_digital_signature: bool


@dataclass(frozen=True, slots=True)
class Uid:
    """Where a UID lies, and every field outside it that counts its bytes."""

    element: Element
    uid: str
    counted_by: tuple[LengthField, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference to an instance: ``sequence`` is the top-level one it stands in, ``series`` that of its series' item."""

    instance: Uid
    to_structure_set: bool
    sequence: int
    series: Uid | None


def reference_paths(places: Mapping[int, Any] = PLACES) -> Iterator[tuple[int, ...]]:
    """Yield the way to each UID that is rewritten: the tags of the sequences around it, outermost first, and its own."""
    for tag, inside in places.items():
        if tag == _SERIES:
            yield tag, SERIES_INSTANCE_UID
        if inside:
            yield from ((tag, *deeper) for deeper in reference_paths(inside))
        else:
            yield tag, REFERENCED_SOP_INSTANCE_UID


def structure_sets_of(path: Path) -> Referring:
    """Read which structure sets a plan or dose refers to.

    Raises:
        HeldObjectError: ``not_dicom``, ``truncated``, ``unreadable`` or ``unsupported_transfer_syntax``.
        OSError: the file cannot be read.
    """
    with opened(path) as source:
        at = read_layout(source, AT_THE_TOP)
        uids = [each.instance.uid for each in references(source.window, at) if each.to_structure_set]
        status = ASCII.decode(raw_value(source.window, at.found.get(_APPROVAL_STATUS))) or ""
        return Referring(tuple(dict.fromkeys(uids)), status.strip(), DIGITAL_SIGNATURES in at.found)


def references(window: ByteWindow, at: Layout) -> Iterator[Reference]:
    """Yield every reference of an object whose top level was read with :data:`AT_THE_TOP`.

    Raises:
        HeldObjectError: ``truncated`` or ``unreadable``.
    """
    for tag, inside in PLACES.items():
        if tag in at.found:
            yield from _in_sequence(window, at.found[tag], inside, at.counted_by(tag), tag, None)


def _in_sequence(
    window: ByteWindow,
    sequence: Element,
    inside: Mapping[int, Any],
    counted_by: tuple[LengthField, ...],
    top: int,
    series: Uid | None,
) -> Iterator[Reference]:
    if sequence.vr not in ("", "SQ", "UN"):
        return
    enclosing = counted_by + length_field(sequence)
    for item in items(window, sequence):
        walked = elements(window, item.value_offset, item.content_end, item.encoding)
        found = wanted_elements(walked, _IN_AN_ITEM)
        counting = enclosing + length_field(item)
        if sequence.tag == _SERIES:
            series = _uid(window, found, SERIES_INSTANCE_UID, counting)
        for tag, deeper in inside.items():
            if tag in found:
                own = counting + group_lengths(found, (tag & 0xFFFF0000,))
                yield from _in_sequence(window, found[tag], deeper, own, top, series)
        instance = _uid(window, found, REFERENCED_SOP_INSTANCE_UID, counting)
        if not inside and instance is not None:
            sop_class = uid_text(raw_value(window, found.get(_REFERENCED_SOP_CLASS_UID)))
            named = sop_class == RT_STRUCTURE_SET_STORAGE or sequence.tag == _STRUCTURE_SETS
            yield Reference(instance, named, top, series)


def _uid(
    window: ByteWindow, found: Mapping[int, Element], tag: int, counted_by: tuple[LengthField, ...]
) -> Uid | None:
    element = found.get(tag)
    uid = uid_text(raw_value(window, element))
    if element is None or not uid or element.vr not in ("", "UI"):
        return None
    return Uid(element, uid, counted_by + group_lengths(found, (tag & 0xFFFF0000,)))
