"""Let a plan or dose refer to other structure sets by a byte splice: only UIDs are written anew, all else is copied.

Where a relabelled structure set is an object of its own (:mod:`tg263_scp.dicom.editing.new_uids`), the plans and doses
that came
with it go on referring to the set it was made of. Here the new UIDs are put in the place of the old ones, wherever such a
reference may stand (:mod:`tg263_scp.dicom.reading.references`); the object keeps its own UIDs, as a correction may (PS3.3
C.12.1.1.9), so that doses go on referring to plans. What records the change in the object itself is added on demand.

The result is proven like a relabelling: the written file is read back, its references are found anew, and everything else
is compared with the source.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path

from tg263_scp.dicom.editing.proof import EditProof, check_kept, check_unchanged, not_proven
from tg263_scp.dicom.editing.provenance import (
    REFERENCES_REPLACED,
    Addition,
    Provenance,
    add_provenance,
    blanks_after,
    blanks_before,
)
from tg263_scp.dicom.encoding import encode
from tg263_scp.dicom.encoding.folded_digest import LargeElements, Stretch, folded_sha256
from tg263_scp.dicom.encoding.layout import Layout, read_layout
from tg263_scp.dicom.encoding.part10 import OpenedObject, opened
from tg263_scp.dicom.encoding.splice import Patch, Splice, shift, write_spliced
from tg263_scp.dicom.reading.references import AT_THE_TOP, PLACES, Reference, Uid, references
from tg263_scp.durable import whole_file
from tg263_scp.errors import HeldObjectError, HoldReason


def rewrite_references(
    source: Path,
    target: Path,
    new_uids: Mapping[str, str],
    new_series: Callable[[str], str],
    provenance: Provenance | None = None,
) -> EditProof:
    """Write a plan or dose with new UIDs of the structure sets it refers to.

    ``new_uids`` gives the new SOP Instance UID for an old one, ``new_series`` the new Series Instance UID for that of the
    series such a set is in. ``target`` appears complete, synced and proven, or not at all; it is never overwritten. With
    nothing to change it is an exact copy. With ``provenance`` a changed object says so itself, and
    :func:`~tg263_scp.dicom.editing.revert.revert` can restore it.

    Raises:
        FileExistsError: ``target`` exists.
        HeldObjectError: ``series_torn_apart`` where one item lists a new and an old instance of one series;
            ``edit_not_proven``, ``provenance_not_writable``, ``odd_length``; else as
            :func:`~tg263_scp.dicom.reading.references.structure_sets_of`.
        OSError: reading or writing failed.
    """
    if target.exists():
        raise FileExistsError(f"{target.name} exists and is not overwritten")
    with opened(source) as before, LargeElements(before, source) as large:
        began = os.fstat(before.file.fileno())
        at = read_layout(before, AT_THE_TOP)
        found = list(references(before.window, at))
        edits = _edits(found, new_uids, new_series)
        splice = Splice(before.window)
        for place in _uids(found):
            if (offset := place.element.header_offset) in edits:
                parts = encode.text(place.element.encoding, place.element.tag, "UI", edits[offset])
                splice.replace(offset, place.element.end - offset, parts, place.counted_by)
        digest_before = cache(partial(folded_sha256, before, at.large, large))
        additions: tuple[Addition, ...] = ()
        if provenance is not None and edits:
            changed = {each.sequence for each in found if each.instance.element.header_offset in edits}
            additions = add_provenance(
                splice, before, at, provenance, changed, digest_before, REFERENCES_REPLACED
            )
        splice.check_even(before)
        patches = splice.patches()
        with whole_file(target) as (out, written):
            write_spliced(before, patches, out)
            out.flush()
            digests = _read_back(before, at, found, edits, additions, written, patches, large)
            check_unchanged(before.file, began)
            instances = sum(each.instance.element.header_offset in edits for each in found)
            return EditProof(
                digest_before(),
                *digests,
                edited=instances,
                edited_labels=len(edits) - instances,
                bytes_before=before.file.seek(0, os.SEEK_END),
                bytes_after=out.seek(0, os.SEEK_END),
                added=bool(additions),
            )


def _edits(
    found: Iterable[Reference], new_uids: Mapping[str, str], new_series: Callable[[str], str]
) -> dict[int, str]:
    """Return the new UIDs by where the elements that hold the old ones begin."""
    edits: dict[int, str] = {}
    staying: set[int] = set()
    for each in found:
        changes = each.to_structure_set and each.instance.uid in new_uids
        if changes:
            edits[each.instance.element.header_offset] = new_uids[each.instance.uid]
        if each.series is not None:
            offset = each.series.element.header_offset
            if changes:
                edits[offset] = new_series(each.series.uid)
            else:
                staying.add(offset)
    if not staying.isdisjoint(edits):
        raise HeldObjectError(
            HoldReason.SERIES_TORN_APART,
            "an item of Referenced Series Sequence lists instances that no longer are of one series",
            hint="nothing to do: the object goes on as it was received",
        )
    return edits


def _uids(found: Iterable[Reference]) -> Iterator[Uid]:
    """Yield the UIDs of all references, that of a series once for all its instances."""
    seen: set[int] = set()
    for each in found:
        for place in (each.instance, each.series):
            if place is not None and place.element.header_offset not in seen:
                seen.add(place.element.header_offset)
                yield place


def _read_back(
    before: OpenedObject,
    at: Layout,
    found: list[Reference],
    edits: Mapping[int, str],
    additions: Iterable[Addition],
    written: Path,
    patches: list[Patch],
    large: LargeElements,
) -> tuple[str, str, str]:
    """Find the references of the written file afresh, compare the rest; return the digests after, blanked before and after.

    Large elements that nobody edits are not hashed a second time: the comparison shows that they are the same.
    """
    with opened(written) as after:
        again = read_layout(after, AT_THE_TOP)
        old, new = list(_uids(found)), list(_uids(references(after.window, again)))
        wanted = [edits.get(each.element.header_offset, each.uid) for each in old]
        if [each.uid for each in new] != wanted:
            raise not_proven("a reference is not what it should be")
        edited = [each.element.header_offset in edits for each in old]
        left_out = {*_blanks(old, edited), *blanks_before(at, additions)}
        left_out_after = {*_blanks(new, edited), *blanks_after(before, after, again, additions)}
        check_kept(before, left_out, after, left_out_after)
        same = [each for each in at.large_untouched if each.tag not in PLACES]
        known = {shift(each.header_offset, patches): large.digest(each) for each in same}
        with LargeElements(after, written, known) as large_after:
            return (
                folded_sha256(after, again.large, large_after),
                folded_sha256(before, at.large, large, left_out),
                folded_sha256(after, again.large, large_after, left_out_after),
            )


def _blanks(places: Iterable[Uid], edited: Iterable[bool]) -> Iterator[Stretch]:
    for place, changed in zip(places, edited, strict=True):
        if changed:
            yield place.element.length_field
            yield place.element.value_offset, place.element.length
            yield from ((field.offset, field.width) for field in place.counted_by)
