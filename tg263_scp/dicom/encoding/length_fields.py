"""Which fields count the bytes of a value, and the elements that are wanted among those that are there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from tg263_scp.dicom.encoding.elements import UNDEFINED_LENGTH, Element, Item
from tg263_scp.dicom.encoding.window import ByteWindow
from tg263_scp.errors import HeldObjectError, HoldReason

MAX_TEXT_BYTES = 4096
"""An LO value has 64 characters (PS3.5 6.2); longer ones than this are not read at all."""


@dataclass(frozen=True, slots=True)
class LengthField:
    """A field of 2 or 4 bytes that counts the bytes of a text: an enclosing length or a group length."""

    offset: int
    width: int
    big_endian: bool


def wanted_elements(walked: Iterable[Element], tags: Collection[int]) -> dict[int, Element]:
    """Return the elements with these tags.

    Raises:
        HeldObjectError: ``unreadable``, one of them occurs twice.
    """
    found: dict[int, Element] = {}
    for element in walked:
        if element.tag in tags:
            if element.tag in found:
                raise HeldObjectError(
                    HoldReason.UNREADABLE,
                    f"the element ({element.tag >> 16:04X},{element.tag & 0xFFFF:04X}) occurs twice in one data set",
                    hint="PS3.5 7.1 allows each element once; nothing says which of the two is meant",
                )
            found[element.tag] = element
    return found


def group_lengths(found: Mapping[int, Element], tags: Iterable[int]) -> tuple[LengthField, ...]:
    """Return the values among ``tags`` that count bytes: group lengths (PS3.5 7.2, retired) and Length to End."""
    return tuple(
        LengthField(found[tag].value_offset, 4, found[tag].encoding.big_endian)
        for tag in tags
        if tag in found and found[tag].length == 4
    )


def raw_value(window: ByteWindow, element: Element | None) -> bytes:
    """Return the bytes of a value, empty where the element is absent or overlong."""
    if element is None or element.length > MAX_TEXT_BYTES:
        return b""
    return window.take(element.value_offset, element.length)


def length_field(part: Element | Item) -> tuple[LengthField, ...]:
    """Return the field that counts the bytes of a sequence or item, none where its length is undefined."""
    if part.length == UNDEFINED_LENGTH:
        return ()
    return (LengthField(*part.length_field, part.encoding.big_endian),)
