"""Peers that are silent, slow, greedy or rude, from the honest peer's own address and from another: it is served meanwhile."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import ExitStack, suppress

import pytest
from doubles.loopback import DEADLINE_S, image, wait_until
from doubles.nuisances import coming_and_going, garbage, half_a_request, idle, silent, trickling
from doubles.wire import (
    association_request,
    connected,
    fragment,
    pdu,
    raw_association,
    store_command,
)

from tg263_scp.config.loading import load_config
from tg263_scp.dicom.network import waiting_room
from tg263_scp.dicom.network.listener import Listener
from tg263_scp.dicom.network.messages import Announced, InMemory, Received
from tg263_scp.dicom.network.pynetdicom_internals import BLOCK_BYTES
from tg263_scp.dicom.network.refusals import Reason
from tg263_scp.dicom.network.sender import Peer
from tg263_scp.dicom.network.statuses import StoreStatus
from tg263_scp.dicom.network.verification import echo

FOR_EVER = 600.0
ADDRESSES = ["127.0.0.1", "127.0.0.2"]


class Place(InMemory):
    """Keeps what became of each place, and how large the pieces were."""

    all: list[Place]

    def __init__(self, announced: Announced) -> None:
        super().__init__(announced)
        self.announced = announced
        self.largest_block = 0
        self.discarded = False

    def write(self, block: bytes) -> int:
        self.largest_block = max(self.largest_block, len(block))
        return super().write(block)

    def discard(self) -> None:
        self.discarded = True


@pytest.fixture
def house():
    """A listener in which nothing ends by itself, unless a test says so."""
    with ExitStack() as stack:

        def start(*, max_object_bytes: int = 64 << 20, accept=None, **listen) -> Listener:
            config = load_config(None)
            patient = {"port": 0, "acse_timeout_s": FOR_EVER, "network_timeout_s": FOR_EVER}
            places: list[Place] = []

            def begin(announced: Announced) -> Place:
                places.append(Place(announced))
                return places[-1]

            running: Listener = Listener(
                config.listen.model_copy(update=patient | listen),
                config.peers,
                max_object_bytes=max_object_bytes,
                begin=begin,
                accept=accept or (lambda received: StoreStatus.SUCCESS),
            )
            running.places = places
            running.start()
            stack.callback(running.stop, 0.0)
            return running

        yield start


def is_served(house: Listener) -> bool:
    host, port = house.address
    return echo(Peer(host, port, "TG263", "TPS", acse_timeout_s=20.0)).answered


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("nuisance", [silent, trickling, half_a_request, garbage, idle])
def test_an_honest_peer_is_served_while_others_occupy_the_house(house, nuisance, address):
    running = house(max_associations=4, max_waiting=16)
    with ExitStack() as held:
        for _ in range(40):
            held.enter_context(nuisance(running.address[1], address))
        assert is_served(running)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_honest_peer_is_served_while_others_come_and_go(house, address):
    running = house(max_associations=4, max_waiting=16)
    with coming_and_going(running.address[1], address):
        assert is_served(running)


def test_the_oldest_silent_connection_of_the_busiest_address_goes_first(house):
    running = house(max_waiting=3)
    port = running.address[1]
    with connected(port, "127.0.0.2") as honest, ExitStack() as held:
        flood = [held.enter_context(connected(port, "127.0.0.3")) for _ in range(6)]
        assert flood[0].recv(1) == b""
        honest.sendall(association_request())
        assert pdu(honest)[:1] == b"\x02"
    assert running.refused()[Reason.TOO_MANY_WAITING] >= 3


def test_one_address_may_have_as_many_waiting_as_there_are_associations(house):
    running = house(max_associations=20)
    with ExitStack() as held:
        waiting = [held.enter_context(connected(running.address[1])) for _ in range(20)]
        for connection in waiting:
            connection.sendall(association_request())
        assert {pdu(connection)[:1] for connection in waiting} == {b"\x02"}


def test_a_request_that_trickles_ends_at_its_deadline(house):
    running = house(acse_timeout_s=0.3)
    with connected(running.address[1]) as connection:
        until_closed(connection, iter(association_request()[:60]))
    assert running.refused()[Reason.NO_REQUEST] == 1


def until_closed(connection: socket.socket, trickle) -> None:
    """Send one byte after the other until the peer closes; fail where it does not."""
    pause = threading.Event()
    connection.settimeout(0.02)
    for _ in range(int(DEADLINE_S / 0.02)):
        with suppress(TimeoutError, ConnectionError):
            if connection.recv(4096)[:1] in (b"", b"\x07"):
                return
        with suppress(StopIteration):
            try:
                connection.sendall(bytes((next(trickle),)))
            except OSError:
                return
        pause.wait(0.005)
    raise AssertionError("the connection is still open")


@pytest.mark.parametrize("sent", [fragment(store_command(), is_command=True), b""])
def test_a_message_that_trickles_ends_within_and_between_pdus(house, sent):
    running = house(progress_s=0.2)
    with raw_association(running.address[1]) as connection:
        connection.sendall(sent)
        until_closed(connection, iter(struct.pack(">BBI", 4, 0, 1 << 20) + bytes(1 << 16)))
    wait_until(lambda: running.refused()[Reason.TOO_SLOW] == 1)
    wait_until(lambda: all(place.discarded for place in running.places))


def test_a_message_that_is_slow_but_moves_on_arrives(house):
    running = house(progress_s=0.1, min_bytes_per_s=10)
    pause = threading.Event()
    with raw_association(running.address[1]) as connection:
        for byte in fragment(store_command(), is_command=True) + fragment(image()[:60]):
            connection.sendall(bytes((byte,)))
            pause.wait(0.003)
        assert pdu(connection)[:1] == b"\x04"


def test_a_peer_that_waits_for_a_slow_answer_is_not_cut_off(house):
    go_on = threading.Event()

    def accept(received: Received) -> StoreStatus:
        assert go_on.wait(DEADLINE_S)
        return StoreStatus.SUCCESS

    running = house(network_timeout_s=0.2, progress_s=0.2, accept=accept)
    with raw_association(running.address[1]) as connection:
        connection.sendall(fragment(store_command(), is_command=True) + fragment(image()))
        threading.Event().wait(0.6)  # three deadlines: what must not happen cannot be waited for
        go_on.set()
        assert pdu(connection)[:1] == b"\x04"


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 6, 7, 0x47, 0xFF])
def test_an_announced_giant_that_comes_together_with_the_connection_is_refused_at_its_head(house, kind):
    running = house()
    with connected(running.address[1]) as connection:
        connection.sendall(struct.pack(">BBI", kind, 0, 0xFFFFFFF0) + bytes(1000))
        assert pdu(connection)[:1] in (b"", b"\x07")
    refused = running.refused()
    assert refused[Reason.REQUEST_TOO_LARGE if kind == 1 else Reason.NOT_DICOM] == 1


@pytest.mark.parametrize("kind", [1, 2, 3, 5, 6, 7, 0x47])
def test_on_an_association_no_other_pdu_than_data_is_large(house, kind):
    running = house()
    with raw_association(running.address[1]) as connection:
        connection.sendall(struct.pack(">BBI", kind, 0, 0x7FFFFFFF) + bytes(1000))
        assert pdu(connection)[:1] in (b"", b"\x07")
    wait_until(lambda: running.refused()[Reason.MALFORMED] == 1)


def test_an_object_in_one_pdu_goes_to_its_place_in_small_blocks(house):
    running = house()
    dataset = image(pixels=bytes(8 << 20))
    with raw_association(running.address[1]) as connection:
        connection.sendall(fragment(store_command(), is_command=True) + fragment(dataset))
        assert pdu(connection)[:1] == b"\x04"
    (place,) = running.places
    assert place.getvalue() == dataset
    assert 0 < place.largest_block <= BLOCK_BYTES


def test_an_object_is_at_its_place_before_it_is_whole(house):
    running = house()
    first = image()[:1000]
    with raw_association(running.address[1]) as connection:
        connection.sendall(fragment(store_command(), is_command=True) + fragment(first, last=False))
        wait_until(lambda: bool(running.places) and running.places[0].getvalue() == first)
    wait_until(lambda: running.places[0].discarded)
    wait_until(lambda: running.refused()[Reason.BROKEN_OFF] == 1)


def test_a_command_without_end_ends_the_association(house):
    running = house()
    with raw_association(running.address[1]) as connection:
        with suppress(OSError):
            for _ in range(100):
                connection.sendall(fragment(bytes(1 << 14), is_command=True, last=False))
        with suppress(ConnectionError):
            assert pdu(connection)[:1] in (b"", b"\x07")
    wait_until(lambda: running.refused()[Reason.MALFORMED] == 1)


MALFORMED = {
    "a fragment longer than its PDU": struct.pack(">BBII", 4, 0, 10, 1 << 20) + bytes(6),
    "a fragment without a control header": struct.pack(">BBIIH", 4, 0, 6, 1, 0),
    "half a fragment head": struct.pack(">BBIH", 4, 0, 2, 0),
    "a data set before its command": fragment(b"data"),
    "a command in a context that was not accepted": fragment(store_command(), is_command=True, context_id=3),
    "a data set in another context than its command": fragment(store_command(), is_command=True)
    + fragment(b"data", context_id=3),
    "a second command before the data set": 2 * fragment(store_command(), is_command=True),
    "no command set": fragment(b"\x00" * 7, is_command=True),
    "an empty command": fragment(b"", is_command=True),
    "a second association request": association_request(),
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
def test_what_breaks_the_protocol_is_aborted_at_once(house, sent):
    running = house()
    with raw_association(running.address[1]) as connection:
        connection.sendall(sent)
        assert pdu(connection)[:1] == b"\x07"
        assert connection.recv(1) == b""
    assert is_served(running)


def test_messages_ahead_of_their_answers_are_all_answered_and_do_not_heap_up(house):
    running = house()
    message = fragment(store_command(), is_command=True) + fragment(image())
    with raw_association(running.address[1]) as connection:
        sending = threading.Thread(target=connection.sendall, args=(200 * message,))
        sending.start()
        answers = [pdu(connection)[:1] for _ in range(200)]
        sending.join()
    assert answers == 200 * [b"\x04"]


def test_only_an_idle_association_makes_room_and_only_where_the_house_is_full(house):
    entered, go_on = threading.Event(), threading.Event()

    def accept(received: Received) -> StoreStatus:
        entered.set()
        assert go_on.wait(DEADLINE_S)
        return StoreStatus.SUCCESS

    running = house(max_associations=2, accept=accept)
    port = running.address[1]
    with raw_association(port) as busy, idle(port, "127.0.0.1") as waiting:
        busy.sendall(fragment(store_command(), is_command=True) + fragment(image()))
        assert entered.wait(DEADLINE_S)
        assert is_served(running)
        assert pdu(waiting)[:1] == b"\x07"
        go_on.set()
        assert pdu(busy)[:1] == b"\x04"
    assert running.refused()[Reason.MADE_ROOM] == 1


def test_an_association_between_two_objects_stays_and_one_that_was_never_used_goes(house):
    running = house(max_associations=2, idle_s=FOR_EVER)
    port = running.address[1]
    message = fragment(store_command(), is_command=True) + fragment(image())
    with raw_association(port) as used, idle(port, "127.0.0.1") as unused:
        used.sendall(message)
        assert pdu(used)[:1] == b"\x04"
        assert is_served(running)
        assert pdu(unused)[:1] == b"\x07"
        used.sendall(message)
        assert pdu(used)[:1] == b"\x04"


def test_silent_connections_go_before_one_that_has_asked(house, monkeypatch):
    monkeypatch.setattr(waiting_room, "PLACE_WAIT_S", DEADLINE_S)
    go_on = threading.Event()

    def accept(received: Received) -> StoreStatus:
        assert go_on.wait(DEADLINE_S)
        return StoreStatus.SUCCESS

    running = house(max_associations=1, max_waiting_per_address=2, accept=accept)
    port = running.address[1]
    with ExitStack() as held:
        with raw_association(port) as busy:
            busy.sendall(fragment(store_command(), is_command=True) + fragment(image()))
            asked = held.enter_context(connected(port))
            asked.sendall(association_request())
            silent_ones = [held.enter_context(connected(port)) for _ in range(5)]
            assert silent_ones[0].recv(1) == b""
            go_on.set()
            assert pdu(busy)[:1] == b"\x04"
        assert pdu(asked)[:1] == b"\x02"


def trickle_until_closed(port: int, ended: threading.Event) -> None:
    with raw_association(port) as connection:
        until_closed(connection, iter(struct.pack(">BBI", 4, 0, 1 << 20) + bytes(1 << 16)))
    ended.set()


def test_stopping_ends_whatever_peers_do(house):
    running = house()
    port = running.address[1]
    ended = threading.Event()
    nuisance = threading.Thread(target=trickle_until_closed, args=(port, ended))
    nuisance.start()
    with raw_association(port) as idling, connected(port) as waiting, raw_association(port) as unfinished:
        unfinished.sendall(fragment(store_command(), is_command=True) + struct.pack(">BBI", 4, 0, 1 << 20))
        wait_until(lambda: bool(running.places))
        stopping = threading.Thread(target=running.stop, args=(0.2,))
        stopping.start()
        stopping.join(DEADLINE_S)
        assert not stopping.is_alive()
        assert waiting.recv(1) == b""
        assert pdu(idling)[:1] in (b"", b"\x07")
        assert ended.wait(DEADLINE_S)
    nuisance.join()
    assert running.places[0].discarded
