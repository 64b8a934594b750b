"""A name with its description: the head is the name, and the description must not say anything else."""

from __future__ import annotations

import pytest

from tg263_scp.naming.organs.described import head_and_description, only_describes, sides_of
from tg263_scp.naming.organs.reading import read_organ
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature


@pytest.mark.parametrize(
    ("name", "head", "text"),
    [
        ("LN_Ax_L1_R: axillary level 1", "LN_Ax_L1_R", "axillary level 1"),
        ("Level III (middle jugular)", "Level III", "middle jugular"),
        ("Level III [middle jugular] ", "Level III", "middle jugular"),
    ],
)
def test_a_name_is_parted_from_its_description(name: str, head: str, text: str) -> None:
    found = head_and_description(Query(name))
    assert found is not None
    assert [part.name for part in found] == [head, text]


@pytest.mark.parametrize("name", ["Heart", "a: b: c", "(x) Heart", "Lung (a) L", "Lung (b)", ": nodes"])
def test_a_name_without_one_is_whole(name: str) -> None:
    assert head_and_description(Query(name)) is None


@pytest.mark.parametrize(
    ("text", "silent"),
    [
        ("upper jugular nodes", True),
        ("retroauricular & subauricular nodes", True),
        ("level 2", True),
        ("level 3", False),
        ("copy", False),
        ("boost", False),
        ("nodes + 5", False),
    ],
)
def test_a_description_says_nothing_that_the_head_does_not(
    text: str, silent: bool, nomenclature: Nomenclature
) -> None:
    assert only_describes(Query(text), Query("Level 2 left"), nomenclature.lexicon) is silent


def test_sides_of_a_description_are_found(nomenclature: Nomenclature) -> None:
    assert sides_of(Query("right jugular nodes, LeftSide"), nomenclature.lexicon) == {"L", "R"}


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("Level II Left: upper jugular nodes", "LN_Neck_II_L"),
        ("Level II Left: right jugular nodes", ""),
        ("Level II Left (old)", ""),
        ("Bladder (upper part of it)", ""),
    ],
)
def test_only_nodes_are_read_by_their_head(name: str, becomes: str, nomenclature: Nomenclature) -> None:
    assert read_organ(Query(name, site="head_and_neck"), nomenclature).name == becomes
