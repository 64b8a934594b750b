"""The limits and deadlines of the listener hold on TLS sockets too (PS3.15 B.12)."""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import ExitStack, contextmanager, suppress

import pytest
import trustme
from doubles.loopback import CT, DEADLINE_S, EXPLICIT, image, wait_until
from doubles.wire import answer, association_request, connected, fragment, pdu, store_command

from tg263_scp.config.loading import load_config
from tg263_scp.dicom.network.listener import Listener
from tg263_scp.dicom.network.messages import InMemory, Received
from tg263_scp.dicom.network.refusals import Reason
from tg263_scp.dicom.network.statuses import StoreStatus
from tg263_scp.tls.contexts import Reloadable

FOR_EVER = 600.0


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def context_of(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def house(authority):
    config = load_config(None)
    with ExitStack() as stack:

        def start(**listen) -> Listener:
            box: list[Received] = []

            def accept(received: Received) -> StoreStatus:
                box.append(received)
                return StoreStatus.SUCCESS

            patient = {"port": 0, "acse_timeout_s": FOR_EVER, "network_timeout_s": FOR_EVER}
            running: Listener = Listener(
                config.listen.model_copy(update=patient | listen),
                config.peers,
                max_object_bytes=64 << 20,
                begin=InMemory,
                accept=accept,
                tls=Reloadable(lambda: context_of(authority)),
            )
            running.box = box
            running.start()
            stack.callback(running.stop, 0.0)
            return running

        yield start


@contextmanager
def associated_over_tls(running: Listener, authority: trustme.CA):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with (
        socket.create_connection(running.address, timeout=DEADLINE_S) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(association_request(contexts=[(CT, EXPLICIT)]))
        assert pdu(connection)[:1] == b"\x02"
        yield connection


def test_an_object_arrives_whole_over_tls(house, authority):
    running = house()
    dataset = image(pixels=bytes(range(256)) * 16_000)
    with associated_over_tls(running, authority) as connection:
        for _ in range(3):
            connection.sendall(fragment(store_command(), is_command=True) + fragment(dataset))
            assert answer(connection)["status"] == 0x0000
    assert {received.dataset.getvalue() for received in running.box} == {dataset}


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00", struct.pack(">BBI", 1, 0, 200)])
def test_connections_that_do_not_shake_hands_do_not_keep_others_out(house, authority, sent):
    running = house(max_waiting=8, max_associations=2)
    with ExitStack() as held:
        for _ in range(20):
            held.enter_context(connected(running.address[1])).sendall(sent)
        with associated_over_tls(running, authority) as connection:
            connection.sendall(fragment(store_command(), is_command=True) + fragment(image()))
            assert answer(connection)["status"] == 0x0000


def test_fifty_silent_clients_keep_nobody_out_and_are_closed_at_their_deadline(house, authority):
    running = house(acse_timeout_s=2.0)
    with ExitStack() as held:
        silent = [held.enter_context(connected(running.address[1])) for _ in range(50)]
        with associated_over_tls(running, authority) as connection:
            connection.sendall(fragment(store_command(), is_command=True) + fragment(image()))
            assert answer(connection)["status"] == 0x0000
        for connection in silent:
            with suppress(ConnectionError):
                assert connection.recv(1) == b""
    wait_until(
        lambda: running.refused()[Reason.NO_REQUEST] + running.refused()[Reason.TOO_MANY_WAITING] == 50
    )


def test_a_handshake_that_does_not_come_ends_at_the_deadline(house):
    running = house(acse_timeout_s=0.2)
    with connected(running.address[1]) as connection:
        assert connection.recv(1) == b""
    assert running.refused()[Reason.NO_REQUEST] == 1


def test_what_is_no_tls_is_refused_and_counted(house):
    running = house()
    with connected(running.address[1]) as connection, suppress(ConnectionError):
        connection.sendall(association_request())
        assert pdu(connection)[:1] != b"\x02"
    wait_until(lambda: running.refused()[Reason.TLS] == 1)


def test_a_message_that_trickles_over_tls_is_cut_off(house, authority):
    running = house(progress_s=0.2)
    with associated_over_tls(running, authority) as connection:
        connection.sendall(fragment(store_command(), is_command=True) + struct.pack(">BBI", 4, 0, 1 << 20))
        assert pdu(connection)[:1] in (b"", b"\x07")
    assert running.refused()[Reason.TOO_SLOW] == 1


def test_stopping_ends_associations_over_tls(house, authority):
    running = house()
    with associated_over_tls(running, authority) as connection:
        running.stop(0.1)
        assert pdu(connection)[:1] in (b"", b"\x07")
