"""Threads that ask at the same time share one answer's wait; none gets it before it is durable, none pays for another."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from doubles.loopback import DEADLINE_S, wait_until

from tg263_scp.service.journal.together import Together


class Disk:
    """Answers with the tenfold; ``begun`` and ``go_on`` hold it up at its first round."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def answer_all(self, asked: Sequence[int]) -> list[int]:
        self.rounds.append(sorted(asked))
        self.begun.set()
        assert self.go_on.wait(DEADLINE_S)
        if 13 in asked:
            raise ValueError("thirteen")
        return [10 * each for each in asked]


def ask_at_once(disk: Disk, *numbers: int) -> dict[int, object]:
    """Ask 1, and while that is being answered all others."""
    together: Together[int, int] = Together(disk.answer_all)
    found: dict[int, object] = {}

    def ask(number: int) -> None:
        try:
            found[number] = together(number)
        except ValueError as problem:
            found[number] = problem

    threads = [threading.Thread(target=ask, args=(number,)) for number in (1, *numbers)]
    threads[0].start()
    assert disk.begun.wait(DEADLINE_S)
    for thread in threads[1:]:
        thread.start()
    wait_until(lambda: len(together._waiting) == len(numbers))
    assert found == {}, "answered before it is durable"
    disk.go_on.set()
    for thread in threads:
        thread.join(DEADLINE_S)
    return found


def test_all_that_wait_are_answered_in_one_round() -> None:
    disk = Disk()
    assert ask_at_once(disk, 2, 3, 4) == {1: 10, 2: 20, 3: 30, 4: 40}
    assert disk.rounds == [[1], [2, 3, 4]]


def test_what_one_asks_costs_no_other_its_answer() -> None:
    disk = Disk()
    found = ask_at_once(disk, 2, 13, 4)
    assert isinstance(found.pop(13), ValueError)
    assert found == {1: 10, 2: 20, 4: 40}


def test_a_fault_of_one_is_raised_to_it() -> None:
    disk = Disk()
    disk.go_on.set()
    with pytest.raises(ValueError, match="thirteen"):
        Together(disk.answer_all)(13)
