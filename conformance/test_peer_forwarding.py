"""The node sends to DCMTK's storescp and dcmrecv, and to Orthanc; what they hold is read back with tools of theirs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import specimens
from comparison import (
    changes,
    data_set_bytes,
    renamed,
    roi_names,
    sop_instance_uid,
    transfer_syntax,
)
from foreign_peers import ENCODINGS, DcmtkReceiver, Orthanc, dumped_names, findings
from processes import HOST, program, run, wait_until
from pydicom import dcmread
from serving_node import ServingNode

from tg263_scp.cli import main as cli

pytestmark = pytest.mark.peer

NEW_NAMES = [specimens.RENAMED.get(name, name) for name in (*specimens.RENAMED, *specimens.KEPT)]


@pytest.mark.cell("The relabelled object", "Shows the new names", "dcmdump")
def test_dcmdump_shows_the_new_names(node: ServingNode, receiver: DcmtkReceiver, rtstruct: Path) -> None:
    run("dcmsend", HOST, node.port, rtstruct)
    node.wait_for("sent", objects=1)

    (received,) = receiver.files().values()
    assert dumped_names(received)[: len(NEW_NAMES)] == NEW_NAMES


@pytest.mark.cell("The relabelled object", "Makes the same bytes of the same edit", "dcmodify")
def test_dcmtk_itself_makes_the_same_bytes_of_the_same_edit(
    make_node: Callable[..., ServingNode], receiver: DcmtkReceiver, rtstruct: Path, tmp_path: Path
) -> None:
    node = make_node(receiver.as_destination(), write={"provenance": "off"}).start()
    run("dcmsend", HOST, node.port, rtstruct)
    node.wait_for("sent", objects=1)

    edited = tmp_path / "edited.dcm"
    edited.write_bytes(rtstruct.read_bytes())
    edits = []
    for index, name in enumerate(NEW_NAMES):
        if index < len(specimens.RENAMED):
            edits += ["-m", f"(3006,0020)[{index}].(3006,0026)={name}"]
            edits += ["-m", f"(3006,0080)[{index}].(3006,0085)={name}"]
    run("dcmodify", "-nb", *edits, edited)

    (received,) = receiver.files().values()
    assert data_set_bytes(received) == data_set_bytes(edited)


@pytest.mark.cell("Roles", "Storage", "DCMTK is called")
def test_dcmrecv_takes_a_whole_export(
    make_node: Callable[..., ServingNode], make_receiver: Callable[..., DcmtkReceiver], export: list[Path]
) -> None:
    receiver = make_receiver(command="dcmrecv").start()
    node = make_node(receiver.as_destination()).start()
    run("dcmsend", HOST, node.port, *export)
    node.wait_for("sent", objects=len(export))

    for sent in export:
        received = receiver.files()[sop_instance_uid(sent)]
        assert renamed(sent, received) == (specimens.RENAMED if "RTSTRUCT" in sent.name else {})


@pytest.mark.cell("The relabelled object", "Finds nothing new", "dciodvfy")
def test_a_validator_finds_nothing_new_in_the_relabelled_object(
    node: ServingNode, receiver: DcmtkReceiver, rtstruct: Path
) -> None:
    program("dciodvfy")
    run("dcmsend", HOST, node.port, rtstruct)
    node.wait_for("sent", objects=1)

    (received,) = receiver.files().values()
    assert findings(received) == findings(rtstruct)


@pytest.mark.cell("The relabelled object", "Finds nothing new, with provenance and codes", "dciodvfy")
def test_provenance_adds_no_finding_and_takes_the_object_back(
    make_node: Callable[..., ServingNode], receiver: DcmtkReceiver, rtstruct: Path, tmp_path: Path
) -> None:
    program("dciodvfy")
    write = {"modifying_system": "CONFORMANCE", "codes": "on"}
    node = make_node(receiver.as_destination(), write=write).start()
    run("dcmsend", HOST, node.port, rtstruct)
    node.wait_for("sent", objects=1)

    (received,) = receiver.files().values()
    assert findings(received) == findings(rtstruct)
    data = dcmread(received)
    assert [roi.ROIName for roi in data.StructureSetROISequence[: len(NEW_NAMES)]] == NEW_NAMES
    (original,) = data.OriginalAttributesSequence
    assert original.ModifyingSystem == "CONFORMANCE"
    (line,) = node.audit_lines("relabelled")
    assert line["provenance_added"] is True
    assert line["codes_added"] > 0

    assert cli(["revert", str(received), "--output", str(tmp_path / "reverted")]) == 0
    assert data_set_bytes(tmp_path / "reverted" / received.name) == data_set_bytes(rtstruct)


@pytest.mark.cell("Roles", "Storage", "Orthanc is called")
@pytest.mark.cell("The relabelled object", "Shows the new names", "Orthanc")
@pytest.mark.cell("The relabelled object", "Gives it back unchanged", "Orthanc")
def test_orthanc_holds_the_new_names_and_everything_else_unchanged(
    archiving_node: ServingNode, orthanc: Orthanc, export: list[Path], tmp_path: Path
) -> None:
    run("dcmsend", HOST, archiving_node.port, *export)
    archiving_node.wait_for("sent", objects=len(export))

    assert orthanc.order_of_arrival() == [sop_instance_uid(path) for path in export]
    for sent in export:
        uid = sop_instance_uid(sent)
        stored = orthanc.file(uid, tmp_path / "stored.dcm")
        if "RTSTRUCT" in sent.name:
            assert orthanc.roi_names(uid)[: len(NEW_NAMES)] == NEW_NAMES
            assert renamed(sent, stored) == specimens.RENAMED
        else:
            assert changes(sent, stored) == {}


@pytest.mark.cell("Transfer syntaxes", "{encoding}", "Orthanc receives")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_orthanc_takes_a_structure_set_in_any_encoding(
    encoding: str, archiving_node: ServingNode, orthanc: Orthanc, rtstruct: Path, tmp_path: Path
) -> None:
    write, propose, _ = ENCODINGS[encoding]
    sent = _as(rtstruct, tmp_path / "sent.dcm", write)
    run("storescu", propose, "-R", HOST, archiving_node.port, sent)
    archiving_node.wait_for("sent", objects=1)

    uid = sop_instance_uid(sent)
    assert orthanc.roi_names(uid)[: len(NEW_NAMES)] == NEW_NAMES
    stored = orthanc.file(uid, tmp_path / "stored.dcm")
    assert transfer_syntax(stored) == transfer_syntax(sent)
    assert renamed(sent, stored) == specimens.RENAMED


def test_from_dcmsend_through_the_node_to_orthanc_every_structure_set_of_a_folder(
    archiving_node: ServingNode, orthanc: Orthanc, make_receiver: Callable[..., DcmtkReceiver], tmp_path: Path
) -> None:
    sources = _folder_of_structure_sets(tmp_path)
    control = make_receiver("control").start()
    run("dcmsend", "+f", "-nuc", HOST, control.port, *sources)
    sent = control.files()

    run("dcmsend", "+f", "-nuc", HOST, archiving_node.port, *sources)
    archiving_node.wait_for("sent", objects=len(sent))

    decided = _decided(archiving_node, set(sent))
    assert set(orthanc.instances()) == set(sent) == set(decided)
    for uid, original in sent.items():
        stored = orthanc.file(uid, tmp_path / "stored.dcm")
        was = roi_names(original)
        expected = [new or old for new, old in zip(decided[uid], was, strict=True)]
        assert roi_names(stored) == expected
        assert renamed(original, stored) == {a: b for a, b in zip(was, expected, strict=True) if a != b}
    assert any(any(names) for names in decided.values()), "nothing was renamed: the folder shows nothing"


def _folder_of_structure_sets(tmp_path: Path) -> list[Path]:
    folder = os.environ.get("TG263_RTSTRUCT_DIR")
    if folder:
        found = sorted(Path(folder).glob("*.dcm"))
        assert found, f"TG263_RTSTRUCT_DIR: there is no *.dcm in {folder}"
        return found
    one = specimens.structure_set(tmp_path / "1.dcm", seed="folder 1", points=1000)
    other = specimens.structure_set(tmp_path / "2.dcm", seed="folder 2", names=("heart", "Rt Lung", "PTV1"))
    run("dcmconv", "+ti", "-F", other, tmp_path / "3.dcm")  # a bare data set: no preamble, no file meta
    return [one, tmp_path / "3.dcm"]


def _decided(node: ServingNode, sop_instance_uids: set[str]) -> dict[str, list[str]]:
    """Return by SOP Instance UID what the audit log says that each ROI is renamed to; empty where it keeps its name."""
    names: dict[str, list[str]] = {}
    for kind in ("relabelled", "unchanged", "passed"):
        for line in node.audit_lines(kind):
            if line["sop_instance_uid"] in sop_instance_uids:
                applied = kind == "relabelled"
                names[line["sop_instance_uid"]] = [
                    roi["new"] if applied and roi["status"] == "rename" else "" for roi in line["rois"]
                ]
    return names


@pytest.mark.cell("Aborts and outages", "One of two destinations is down", "DCMTK is called")
@pytest.mark.cell("Aborts and outages", "One of two destinations is down", "Orthanc is called")
def test_two_destinations_each_have_their_own_state(
    make_node: Callable[..., ServingNode],
    make_receiver: Callable[..., DcmtkReceiver],
    orthanc: Orthanc,
    export: list[Path],
    tmp_path: Path,
) -> None:
    receiver = make_receiver()
    node = make_node(receiver.as_destination("downstairs"), orthanc.as_destination("archive")).start()

    run("dcmsend", HOST, node.port, *export)
    node.wait_for("sent", objects=len(export), destination="archive")
    node.wait_for("retry", objects=len(export), destination="downstairs")
    receiver.start()
    node.wait_for("sent", objects=len(export))

    for sent in export:
        uid = sop_instance_uid(sent)
        received, stored = receiver.files()[uid], orthanc.file(uid, tmp_path / "stored.dcm")
        assert changes(received, stored) == {}
        assert renamed(sent, received) == (specimens.RENAMED if "RTSTRUCT" in sent.name else {})


@pytest.mark.cell("Aborts and outages", "The destination takes no such transfer syntax", "DCMTK is called")
def test_what_a_destination_does_not_take_is_shown_and_the_rest_goes_on(
    make_node: Callable[..., ServingNode],
    make_receiver: Callable[..., DcmtkReceiver],
    rtstruct: Path,
    tmp_path: Path,
) -> None:
    receiver = make_receiver().start("+xi")
    node = make_node(receiver.as_destination()).start()
    implicit = _as(rtstruct, tmp_path / "implicit.dcm", "+ti")
    # Images are not transcoded.
    deflated = _as(
        specimens.other_object(tmp_path / "2.dcm", "CT", seed="refused"), tmp_path / "deflated.dcm", "+td"
    )
    run("storescu", "-xd", "-R", HOST, node.port, deflated)
    run("storescu", "-xi", "-R", HOST, node.port, implicit)

    def states() -> Sequence[str]:
        return [job["destinations"].get("receiver") for job in node.queue()]

    wait_until(lambda: states() == ["failed", "sent"], "one failed, the other sent")
    code, shown = node.verb("queue", "show", node.queue()[0]["job"])
    assert code == 0
    assert "1.2.840.10008.1.2.1.99" in shown

    receiver.kill()
    receiver.start()
    assert node.verb("queue", "retry", "--all")[0] == 0
    node.wait_for("sent", objects=2)
    assert data_set_bytes(receiver.files()[sop_instance_uid(deflated)]) == data_set_bytes(deflated)


def _as(source: Path, target: Path, encoding: str) -> Path:
    run("dcmconv", encoding, source, target)
    return target


@pytest.mark.cell("Aborts and outages", "The destination aborts (storescp {misbehaviour})", "DCMTK is called")
@pytest.mark.parametrize("misbehaviour", ["--abort-after", "--abort-during"])
def test_a_destination_that_aborts_gets_the_object_again(
    misbehaviour: str,
    make_node: Callable[..., ServingNode],
    make_receiver: Callable[..., DcmtkReceiver],
    rtstruct: Path,
) -> None:
    receiver = make_receiver().start("+xa", misbehaviour)
    node = make_node(receiver.as_destination()).start()
    run("dcmsend", HOST, node.port, rtstruct)
    node.wait_for("retry", objects=1)

    receiver.kill()
    receiver.clear()
    receiver.start()
    node.wait_for("sent", objects=1)
    (received,) = receiver.files().values()
    assert renamed(rtstruct, received) == specimens.RENAMED


@pytest.mark.cell("Aborts and outages", "The destination refuses the association", "DCMTK is called")
def test_a_destination_that_refuses_us_is_shown_and_gets_everything_once_it_knows_us(
    make_node: Callable[..., ServingNode], make_receiver: Callable[..., DcmtkReceiver], rtstruct: Path
) -> None:
    receiver = make_receiver().start("+xa", "--refuse", answers=False)
    node = make_node(receiver.as_destination()).start()
    run("dcmsend", HOST, node.port, rtstruct)
    (waits,) = node.wait_for("retry", objects=1)
    assert "rejects the association for good" in waits["errors"]["receiver"]
    assert "receiver, 1 objects: the peer rejects the association for good" in node.verb("queue", "list")[1]

    receiver.kill()
    receiver.start()
    node.wait_for("sent", objects=1)
    (received,) = receiver.files().values()
    assert renamed(rtstruct, received) == specimens.RENAMED
