"""Storage Commitment on both sides: what a destination reports, and what a peer that asks is told."""

from __future__ import annotations

import logging
import threading

import pytest
from doubles.archive_that_gives import GivingArchive
from doubles.loopback import RTSTRUCT, Receiver, Sender, image, node_config, structure_set, wait_until
from doubles.nodes import UID, List, audit_lines, decide, settled
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)
from pynetdicom.transport import ThreadedAssociationServer

from tg263_scp.config.sections import CommitmentPeer
from tg263_scp.service.node import assemble
from tg263_scp.service.readback import commitments, reading_back
from tg263_scp.service.readback.ledger import LEDGER_NAME, Ledger, Proof

CT = str(CTImageStorage)


class Asking:
    """A TPS that asks for a commitment, and listens for the answer."""

    def __init__(self) -> None:
        self.told: list[Dataset] = []
        ae = AE(ae_title="TPS")
        ae.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)
        self._server = ae.make_server(
            ("127.0.0.1", 0),
            server_class=ThreadedAssociationServer,
            evt_handlers=[(evt.EVT_N_EVENT_REPORT, self._take)],
        )
        ae._servers.append(self._server)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self._ae = ae

    def _take(self, event):
        self.told.append(event.event_information)
        return 0x0000, None

    def close(self) -> None:
        self._ae.shutdown()

    def entry(self, **more) -> CommitmentPeer:
        tls = {"enabled": "off", "minimum_version": "1.2", "server_name": "", "certificates": []}
        tls |= {"cert_file": "", "key_file": "", "ca_file": ""}
        settings = {"ae_title": "TPS", "host": "127.0.0.1", "commit_within_s": 60, "tls": tls} | more
        return CommitmentPeer(port=self._server.server_address[1], **settings)

    def ask(self, node, *uids: str, sop_class: str = RTSTRUCT, ae_title: str = "TPS") -> int:
        ae = AE(ae_title=ae_title)
        ae.add_requested_context(StorageCommitmentPushModel)
        association = ae.associate("127.0.0.1", node.address[1], ae_title="TG263")
        asked = Dataset()
        asked.TransactionUID = "1.2.840.77"
        asked.ReferencedSOPSequence = [self._item(sop_class, uid) for uid in uids]
        answer, _ = association.send_n_action(
            asked, 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
        association.release()
        return answer.Status

    def _item(self, sop_class: str, uid: str) -> Dataset:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
        return item

    def answer(self) -> tuple[list[str], dict[str, int]]:
        wait_until(lambda: self.told)
        (told,) = self.told
        assert told.TransactionUID == "1.2.840.77"
        held = [item.ReferencedSOPInstanceUID for item in told.get("ReferencedSOPSequence") or ()]
        failed = {
            item.ReferencedSOPInstanceUID: item.FailureReason for item in told.get("FailedSOPSequence") or ()
        }
        return held, failed


@pytest.fixture
def tps():
    asking = Asking()
    yield asking
    asking.close()


@pytest.fixture
def start(tmp_path, monkeypatch, tps):
    """Start a node with these destinations' ports; ``peers`` are those who may ask."""
    monkeypatch.setattr(reading_back, "REPORT_HERE_S", 1.0)
    # A report that a busy machine sends after that is asked for again, as it is after minutes outside the tests.
    monkeypatch.setattr(reading_back, "REPORT_S", 5.0)
    monkeypatch.setattr(reading_back, "AGAIN_S", 0.05)
    monkeypatch.setattr(commitments, "LOOK_AGAIN_S", 0.05)
    started = []

    def begin(port, *, peers=(), **settings):
        plain = node_config(tmp_path, port)
        destinations = [each.model_copy(update=settings) for each in plain.destinations]
        config = plain.model_copy(update={"destinations": destinations, "commitment_peers": list(peers)})
        node = assemble(config, List(), decide=decide)
        node.start()
        started.append(node)
        return node, config

    yield begin
    for node in started:
        node.drain_and_stop()


def sent(node, folder, dataset, sop_class=RTSTRUCT, uid=UID) -> None:
    assert Sender(node.address[1], folder).send(dataset, sop_class, uid).status == 0x0000


def proofs(config, *, jobs: int = 1) -> list[tuple[Proof, str]]:
    ledger = Ledger(config.spool.folder / LEDGER_NAME)

    def settled_ones():
        found = [each for job in range(1, jobs + 1) for each in ledger.of_job(job)]
        return [each for each in found if each.state not in (Proof.DUE, Proof.ASKED)]

    try:
        wait_until(lambda: len(settled_ones()) == jobs)
        return [(each.state, each.detail) for each in settled_ones()]
    finally:
        ledger.close()


# As SCU


@pytest.mark.parametrize("anew", [False, True])
def test_a_commitment_is_held_there_and_never_verified(tmp_path, start, anew):
    with GivingArchive() as archive:
        node, config = start(archive.port, verify="commitment", uid_policy="new")
        archive.reports_to = (lambda: node.address[1]) if anew else None
        sent(node, tmp_path, structure_set(["linke lunge"]))
        ((state, detail),) = proofs(config)
        assert state is Proof.HELD_THERE
        assert "which version it holds, that does not say" in detail
        if anew:
            wait_until(lambda: archive.answers == [0x0000])
        (asked,) = archive.asked_for
        assert [item.ReferencedSOPInstanceUID for item in asked.ReferencedSOPSequence] == list(archive.held)


def test_what_an_archive_does_not_commit_is_told_and_the_rest_is_held(tmp_path, start):
    def loses_images(told: Dataset) -> Dataset:
        items = list(told.ReferencedSOPSequence)
        lost = [item for item in items if item.ReferencedSOPClassUID == CT]
        for item in lost:
            item.FailureReason = 0x0110
        told.ReferencedSOPSequence = [item for item in items if item not in lost]
        told.FailedSOPSequence = lost
        return told

    with GivingArchive(reports=loses_images) as archive:
        node, config = start(archive.port, verify="commitment")
        sent(node, tmp_path, structure_set(["linke lunge"]))
        sent(node, tmp_path, image(), CT, "1.2.3.200")
        found = proofs(config, jobs=2)
        assert [state for state, _ in found] == [Proof.HELD_THERE, Proof.NOT_HELD]
        assert "0x0110" in found[1][1]


def _of_another_transaction(told: Dataset) -> Dataset:
    told.TransactionUID = "1.2.3.4.5"
    return told


@pytest.mark.parametrize("anew", [False, True])
def test_an_answer_for_another_transaction_proves_nothing(tmp_path, start, anew):
    with GivingArchive(reports=_of_another_transaction) as archive:
        node, config = start(archive.port, verify="commitment", verify_within_s=1.5)
        archive.reports_to = (lambda: node.address[1]) if anew else None
        sent(node, tmp_path, structure_set(["linke lunge"]))
        ((state, _),) = proofs(config)
        assert state is Proof.UNKNOWN
        assert [line["result"] for line in audit_lines(config) if line["kind"] == "read_back"] == ["unknown"]
        if anew:
            assert set(archive.answers) == {0x0115}


@pytest.mark.parametrize("fault", [{"action_status": 0x0110}, {"reports": lambda told: None}])
def test_a_destination_that_refuses_or_never_reports_is_told(tmp_path, start, fault):
    with GivingArchive(**fault) as archive:
        node, config = start(archive.port, verify="commitment", verify_within_s=1.5)
        sent(node, tmp_path, structure_set(["linke lunge"]))
        ((state, _),) = proofs(config)
        assert state is Proof.UNKNOWN


def test_commitment_with_kept_uids_is_warned_of(start, caplog):
    with caplog.at_level(logging.WARNING), GivingArchive() as archive:
        start(archive.port, verify="commitment")
    assert any("verify: retrieve, or uid_policy: new" in line for line in caplog.messages)


# As SCP


def test_a_peer_is_told_committed_once_every_destination_has_it(tmp_path, start, tps):
    free = threading.Event()
    with Receiver(before_answer=lambda uid: free.wait(10)) as receiver:
        node, config = start(receiver.port, peers=[tps.entry()])
        sent(node, tmp_path, structure_set(["linke lunge"]))
        assert tps.ask(node, UID) == 0x0000
        threading.Event().wait(0.5)
        assert tps.told == []
        free.set()
        assert tps.answer() == ([UID], {})

        def told() -> list[dict]:
            return [line for line in audit_lines(config) if line["kind"] == "commitment"]

        wait_until(told)
        assert [(line["committed"], line["refused"]) for line in told()] == [(1, 0)]


def test_what_is_not_everywhere_in_time_and_what_never_came_are_refused(tmp_path, start, tps):
    with Receiver(status=0xC000) as receiver:
        node, _ = start(receiver.port, peers=[tps.entry(commit_within_s=0.5)])
        sent(node, tmp_path, structure_set(["linke lunge"]))
        wait_until(lambda: settled(node))
        assert tps.ask(node, UID, "1.2.3.999") == 0x0000
        assert tps.answer() == ([], {UID: 0x0110, "1.2.3.999": 0x0112})


def test_what_is_held_is_never_committed(tmp_path, start, tps):
    with Receiver() as receiver:
        node, _ = start(receiver.port, peers=[tps.entry(commit_within_s=0.5)])
        sent(
            node, tmp_path, structure_set(["linke lunge"]), RTSTRUCT, "1.2.3.555"
        )  # another UID than its own: held
        wait_until(lambda: settled(node))
        assert tps.ask(node, "1.2.3.555") == 0x0000
        assert tps.answer()[1] == {"1.2.3.555": 0x0110}


def test_an_object_of_another_class_is_refused(tmp_path, start, tps):
    with Receiver() as receiver:
        node, _ = start(receiver.port, peers=[tps.entry()])
        sent(node, tmp_path, structure_set(["linke lunge"]))
        assert tps.ask(node, UID, sop_class=CT) == 0x0000
        assert tps.answer() == ([], {UID: 0x0119})


def test_who_is_not_listed_is_refused_and_nothing_is_offered_where_nobody_is(tmp_path, start, tps):
    with Receiver() as receiver:
        node, _ = start(receiver.port, peers=[tps.entry()])
        assert tps.ask(node, UID, ae_title="STRANGER") == 0x0124
    with Receiver() as receiver:
        (tmp_path / "two").mkdir()
        other = assemble(node_config(tmp_path / "two", receiver.port), List(), decide=decide)
        other.start()
        ae = AE(ae_title="TPS")
        ae.add_requested_context(StorageCommitmentPushModel)
        assert not ae.associate("127.0.0.1", other.address[1], ae_title="TG263").is_established
        other.drain_and_stop()


def test_a_peer_that_is_away_is_told_later(tmp_path, start, tps, monkeypatch):
    monkeypatch.setattr(commitments, "REPORT_AGAIN_S", 0.1)
    refused = []
    honest = commitments.report_commitment

    def report(target, told):
        refused.append(1)
        if len(refused) < 3:
            raise commitments.Unavailable("away", permanent=False)
        honest(target, told)

    monkeypatch.setattr(
        commitments.CommitmentDesk.__init__,
        "__kwdefaults__",
        {**commitments.CommitmentDesk.__init__.__kwdefaults__, "report": report},
    )
    with Receiver() as receiver:
        node, _ = start(receiver.port, peers=[tps.entry()])
        sent(node, tmp_path, structure_set(["linke lunge"]))
        assert tps.ask(node, UID) == 0x0000
        assert tps.answer() == ([UID], {})
