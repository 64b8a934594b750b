"""Give ROIs new names by a byte splice: only the names are written anew, every other byte is copied from the source.

Edited are ROI Name (3006,0026) and, where it carried the old name, ROI Observation Label (3006,0085); with them the
lengths that count their bytes. ROI numbers, order, contours, references, private elements, file meta, even the wrong
and the odd, stay as the sender wrote them, in any transfer syntax. A deflated data set is inflated, spliced and
deflated again. What records the change in the object itself is added on demand (:mod:`tg263_scp.dicom.editing.provenance`).

The result is proven, not assumed: the written file is read back, its own places of the edited texts are found anew, and
everything else is compared with the source (see :class:`~tg263_scp.dicom.editing.proof.EditProof`). Only a proven file gets its
name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from tg263_scp.dicom.editing.identification_codes import IdentificationCode
from tg263_scp.dicom.editing.proof import (
    EditProof,
    check_added,
    check_ends,
    check_kept,
    check_unchanged,
    not_proven,
)
from tg263_scp.dicom.editing.provenance import (
    Addition,
    Provenance,
    add_provenance,
    blanks_after,
    blanks_before,
)
from tg263_scp.dicom.encoding.folded_digest import LargeElements, Stretch, folded_sha256
from tg263_scp.dicom.encoding.layout import OBSERVATIONS_SEQUENCE, ROI_SEQUENCE, Layout, guessed_end
from tg263_scp.dicom.encoding.part10 import OpenedObject, opened
from tg263_scp.dicom.encoding.splice import Part, Patch, Splice, shift, write_bulk, write_spliced
from tg263_scp.dicom.reading.roi_items import IDENTIFICATION_CODES, SequenceItem, TextPlace
from tg263_scp.dicom.reading.structure_set import Survey, survey
from tg263_scp.durable import whole_file
from tg263_scp.errors import HeldObjectError, HoldReason

MAX_NAME_CHARACTERS = 64
"""LO, PS3.5 6.2."""
MAX_LABEL_CHARACTERS = 16
"""SH, PS3.5 6.2."""


@dataclass(frozen=True, slots=True)
class _Edits:
    """New values by ROI index and by observation index; codes to be added by observation index."""

    names: Mapping[int, bytes]
    labels: Mapping[int, bytes]
    codes: Mapping[int, tuple[Part, ...]]

    def places(self, of: Survey) -> Iterator[tuple[TextPlace, bytes]]:
        for index, value in self.names.items():
            yield of.names[index], value
        for index, value in self.labels.items():
            yield of.labels[index], value

    @property
    def sequences(self) -> frozenset[int]:
        """The tags of the sequences in which something changes."""
        both = ROI_SEQUENCE, OBSERVATIONS_SEQUENCE
        return frozenset(both if self.labels or self.codes else both[:1])


def relabel(
    source: Path,
    target: Path,
    new_names: Mapping[int, str],
    *,
    provenance: Provenance | None = None,
    codes: Mapping[int, IdentificationCode] = MappingProxyType({}),
) -> EditProof:
    """Write ``source`` to ``target`` with new ROI names, keyed by :attr:`RoiRecord.index`.

    A name that a ROI already has is no edit. ``target`` appears complete, synced and proven, or not at all; it is never
    overwritten. With nothing to edit it is an exact copy. With ``provenance`` an edited object says so itself, and
    :func:`~tg263_scp.dicom.editing.revert.revert` can restore it. ``codes``, by ROI index too, are added to the observations of
    the ROI that have none.

    Raises:
        ValueError: a new name is not 1 to 64 printable ASCII characters without backslash, has one that the character set
            of the ROI lacks, or is meant for a ROI that does not exist, has no ROI Name or has one that is not readable.
        FileExistsError: ``target`` exists.
        HeldObjectError: as :func:`~tg263_scp.dicom.reading.structure_set.read_structure_set`, ``edit_not_proven``,
            ``provenance_not_writable`` and ``odd_length``.
        OSError: reading or writing failed.
    """
    if target.exists():
        raise FileExistsError(f"{target.name} exists and is not overwritten")
    guessed: dict[int, int] = {}
    try:
        return _relabel(source, target, new_names, provenance, codes, guessed)
    except (HeldObjectError, ValueError):
        if not guessed:
            raise
    return _relabel(source, target, new_names, provenance, codes, None)


def _relabel(
    source: Path,
    target: Path,
    new_names: Mapping[int, str],
    provenance: Provenance | None,
    codes: Mapping[int, IdentificationCode],
    guessed: dict[int, int] | None,
) -> EditProof:
    """Do it with a guess where the contours end, which goes into ``guessed`` and is verified; without one where None."""
    with opened(source) as before, LargeElements(before, source) as large:
        began = os.fstat(before.file.fileno())
        ends = {} if guessed is None else guessed

        def begins(offset: int) -> None:
            large.begin(offset)
            if guessed is not None and (end := guessed_end(before, offset)):
                guessed[offset] = end

        found = survey(before, source, ends, begins)
        edits = _edits(found, new_names, codes)
        splice = _spliced(before, found, edits)
        digest_before = cache(partial(folded_sha256, before, found.layout.large, large))
        additions: tuple[Addition, ...] = ()
        if provenance is not None and (edits.names or edits.codes):
            additions = add_provenance(
                splice, before, found.layout, provenance, edits.sequences, digest_before
            )
        splice.check_even(before)
        patches = splice.patches()
        with whole_file(target) as (out, written), ThreadPoolExecutor(1) as beside:
            _write(before, patches, found.layout, out, ends)
            synced = beside.submit(os.fsync, out.fileno())
            after, *blanked = _read_back(before, found, edits, additions, written, patches, large)
            check_unchanged(before.file, began)
            synced.result()
            return EditProof(
                sha256_before=digest_before(),
                sha256_after=after,
                blanked_sha256_before=blanked[0],
                blanked_sha256_after=blanked[1],
                edited=len(edits.names),
                edited_labels=len(edits.labels),
                bytes_before=before.file.seek(0, os.SEEK_END),
                bytes_after=out.seek(0, os.SEEK_END),
                added=bool(additions),
                added_codes=len(edits.codes),
            )


def _write(
    before: OpenedObject, patches: list[Patch], at: Layout, out: BinaryIO, ends: Mapping[int, int]
) -> None:
    """Write the target; verify where elements end while the disk and the thread that makes digests are busy.

    What precedes the first large element comes last: provenance stands there, and with it a digest that takes a while.
    """
    bulk = at.large[0].header_offset if at.large and before.inflated is None else None
    if bulk is not None:
        write_bulk(before, patches, out, bulk)
    check_ends(before, ends)
    write_spliced(before, patches, out, end=bulk)
    out.flush()


def _edits(found: Survey, new_names: Mapping[int, str], codes: Mapping[int, IdentificationCode]) -> _Edits:
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
        followed = found.labels_of.get(index, ()) if len(name) <= MAX_LABEL_CHARACTERS else ()
        labels.update((observation, _padded(name)) for observation in followed)
        lacking = [rois[index].unwritable, *(found.observations[at].charset.unwritable for at in followed)]
        if set(name) & set("".join(lacking)):
            raise ValueError(f"the character set of the ROI at index {index} cannot write its new name")
    added = {
        observation: code.element(found.observations[observation].encoding)
        for index, code in codes.items()
        for observation in found.observations_of.get(index, ())
        if IDENTIFICATION_CODES not in found.observations[observation].found
    }
    return _Edits(names, labels, added)


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


def _spliced(before: OpenedObject, found: Survey, edits: _Edits) -> Splice:
    splice = Splice(before.window)
    for place, value in edits.places(found):
        element = place.element
        offset, width = element.length_field
        splice.replace(offset, width, (len(value).to_bytes(width, element.encoding.byteorder),))
        splice.replace(element.value_offset, element.length, (value,), place.counted_by)
    for index, parts in edits.codes.items():
        splice.insert(found.observations[index].code_gap, parts, found.observations[index].counted_by)
    return splice


def _read_back(
    before: OpenedObject,
    found: Survey,
    edits: _Edits,
    additions: Iterable[Addition],
    written: Path,
    patches: list[Patch],
    large: LargeElements,
) -> tuple[str, str, str]:
    """Walk the written file afresh, check its texts and additions, compare the rest; return the digests.

    These are the ones after, blanked before and blanked after. Large elements that nobody edits are not walked and
    hashed a second time. That is safe: the comparison shows that they are the same bytes at the same place.
    """
    untouched = found.layout.large_untouched
    try:
        with opened(written) as after:
            again = survey(
                after, written, {shift(e.header_offset, patches): shift(e.end, patches) for e in untouched}
            )
            _check_texts(found, again, edits)
            left_out = {*_blanks(found, edits), *blanks_before(found.layout, additions)}
            for index, parts in edits.codes.items():
                _check_code(before, parts, after, again.observations[index])
            left_out_after = {*_blanks(again, edits), *blanks_after(before, after, again.layout, additions)}
            check_kept(before, left_out, after, left_out_after)
            digests = {shift(each.header_offset, patches): large.digest(each) for each in untouched}
            with LargeElements(after, written, digests) as large_after:
                return (
                    folded_sha256(after, again.layout.large, large_after),
                    folded_sha256(before, found.layout.large, large, left_out),
                    folded_sha256(after, again.layout.large, large_after, left_out_after),
                )
    except HeldObjectError as problem:
        if problem.reason in (HoldReason.EDIT_NOT_PROVEN, HoldReason.TOO_COSTLY):
            raise
        raise not_proven(problem.message) from problem


def _check_texts(found: Survey, again: Survey, edits: _Edits) -> None:
    old, new = found.structure_set.rois, again.structure_set.rois
    if (
        len(old) != len(new)
        or found.names.keys() != again.names.keys()
        or found.labels.keys() != again.labels.keys()
    ):
        raise not_proven("the number of ROIs, names or labels differs")
    for index, place in found.names.items():
        if again.names[index].raw != edits.names.get(index, place.raw):
            raise not_proven(f"the name at index {index} is not what it should be")
        if index in edits.names and new[index].name != edits.names[index].decode("ascii").rstrip(" "):
            raise not_proven(
                f"the name at index {index} reads differently in the character set of the object"
            )
    for index, place in found.labels.items():
        if again.labels[index].raw != edits.labels.get(index, place.raw):
            raise not_proven(f"the observation label at index {index} is not what it should be")


def _check_code(
    before: OpenedObject, parts: tuple[Part, ...], after: OpenedObject, item: SequenceItem
) -> None:
    there = item.found.get(IDENTIFICATION_CODES)
    if there is None:
        raise not_proven("a code that was to be added is not there")
    check_added(before, parts, after, there.header_offset, there.end - there.header_offset)


def _blanks(of: Survey, edits: _Edits) -> Iterator[Stretch]:
    """Yield offset and length of the bytes of edited texts that :class:`EditProof` leaves out."""
    for place, _ in edits.places(of):
        yield place.element.length_field
        yield place.element.value_offset, place.element.length
        yield from ((field.offset, field.width) for field in place.counted_by)
    for index in edits.codes:
        item = of.observations[index]
        yield from ((field.offset, field.width) for field in item.counted_by)
        if (added := item.found.get(IDENTIFICATION_CODES)) is not None:
            yield added.header_offset, added.end - added.header_offset
