"""What a destination has is asked and compared: verified, an old version kept, another object, nothing, no answer."""

from __future__ import annotations

import logging

import pytest
from doubles.archive_that_gives import GivingArchive
from doubles.loopback import CT, RTSTRUCT, Sender, image, node_config, structure_set, wait_until
from doubles.nodes import UID, List, audit_lines, decide, settled

from tg263_scp.service.node import assemble
from tg263_scp.service.readback import reading_back
from tg263_scp.service.readback.ledger import LEDGER_NAME, Ledger, Proof


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.setattr(reading_back, "AGAIN_S", 0.05)
    started = []

    class House:
        def __init__(self, archive: GivingArchive, **settings) -> None:
            self.archive = archive
            plain = node_config(tmp_path, archive.port)
            settings = {"verify": "retrieve", "verify_within_s": 60.0} | settings
            destinations = [each.model_copy(update=settings) for each in plain.destinations]
            self.config = plain.model_copy(update={"destinations": destinations})
            self.node = assemble(self.config, List(), decide=decide)
            self.node.start()
            started.append(self.node)

        def send(self, dataset=None, sop_class=RTSTRUCT, uid=UID) -> None:
            dataset = structure_set(["linke lunge", "anything"]) if dataset is None else dataset
            sender = Sender(self.node.address[1], tmp_path)
            assert sender.send(dataset, sop_class, uid).status == 0x0000
            wait_until(lambda: settled(self.node))

        def proof(self) -> tuple[Proof, str]:
            ledger = Ledger(self.config.spool.folder / LEDGER_NAME)
            try:
                wait_until(lambda: any(each.state is not Proof.DUE for each in ledger.of_job(1)))
                (entry,) = ledger.of_job(1)
                return entry.state, entry.detail
            finally:
                ledger.close()

        def audited(self) -> list[str]:
            return [line["result"] for line in audit_lines(self.config) if line["kind"] == "read_back"]

    yield House
    for node in started:
        node.drain_and_stop()


def test_a_set_that_comes_back_as_it_was_sent_is_verified(house):
    with GivingArchive() as archive:
        it = house(archive)
        it.send()
        assert it.proof() == (
            Proof.VERIFIED,
            "2 names and the time of the relabelling are those that were sent",
        )
        assert it.audited() == ["verified"]


def test_under_new_uids_the_new_object_is_read_back(house):
    with GivingArchive() as archive:
        it = house(archive, uid_policy="new")
        it.send()
        assert it.proof()[0] is Proof.VERIFIED
        assert UID not in archive.held


def test_an_archive_that_kept_the_original_is_found_out_and_the_log_says_what_to_do(house, tmp_path, caplog):
    with GivingArchive(keeps_first=True) as archive:
        original = structure_set(["linke lunge", "anything"])
        Sender(archive.port, tmp_path, called_ae_title="RECEIVER").send(original, RTSTRUCT, UID)
        it = house(archive)
        with caplog.at_level(logging.ERROR, "tg263_scp.readback"):
            it.send(original)
            state, detail = it.proof()
        assert (state, detail) == (Proof.OLD_VERSION_KEPT, "1 of 2 ROIs have other names there")
        (line,) = [each.message for each in caplog.records if each.name == "tg263_scp.readback"]
        assert "OverwriteInstances" in line
        assert "uid_policy: new" in line
        assert it.audited() == ["old version kept"]


def _other_uid(found):
    found[0].SOPInstanceUID = found[0].file_meta.MediaStorageSOPInstanceUID = "1.2.9"
    return found


def _other_time(found):
    found[0].InstanceCoercionDateTime = "20200101000000"
    return found


@pytest.mark.parametrize(
    ("gives", "state", "text"),
    [
        (_other_uid, Proof.OTHER_OBJECT, "another SOP Instance UID"),
        (_other_time, Proof.OLD_VERSION_KEPT, "from another relabelling"),
        (lambda found: [], Proof.NOT_HELD, "no such object"),
        (lambda found: found * 2, Proof.UNKNOWN, "2 objects where one was asked for"),
    ],
)
def test_a_retrieve_that_gives_something_else_is_told_apart(house, gives, state, text):
    with GivingArchive(gives=gives) as archive:
        it = house(archive, verify_within_s=1.0)
        it.send()
        found, said = it.proof()
        assert found is state, said
        assert text in said


@pytest.mark.parametrize("fault", [{"offers_get": False}, {"get_status": 0xA701}])
def test_a_destination_that_does_not_say_is_asked_again_and_then_told(house, fault):
    with GivingArchive(**fault) as archive:
        it = house(archive, verify_within_s=0.5)
        it.send()
        assert it.proof()[0] is Proof.UNKNOWN


def test_an_object_that_comes_late_is_asked_for_again(house):
    asked = []

    def late(found):
        asked.append(1)
        return found if len(asked) > 2 else []

    with GivingArchive(gives=late) as archive:
        it = house(archive)
        it.send()
        assert it.proof()[0] is Proof.VERIFIED
        assert archive.asked == 3


def test_what_was_not_relabelled_is_not_asked_for(house):
    with GivingArchive() as archive:
        it = house(archive)
        it.send(image(), CT, "1.2.3.200")
        it.send(structure_set(["anything"], uid="1.2.3.101"), RTSTRUCT, "1.2.3.101")
        it.send(structure_set(["linke lunge"], uid="1.2.3.102"), RTSTRUCT, "1.2.3.102")
        wait_until(lambda: archive.asked == 1)
        wait_until(lambda: it.audited() == ["verified"])


def test_the_file_that_came_back_does_not_stay(house):
    with GivingArchive() as archive:
        it = house(archive)
        it.send()
        it.proof()
        it.node.drain_and_stop()
        assert list((it.config.spool.folder / "incoming").iterdir()) == []


def test_a_set_that_is_sent_again_is_looked_at_again(tmp_path):
    ledger = Ledger(tmp_path / LEDGER_NAME)
    ledger.begin(1, "d1", 100.0, 100.0)
    (entry,) = ledger.due("d1", 100.0, 10)
    ledger.settle(entry, Proof.VERIFIED, "fine", 101.0)
    ledger.begin(1, "d1", 100.0, 102.0)
    assert ledger.due("d1", 200.0, 10) == []
    ledger.begin(1, "d1", 150.0, 150.0)
    assert [each.state for each in ledger.due("d1", 200.0, 10)] == [Proof.DUE]
    assert ledger.counts() == {("d1", Proof.DUE): 1}
    ledger.forget(1000.0)
    assert len(ledger.of_job(1)) == 1
    ledger.close()
