"""A node that runs, and what is read off it."""

from __future__ import annotations

import json

from doubles.loopback import (
    RTSTRUCT,
    write_object,
)
from tg263_scp.decision import Decision, Reason, Status
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.service.journal.states import DeliveryState, ObjectState
from tg263_scp.service.node import Node

KNOWN = {"linke lunge": "Lung_L", "herz": "Heart"}


UID = "1.2.3.100"


class List:
    """Stands for the nomenclature."""

    digest = "d" * 64


def decide(rois, nomenclature, options, *, place_of=None):
    """A namer that knows two names, and sends the name 'crash' to where the sun does not shine."""
    decisions = []
    for roi in rois:
        if roi.name == "crash":
            raise RuntimeError(f"over {roi.name} of {options.identifiers}")
        if not roi.readable:
            decisions.append(Decision(roi.name, Status.REVIEW, "Heart", "R000", Reason.UNREADABLE))
        elif roi.name in KNOWN:
            decisions.append(Decision(roi.name, Status.RENAME, KNOWN[roi.name], "R050", Reason.SYNONYM, 0.9))
        elif roi.name in KNOWN.values():
            decisions.append(Decision(roi.name, Status.KEEP, roi.name, "R010", Reason.LISTED, 1.0))
        else:
            decisions.append(Decision(roi.name, Status.REVIEW, roi.name, "R080", Reason.UNMATCHED))
    return tuple(decisions)


def names_in(dataset: bytes, folder) -> list[str]:
    path = folder / "names.dcm"
    write_object(path, dataset, RTSTRUCT, UID)
    return [roi.name for roi in read_structure_set(path).rois]


def settled(node: Node, count: int = 1) -> bool:
    """Whether this many objects are held, or everywhere."""
    done = 0
    for job, deliveries in node.journal.list_objects(finished=True):
        sent = bool(deliveries) and all(
            each.state in (DeliveryState.SENT, DeliveryState.FAILED) for each in deliveries
        )
        done += job.state is ObjectState.HELD or sent
    return done >= count


def audit_lines(config) -> list[dict]:
    return [json.loads(line) for line in config.audit.file.read_text(encoding="utf-8").splitlines()]
