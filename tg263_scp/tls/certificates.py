"""What a certificate says: subject, names, validity, fingerprint. Read from its bytes, whether or not it is trusted.

Python's ``ssl`` shows these of a verified peer only; ``doctor`` has to show them of a certificate that is not valid, too.

Standard: X.509 (RFC 5280 4.1), in DER (X.690).
"""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path

from tg263_scp.config.tls import subject_pairs
from tg263_scp.errors import Tg263Error

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_ATTRIBUTES = {
    b"\x55\x04\x03": "CN",
    b"\x55\x04\x06": "C",
    b"\x55\x04\x07": "L",
    b"\x55\x04\x08": "ST",
    b"\x55\x04\x0a": "O",
    b"\x55\x04\x0b": "OU",
}
_SUBJECT_ALT_NAME = b"\x55\x1d\x11"
_SEQUENCE, _SET, _OID, _OCTETS, _BMP_STRING = 0x30, 0x31, 0x06, 0x04, 0x1E
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_UTC_TIME = 0x17


class Unreadable(ValueError):  # noqa: N818 - what the bytes are
    """The bytes are no certificate."""


@dataclass(frozen=True)
class Certificate:
    """A certificate; times are UTC. Texts come from whoever made it: they are no markup and may hold anything printable."""

    der: bytes
    subject: tuple[tuple[str, str], ...]
    issuer: tuple[tuple[str, str], ...]
    not_before: datetime
    not_after: datetime
    names: tuple[str, ...]
    """DNS names and addresses (Subject Alternative Name, RFC 5280 4.2.1.6)."""

    @cached_property
    def sha256(self) -> str:
        """Its fingerprint, in hexadecimal digits."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def title(self) -> str:
        """Its subject on one line, or the beginning of its fingerprint where it has none that we read."""
        return _written(self.subject) or f"sha256 {self.sha256[:16]}"

    @property
    def issued_by(self) -> str:
        """The subject of the certificate that signed it, on one line."""
        return _written(self.issuer) or "without a name"

    def days_left(self, now: datetime) -> float:
        """Return for how many days it is valid yet; less than 0 where it has expired."""
        return (self.not_after - now).total_seconds() / 86_400

    def is_one_of(self, listed: Iterable[str]) -> bool:
        """Whether a list of fingerprints and subjects names it (see :mod:`tg263_scp.config.tls`)."""
        return any(each == self.sha256 or _says(self.subject, each) for each in listed)


def _says(subject: tuple[tuple[str, str], ...], listed: str) -> bool:
    wanted = subject_pairs(listed)
    return wanted is not None and set(wanted) <= set(subject)


def read_certificate(der: bytes) -> Certificate:
    """Read a certificate.

    Raises:
        Unreadable: the bytes are none.
    """
    try:
        return _certificate(der)
    except (IndexError, ValueError) as problem:
        raise Unreadable("no X.509 certificate") from problem


def certificates_in(path: Path) -> list[Certificate]:
    """Return the certificates of a PEM file, in their order.

    Raises:
        Tg263Error: the file cannot be read, or holds none.
    """
    try:
        blocks = _PEM.findall(path.read_text(encoding="latin-1"))
        found = [read_certificate(ssl.PEM_cert_to_DER_cert(block)) for block in blocks]
    except OSError as problem:
        raise Tg263Error(
            f"{path}: {problem.strerror or problem}", hint="see the paths of the section tls"
        ) from problem
    except ValueError as problem:
        raise Tg263Error(f"{path}: a certificate in it cannot be read", hint="PEM is wanted") from problem
    if not found:
        raise Tg263Error(f"{path}: there is no certificate in it", hint="PEM is wanted: BEGIN CERTIFICATE")
    return found


def _certificate(der: bytes) -> Certificate:
    ((_, whole),) = _values(der)
    signed = next(_values(whole))[1]
    fields = list(_values(signed))
    if fields[0][0] == _VERSION:
        del fields[0]
    _number, _algorithm, (_, issuer), (_, validity), (_, subject), *rest = fields
    (not_before, not_after) = (_time(kind, text) for kind, text in _values(validity))
    return Certificate(der, _name(subject), _name(issuer), not_before, not_after, tuple(_alternatives(rest)))


def _values(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each value."""
    offset = 0
    while offset < len(der):
        tag, length = der[offset], der[offset + 1]
        offset += 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4:
                raise Unreadable("a length that DER does not have")
            length = int.from_bytes(der[offset : offset + size], "big")
            offset += size
        if offset + length > len(der):
            raise Unreadable("a value is cut off")
        yield tag, der[offset : offset + length]
        offset += length


def _time(kind: int, text: bytes) -> datetime:
    digits = text.decode("ascii")
    if kind == _UTC_TIME:  # RFC 5280 4.1.2.5.1: 50 to 99 are years of 19..
        digits = ("19" if digits >= "5" else "20") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _name(content: bytes) -> tuple[tuple[str, str], ...]:
    pairs = []
    for _, relative in _values(content):
        for _, pair in _values(relative):
            (_, oid), (kind, value) = _values(pair)
            if oid in _ATTRIBUTES:
                pairs.append((_ATTRIBUTES[oid], _text(kind, value)))
    return tuple(pairs)


def _text(kind: int, value: bytes) -> str:
    text = value.decode("utf-16-be" if kind == _BMP_STRING else "utf-8", "replace")
    return "".join(character if character.isprintable() else "?" for character in text)


def _alternatives(fields: Iterable[tuple[int, bytes]]) -> Iterator[str]:
    for extensions in (content for tag, content in fields if tag == _EXTENSIONS):
        for _, extension in _values(next(_values(extensions))[1]):
            parts = list(_values(extension))
            if parts[0] == (_OID, _SUBJECT_ALT_NAME):
                for tag, value in _values(next(_values(parts[-1][1]))[1]):
                    if tag == _DNS_NAME:
                        yield _text(tag, value)
                    elif tag == _IP_ADDRESS:
                        yield str(ip_address(value))


def _written(name: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{attribute}={value}" for attribute, value in name)
