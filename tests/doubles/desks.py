"""A running desk, and a browser without a screen: it keeps cookies and fills in forms, as HTTP alone has them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tg263_scp.config.loading import load_config
from tg263_scp.desk.server import RunningDesk, running_desk
from tg263_scp.errors import HoldReason
from tg263_scp.service.journal.database import JOURNAL_NAME
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Arrival, DeliveryState

FORM = "application/x-www-form-urlencoded"
PLAIN_CONFIG = "llm: {enabled: no}\nspool: {min_free_bytes: 1 MiB}\n"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def form_token(self) -> str:
        found = re.search(r'name="form_token" value="([^"]+)"', self.text)
        assert found, self.text
        return found[1]

    def values(self, name: str) -> list[str]:
        """The values of the form fields of a name."""
        return [
            html.unescape(value) for value in re.findall(rf'name="{name}"[^>]* value="([^"]*)"', self.text)
        ]


@dataclass
class Browser:
    """One visitor; ``headers`` go with each request."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    cookie: str = ""

    def send(self, method: str, path: str, body: Any = None, **headers: str | None) -> Answer:
        """Send one request; a header that is None is left out, ``_`` in its name is a hyphen."""
        address = urlsplit(self.url)
        kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
        connection = kind(address.netloc, timeout=30)
        sent = {**self.headers, **({"Cookie": self.cookie} if self.cookie else {})}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(
                method, path, body, {name: value for name, value in sent.items() if value is not None}
            )
            response = connection.getresponse()
            text = response.read().decode()
            found = {name.lower(): value for name, value in response.getheaders()}
        finally:
            connection.close()
        if "set-cookie" in found:
            self.cookie = found["set-cookie"].partition(";")[0]
        return Answer(response.status, found, text)

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.send("GET", path, **headers)

    def post(self, path: str, fields: dict[str, Any], **headers: str | None) -> Answer:
        """Send a form as a browser would: with its type and the origin of its page."""
        known = {"Content_Type": FORM, "Origin": self.url, **headers}
        return self.send("POST", path, urlencode(fields, doseq=True), **known)

    def follow(self, answer: Answer) -> Answer:
        """Go where an answer sends the browser."""
        assert answer.status == 303, answer.text
        return self.get(answer.headers["location"])

    def submit(self, page: str, path: str, **fields: Any) -> Answer:
        """Load a page, and send one of its forms with the token that it holds."""
        return self.post(path, {"form_token": self.get(page).form_token, **fields})


def enter(desk: RunningDesk, user: str = "anna") -> Browser:
    """Come in by the link: a visitor with every role."""
    browser = Browser(desk.url)
    answer = browser.post("/enter", {"key": desk.visitors.link_key, "user": user})
    assert answer.status == 303, answer.text
    return browser


def write_config(folder: Path, text: str = "", desk: str = "port: 0") -> Path:
    """Write a configuration with a desk on any free port."""
    path = folder / "node.yaml"
    path.write_text(f"{PLAIN_CONFIG}{text}\ndesk: {{{desk}}}\n", encoding="utf-8")
    return path


@contextmanager
def desk_of(folder: Path, text: str = "", desk: str = "port: 0") -> Iterator[RunningDesk]:
    """Run the desk of a configuration."""
    with running_desk(write_config(folder, text, desk)) as running:
        yield running


def journal_of(config: Path) -> Journal:
    """Open, or make, the journal that a desk looks at; to be closed by the caller."""
    folder = load_config(config).spool.folder
    folder.mkdir(exist_ok=True)
    return Journal(folder / JOURNAL_NAME)


def receive(journal: Journal, number: int = 1, *, caller: str = "TPS1") -> int:
    """Enter an object that nobody has decided yet."""
    arrival = Arrival(
        token=f"t{number}",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.481.3",
        sop_instance_uid=f"1.2.3.{number}",
        transfer_syntax_uid="1.2.840.10008.1.2",
        sha256=f"{number:064x}",
        dataset_bytes=1_500_000,
        calling_ae_title=caller,
        peer_address="10.1.2.3",
        called_ae_title="TG263",
        route="",
    )
    return journal.receive(arrival)[0]


def hold(journal: Journal, number: int = 1, reason: str = HoldReason.SIGNED, **who: str) -> int:
    """Enter an object that is held."""
    job = receive(journal, number, **who)
    journal.decide(job, {"decision": f"d{job}"}, hold=True, reason=reason)
    journal.finish(job, [])
    return job


def fail(journal: Journal, number: int, error: str = "refused", destination: str = "archive") -> int:
    """Enter an object that a destination has been given up on."""
    job = receive(journal, number)
    journal.decide(job, {"decision": f"d{job}"}, hold=False)
    journal.finish(job, [destination])
    (delivery,) = journal.outbox.deliveries(job)
    journal.outbox.settle(delivery, DeliveryState.FAILED, error=error)
    return job
