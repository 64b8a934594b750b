"""Nothing that was acknowledged is lost: processes killed, destinations down, archives that keep what they had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import pytest
import specimens
from comparison import changes, data_set_bytes, renamed, roi_names, sop_instance_uid
from foreign_peers import DcmtkReceiver, Orthanc
from processes import DEADLINE_S, HOST, run, sending, wait_until
from pydicom import dcmread
from serving_node import ServingNode, Wire

pytestmark = pytest.mark.peer


@pytest.fixture
def down(make_receiver: Callable[..., DcmtkReceiver]) -> DcmtkReceiver:
    """A storescp that has not been started yet."""
    return make_receiver()


@contextmanager
def half_sent(node: ServingNode, log: Path, *paths: Path) -> Iterator[tuple[Wire, Popen[bytes]]]:
    """Send objects to the node and hold the rest back once half of the bytes are through."""
    half = sum(path.stat().st_size for path in paths) // 2
    with Wire(node.port, half) as wire, sending("-v", "-R", HOST, wire.port, *paths, log=log) as storescu:
        assert wire.held.wait(DEADLINE_S), "the transfer never got half way"
        yield wire, storescu


@pytest.mark.cell("Aborts and outages", "The node is killed before it forwards", "DCMTK calls")
@pytest.mark.cell("Aborts and outages", "The node is killed before it forwards", "DCMTK is called")
def test_what_was_acknowledged_survives_kill_9_and_is_delivered_after_a_restart(
    make_node: Callable[..., ServingNode], down: DcmtkReceiver, export: list[Path]
) -> None:
    node = make_node(down.as_destination()).start()
    run("dcmsend", HOST, node.port, *export)  # exit code 0: every object was answered 0x0000
    node.kill()

    down.start()
    node.start()
    node.wait_for("sent", objects=len(export))

    for sent in export:
        received = down.files()[sop_instance_uid(sent)]
        if "RTSTRUCT" in sent.name:
            assert renamed(sent, received) == specimens.RENAMED
        else:
            assert data_set_bytes(received) == data_set_bytes(sent)
    assert len(node.audit_lines("relabelled")) == 1
    assert node.stop() == 0
    assert node.verb("audit", "verify")[0] == 0


@pytest.mark.cell("Aborts and outages", "The node is killed within a delivery", "DCMTK is called")
def test_a_delivery_cut_off_by_kill_9_is_made_again(
    make_node: Callable[..., ServingNode], down: DcmtkReceiver, rtstruct: Path
) -> None:
    down.start("+xa", "--sleep-during", 600)
    node = make_node(down.as_destination()).start()
    run("dcmsend", HOST, node.port, rtstruct)
    node.wait_for("sending", objects=1)
    node.kill()
    down.kill()
    down.clear()

    down.start()
    node.start()
    node.wait_for("sent", objects=1)

    (received,) = down.files().values()
    assert renamed(rtstruct, received) == specimens.RENAMED
    assert len(node.audit_lines("relabelled")) == 1


@pytest.mark.cell("Aborts and outages", "The node is killed during an export", "DCMTK calls")
def test_kill_9_during_an_export_loses_nothing_that_the_sender_was_told_is_stored(
    make_node: Callable[..., ServingNode], down: DcmtkReceiver, tmp_path: Path
) -> None:
    sent = [specimens.other_object(tmp_path / f"{n:03d}.dcm", "CT", seed=f"kill {n}") for n in range(80)]
    node = make_node(down.as_destination()).start()
    log = tmp_path / "storescu.log"
    with half_sent(node, log, *sent) as (wire, storescu):
        wait_until(lambda: len(node.queue()) >= 10, "ten objects are received")
        node.kill()
        wire.close()
        assert storescu.wait(DEADLINE_S) != 0
    acknowledged = log.read_text().count("Received Store Response (Success)")
    assert 0 < acknowledged < len(sent)

    down.start()
    node.start()
    node.wait_for("sent", objects=len(node.queue()))
    assert {sop_instance_uid(path) for path in sent[:acknowledged]} <= set(down.files())


@pytest.mark.cell("Aborts and outages", "The node is killed within an object", "DCMTK calls")
def test_kill_9_in_the_middle_of_an_object_is_no_success_for_the_sender(
    make_node: Callable[..., ServingNode], receiver: DcmtkReceiver, tmp_path: Path
) -> None:
    large = specimens.other_object(tmp_path / "RTDOSE.dcm", "RTDOSE", rows=700, seed="killed")
    node = make_node(receiver.as_destination()).start()
    with half_sent(node, tmp_path / "log", large) as (wire, storescu):
        node.kill()
        wire.close()
        assert storescu.wait(DEADLINE_S) != 0
    node.start()
    assert node.queue() == []
    assert receiver.files() == {}

    run("storescu", HOST, node.port, large)
    node.wait_for("sent", objects=1)
    (received,) = receiver.files().values()
    assert data_set_bytes(received) == data_set_bytes(large)


@pytest.mark.cell("Aborts and outages", "The node is told to stop within an object", "DCMTK calls")
def test_a_node_told_to_stop_takes_the_object_that_is_on_its_way(
    make_node: Callable[..., ServingNode], receiver: DcmtkReceiver, tmp_path: Path
) -> None:
    large = specimens.other_object(tmp_path / "RTDOSE.dcm", "RTDOSE", rows=700, seed="stopped")
    node = make_node(receiver.as_destination()).start()
    with half_sent(node, tmp_path / "log", large) as (wire, storescu):
        stopping = node.ask_to_stop()
        wire.release()
        assert storescu.wait(DEADLINE_S) == 0
        assert stopping() == 0
    node.start()
    node.wait_for("sent", objects=1)
    assert set(receiver.files()) == {sop_instance_uid(large)}


@pytest.mark.cell("Aborts and outages", "The destination is down, and comes up", "DCMTK is called")
def test_a_destination_that_comes_up_later_gets_everything(
    make_node: Callable[..., ServingNode], down: DcmtkReceiver, export: list[Path]
) -> None:
    node = make_node(down.as_destination()).start()
    run("dcmsend", HOST, node.port, *export)
    node.wait_for("retry", objects=len(export))

    down.start()
    node.wait_for("sent", objects=len(export))
    assert set(down.files()) == {sop_instance_uid(path) for path in export}


@pytest.mark.cell("Aborts and outages", "The destination is down, and comes up", "Orthanc is called")
def test_an_archive_that_comes_up_later_gets_everything(
    make_node: Callable[..., ServingNode], stopped_orthanc: Orthanc, export: list[Path], tmp_path: Path
) -> None:
    orthanc = stopped_orthanc
    node = make_node(orthanc.as_destination()).start()
    run("dcmsend", HOST, node.port, *export)
    node.wait_for("retry", objects=len(export))

    orthanc.start()
    node.wait_for("sent", objects=len(export))
    for sent in export:
        stored = orthanc.file(sop_instance_uid(sent), tmp_path / "stored.dcm")
        assert renamed(sent, stored) == (specimens.RENAMED if "RTSTRUCT" in sent.name else {})


@pytest.mark.cell("The relabelled object", "Keeps the original, where it never replaces", "Orthanc")
def test_an_archive_that_never_replaces_keeps_the_old_names_and_says_success(
    make_node: Callable[..., ServingNode], first_come_orthanc: Orthanc, rtstruct: Path, tmp_path: Path
) -> None:
    """The trap of keeping the SOP Instance UID: Orthanc's OverwriteInstances is false unless somebody sets it."""
    orthanc = first_come_orthanc
    run("storescu", "-aec", orthanc.ae_title, HOST, orthanc.port, rtstruct)
    node = make_node(orthanc.as_destination()).start()
    run("dcmsend", HOST, node.port, rtstruct)
    node.wait_for("sent", objects=1)

    stored = orthanc.file(sop_instance_uid(rtstruct), tmp_path / "stored.dcm")
    assert changes(rtstruct, stored) == {}, (
        "the archive has replaced its object: the README says that it does not"
    )


@pytest.mark.cell("The relabelled object", "Holds both, with new UIDs", "Orthanc")
def test_an_archive_that_never_replaces_holds_both_where_new_uids_are_wanted(
    make_node: Callable[..., ServingNode], first_come_orthanc: Orthanc, rtstruct: Path, tmp_path: Path
) -> None:
    orthanc = first_come_orthanc
    run("storescu", "-aec", orthanc.ae_title, HOST, orthanc.port, rtstruct)
    node = make_node({**orthanc.as_destination(), "uid_policy": "new"}).start()
    run("dcmsend", HOST, node.port, rtstruct)
    node.wait_for("sent", objects=1)

    (line,) = node.audit_lines("delivered")
    old, new = line["sop_instance_uid"], line["new_sop_instance_uid"]
    assert old == sop_instance_uid(rtstruct)
    assert orthanc.order_of_arrival() == [old, new]
    assert changes(rtstruct, orthanc.file(old, tmp_path / "old.dcm")) == {}
    relabelled = dcmread(orthanc.file(new, tmp_path / "new.dcm"))
    assert [item.ReferencedSOPInstanceUID for item in relabelled.PredecessorStructureSetSequence] == [old]
    assert (
        specimens.RENAMED.items()
        <= dict(zip(roi_names(rtstruct), orthanc.roi_names(new), strict=True)).items()
    )


@pytest.mark.cell("The relabelled object", "Takes its place, where it replaces", "Orthanc")
def test_an_archive_that_replaces_takes_the_new_names(
    archiving_node: ServingNode, orthanc: Orthanc, rtstruct: Path, tmp_path: Path
) -> None:
    run("storescu", "-aec", orthanc.ae_title, HOST, orthanc.port, rtstruct)
    run("dcmsend", HOST, archiving_node.port, rtstruct)
    archiving_node.wait_for("sent", objects=1)

    stored = orthanc.file(sop_instance_uid(rtstruct), tmp_path / "stored.dcm")
    assert renamed(rtstruct, stored) == specimens.RENAMED


def test_a_structure_set_that_cannot_be_read_is_held_and_released_unchanged(
    node: ServingNode, receiver: DcmtkReceiver, rtstruct: Path, tmp_path: Path
) -> None:
    data = dcmread(rtstruct)
    del data.StructureSetROISequence
    broken = tmp_path / "broken.dcm"
    data.save_as(broken)
    run("dcmsend", HOST, node.port, broken)
    (held,) = wait_until(
        lambda: [job for job in node.queue() if job["state"] == "held"], "the object is held"
    )
    assert held["reason"] == "no_roi_sequence"

    assert node.verb("queue", "release", held["job"])[0] == 0
    node.wait_for("sent", objects=1)
    (received,) = receiver.files().values()
    assert data_set_bytes(received) == data_set_bytes(broken)
