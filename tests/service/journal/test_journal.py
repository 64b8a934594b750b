from __future__ import annotations

import os
import sqlite3
import stat
from dataclasses import replace
from threading import Thread

import pytest

from tg263_scp.errors import HoldReason, JournalError
from tg263_scp.service.journal import database
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import (
    LOOP_AFTER,
    RETURNS_WITHIN_S,
    TRANSITIONS,
    Arrival,
    DeliveryState,
    Ingest,
    ObjectState,
)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def journal(tmp_path, clock):
    journal = Journal(tmp_path / "journal.sqlite", clock=clock)
    yield journal
    journal.close()


def arrival(token="t1", uid="1.2.3", sha256="aa"):
    return Arrival(
        token,
        "1.2.840.10008.5.1.4.1.1.2",
        uid,
        "1.2.840.10008.1.2.1",
        sha256,
        10,
        "TPS",
        "10.0.0.1",
        "TG263",
        "",
    )


def received(journal, token="t1", **options):
    return journal.receive(arrival(token, **options))[0]


def ready(journal, *destinations, token="t1", **options):
    job = received(journal, token, **options)
    journal.decide(job, {"kind": "passed"}, hold=False)
    journal.finish(job, destinations or ("d1",))
    return job


def held(journal, token="t1"):
    job = received(journal, token)
    journal.decide(job, {"kind": "held"}, hold=True, reason=HoldReason.TRUNCATED)
    journal.finish(job, ["d1"])
    return job


def delivery_of(journal, job, destination="d1"):
    return next(each for each in journal.outbox.deliveries(job) if each.destination == destination)


def settle(journal, job, to, destination="d1", **options):
    delivery = delivery_of(journal, job, destination)
    journal.outbox.sending(delivery)
    journal.outbox.settle(delivery, to, **options)


def test_every_state_has_its_followers():
    assert set(TRANSITIONS) == {*ObjectState, *DeliveryState}


def test_an_object_goes_from_received_to_ready(journal):
    job = received(journal)
    assert journal.job(job).state is ObjectState.RECEIVED
    journal.decide(job, {"kind": "relabelled", "old": "Größe"}, hold=False, sends_result=True)
    decided = journal.job(job)
    assert (decided.state, decided.next_state, decided.sends_result) == ("DECIDED", "READY", True)
    assert "Größe" in decided.record
    assert journal.finish(job, ["d1", "d2"]) is ObjectState.READY
    assert journal.job(job).record == ""
    assert [each.destination for each in journal.outbox.deliveries(job)] == ["d1", "d2"]


def test_a_held_object_has_no_deliveries_and_a_reason(journal):
    job = held(journal)
    assert (journal.job(job).state, journal.job(job).reason) == ("HELD", HoldReason.TRUNCATED)
    assert journal.outbox.deliveries(job) == []


@pytest.mark.parametrize(
    "action",
    [
        lambda journal, job: journal.finish(job, ["d1"]),
        lambda journal, job: journal.release(job),
    ],
)
def test_what_is_not_decided_cannot_go_on(journal, action):
    job = received(journal)
    with pytest.raises(JournalError):
        action(journal, job)
    assert journal.job(job).state is ObjectState.RECEIVED


def test_nothing_is_decided_twice(journal):
    job = ready(journal)
    with pytest.raises(JournalError, match="READY and cannot become DECIDED"):
        journal.decide(job, {}, hold=True)
    assert journal.job(job).state is ObjectState.READY


def test_nothing_is_sent_that_was_not_being_sent(journal):
    job = ready(journal)
    with pytest.raises(JournalError, match="PENDING and cannot become SENT"):
        journal.outbox.settle(delivery_of(journal, job), DeliveryState.SENT)
    assert delivery_of(journal, job).state is DeliveryState.PENDING


def test_an_unknown_job_is_an_error(journal):
    for action in (journal.retry, journal.redo, journal.release, journal.job):
        with pytest.raises(JournalError, match="99"):
            action(99)


def test_the_same_bytes_while_in_flight_make_no_second_job(journal):
    job = received(journal, "t1")
    assert journal.receive(arrival("t2")) == (job, Ingest.IN_FLIGHT)
    journal.decide(job, {}, hold=False)
    assert journal.receive(arrival("t3")) == (job, Ingest.IN_FLIGHT)
    journal.finish(job, ["d1"])
    assert journal.receive(arrival("t4")) == (job, Ingest.IN_FLIGHT)
    assert journal.tokens(expired=False) == {"t1"}


def test_the_same_bytes_after_delivery_are_delivered_again_as_they_were(journal):
    job = ready(journal)
    settle(journal, job, DeliveryState.SENT, status=0)
    assert journal.receive(arrival("t2")) == (job, Ingest.REDELIVERED)
    delivery = delivery_of(journal, job)
    assert (delivery.state, delivery.attempts, delivery.status) == (DeliveryState.PENDING, 0, None)


@pytest.fixture
def patient(tmp_path, clock):
    """A journal that does not give a destination again what it has got within 100 s."""
    journal = Journal(tmp_path / "patient.sqlite", clock=clock, same_again_s=100.0)
    yield journal
    journal.close()


def sent(journal, job, uid="1.2.3", sha256="aa"):
    (delivery,) = journal.outbox.deliveries(job)
    journal.outbox.sending(delivery)
    journal.outbox.settle(delivery, DeliveryState.SENT, status=0, sent_uid=uid, sent_sha256=sha256)


def test_what_a_destination_has_it_does_not_get_again_for_a_while(patient, clock):
    job = ready(patient)
    sent(patient, job)
    assert patient.receive(arrival("t2")) == (job, Ingest.RETURNED)
    assert delivery_of(patient, job).state is DeliveryState.SENT
    clock.now += 101
    assert patient.receive(arrival("t3")) == (job, Ingest.REDELIVERED)
    assert delivery_of(patient, job).state is DeliveryState.PENDING


def relabelled(journal):
    job = received(journal)
    journal.decide(job, {"kind": "relabelled"}, hold=False, sends_result=True)
    journal.finish(job, ["d1"])
    sent(journal, job, sha256="copy")
    return job


def test_a_relabelled_set_that_its_sender_sends_again_is_delivered_again(patient):
    job = relabelled(patient)
    assert patient.receive(arrival("t2")) == (job, Ingest.REDELIVERED)


def test_the_copy_of_a_relabelled_set_that_comes_back_is_not_sent_where_it_comes_from(patient):
    relabelled(patient)
    back = ready(patient, "d1", "d2", token="t2", sha256="copy")
    assert [(each.destination, each.state) for each in patient.outbox.deliveries(back)] == [
        ("d1", DeliveryState.SENT),
        ("d2", DeliveryState.PENDING),
    ]


def test_a_copy_that_comes_back_before_its_delivery_is_entered_is_known_once_it_is(patient):
    job = received(patient)
    patient.decide(job, {"kind": "relabelled"}, hold=False, sends_result=True)
    patient.finish(job, ["d1"])
    (delivery,) = patient.outbox.deliveries(job)
    patient.outbox.sending(delivery)
    back = ready(patient, token="t2", sha256="copy")
    assert not patient.outbox.has_same(back, "d1")
    patient.outbox.settle(delivery, DeliveryState.SENT, status=0, sent_uid="1.2.3", sent_sha256="copy")
    assert patient.outbox.has_same(back, "d1")


def test_an_older_version_that_is_sent_again_is_delivered_again(patient, clock):
    first = ready(patient)
    sent(patient, first)
    clock.now += 1
    second = ready(patient, token="t2", sha256="bb")
    sent(patient, second, sha256="bb")
    assert patient.receive(arrival("t3")) == (first, Ingest.REDELIVERED)


def test_the_copy_of_an_older_version_that_comes_back_is_sent(patient, clock):
    relabelled(patient)
    clock.now += 1
    newer = ready(patient, token="t2", sha256="bb")
    sent(patient, newer, sha256="bb")
    back = ready(patient, token="t3", sha256="copy")
    assert delivery_of(patient, back).state is DeliveryState.PENDING


def test_what_a_person_releases_or_does_again_is_sent_also_where_the_same_is(patient):
    relabelled(patient)
    back = received(patient, "t2", sha256="copy")
    patient.decide(back, {"kind": "held"}, hold=True, reason=HoldReason.TRUNCATED)
    patient.finish(back, ["d1"])
    patient.release(back, by="A. Physicist")
    patient.finish(back, ["d1"])
    assert delivery_of(patient, back).state is DeliveryState.PENDING
    assert not patient.outbox.has_same(back, "d1")
    sent(patient, back, sha256="copy")
    patient.redo(back)
    patient.decide(back, {"kind": "passed"}, hold=False)
    patient.finish(back, ["d1", "d2"])
    assert {each.state for each in patient.outbox.deliveries(back)} == {DeliveryState.PENDING}


def test_a_copy_that_comes_back_late_or_changed_is_sent(patient, clock):
    relabelled(patient)
    changed = ready(patient, token="t2", sha256="changed")
    assert delivery_of(patient, changed).state is DeliveryState.PENDING
    clock.now += 101
    late = ready(patient, token="t3", sha256="copy")
    assert delivery_of(patient, late).state is DeliveryState.PENDING


def test_what_was_given_up_is_tried_again_though_it_came_a_moment_ago(patient):
    job = ready(patient)
    settle(patient, job, DeliveryState.FAILED, status=0xC000)
    assert patient.receive(arrival("t2"))[1] is Ingest.REDELIVERED


def test_the_third_return_within_an_hour_is_a_loop(patient, clock):
    job = ready(patient)
    sent(patient, job)
    for count in range(1, LOOP_AFTER + 1):
        assert patient.looping() == 0
        patient.receive(arrival("t2"))
        assert patient.job(job).returns == count
    assert patient.looping() == 1
    clock.now += RETURNS_WITHIN_S
    assert patient.looping() == 0
    patient.receive(arrival("t2"))
    assert patient.job(job).returns == 1


def test_the_same_bytes_after_giving_up_are_another_try(journal):
    job = ready(journal)
    settle(journal, job, DeliveryState.FAILED, status=0xC000)
    assert journal.receive(arrival("t2"))[1] is Ingest.REDELIVERED


def test_the_same_bytes_of_a_held_object_stay_held(journal):
    job = held(journal)
    assert journal.receive(arrival("t2")) == (job, Ingest.IN_FLIGHT)


def test_the_same_uid_with_other_bytes_is_a_new_job_and_flagged(journal):
    first = received(journal, "t1", sha256="aa")
    second, ingest = journal.receive(arrival("t2", sha256="bb"))
    assert (second != first, ingest) == (True, Ingest.NEW_VERSION)
    assert journal.job(second).other_version
    assert not journal.job(first).other_version


def test_the_same_bytes_after_expiry_are_a_new_job(journal, clock):
    job = ready(journal)
    settle(journal, job, DeliveryState.SENT)
    journal.expire(job)
    assert journal.receive(arrival("t2"))[1] is Ingest.NEW
    assert journal.tokens(expired=True) == {"t1"}


def test_work_comes_in_order_of_receipt(journal):
    jobs = [received(journal, f"t{n}", uid=f"1.{n}", sha256=str(n)) for n in range(3)]
    assert journal.next_job().job == jobs[0]
    journal.decide(jobs[0], {}, hold=True)
    assert journal.next_job().job == jobs[0]
    journal.finish(jobs[0], [])
    assert journal.next_job().job == jobs[1]


def due(journal, limit=10, destination="d1"):
    return [job.job for job, _ in journal.outbox.due(destination, limit)]


def test_deliveries_come_in_order_of_receipt_and_nobody_passes_one_that_is_due_later(journal, clock):
    jobs = [ready(journal, token=f"t{n}", uid=f"1.{n}", sha256=str(n)) for n in range(3)]
    settle(journal, jobs[1], DeliveryState.RETRY, next_attempt_at=clock.now + 5, error="A700")
    assert due(journal) == jobs[:1]
    clock.now += 5
    assert due(journal, limit=2) == jobs[:2]
    assert due(journal, destination="d2") == []


def test_what_was_set_aside_is_passed_by_all_but_a_newer_version_of_itself(journal, clock):
    old, new = (ready(journal, token=f"t{n}", uid="1.7", sha256=str(n)) for n in range(2))
    other = ready(journal, token="t2", uid="1.8", sha256="2")
    settle(journal, old, DeliveryState.RETRY, next_attempt_at=clock.now + 5, aside=True)
    assert due(journal) == [other]
    clock.now += 5
    assert due(journal) == [old, other]
    settle(journal, old, DeliveryState.FAILED)
    assert due(journal) == [new, other]
    journal.retry(old)
    assert not delivery_of(journal, old).aside


def test_a_retry_hastens_the_queue_that_an_object_waits_in_and_no_other(journal, clock):
    first, second, last = (
        ready(journal, "d1", "d2", token=f"t{n}", uid=f"1.{n}", sha256=str(n)) for n in range(3)
    )
    for job, destination, aside in ((first, "d1", False), (second, "d1", True), (first, "d2", False)):
        delivery = delivery_of(journal, job, destination)
        journal.outbox.settle(delivery, DeliveryState.RETRY, next_attempt_at=clock.now + 600, aside=aside)
    for job in (second, last):
        journal.outbox.settle(delivery_of(journal, job, "d2"), DeliveryState.FAILED)
    assert journal.retry(last) == 3  # started again at d2, whose queue it stands in, and the queue of d1
    assert due(journal) == [first, last]
    assert due(journal, destination="d2") == [first, last]


def test_each_destination_has_its_own_state(journal):
    job = ready(journal, "d1", "d2")
    settle(journal, job, DeliveryState.SENT, status=0)
    states = {each.destination: each.state for each in journal.outbox.deliveries(job)}
    assert states == {"d1": "SENT", "d2": "PENDING"}


def test_a_retry_decides_a_held_object_anew(journal):
    job = held(journal)
    assert journal.retry(job) == 1
    assert (journal.job(job).state, journal.job(job).reason) == ("RECEIVED", "")


def test_a_retry_restarts_what_was_given_up_and_hastens_what_waits(journal, clock):
    job = ready(journal, "d1", "d2", "d3")
    settle(journal, job, DeliveryState.FAILED, status=0xC000, error="refused")
    waiting = delivery_of(journal, job, "d2")
    journal.outbox.settle(waiting, DeliveryState.RETRY, next_attempt_at=clock.now + 600)
    assert journal.retry(job) == 2
    assert {each.state for each in journal.outbox.deliveries(job)} == {"PENDING", "RETRY"}
    assert len(journal.outbox.due("d1", 9)) == len(journal.outbox.due("d2", 9)) == 1


def test_a_retry_of_what_runs_by_itself_does_nothing(journal):
    assert journal.retry(ready(journal)) == 0


def test_a_redo_decides_anew_what_is_done_and_delivers_it_again(journal):
    job = ready(journal, "d1", "d2")
    settle(journal, job, DeliveryState.SENT, status=0)
    settle(journal, job, DeliveryState.FAILED, destination="d2", status=0xC000, error="refused")
    journal.redo(job)
    assert journal.next_job().job == job
    journal.decide(job, {"kind": "relabelled"}, hold=False, sends_result=True)
    journal.finish(job, ["d1", "d2", "d3"])
    assert {each.destination: each.state for each in journal.outbox.deliveries(job)} == {
        "d1": "PENDING",
        "d2": "PENDING",
        "d3": "PENDING",
    }
    assert journal.job(job).sends_result


def test_a_redo_decides_a_held_object_anew(journal):
    job = held(journal)
    journal.redo(job)
    assert journal.job(job).state is ObjectState.RECEIVED


def test_what_is_under_way_or_overtaken_is_not_done_again(journal):
    job = ready(journal)
    with pytest.raises(JournalError, match="on its way"):
        journal.redo(job)
    settle(journal, job, DeliveryState.SENT, status=0)
    newer = received(journal, "t2", sha256="bb")
    with pytest.raises(JournalError, match="newer version"):
        journal.redo(job)
    with pytest.raises(JournalError, match="received"):
        journal.redo(newer)


def test_what_went_on_without_an_answer_is_remembered_until_it_is_decided_anew(journal):
    job = received(journal)
    journal.decide(job, {"kind": "unchanged"}, hold=False, unanswered=2)
    journal.finish(job, ["d1"])
    assert (journal.unanswered(), journal.job(job).unanswered) == ([job], 2)
    settle(journal, job, DeliveryState.SENT, status=0)
    journal.redo(job)
    assert journal.unanswered() == []
    journal.decide(job, {"kind": "relabelled"}, hold=False)
    journal.finish(job, ["d1"])
    assert journal.unanswered() == []


def test_who_waits_for_the_model_is_seen_until_it_is_decided(journal):
    job = received(journal)
    journal.awaits_llm(job)
    assert (journal.job(job).state, journal.job(job).reason) == ("RECEIVED", HoldReason.AWAITING_MODEL)
    journal.decide(job, {"kind": "passed"}, hold=False)
    assert journal.job(job).reason == ""
    journal.awaits_llm(job)
    assert journal.job(job).reason == ""


def test_a_release_sends_the_original_on_a_persons_word(journal):
    job = held(journal)
    journal.release(job, by="A. Physicist")
    assert "A. Physicist" in journal.job(job).record
    assert journal.finish(job, ["d1"]) is ObjectState.READY
    assert not journal.job(job).sends_result


def test_what_was_cut_off_while_sending_is_sent_again(journal):
    job = ready(journal, "d1", "d2")
    for destination in ("d1", "d2"):
        journal.outbox.sending(delivery_of(journal, job, destination))
    assert journal.outbox.recover("d1") == 1
    assert delivery_of(journal, job, "d1").state is DeliveryState.RETRY
    assert delivery_of(journal, job, "d2").state is DeliveryState.SENDING
    assert len(journal.outbox.due("d1", 9)) == 1


def test_the_journal_is_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        journal = Journal(tmp_path / "private.sqlite")
        received(journal)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("private*")}
    finally:
        os.umask(before)
    journal.close()
    assert modes == dict.fromkeys(("private.sqlite", "private.sqlite-wal", "private.sqlite-shm"), 0o600)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root makes files for others"
)
def test_a_journal_that_root_makes_belongs_to_the_owner_of_the_spool(tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    os.chown(spool, 10263, 10263)
    journal = Journal(spool / "journal.sqlite")
    received(journal)
    assert {path.stat().st_uid for path in spool.iterdir()} == {10263}
    journal.close()


def test_rows_of_what_is_done_with_go_unless_they_are_to_be_remembered(journal):
    jobs = [ready(journal, "d1", token=f"t{number}", uid=f"1.2.{number}") for number in (1, 2, 3)]
    for job in jobs[:2]:
        settle(journal, job, DeliveryState.SENT)
    assert journal.expire(*jobs) == jobs[:2]
    for job in (jobs[0], jobs[2]):
        journal.forget(job)  # the last one is not expired, and stays
    assert [job.job for job, _ in journal.list_objects(finished=True)] == jobs[1:]
    journal.forget_expired(lambda job: True)
    assert len(journal.list_objects(finished=True)) == 2
    journal.forget_expired(lambda job: False)
    assert [job.job for job, _ in journal.list_objects(finished=True)] == jobs[2:]


def test_only_what_everybody_has_had_long_enough_expires(journal, clock):
    sent = ready(journal, token="t1", uid="1.1", sha256="1")
    settle(journal, sent, DeliveryState.SENT)
    half = ready(journal, "d1", "d2", token="t2", uid="1.2", sha256="2")
    settle(journal, half, DeliveryState.SENT)
    failed = ready(journal, token="t3", uid="1.3", sha256="3")
    settle(journal, failed, DeliveryState.FAILED)
    received(journal, "t4", uid="1.4", sha256="4")
    clock.now += 100
    late = ready(journal, token="t5", uid="1.5", sha256="5")
    settle(journal, late, DeliveryState.SENT)
    assert [job.job for job in journal.expirable(clock.now - 50, 9)] == [sent]


def test_of_many_that_may_expire_the_oldest_do(journal, clock):
    jobs = [ready(journal, token=f"t{number}", uid=f"1.{number}", sha256=str(number)) for number in (1, 2, 3)]
    for job in jobs:
        settle(journal, job, DeliveryState.SENT)
    assert [job.job for job in journal.expirable(clock.now + 1, 2)] == jobs[:2]


def test_what_is_wanted_again_does_not_expire(journal, clock):
    undecided = received(journal, "t1", uid="1.1", sha256="1")
    again = ready(journal, token="t2", uid="1.2", sha256="2")
    settle(journal, again, DeliveryState.SENT)
    gone = ready(journal, token="t3", uid="1.3", sha256="3")
    settle(journal, gone, DeliveryState.SENT)
    assert [job.job for job in journal.expirable(clock.now + 1, 9)] == [again, gone]
    assert journal.receive(arrival("t4", uid="1.2", sha256="2")) == (again, Ingest.REDELIVERED)
    assert journal.expire(undecided, again, gone, 99) == [gone]
    assert journal.job(again).state is ObjectState.READY


def test_the_list_shows_what_still_wants_something(journal):
    sent = ready(journal, token="t1", uid="1.1", sha256="1")
    settle(journal, sent, DeliveryState.SENT)
    failed = ready(journal, token="t2", uid="1.2", sha256="2")
    settle(journal, failed, DeliveryState.FAILED, status=0xC000, error="cannot understand")
    assert [job.job for job, _ in journal.list_objects()] == [failed]
    assert [job.job for job, _ in journal.list_objects(finished=True)] == [sent, failed]
    ((_, (delivery,)),) = journal.list_objects()
    assert (delivery.status, delivery.error) == (0xC000, "cannot understand")


def test_a_journal_survives_being_closed_and_is_durable(tmp_path, clock):
    first = Journal(tmp_path / "j", clock=clock)
    job = ready(first)
    first.close()
    again = Journal(tmp_path / "j", clock=clock)
    assert again.job(job).state is ObjectState.READY
    again.close()
    with sqlite3.connect(tmp_path / "j") as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_every_commit_waits_for_the_disk(journal):
    assert journal._database.rows("PRAGMA synchronous")[0][0] == 2


def test_a_journal_of_another_schema_is_refused(tmp_path):
    Journal(tmp_path / "j").close()
    with sqlite3.connect(tmp_path / "j") as raw:
        raw.execute("PRAGMA user_version=99")
    with pytest.raises(JournalError, match="schema version 99"):
        Journal(tmp_path / "j")


VERSION_1 = """
CREATE TABLE objects (
    job INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    sop_class_uid TEXT NOT NULL, sop_instance_uid TEXT NOT NULL, transfer_syntax_uid TEXT NOT NULL,
    sha256 TEXT NOT NULL, dataset_bytes INTEGER NOT NULL, calling_ae_title TEXT NOT NULL,
    peer_address TEXT NOT NULL, received_at REAL NOT NULL, changed_at REAL NOT NULL,
    other_version INTEGER NOT NULL, next_state TEXT NOT NULL DEFAULT '', sends_result INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '', record TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX object_identity ON objects (sop_instance_uid, sha256) WHERE state <> 'EXPIRED';
CREATE INDEX object_uid ON objects (sop_instance_uid);
CREATE INDEX object_state ON objects (state, job);
CREATE TABLE deliveries (
    job INTEGER NOT NULL REFERENCES objects (job), destination TEXT NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, queued_at REAL NOT NULL, next_attempt_at REAL NOT NULL,
    changed_at REAL NOT NULL, status INTEGER, error TEXT NOT NULL DEFAULT '', PRIMARY KEY (job, destination)
) WITHOUT ROWID;
CREATE INDEX delivery_state ON deliveries (destination, state, job);
PRAGMA user_version=1;
INSERT INTO objects VALUES
    (1, 't1', 'RECEIVED', 'c', '1.2.1', 'x', 'aa', 9, 'TPS', '10.0.0.1', 5.0, 5.0, 0, '', 0, '', ''),
    (2, 't2', 'DECIDED', 'c', '1.2.2', 'x', 'bb', 9, 'TPS', '10.0.0.1', 5.0, 6.0, 0, 'READY', 1, '', '{"a": 1}'),
    (3, 't3', 'READY', 'c', '1.2.3', 'x', 'cc', 9, 'TPS', '10.0.0.1', 5.0, 7.0, 1, '', 1, '', ''),
    (4, 't4', 'HELD', 'c', '1.2.4', 'x', 'dd', 9, 'TPS', '10.0.0.1', 5.0, 8.0, 0, '', 0, 'truncated', ''),
    (5, 't5', 'EXPIRED', 'c', '1.2.3', 'x', 'cc', 9, 'TPS', '10.0.0.1', 1.0, 2.0, 0, '', 1, '', '');
INSERT INTO deliveries VALUES
    (3, 'd1', 'SENT', 1, 7.0, 7.0, 8.0, 0, ''),
    (3, 'd2', 'RETRY', 4, 7.0, 99.0, 8.0, NULL, 'the peer gave no answer');
"""
"""A journal as the first release wrote it."""


@pytest.fixture
def first_journal(tmp_path):
    path = tmp_path / "first.sqlite"
    with sqlite3.connect(path) as raw:
        raw.executescript(VERSION_1)
    raw.close()
    return path


def rows_of(path, table):
    with sqlite3.connect(path) as raw:
        raw.row_factory = sqlite3.Row
        rows = [dict(row) for row in raw.execute(f"SELECT * FROM {table}")]
    raw.close()
    return rows


def shape_of(path):
    with sqlite3.connect(path) as raw:
        tables = {
            table: raw.execute(f"PRAGMA table_info({table})").fetchall()
            for table in ("objects", "deliveries")
        }
        indexes = dict(raw.execute("SELECT name, sql FROM sqlite_master WHERE type='index' AND sql<>''"))
    raw.close()
    return tables, indexes


def test_a_journal_of_the_first_release_is_taken_over_with_everything_in_it(first_journal, tmp_path, clock):
    before = {table: rows_of(first_journal, table) for table in ("objects", "deliveries")}
    journal = Journal(first_journal, clock=clock, upgrade=True)
    jobs = {job.token: job for job, _ in journal.list_objects(finished=True)}
    assert [str(jobs[f"t{n}"].state) for n in range(1, 5)] == ["RECEIVED", "DECIDED", "READY", "HELD"]
    assert journal.next_job().job == 1
    assert (jobs["t3"].called_ae_title, jobs["t3"].route) == ("", "")
    assert received(journal, "t9", uid="1.2.3", sha256="cc") == 3
    journal.close()
    for table, rows in before.items():
        for old, new in zip(rows, rows_of(first_journal, table), strict=True):
            assert old.items() <= new.items()
    Journal(tmp_path / "fresh").close()
    assert shape_of(first_journal) == shape_of(tmp_path / "fresh")
    Journal(first_journal, upgrade=True).close()


def test_an_upgrade_that_is_cut_off_changes_nothing(first_journal, monkeypatch):
    before = shape_of(first_journal), rows_of(first_journal, "objects")
    monkeypatch.setitem(database._UPGRADES, 2, database._UPGRADES[2] + "SELECT nonsense;\n")
    with pytest.raises(JournalError, match="nonsense"):
        Journal(first_journal, upgrade=True)
    assert (shape_of(first_journal), rows_of(first_journal, "objects")) == before


def test_only_the_node_brings_a_journal_up_to_date(first_journal):
    with pytest.raises(JournalError, match="schema version 1") as refused:
        Journal(first_journal)
    assert "when it starts" in refused.value.hint


def test_the_same_object_on_another_route_is_another_job(journal):
    first = received(journal)
    other = replace(arrival("t2"), route="research")
    job, ingest = journal.receive(other)
    assert (job != first, ingest) == (True, Ingest.NEW)
    assert journal.receive(replace(other, token="t3")) == (job, Ingest.IN_FLIGHT)


def test_a_file_that_is_no_journal_is_refused(tmp_path):
    (tmp_path / "j").write_bytes(b"not a database" * 100)
    with pytest.raises(JournalError):
        Journal(tmp_path / "j")


def test_two_processes_may_work_on_one_journal(tmp_path):
    node, command = Journal(tmp_path / "j"), Journal(tmp_path / "j")
    job = held(node)
    command.retry(job)
    assert node.next_job().job == job
    node.close()
    command.close()


def test_threads_may_share_a_journal(journal):
    def receive_some(first):
        for n in range(first, first + 20):
            received(journal, f"t{n}", uid=f"1.{n}", sha256=str(n))

    threads = [Thread(target=receive_some, args=(n,)) for n in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(journal.list_objects()) == 60


def test_two_threads_with_the_same_object_make_one_job(journal):
    found = []
    threads = [Thread(target=lambda n=n: found.append(journal.receive(arrival(f"t{n}")))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({job for job, _ in found}) == 1
    assert [ingest for _, ingest in found].count(Ingest.NEW) == 1


def test_a_list_asks_as_often_for_many_objects_as_for_one(journal):
    def asked():
        statements = []
        journal._database._connection.set_trace_callback(statements.append)
        journal.list_objects()
        journal._database._connection.set_trace_callback(None)
        return len(statements)

    ready(journal, token="t0", uid="1.0")
    once = asked()
    for number in range(1, 20):
        ready(journal, token=f"t{number}", uid=f"1.{number}")
    assert asked() == once


def test_of_more_than_a_list_shows_those_that_want_a_person_come_first(journal):
    jobs = [ready(journal, token=f"t{number}", uid=f"1.{number}") for number in range(1, 4)]
    stuck = held(journal, token="t9")
    journal.outbox.settle(delivery_of(journal, jobs[2]), DeliveryState.FAILED, error="refused")
    assert [job.job for job, _ in journal.list_objects(most=3)] == [jobs[2], stuck, jobs[0]]
    totals = journal.totals()
    assert (totals.objects, totals.held, totals.failed, totals.awaiting_llm) == (4, 1, 1, 0)
    assert totals.errors == (("d1", "refused", 1),)
