"""What peers send against the rules, and DCMTK and Orthanc take: it is served, or answered at once."""

from __future__ import annotations

import struct

import pytest
from doubles.loopback import CT, EXPLICIT, image
from doubles.wire import (
    HAS_DATA_SET,
    NO_DATA_SET,
    ODD_REQUESTS,
    VERIFICATION,
    answer,
    association_request,
    command,
    connected,
    fragment,
    pdu,
    raw_association,
    store_command,
)

from tg263_scp.config.loading import load_config
from tg263_scp.dicom.network.listener import Listener
from tg263_scp.dicom.network.messages import InMemory, Received
from tg263_scp.dicom.network.refusals import Reason
from tg263_scp.dicom.network.statuses import CommandStatus, StoreStatus

ECHO = command(
    0x0030, sop_class=VERIFICATION.encode() + b"\x00", message_id=b"\x07\x00", data_set=NO_DATA_SET
)


@pytest.fixture
def desk():
    """A listener, and what it received."""
    config = load_config(None)
    box: list[Received] = []

    def accept(received: Received) -> StoreStatus:
        box.append(received)
        return StoreStatus.SUCCESS

    running: Listener = Listener(
        config.listen.model_copy(update={"port": 0}),
        config.peers,
        max_object_bytes=1 << 20,
        begin=InMemory,
        accept=accept,
    )
    running.start()
    yield running, box
    running.stop(0.0)


@pytest.mark.parametrize("request_", ODD_REQUESTS.values(), ids=ODD_REQUESTS)
def test_a_request_that_others_accept_is_accepted_and_the_peer_is_served(desk, request_):
    running, _ = desk
    with connected(running.address[1]) as connection:
        connection.sendall(association_request(**request_))
        assert pdu(connection)[:1] == b"\x02"
        connection.sendall(fragment(ECHO, is_command=True))
        assert answer(connection)["status"] == 0x0000


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"TPS".ljust(16, b"\x00"), "TPS"),
        ("TPS-Größe".encode("latin-1"), "TPS-Größe"),
        ("TPS-Größe".encode(), "TPS-Größe"),
        (b"\x1b[31mTPS", "?[31mTPS"),
        (b"  T P S", "T P S"),
    ],
)
def test_the_title_is_handed_on_without_padding_and_control_characters(desk, raw, said):
    running, box = desk
    with connected(running.address[1]) as connection:
        connection.sendall(association_request(calling=raw, contexts=[(CT, EXPLICIT)]))
        assert pdu(connection)[:1] == b"\x02"
        connection.sendall(fragment(store_command(), is_command=True) + fragment(image()))
        assert answer(connection)["status"] == 0x0000
    assert box[0].calling_ae_title == said


@pytest.mark.parametrize(
    ("request_", "rejection"),
    [({"protocol_version": 2}, (1, 2, 2)), ({"application_context": b"1.2.3"}, (1, 1, 2))],
)
def test_what_is_not_dicom_s_protocol_is_rejected_with_its_reason(desk, request_, rejection):
    running, _ = desk
    with connected(running.address[1]) as connection:
        connection.sendall(association_request(**request_))
        said = pdu(connection)
    assert (said[0], *said[7:]) == (3, *rejection)
    assert running.refused()[Reason.PROTOCOL] == 1


CUT_OFF = {
    "shorter than the fixed part": struct.pack(">BBI", 1, 0, 10) + bytes(10),
    "an item longer than the request": association_request(user=())[:-2] + b"\xff\xff",
    "no presentation context": association_request(contexts=[]),
}


@pytest.mark.parametrize("sent", CUT_OFF.values(), ids=CUT_OFF)
def test_a_request_that_cannot_be_read_is_aborted_at_once(desk, sent):
    running, _ = desk
    with connected(running.address[1]) as connection:
        connection.sendall(sent)
        assert pdu(connection)[:1] == b"\x07"
    assert running.refused()[Reason.BAD_REQUEST] == 1


STORES = {
    "an empty SOP Instance UID": (store_command(b""), StoreStatus.INVALID_SOP_INSTANCE, 1),
    "no SOP Instance UID": (store_command(sop_instance=None), StoreStatus.INVALID_SOP_INSTANCE, 1),
    "a SOP Instance UID of 70 characters": (store_command(b"1." * 35), StoreStatus.INVALID_SOP_INSTANCE, 1),
    "a SOP Instance UID of 60 000 characters": (
        store_command(b"1." * 30_000),
        StoreStatus.INVALID_SOP_INSTANCE,
        1,
    ),
    "a SOP Instance UID that is none": (store_command(b"../../etc"), StoreStatus.INVALID_SOP_INSTANCE, 1),
    "no Message ID": (store_command(message_id=None), CommandStatus.MISTYPED_ARGUMENT, 0),
    "a Message ID of 4 bytes": (store_command(message_id=bytes(4)), CommandStatus.MISTYPED_ARGUMENT, 0),
    "no SOP Class UID": (store_command(sop_class=None), StoreStatus.DATA_SET_DOES_NOT_MATCH, 1),
    "a SOP Class UID that is none": (store_command(sop_class=b"CT"), StoreStatus.DATA_SET_DOES_NOT_MATCH, 1),
    "no priority": (store_command(priority=None), StoreStatus.SUCCESS, 1),
    "a priority that is none": (store_command(priority=b"\x09\x00"), StoreStatus.SUCCESS, 1),
    "nothing about a data set": (store_command(data_set=None), StoreStatus.SUCCESS, 1),
}


@pytest.mark.parametrize(("said", "status", "responding_to"), STORES.values(), ids=STORES)
def test_an_incomplete_store_command_gets_a_status_and_the_next_object_is_stored(
    desk, said, status, responding_to
):
    running, box = desk
    with raw_association(running.address[1]) as connection:
        connection.sendall(fragment(said, is_command=True) + fragment(image()))
        first = answer(connection)
        assert (first["status"], first["responding_to"]) == (status, responding_to)
        connection.sendall(fragment(store_command(), is_command=True) + fragment(image()))
        assert answer(connection)["status"] == 0x0000
    assert len(box) == 1 + (status == StoreStatus.SUCCESS)


OTHERS = {"C-GET": 0x0010, "C-FIND": 0x0020, "C-MOVE": 0x0021}


@pytest.mark.parametrize("field", OTHERS.values(), ids=OTHERS)
def test_a_query_on_a_storage_context_gets_a_status(desk, field):
    running, _ = desk
    asked = command(
        field,
        sop_class=CT.encode() + b"\x00",
        message_id=b"\x05\x00",
        priority=b"\x00\x00",
        data_set=HAS_DATA_SET,
    )
    with raw_association(running.address[1]) as connection:
        connection.sendall(fragment(asked, is_command=True) + fragment(image()))
        said = answer(connection)
    assert (said["field"], said["status"], said["responding_to"]) == (
        field | 0x8000,
        CommandStatus.UNRECOGNIZED_OPERATION,
        5,
    )


@pytest.mark.parametrize("field", [0x0100, 0x0110, 0x0120, 0x0130, 0x0140, 0x0150])
def test_a_normalized_operation_gets_a_status(desk, field):
    running, _ = desk
    asked = command(
        field,
        sop_class=CT.encode() + b"\x00",
        requested_class=CT.encode() + b"\x00",
        message_id=b"\x05\x00",
        data_set=NO_DATA_SET,
    )
    with raw_association(running.address[1]) as connection:
        connection.sendall(fragment(asked, is_command=True))
        said = answer(connection)
    assert (said["field"], said["status"]) == (field | 0x8000, CommandStatus.UNRECOGNIZED_OPERATION)


def test_a_store_on_the_verification_context_gets_a_status(desk):
    running, box = desk
    said = store_command(sop_class=VERIFICATION.encode() + b"\x00")
    with connected(running.address[1]) as connection:
        connection.sendall(association_request())
        assert pdu(connection)[:1] == b"\x02"
        connection.sendall(fragment(said, is_command=True) + fragment(image()))
        assert answer(connection)["status"] == CommandStatus.UNRECOGNIZED_OPERATION
    assert box == []


@pytest.mark.parametrize("field", [0x8001, 0x8030, 0x1234, 0x0000])
def test_a_command_without_a_possible_answer_is_aborted_at_once(desk, field):
    running, _ = desk
    asked = command(field, sop_class=CT.encode() + b"\x00", message_id=b"\x05\x00", data_set=NO_DATA_SET)
    with raw_association(running.address[1]) as connection:
        connection.sendall(fragment(asked, is_command=True))
        assert pdu(connection)[:1] == b"\x07"
    assert running.refused()[Reason.MALFORMED] == 1


def test_a_cancel_is_nothing_to_answer(desk):
    running, _ = desk
    with raw_association(running.address[1]) as connection:
        cancel = command(0x0FFF, responding_to=b"\x01\x00", data_set=NO_DATA_SET)
        connection.sendall(fragment(cancel, is_command=True) + fragment(ECHO, is_command=True))
        assert answer(connection)["responding_to"] == 7
