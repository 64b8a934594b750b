"""DIMSE messages put together from their fragments, as these come: commands in memory, data sets straight to their place.

Whatever the size of an object, an association holds one block of it. A command that is incomplete or asks for what this
node does not do is answered as soon as the message is over, not left to the peer's timeout.

Standard: message fragments PS3.8 Annex E; commands PS3.7 6.3, 9.3, 10.3, E; statuses PS3.7 C.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from tg263_scp.dicom.encoding.elements import IMPLICIT_LITTLE, elements
from tg263_scp.dicom.encoding.length_fields import raw_value
from tg263_scp.dicom.encoding.part10 import uid_text
from tg263_scp.dicom.encoding.window import ByteWindow
from tg263_scp.dicom.network.refusals import Caller, Reason
from tg263_scp.dicom.network.statuses import CommandStatus, StoreStatus
from tg263_scp.errors import HeldObjectError

MAX_COMMAND_BYTES = 1 << 16
"""A command set is some 200 bytes."""

_PDU_OVERHEAD_BYTES = 1 << 20
"""Room in one PDU for the command and the heads of its fragments."""
_VERIFICATION = "1.2.840.10008.1.1"
STORAGE_COMMITMENT = "1.2.840.10008.1.20.1"
"""Storage Commitment Push Model (PS3.4 J)."""
MAX_NOTICE_BYTES = 16 << 20
"""What an N-ACTION or N-EVENT-REPORT may hold: some 100 000 references."""

C_STORE_RQ, C_ECHO_RQ, C_CANCEL_RQ = 0x0001, 0x0030, 0x0FFF
N_EVENT_REPORT_RQ, N_ACTION_RQ = 0x0100, 0x0130
_RESPONSE = 0x8000
_NO_DATA_SET = 0x0101
_COMMAND_FRAGMENT, _LAST_FRAGMENT = 0x01, 0x02
_AFFECTED_SOP_CLASS_UID, _REQUESTED_SOP_CLASS_UID = 0x00000002, 0x00000003
_COMMAND_FIELD, _MESSAGE_ID, _DATA_SET_TYPE = 0x00000100, 0x00000110, 0x00000800
_AFFECTED_SOP_INSTANCE_UID, _REQUESTED_SOP_INSTANCE_UID = 0x00001000, 0x00001001
_EVENT_TYPE_ID, _ACTION_TYPE_ID = 0x00001002, 0x00001008


class Broken(Exception):  # noqa: N818 - what the peer sent, not a fault of ours
    """The association cannot go on after what came."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Announced:
    """What the command of a C-STORE says about the object that follows it, and who sends it."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_ae_title: str
    called_ae_title: str
    peer_address: str


class Arriving(Protocol):
    """The place of a data set that is arriving.

    A place that can take no more (a full disk) keeps its fault for the one who asks for the object in the end: the peer gets
    its status then.
    """

    def write(self, block: bytes) -> object:
        """Take the next bytes."""

    def discard(self) -> None:
        """Forget what was written; the object will not be completed."""


class InMemory(io.BytesIO):
    """A place for small data sets."""

    def __init__(self, announced: Announced) -> None:
        super().__init__()

    def discard(self) -> None:
        """Forget what was written."""
        self.close()


D = TypeVar("D", bound=Arriving)


@dataclass(frozen=True, slots=True)
class Received(Announced, Generic[D]):
    """One received object: what its command said, and its data set exactly as it came."""

    dataset: D


@dataclass(frozen=True, slots=True)
class Context:
    """A presentation context that was accepted."""

    abstract_syntax: str
    transfer_syntax: str


@dataclass(frozen=True, slots=True)
class Command:
    """What is read of a command set; None and empty where it does not say."""

    context_id: int
    field: int
    message_id: int | None
    sop_class_uid: str
    sop_instance_uid: str
    has_data_set: bool
    type_id: int | None = None
    """Event Type ID or Action Type ID."""


@dataclass(frozen=True, slots=True)
class Notice:
    """An N-ACTION or N-EVENT-REPORT of Storage Commitment as it came, and who sent it."""

    caller: Caller
    field: int
    type_id: int | None
    dataset: bytes
    transfer_syntax_uid: str


class Line(Protocol):
    """What the messages of one association lead to."""

    def context(self, context_id: int) -> Context | None:
        """Return an accepted presentation context."""

    def answer(self, command: Command, status: int) -> None:
        """Send the response to a command."""

    def store(self, command: Command, received: Received[Any]) -> None:
        """Hand on a whole object; its answer comes later."""

    def notice(self, notice: Notice) -> int:
        """Take a request or report of Storage Commitment; return its status."""


class Messages(Generic[D]):
    """Takes the fragments of one association in their order."""

    def __init__(
        self,
        line: Line,
        caller: Caller,
        begin: Callable[[Announced], D],
        max_object_bytes: int,
    ) -> None:
        self._line = line
        self._caller = caller
        self._begin = begin
        self._max_object_bytes = max_object_bytes
        self._encoded = bytearray()
        self._command: Command | None = None
        self._refused: int | None = None
        self._arriving: Received[D] | None = None
        self._noticed = bytearray()
        self._dataset_bytes = 0

    @property
    def in_progress(self) -> bool:
        """Whether a message has begun and is not over."""
        return bool(self._encoded) or self._command is not None

    def announce(self, pdu_bytes: int) -> None:
        """A P-DATA-TF of this length begins.

        Raises:
            Broken: with it the object would be too large.
        """
        if self._dataset_bytes + pdu_bytes > self._max_object_bytes + _PDU_OVERHEAD_BYTES:
            raise Broken(Reason.TOO_LARGE)

    def fragment(self, context_id: int, control: int, block: bytes, *, whole: bool) -> None:
        """Take bytes of one presentation data value; ``whole`` with the last of them.

        Raises:
            Broken: they break the protocol, or the object is too large.
        """
        last = whole and bool(control & _LAST_FRAGMENT)
        if control & _COMMAND_FRAGMENT:
            self._command_fragment(context_id, block, last=last)
        else:
            self._data_fragment(context_id, block, last=last)

    def abandon(self) -> None:
        """The association is over: forget an object that is not complete."""
        if self._arriving is not None:
            self._arriving.dataset.discard()
        self._clear()

    def _clear(self) -> None:
        self._encoded.clear()
        self._command = self._refused = self._arriving = None
        self._noticed.clear()
        self._dataset_bytes = 0

    def _command_fragment(self, context_id: int, block: bytes, *, last: bool) -> None:
        if self._command is not None or len(self._encoded) + len(block) > MAX_COMMAND_BYTES:
            raise Broken(Reason.MALFORMED)
        self._encoded += block
        if not last:
            return
        self._command = read_command(context_id, bytes(self._encoded))
        self._encoded.clear()
        self._refused = self._fault(self._command)
        if not self._command.has_data_set:
            self._over()
        elif self._refused is None:
            self._arriving = self._place(self._command)

    def _data_fragment(self, context_id: int, block: bytes, *, last: bool) -> None:
        if self._command is None or context_id != self._command.context_id:
            raise Broken(Reason.MALFORMED)
        self._dataset_bytes += len(block)
        if self._dataset_bytes > self._max_object_bytes:
            raise Broken(Reason.TOO_LARGE)
        if self._arriving is not None:
            self._arriving.dataset.write(block)
        elif self._refused is None and self._command.field in (N_ACTION_RQ, N_EVENT_REPORT_RQ):
            if self._dataset_bytes > MAX_NOTICE_BYTES:
                raise Broken(Reason.TOO_LARGE)
            self._noticed += block
        if last:
            self._over()

    def _fault(self, command: Command) -> int | None:
        """Return the status that refuses a command for what it says."""
        context = self._line.context(command.context_id)
        if context is None or command.field & _RESPONSE:
            raise Broken(Reason.MALFORMED)
        if command.field == C_CANCEL_RQ:
            return None
        if command.field not in _done_on(context.abstract_syntax):
            return CommandStatus.UNRECOGNIZED_OPERATION
        if command.message_id is None:
            return CommandStatus.MISTYPED_ARGUMENT
        if command.field != C_STORE_RQ:
            return None
        if not command.sop_instance_uid:
            return StoreStatus.INVALID_SOP_INSTANCE
        if command.sop_class_uid != context.abstract_syntax:
            return StoreStatus.DATA_SET_DOES_NOT_MATCH
        return None

    def _place(self, command: Command) -> Received[D] | None:
        context = self._line.context(command.context_id)
        if context is None or command.field != C_STORE_RQ:
            return None
        said = (
            command.sop_class_uid,
            command.sop_instance_uid,
            context.transfer_syntax,
            self._caller.calling_ae_title,
            self._caller.called_ae_title,
            self._caller.address,
        )
        return Received(*said, dataset=self._begin(Announced(*said)))

    def _over(self) -> None:
        command, refused = self._command, self._refused
        arriving, size, noticed = self._arriving, self._dataset_bytes, bytes(self._noticed)
        assert command is not None, "a message begins with its command"
        self._arriving = None  # the line discards or keeps it from here on
        self._clear()
        if command.field == C_CANCEL_RQ:
            return
        if refused is None and command.field == C_ECHO_RQ:
            refused = 0x0000
        if refused is None and command.field in (N_ACTION_RQ, N_EVENT_REPORT_RQ):
            refused = self._line.notice(self._notice(command, noticed))
        if refused is None and arriving is not None and size:
            self._line.store(command, arriving)
            return
        if arriving is not None:
            arriving.dataset.discard()
        self._line.answer(command, StoreStatus.CANNOT_UNDERSTAND if refused is None else refused)

    def _notice(self, command: Command, dataset: bytes) -> Notice:
        context = self._line.context(command.context_id)
        syntax = context.transfer_syntax if context else ""
        return Notice(self._caller, command.field, command.type_id, dataset, syntax)


def _done_on(abstract_syntax: str) -> tuple[int, ...]:
    """Return the commands that are carried out on contexts of an abstract syntax."""
    if abstract_syntax == STORAGE_COMMITMENT:
        return (N_ACTION_RQ, N_EVENT_REPORT_RQ, C_ECHO_RQ)
    return (C_ECHO_RQ,) if abstract_syntax == _VERIFICATION else (C_STORE_RQ, C_ECHO_RQ)


def read_command(context_id: int, encoded: bytes) -> Command:
    """Read an encoded command set (implicit VR little endian, PS3.7 6.3.1).

    Raises:
        Broken: it cannot be followed, or says nothing about what is asked.
    """
    window = ByteWindow(io.BytesIO(encoded))
    try:
        values = {
            element.tag: raw_value(window, element)
            for element in elements(window, 0, window.size, IMPLICIT_LITTLE)
        }
    except HeldObjectError as problem:
        raise Broken(Reason.MALFORMED) from problem
    field = _number(values, _COMMAND_FIELD)
    if field is None:
        raise Broken(Reason.MALFORMED)
    # Where a command does not say whether a data set follows, what it asks for does.
    follows = _number(values, _DATA_SET_TYPE)
    has_data_set = follows != _NO_DATA_SET if follows is not None else field == C_STORE_RQ
    sop_class = values.get(_AFFECTED_SOP_CLASS_UID) or values.get(_REQUESTED_SOP_CLASS_UID, b"")
    sop_instance = values.get(_AFFECTED_SOP_INSTANCE_UID) or values.get(_REQUESTED_SOP_INSTANCE_UID, b"")
    return Command(
        context_id,
        field,
        _number(values, _MESSAGE_ID),
        uid_text(sop_class),
        uid_text(sop_instance),
        has_data_set,
        _number(values, _EVENT_TYPE_ID if field == N_EVENT_REPORT_RQ else _ACTION_TYPE_ID),
    )


def _number(values: Mapping[int, bytes], tag: int) -> int | None:
    value = values.get(tag, b"")
    return int(struct.unpack("<H", value)[0]) if len(value) == 2 else None
