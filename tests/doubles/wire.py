"""Associations byte by byte, for peers that speak DICOM badly or not at all (PS3.8 9.3, PS3.7 6.3)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from doubles.loopback import CT, DEADLINE_S, EXPLICIT

VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT = "1.2.840.10008.1.2"


def part(kind: int, content: bytes) -> bytes:
    """Encode one item of an A-ASSOCIATE-RQ."""
    return struct.pack(">BBH", kind, 0, len(content)) + content


USER = (part(0x51, struct.pack(">I", 16384)), part(0x52, b"1.2.3.4"))


def association_request(
    *,
    calling: bytes = b"TPS",
    called: bytes = b"TG263",
    contexts: Iterable[tuple[str, str]] = ((VERIFICATION, IMPLICIT),),
    user: Iterable[bytes] = USER,
    protocol_version: int = 1,
    application_context: bytes = b"1.2.840.10008.3.1.1.1",
) -> bytes:
    """A minimal A-ASSOCIATE-RQ, for Verification where nothing else is said (PS3.8 9.3.2)."""
    body = struct.pack(">HH", protocol_version, 0) + called.ljust(16) + calling.ljust(16) + bytes(32)
    body += part(0x10, application_context)
    for number, (abstract, transfer) in enumerate(contexts):
        syntaxes = part(0x30, abstract.encode()) + part(0x40, transfer.encode())
        body += part(0x20, bytes((2 * number + 1, 0, 0, 0)) + syntaxes)
    body += part(0x50, b"".join(user))
    return struct.pack(">BBI", 1, 0, len(body)) + body


def _identity(kind: int) -> bytes:
    return part(0x58, bytes((kind, 1)) + struct.pack(">H", 4) + b"user" + struct.pack(">H", 0))


ODD_REQUESTS: dict[str, dict[str, Any]] = {
    "titles padded with NUL": {"calling": b"TPS".ljust(16, b"\x00"), "called": b"TG263".ljust(16, b"\x00")},
    "a title in Latin-1": {"calling": "TPS-Größe".encode("latin-1")},
    "a title in UTF-8": {"calling": "TPS-Größe".encode()},
    "a title with control characters": {"calling": b"\x1b[31mTPS"},
    "a title that is markup": {"calling": b"[/]", "called": b"<b>&"},
    "a title with a backslash": {"calling": b"TPS\\CT"},
    "an empty title": {"calling": b"", "called": b""},
    "a version name of 40 characters": {"user": (*USER, part(0x55, b"V" * 40))},
    "a version name of 0 characters": {"user": (*USER, part(0x55, b""))},
    "a version name that is no ASCII": {"user": (*USER, part(0x55, "Größe".encode("latin-1")))},
    "an unknown user item": {"user": (*USER, part(0x5F, b"whatever"))},
    "a user item without content": {"user": (*USER, part(0x5E, b""))},
    "a user identity of an unknown type": {"user": (*USER, _identity(9))},
    "a user identity of type 0": {"user": (*USER, _identity(0))},
    "a user identity that is cut off": {"user": (*USER, part(0x58, b"\x01"))},
    "an extended negotiation that is cut off": {"user": (*USER, part(0x56, b"\x00\x20abc"))},
    "a role for nothing": {"user": (*USER, part(0x54, b"\x00\x00\x01\x01"))},
    "an asynchronous window that is cut off": {"user": (*USER, part(0x53, b"\x00"))},
    "no user items": {"user": ()},
    "a class UID padded with NUL": {"user": (USER[0], part(0x52, b"1.2.3.4\x00"))},
    "a class UID that is none": {"user": (USER[0], part(0x52, b"MyPACS"))},
    "a maximum length of 1": {"user": (part(0x51, struct.pack(">I", 1)), USER[1])},
    "a higher protocol version as well": {"protocol_version": 3},
    "an application context padded with NUL": {"application_context": b"1.2.840.10008.3.1.1.1\x00"},
    "UIDs padded with NUL": {"contexts": [(VERIFICATION + "\x00", IMPLICIT + "\x00")]},
    "a context of nonsense beside a good one": {
        "contexts": [(VERIFICATION, IMPLICIT), ("nonsense " * 20, "more"), ("", "")]
    },
}
"""Requests that break a rule and that others accept all the same, as arguments of :func:`association_request`."""


def command(field: int, **values: bytes) -> bytes:
    """Encode a command set; values by the names of :data:`TAGS`, those left out are left out."""
    said = {"field": struct.pack("<H", field), **values}
    body = b"".join(
        struct.pack("<HHI", 0, TAGS[name], len(value)) + value
        for name, value in sorted(said.items(), key=lambda item: TAGS[item[0]])
    )
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


TAGS = {
    "sop_class": 0x0002,
    "requested_class": 0x0003,
    "field": 0x0100,
    "message_id": 0x0110,
    "responding_to": 0x0120,
    "priority": 0x0700,
    "data_set": 0x0800,
    "status": 0x0900,
    "sop_instance": 0x1000,
}
HAS_DATA_SET, NO_DATA_SET = b"\x00\x00", b"\x01\x01"


def store_command(sop_instance: bytes = b"1.2.3\x00", **values: bytes | None) -> bytes:
    """Encode the command of a C-STORE of a CT image; a value of None is left out."""
    said: dict[str, bytes | None] = {
        "sop_class": CT.encode() + b"\x00",
        "message_id": b"\x01\x00",
        "priority": b"\x00\x00",
        "data_set": HAS_DATA_SET,
        "sop_instance": sop_instance,
        **values,
    }
    return command(0x0001, **{name: value for name, value in said.items() if value is not None})


def fragment(content: bytes, *, is_command: bool = False, last: bool = True, context_id: int = 1) -> bytes:
    """Encode one P-DATA-TF that holds one presentation data value."""
    value = bytes((context_id, is_command | 2 * last)) + content
    return struct.pack(">BBI", 4, 0, 4 + len(value)) + struct.pack(">I", len(value)) + value


def exactly(connection: socket.socket, size: int) -> bytes:
    """Read so many bytes; fewer where the peer closes."""
    data = b""
    while len(data) < size and (block := connection.recv(size - len(data))):
        data += block
    return data


def pdu(connection: socket.socket) -> bytes:
    """Read one whole PDU; empty where the peer has closed."""
    head = exactly(connection, 6)
    return head + exactly(connection, int.from_bytes(head[2:], "big")) if len(head) == 6 else b""


def answer(connection: socket.socket) -> dict[str, int | bytes]:
    """Read the command of one response, numbers as numbers."""
    encoded = pdu(connection)
    assert encoded[:1] == b"\x04", f"no answer but {encoded[:10]!r}"
    names = {number: name for name, number in TAGS.items()}
    said: dict[str, int | bytes] = {}
    offset = 12
    while offset < len(encoded):
        _, number, length = struct.unpack_from("<HHI", encoded, offset)
        value = encoded[offset + 8 : offset + 8 + length]
        if number in names:
            said[names[number]] = int.from_bytes(value, "little") if length == 2 else value.rstrip(b"\x00")
        offset += 8 + length
    return said


def connected(port: int, address: str = "127.0.0.1") -> socket.socket:
    """Open a connection from one of the loopback addresses."""
    return socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S, source_address=(address, 0))


@contextmanager
def raw_association(port: int, *, sop_class: str = CT, address: str = "127.0.0.1") -> Iterator[socket.socket]:
    """An accepted association for one SOP class in explicit VR little endian."""
    with connected(port, address) as connection:
        connection.sendall(association_request(contexts=[(sop_class, EXPLICIT)]))
        assert pdu(connection)[:1] == b"\x02"
        yield connection
