"""HTTP exchanges that end: at a wall-clock deadline and after so many bytes, whatever the server does.

httpx bounds each single read. A server that sends one byte now and then, in its headers or in its body, would be waited
for without end, and a body without end would be read into memory. Here both bounds hold for the exchange as a whole, kept
where the bytes come in:

    with exchange(seconds=30, max_bytes=1 << 20):
        client.post(...)

Every exchange has a connection of its own, closed when it ends: so that a server sees when it may stop.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Lock
from typing import Any
from weakref import WeakSet

import httpcore
import httpx


class TooManyBytes(Exception):  # noqa: N818 - what happened, as httpcore names its own
    """The server sent more than the exchange allows."""


class Exchange:
    """What is left of the time and the bytes of an exchange."""

    def __init__(self, seconds: float, max_bytes: int) -> None:
        self._until = time.monotonic() + seconds
        self._bytes_left = max_bytes
        self.cut_off = False
        """Whether the server closed the connection."""

    def seconds_left(self) -> float:
        """Return the time left; not positive where there is none."""
        return self._until - time.monotonic()

    def take(self, count: int) -> None:
        """Count received bytes; none means that the server closed the connection.

        Raises:
            TooManyBytes: more than allowed.
        """
        self.cut_off = self.cut_off or count == 0
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise TooManyBytes


_current: ContextVar[Exchange] = ContextVar("exchange")


@contextmanager
def exchange(*, seconds: float, max_bytes: int) -> Iterator[Exchange]:
    """Bound what this thread sends and receives over a :class:`BoundedTransport` within the block."""
    token = _current.set(Exchange(seconds, max_bytes))
    try:
        yield _current.get()
    finally:
        _current.reset(token)


class BoundedTransport(httpx.BaseTransport):
    """The transport of an httpx client whose exchanges are bounded; no proxies, no compressed answers.

    Errors are those of httpcore. ``withheld`` names headers (lower case) that never leave, whoever set them.
    """

    def __init__(self, tls: ssl.SSLContext | None, *, withheld: Iterable[str] = ()) -> None:
        self._withheld = tuple(withheld)
        self._backend = _Backend()
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=self._backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request within the exchange that the calling thread is in."""
        for name in self._withheld:
            request.headers.pop(name, None)
        # What is sent compressed would count before, and fill memory after, it is unpacked.
        request.headers["accept-encoding"] = "identity"
        assert isinstance(request.stream, httpx.SyncByteStream)
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
            )
        )
        answer = httpx.Response(response.status, headers=response.headers, stream=_Body(response))
        if answer.headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise httpcore.RemoteProtocolError("the answer is compressed, which was not asked for")
        return answer

    def close(self) -> None:
        """Cut off what other threads wait for, and open no connection any more."""
        self._backend.close()
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer, as httpx wants to see it."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _Backend(httpcore.NetworkBackend):
    """Opens connections whose every step is bounded by the exchange of the calling thread."""

    def __init__(self) -> None:
        self._system = httpcore.SyncBackend()
        self._lock = Lock()
        self._open: WeakSet[socket.socket] = WeakSet()
        self._closed = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        seconds = _seconds_left(httpcore.ConnectTimeout)
        return _Stream(self._system.connect_tcp(host, port, seconds, local_address, socket_options), self)

    def enter(self, connection: socket.socket) -> None:
        """Remember a connection, so that it can be cut off."""
        with self._lock:
            if self._closed:
                connection.close()
                raise httpcore.ConnectError("the client is closed")
            self._open.add(connection)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for connection in self._open:
                with suppress(OSError):
                    # That of the plain socket: the TLS layer is in use by the thread that waits.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Stream(httpcore.NetworkStream):
    """A connection that reads no longer and no more than the exchange allows."""

    def __init__(self, stream: httpcore.NetworkStream, backend: _Backend) -> None:
        self._stream = stream
        self._backend = backend
        backend.enter(stream.get_extra_info("socket"))

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        received = self._stream.read(max_bytes, _seconds_left(httpcore.ReadTimeout))
        _current.get().take(len(received))
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _seconds_left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = _seconds_left(httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, seconds), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _seconds_left(error: type[httpcore.TimeoutException]) -> float:
    seconds = _current.get().seconds_left()
    if seconds <= 0:
        raise error("the deadline of the exchange has passed")
    return seconds
