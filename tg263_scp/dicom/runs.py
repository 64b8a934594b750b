"""Step over many elements at once: what contours of undefined length mostly consist of, as one regular expression.

A contour begins with a Contour Image Sequence and a few short values. Walked header by header in Python, they take most
of the time that a large structure set takes. The expression reads headers exactly as :mod:`tg263_scp.dicom.elements`
does, only fewer kinds of them: it never looks into a value, stops before all it does not know, and whatever it passes
is complete and balanced. What it leaves is walked as ever.
"""

from __future__ import annotations

import re
from functools import cache
from struct import pack

_MAX_VALUE_BYTES = 66
"""UIDs, codes, numbers; a UID has at most 64 characters."""
_VRS = b"UI|CS|IS|DS|LO|SH"


@cache
def run_of_short_elements(*, explicit: bool, big_endian: bool) -> re.Pattern[bytes]:
    """Return an expression for one or more elements of an item: short ones, and sequences of items of short ones.

    The sequences and items among them are of undefined length. All repetition is possessive: time is linear.
    """
    order = ">" if big_endian else "<"

    def literal(layout: str, *values: int) -> bytes:
        return re.escape(pack(order + layout, *values))

    def delimiter(number: int, length: int) -> bytes:
        return literal("HHI", 0xFFFE, number, length)

    tag = b"(?!" + literal("H", 0xFFFE) + b")...."
    width = "H" if explicit else "I"
    value = b"|".join(literal(width, length) + b".{%d}" % length for length in range(_MAX_VALUE_BYTES + 1))
    short = tag + (b"(?:" + _VRS + b")" if explicit else b"") + b"(?:" + value + b")"
    items = delimiter(0xE000, 0xFFFFFFFF) + b"(?:" + short + b")*+" + delimiter(0xE00D, 0)
    head = tag + (b"SQ.." if explicit else b"") + literal("I", 0xFFFFFFFF)
    sequence = head + b"(?:" + items + b")*+" + delimiter(0xE0DD, 0)
    return re.compile(b"(?:" + sequence + b"|" + short + b")++", re.DOTALL)
