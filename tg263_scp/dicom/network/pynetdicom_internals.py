"""The one place that builds on what pynetdicom does not promise: an accepted association, read by us and run by it, and
an association of our own whose answers do not get lost.

pynetdicom negotiates contexts, keeps the state machine of PS3.8 and calls the handler of a C-STORE. It would also read
whole PDUs and whole objects into memory, and believe any length a peer announces. So the upper layer of an accepted
association reads P-DATA-TF here, block by block, and hands the fragments to :class:`Messages`.

Used of pynetdicom beyond its documentation, and held by ``tests/dicom/network/test_pynetdicom_internals.py``:

- ``DULServiceProvider._read_pdu_data``: called by its reactor when ``socket.ready``; reads one PDU and puts an event;
- ``DULServiceProvider.event_queue``, ``.state_machine.current_state`` and the names of events and states of PS3.8 9.2;
- ``DULServiceProvider.run_reactor``: what its thread runs;
- ``Association.dul``, set anew before the socket is: the reactor is not running yet;
- ``DIMSEServiceProvider.msg_queue``: where the association's thread finds (context ID, request);
- ``DIMSEServiceProvider.get_msg``: how the association's thread (``block=False``) and a sender (``block=True``) look there;
- ``AssociationSocket.ready``, ``.recv``, ``.send``: all that the upper layer does with a socket.

Standard: PS3.8 9.2 (states and events), 9.3.5 (P-DATA-TF), Annex E (fragments).
"""

from __future__ import annotations

import io
import logging
import queue
import select
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, Generic, cast

from pynetdicom import AE, dimse_primitives, evt
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dul import DULServiceProvider
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import AddressInformation, AssociationSocket

import tg263_scp.dicom.network.pynetdicom_settings  # noqa: F401  (settings of pynetdicom)
from tg263_scp.dicom.network.messages import (
    Announced,
    Broken,
    Command,
    Context,
    D,
    Messages,
    Notice,
    Received,
)
from tg263_scp.dicom.network.refusals import Reason
from tg263_scp.dicom.network.statuses import StoreStatus
from tg263_scp.dicom.network.waiting_room import MAX_ASSOCIATE_REQUEST_BYTES, Asking

logger = logging.getLogger("tg263_scp.listener")

BLOCK_BYTES = 1 << 18
"""What is read of a data set at a time; an association holds two such blocks at most."""

_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)
"""Senders that do not switch off Nagle's algorithm wait for our acknowledgement between command and data set; Linux would
delay it by 40 ms."""
_HEAD = struct.Struct(">BxL")
_ASSOCIATE_RQ, _P_DATA = 0x01, 0x04
_CONTROL_BYTES = 4
"""Length of A-RELEASE-RQ, A-RELEASE-RP and A-ABORT (PS3.8 9.3.6 to 9.3.8), all that may come beside P-DATA-TF."""
_MOST_ANSWERS = 64
"""Answers that may wait to be sent; with one operation at a time (PS3.7 D.3.3.3) there is one."""
_CLOSED, _INVALID = "Evt17", "Evt19"
_ESTABLISHED, _ENDING = "Sta6", "Sta13"

_PRIMITIVES: dict[int, type[Any]] = {
    0x0001: dimse_primitives.C_STORE,
    0x0010: dimse_primitives.C_GET,
    0x0020: dimse_primitives.C_FIND,
    0x0021: dimse_primitives.C_MOVE,
    0x0030: dimse_primitives.C_ECHO,
    0x0100: dimse_primitives.N_EVENT_REPORT,
    0x0110: dimse_primitives.N_GET,
    0x0120: dimse_primitives.N_SET,
    0x0130: dimse_primitives.N_ACTION,
    0x0140: dimse_primitives.N_CREATE,
    0x0150: dimse_primitives.N_DELETE,
}
"""Command fields of requests (PS3.7 E.1) and what pynetdicom calls them."""
_OF_AN_INSTANCE = (C_STORE, dimse_primitives.N_ACTION, dimse_primitives.N_EVENT_REPORT)
_TYPED = {0x0100: "EventTypeID", 0x0130: "ActionTypeID"}
"""Which type an answer repeats."""


class StoreRequest(C_STORE, Generic[D]):
    """A C-STORE whose data set lies where it was received."""

    received: Received[D]


class _WatchedSocket(AssociationSocket):
    """Begins with bytes that were read before, and shows when bytes came and whether a PDU is being read."""

    def __init__(self, association: Association, connection: socket.socket, unread: bytes) -> None:
        super().__init__(association, client_socket=connection)
        self._unread = bytearray(unread)
        self.received_bytes = 0
        self.last_traffic_at = time.monotonic()
        self.in_pdu = False

    @property
    def ready(self) -> bool:
        """Whether there are bytes to read."""
        return bool(self._unread) or super().ready

    def recv(self, nr_bytes: int) -> bytearray:
        """Read exactly so many bytes, fewer where the peer has closed.

        Raises:
            OSError: the connection fails.
        """
        data = bytearray()
        while len(data) < nr_bytes:
            block = self.take(nr_bytes - len(data))
            if not block:
                break
            data += block
        return data

    def take(self, most_bytes: int) -> bytes:
        """Read what is there, at least one byte, none where the peer has closed.

        Raises:
            OSError: the connection fails.
        """
        if self._unread:
            block = bytes(self._unread[:most_bytes])
            del self._unread[:most_bytes]
            return block
        connection = self.socket
        if connection is None:
            return b""
        block = bytes(connection.recv(min(most_bytes, BLOCK_BYTES)))
        if _QUICK_ACK is not None:
            connection.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        self.received_bytes += len(block)
        self.last_traffic_at = time.monotonic()
        return block

    def unread(self, block: bytes) -> None:
        """Let the next read begin with these bytes."""
        self._unread[:0] = block

    def send(self, bytestream: bytes) -> None:
        """Send, and note that the peer has taken it."""
        super().send(bytestream)
        self.last_traffic_at = time.monotonic()


class _StreamingUpperLayer(DULServiceProvider):
    """The upper layer of an accepted association: P-DATA-TF goes block by block to its messages."""

    def __init__(
        self, association: Association, messages: Messages[Any], broken: Callable[[Reason], None]
    ) -> None:
        super().__init__(association)
        self.daemon = True
        self._messages = messages
        self._broken = broken

    def run_reactor(self) -> None:
        """Run until the connection is closed; whatever stops the reactor closes it."""
        try:
            super().run_reactor()
        except Exception as problem:
            # The message stays out of the log: it may quote what the peer sent.
            logger.error("an association ended after %s in the upper layer", type(problem).__name__)
            self._broken(Reason.MALFORMED)
        finally:
            if self.socket is not None:
                self.socket.close()
            # The association's thread may still wait for a request that will not come.
            self.to_user_queue.put(None)

    def _read_pdu_data(self) -> None:
        """Read one PDU from its first byte on, within what it may be in this state, and put its event."""
        connection = cast(_WatchedSocket, self.socket)
        connection.in_pdu = True
        try:
            event = self._read(connection)
        except OSError:
            event = _CLOSED
        except Broken as broken:
            self._broken(broken.reason)
            event = _INVALID
        except Exception as problem:
            logger.error("an association was aborted after %s while it was read", type(problem).__name__)
            self._broken(Reason.MALFORMED)
            event = _INVALID
        finally:
            connection.in_pdu = False
        if event:
            self.event_queue.put(event)

    def _read(self, connection: _WatchedSocket) -> str:
        state = self.state_machine.current_state
        if state == _ENDING:
            connection.take(BLOCK_BYTES)  # the association is over: nothing that comes now means anything
            return _CLOSED
        head = connection.recv(_HEAD.size)
        if len(head) < _HEAD.size:
            return _CLOSED
        kind, length = _HEAD.unpack(head)
        if kind == _P_DATA and state == _ESTABLISHED:
            return self._read_data(connection, length)
        if length > (MAX_ASSOCIATE_REQUEST_BYTES if kind == _ASSOCIATE_RQ else _CONTROL_BYTES):
            raise Broken(Reason.MALFORMED)
        connection.unread(bytes(head))
        super()._read_pdu_data()
        return ""

    def _read_data(self, connection: _WatchedSocket, length: int) -> str:
        self._messages.announce(length)
        while length:
            head = connection.recv(min(length, 6))
            if len(head) < min(length, 6):
                return _CLOSED
            value_bytes = int.from_bytes(head[:4], "big")
            if len(head) < 6 or value_bytes < 2 or 4 + value_bytes > length:
                raise Broken(Reason.MALFORMED)
            length -= 4 + value_bytes
            left = value_bytes - 2
            while True:
                block = connection.take(left) if left else b""
                if left and not block:
                    return _CLOSED
                left -= len(block)
                self._messages.fragment(head[4], head[5], block, whole=not left)
                if not left:
                    break
        return ""


class _AnswersForTheSender(DIMSEServiceProvider):
    """Messages of an association that only asks: every one is an answer, for the thread that waits for it."""

    def get_msg(self, block: bool = False) -> Any:
        """Return the answer to a thread that waits for it, and nothing to one that only looks."""
        return super().get_msg(block=True) if block else (None, None)


def keep_answers(association: Association) -> None:
    """Let no answer get lost on an association of ours that asks and serves nothing.

    The association's own thread looks for requests of the peer. It has to pause while a sender waits for an answer. But
    where it was about to look just then, and had to wait for the processor, it takes the answer for a request and drops it:
    the object is stored, and the sender waits until its timeout.
    """
    association.dimse = _AnswersForTheSender(association)


class AcceptedAssociation(Generic[D]):
    """One association as acceptor, from its request on; all times are those of :func:`time.monotonic`.

    ``begin`` gives the place of an object that is announced, ``accept`` takes the whole object and returns its status, both
    in threads of the association. ``notice`` takes what comes of Storage Commitment, and returns its status. ``broken`` is told
    why this side ended it.
    """

    def __init__(
        self,
        asking: Asking,
        ae: AE,
        contexts: Collection[PresentationContext],
        *,
        begin: Callable[[Announced], D],
        accept: Callable[[Received[D]], int],
        notice: Callable[[Notice], int],
        max_object_bytes: int,
        broken: Callable[[Reason], None],
    ) -> None:
        self.has_served = False
        self._accept = accept
        self._notice = notice
        self._connection = asking.connection
        self._contexts: dict[int, Context] = {}
        self._free = threading.Semaphore()
        self._stores_open = 0
        self._association = Association(ae, "acceptor")
        self._messages: Messages[D] = Messages(self, asking.caller, begin, max_object_bytes)
        self._association.dul = _StreamingUpperLayer(self._association, self._messages, broken)
        self._socket = self._set_up(asking, ae, contexts)

    def _set_up(self, asking: Asking, ae: AE, contexts: Collection[PresentationContext]) -> _WatchedSocket:
        association, acceptor = self._association, self._association.acceptor
        # The listener keeps the deadlines: pynetdicom's count from PDU to PDU, and its own work as silence of the peer.
        association.acse_timeout = association.network_timeout = None
        proposed = {context.abstract_syntax for context in asking.request.contexts}
        offered = [context for context in contexts if str(context.abstract_syntax) in proposed]
        known = {str(syntax) for context in offered for syntax in context.transfer_syntax or ()}
        unread = asking.request.pdu(known) + asking.unread
        connection = _WatchedSocket(association, asking.connection, unread)
        association.set_socket(connection)
        acceptor.maximum_length = ae.maximum_pdu_size
        acceptor.ae_title = ae.ae_title
        acceptor.address_info = AddressInformation.from_tuple(asking.connection.getsockname())
        acceptor.implementation_class_uid = ae.implementation_class_uid
        acceptor.implementation_version_name = ae.implementation_version_name
        acceptor.supported_contexts = offered
        association.requestor.address_info = AddressInformation.from_tuple(asking.connection.getpeername())
        association.bind(evt.EVT_C_STORE, self._on_store)
        return connection

    def start(self) -> None:
        """Negotiate and serve, in threads of its own."""
        self._association.start()

    @property
    def is_over(self) -> bool:
        """Whether both of its threads have ended."""
        return not self._association.is_alive() and not self._association.dul.is_alive()

    @property
    def in_message(self) -> bool:
        """Whether a PDU or a message has begun and is not over."""
        return self._socket.in_pdu or self._messages.in_progress

    @property
    def at_work(self) -> bool:
        """Whether the peer waits for us: an object of its is here and not answered yet."""
        return self._stores_open > 0

    @property
    def is_negotiating(self) -> bool:
        """Whether the request is not answered yet."""
        return not self._association.is_established

    @property
    def received_bytes(self) -> int:
        """Bytes that came since the association was asked for."""
        return self._socket.received_bytes

    @property
    def last_traffic_at(self) -> float:
        """When the last byte came, or the last answer was sent."""
        return self._socket.last_traffic_at

    def has_unread_bytes(self) -> bool:
        """Whether bytes of the peer wait for us in the system: then it is us who are slow."""
        with suppress(OSError, ValueError):
            return bool(select.select([self._connection], [], [], 0)[0])
        return False

    def abort(self) -> None:
        """Say A-ABORT where the peer is not in the middle of a PDU, else close; returns at once."""
        if self._socket.in_pdu:
            self.cut()
        else:
            self._association.abort(block=False)

    def cut(self) -> None:
        """Close the connection; reads and writes that wait on it end."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def join(self, timeout_s: float) -> None:
        """Wait for its threads to end."""
        until = time.monotonic() + timeout_s
        self._association.join(timeout_s)
        self._association.dul.join(max(0.0, until - time.monotonic()))

    def clear_up(self) -> bool:
        """After the end: forget what did not arrive whole; say whether there was something."""
        unfinished = self._messages.in_progress
        self._messages.abandon()
        waiting = self._association.dimse.msg_queue
        with suppress(queue.Empty):
            while True:
                _, request = waiting.get_nowait()
                if isinstance(request, StoreRequest):
                    request.received.dataset.discard()
        self._connection.close()
        return unfinished

    def context(self, context_id: int) -> Context | None:
        """Return an accepted presentation context."""
        if not self._contexts:
            self._contexts = {
                each.context_id or 0: Context(str(each.abstract_syntax), str(each.transfer_syntax[0]))
                for each in self._association.accepted_contexts
            }
        return self._contexts.get(context_id)

    def answer(self, command: Command, status: int) -> None:
        """Send the response to a command.

        Raises:
            Broken: the command is none of the standard, or the peer heaps up commands.
        """
        kind = _PRIMITIVES.get(command.field)
        if kind is None or self._association.dul.to_provider_queue.qsize() > _MOST_ANSWERS:
            raise Broken(Reason.MALFORMED)
        response = kind()
        response.MessageIDBeingRespondedTo = command.message_id or 0
        response.Status = status
        if command.sop_class_uid:
            response.AffectedSOPClassUID = command.sop_class_uid
        if kind in _OF_AN_INSTANCE and command.sop_instance_uid:
            response.AffectedSOPInstanceUID = command.sop_instance_uid
        if command.type_id is not None and command.field in _TYPED:
            setattr(response, _TYPED[command.field], command.type_id)
        self._association.dimse.send_msg(response, command.context_id)

    def store(self, command: Command, received: Received[D]) -> None:
        """Hand a whole object to the thread of the association, once that has answered the one before.

        Raises:
            Broken: the association is over, or the peer heaps up commands.
        """
        request: StoreRequest[D] = StoreRequest()
        request.received = received
        request.MessageID, request.Priority, request.DataSet = command.message_id, 0, io.BytesIO()
        request.AffectedSOPClassUID = received.sop_class_uid
        request.AffectedSOPInstanceUID = received.sop_instance_uid
        while not self._free.acquire(timeout=1.0):
            if not self._association.is_alive():
                received.dataset.discard()
                raise Broken(Reason.BROKEN_OFF)
        self._stores_open += 1
        self._association.dimse.msg_queue.put((command.context_id, request))
        if self._association.dul.to_provider_queue.qsize() > _MOST_ANSWERS:
            raise Broken(Reason.MALFORMED)

    def notice(self, notice: Notice) -> int:
        """Hand on what came of Storage Commitment, and return its status."""
        try:
            return self._notice(notice)
        except Exception as problem:
            place = traceback.extract_tb(problem.__traceback__)[-1]
            logger.error("a commitment was refused after %s in %s", type(problem).__name__, place.name)
            return StoreStatus.PROCESSING_FAILURE
        finally:
            self.has_served = True

    def _on_store(self, event: evt.Event) -> int:
        """Answer a C-STORE request (PS3.4 B.2) with the status of who takes the object."""
        received = cast("StoreRequest[D]", event.request).received
        try:
            return self._accept(received)
        except Exception as problem:
            # Without an answer of ours pynetdicom would say "cannot understand", and the sender would never try again.
            # The message stays out of the log: it may quote the object.
            place = traceback.extract_tb(problem.__traceback__)[-1]
            logger.error("an object was refused after %s in %s", type(problem).__name__, place.name)
            received.dataset.discard()
            return StoreStatus.PROCESSING_FAILURE
        finally:
            self.has_served = True
            self._stores_open -= 1
            self._free.release()
