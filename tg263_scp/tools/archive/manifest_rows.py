"""The rows that an object gets in the manifest: one for each ROI, or a single one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tg263_scp.decision import Decision
from tg263_scp.dicom.reading.identify import ObjectIdentity
from tg263_scp.dicom.reading.structure_set import StructureSet
from tg263_scp.service.deciding.relabelling import RelabelOutcome
from tg263_scp.tools.archive.find_files import Source
from tg263_scp.tools.archive.manifest import Row
from tg263_scp.tools.archive.outcome import What


@dataclass(frozen=True, slots=True)
class Digests:
    """SHA-256 (hex) of a file, of its copy, and of both without what was edited; empty where there is none."""

    before: str = ""
    after: str = ""
    blanked: str = ""


def set_rows(
    source: Source,
    what: What,
    outcome: RelabelOutcome,
    digests: Digests,
    new_uid: str = "",
    settings: str = "",
) -> tuple[Row, ...]:
    """Return the rows of a structure set; ``new_uid`` is the SOP Instance UID of its copy, where that is another one.

    ``settings`` tells under what it was decided.
    """
    structure_set = outcome.structure_set
    if structure_set is None or not structure_set.rois:
        uid = structure_set.sop_instance_uid if structure_set else ""
        said = (*("",) * 4, outcome.sender, *_about(structure_set), "", settings)
        return (row(source, what, outcome.reason, uid, digests, rest=said),)
    uid, total = structure_set.sop_instance_uid, len(structure_set.rois)
    written = what is What.RELABELLED
    return tuple(
        row(
            source,
            what,
            outcome.reason,
            uid,
            digests,
            (index, total),
            _roi_fields(roi.number, decision, written),
            new_uid,
            (*_for_review(roi.interpreted_type, decision, outcome.sender, structure_set), settings),
        )
        for index, (roi, decision) in enumerate(
            zip(structure_set.rois, outcome.decisions, strict=True), start=1
        )
    )


def _roi_fields(number: int | None, decision: Decision, written: bool) -> Iterator[str]:
    yield "" if number is None else str(number)
    yield decision.original
    yield decision.status.value
    yield decision.name if written else decision.original
    yield decision.rule
    yield decision.reason.value
    yield f"{decision.confidence:.2f}"


def _for_review(
    interpreted_type: str, decision: Decision, sender: str, structure_set: StructureSet
) -> Iterator[str]:
    """Yield what `review list` wants to know of an open name, and of its object."""
    yield interpreted_type
    yield ";".join(f"{each.name}={each.score:.3f}" for each in decision.candidates)
    yield decision.choice.said if decision.choice else ""
    yield decision.site
    yield sender
    yield from _about(structure_set)
    yield decision.ruling


def _about(structure_set: StructureSet | None) -> tuple[str, ...]:
    """Return who made a structure set, where it belongs and when it was drawn."""
    if structure_set is None:
        return ("",) * 6
    return (
        structure_set.manufacturer,
        structure_set.model_name,
        structure_set.station_name,
        structure_set.study_instance_uid,
        structure_set.series_instance_uid,
        structure_set.date,
    )


def left_out_row(source: Source, what: What, reason: str, identity: ObjectIdentity | None) -> Row:
    """Return the row of a file that has no copy, and why; ``identity`` is None where it is not DICOM."""
    if identity is None:
        return row(source, what, reason)
    where = (identity.study_instance_uid, identity.series_instance_uid)
    return row(source, what, reason, identity.sop_instance_uid, rest=(*("",) * 8, *where, *("",) * 3))


def row(
    source: Source,
    what: What,
    reason: str = "",
    sop_instance_uid: str = "",
    digests: Digests = Digests(),
    place: tuple[int, int] = (1, 1),
    roi: Iterator[str] | None = None,
    new_uid: str = "",
    rest: tuple[str, ...] = ("",) * 13,
) -> Row:
    """Return one row; ``place`` says which it is of how many, ``rest`` is what stands behind the digests."""
    return (
        str(source.path),
        source.relative,
        what.value,
        reason,
        str(place[0]),
        str(place[1]),
        sop_instance_uid,
        new_uid,
        *(roi or ("",) * 7),
        digests.before,
        digests.after,
        digests.blanked,
        *rest,
    )
