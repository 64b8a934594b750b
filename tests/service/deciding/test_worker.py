from __future__ import annotations

import json

import pytest
from doubles.loopback import (
    CT,
    EXPLICIT,
    RTSTRUCT,
    image,
    node_config,
    structure_set,
    wait_until,
    write_object,
)
from doubles.spooling import spool_dataset

from tg263_scp.dicom.encoding.budget import Budget, budget_at_hand
from tg263_scp.dicom.encoding.part10 import data_set_sha256
from tg263_scp.errors import HoldReason, JournalError
from tg263_scp.service.audit import AuditLog, IdentifierHash
from tg263_scp.service.deciding import worker
from tg263_scp.service.deciding.relabelling import DecisionContext, OutcomeKind, RelabelOutcome
from tg263_scp.service.deciding.routing import Routes
from tg263_scp.service.deciding.worker import FIRST_ASIDE_S, SHARED_BY, Worker
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Arrival, DeliveryState, ObjectState
from tg263_scp.service.spool import Spool


class PowerCut(BaseException):
    """Ends a test's worker between two steps."""


class Desk:
    """A worker with everything around it, driven by hand; ``relabel`` writes 'result', or what the test wants.

    The desk stands for the worker's relabeller: ``waiting`` are the jobs that wait for the language model.
    """

    def __init__(self, folder, destinations=1):
        self.folder = folder
        self.now = 1000.0
        self.spool = Spool(folder / "spool", min_free_bytes=0)
        self.journal = Journal(folder / "journal", clock=lambda: self.now)
        self.audit = AuditLog(folder / "audit.jsonl")
        self.relabel = self.write_result
        self.waiting = frozenset()
        self.forgotten = []
        self.calls = 0
        self.cut_after = ""
        self.woken = 0
        self.worker = Worker(
            self.spool,
            self.journal,
            self.audit,
            self,
            made_under=DecisionContext("n", "c"),
            hashed=IdentifierHash(folder / "salt"),
            routes=Routes(node_config(folder, *[104] * destinations)),
            budget=Budget(1000, 60.0, self.spool.scratch),
            retention_s=50.0,
            discarded_retention_s=500.0,
            wake_forwarders=self.wake,
            clock=lambda: self.now,
            step=self.step,
        )

    def wake(self):
        self.woken += 1

    def forget(self, job):
        self.forgotten.append(job)

    def step(self, name):
        if name == self.cut_after:
            raise PowerCut(name)

    def write_result(self, source, target, job):
        self.calls += 1
        write_object(target, structure_set(["Heart"]), RTSTRUCT, "1.2.3.100")
        return RelabelOutcome(OutcomeKind.RELABELLED)

    def receive(self, dataset=None, sop_class=RTSTRUCT, uid="1.2.3.100"):
        dataset = structure_set(["herz"], uid=uid) if dataset is None else dataset
        spooled = spool_dataset(
            self.spool,
            dataset,
            sop_class_uid=sop_class,
            sop_instance_uid=uid,
            transfer_syntax_uid=EXPLICIT,
            source_ae_title="TPS",
        )
        arrival = Arrival(
            spooled.token,
            sop_class,
            uid,
            EXPLICIT,
            spooled.sha256,
            spooled.dataset_bytes,
            "TPS",
            "127.0.0.1",
            "TG263",
            "",
        )
        return self.journal.receive(arrival)[0]

    def work(self):
        while self.worker.work_on_next():
            pass

    def lines(self):
        return [json.loads(line) for line in self.audit.path.read_text(encoding="utf-8").splitlines()]

    def state(self, job):
        return self.journal.job(job).state


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.audit.close()
    desk.journal.close()


def test_a_relabelled_object_is_ready_and_its_result_is_sent(desk):
    job = desk.receive()
    desk.work()
    assert (desk.state(job), desk.journal.job(job).sends_result) == ("READY", True)
    assert [each.destination for each in desk.journal.outbox.deliveries(job)] == ["d1"]
    assert desk.woken == 1


def test_what_is_no_structure_set_never_reaches_the_namer(desk):
    job = desk.receive(image(), CT, "1.2.3.200")
    desk.work()
    assert (desk.calls, desk.state(job), desk.journal.job(job).sends_result) == (0, "READY", False)
    (line,) = desk.lines()
    assert (line["kind"], line["sop_class_uid"]) == ("passed", CT)


@pytest.mark.parametrize(("step", "namings"), [("written", 2), ("decided", 1), ("audited", 1)])
def test_cut_off_after_any_step_the_work_is_done_once(desk, step, namings):
    job = desk.receive()
    desk.cut_after = step
    with pytest.raises(PowerCut):
        desk.work()
    desk.cut_after = ""
    desk.work()
    assert desk.state(job) is ObjectState.READY
    assert desk.calls == namings
    assert [line["kind"] for line in desk.lines()] == ["relabelled"]
    assert len(desk.journal.outbox.deliveries(job)) == 1


def test_a_decision_goes_where_it_said_even_where_routes_have_changed_since(desk):
    job = desk.receive()
    desk.cut_after = "decided"
    with pytest.raises(PowerCut):
        desk.work()
    desk.cut_after = ""
    desk.worker._routes = Routes(node_config(desk.folder, 104, 105))
    desk.work()
    assert [each.destination for each in desk.journal.outbox.deliveries(job)] == ["d1"]
    (line,) = desk.lines()
    assert (line["route"], line["destinations"]) == ("", ["d1"])


def test_a_set_that_waits_for_the_model_is_passed_until_it_was_asked_about(desk):
    first, second = desk.receive(uid="1.2.3.1"), desk.receive(uid="1.2.3.2")

    def wait(source, target, job):
        if job.job == first and not desk.calls:
            desk.waiting = frozenset({first})
            return None
        return desk.write_result(source, target, job)

    desk.relabel = wait
    desk.work()
    assert (desk.state(first), desk.journal.job(first).reason) == (
        ObjectState.RECEIVED,
        HoldReason.AWAITING_MODEL,
    )
    assert (desk.state(second), desk.forgotten) == (ObjectState.READY, [second])
    desk.waiting = frozenset()
    desk.work()
    assert (desk.state(first), desk.journal.job(first).reason) == (ObjectState.READY, "")
    assert desk.forgotten == [second, first]


def test_half_a_result_of_an_earlier_attempt_is_thrown_away(desk):
    job = desk.receive()
    stale = desk.spool.result(desk.journal.job(job).token)
    stale.write_bytes(b"half")

    def relabel(source, target, job):
        assert not target.exists()
        return desk.write_result(source, target, job)

    desk.relabel = relabel
    desk.work()
    assert desk.journal.job(job).result_sha256 == data_set_sha256(stale)


def refuse(*arguments):
    raise OSError(28, "No space left on device")


@pytest.fixture
def full_disk(monkeypatch):
    """A disk of which the probe finds that it refuses."""
    with monkeypatch.context() as patch:
        patch.setattr("tg263_scp.service.deciding.worker.disk_refuses", lambda folder, wanted_bytes: True)
        yield patch


def test_a_disk_that_refuses_holds_nothing_and_is_tried_again(desk, full_disk):
    job = desk.receive()
    desk.relabel = refuse
    desk.work()
    assert desk.state(job) is ObjectState.RECEIVED
    full_disk.undo()
    desk.relabel = desk.write_result
    desk.work()
    assert desk.state(job) is ObjectState.RECEIVED
    desk.now += FIRST_ASIDE_S
    desk.work()
    assert desk.state(job) is ObjectState.READY


def test_what_needs_no_copy_passes_a_set_for_whose_copy_there_is_no_room(desk, full_disk):
    held_up, passes = desk.receive(), desk.receive(image(), CT, "1.2.3.200")
    desk.relabel = refuse
    desk.work()
    assert (desk.state(held_up), desk.state(passes)) == ("RECEIVED", "READY")


def test_a_full_disk_makes_the_worker_pause_not_hold_one_set_after_the_other(desk, full_disk):
    jobs = [desk.receive(uid=f"1.2.3.{n}") for n in range(SHARED_BY)]
    desk.relabel = refuse
    with pytest.raises(OSError, match="No space"):
        desk.work()
    assert {desk.state(job) for job in jobs} == {ObjectState.RECEIVED}


@pytest.mark.parametrize("sop_class", [CT, RTSTRUCT])
def test_a_file_that_cannot_be_read_is_held_and_the_next_one_goes_on(desk, sop_class):
    first, second = desk.receive(sop_class=sop_class), desk.receive(uid="1.2.3.2")
    original = desk.spool.original(desk.journal.job(first).token)
    original.unlink()
    original.mkdir()  # a file without permission would still be read by root
    desk.work()
    assert (desk.state(first), desk.journal.job(first).reason) == ("HELD", HoldReason.DISK_REFUSED)
    assert desk.state(second) is ObjectState.READY
    original.rmdir()
    desk.journal.retry(first)
    desk.work()
    assert desk.journal.job(first).reason == HoldReason.FILE_MISSING


def test_a_stale_result_that_cannot_be_removed_holds_its_own_object_only(desk):
    first, second = desk.receive(), desk.receive(uid="1.2.3.2")
    desk.spool.result(desk.journal.job(first).token).mkdir()
    desk.work()
    assert (desk.state(first), desk.journal.job(first).reason) == ("HELD", HoldReason.DISK_REFUSED)
    assert desk.state(second) is ObjectState.READY


def test_an_object_for_which_the_disk_has_no_room_is_held_where_others_have_room(desk):
    first, second = desk.receive(), desk.receive(uid="1.2.3.2")
    desk.relabel = lambda source, target, job: (
        refuse() if job.job == first else desk.write_result(source, target, job)
    )
    desk.work()
    assert (desk.state(first), desk.journal.job(first).reason) == ("HELD", HoldReason.DISK_REFUSED)
    assert desk.state(second) is ObjectState.READY


def test_an_object_whose_decision_cannot_be_entered_lets_the_others_pass(desk, monkeypatch):
    first, second = desk.receive(), desk.receive(uid="1.2.3.2")
    decide = desk.journal.decide

    def stumble(job, *arguments, **keywords):
        if job == first:
            raise ZeroDivisionError
        decide(job, *arguments, **keywords)

    monkeypatch.setattr(desk.journal, "decide", stumble)
    for _ in range(20):
        desk.work()
        desk.now += FIRST_ASIDE_S
    assert (desk.state(first), desk.state(second)) == ("RECEIVED", "READY")
    monkeypatch.undo()
    desk.now += 1000
    desk.work()
    assert desk.state(first) is ObjectState.READY


def test_the_budget_holds_while_an_object_is_decided(desk):
    budgets = []

    def note(source, target, job):
        budgets.append(budget_at_hand())
        return desk.write_result(source, target, job)

    desk.relabel = note
    desk.receive()
    desk.work()
    assert [each.folder for each in budgets] == [desk.spool.scratch]
    assert budget_at_hand().folder is None


def test_without_an_audit_line_nothing_is_forwarded(desk, monkeypatch):
    job = desk.receive()
    with monkeypatch.context() as patch:
        patch.setattr(desk.audit, "append", refuse)
        desk.work()
        assert desk.state(job) is ObjectState.DECIDED
        assert desk.journal.outbox.deliveries(job) == []
    desk.now += FIRST_ASIDE_S
    desk.work()
    assert desk.state(job) is ObjectState.READY
    assert len(desk.lines()) == 1


def test_an_unforeseen_fault_holds_the_object_and_the_next_one_goes_on(desk):
    first, second = desk.receive(uid="1.2.3.1"), desk.receive(uid="1.2.3.2")

    def stumble(source, target, job):
        if job.sop_instance_uid == "1.2.3.1":
            target.write_bytes(b"half a result")
            raise ZeroDivisionError
        return desk.write_result(source, target, job)

    desk.relabel = stumble
    desk.work()
    assert (desk.state(first), desk.journal.job(first).reason) == ("HELD", HoldReason.INTERNAL_ERROR)
    assert desk.state(second) is ObjectState.READY
    assert not desk.spool.result(desk.journal.job(first).token).exists()


@pytest.mark.parametrize("sop_class", [CT, RTSTRUCT])
def test_an_original_that_is_gone_is_held_not_waited_for(desk, sop_class):
    job = desk.receive(sop_class=sop_class)
    desk.spool.discard(desk.journal.job(job).token)
    desk.relabel = lambda source, target, job: RelabelOutcome(OutcomeKind.UNCHANGED, str(source.stat()))
    desk.work()
    assert (desk.state(job), desk.journal.job(job).reason) == ("HELD", HoldReason.FILE_MISSING)


def test_a_held_object_is_decided_anew_and_audited_anew(desk):
    job = desk.receive()
    desk.relabel = lambda *arguments: RelabelOutcome(OutcomeKind.HELD, HoldReason.TRUNCATED)
    desk.work()
    desk.journal.retry(job)
    desk.relabel = desk.write_result
    desk.work()
    assert [(line["kind"], line["reason"]) for line in desk.lines()] == [
        ("held", HoldReason.TRUNCATED),
        ("relabelled", ""),
    ]


def test_what_leaves_the_spool_is_everywhere_and_old(desk):
    job = desk.receive()
    desk.work()
    token = desk.journal.job(job).token
    (delivery,) = desk.journal.outbox.deliveries(job)
    desk.now += 1000
    assert desk.worker.expire() == 0
    desk.journal.outbox.sending(delivery)
    desk.journal.outbox.settle(delivery, DeliveryState.SENT)
    assert desk.worker.expire() == 0
    desk.now += 51
    assert desk.worker.expire() == 1
    assert desk.journal.list_objects(finished=True) == []
    assert desk.journal.outbox.counts() == {}
    assert [line["job_number"] for line in desk.lines()] == [job]
    assert not desk.spool.original(token).exists()
    assert not desk.spool.result(token).exists()


def test_of_many_old_objects_only_some_go_before_new_ones_have_their_turn(desk, monkeypatch, no_fsync):
    monkeypatch.setattr(worker, "EXPIRED_AT_ONCE", 2)
    for number in range(3):
        desk.receive(uid=f"1.2.3.{number}", dataset=image(f"1.2.3.{number}"), sop_class=CT)
    desk.work()
    for _, (delivery,) in desk.journal.list_objects(finished=True):
        desk.journal.outbox.sending(delivery)
        desk.journal.outbox.settle(delivery, DeliveryState.SENT)
    desk.now += 51
    assert [desk.worker.expire() for _ in range(3)] == [2, 1, 0]


def held(desk):
    job = desk.receive()
    desk.relabel = lambda *arguments: RelabelOutcome(OutcomeKind.HELD, HoldReason.TRUNCATED)
    desk.work()
    assert desk.state(job) is ObjectState.HELD
    return job


def test_a_discarded_object_is_audited_stays_for_a_while_and_goes_nowhere(desk):
    job = held(desk)
    original = desk.spool.original(desk.journal.job(job).token)
    desk.journal.discard(job, by="A. Physicist", why="sent twice")
    desk.work()
    assert desk.state(job) is ObjectState.DISCARDED
    line = desk.lines()[-1]
    assert (line["kind"], line["by"], line["why"]) == ("discarded", "A. Physicist", "sent twice")
    assert desk.journal.outbox.deliveries(job) == []
    desk.now += 499
    assert (desk.worker.expire(), original.exists()) == (0, True)
    desk.now += 2
    assert (desk.worker.expire(), original.exists()) == (1, False)
    assert desk.journal.list_objects(finished=True) == []


def test_a_discarded_object_can_be_restored_and_is_held_for_its_old_reason(desk):
    job = held(desk)
    desk.journal.discard(job, by="A", why="b")
    desk.work()
    desk.journal.restore(job, by="B. Physicist")
    desk.work()
    assert (desk.state(job), desk.journal.job(job).reason) == ("HELD", HoldReason.TRUNCATED)
    assert [line["kind"] for line in desk.lines()] == ["held", "discarded", "restored"]
    desk.journal.release(job)
    desk.work()
    assert desk.state(job) is ObjectState.READY


def test_a_discarded_object_that_comes_again_is_held_again(desk):
    job = held(desk)
    desk.journal.discard(job, by="A", why="b")
    desk.work()
    assert desk.receive() == job
    desk.work()
    assert desk.state(job) is ObjectState.HELD
    assert desk.lines()[-1]["by"] == "its sender"


def test_only_what_is_held_is_discarded_and_only_what_is_discarded_restored(desk):
    job = desk.receive()
    desk.work()
    for action in (
        lambda: desk.journal.discard(job, by="A", why="b"),
        lambda: desk.journal.restore(job, by="A"),
        lambda: desk.journal.discard(99, by="A", why="b"),
    ):
        with pytest.raises(JournalError, match="is not"):
            action()
    assert desk.state(job) is ObjectState.READY


def test_the_thread_outlives_a_disk_that_refuses(desk, monkeypatch):
    monkeypatch.setattr("tg263_scp.service.polling.PAUSE_AFTER_ERROR_S", 0.01)
    monkeypatch.setattr("tg263_scp.service.deciding.worker.FIRST_ASIDE_S", 0.0)
    job = desk.receive()
    refusals = [OSError(28, "full"), JournalError("unforeseen")]
    finish = desk.journal.finish

    def refuse_twice(*arguments):
        if refusals:
            raise refusals.pop(0)
        return finish(*arguments)

    monkeypatch.setattr(desk.journal, "finish", refuse_twice)
    desk.worker.start()
    wait_until(lambda: desk.state(job) is ObjectState.READY)
    desk.worker.stop(5.0)
    assert len(desk.lines()) == 1
