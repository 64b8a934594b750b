"""The listening side: a Storage SCP that writes what arrives where it is told, and answers with the status it is given.

The way of a connection: it waits in the :class:`WaitingRoom` until it has asked for an association; then it is an
:class:`AcceptedAssociation` with a place of its own, until it ends, or until it stands in the way of others. What it costs
a peer to be a nuisance is bounded: by allow lists, the number of connections and associations, the size of a request and of
an object, and by deadlines that hold within a PDU and within a message.

Standard: Storage Service Class PS3.4 B; C-STORE PS3.7 9.1.1; upper layer PS3.8.
"""

from __future__ import annotations

import hashlib
import logging
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Generic

from pynetdicom import AE
from pynetdicom.presentation import PresentationContext

from tg263_scp.config.networks import in_networks
from tg263_scp.config.sections import Listen, Peers
from tg263_scp.dicom.encoding.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from tg263_scp.dicom.network.association_request import (
    APPLICATION_CONTEXT,
    UNREADABLE_UID,
    AssociationRequest,
)
from tg263_scp.dicom.network.messages import Announced, D, Notice, Received
from tg263_scp.dicom.network.pynetdicom_internals import AcceptedAssociation
from tg263_scp.dicom.network.refusals import Caller, Reason, Refusals
from tg263_scp.dicom.network.statuses import CommandStatus, StoreStatus
from tg263_scp.dicom.network.storage_classes import (
    ANY_PRIVATE,
    PrivateClasses,
    commitment_context,
    supported_contexts,
)
from tg263_scp.dicom.network.waiting_room import Asking, Limits, Rejection, WaitingRoom
from tg263_scp.errors import Tg263Error
from tg263_scp.tls.certificates import Unreadable, read_certificate
from tg263_scp.tls.contexts import Reloadable

logger = logging.getLogger("tg263_scp.listener")

UNUSED_IDLE_S = 0.5
"""An association on which nothing was sent yet counts as idle after this."""
LEAST_WAITING_PER_ADDRESS = 16

_BACKLOG = 128
_ABORT_S = 1.0
"""Time for an A-ABORT of ours to leave, before the connection is cut."""


class Listener(Generic[D]):
    """A running Storage SCP: :meth:`start` returns when it can be called, :meth:`stop` when every connection is closed.

    ``begin`` gives an announced object its place. ``accept`` makes the whole object durable and returns its status; the peer
    waits for it. Both are called from threads of the association, ``begin`` and the place must not raise. With ``notice``
    Storage Commitment is offered, and what comes of it is handed on. With ``tls`` every connection has to shake hands first
    (PS3.15 B).
    """

    def __init__(
        self,
        listen: Listen,
        peers: Peers,
        *,
        max_object_bytes: int,
        begin: Callable[[Announced], D],
        accept: Callable[[Received[D]], StoreStatus],
        notice: Callable[[Notice], int] | None = None,
        tls: Reloadable | None = None,
    ) -> None:
        self._listen = listen
        self._tls = tls
        self._ae = _application_entity(listen)
        self._contexts = supported_contexts(listen.extra_sop_classes, listen.transfer_syntaxes)
        any_private = ANY_PRIVATE in listen.extra_sop_classes
        self._private = PrivateClasses(listen.transfer_syntaxes) if any_private else None
        if notice:
            self._contexts.append(commitment_context())
        self._notice = notice or _unwanted
        self._peers = peers
        self._max_object_bytes = max_object_bytes
        self._begin = begin
        self._accept = accept
        self._refusals = Refusals()
        self._guests: list[_Guest[D]] = []
        self._room: WaitingRoom | None = None
        self._address: tuple[str, int] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are really listened on."""
        assert self._address is not None, "the listener has not been started"
        return self._address

    @property
    def listening(self) -> bool:
        """True from the return of :meth:`start` until :meth:`stop` is called, unless the thread that accepts has ended."""
        room = self._room
        return room is not None and room.is_open

    def refused(self) -> Mapping[Reason, int]:
        """How many connections were turned away or ended by this side, by reason."""
        return self._refusals.counts()

    def admit(self, peers: Peers) -> None:
        """Let these call from now on; associations that stand go on."""
        self._peers = peers

    def start(self) -> None:
        """Bind the port and begin to accept.

        Raises:
            Tg263Error: the address cannot be bound.
        """
        listen = self._listen
        listening = _bound(listen.host, listen.port)
        self._address = listening.getsockname()[:2]
        self._room = WaitingRoom(
            listening,
            Limits(listen.max_waiting, waiting_per_address(listen), listen.acse_timeout_s),
            self._refusals,
            admits=self._admits,
            judge=self._judge,
            has_place=self._has_place,
            begin=self._begin_association,
            tick=self._look_after,
            tls=self._tls,
        )
        self._room.open()
        over = " with TLS" if self._tls else ""
        logger.info("listening on %s:%d as %s%s", *self.address, listen.ae_title, over)

    def stop(self, deadline_s: float) -> None:
        """Close the door, let running associations finish, and abort them after the deadline.

        It returns within two seconds after the deadline, whatever peers do.
        """
        if self._room is None:
            return
        self._room.close()
        self._room = None
        until = time.monotonic() + deadline_s
        while self._guests and time.monotonic() < until:
            self._look_after()
            for guest in self._guests:
                if guest.idle_s(time.monotonic()) >= self._listen.idle_s:
                    guest.end(Reason.STOPPING)
            time.sleep(0.02)
        for guest in self._guests:
            guest.end(Reason.STOPPING)
        self._wait(_ABORT_S)
        for guest in self._guests:
            guest.association.cut()
        self._wait(_ABORT_S)

    def _wait(self, timeout_s: float) -> None:
        until = time.monotonic() + timeout_s
        for guest in self._guests:
            guest.association.join(max(0.0, until - time.monotonic()))
        self._look_after()

    def _admits(self, address: str) -> bool:
        return not self._peers.addresses or in_networks(address, self._peers.addresses)

    def reload(self) -> None:
        """Read the certificates again, for connections that come from now on.

        Raises:
            Tg263Error: a file cannot be used; the listener goes on with what it has.
        """
        if self._tls:
            self._tls.reload()

    def _judge(self, caller: Caller, request: AssociationRequest, shown: bytes) -> Rejection | None:
        """Reject what PS3.8 9.3.4 has a reason for, and titles and certificates that the configuration does not want."""
        if not request.protocol_version & 1:
            return Rejection(1, 2, 2, Reason.PROTOCOL)
        if request.application_context != APPLICATION_CONTEXT:
            return Rejection(1, 1, 2, Reason.PROTOCOL)
        if self._listen.called_ae_must_match and caller.called_ae_title != self._listen.ae_title:
            ours = f"this node is '{self._listen.ae_title}'; listen.called_ae_must_match is on"
            return Rejection(1, 1, 7, Reason.CALLED_AE_TITLE, ours)
        if self._peers.ae_titles and caller.calling_ae_title not in self._peers.ae_titles:
            return Rejection(1, 1, 3, Reason.CALLING_AE_TITLE)
        if self._listen.tls.asks_for_certificates and not self._knows(shown):
            which = f"its SHA-256 is {hashlib.sha256(shown).hexdigest()}"
            return Rejection(1, 1, 1, Reason.CERTIFICATE, which)
        return None

    def _knows(self, shown: bytes) -> bool:
        listed = self._peers.certificates
        with suppress(Unreadable):
            return not listed or read_certificate(shown).is_one_of(listed)
        return False

    def _has_place(self) -> bool:
        """Whether one more association may begin; where the house is full, the one that is idle for longest has to go."""
        there = [guest for guest in self._guests if not guest.association.is_over]
        if len(there) < self._listen.max_associations:
            return True
        now = time.monotonic()
        leaving = sum(guest.ended_at is not None for guest in there)
        if len(there) - leaving >= self._listen.max_associations:
            idle = [guest for guest in there if guest.may_go(now, self._listen.idle_s)]
            if idle:
                max(idle, key=lambda guest: guest.idle_s(now)).end(Reason.MADE_ROOM)
        return False

    def _begin_association(self, asking: Asking) -> None:
        guest: _Guest[D] = _Guest(asking.caller, self._refusals)
        try:
            asking.connection.settimeout(self._listen.network_timeout_s)
            guest.association = AcceptedAssociation(
                asking,
                self._ae,
                self._contexts_for(asking.request),
                begin=self._begin,
                accept=self._accept,
                notice=self._notice,
                max_object_bytes=self._max_object_bytes,
                broken=guest.note,
            )
            guest.association.start()
        except (OSError, RuntimeError) as problem:  # the peer is gone already, or there are no more threads
            logger.warning("no association with %s: %s", asking.caller, type(problem).__name__)
            asking.connection.close()
            return
        self._guests.append(guest)

    def _contexts_for(self, request: AssociationRequest) -> list[PresentationContext]:
        if self._private is None:
            return self._contexts
        known = {str(context.abstract_syntax) for context in self._contexts}
        proposed = (context.abstract_syntax for context in request.contexts)
        others = [uid for uid in proposed if uid not in known and uid != UNREADABLE_UID]
        return [*self._contexts, *self._private.proposed(others)]

    def _look_after(self) -> None:
        """Clear up what is over, and end what stands still."""
        now = time.monotonic()
        for guest in list(self._guests):
            if guest.association.is_over:
                self._guests.remove(guest)
                guest.over()
            elif guest.ended_at is not None:
                if now - guest.ended_at > _ABORT_S:
                    guest.association.cut()
            else:
                reason = guest.stands_still(now, self._listen)
                if reason:
                    guest.end(reason)


class _Guest(Generic[D]):
    """An association, and whether it moves on; all times are those of :func:`time.monotonic`."""

    def __init__(self, caller: Caller, refusals: Refusals) -> None:
        self.association: AcceptedAssociation[D]
        self.ended_at: float | None = None
        self._caller = caller
        self._refusals = refusals
        self._looked_at = time.monotonic()
        self._bytes_then = 0

    def note(self, reason: Reason) -> None:
        """This side ends the association; only the first reason counts."""
        if self.ended_at is None:
            self.ended_at = time.monotonic()
            self._refusals.note(reason, self._caller)

    def end(self, reason: Reason) -> None:
        """Abort it."""
        if self.ended_at is None:
            self.note(reason)
            self.association.abort()

    def over(self) -> None:
        """Clear up after its end."""
        if self.association.clear_up():
            self.note(Reason.BROKEN_OFF)

    def idle_s(self, now: float) -> float:
        """Return for how long nothing was asked of us."""
        there = self.association
        if self.ended_at is not None or there.is_negotiating or there.at_work or there.in_message:
            return 0.0
        return now - there.last_traffic_at

    def may_go(self, now: float, idle_s: float) -> bool:
        """Whether it is idle for long enough to make room for another peer."""
        return self.idle_s(now) >= (idle_s if self.association.has_served else UNUSED_IDLE_S)

    def stands_still(self, now: float, listen: Listen) -> Reason | None:
        """Say why it has to end: nothing came for too long, or too little of a message that has begun."""
        there = self.association
        if there.at_work or not there.in_message:
            self._look_anew(now)
        if there.at_work:
            return None
        slow = now - self._looked_at >= listen.progress_s
        silent = now - there.last_traffic_at >= listen.network_timeout_s
        if not (slow or silent) or there.has_unread_bytes():
            return None
        if silent:
            return Reason.IDLE
        came = there.received_bytes - self._bytes_then
        self._look_anew(now)
        return Reason.TOO_SLOW if came < listen.min_bytes_per_s * listen.progress_s else None

    def _look_anew(self, now: float) -> None:
        self._looked_at, self._bytes_then = now, self.association.received_bytes


def _unwanted(notice: Notice) -> int:
    return CommandStatus.UNRECOGNIZED_OPERATION


def waiting_per_address(listen: Listen) -> int:
    """Return how many connections of one address may wait: behind a NAT or a container bridge that is everybody."""
    return listen.max_waiting_per_address or max(LEAST_WAITING_PER_ADDRESS, listen.max_associations)


def _application_entity(listen: Listen) -> AE:
    ae = AE(ae_title=listen.ae_title)
    ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    ae.maximum_pdu_size = listen.max_pdu_bytes
    # Titles and numbers are judged before an association begins.
    ae.maximum_associations = sys.maxsize
    return ae


def _bound(host: str, port: int) -> socket.socket:
    try:
        if ":" not in host:
            return socket.create_server((host, port), backlog=_BACKLOG)
        both = socket.has_dualstack_ipv6()
        return socket.create_server(
            (host, port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=both
        )
    except OSError as problem:
        raise Tg263Error(
            f"cannot listen on {host}:{port}: {problem.strerror or problem}",
            hint="another program has the port, or it needs a right this user does not have (ports below 1024)",
        ) from problem
