"""An A-ASSOCIATE-RQ as it came, read the way DCMTK and Orthanc read it, and written again the way the standard wants it.

Peers pad AE titles with NUL, write them in Latin-1, give version names that are too long, add user-information items of
their own (which PS3.8 9.3.1 tells us to ignore) or send identities of a type that is not defined. None of that is a reason
to turn them away. What decides (titles, contexts, maximum length) is read here; what this node does not negotiate anyway
is left out of the rewritten request.

Standard: PS3.8 9.3.2 (A-ASSOCIATE-RQ), Annex D (user information), PS3.7 D.3.3; AE titles PS3.5 6.2.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass

ASSOCIATE_RQ = 0x01
PDU_HEAD_BYTES = 6
APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
"""The one application context name that DICOM has (PS3.7 A.2.1)."""
MAX_ITEMS = 16_384
"""128 contexts with some 40 transfer syntaxes each are 5 500 items."""

_FIXED_BYTES = 68
_ITEM = struct.Struct(">BxH")
_UID = re.compile(r"[0-9.]{1,64}")
UNREADABLE_UID = "2.25.0"
"""Stands for what is no UID: it is in no list of ours, so that the context is refused and the others are not."""
_SMALLEST_PDU_BYTES = 256
_UNSAID_PDU_BYTES = 16_384
_APPLICATION_ITEM, _CONTEXT_ITEM, _ABSTRACT_ITEM, _TRANSFER_ITEM, _USER_ITEM = 0x10, 0x20, 0x30, 0x40, 0x50
_LENGTH_ITEM, _CLASS_UID_ITEM, _ROLE_ITEM, _VERSION_ITEM = 0x51, 0x52, 0x54, 0x55
_ROLES_READ = ("1.2.840.10008.1.20.1",)
"""Storage Commitment alone has two roles here: a report comes over an association of its SCP (PS3.4 J.3.3)."""


class MalformedRequest(ValueError):  # noqa: N818 - what the peer sent, not a fault of ours
    """The bytes are no A-ASSOCIATE-RQ, even with good will."""


@dataclass(frozen=True, slots=True)
class ProposedContext:
    """One proposed presentation context (PS3.8 9.3.2.2)."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AssociationRequest:
    """What a peer asks for. AE titles are without padding; control characters in them have become ``?``."""

    calling_ae_title: str
    called_ae_title: str
    protocol_version: int
    application_context: str
    contexts: tuple[ProposedContext, ...]
    max_pdu_bytes: int
    """Largest P-DATA-TF the peer wants; 0 for any."""
    implementation_class_uid: str
    implementation_version_name: str
    roles: tuple[tuple[str, bool, bool], ...] = ()
    """Proposed roles (PS3.7 D.3.3.4): abstract syntax, whether the peer is SCU, whether it is SCP."""

    def pdu(self, known_transfer_syntaxes: Collection[str]) -> bytes:
        """Write the request anew, in plain ASCII and with legal lengths.

        Of each context only the transfer syntaxes that are known stay, or one where none is: what a peer can make us keep
        in memory does not grow with what it proposes.
        """
        items = [_item(_APPLICATION_ITEM, self.application_context.encode())]
        for context in self.contexts:
            known = dict.fromkeys(uid for uid in context.transfer_syntaxes if uid in known_transfer_syntaxes)
            syntaxes = tuple(known) or context.transfer_syntaxes[:1]
            body = bytes((context.context_id, 0, 0, 0)) + _item(
                _ABSTRACT_ITEM, context.abstract_syntax.encode()
            )
            items.append(
                _item(_CONTEXT_ITEM, body + b"".join(_item(_TRANSFER_ITEM, uid.encode()) for uid in syntaxes))
            )
        user = [_item(_LENGTH_ITEM, self.max_pdu_bytes.to_bytes(4, "big"))]
        user.append(_item(_CLASS_UID_ITEM, self.implementation_class_uid.encode()))
        if self.implementation_version_name:
            user.append(_item(_VERSION_ITEM, self.implementation_version_name.encode()))
        user += [_role_item(*role) for role in self.roles]
        items.append(_item(_USER_ITEM, b"".join(user)))
        titles = _padded(self.called_ae_title) + _padded(self.calling_ae_title)
        content = struct.pack(">HH", 1, 0) + titles + bytes(32) + b"".join(items)
        return struct.pack(">BBI", ASSOCIATE_RQ, 0, len(content)) + content


def read_association_request(pdu: bytes) -> AssociationRequest:
    """Read a whole A-ASSOCIATE-RQ PDU.

    Raises:
        MalformedRequest: its items cannot be followed, or it proposes nothing.
    """
    if len(pdu) < PDU_HEAD_BYTES + _FIXED_BYTES:
        raise MalformedRequest("the request is shorter than its fixed part")
    fixed, rest = pdu[PDU_HEAD_BYTES : PDU_HEAD_BYTES + _FIXED_BYTES], pdu[PDU_HEAD_BYTES + _FIXED_BYTES :]
    application_context, user = "", b""
    contexts: dict[int, ProposedContext] = {}
    items = 0
    for kind, content in _items(rest):
        items += 1
        if kind == _APPLICATION_ITEM:
            application_context = _uid(content)
        elif kind == _USER_ITEM:
            user = content
        elif kind == _CONTEXT_ITEM:
            context = _context(content)
            items += len(context.transfer_syntaxes)
            # An even number is none that a context may have (PS3.8 9.3.2.2).
            if context.context_id % 2:
                contexts.setdefault(context.context_id, context)
        if items > MAX_ITEMS:
            raise MalformedRequest(f"the request has more than {MAX_ITEMS} items")
    if not contexts:
        raise MalformedRequest("the request proposes no presentation context")
    said = _UserInformation()
    said.read(user)
    return AssociationRequest(
        calling_ae_title=ae_title(fixed[20:36]),
        called_ae_title=ae_title(fixed[4:20]),
        protocol_version=struct.unpack_from(">H", fixed)[0],
        application_context=application_context,
        contexts=tuple(contexts.values()),
        max_pdu_bytes=said.max_pdu_bytes,
        implementation_class_uid=said.class_uid,
        implementation_version_name=said.version_name,
        roles=tuple(said.roles),
    )


def ae_title(raw: bytes) -> str:
    """Return an AE title without padding (spaces, NUL); Latin-1 where it is not UTF-8, ``?`` for control characters."""
    stripped = raw.strip(b"\x00 ")
    try:
        text = stripped.decode("utf-8")
    except UnicodeDecodeError:
        text = stripped.decode("latin-1")
    return "".join(character if character.isprintable() else "?" for character in text)


class _UserInformation:
    """The user-information items that this node reads (PS3.8 D, PS3.7 D.3.3).

    It negotiates nothing by the others (extended negotiation, operations window, identity): no answer means no. Roles are
    read for :data:`_ROLES_READ` only.
    """

    def __init__(self) -> None:
        self.max_pdu_bytes = _UNSAID_PDU_BYTES
        self.class_uid = UNREADABLE_UID
        self.version_name = ""
        self.roles: list[tuple[str, bool, bool]] = []

    def read(self, user: bytes) -> None:
        for kind, content in _items(user):
            if kind == _LENGTH_ITEM and len(content) == 4:
                announced = int.from_bytes(content, "big")
                self.max_pdu_bytes = max(announced, _SMALLEST_PDU_BYTES) if announced else 0
            elif kind == _CLASS_UID_ITEM:
                self.class_uid = _uid(content)
            elif kind == _VERSION_ITEM:
                self.version_name = _ascii(ae_title(content))[:16]
            elif kind == _ROLE_ITEM and not self.roles:
                self._role(content)

    def _role(self, content: bytes) -> None:
        length = int.from_bytes(content[:2], "big")
        uid, flags = _uid(content[2 : 2 + length]), content[2 + length :]
        if uid in _ROLES_READ and len(flags) == 2 and any(flags):
            self.roles.append((uid, flags[0] == 1, flags[1] == 1))


def _items(raw: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset < len(raw):
        if offset + _ITEM.size > len(raw):
            raise MalformedRequest("an item of the request is cut off")
        kind, length = _ITEM.unpack_from(raw, offset)
        offset += _ITEM.size
        if offset + length > len(raw):
            raise MalformedRequest("an item of the request is longer than the request")
        yield kind, raw[offset : offset + length]
        offset += length


def _context(content: bytes) -> ProposedContext:
    if len(content) < 4:
        raise MalformedRequest("a presentation context is cut off")
    abstract, syntaxes = UNREADABLE_UID, []
    for kind, value in _items(content[4:]):
        if kind == _ABSTRACT_ITEM:
            abstract = _uid(value)
        elif kind == _TRANSFER_ITEM:
            syntaxes.append(_uid(value))
    return ProposedContext(content[0], abstract, tuple(syntaxes or (UNREADABLE_UID,)))


def _role_item(abstract_syntax: str, scu: bool, scp: bool) -> bytes:
    uid = abstract_syntax.encode()
    return _item(_ROLE_ITEM, len(uid).to_bytes(2, "big") + uid + bytes((scu, scp)))


def _uid(raw: bytes) -> str:
    text = raw.strip(b"\x00 ").decode("latin-1")
    return text if _UID.fullmatch(text) else UNREADABLE_UID


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii").replace("\\", "?")


def _padded(title: str) -> bytes:
    return (_ascii(title)[:16].strip() or "?").encode("ascii").ljust(16)


def _item(kind: int, content: bytes) -> bytes:
    return _ITEM.pack(kind, len(content)) + content
