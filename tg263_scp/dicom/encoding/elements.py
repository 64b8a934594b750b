"""Walk the headers of a DICOM data set and say where every element lies, without decoding anything.

A relabelled object must keep every byte that is not a name. So nothing here turns values into Python objects; an
:class:`Element` is a set of offsets. Elements of explicit length are skipped by one seek, so the contours of most
structure sets are never read. Sequences of undefined length have to be walked to find their end (PS3.5 7.5.2), header
by header, without recursion.

Read: implicit VR little endian, explicit VR little endian, explicit VR big endian; UN of undefined length, which is
implicit VR little endian inside whatever is outside (PS3.5 6.2.2); encapsulated pixel data, whose fragments look like
items (PS3.5 A.4).

Input is not trusted: each header is checked against the end of what encloses it, nesting is limited, and anything that
cannot be followed raises :class:`~tg263_scp.errors.HeldObjectError` (``truncated`` past the end of the file,
``unreadable`` otherwise).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from struct import Struct
from types import MappingProxyType
from typing import Any, Literal

from tg263_scp.dicom.encoding.contour_runs import pass_items
from tg263_scp.dicom.encoding.window import WINDOW_BYTES, ByteWindow, broken, unreadable
from tg263_scp.errors import HeldObjectError

Unpack = Callable[[bytes, int], tuple[Any, ...]]

UNDEFINED_LENGTH = 0xFFFFFFFF

_DELIMITERS = 0xFFFE
"""The group of items and delimiters (PS3.5 7.5); below are their tags."""
_ITEM, _ITEM_END, _SEQUENCE_END = ((_DELIMITERS, number) for number in (0xE000, 0xE00D, 0xE0DD))

MAX_NESTING = 64
"""Undefined-length sequences inside one another; a structure set needs three."""

SHORT_VRS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()
)  # PS3.5 table 7.1-2: 16-bit length
LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())  # PS3.5 table 7.1-1: 32-bit length
NESTING_VRS = frozenset((b"SQ", b"UN", b"OB", b"OW"))
"""The only VRs that may have an undefined length."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """How headers are written: PS3.5 A.1 (implicit little endian), A.2 and A.3 (explicit)."""

    explicit: bool
    big_endian: bool
    pair: Struct
    word: Struct
    tag_and_vr: Struct

    @property
    def readers(self) -> tuple[bool, Unpack, Unpack, Unpack, Callable[[bytes, int, int], int]]:
        """What a walk needs at hand, in this order.

        ``explicit``; what unpacks tag and length, a length, tag with VR and short length; what steps over many elements of
        items at once, see :mod:`tg263_scp.dicom.encoding.contour_runs`.
        """
        passed = pass_items(explicit=self.explicit, big_endian=self.big_endian)
        unpack = (self.pair.unpack_from, self.word.unpack_from, self.tag_and_vr.unpack_from)
        return self.explicit, *unpack, passed

    @property
    def byteorder(self) -> Literal["little", "big"]:
        """``little`` or ``big``, as :meth:`int.from_bytes` wants it."""
        return "big" if self.big_endian else "little"


def _encoding(*, explicit: bool, big_endian: bool) -> Encoding:
    order = ">" if big_endian else "<"
    return Encoding(explicit, big_endian, Struct(order + "HHI"), Struct(order + "I"), Struct(order + "HH2sH"))


IMPLICIT_LITTLE = _encoding(explicit=False, big_endian=False)
EXPLICIT_LITTLE = _encoding(explicit=True, big_endian=False)
EXPLICIT_BIG = _encoding(explicit=True, big_endian=True)


@dataclass(frozen=True, slots=True)
class Element:
    """Where one data element lies. Offsets are bytes from the start of the file (or of the inflated data set).

    ``tag`` is 0xGGGGEEEE, ``vr`` is empty in implicit VR, ``length`` is :data:`UNDEFINED_LENGTH` where so written.
    ``content_end`` is where the value ends, ``end`` where the next element begins (behind the delimiter, if any).
    """

    tag: int
    vr: str
    header_offset: int
    value_offset: int
    length: int
    content_end: int
    end: int
    encoding: Encoding

    @property
    def length_field(self) -> tuple[int, int]:
        """Offset and width in bytes of the Value Length field."""
        width = 2 if self.vr.encode() in SHORT_VRS else 4
        return self.value_offset - width, width

    @property
    def inner_encoding(self) -> Encoding:
        """How the items inside are written: UN is always implicit little endian inside (PS3.5 6.2.2)."""
        return IMPLICIT_LITTLE if self.vr == "UN" else self.encoding


@dataclass(frozen=True, slots=True)
class Item:
    """Where one item of a sequence lies; offsets as for :class:`Element`."""

    header_offset: int
    value_offset: int
    length: int
    content_end: int
    end: int
    encoding: Encoding

    @property
    def length_field(self) -> tuple[int, int]:
        """Offset and width in bytes of the Item Length field."""
        return self.header_offset + 4, 4


def elements(window: ByteWindow, start: int, end: int, encoding: Encoding) -> Iterator[Element]:
    """Yield the elements of one data set, the sequences among them as one element each.

    ``start`` and ``end`` bound the data set: the whole of it, or the content of an item.

    Raises:
        HeldObjectError: ``truncated`` or ``unreadable``.
    """
    offset = start
    while offset < end:
        element = _element(window, offset, end, encoding)
        yield element
        offset = element.end


def data_set_elements(
    window: ByteWindow, start: int, encoding: Encoding, known_ends: Mapping[int, int] = MappingProxyType({})
) -> Iterator[Element]:
    """Yield the elements of a data set that reaches to the end of the file.

    Zero bytes behind the last element, which some archives add, are not elements. ``known_ends`` saves walking again
    what was walked before: it gives, by header offset, the end of elements of undefined length.

    Raises:
        HeldObjectError: ``truncated`` or ``unreadable``.
    """
    offset = start
    while offset < window.size:
        if not any(window.take(offset, min(8, window.size - offset))) and _all_zero(window, offset):
            return
        element = _element(window, offset, window.size, encoding, known_ends.get(offset, 0))
        yield element
        offset = element.end


def _all_zero(window: ByteWindow, offset: int) -> bool:
    while offset < window.size:
        length = min(WINDOW_BYTES, window.size - offset)
        if any(window.take(offset, length)):
            return False
        offset += length
    return True


def items(window: ByteWindow, sequence: Element) -> Iterator[Item]:
    """Yield the items of a sequence.

    Raises:
        HeldObjectError: ``truncated`` or ``unreadable``; also where the element is not a sequence.
    """
    encoding = sequence.inner_encoding
    offset = sequence.value_offset
    limit = sequence.content_end
    while offset < limit:
        if offset + 8 > limit:
            raise broken(window, offset, limit)
        group, number, length = encoding.pair.unpack(window.take(offset, 8))
        if (group, number) != _ITEM:
            raise unreadable(offset, "no item where a sequence must have one")
        content_end, end = _ends(window, offset + 8, length, limit, encoding, in_item=True)
        yield Item(offset, offset + 8, length, content_end, end, encoding)
        offset = end


def _element(window: ByteWindow, offset: int, limit: int, encoding: Encoding, known_end: int = 0) -> Element:
    if offset + 8 > limit:
        raise broken(window, offset, limit)
    header = window.take(offset, 8)
    group, number, length = encoding.pair.unpack(header)
    if group == _DELIMITERS:
        raise unreadable(offset, "an item or delimiter where an element must be")
    vr = b""
    value_offset = offset + 8
    if encoding.explicit:
        _, _, vr, length = encoding.tag_and_vr.unpack(header)
        if vr not in SHORT_VRS:
            if vr not in LONG_VRS or offset + 12 > limit:
                raise _no_length(window, offset, limit, vr)
            (length,) = encoding.word.unpack(window.take(offset + 8, 4))
            value_offset = offset + 12
    inner = _inside(encoding, vr, offset) if length == UNDEFINED_LENGTH else encoding
    if length == UNDEFINED_LENGTH and value_offset + 8 <= known_end <= limit:
        content_end, end = known_end - 8, known_end
    else:
        content_end, end = _ends(window, value_offset, length, limit, inner, in_item=False)
    return Element(
        group << 16 | number, vr.decode("ascii"), offset, value_offset, length, content_end, end, encoding
    )


def _no_length(window: ByteWindow, offset: int, limit: int, vr: bytes) -> HeldObjectError:
    """Return the error for an explicit header whose VR has no 16-bit length, and no 32-bit one before ``limit``."""
    if vr not in LONG_VRS:
        return unreadable(offset, "an unknown value representation")
    return broken(window, offset, limit)


def _inside(encoding: Encoding, vr: bytes, offset: int) -> Encoding:
    """Return how the items of an element of undefined length are written."""
    if encoding.explicit and vr not in NESTING_VRS:
        raise unreadable(offset, "an undefined length where none is allowed")
    return IMPLICIT_LITTLE if vr == b"UN" else encoding


def _ends(
    window: ByteWindow, value_offset: int, length: int, limit: int, encoding: Encoding, *, in_item: bool
) -> tuple[int, int]:
    if length == UNDEFINED_LENGTH:
        end = _end_of_undefined(window, value_offset, limit, encoding, in_item=in_item)
        return end - 8, end
    end = value_offset + length
    if end > limit:
        raise broken(window, value_offset, limit)
    return end, end


def _end_of_undefined(
    window: ByteWindow, start: int, limit: int, encoding: Encoding, *, in_item: bool
) -> int:
    """Return the offset behind the delimiter that closes the item or sequence whose content begins at ``start``.

    This is where the time goes in large sets: one flat loop, state in locals, headers unpacked in place.
    """
    outer: list[Encoding | None] = []  # per open level: the encoding to return to (None where an item closes)
    buffer, base, ready = window.buffer, window.base, len(window.buffer)
    explicit, pair, word, tag_and_vr, passed = encoding.readers
    short_vrs, offset = SHORT_VRS, start
    while offset + 8 <= limit:
        at = offset - base
        if at < 0 or at + 12 > ready:
            buffer, base, at = window.load(offset), offset, 0
            ready = len(buffer)
        group, number, length = pair(buffer, at)
        if group != _DELIMITERS and in_item:
            vr, header_bytes = b"", 8
            if explicit:
                _, _, vr, length = tag_and_vr(buffer, at)
                if vr not in short_vrs:
                    if vr not in LONG_VRS or offset + 12 > limit:
                        raise _no_length(window, offset, limit, vr)
                    (length,) = word(buffer, at + 8)
                    header_bytes = 12
            if length != UNDEFINED_LENGTH:
                offset += header_bytes + length
                continue
            outer.append(encoding)
            in_item = False
            if (inner := _inside(encoding, vr, offset)) is not encoding:
                encoding = inner
                explicit, pair, word, tag_and_vr, passed = encoding.readers
            offset += header_bytes
        elif (group, number) == _ITEM and not in_item:
            if length != UNDEFINED_LENGTH:
                offset += 8 + length
                continue
            offset += 8
            outer.append(None)
            in_item = True
            offset = base + passed(buffer, at + 8, limit - base)
        elif (group, number) == (_ITEM_END if in_item else _SEQUENCE_END) and not length:
            offset += 8
            if not outer:
                return offset
            in_item = not in_item
            if (closed := outer.pop()) is not None:
                encoding = closed
                explicit, pair, word, tag_and_vr, passed = encoding.readers
        else:
            raise unreadable(
                offset,
                f"{'an item' if in_item else 'a sequence'} neither goes on nor is closed by its delimiter",
            )
        if len(outer) > 2 * MAX_NESTING:
            raise unreadable(offset, "sequences nested too deeply")
    raise broken(window, offset, limit)
