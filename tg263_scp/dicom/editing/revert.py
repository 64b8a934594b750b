"""Undo a relabelling from what the object itself records: the sender's names return, what was added goes.

The source is an object that :func:`~tg263_scp.dicom.editing.relabel.relabel` wrote with provenance, or a plan or dose that
:func:`~tg263_scp.dicom.editing.rewrite_references.rewrite_references` did. The prior sequences are copied back from its
Original Attributes
Sequence; our items and Instance Coercion DateTime are taken out; the result must have the digest that was recorded for the
data set before. So a reverted data set is the sender's byte for byte, or there is none; so is the file. A deflated data set
is the same once inflated: it is deflated anew, and the sender's deflater may have written another bit stream or left out
the byte that pads it (PS3.5 A.5).

An archive may have written the object anew, with other lengths: then its bytes are no longer those of the record. *By content*
the names are restored all the same, from Original Attributes Sequence, where the sequences that were edited are equal element
by element to those before but for names, labels, codes and references; every other byte stays that of the archive. The report
says which of the two proofs there is.

Refused with :class:`~tg263_scp.errors.HeldObjectError` are objects that this program did not relabel (``not_ours``), those
that somebody edited or re-encoded afterwards (``edited_since``), and structure sets with UIDs of their own (``new_object``):
the sender's object still exists under its UID.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from tg263_scp.dicom.editing.proof import check_written, elements_sha256, file_sha256
from tg263_scp.dicom.editing.provenance import (
    CONTRIBUTION_DATETIME,
    CONTRIBUTION_DESCRIPTION,
    DESCRIBED,
    MANUFACTURER_MODEL_NAME,
    MODEL_NAME,
    MODIFICATION_DATETIME,
    MODIFIED_ATTRIBUTES,
    MODIFYING_SYSTEM,
)
from tg263_scp.dicom.editing.same_content import same_content
from tg263_scp.dicom.encoding.elements import Element, Item, elements, items
from tg263_scp.dicom.encoding.folded_digest import object_sha256
from tg263_scp.dicom.encoding.layout import (
    CONTRIBUTING_EQUIPMENT,
    INSTANCE_COERCION_DATETIME,
    OBSERVATIONS_SEQUENCE,
    ORIGINAL_ATTRIBUTES,
    PREDECESSORS,
    ROI_SEQUENCE,
    SOP_INSTANCE_UID,
    Layout,
    read_layout,
)
from tg263_scp.dicom.encoding.length_fields import length_field, raw_value, wanted_elements
from tg263_scp.dicom.encoding.part10 import OpenedObject, opened
from tg263_scp.dicom.encoding.splice import Span, Splice, write_spliced
from tg263_scp.dicom.encoding.window import ByteWindow, unreadable
from tg263_scp.dicom.reading.charsets import ASCII
from tg263_scp.dicom.reading.identify import identify
from tg263_scp.dicom.reading.references import AT_THE_TOP, PLACES, REFERRING, references
from tg263_scp.dicom.reading.roi_items import (
    IDENTIFICATION_CODES,
    MAX_ITEMS,
    OBSERVATION_LABEL,
    ROI_NAME,
    sequence_items,
)
from tg263_scp.dicom.reading.structure_set import survey
from tg263_scp.durable import whole_file
from tg263_scp.errors import HeldObjectError, HoldReason

_REFERENCED_UIDS = (0x00081155, 0x0020000E)
"""Referenced SOP Instance UID and Series Instance UID: what a plan or dose has in place of the structure set's own."""
_ITEM_TAGS = frozenset(
    (
        *(CONTRIBUTION_DATETIME, CONTRIBUTION_DESCRIPTION, MANUFACTURER_MODEL_NAME),
        *(MODIFICATION_DATETIME, MODIFIED_ATTRIBUTES, MODIFYING_SYSTEM),
        *(INSTANCE_COERCION_DATETIME, ROI_SEQUENCE, OBSERVATIONS_SEQUENCE, *PLACES),
    )
)


class Proof(StrEnum):
    """What is proven of a reverted data set."""

    BYTES = "bytes"
    """It is the sender's byte for byte."""
    ELEMENTS = "elements"
    """Its names are the sender's, and what was edited has the sender's elements; an archive had written the object anew."""


@dataclass(frozen=True, slots=True)
class RevertReport:
    """What :func:`revert` restored.

    ``names``, ``labels`` and ``references`` count the ROI names, the observation labels and, in a plan or dose, the
    references that differ between source and target.
    ``relabelled_at`` (DT) and ``modifying_system`` are as recorded in the source. ``data_set_sha256`` is of the restored
    data set (folded, see :mod:`tg263_scp.dicom.encoding.folded_digest`); with the proof ``bytes`` it is what was recorded for
    the sender's. The other two digests are of the files. ``earlier`` counts our
    relabellings that the target still records: 0 means that the target is as the sender wrote it.
    """

    names: int
    labels: int
    references: int
    relabelled_at: str
    modifying_system: str
    data_set_sha256: str
    sha256_before: str
    sha256_after: str
    earlier: int
    proof: Proof


_EDITED_TAGS = frozenset((ROI_NAME, OBSERVATION_LABEL, IDENTIFICATION_CODES, *_REFERENCED_UIDS))
"""What a relabelling writes inside the sequences that it edits."""


@dataclass(frozen=True, slots=True)
class _Record:
    """Our two items in an object, and the elements that are to return."""

    equipment: Item
    original: Item
    prior: Mapping[int, Element]
    date_time: str
    system: str
    folded: bool
    digest_before: str
    digest_changed: str
    earlier: int


def revert(source: Path, target: Path, *, by_content: bool = False) -> RevertReport:
    """Write ``source`` to ``target`` as it was before the last relabelling that it records; ``by_content`` where an archive has
    written it anew.

    ``target`` appears complete and synced, or not at all; it is never overwritten.

    Raises:
        FileExistsError: ``target`` exists.
        HeldObjectError: ``not_ours``, ``edited_since``, ``new_object``, or as
            :func:`~tg263_scp.dicom.reading.structure_set.read_structure_set`.
        OSError: reading or writing failed.
    """
    if target.exists():
        raise FileExistsError(f"{target.name} exists and is not overwritten")
    try:
        return _reverted(source, target, Proof.BYTES)
    except HeldObjectError as problem:
        if not by_content or problem.reason is not HoldReason.EDITED_SINCE:
            raise
    return _reverted(source, target, Proof.ELEMENTS)


def _reverted(source: Path, target: Path, proof: Proof) -> RevertReport:
    with opened(source) as relabelled:
        at = _layout(relabelled, source)
        record = _record(relabelled.window, at)
        changed = sorted(record.prior.keys() - {INSTANCE_COERCION_DATETIME})
        _check_changed(relabelled, at, record, changed, proof)
        splice = _without(relabelled.window, at, record)
        for tag in changed:
            _restore(splice, at, tag, record.prior[tag])
        names = _changed(relabelled.window, at, record, ROI_SEQUENCE, ROI_NAME)
        labels = _changed(relabelled.window, at, record, OBSERVATIONS_SEQUENCE, OBSERVATION_LABEL)
        patches = splice.patches()
        with whole_file(target) as (out, written):
            write_spliced(relabelled, patches, out)
            out.flush()
            with opened(written) as restored:
                digest = object_sha256(restored, written, folded=record.folded)
                if proof is Proof.ELEMENTS:
                    check_written(relabelled, patches, [], restored)
                elif digest != record.digest_before:
                    raise _not_restored(relabelled.window, at)
                referred = _rewritten(relabelled, at, restored)
            return RevertReport(
                names=names,
                labels=labels,
                references=referred,
                relabelled_at=record.date_time,
                modifying_system=record.system,
                data_set_sha256=digest,
                sha256_before=file_sha256(source, relabelled.file),
                sha256_after=file_sha256(written),
                earlier=record.earlier,
                proof=proof,
            )


def _check_changed(
    source: OpenedObject, at: Layout, record: _Record, changed: Sequence[int], proof: Proof
) -> None:
    """See that what was edited is still what was written then, or differs from what was before by the edit alone.

    Raises:
        HeldObjectError: ``edited_since``, or ``new_object``.
    """
    if proof is Proof.BYTES:
        if elements_sha256(source, (at.found[tag] for tag in changed)) != record.digest_changed:
            raise _edited("what was changed in it is not what was written")
        return
    if _is_new_object(source.window, at):
        raise _not_restored(source.window, at)
    for tag in changed:
        if not same_content(source.window, at.found[tag], record.prior[tag], _EDITED_TAGS):
            raise _edited("what was changed in it differs from what was before by more than names")


def without_record(source: Path, target: Path) -> None:
    """Write ``source`` to ``target`` without what records its last relabelling: with the new names, else as it was sent.

    Raises:
        FileExistsError: ``target`` exists.
        HeldObjectError: ``not_ours``, ``edited_since``, ``edit_not_proven``, or as
            :func:`~tg263_scp.dicom.reading.structure_set.read_structure_set`.
        OSError: reading or writing failed.
    """
    if target.exists():
        raise FileExistsError(f"{target.name} exists and is not overwritten")
    with opened(source) as relabelled:
        at = _layout(relabelled, source)
        patches = _without(relabelled.window, at, _record(relabelled.window, at)).patches()
        with whole_file(target) as (out, written):
            write_spliced(relabelled, patches, out)
            out.flush()
            with opened(written) as after:
                check_written(relabelled, patches, [], after)


def _without(window: ByteWindow, at: Layout, record: _Record) -> Splice:
    splice = Splice(window)
    _restore(splice, at, INSTANCE_COERCION_DATETIME, record.prior.get(INSTANCE_COERCION_DATETIME))
    _remove(splice, at, CONTRIBUTING_EQUIPMENT, record.equipment)
    _remove(splice, at, ORIGINAL_ATTRIBUTES, record.original)
    return splice


def _layout(source: OpenedObject, path: Path) -> Layout:
    identity = identify(path)
    if identity is not None and identity.sop_class_uid in REFERRING:
        return read_layout(source, AT_THE_TOP)
    return survey(source, path).layout


def _rewritten(source: OpenedObject, at: Layout, restored: OpenedObject) -> int:
    """Count the references of a plan or dose that differ between now and then."""
    if at.found.keys().isdisjoint(PLACES):
        return 0
    now, then = references(source.window, at), references(restored.window, read_layout(restored, AT_THE_TOP))
    return sum(new.instance.uid != old.instance.uid for new, old in zip(now, then, strict=True))


def _not_restored(window: ByteWindow, at: Layout) -> HeldObjectError:
    """Say why the restored data set is not the one that was recorded."""
    if _is_new_object(window, at):
        return HeldObjectError(
            HoldReason.NEW_OBJECT,
            "the object has UIDs of its own, and names another one as its predecessor",
            hint="the sender's object still exists, under the UID that Predecessor Structure Set Sequence gives",
        )
    return _edited("the restored data set is not the one that was recorded")


def _is_new_object(window: ByteWindow, at: Layout) -> bool:
    return PREDECESSORS in at.found and _text(window, at.found, SOP_INSTANCE_UID).startswith("2.25.")


def _edited(problem: str) -> HeldObjectError:
    return HeldObjectError(
        HoldReason.EDITED_SINCE,
        f"the object was edited or re-encoded after it was relabelled: {problem}",
        hint="where an archive wrote it anew, revert --by-content restores the names; else they are in its Original Attributes"
        " Sequence and in the audit log",
    )


def _record(window: ByteWindow, at: Layout) -> _Record:
    """Find our items; they must be the last of their sequences and speak of the same change."""
    equipment = [(item, _found(window, item)) for item in _items(window, at, CONTRIBUTING_EQUIPMENT)]
    ours = [
        (item, found)
        for item, found in equipment
        if _text(window, found, MANUFACTURER_MODEL_NAME) == MODEL_NAME
    ]
    if not ours:
        raise HeldObjectError(
            HoldReason.NOT_OURS,
            "the object does not say that this program relabelled it",
            hint="only an object that was relabelled with provenance can be reverted from itself",
        )
    item, found = ours[-1]
    described = DESCRIBED.fullmatch(_text(window, found, CONTRIBUTION_DESCRIPTION))
    originals = _items(window, at, ORIGINAL_ATTRIBUTES)
    if item is not equipment[-1][0] or described is None or not originals:
        raise _edited("what it records of the change was altered or added to")
    original = _found(window, originals[-1])
    date_time = _text(window, original, MODIFICATION_DATETIME)
    modified = list(items(window, original[MODIFIED_ATTRIBUTES])) if MODIFIED_ATTRIBUTES in original else []
    if len(modified) != 1 or date_time != _text(window, found, CONTRIBUTION_DATETIME):
        raise _edited("its last record of a change is not ours")
    prior = _found(window, modified[0])
    if (
        prior.keys().isdisjoint((ROI_SEQUENCE, *PLACES))
        or not {INSTANCE_COERCION_DATETIME, *prior} <= at.found.keys()
    ):
        raise _edited("an element that was changed is missing")
    if _text(window, at.found, INSTANCE_COERCION_DATETIME) != date_time:
        raise _edited("it was coerced again")
    system = _text(window, original, MODIFYING_SYSTEM)
    return _Record(
        *(item, originals[-1], prior, date_time, system),
        *(described[1] is not None, described[2], described[3], len(ours) - 1),
    )


def _items(window: ByteWindow, at: Layout, tag: int) -> list[Item]:
    if tag not in at.found:
        return []
    listed = list(islice(items(window, at.found[tag]), MAX_ITEMS))
    if len(listed) == MAX_ITEMS:
        raise unreadable(at.found[tag].header_offset, "too many items")
    return listed


def _found(window: ByteWindow, item: Item) -> dict[int, Element]:
    return wanted_elements(elements(window, item.value_offset, item.content_end, item.encoding), _ITEM_TAGS)


def _text(window: ByteWindow, found: Mapping[int, Element], tag: int) -> str:
    return (ASCII.decode(raw_value(window, found.get(tag))) or "").strip()


def _changed(window: ByteWindow, at: Layout, record: _Record, sequence: int, tag: int) -> int:
    """Count the items whose text differs between now and then."""
    if sequence not in record.prior:
        return 0
    now, then = (
        [item.raw(window, tag) for item in sequence_items(window, each, ASCII, ())]
        for each in (at.found[sequence], record.prior[sequence])
    )
    return sum(new != old for new, old in zip(now, then, strict=False))


def _restore(splice: Splice, at: Layout, tag: int, prior: Element | None) -> None:
    there = at.found[tag]
    parts = () if prior is None else (Span(prior.header_offset, prior.end - prior.header_offset),)
    splice.replace(there.header_offset, there.end - there.header_offset, parts, at.counted_by(tag))


def _remove(splice: Splice, at: Layout, tag: int, last: Item) -> None:
    """Take out our item, and the sequence with it where we added it (see :mod:`tg263_scp.dicom.editing.provenance`)."""
    sequence = at.found[tag]
    alone = last.header_offset == sequence.value_offset
    if alone and length_field(last):
        splice.replace(sequence.header_offset, sequence.end - sequence.header_offset, (), at.counted_by(tag))
        return
    counted_by = (*at.counted_by(tag), *length_field(sequence))
    splice.replace(last.header_offset, last.end - last.header_offset, (), counted_by)
