"""People are told once, in one message, and never a ROI name or a patient."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from doubles.loopback import PATIENT_ID, PATIENT_NAME, unused_port
from doubles.mailbox import Mailbox, Webhook, mailbox, webhook
from doubles.still_nodes import HOUR_S, StillNode

from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.journal.states import DeliveryState
from tg263_scp.service.notify.causes import Cause, Sources
from tg263_scp.service.notify.channels import channels_of
from tg263_scp.service.notify.notifier import TRY_AGAIN_S, Notifier
from tg263_scp.service.review.decisions import WHOLE_CLINIC, Ruled, Wish
from tg263_scp.service.review.store import ReviewStore
from tg263_scp.service.switch import set_switch


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as running:
        yield running


@pytest.fixture
def mails() -> Iterator[Mailbox]:
    with mailbox() as running:
        yield running


@pytest.fixture
def node(
    tmp_path: Path, nomenclature: Nomenclature, no_fsync: None, hook: Webhook, mails: Mailbox
) -> Iterator[StillNode]:
    opened = StillNode(
        tmp_path,
        nomenclature,
        f"naming: {{gates: {{unresolved: hold}}}}\nreview: {{second_person: yes}}\n"
        f"notify: {{webhook: 'http://127.0.0.1:{hook.port}/hook?key=1', webhook_headers: ['X-Key: secret'],"
        f" smtp_host: 127.0.0.1, smtp_port: {mails.port}, smtp_tls: none,"
        f" mail_from: node@example.org, mail_to: [a@example.org, b@example.org]}}\n",
    )
    yield opened
    opened.close()


@pytest.fixture
def weather() -> SimpleNamespace:
    """What the node cannot do anything about."""
    return SimpleNamespace(disk=False, model=False)


@pytest.fixture
def notifier(node: StillNode, weather: SimpleNamespace) -> Notifier:
    notify, folder = node.config.notify, node.config.spool.folder
    sources = Sources(
        node.node.journal,
        folder,
        ReviewStore(folder),
        disk_is_short=lambda: weather.disk,
        model_is_away=lambda: weather.model,
        clock=lambda: node.now,
        destination_down_s=notify.destination_down_s,
    )
    channels = channels_of(notify)
    return Notifier(sources, channels, folder, "TG263", every_s=notify.every_s, clock=lambda: node.now)


def causes(hook: Webhook) -> list[list[str]]:
    return [[each["cause"] for each in message["causes"]] for message in hook.got]


def test_nothing_is_told_where_nothing_waits(notifier: Notifier, hook: Webhook) -> None:
    notifier.work_on_next()
    assert hook.got == []


def test_what_is_new_at_one_look_goes_in_one_message_and_is_told_once(
    node: StillNode, notifier: Notifier, hook: Webhook, mails: Mailbox, weather: SimpleNamespace
) -> None:
    node.receive("qqx", PATIENT_NAME.replace("^", " "))
    node.review().decide(Wish("qqy", Ruled.KEEP, WHOLE_CLINIC, "anna"))
    set_switch(node.config.spool.folder, paused=True, by="anna", why="a doubt")
    weather.disk = weather.model = True
    notifier.work_on_next()
    notifier.work_on_next()
    assert causes(hook) == [["paused", "disk_low", "held", "model_away", "second_person"]]
    assert hook.headers["X-Key"] == "secret"
    assert hook.paths == ["/hook?key=1"]
    (mail,) = mails.mails
    assert "To: a@example.org, b@example.org" in mail
    assert "1 object is held: job 1" in mail
    said = json.dumps(hook.got) + mail
    for private in ("qqx", "qqy", PATIENT_ID, PATIENT_NAME.partition("^")[0], "1.2.3.100"):
        assert private not in said


def test_a_cause_is_told_at_most_once_an_hour_whatever_is_new(
    node: StillNode, notifier: Notifier, hook: Webhook
) -> None:
    node.receive("qqx", uid="1.2.1")
    notifier.work_on_next()
    node.receive("qqx", uid="1.2.2")
    node.now += HOUR_S - 1
    notifier.work_on_next()
    assert len(hook.got) == 1
    node.now += 2
    notifier.work_on_next()
    assert [message["causes"][0]["count"] for message in hook.got] == [1, 2]
    node.now += 100 * HOUR_S
    notifier.work_on_next()
    assert len(hook.got) == 2


def test_what_was_over_and_comes_back_is_news(
    notifier: Notifier, node: StillNode, hook: Webhook, weather: SimpleNamespace
) -> None:
    for disk in (True, False, True):
        weather.disk = disk
        notifier.work_on_next()
        node.now += HOUR_S + 1
    assert causes(hook) == [["disk_low"], ["disk_low"]]


def test_a_destination_that_takes_nothing_and_what_was_given_up(
    node: StillNode, notifier: Notifier, hook: Webhook
) -> None:
    job = node.receive("vessie")
    (delivery,) = node.node.journal.outbox.deliveries(job)
    outbox = node.node.journal.outbox
    outbox.sending(delivery)
    outbox.settle(delivery, DeliveryState.RETRY, error="refused", next_attempt_at=node.now + 60)
    notifier.work_on_next()
    assert hook.got == []
    node.now += 901
    notifier.work_on_next()
    (delivery,) = outbox.deliveries(job)
    outbox.settle(delivery, DeliveryState.FAILED, error="refused")
    notifier.work_on_next()
    assert causes(hook) == [["destination_down"], ["failed"]]
    assert "archive" in hook.got[0]["text"]


def test_a_restart_repeats_nothing(node: StillNode, notifier: Notifier, hook: Webhook) -> None:
    node.receive("qqx")
    notifier.work_on_next()
    again = Notifier(
        notifier._sources,
        notifier._channels,
        node.config.spool.folder,
        "TG263",
        every_s=HOUR_S,
        clock=lambda: node.now,
    )
    node.now += 2 * HOUR_S
    again.work_on_next()
    assert len(hook.got) == 1


def test_a_channel_that_fails_is_logged_without_its_address_and_tried_again(
    node: StillNode, notifier: Notifier, hook: Webhook, mails: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    hook.status, mails.refuses = 500, True
    node.receive("qqx")
    with caplog.at_level(logging.ERROR):
        notifier.work_on_next()
        notifier.work_on_next()
    assert len(hook.got) == 1
    assert "status 500" in caplog.text
    assert "mail server did not take" in caplog.text
    assert "key=1" not in caplog.text
    hook.status = 200
    node.now += TRY_AGAIN_S
    notifier.work_on_next()
    notifier.work_on_next()
    assert len(hook.got) == 2


def test_a_server_that_is_not_there_and_a_store_that_is_damaged(
    node: StillNode, notifier: Notifier, hook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    node.review().decide(Wish("qqy", Ruled.KEEP, WHOLE_CLINIC, "anna"))
    store = node.config.spool.folder / "review.jsonl"
    store.write_bytes(store.read_bytes().replace(b"anna", b"bert"))
    notifier.work_on_next()
    assert causes(hook) == [[Cause.STORE_DAMAGED]]
    gone = node.config.notify.model_copy(
        update={"webhook": f"http://127.0.0.1:{unused_port()}/", "mail_to": []}
    )
    notifier._channels = channels_of(gone)
    node.now += HOUR_S + 1
    node.receive("qqx")
    with caplog.at_level(logging.ERROR):
        notifier.work_on_next()
    assert "ConnectionRefusedError" in caplog.text


def test_a_node_tells_by_itself(node: StillNode, hook: Webhook) -> None:
    notifier = node.node._notifier
    assert notifier is not None
    node.receive("qqx")
    notifier.work_on_next()
    assert causes(hook) == [["held"]]
