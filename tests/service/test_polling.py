"""A thread that works off the journal: what comes before each round is not put off by work that never ends."""

from __future__ import annotations

import logging

import pytest
from doubles.loopback import wait_until

from tg263_scp.service import polling
from tg263_scp.service.polling import PollingThread


class Busy(PollingThread):
    """Always has something to do."""

    def __init__(self) -> None:
        super().__init__("busy", subject="work", logger=logging.getLogger("test"))
        self.rounds = self.pieces = 0

    def work_on_next(self) -> bool:
        self.pieces += 1
        return True

    def _prepare(self, *, afresh: bool) -> None:
        self.rounds += 1


def test_between_rounds_there_is_a_break_however_much_is_to_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "ROUND_S", 0.01)
    thread = Busy()
    thread.start()
    wait_until(lambda: thread.rounds > 2)
    assert thread.stop(10.0)
    assert thread.pieces > thread.rounds
