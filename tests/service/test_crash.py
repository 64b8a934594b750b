"""The node is killed, as by a power cut, between any two steps of an object's way, and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from doubles.loopback import (
    CT,
    DEADLINE_S,
    EXPLICIT,
    RTSTRUCT,
    Receiver,
    Sender,
    image,
    node_config,
    structure_set,
    unrecorded,
    unused_port,
    wait_until,
)
from doubles.nodes import List, decide

from tg263_scp.dicom.network.sender import Unavailable
from tg263_scp.service.audit import verify
from tg263_scp.service.journal.database import JOURNAL_NAME
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import DeliveryState
from tg263_scp.service.node import assemble

TESTS = Path(__file__).parents[1]
UID = "1.2.3.100"
ORIGINAL = structure_set(["herz", "noname"])
RELABELLED = structure_set(["Heart", "noname"])

PROGRAM = """
import os, sys
from pathlib import Path
from tg263_scp.config.loading import load_config
from tg263_scp.service.node import assemble
from doubles.nodes import List, decide

config, last_step = load_config(Path(sys.argv[1])), sys.argv[2]

def step(name):
    if name == last_step:
        os._exit(9)

node = assemble(config, List(), decide=decide, step=step)
node.start()
print(node.address[1], flush=True)
sys.stdin.read()
node.drain_and_stop()
"""


class Process:
    """A node in a process of its own; it ends itself at ``last_step``, without any clearing up."""

    def __init__(self, config: Path, last_step: str = ""):
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(config), last_step],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])},
        )
        self.port = int(self.process.stdout.readline() or 0)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        code = self.process.wait(DEADLINE_S)
        self.process.stdin.close()
        self.process.stdout.close()
        return code


@pytest.fixture
def start(tmp_path):
    running = []

    def run(port: int, last_step: str = "", **options) -> Process:
        node_config(tmp_path, port, **options)
        running.append(Process(tmp_path / "node.yaml", last_step))
        return running[-1]

    yield run
    for process in running:
        if process.process.poll() is None:
            process.kill()


def send(port: int, folder: Path) -> int | None:
    try:
        return Sender(port, folder).send(ORIGINAL, RTSTRUCT, UID).status
    except Unavailable:
        return None


def rows(folder: Path):
    journal = Journal(folder / "spool" / JOURNAL_NAME)
    try:
        return journal.list_objects(finished=True)
    finally:
        journal.close()


def all_sent(folder: Path) -> bool:
    found = rows(folder)
    return bool(found) and all(
        deliveries and all(each.state is DeliveryState.SENT for each in deliveries) for _, deliveries in found
    )


def run_until_all_is_sent(folder: Path, port: int) -> None:
    """Start the node again, in this process, and stop it when nothing is left to do."""
    with assemble(node_config(folder, port), List(), decide=decide):
        wait_until(lambda: all_sent(folder))


def audit_kinds(folder: Path) -> list[str]:
    path = folder / "spool" / "audit.jsonl"
    assert verify(path).intact
    return [json.loads(line)["kind"] for line in path.read_text(encoding="utf-8").splitlines()]


def test_killed_after_the_acknowledgement_the_object_is_delivered_relabelled_and_once(start, tmp_path):
    late = Receiver(port=unused_port())
    first = start(late.port)
    assert send(first.port, tmp_path) == 0x0000
    first.kill()
    with late:
        run_until_all_is_sent(tmp_path, late.port)
        assert [unrecorded(sent.dataset) for sent in late.box] == [RELABELLED]
    assert audit_kinds(tmp_path) == ["relabelled", "delivered"]


STEPS_AFTER_THE_JOURNAL = ["journaled", "written", "decided", "audited", "finished", "sending"]


@pytest.mark.parametrize("step", STEPS_AFTER_THE_JOURNAL)
def test_killed_at_any_step_before_sending_it_is_delivered_once_and_audited_once(start, tmp_path, step):
    with Receiver() as receiver:
        first = start(receiver.port, step)
        send(first.port, tmp_path)
        assert first.wait() == 9
        assert receiver.box == []
        run_until_all_is_sent(tmp_path, receiver.port)
        assert [unrecorded(sent.dataset) for sent in receiver.box] == [RELABELLED]
    assert audit_kinds(tmp_path) == ["relabelled", "delivered"]


@pytest.mark.parametrize(
    ("step", "kinds"),
    [
        ("answered", ["relabelled", "delivered"]),
        ("delivery_audited", ["relabelled", "delivered", "delivered"]),
    ],
)
def test_killed_before_the_answer_is_entered_the_same_bytes_are_sent_again(start, tmp_path, step, kinds):
    with Receiver() as receiver:
        first = start(receiver.port, step)
        send(first.port, tmp_path)
        assert first.wait() == 9
        run_until_all_is_sent(tmp_path, receiver.port)
        first_time, again = (sent.dataset for sent in receiver.box)
        assert first_time == again
        assert unrecorded(again) == RELABELLED
    assert audit_kinds(tmp_path) == kinds


def test_killed_before_the_journal_it_was_not_acknowledged_and_the_sender_sends_again(start, tmp_path):
    with Receiver() as receiver:
        first = start(receiver.port, "spooled")
        assert send(first.port, tmp_path) is None
        first.wait()
        with assemble(node_config(tmp_path, receiver.port), List(), decide=decide) as second:
            assert rows(tmp_path) == []
            assert len(list((tmp_path / "spool" / "orphans").iterdir())) == 1
            assert send(second.address[1], tmp_path) == 0x0000
            wait_until(lambda: all_sent(tmp_path))
        assert [unrecorded(sent.dataset) for sent in receiver.box] == [RELABELLED]


def test_killed_between_journal_and_acknowledgement_a_retransmission_makes_no_second_job(start, tmp_path):
    late = Receiver(port=unused_port())
    first = start(late.port, "journaled")
    assert send(first.port, tmp_path) is None
    first.wait()
    with assemble(node_config(tmp_path, late.port), List(), decide=decide) as second:
        assert send(second.address[1], tmp_path) == 0x0000
        with late:  # not before: what is delivered already is sent again when it comes again
            wait_until(lambda: all_sent(tmp_path))
        assert [unrecorded(sent.dataset) for sent in late.box] == [RELABELLED]
    assert len(rows(tmp_path)) == 1


def test_killed_with_a_queue_everything_arrives_in_order(start, tmp_path):
    late = Receiver(port=unused_port())
    first = start(late.port)
    objects = [(image(f"1.2.{n}"), CT, f"1.2.{n}", EXPLICIT) for n in range(1, 9)]
    objects.insert(3, (ORIGINAL, RTSTRUCT, UID, EXPLICIT))
    answers = Sender(first.port, tmp_path).send_all(objects)
    assert {answer.status for answer in answers} == {0x0000}
    first.kill()
    with late:
        run_until_all_is_sent(tmp_path, late.port)
        assert late.uids() == [uid for _, _, uid, _ in objects]


def test_killed_while_the_first_object_waits_to_be_tried_again_nobody_passes_it(start, tmp_path):
    objects = [(image(f"1.2.{n}"), CT, f"1.2.{n}", EXPLICIT) for n in range(1, 5)]
    refused, tried = {"1.2.1"}, []
    with Receiver(
        status=lambda uid: 0xA700 if uid in refused else 0x0000, before_answer=tried.append
    ) as receiver:
        first = start(receiver.port, first_delay_s=1.0)
        Sender(first.port, tmp_path).send_all(objects)
        wait_until(lambda: tried)
        first.kill()
        refused.clear()
        run_until_all_is_sent(tmp_path, receiver.port)
        assert receiver.uids() == [uid for _, _, uid, _ in objects]
