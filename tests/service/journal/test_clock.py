"""Steps of the computer's clock: no deadline comes early or late."""

from __future__ import annotations

from pathlib import Path

import pytest
from doubles.loopback import CT, Receiver, Sender, image, node_config, wait_until
from doubles.nodes import List, decide, settled

from tg263_scp.service.journal.clock import RunningClock
from tg263_scp.service.journal.database import JOURNAL_NAME
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Arrival, Delivery, DeliveryState, ObjectState
from tg263_scp.service.node import Node, assemble

HOUR_S = 3600.0
NINE_DAYS_S = 9 * 24 * HOUR_S


class Clock:
    """Seconds since 1970 that pass when told."""

    now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(folder: Path, clock: Clock | None) -> Journal:
    return Journal(folder / "journal.sqlite", clock=clock, upgrade=True)


def ready(journal: Journal) -> Delivery:
    arrival = Arrival("t", CT, "1.2.3", "1.2.840.10008.1.2", "aa", 1, "TPS", "::1", "TG263", "")
    job, _ = journal.receive(arrival)
    journal.decide(job, {}, hold=False)
    journal.finish(job, ["pacs"])
    return journal.outbox.deliveries(job)[0]


@pytest.mark.parametrize("step_s", [-HOUR_S, NINE_DAYS_S])
def test_within_a_run_time_goes_on_evenly(step_s: float) -> None:
    wall, uptime = Clock(), Clock()
    time = RunningClock(wall, uptime)
    wall.now += step_s
    uptime.now += 5
    assert time() == 1e9 + 5


@pytest.mark.parametrize("step_s", [-HOUR_S, NINE_DAYS_S])
def test_between_two_runs_deadlines_move_with_the_clock(tmp_path: Path, clock: Clock, step_s: float) -> None:
    journal = opened(tmp_path, clock)
    journal.begin_run()
    delivery = ready(journal)
    journal.outbox.settle(delivery, DeliveryState.RETRY, next_attempt_at=clock.now + 60)
    clock.now += 20
    journal.alive()
    journal.close()
    clock.now += step_s
    journal = opened(tmp_path, clock)
    journal.begin_run()
    (found,) = journal.outbox.deliveries(1)
    assert clock.now - found.queued_at == 20
    assert found.next_attempt_at - clock.now == 40
    assert journal.job(1).received_at <= clock.now
    journal.close()


def test_without_a_last_run_no_time_is_in_the_future(tmp_path: Path, clock: Clock) -> None:
    """An earlier program version kept no note of its time."""
    journal = opened(tmp_path, clock)
    delivery = ready(journal)
    journal.outbox.settle(delivery, DeliveryState.RETRY, next_attempt_at=clock.now + 60)
    clock.now -= HOUR_S
    journal.begin_run()
    (found,) = journal.outbox.deliveries(1)
    times = (found.queued_at, found.changed_at, found.next_attempt_at, journal.job(1).received_at)
    assert set(times) == {clock.now}
    journal.close()


def test_a_program_beside_the_node_takes_its_time(tmp_path: Path, clock: Clock) -> None:
    """A retry that a person asks for under a clock that is nine days ahead is due at once, not in nine days."""
    node = opened(tmp_path, clock)
    node.begin_run()
    delivery = ready(node)
    node.outbox.settle(delivery, DeliveryState.RETRY, next_attempt_at=clock.now + 600)
    beside = Journal(tmp_path / "journal.sqlite")
    beside.retry(1)
    beside.close()
    assert [each.job for each, _ in node.outbox.due("pacs", 1)] == [1]
    node.close()


def run(folder: Path, clock: Clock, port: int) -> Node:
    return assemble(node_config(folder, port, first_delay_s=0.01), List(), decide=decide, clock=clock)


def test_after_nine_days_in_a_step_nothing_expires_and_nothing_is_given_up(
    tmp_path: Path, clock: Clock
) -> None:
    with Receiver(status=0xA700) as receiver:
        with run(tmp_path, clock, receiver.port) as node:
            Sender(node.address[1], tmp_path).send(image("1.2.3"), CT, "1.2.3")
            wait_until(lambda: node.journal.outbox.counts().get(("d1", DeliveryState.RETRY)))
        clock.now += NINE_DAYS_S
        with run(tmp_path, clock, receiver.port) as node:
            before = node.journal.outbox.deliveries(1)[0].attempts
            wait_until(lambda: _tick(clock) and node.journal.outbox.deliveries(1)[0].attempts > before + 1)
            assert node.journal.outbox.deliveries(1)[0].state is not DeliveryState.FAILED
            receiver.status = 0x0000
            wait_until(lambda: _tick(clock) and settled(node))
        clock.now += NINE_DAYS_S
        with run(tmp_path, clock, receiver.port) as node:
            wait_until(lambda: (node.journal._database.alive_at() or 0) >= clock.now)
            assert node.journal.job(1).state is ObjectState.READY
            clock.now += NINE_DAYS_S  # that the node has run
            wait_until(lambda: not list((tmp_path / "spool" / "originals").iterdir()))


def _tick(clock: Clock) -> bool:
    clock.now += 1
    return True


def test_the_time_of_the_node_is_that_of_its_last_note(tmp_path: Path, clock: Clock) -> None:
    config = node_config(tmp_path)
    with assemble(config, List(), decide=decide, clock=clock):
        clock.now += 7
    journal = Journal(config.spool.folder / JOURNAL_NAME)
    assert journal._database.alive_at() == clock.now
    journal.close()
