"""The figures of a node, scraped over HTTP as Prometheus does."""

from __future__ import annotations

import json
import re
import socket
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from doubles.loopback import (
    CT,
    DEADLINE_S,
    PATIENT_ID,
    RTSTRUCT,
    Receiver,
    Sender,
    image,
    node_config,
    structure_set,
    unused_port,
    wait_until,
)
from doubles.nodes import settled
from doubles.ollama_double import OllamaDouble

from tg263_scp import __version__
from tg263_scp.dicom.network.refusals import Reason
from tg263_scp.dicom.network.sender import Unavailable
from tg263_scp.errors import HoldReason, Tg263Error
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service import metrics
from tg263_scp.service.journal.database import JOURNAL_NAME
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Arrival, DeliveryState
from tg263_scp.service.llm.counters import LlmFigures
from tg263_scp.service.metrics import Build, MetricsListener, NodeFigures
from tg263_scp.service.node import assemble
from tg263_scp.tools.operate import doctor

SAMPLE = re.compile(r"([a-z0-9_]+(?:\{[^}]*\})?) ([-+.0-9e]+)")


class Clock:
    """Seconds since 1970 that pass when told."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def scrape(address: tuple[str, int]) -> tuple[str, dict[str, float]]:
    """Return the page, and its values by name and labels as they are written."""
    connection = HTTPConnection(*address, timeout=DEADLINE_S)
    connection.request("GET", "/metrics")
    response = connection.getresponse()
    page = response.read().decode()
    connection.close()
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    return page, {found[1]: float(found[2]) for found in map(SAMPLE.fullmatch, page.splitlines()) if found}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Journal:
    journal = Journal(tmp_path / "journal.sqlite", clock=clock)
    yield journal
    journal.close()


@pytest.fixture
def shown(journal: Journal, clock: Clock, tmp_path: Path):
    """Show figures of ``journal``, whatever else is said."""
    listeners = []

    def show(**more) -> tuple[str, int]:
        build = partial(Build, "ab" * 32, "cd" * 32, ("pacs", "research"))
        listeners.append(
            MetricsListener("127.0.0.1", 0, NodeFigures(journal, tmp_path, build, clock=clock, **more))
        )
        return listeners[-1].address

    yield show
    for listener in listeners:
        listener.stop()


def receive(journal: Journal, number: int) -> int:
    arrival = Arrival(
        f"t{number}",
        RTSTRUCT,
        f"1.2.{number}",
        "1.2.840.10008.1.2",
        f"{number}",
        1,
        "TPS",
        "::1",
        "TG263",
        "",
    )
    return journal.receive(arrival)[0]


def decided(journal: Journal, number: int, *, hold: bool = False) -> int:
    job = receive(journal, number)
    journal.decide(job, {}, hold=hold, reason=HoldReason.TRUNCATED if hold else "")
    journal.finish(job, ["pacs", "research"])
    return job


def test_objects_and_deliveries_are_counted_by_state(journal, shown, clock):
    decided(journal, 1)
    decided(journal, 2, hold=True)
    clock.now = 1_060.0
    job = decided(journal, 3)
    receive(journal, 4)
    for delivery in journal.outbox.deliveries(1):
        journal.outbox.sending(delivery)
        journal.outbox.settle(delivery, DeliveryState.SENT, status=0)
    (pacs, _) = journal.outbox.deliveries(job)
    journal.outbox.settle(pacs, DeliveryState.FAILED, error="given up")
    clock.now = 1_100.0
    _, values = scrape(shown())
    states = {"received": 1, "decided": 0, "ready": 2, "held": 1, "expired": 0}
    for state, count in states.items():
        assert values[f'tg263_objects{{state="{state}"}}'] == count
    assert values['tg263_objects_oldest_seconds{state="received"}'] == 40
    assert values['tg263_objects_oldest_seconds{state="held"}'] == 100
    assert values['tg263_objects_oldest_seconds{state="decided"}'] == 0
    assert values['tg263_deliveries{destination="pacs",state="sent"}'] == 1
    assert values['tg263_deliveries{destination="pacs",state="failed"}'] == 1
    assert values['tg263_deliveries{destination="research",state="pending"}'] == 1
    assert values['tg263_deliveries_oldest_seconds{destination="pacs"}'] == 0
    assert values['tg263_deliveries_oldest_seconds{destination="research"}'] == 40


def test_what_never_happened_is_a_zero_that_an_alert_can_rely_on(shown):
    _, values = scrape(shown())
    assert values['tg263_deliveries{destination="research",state="failed"}'] == 0
    assert values['tg263_deliveries_oldest_seconds{destination="pacs"}'] == 0
    assert values['tg263_objects{state="held"}'] == 0


def test_a_destination_that_is_no_longer_configured_is_still_counted(journal, shown):
    job = receive(journal, 1)
    journal.decide(job, {}, hold=False)
    journal.finish(job, ["former"])
    _, values = scrape(shown())
    assert values['tg263_deliveries{destination="former",state="pending"}'] == 1


def test_build_disk_and_process_are_there(shown, tmp_path):
    _, values = scrape(shown())
    build = (
        f'tg263_build_info{{configuration="{"cd" * 6}",nomenclature="{"ab" * 6}",version="{__version__}"}}'
    )
    assert values[build] == 1
    assert values["tg263_free_disk_bytes"] > 0
    assert values["tg263_journal_readable"] == 1


def test_the_model_is_shown_as_it_stands_when_asked(shown):
    llm = LlmFigures()
    llm.up.set(1)
    llm.asked.inc(7)
    address = shown(llm=llm)
    _, values = scrape(address)
    assert (values["tg263_model_up"], values["tg263_model_asked_total"]) == (1, 7)
    llm.up.set(0)
    llm.asked.inc()
    page, values = scrape(address)
    assert (values["tg263_model_up"], values["tg263_model_asked_total"]) == (0, 8)
    assert "# TYPE tg263_model_asked_total counter" in page
    assert "# TYPE tg263_model_waiting_objects gauge" in page


def test_every_figure_of_the_model_is_shown_once_from_the_beginning(shown):
    page, _ = scrape(shown(llm=LlmFigures()))
    shown_lines = [line for line in page.splitlines() if line.startswith("tg263_model_")]
    assert shown_lines == [
        "tg263_model_up 0.0",
        "tg263_model_qualified 0.0",
        "tg263_model_breaker_open 0.0",
        "tg263_model_asked_total 0.0",
        "tg263_model_answered_total 0.0",
        "tg263_model_cached_total 0.0",
        "tg263_model_failures_total 0.0",
        "tg263_model_prompt_tokens_total 0.0",
        "tg263_model_answer_tokens_total 0.0",
        "tg263_model_waiting_objects 0.0",
        "tg263_model_unanswered_objects_total 0.0",
    ]


def test_two_models_in_one_process_share_no_count():
    first, second = LlmFigures(), LlmFigures()
    first.asked.inc(7)
    second.asked.inc(2)
    counts = [each.registry.get_sample_value("tg263_model_asked_total") for each in (first, second)]
    assert counts == [7, 2]


def test_without_a_model_there_is_nothing_about_it(shown):
    assert "tg263_model" not in scrape(shown())[0]


def test_refused_connections_are_counted_by_reason(shown):
    _, values = scrape(shown(refused=lambda: {Reason.CALLING_AE_TITLE: 3, Reason.IDLE: 0}))
    assert values['tg263_connections_refused_total{reason="calling_ae_title"}'] == 3
    assert values['tg263_connections_refused_total{reason="idle"}'] == 0


def test_a_node_shows_the_connections_that_it_turned_away(nomenclature, tmp_path):
    config = node_config(tmp_path, metrics={"port": 0}, peers={"ae_titles": ["CT1"]})
    with assemble(config, nomenclature) as node:
        with pytest.raises(Unavailable):
            Sender(node.address[1], tmp_path, calling_ae_title="ELSE").send(image(), CT, "1.2.3")
        assert node.metrics_address
        _, values = scrape(node.metrics_address)
    assert values['tg263_connections_refused_total{reason="calling_ae_title"}'] == 1


def test_a_journal_that_cannot_be_read_does_not_hide_the_rest(journal, shown):
    address = shown()
    journal.close()
    page, values = scrape(address)
    assert values["tg263_journal_readable"] == 0
    assert "tg263_objects" not in page
    assert "tg263_free_disk_bytes" in values


def test_a_port_that_is_taken_is_a_clear_error(journal, shown, tmp_path):
    port = shown()[1]
    with pytest.raises(Tg263Error, match=f"metrics cannot be shown at 127.0.0.1:{port}") as caught:
        MetricsListener("127.0.0.1", port, NodeFigures(journal, tmp_path, partial(Build, "", "", ())))
    assert caught.value.hint


def test_a_node_shows_what_it_did_and_nothing_about_anybody(
    tmp_path: Path, nomenclature: Nomenclature
) -> None:
    with Receiver() as receiver:
        config = node_config(tmp_path, receiver.port, metrics={"port": 0})
        with assemble(config, nomenclature) as node:
            assert node.metrics_address is not None
            name = "LUNG-L"
            Sender(node.address[1], tmp_path).send(structure_set([name]), RTSTRUCT, "1.2.3.100")
            wait_until(
                lambda: (
                    scrape(node.metrics_address)[1]['tg263_deliveries{destination="d1",state="sent"}'] == 1
                )
            )
            page, values = scrape(node.metrics_address)
        assert values['tg263_objects{state="ready"}'] == 1
        for secret in (name, "Lung_L", PATIENT_ID, "Mustermann", "1.2.3.100"):
            assert secret not in page
        with pytest.raises(OSError, match="refused"):
            scrape(node.metrics_address)


def test_names_objects_deliveries_and_bytes_are_counted(tmp_path: Path, nomenclature: Nomenclature) -> None:
    def statuses(uid: str) -> int:
        return 0xA900 if uid.endswith("2") else 0x0000

    sets = [
        structure_set(["LUNG-L", "Heart", "no such thing"], uid="1.2.3.101"),
        structure_set(["Heart"], uid="1.2.3.102"),
        structure_set(["LUNG-L"], uid="1.2.3.103")[:-3],
    ]
    with Receiver(status=statuses) as receiver:
        config = node_config(tmp_path, receiver.port, metrics={"port": 0})
        with assemble(config, nomenclature) as node:
            _, before = scrape(node.metrics_address)
            sender = Sender(node.address[1], tmp_path)
            for number, dataset in enumerate(sets, start=1):
                sender.send(dataset, RTSTRUCT, f"1.2.3.10{number}")
            wait_until(lambda: settled(node, 3))
            _, values = scrape(node.metrics_address)
    outcomes = {"relabelled": 1, "unchanged": 1, "held": 1, "passed": 0, "shadow": 0}
    for outcome, count in outcomes.items():
        assert before[f'tg263_objects_decided_total{{outcome="{outcome}"}}'] == 0
        assert values[f'tg263_objects_decided_total{{outcome="{outcome}"}}'] == count
    names = {key: value for key, value in values.items() if key.startswith("tg263_names_total")}
    assert names == {
        'tg263_names_total{rule="R040",status="rename"}': 1,
        'tg263_names_total{rule="R010",status="keep"}': 2,
        'tg263_names_total{rule="R080",status="review"}': 1,
    }
    for outcome in ("delivered", "delivery_failed"):
        key = f'tg263_deliveries_ended_total{{destination="d1",outcome="{outcome}"}}'
        assert (before[key], values[key]) == (0, 1)
    assert values['tg263_delivered_bytes_total{destination="d1"}'] == len(sets[0])
    sizes = [values[f'tg263_decided_bytes_total{{outcome="{outcome}"}}'] for outcome in outcomes]
    assert sizes == [*map(len, sets), 0, 0]


def test_a_node_without_a_port_for_figures_shows_none(tmp_path: Path, nomenclature: Nomenclature) -> None:
    with assemble(node_config(tmp_path), nomenclature) as node:
        assert node.metrics_address is None


def test_a_node_whose_port_for_figures_is_taken_does_not_start(
    tmp_path: Path, nomenclature: Nomenclature, shown
) -> None:
    config = node_config(tmp_path, metrics={"port": shown()[1]})
    with pytest.raises(Tg263Error, match="metrics cannot be shown"):
        assemble(config, nomenclature).start()
    with assemble(node_config(tmp_path), nomenclature):  # nothing of the failed start is in the way
        pass


def test_doctor_says_whose_the_port_is(tmp_path: Path, shown) -> None:
    config = node_config(tmp_path, metrics={"port": shown()[1]})
    assert "a node shows its figures there" in doctor._metrics(config).detail
    assert doctor._metrics(node_config(tmp_path, metrics={"port": unused_port()})).good
    with OllamaDouble() as other:
        check = doctor._metrics(node_config(tmp_path, metrics={"port": other.port}))
    assert not check.good


def ask(address: tuple[str, int], path: str) -> tuple[int, dict]:
    connection = HTTPConnection(*address, timeout=DEADLINE_S)
    connection.request("GET", path)
    response = connection.getresponse()
    told = json.loads(response.read())
    connection.close()
    return response.status, told


def test_a_node_that_runs_is_alive_and_ready(tmp_path: Path, nomenclature: Nomenclature) -> None:
    with assemble(node_config(tmp_path, metrics={"port": 0}), nomenclature) as node:
        for path in ("/healthz", "/readyz"):
            assert ask(node.metrics_address, path) == (
                200,
                dict.fromkeys(("listener", "threads", "journal", "disk"), "ok"),
            )


def test_a_node_that_does_not_listen_is_alive_and_not_ready(
    tmp_path: Path, nomenclature: Nomenclature
) -> None:
    with assemble(node_config(tmp_path, metrics={"port": 0}), nomenclature) as node:
        node._listener.stop(0.0)
        assert ask(node.metrics_address, "/healthz")[0] == 200
        status, told = ask(node.metrics_address, "/readyz")
        assert (status, told["listener"]) == (503, "fault")


def test_a_node_whose_disk_is_full_is_alive_and_not_ready(tmp_path: Path, nomenclature: Nomenclature) -> None:
    config = node_config(tmp_path, metrics={"port": 0})
    config = config.model_copy(update={"spool": config.spool.model_copy(update={"min_free_bytes": 1 << 60})})
    with assemble(config, nomenclature) as node:
        assert ask(node.metrics_address, "/healthz")[0] == 200
        assert ask(node.metrics_address, "/readyz")[1]["disk"] == "fault"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_node_without_its_journal_or_a_thread_is_neither(
    tmp_path: Path, nomenclature: Nomenclature, path: str
) -> None:
    config = node_config(tmp_path, metrics={"port": 0})
    with assemble(config, nomenclature) as node:
        node._worker.stop(DEADLINE_S)
        assert ask(node.metrics_address, path)[1]["threads"] == "fault"
        (config.spool.folder / JOURNAL_NAME).unlink()
        status, told = ask(node.metrics_address, path)
        assert (status, told["journal"]) == (503, "fault")


def test_connections_that_ask_nothing_are_few_and_end(shown, monkeypatch) -> None:
    """Silent and trickling ones take every place, one more is closed at once; after the deadline all places are free."""
    monkeypatch.setattr(metrics, "DEADLINE_S", 1.0)
    address = shown()
    silent = [socket.create_connection(address, DEADLINE_S) for _ in range(metrics.MAX_CONNECTIONS)]
    silent[0].sendall(b"GET /met")
    one_more = socket.create_connection(address, DEADLINE_S)
    assert one_more.recv(1) == b""
    for connection in silent:
        connection.settimeout(DEADLINE_S)
        assert connection.recv(1) == b""
        connection.close()
    one_more.close()
    wait_until(lambda: answers(address))


def answers(address: tuple[str, int]) -> bool:
    try:
        return bool(scrape(address)[1])
    except (OSError, HTTPException):
        return False


def test_another_page_is_not_found(shown) -> None:
    connection = HTTPConnection(*shown(), timeout=DEADLINE_S)
    connection.request("GET", "/<script>")
    response = connection.getresponse()
    assert (response.status, b"script" in response.read()) == (404, False)
    connection.close()
