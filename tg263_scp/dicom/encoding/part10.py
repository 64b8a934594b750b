"""The DICOM file around a data set: preamble and File Meta Information (PS3.10 7.1), read and written without pydicom
decoding the data set.

A received data set is stored exactly as it came over the network: :func:`write_part10` only puts a header before it.
:func:`read_file_meta` finds the data set again, also in files that lack the preamble or the file meta.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from struct import pack
from typing import BinaryIO, cast

from tg263_scp import __version__
from tg263_scp.dicom.encoding.budget import budget_at_hand, check_cpu, too_costly
from tg263_scp.dicom.encoding.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    LONG_VRS,
    SHORT_VRS,
    Element,
    Encoding,
    elements,
)
from tg263_scp.dicom.encoding.window import ByteWindow
from tg263_scp.errors import HeldObjectError, HoldReason

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN = "1.2.840.10008.1.2.2"

IMPLEMENTATION_CLASS_UID = "2.25.251367930485013294183209114927363862315"
IMPLEMENTATION_VERSION_NAME = f"TG263SCP_{__version__}"[:16]
"""SH: at most 16 characters."""

PREAMBLE_BYTES = 128
_MAX_META_BYTES = 1 << 20
_INFLATED_IN_MEMORY_BYTES = 1 << 22
_CHUNK_BYTES = 1 << 18
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_COMPRESSED = re.compile(r"1\.2\.840\.10008\.1\.2\.(1\.98|4\.\d+|5)")
_DEFLATED_JPIP = frozenset(("1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"))


@dataclass(frozen=True, slots=True)
class FileMeta:
    """What the head of a file says about the data set behind it.

    ``transfer_syntax_uid`` is guessed from the first element where the file does not declare it. The SOP UIDs are empty
    where there is no file meta. ``dataset_offset`` is bytes from the start of the file.
    """

    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    dataset_offset: int
    has_preamble: bool


def write_part10(
    out: BinaryIO,
    dataset_bytes: bytes | bytearray | memoryview,
    *,
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax_uid: str,
    source_ae_title: str = "",
    implementation_class_uid: str = IMPLEMENTATION_CLASS_UID,
    implementation_version_name: str = IMPLEMENTATION_VERSION_NAME,
) -> None:
    """Write a DICOM file around a received data set, whose bytes are not looked at.

    ``source_ae_title`` is written as (0002,0016) where given; it is cut at 16 characters, characters that an AE title
    cannot hold become ``?``.

    Raises:
        ValueError: a UID is not a UID (PS3.5 9.1: digits and dots, at most 64 characters).
        OSError: the file cannot be written.
    """
    out.write(
        file_head(
            sop_class_uid=sop_class_uid,
            sop_instance_uid=sop_instance_uid,
            transfer_syntax_uid=transfer_syntax_uid,
            source_ae_title=source_ae_title,
            implementation_class_uid=implementation_class_uid,
            implementation_version_name=implementation_version_name,
        )
    )
    out.write(dataset_bytes)


def file_head(
    *,
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax_uid: str,
    source_ae_title: str = "",
    implementation_class_uid: str = IMPLEMENTATION_CLASS_UID,
    implementation_version_name: str = IMPLEMENTATION_VERSION_NAME,
) -> bytes:
    """Return preamble, prefix and File Meta Information (PS3.10 table 7.1-1); see :func:`write_part10`."""
    body = pack("<HH2sHI2s", 0x0002, 0x0001, b"OB", 0, 2, b"\x00\x01")
    body += _uid(0x0002, sop_class_uid)
    body += _uid(0x0003, sop_instance_uid)
    body += _uid(0x0010, transfer_syntax_uid)
    body += _uid(0x0012, implementation_class_uid)
    body += _text(0x0013, b"SH", implementation_version_name)
    if source_ae_title.strip():
        body += _text(0x0016, b"AE", source_ae_title.strip())
    return bytes(PREAMBLE_BYTES) + b"DICM" + pack("<HH2sHI", 0x0002, 0x0000, b"UL", 4, len(body)) + body


def read_file_head(file: BinaryIO) -> tuple[str, str, str, str] | None:
    """Read what :func:`file_head` wrote: SOP class, SOP instance, transfer syntax, source AE title; None for a head of others.

    The file is left at the first byte of the data set, where the File Meta Information ends by its own length: a data set
    of some senders begins with elements of group 0002 as well.
    """
    start = file.read(PREAMBLE_BYTES + 16)
    if start[PREAMBLE_BYTES : PREAMBLE_BYTES + 12] != b"DICM" + pack("<HH2sH", 0x0002, 0x0000, b"UL", 4):
        return None
    body = file.read(min(int.from_bytes(start[-4:], "little"), _MAX_META_BYTES))
    values: dict[int, str] = {}
    place = 14  # behind (0002,0001), the only element here with a long header
    while len(body) - place >= 8:
        number, length = (
            int.from_bytes(body[place + 2 : place + 4], "little"),
            int.from_bytes(body[place + 6 : place + 8], "little"),
        )
        values[number] = body[place + 8 : place + 8 + length].decode("ascii", "replace").rstrip("\x00 ")
        place += 8 + length
    if not (values.get(0x0002) and values.get(0x0003) and values.get(0x0010)):
        return None
    return values[0x0002], values[0x0003], values[0x0010], values.get(0x0016, "")


def _uid(number: int, uid: str) -> bytes:
    if len(uid) > 64 or not _UID.fullmatch(uid):
        raise ValueError(f"not a UID for the file meta element (0002,{number:04x})")
    value = uid.encode("ascii")
    return _short(number, b"UI", value + b"\x00" * (len(value) % 2))


def _text(number: int, vr: bytes, text: str) -> bytes:
    printable = "".join(c if c.isprintable() and c != "\\" else "?" for c in text[:16])
    value = printable.encode("ascii", "replace")
    return _short(number, vr, value + b" " * (len(value) % 2))


def _short(number: int, vr: bytes, value: bytes) -> bytes:
    return pack("<HH2sH", 0x0002, number, vr, len(value)) + value


def read_file_meta(path: Path) -> FileMeta:
    """Read the head of a file; see :func:`file_meta`.

    Raises:
        HeldObjectError: ``not_dicom``, ``truncated`` or ``unreadable``.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return file_meta(ByteWindow(file))


def data_set_sha256(path: Path, meta: FileMeta | None = None) -> str:
    """Return the SHA-256 (hex) of the data set behind the head of a file, which ``meta`` has where it was read already.

    Raises:
        HeldObjectError: as :func:`file_meta`.
        OSError: the file cannot be read.
    """
    meta = meta or read_file_meta(path)
    with path.open("rb") as file:
        file.seek(meta.dataset_offset)
        return hashlib.file_digest(file, "sha256").hexdigest()


def has_prefix(window: ByteWindow) -> bool:
    """Tell whether ``DICM`` stands behind a preamble."""
    return window.take(0, min(window.size, PREAMBLE_BYTES + 4))[PREAMBLE_BYTES:] == b"DICM"


def file_meta(window: ByteWindow) -> FileMeta:
    """Read preamble and file meta of an open file; both may be missing.

    In a file of ours the file meta ends where its group length says: a data set may begin with elements of group 0002 too.
    In files of others that length is often wrong. Without file meta the transfer syntax is guessed: explicit VR where the
    first element has a known VR, big endian where its group only makes sense so.

    Raises:
        HeldObjectError: ``not_dicom`` where neither the prefix ``DICM`` nor a plausible first element is found,
            ``truncated`` or ``unreadable`` where the file meta cannot be followed.
    """
    has_preamble = has_prefix(window)
    offset = PREAMBLE_BYTES + 4 if has_preamble else 0
    values: dict[int, str] = {}
    declared_end = 0
    end = min(window.size, offset + _MAX_META_BYTES)
    while window.size - offset >= 8 and window.take(offset, 2) == b"\x02\x00":
        if offset == declared_end and values.get(0x00020012) == IMPLEMENTATION_CLASS_UID:
            break
        element = _meta_element(window, offset, end)
        if element.tag == 0x00020000 and element.length == 4:
            declared_end = element.end + int.from_bytes(window.take(element.value_offset, 4), "little")
        if element.tag in (0x00020002, 0x00020003, 0x00020010, 0x00020012):
            values[element.tag] = uid_text(window.take(element.value_offset, min(element.length, 128)))
        offset = element.end
    transfer_syntax_uid = values.get(0x00020010, "")
    if not transfer_syntax_uid:
        if window.size - offset < 8 and has_preamble:
            raise HeldObjectError(
                HoldReason.TRUNCATED, "the file ends with its file meta; there is no data set"
            )
        transfer_syntax_uid = _guess(window, offset)
    if not transfer_syntax_uid:
        if has_preamble:
            raise HeldObjectError(
                HoldReason.UNREADABLE, "the file meta declares no transfer syntax and none can be guessed"
            )
        raise HeldObjectError(
            HoldReason.NOT_DICOM,
            "the file is not DICOM",
            hint="nothing to do: only DICOM objects are relabelled",
        )
    return FileMeta(
        transfer_syntax_uid, values.get(0x00020002, ""), values.get(0x00020003, ""), offset, has_preamble
    )


def _meta_element(window: ByteWindow, offset: int, end: int) -> Element:
    # Some writers put the file meta in implicit VR; each element shows by itself which it is.
    vr = window.take(offset + 4, 2)
    encoding = EXPLICIT_LITTLE if vr in SHORT_VRS or vr in LONG_VRS else IMPLICIT_LITTLE
    return next(elements(window, offset, end, encoding))


def _guess(window: ByteWindow, offset: int) -> str:
    if window.size - offset < 8:
        return ""
    header = window.take(offset, 8)
    group, number, vr, _ = EXPLICIT_LITTLE.tag_and_vr.unpack(header)
    if vr in SHORT_VRS or vr in LONG_VRS:
        return {0x0008: EXPLICIT_VR_LITTLE_ENDIAN, 0x0800: EXPLICIT_VR_BIG_ENDIAN}.get(group, "")
    _, _, length = IMPLICIT_LITTLE.pair.unpack(header)
    return IMPLICIT_VR_LITTLE_ENDIAN if group == 0x0008 and number <= 0x1200 and length <= 0xFFFF else ""


def uid_text(raw: bytes) -> str:
    """Return a UID without its padding; empty where the bytes are not a UID."""
    text = raw.rstrip(b"\x00 ").decode("ascii", "replace")
    return text if len(text) <= 64 and _UID.fullmatch(text) else ""


def encoding_of(transfer_syntax_uid: str) -> Encoding:
    """Return how the data set of a transfer syntax is written (PS3.5 Annex A); for the deflated one, once inflated.

    Raises:
        HeldObjectError: ``unsupported_transfer_syntax``.
    """
    if transfer_syntax_uid == IMPLICIT_VR_LITTLE_ENDIAN:
        return IMPLICIT_LITTLE
    if transfer_syntax_uid == EXPLICIT_VR_BIG_ENDIAN:
        return EXPLICIT_BIG
    if transfer_syntax_uid in (EXPLICIT_VR_LITTLE_ENDIAN, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN):
        return EXPLICIT_LITTLE
    if is_for_images(transfer_syntax_uid) and transfer_syntax_uid not in _DEFLATED_JPIP:
        return EXPLICIT_LITTLE
    raise HeldObjectError(
        HoldReason.UNSUPPORTED_TRANSFER_SYNTAX,
        f"the transfer syntax {transfer_syntax_uid} is not one this program can edit",
        hint="let the sender use explicit or implicit VR little endian",
    )


def is_for_images(transfer_syntax_uid: str) -> bool:
    """Tell whether a transfer syntax is one for compressed images (PS3.5 A.4, A.6, A.7), odd for anything else."""
    return _COMPRESSED.fullmatch(transfer_syntax_uid) is not None


@dataclass(frozen=True, slots=True)
class OpenedObject:
    """An open DICOM file and the place of its data set.

    ``file`` is the file as stored. The data set begins at offset ``start`` of ``window``: of that
    file, or, for the deflated transfer syntax, of its copy ``inflated`` (there at 0). It reaches to the end.
    """

    file: BinaryIO
    meta: FileMeta
    encoding: Encoding
    window: ByteWindow
    start: int
    inflated: BinaryIO | None


@contextmanager
def opened(path: Path) -> Iterator[OpenedObject]:
    """Open a DICOM file for reading by offsets; the deflated transfer syntax is inflated (PS3.5 A.5).

    Raises:
        HeldObjectError: ``not_dicom``, ``truncated``, ``unreadable``, ``unsupported_transfer_syntax`` or ``too_costly``.
        OSError: the file cannot be read, or there is no room to inflate it.
    """
    with path.open("rb") as file:
        window = ByteWindow(file)
        meta = file_meta(window)
        encoding = encoding_of(meta.transfer_syntax_uid)
        if meta.transfer_syntax_uid != DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
            yield OpenedObject(file, meta, encoding, window, meta.dataset_offset, None)
            return
        folder = budget_at_hand().folder
        where = None if folder is None else str(folder)
        with tempfile.SpooledTemporaryFile(_INFLATED_IN_MEMORY_BYTES, dir=where) as spooled:
            inflated = cast(BinaryIO, spooled)
            file.seek(meta.dataset_offset)
            _inflate(file, inflated)
            yield OpenedObject(file, meta, encoding, ByteWindow(inflated), 0, inflated)


def _inflate(source: BinaryIO, target: BinaryIO) -> None:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    written, most_bytes = 0, budget_at_hand().inflated_bytes
    try:
        while not inflater.eof:
            chunk = inflater.unconsumed_tail or source.read(_CHUNK_BYTES)
            if not chunk:
                raise HeldObjectError(HoldReason.TRUNCATED, "the deflated data set ends before its end mark")
            piece = inflater.decompress(chunk, _CHUNK_BYTES)
            written += len(piece)
            if written > most_bytes:
                raise too_costly(f"inflated, it exceeds {most_bytes} bytes")
            check_cpu()
            target.write(piece)
    except zlib.error as problem:
        raise HeldObjectError(
            HoldReason.UNREADABLE, f"the deflated data set cannot be inflated: {problem}"
        ) from problem
    # One null byte may pad the stream to even length; anything else behind it could not be kept.
    if (inflater.unused_data + source.read(2)) not in (b"", b"\x00"):
        raise HeldObjectError(
            HoldReason.UNREADABLE, "there are bytes behind the end of the deflated data set"
        )
