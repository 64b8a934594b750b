"""Write elements and items in the encoding of the data set they are added to (PS3.5 7.1, 7.5, Annex A).

Only what provenance and references need: texts, and sequences of explicit length, whose content may be copied from the
source.
"""

from __future__ import annotations

from tg263_scp.dicom.encoding.elements import LONG_VRS, UNDEFINED_LENGTH, Encoding
from tg263_scp.dicom.encoding.splice import Part, size_of

_ITEM, _ITEM_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D)


def element(encoding: Encoding, tag: int, vr: str, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return one element of explicit length.

    Raises:
        ValueError: the value is too long for its VR.
    """
    length = size_of(parts)
    code = vr.encode("ascii")
    group, number = tag >> 16, tag & 0xFFFF
    if length >= (UNDEFINED_LENGTH if not encoding.explicit or code in LONG_VRS else 1 << 16):
        raise ValueError(f"the value of ({group:04X},{number:04X}) is too long")
    if not encoding.explicit:
        return (encoding.pair.pack(group, number, length), *parts)
    if code in LONG_VRS:
        return (encoding.tag_and_vr.pack(group, number, code, 0) + encoding.word.pack(length), *parts)
    return (encoding.tag_and_vr.pack(group, number, code, length), *parts)


def text(encoding: Encoding, tag: int, vr: str, value: str) -> tuple[Part, ...]:
    """Return one element of ASCII text, padded to even length (PS3.5 6.2)."""
    raw = value.encode("ascii")
    padding = b"\x00" if vr == "UI" else b" "
    return element(encoding, tag, vr, (raw + padding * (len(raw) % 2),))


def item(encoding: Encoding, parts: tuple[Part, ...], *, undefined: bool = False) -> tuple[Part, ...]:
    """Return one item, of explicit length unless it is to be ``undefined``."""
    if undefined:
        return (encoding.pair.pack(*_ITEM, UNDEFINED_LENGTH), *parts, encoding.pair.pack(*_ITEM_END, 0))
    return (encoding.pair.pack(*_ITEM, size_of(parts)), *parts)


def sequence(encoding: Encoding, tag: int, *contents: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return a sequence of items with these contents, all lengths explicit."""
    return element(
        encoding, tag, "SQ", tuple(part for content in contents for part in item(encoding, content))
    )
