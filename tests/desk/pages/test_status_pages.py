"""*Destinations*, *Health* and the messages of the desk."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from doubles.desks import Answer, Browser, desk_of, enter, fail, journal_of, receive, write_config
from doubles.loopback import unused_port, wait_until

from tg263_scp.config.loading import load_config
from tg263_scp.desk.pages import health as health_page
from tg263_scp.service.metrics import Build, NodeCounters, metrics_of
from tg263_scp.tools.operate.checks import Check

pytestmark = pytest.mark.usefixtures("loaded_once")

DESTINATION = "destinations: [{{name: archive, host: 127.0.0.1, port: {port}, ae_title: PACS}}]\n"


def text_of(answer: Answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_a_destination_shows_what_waits_failed_and_was_said(tmp_path: Path, no_fsync: None) -> None:
    text = DESTINATION.format(port=unused_port()) + "destination_defaults: {connect_timeout_s: 1}\n"
    with closing(journal_of(write_config(tmp_path, text))) as journal, desk_of(tmp_path, text) as desk:
        browser = enter(desk)
        assert "up to date" in text_of(browser.get("/destinations"))
        fail(journal, 1, error="out of resources")
        job = receive(journal, 2)
        journal.decide(job, {"decision": "d"}, hold=False)
        journal.finish(job, ["archive", "gone"])
        page = text_of(browser.get("/destinations"))
        assert "deliveries failed" in page
        assert "out of resources ×1" in page
        assert "gone not configured" in page
        called = browser.submit("/destinations", "/destinations/call", name="archive")
        assert 'class="note bad"' in browser.follow(called).text
        assert browser.submit("/destinations", "/destinations/call", name="nowhere").status == 404


def test_without_destinations_it_says_what_to_do(tmp_path: Path) -> None:
    journal_of(write_config(tmp_path)).close()
    with desk_of(tmp_path) as desk:
        assert "Every object would be held" in enter(desk).get("/destinations").text


def test_health_shows_figures_at_once_and_checks_when_they_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []

    def examine(config: Path) -> list[Check]:
        looked.append(config)
        return [
            Check("audit log", False, "line 3: <b>changed</b>", "find out who"),
            Check("spool", True, "can be written"),
        ]

    monkeypatch.setattr(health_page, "examine", examine)
    with closing(journal_of(write_config(tmp_path))) as journal, desk_of(tmp_path) as desk:
        receive(journal)
        browser = enter(desk)
        assert "1 received" in text_of(browser.get("/health"))
        shown: Callable[[], bool] = lambda: "can be written" in browser.get("/health").text  # noqa: E731
        wait_until(shown)
        page = browser.get("/health").text
        assert "line 3: &lt;b&gt;changed&lt;/b&gt;" in page
        assert "find out who" in page
        assert "refresh" not in page
        assert len(looked) == 1
        browser.submit("/health", "/health/examine")
        wait_until(lambda: len(looked) == 2)


def test_health_shows_what_the_node_has_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counters = NodeCounters(("relabelled",), ("archive",))
    for status in ("rename", "rename", "review"):
        rois = [{"status": status, "rule": "R050"}]
        counters.audited({"kind": "relabelled", "dataset_bytes": 5, "rois": rois})
    monkeypatch.setattr(health_page, "examine", lambda _: [])
    path = write_config(tmp_path, "metrics: {port: 0}")
    build = Build("d", "c", ("archive",))
    with (
        closing(journal_of(path)) as journal,
        metrics_of(load_config(path), journal.path, build=lambda: build, counters=counters) as address,
    ):
        assert address is not None
        text = f"metrics: {{port: {address[1]}}}"
        write_config(tmp_path, text)
        with desk_of(tmp_path, text) as desk:
            page = text_of(enter(desk).get("/health"))
    assert "Names decided 2 rename · 1 review" in page
    assert "Objects decided 3 relabelled" in page
    assert "Deliveries ended none" in page
    with desk_of(tmp_path, text) as desk:
        assert "does it run?" in text_of(enter(desk).get("/health"))


def test_an_examination_that_fails_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def examine(config: Path) -> list[Check]:
        raise RuntimeError

    monkeypatch.setattr(health_page, "examine", examine)
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    examinations = health_page.Examinations(tmp_path)
    examinations.begin()
    wait_until(lambda: examinations.last()[0] is not None)
    found, _ = examinations.last()
    assert found is not None
    assert not found.checks[0].good


def test_before_the_node_has_run_every_page_says_so(tmp_path: Path) -> None:
    with desk_of(tmp_path) as desk:
        for path in ("/queue", "/destinations", "/health", "/object/1"):
            answer = enter(desk).get(path)
            assert answer.status == 503
            assert "has not run yet" in answer.text


def test_a_page_that_does_not_exist_and_a_method_that_does_not(tmp_path: Path) -> None:
    with desk_of(tmp_path) as desk:
        browser = enter(desk)
        for path in (
            "/nowhere",
            "/static/../server.py",
            "/static/%2e%2e/server.py",
            "/docs",
            "/openapi.json",
            "/redoc",
        ):
            assert browser.get(path).status == 404, path
        assert browser.send("DELETE", "/queue", Origin=desk.url).status == 405
        assert browser.get("/object/abc").status == 422
        assert Browser(desk.url).get("/nowhere").status == 404


def test_a_fault_is_told_without_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    journal_of(write_config(tmp_path)).close()

    def broken(*_: object) -> None:
        raise RuntimeError("over the ROI of Mrs Miller")

    with desk_of(tmp_path) as desk:
        browser = enter(desk)
        monkeypatch.setattr("tg263_scp.desk.pages.queue._rows", broken)
        answer = browser.get("/queue")
    assert answer.status == 500
    assert "Miller" not in answer.text + caplog.text
    assert "RuntimeError at" in caplog.text
