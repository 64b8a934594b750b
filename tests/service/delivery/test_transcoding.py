"""A destination that takes none of an object as it is gets it in another transfer syntax, or the reason is said."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pydicom
import pytest
from doubles.loopback import (
    CT,
    EXPLICIT,
    RTPLAN,
    RTSTRUCT,
    Receiver,
    Sender,
    element,
    image,
    item,
    node_config,
    referring,
    structure_set,
    wait_until,
    write_object,
)
from doubles.nodes import UID, List, audit_lines, decide, settled

from tg263_scp.dicom.editing.transcode import TRANSCODED, transcode
from tg263_scp.dicom.encoding.budget import Budget
from tg263_scp.dicom.encoding.part10 import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    read_file_meta,
)
from tg263_scp.errors import HeldObjectError
from tg263_scp.service.delivery.transcoding import contexts_of, fitted
from tg263_scp.service.journal.states import DeliveryState
from tg263_scp.service.node import assemble

IMPLICIT, DEFLATED = IMPLICIT_VR_LITTLE_ENDIAN, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN


@pytest.fixture
def running(tmp_path):
    """Start a node that sends to a receiver; the test says what that takes."""
    started = []

    def start(*syntaxes: str):
        receiver = Receiver(transfer_syntaxes=list(syntaxes))
        receiver.start()
        config = node_config(tmp_path, receiver.port)
        node = assemble(config, List(), decide=decide)
        node.start()
        started.extend((node.drain_and_stop, receiver.stop))
        return node, receiver, config

    yield start
    for end in started:
        end()


def sent(tmp_path, node, dataset, sop_class=RTSTRUCT, uid=UID, syntax=EXPLICIT):
    assert Sender(node.address[1], tmp_path).send(dataset, sop_class, uid, syntax).status == 0x0000
    wait_until(lambda: settled(node))


def data_set_of(path) -> bytes:
    return path.read_bytes()[read_file_meta(path).dataset_offset :]


def in_syntax(tmp_path, dataset, syntax, sop_class=RTSTRUCT, uid=UID) -> bytes:
    """Return a data set (explicit VR little endian) in another transfer syntax."""
    write_object(tmp_path / "as-explicit.dcm", dataset, sop_class, uid)
    (tmp_path / "other.dcm").unlink(missing_ok=True)
    transcode(tmp_path / "as-explicit.dcm", tmp_path / "other.dcm", syntax)
    return data_set_of(tmp_path / "other.dcm")


@pytest.mark.parametrize(
    ("came", "takes"),
    [(EXPLICIT, IMPLICIT), (IMPLICIT, EXPLICIT), (EXPLICIT, DEFLATED), (DEFLATED, IMPLICIT)],
)
def test_a_relabelled_set_arrives_in_the_one_transfer_syntax_that_is_taken(tmp_path, running, came, takes):
    node, receiver, config = running(takes)
    dataset = structure_set(["linke lunge", "anything"])
    sent(tmp_path, node, dataset if came == EXPLICIT else in_syntax(tmp_path, dataset, came), syntax=came)
    (arrived,) = receiver.box
    assert arrived.transfer_syntax == takes
    path = tmp_path / "arrived.dcm"
    write_object(path, arrived.dataset, RTSTRUCT, UID, takes)
    read = pydicom.dcmread(path)
    assert [roi.ROIName for roi in read.StructureSetROISequence] == ["Lung_L", "anything"]
    (line,) = [line for line in audit_lines(config) if line["kind"] == "delivered"]
    told = line["transcoded"]
    assert (told["from"], told["to"]) == (came, takes)
    assert told["dataset_sha256"] == hashlib.sha256(arrived.dataset).hexdigest()
    assert told["elements_equal"] == sum(1 for _ in read.iterall())


def test_what_is_taken_as_it_is_is_not_transcoded(tmp_path, running):
    node, receiver, config = running(IMPLICIT, EXPLICIT)
    sent(tmp_path, node, structure_set(["linke lunge"]))
    assert receiver.box[0].transfer_syntax == EXPLICIT
    (line,) = [line for line in audit_lines(config) if line["kind"] == "delivered"]
    assert "transcoded" not in line


def test_a_plan_is_transcoded_and_an_image_is_not(tmp_path, running):
    node, receiver, _ = running(IMPLICIT)
    sent(tmp_path, node, referring(RTPLAN, "1.2.3.300", UID), RTPLAN, "1.2.3.300")
    assert receiver.box[0].transfer_syntax == IMPLICIT
    assert Sender(node.address[1], tmp_path).send(image(), CT, "1.2.3.200").status == 0x0000
    wait_until(lambda: settled(node, 2))
    (_, (delivery,)) = node.journal.list_objects(finished=True)[-1]
    assert delivery.state is DeliveryState.FAILED
    assert "accepts no presentation context" in delivery.error


def points(count: int) -> bytes:
    value = "\\".join(f"{n % 100 / 10:.2f}" for n in range(3 * count)).encode()
    return value + b" " * (len(value) % 2)


def large_contour(count: int) -> bytes:
    """Return a structure set in implicit VR with one contour of so many points."""
    explicit = structure_set(["linke lunge"])
    contour = element(0x30060042, "CS", b"CLOSED_PLANAR") + element(0x30060050, "UT", points(count))
    rois = element(0x30060039, "SQ", item(element(0x30060040, "SQ", item(contour))))
    return explicit + rois


def test_a_contour_of_9000_points_has_failed_where_only_explicit_vr_is_taken(tmp_path, running):
    node, receiver, config = running(EXPLICIT)
    dataset = in_syntax(tmp_path, large_contour(9000), IMPLICIT)
    sent(tmp_path, node, dataset, syntax=IMPLICIT)
    (_, (delivery,)) = node.journal.list_objects(finished=True)[-1]
    assert (delivery.state, receiver.box) == (DeliveryState.FAILED, [])
    assert "(3006,0050)" in delivery.error
    assert "at most 65534" in delivery.error
    (line,) = [line for line in audit_lines(config) if line["kind"] == "delivery_failed"]
    assert line["reason"] == delivery.error


def test_a_destination_may_change_its_mind(tmp_path, running):
    node, receiver, _ = running(IMPLICIT)
    sent(tmp_path, node, structure_set(["linke lunge"]))
    receiver.stop()
    receiver.transfer_syntaxes = [EXPLICIT]
    receiver.start()
    assert (
        Sender(node.address[1], tmp_path)
        .send(structure_set(["herz"], uid="1.2.3.101"), RTSTRUCT, "1.2.3.101")
        .status
        == 0
    )
    wait_until(lambda: settled(node, 2))
    assert [each.transfer_syntax for each in receiver.box] == [IMPLICIT, EXPLICIT]


@pytest.fixture
def job(tmp_path, running):
    node, _, _ = running(EXPLICIT)
    sent(tmp_path, node, structure_set(["linke lunge"]))
    return node.journal.list_objects(finished=True)[0][0]


def test_radiotherapy_objects_are_proposed_in_all_uncompressed_syntaxes_and_others_in_their_own(job):
    assert [syntax for _, syntax in contexts_of(job)] == list(TRANSCODED)
    assert contexts_of(replace(job, sop_class_uid=CT)) == [(CT, EXPLICIT)]
    jpeg = "1.2.840.10008.1.2.4.50"
    assert contexts_of(replace(job, transfer_syntax_uid=jpeg)) == [(RTSTRUCT, jpeg)]


def test_the_copy_is_gone_afterwards_and_a_changed_file_is_not_sent(tmp_path, job):
    write_object(tmp_path / "it.dcm", structure_set(["x"]), RTSTRUCT, UID)
    accepted = [(RTSTRUCT, IMPLICIT)]
    (scratch := tmp_path / "scratch").mkdir()
    with fitted(job, tmp_path / "it.dcm", "", accepted, scratch, Budget()) as made:
        assert made.path.is_file()
    assert list(scratch.iterdir()) == []
    with (
        pytest.raises(HeldObjectError, match="no longer what was received"),
        fitted(job, tmp_path / "it.dcm", "0" * 64, accepted, scratch, Budget()),
    ):
        pass
    assert list(scratch.iterdir()) == []
