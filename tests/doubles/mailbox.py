"""A webhook and a mail server that keep what they get, on free ports of this computer."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Webhook:
    """A webhook that answers ``status``; ``got`` are the documents, ``headers`` those of the last request."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}
        self.paths: list[str] = []
        self.port = 0


@contextmanager
def webhook() -> Iterator[Webhook]:
    found = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            found.headers, _ = dict(self.headers), found.paths.append(self.path)
            self.send_response(found.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with _served(HTTPServer(("127.0.0.1", 0), Handler)) as found.port:
        yield found


@contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[int]:
    """Let a server run for the duration of the block; yield its port."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    with server:
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


class Mailbox:
    """A mail server without TLS; ``mails`` are the texts it got, ``refuses`` lets it turn every recipient away."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.refuses = False
        self.port = 0


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    found = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 double")
            for line in iter(self.rfile.readline, b""):
                word = line.split()[0].upper() if line.split() else b""
                if word == b"DATA":
                    self._say("354 go on")
                    text = b"".join(iter(self.rfile.readline, b".\r\n"))
                    found.mails.append(text.decode())
                    self._say("250 kept")
                elif word == b"RCPT" and found.refuses:
                    self._say("550 nobody here")
                elif word == b"QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 well")

        def _say(self, text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with _served(server) as found.port:
        yield found
