"""Tell what a file is by its content: is it a DICOM storage object, which, and whose.

Names and extensions of files mean nothing in DICOM. A file counts where ``DICM`` stands at byte 128 (PS3.10 7.1), or
where it begins like a data set and carries both SOP UIDs, as files without preamble do. Only its first elements are
read.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tg263_scp.dicom.encoding.elements import elements
from tg263_scp.dicom.encoding.length_fields import raw_value
from tg263_scp.dicom.encoding.part10 import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    FileMeta,
    encoding_of,
    file_meta,
    has_prefix,
    uid_text,
)
from tg263_scp.dicom.encoding.window import ByteWindow
from tg263_scp.dicom.reading.charsets import ASCII, charset_of
from tg263_scp.dicom.reading.structure_set import RT_STRUCTURE_SET_STORAGE
from tg263_scp.errors import HeldObjectError

MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"

_CHARSET = 0x00080005
_SOP_CLASS_UID = 0x00080016
_SOP_INSTANCE_UID = 0x00080018
_MODALITY = 0x00080060
_PATIENT_ID = 0x00100020
_STUDY_INSTANCE_UID = 0x0020000D
_SERIES_INSTANCE_UID = 0x0020000E
_WANTED = frozenset(
    (
        *(_CHARSET, _SOP_CLASS_UID, _SOP_INSTANCE_UID, _MODALITY),
        *(_PATIENT_ID, _STUDY_INSTANCE_UID, _SERIES_INSTANCE_UID),
    )
)
_DEFLATED_HEAD_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class ObjectIdentity:
    """What a DICOM object says it is. What it does not say, or what cannot be read, is empty.

    ``patient_id`` is patient data: to be hashed, never to be logged.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str
    modality: str = ""


def is_rtstruct(sop_class_uid: str) -> bool:
    """Tell whether a SOP class is RT Structure Set Storage (PS3.4 B.5)."""
    return sop_class_uid == RT_STRUCTURE_SET_STORAGE


def identify(path: Path) -> ObjectIdentity | None:
    """Return what a file is, or None where it is no DICOM storage object (a DICOMDIR is none).

    A file with the DICOM prefix that cannot be followed any further is still DICOM: its identity is empty.

    Raises:
        OSError: the file cannot be read. Content, whatever it is, raises nothing.
    """
    with path.open("rb") as file:
        window = ByteWindow(file)
        prefixed = has_prefix(window)
        try:
            meta = file_meta(window)
        except HeldObjectError:
            return ObjectIdentity("", "", "", "", "", "") if prefixed else None
        identity = _identity(file, window, meta)
    if MEDIA_STORAGE_DIRECTORY in (identity.sop_class_uid, meta.sop_class_uid):
        return None
    if not prefixed and not (identity.sop_class_uid and identity.sop_instance_uid):
        return None
    return identity


def _identity(file: BinaryIO, window: ByteWindow, meta: FileMeta) -> ObjectIdentity:
    start = meta.dataset_offset
    if meta.transfer_syntax_uid == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        window, start = _inflated_head(file, start), 0
    found: dict[int, bytes] = {}
    try:
        for element in elements(window, start, window.size, encoding_of(meta.transfer_syntax_uid)):
            if element.tag > max(_WANTED):
                break
            if element.tag in _WANTED:
                found.setdefault(element.tag, raw_value(window, element))
    except HeldObjectError:
        pass  # what was found before the fault still says what the object is
    charset = charset_of(found[_CHARSET]) if _CHARSET in found else ASCII
    return ObjectIdentity(
        uid_text(found.get(_SOP_CLASS_UID, b"")) or meta.sop_class_uid,
        uid_text(found.get(_SOP_INSTANCE_UID, b"")) or meta.sop_instance_uid,
        meta.transfer_syntax_uid,
        uid_text(found.get(_STUDY_INSTANCE_UID, b"")),
        uid_text(found.get(_SERIES_INSTANCE_UID, b"")),
        (charset.decode(found.get(_PATIENT_ID, b"")) or "").strip(),
        found.get(_MODALITY, b"").decode("latin-1").strip("\0 "),
    )


def _inflated_head(file: BinaryIO, start: int) -> ByteWindow:
    file.seek(start)
    try:
        head = zlib.decompressobj(-zlib.MAX_WBITS).decompress(
            file.read(_DEFLATED_HEAD_BYTES), _DEFLATED_HEAD_BYTES
        )
    except zlib.error:
        head = b""
    return ByteWindow(io.BytesIO(head))
