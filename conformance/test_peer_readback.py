"""Orthanc says what it has. As it comes it keeps the old version and answers success; with overwriting it does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import specimens
from comparison import sop_instance_uid
from foreign_peers import DcmtkReceiver, Orthanc
from processes import HOST, run, wait_until
from serving_node import ServingNode

from tg263_scp.cli import main as cli
from tg263_scp.dicom.network.sender import Connection, Parcel, Peer
from tg263_scp.dicom.readback.retrieve import Got, Wanted, retrieve
from tg263_scp.dicom.reading.structure_set import read_structure_set

pytestmark = pytest.mark.peer


def told(node: ServingNode) -> list[str]:
    """Return what the audit log says of what was read back."""
    return [line["result"] for line in node.audit_lines("read_back")]


def reading(node: ServingNode, sent: Path) -> list[str]:
    """Send a set through the node and wait until it is known what the destination has."""
    run("dcmsend", HOST, node.port, sent)
    node.wait_for("sent", objects=1)
    return list(wait_until(lambda: told(node), "it is known what the destination has"))


def asked(orthanc: Orthanc, how: str, **more: Any) -> dict[str, Any]:
    """Return Orthanc as a destination that is asked what it has."""
    return {**orthanc.as_destination(), "verify": how, **more}


@pytest.mark.cell("Reading back", "C-GET: verified", "Orthanc, overwriting")
def test_orthanc_that_overwrites_gives_the_relabelled_set_back(
    make_node: Callable[..., ServingNode], orthanc: Orthanc, rtstruct: Path
) -> None:
    run("storescu", "-R", "-aec", orthanc.ae_title, HOST, orthanc.port, rtstruct)
    node = make_node(asked(orthanc, "retrieve")).start()
    assert reading(node, rtstruct) == ["verified"]


@pytest.mark.cell("Reading back", "C-GET: old version kept", "Orthanc, as it comes")
def test_orthanc_as_it_comes_keeps_the_old_version_and_is_found_out(
    make_node: Callable[..., ServingNode], first_come_orthanc: Orthanc, rtstruct: Path
) -> None:
    run("storescu", "-R", "-aec", "ORTHANC", HOST, first_come_orthanc.port, rtstruct)
    node = make_node(asked(first_come_orthanc, "retrieve")).start()
    assert reading(node, rtstruct) == ["old version kept"]
    wait_until(lambda: "OverwriteInstances true" in node.output(), "the log says what to do")


@pytest.mark.cell("Reading back", "C-GET: verified, under new UIDs", "Orthanc, as it comes")
def test_orthanc_as_it_comes_has_the_relabelled_set_under_new_uids(
    make_node: Callable[..., ServingNode], first_come_orthanc: Orthanc, rtstruct: Path
) -> None:
    run("storescu", "-R", "-aec", "ORTHANC", HOST, first_come_orthanc.port, rtstruct)
    node = make_node(asked(first_come_orthanc, "retrieve", uid_policy="new")).start()
    assert reading(node, rtstruct) == ["verified"]
    assert len(first_come_orthanc.instances()) == 2
    assert sop_instance_uid(rtstruct) in first_come_orthanc.instances()


@pytest.mark.cell("Reading back", "Storage commitment as SCU: held there", "Orthanc, overwriting")
def test_orthanc_commits_itself_over_an_association_of_its_own(
    make_node: Callable[..., ServingNode], orthanc: Orthanc, rtstruct: Path
) -> None:
    node = make_node(asked(orthanc, "commitment", uid_policy="new")).start()
    orthanc.know_node(node)
    assert reading(node, rtstruct) == ["held there"]


@pytest.mark.cell(
    "Reading back",
    "Storage commitment as SCU: held there, though it is the old version",
    "Orthanc, as it comes",
)
def test_orthanc_as_it_comes_commits_itself_to_the_old_version_too(
    make_node: Callable[..., ServingNode], first_come_orthanc: Orthanc, rtstruct: Path
) -> None:
    run("storescu", "-R", "-aec", "ORTHANC", HOST, first_come_orthanc.port, rtstruct)
    node = make_node(asked(first_come_orthanc, "commitment")).start()
    first_come_orthanc.know_node(node)
    assert reading(node, rtstruct) == ["held there"]
    names = first_come_orthanc.roi_names(sop_instance_uid(rtstruct))
    assert not set(specimens.RENAMED.values()) <= set(names)
    code, said = node.verb("doctor")
    assert "an archive that kept the original commits itself as well" in said, code


@pytest.mark.cell("Reading back", "Storage commitment as SCP", "Orthanc, overwriting")
def test_orthanc_is_told_what_the_node_has_taken_for_good(
    make_node: Callable[..., ServingNode], receiver: DcmtkReceiver, orthanc: Orthanc, rtstruct: Path
) -> None:
    peers = [{"ae_title": orthanc.ae_title, "host": HOST, "port": orthanc.port, "commit_within_s": 30}]
    node = make_node(receiver.as_destination(), commitment_peers=peers).start()
    orthanc.know_node(node)
    run("storescu", "-R", "-aec", orthanc.ae_title, HOST, orthanc.port, rtstruct)
    (uid,) = orthanc.instances()
    orthanc.rest("POST", "/modalities/TG263/store", [orthanc.instances()[uid]])
    node.wait_for("sent", objects=1)
    known = ["1.2.840.10008.5.1.4.1.1.481.3", uid]

    def outcome(*wanted: list[str]) -> dict[str, Any]:
        asked_for = {"DicomInstances": list(wanted)}
        path = orthanc.rest("POST", "/modalities/TG263/storage-commitment", asked_for)["Path"]
        answer = wait_until(
            lambda: (said := orthanc.rest("GET", path))["Status"] != "Pending" and said, "an answer"
        )
        assert isinstance(answer, dict)
        return answer

    assert outcome(known)["Status"] == "Success"
    failed = outcome(known, [known[0], "1.2.3.4.5"])
    assert failed["Status"] == "Failure"
    assert [each["SOPInstanceUID"] for each in failed["Failures"]] == ["1.2.3.4.5"]


@pytest.mark.cell("Reading back", "C-GET, then revert by content", "Orthanc, overwriting")
def test_a_set_with_undefined_lengths_that_orthanc_gives_back_is_reverted_by_content(
    make_node: Callable[..., ServingNode], orthanc: Orthanc, rtstruct: Path, tmp_path: Path
) -> None:
    sent = tmp_path / "undefined.dcm"
    run("dcmconv", "+te", "-e", rtstruct, sent)
    node = make_node(orthanc.as_destination()).start()
    there = read_structure_set(sent)
    # storescu would write explicit lengths.
    parcel = Parcel(sent, there.sop_class_uid, there.transfer_syntax_uid, there.sop_instance_uid)
    with Connection(Peer(HOST, node.port, node.ae_title, "TPS"), [parcel.context]) as connection:
        assert connection.send(parcel).status == 0x0000
    node.wait_for("sent", objects=1)
    peer = Peer(HOST, orthanc.port, orthanc.ae_title, "TG263")
    wanted = Wanted(
        there.sop_class_uid,
        there.sop_instance_uid,
        there.series_instance_uid,
        there.study_instance_uid,
        1 << 24,
    )
    given = tmp_path / "given.dcm"
    assert retrieve(peer, wanted, given).got is Got.OBJECT

    assert cli(["revert", str(given), "--output", str(tmp_path / "bytes")]) != 0
    assert cli(["revert", str(given), "--output", str(tmp_path / "back"), "--by-content"]) == 0
    back = tmp_path / "back" / "given.dcm"
    assert [roi.name.rstrip() for roi in read_structure_set(back).rois] == [
        roi.name.rstrip() for roi in there.rois
    ]
