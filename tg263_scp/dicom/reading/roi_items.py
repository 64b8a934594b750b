"""The items of Structure Set ROI Sequence and RT ROI Observations Sequence as offsets: where each text lies, and which
fields count its bytes.

The byte splice needs exactly this: replace a value, correct what counts it, copy the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tg263_scp.dicom.encoding.elements import Element, Encoding, elements, items
from tg263_scp.dicom.encoding.length_fields import (
    MAX_TEXT_BYTES,
    LengthField,
    group_lengths,
    length_field,
    raw_value,
    wanted_elements,
)
from tg263_scp.dicom.encoding.window import ByteWindow
from tg263_scp.dicom.reading.charsets import Charset, charset_of
from tg263_scp.errors import HeldObjectError, HoldReason

MAX_ITEMS = 20_000
"""ROIs or observations in one object; more is taken for an attack on memory."""

SPECIFIC_CHARACTER_SET = 0x00080005
ROI_NUMBER = 0x30060022
ROI_NAME = 0x30060026
REFERENCED_ROI_NUMBER = 0x30060084
OBSERVATION_LABEL = 0x30060085
IDENTIFICATION_CODES = 0x30060086
INTERPRETED_TYPE = 0x300600A4
INTERPRETER = 0x300600A6
DIGITAL_SIGNATURES = 0xFFFAFFFA
GROUP_LENGTH_3006 = 0x30060000

_WANTED = frozenset(
    (
        SPECIFIC_CHARACTER_SET,
        GROUP_LENGTH_3006,
        ROI_NUMBER,
        ROI_NAME,
        REFERENCED_ROI_NUMBER,
        OBSERVATION_LABEL,
        IDENTIFICATION_CODES,
        INTERPRETED_TYPE,
        INTERPRETER,
        DIGITAL_SIGNATURES,
    )
)
_TEXT_VRS = frozenset(("", "LO", "SH", "ST", "LT", "UC", "UT", "UN"))
_INTEGER = re.compile(r"[+-]?[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Where a name or label lies, and every field outside it that counts its bytes."""

    element: Element
    raw: bytes
    counted_by: tuple[LengthField, ...]


@dataclass(frozen=True, slots=True)
class SequenceItem:
    """One item of either sequence: its elements by tag, its character set, and what counts the bytes in it.

    ``code_gap`` is the offset where RT ROI Identification Code Sequence belongs in tag order, where
    :func:`sequence_items` has looked.
    """

    index: int
    found: Mapping[int, Element]
    charset: Charset
    counted_by: tuple[LengthField, ...]
    code_gap: int = 0

    @property
    def encoding(self) -> Encoding:
        """How the elements found are written."""
        return next(iter(self.found.values())).encoding

    def raw(self, window: ByteWindow, tag: int) -> bytes:
        """Return the bytes of a value, empty where the element is absent or overlong."""
        return raw_value(window, self.found.get(tag))

    def integer(self, window: ByteWindow, tag: int) -> int | None:
        """Return the value of an IS element (PS3.5 6.2), None where it is absent or not a number."""
        text = self.raw(window, tag).strip(b" \x00").decode("ascii", "replace")
        return int(text) if _INTEGER.fullmatch(text) else None

    def text_place(self, window: ByteWindow, tag: int) -> TextPlace | None:
        """Return where a text lies; None where the element is absent, overlong or not written as text."""
        element = self.found.get(tag)
        if element is None or element.length > MAX_TEXT_BYTES or element.vr not in _TEXT_VRS:
            return None
        return TextPlace(element, raw_value(window, element), self.counted_by)


def sequence_items(
    window: ByteWindow, sequence: Element | None, charset: Charset, counted_by: tuple[LengthField, ...]
) -> Iterator[SequenceItem]:
    """Yield the items of a sequence, which may be absent; ``counted_by`` are the group lengths outside it.

    An item may declare a character set of its own (PS3.5 7.5.3).

    Raises:
        HeldObjectError: ``truncated`` or ``unreadable``.
    """
    if sequence is None:
        return
    if sequence.vr not in ("", "SQ", "UN"):
        raise HeldObjectError(
            HoldReason.UNREADABLE, f"a sequence is written with the value representation {sequence.vr}"
        )
    enclosing = counted_by + length_field(sequence)
    for index, item in enumerate(items(window, sequence)):
        if index == MAX_ITEMS:
            raise HeldObjectError(
                HoldReason.UNREADABLE, f"the object has more than {MAX_ITEMS} ROIs or observations"
            )
        gap = _Gap(item.content_end)
        walked = elements(window, item.value_offset, item.content_end, item.encoding)
        found = wanted_elements(gap.watching(walked), _WANTED)
        own = charset
        if SPECIFIC_CHARACTER_SET in found:
            own = charset_of(raw_value(window, found[SPECIFIC_CHARACTER_SET]))
        counting = length_field(item) + group_lengths(found, (GROUP_LENGTH_3006,))
        yield SequenceItem(index, found, own, enclosing + counting, gap.offset)


class _Gap:
    """Remembers where the first element behind RT ROI Identification Code Sequence begins."""

    def __init__(self, end: int) -> None:
        self.offset = self._end = end

    def watching(self, walked: Iterable[Element]) -> Iterator[Element]:
        for element in walked:
            if self.offset == self._end and element.tag > IDENTIFICATION_CODES:
                self.offset = element.header_offset
            yield element
