"""Routes: what DCMTK's storescu sends goes the way of its AE titles, to the storescp it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import specimens
from comparison import data_set_bytes, renamed, sop_instance_uid
from foreign_peers import DcmtkReceiver
from processes import HOST, run
from pydicom import dcmread
from serving_node import ServingNode

pytestmark = pytest.mark.peer


def _approved(path: Path, seed: str) -> Path:
    data = dcmread(specimens.structure_set(path, seed=seed))
    data.ApprovalStatus, data.ReviewDate, data.ReviewTime, data.ReviewerName = "APPROVED", "", "", "Specimen"
    data.save_as(path)
    return path


def test_two_routes_take_two_senders_to_two_destinations(
    make_node: Callable[..., ServingNode],
    make_receiver: Callable[..., DcmtkReceiver],
    tmp_path: Path,
) -> None:
    research, clinic = make_receiver("research").start(), make_receiver("clinic").start()
    routes = [
        {"name": "study", "called_ae_titles": ["STUDY"], "mode": "shadow", "destinations": ["research"]},
        {
            "name": "planning",
            "calling_ae_titles": ["TPS"],
            "gates": {"approved": "relabel"},
            "destinations": ["clinic"],
        },
    ]
    node = make_node(research.as_destination("research"), clinic.as_destination("clinic"), routes=routes)
    node.start()
    sets = {title: _approved(tmp_path / f"{title}.dcm", title) for title in ("STUDY", "TPS", "OTHER")}

    run("storescu", "-R", "-aet", "TPS", "-aec", "STUDY", HOST, node.port, sets["STUDY"])
    run("storescu", "-R", "-aet", "TPS", "-aec", "TG263", HOST, node.port, sets["TPS"])
    run("storescu", "-R", "-aet", "OTHER", "-aec", "TG263", HOST, node.port, sets["OTHER"])
    node.wait_for("sent", objects=3)

    uids = {title: sop_instance_uid(path) for title, path in sets.items()}
    assert set(research.files()) == {uids["STUDY"], uids["OTHER"]}
    assert set(clinic.files()) == {uids["TPS"], uids["OTHER"]}
    assert renamed(sets["TPS"], clinic.files()[uids["TPS"]]) == specimens.RENAMED
    for held in (research.files()[uids["STUDY"]], research.files()[uids["OTHER"]]):
        assert data_set_bytes(held) in {data_set_bytes(path) for path in sets.values()}
    (shadowed,), (relabelled,), (passed,) = map(node.audit_lines, ("shadow", "relabelled", "passed"))
    assert [line["route"] for line in (shadowed, relabelled, passed)] == ["study", "planning", ""]
    assert [gate["action"] for gate in relabelled["gates"] if gate["gate"] == "approved"] == ["relabel"]
    code, said = node.verb("doctor")
    assert "route planning: from TPS; mode relabel; approved relabel; goes to clinic" in said, (code, said)
