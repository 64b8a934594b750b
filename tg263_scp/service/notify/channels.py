"""The ways a message goes: a webhook (JSON over HTTP) and mail (SMTP). Each waits for its server for so long and no longer."""

from __future__ import annotations

import http.client
import json
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from tg263_scp.config.notify import Notify
from tg263_scp.errors import Tg263Error

_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Message:
    """What is told: ``subject`` in one line, ``text`` for people, ``facts`` for programs."""

    subject: str
    text: str
    facts: Mapping[str, Any]


class Channel(Protocol):
    """A way that messages go."""

    @property
    def name(self) -> str:
        """What the log calls it; nothing secret."""

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            Tg263Error: it was not taken; the text holds nothing secret.
        """


class Webhook:
    """Posts ``{"text": ..., "node": ..., "causes": [...]}``; chat programs show ``text``."""

    name = "webhook"

    def __init__(self, notify: Notify) -> None:
        self._url = urlsplit(notify.webhook or "")
        self._headers = dict(header.split(": ", 1) for header in notify.webhook_headers)
        self._ca_file = notify.ca_file

    def send(self, message: Message) -> None:
        """Post a message; the answer has to be 2xx."""
        body = json.dumps({"text": f"{message.subject}\n{message.text}", **message.facts}).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "tg263-scp", **self._headers}
        path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        try:
            connection = self._connection()
            try:
                connection.request("POST", path, body, headers)
                status = connection.getresponse().status
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as problem:
            raise _not_taken("webhook", type(problem).__name__) from None
        if not 200 <= status < 300:
            raise _not_taken("webhook", f"status {status}")

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            context = ssl.create_default_context(cafile=self._ca_file)
            return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=context)
        return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)


class Mail:
    """Sends mail over SMTP, with TLS as configured."""

    name = "mail"

    def __init__(self, notify: Notify) -> None:
        self._notify = notify

    def send(self, message: Message) -> None:
        """Send a message to all recipients."""
        mail = EmailMessage()
        mail["Subject"], mail["From"] = message.subject, self._notify.mail_from
        mail["To"] = ", ".join(self._notify.mail_to)
        mail.set_content(message.text)
        try:
            with self._server() as server:
                refused = server.send_message(mail)
        except (OSError, smtplib.SMTPException) as problem:
            raise _not_taken("mail server", type(problem).__name__) from None
        if refused:
            raise _not_taken("mail server", f"{len(refused)} recipients refused")

    def _server(self) -> smtplib.SMTP:
        notify = self._notify
        context = ssl.create_default_context(cafile=notify.ca_file)
        host = notify.smtp_host or ""
        if notify.smtp_tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, notify.smtp_port, timeout=_TIMEOUT_S, context=context
            )
        else:
            server = smtplib.SMTP(host, notify.smtp_port, timeout=_TIMEOUT_S)
        try:
            if notify.smtp_tls == "starttls":
                server.starttls(context=context)
            if notify.smtp_user:
                server.login(notify.smtp_user, _secret(notify.smtp_password_file))
        except BaseException:
            server.close()
            raise
        return server


def channels_of(notify: Notify) -> list[Channel]:
    """Return the ways that a configuration names."""
    found: list[Channel] = []
    if notify.webhook:
        found.append(Webhook(notify))
    if notify.mail_to:
        found.append(Mail(notify))
    return found


def _secret(path: Path | None) -> str:
    return "" if path is None else path.read_text(encoding="utf-8").strip()


def _not_taken(who: str, why: str) -> Tg263Error:
    return Tg263Error(f"the {who} did not take the message: {why}", hint="look at the section notify")
