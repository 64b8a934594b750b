"""Contexts for TLS as BCP 195 wants it (RFC 8996, RFC 9325), made from files and made anew when these have changed.

TLS 1.2 with the four suites that RFC 9325 4.2 recommends, and TLS 1.3 with those of OpenSSL, which are all authenticated
encryption with forward secrecy; no renegotiation, no compression; keys of at least 112 bits of security (RSA 2048, curves of
224 bits and more), no signatures with SHA-1 or MD5. Certificates of peers are verified up to one of ``ca_file``, which may be a
root, an issuer below it, or the peer's own certificate.

Standard: PS3.15 B.12. The Modified profile, B.13, wants CCM suites for TLS 1.3 too, which Python offers no way to choose.
"""

from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Callable
from pathlib import Path

from tg263_scp.config.tls import ServerTls, Tls
from tg263_scp.errors import Tg263Error

TLS_1_2_SUITES = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
)
"""RFC 9325 4.2, by OpenSSL's names."""
TLS_1_3_SUITES = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")
"""RFC 8446 B.4, as OpenSSL offers them."""

_SECURITY_LEVEL = "@SECLEVEL=2"
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_FILES = "PEM files are wanted, readable by this user; the key without a password"


class Reloadable:
    """A context that :meth:`reload` makes anew from its files; connections that stand keep the one they began with."""

    def __init__(self, make: Callable[[], ssl.SSLContext]) -> None:
        """Make it for the first time.

        Raises:
            Tg263Error: a file cannot be used.
        """
        self._make = make
        self.current = make()
        """The context for the next connection."""

    def reload(self) -> None:
        """Read the files again. Where they cannot be used, the context stays as it was.

        Raises:
            Tg263Error: a file cannot be used.
        """
        self.current = self._make()


def server_context(tls: ServerTls) -> ssl.SSLContext:
    """Return the context of what listens.

    Raises:
        Tg263Error: a file cannot be used, or others can read the key.
    """
    context = _hardened(ssl.PROTOCOL_TLS_SERVER, tls)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.asks_for_certificates:
        context.verify_mode = ssl.CERT_REQUIRED
        _trust(context, tls.ca_file)
    return context


def client_context(tls: Tls, *, check_name: bool = True) -> ssl.SSLContext:
    """Return the context of who calls; ``check_name`` compares the certificate with the name that is called.

    Raises:
        Tg263Error: a file cannot be used, or others can read the key.
    """
    context = _hardened(ssl.PROTOCOL_TLS_CLIENT, tls)
    context.check_hostname = check_name
    _trust(context, tls.ca_file)
    return context


def _hardened(protocol: int, tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = _VERSIONS[tls.minimum_version]
    context.set_ciphers(":".join((*TLS_1_2_SUITES, _SECURITY_LEVEL)))
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if tls.cert_file and tls.key_file:
        refuse_open_key(tls.key_file)
        try:
            # Without a password given, OpenSSL would ask for one at the terminal.
            context.load_cert_chain(tls.cert_file, tls.key_file, password="")
        except OSError as problem:
            raise _unusable(f"{tls.cert_file} with {tls.key_file}", problem) from None
    return context


def _trust(context: ssl.SSLContext, authorities: Path | None) -> None:
    if authorities is None:
        context.load_default_certs()
        return
    try:
        context.load_verify_locations(authorities)
    except OSError as problem:
        raise _unusable(str(authorities), problem) from None


def refuse_open_key(path: Path) -> None:
    """Refuse a private key that other users can read: one of root may be readable by its group, any other by its owner only.

    Raises:
        Tg263Error: it is readable by others, or there is no such file.
    """
    try:
        found = path.stat()
    except OSError as problem:
        raise _unusable(str(path), problem) from None
    if os.name == "nt":
        return  # rights are lists there, which these bits do not show
    shared = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP | (0 if found.st_uid == 0 else stat.S_IRGRP)
    if found.st_mode & shared:
        raise Tg263Error(
            f"{path}: other users can read or change this private key", hint=f"chmod 600 {path}, or a new key"
        )


def _unusable(files: str, problem: OSError) -> Tg263Error:
    said = why_not(problem) if isinstance(problem, ssl.SSLError) else problem.strerror or problem
    return Tg263Error(f"{files} cannot be used for TLS: {said}", hint=_FILES)


def why_not(problem: OSError) -> str:
    """Say why no handshake came about, or no certificate was taken: OpenSSL's words, without what a peer wrote."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return problem.verify_message.rstrip(".")
    if isinstance(problem, ssl.SSLError):
        return (problem.reason or "an error of TLS").lower().replace("_", " ")
    return problem.strerror or "the connection failed"
