"""Gates: what makes a structure set one that a person may want to see first, and what then becomes of it.

Each gate of ``naming.gates`` closes on one finding. Where several do, the strictest action wins: ``hold`` (kept for a
person) before ``pass`` (forwarded as received) before ``relabel`` (what can be named gets its name). Every gate that has
closed is in the audit line, also where it changed nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tg263_scp.config.routes import Gates
from tg263_scp.decision import Decision, Reason, Status
from tg263_scp.dicom.encoding.part10 import is_for_images
from tg263_scp.dicom.reading.structure_set import StructureSet
from tg263_scp.errors import HoldReason

_STRICTEST_FIRST = ("hold", "pass", "relabel")
_UNREADABLE_BY = {
    HoldReason.NOT_RTSTRUCT: "sop_class_mismatch",
    HoldReason.UNSUPPORTED_TRANSFER_SYNTAX: "encapsulated",
}


@dataclass(frozen=True, slots=True)
class SentAs:
    """What the C-STORE command said of an object."""

    sop_class_uid: str
    sop_instance_uid: str


NOT_SENT = SentAs("", "")
"""There was no C-STORE command: the object lies in an archive."""


@dataclass(frozen=True, slots=True)
class ClosedGate:
    """A gate that has closed: its name, what was found and what the policy is."""

    gate: str
    found: HoldReason
    action: str


def closed_gates(
    structure_set: StructureSet, decisions: Sequence[Decision], sent_as: SentAs, gates: Gates
) -> tuple[ClosedGate, ...]:
    """Return the gates that a structure set and the decisions on its names close, in the order of ``gates``."""
    findings = dict(_findings(structure_set, decisions, sent_as))
    return tuple(
        ClosedGate(gate, findings[gate], getattr(gates, gate))
        for gate in type(gates).model_fields
        if gate in findings
    )


def gate_of_unreadable(reason: HoldReason, gates: Gates) -> ClosedGate | None:
    """Return the gate for an object that cannot be read for ``reason``; None where there is none and it has to be held.

    Such an object cannot be relabelled: what is no structure set, or not written in a way that can be edited.
    """
    gate = _UNREADABLE_BY.get(reason)
    if gate is None:
        return None
    action = getattr(gates, gate)
    return ClosedGate(gate, reason, "hold" if action == "relabel" else action)


def is_approved(structure_set: StructureSet) -> bool:
    """Tell whether somebody has approved a structure set (PS3.3 C.8.8.16)."""
    return structure_set.approval_status.strip().upper() == "APPROVED"


def deciding(closed: Sequence[ClosedGate]) -> ClosedGate | None:
    """Return the gate whose action is the strictest, the first of equals; None where none has closed."""
    return min(closed, key=lambda each: _STRICTEST_FIRST.index(each.action), default=None)


def _findings(
    structure_set: StructureSet, decisions: Sequence[Decision], sent_as: SentAs
) -> Iterator[tuple[str, HoldReason]]:
    if sent_as.sop_class_uid not in ("", structure_set.sop_class_uid):
        yield "sop_class_mismatch", HoldReason.SOP_CLASS_MISMATCH
    if sent_as.sop_instance_uid not in ("", structure_set.sop_instance_uid):
        yield "uid_mismatch", HoldReason.UID_MISMATCH
    if is_for_images(structure_set.transfer_syntax_uid) or structure_set.holds_pixels_or_document:
        yield "encapsulated", HoldReason.ENCAPSULATED
    faults = [roi.fault for roi in structure_set.rois if roi.fault is not None]
    if faults:
        yield "unreadable", faults[0]
    if structure_set.has_digital_signature:
        yield "signed", HoldReason.SIGNED
    if is_approved(structure_set):
        yield "approved", HoldReason.APPROVED
    if any(decision.reason in (Reason.CLASH_SAME_NAME, Reason.CLASH_KEPT_NAME) for decision in decisions):
        yield "collision", HoldReason.NAME_COLLISION
    if any(decision.status is Status.REVIEW for decision in decisions):
        yield "unresolved", HoldReason.UNRESOLVED_NAMES
