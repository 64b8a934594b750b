"""What goes where: filters of destinations, what is left out in the audit log, part of the day, plans without their sets."""

from __future__ import annotations

import logging
import time

import pytest
from doubles.loopback import (
    CT,
    RTPLAN,
    RTSTRUCT,
    Receiver,
    Sender,
    element,
    image,
    node_config,
    referring,
    structure_set,
    wait_until,
)
from doubles.nodes import UID, List, audit_lines, decide, settled

from tg263_scp.config.loading import load_config
from tg263_scp.config.sections import Send
from tg263_scp.errors import ConfigError
from tg263_scp.service.deciding.selection import parts_plans_from_sets
from tg263_scp.service.journal.states import ObjectState
from tg263_scp.service.node import assemble


def send(**settings) -> Send:
    nothing = {"sop_classes": [], "modalities": [], "calling_ae_titles": [], "relabelled_only": "no"}
    return Send(**(nothing | settings))


@pytest.fixture
def running(tmp_path):
    """Start a node with two destinations, of which the first wants only a part."""
    started = []

    def start(wanted: Send, **settings):
        first, second = Receiver(), Receiver()
        for receiver in (first, second):
            receiver.start()
            started.append(receiver.stop)
        plain = node_config(tmp_path, first.port, second.port)
        filtered = plain.destinations[0].model_copy(update={"send": wanted, **settings})
        config = plain.model_copy(update={"destinations": [filtered, plain.destinations[1]]})
        node = assemble(config, List(), decide=decide)
        node.start()
        started.insert(0, node.drain_and_stop)
        return node, first, second, config

    yield start
    for end in started:
        end()


def modal(dataset: bytes, modality: bytes) -> bytes:
    """Put a Modality into a data set that has none."""
    place = dataset.index(b"\x10\x00\x20\x00")
    return dataset[:place] + element(0x00080060, "CS", modality) + dataset[place:]


OBJECTS = {
    "set": (structure_set(["linke lunge"]), RTSTRUCT, UID),
    "unchanged": (structure_set(["anything"], uid="1.2.3.101"), RTSTRUCT, "1.2.3.101"),
    "image": (modal(image(), b"CT"), CT, "1.2.3.200"),
    "plan": (modal(referring(RTPLAN, "1.2.3.300", UID), b"RTPLAN"), RTPLAN, "1.2.3.300"),
}


@pytest.mark.parametrize(
    ("wanted", "gets"),
    [
        (send(sop_classes=[RTSTRUCT]), ["set", "unchanged"]),
        (send(modalities=["RTSTRUCT", "RTPLAN"]), ["set", "unchanged", "plan"]),
        (send(relabelled_only="yes"), ["set"]),
        (send(calling_ae_titles=["TPS"], sop_classes=[CT]), ["image"]),
    ],
)
def test_a_destination_gets_what_it_wants_and_the_others_everything(tmp_path, running, wanted, gets):
    node, first, second, config = running(wanted)
    for dataset, sop_class, uid in OBJECTS.values():
        assert Sender(node.address[1], tmp_path).send(dataset, sop_class, uid).status == 0x0000
    wait_until(lambda: settled(node, len(OBJECTS)))
    uids = {name: uid for name, (_, _, uid) in OBJECTS.items()}
    assert first.uids() == [uids[name] for name in gets]
    assert second.uids() == list(uids.values())
    lines = [line for line in audit_lines(config) if "left_out" in line]
    assert [line["sop_instance_uid"] for line in lines if line["left_out"]] == [
        uid for name, uid in uids.items() if name not in gets
    ]
    assert all(line["destinations"] == (["d2"] if line["left_out"] else ["d1", "d2"]) for line in lines)


def test_who_sent_it_decides_too(tmp_path, running):
    node, first, second, _ = running(send(calling_ae_titles=["OTHER"]))
    Sender(node.address[1], tmp_path).send(*OBJECTS["set"])
    Sender(node.address[1], tmp_path, calling_ae_title="OTHER").send(*OBJECTS["unchanged"])
    wait_until(lambda: settled(node, 2))
    assert (first.uids(), second.uids()) == (["1.2.3.101"], [UID, "1.2.3.101"])


def test_why_something_is_left_out_is_in_the_audit_log(tmp_path, running):
    node, _, _, config = running(send(modalities=["RTSTRUCT"]))
    dataset, sop_class, uid = OBJECTS["image"]
    Sender(node.address[1], tmp_path).send(dataset, sop_class, uid)
    wait_until(lambda: settled(node))
    assert audit_lines(config)[0]["left_out"] == {"d1": "modalities"}


def test_what_no_destination_wants_is_held(tmp_path):
    with Receiver() as receiver:
        plain = node_config(tmp_path, receiver.port)
        wanted = plain.destinations[0].model_copy(update={"send": send(sop_classes=[CT])})
        node = assemble(plain.model_copy(update={"destinations": [wanted]}), List(), decide=decide)
        with node:
            Sender(node.address[1], tmp_path).send(*OBJECTS["set"])
            wait_until(lambda: settled(node))
            ((job, _),) = node.journal.list_objects()
            assert (job.state, job.reason) == (ObjectState.HELD, "no_destination")
            node.journal.release(job.job)
            wait_until(lambda: node.journal.job(job.job).state is ObjectState.READY)
            assert receiver.box == []


def test_a_plan_that_goes_where_its_set_does_not_is_warned_of(tmp_path, running, caplog):
    node, first, _, _ = running(send(sop_classes=[RTPLAN]))
    with caplog.at_level(logging.WARNING, "tg263_scp.worker"):
        for name in ("set", "plan"):
            Sender(node.address[1], tmp_path).send(*OBJECTS[name])
        wait_until(lambda: settled(node, 2))
    assert first.uids() == ["1.2.3.300"]
    said = [line for line in caplog.messages if "does not get the structure set" in line]
    assert said == ["job 2: goes to d1, which does not get the structure set that it refers to (see send)"]


@pytest.mark.parametrize(
    ("wanted", "parts"),
    [
        (send(), False),
        (send(modalities=["RTPLAN"]), True),
        (send(modalities=["RTPLAN", "RTSTRUCT"]), False),
        (send(modalities=["CT"]), False),
        (send(sop_classes=[RTPLAN]), True),
        (send(sop_classes=[RTPLAN], relabelled_only="yes"), False),
    ],
)
def test_filters_that_part_plans_from_their_sets_are_known(wanted, parts):
    assert parts_plans_from_sets(wanted) is parts


def hours_from_now(hours: float) -> str:
    return time.strftime("%H:%M", time.localtime(time.time() + 3600 * hours))


def test_outside_its_part_of_the_day_a_destination_gets_nothing(tmp_path, running):
    later = f"{hours_from_now(2)}-{hours_from_now(4)}"
    node, first, second, _ = running(send(), send_between=later)
    Sender(node.address[1], tmp_path).send(*OBJECTS["set"])
    wait_until(lambda: second.uids() == [UID])
    time.sleep(0.3)
    assert first.box == []


@pytest.mark.parametrize("hours", [(-1, 1), (-1, -2)])
def test_within_its_part_of_the_day_a_destination_is_sent_to(tmp_path, running, hours):
    now = f"{hours_from_now(hours[0])}-{hours_from_now(hours[1])}"
    node, first, _, _ = running(send(), send_between=now)
    Sender(node.address[1], tmp_path).send(*OBJECTS["set"])
    wait_until(lambda: first.uids() == [UID])


@pytest.mark.parametrize(
    "text",
    [
        "{send_between: 8-9}",
        "{send_between: '25:00-06:00'}",
        "{send_between: '08:00-08:00'}",
        "{send: {modalities: [rtstruct]}}",
        "{send: {sop_classes: [CT]}}",
        "{send: {modality: [CT]}}",
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, text):
    path = tmp_path / "node.yaml"
    path.write_text(f"destination_defaults: {text}\n")
    with pytest.raises(ConfigError):
        load_config(path)
