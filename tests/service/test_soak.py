"""The short forms of ``benchmarks/soak.py``: some of it in seconds, and everything once, where nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
MOST_MB = 300
IN_OWN_NAMESPACE = ("unshare", "--map-root-user", "--mount")


ON_LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="needs the loopback addresses and /proc of Linux"
)
IN_A_MOMENT = ("node killed", "destination away", "clock set forward nine days", "25 silent connections")


@ON_LINUX
def test_in_a_moment_of_kills_outages_and_clock_steps_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import soak

    account, _, trouble = soak.soak(tmp_path, rounds=1, seed=2, wanted=lambda kind: kind in IN_A_MOMENT)
    assert (account.lost, account.damaged, account.stalled, account.tracebacks) == ([], [], 0, 0)
    assert account.audit_intact
    assert set(trouble.happened) == set(IN_A_MOMENT)
    assert account.acknowledged > 5


@ON_LINUX
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    subprocess.run([*IN_OWN_NAMESPACE, "true"], capture_output=True, check=False).returncode != 0
    if sys.platform == "linux"
    else True,
    reason="this computer lets nobody mount a small disk of their own",
)
def test_nothing_is_lost_on_a_disk_that_is_full_to_its_last_byte() -> None:
    words = [
        sys.executable,
        BENCHMARKS / "soak.py",
        "--small-disk",
        "--seconds",
        "20",
        "--only",
        "disk,killed",
    ]
    run = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "| disk full |" in run.stdout


@ON_LINUX
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_acknowledged_object_is_accounted_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import soak

    account, books, trouble = soak.soak(tmp_path, rounds=1, seed=1)
    assert (account.lost, account.damaged, account.stalled) == ([], [], 0)
    assert account.audit_intact
    assert account.tracebacks == 0
    assert set(trouble.happened) == set(trouble.kinds)
    assert account.acknowledged == account.delivered + account.waiting_for_a_person
    assert account.acknowledged > 50
    assert trouble.node.peak_mb < MOST_MB
    assert books.answers["no answer"] > 0, "the kills were not noticed"
