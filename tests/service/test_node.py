from __future__ import annotations

import json
import logging
import os
import stat
import zlib
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pydicom
import pytest
from doubles.loopback import (
    CT,
    EXPLICIT,
    PATIENT_ID,
    PATIENT_NAME,
    RTPLAN,
    RTSTRUCT,
    Receiver,
    Sender,
    ask_to_store,
    element,
    gates,
    image,
    item,
    node_config,
    structure_set,
    unrecorded,
    unused_port,
    wait_until,
    write_object,
)
from doubles.nodes import UID, List, audit_lines, decide, names_in, settled

from tg263_scp.config.reloading import Loaded
from tg263_scp.decision import Decision, Reason, Status
from tg263_scp.dicom.editing.revert import revert
from tg263_scp.dicom.encoding.part10 import read_file_meta
from tg263_scp.dicom.network.sender import Unavailable
from tg263_scp.dicom.reading.identify import identify, is_rtstruct
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.errors import HoldReason, JournalError, Tg263Error
from tg263_scp.service.audit import verify
from tg263_scp.service.journal.states import DeliveryState, ObjectState
from tg263_scp.service.node import Node, assemble

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


@pytest.fixture
def run(tmp_path, receiver):
    started = []

    def start(*ports, config=None, decide=decide, **sections) -> Node:
        config = config or node_config(tmp_path, *(ports or (receiver.port,)), **sections)
        node = assemble(config, List(), decide=decide, now=lambda: NOON)
        node.start()
        started.append(node)
        return node

    yield start
    for node in started:
        node.drain_and_stop()


@pytest.fixture
def tps(tmp_path):
    """Send one object to a node; return the status."""

    def send(node: Node, dataset: bytes, sop_class: str = RTSTRUCT, uid: str = UID) -> int | None:
        return Sender(node.address[1], tmp_path).send(dataset, sop_class, uid).status

    return send


def only_job(node: Node):
    ((job, _),) = node.journal.list_objects(finished=True)
    return job


def test_a_structure_set_arrives_with_new_names_and_nothing_else_changed(run, tps, receiver, tmp_path):
    node = run()
    dataset = structure_set(["linke lunge", "Heart", "noname"])
    assert tps(node, dataset) == 0x0000
    wait_until(lambda: settled(node))
    (sent,) = receiver.box
    assert names_in(sent.dataset, tmp_path) == ["Lung_L", "Heart", "noname"]
    assert unrecorded(sent.dataset) == structure_set(["Lung_L", "Heart", "noname"])
    assert (sent.uid, sent.transfer_syntax, sent.calling_ae_title) == (UID, EXPLICIT, "TG263")


def test_everything_else_passes_byte_for_byte_and_in_order(run, tmp_path, receiver):
    node = run()
    objects = [(image(f"1.2.{n}"), CT, f"1.2.{n}", EXPLICIT) for n in range(1, 11)]
    objects.insert(4, (structure_set(["herz"]), RTSTRUCT, UID, EXPLICIT))
    objects.insert(8, (b"\x08\x00\x18\x00UI\x06\x001.2.99", RTPLAN, "1.2.99", EXPLICIT))
    Sender(node.address[1], tmp_path).send_all(objects)
    wait_until(lambda: settled(node, 12))
    assert receiver.uids() == [uid for _, _, uid, _ in objects]
    for sent, (dataset, sop_class, _, _) in zip(receiver.box, objects, strict=True):
        if sop_class != RTSTRUCT:
            assert sent.dataset == dataset


def test_a_data_set_that_inflates_too_far_is_held_and_the_next_one_goes_on(run, tmp_path, receiver):
    node = run(spool={"max_inflated_bytes": 1 << 20})
    deflated = "1.2.840.10008.1.2.1.99"
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    head = structure_set(["herz"], uid="1.2.3.206")
    swelling = deflater.compress(head + element(0x300A0700, "OB", bytes(1 << 24))) + deflater.flush()
    Sender(node.address[1], tmp_path).send_all(
        [
            (swelling + bytes(len(swelling) % 2), RTSTRUCT, "1.2.3.206", deflated),
            (structure_set(["herz"]), RTSTRUCT, UID, EXPLICIT),
        ]
    )
    wait_until(lambda: settled(node, 2))
    (job, _), _ = node.journal.list_objects(finished=True)
    assert (job.state, job.reason) == ("HELD", HoldReason.TOO_COSTLY)
    assert receiver.uids() == [UID]
    node.journal.release(job.job)
    wait_until(lambda: len(receiver.box) == 2)
    assert receiver.box[1].dataset == swelling + bytes(len(swelling) % 2)


def test_a_data_set_that_begins_like_a_file_goes_on_as_what_it_was_sent_as(run, tps, receiver):
    node = run()
    claims = element(0x00020003, "UI", b"9.9.9") + element(0x00020010, "UI", b"1.2.840.10008.1.2.2")
    dataset = claims + image()
    assert tps(node, dataset, CT, "1.2.3.200") == 0x0000
    assert tps(node, image("1.2.3.201"), CT, "1.2.3.201") == 0x0000
    wait_until(lambda: settled(node, 2))
    sent = receiver.box[0]
    assert (sent.uid, sent.transfer_syntax, sent.dataset) == ("1.2.3.200", EXPLICIT, dataset)
    assert receiver.uids() == ["1.2.3.200", "1.2.3.201"]


def test_a_structure_set_that_begins_like_a_file_keeps_those_bytes_when_it_is_relabelled(run, tps, receiver):
    node = run()
    claims = element(0x00020003, "UI", b"9.9.9") + element(0x00020010, "UI", b"1.2.840.10008.1.2.2")
    assert tps(node, claims + structure_set(["herz"])) == 0x0000
    wait_until(lambda: settled(node))
    (sent,) = receiver.box
    assert (sent.uid, sent.transfer_syntax) == (UID, EXPLICIT)
    assert unrecorded(sent.dataset) == claims + structure_set(["Heart"])


class Echo(Receiver):
    """An archive that sends back whatever it gets."""

    node: Node
    folder: Path
    returned = 0

    def _on_store(self, event):
        status = super()._on_store(event)
        # Before the answer: the node does not know yet that it was sent.
        self._send_back(self.box[-1])
        return status

    def _send_back(self, sent):
        sender = Sender(self.node.address[1], self.folder, calling_ae_title="ARCHIVE")
        assert sender.send(sent.dataset, sent.sop_class, sent.uid).status == 0x0000
        self.returned += 1


@pytest.mark.parametrize(
    ("dataset", "sop_class", "uid", "jobs"),
    [(image(), CT, "1.2.3.200", 1), (structure_set(["herz"]), RTSTRUCT, UID, 2)],
    ids=["image", "relabelled set"],
)
def test_a_peer_that_sends_everything_back_makes_no_loop(run, tps, tmp_path, dataset, sop_class, uid, jobs):
    with Echo() as archive:
        node = run(archive.port)
        archive.node, archive.folder = node, tmp_path / "back"
        archive.folder.mkdir()
        assert tps(node, dataset, sop_class, uid) == 0x0000
        wait_until(lambda: archive.returned == 1)
        wait_until(lambda: settled(node, jobs))
        assert len(node.journal.list_objects(finished=True)) == jobs
        assert len(archive.box) == 1


def test_a_set_with_nothing_to_rename_arrives_as_it_was(run, tps, receiver):
    node = run(naming={"gates": gates(unreadable="relabel")})
    dataset = structure_set(["Heart", "noname", b"L\xfcgen", ""])
    tps(node, dataset)
    wait_until(lambda: settled(node))
    assert receiver.box[0].dataset == dataset
    assert not only_job(node).sends_result


def test_two_destinations_each_get_it_and_one_that_is_down_delays_only_itself(run, tps, receiver):
    late = Receiver(port=unused_port())
    node = run(late.port, receiver.port)
    tps(node, structure_set(["herz"]))
    wait_until(lambda: len(receiver.box) == 1)
    with late:
        wait_until(lambda: settled(node))
        assert late.box[0].dataset == receiver.box[0].dataset


def test_shadow_decides_and_audits_but_forwards_the_original(run, tps, receiver, tmp_path):
    config = node_config(tmp_path, receiver.port, naming={"mode": "shadow"})
    node = run(config=config)
    dataset = structure_set(["herz"])
    tps(node, dataset)
    wait_until(lambda: settled(node))
    assert receiver.box[0].dataset == dataset
    line = audit_lines(config)[0]
    assert line["kind"] == "shadow"
    assert line["rois"][0]["new"] == "Heart"


def test_shadow_lets_even_a_broken_object_pass(run, tps, receiver, tmp_path):
    config = node_config(tmp_path, receiver.port, naming={"mode": "shadow"})
    node = run(config=config)
    dataset = structure_set(["herz"])[:-3]
    tps(node, dataset)
    wait_until(lambda: settled(node))
    assert receiver.box[0].dataset == dataset
    assert audit_lines(config)[0]["reason"] == "truncated"


@pytest.mark.parametrize(
    ("policy", "arrives", "kind"),
    [("pass", ["herz"], "passed"), ("relabel", ["Heart"], "relabelled"), ("hold", None, "held")],
)
def test_an_approved_set_follows_the_policy(run, tps, receiver, tmp_path, policy, arrives, kind):
    config = node_config(tmp_path, receiver.port, naming={"gates": gates(approved=policy)})
    node = run(config=config)
    tps(node, structure_set(["herz"], approval="APPROVED"))
    wait_until(lambda: settled(node))
    found = [names_in(sent.dataset, tmp_path) for sent in receiver.box]
    assert found == ([arrives] if arrives else [])
    assert audit_lines(config)[0]["kind"] == kind


@pytest.mark.parametrize(
    ("policy", "arrives"),
    [("pass", [["herz", "noname"]]), ("relabel", [["Heart", "noname"]]), ("hold", [])],
)
def test_unresolved_names_follow_the_policy(run, tps, receiver, tmp_path, policy, arrives):
    node = run(naming={"gates": gates(unresolved=policy)})
    tps(node, structure_set(["herz", "noname"]))
    wait_until(lambda: settled(node))
    assert [names_in(sent.dataset, tmp_path) for sent in receiver.box] == arrives
    assert (only_job(node).state is ObjectState.HELD) is (policy == "hold")


@pytest.mark.parametrize(("policy", "arrives"), [("pass", True), ("hold", False)])
def test_a_structure_set_sent_as_something_else_follows_the_policy(
    run, tps, receiver, tmp_path, policy, arrives
):
    config = node_config(tmp_path, receiver.port, naming={"gates": gates(sop_class_mismatch=policy)})
    node = run(config=config)
    dataset = structure_set(["herz"])
    assert tps(node, dataset, CT) == 0x0000
    wait_until(lambda: settled(node))
    assert [sent.dataset for sent in receiver.box] == [dataset] * arrives
    gate = {"gate": "sop_class_mismatch", "found": "sop_class_mismatch", "action": policy}
    assert audit_lines(config)[0]["gates"] == [gate]


BROKEN = {
    HoldReason.TRUNCATED: structure_set(["herz"])[:-3],
    HoldReason.NOT_RTSTRUCT: structure_set(["herz"], uid=UID, sop_class=CT),
    HoldReason.NO_ROI_SEQUENCE: structure_set([]).replace(b"\x06\x30\x20\x00", b"\x06\x30\x22\x10"),
    HoldReason.UID_MISMATCH: structure_set(["herz"], uid="1.2.3.999"),
    HoldReason.CHARSET_UNKNOWN: structure_set([b"L\xfcgen"], charset=b"Not Supplied"),
    HoldReason.UNREADABLE_NAME: structure_set(["herz", b"L\xfcgen"]),
    HoldReason.UNDECLARED_UTF8: structure_set(["herz", "Lüge"], charset=b"ISO_IR 100"),
    HoldReason.INTERNAL_ERROR: structure_set(["crash"]),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_what_cannot_be_relabelled_for_certain_is_acknowledged_kept_and_held(run, tps, receiver, reason):
    node = run()
    assert tps(node, BROKEN[reason]) == 0x0000
    wait_until(lambda: settled(node))
    ((job, deliveries),) = node.journal.list_objects()
    assert (job.state, job.reason, deliveries) == ("HELD", reason, [])
    assert receiver.box == []
    assert tps(node, structure_set(["herz"], uid="1.2.3.5"), uid="1.2.3.5") == 0x0000
    wait_until(lambda: settled(node, 2))
    assert receiver.uids() == ["1.2.3.5"]


@pytest.mark.parametrize(
    "names",
    [
        [""],
        ["herz", "herz"],
        ["x" * 64],
        ["x" * 65],
        ["herz "],
        [],
    ],
)
def test_odd_names_are_never_a_crash_nor_a_hold(run, tps, receiver, names):
    node = run()
    assert tps(node, structure_set(names)) == 0x0000
    wait_until(lambda: settled(node))
    assert len(receiver.box) == 1


def test_a_name_of_two_values_holds_the_object(run, tps, receiver):
    node = run()
    tps(node, structure_set(["a\\b", "herz"]))
    wait_until(lambda: settled(node))
    assert (only_job(node).state, only_job(node).reason) == ("HELD", HoldReason.MULTI_VALUED_NAME)


def test_an_unreadable_name_survives_beside_a_renamed_one(run, tps, receiver):
    node = run(naming={"gates": gates(unreadable="relabel")})
    tps(node, structure_set([b"L\xfcgen  ", "herz"]))
    wait_until(lambda: settled(node))
    assert unrecorded(receiver.box[0].dataset) == structure_set([b"L\xfcgen  ", "Heart"])


def test_a_held_object_can_be_retried_once_the_cause_is_gone(run, tps, receiver):
    cause_is_gone = Event()

    def decide_later(*arguments, **more):
        if cause_is_gone.is_set():
            return (Decision("crash", Status.KEEP, "crash", "R030", Reason.CLINIC_KEEPS),)
        return decide(*arguments, **more)

    node = run(decide=decide_later)
    tps(node, structure_set(["crash"]))
    wait_until(lambda: settled(node))
    cause_is_gone.set()
    node.journal.retry(only_job(node).job)
    wait_until(lambda: len(receiver.box) == 1)
    assert receiver.box[0].dataset == structure_set(["crash"])


def test_a_held_object_can_be_released_as_it_was_received(run, tps, receiver, tmp_path):
    config = node_config(tmp_path, receiver.port)
    node = run(config=config)
    tps(node, BROKEN["truncated"])
    wait_until(lambda: settled(node))
    node.journal.release(only_job(node).job, by="physicist")
    wait_until(lambda: len(receiver.box) == 1)
    assert receiver.box[0].dataset == BROKEN["truncated"]
    assert only_job(node).reason == HoldReason.RELEASED
    released = next(line for line in audit_lines(config) if line["kind"] == "released")
    assert released["by"] == "physicist"


def test_the_same_object_sent_twice_is_relabelled_once(run, tps, receiver, tmp_path):
    config = node_config(tmp_path, receiver.port)
    node = run(config=config)
    dataset = structure_set(["herz"])
    for sent in (1, 2):
        assert tps(node, dataset) == 0x0000
        wait_until(lambda sent=sent: len(receiver.box) == sent and settled(node))
    assert receiver.box[0].dataset == receiver.box[1].dataset
    assert [line["kind"] for line in audit_lines(config)] == ["relabelled", "delivered", "delivered"]
    assert len(list((config.spool.folder / "originals").iterdir())) == 1


def test_the_same_uid_with_other_content_is_another_object(run, tps, receiver, tmp_path):
    config = node_config(tmp_path, receiver.port)
    node = run(config=config)
    tps(node, structure_set(["herz"]))
    tps(node, structure_set(["linke lunge"]))
    wait_until(lambda: settled(node, 2))
    assert [names_in(sent.dataset, tmp_path) for sent in receiver.box] == [["Heart"], ["Lung_L"]]
    flags = [line["other_version_of_uid"] for line in audit_lines(config) if line["kind"] == "relabelled"]
    assert flags == [False, True]


def test_without_destinations_objects_are_held(tmp_path, tps):
    config = node_config(tmp_path)
    with assemble(config, List(), decide=decide) as node:
        assert tps(node, structure_set(["herz"])) == 0x0000
        wait_until(lambda: settled(node))
        assert only_job(node).reason == HoldReason.NO_DESTINATION


def test_a_full_disk_is_a_refusal_that_lets_the_sender_try_again(run, tps, tmp_path, receiver):
    node = run(spool={"min_free_bytes": 1 << 60, "folder": tmp_path / "spool"})
    assert tps(node, structure_set(["herz"])) == 0xA700
    assert node.journal.list_objects(finished=True) == []


def test_a_journal_that_refuses_is_a_refusal_too(run, tps, monkeypatch):
    node = run()

    def refuse(arrival, *, made_under):
        raise JournalError("the journal refuses: database or disk is full")

    monkeypatch.setattr(node.journal, "receive", refuse)
    assert tps(node, structure_set(["herz"])) == 0xA700


def test_the_acknowledgement_comes_after_spool_and_journal(tmp_path, receiver, tps):
    steps = []
    config = node_config(tmp_path, receiver.port)
    with assemble(config, List(), decide=decide, step=steps.append) as node:
        assert tps(node, image("1.2.5"), CT, "1.2.5") == 0x0000
        assert steps[:2] == ["spooled", "journaled"]
        wait_until(lambda: settled(node))
    assert steps[2:] == [
        "written",
        "decided",
        "audited",
        "finished",
        "sending",
        "answered",
        "delivery_audited",
    ]


def test_a_uid_that_is_none_is_refused(run):
    node = run()
    assert ask_to_store(node.address[1], image("1.2.5"), sop_class=CT, uid="not.a.uid") == 0x0117
    assert node.journal.list_objects(finished=True) == []


def test_two_nodes_cannot_share_a_spool(run, tmp_path, receiver):
    config = node_config(tmp_path, receiver.port)
    run(config=config)
    with pytest.raises(Tg263Error, match="in use"):
        assemble(config, List(), decide=decide).start()


def test_a_port_that_is_taken_stops_the_start_and_frees_the_spool(run, tmp_path, receiver):
    config = node_config(tmp_path, receiver.port)
    taken = config.model_copy(update={"listen": config.listen.model_copy(update={"port": receiver.port})})
    with pytest.raises(Tg263Error, match="cannot listen"):
        assemble(taken, List(), decide=decide).start()
    run(config=config)


def test_what_was_received_before_a_stop_is_delivered_after_the_next_start(tmp_path, tps):
    late = Receiver(port=unused_port())
    config = node_config(tmp_path, late.port)
    with assemble(config, List(), decide=decide) as node:
        assert tps(node, structure_set(["herz"])) == 0x0000
    with late, assemble(config, List(), decide=decide) as node:
        wait_until(lambda: settled(node))
        assert unrecorded(late.box[0].dataset) == structure_set(["Heart"])


def test_files_go_when_everybody_has_them_and_retention_is_over(run, tps, tmp_path, receiver):
    config = node_config(tmp_path, receiver.port, spool={"retention_s": 0.0, "folder": tmp_path / "spool"})
    node = run(config=config)
    tps(node, structure_set(["herz"]))
    wait_until(lambda: settled(node))
    wait_until(lambda: node._worker.expire() == 1)
    assert node.journal.list_objects(finished=True) == []
    assert not any((config.spool.folder / "originals").iterdir())
    assert not any((config.spool.folder / "results").iterdir())


def test_the_audit_line_explains_the_object(run, tps, tmp_path, receiver):
    config = node_config(tmp_path, receiver.port, naming={"gates": gates(unreadable="relabel")})
    node = run(config=config)
    tps(node, structure_set(["herz", b"L\xfcgen"]))
    wait_until(lambda: settled(node))
    line = audit_lines(config)[0]
    assert (line["kind"], line["sop_instance_uid"]) == ("relabelled", UID)
    assert line["peer"] == {"ae_title": "TPS", "address": "127.0.0.1"}
    assert (line["nomenclature"], line["config"]) == ("d" * 64, config.digest)
    first, second = line["rois"]
    assert (first["old"], first["new"], first["rule"], first["reason"]) == (
        "herz",
        "Heart",
        "R050",
        "synonym",
    )
    assert bytes.fromhex(second["old_bytes"]) == b"L\xfcgen "
    assert line["digests"]["blanked_before"] == line["digests"]["blanked_after"]
    assert line["dataset_sha256"] == line["digests"]["before"] != line["digests"]["after"]
    assert PATIENT_ID not in json.dumps(line)
    assert len(line["patient"]) == len(line["study"]) == len(line["series"]) == 64
    assert verify(config.audit.file).intact
    assert stat.S_IMODE(config.audit.salt_file.stat().st_mode) == 0o600


def test_one_patient_has_one_hash_in_all_objects(run, tps, tmp_path, receiver):
    config = node_config(tmp_path, receiver.port)
    node = run(config=config)
    tps(node, structure_set(["herz"]))
    tps(node, image("1.2.5"), CT, "1.2.5")
    tps(node, BROKEN["truncated"], uid="1.2.3.100")
    wait_until(lambda: settled(node, 3))
    decisions = [line for line in audit_lines(config) if "patient" in line]
    assert len(decisions) == 3
    assert len({line["patient"] for line in decisions}) == 1


def test_no_name_and_no_patient_reaches_the_ordinary_log(run, tps, receiver, caplog):
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "pynetdicom"):
        receiver.status = lambda uid: 0xC000 if uid == "1.2.3.7" else 0x0000
        node = run()
        tps(node, structure_set(["linke lunge", b"Gr\xfc\xdfe", "Neumannia"]))
        tps(node, structure_set(["crash"], uid="1.2.3.6"), uid="1.2.3.6")
        tps(node, structure_set(["herz"], uid="1.2.3.7"), uid="1.2.3.7")
        tps(node, structure_set(["herz", "Neumannia"], uid="1.2.3.8")[:-3], uid="1.2.3.8")
        tps(node, image("1.2.5"), CT, "1.2.5")
        wait_until(lambda: settled(node, 5))
    assert "job 1" in caplog.text
    assert any(record.name.startswith("pynetdicom") for record in caplog.records)
    logged = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    for secret in (
        PATIENT_ID,
        "Mustermann",
        PATIENT_NAME,
        "lunge",
        "Lung_L",
        "Neumannia",
        "herz",
        "Gr\\xfc",
        "over ",
    ):
        assert secret not in logged, secret


def as_file(dataset: bytes, path: Path, uid: str = UID) -> Path:
    write_object(path, dataset, RTSTRUCT, uid)
    return path


def test_the_object_says_what_was_changed_and_gives_it_back(run, tps, receiver, tmp_path):
    config = node_config(tmp_path, receiver.port, write={"modifying_system": "NODE1"})
    node = run(config=config)
    dataset = structure_set(["linke lunge", "Heart", "noname"])
    tps(node, dataset)
    wait_until(lambda: settled(node))
    received = as_file(receiver.box[0].dataset, tmp_path / "received.dcm")
    assert [roi.name for roi in read_structure_set(received).rois] == ["Lung_L", "Heart", "noname"]
    (original,) = pydicom.dcmread(received).OriginalAttributesSequence
    assert (original.ModifyingSystem, original.SourceOfPreviousValues) == ("NODE1", "TPS")
    report = revert(received, tmp_path / "reverted.dcm")
    assert (report.modifying_system, report.relabelled_at) == ("NODE1", "20261123120000.000000+0000")
    assert (report.names, report.earlier) == (1, 0)
    assert (tmp_path / "reverted.dcm").read_bytes() == as_file(dataset, tmp_path / "sent.dcm").read_bytes()
    line = audit_lines(config)[0]
    assert line["provenance_added"] is True
    assert line["digests"]["blanked_before"] == line["digests"]["blanked_after"]


def test_without_provenance_only_the_names_change_and_the_audit_line_says_so(run, tps, receiver, tmp_path):
    config = node_config(tmp_path, receiver.port, write={"provenance": False})
    node = run(config=config)
    tps(node, structure_set(["herz"]))
    wait_until(lambda: settled(node))
    assert receiver.box[0].dataset == structure_set(["Heart"])
    line = audit_lines(config)[0]
    assert (line["provenance_added"], line["codes_added"]) == (False, 0)


def test_an_object_that_cannot_take_provenance_is_held(run, tps, receiver):
    node = run()
    modality = element(0x00080060, "CS", b"RTSTRUCT")
    odd = structure_set(["herz"]).replace(modality, modality + element(0x0018A001, "OB", b""))
    assert tps(node, odd) == 0x0000
    wait_until(lambda: settled(node))
    assert (only_job(node).state, only_job(node).reason) == ("HELD", HoldReason.PROVENANCE_NOT_WRITABLE)


def test_codes_are_added_to_names_that_were_given_or_listed(run, tps, receiver, tmp_path):
    config = node_config(tmp_path, receiver.port, write={"codes": True})
    node = run(config=config)
    observations = [
        item(element(0x30060082, "IS", n), element(0x30060084, "IS", n), element(0x300600A4, "CS", b""))
        for n in (b"1", b"2", b"3")
    ]
    tps(
        node,
        structure_set(["herz", "Heart", "noname"]) + element(0x30060080, "SQ", b"".join(observations)),
    )
    wait_until(lambda: settled(node))
    received = pydicom.dcmread(as_file(receiver.box[0].dataset, tmp_path / "received.dcm"))
    found = [
        [code.CodeMeaning for code in each.get("RTROIIdentificationCodeSequence", ())]
        for each in received.RTROIObservationsSequence
    ]
    assert found == [["Heart"], ["Heart"], []]
    assert audit_lines(config)[0]["codes_added"] == 2


@pytest.fixture
def new_uids_but_for_the_first(tmp_path):
    def configured(*ports):
        config = node_config(tmp_path, *ports)
        new = [each.model_copy(update={"uid_policy": "new"}) for each in config.destinations[1:]]
        return config.model_copy(update={"destinations": [config.destinations[0], *new]})

    return configured


def test_each_destination_gets_the_uids_it_wants(run, tps, receiver, tmp_path, new_uids_but_for_the_first):
    with Receiver() as second, Receiver() as third:
        config = new_uids_but_for_the_first(receiver.port, second.port, third.port)
        node = run(config=config)
        tps(node, structure_set(["herz"]))
        wait_until(lambda: settled(node))
        assert unrecorded(receiver.box[0].dataset) == structure_set(["Heart"])
        (one,), (other,) = second.box, third.box
    assert (one.uid, one.dataset) == (other.uid, other.dataset)
    received = pydicom.dcmread(as_file(one.dataset, tmp_path / "received.dcm", one.uid))
    assert received.SOPInstanceUID == one.uid != UID
    assert received.SeriesInstanceUID != "1.2.3.2"
    assert received.StudyInstanceUID == "1.2.3.1"
    assert received.PredecessorStructureSetSequence[0].ReferencedSOPInstanceUID == UID
    assert received.StructureSetROISequence[0].ROIName == "Heart"
    delivered = {line["destination"]: line for line in audit_lines(config) if line["kind"] == "delivered"}
    assert {line["sop_instance_uid"] for line in delivered.values()} == {UID}
    assert [delivered[name].get("new_sop_instance_uid") for name in ("d1", "d2", "d3")] == [
        None,
        one.uid,
        one.uid,
    ]


def test_what_is_sent_again_under_new_uids_is_the_same_object(run, tps, receiver, new_uids_but_for_the_first):
    with Receiver() as second:
        config = new_uids_but_for_the_first(receiver.port, second.port)
        for times in (1, 2):
            node = run(config=config)
            tps(node, structure_set(["herz"]))
            wait_until(lambda times=times: len(second.box) == times)
            wait_until(lambda node=node: settled(node))
            node.drain_and_stop()
        first, again = second.box
    assert (first.uid, first.dataset) == (again.uid, again.dataset)


def test_what_passes_unchanged_keeps_its_uids_everywhere(run, tps, receiver, new_uids_but_for_the_first):
    with Receiver() as second:
        node = run(config=new_uids_but_for_the_first(receiver.port, second.port))
        tps(node, structure_set(["Heart"]))
        tps(node, image("1.2.5"), CT, "1.2.5")
        tps(node, structure_set(["herz"], uid="1.2.3.7", approval="APPROVED"), uid="1.2.3.7")
        wait_until(lambda: settled(node, 3))
        assert [(sent.uid, sent.dataset) for sent in second.box] == [
            (sent.uid, sent.dataset) for sent in receiver.box
        ]
    assert receiver.uids() == [UID, "1.2.5", "1.2.3.7"]


def test_the_real_list_names_what_it_knows(tmp_path, receiver, tps, nomenclature):
    with assemble(node_config(tmp_path, receiver.port), nomenclature) as node:
        tps(node, structure_set(["LUNG-L", "lung l test 3", "Heart"]))
        wait_until(lambda: settled(node))
    first, second, third = names_in(receiver.box[0].dataset, tmp_path)
    assert (first, third) == ("Lung_L", "Heart")
    assert second == "lung l test 3"


@pytest.mark.skipif("TG263_RTSTRUCT_DIR" not in os.environ, reason="TG263_RTSTRUCT_DIR names no real files")
def test_real_structure_sets_arrive_or_are_held_and_differ_in_names_only(tmp_path, receiver, nomenclature):
    config = node_config(tmp_path, receiver.port)
    sent = 0
    with assemble(config, nomenclature) as node:
        for path in sorted(Path(os.environ["TG263_RTSTRUCT_DIR"]).rglob("*")):
            identity = identify(path) if path.is_file() else None
            if identity is None or not is_rtstruct(identity.sop_class_uid) or not identity.sop_instance_uid:
                continue
            meta = read_file_meta(path)
            dataset = path.read_bytes()[meta.dataset_offset :]
            sender = Sender(node.address[1], tmp_path)
            answer = sender.send(dataset, RTSTRUCT, identity.sop_instance_uid, meta.transfer_syntax_uid)
            assert answer.status == 0x0000
            sent += 1
        wait_until(lambda: settled(node, len(node.journal.list_objects(finished=True))), 120)
        jobs = [job for job, _ in node.journal.list_objects(finished=True)]
    assert sent
    assert {job.reason for job in jobs if job.state is ObjectState.HELD} <= {
        HoldReason.TRUNCATED,
        HoldReason.UNREADABLE,
    }
    for line in audit_lines(config):
        if line["kind"] == "relabelled":
            assert line["digests"]["blanked_before"] == line["digests"]["blanked_after"]


@pytest.mark.skipif(os.name == "nt", reason="folders of Windows have no permission bits")
@pytest.mark.parametrize("what", ["spool", "audit"])
def test_a_disk_that_takes_nothing_is_an_error_with_a_hint(tmp_path, monkeypatch, what):
    """Also for root, whom permission bits do not stop: the system refuses as for a disk that is mounted read-only."""
    config = node_config(tmp_path, audit={"file": tmp_path / "audit" / "log", "salt_file": tmp_path / "salt"})
    open_file = os.open

    def read_only(path, flags, *arguments, **options):
        if Path(path).is_relative_to(tmp_path / what) and flags & (os.O_RDWR | os.O_WRONLY):
            raise OSError(30, "Read-only file system")
        return open_file(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(Tg263Error, match="Read-only file system") as refused:
        assemble(config, List(), decide=decide)
    assert refused.value.hint


def test_a_running_node_takes_over_mode_routes_and_allow_lists(run, tps, receiver, tmp_path):
    node = run()
    before = node.reloads.in_force.config
    assert tps(node, structure_set(["herz"], uid="1.2.3.1"), uid="1.2.3.1") == 0x0000
    wait_until(lambda: settled(node))

    def reload(**sections):
        update = {name: getattr(before, name).model_copy(update=values) for name, values in sections.items()}
        assert node.reloads.reload(lambda: Loaded(before.model_copy(update=update), List()))

    reload(naming={"mode": "shadow"})
    assert tps(node, structure_set(["herz"], uid="1.2.3.2"), uid="1.2.3.2") == 0x0000
    wait_until(lambda: settled(node, 2))
    assert [names_in(sent.dataset, tmp_path) for sent in receiver.box] == [["Heart"], ["herz"]]
    one, two = [line for line in audit_lines(before) if "config" in line]
    assert (one["kind"], two["kind"]) == ("relabelled", "shadow")
    assert two["config"] == node.reloads.in_force.config.digest != one["config"]

    reload(peers={"ae_titles": ["ANOTHER"]})
    with pytest.raises(Unavailable, match="Calling AE title"):
        tps(node, structure_set(["herz"]))
    reload()
    assert tps(node, structure_set(["herz"])) == 0x0000


def test_a_copy_that_was_damaged_in_the_spool_fails_alone_and_is_made_anew(run, tps, receiver, tmp_path):
    receiver.status = 0xA700
    node = run()
    assert tps(node, structure_set(["herz"])) == 0x0000
    wait_until(lambda: node.journal.outbox.counts().get(("d1", DeliveryState.RETRY)))
    (copy,) = (tmp_path / "spool" / "results").iterdir()
    content = bytearray(copy.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(content)
    receiver.status = 0x0000
    wait_until(lambda: node.journal.outbox.counts().get(("d1", DeliveryState.FAILED)))
    (delivery,) = node.journal.outbox.deliveries(1)
    assert "queue redo" in delivery.error
    assert receiver.box == []
    node.journal.redo(1)
    node._worker.wake()
    wait_until(lambda: len(receiver.box) == 1)
    assert names_in(receiver.box[0].dataset, tmp_path) == ["Heart"]
