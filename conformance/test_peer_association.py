"""Who is let in and what is negotiated, seen from DCMTK's side."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import specimens
from comparison import data_set_bytes, sop_instance_uid
from doubles.wire import ODD_REQUESTS, association_request, connected, pdu
from foreign_peers import DcmtkReceiver, Orthanc
from processes import DEADLINE_S, HOST, echo, run, sending
from serving_node import ServingNode

pytestmark = pytest.mark.peer


@pytest.mark.cell("Roles", "Verification", "DCMTK is called")
@pytest.mark.cell("Roles", "Verification", "Orthanc is called")
def test_the_verb_echo_reaches_storescp_and_orthanc_and_says_who_is_down(
    make_node: Callable[..., ServingNode],
    make_receiver: Callable[..., DcmtkReceiver],
    receiver: DcmtkReceiver,
    orthanc: Orthanc,
) -> None:
    assert make_node(receiver.as_destination(), orthanc.as_destination()).verb("echo")[0] == 0

    down = make_receiver()
    code, said = make_node(receiver.as_destination(), down.as_destination("down")).verb("echo", "--json")
    assert code != 0
    assert "down" in said


@pytest.mark.cell("Roles", "Storage, ten senders at a time", "DCMTK calls")
def test_ten_senders_at_once_are_all_served(
    node: ServingNode, receiver: DcmtkReceiver, tmp_path: Path
) -> None:
    sent = [specimens.other_object(tmp_path / f"{n}.dcm", "CT", seed=f"ten {n}", rows=256) for n in range(30)]
    with ExitStack() as running:
        senders = [
            running.enter_context(sending("-R", HOST, node.port, *sent[n::10], log=tmp_path / f"{n}.log"))
            for n in range(10)
        ]
        assert [sender.wait(DEADLINE_S) for sender in senders] == [0] * 10
    node.wait_for("sent", objects=30)
    received = receiver.files()
    assert all(data_set_bytes(received[sop_instance_uid(path)]) == data_set_bytes(path) for path in sent)


IGNORED_BY_DCMTK = {
    "an empty title",
    "a user identity that is cut off",
    "an extended negotiation that is cut off",
    "a context of nonsense beside a good one",
}
"""DCMTK gives no answer to these, nor does Orthanc, which is built on it."""


@pytest.mark.parametrize("odd", [name for name in ODD_REQUESTS if name not in IGNORED_BY_DCMTK])
def test_an_odd_request_that_storescp_and_orthanc_accept_is_accepted(
    node: ServingNode, receiver: DcmtkReceiver, orthanc: Orthanc, odd: str
) -> None:
    request = association_request(**ODD_REQUESTS[odd])
    answers = []
    for port in (receiver.port, orthanc.port, node.port):
        with connected(port) as connection:
            connection.sendall(request)
            answers.append(pdu(connection)[:1])
    assert answers == [b"\x02"] * 3


def test_storescu_is_served_while_others_are_silent_or_idle(
    node: ServingNode, receiver: DcmtkReceiver, rtstruct: Path
) -> None:
    with ExitStack() as held:
        for _ in range(60):
            held.enter_context(connected(node.port))
        for _ in range(30):
            idle = held.enter_context(connected(node.port, "127.0.0.2"))
            idle.sendall(association_request())
        run("storescu", HOST, node.port, rtstruct)
        node.wait_for("sent", objects=1)
    assert set(receiver.files()) == {sop_instance_uid(rtstruct)}


@pytest.mark.cell("Roles", "C-FIND, refused", "DCMTK calls")
def test_a_query_is_refused_since_the_node_is_no_query_scp(node: ServingNode) -> None:
    query = ("-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID")
    said = run("findscu", *query, HOST, node.port, check=False)
    assert "No Acceptable Presentation Contexts" in said.stdout


@pytest.mark.cell("Roles", "C-GET and C-MOVE, refused", "DCMTK calls")
@pytest.mark.parametrize(
    ("retrieval", "refusal"),
    [
        ("getscu", "No adequate Presentation Contexts for sending C-GET"),
        ("movescu", "No Acceptable Presentation Contexts"),
    ],
)
def test_a_retrieval_is_refused_since_the_node_is_no_retrieve_scp(
    retrieval: str, refusal: str, node: ServingNode
) -> None:
    asked = ("-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.2.3")
    said = run(retrieval, *asked, HOST, node.port, check=False)
    assert said.returncode != 0
    assert refusal in said.stdout


@pytest.mark.cell("Roles", "AE titles that are not listed, refused", "DCMTK calls")
def test_only_the_listed_callers_who_use_the_nodes_own_title_get_in(
    make_node: Callable[..., ServingNode], receiver: DcmtkReceiver, rtstruct: Path
) -> None:
    node = make_node(
        receiver.as_destination(), listen={"called_ae_must_match": "yes"}, peers={"ae_titles": ["PLANNING"]}
    )
    known = ("-aet", "PLANNING")
    node.start(ready=lambda: echo(node.port, node.ae_title, *known))

    assert not echo(node.port, node.ae_title, "-aet", "STRANGER")
    assert not echo(node.port, "ANOTHER", *known)
    refused = run(
        "dcmsend", "-aet", "STRANGER", "-aec", node.ae_title, HOST, node.port, rtstruct, check=False
    )
    assert refused.returncode != 0
    run("dcmsend", *known, "-aec", node.ae_title, HOST, node.port, rtstruct)
    node.wait_for("sent", objects=1)
    (job,) = node.queue()
    assert job["from"] == "PLANNING"


@pytest.mark.cell("Roles", "Addresses that are not listed, refused", "DCMTK calls")
def test_only_the_listed_addresses_get_in(
    make_node: Callable[..., ServingNode], receiver: DcmtkReceiver, rtstruct: Path
) -> None:
    node = make_node(receiver.as_destination(), peers={"addresses": ["192.0.2.0/24"]})
    node.start(ready=lambda: "listening" in node.output())
    assert not echo(node.port, node.ae_title)
    assert run("storescu", HOST, node.port, rtstruct, check=False).returncode != 0
    assert node.queue() == []
