"""Structure sets in every encoding, what they become, and what is compared."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pydicom

from doubles.drafts import Coding, Draft, DraftRoi

MIXED = Draft(
    (
        DraftRoi(b"left lung ", b"left lung "),
        DraftRoi("Hüfte".encode("latin-1"), b"other "),
        DraftRoi(b"cord\0\0", b"cord\0\0"),
        DraftRoi(b"L\x81ng", b"L\x81ng"),
        DraftRoi(b"a\\b ", b"a\\b "),
        DraftRoi(b"", None),
        DraftRoi(b"x" * 64, b"x" * 16),
        DraftRoi(b"Heart   ", b"Heart", private=b"\xfe\xff\x00\xe0\x00\x00\x00\x00"),
        DraftRoi(b"Heart   ", b"Heart ", private=b"Heart   "),
        DraftRoi(None, b"Heart "),
    )
)


NEW = {0: "Lung_L", 2: "SpinalCord", 5: "Eye_R", 6: "Bag_Bowel", 8: "LN_Ax_L1_Wide_Name_20"}


VARIANTS = {
    "plain": {},
    "group lengths": {"group_lengths": True},
    "sequences as UN": {"un_sequences": True},
    "contours before names": {"contours_before_names": True},
    "no character set": {"charset": None},
    "nonsense character set": {"charset": b"Not Supplied"},
    "UTF-8": {"charset": b"ISO_IR 192"},
    "GB18030": {"charset": b"GB18030"},
    "Japanese": {"charset": b"\\ISO 2022 IR 87"},
    "everything": {"group_lengths": True, "un_sequences": True, "contours_before_names": True},
}


def data_set_of(content: bytes, coding) -> bytes:
    """Head and inflated data set, to compare files whatever the deflater did."""
    if not coding.deflated:
        return content
    start = len(replace(coding, deflated=False).file(b""))
    return content[:start] + zlib.decompress(content[start:], wbits=-15)


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def transcoded(path: Path, coding: Coding, target: Path) -> Path:
    """Write a real file in another coding with pydicom."""
    theirs = pydicom.dcmread(path, force=True)
    for element in theirs.iterall():  # decodes each, or pydicom would write raw values in the old byte order
        if coding.undefined and element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
    if getattr(theirs, "file_meta", None) is None:
        theirs.file_meta = pydicom.dataset.FileMetaDataset()
    theirs.file_meta.TransferSyntaxUID = coding.transfer_syntax_uid
    pydicom.dcmwrite(target, theirs, enforce_file_format=True)
    return target


def head_bytes(coding: Coding) -> int:
    return len(replace(coding, deflated=False).file(b""))


def with_elements(source: Draft, coding: Coding, *more: bytes) -> bytes:
    """The file of a draft with further top-level elements, each where its tag belongs."""

    def tag(part: bytes) -> tuple[int, ...]:
        return struct.unpack(coding.order + "HH", part[:4])

    return coding.file(b"".join(sorted([*source.parts(coding), *more], key=tag)))


def foreign(coding: Coding, modified: bytes = b"") -> tuple[bytes, bytes, bytes]:
    """What an earlier system left: its coercion time, its equipment and its original attributes."""
    equipment = coding.text(0x00080070, "LO", b"ACME") + coding.text(0x0018A002, "DT", b"20200101")
    original = coding.sequence(0x04000550, [modified or coding.text(0x00100020, "LO", b"OLD-ID")])
    original += coding.text(0x04000562, "DT", b"20200101") + coding.text(0x04000563, "LO", b"ACME")
    original += coding.text(0x04000564, "LO", b"") + coding.text(0x04000565, "CS", b"COERCE")
    return (
        coding.text(0x00080015, "DT", b"20200101"),
        coding.sequence(0x0018A001, [equipment]),
        coding.sequence(0x04000561, [original]),
    )
