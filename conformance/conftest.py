"""Fixtures: each test gets the peers it names, as running processes, and they are gone when it ends."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import processes
import pytest
import specimens
from foreign_peers import DcmtkReceiver, Orthanc
from matrix import FAILED, HERE, NOT_RUN, PASSED, Matrix
from serving_node import ServingNode

_MATRIX = pytest.StashKey[Matrix]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin an empty matrix."""
    config.addinivalue_line(
        "markers", "cell(table, row, column): the test stands for this cell of the matrix"
    )
    config.stash[_MATRIX] = Matrix()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Enter the cells of all tests, before any of them is left out.

    Raises:
        pytest.UsageError: a matrix is wanted without a file of tests that it needs.
    """
    for item in items:
        parameters = (
            item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        )
        config.stash[_MATRIX].declare(item.nodeid, item.iter_markers("cell"), parameters)
    config.stash[_MATRIX].is_whole = {item.path for item in items} >= set(HERE.glob("test_peer_*.py"))
    if os.environ.get("TG263_MATRIX") and not config.stash[_MATRIX].is_whole:
        raise pytest.UsageError("TG263_MATRIX needs all tests of the folder conformance")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note what became of each test."""
    report = yield
    matrix = item.config.stash[_MATRIX]
    if report.failed:
        matrix.note(item.nodeid, FAILED)
    elif report.skipped:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else "expected to fail"
        matrix.note(item.nodeid, NOT_RUN, why.removeprefix("Skipped: "))
    elif report.when == "call":
        matrix.note(item.nodeid, PASSED)
    return report


@pytest.fixture
def matrix(request: pytest.FixtureRequest) -> Matrix:
    """The matrix of this run, with the cells of all tests that were collected."""
    return request.config.stash[_MATRIX]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which versions the results stand for, and write the matrix where it is wanted."""
    if processes.versions:
        terminalreporter.section("foreign peers")
        for version in sorted(processes.versions.values()):
            terminalreporter.line(version)
    if target := os.environ.get("TG263_MATRIX"):
        text = config.stash[_MATRIX].markdown(processes.versions.values())
        Path(target).write_text(text, encoding="utf-8")
        terminalreporter.line(f"matrix: {target}")


@pytest.fixture
def make_receiver(tmp_path: Path) -> Iterator[Callable[..., DcmtkReceiver]]:
    """Make DCMTK receivers that the test starts, kills and starts again itself."""
    with ExitStack() as ending:

        def make(name: str = "received", **options: Any) -> DcmtkReceiver:
            made = DcmtkReceiver(tmp_path / name, **options)
            ending.callback(made.kill)
            return made

        yield make


@pytest.fixture
def make_node(tmp_path: Path) -> Iterator[Callable[..., ServingNode]]:
    """Make a node with the given destinations; further settings by section. The test starts it itself."""
    with ExitStack() as ending:

        def make(*destinations: dict[str, Any], **sections: Any) -> ServingNode:
            made = ServingNode(tmp_path, destinations, **sections)
            ending.callback(made.kill)
            return made

        yield make


@pytest.fixture(scope="session")
def shared_receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DcmtkReceiver]:
    """One storescp for all tests that need no other."""
    receiver = DcmtkReceiver(tmp_path_factory.mktemp("storescp") / "received").start()
    yield receiver
    receiver.kill()


@pytest.fixture
def receiver(shared_receiver: DcmtkReceiver) -> DcmtkReceiver:
    """DCMTK's storescp, running and empty; it takes every storage SOP class and transfer syntax."""
    shared_receiver.clear()
    return shared_receiver


@pytest.fixture(scope="session")
def shared_node(
    tmp_path_factory: pytest.TempPathFactory, shared_receiver: DcmtkReceiver
) -> Iterator[ServingNode]:
    """One node for all tests that need no settings of their own, since it reads the whole nomenclature at start."""
    node = ServingNode(tmp_path_factory.mktemp("node"), [shared_receiver.as_destination()]).start()
    yield node
    node.kill()


@pytest.fixture
def node(shared_node: ServingNode, receiver: DcmtkReceiver) -> ServingNode:
    """A running node that forwards to ``receiver`` and counts objects from here on."""
    shared_node.count_from_here()
    return shared_node


@pytest.fixture(scope="session")
def shared_archiving_node(
    tmp_path_factory: pytest.TempPathFactory, shared_orthanc: Orthanc
) -> Iterator[ServingNode]:
    """One node for all tests in which Orthanc is the destination."""
    node = ServingNode(tmp_path_factory.mktemp("archiving"), [shared_orthanc.as_destination()]).start()
    yield node
    node.kill()


@pytest.fixture
def archiving_node(shared_archiving_node: ServingNode, orthanc: Orthanc) -> ServingNode:
    """A running node that forwards to ``orthanc`` and counts objects from here on."""
    shared_archiving_node.count_from_here()
    return shared_archiving_node


@pytest.fixture(scope="session")
def shared_orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """One Orthanc for all tests, since it takes a while to start; it replaces what it has (OverwriteInstances true)."""
    orthanc = Orthanc(tmp_path_factory.mktemp("orthanc"), overwrite=True).start()
    yield orthanc
    orthanc.kill()


@pytest.fixture
def orthanc(shared_orthanc: Orthanc) -> Orthanc:
    """The running Orthanc, empty."""
    shared_orthanc.clear()
    return shared_orthanc


@pytest.fixture
def stopped_orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """An Orthanc as it comes, not started yet: what it has is never replaced (OverwriteInstances false)."""
    orthanc = Orthanc(tmp_path_factory.mktemp("orthanc"), overwrite=False)
    yield orthanc
    orthanc.kill()


@pytest.fixture
def first_come_orthanc(stopped_orthanc: Orthanc) -> Orthanc:
    """The same, running."""
    return stopped_orthanc.start()


@pytest.fixture
def rtstruct(tmp_path: Path) -> Path:
    """A synthetic structure set, explicit VR little endian; its UIDs are this test's alone."""
    return specimens.structure_set(tmp_path / "RTSTRUCT.dcm", seed=tmp_path.name)


@pytest.fixture
def export(tmp_path: Path) -> list[Path]:
    """A whole synthetic export: CT, MR, PT, REG, RTSTRUCT, RTPLAN, RTDOSE; its UIDs are this test's alone."""
    return specimens.export(tmp_path / "export", seed=tmp_path.name)
