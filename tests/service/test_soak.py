"""The short form of ``benchmarks/soak.py``: everything but steps of the clock happens once, and nothing is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
MOST_MB = 300


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="needs the loopback addresses and /proc of Linux")
def test_each_acknowledged_object_is_accounted_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import soak

    account, books, trouble = soak.soak(tmp_path, rounds=1, seed=1, wanted=lambda kind: "clock" not in kind)
    assert (account.lost, account.damaged, account.stalled) == ([], [], 0)
    assert account.audit_intact
    assert account.tracebacks == 0
    assert set(trouble.happened) == set(trouble.kinds)
    assert account.acknowledged == account.delivered + account.waiting_for_a_person
    assert account.acknowledged > 50
    assert trouble.node.peak_mb < MOST_MB
    assert books.answers["no answer"] > 0, "the kills were not noticed"
