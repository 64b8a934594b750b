"""A whole export through the node: the plan and the dose find their structure set at each destination."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest
from doubles.loopback import (
    EXPLICIT,
    RTDOSE,
    RTPLAN,
    RTSTRUCT,
    Receiver,
    Sender,
    Sent,
    node_config,
    referring,
    structure_set,
    wait_until,
    write_object,
)

from tg263_scp.config.sections import Config
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.journal.states import DeliveryState
from tg263_scp.service.node import Node, assemble

SET, PLAN, DOSE = "1.2.3.100", "1.2.3.500", "1.2.3.600"
EXPORT = [
    (referring(RTPLAN, PLAN, SET), RTPLAN, PLAN, EXPLICIT),
    (structure_set(["LUNG-L"], uid=SET), RTSTRUCT, SET, EXPLICIT),
    (referring(RTDOSE, DOSE, SET), RTDOSE, DOSE, EXPLICIT),
]


@pytest.fixture
def archives():
    with Receiver() as keeping, Receiver() as renewing:
        yield keeping, renewing


@pytest.fixture
def config(tmp_path, archives) -> Config:
    """Two destinations, the second of which wants new UIDs and references that fit."""
    config = node_config(tmp_path, *(archive.port for archive in archives))
    first, second = config.destinations
    renewing = second.model_copy(
        update={"uid_policy": "new", "rewrite_references": True, "reference_wait_s": 60.0}
    )
    return config.model_copy(update={"destinations": [first, renewing]})


def everywhere(node: Node, count: int) -> bool:
    entries = node.journal.list_objects(finished=True)
    states = [each.state for _, deliveries in entries for each in deliveries]
    return len(entries) == count and len(states) == 2 * count and set(states) == {DeliveryState.SENT}


def dataset_of(sent: Sent, folder: Path) -> pydicom.Dataset:
    path = folder / f"{sent.uid}.dcm"
    path.unlink(missing_ok=True)
    write_object(path, sent.dataset, sent.sop_class, sent.uid)
    return pydicom.dcmread(path)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
def test_references_stay_whole_at_every_destination_in_whatever_order_objects_come(
    order, config, archives, tmp_path, nomenclature: Nomenclature
):
    keeping, renewing = archives
    with assemble(config, nomenclature) as node:
        for number in order:
            assert Sender(node.address[1], tmp_path).send(*EXPORT[number]).status == 0x0000
        wait_until(lambda: everywhere(node, 3))
    kept = {sent.uid: sent for sent in keeping.box}
    assert {uid: kept[uid].dataset for uid in (PLAN, DOSE)} == {PLAN: EXPORT[0][0], DOSE: EXPORT[2][0]}
    assert dataset_of(kept[SET], tmp_path).StructureSetROISequence[0].ROIName == "Lung_L"
    renewed = {sent.sop_class: dataset_of(sent, tmp_path) for sent in renewing.box}
    new = renewed[RTSTRUCT].SOPInstanceUID
    assert new != SET
    for sop_class, own in ((RTPLAN, PLAN), (RTDOSE, DOSE)):
        (reference,) = renewed[sop_class].ReferencedStructureSetSequence
        assert (renewed[sop_class].SOPInstanceUID, reference.ReferencedSOPInstanceUID) == (own, new)
    lines = [json.loads(line) for line in config.audit.file.read_text(encoding="utf-8").splitlines()]
    delivered = {
        (line["destination"], line["sop_instance_uid"]): line for line in lines if line["kind"] == "delivered"
    }
    assert delivered["d2", DOSE]["references"] == [{"old": SET, "new": new, "structure_set": "renumbered"}]
    assert delivered["d1", DOSE]["sent"] == "original"


def test_what_waits_survives_a_restart(config, archives, tmp_path, nomenclature: Nomenclature):
    _, renewing = archives
    with assemble(config, nomenclature) as node:
        Sender(node.address[1], tmp_path).send(*EXPORT[0])
        wait_until(lambda: node.journal.outbox.deliveries(1)[-1:] != [])
    assert renewing.box == []
    with assemble(config, nomenclature) as node:
        Sender(node.address[1], tmp_path).send(*EXPORT[1])
        wait_until(lambda: everywhere(node, 2))
    plan = next(sent for sent in renewing.box if sent.uid == PLAN)
    assert dataset_of(plan, tmp_path).ReferencedStructureSetSequence[0].ReferencedSOPInstanceUID != SET
