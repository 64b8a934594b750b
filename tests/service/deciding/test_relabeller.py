"""Received structure sets: relabelled as the route of their sender says, or left to wait for the language model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from doubles.loopback import EXPLICIT, RTSTRUCT, node_config, structure_set, write_object
from doubles.nodes import UID, List, decide

from tg263_scp.decision import Decision, Roi
from tg263_scp.dicom.encoding.budget import Budget, within
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.errors import HoldReason
from tg263_scp.service.deciding.relabeller import Relabeller
from tg263_scp.service.deciding.relabelling import OutcomeKind, Writing
from tg263_scp.service.deciding.routing import Routes
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Arrival, Job
from tg263_scp.service.llm.consultant import Missed
from tg263_scp.service.llm.waiting_sets import AwaitingLlm


class WaitingSets:
    """Stands for the sets that wait: lets every set wait until it is ``answered``."""

    def __init__(self) -> None:
        self.answered = False
        self.waits: dict[int, Missed] = {}

    @property
    def waiting(self) -> frozenset[int]:
        return frozenset(self.waits)

    def deciding(self, job: int, decide: Any) -> Any:
        def decided(*arguments: Any, **more: Any) -> Any:
            if not self.answered:
                raise AwaitingLlm(Missed(texts={"noname": None}))
            return decide(*arguments, **more)

        return decided

    def wait(self, job: int, missed: Missed) -> None:
        self.waits[job] = missed

    def forget(self, job: int) -> None:
        del self.waits[job]


@pytest.fixture
def received(tmp_path: Path) -> Path:
    return write_object(tmp_path / "received.dcm", structure_set(["herz", "noname"]), RTSTRUCT, UID).path


def job_from(folder: Path, sender: str) -> Job:
    arrival = Arrival("token", RTSTRUCT, UID, EXPLICIT, "0" * 64, 1, sender, "127.0.0.1", "TG263", "")
    journal = Journal(folder / f"journal of {sender}")
    try:
        return journal.job(journal.receive(arrival)[0])
    finally:
        journal.close()


def relabeller(folder: Path, **more: Any) -> Relabeller:
    config = node_config(folder, 104)
    everybody = Routes(config).of(job_from(folder, "SOMEBODY"))
    trial = everybody.model_copy(update={"name": "trial", "mode": "shadow", "calling_ae_titles": ["TRIAL"]})
    routes = Routes(config.model_copy(update={"routes": [trial]}))
    return Relabeller(List(), config.naming, routes, Writing(), decide=decide, **more)


@pytest.mark.parametrize(
    ("sender", "kind", "written"),
    [("TPS", OutcomeKind.RELABELLED, True), ("TRIAL", OutcomeKind.SHADOW, False)],
)
def test_the_route_of_the_sender_says_what_is_done(
    tmp_path: Path, received: Path, sender: str, kind: OutcomeKind, written: bool
) -> None:
    target = tmp_path / "result.dcm"
    outcome = relabeller(tmp_path).relabel(received, target, job_from(tmp_path, sender))
    assert outcome is not None
    assert (outcome.kind, target.exists()) == (kind, written)


def test_without_a_model_no_job_waits(tmp_path: Path) -> None:
    without = relabeller(tmp_path)
    without.forget(1)
    assert without.waiting == frozenset()


def test_a_set_waits_for_the_model_and_is_relabelled_when_it_has_answered(
    tmp_path: Path, received: Path
) -> None:
    waiting_sets, target = WaitingSets(), tmp_path / "result.dcm"
    asking = relabeller(tmp_path, waiting_sets=waiting_sets)
    job = job_from(tmp_path, "TPS")
    assert asking.relabel(received, target, job) is None
    assert asking.waiting == {job.job}
    assert list(waiting_sets.waits[job.job].texts) == ["noname"]
    assert not target.exists()
    waiting_sets.answered = True
    outcome = asking.relabel(received, target, job)
    assert outcome is not None
    assert [roi.name for roi in read_structure_set(target).rois] == ["Heart", "noname"]
    asking.forget(job.job)
    assert asking.waiting == frozenset()


def test_names_that_take_too_long_hold_their_set(received: Path, tmp_path: Path) -> None:
    config = node_config(tmp_path)
    relabeller = Relabeller(List(), config.naming, Routes(config), Writing(), decide=_slow)
    with within(Budget(cpu_s=0.05)):
        outcome = relabeller.relabel(received, tmp_path / "copy.dcm", job_from(tmp_path, "TPS"))
    assert outcome is not None
    assert (outcome.kind, outcome.reason) == (OutcomeKind.HELD, HoldReason.TOO_COSTLY)


def _slow(rois: Sequence[Roi], *_: Any, **__: Any) -> tuple[Decision, ...]:
    for _roi in rois:
        until = time.thread_time() + 0.06
        while time.thread_time() < until:
            pass
    raise AssertionError("it was not stopped")
