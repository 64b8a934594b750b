"""Sides against contours, with decisions and places made by hand; left and right are the patient's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tg263_scp.decision import Candidate, Decision, Reason, RoiPlace, Status
from tg263_scp.naming.rules.sides_by_contours import check_sides
from tg263_scp.naming.standard.nomenclature import Nomenclature

LEFT = RoiPlace(offset_mm=60, rightmost_mm=45, leftmost_mm=75, slices=9, volume_cm3=30)
RIGHT = RoiPlace(offset_mm=-60, rightmost_mm=-75, leftmost_mm=-45, slices=9, volume_cm3=30)
MIDDLE = RoiPlace(offset_mm=3, rightmost_mm=-20, leftmost_mm=26, slices=9, volume_cm3=30)

LUNG_L = Decision("Lung_L", Status.KEEP, "Lung_L", "R010", Reason.LISTED, 1.0)
PAROTID_R = Decision("rt parotid", Status.RENAME, "Parotid_R", "R060", Reason.REBUILT, 0.95)
KIDNEY = Decision(
    "kidney",
    Status.REVIEW,
    "kidney",
    "R050",
    Reason.SIDE_MISSING,
    candidates=(Candidate("Kidney_L", 0.5), Candidate("Kidney_R", 0.5)),
)


def checked(nomenclature: Nomenclature, *drawn: tuple[Decision, RoiPlace | None]) -> list[Decision]:
    return check_sides(
        [decision for decision, _ in drawn], nomenclature, [place for _, place in drawn].__getitem__
    )


@pytest.mark.parametrize("decision", [PAROTID_R, replace(LUNG_L, original="Lung_R", name="Lung_R")])
def test_v080_stops_a_side_on_the_other_side_of_the_body(
    decision: Decision, nomenclature: Nomenclature
) -> None:
    (stopped,) = checked(nomenclature, (decision, LEFT))
    assert (stopped.status, stopped.name, stopped.rule) == (Status.REVIEW, decision.original, "V080")
    assert stopped.reason is Reason.VETO_GEOMETRY


def test_v080_offers_the_new_name_that_it_stopped(nomenclature: Nomenclature) -> None:
    (stopped,) = checked(nomenclature, (PAROTID_R, LEFT))
    assert [candidate.name for candidate in stopped.candidates] == ["Parotid_R"]


@pytest.mark.parametrize("place", [RIGHT, MIDDLE, None])
def test_v080_lets_pass_what_the_contours_do_not_contradict(
    place: RoiPlace | None, nomenclature: Nomenclature
) -> None:
    assert checked(nomenclature, (PAROTID_R, place)) == [PAROTID_R]


@pytest.mark.parametrize("name", ["Heart", "PTV_5000^R", "Lungs", "Musc_Constrict_S"])
def test_v080_asks_no_contours_of_what_has_no_side_of_a_pair(name: str, nomenclature: Nomenclature) -> None:
    def never(index: int) -> RoiPlace | None:
        raise AssertionError(index)

    decision = replace(LUNG_L, original=name, name=name)
    assert check_sides([decision], nomenclature, never) == [decision]


@pytest.mark.parametrize(("place", "name"), [(LEFT, "Kidney_L"), (RIGHT, "Kidney_R")])
def test_s030_supplies_the_side_beside_one_that_is_proven(
    place: RoiPlace, name: str, nomenclature: Nomenclature
) -> None:
    supplied, _ = checked(nomenclature, (KIDNEY, place), (LUNG_L, LEFT))
    assert (supplied.status, supplied.name, supplied.rule) == (Status.RENAME, name, "S030")
    assert supplied.reason is Reason.SIDE_FROM_CONTOURS
    assert "30 cm3, centre 60 mm" in supplied.note


@pytest.mark.parametrize(
    ("kidney_lies", "others"),
    [
        (MIDDLE, [(LUNG_L, LEFT)]),
        (None, [(LUNG_L, LEFT)]),
        (LEFT, []),
        (LEFT, [(LUNG_L, MIDDLE)]),
        (LEFT, [(LUNG_L, LEFT), (PAROTID_R, LEFT)]),
        (LEFT, [(LUNG_L, RIGHT)]),
    ],
    ids=["middle", "not drawn", "no other", "other in the middle", "one contradicts", "mirrored"],
)
def test_s030_supplies_nothing_on_less(
    kidney_lies: RoiPlace | None,
    others: list[tuple[Decision, RoiPlace | None]],
    nomenclature: Nomenclature,
) -> None:
    assert checked(nomenclature, (KIDNEY, kidney_lies), *others)[0] == KIDNEY


def test_s030_supplies_nothing_where_two_names_have_that_side(nomenclature: Nomenclature) -> None:
    names = ("Kidney_L", "Kidney_R", "Glnd_Adrenal_L")
    doubtful = replace(KIDNEY, candidates=tuple(Candidate(name, 0.5) for name in names))
    assert checked(nomenclature, (doubtful, LEFT), (LUNG_L, LEFT))[0] == doubtful
    assert checked(nomenclature, (doubtful, RIGHT), (LUNG_L, LEFT))[0].name == "Kidney_R"


def test_s030_answers_no_other_doubt(nomenclature: Nomenclature) -> None:
    ambiguous = replace(KIDNEY, reason=Reason.AMBIGUOUS)
    assert checked(nomenclature, (ambiguous, LEFT), (LUNG_L, LEFT))[0] == ambiguous
