"""What a plan or dose refers to at a destination: driven by hand, with a clock that only the test moves."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest
from doubles.loopback import (
    EXPLICIT,
    RTDOSE,
    RTPLAN,
    RTSTRUCT,
    element,
    gates,
    node_config,
    referring,
    structure_set,
    write_object,
)
from doubles.peers import Clock, Line, Peer
from doubles.spooling import spool_dataset

from tg263_scp.dicom.editing.new_uids import UidMap
from tg263_scp.dicom.encoding.budget import Budget
from tg263_scp.dicom.encoding.part10 import read_file_meta
from tg263_scp.service.audit import AuditLog
from tg263_scp.service.deciding.relabelling import Writing
from tg263_scp.service.deciding.routing import Routes
from tg263_scp.service.delivery import outgoing
from tg263_scp.service.delivery.forwarder import Forwarder
from tg263_scp.service.delivery.new_uid_copies import Renumbering
from tg263_scp.service.delivery.outgoing import Outlet
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Arrival, DeliveryState
from tg263_scp.service.spool import Spool

SET, PLAN, DOSE = "1.2.3.100", "1.2.3.500", "1.2.3.600"
UIDS = UidMap(bytes(16))
NEW = UIDS.instance(SET)
WAIT_S = 60.0


class Archive(Peer):
    """A destination that keeps the data sets it gets, by SOP Instance UID of the plan or dose."""

    def __init__(self):
        super().__init__()
        self.data_sets: list[bytes] = []

    def connect(self, target, contexts):
        super().connect(target, contexts)
        return LineThatKeeps(self)


class LineThatKeeps(Line):
    def send(self, parcel):
        answer = super().send(parcel)
        if parcel.path.is_file() and parcel.sop_class_uid != RTSTRUCT:
            self.peer.data_sets.append(parcel.path.read_bytes()[read_file_meta(parcel.path).dataset_offset :])
        return answer


class Desk:
    def __init__(self, folder: Path, **settings):
        self.folder = folder
        self.clock = Clock()
        self.archive = Archive()
        plain = node_config(folder, 104).destinations[0]
        update = {"uid_policy": "new", "rewrite_references": True, "reference_wait_s": WAIT_S, **settings}
        update["retry"] = plain.retry.model_copy(update={"first_delay_s": 10.0, "max_delay_s": 20.0})
        self.destination = plain.model_copy(update=update)
        self.spool = Spool(folder / "spool", min_free_bytes=0)
        self.journal = Journal(folder / "journal", clock=self.clock)
        self.audit = AuditLog(folder / "audit.jsonl")
        self.gates = gates()
        self.writing = Writing()
        self.forwarder = self.made()

    def made(self) -> Forwarder:
        outbox = self.journal.outbox
        renumbering = Renumbering(self.spool, UIDS)
        routes = Routes(node_config(self.folder, 104, naming={"gates": self.gates}))
        outlet = Outlet(self.destination, self.spool, outbox, renumbering, self.writing, routes, Budget())
        return Forwarder(
            self.destination, outbox, self.audit, outlet, connect=self.archive.connect, clock=self.clock
        )

    def receive(self, dataset: bytes, sop_class: str, uid: str) -> int:
        spooled = spool_dataset(
            self.spool,
            dataset,
            sop_class_uid=sop_class,
            sop_instance_uid=uid,
            transfer_syntax_uid=EXPLICIT,
            source_ae_title="TPS",
        )
        arrival = Arrival(spooled.token, sop_class, uid, EXPLICIT, spooled.sha256, 1, "TPS", "h", "TG263", "")
        return self.journal.receive(arrival)[0]

    def decided(self, job: int, *, relabelled: bool = False, hold: bool = False, to: str = "d1") -> int:
        token = self.journal.job(job).token
        if relabelled:
            self.spool.result(token).write_bytes(self.spool.original(token).read_bytes())
        self.journal.decide(job, {"kind": "x"}, hold=hold, sends_result=relabelled)
        self.journal.finish(job, [to])
        return job

    def set(self, **options) -> int:
        return self.decided(self.receive(structure_set(["x"], uid=SET), RTSTRUCT, SET), **options)

    def plan(self, *sets: str, sop_class=RTPLAN, uid=PLAN, **options) -> int:
        dataset = referring(sop_class, uid, *(sets or (SET,)), **options)
        return self.decided(self.receive(dataset, sop_class, uid))

    def run(self):
        while self.forwarder.work_on_next():
            pass

    def run_for(self, seconds: float):
        until = self.clock.now + seconds
        while self.clock.now < until:
            self.run()
            self.clock.now += 1.0
        self.run()

    def state(self, job: int) -> DeliveryState:
        return self.journal.outbox.deliveries(job)[0].state

    def told(self, job: int) -> dict:
        token = self.journal.job(job).token
        lines = [json.loads(line) for line in self.audit.path.read_text(encoding="utf-8").splitlines()]
        return next(line for line in reversed(lines) if line["job"] == token)


@pytest.fixture
def make(tmp_path):
    made = []

    def desk(**settings) -> Desk:
        made.append(Desk(tmp_path, **settings))
        return made[-1]

    yield desk
    for each in made:
        each.audit.close()
        each.journal.close()


@pytest.fixture
def desk(make) -> Desk:
    return make()


@pytest.mark.parametrize(("sop_class", "uid"), [(RTPLAN, PLAN), (RTDOSE, DOSE)])
def test_a_plan_or_dose_refers_to_the_set_under_its_new_uid(desk, sop_class, uid):
    desk.set(relabelled=True)
    job = desk.plan(sop_class=sop_class, uid=uid)
    desk.run()
    assert desk.archive.data_sets == [referring(sop_class, uid, NEW)]
    told = desk.told(job)
    assert (told["kind"], told["sent"], told["sop_instance_uid"]) == ("delivered", "rewritten", uid)
    assert told["references"] == [{"old": SET, "new": NEW, "structure_set": "renumbered"}]
    assert told["digests"]["blanked_before"] == told["digests"]["blanked_after"]
    assert told["digests"]["before"] != told["digests"]["after"]


def test_with_provenance_the_plan_says_so_itself(desk, tmp_path):
    desk.writing = Writing("NODE1")
    desk.forwarder = desk.made()
    desk.set(relabelled=True)
    job = desk.plan()
    desk.run()
    (sent,) = desk.archive.data_sets
    write_object(tmp_path / "plan.dcm", sent, RTPLAN, PLAN)
    (original,) = pydicom.dcmread(tmp_path / "plan.dcm").OriginalAttributesSequence
    assert (original.ModifyingSystem, original.SourceOfPreviousValues) == ("NODE1", "TPS")
    (prior,) = original.ModifiedAttributesSequence[0].ReferencedStructureSetSequence
    assert prior.ReferencedSOPInstanceUID == SET
    assert desk.told(job)["provenance_added"] is True


def test_a_plan_that_cannot_take_provenance_goes_on_as_it_was_received(desk):
    desk.writing = Writing("NODE1")
    desk.forwarder = desk.made()
    desk.set(relabelled=True)
    head, tail = referring(RTPLAN, PLAN, SET).split(element(0x0020000D, "UI", b"1.2.3.1"))
    odd = head + element(0x0018A001, "OB", b"") + element(0x0020000D, "UI", b"1.2.3.1") + tail
    job = desk.decided(desk.receive(odd, RTPLAN, PLAN))
    desk.run()
    assert desk.archive.data_sets == [odd]
    assert desk.told(job)["references_kept"] == "provenance_not_writable"


def test_a_plan_that_comes_first_waits_for_its_set_and_lets_others_pass(desk):
    plan = desk.plan()
    image = desk.plan("1.2.3.999", uid="1.2.3.501")
    other = desk.decided(desk.receive(b"\x08\x00\x18\x00UI\x02\x001\x00", "1.2.840.10008.5.1.4.1.1.2", "1"))
    desk.run_for(WAIT_S / 2)
    assert [desk.state(job) for job in (plan, image, other)] == ["RETRY", "RETRY", "SENT"]
    assert desk.journal.outbox.deliveries(plan)[0].error == "waits for the structure set it refers to"
    assert desk.archive.connections == 1
    desk.set(relabelled=True)
    desk.run_for(2.0)
    assert desk.archive.data_sets[-1] == referring(RTPLAN, PLAN, NEW)


def test_a_plan_whose_set_does_not_come_goes_on_as_it_was_received(desk):
    job = desk.plan()
    desk.run_for(WAIT_S - 1)
    assert desk.archive.data_sets == []
    desk.run_for(1.0)
    assert desk.archive.data_sets == [referring(RTPLAN, PLAN, SET)]
    told = desk.told(job)
    assert told["sent"] == "original"
    assert told["references"] == [{"old": SET, "new": SET, "structure_set": "unknown"}]


def test_what_waits_is_read_once(desk, monkeypatch):
    reads = []
    read = outgoing.structure_sets_of
    monkeypatch.setattr(outgoing, "structure_sets_of", lambda path: reads.append(path) or read(path))
    desk.plan()
    desk.run_for(WAIT_S + 1)
    assert len(desk.archive.data_sets) == len(reads) == 1


def test_with_no_time_to_wait_it_goes_on_at_once(make):
    desk = make(reference_wait_s=0.0)
    desk.plan()
    desk.run()
    assert desk.archive.data_sets == [referring(RTPLAN, PLAN, SET)]


@pytest.mark.parametrize(
    ("options", "found"), [({}, "unchanged"), ({"relabelled": True, "to": "d2"}, "elsewhere")]
)
def test_a_set_that_keeps_its_uid_or_goes_elsewhere_is_not_waited_for(desk, options, found):
    desk.set(**options)
    job = desk.plan()
    desk.run()
    assert desk.archive.data_sets == [referring(RTPLAN, PLAN, SET)]
    assert desk.told(job)["references"] == [{"old": SET, "new": SET, "structure_set": found}]


def test_a_held_set_is_waited_for_until_a_person_has_decided_or_the_time_is_over(desk):
    held = desk.set(hold=True)
    first = desk.plan()
    desk.run_for(WAIT_S)
    assert desk.told(first)["references"][0]["structure_set"] == "undecided"
    second = desk.plan(uid="1.2.3.501")
    desk.run()
    desk.journal.release(held)
    desk.journal.finish(held, ["d1"])
    desk.run_for(2.0)
    assert desk.told(second)["references"][0]["structure_set"] == "unchanged"


def test_of_several_versions_of_a_set_the_newest_decides(desk):
    desk.set()
    newer = desk.receive(structure_set(["y"], uid=SET), RTSTRUCT, SET)
    plan = desk.plan()
    desk.run_for(2.0)
    assert desk.archive.data_sets == []
    desk.decided(newer, relabelled=True)
    desk.run_for(2.0)
    assert desk.told(plan)["references"][0]["new"] == NEW


def test_of_two_sets_each_is_looked_up(desk):
    desk.set(relabelled=True)
    other = "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15"
    desk.decided(desk.receive(structure_set(["x"], uid=other), RTSTRUCT, other))
    desk.plan(SET, other)
    desk.run()
    assert desk.archive.data_sets == [referring(RTPLAN, PLAN, NEW, other)]


@pytest.mark.parametrize(
    ("seal", "gate"), [({"approval": "APPROVED"}, "approved"), ({"signed": True}, "signed")]
)
def test_a_sealed_plan_is_rewritten_only_where_its_gate_allows_it(desk, seal, gate):
    desk.set(relabelled=True)
    job = desk.plan(**seal)
    desk.run()
    assert desk.archive.data_sets == [referring(RTPLAN, PLAN, SET, **seal)]
    assert desk.told(job)["references"][0]["structure_set"] == gate
    desk.gates = gates(**{gate: "relabel"})
    desk.forwarder = desk.made()
    desk.plan(uid="1.2.3.501", **seal)
    desk.run()
    assert desk.archive.data_sets[1] == referring(RTPLAN, "1.2.3.501", NEW, **seal)


def test_a_plan_that_cannot_be_read_goes_on_as_it_was_received(desk):
    broken = referring(RTPLAN, PLAN, SET)[:-3]
    job = desk.decided(desk.receive(broken, RTPLAN, PLAN))
    desk.run()
    assert desk.archive.data_sets == [broken]
    assert desk.told(job)["references_kept"] == "truncated"


@pytest.mark.parametrize(
    "settings", [{"rewrite_references": False}, {"rewrite_references": False, "uid_policy": "keep"}]
)
def test_without_rewriting_nothing_waits_and_nothing_changes(make, settings):
    desk = make(**settings)
    job = desk.plan()
    desk.run()
    assert desk.archive.data_sets == [referring(RTPLAN, PLAN, SET)]
    assert "references" not in desk.told(job)


def test_a_later_attempt_sends_the_same_bytes_whatever_has_come_since(desk):
    job = desk.plan()
    desk.archive.answers = {desk.journal.job(job).token: [0xA700]}
    desk.run_for(WAIT_S + 1)
    assert desk.archive.data_sets == [referring(RTPLAN, PLAN, SET)]
    desk.set(relabelled=True)
    desk.forwarder = desk.made()
    desk.run_for(30.0)
    assert desk.state(job) is DeliveryState.SENT
    assert desk.archive.data_sets == [referring(RTPLAN, PLAN, SET)] * 2


def test_a_rewritten_copy_is_sent_again_as_it_was(desk):
    desk.set(relabelled=True)
    job = desk.plan()
    desk.archive.answers = {f"{desk.journal.job(job).token}.d1": [0xA700]}
    desk.run()
    assert desk.state(job) is DeliveryState.RETRY
    desk.destination = desk.destination.model_copy(update={"reference_wait_s": 0.0})
    desk.forwarder = desk.made()
    desk.run_for(30.0)
    assert desk.archive.data_sets == [referring(RTPLAN, PLAN, NEW)] * 2


def test_a_plan_that_is_sent_again_refers_to_what_is_known_then(desk):
    desk.plan()
    desk.run_for(WAIT_S + 1)
    desk.set(relabelled=True)
    desk.run()
    assert desk.receive(referring(RTPLAN, PLAN, SET), RTPLAN, PLAN)
    desk.run_for(2.0)
    assert desk.archive.data_sets == [referring(RTPLAN, PLAN, uid) for uid in (SET, NEW)]


def test_where_the_policy_has_changed_the_uid_that_was_sent_counts(desk):
    job = desk.set(relabelled=True)
    desk.destination = desk.destination.model_copy(update={"uid_policy": "keep", "rewrite_references": False})
    desk.forwarder = desk.made()
    desk.run()
    assert desk.state(job) is DeliveryState.SENT
    desk.destination = desk.destination.model_copy(update={"uid_policy": "new", "rewrite_references": True})
    desk.forwarder = desk.made()
    desk.plan()
    desk.run()
    assert desk.archive.data_sets == [referring(RTPLAN, PLAN, SET)]


def test_what_an_earlier_version_has_sent_is_not_known(desk):
    job = desk.set(relabelled=True)
    desk.run()
    with desk.journal._database.transaction() as db:
        db.execute("UPDATE deliveries SET variant='' WHERE job=?", (job,))
    plan = desk.plan()
    desk.run()
    assert desk.told(plan)["references"][0]["structure_set"] == "unknown"


def test_the_copy_goes_with_the_object(desk):
    desk.set(relabelled=True)
    job = desk.plan()
    desk.run()
    token = desk.journal.job(job).token
    assert desk.spool.rewritten(token, "d1").is_file()
    assert desk.spool.sweep({token}, set()).expired_removed == 0
    desk.spool.discard(token)
    assert not desk.spool.rewritten(token, "d1").exists()
