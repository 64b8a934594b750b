"""*Structure set*: all ROIs of one object before and after, where they lie, and deciding about them one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from tg263_scp.desk.node_records import NodeRecords
from tg263_scp.desk.open_name_list import name_digest
from tg263_scp.desk.pages.guards import Looking
from tg263_scp.desk.pages.queue import Row, actions_for
from tg263_scp.desk.pages.rendering import page
from tg263_scp.desk.pages.sketches import axial_view, coronal_view
from tg263_scp.desk.pages.wishes import SCOPES
from tg263_scp.dicom.encoding.budget import Budget, within
from tg263_scp.dicom.reading.contour_sketch import Sketch, read_sketch
from tg263_scp.dicom.reading.identify import is_rtstruct
from tg263_scp.dicom.reading.structure_set import StructureSet, read_structure_set
from tg263_scp.errors import HeldObjectError, HoldReason
from tg263_scp.service.journal.states import Job
from tg263_scp.service.review.decisions import ReviewDecision, name_key
from tg263_scp.service.review.seen_objects import OfferedName

router = APIRouter()

_SKETCH_CPU_S = 2.0
"""A page does not wait longer for the contours of a set that was made to take long."""
_STATUS_KINDS = {"rename": "good", "keep": "", "review": "warn"}


@dataclass(frozen=True, slots=True)
class RoiRow:
    """One ROI as the page shows it; the fields are those of its line in the audit log."""

    number: int | None
    old: str
    new: str
    status: str
    rule: str
    reason: str
    confidence: float
    interpreted_type: str
    evidence: tuple[str, ...]
    candidates: tuple[OfferedName, ...]
    place: Mapping[str, Any]
    identifying: bool
    key: str
    colour: str = ""
    decision: ReviewDecision | None = None

    @property
    def kind(self) -> str:
        """How it stands, for its mark."""
        return _STATUS_KINDS.get(self.status, "")


@dataclass(frozen=True, slots=True)
class Views:
    """What is seen of a structure set: the sketches, or why there are none."""

    axial: Markup | None
    coronal: Markup | None
    height_mm: float | None
    why_not: str = ""


@router.get("/object/{number}")
def show_object(request: Request, number: int, visitor: Looking, roi: int | None = None) -> Response:
    """Show one object: where it came from, what became of it and of its names, where it is."""
    records: NodeRecords = request.app.state.records
    journal = records.journal
    job, deliveries = journal.job(number), journal.outbox.deliveries(number)
    read, sketch, why_not = (
        _read(records, job, roi) if is_rtstruct(job.sop_class_uid) else (None, None, "no structure set")
    )
    rois = _rows(records, job, read, sketch)
    focus = roi if roi is not None else next((each.number for each in rois if each.status == "review"), None)
    if sketch is not None and roi is None and focus is not None:
        sketch = _sketch(records, job, focus)[0] or sketch
    names = {
        each.number: each.old
        for each in rois
        if each.number is not None and (visitor.may("decide") or not each.identifying)
    }
    shows_id = records.config.desk.show_patient_id and visitor.may("decide")
    return page(
        request,
        "object.html",
        visitor,
        row=Row.of(job, deliveries),
        deliveries=deliveries,
        acts=actions_for(visitor, everything=True),
        rois=rois,
        is_set=is_rtstruct(job.sop_class_uid),
        seen=records.review.seen(number),
        patient_id=read.patient_id if read and shows_id else "",
        approval=read.approval_status if read else "",
        label=read.structure_set_label if read else "",
        focus=focus,
        views=Views(
            axial_view(sketch, names, focus) if sketch else None,
            coronal_view(sketch, names, focus) if sketch else None,
            sketch.height_mm if sketch else None,
            why_not,
        ),
        decides=visitor.may("decide") and bool(rois) and read is not None,
        scopes=SCOPES,
        scope="object",
        listed_names=records.namer.nomenclature.names,
        second_person=records.review.second_person,
    )


def _read(
    records: NodeRecords, job: Job, focus: int | None
) -> tuple[StructureSet | None, Sketch | None, str]:
    """Return the structure set as it was received, its sketch, and why there is none where there is none."""
    path = records.spool.original(job.token)
    try:
        read = read_structure_set(path)
    except FileNotFoundError:
        return None, None, "its file has left the spool"
    except (HeldObjectError, OSError) as problem:
        return None, None, problem.message if isinstance(problem, HeldObjectError) else "it cannot be read"
    return read, *_sketch(records, job, focus)


def _sketch(records: NodeRecords, job: Job, focus: int | None) -> tuple[Sketch | None, str]:
    path: Path = records.spool.original(job.token)
    limits = Budget(records.config.spool.max_inflated_bytes, _SKETCH_CPU_S, records.spool.scratch)
    try:
        with within(limits):
            return read_sketch(path, focus), ""
    except HeldObjectError as problem:
        costly = problem.reason is HoldReason.TOO_COSTLY
        return None, "its contours take too long to draw" if costly else problem.message
    except OSError:
        return None, "it cannot be read"


def _rows(
    records: NodeRecords, job: Job, read: StructureSet | None, sketch: Sketch | None
) -> Sequence[RoiRow]:
    """Return the ROIs as they were decided last; those that were received, where nothing is decided yet."""
    colours: dict[int | None, str] = {each.number: each.colour for each in sketch.rois} if sketch else {}
    types: dict[int | None, str] = {each.number: each.interpreted_type for each in read.rois} if read else {}
    seen = records.review.seen(job.job)
    if seen is not None:
        lines: Sequence[Mapping[str, Any]] = seen[1]
    else:
        lines = (
            [{"number": each.number, "old": each.name, "new": each.name} for each in read.rois]
            if read
            else ()
        )
    decided = _decided(records, job)
    repeated = _repeated(lines)
    return [
        RoiRow(
            number=line.get("number"),
            old=str(line["old"]),
            new=str(line["new"]),
            status=str(line.get("status", "")),
            rule=str(line.get("rule", "")),
            reason=str(line.get("reason", "")),
            confidence=float(line.get("confidence", 0.0)),
            interpreted_type=str(line.get("type") or types.get(line.get("number"), "")),
            evidence=tuple(map(str, line.get("evidence", ()))),
            candidates=tuple(_offered(each) for each in line.get("candidates", ()))[:5],
            place=line.get("place", {}),
            identifying=bool(line.get("identifying")),
            key=_key(line, repeated),
            colour=colours.get(line.get("number"), ""),
            decision=decided.get(name_key(str(line["old"]))),
        )
        for line in lines
    ]


def _decided(records: NodeRecords, job: Job) -> dict[str, ReviewDecision]:
    """Return the decisions about this very object that stand, by what is compared of the name."""
    return {
        name_key(each.name): each
        for each in records.review.decisions()
        if each.scope.value == job.sop_instance_uid and each.name and each.standing != "undone"
    }


def _repeated(lines: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    keys = [name_key(str(line["old"])) for line in lines]
    return frozenset(key for key in keys if keys.count(key) > 1)


def _key(line: Mapping[str, Any], repeated: frozenset[str]) -> str:
    """Return what stands for an ROI in the form: its name, and its number where another ROI bears the same name."""
    old, number = str(line["old"]), line.get("number")
    return (
        f"{name_digest(old)}.{number}"
        if name_key(old) in repeated and number is not None
        else name_digest(old)
    )


def _offered(line: Mapping[str, Any]) -> OfferedName:
    source = str(line.get("source") or "")
    return OfferedName(str(line["name"]), float(line["score"]), (source,) if source else ())
