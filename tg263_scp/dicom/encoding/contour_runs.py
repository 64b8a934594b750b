"""Step over many elements at once: what contours of undefined length mostly consist of, as one regular expression.

A contour is a Contour Image Sequence, a few short values and one long one, the points. Walked header by header in Python,
contours take most of the time that a large structure set takes. What is here reads headers exactly as
:mod:`tg263_scp.dicom.encoding.elements` does, only fewer kinds of them: it never looks into a value, stops before all it
does not
know, and whatever it passes is complete and balanced. What it leaves is walked as ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from struct import Struct, pack

_MAX_VALUE_BYTES = 66
"""UIDs, codes, numbers; a UID has at most 64 characters."""
_VRS = b"UI|CS|IS|DS|LO|SH"
_LENGTHS = (*range(0, _MAX_VALUE_BYTES + 1, 2), *range(1, _MAX_VALUE_BYTES + 1, 2))
"""Odd ones are wrong, hence rare, hence tried last."""
_DELIMITERS, _ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFE, 0xE000, 0xE00D, 0xE0DD
_UNDEFINED = 0xFFFFFFFF


@cache
def run_of_short_elements(*, explicit: bool, big_endian: bool) -> re.Pattern[bytes]:
    """Return an expression for one or more elements of an item: short ones, and sequences of items of short ones.

    The sequences and items among them are of undefined length. All repetition is possessive: time is linear.
    """
    order = ">" if big_endian else "<"

    def literal(layout: str, *values: int) -> bytes:
        return re.escape(pack(order + layout, *values))

    def delimiter(number: int, length: int) -> bytes:
        return literal("HHI", _DELIMITERS, number, length)

    # A tag whose group only begins like that of delimiters is rare enough to be left to the walk.
    tag = rb"[^\xff]..." if big_endian else rb"[^\xfe]..."
    vr, width = (b"(?:" + _VRS + b")", "H") if explicit else (b"", "I")
    value = vr + b"(?:" + b"|".join(literal(width, n) + b".{%d}" % n for n in _LENGTHS) + b")"
    items = delimiter(_ITEM, _UNDEFINED) + b"(?:" + tag + value + b")*+" + delimiter(_ITEM_END, 0)
    nested = (b"SQ.." if explicit else b"") + literal("I", _UNDEFINED)
    nested += b"(?:" + items + b")*+" + delimiter(_SEQUENCE_END, 0)
    return re.compile(b"(?:" + tag + b"(?:" + nested + b"|" + value + b"))++", re.DOTALL)


@cache
def pass_items(*, explicit: bool, big_endian: bool) -> Callable[[bytes, int, int], int]:
    """Return a function that steps over items of undefined length which each hold a run and perhaps one longer DS element.

    It takes bytes, the offset where the content of the first item begins, and the offset that bounds them; it returns
    where, in the content of the last item it has reached, the walk has to go on: before an element, or before the end.
    """
    order = ">" if big_endian else "<"
    run = run_of_short_elements(explicit=explicit, big_endian=big_endian).match
    header = Struct(order + ("HxxHH" if explicit else "Hxx0sI")).unpack_from
    points_vr = int.from_bytes(b"DS", "big" if big_endian else "little") if explicit else b""
    between = pack(order + "HHIHHI", _DELIMITERS, _ITEM_END, 0, _DELIMITERS, _ITEM, _UNDEFINED)
    delimiters = _DELIMITERS

    def passed(buffer: bytes, at: int, stop: int) -> int:
        last = len(buffer) - 8
        while True:
            if (found := run(buffer, at, stop)) is not None:
                at = found.end()
            if at > last:
                return at
            group, vr, length = header(buffer, at)
            if group == delimiters:
                behind = at
            elif vr == points_vr:
                behind = at + 8 + length
            else:
                return at
            if buffer[behind : behind + 16] != between or behind + 16 > stop:
                return at
            at = behind + 16

    return passed
