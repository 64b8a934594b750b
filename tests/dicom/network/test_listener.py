from __future__ import annotations

import logging
import socket
import struct
import threading
from ipaddress import ip_network

import pytest
from doubles.loopback import (
    CT,
    DEADLINE_S,
    EXPLICIT,
    RTSTRUCT,
    Sender,
    ask_to_store,
    associated,
    image,
    structure_set,
    wait_until,
)
from doubles.wire import (
    association_request,
    connected,
    fragment,
    pdu,
    raw_association,
    store_command,
)
from pynetdicom import AE, build_context
from pynetdicom.sop_class import Verification

from tg263_scp.config.loading import load_config
from tg263_scp.dicom.encoding.part10 import IMPLICIT_VR_LITTLE_ENDIAN
from tg263_scp.dicom.network import storage_classes
from tg263_scp.dicom.network.listener import Listener
from tg263_scp.dicom.network.messages import InMemory, Received
from tg263_scp.dicom.network.sender import Unavailable
from tg263_scp.dicom.network.statuses import StoreResult, StoreStatus
from tg263_scp.dicom.network.storage_classes import accepted_transfer_syntaxes, supported_contexts
from tg263_scp.errors import Tg263Error


class Desk:
    """Takes what the listener hands on."""

    def __init__(self):
        self.box: list[Received] = []
        self.status = StoreStatus.SUCCESS
        self.before = lambda: None

    def accept(self, received: Received) -> StoreStatus:
        self.before()
        self.box.append(received)
        return self.status


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def listener(desk):
    started: list[Listener] = []

    def start(*, peers: dict | None = None, max_object_bytes: int = 64 << 20, **listen) -> Listener:
        config = load_config(None)
        running = Listener(
            config.listen.model_copy(update={"port": 0, **listen}),
            config.peers.model_copy(update=peers or {}),
            max_object_bytes=max_object_bytes,
            begin=InMemory,
            accept=desk.accept,
        )
        running.start()
        started.append(running)
        return running

    yield start
    for running in started:
        running.stop(0.0)


def echo(port: int, **options) -> int | None:
    with associated(port, Verification, **options) as association:
        if not association.is_established:
            return None
        return association.send_c_echo().Status


def test_an_echo_is_answered(listener):
    assert echo(listener().address[1]) == 0x0000


def test_the_bytes_are_handed_on_as_they_came_in_every_transfer_syntax(listener, desk, tmp_path):
    syntaxes = accepted_transfer_syntaxes()
    nonsense = [b"\x08\x00\x05\x00CS\x06\x00nonsen" + bytes([n]) * 255 for n in range(len(syntaxes))]
    objects = [(data, CT, f"1.2.{n}", syntaxes[n]) for n, data in enumerate(nonsense)]
    answers = Sender(listener().address[1], tmp_path).send_all(objects)
    assert {answer.status for answer in answers} == {0x0000}
    assert [received.dataset.getvalue() for received in desk.box] == nonsense
    assert [received.transfer_syntax_uid for received in desk.box] == syntaxes


def test_what_the_command_says_is_handed_on(listener, desk, tmp_path):
    Sender(listener().address[1], tmp_path).send(image(), CT, "1.2.3")
    (received,) = desk.box
    assert (received.sop_class_uid, received.sop_instance_uid) == (CT, "1.2.3")
    assert (received.calling_ae_title, received.peer_address) == ("TPS", "127.0.0.1")


def test_the_objects_of_an_export_chain_are_all_accepted():
    offered = {str(context.abstract_syntax) for context in supported_contexts()}
    for name, uid in {
        "CT": "1.2.840.10008.5.1.4.1.1.2",
        "enhanced CT": "1.2.840.10008.5.1.4.1.1.2.1",
        "MR": "1.2.840.10008.5.1.4.1.1.4",
        "PET": "1.2.840.10008.5.1.4.1.1.128",
        "secondary capture": "1.2.840.10008.5.1.4.1.1.7",
        "RTIMAGE": "1.2.840.10008.5.1.4.1.1.481.1",
        "RTDOSE": "1.2.840.10008.5.1.4.1.1.481.2",
        "RTSTRUCT": "1.2.840.10008.5.1.4.1.1.481.3",
        "RT beams record": "1.2.840.10008.5.1.4.1.1.481.4",
        "RTPLAN": "1.2.840.10008.5.1.4.1.1.481.5",
        "RT ion plan": "1.2.840.10008.5.1.4.1.1.481.8",
        "REG": "1.2.840.10008.5.1.4.1.1.66.1",
        "deformable REG": "1.2.840.10008.5.1.4.1.1.66.3",
        "SEG": "1.2.840.10008.5.1.4.1.1.66.4",
        "SR": "1.2.840.10008.5.1.4.1.1.88.33",
        "PDF": "1.2.840.10008.5.1.4.1.1.104.1",
        "NM": "1.2.840.10008.5.1.4.1.1.20",
        "retired NM": "1.2.840.10008.5.1.4.1.1.5",
    }.items():
        assert uid in offered, name


def test_explicit_little_endian_is_preferred_whatever_the_order_of_the_offer(listener):
    offer = ["1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", EXPLICIT]
    association = AE(ae_title="TPS").associate(
        "127.0.0.1", listener().address[1], contexts=[build_context(CT, offer)]
    )
    (accepted,) = association.accepted_contexts
    association.release()
    assert accepted.transfer_syntax[0] == EXPLICIT


def test_any_private_sop_class_is_carried_where_that_is_configured(listener, desk, tmp_path, monkeypatch):
    monkeypatch.setattr(storage_classes, "MOST_PRIVATE_CLASSES", 2)
    port = listener(extra_sop_classes=["any"]).address[1]
    for number, taken in ((1, True), (2, True), (3, False), (1, True)):
        private = f"1.3.12.2.1107.5.9.7.{number}"
        answer = Sender(port, tmp_path).send(b"anything", private, f"1.2.{number}")
        assert (answer.status == 0x0000) is taken, number
    assert [each.sop_class_uid[-1] for each in desk.box] == ["1", "2", "1"]
    unknown = "1.2.840.10008.5.1.4.1.1.9999"
    assert Sender(port, tmp_path).send(b"anything", unknown, "1.2.9").status is None


@pytest.mark.parametrize(
    ("ours", "chosen"),
    [
        (["implicit", "explicit"], IMPLICIT_VR_LITTLE_ENDIAN),
        (["explicit"], EXPLICIT),
        ([], IMPLICIT_VR_LITTLE_ENDIAN),
        (["deflated"], IMPLICIT_VR_LITTLE_ENDIAN),
    ],
)
def test_the_order_of_our_own_is_configured_and_implicit_is_always_there(listener, ours, chosen):
    port = listener(transfer_syntaxes=ours).address[1]
    contexts = [build_context(CT, [EXPLICIT, IMPLICIT_VR_LITTLE_ENDIAN])]
    association = AE(ae_title="TPS").associate("127.0.0.1", port, contexts=contexts)
    (accepted,) = association.accepted_contexts
    association.release()
    assert accepted.transfer_syntax[0] == chosen


def test_a_private_sop_class_is_carried_where_configured(listener, desk, tmp_path):
    private = "1.3.12.2.1107.5.9.1"
    port = listener(extra_sop_classes=[private]).address[1]
    assert Sender(port, tmp_path).send(b"anything", private, "1.2.3").status == 0x0000
    assert desk.box[0].sop_class_uid == private


@pytest.mark.parametrize("status", [StoreStatus.OUT_OF_RESOURCES, StoreStatus.CANNOT_UNDERSTAND])
def test_the_sender_gets_the_status_of_who_takes_the_object(listener, desk, tmp_path, status):
    desk.status = status
    assert Sender(listener().address[1], tmp_path).send(image(), CT, "1.2.3").status == status


def test_an_exception_is_an_honest_failure_and_tells_no_names(listener, desk, tmp_path, caplog):
    def stumble():
        raise RuntimeError("over Mustermann^Erika")

    desk.before = stumble
    with caplog.at_level(logging.DEBUG):
        answer = Sender(listener().address[1], tmp_path).send(image(), CT, "1.2.3")
    assert (answer.status, answer.result) == (0x0110, StoreResult.TRANSIENT)
    assert "RuntimeError" in caplog.text
    assert "Mustermann" not in caplog.text


def test_an_object_without_a_data_set_is_not_acknowledged(listener, desk, tmp_path):
    answer = Sender(listener().address[1], tmp_path).send(b"", CT, "1.2.3")
    assert answer.status == StoreStatus.CANNOT_UNDERSTAND == 0xC000
    assert desk.box == []


def test_another_sop_class_than_that_of_the_context_is_refused(listener, desk):
    status = ask_to_store(listener().address[1], structure_set(["Heart"]), sop_class=RTSTRUCT, uid="1.2.3")
    assert status == StoreStatus.DATA_SET_DOES_NOT_MATCH == 0xA900
    assert desk.box == []


def test_a_caller_that_is_not_on_the_list_is_rejected_for_good(listener, tmp_path):
    port = listener(peers={"ae_titles": ["TPS", "CT1"]}).address[1]
    assert echo(port, calling="TPS") == 0x0000
    with pytest.raises(Unavailable) as caught:
        Sender(port, tmp_path, calling_ae_title="ELSE").send(image(), CT, "1.2.3")
    assert caught.value.permanent


def test_the_called_title_matters_only_where_configured(listener):
    assert echo(listener().address[1], ae_title="ANYTHING") == 0x0000
    strict = listener(called_ae_must_match=True).address[1]
    assert echo(strict, ae_title="ANYTHING") is None
    assert echo(strict, ae_title="TG263") == 0x0000


@pytest.mark.parametrize(
    ("addresses", "answer"),
    [(["127.0.0.0/8"], 0x0000), (["::1/128", "127.0.0.1/32"], 0x0000), (["10.0.0.0/8"], None)],
)
def test_only_listed_addresses_may_call(listener, addresses, answer):
    networks = [ip_network(each) for each in addresses]
    assert echo(listener(peers={"addresses": networks}).address[1]) == answer


def test_one_caller_too_many_is_rejected_for_the_moment(listener, desk, tmp_path):
    entered, go_on = threading.Event(), threading.Event()

    def hold():
        entered.set()
        assert go_on.wait(DEADLINE_S)

    desk.before = hold
    port = listener(max_associations=1).address[1]
    with raw_association(port) as busy:
        busy.sendall(fragment(store_command(), is_command=True) + fragment(image()))
        assert entered.wait(DEADLINE_S)
        with pytest.raises(Unavailable) as caught:
            Sender(port, tmp_path).send(image(), CT, "1.2.3")
        with connected(port) as connection:
            connection.sendall(association_request())
            assert tuple(pdu(connection)[7:]) == (2, 3, 2)
        go_on.set()
        assert pdu(busy)[:1] == b"\x04"
    assert not caught.value.permanent


def test_a_calling_title_that_is_not_ascii_does_no_harm(listener):
    port = listener().address[1]
    with associated(port, Verification, calling="TPS") as association:
        assert association.is_established
    pdu = bytearray(association_request())
    pdu[26:42] = "TPS-Größe".encode().ljust(16)
    assert talk(port, bytes(pdu))[:1] in (b"\x02", b"\x03")
    assert echo(port) == 0x0000


def talk(port: int, *messages: bytes) -> bytes:
    """Send bytes and return what comes back until the peer closes or has said something."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
        for message in messages:
            connection.sendall(message)
        return connection.recv(4096)


def test_the_request_for_these_tests_is_a_good_one(listener):
    assert talk(listener().address[1], association_request())[:1] == b"\x02"


@pytest.mark.parametrize(
    "message",
    [
        struct.pack(">BBI", 1, 0, 0xFFFFFFFF),
        struct.pack(">BBI", 4, 0, 1 << 30),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        bytes(range(256)),
    ],
)
def test_a_socket_that_speaks_no_dicom_is_closed_and_others_are_served(listener, message):
    port = listener().address[1]
    try:
        answer = talk(port, message)
    except ConnectionError:
        answer = b""
    assert answer[:1] in (b"", b"\x07", b"\x03")
    assert echo(port) == 0x0000


def test_an_announced_giant_pdu_is_refused_after_the_association_too(listener):
    port = listener(max_object_bytes=1 << 20).address[1]
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
        connection.sendall(association_request())
        assert connection.recv(4096)[:1] == b"\x02"
        connection.sendall(struct.pack(">BBI", 4, 0, 1 << 31))
        assert connection.recv(4096)[:1] in (b"", b"\x07")
    assert echo(port) == 0x0000


def test_an_object_above_the_limit_ends_the_association_and_is_not_acknowledged(listener, desk, tmp_path):
    port = listener(max_object_bytes=1 << 20).address[1]
    answer = Sender(port, tmp_path).send(image(pixels=bytes(12 << 20)), CT, "1.2.3")
    assert (answer.result, answer.status, desk.box) == (StoreResult.TRANSIENT, None, [])
    assert Sender(port, tmp_path).send(image(), CT, "1.2.3").status == 0x0000


def test_many_objects_below_the_limit_pass_on_one_association(listener, desk, tmp_path):
    port = listener(max_object_bytes=1 << 20).address[1]
    objects = [(image(pixels=bytes(900_000)), CT, f"1.2.{n}", EXPLICIT) for n in range(1, 16)]
    answers = Sender(port, tmp_path).send_all(objects)
    assert {answer.status for answer in answers} == {0x0000}
    assert len(desk.box) == 15


def test_health_checks_that_only_connect_leave_nothing_behind(listener):
    port = listener(max_associations=2).address[1]
    for _ in range(40):
        socket.create_connection(("127.0.0.1", port)).close()
    wait_until(lambda: echo(port) == 0x0000)


def test_silent_connections_up_to_the_limit_do_not_keep_others_out(listener):
    running = listener(max_associations=20, acse_timeout_s=60.0)
    silent = [socket.create_connection(running.address) for _ in range(15)]
    assert echo(running.address[1]) == 0x0000
    for connection in silent:
        connection.close()


def test_a_flood_of_silent_connections_is_cut_off(listener):
    running = listener(max_associations=2, acse_timeout_s=60.0)
    silent = [socket.create_connection(running.address, timeout=DEADLINE_S) for _ in range(30)]
    assert silent[0].recv(1) == b"", "the oldest silent one goes first"
    for connection in silent:
        connection.close()
    wait_until(lambda: echo(running.address[1]) == 0x0000)


def test_a_connection_that_breaks_off_in_an_object_leaves_nothing(listener, desk, tmp_path):
    port = listener().address[1]
    with associated(port) as association:
        socket_of = association.dul.socket.socket
        socket_of.sendall(struct.pack(">BBI", 4, 0, 10_000) + bytes(100))
        socket_of.shutdown(socket.SHUT_RDWR)
    assert echo(port) == 0x0000
    assert desk.box == []


def test_stopping_lets_the_object_at_hand_finish(listener, desk, tmp_path):
    entered, go_on = threading.Event(), threading.Event()

    def hold():
        entered.set()
        assert go_on.wait(DEADLINE_S)

    desk.before = hold
    running = listener()
    answers = []
    sender = Sender(running.address[1], tmp_path)
    sending = threading.Thread(
        target=lambda: answers.append(sender.send(structure_set(["a"]), RTSTRUCT, "1.2.3.100"))
    )
    sending.start()
    assert entered.wait(DEADLINE_S)
    stopping = threading.Thread(target=running.stop, args=(DEADLINE_S,))
    stopping.start()
    go_on.set()
    stopping.join(DEADLINE_S)
    sending.join(DEADLINE_S)
    assert answers[0].status == 0x0000


def test_stopping_does_not_wait_for_an_idle_caller_for_ever(listener):
    running = listener()
    with associated(running.address[1]) as association:
        running.stop(0.1)
        wait_until(lambda: not association.is_established)


def test_after_stopping_nobody_is_let_in(listener, tmp_path):
    running = listener()
    port = running.address[1]
    running.stop(1.0)
    with pytest.raises(Unavailable):
        Sender(port, tmp_path).send(image(), CT, "1.2.3")


def test_a_port_that_is_taken_is_told_to_the_caller(listener):
    port = listener().address[1]
    with pytest.raises(Tg263Error, match=f"cannot listen on 127.0.0.1:{port}"):
        listener(port=port)
