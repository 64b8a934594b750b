"""Requests of associations, byte by byte."""

from __future__ import annotations

import struct


def association_request() -> bytes:
    """A minimal A-ASSOCIATE-RQ for Verification (PS3.8 9.3.2)."""

    def part(kind: int, content: bytes) -> bytes:
        return struct.pack(">BBH", kind, 0, len(content)) + content

    context = part(0x30, b"1.2.840.10008.1.1") + part(0x40, b"1.2.840.10008.1.2")
    user = part(0x51, struct.pack(">I", 16384)) + part(0x52, b"1.2.3.4")
    body = struct.pack(">HH", 1, 0) + b"TG263".ljust(16) + b"TPS".ljust(16) + bytes(32)
    body += (
        part(0x10, b"1.2.840.10008.3.1.1.1") + part(0x20, b"\x01\x00\x00\x00" + context) + part(0x50, user)
    )
    return struct.pack(">BBI", 1, 0, len(body)) + body
