"""C-STORE statuses: what the node answers as SCP, and what it makes of a peer's answer as SCU (PS3.4 B.2.3, PS3.7 C)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class StoreStatus(IntEnum):
    """The C-STORE status values this node answers.

    Each carries its service status and further meaning as PS3.4 B.2.3 and PS3.7 C name them, when it is sent, and what
    the sender can do about it.
    """

    service_status: str
    meaning: str
    condition: str
    recovery: str

    def __new__(  # noqa: D102
        cls, code: int, service_status: str, meaning: str, condition: str, recovery: str
    ) -> StoreStatus:
        member = int.__new__(cls, code)
        member._value_ = code
        member.service_status = service_status
        member.meaning = meaning
        member.condition = condition
        member.recovery = recovery
        return member

    SUCCESS = (
        *(0x0000, "Success", "Success"),
        "The object is durable: its bytes are on the disk and its row is in the journal.",
        "None needed.",
    )
    PROCESSING_FAILURE = (
        *(0x0110, "Failure", "Processing failure"),
        "The node failed in an unforeseen way; nothing is acknowledged.",
        "Send the object again; if it fails again, look into the log of the node.",
    )
    INVALID_SOP_INSTANCE = (
        *(0x0117, "Failure", "Invalid SOP Instance"),
        "The Affected SOP Instance UID of the request is not a UID (PS3.5 9.1).",
        "Correct the object; sent again as it is, it fails again.",
    )
    OUT_OF_RESOURCES = (
        *(0xA700, "Failure", "Out of Resources"),
        "The disk has too little free space or refuses, or the journal refuses; nothing is acknowledged.",
        "Send the object again later; free disk of the node.",
    )
    DATA_SET_DOES_NOT_MATCH = (
        *(0xA900, "Failure", "Data Set does not match SOP Class"),
        "The Affected SOP Class UID of the request is another than that of the presentation context.",
        "Correct the sender; sent again as it is, the object fails again.",
    )
    CANNOT_UNDERSTAND = (
        *(0xC000, "Failure", "Cannot Understand"),
        "The request brings no data set.",
        "Correct the sender; sent again as it is, the request fails again.",
    )


class CommandStatus(IntEnum):
    """What the node answers a command that it cannot carry out, whatever the service (PS3.7 C.5)."""

    UNRECOGNIZED_OPERATION = 0x0211
    """The node stores and echoes; it does nothing else on any of its contexts."""
    MISTYPED_ARGUMENT = 0x0212
    """The command has no Message ID that an answer could name."""


class StoreResult(StrEnum):
    """What became of one C-STORE."""

    STORED = "stored"
    TRANSIENT = "transient"
    """Not stored, or nobody knows: to be tried again."""
    PERMANENT = "permanent"
    """Refused for good."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """What is made of the statuses ``first`` to ``last`` of a peer.

    ``said`` is how queue and audit log call it, ``source`` where the standard says what the status means.
    """

    first: int
    last: int
    service_status: str
    meaning: str
    result: StoreResult
    said: str
    source: str


_STORAGE, _GENERAL = "PS3.4 B.2.3", "PS3.7 C"


def _warning(code: int, meaning: str, source: str, last: int = 0) -> Reaction:
    return Reaction(
        code, last or code, "Warning", meaning, StoreResult.STORED, "stored with a warning", source
    )


def _refusal(code: int, meaning: str, source: str = _GENERAL) -> Reaction:
    return Reaction(code, code, "Failure", meaning, StoreResult.PERMANENT, "refused", source)


def _passing(code: int, meaning: str) -> Reaction:
    return Reaction(code, code, "Failure", meaning, StoreResult.TRANSIENT, "not stored", _GENERAL)


DUPLICATE = 0x0111
"""Duplicate SOP Instance: the peer holds an object of this SOP Instance UID. Which version of it, it does not say."""

REACTIONS = (
    Reaction(0x0000, 0x0000, "Success", "Success", StoreResult.STORED, "success", _STORAGE),
    _warning(0xB000, "Coercion of Data Elements", _STORAGE),
    _warning(0xB007, "Data Set does not match SOP Class", _STORAGE),
    _warning(0xB006, "Elements Discarded", _STORAGE),
    _warning(0xB001, "Other warnings of the storage service", _GENERAL, 0xB005),
    _warning(0xB008, "Other warnings of the storage service", _GENERAL, 0xBFFF),
    _warning(0x0001, "Warning of no closer kind", _GENERAL),
    _warning(0x0107, "Attribute list error", _GENERAL),
    _warning(0x0116, "Attribute value out of range", _GENERAL),
    Reaction(
        *(DUPLICATE, DUPLICATE, "Failure", "Duplicate SOP Instance", StoreResult.STORED),
        *("the destination holds an object of this UID already, perhaps an older version", _GENERAL),
    ),
    _refusal(0x0105, "No such attribute"),
    _refusal(0x0106, "Invalid attribute value"),
    _passing(0x0110, "Processing failure"),
    _refusal(0x0112, "No such SOP Instance"),
    _refusal(0x0114, "No such argument"),
    _refusal(0x0115, "Invalid argument value"),
    _refusal(0x0117, "Invalid SOP Instance", _STORAGE),
    _refusal(0x0118, "No such SOP Class"),
    _refusal(0x0119, "Class-Instance conflict"),
    _refusal(0x0120, "Missing attribute"),
    _refusal(0x0121, "Missing attribute value"),
    _refusal(0x0122, "SOP Class not supported", _STORAGE),
    _refusal(0x0124, "Not authorized", _STORAGE),
    _refusal(0x0210, "Duplicate invocation", _STORAGE),
    _refusal(0x0211, "Unrecognized operation", _STORAGE),
    _refusal(0x0212, "Mistyped argument", _STORAGE),
    _passing(0x0213, "Resource limitation"),
    Reaction(
        *(0xA700, 0xA7FF, "Failure", "Out of Resources", StoreResult.TRANSIENT, "out of resources", _STORAGE),
    ),
    Reaction(
        *(0xA900, 0xA9FF, "Failure", "Data Set does not match SOP Class"),
        *(StoreResult.PERMANENT, "data set does not match SOP class", _STORAGE),
    ),
    Reaction(
        *(
            0xC000,
            0xCFFF,
            "Failure",
            "Cannot Understand",
            StoreResult.PERMANENT,
            "cannot understand",
            _STORAGE,
        ),
    ),
)
"""In the order of the conformance statement; no status is in two of them. Any status of the class Warning says that the object
is stored (PS3.7 C): it is not sent again. A failure is permanent where the peer says that the object, sent again as it is, will
fare no better; it passes where it speaks of the peer's own state."""
OTHER = Reaction(0x0001, 0xFFFF, "-", "Other Status Codes", StoreResult.TRANSIENT, "not stored", "-")
"""What the standard does not define, or not as the answer to a C-STORE, counts as transient."""


def reaction_to(status: int) -> Reaction:
    """Classify a C-STORE status."""
    return next((each for each in REACTIONS if each.first <= status <= each.last), OTHER)
