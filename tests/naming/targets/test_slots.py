"""A slot is filled once; what would fill it a second time is noted."""

from __future__ import annotations

import pytest

from tg263_scp.naming.targets.doubts import Doubt
from tg263_scp.naming.targets.slots import Slots


def filled(slot: str, *values: str) -> Slots:
    slots = Slots()
    for value in values:
        slots.put(slot, value)
    return slots


@pytest.mark.parametrize("slot", ["classifier", "number", "imaging", "dose", "level"])
def test_a_second_value_of_a_slot_is_noted(slot: str) -> None:
    assert filled(slot, "2") == Slots(**{slot: "2"})
    assert filled(slot, "1", "2") != Slots(**{slot: "2"})


@pytest.mark.parametrize(
    ("slot", "is_noted"), [("dose", True), ("number", True), ("classifier", False), ("level", False)]
)
def test_the_same_word_twice_is_one_but_the_same_number_twice_is_two(slot: str, is_noted: bool) -> None:
    assert (filled(slot, "1", "1") != Slots(**{slot: "1"})) is is_noted


def test_slots_filled_alike_are_filled_on_without_the_first() -> None:
    first = Slots(type="PTV", custom=["boost"])
    second = first.copied()
    assert second == first
    second.custom.append("ant")
    second.letters.add("n")
    second.leave(Doubt.SECOND_DOSE)
    assert (first.custom, first.letters, first.doubt) == (["boost"], set(), None)
