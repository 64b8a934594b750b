"""Peers that are silent, slow, greedy or rude: each function opens a connection, does its worst, and returns it.

They are called with the port of the node and the loopback address to come from.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from doubles.wire import association_request, connected, fragment, pdu, raw_association, store_command

GIANT_BYTES = 1200 << 20
_UNFINISHED_BYTES = 64 << 20

Nuisance = Callable[[int, str], socket.socket]


def silent(port: int, address: str) -> socket.socket:
    """Says nothing."""
    return connected(port, address)


def trickling(port: int, address: str) -> socket.socket:
    """Says one byte."""
    return _after(port, address, b"\x01")


def garbage(port: int, address: str) -> socket.socket:
    """Speaks another protocol."""
    return _after(port, address, b"GET / HTTP/1.1\r\n\r\n")


def half_a_request(port: int, address: str) -> socket.socket:
    """Announces a request of 1 MiB and sends the beginning."""
    return _after(port, address, struct.pack(">BBI", 1, 0, 1 << 20) + bytes(1000))


def large_request(port: int, address: str) -> socket.socket:
    """Sends a request of 1 MiB but for its last byte."""
    return _after(port, address, struct.pack(">BBI", 1, 0, 1 << 20) + bytes((1 << 20) - 1))


def giant_request(port: int, address: str) -> socket.socket:
    """Announces a request of 1.2 GB together with the connection."""
    return _after(port, address, struct.pack(">BBI", 1, 0, GIANT_BYTES) + bytes(16 << 20))


def idle(port: int, address: str) -> socket.socket:
    """Has an association and does nothing with it."""
    connection = _after(port, address, association_request())
    with suppress(OSError):
        pdu(connection)
    return connection


def unfinished_object(port: int, address: str) -> socket.socket:
    """Sends an object of 1.2 GB in one PDU that stops after 64 MB."""
    with raw_association(port, address=address) as connection:
        kept = connection.dup()
        connection.sendall(fragment(store_command(), is_command=True))
        head = struct.pack(">BBIIBB", 4, 0, GIANT_BYTES + 6, GIANT_BYTES + 2, 1, 2)
        with suppress(OSError):
            connection.sendall(head)
            for _ in range(_UNFINISHED_BYTES >> 20):
                connection.sendall(bytes(1 << 20))
    return kept


HELD: dict[str, Nuisance] = {
    "silent connections": silent,
    "one byte, then nothing": trickling,
    "requests of 1.2 GB, announced with the connection": giant_request,
    "requests of 1 MiB that lack their last byte": large_request,
    "idle associations": idle,
}
"""Those that cost most while they are held, by what many of them are."""


@contextmanager
def coming_and_going(port: int, address: str) -> Iterator[None]:
    """Garbage and leave, as fast as it goes, while the block runs."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            with suppress(OSError):
                garbage(port, address).close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _after(port: int, address: str, said: bytes) -> socket.socket:
    connection = connected(port, address)
    with suppress(OSError):  # it may be turned away before it has said all
        connection.sendall(said)
    return connection
