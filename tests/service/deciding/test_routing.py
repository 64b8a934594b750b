from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from doubles.loopback import RTSTRUCT, Receiver, Sender, node_config, structure_set, unrecorded, wait_until

from tg263_scp.config.loading import load_config
from tg263_scp.config.sections import Config
from tg263_scp.errors import HoldReason
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.deciding.routing import Routes
from tg263_scp.service.journal.states import DeliveryState, ObjectState
from tg263_scp.service.node import Node, assemble

ROUTES = """
routes:
  - {name: both, calling_ae_titles: [TPS1, TPS2], called_ae_titles: RESEARCH, addresses: 10.1.0.0/16}
  - {name: callers, calling_ae_titles: [TPS1, TPS2]}
  - {name: called, called_ae_titles: RESEARCH}
  - {name: network, addresses: [10.2.0.0/16, 'fd00::/8']}
"""


@dataclass(frozen=True)
class From:
    calling_ae_title: str
    called_ae_title: str = "TG263"
    peer_address: str = "192.0.2.1"


@pytest.mark.parametrize(
    ("sender", "route"),
    [
        (From("TPS2", "RESEARCH", "10.1.2.3"), "both"),
        (From("TPS2", "RESEARCH", "10.9.2.3"), "callers"),
        (From("TPS1"), "callers"),
        (From(" TPS1 "), "callers"),
        (From("tps1"), ""),
        (From("CT", "RESEARCH"), "called"),
        (From("CT", "RESEARCH", "10.2.0.9"), "called"),
        (From("CT", "TG263", "10.2.0.9"), "network"),
        (From("CT", "TG263", "::ffff:10.2.0.9"), "network"),
        (From("CT", "TG263", "fd00::7%eth0"), "network"),
        (From("CT", "TG263", "fe80::7"), ""),
        (From("CT", "TG263", "not an address"), ""),
    ],
)
def test_the_first_route_that_fits_the_sender_is_taken(tmp_path, sender, route):
    path = tmp_path / "node.yaml"
    path.write_text(ROUTES + "destinations: [{name: a, host: h, port: 1, ae_title: A}]\n", encoding="utf-8")
    assert Routes(load_config(path)).of(sender).name == route


@pytest.fixture
def archives():
    with Receiver() as research, Receiver() as clinic:
        yield research, clinic


@pytest.fixture
def config(tmp_path, archives) -> Config:
    """Two routes: research is shadowed and stays apart, the clinic's approved sets are relabelled; the rest goes to both."""
    path = tmp_path / "node.yaml"
    node_config(tmp_path, *(archive.port for archive in archives))
    text = """
naming: {gates: {approved: hold}}
routes:
  - {name: research, called_ae_titles: RESEARCH, mode: shadow, destinations: d1}
  - {name: clinic, calling_ae_titles: TPS, gates: {approved: relabel}, destinations: [d2]}
"""
    plain = path.read_text(encoding="utf-8").replace(
        "min_free_bytes: 0}", "min_free_bytes: 0, same_again_s: 0}"
    )
    path.write_text(plain + text, encoding="utf-8")
    return load_config(path)


APPROVED = structure_set(["LUNG-L"], approval="APPROVED")
RELABELLED = structure_set(["Lung_L"], approval="APPROVED")


def send(node: Node, folder, calling: str, called: str, dataset: bytes = APPROVED) -> None:
    sender = Sender(node.address[1], folder, calling, called)
    assert sender.send(dataset, RTSTRUCT, "1.2.3.100").status == 0x0000


def finished(node: Node, count: int) -> bool:
    states = [
        job.state is ObjectState.HELD
        or (bool(deliveries) and all(each.state is DeliveryState.SENT for each in deliveries))
        for job, deliveries in node.journal.list_objects(finished=True)
    ]
    return len(states) == count and all(states)


def decisions(config: Config) -> list[dict]:
    lines = [json.loads(line) for line in config.audit.file.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if "decision" in line]


def test_one_object_goes_three_ways_with_its_sender(config, archives, tmp_path, nomenclature: Nomenclature):
    research, clinic = archives
    with assemble(config, nomenclature) as node:
        send(node, tmp_path, "TPS", "RESEARCH")
        send(node, tmp_path, "TPS", "TG263")
        send(node, tmp_path, "OTHER", "TG263")
        wait_until(lambda: finished(node, 3))
        jobs = [job for job, _ in node.journal.list_objects(finished=True)]
        assert [(job.route, str(job.state)) for job in jobs] == [
            ("research", "READY"),
            ("clinic", "READY"),
            ("", "HELD"),
        ]
        node.journal.release(jobs[2].job)
        wait_until(lambda: finished(node, 3))
    assert [sent.dataset for sent in research.box] == [APPROVED, APPROVED]
    assert [unrecorded(sent.dataset) for sent in clinic.box] == [RELABELLED, APPROVED]
    shadowed, relabelled, held, released = decisions(config)
    assert (shadowed["kind"], shadowed["route"], shadowed["called_ae_title"]) == (
        "shadow",
        "research",
        "RESEARCH",
    )
    assert (relabelled["kind"], relabelled["route"], relabelled["destinations"]) == (
        "relabelled",
        "clinic",
        ["d2"],
    )
    assert (held["kind"], held["reason"], held["route"]) == ("held", HoldReason.APPROVED, "")
    assert released["kind"] == "released"


def test_a_restart_decides_what_the_sender_and_the_called_title_say(
    config, archives, tmp_path, nomenclature: Nomenclature, monkeypatch
):
    research, clinic = archives

    def cut_off(rois, *_, **__):
        raise OSError(28, "no space left: decided later")

    monkeypatch.setattr("tg263_scp.service.deciding.worker.disk_refuses", lambda folder, wanted_bytes: True)
    with assemble(config, nomenclature, decide=cut_off) as node:
        send(node, tmp_path, "TPS", "RESEARCH")
        send(node, tmp_path, "TPS", "TG263")
    with assemble(config, nomenclature) as node:
        wait_until(lambda: finished(node, 2))
    assert [sent.dataset for sent in research.box] == [APPROVED]
    assert [unrecorded(sent.dataset) for sent in clinic.box] == [RELABELLED]


def test_the_same_object_again_goes_the_same_way_again(
    config, archives, tmp_path, nomenclature: Nomenclature
):
    _, clinic = archives
    with assemble(config, nomenclature) as node:
        for times in (1, 2):
            send(node, tmp_path, "TPS", "TG263")
            wait_until(lambda times=times: len(clinic.box) == times and finished(node, 1))
    assert clinic.box[0].dataset == clinic.box[1].dataset
    assert unrecorded(clinic.box[0].dataset) == RELABELLED
