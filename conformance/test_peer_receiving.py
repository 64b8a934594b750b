"""DCMTK's echoscu, storescu and dcmsend, and Orthanc, send to the node."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import specimens
from comparison import data_set_bytes, elements, renamed, sop_instance_uid, transfer_syntax
from foreign_peers import ACCEPT_ALL, ENCODINGS, DcmtkReceiver, Orthanc
from processes import DEADLINE_S, HOST, echo, run, sending, wait_until
from pydicom.uid import RLELossless
from serving_node import ServingNode, Wire

pytestmark = pytest.mark.peer


@pytest.mark.cell("Roles", "Verification", "DCMTK calls")
def test_the_node_answers_echoscu(node: ServingNode) -> None:
    assert echo(node.port, node.ae_title)


@pytest.mark.cell("Roles", "Verification", "DCMTK calls")
def test_the_node_answers_many_echoes_over_one_association(node: ServingNode) -> None:
    run("echoscu", "--repeat", 20, "-aec", node.ae_title, HOST, node.port)


@pytest.mark.cell("Roles", "128 presentation contexts of 38 transfer syntaxes", "DCMTK calls")
def test_every_proposal_of_presentation_contexts_is_answered(node: ServingNode) -> None:
    run("echoscu", "--propose-pc", 128, "--propose-ts", 38, HOST, node.port)


@pytest.mark.cell("Transfer syntaxes", "{encoding}", "{sender} sends")
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "sender",
    [
        pytest.param(
            "storescu", marks=pytest.mark.cell("Transfer syntaxes", "{encoding}", "storescp receives")
        ),
        "dcmsend",
    ],
)
def test_a_structure_set_arrives_with_its_new_names(
    sender: str,
    encoding: str,
    node: ServingNode,
    receiver: DcmtkReceiver,
    rtstruct: Path,
    tmp_path: Path,
) -> None:
    write, propose, expected = ENCODINGS[encoding]
    sent = tmp_path / "sent.dcm"
    run("dcmconv", write, rtstruct, sent)
    options = (propose, "-R") if sender == "storescu" else ()

    run(sender, *options, HOST, node.port, sent)
    node.wait_for("sent", objects=1)

    (received,) = receiver.files().values()
    assert renamed(sent, received) == specimens.RENAMED
    if sender == "storescu":
        assert transfer_syntax(received) == expected


@pytest.mark.cell("Roles", "Storage", "DCMTK calls")
@pytest.mark.cell("Roles", "Storage", "DCMTK is called")
def test_the_other_objects_of_an_export_pass_byte_for_byte(
    node: ServingNode, receiver: DcmtkReceiver, export: list[Path]
) -> None:
    run("dcmsend", HOST, node.port, *export)
    node.wait_for("sent", objects=len(export))

    received = receiver.files()
    assert len(received) == len(export)
    for sent in export:
        arrived = received[sop_instance_uid(sent)]
        if "RTSTRUCT" in sent.name:
            assert renamed(sent, arrived) == specimens.RENAMED
        else:
            assert data_set_bytes(arrived) == data_set_bytes(sent), sent.name


@pytest.mark.cell("Transfer syntaxes", "RLE lossless (CT)", "storescu sends")
def test_compressed_images_pass_byte_for_byte(
    node: ServingNode, receiver: DcmtkReceiver, tmp_path: Path
) -> None:
    sent = tmp_path / "rle.dcm"
    run("dcmcrle", specimens.other_object(tmp_path / "CT.dcm", "CT", seed="compressed"), sent)

    run("storescu", "-xr", "-R", HOST, node.port, sent)
    node.wait_for("sent", objects=1)

    (received,) = receiver.files().values()
    assert transfer_syntax(received) == RLELossless
    assert data_set_bytes(received) == data_set_bytes(sent)


@pytest.mark.cell("Roles", "Storage, in the order of sending", "DCMTK calls")
@pytest.mark.cell("Roles", "Storage, in the order of sending", "Orthanc is called")
def test_many_objects_over_one_association_stay_in_order(
    archiving_node: ServingNode, orthanc: Orthanc, tmp_path: Path
) -> None:
    sent = [specimens.other_object(tmp_path / f"{n:03d}.dcm", "CT", seed=f"order {n}") for n in range(60)]
    sent.insert(30, specimens.structure_set(tmp_path / "RTSTRUCT.dcm", seed="order"))

    run("dcmsend", "-ma", HOST, archiving_node.port, *sent)
    archiving_node.wait_for("sent", objects=61)

    assert orthanc.order_of_arrival() == [sop_instance_uid(path) for path in sent]


@pytest.mark.cell("PDU sizes", "{pdu_bytes}", "storescu sends")
@pytest.mark.parametrize("pdu_bytes", [4096, 16384, 131072])
def test_a_large_object_comes_in_pdus_of_any_size(
    pdu_bytes: int, node: ServingNode, receiver: DcmtkReceiver, tmp_path: Path
) -> None:
    _send_large_objects(node, receiver, tmp_path, pdu_bytes)


@pytest.mark.cell("PDU sizes", "4096, announced by the node too", "storescu sends")
@pytest.mark.cell("PDU sizes", "4096, announced by the node too", "storescp receives")
def test_small_pdus_are_kept_to_in_both_directions(
    make_node: Callable[..., ServingNode], make_receiver: Callable[..., DcmtkReceiver], tmp_path: Path
) -> None:
    receiver = make_receiver().start(*ACCEPT_ALL, "-pdu", 4096)
    node = make_node(receiver.as_destination(), listen={"max_pdu_bytes": 4096}).start()
    _send_large_objects(node, receiver, tmp_path, 131072)


@pytest.mark.cell("PDU sizes", "4096", "storescp receives")
@pytest.mark.cell("PDU sizes", "16384", "storescp receives")
@pytest.mark.cell("PDU sizes", "131072", "storescp receives")
def test_the_maximum_length_of_each_destination_is_kept_to(
    make_node: Callable[..., ServingNode], make_receiver: Callable[..., DcmtkReceiver], tmp_path: Path
) -> None:
    receivers = {
        size: make_receiver(f"pdu-{size}").start(*ACCEPT_ALL, "-pdu", size) for size in (4096, 16384, 131072)
    }
    node = make_node(
        *(receiver.as_destination(f"pdu-{size}") for size, receiver in receivers.items())
    ).start()
    sent = specimens.other_object(tmp_path / "RTDOSE.dcm", "RTDOSE", rows=700, seed="maximum length")
    run("storescu", HOST, node.port, sent)
    node.wait_for("sent", objects=1)
    for receiver in receivers.values():
        (received,) = receiver.files().values()
        assert data_set_bytes(received) == data_set_bytes(sent)


def _send_large_objects(node: ServingNode, receiver: DcmtkReceiver, folder: Path, pdu_bytes: int) -> None:
    dose = specimens.other_object(folder / "RTDOSE.dcm", "RTDOSE", rows=700, seed=folder.name)
    contours = specimens.structure_set(folder / "RTSTRUCT.dcm", points=2500, seed=folder.name)

    run("storescu", "--max-send-pdu", pdu_bytes, HOST, node.port, dose, contours)
    node.wait_for("sent", objects=2)

    received = receiver.files()
    assert data_set_bytes(received[sop_instance_uid(dose)]) == data_set_bytes(dose)
    assert renamed(contours, received[sop_instance_uid(contours)]) == specimens.RENAMED


@pytest.mark.cell("Aborts and outages", "The sender aborts after its last object", "DCMTK calls")
def test_what_was_acknowledged_before_an_abort_is_delivered(
    node: ServingNode, receiver: DcmtkReceiver, export: list[Path]
) -> None:
    run("storescu", "--abort", HOST, node.port, *export)
    node.wait_for("sent", objects=len(export))
    assert len(receiver.files()) == len(export)


@pytest.mark.cell("Aborts and outages", "The sender breaks off within an object", "DCMTK calls")
def test_an_object_cut_off_in_the_middle_leaves_nothing(
    node: ServingNode, receiver: DcmtkReceiver, rtstruct: Path, tmp_path: Path
) -> None:
    large = specimens.other_object(tmp_path / "RTDOSE.dcm", "RTDOSE", rows=700, seed="cut off")
    before = _spooled(node)
    with (
        Wire(node.port, pass_bytes=500_000) as wire,
        sending("-R", HOST, wire.port, large, log=tmp_path / "log") as storescu,
    ):
        assert wire.held.wait(DEADLINE_S), "the transfer never got half way"
        assert storescu.poll() is None, "the sender believes that it is done"
        storescu.kill()
    run("storescu", HOST, node.port, rtstruct)
    node.wait_for("sent", objects=1)

    assert set(receiver.files()) == {sop_instance_uid(rtstruct)}
    assert len(_spooled(node) - before) == 2, "more than the structure set and its relabelled copy"

    run("storescu", HOST, node.port, large)
    node.wait_for("sent", objects=2)
    assert data_set_bytes(receiver.files()[sop_instance_uid(large)]) == data_set_bytes(large)


def _spooled(node: ServingNode) -> set[Path]:
    return {path for folder in node.spool.iterdir() if folder.is_dir() for path in folder.iterdir()}


@pytest.mark.cell("Roles", "Storage, the same object again", "DCMTK calls")
def test_the_same_object_sent_twice_gets_the_same_names_twice(
    node: ServingNode, receiver: DcmtkReceiver, rtstruct: Path
) -> None:
    run("dcmsend", HOST, node.port, rtstruct)
    node.wait_for("sent", objects=1)
    (first,) = receiver.files().values()
    first.unlink()

    run("dcmsend", HOST, node.port, rtstruct)
    wait_until(receiver.files, "the structure set arrives again")
    node.wait_for("sent", objects=1)

    (second,) = receiver.files().values()
    assert renamed(rtstruct, second) == specimens.RENAMED
    uid = sop_instance_uid(rtstruct)
    assert [line["sop_instance_uid"] for line in node.audit_lines("relabelled")].count(uid) == 1


@pytest.mark.cell("Roles", "Verification", "Orthanc calls")
@pytest.mark.cell("Roles", "Storage", "Orthanc calls")
def test_orthanc_sends_to_the_node_by_its_rest_interface(
    node: ServingNode, receiver: DcmtkReceiver, orthanc: Orthanc, export: list[Path]
) -> None:
    orthanc.know_node(node)
    for path in export:
        orthanc.request("POST", "/instances", path.read_bytes().decode("latin-1"))
    orthanc.request("POST", "/modalities/TG263/echo", {})

    orthanc.rest("POST", "/modalities/TG263/store", list(orthanc.instances().values()))
    node.wait_for("sent", objects=len(export))

    received = receiver.files()
    for sent in export:
        expected = specimens.RENAMED if "RTSTRUCT" in sent.name else {}
        assert renamed(sent, received[sop_instance_uid(sent)]) == expected


@pytest.mark.cell("Roles", "Storage, as sub-operation of C-MOVE", "Orthanc calls")
def test_a_move_from_orthanc_to_the_node_is_relabelled_on_the_way(
    node: ServingNode, receiver: DcmtkReceiver, orthanc: Orthanc, rtstruct: Path
) -> None:
    orthanc.know_node(node)
    run("storescu", "-aec", orthanc.ae_title, HOST, orthanc.port, rtstruct)
    study = elements(rtstruct)["0020000D"].decode().rstrip("\0")

    call = ("-S", "-aec", orthanc.ae_title, "-aem", node.ae_title)
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}")
    run("movescu", *call, *keys, HOST, orthanc.port)
    node.wait_for("sent", objects=1)

    (received,) = receiver.files().values()
    assert renamed(rtstruct, received) == specimens.RENAMED
