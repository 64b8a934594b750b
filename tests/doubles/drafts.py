"""Structure sets written byte by byte.

The encoder shares no code with the program and knows nothing of pydicom, so it can write what neither would: wrong
lengths, undecodable bytes, private elements between items, UN in place of SQ. It is an oracle too: a relabelled object
must equal, byte for byte, the draft encoded with the new names.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from hashlib import sha256
from struct import pack

RTSTRUCT = b"1.2.840.10008.5.1.4.1.1.481.3"
LONG_VRS = ("OB", "OW", "SQ", "UN", "UT")


@dataclass(frozen=True)
class Coding:
    """One way of writing a data set."""

    name: str
    transfer_syntax_uid: str
    explicit: bool = True
    big_endian: bool = False
    undefined: bool = False
    deflated: bool = False

    @property
    def order(self) -> str:
        return ">" if self.big_endian else "<"

    def element(self, tag: int, vr: str, value: bytes, *, length: int | None = None) -> bytes:
        length = len(value) if length is None else length
        head = pack(self.order + "HH", tag >> 16, tag & 0xFFFF)
        if not self.explicit:
            return head + pack(self.order + "I", length) + value
        if vr in LONG_VRS:
            return head + vr.encode() + pack(self.order + "HI", 0, length) + value
        return head + vr.encode() + pack(self.order + "H", length) + value

    def text(self, tag: int, vr: str, value: bytes) -> bytes:
        """An element padded to even length, unless it brings its own padding."""
        padding = b"\0" if vr == "UI" else b" "
        return self.element(tag, vr, value + padding * (len(value) % 2))

    def sequence(self, tag: int, items: list[bytes], *, vr: str = "SQ") -> bytes:
        content = b"".join(self.item(item) for item in items)
        if not self.undefined:
            return self.element(tag, vr, content)
        return self.element(tag, vr, content + self.delimiter(0xE0DD), length=0xFFFFFFFF)

    def item(self, content: bytes) -> bytes:
        if not self.undefined:
            return pack(self.order + "HHI", 0xFFFE, 0xE000, len(content)) + content
        return pack(self.order + "HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + content + self.delimiter(0xE00D)

    def delimiter(self, number: int) -> bytes:
        return pack(self.order + "HHI", 0xFFFE, number, 0)

    def group_length(self, group: int, content: bytes) -> bytes:
        return self.element(group << 16, "UL", pack(self.order + "I", len(content))) + content

    def file(self, data_set: bytes) -> bytes:
        little = replace(self, explicit=True, big_endian=False)
        meta = little.element(0x00020001, "OB", b"\0\1")
        meta += little.text(0x00020002, "UI", RTSTRUCT)
        meta += little.text(0x00020003, "UI", b"1.2.3.4")
        meta += little.text(0x00020010, "UI", self.transfer_syntax_uid.encode())
        if self.deflated:
            deflater = zlib.compressobj(wbits=-15)
            data_set = deflater.compress(data_set) + deflater.flush()
            data_set += b"\0" * (len(data_set) % 2)
        return (
            bytes(128) + b"DICM" + little.element(0x00020000, "UL", pack("<I", len(meta))) + meta + data_set
        )


_IMPLICIT, _EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
_BIG, _DEFLATED = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
CODINGS = [
    Coding("implicit", _IMPLICIT, explicit=False),
    Coding("implicit-undefined", _IMPLICIT, explicit=False, undefined=True),
    Coding("explicit", _EXPLICIT),
    Coding("explicit-undefined", _EXPLICIT, undefined=True),
    Coding("big", _BIG, big_endian=True),
    Coding("big-undefined", _BIG, big_endian=True, undefined=True),
    Coding("deflated", _DEFLATED, deflated=True),
    Coding("deflated-undefined", _DEFLATED, deflated=True, undefined=True),
]
IMPLICIT, EXPLICIT = CODINGS[0], CODINGS[2]


@dataclass(frozen=True)
class DraftRoi:
    """One ROI: raw bytes of its name (None: no element) and label, its number and interpreted type as written."""

    name: bytes | None
    label: bytes | None = None
    interpreted_type: bytes = b"ORGAN"
    number: bytes = b""
    charset: bytes | None = None
    private: bytes = b""
    interpreter: bytes = b""


@dataclass(frozen=True)
class Draft:
    """A structure set before it is written. Switches turn on what some writers do."""

    rois: tuple[DraftRoi, ...]
    charset: bytes | None = b"ISO_IR 100"
    group_lengths: bool = False
    un_sequences: bool = False
    contours_before_names: bool = False
    loops: int = 2
    more: tuple[tuple[int, str, bytes], ...] = ()
    without: frozenset[int] = field(default=frozenset())

    def renamed(self, names: dict[int, bytes], labels: dict[int, bytes] | None = None) -> Draft:
        """The same with other raw names and labels, by index."""
        rois = list(self.rois)
        for index, name in names.items():
            rois[index] = replace(rois[index], name=name)
        for index, label in (labels or {}).items():
            rois[index] = replace(rois[index], label=label)
        return replace(self, rois=tuple(rois))

    def parts(self, coding: Coding) -> list[bytes]:
        """The elements of the data set, in order."""
        group_8 = [coding.text(0x00080005, "CS", self.charset)] if self.charset is not None else []
        group_8 += [coding.text(0x00080016, "UI", RTSTRUCT), coding.text(0x00080018, "UI", b"1.2.3.4")]
        group_8 += [coding.text(0x0008103E, "LO", b"pelvis")]
        known = [coding.text(0x00100010, "PN", b"Doe^Jane"), coding.text(0x00100020, "LO", b"ID-77")]
        known += [coding.text(0x0020000D, "UI", b"1.2.3"), coding.text(0x0020000E, "UI", b"1.2.3.1")]
        known += [coding.element(tag, vr, value) for tag, vr, value in self.more]
        vr = "UN" if self.un_sequences else "SQ"
        inner = (
            replace(coding, explicit=False, big_endian=False)
            if self.un_sequences and coding.explicit
            else coding
        )
        group_3006 = [coding.text(0x30060002, "SH", b"Plan 1")]
        group_3006 += [
            self._wrapped(coding, inner, 0x30060020, [self._roi(inner, *r) for r in self._all()], vr)
        ]
        contours = self._wrapped(
            coding, inner, 0x30060039, [self._contour(inner, *r) for r in self._all()], vr
        )
        group_3006.insert(1 if self.contours_before_names else len(group_3006), contours)
        group_3006 += [
            self._wrapped(coding, inner, 0x30060080, [self._observation(inner, *r) for r in self._all()], vr)
        ]
        if self.group_lengths:
            group_3006.insert(0, coding.group_length(0x3006, b"".join(group_3006))[:12])
        last = [coding.text(0x300E0002, "CS", b"UNAPPROVED"), coding.text(0x32730010, "LO", b"PRIVATE")]
        last += [coding.sequence(0x32731001, [coding.element(0x32731002, "UN", b"\xfe\xff\xe0\xdd\0\0\0\0")])]
        return group_8 + known + group_3006 + last

    def data_set(self, coding: Coding) -> bytes:
        return b"".join(self.parts(coding))

    def folded_sha256(self, coding: Coding) -> str:
        """SHA-256 of the data set, elements of 64 KiB and more as their own SHA-256."""
        folded = [p if len(p) < 1 << 16 else sha256(p).digest() for p in self.parts(coding)]
        return sha256(b"".join(folded)).hexdigest()

    def encoded(self, coding: Coding) -> bytes:
        return coding.file(self.data_set(coding))

    def _all(self) -> list[tuple[int, DraftRoi]]:
        return list(enumerate(self.rois))

    def _wrapped(self, coding: Coding, inner: Coding, tag: int, items: list[bytes], vr: str) -> bytes:
        if inner is coding:
            return coding.sequence(tag, items, vr=vr)
        content = b"".join(inner.item(item) for item in items)
        if not coding.undefined:
            return coding.element(tag, vr, content)
        return coding.element(tag, vr, content + inner.delimiter(0xE0DD), length=0xFFFFFFFF)

    def _number(self, index: int, roi: DraftRoi) -> bytes:
        return roi.number or str(index + 1).encode()

    def _roi(self, coding: Coding, index: int, roi: DraftRoi) -> bytes:
        content = coding.text(0x00080005, "CS", roi.charset) if roi.charset is not None else b""
        group = coding.text(0x30060022, "IS", self._number(index, roi)) + coding.text(
            0x30060024, "UI", b"1.2.9"
        )
        if roi.name is not None:
            group += coding.element(0x30060026, "LO", roi.name)
        group += coding.text(0x30060036, "CS", b"MANUAL")
        content += coding.group_length(0x3006, group) if self.group_lengths else group
        if roi.private:
            content += coding.text(0x32730010, "LO", b"PRIVATE") + coding.element(
                0x32731001, "UN", roi.private
            )
        return content

    def _contour(self, coding: Coding, index: int, roi: DraftRoi) -> bytes:
        image = coding.text(0x00081155, "UI", b"1.2.7")
        loop = coding.sequence(0x30060016, [image]) + coding.text(0x30060042, "CS", b"CLOSED_PLANAR")
        loop += coding.text(0x30060050, "DS", b"1\\2\\3\\4\\5\\3\\6\\7\\3")
        return coding.sequence(0x30060040, [loop] * self.loops) + coding.text(
            0x30060084, "IS", self._number(index, roi)
        )

    def _observation(self, coding: Coding, index: int, roi: DraftRoi) -> bytes:
        content = coding.text(0x00080005, "CS", roi.charset) if roi.charset is not None else b""
        content += coding.text(0x30060082, "IS", str(index).encode())
        content += coding.text(0x30060084, "IS", self._number(index, roi))
        if roi.label is not None:
            content += coding.element(0x30060085, "SH", roi.label)
        content += coding.text(0x300600A4, "CS", roi.interpreted_type)
        return content + (coding.text(0x300600A6, "PN", roi.interpreter) if roi.interpreter else b"")


def draft(*names: bytes, **switches: object) -> Draft:
    """A draft with these raw names and no labels."""
    return Draft(tuple(DraftRoi(name) for name in names), **switches)  # type: ignore[arg-type]
