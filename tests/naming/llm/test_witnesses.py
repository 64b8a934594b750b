"""Who besides the model testifies a side."""

from __future__ import annotations

import pytest

from tg263_scp.decision import Roi, RoiPlace
from tg263_scp.naming.decide import decide_set
from tg263_scp.naming.llm.readings import Meant, Reading, Role
from tg263_scp.naming.llm.witnesses import Witnesses, witnesses_of
from tg263_scp.naming.standard.nomenclature import Nomenclature

LEFT = RoiPlace(offset_mm=60, rightmost_mm=45, leftmost_mm=75, slices=9)


def of(nomenclature: Nomenclature, *names: str, place: RoiPlace | None = None) -> Witnesses:
    decisions = decide_set([Roi(at, name) for at, name in enumerate(names)], nomenclature)
    return witnesses_of(decisions, nomenclature, lambda at: place)


def left(piece: str) -> Reading:
    return Reading(Meant.STRUCTURE, "Parotid", ((Role.LEFT, piece),))


@pytest.mark.parametrize(
    ("names", "written", "piece", "testifies"),
    [
        (("LGNARB", "RGNARB"), "LGNARB", "L", "the mirror name"),
        (("gnarbl", "gnarbr"), "gnarbl", "l", "the mirror name"),
        (("LGNARB", "RGNORB"), "LGNARB", "L", ""),
        (("gnarb xl", "Lung_L", "Eye_L"), "gnarb_L", "L", "the notation of the set"),
        (("gnarb xl", "Lung_L"), "gnarb_L", "L", ""),
        (("gnarb v", "Parotid_R"), "gnarb v", "v", "its partner in the set"),
        (("gnarb v", "Parotid_R", "Parotid_L"), "gnarb v", "v", ""),
        (("gnarb v", "Eye_R"), "gnarb v", "v", ""),
    ],
)
def test_a_side_has_a_witness_in_the_set_or_none(
    names: tuple[str, ...], written: str, piece: str, testifies: str, nomenclature: Nomenclature
) -> None:
    assert of(nomenclature, *names).of_side(0, written, "Parotid", left(piece)) == testifies


def test_a_letter_that_says_both_sides_in_a_set_is_no_notation(nomenclature: Nomenclature) -> None:
    assert of(nomenclature, "Lung_L", "Eye_L", "Kidney_R").notation["l", "last", "L"] == 2
    contradicted = of(nomenclature, "lung left lat", "eye right lat")
    assert not contradicted.notation["lat", "last", "L"]


def test_contours_testify_their_own_side_only(nomenclature: Nomenclature) -> None:
    witnesses = of(nomenclature, "gnarb v", place=LEFT)
    assert witnesses.of_side(0, "gnarb v", "Parotid", left("v")) == "the contours"
    right = Reading(Meant.STRUCTURE, "Parotid", ((Role.RIGHT, "v"),))
    assert witnesses.of_side(0, "gnarb v", "Parotid", right) == ""
