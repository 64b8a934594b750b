"""The desk as a process: it listens, and its login link lies in a file for its owner alone while it runs."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tg263_scp.config.desk import Desk
from tg263_scp.config.tls import ServerTls
from tg263_scp.desk.application import desk_application
from tg263_scp.desk.node_records import NodeRecords
from tg263_scp.desk.pages.logins import LINK_PATH
from tg263_scp.desk.security.visitors import Visitors
from tg263_scp.durable import whole_file
from tg263_scp.errors import Tg263Error
from tg263_scp.tls.contexts import server_context

logger = logging.getLogger("tg263_scp.desk")

_STOP_WITHIN_S = 10.0
_MOST_CONNECTIONS = 200
REQUEST_WITHIN_S = 10.0
"""From the beginning of a connection, or the end of an answer, to the head of the next request."""


@dataclass(frozen=True, slots=True)
class RunningDesk:
    """A desk that can be called: ``url`` without a path, and the address that logs in."""

    url: str
    login_link: str
    records: NodeRecords
    visitors: Visitors


class _Punctual(H11Protocol):
    """A connection that has to bring the head of a request in time: else a few hundred silent ones keep everybody out."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_a_request()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._expect_a_request()

    def _expect_a_request(self) -> None:
        self.loop.call_later(REQUEST_WITHIN_S, self._end_if_silent)

    def _end_if_silent(self) -> None:
        # The one at hand may have begun after the wait did: then its end begins another.
        if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
            self.transport.close()


class _Server(uvicorn.Server):
    """Tells when it listens, or that it does not."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.begun.set()


@contextmanager
def running_desk(path: Path) -> Iterator[RunningDesk]:
    """Run the desk of a configuration file while the block runs.

    Raises:
        ConfigError: the configuration cannot be used.
        Tg263Error: the port is taken, the certificate cannot be used, or the link file cannot be written.
    """
    with closing(NodeRecords(path)) as records:
        desk = records.config.desk
        with closing(_listening(desk)) as listener:
            port = listener.getsockname()[1]
            visitors = Visitors(desk)
            server = _Server(_settings(desk, records, visitors, port))
            thread = Thread(target=server.run, args=([listener],), name="desk", daemon=True)
            url = _url(desk, port)
            link = f"{url}{LINK_PATH}?key={visitors.link_key}"
            with _link_file(desk, link):
                thread.start()
                try:
                    while thread.is_alive() and not server.begun.wait(0.1):
                        pass
                    logger.info("the desk is at %s ('tg263-scp desk link' tells how to log in)", url)
                    yield RunningDesk(url, link, records, visitors)
                finally:
                    server.should_exit = True
                    thread.join(_STOP_WITHIN_S)


def _listening(desk: Desk) -> socket.socket:
    family = socket.AF_INET6 if ":" in desk.host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((desk.host, desk.port or 0))
        listener.listen(128)
    except OSError as problem:
        listener.close()
        raise Tg263Error(
            f"the desk cannot listen on {desk.host}:{desk.port or 0}: {problem.strerror}",
            hint="another program has the port, or desk.host is not an address of this computer",
        ) from problem
    return listener


def _settings(desk: Desk, records: NodeRecords, visitors: Visitors, port: int) -> uvicorn.Config:
    settings = uvicorn.Config(
        desk_application(records, visitors, port),
        http=_Punctual,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,  # the login link would stand there
        server_header=False,
        proxy_headers=False,  # the address of a caller is that of the socket
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=int(REQUEST_WITHIN_S),
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=32 << 10,
        ssl_certfile=desk.cert_file,
        ssl_keyfile=desk.key_file,
    )
    # Made before uvicorn reads the files: its own context would take a key that others can read, and other suites.
    context = _tls(desk, records.config.tls.minimum_version)
    settings.load()
    if context is not None:
        settings.ssl = context
    return settings


def _tls(desk: Desk, minimum_version: str) -> ssl.SSLContext | None:
    if desk.cert_file is None:
        return None
    files = {"cert_file": desk.cert_file, "key_file": desk.key_file, "ca_file": None}
    kind = {"minimum_version": minimum_version, "enabled": True, "client_certificates": "none"}
    try:
        return server_context(ServerTls.model_validate(files | kind))
    except Tg263Error as problem:
        raise Tg263Error(f"the desk's certificate: {problem.message}", hint=problem.hint) from None


def _url(desk: Desk, port: int) -> str:
    host = desk.hosts[0].partition(":")[0] if desk.hosts and not desk.is_local else desk.host
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if desk.cert_file else 'http'}://{shown}:{port}"


@contextmanager
def _link_file(desk: Desk, link: str) -> Iterator[None]:
    """Keep the login link in its file, for its owner alone, while the desk runs."""
    if not desk.login_link:
        yield
        return
    try:
        desk.link_file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(desk.link_file, replace=True, private=True) as (file, _):
            file.write(f"{link}\n".encode())
    except OSError as problem:
        raise Tg263Error(
            f"the login link cannot be written to {desk.link_file}: {problem.strerror}",
            hint="let this user write there, or say desk.login_link: no",
        ) from problem
    try:
        yield
    finally:
        with suppress(OSError):
            if desk.link_file.read_text(encoding="utf-8").strip() == link:  # not that of a desk started since
                desk.link_file.unlink()
