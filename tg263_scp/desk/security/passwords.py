"""Passwords as they are kept: scrypt (RFC 7914) with a salt of their own, in one text that says how it was made."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from threading import BoundedSemaphore

COST, BLOCK, LANES = 1 << 15, 8, 3
"""N, r and p of scrypt: about 32 MiB and a quarter of a second for each try."""
LEAST_CHARACTERS = 10
_KEY_BYTES = 32
_AT_ONCE = BoundedSemaphore(2)
"""Each try takes memory: a flood of logins must not take all of it."""


def hashed(password: str) -> str:
    """Return what is kept of a password."""
    salt = secrets.token_bytes(16)
    key = _key(password, salt, COST, BLOCK, LANES)
    return f"scrypt${COST}${BLOCK}${LANES}${b64encode(salt).decode()}${b64encode(key).decode()}"


def fits(password: str, kept: str) -> bool:
    """Tell whether a password is the one that was kept; a text that is no kept password fits none.

    It takes as long where there is nothing to compare with, so that the time does not tell which users there are.
    """
    try:
        kind, cost, block, lanes, salt, key = kept.split("$")
        parameters = int(cost), int(block), int(lanes)
        known, wanted = b64decode(salt, validate=True), b64decode(key, validate=True)
    except ValueError:
        kind, parameters, known, wanted = "", (COST, BLOCK, LANES), b"\0" * 16, b""
    return hmac.compare_digest(_key(password, known, *parameters), wanted) and kind == "scrypt"


def _key(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    with _AT_ONCE:
        return hashlib.scrypt(
            password.encode("utf-8", "surrogatepass"),
            salt=salt,
            n=cost,
            r=block,
            p=lanes,
            maxmem=256 * cost * block,
            dklen=_KEY_BYTES,
        )
