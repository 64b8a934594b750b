"""Which objects go on referring to the sender's structure set, though it has a new UID at the destination.

Only RT Plan, RT Ion Plan and RT Dose are rewritten. In the others here a reference by SOP Instance UID belongs together with
numbers of ROIs, segments or items, in places of their own: changed in a part of them, they would contradict themselves.
"""

from __future__ import annotations

import pytest
from doubles.loopback import (
    RTPLAN,
    RTSTRUCT,
    Receiver,
    Sender,
    element,
    item,
    node_config,
    referring,
    structure_set,
    wait_until,
)
from doubles.nodes import UID, List, decide, settled

from tg263_scp.dicom.reading.references import LEFT_ALONE, REFERRING
from tg263_scp.service.node import assemble
from tg263_scp.tools.statement.services import left_alone


def referring_to_a_set(sop_class: str, uid: str) -> bytes:
    """Encode an object that refers to the structure set in each of the general places (PS3.3 C.12.2, C.12.4)."""
    pair = item(element(0x00081150, "UI", RTSTRUCT.encode()), element(0x00081155, "UI", UID.encode()))
    series = item(element(0x0008114A, "SQ", pair), element(0x0020000E, "UI", b"1.2.3.2"))
    return b"".join(
        (
            element(0x00080016, "UI", sop_class.encode()),
            element(0x00080018, "UI", uid.encode()),
            element(0x00081115, "SQ", series),
            element(0x0008114A, "SQ", pair),
            element(0x00100020, "LO", b"P"),
            element(0x0020000D, "UI", b"1.2.3.1"),
            element(0x300C0060, "SQ", pair),
        )
    )


@pytest.fixture
def renewing(tmp_path):
    """A node whose destination wants new UIDs and references that fit."""
    with Receiver() as receiver:
        plain = node_config(tmp_path, receiver.port)
        wanted = {"uid_policy": "new", "rewrite_references": True, "reference_wait_s": 60.0}
        destinations = [each.model_copy(update=wanted) for each in plain.destinations]
        with assemble(plain.model_copy(update={"destinations": destinations}), List(), decide=decide) as node:
            yield node, receiver


def test_what_refers_to_a_renumbered_set_and_is_no_plan_or_dose_passes_byte_for_byte(renewing, tmp_path):
    node, receiver = renewing
    objects = {
        f"1.2.3.7{number:02}": (sop_class, referring_to_a_set(sop_class, f"1.2.3.7{number:02}"))
        for number, sop_class in enumerate(LEFT_ALONE)
    }
    sender = Sender(node.address[1], tmp_path)
    assert sender.send(structure_set(["linke lunge"]), RTSTRUCT, UID).status == 0x0000
    for uid, (sop_class, dataset) in objects.items():
        assert sender.send(dataset, sop_class, uid).status == 0x0000, sop_class
    assert sender.send(referring(RTPLAN, "1.2.3.500", UID), RTPLAN, "1.2.3.500").status == 0x0000
    wait_until(lambda: settled(node, len(objects) + 2))
    arrived = {sent.uid: sent.dataset for sent in receiver.box}
    assert UID not in arrived
    for uid, (sop_class, dataset) in objects.items():
        assert arrived[uid] == dataset, LEFT_ALONE[sop_class]
    assert arrived["1.2.3.500"] != referring(RTPLAN, "1.2.3.500", UID)


def test_the_statement_lists_what_is_left_alone():
    assert not LEFT_ALONE.keys() & REFERRING.keys()
    said = left_alone()
    for words in ("treatment records", "Segmentation", "Spatial Registration", "RT Segment Annotation"):
        assert words.lower() in said.lower()
