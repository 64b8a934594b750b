"""Undo a relabelling from what the object itself records: the sender's names return, what was added goes.

The source is an object that :func:`~tg263_scp.dicom.relabel.relabel` wrote with provenance. The prior sequences are
copied back from its Original Attributes Sequence; our items and Instance Coercion DateTime are taken out; the result
must have the digest that was recorded for the data set before the relabelling. So a reverted data set is the sender's
byte for byte, or there is none. A deflated one is deflated anew, its file may differ where the sender's deflater did.

Refused with :class:`~tg263_scp.errors.HeldObjectError` are objects that this program did not relabel (``not_ours``) and
those that somebody edited or re-encoded afterwards (``edited_since``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tg263_scp.dicom.charsets import ASCII
from tg263_scp.dicom.elements import Element, Item, elements, items
from tg263_scp.dicom.folding import object_sha256
from tg263_scp.dicom.layout import (
    CONTRIBUTING_EQUIPMENT,
    INSTANCE_COERCION_DATETIME,
    OBSERVATIONS_SEQUENCE,
    ORIGINAL_ATTRIBUTES,
    ROI_SEQUENCE,
    Layout,
)
from tg263_scp.dicom.new_file import new_file
from tg263_scp.dicom.part10 import opened
from tg263_scp.dicom.proof import elements_sha256, file_sha256
from tg263_scp.dicom.provenance import (
    CONTRIBUTION_DATETIME,
    CONTRIBUTION_DESCRIPTION,
    DESCRIBED,
    MANUFACTURER_MODEL_NAME,
    MODEL_NAME,
    MODIFICATION_DATETIME,
    MODIFIED_ATTRIBUTES,
    MODIFYING_SYSTEM,
)
from tg263_scp.dicom.roi_items import (
    MAX_ITEMS,
    OBSERVATION_LABEL,
    ROI_NAME,
    length_field,
    raw_value,
    sequence_items,
    wanted_elements,
)
from tg263_scp.dicom.splice import Span, Splice, write_spliced
from tg263_scp.dicom.structure_set import survey
from tg263_scp.dicom.window import ByteWindow, unreadable
from tg263_scp.errors import HeldObjectError

_ITEM_TAGS = frozenset(
    (
        *(CONTRIBUTION_DATETIME, CONTRIBUTION_DESCRIPTION, MANUFACTURER_MODEL_NAME),
        *(MODIFICATION_DATETIME, MODIFIED_ATTRIBUTES, MODIFYING_SYSTEM),
        *(INSTANCE_COERCION_DATETIME, ROI_SEQUENCE, OBSERVATIONS_SEQUENCE),
    )
)


@dataclass(frozen=True, slots=True)
class RevertReport:
    """What :func:`revert` restored.

    ``names`` and ``labels`` count the ROI names and observation labels that differ between source and target.
    ``relabelled_at`` (DT) and ``modifying_system`` are as recorded in the source. ``data_set_sha256`` is of the restored
    data set (folded, see :mod:`tg263_scp.dicom.folding`), and is what was recorded for the sender's; the other two digests
    are of the files. ``earlier`` counts our
    relabellings that the target still records: 0 means that the target is as the sender wrote it.
    """

    names: int
    labels: int
    relabelled_at: str
    modifying_system: str
    data_set_sha256: str
    sha256_before: str
    sha256_after: str
    earlier: int


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


def revert(source: Path, target: Path) -> RevertReport:
    """Write ``source`` to ``target`` as it was before the last relabelling that it records.

    ``target`` appears complete and synced, or not at all; it is never overwritten.

    Raises:
        FileExistsError: ``target`` exists.
        HeldObjectError: ``not_ours``, ``edited_since``, or as
            :func:`~tg263_scp.dicom.structure_set.read_structure_set`.
        OSError: reading or writing failed.
    """
    if target.exists():
        raise FileExistsError(f"{target.name} exists and is not overwritten")
    with opened(source) as relabelled:
        at = survey(relabelled, source).layout
        record = _record(relabelled.window, at)
        changed = [at.found[tag] for tag in (ROI_SEQUENCE, OBSERVATIONS_SEQUENCE) if tag in record.prior]
        if elements_sha256(relabelled, changed) != record.digest_changed:
            raise _edited("its ROIs are not those that were written")
        splice = Splice(relabelled.window)
        for tag in (INSTANCE_COERCION_DATETIME, ROI_SEQUENCE, OBSERVATIONS_SEQUENCE):
            if tag == INSTANCE_COERCION_DATETIME or tag in record.prior:
                _restore(splice, at, tag, record.prior.get(tag))
        _remove(splice, at, CONTRIBUTING_EQUIPMENT, record.equipment)
        _remove(splice, at, ORIGINAL_ATTRIBUTES, record.original)
        names = _changed(relabelled.window, at, record, ROI_SEQUENCE, ROI_NAME)
        labels = _changed(relabelled.window, at, record, OBSERVATIONS_SEQUENCE, OBSERVATION_LABEL)
        patches = splice.patches()
        with new_file(target) as (out, written):
            write_spliced(relabelled, patches, out)
            out.flush()
            os.fsync(out.fileno())
            with opened(written) as restored:
                if object_sha256(restored, written, folded=record.folded) != record.digest_before:
                    raise _edited("the restored data set is not the one that was recorded")
            return RevertReport(
                names=names,
                labels=labels,
                relabelled_at=record.date_time,
                modifying_system=record.system,
                data_set_sha256=record.digest_before,
                sha256_before=file_sha256(source, relabelled.file),
                sha256_after=file_sha256(written),
                earlier=record.earlier,
            )


def _edited(problem: str) -> HeldObjectError:
    return HeldObjectError(
        "edited_since",
        f"the object was edited or re-encoded after it was relabelled: {problem}",
        hint="the names before are in its Original Attributes Sequence and in the audit log; the sender has the original",
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
            "not_ours",
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
    if ROI_SEQUENCE not in prior or not {INSTANCE_COERCION_DATETIME, *prior} <= at.found.keys():
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
    """Take out our item, and the sequence with it where we added it (see :mod:`tg263_scp.dicom.provenance`)."""
    sequence = at.found[tag]
    alone = last.header_offset == sequence.value_offset
    if alone and length_field(last):
        splice.replace(sequence.header_offset, sequence.end - sequence.header_offset, (), at.counted_by(tag))
        return
    counted_by = (*at.counted_by(tag), *length_field(sequence))
    splice.replace(last.header_offset, last.end - last.header_offset, (), counted_by)
