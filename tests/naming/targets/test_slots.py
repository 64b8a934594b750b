"""A slot is filled once."""

from __future__ import annotations

import pytest

from tg263_scp.naming.targets.slots import Slots


@pytest.mark.parametrize("slot", ["classifier", "number", "imaging", "dose", "level", "qualifier"])
def test_a_second_value_of_a_slot_is_a_problem(slot: str) -> None:
    slots = Slots()
    slots.put(slot, "1")
    assert not slots.problem
    slots.put(slot, "2")
    assert slots.problem


@pytest.mark.parametrize(
    ("slot", "is_problem"), [("dose", True), ("number", True), ("classifier", False), ("level", False)]
)
def test_the_same_word_twice_is_one_but_the_same_number_twice_is_two(slot: str, is_problem: bool) -> None:
    slots = Slots()
    slots.put(slot, "1")
    slots.put(slot, "1")
    assert bool(slots.problem) is is_problem
