"""The listening side: a Storage SCP that hands received bytes to somebody else and answers with that one's status.

The association thread decodes nothing but the command; the data set stays as it came. What it costs a peer to be a
nuisance is bounded: by allow lists, the number of associations, the size of a PDU and of an object, and by timeouts.

Standard: Storage Service Class PS3.4 B; C-STORE PS3.7 9.1.1; upper layer PS3.8.
"""

from __future__ import annotations

import logging
import socket
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from threading import Thread
from typing import Any

from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

import tg263_scp.dicom.network.pynetdicom_settings  # noqa: F401  (settings of pynetdicom)
from tg263_scp.config.networks import in_networks
from tg263_scp.config.sections import Listen, Peers
from tg263_scp.dicom.encoding.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from tg263_scp.dicom.network.statuses import StoreStatus
from tg263_scp.dicom.network.storage_classes import supported_contexts
from tg263_scp.errors import Tg263Error

logger = logging.getLogger("tg263_scp.listener")

MAX_ASSOCIATE_REQUEST_BYTES = 1 << 20
"""An A-ASSOCIATE-RQ with all 128 contexts is some 100 kB."""
MESSAGE_OVERHEAD_BYTES = 8 << 20
"""Room for the command and the PDU and PDV headers around the largest object."""
_READ_BYTES = 1 << 18
_SURPLUS_CONNECTIONS = 16
"""Connections above the limit that still get a polite rejection; more are closed at once."""


@dataclass(frozen=True, slots=True)
class Received:
    """One received object: its data set exactly as it came, in ``transfer_syntax_uid``, and what the command said."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    dataset: memoryview
    calling_ae_title: str
    called_ae_title: str
    peer_address: str


Accept = Callable[[Received], StoreStatus]
"""Make an object durable and say so. Must take milliseconds: pynetdicom counts its time as silence of the network."""


class Listener:
    """A running Storage SCP: :meth:`start` returns when it can be called, :meth:`stop` when nobody is connected."""

    def __init__(self, listen: Listen, peers: Peers, *, max_object_bytes: int, accept: Accept) -> None:
        self._listen = listen
        self._accept = accept
        self._ae = _application_entity(listen, peers)
        self._networks = peers.addresses
        self._max_message_bytes = max_object_bytes + MESSAGE_OVERHEAD_BYTES
        self._server: _Server | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are really listened on."""
        assert self._server is not None, "the listener has not been started"
        return self._server.server_address[0], self._server.server_address[1]

    def start(self) -> None:
        """Bind the port and begin to accept.

        Raises:
            Tg263Error: the address cannot be bound.
        """
        handlers = [
            (evt.EVT_C_STORE, _on_store, [self._accept]),
            (evt.EVT_DIMSE_RECV, _on_message),
            (evt.EVT_REJECTED, _on_rejected),
            (evt.EVT_CONN_CLOSE, _on_closed),
        ]
        try:
            self._server = self._ae.make_server(
                (self._listen.host, self._listen.port),
                contexts=supported_contexts(self._listen.extra_sop_classes),
                evt_handlers=handlers,
                server_class=_Server,
                request_handler=_RequestHandler,
            )
        except OSError as problem:
            raise Tg263Error(
                f"cannot listen on {self._listen.host}:{self._listen.port}: {problem.strerror or problem}",
                hint="another program has the port, or it needs a right this user does not have (ports below 1024)",
            ) from problem
        self._server.networks = self._networks
        self._server.max_connections = self._listen.max_associations + _SURPLUS_CONNECTIONS
        self._server.max_message_bytes = self._max_message_bytes
        self._ae._servers.append(self._server)  # as AE.start_server does; AE.shutdown looks there
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        logger.info("listening on %s:%d as %s", *self.address, self._listen.ae_title)

    def stop(self, deadline_s: float) -> None:
        """Accept nobody any more, let running associations finish, after the deadline abort them."""
        if self._server is None:
            return
        running = self._server.active_associations
        self._server.shutdown()
        self._server = None
        until = time.monotonic() + deadline_s
        for association in running:
            association.join(max(0.0, until - time.monotonic()))
        unfinished = [association for association in running if association.is_alive()]
        if unfinished:
            logger.warning("%d associations were still open and are aborted", len(unfinished))
        for association in unfinished:
            association.abort()


def _application_entity(listen: Listen, peers: Peers) -> AE:
    ae = AE(ae_title=listen.ae_title)
    ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    ae.maximum_pdu_size = listen.max_pdu_bytes
    ae.maximum_associations = listen.max_associations
    ae.require_calling_aet = peers.ae_titles
    ae.require_called_aet = listen.called_ae_must_match
    ae.acse_timeout = listen.acse_timeout_s
    ae.network_timeout = listen.network_timeout_s
    return ae


def _on_store(event: Event, accept: Accept) -> int:
    """Answer a C-STORE request (PS3.4 B.2): hand the bytes on and return the status of who took them."""
    request, context = event.request, event.context
    if request.DataSet is None or not request.DataSet.getbuffer():
        return StoreStatus.CANNOT_UNDERSTAND
    if request.AffectedSOPClassUID != context.abstract_syntax:
        return StoreStatus.DATA_SET_DOES_NOT_MATCH
    received = Received(
        sop_class_uid=str(request.AffectedSOPClassUID),
        sop_instance_uid=str(request.AffectedSOPInstanceUID),
        transfer_syntax_uid=str(context.transfer_syntax),
        dataset=request.DataSet.getbuffer(),
        calling_ae_title=event.assoc.requestor.ae_title,
        called_ae_title=event.assoc.requestor.primitive.called_ae_title,
        peer_address=event.assoc.requestor.address,
    )
    try:
        return accept(received)
    except Exception as problem:
        # Without an answer of ours pynetdicom would say "cannot understand", and the sender would never try again.
        # The message stays out of the log: it may quote the object.
        place = traceback.extract_tb(problem.__traceback__)[-1]
        logger.error("an object was refused after %s in %s", type(problem).__name__, place.name)
        return StoreStatus.PROCESSING_FAILURE


def _on_message(event: Event) -> None:
    """A whole message is there: count the bytes of the next one from zero."""
    guarded = event.assoc.dul.socket
    if isinstance(guarded, _GuardedSocket):
        guarded.message_bytes = 0


def _on_rejected(event: Event) -> None:
    logger.warning("an association from %s was rejected", event.assoc.requestor.address)


def _on_closed(event: Event) -> None:
    """A connection without any request was closed, as health checks do: end its thread now, not after a timeout."""
    if event.assoc.dul.state_machine.current_state == "Sta2":
        event.assoc.dul.to_user_queue.put(None)


class _GuardedSocket(AssociationSocket):
    """Reads no PDU that is larger than any honest one, and no message without end.

    pynetdicom believes the length a PDU announces, before it knows who is calling. A refused read closes the connection.
    """

    max_message_bytes: int
    message_bytes: int

    def recv(self, nr_bytes: int) -> bytearray:
        """Read as the base class does, within the limits and in larger pieces.

        Raises:
            OSError: the peer sends too much, or the connection fails.
        """
        self.message_bytes += nr_bytes
        waiting_for_request = self.assoc.dul.state_machine.current_state == "Sta2"
        limit = MAX_ASSOCIATE_REQUEST_BYTES if waiting_for_request else self.max_message_bytes
        if self.message_bytes > limit:
            raise OSError(f"the peer announces more than {limit} bytes")
        data = bytearray()
        while len(data) < nr_bytes:
            block = self.socket.recv(min(nr_bytes - len(data), _READ_BYTES))
            if not block:
                break
            data += block
        return data


class _RequestHandler(RequestHandler):
    server: _Server

    def _create_association(self) -> Association:
        association = super()._create_association()
        guarded = association.dul.socket
        # A second AssociationSocket for the same connection would confuse the state machine.
        guarded.__class__ = _GuardedSocket
        guarded.max_message_bytes = self.server.max_message_bytes
        guarded.message_bytes = 0
        return association


class _Server(ThreadedAssociationServer):
    """Closes connections from addresses that may not call, and those of a flood, before anything is read."""

    request_queue_size = 64
    networks: list[str]
    max_connections: int
    max_message_bytes: int

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Say whether a new connection may stay."""
        if self.networks and not in_networks(client_address[0], self.networks):
            logger.warning("a connection from %s was closed: not in peers.addresses", client_address[0])
            return False
        return len(self.active_associations) < self.max_connections

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection on which no read waits for ever."""
        connection, address = super().get_request()
        connection.settimeout(self.ae.network_timeout)
        return connection, address
