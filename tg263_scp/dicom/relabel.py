"""Give ROIs new names by a byte splice: only the names are written anew, every other byte is copied from the source.

Edited are ROI Name (3006,0026) and, where it carried the old name, ROI Observation Label (3006,0085); with them the
lengths that count their bytes. ROI numbers, order, contours, references, private elements, file meta, even the wrong
and the odd, stay as the sender wrote them, in any transfer syntax. A deflated data set is inflated, spliced and
deflated again.

The result is proven, not assumed: the written file is read back, its own places of the edited texts are found anew, and
everything else is compared with the source by digest (see :class:`EditProof`). Only a proven file gets its name.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from tg263_scp.dicom.new_file import new_file
from tg263_scp.dicom.part10 import OpenedObject, opened
from tg263_scp.dicom.roi_items import LengthField, TextPlace
from tg263_scp.dicom.structure_set import Survey, survey
from tg263_scp.errors import HeldObjectError

MAX_NAME_CHARACTERS = 64
"""LO, PS3.5 6.2."""
MAX_LABEL_CHARACTERS = 16
"""SH, PS3.5 6.2."""
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class EditProof:
    """What a relabelling changed, in a form that anybody can recompute with other tools.

    ``sha256_before`` and ``sha256_after`` are of the two files. ``blanked_sha256_...`` are of the files with these
    bytes left out:

    1. Value Length and Value of each edited ROI Name and each edited ROI Observation Label (tag and VR remain);
    2. the length field (2 or 4 bytes) of each item and sequence of explicit length that encloses one of them;
    3. the values of the group length (3006,0000) beside or around them, and of Length to End (0008,0001), if present.

    For the deflated transfer syntax the blanked digests are of the bytes before the data set followed by the inflated
    data set. Both are computed from the files as read, ``blanked_sha256_after`` by reading back what was written and
    walking it afresh. They are equal, or there would be no proof and no file: so nothing else has changed.

    ``edited`` counts ROI names, ``edited_labels`` observation labels; sizes are of the files.
    """

    sha256_before: str
    sha256_after: str
    blanked_sha256_before: str
    blanked_sha256_after: str
    edited: int
    edited_labels: int
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True, slots=True, order=True)
class _Patch:
    """``length`` bytes at ``offset`` become ``new``."""

    offset: int
    length: int
    new: bytes


@dataclass(frozen=True, slots=True)
class _Edits:
    """New values by ROI index and by observation index."""

    names: Mapping[int, bytes]
    labels: Mapping[int, bytes]

    def places(self, of: Survey) -> Iterator[tuple[TextPlace, bytes]]:
        for index, value in self.names.items():
            yield of.names[index], value
        for index, value in self.labels.items():
            yield of.labels[index], value


def relabel(source: Path, target: Path, new_names: Mapping[int, str]) -> EditProof:
    """Write ``source`` to ``target`` with new ROI names, keyed by :attr:`RoiRecord.index`.

    A name that a ROI already has is no edit. ``target`` appears complete, synced and proven, or not at all; it is never
    overwritten. With nothing to edit it is an exact copy.

    Raises:
        ValueError: a new name is not 1 to 64 printable ASCII characters without backslash, or is meant for a ROI that
            does not exist, has no ROI Name or has one that is not readable.
        FileExistsError: ``target`` exists.
        HeldObjectError: as :func:`~tg263_scp.dicom.structure_set.read_structure_set`, and ``edit_not_proven``.
        OSError: reading or writing failed.
    """
    if target.exists():
        raise FileExistsError(f"{target.name} exists and is not overwritten")
    with opened(source) as before:
        found = survey(before, source)
        edits = _edits(found, new_names)
        patches = _patches(before, found, edits)
        with new_file(target) as (out, written):
            _write(before, patches, out)
            out.flush()
            with ThreadPoolExecutor(1) as aside:
                source_digests = aside.submit(_digest, before, _blanks(found, edits))
                os.fsync(out.fileno())
                result = _read_back(found, edits, written, _shifted(found.long_ends, patches))
            return _proof(source_digests.result(), result, edits)


def _edits(found: Survey, new_names: Mapping[int, str]) -> _Edits:
    rois = found.structure_set.rois
    names: dict[int, bytes] = {}
    labels: dict[int, bytes] = {}
    for index, name in new_names.items():
        _check_name(name)
        if not 0 <= index < len(rois) or index not in found.names or not rois[index].readable:
            raise ValueError(f"the ROI at index {index} does not exist or has no readable name to replace")
        if rois[index].name == name:
            continue
        names[index] = _padded(name)
        if len(name) <= MAX_LABEL_CHARACTERS:
            labels.update((observation, _padded(name)) for observation in found.labels_of.get(index, ()))
    return _Edits(names, labels)


def _check_name(name: str) -> None:
    if (
        not 1 <= len(name) <= MAX_NAME_CHARACTERS
        or not name.isascii()
        or not name.isprintable()
        or "\\" in name
    ):
        raise ValueError("a new ROI name must be 1 to 64 printable ASCII characters without backslash")
    if name != name.strip():
        raise ValueError("a new ROI name must not begin or end with a space, which DICOM takes for padding")


def _padded(name: str) -> bytes:
    return (name + " " * (len(name) % 2)).encode("ascii")


def _patches(before: OpenedObject, found: Survey, edits: _Edits) -> list[_Patch]:
    patches: list[_Patch] = []
    growth: dict[LengthField, int] = {}
    for place, value in edits.places(found):
        element = place.element
        offset, width = element.length_field
        patches.append(_Patch(offset, width, len(value).to_bytes(width, element.encoding.byteorder)))
        patches.append(_Patch(element.value_offset, element.length, value))
        for field in place.counted_by:
            growth[field] = growth.get(field, 0) + len(value) - element.length
    for field, by in growth.items():
        order: Literal["big", "little"] = "big" if field.big_endian else "little"
        length = int.from_bytes(before.window.take(field.offset, field.width), order) + by
        if not 0 <= length < 0xFFFFFFFF:
            raise HeldObjectError("unreadable", f"the length at byte {field.offset} cannot be corrected")
        patches.append(_Patch(field.offset, field.width, length.to_bytes(field.width, order)))
    return sorted(patches)


def _write(before: OpenedObject, patches: list[_Patch], out: BinaryIO) -> None:
    if before.inflated is None or not patches:
        _splice(before.file, patches, out.write)
        return
    for chunk in _chunks(before.file, 0, before.meta.dataset_offset):
        out.write(chunk)
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    _splice(before.inflated, patches, lambda chunk: out.write(deflater.compress(chunk)))
    out.write(deflater.flush())
    if (out.tell() - before.meta.dataset_offset) % 2:
        out.write(b"\x00")  # PS3.5 A.5


def _splice(file: BinaryIO, patches: Iterable[_Patch], write: Callable[[memoryview | bytes], object]) -> None:
    position = 0
    for patch in patches:
        for chunk in _chunks(file, position, patch.offset):
            write(chunk)
        write(patch.new)
        position = patch.offset + patch.length
    for chunk in _chunks(file, position):
        write(chunk)


def _chunks(file: BinaryIO, start: int, end: int | None = None) -> Iterator[memoryview]:
    """Yield the bytes from ``start`` to ``end`` (or the end of the file); each chunk is valid until the next."""
    file.seek(start)
    left = end - start if end is not None else None
    chunk = memoryview(bytearray(_CHUNK_BYTES if left is None else min(left, _CHUNK_BYTES)))
    while left is None or left > 0:
        got = file.readinto(chunk if left is None else chunk[:left])  # type: ignore[attr-defined]
        if not got:
            if left:
                raise HeldObjectError("truncated", "the file became shorter while it was read")
            return
        yield chunk[:got]
        left = None if left is None else left - got


def _shifted(ends: Mapping[int, int], patches: Iterable[_Patch]) -> dict[int, int]:
    """Move the ends of large elements to where they lie in the written file."""

    def moved(offset: int) -> int:
        return offset + sum(len(patch.new) - patch.length for patch in patches if patch.offset < offset)

    return {moved(header): moved(end) for header, end in ends.items()}


def _read_back(found: Survey, edits: _Edits, written: Path, known_ends: Mapping[int, int]) -> _Digests:
    """Walk the written file afresh, check its texts and digest it.

    Large contour sequences of undefined length are not walked a second time. That is safe: nothing in them is edited,
    and equal blanked digests show that they are the same bytes at the same place.
    """
    try:
        with opened(written) as after:
            again = survey(after, written, known_ends)
            _check_texts(found, again, edits)
            return _digest(after, _blanks(again, edits))
    except HeldObjectError as problem:
        raise _not_proven(problem.message) from problem


def _proof(before: _Digests, after: _Digests, edits: _Edits) -> EditProof:
    if before.blanked != after.blanked:
        raise _not_proven("bytes outside the edited names differ")
    return EditProof(
        sha256_before=before.whole,
        sha256_after=after.whole,
        blanked_sha256_before=before.blanked,
        blanked_sha256_after=after.blanked,
        edited=len(edits.names),
        edited_labels=len(edits.labels),
        bytes_before=before.file_bytes,
        bytes_after=after.file_bytes,
    )


def _check_texts(found: Survey, again: Survey, edits: _Edits) -> None:
    old, new = found.structure_set.rois, again.structure_set.rois
    if (
        len(old) != len(new)
        or found.names.keys() != again.names.keys()
        or found.labels.keys() != again.labels.keys()
    ):
        raise _not_proven("the number of ROIs, names or labels differs")
    for index, place in found.names.items():
        if again.names[index].raw != edits.names.get(index, place.raw):
            raise _not_proven(f"the name at index {index} is not what it should be")
        if index in edits.names and new[index].name != edits.names[index].decode("ascii").rstrip(" "):
            raise _not_proven(
                f"the name at index {index} reads differently in the character set of the object"
            )
    for index, place in found.labels.items():
        if again.labels[index].raw != edits.labels.get(index, place.raw):
            raise _not_proven(f"the observation label at index {index} is not what it should be")


def _not_proven(problem: str) -> HeldObjectError:
    return HeldObjectError(
        "edit_not_proven",
        f"the relabelled copy was discarded: {problem}",
        hint="keep the original and report this with the object's encoding; it is a fault of this program",
    )


def _blanks(of: Survey, edits: _Edits) -> list[tuple[int, int]]:
    """Return offset and length of the bytes that :class:`EditProof` leaves out, in order."""
    blanks: set[tuple[int, int]] = set()
    for place, _ in edits.places(of):
        blanks.add(place.element.length_field)
        blanks.add((place.element.value_offset, place.element.length))
        blanks.update((field.offset, field.width) for field in place.counted_by)
    return sorted(blanks)


@dataclass(frozen=True, slots=True)
class _Digests:
    """SHA-256 of a file, and of it without the blanked bytes."""

    whole: str
    blanked: str
    file_bytes: int


def _digest(source: OpenedObject, blanks: Iterable[tuple[int, int]]) -> _Digests:
    whole, blanked = hashlib.sha256(), hashlib.sha256()
    if source.inflated is not None:
        for chunk in _chunks(source.file, 0):
            whole.update(chunk)
        for chunk in _chunks(source.file, 0, source.meta.dataset_offset):
            blanked.update(chunk)
    file = source.inflated or source.file
    position = 0
    for offset, length in (*blanks, (source.window.size, 0)):
        for chunk in _chunks(file, position, offset):
            blanked.update(chunk)
            if source.inflated is None:
                whole.update(chunk)
        if source.inflated is None:
            for chunk in _chunks(file, offset, offset + length):
                whole.update(chunk)
        position = offset + length
    return _Digests(whole.hexdigest(), blanked.hexdigest(), source.file.seek(0, os.SEEK_END))
