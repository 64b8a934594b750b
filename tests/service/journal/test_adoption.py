"""A journal that was lost: the objects of the spool come in again, and nothing is sent twice."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from doubles.loopback import CT, EXPLICIT, Receiver, Sender, image, node_config, unused_port, wait_until
from doubles.nodes import List, decide, settled
from doubles.spooling import spool_dataset

from tg263_scp.cli import main
from tg263_scp.config.sections import Config
from tg263_scp.errors import DamagedJournalError, HoldReason
from tg263_scp.service.journal.adoption import adopt
from tg263_scp.service.journal.database import JOURNAL_NAME
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import DeliveryState, ObjectState
from tg263_scp.service.node import assemble
from tg263_scp.service.spool import Spool
from tg263_scp.tools.shared.exitcode import ExitCode

UIDS = [f"1.2.{number}" for number in range(1, 6)]


def journal_file(config: Config) -> Path:
    return config.spool.folder / JOURNAL_NAME


def lose(config: Config) -> None:
    for path in config.spool.folder.glob(JOURNAL_NAME + "*"):
        path.unlink()


def jobs(config: Config) -> list:
    journal = Journal(journal_file(config))
    try:
        return journal.list_objects(finished=True)
    finally:
        journal.close()


def received(folder: Path, *ports: int, awaited: int) -> Config:
    """Run a node that receives five images, and stop it once so many of them are everywhere."""
    config = node_config(folder, *ports)
    with assemble(config, List(), decide=decide) as node:
        Sender(node.address[1], folder).send_all([(image(uid), CT, uid, EXPLICIT) for uid in UIDS])
        wait_until(lambda: settled(node, awaited))
    return config


def spooled(folder: Path, *datasets: bytes, uid: str = "1.2.3") -> Spool:
    """A spool whose objects no journal knows."""
    spool = Spool(folder, min_free_bytes=0)
    for dataset in datasets:
        spooled = spool_dataset(
            spool,
            dataset,
            sop_class_uid=CT,
            sop_instance_uid=uid,
            transfer_syntax_uid=EXPLICIT,
            source_ae_title="TPS",
        )
        spool.journaled(spooled.token)
    spool.sweep((), ())
    return spool


@pytest.fixture
def journal(tmp_path: Path):
    journal = Journal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


@pytest.mark.parametrize("how", ["lost", "emptied", "damaged"])
def test_what_was_delivered_before_the_journal_was_lost_is_not_sent_again(
    tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two destinations: one has everything, the other one was never there."""
    port = unused_port()
    with Receiver() as first:
        config = node_config(tmp_path, first.port, port)
        with assemble(config, List(), decide=decide) as node:
            Sender(node.address[1], tmp_path).send_all([(image(uid), CT, uid, EXPLICIT) for uid in UIDS])
            wait_until(lambda: len(first.box) == 5)
            wait_until(lambda: node.journal.outbox.counts().get(("d1", DeliveryState.SENT)) == 5)
        path, yaml = journal_file(config), str(tmp_path / "node.yaml")
        if how == "lost":
            lose(config)
        elif how == "emptied":
            lose(config)
            path.touch()
        else:
            content = bytearray(path.read_bytes())
            content[100:] = b"\xff" * (len(content) - 100)
            lose(config)
            path.write_bytes(content)
            with pytest.raises(DamagedJournalError, match="the journal"):
                assemble(config, List(), decide=decide)
        old = (config.spool.folder / "originals").glob("*.dcm")
        for original in old:  # older than what may be on its way into the journal
            _age(original)
        code = main(["queue", "list", "--config", yaml])
        assert code != ExitCode.DONE
        assert "queue adopt" in capsys.readouterr().err
        assert main(["queue", "adopt", "--send", "--config", yaml]) == ExitCode.DONE
        assert "5 objects taken in again: 0 are everywhere, 5 were held" in capsys.readouterr().out
        assert bool(list(config.spool.folder.glob("*.damaged-*"))) == (how == "damaged")
        with Receiver(port=port) as second, assemble(config, List(), decide=decide) as node:
            wait_until(lambda: len(second.box) == 5)
            wait_until(lambda: settled(node, 5))
            assert second.uids() == UIDS
        assert first.uids() == UIDS
    assert main(["queue", "list", "--config", yaml]) == ExitCode.DONE


def _age(path: Path) -> None:
    seen = path.stat()
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns - 3600 * 10**9))


def test_what_every_destination_has_is_ready_as_before(tmp_path: Path) -> None:
    with Receiver() as receiver:
        config = received(tmp_path, receiver.port, awaited=5)
        numbers = [job.job for job, _ in jobs(config)]
        lose(config)
        assert main(["queue", "adopt", "--send", "--config", str(tmp_path / "node.yaml")]) == ExitCode.DONE
        found = jobs(config)
        assert [job.state for job, _ in found] == [ObjectState.READY] * 5
        assert [job.sop_instance_uid for job, _ in found] == UIDS
        assert {(job.calling_ae_title, job.peer_address) for job, _ in found} == {("TPS", "127.0.0.1")}
        assert min(job.job for job, _ in found) > max(numbers)  # no number stands for two objects
        assert len(receiver.box) == 5


def test_what_the_audit_log_does_not_know_is_held_for_a_person(tmp_path: Path, journal: Journal) -> None:
    spool = spooled(tmp_path / "spool", b"data")
    adoption = adopt(spool, journal, (), route_is_certain=lambda _: True)
    ((job, deliveries),) = journal.list_objects()
    assert (job.state, job.reason, job.calling_ae_title) == (ObjectState.HELD, HoldReason.ADOPTED, "TPS")
    assert (adoption.held, adoption.done, adoption.doubtful, deliveries) == ((job.job,), (), (), [])
    assert spool.original(job.token).exists()


def test_a_data_set_that_begins_like_a_file_head_keeps_its_digest(tmp_path: Path, journal: Journal) -> None:
    dataset = b"\x02\x00\x10\x00UI\x04\x001.2\x00" + image("1.2.3")
    spool = Spool(tmp_path / "spool", min_free_bytes=0)
    uids = {"sop_class_uid": CT, "sop_instance_uid": "1.2.3", "transfer_syntax_uid": EXPLICIT}
    written = spool_dataset(spool, dataset, **uids, source_ae_title="TPS")
    spool.sweep((), ())
    adopt(spool, journal, (), route_is_certain=lambda _: True)
    ((job, _),) = journal.list_objects()
    assert (job.sha256, job.dataset_bytes) == (written.sha256, written.dataset_bytes)


def test_an_object_that_has_come_again_is_not_taken_in_twice(tmp_path: Path, journal: Journal) -> None:
    spool = spooled(tmp_path / "spool", b"data", b"data")
    adoption = adopt(spool, journal, (), route_is_certain=lambda _: True)
    assert (len(adoption.held), adoption.known, spool.orphans()) == (1, 1, [])


def test_a_version_that_is_older_than_one_that_has_come_since_is_left_to_a_person(
    tmp_path: Path, journal: Journal
) -> None:
    spool = spooled(tmp_path / "spool", b"newer")
    adopt(spool, journal, (), route_is_certain=lambda _: True)
    adoption = adopt(spooled(tmp_path / "spool", b"older"), journal, (), route_is_certain=lambda _: True)
    assert adoption.doubtful == adoption.held


def test_an_object_whose_route_is_not_known_is_left_to_a_person(tmp_path: Path, journal: Journal) -> None:
    adoption = adopt(spooled(tmp_path / "spool", b"data"), journal, (), route_is_certain=lambda _: False)
    assert adoption.doubtful == adoption.held


def test_what_was_discarded_stays_so_and_can_be_restored(tmp_path: Path, journal: Journal) -> None:
    spool = spooled(tmp_path / "spool", b"one", b"two")
    first, second = (orphan.token for orphan in spool.orphans())
    lines = [
        {"kind": "discarded", "job": first},
        {"kind": "discarded", "job": second},
        {"kind": "restored", "job": second},
    ]
    adoption = adopt(
        spool, journal, (json.dumps(line).encode() for line in lines), route_is_certain=lambda _: True
    )
    assert (len(adoption.held), len(adoption.discarded)) == (1, 1)
    (gone,) = adoption.discarded
    assert (journal.job(gone).state, journal.job(gone).token) == (ObjectState.DISCARDED, first)
    assert spool.original(first).exists()
    journal.restore(gone, by="A. Physicist")
    assert journal.finish(gone, []) is ObjectState.HELD


def test_a_file_that_the_node_did_not_write_stays_where_it_is(tmp_path: Path, journal: Journal) -> None:
    spool = Spool(tmp_path / "spool", min_free_bytes=0)
    (tmp_path / "spool" / "orphans" / "originals-x.dcm").write_bytes(b"something else")
    adoption = adopt(spool, journal, (), route_is_certain=lambda _: True)
    assert (adoption.unreadable, len(spool.orphans())) == (1, 1)


def test_cut_off_while_it_was_taken_in_it_is_where_it_belongs_after_the_next_start(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = spooled(tmp_path / "spool", b"data")
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "take_back", _cut_off)
        with pytest.raises(OSError, match="cut off"):
            adopt(spool, journal, (), route_is_certain=lambda _: True)
    ((job, _),) = journal.list_objects()
    assert spool.sweep(journal.tokens(), ()).orphans_kept == 0
    assert spool.original(job.token).exists()


def _cut_off(*_: object) -> None:
    raise OSError("cut off")


def test_decided_anew_by_a_person_it_goes_to_every_destination_once_more(
    tmp_path: Path, journal: Journal
) -> None:
    """A retry spares those that have it, ``queue redo`` does not."""
    spool = spooled(tmp_path / "spool", b"data")
    token = spool.orphans()[0].token
    adopt(spool, journal, _audited(token, "d1", "d2", has="d1"), route_is_certain=lambda _: True)
    ((job, _),) = journal.list_objects()
    journal.retry(job.job)
    assert _decided(journal, job.job) == {"d1": DeliveryState.SENT, "d2": DeliveryState.PENDING}
    (delivery,) = [each for each in journal.outbox.deliveries(job.job) if each.destination == "d2"]
    journal.outbox.settle(delivery, DeliveryState.FAILED)
    journal.redo(job.job)
    assert set(_decided(journal, job.job).values()) == {DeliveryState.PENDING}


def _audited(token: str, *destinations: str, has: str) -> list[bytes]:
    peer = {"ae_title": "TPS", "address": "127.0.0.1"}
    return [
        json.dumps({"kind": "passed", "job": token, "peer": peer, "destinations": destinations}).encode(),
        json.dumps({"kind": "delivered", "job": token, "peer": peer, "destination": has}).encode(),
    ]


def _decided(journal: Journal, job: int) -> dict[str, DeliveryState]:
    journal.decide(job, {"decision": "x"}, hold=False)
    journal.finish(job, ["d1", "d2"])
    return {each.destination: each.state for each in journal.outbox.deliveries(job)}


def test_nothing_is_acknowledged_into_a_journal_that_was_removed(tmp_path: Path) -> None:
    config = node_config(tmp_path)
    with assemble(config, List(), decide=decide) as node:
        lose(config)
        assert Sender(node.address[1], tmp_path).send(image("1.2.3"), CT, "1.2.3").status == 0xA700


def test_doctor_tells_of_a_lost_and_of_a_damaged_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], loaded_once: None
) -> None:
    config = node_config(tmp_path)
    path = journal_file(config)
    spooled(config.spool.folder, b"data")

    def journal_check() -> dict:
        main(["doctor", "--config", str(tmp_path / "node.yaml"), "--json"])
        return next(each for each in json.loads(capsys.readouterr().out) if each["name"] == "journal")

    assert "the spool holds 1 objects" in journal_check()["detail"]
    Journal(path).close()
    assert "does not know 1 objects" in journal_check()["detail"]
    lose(config)
    path.write_bytes(b"no database at all" * 100)
    assert "not a database" in journal_check()["detail"]
    assert "queue adopt" in journal_check()["hint"]
