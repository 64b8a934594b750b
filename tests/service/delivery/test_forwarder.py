from __future__ import annotations

import json

import pytest
from doubles.loopback import CT, EXPLICIT, RTPLAN, node_config
from doubles.peers import Clock, Line, Peer

from tg263_scp.dicom.editing.new_uids import UidMap
from tg263_scp.dicom.encoding.budget import Budget
from tg263_scp.dicom.encoding.part10 import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from tg263_scp.dicom.network.sender import Answer, Parcel, Unavailable
from tg263_scp.dicom.network.statuses import StoreResult
from tg263_scp.service.audit import AuditLog, verify
from tg263_scp.service.deciding.relabelling import Writing
from tg263_scp.service.deciding.routing import Routes
from tg263_scp.service.delivery.forwarder import PATIENCE, Forwarder
from tg263_scp.service.delivery.new_uid_copies import Renumbering
from tg263_scp.service.delivery.outgoing import Outlet
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Arrival, DeliveryState
from tg263_scp.service.polling import POLL_S
from tg263_scp.service.spool import Spool


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
def clock():
    return Clock()


class Desk:
    """A forwarder with everything around it, driven by hand."""

    def __init__(self, folder, clock, peer, uid_policy="keep"):
        self.config = config = node_config(folder, 104, spool={})
        self.destination = config.destinations[0].model_copy(
            update={
                "uid_policy": uid_policy,
                "retry": config.destinations[0].retry.model_copy(
                    update={"first_delay_s": 10.0, "max_delay_s": 100.0, "give_up_after_s": 1000.0}
                ),
            }
        )
        self.clock = clock
        self.spool = Spool(folder / "spool", min_free_bytes=0)
        self.journal = Journal(folder / "journal", clock=clock)
        self.audit = AuditLog(folder / "audit.jsonl")
        self.peer = peer
        self.forwarder = self.made()

    def made(self):
        return Forwarder(
            self.destination,
            self.journal.outbox,
            self.audit,
            Outlet(
                self.destination,
                self.spool,
                self.journal.outbox,
                Renumbering(self.spool, UidMap(bytes(16))),
                Writing(),
                Routes(self.config),
                Budget(),
            ),
            connect=self.peer.connect,
            clock=self.clock,
            jitter=lambda: 0.0,
        )

    def restart(self):
        """Have a forwarder that knows what the journal knows, as after a crash."""
        self.forwarder = self.made()
        self.forwarder._prepare(afresh=True)

    def queue(self, *tokens, sop_class=CT, uid=None, study=""):
        for token in tokens:
            arrival = Arrival(
                *(token, sop_class, uid or f"1.2.{token[1:]}", EXPLICIT),
                *(token, 4, "TPS", "127.0.0.1", "TG263", ""),
            )
            job, _ = self.journal.receive(arrival)
            self.journal.decide(job, {"kind": "passed"}, hold=False, study=study)
            self.journal.finish(job, ["d1"])

    def state(self, token):
        return self.delivery(token).state

    def delivery(self, token):
        for job, deliveries in self.journal.list_objects(finished=True):
            if job.token == token:
                return deliveries[0]
        raise KeyError(token)

    def run(self):
        while self.forwarder.work_on_next():
            pass

    def run_for(self, seconds, step=1.0):
        until = self.clock.now + seconds
        while self.clock.now < until:
            self.run()
            self.clock.now += step
        self.run()

    def audit_lines(self):
        return [json.loads(line) for line in self.audit.path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def desk(tmp_path, clock, peer):
    desk = Desk(tmp_path, clock, peer)
    yield desk
    desk.audit.close()
    desk.journal.close()


def test_objects_arrive_in_order_of_receipt_over_one_association(desk, peer):
    desk.queue("t1", "t2", "t3")
    desk.run()
    assert peer.box == ["t1", "t2", "t3"]
    assert peer.connections == 1
    assert desk.state("t2") is DeliveryState.SENT


def test_what_the_destination_got_meanwhile_by_another_object_is_not_sent_again(desk, peer, caplog):
    desk.queue("t1")
    desk.journal.outbox.has_same = lambda job, destination: destination == "d1"
    with caplog.at_level("INFO"):
        desk.run()
    assert peer.box == []
    assert (desk.state("t1"), desk.delivery("t1").attempts) == (DeliveryState.SENT, 0)
    assert "not sent again" in caplog.text


@pytest.mark.parametrize("status", [0xB000, 0xB006, 0xB007, 0xB123, 0x0001, 0x0107, 0x0116])
def test_a_storage_warning_is_sent_and_recorded(desk, peer, status):
    peer.answers["t1"] = [status]
    desk.queue("t1")
    desk.run()
    assert (desk.state("t1"), desk.delivery("t1").status) == (DeliveryState.SENT, status)
    assert f"0x{status:04X}" in desk.delivery("t1").error
    assert peer.tried == ["t1"]


def test_a_duplicate_is_not_sent_again_and_the_log_warns(desk, peer, caplog):
    peer.answers["t1"] = [0x0111]
    desk.queue("t1")
    desk.run()
    assert (desk.state("t1"), peer.tried) == (DeliveryState.SENT, ["t1"])
    assert "perhaps an older version" in desk.delivery("t1").error
    assert [each.levelname for each in caplog.records if "holds it already" in each.message] == ["WARNING"]


@pytest.mark.parametrize("failure", [0xA700, 0x0110, "abort"])
def test_a_failure_that_passes_lets_nobody_pass(desk, peer, failure):
    peer.answers["t1"] = [failure] * (PATIENCE - 1)
    desk.queue("t1", "t2")
    desk.run()
    assert peer.tried == ["t1"]
    assert desk.state("t1") is DeliveryState.RETRY
    assert desk.delivery("t1").status == (None if failure == "abort" else failure)
    desk.queue("t3")
    desk.run_for(60)
    assert peer.box == ["t1", "t2", "t3"]
    assert desk.delivery("t1").attempts == PATIENCE


@pytest.mark.parametrize("failure", [0xA700, 0x0110, "abort"])
def test_an_object_that_fails_again_and_again_is_set_aside_and_the_others_pass(desk, peer, failure):
    peer.answers["t1"] = [failure] * 6
    desk.queue("t1", "t2", "t3")
    desk.run_for(40)
    assert peer.box == ["t2", "t3"]
    assert (desk.state("t1"), desk.delivery("t1").aside) == (DeliveryState.RETRY, True)
    desk.queue("t4")
    desk.run()
    assert peer.box == ["t2", "t3", "t4"]
    desk.run_for(600)
    assert peer.box == ["t2", "t3", "t4", "t1"]
    assert desk.delivery("t1").attempts == 7


def test_after_the_first_silence_objects_of_other_studies_pass(desk, peer):
    peer.answers["t1"] = ["silent"] * 9
    desk.queue("t1", study="A")
    desk.queue("t2", study="B")
    desk.queue("t3")
    desk.run_for(desk.destination.retry.first_delay_s)
    assert peer.tried == ["t1", "t2", "t3"]
    assert peer.box == ["t2", "t3"]


def test_a_silent_object_is_left_alone_for_longer_than_it_delayed_the_others(desk, peer):
    lost_s = desk.destination.dimse_timeout_s
    peer.answers["t1"] = ["silent"] * 9
    desk.queue("t1", "t2")
    desk.run_for(lost_s - 1)
    assert peer.tried == ["t1", "t2"]
    desk.run_for(2)
    assert peer.tried == ["t1", "t2", "t1"]
    desk.run_for(2 * lost_s - 3)
    assert peer.tried == ["t1", "t2", "t1"]


@pytest.mark.parametrize("failure", ["silent", 0xA700])
def test_a_plan_does_not_overtake_its_set_until_it_has_waited_long_enough(desk, peer, caplog, failure):
    desk.forwarder._destination = desk.destination.model_copy(update={"order_wait_s": 500.0})
    peer.answers["t1"] = [failure] * 99
    desk.queue("t1", study="A")
    desk.queue("t2", sop_class=RTPLAN, study="A")
    desk.queue("t3", study="B")
    desk.run_for(400)
    assert peer.box == ["t3"]
    assert desk.state("t2") is DeliveryState.PENDING
    desk.restart()
    desk.forwarder._destination = desk.destination.model_copy(update={"order_wait_s": 500.0})
    desk.run_for(200)
    assert peer.box == ["t3", "t2"]
    assert "job 2: goes to d1 before job 1 of the same study" in caplog.text


def test_a_plan_goes_right_after_its_set_where_that_arrives_in_time(desk, peer):
    peer.answers["t1"] = ["silent"]
    desk.queue("t1", "t2", study="A")
    desk.run_for(250)
    assert peer.box == ["t1", "t2"]


def test_a_whole_series_that_is_refused_blocks_no_longer_than_one_object(desk, peer):
    series = [f"t{n}" for n in range(1, 41)]
    peer.answers = {token: [0xA700] * 1000 for token in series}
    desk.queue(*series, "t99")
    desk.run_for(40)
    assert peer.box == ["t99"]
    assert {desk.state(token) for token in series} == {DeliveryState.RETRY}


@pytest.mark.parametrize("failure", [0xA700, "abort"])
def test_a_destination_that_takes_nothing_for_long_gets_everything_in_order_but_one(desk, peer, failure):
    tokens = [f"t{n}" for n in range(1, 10)]
    peer.answers = {token: [failure] * 1000 for token in tokens}
    desk.queue(*tokens)
    desk.run_for(200)
    assert peer.box == []
    peer.answers = {}
    desk.run_for(200)
    first = peer.box[0]
    assert peer.box == [first, *(token for token in tokens if token != first)]


@pytest.mark.parametrize("failure", [0xA700, "abort", "down"])
def test_after_a_restart_nobody_passes_either(desk, peer, failure):
    if failure == "down":
        peer.refusal = Unavailable("down", permanent=False)
    peer.answers["t1"] = [failure]
    desk.queue("t1", "t2")
    desk.run()
    desk.queue("t3")
    peer.refusal = None
    peer.answers = {}
    desk.restart()
    desk.run_for(30)
    assert peer.box == ["t1", "t2", "t3"]


def test_after_a_restart_what_was_set_aside_is_tried_again_in_order(desk, peer):
    peer.answers = {token: [0xA700] * 1000 for token in ("t1", "t2", "t3")}
    desk.queue("t1", "t2", "t3")
    desk.run_for(100)
    assert {desk.delivery(token).aside for token in ("t1", "t2", "t3")} == {True}
    peer.answers = {}
    desk.queue("t4")
    desk.restart()
    desk.run()
    assert peer.box == ["t1", "t2", "t3", "t4"]


def test_killed_while_sending_the_object_keeps_its_turn(desk, peer):
    desk.queue("t1", "t2")
    desk.journal.outbox.sending(desk.delivery("t1"))
    desk.restart()
    desk.run()
    assert peer.box == ["t1", "t2"]


def test_a_newer_version_waits_for_the_older_one_even_where_that_is_set_aside(desk, peer):
    peer.answers["t1"] = [0xA700] * (PATIENCE + 2)
    desk.queue("t1", "t2", uid="1.2.7")
    desk.queue("t3")
    desk.run_for(40)
    assert peer.box == ["t3"]
    assert desk.state("t2") is DeliveryState.PENDING
    desk.run_for(300)
    assert peer.box == ["t3", "t1", "t2"]


def test_a_newer_version_goes_on_where_the_older_one_has_failed(desk, peer):
    peer.answers["t1"] = [0xC000]
    desk.queue("t1", "t2", uid="1.2.7")
    desk.run()
    assert (desk.state("t1"), peer.box) == (DeliveryState.FAILED, ["t2"])


def test_a_forwarder_whose_queue_waits_sleeps(desk, peer):
    peer.answers["t1"] = [0xA700] * 1000
    desk.queue("t1", "t2", uid="1.2.7")
    while not desk.delivery("t1").aside:
        desk.run()
        desk.clock.now += desk.forwarder._idle_s()
    desk.run()
    assert desk.forwarder._idle_s() == POLL_S
    desk.clock.now = desk.delivery("t1").next_attempt_at - 0.25
    desk.run()
    assert desk.forwarder._idle_s() == pytest.approx(0.25)


def test_the_delay_doubles_up_to_its_cap(desk, peer, clock):
    peer.answers["t1"] = [0xA700] * 20
    desk.queue("t1")
    delays = []
    for _ in range(6):
        desk.run()
        delays.append(desk.delivery("t1").next_attempt_at - clock.now)
        clock.now += delays[-1]
    assert delays == [10, 20, 40, 80, 100, 100]


def test_jitter_spreads_the_delay_by_a_quarter_at_most(desk, peer, clock):
    desk.forwarder._jitter = lambda: 1.0
    peer.answers["t1"] = [0xA700]
    desk.queue("t1")
    desk.run()
    assert desk.delivery("t1").next_attempt_at - clock.now == 12.5


@pytest.mark.parametrize("status", [0xC000, 0xA900, 0x0122, 0x0124])
def test_a_permanent_refusal_stays_visible_and_is_not_tried_again(desk, peer, status):
    peer.answers["t1"] = [status]
    desk.queue("t1", "t2")
    desk.run_for(300)
    assert peer.tried == ["t1", "t2"]
    assert desk.state("t1") is DeliveryState.FAILED
    assert f"0x{status:04X}" in desk.delivery("t1").error
    assert [job.token for job, _ in desk.journal.list_objects()] == ["t1"]


def test_a_person_can_restart_what_was_given_up(desk, peer):
    peer.answers["t1"] = [0xC000]
    desk.queue("t1")
    desk.run()
    desk.journal.retry(desk.delivery("t1").job)
    desk.run()
    assert (peer.box, desk.state("t1")) == (["t1"], DeliveryState.SENT)


def test_what_is_tried_too_long_is_given_up(desk, peer):
    peer.answers["t1"] = [0xA700] * 1000
    desk.queue("t1")
    desk.run_for(1200, step=5)
    assert desk.state("t1") is DeliveryState.FAILED
    assert desk.delivery("t1").attempts < 20


def test_no_answer_is_not_sent(desk, peer):
    peer.answers["t1"] = ["abort"]
    desk.queue("t1")
    desk.run()
    assert (desk.state("t1"), desk.delivery("t1").status) == (DeliveryState.RETRY, None)
    assert peer.box == []
    desk.run_for(20)
    assert peer.box == ["t1"]


def test_a_destination_that_is_down_keeps_its_queue_in_order_and_is_not_pestered(desk, peer):
    peer.refusal = Unavailable("down", permanent=False)
    desk.queue("t1", "t2", "t3")
    desk.run_for(100)
    assert peer.connections <= 5
    assert {desk.state(token) for token in ("t1", "t2", "t3")} == {DeliveryState.RETRY}
    assert desk.delivery("t1").error == "down"
    peer.refusal = None
    desk.queue("t4")
    desk.run_for(120)
    assert peer.box == ["t1", "t2", "t3", "t4"]


def test_a_destination_that_rejects_us_for_good_is_shown_and_gets_everything_in_order_once_it_knows_us(
    desk, peer, caplog
):
    peer.refusal = Unavailable("calling AE title not recognised", permanent=True)
    desk.queue("t1", "t2")
    desk.run()
    assert (desk.state("t1"), desk.delivery("t1").error) == ("RETRY", "calling AE title not recognised")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    peer.refusal = None
    desk.queue("t3")
    desk.run_for(20)
    assert peer.box == ["t1", "t2", "t3"]


def test_a_person_can_have_the_destination_tried_at_once(desk, peer):
    peer.refusal = Unavailable("calling AE title not recognised", permanent=True)
    desk.queue("t1", "t2", "t3")
    desk.run_for(300)
    peer.refusal = None
    desk.run()
    assert peer.box == []
    assert desk.journal.retry(desk.delivery("t2").job) == 3
    desk.run()
    assert peer.box == ["t1", "t2", "t3"]


def test_a_destination_that_stays_away_is_given_up_in_the_end(desk, peer):
    peer.refusal = Unavailable("down", permanent=False)
    desk.queue("t1")
    desk.run_for(1200, step=20)
    assert desk.state("t1") is DeliveryState.FAILED


def test_what_the_peer_does_not_take_fails_and_the_rest_goes_on(desk, peer):
    peer.answers["t1"] = ["no context"]
    desk.queue("t1", sop_class=RTPLAN)
    desk.queue("t2")
    desk.run()
    assert (desk.state("t1"), desk.state("t2")) == ("FAILED", "SENT")
    assert peer.connections == 1


def test_every_context_is_proposed_with_one_transfer_syntax(desk, peer):
    desk.queue("t1", "t2")
    desk.queue("t3", sop_class=RTPLAN)
    desk.run()
    assert peer.contexts[:2] == [(CT, EXPLICIT), (RTPLAN, EXPLICIT)]
    others = {(RTPLAN, IMPLICIT_VR_LITTLE_ENDIAN), (RTPLAN, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN)}
    assert set(peer.contexts[2:]) == others


def test_more_kinds_of_objects_than_an_association_has_contexts_take_two(desk, peer):
    desk.forwarder._destination = desk.destination.model_copy(update={"batch_objects": 1000})
    for n in range(130):
        desk.queue(f"t{n}", sop_class=f"1.2.840.{n}")
    desk.run()
    assert (len(peer.box), peer.connections) == (130, 2)


def test_deliveries_are_in_the_audit_log(desk, peer):
    peer.answers["t2"] = [0xC000]
    desk.queue("t1", "t2")
    desk.run()
    first, second = desk.audit_lines()
    assert (first["kind"], first["job"], first["status"]) == ("delivered", "t1", "0x0000")
    assert (second["kind"], second["destination"], second["status"]) == ("delivery_failed", "d1", "0xC000")
    assert verify(desk.audit.path).intact


@pytest.mark.parametrize("fault", [ValueError, KeyError, ZeroDivisionError, MemoryError])
def test_an_object_over_which_the_sending_library_stumbles_fails_alone_and_at_once(desk, peer, fault):
    class LineThatStumbles(Line):
        def send(self, parcel):
            if parcel.path.stem == "t1":
                raise fault("over what it holds")
            return super().send(parcel)

    desk.forwarder._connect = lambda target, contexts: LineThatStumbles(peer)
    desk.queue("t1", "t2")
    desk.run()
    assert (desk.state("t1"), desk.state("t2")) == (DeliveryState.FAILED, DeliveryState.SENT)
    assert fault.__name__ in desk.delivery("t1").error
    assert "over what it holds" not in desk.delivery("t1").error
    assert desk.delivery("t1").attempts == 1


def test_what_is_sent_is_what_the_journal_says(desk, peer):
    parcels = []

    class LineThatNotes(Line):
        def send(self, parcel):
            parcels.append(parcel)
            return super().send(parcel)

    desk.forwarder._connect = lambda target, contexts: LineThatNotes(peer)
    desk.queue("t1")
    desk.run()
    assert parcels == [Parcel(desk.spool.original("t1"), CT, EXPLICIT, "1.2.1", "t1")]


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), ZeroDivisionError()])
def test_a_copy_that_cannot_be_made_delays_nobody_else(desk, peer, fault, monkeypatch):
    outgoing = Outlet.outgoing

    def refuse(outlet, job, delivery):
        if job.token == "t1" and refusing:
            raise fault
        return outgoing(outlet, job, delivery)

    refusing = True
    monkeypatch.setattr(Outlet, "outgoing", refuse)
    desk.queue("t1", "t2")
    desk.run()
    assert peer.box == ["t2"]
    disk = isinstance(fault, OSError)
    assert desk.state("t1") is (DeliveryState.RETRY if disk else DeliveryState.FAILED)
    refusing = False
    desk.run_for(30)
    assert peer.box == (["t2", "t1"] if disk else ["t2"])


def test_a_copy_that_can_never_be_made_is_given_up(desk, peer, monkeypatch):
    def refuse(outlet, job, delivery):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Outlet, "outgoing", refuse)
    desk.queue("t1")
    desk.run_for(1100, step=50.0)
    assert desk.state("t1") is DeliveryState.FAILED
    assert [line["kind"] for line in desk.audit_lines()] == ["delivery_failed"]


def test_a_plan_that_cannot_be_read_does_not_wait_and_fails_alone(desk, peer, monkeypatch):
    def stumble(outlet, job, delivery):
        raise ZeroDivisionError

    monkeypatch.setattr(Outlet, "waits_until", stumble)
    desk.queue("t1", "t2")
    desk.run()
    assert peer.box == ["t1", "t2"]


def test_without_the_audit_line_nothing_counts_as_sent(desk, peer, monkeypatch):
    def refuse(record):
        raise OSError(28, "No space left on device")

    desk.queue("t1")
    with monkeypatch.context() as patch:
        patch.setattr(desk.audit, "append", refuse)
        with pytest.raises(OSError, match="No space"):
            desk.run()
    assert desk.state("t1") is DeliveryState.SENDING
    desk.journal.outbox.recover("d1")
    desk.run()
    assert desk.state("t1") is DeliveryState.SENT


@pytest.mark.parametrize(
    ("result", "text"), [(None, "no longer in the spool"), (b"no structure set", "DICOM")]
)
def test_an_object_that_cannot_get_new_uids_fails_alone_and_visibly(tmp_path, clock, peer, result, text):
    peer.connect = lambda target, contexts: LineThatLooks(peer)
    desk = Desk(tmp_path, clock, peer, uid_policy="new")
    job, _ = desk.journal.receive(
        Arrival("t1", CT, "1.2.1", EXPLICIT, "t1", 4, "TPS", "127.0.0.1", "TG263", "")
    )
    desk.journal.decide(job, {"kind": "relabelled"}, hold=False, sends_result=True)
    desk.journal.finish(job, ["d1"])
    if result is not None:
        desk.spool.result("t1").write_bytes(result)
    desk.queue("t2")
    desk.run()
    assert desk.state("t1") is DeliveryState.FAILED
    assert text in desk.delivery("t1").error
    assert desk.state("t2") is DeliveryState.SENT


class LineThatLooks(Line):
    """A line that wants the file of a relabelled object to be there, as a real one does."""

    def send(self, parcel):
        if parcel.path.stem == "t1" and not parcel.path.is_file():
            return Answer(StoreResult.PERMANENT, None, "the file is no longer in the spool")
        return super().send(parcel)
