"""Prove that two files differ only where they may: compare all other bytes, and digest them for the record."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tg263_scp.dicom.encoding.elements import Element, elements
from tg263_scp.dicom.encoding.folded_digest import Stretch, kept
from tg263_scp.dicom.encoding.part10 import OpenedObject
from tg263_scp.dicom.encoding.splice import Part, Patch, Splice, spliced
from tg263_scp.errors import HeldObjectError, HoldReason

_CHUNK_BYTES = 1 << 17


@dataclass(frozen=True, slots=True)
class EditProof:
    """What an edit changed, in a form that anybody can recompute with other tools.

    All digests are folded ones, of the data set (see :mod:`tg263_scp.dicom.encoding.folded_digest`). ``sha256_before`` and
    ``sha256_after`` are of the whole of it. ``blanked_sha256_...`` are of what is left without these bytes:

    1. Value Length and Value (tag and VR remain) of each edited ROI Name and ROI Observation Label; in a plan or dose, of
       each edited Referenced SOP Instance UID and Series Instance UID;
    2. the length field (2 or 4 bytes) of each item and sequence of explicit length that encloses one of them;
    3. the values of the group length (gggg,0000) beside or around them, and of Length to End (0008,0001), if present.

    Where provenance was added (``added`` is true), also these:

    4. Instance Coercion DateTime (0008,0015), whole, in either object;
    5. of Contributing Equipment Sequence (0018,A001) and of Original Attributes Sequence (0400,0561): the last item of
       the object after, whole, and the length field of the sequence, if explicit, in both; the whole element where the
       object before has none;
    6. the values of the group lengths (0008,0000), (0018,0000) and (0400,0000), if present.

    Where codes were added (``added_codes`` counts them), also RT ROI Identification Code Sequence (3006,0086), whole, in
    each RT ROI Observation that it was added to, and what counts its bytes as under 2 and 3.

    What is left is compared byte for byte between the source and the written file, read back and walked afresh, and so
    are preamble and file meta: the blanked digests are equal, or there would be no proof and no file. So nothing else
    has changed. What was added is compared with what was to be added; the previous sequences in it are copies of the
    source's bytes. A large element that nobody edits is hashed in the source and compared in the written file.

    ``edited`` counts ROI names, ``edited_labels`` observation labels, in a plan or dose references to instances and to
    series; sizes are of the files.
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
        HoldReason.EDIT_NOT_PROVEN,
        f"the relabelled copy was discarded: {problem}",
        hint="keep the original and report this with the object's encoding; it is a fault of this program",
    )


def file_sha256(path: Path, opened_before: BinaryIO | None = None) -> str:
    """Return the SHA-256 of a file; it must still be the one that was ``opened_before``.

    Raises:
        HeldObjectError: ``edit_not_proven``, another file has taken its place.
    """
    with path.open("rb") as file:
        if opened_before is not None and not os.path.sameopenfile(file.fileno(), opened_before.fileno()):
            raise not_proven("the source was replaced meanwhile")
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_unchanged(file: BinaryIO, since: os.stat_result) -> None:
    """Tell by size and time of modification that a file which was read more than once was the same each time.

    Raises:
        HeldObjectError: ``edit_not_proven``, it was written to.
    """
    now = os.fstat(file.fileno())
    if (now.st_size, now.st_mtime_ns) != (since.st_size, since.st_mtime_ns):
        raise not_proven("the source was changed meanwhile")


def elements_sha256(source: OpenedObject, of: Iterable[Element], splice: Splice | None = None) -> str:
    """Return the SHA-256 of elements as encoded, one after the other, with the changes that lie in them."""
    digest = hashlib.sha256()
    for each in of:
        inside = splice.patches(each.header_offset, each.end) if splice is not None else []
        for chunk in spliced(source.inflated or source.file, inside, each.header_offset, each.end):
            digest.update(chunk)
    return digest.hexdigest()


def check_ends(source: OpenedObject, ends: Mapping[int, int]) -> None:
    """Walk elements from their header offsets, and compare where they end with what was supposed.

    Raises:
        HeldObjectError: ``edit_not_proven``, one ends elsewhere; ``truncated`` or ``unreadable``.
    """
    for offset, end in ends.items():
        if next(elements(source.window, offset, source.window.size, source.encoding)).end != end:
            raise not_proven("a sequence does not end where it seemed to")


def check_kept(
    before: OpenedObject,
    blanks_before: Iterable[Stretch],
    after: OpenedObject,
    blanks_after: Iterable[Stretch],
) -> None:
    """Compare all bytes of two objects outside the blanks of their data sets, and their preambles and file meta.

    Raises:
        HeldObjectError: ``edit_not_proven``, they differ.
    """
    check_head(before, (), after)
    left, right = kept(before, blanks_before), kept(after, blanks_after)
    old, new = next(left, None), next(right, None)
    files = before.inflated or before.file, after.inflated or after.file
    while old is not None and new is not None:
        length = min(old[1], new[1])
        if not same_bytes(files[0], old[0], files[1], new[0], length):
            raise not_proven("bytes outside the edited names differ")
        old = (old[0] + length, old[1] - length) if old[1] > length else next(left, None)
        new = (new[0] + length, new[1] - length) if new[1] > length else next(right, None)
    if old is not None or new is not None:
        raise not_proven("bytes outside the edited names are missing or too many")


def same_bytes(old: BinaryIO, old_offset: int, new: BinaryIO, new_offset: int, length: int) -> bool:
    """Tell whether so many bytes of two files are the same."""
    old.seek(old_offset)
    new.seek(new_offset)
    while length:
        chunk = old.read(min(length, _CHUNK_BYTES))
        if not chunk or new.read(len(chunk)) != chunk:
            return False
        length -= len(chunk)
    return True


def check_head(before: OpenedObject, head: Iterable[Patch], after: OpenedObject) -> None:
    """Compare preamble and file meta of a written object with those of the source and the changes to be made in them.

    Raises:
        HeldObjectError: ``edit_not_proven``, they differ.
    """
    wanted = spliced(before.file, head, 0, before.meta.dataset_offset)
    _check_equal(wanted, after.file, 0, after.meta.dataset_offset)


def check_written(before: OpenedObject, patches: list[Patch], head: list[Patch], after: OpenedObject) -> None:
    """Compare every byte of a written object with the source and the changes that were to be made.

    Raises:
        HeldObjectError: ``edit_not_proven``, they differ.
    """
    check_head(before, head, after)
    old, new = before.inflated or before.file, after.inflated or after.file
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
