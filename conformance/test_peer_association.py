"""Who is let in and what is negotiated, seen from DCMTK's side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from foreign_peers import HOST, DcmtkReceiver, ServingNode, echo, run

pytestmark = pytest.mark.peer


def test_a_query_is_refused_since_the_node_is_no_query_scp(node: ServingNode) -> None:
    query = ("-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID")
    said = run("findscu", *query, HOST, node.port, check=False)
    assert "No Acceptable Presentation Contexts" in said.stdout


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


def test_only_the_listed_addresses_get_in(
    make_node: Callable[..., ServingNode], receiver: DcmtkReceiver, rtstruct: Path
) -> None:
    node = make_node(receiver.as_destination(), peers={"addresses": ["192.0.2.0/24"]})
    node.start(ready=lambda: "listening" in node.output())
    assert not echo(node.port, node.ae_title)
    assert run("storescu", HOST, node.port, rtstruct, check=False).returncode != 0
    assert node.queue() == []
