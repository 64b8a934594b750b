"""One structure set from file to file: read the ROIs, decide the whole set, write the relabelled copy, say what was done.

The node and the archive tool both call :func:`decide_and_write`, so that a name gets the same answer and the same audit
record on both ways.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from tg263_scp import __version__
from tg263_scp.config.routes import Gates, Route
from tg263_scp.config.sections import Naming, Write
from tg263_scp.decision import Decision, Reason, Roi, RoiPlace, Status
from tg263_scp.dicom.editing.identification_codes import IdentificationCode, load_codes
from tg263_scp.dicom.editing.proof import EditProof
from tg263_scp.dicom.editing.provenance import Provenance
from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.encoding.budget import check_cpu
from tg263_scp.dicom.reading.geometry import places
from tg263_scp.dicom.reading.structure_set import RoiRecord, StructureSet, read_structure_set
from tg263_scp.errors import HeldObjectError, HoldReason
from tg263_scp.naming.decide import Decide, decide_set
from tg263_scp.naming.query import NamingOptions
from tg263_scp.naming.rules.identifiers import looks_identifying
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.audit import IdentifierHash
from tg263_scp.service.deciding.gates import (
    NOT_SENT,
    ClosedGate,
    SentAs,
    closed_gates,
    deciding,
    gate_of_unreadable,
    is_approved,
)
from tg263_scp.service.deciding.in_review import ObjectInReview, PlacesSeen, RulingsOn, no_rulings
from tg263_scp.service.naming_options import naming_options


class OutcomeKind(StrEnum):
    """What became of an object; also the ``kind`` of its audit line."""

    RELABELLED = "relabelled"
    """A relabelled copy was written; at least one name changed."""
    UNCHANGED = "unchanged"
    """Decided, and no name has to change; the original goes on."""
    SHADOW = "shadow"
    """Decided, and the original goes on all the same, even one that would be held (``reason`` says so)."""
    PASSED = "passed"
    """The original goes on: not a structure set, or one that a gate lets pass (``reason`` says why)."""
    HELD = "held"
    """Kept for a person, with a reason."""


@dataclass(frozen=True, slots=True)
class RelabelPolicy:
    """What may be done with an object; see the section ``naming`` of the configuration."""

    mode: str
    gates: Gates
    options: NamingOptions

    @classmethod
    def of(cls, naming: Naming, route: Route | None = None) -> RelabelPolicy:
        """Return the policy that the configuration asks for, or that one of its routes has."""
        way = route or naming
        return cls(way.mode, way.gates, naming_options(naming))


def local_time() -> datetime:
    """Return the time of day here, with its offset from UTC."""
    return datetime.now().astimezone()


@dataclass(frozen=True, slots=True)
class Writing:
    """What a relabelled object says about itself; see the section ``write`` of the configuration.

    Without ``modifying_system`` it says nothing; with it, provenance is added, dated by ``now``, which must know its time
    zone. ``codes`` are by TG-263 name.
    """

    modifying_system: str = ""
    codes: Mapping[str, IdentificationCode] = field(default_factory=dict)
    now: Callable[[], datetime] = local_time

    @classmethod
    def of(cls, write: Write, *, now: Callable[[], datetime] = local_time) -> Writing:
        """Return what the configuration asks for.

        Raises:
            NomenclatureError: the table of codes cannot be used.
        """
        system = (write.modifying_system or "") if write.provenance else ""
        return cls(system, load_codes() if write.codes else {}, now)

    def provenance(self, received_from: str, *, after_approval: bool = False) -> Provenance | None:
        """Return what an object written now records, if anything; a sender that cannot be written is left out.

        ``after_approval`` tells that it was approved under its old names.
        """
        if not self.modifying_system:
            return None
        writable = received_from.isascii() and received_from.isprintable() and "\\" not in received_from
        return Provenance(
            self.now(),
            self.modifying_system,
            received_from.strip() if writable else "",
            after_approval=after_approval,
        )


@dataclass(frozen=True, slots=True)
class RelabelOutcome:
    """What :func:`decide_and_write` did.

    ``reason`` is why the object is held (in shadow mode: of what would be one), or why a structure set was passed; empty
    otherwise. ``gates`` are those that have closed, whatever their action.
    ``decisions`` has the order of ``structure_set.rois``; both are empty where the object could not be read. ``proof`` is
    there exactly where a copy was written. ``sender`` is who decisions of review call so, ``places`` where ROIs lie (by their
    index), as far as that was looked up.
    """

    kind: OutcomeKind
    reason: HoldReason | Literal[""] = ""
    structure_set: StructureSet | None = None
    decisions: tuple[Decision, ...] = ()
    proof: EditProof | None = None
    gates: tuple[ClosedGate, ...] = ()
    sender: str = ""
    places: Mapping[int, RoiPlace] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many ROIs there are of each status."""
        return dict(Counter(str(decision.status) for decision in self.decisions))

    @property
    def unanswered(self) -> int:
        """About how many names a language model would have been asked, had it answered."""
        return sum(bool(decision.question) and decision.choice is None for decision in self.decisions)


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """Under what a decision was made: part of every audit line."""

    nomenclature_digest: str
    config_digest: str
    program_version: str = __version__


def decide_and_write(
    source: Path,
    target: Path,
    nomenclature: Nomenclature,
    policy: RelabelPolicy,
    writing: Writing,
    *,
    sent_as: SentAs = NOT_SENT,
    received_from: str = "",
    decide: Decide = decide_set,
    rulings: RulingsOn = no_rulings,
    version: str = "",
) -> RelabelOutcome:
    """Decide all names of a structure set and, where one changes and policy allows it, write the copy to ``target``.

    ``sent_as`` is what the sender called the object, ``received_from`` the sender's AE title, for the provenance. ``rulings``
    tells what was decided in review about the names of an object; ``version`` is the SHA-256 (hex) of its data set, where
    known. An object that cannot be read or edited with certainty is an outcome of kind HELD, or what its gate says, not an
    error.

    Raises:
        FileExistsError: ``target`` exists.
        OSError: a file cannot be read or written.
    """
    try:
        structure_set = read_structure_set(source)
    except HeldObjectError as problem:
        return _unread(problem.reason, policy)
    this = ObjectInReview.of(structure_set, source, received_from, version)
    options = replace(policy.options, identifiers=structure_set.identifiers, ruling_on=rulings(this))
    rois = _Watched(record.roi for record in structure_set.rois)
    seen = PlacesSeen(places(source, structure_set))
    try:
        decisions = decide(rois, nomenclature, options, place_of=seen)
    except HeldObjectError as problem:
        return _unread(problem.reason, policy)
    closed = closed_gates(structure_set, decisions, sent_as, policy.gates)
    outcome = RelabelOutcome(
        OutcomeKind.UNCHANGED,
        "",
        structure_set,
        decisions,
        gates=closed,
        sender=this.sender,
        places=seen.seen,
    )
    gate = deciding(closed)
    if policy.mode == "shadow":
        held: HoldReason | Literal[""] = gate.found if gate is not None and gate.action == "hold" else ""
        return replace(outcome, kind=OutcomeKind.SHADOW, reason=held)
    if gate is not None and gate.action != "relabel":
        kind = OutcomeKind.HELD if gate.action == "hold" else OutcomeKind.PASSED
        return replace(outcome, kind=kind, reason=gate.found)
    new_names = _new_names(structure_set.rois, decisions)
    if not new_names:
        return outcome
    provenance = writing.provenance(received_from, after_approval=is_approved(structure_set))
    codes = _codes(structure_set.rois, decisions, writing.codes)
    try:
        proof = relabel(source, target, new_names, provenance=provenance, codes=codes)
    except HeldObjectError as problem:
        return replace(outcome, kind=OutcomeKind.HELD, reason=problem.reason)
    except ValueError:
        return replace(outcome, kind=OutcomeKind.HELD, reason=HoldReason.NAME_NOT_WRITABLE)
    return replace(outcome, kind=OutcomeKind.RELABELLED, proof=proof)


class _Watched(tuple[Roi, ...]):
    """The ROIs of a set; who goes through them stops where the object has used up its processor time.

    Naming knows no clock, and a set may have tens of thousands of names that each take long.
    """

    __slots__ = ()

    def __iter__(self) -> Iterator[Roi]:
        for roi in super().__iter__():
            check_cpu()
            yield roi


def _unread(reason: HoldReason, policy: RelabelPolicy) -> RelabelOutcome:
    gate = gate_of_unreadable(reason, policy.gates)
    closed = () if gate is None else (gate,)
    if policy.mode == "shadow":
        return RelabelOutcome(OutcomeKind.SHADOW, reason, gates=closed)
    passes = gate is not None and gate.action == "pass"
    return RelabelOutcome(OutcomeKind.PASSED if passes else OutcomeKind.HELD, reason, gates=closed)


def _new_names(rois: Sequence[RoiRecord], decisions: Sequence[Decision]) -> dict[int, str]:
    """Key on the index: ROI numbers may be missing or repeated, names are often repeated."""
    return {
        record.index: decision.name
        for record, decision in zip(rois, decisions, strict=True)
        if decision.status is Status.RENAME and record.readable and decision.name != record.name
    }


def _codes(
    rois: Sequence[RoiRecord], decisions: Sequence[Decision], codes: Mapping[str, IdentificationCode]
) -> dict[int, IdentificationCode]:
    """Only a name that a rule gave or found in the list says for certain which structure it is."""
    return {
        record.index: codes[decision.name]
        for record, decision in zip(rois, decisions, strict=True)
        if decision.name in codes
        and record.readable
        and (decision.status is Status.RENAME or decision.reason is Reason.LISTED)
    }


def audit_record(
    outcome: RelabelOutcome, made_under: DecisionContext, hashed: IdentifierHash, context: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the audit line of a decision; ``context`` says which object, from whom (job, peer, UIDs, digest ...)."""
    record: dict[str, Any] = {
        "kind": str(outcome.kind),
        "reason": outcome.reason,
        "gates": [asdict(gate) for gate in outcome.gates],
        **context,
        "program": made_under.program_version,
        "nomenclature": made_under.nomenclature_digest,
        "config": made_under.config_digest,
    }
    structure_set = outcome.structure_set
    if structure_set is not None:
        record["patient"] = hashed(structure_set.patient_id)
        record["study"] = hashed(structure_set.study_instance_uid)
        record["series"] = hashed(structure_set.series_instance_uid)
        record["sender"] = outcome.sender
        record["site"] = next((decision.site for decision in outcome.decisions if decision.site), "")
        record["rois"] = [
            _roi_line(roi, decision, structure_set.identifiers, outcome.places.get(roi.index))
            for roi, decision in zip(structure_set.rois, outcome.decisions, strict=True)
        ]
        record["counts"] = outcome.counts
    if outcome.proof is not None:
        if structure_set is not None and is_approved(structure_set):
            record["approval_preceded_names"] = True
        record["provenance_added"] = outcome.proof.added
        record["codes_added"] = outcome.proof.added_codes
        record["digests"] = digests_of(outcome.proof)
    return record


def digests_of(proof: EditProof) -> dict[str, str]:
    """Return the digests of an edit as the audit log has them."""
    return {
        "before": proof.sha256_before,
        "after": proof.sha256_after,
        "blanked_before": proof.blanked_sha256_before,
        "blanked_after": proof.blanked_sha256_after,
    }


def _roi_line(
    roi: RoiRecord, decision: Decision, identifiers: Sequence[str], place: RoiPlace | None
) -> dict[str, Any]:
    line: dict[str, Any] = {
        "number": roi.number,
        "old": roi.name,
        "new": decision.name,
        "status": str(decision.status),
        "rule": decision.rule,
        "reason": str(decision.reason),
        "confidence": decision.confidence,
        "evidence": [str(source) for source in decision.evidence],
    }
    if not roi.readable and roi.raw_name is not None:
        line["old_bytes"] = roi.raw_name.hex()
    if decision.doubt:
        line["doubt"] = decision.doubt
    if decision.ruling:
        line["ruling"] = decision.ruling
    if decision.status is Status.REVIEW:
        line |= _for_review(roi, decision, identifiers, place)
    if decision.question:
        said = asdict(decision.choice) if decision.choice else {"answer": None}
        line["model"] = {"question": decision.question, **said}
    return line


def _for_review(
    roi: RoiRecord, decision: Decision, identifiers: Sequence[str], place: RoiPlace | None
) -> dict[str, Any]:
    """Return what helps whoever decides about an open name."""
    found: dict[str, Any] = {
        "type": roi.interpreted_type,
        "candidates": [
            {"name": each.name, "score": round(each.score, 3), "source": str(each.source or "")}
            for each in decision.candidates
        ],
    }
    if decision.choice is not None:
        found["votes"] = decision.choice.said
    if place is not None:
        found["place"] = place.as_json()
    if looks_identifying(roi.name, identifiers):
        found["identifying"] = True
    return found
