"""What every request must be before it is looked at, and what every answer carries.

A request names a host that is ours (else a page elsewhere could reach this one under its own name), is of bounded size, comes
complete in bounded time and, where it changes something, comes from one of our own pages. Every answer forbids scripts, styles,
frames and forms of others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tg263_scp.config.desk import Desk
from tg263_scp.service.faults import fault_place

logger = logging.getLogger("tg263_scp.desk")

API_PATH = "/api/"
_READING = frozenset({"GET", "HEAD"})
_BODY_WITHIN_S = 30.0
_ON_EVERY_ANSWER = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not 'no-referrer': browsers then hide the origin of our own forms as well.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def hosts_of(desk: Desk, port: int) -> frozenset[str]:
    """Return what may stand in the header Host: our address, this computer's names, and those of ``desk.hosts``."""
    local = ("127.0.0.1", "localhost", "[::1]")
    own = f"[{desk.host}]" if ":" in desk.host else desk.host
    with_port = {f"{host}:{port}" for host in (*local, own)}
    given = {host.lower() for host in desk.hosts}
    return frozenset(with_port | given | {f"{host}:{port}" for host in given} | _without_port(port, own))


def _without_port(port: int, own: str) -> set[str]:
    return {"127.0.0.1", "localhost", "[::1]", own} if port in (80, 443) else set()


class Gate:
    """The outermost part of the application."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], most_bytes: int, encrypted: bool) -> None:
        self._app = app
        self._hosts = hosts
        self._most_bytes = most_bytes
        self._headers = dict(_ON_EVERY_ANSWER)
        if encrypted:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            body = await self._body(receive)
            if isinstance(body, bytes):
                try:
                    await self._app(scope, _replayed(body, receive), send_guarded)
                except Exception as problem:
                    # Answered already; the server would log its text, which may hold names.
                    logger.error("a request failed: %s", fault_place(problem))
                return
            refusal = body
        await _answer(scope, *refusal)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return (
                421,
                "This desk does not answer to that host name. Its administrator can add it to desk.hosts.",
            )
        if scope["method"] not in _READING and not self._own_page_asks(scope, headers):
            return 403, "A request that changes something has to come from a page of this desk."
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._most_bytes:
            return 413, f"A request may have at most {self._most_bytes} bytes."
        return None

    def _own_page_asks(self, scope: Scope, headers: Mapping[str, str]) -> bool:
        """A browser says which page a request comes from; a script of the API says nothing, and no cookie counts there."""
        origin = headers.get("origin")
        if origin is not None:
            return urlsplit(origin).netloc.lower() in self._hosts
        if headers.get("sec-fetch-site") is not None:
            return headers["sec-fetch-site"] == "same-origin"
        return str(scope["path"]).startswith(API_PATH)

    async def _body(self, receive: Receive) -> bytes | tuple[int, str]:
        parts: list[bytes] = []
        length = 0
        try:
            async with asyncio.timeout(_BODY_WITHIN_S):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        return 400, "The request ended too early."
                    parts.append(message.get("body", b""))
                    length += len(parts[-1])
                    if length > self._most_bytes:
                        return 413, f"A request may have at most {self._most_bytes} bytes."
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            return 408, "The request did not come in time."


def _replayed(body: bytes, receive: Receive) -> Receive:
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _answer(scope: Scope, status: int, text: str) -> Response:
    if str(scope["path"]).startswith(API_PATH):
        return JSONResponse({"detail": text}, status)
    return PlainTextResponse(text + "\n", status)
