"""Fixtures: each test gets the peers it names, as running processes, and they are gone when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import processes
import pytest
import specimens
from foreign_peers import DcmtkReceiver, Orthanc
from serving_node import ServingNode


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which versions the results stand for."""
    if processes.versions:
        terminalreporter.section("foreign peers")
        for version in sorted(processes.versions.values()):
            terminalreporter.line(version)


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
def first_come_orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """An Orthanc as it comes: what it has is never replaced (OverwriteInstances false)."""
    orthanc = Orthanc(tmp_path_factory.mktemp("first-come"), overwrite=False).start()
    yield orthanc
    orthanc.kill()


@pytest.fixture
def rtstruct(tmp_path: Path) -> Path:
    """A synthetic structure set, explicit VR little endian; its UIDs are this test's alone."""
    return specimens.structure_set(tmp_path / "RTSTRUCT.dcm", seed=tmp_path.name)


@pytest.fixture
def export(tmp_path: Path) -> list[Path]:
    """A whole synthetic export: CT, MR, PT, REG, RTSTRUCT, RTPLAN, RTDOSE; its UIDs are this test's alone."""
    return specimens.export(tmp_path / "export", seed=tmp_path.name)
