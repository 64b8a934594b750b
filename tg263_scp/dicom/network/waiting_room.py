"""Where connections wait until they have asked for an association: one thread holds them all, whatever they do.

A connection costs a socket and the bytes of its request here, no thread and no association. It leaves with a whole request,
or at its deadline. When too many wait, the oldest of the address that holds most of them goes: a newcomer always gets in.

Nothing here waits for a peer, so that it works on TLS sockets as well: their handshake is part of the first read.

Standard: PS3.8 9.2 (Sta2, ARTIM), 9.3.2, 9.3.4, 9.3.8.
"""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread

from tg263_scp.dicom.network.association_request import (
    ASSOCIATE_RQ,
    PDU_HEAD_BYTES,
    AssociationRequest,
    MalformedRequest,
    read_association_request,
)
from tg263_scp.dicom.network.refusals import Caller, Reason, Refusals
from tg263_scp.tls.contexts import Reloadable, why_not

logger = logging.getLogger("tg263_scp.listener")

MAX_ASSOCIATE_REQUEST_BYTES = 1 << 20
"""An A-ASSOCIATE-RQ with all 128 contexts is some 100 kB."""
MAX_WAITING_BYTES = 32 << 20
"""Unfinished requests of all peers together."""
PLACE_WAIT_S = 2.0
"""This long a whole request waits for one of the others to end, before it is rejected for the moment."""

_LOOK_EVERY_S = 0.05
_READ_BYTES = 1 << 16
_TELL_AFTER_S = 0.05
"""A refusal that comes at once is too early for some: pynetdicom takes it for a connection that failed."""
_LINGER_S = 1.0
"""Time for the peer to read our refusal before the connection is closed."""
_ABORT = bytes((7, 0, 0, 0, 0, 4, 0, 0, 2, 0))
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@dataclass(frozen=True, slots=True)
class Rejection:
    """An A-ASSOCIATE-RJ: result, source and reason as PS3.8 9.3.4 numbers them, and why in our words."""

    result: int
    source: int
    diagnostic: int
    reason: Reason
    hint: str = ""

    def pdu(self) -> bytes:
        """Write it."""
        return bytes((3, 0, 0, 0, 0, 4, 0, self.result, self.source, self.diagnostic))


NO_PLACE = Rejection(2, 3, 2, Reason.TOO_MANY)


@dataclass(frozen=True, slots=True)
class Asking:
    """A connection with a whole request: blocking again, with what came behind the request in ``unread``."""

    connection: socket.socket
    caller: Caller
    request: AssociationRequest
    unread: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections may wait, in all and from one address, and how long each has for its request."""

    waiting: int
    waiting_per_address: int
    request_s: float


Judge = Callable[[Caller, AssociationRequest, bytes], Rejection | None]
"""Reject a request for what it says, or for the certificate (DER) of the caller, empty where it showed none; None where it is
welcome."""


@dataclass(eq=False, slots=True)
class _Waiting:
    connection: socket.socket
    caller: Caller
    until: float
    data: bytearray = field(default_factory=bytearray)
    request: AssociationRequest | None = None
    refused: bool = False
    answer: bytes = b""
    """What a refused peer is still to be told."""

    def request_bytes(self) -> int:
        """Length of the whole request PDU, as its head announces it."""
        return PDU_HEAD_BYTES + int.from_bytes(self.data[2:PDU_HEAD_BYTES], "big")


class WaitingRoom:
    """Accepts connections on a listening socket and hands them on once they have asked for an association.

    ``admits`` says whether an address may connect at all, ``judge`` rejects requests, ``has_place`` says whether one more
    association may begin, ``begin`` begins it, and ``tick`` is called some twenty times a second. All are called
    from the one thread of the room and must not wait.
    """

    def __init__(
        self,
        listening: socket.socket,
        limits: Limits,
        refusals: Refusals,
        *,
        admits: Callable[[str], bool],
        judge: Judge,
        has_place: Callable[[], bool],
        begin: Callable[[Asking], None],
        tick: Callable[[], None],
        tls: Reloadable | None = None,
    ) -> None:
        self._listening = listening
        self._limits = limits
        self._refusals = refusals
        self._admits = admits
        self._judge = judge
        self._has_place = has_place
        self._begin = begin
        self._tick = tick
        self._tls = tls
        self._waiting: list[_Waiting] = []
        self._selector = selectors.DefaultSelector()
        self._closing = False
        self._thread = Thread(target=self._run, name="waiting-room", daemon=True)

    def open(self) -> None:
        """Begin to accept."""
        self._listening.setblocking(False)
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """True while somebody stands at the door."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Close the door, and every connection that waits."""
        self._closing = True
        self._thread.join()

    def _run(self) -> None:
        while not self._closing:
            try:
                self._look()
            except Exception as problem:
                # One connection must not close the door for all others. The message may quote what a peer sent.
                place = traceback.extract_tb(problem.__traceback__)[-1]
                logger.error("the listener goes on after %s in %s", type(problem).__name__, place.name)
                time.sleep(_LOOK_EVERY_S)
        for each in list(self._waiting):
            self._leave(each)
        self._selector.close()
        self._listening.close()

    def _look(self) -> None:
        # Connections that are here already are heard before newcomers, for whom a silent one may have to go.
        for key, _ in sorted(self._selector.select(_LOOK_EVERY_S), key=lambda event: event[0].data is None):
            if key.data is None:
                self._accept()
            elif key.data in self._waiting:
                self._read(key.data)
        now = time.monotonic()
        for each in list(self._waiting):
            if each.request is not None and self._has_place():
                self._hand_on(each)
            elif now >= each.until:
                self._over(each)
        self._tick()

    def _accept(self) -> None:
        for _ in range(self._limits.waiting):
            try:
                connection, address = self._listening.accept()
            except OSError as problem:
                if not isinstance(problem, _NOT_NOW):
                    # The system has no more sockets for us: one that waits may give its own.
                    self._make_room()
                    time.sleep(_LOOK_EVERY_S)
                return
            caller = Caller(address[0])
            connection.setblocking(False)
            if not self._admits(caller.address):
                self._refusals.note(Reason.ADDRESS, caller)
                connection.close()
                continue
            try:
                if self._tls:
                    connection = self._tls.current.wrap_socket(
                        connection, server_side=True, do_handshake_on_connect=False
                    )
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:  # gone already
                connection.close()
                continue
            waiting = _Waiting(connection, caller, time.monotonic() + self._limits.request_s)
            self._waiting.append(waiting)
            self._selector.register(connection, selectors.EVENT_READ, waiting)
            self._keep_limits(waiting)
            # A request that came together with its connection is not left to the next round, where others may come first.
            self._read(waiting)

    def _keep_limits(self, newest: _Waiting) -> None:
        of_address = [each for each in self._waiting if each.caller.address == newest.caller.address]
        if len(of_address) > self._limits.waiting_per_address:
            self._close_one_of(newest.caller.address)
        elif len(self._waiting) > self._limits.waiting:
            self._make_room()

    def _make_room(self) -> None:
        """Close a connection of the address that holds most."""
        for address, _ in Counter(each.caller.address for each in self._waiting).most_common(1):
            self._close_one_of(address)

    def _close_one_of(self, address: str) -> None:
        """Close the oldest connection of an address, of those that have not asked for an association if there are any."""
        there = (each for each in self._waiting if each.caller.address == address)
        self._refuse(min(there, key=lambda each: each.request is not None), Reason.TOO_MANY_WAITING, b"")

    def _read(self, waiting: _Waiting) -> None:
        while waiting in self._waiting:
            try:
                block = waiting.connection.recv(_READ_BYTES)
            except _NOT_NOW:
                return
            except ssl.SSLError as problem:
                self._refuse(waiting, Reason.TLS, b"", why_not(problem))
                return
            except OSError:
                self._leave(waiting)
                return
            if not block:
                self._leave(waiting)
                return
            if waiting.refused:
                return  # it is told already, and has until its deadline to close
            waiting.data += block
            self._understand(waiting)
            if waiting.request is not None:
                return

    def _understand(self, waiting: _Waiting) -> None:
        """Look at what has come so far, from the first byte on."""
        data = waiting.data
        if data[0] != ASSOCIATE_RQ:
            self._refuse(waiting, Reason.NOT_DICOM, _ABORT)
        elif len(data) < PDU_HEAD_BYTES:
            pass
        elif waiting.request_bytes() > MAX_ASSOCIATE_REQUEST_BYTES:
            self._refuse(waiting, Reason.REQUEST_TOO_LARGE, _ABORT)
        elif len(data) >= waiting.request_bytes():
            self._whole(waiting)
        elif sum(len(each.data) for each in self._waiting) > MAX_WAITING_BYTES:
            self._make_room()

    def _whole(self, waiting: _Waiting) -> None:
        try:
            request = read_association_request(bytes(waiting.data[: waiting.request_bytes()]))
        except MalformedRequest:
            self._refuse(waiting, Reason.BAD_REQUEST, _ABORT)
            return
        waiting.caller = Caller(waiting.caller.address, request.calling_ae_title, request.called_ae_title)
        rejection = self._judge(waiting.caller, request, _shown(waiting.connection))
        if rejection:
            self._refuse(waiting, rejection.reason, rejection.pdu(), rejection.hint)
            return
        waiting.request = request
        # What comes now belongs to the association: it stays in the socket.
        self._selector.unregister(waiting.connection)
        waiting.until = min(waiting.until, time.monotonic() + PLACE_WAIT_S)
        if self._has_place():
            self._hand_on(waiting)

    def _hand_on(self, waiting: _Waiting) -> None:
        assert waiting.request is not None
        self._waiting.remove(waiting)
        waiting.connection.setblocking(True)
        unread = bytes(waiting.data[waiting.request_bytes() :])
        self._begin(Asking(waiting.connection, waiting.caller, waiting.request, unread))

    def _over(self, waiting: _Waiting) -> None:
        if waiting.answer:
            self._tell(waiting)
        elif waiting.refused:
            self._leave(waiting)
        elif waiting.request is not None:
            self._refuse(waiting, NO_PLACE.reason, NO_PLACE.pdu())
        else:
            self._refuse(waiting, Reason.NO_REQUEST, b"")

    def _refuse(self, waiting: _Waiting, reason: Reason, answer: bytes, hint: str = "") -> None:
        """Close at once, or where there is an answer, when the peer has had time to read it."""
        if not waiting.refused:
            self._refusals.note(reason, waiting.caller, hint)
        if not answer or waiting.refused:
            self._leave(waiting)
            return
        waiting.refused = True
        waiting.data.clear()
        if waiting.request is not None:
            waiting.request = None
            self._selector.register(waiting.connection, selectors.EVENT_READ, waiting)
        waiting.answer = answer
        waiting.until = time.monotonic() + _TELL_AFTER_S

    def _tell(self, waiting: _Waiting) -> None:
        with suppress(OSError):
            waiting.connection.send(waiting.answer)
            waiting.connection.shutdown(socket.SHUT_WR)
        waiting.answer = b""
        waiting.until = time.monotonic() + _LINGER_S

    def _leave(self, waiting: _Waiting) -> None:
        self._waiting.remove(waiting)
        with suppress(KeyError, ValueError):
            self._selector.unregister(waiting.connection)
        waiting.connection.close()


def _shown(connection: socket.socket) -> bytes:
    """Return the verified certificate (DER) that a caller has shown; empty where it has not."""
    return (connection.getpeercert(binary_form=True) or b"") if isinstance(connection, ssl.SSLSocket) else b""
