"""The calling side of TLS: whose certificate is taken, and why a handshake failed.

A handshake of a library's own ends in a connection that was "not possible". Here its cause is kept, so that the log can say
what to do: another name, an expired certificate, one of an unknown issuer, a peer without TLS.
"""

from __future__ import annotations

import socket
import ssl
from functools import partial
from typing import Any

from tg263_scp.config.tls import ClientTls
from tg263_scp.tls.certificates import Certificate, Unreadable, read_certificate
from tg263_scp.tls.contexts import Reloadable, client_context, why_not


class CallingTls:
    """How one peer is called; safe to use from every thread."""

    def __init__(self, tls: ClientTls, host: str) -> None:
        """Read the files.

        Raises:
            Tg263Error: a file cannot be used, or others can read the key.
        """
        self._certificates = tuple(tls.certificates)
        self.server_name = tls.server_name or host
        """What the certificate of the peer has to be made out to, unless certificates are listed."""
        self._context = Reloadable(partial(_context, tls))

    def handshake(self) -> Handshake:
        """Return what shakes hands for one connection."""
        return Handshake(self._context.current, self._certificates)

    def reload(self) -> None:
        """Read the files again; see :meth:`Reloadable.reload`."""
        self._context.reload()


def _context(tls: ClientTls) -> ssl.SSLContext:
    context = client_context(tls, check_name=not tls.certificates)
    context.sslsocket_class = _TellingSocket
    return context


class Handshake:
    """Stands in for the context of one connection where a library wraps its socket, and knows what became of it."""

    def __init__(self, context: ssl.SSLContext, certificates: tuple[str, ...]) -> None:
        self._context = context
        self._certificates = certificates
        self.problem = ""
        """Why there is no connection; empty where there is, or where it failed before the handshake."""
        self.certificate: Certificate | None = None
        """What the peer showed and we took."""
        self.version = ""

    def wrap_socket(
        self, connection: socket.socket, server_side: bool, server_hostname: str
    ) -> ssl.SSLSocket:
        """Wrap a socket that is not connected yet; the handshake comes with the connection."""
        wrapped = self._context.wrap_socket(
            connection, server_side=server_side, server_hostname=server_hostname
        )
        assert isinstance(wrapped, _TellingSocket)
        wrapped.tells = self
        return wrapped

    def failed(self, problem: OSError) -> None:
        """Note the first problem."""
        timed_out = "it was not complete in time"
        self.problem = self.problem or (timed_out if isinstance(problem, TimeoutError) else why_not(problem))

    def look_at(self, connection: ssl.SSLSocket) -> None:
        """Take the certificate of the peer, or not.

        Raises:
            ssl.SSLCertVerificationError: it is none of those that are listed.
        """
        try:
            shown = read_certificate(connection.getpeercert(binary_form=True) or b"")
        except Unreadable:
            shown = None
        if self._certificates and (shown is None or not shown.is_one_of(self._certificates)):
            which = f" (its SHA-256 is {shown.sha256})" if shown else ""
            self.problem = f"the certificate of the peer is none of those that are listed{which}"
            raise ssl.SSLCertVerificationError("the certificate is not listed")
        self.certificate, self.version = shown, connection.version() or ""


class _TellingSocket(ssl.SSLSocket):
    """Tells its :class:`Handshake` what goes wrong; with TLS 1.3 a peer refuses our certificate only after the handshake."""

    tells: Handshake

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
            self.tells.look_at(self)
        except OSError as problem:
            self.tells.failed(problem)
            raise

    def recv(self, *arguments: Any) -> bytes:
        try:
            return super().recv(*arguments)
        except ssl.SSLError as problem:
            self.tells.failed(problem)
            raise
