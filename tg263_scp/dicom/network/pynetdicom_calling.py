"""What the calling side builds on in pynetdicom beyond its documentation; see also :mod:`pynetdicom_internals`.

pynetdicom's own ``send_c_store`` reads class, instance and transfer syntax of an object again from its file, and takes
elements of group 0002 in a data set for the file's. It puts a whole object into a queue before the first byte has left,
waits without limit for a peer that stops reading, and reads whatever length a peer announces. So the request is made here
from what the caller knows, the bytes follow as the peer takes them, and what the peer says is bounded.

Used, and held by ``tests/dicom/network/test_pynetdicom_internals.py``:

- ``C_STORE._dataset_path``: file and offset that ``DIMSEMessage.encode_msg`` reads the data set from;
- ``Association._reactor_checkpoint``, ``._is_paused``: how a sender stops the association's own thread;
- ``DULServiceProvider.to_provider_queue``: what waits to be sent; ``AssociationSocket.recv``: all that reads the socket.

Standard: PS3.7 9.1.1 and 9.3.1 (C-STORE), PS3.8 9.3 (PDUs).
"""

from __future__ import annotations

import logging
import socket
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.transport import AssociationSocket

logger = logging.getLogger("tg263_scp.sender")

MAX_ANSWER_PDU_BYTES = 1 << 20
"""Largest PDU that we read from a destination: what it has to say is a few hundred bytes."""
ANSWER_PDU_S = 30.0
"""A PDU that has begun has to be complete after this."""
_MOST_WAITING = 16
"""PDUs of one object that are in memory and wait to be sent."""
_LOOK_EVERY_S = 0.001
_END_S = 2.0
_ESTABLISHED = "Sta6"
_MEDIUM_PRIORITY = 0
_BLOCK_BYTES = 1 << 14


class Silent(Exception):  # noqa: N818 - what the peer is
    """The peer takes no more bytes, or gives no answer."""


class Ended(Exception):  # noqa: N818 - what the association is
    """The peer ended the association."""


def bound_answers(event: evt.Event) -> None:
    """Let nothing that the peer of an opened connection announces or delays cost memory or time (for ``EVT_CONN_OPEN``).

    Nor does our own side wait before it sends.
    """
    connection = cast(AssociationSocket, event.assoc.dul.socket)
    connection.recv = partial(_received, connection)
    if connection.socket is not None:
        # A data set follows its command at once: with Nagle's algorithm it would wait for the acknowledgement of the command,
        # which many systems delay by 40 ms or more.
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _received(connection: AssociationSocket, nr_bytes: int) -> bytearray:
    """Read exactly so many bytes, fewer where the peer has closed.

    Raises:
        OSError: the connection fails, or the peer announces too much or takes too long.
    """
    if nr_bytes > MAX_ANSWER_PDU_BYTES:
        logger.error("a destination announced a PDU of %d bytes: the connection is closed", nr_bytes)
        raise OSError("the PDU that is announced is too large")
    until = time.monotonic() + ANSWER_PDU_S
    data = bytearray()
    while len(data) < nr_bytes and connection.socket is not None:
        connection.socket.settimeout(max(0.001, until - time.monotonic()))
        try:
            block = connection.socket.recv(min(nr_bytes - len(data), _BLOCK_BYTES))
        finally:
            connection.socket.settimeout(None)
        if not block:
            break
        data += block
    return data


def store(
    association: Association,
    path: Path,
    offset: int,
    *,
    sop_class_uid: str,
    sop_instance_uid: str,
    context_id: int,
    silence_s: float,
) -> int | None:
    """Send the data set that begins at ``offset`` of a file by C-STORE; return the status, None where no answer came.

    Raises:
        Silent: the peer took no byte for ``silence_s``, or gave no answer in time.
        Ended: the peer ended the association.
        OSError: the file cannot be read.
        ValueError: a UID cannot be sent.
    """
    request = C_STORE()
    request.MessageID, request.Priority = 1, _MEDIUM_PRIORITY
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = sop_class_uid, sop_instance_uid
    request._dataset_path = (path, offset)
    message = C_STORE_RQ()
    message.primitive_to_message(request)
    association._reactor_checkpoint.clear()
    try:
        while not association._is_paused:
            if not association.is_established:
                raise Ended
            time.sleep(_LOOK_EVERY_S / 10)
        for fragment in message.encode_msg(context_id, association.dimse.maximum_pdu_size):
            _await_room(association, silence_s)
            association.dul.send_pdu(fragment)
        _, answer = association.dimse.get_msg(block=True)
    finally:
        association._reactor_checkpoint.set()
    if answer is None:
        raise Ended if _is_over(association) else Silent
    answered: Any = answer
    return answered.Status if isinstance(answer, C_STORE) and answer.is_valid_response else None


def _await_room(association: Association, silence_s: float) -> None:
    """Wait until the peer has taken enough of what waits to be sent."""
    waiting = association.dul.to_provider_queue
    left, until = waiting.qsize(), time.monotonic() + silence_s
    while left >= _MOST_WAITING:
        time.sleep(_LOOK_EVERY_S)
        now = waiting.qsize()
        if now < left:
            until = time.monotonic() + silence_s
        elif _is_over(association):
            raise Ended
        elif time.monotonic() >= until:
            raise Silent
        left = now


def _is_over(association: Association) -> bool:
    """Ask the upper layer: the association itself learns it from its own thread, which is paused while we send."""
    return not association.dul.is_alive() or association.dul.state_machine.current_state != _ESTABLISHED


def end(association: Association) -> None:
    """Abort an association; where the peer reads nothing any more, close the connection. Takes two seconds at most."""
    association.abort(block=False)
    association.dimse.msg_queue.put((None, None))  # a sender that waits for an answer waits no longer
    association.dul.join(_END_S)
    connection = association.dul.socket
    if association.dul.is_alive() and connection is not None and connection.socket is not None:
        with suppress(OSError):
            connection.socket.shutdown(socket.SHUT_RDWR)
