"""TLS in the configuration: the section ``tls`` holds what is ours everywhere, a listener or a destination what differs there.

Standard: BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile, PS3.15 B.12.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from tg263_scp.config.fields import Misfit, OptionalPath, Section, Truth, list_of_texts, none_if_empty

SUBJECT_ATTRIBUTES = ("CN", "O", "OU", "C", "ST", "L")
"""What of a certificate's subject a setting may ask for (RFC 4514 3)."""

_FINGERPRINT = re.compile(r"(?:sha256:)?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})", re.IGNORECASE)
_PAIR = re.compile(rf"\s*({'|'.join(SUBJECT_ATTRIBUTES)})\s*=\s*((?:[^\\,]|\\.)+?)\s*", re.IGNORECASE)


def subject_pairs(listed: str) -> tuple[tuple[str, str], ...] | None:
    r"""Read ``CN=tps.example.org, O=Clinic`` as its pairs; None where it is written otherwise.

    >>> subject_pairs(r"CN=tps.example.org, o=Clinic\, North")
    (('CN', 'tps.example.org'), ('O', 'Clinic, North'))
    """
    pairs = [_PAIR.fullmatch(part) for part in re.split(r"(?<!\\),", listed)]
    read = [(pair[1].upper(), re.sub(r"\\(.)", r"\1", pair[2])) for pair in pairs if pair]
    return tuple(read) if len(read) == len(pairs) else None


def _certificate(value: str) -> str:
    fingerprint = _FINGERPRINT.fullmatch(value.strip())
    if fingerprint:
        return fingerprint[1].replace(":", "").lower()
    if subject_pairs(value) is None:
        raise ValueError(
            "must be a SHA-256 fingerprint (64 hexadecimal digits), or what the subject says, such as"
            " 'CN=tps.example.org, O=Clinic' in quotes"
        )
    return value.strip()


CertificateName = Annotated[str, BeforeValidator(_certificate)]
CertificateNames = Annotated[list[CertificateName], BeforeValidator(list_of_texts)]
OptionalHostName = Annotated[
    Annotated[str, Field(min_length=1, max_length=253)] | None, BeforeValidator(none_if_empty)
]


class Tls(Section):
    """Our certificate, whom we trust, and the oldest version of TLS we speak."""

    cert_file: OptionalPath
    key_file: OptionalPath
    ca_file: OptionalPath
    minimum_version: Literal["1.2", "1.3"]

    @model_validator(mode="after")
    def _certificate_with_its_key(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            given, absent = ("cert_file", "key_file") if self.cert_file else ("key_file", "cert_file")
            raise Misfit(given, f"needs {absent} as well", hint="a certificate is used with its own key only")
        return self

    def beside(self, folder: Path) -> Self:
        """Return it with relative paths counted from ``folder``."""
        paths = {key: getattr(self, key) for key in ("cert_file", "key_file", "ca_file")}
        return self.model_copy(update={key: folder / path for key, path in paths.items() if path})


class ServerTls(Tls):
    """How what we listen with does TLS."""

    enabled: Truth
    client_certificates: Literal["required", "none"]

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if not self.enabled:
            return self
        if self.cert_file is None:
            raise Misfit(
                "cert_file", "is needed to listen with TLS", hint="give tls.cert_file and tls.key_file"
            )
        if self.asks_for_certificates and self.ca_file is None:
            raise Misfit(
                "ca_file",
                "is needed to check the certificates of callers",
                hint="give tls.ca_file, or let everybody call without one: client_certificates: none",
            )
        return self

    @property
    def asks_for_certificates(self) -> bool:
        """Whether a caller has to show a certificate (mutual TLS)."""
        return self.enabled and self.client_certificates == "required"


class ClientTls(Tls):
    """How we call somebody with TLS. The name in the certificate has to be ``server_name``, or the host that is called;
    with ``certificates`` it has to be one of these instead, whatever name it bears.
    """

    enabled: Truth
    server_name: OptionalHostName
    certificates: CertificateNames
