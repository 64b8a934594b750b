"""Say in the object itself that its names were changed, by what, when, and what they were before.

Added to a relabelled structure set, or to a plan or dose with other references, in the encoding of its data set:

- one item of Original Attributes Sequence (0400,0561; PS3.3 C.12.1.1.9) with reason ``CORRECT``. Its Modified Attributes
  Sequence holds the whole prior Structure Set ROI Sequence, since a sequence is recorded whole (C.12.1.1.9.1), and the
  whole prior RT ROI Observations Sequence where a label or a code changed; of a plan or dose the whole prior sequences in
  which a reference changed (:mod:`tg263_scp.dicom.reading.references`). They are copies of the sender's bytes, and inherit
  the Specific Character Set of the data set (PS3.5 7.5.3), which never changes;
- one item of Contributing Equipment Sequence (0018,A001; C.12.1.1.5), purpose ``109103 DCM Modifying Equipment``. Its
  Contribution Description gives the folded SHA-256 (:mod:`tg263_scp.dicom.encoding.folded_digest`) of the data set before
  and the
  SHA-256 of the changed sequences after, with which a later ``revert`` proves itself;
- Instance Coercion DateTime (0008,0015; C.12.1). One that is there already is recorded with the modified attributes.

Existing items stay, ours come last. An item added to a sequence that had none is written with undefined length: so
``revert`` knows whether the empty sequence was the sender's.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from tg263_scp import __version__
from tg263_scp.dicom.editing.identification_codes import IdentificationCode
from tg263_scp.dicom.editing.proof import check_added, elements_sha256, not_proven
from tg263_scp.dicom.encoding import encode
from tg263_scp.dicom.encoding.elements import Element, Encoding, Item, items
from tg263_scp.dicom.encoding.folded_digest import Stretch
from tg263_scp.dicom.encoding.layout import (
    CONTRIBUTING_EQUIPMENT,
    INSTANCE_COERCION_DATETIME,
    ORIGINAL_ATTRIBUTES,
    Layout,
)
from tg263_scp.dicom.encoding.length_fields import length_field
from tg263_scp.dicom.encoding.part10 import OpenedObject
from tg263_scp.dicom.encoding.splice import Later, Part, Span, Splice
from tg263_scp.dicom.encoding.window import ByteWindow, unreadable
from tg263_scp.errors import HeldObjectError, HoldReason

MODEL_NAME = "tg263-scp"
"""Manufacturer's Model Name of our item of Contributing Equipment Sequence: how ``revert`` knows its own."""
PURPOSE = IdentificationCode("109103", "DCM", "Modifying Equipment")
"""PS3.16 CID 7005."""
REASON = "CORRECT"

MANUFACTURER, MANUFACTURER_MODEL_NAME = 0x00080070, 0x00081090
CONTRIBUTION_DATETIME, CONTRIBUTION_DESCRIPTION = 0x0018A002, 0x0018A003
SOFTWARE_VERSIONS = 0x00181020
PURPOSE_OF_REFERENCE = 0x0040A170
MODIFIED_ATTRIBUTES, MODIFICATION_DATETIME = 0x04000550, 0x04000562
MODIFYING_SYSTEM, PREVIOUS_SOURCE, MODIFICATION_REASON = 0x04000563, 0x04000564, 0x04000565

NAMES_REPLACED = "ROI names replaced by AAPM TG-263 names"
AFTER_APPROVAL = "; the approval preceded these names"
"""Behind :data:`NAMES_REPLACED` where the Approval Status of the structure set is APPROVED (PS3.3 C.8.8.16)."""
REFERENCES_REPLACED = "References to structure sets replaced by those to their relabelled copies"
_BEFORE = ". SHA-256 of the data set before"
_FOLDED = " (elements of 64 KiB and more as their SHA-256)"
_AFTER = "; of the changed sequences after"
_SHA256 = "([0-9a-f]{64})"
DESCRIBED = re.compile(
    f"(?:{NAMES_REPLACED}(?:{AFTER_APPROVAL})?|{REFERENCES_REPLACED})"
    f"{re.escape(_BEFORE)}({re.escape(_FOLDED)})?: {_SHA256}{_AFTER}: {_SHA256}"
)
"""Contribution Description of our item. Its groups: whether the first digest is folded (0.1.0 wrote a plain one), both."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who changed the names, and when.

    ``modified_at`` must know its time zone. ``modifying_system`` names this installation, ``source_of_previous_values`` where
    the object came from (may be empty, type 2); ``manufacturer`` is who answers for the modifying equipment. ``after_approval``
    tells that the structure set was approved under its old names. All texts are at most 64 characters of printable ASCII
    without backslash, which every character set can hold.

    Raises:
        ValueError: one of them is not so.
    """

    modified_at: datetime
    modifying_system: str
    source_of_previous_values: str = ""
    manufacturer: str = MODEL_NAME
    software_versions: str = __version__
    after_approval: bool = False

    def __post_init__(self) -> None:
        if self.modified_at.utcoffset() is None:
            raise ValueError("the time of modification must know its time zone")
        for value in (self.modifying_system, self.manufacturer, self.software_versions):
            if not value.strip():
                raise ValueError("modifying system, manufacturer and software versions must not be empty")
        for value in (
            *(self.modifying_system, self.source_of_previous_values),
            *(self.manufacturer, self.software_versions),
        ):
            if len(value) > 64 or not value.isascii() or (value and not value.isprintable()) or "\\" in value:
                raise ValueError("provenance must be at most 64 printable ASCII characters without backslash")

    @property
    def names_replaced(self) -> str:
        """What was done to the names, in words."""
        return NAMES_REPLACED + AFTER_APPROVAL if self.after_approval else NAMES_REPLACED

    @property
    def date_time(self) -> str:
        """``modified_at`` as DT with its offset from UTC (PS3.5 6.2)."""
        return self.modified_at.strftime("%Y%m%d%H%M%S.%f%z")[:26]


@dataclass(frozen=True, slots=True)
class Addition:
    """What is added for one tag: the whole element, or, where ``appended``, the last item of a sequence there before."""

    tag: int
    parts: tuple[Part, ...]
    appended: bool = False


def add_provenance(
    splice: Splice,
    source: OpenedObject,
    at: Layout,
    provenance: Provenance,
    changed: Iterable[int],
    digest_before: Callable[[], str],
    done: str = "",
) -> tuple[Addition, ...]:
    """Add to ``splice``, which holds the edits, what records them; ``changed`` are the tags of the edited sequences.

    ``digest_before`` returns the folded SHA-256 of the data set before; it is called when that is written. ``done`` says
    what was done; where it is empty, names were replaced.

    Raises:
        HeldObjectError: ``provenance_not_writable``, a sequence of the sender cannot take another item.
    """
    done = done or provenance.names_replaced
    prior = [at.found[tag] for tag in sorted(changed)]
    digest_after = elements_sha256(source, prior, splice)

    length = len(f"{done}{_BEFORE}{_FOLDED}: {digest_after}{_AFTER}: {digest_after}")
    length += length % 2

    def described() -> bytes:
        text = f"{done}{_BEFORE}{_FOLDED}: {digest_before()}{_AFTER}: {digest_after}"
        return text.ljust(length).encode("ascii")

    description = Later(length, described)
    if INSTANCE_COERCION_DATETIME in at.found:
        prior.insert(0, at.found[INSTANCE_COERCION_DATETIME])
    return (
        _coercion(splice, at, provenance),
        append_item(splice, at, CONTRIBUTING_EQUIPMENT, lambda own: _equipment(own, provenance, description)),
        append_item(splice, at, ORIGINAL_ATTRIBUTES, lambda own: _original(own, provenance, prior)),
    )


def _coercion(splice: Splice, at: Layout, provenance: Provenance) -> Addition:
    tag = INSTANCE_COERCION_DATETIME
    parts = encode.text(at.encoding, tag, "DT", provenance.date_time)
    there = at.found.get(tag)
    offset = at.gaps[tag] if there is None else there.header_offset
    splice.replace(offset, 0 if there is None else there.end - offset, parts, at.counted_by(tag))
    return Addition(tag, parts)


def append_item(
    splice: Splice, at: Layout, tag: int, content: Callable[[Encoding], tuple[Part, ...]]
) -> Addition:
    """Add an item to a top-level sequence, behind those it has, or the sequence with this one item.

    ``content`` returns the elements of the item, given the encoding that holds inside.

    Raises:
        HeldObjectError: ``provenance_not_writable``, the sender's sequence cannot take another item.
    """
    sequence = at.found.get(tag)
    if sequence is None:
        parts = encode.sequence(at.encoding, tag, content(at.encoding))
        splice.insert(at.gaps[tag], parts, at.counted_by(tag))
        return Addition(tag, parts)
    own = sequence.inner_encoding
    if sequence.vr not in ("", "SQ", "UN") or (tag == ORIGINAL_ATTRIBUTES and own is not at.encoding):
        raise HeldObjectError(
            HoldReason.PROVENANCE_NOT_WRITABLE,
            f"the sequence ({tag >> 16:04X},{tag & 0xFFFF:04X}) is written with the value representation {sequence.vr}",
            hint="copies of the sender's bytes would read differently in it; relabel this object without provenance",
        )
    empty = sequence.content_end == sequence.value_offset
    parts = encode.item(own, content(own), undefined=empty)
    splice.insert(sequence.content_end, parts, (*at.counted_by(tag), *length_field(sequence)))
    return Addition(tag, parts, appended=True)


def last_item(window: ByteWindow, sequence: Element) -> Item:
    """Return the last item of a sequence.

    Raises:
        HeldObjectError: ``truncated`` or ``unreadable``, also where it has none.
    """
    last = deque(items(window, sequence), maxlen=1)
    if not last:
        raise unreadable(sequence.header_offset, "a sequence without the item it must have")
    return last[0]


def _equipment(own: Encoding, provenance: Provenance, description: Later) -> tuple[Part, ...]:
    return (
        *encode.text(own, MANUFACTURER, "LO", provenance.manufacturer),
        *encode.text(own, MANUFACTURER_MODEL_NAME, "LO", MODEL_NAME),
        *encode.text(own, SOFTWARE_VERSIONS, "LO", provenance.software_versions),
        *encode.text(own, CONTRIBUTION_DATETIME, "DT", provenance.date_time),
        *encode.element(own, CONTRIBUTION_DESCRIPTION, "ST", (description,)),
        *encode.sequence(own, PURPOSE_OF_REFERENCE, PURPOSE.content(own)),
    )


def _original(own: Encoding, provenance: Provenance, prior: Iterable[Element]) -> tuple[Part, ...]:
    copies = tuple(Span(each.header_offset, each.end - each.header_offset) for each in prior)
    return (
        *encode.sequence(own, MODIFIED_ATTRIBUTES, copies),
        *encode.text(own, MODIFICATION_DATETIME, "DT", provenance.date_time),
        *encode.text(own, MODIFYING_SYSTEM, "LO", provenance.modifying_system),
        *encode.text(own, PREVIOUS_SOURCE, "LO", provenance.source_of_previous_values),
        *encode.text(own, MODIFICATION_REASON, "CS", REASON),
    )


def blanks_before(at: Layout, additions: Iterable[Addition]) -> Iterator[Stretch]:
    """Yield offset and length of the source's bytes that :class:`~tg263_scp.dicom.editing.proof.EditProof` leaves out for
    them."""
    for addition in additions:
        there = at.found.get(addition.tag)
        yield from ((field.offset, field.width) for field in at.counted_by(addition.tag))
        if addition.appended and there is not None:
            yield from ((field.offset, field.width) for field in length_field(there))
        elif there is not None:
            yield there.header_offset, there.end - there.header_offset


def blanks_after(
    before: OpenedObject, after: OpenedObject, at: Layout, additions: Iterable[Addition]
) -> Iterator[Stretch]:
    """Find the additions in the written object, check them, and yield the bytes to leave out for them.

    Raises:
        HeldObjectError: ``edit_not_proven``, they are not there or not as they should be.
    """
    for addition in additions:
        there = at.found.get(addition.tag)
        if there is None:
            raise not_proven("what was to be added is not there")
        yield from ((field.offset, field.width) for field in at.counted_by(addition.tag))
        added: Element | Item = there
        if addition.appended:
            yield from ((field.offset, field.width) for field in length_field(there))
            added = last_item(after.window, there)
        check_added(before, addition.parts, after, added.header_offset, added.end - added.header_offset)
        yield added.header_offset, added.end - added.header_offset
