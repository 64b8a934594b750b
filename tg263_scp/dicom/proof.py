"""Prove that two files differ only where they may: compare all other bytes, and digest them for the record."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tg263_scp.dicom.elements import Element
from tg263_scp.dicom.part10 import OpenedObject
from tg263_scp.dicom.splice import Part, Patch, Splice, chunks, spliced
from tg263_scp.errors import HeldObjectError

_CHUNK_BYTES = 1 << 17
_DIGEST_BYTES = 1 << 21
"""Large, since a digest aside waits for the interpreter lock after each chunk while the main thread walks headers."""


@dataclass(frozen=True, slots=True)
class EditProof:
    """What a relabelling changed, in a form that anybody can recompute with other tools.

    ``sha256_before`` and ``sha256_after`` are of the two files. ``blanked_sha256_...`` are of the files with these
    bytes left out:

    1. Value Length and Value of each edited ROI Name and each edited ROI Observation Label (tag and VR remain);
    2. the length field (2 or 4 bytes) of each item and sequence of explicit length that encloses one of them;
    3. the values of the group length (3006,0000) beside or around them, and of Length to End (0008,0001), if present.

    Where provenance was added (``added`` is true), also these:

    4. Instance Coercion DateTime (0008,0015), whole, in either file;
    5. of Contributing Equipment Sequence (0018,A001) and of Original Attributes Sequence (0400,0561): the last item of
       the file after, whole, and the length field of the sequence, if explicit, in both files; the whole element where
       the file before has none;
    6. the values of the group lengths (0008,0000), (0018,0000) and (0400,0000), if present.

    Where codes were added (``added_codes`` counts them), also RT ROI Identification Code Sequence (3006,0086), whole, in
    each RT ROI Observation that it was added to, and what counts its bytes as under 2 and 3.

    For the deflated transfer syntax the blanked digests are of the bytes before the data set followed by the inflated
    data set. What is left is compared byte for byte between the source and the written file, read back and walked
    afresh: the blanked digests are equal, or there would be no proof and no file. So nothing else has changed. What
    was added is compared with what was to be added; the previous sequences in it are copies of the source's bytes.

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
    added: bool = False
    added_codes: int = 0


def not_proven(problem: str) -> HeldObjectError:
    """Return the error for a written file that is not what it should be; the file must be discarded."""
    return HeldObjectError(
        "edit_not_proven",
        f"the relabelled copy was discarded: {problem}",
        hint="keep the original and report this with the object's encoding; it is a fault of this program",
    )


def file_sha256(path: Path, opened_before: BinaryIO | None = None, start: int = 0) -> str:
    """Return the SHA-256 of a file from byte ``start``; it must still be the one that was ``opened_before``.

    Raises:
        HeldObjectError: ``edit_not_proven``, another file has taken its place.
    """
    with path.open("rb", buffering=0) as file:
        if opened_before is not None and not os.path.sameopenfile(file.fileno(), opened_before.fileno()):
            raise not_proven("the source was replaced meanwhile")
        file.seek(start)
        digest = hashlib.sha256()
        chunk = memoryview(bytearray(_DIGEST_BYTES))
        while got := file.readinto(chunk):
            digest.update(chunk[:got])
        return digest.hexdigest()


def data_set_sha256(source: OpenedObject) -> str:
    """Return the SHA-256 of the data set as encoded, without preamble and file meta; inflated where it is deflated."""
    digest = hashlib.sha256()
    for chunk in chunks(source.inflated or source.file, source.start):
        digest.update(chunk)
    return digest.hexdigest()


def elements_sha256(source: OpenedObject, of: Iterable[Element], splice: Splice | None = None) -> str:
    """Return the SHA-256 of elements as encoded, one after the other, with the changes that lie in them."""
    digest = hashlib.sha256()
    for each in of:
        inside = splice.patches(each.header_offset, each.end) if splice is not None else []
        for chunk in spliced(source.inflated or source.file, inside, each.header_offset, each.end):
            digest.update(chunk)
    return digest.hexdigest()


def kept_sha256(
    before: OpenedObject,
    blanks_before: Iterable[tuple[int, int]],
    after: OpenedObject,
    blanks_after: Iterable[tuple[int, int]],
) -> str:
    """Compare all bytes of two objects outside the blanks (offset and length, in order); return their SHA-256.

    Raises:
        HeldObjectError: ``edit_not_proven``, they differ.
    """
    digest = hashlib.sha256()
    left = _kept(before, blanks_before)
    right = _kept(after, blanks_after)
    old, new = next(left, None), next(right, None)
    while old is not None and new is not None:
        length = min(old.length, new.length, _CHUNK_BYTES)
        chunk = new.read(length)
        if len(chunk) != length or old.read(length) != chunk:
            raise not_proven("bytes outside the edited names differ")
        digest.update(chunk)
        old = old if old.length else next(left, None)
        new = new if new.length else next(right, None)
    if old is not None or new is not None:
        raise not_proven("bytes outside the edited names are missing or too many")
    return digest.hexdigest()


class _Stretch:
    """Bytes without a blank, read in turn."""

    def __init__(self, file: BinaryIO, offset: int, length: int) -> None:
        self._file, self._offset, self.length = file, offset, length

    def read(self, length: int) -> bytes:
        self._file.seek(self._offset)
        self._offset += length
        self.length -= length
        return self._file.read(length)


def _kept(source: OpenedObject, blanks: Iterable[tuple[int, int]]) -> Iterator[_Stretch]:
    if source.inflated is not None and source.meta.dataset_offset:
        yield _Stretch(source.file, 0, source.meta.dataset_offset)
    file = source.inflated or source.file
    position = 0
    for offset, length in (*blanks, (source.window.size, 0)):
        if offset > position:
            yield _Stretch(file, position, offset - position)
        position = max(position, offset + length)


def check_written(before: OpenedObject, patches: list[Patch], head: list[Patch], after: OpenedObject) -> None:
    """Compare every byte of a written object with the source and the changes that were to be made.

    Raises:
        HeldObjectError: ``edit_not_proven``, they differ.
    """
    meta_end = before.meta.dataset_offset
    old, new = before.inflated or before.file, after.inflated or after.file
    _check_equal(spliced(before.file, head, 0, meta_end), after.file, 0, after.meta.dataset_offset)
    _check_equal(spliced(old, patches, before.start), new, after.start, after.window.size)


def check_added(
    before: OpenedObject, parts: Iterable[Part], after: OpenedObject, offset: int, length: int
) -> None:
    """Compare what stands in the written file with the parts that were to be written there.

    Raises:
        HeldObjectError: ``edit_not_proven``, they differ.
    """
    old, new = before.inflated or before.file, after.inflated or after.file
    wanted = spliced(old, [Patch(0, 0, tuple(parts))], 0, 0)
    _check_equal(wanted, new, offset, offset + length)


def _check_equal(wanted: Iterable[memoryview | bytes], file: BinaryIO, start: int, end: int) -> None:
    file.seek(start)
    for chunk in wanted:
        start += len(chunk)
        if file.read(len(chunk)) != bytes(chunk):
            raise not_proven("what was written is not what should have been written")
    if start != end:
        raise not_proven("what was written is not as long as it should be")
