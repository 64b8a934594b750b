from __future__ import annotations

import socket
import threading

import pytest
from doubles.loopback import (
    CT,
    DEADLINE_S,
    EXPLICIT,
    RTPLAN,
    RTSTRUCT,
    Receiver,
    image,
    structure_set,
    unused_port,
    write_object,
)

from tg263_scp.dicom.network.sender import Connection, Parcel, Peer, Unavailable
from tg263_scp.dicom.network.statuses import REACTIONS, StoreResult, reaction_to


def target(port: int, **options) -> Peer:
    return Peer("127.0.0.1", port, "RECEIVER", "TG263", **options)


def send(receiver: Receiver, *parcels: Parcel, **options):
    with Connection(target(receiver.port, **options), list({parcel.context for parcel in parcels})) as line:
        return [line.send(parcel) for parcel in parcels]


@pytest.fixture
def parcel(tmp_path):
    return write_object(tmp_path / "ct.dcm", image(), CT, "1.2.3.200")


@pytest.mark.parametrize(
    "syntax",
    [
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.4.70",
        "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.1.2.4.80",
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.4.201",
        "1.2.840.10008.1.2.4.103",
    ],
)
def test_the_bytes_arrive_as_they_lie_in_the_file(tmp_path, syntax):
    # Not even DICOM: whoever decodes it on the way stumbles.
    dataset = b"\x08\x00\x05\x00CS\x06\x00nonsen" + bytes(range(256)) * 3
    with Receiver() as receiver:
        (answer,) = send(receiver, write_object(tmp_path / "a.dcm", dataset, CT, "1.2.3", syntax))
        assert answer.result is StoreResult.STORED
        assert receiver.box[0].dataset == dataset
        assert receiver.box[0].transfer_syntax == syntax


@pytest.mark.parametrize("maximum_pdu_size", [0, 16382])
def test_a_large_object_leaves_in_pdus_of_moderate_size(tmp_path, maximum_pdu_size):
    dataset = image(pixels=bytes(range(256)) * 4096)
    with Receiver(maximum_pdu_size=maximum_pdu_size) as receiver:
        send(receiver, write_object(tmp_path / "a.dcm", dataset, CT, "1.2.3"))
        assert receiver.box[0].dataset == dataset
        assert receiver.box[0].message_pdus > 8


def test_a_data_set_does_not_wait_for_the_acknowledgement_of_its_command(parcel):
    with Receiver() as receiver, Connection(target(receiver.port), [parcel.context]) as line:
        connection = line._association.dul.socket.socket
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_several_objects_share_one_association(tmp_path):
    parcels = [write_object(tmp_path / f"{n}.dcm", image(f"1.2.{n}"), CT, f"1.2.{n}") for n in range(5)]
    with Receiver() as receiver:
        send(receiver, *parcels)
        assert receiver.uids() == [f"1.2.{n}" for n in range(5)]
        assert receiver.associations == 1


STATUSES = {
    StoreResult.STORED: (
        *(0x0000, 0xB000, 0xB006, 0xB007, 0xB001, 0xB008, 0xB123, 0xBFFF),
        *(0x0001, 0x0107, 0x0116, 0x0111),
    ),
    StoreResult.TRANSIENT: (0xA700, 0xA702, 0xA7FF, 0xA800, 0x0110, 0x0213, 0xFE00, 0xFF00, 0x0002),
    StoreResult.PERMANENT: (
        *(
            0x0105,
            0x0106,
            0x0112,
            0x0114,
            0x0120,
            0x0121,
            0x0115,
            0x0117,
            0x0118,
            0x0119,
            0x0122,
            0x0124,
            0x0210,
            0x0211,
            0x0212,
        ),
        *(0xA900, 0xA9FF, 0xC000, 0xCFFF),
    ),
}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(status, verdict) for verdict, statuses in STATUSES.items() for status in statuses],
)
def test_only_success_and_storage_warnings_count_as_stored(status, verdict):
    assert reaction_to(status).result is verdict


def test_each_status_has_one_reaction():
    for status in range(0x10000):
        assert sum(each.first <= status <= each.last for each in REACTIONS) <= 1, f"{status:04X}"
    tried = {status for statuses in STATUSES.values() for status in statuses}
    assert tried >= {each.first for each in REACTIONS}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((0xA700, StoreResult.TRANSIENT), (0xC001, StoreResult.PERMANENT)),
        *((0x0001, StoreResult.STORED), (0x0107, StoreResult.STORED), (0x0111, StoreResult.STORED)),
    ],
)
def test_the_answer_carries_the_status_of_the_peer(parcel, status, verdict):
    with Receiver(status=status) as receiver:
        (answer,) = send(receiver, parcel)
    assert (answer.result, answer.status) == (verdict, status)


def test_an_abort_instead_of_an_answer_is_no_success(parcel):
    with Receiver(abort_on=lambda uid: True) as receiver:
        (answer,) = send(receiver, parcel)
    assert (answer.result, answer.status, answer.silent) == (StoreResult.TRANSIENT, None, False)


def test_silence_instead_of_an_answer_is_no_success(parcel):
    done = threading.Event()
    with Receiver(before_answer=lambda uid: done.wait(DEADLINE_S)) as receiver:
        (answer,) = send(receiver, parcel, dimse_timeout_s=0.2)
        done.set()
    assert (answer.result, answer.status, answer.silent) == (StoreResult.TRANSIENT, None, True)


def test_nothing_is_sent_on_a_dead_association(parcel):
    with (
        Receiver(abort_on=lambda uid: True) as receiver,
        Connection(target(receiver.port), [parcel.context]) as line,
    ):
        line.send(parcel)
        assert not line.usable
        assert line.send(parcel).result is StoreResult.TRANSIENT


def test_an_object_the_peer_does_not_take_is_refused_without_sending_the_others_away(tmp_path, parcel):
    plan = write_object(tmp_path / "plan.dcm", b"", RTPLAN, "1.2.4")
    with Receiver(sop_classes=[CT]) as receiver:
        refused, stored = send(receiver, plan, parcel)
    assert (refused.result, refused.status) == (StoreResult.PERMANENT, None)
    assert RTPLAN in refused.text
    assert stored.result is StoreResult.STORED


def test_another_transfer_syntax_is_refused_not_transcoded(tmp_path):
    jpeg = "1.2.840.10008.1.2.4.70"
    with Receiver(transfer_syntaxes=[EXPLICIT]) as receiver:
        (answer,) = send(receiver, write_object(tmp_path / "a.dcm", image(), CT, "1.2.3", jpeg))
        assert (answer.result, jpeg in answer.text) == (StoreResult.PERMANENT, True)
        assert receiver.box == []


def test_a_peer_that_is_down_is_unavailable_for_the_moment():
    with pytest.raises(Unavailable) as caught:
        Connection(target(unused_port()), [(CT, EXPLICIT)])
    assert not caught.value.permanent


def test_a_peer_that_does_not_know_us_is_unavailable_for_good():
    with Receiver(calling_ae_titles=["SOMEBODY"]) as receiver, pytest.raises(Unavailable) as caught:
        Connection(target(receiver.port), [(CT, EXPLICIT)])
    assert caught.value.permanent


def test_a_file_that_is_gone_is_no_reason_to_fall_over(tmp_path):
    with Receiver() as receiver:
        (answer,) = send(receiver, Parcel(tmp_path / "gone.dcm", CT, EXPLICIT, "1.2.3"))
    assert answer.result is StoreResult.PERMANENT


def test_a_structure_set_arrives_byte_for_byte(tmp_path):
    dataset = structure_set([b"L\xfcgen ", "Größe "])
    with Receiver() as receiver:
        send(receiver, write_object(tmp_path / "rs.dcm", dataset, RTSTRUCT, "1.2.3.100"))
        assert receiver.box[0].dataset == dataset


class LateEvent(threading.Event):
    """An event behind which the thread that waited gets the processor late, as on a busy machine."""

    def wait(self, timeout=None):
        came = super().wait(timeout)
        threading.Event().wait(0.03)
        return came


def test_no_answer_gets_lost_where_the_thread_of_the_association_is_late(parcel):
    with (
        Receiver() as receiver,
        Connection(target(receiver.port, dimse_timeout_s=20.0), [parcel.context]) as line,
    ):
        late = LateEvent()
        late.set()
        line._association._reactor_checkpoint = late
        answers = [line.send(parcel) for _ in range(40)]
    assert {answer.result for answer in answers} == {StoreResult.STORED}
    assert len(receiver.box) == 40
