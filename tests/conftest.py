"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
from doubles.drafts import CODINGS, Coding

from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.naming.standard.nomenclature import Nomenclature

_left_out: set[str] = set()
_OF_WORKER = "slow_tests_left_out"


def pytest_configure(config: pytest.Config) -> None:
    """Give verbs the width that a pipe gets: pytest-xdist tells its processes that of a terminal."""
    if hasattr(config, "workerinput"):
        os.environ.pop("COLUMNS", None)


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Remember the slow tests that were not asked for."""
    _left_out.update(item.nodeid for item in items if item.get_closest_marker("slow"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand on what was left out, where this is one of several processes."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_OF_WORKER] = sorted(_left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take what another process left out."""
    _left_out.update(getattr(node, "workeroutput", {}).get(_OF_WORKER, ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many slow tests were left out: what is not seen must not look as if it had passed."""
    if _left_out:
        terminalreporter.write_line(
            f"{len(_left_out)} slow tests left out; `make test SLOW=yes` runs them too"
        )


@pytest.fixture(params=CODINGS, ids=lambda coding: coding.name)
def coding(request: pytest.FixtureRequest) -> Coding:
    """Every way of writing a data set, one after the other."""
    return request.param


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., Path]:
    """Store bytes as a new file and return its path."""

    def store(content: bytes, name: str = "received.dcm") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return store


@pytest.fixture
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that write hundreds of files and do not look at durability."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


@pytest.fixture(scope="session")
def nomenclature() -> Nomenclature:
    """The list and the packs that ship."""
    return load_nomenclature()


@pytest.fixture
def loaded_once(monkeypatch: pytest.MonkeyPatch, nomenclature: Nomenclature) -> None:
    """For tests of the verbs: what ships is read once for all of them, since that takes longer than most; overlays are read."""

    def load(
        folder: Path | None = None,
        overlay: Path | None = None,
        *,
        compiled: bool = False,
        languages: Collection[str] = (),
    ) -> Nomenclature:
        if not (folder or overlay or languages):
            return nomenclature
        return load_nomenclature(folder, overlay, compiled=compiled, languages=languages)

    for module in (
        "service.namer",
        "service.review.exchange",
        "service.review.review",
        "tools.archive.copies",
        "tools.demo.demonstration",
        "tools.names.nomenclature",
        "tools.operate.doctor",
        "tools.review.review",
    ):
        monkeypatch.setattr(f"tg263_scp.{module}.load_nomenclature", load)
