"""What a destination, or a file in the spool, can do to the sending side: nothing but fail alone, soon and with a reason."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import pytest
from doubles.loopback import CT, DEADLINE_S, EXPLICIT, Receiver, element, image, wait_until, write_object

from tg263_scp.dicom.network.pynetdicom_calling import _MOST_WAITING
from tg263_scp.dicom.network.sender import Connection, Parcel, Peer, Unavailable
from tg263_scp.dicom.network.statuses import StoreResult

IMPLICIT = "1.2.840.10008.1.2"
ENDLESS = b"\x04\x00\xff\xff\xff\xff"
"""The head of a P-DATA-TF of 4 GB."""


def target(port: int, **options) -> Peer:
    return Peer("127.0.0.1", port, "RECEIVER", "TG263", **options)


def send(receiver: Receiver, *parcels: Parcel, **options):
    with Connection(target(receiver.port, **options), list({parcel.context for parcel in parcels})) as line:
        return [line.send(parcel) for parcel in parcels]


@pytest.fixture
def parcel(tmp_path):
    return write_object(tmp_path / "ct.dcm", image(), CT, "1.2.3.200")


LIKE_FILE_META = b"".join(
    (
        element(0x00020000, "UL", b"\x04\x00\x00\x00"),
        element(0x00020002, "UI", b"1.2.840.10008.5.1.4.1.1.4"),
        element(0x00020003, "UI", b"9.9.9"),
        element(0x00020010, "UI", b"1.2.840.10008.1.2.2"),
        element(0x00020012, "UI", b"1.2.276.0"),
    )
)


@pytest.mark.parametrize(
    "dataset",
    [
        LIKE_FILE_META + image(),
        LIKE_FILE_META[:-7],
        b"\x02\x00\x10\x00UI\xff\xff1.2",
        b"\x02\x00",
        image()[:60] + b"\x20\x00\x0d\x00U",
        b"\x08\x00",
        b"",
    ],
    ids=[
        "group 2",
        "half of group 2",
        "too long",
        "2 bytes",
        "ends inside a header",
        "half a tag",
        "nothing",
    ],
)
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_what_is_sent_is_what_the_sender_says_and_never_what_the_data_set_claims(tmp_path, dataset, syntax):
    with Receiver() as receiver:
        (answer,) = send(receiver, write_object(tmp_path / "a.dcm", dataset, CT, "1.2.3", syntax))
        assert answer.result is StoreResult.STORED
        (sent,) = receiver.box
    assert (sent.dataset, sent.uid, sent.sop_class, sent.transfer_syntax) == (dataset, "1.2.3", CT, syntax)


def test_a_file_that_is_another_object_is_not_sent(tmp_path, parcel):
    others = [
        Parcel(parcel.path, CT, EXPLICIT, "1.2.3.201"),
        Parcel(parcel.path, CT, IMPLICIT, "1.2.3.200"),
        Parcel(parcel.path, CT, EXPLICIT, "1.2.3.200", "0" * 64),
        Parcel(tmp_path, CT, EXPLICIT, "1.2.3.200"),
    ]
    with Receiver() as receiver:
        *refused, stored = send(receiver, *others, parcel)
        assert [sent.uid for sent in receiver.box] == ["1.2.3.200"]
    assert {answer.result for answer in refused} == {StoreResult.PERMANENT}
    assert stored.result is StoreResult.STORED


class Endless(Receiver):
    """Answers the first object with a PDU that never ends."""

    def _on_store(self, event):
        wire = event.assoc.dul.socket.socket
        try:
            wire.sendall(ENDLESS)
            while True:
                wire.sendall(bytes(1 << 16))
        except OSError:
            self.cut_off = True
        return 0x0000


def test_an_answer_that_never_ends_is_cut_off(parcel):
    with Endless() as receiver:
        (answer,) = send(receiver, parcel)
        wait_until(lambda: getattr(receiver, "cut_off", False))
    assert (answer.result, answer.status) == (StoreResult.TRANSIENT, None)


@contextmanager
def raw_destination(says: bytes):
    """A destination that answers the association request with some bytes, and then goes on with zeros until it is cut off."""
    cut_off = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                try:
                    connection.sendall(says)
                    while True:
                        connection.sendall(bytes(1 << 16))
                except OSError:
                    cut_off.set()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], cut_off
        thread.join(DEADLINE_S)


@pytest.mark.parametrize("kind", [0x02, 0x03, 0x04, 0x07])
def test_a_destination_that_announces_4_gb_is_cut_off_before_an_association_stands(kind):
    with raw_destination(bytes((kind, 0)) + b"\xff\xff\xff\xff") as (port, cut_off):
        with pytest.raises(Unavailable):
            Connection(target(port), [(CT, EXPLICIT)])
        assert cut_off.wait(DEADLINE_S)


def test_a_pdu_that_stops_in_the_middle_delays_no_longer_than_an_answer_may(tmp_path, parcel):
    class Half(Receiver):
        def _on_store(self, event):
            event.assoc.dul.socket.socket.sendall(b"\x04\x00\x00\x00\x00\x50\x00")
            done.wait(DEADLINE_S)
            return 0x0000

    done = threading.Event()
    with Half() as receiver:
        (answer,) = send(receiver, parcel, dimse_timeout_s=0.2)
        done.set()
    assert (answer.result, answer.status) == (StoreResult.TRANSIENT, None)


def test_a_peer_that_stops_reading_costs_neither_memory_nor_for_ever(tmp_path):
    class Full(Receiver):
        def _on_pdu(self, event):
            if event.assoc.is_established:
                done.wait(DEADLINE_S)

    done = threading.Event()
    large = write_object(tmp_path / "a.dcm", image(pixels=bytes(64 << 20)), CT, "1.2.3")
    with Full() as receiver:
        line = Connection(target(receiver.port, dimse_timeout_s=0.3), [large.context])
        answer = line.send(large)
        assert line._association.dul.to_provider_queue.qsize() <= _MOST_WAITING + 1
        assert not line.usable
        done.set()
    assert (answer.result, answer.status) == (StoreResult.TRANSIENT, None)


def test_fragments_have_even_lengths_whatever_the_peer_announces(tmp_path):
    class Fragments(Receiver):
        def _on_pdu(self, event):
            lengths.extend(
                len(item.presentation_data_value) - 1
                for item in getattr(event.pdu, "presentation_data_value_items", ())
                if not item.presentation_data_value[0] & 1
            )
            super()._on_pdu(event)

    lengths: list[int] = []
    with Fragments(maximum_pdu_size=4097) as receiver:
        send(receiver, write_object(tmp_path / "a.dcm", image(pixels=bytes(50_000)), CT, "1.2.3"))
    assert len(lengths) > 10
    assert not any(length % 2 for length in lengths)


def test_a_peer_that_takes_too_small_pdus_is_unavailable():
    with Receiver(maximum_pdu_size=7) as receiver, pytest.raises(Unavailable, match="7 bytes") as caught:
        Connection(target(receiver.port), [(CT, EXPLICIT)])
    assert caught.value.permanent
