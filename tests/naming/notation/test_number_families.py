"""Ranks, levels and vertebrae, told by the numbers of the whole set."""

from __future__ import annotations

import pytest

from tg263_scp.naming.notation.number_families import families, ranks_of_types, running_ranks, vertebrae
from tg263_scp.naming.notation.shared_words import Stripped


def bare(*names: str) -> list[Stripped]:
    return [Stripped(name) for name in names]


def test_a_number_that_sorts_the_types_is_a_rank() -> None:
    found = ranks_of_types(bare("2 PTV 60", "0 GTV", "1_CTV", "Heart", "2 PTV 50"))
    assert {index: name.text for index, name in found.items()} == {
        0: "PTV 60",
        1: "GTV",
        2: "CTV",
        4: "PTV 50",
    }
    assert found[1].numbers == ("0",)
    assert "0 GTV, 1 CTV, 2 PTV" in found[1].notes[0]


@pytest.mark.parametrize(
    "names",
    [
        ("1 GTV", "2 GTV", "1 CTV", "2 CTV"),
        ("2 GTV", "1 CTV"),
        ("1 GTV", "1 CTV"),
        ("1 PTV", "2 PTV"),
        ("50 GTV", "60 PTV"),
        ("1 GTV", "2 CTV", "CTV"),
        ("1 GTV",),
        (),
    ],
)
def test_a_number_that_sorts_nothing_is_no_rank(names: tuple[str, ...]) -> None:
    assert ranks_of_types(bare(*names)) == {}


def test_numbers_that_run_through_the_set_are_ranks() -> None:
    found = running_ranks(bare("1 Heart", "2 Liver", "3 Cord", "04_Lips", "5. Eye_L", "ring"))
    assert [name.text for name in found.values()] == ["Heart", "Liver", "Cord", "Lips", "Eye_L"]
    assert "5 of 6 names have one" in found[0].notes[0]


@pytest.mark.parametrize(
    "names",
    [
        ("1 Heart", "2 Liver", "3 Cord", "4 Lips"),
        ("1 Heart", "1 Liver", "1 Cord", "1 Lips", "1 Eye_L"),
        ("1 Heart", "2 Liver", "3 Cord", "4 Lips", "5 heart"),
        ("1 Heart", "2 Liver", "3 Cord", "4 Lips", "5 Eye_L", "Lips"),
        ("1 Heart", "2 Liver", "3 Cord", "4 Lips", "95 Eye_L"),
        ("1 cm", "2 cm", "3 mm", "4 Gy", "5 x"),
    ],
    ids=["four", "one number", "equal", "equal to another", "no running number", "units"],
)
def test_other_numbers_are_no_ranks(names: tuple[str, ...]) -> None:
    assert running_ranks(bare(*names)) == {}


def test_three_numbers_behind_one_stem_are_a_family() -> None:
    assert [text for _, text, _ in families(["Qox3 L", "Qox1 L", "Qox 2 L", "Qox2 R"])] == [
        "qox level 1  l",
        "qox level 2  l",
        "qox level 3  l",
    ]


@pytest.mark.parametrize(
    "names",
    [("Qox1", "Qox2"), ("Qox2", "Qox3", "Qox4"), ("Qox1", "Qox2", "Qox2", "Qox3"), ("Q_L1", "Q_L2", "Q_L3")],
    ids=["two", "not from one", "one twice", "a letter before the number"],
)
def test_fewer_numbers_are_none(names: tuple[str, ...]) -> None:
    assert list(families(names)) == []


@pytest.mark.parametrize(
    "names", [("T8", "T9", "T10"), ("Th12", "L1", "L2"), ("l3", "L_4", "l 5"), ("C7", "T1", "T2")]
)
def test_neighbours_in_the_spine_are_vertebrae(names: tuple[str, ...]) -> None:
    assert sorted(index for index, _, _ in vertebrae(names)) == [0, 1, 2]


@pytest.mark.parametrize(
    "names",
    [
        ("T1", "T2", "T3"),
        ("S1", "S2", "S3"),
        ("T8", "T9"),
        ("T8", "T10", "T12"),
        ("T8", "T8", "T9"),
        ("C8", "C9", "C10"),
    ],
)
def test_what_only_counts_is_no_vertebra(names: tuple[str, ...]) -> None:
    assert list(vertebrae(names)) == []
