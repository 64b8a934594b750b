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


def at(x_mm: float) -> RoiPlace:
    """A place with a centre, and no body beside it."""
    return RoiPlace(0, 0, 0, 0, centroid_mm=(x_mm, 0, 0), volume_cm3=9, against_body=False)


def named(name: str) -> Decision:
    return Decision(name.lower(), Status.RENAME, name, "R060", Reason.REBUILT, 0.95)


def names_left(nomenclature: Nomenclature, drawn: dict[str, RoiPlace | None]) -> list[str]:
    """The names that are left for review because of their contours."""
    decided = checked(nomenclature, *((named(name), place) for name, place in drawn.items()))
    return [name for name, decision in zip(drawn, decided, strict=True) if decision.rule == "V080"]


RIGHTLY = {"Lung_L": at(130), "Lung_R": at(20), "Eye_L": at(90), "Eye_R": at(30)}
"""Left is where x is greater; the middle of the body may be anywhere."""


def test_pairs_that_agree_are_left_alone_without_a_body(nomenclature: Nomenclature) -> None:
    assert names_left(nomenclature, RIGHTLY) == []


def test_one_pair_at_odds_is_left_for_review(nomenclature: Nomenclature) -> None:
    drawn = RIGHTLY | {"Parotid_L": at(20), "Parotid_R": at(99)}
    assert names_left(nomenclature, drawn) == ["Parotid_L", "Parotid_R"]


@pytest.mark.parametrize(
    "odd",
    [
        {"Parotid_L": at(20), "Parotid_R": at(99), "Kidney_L": at(20), "Kidney_R": at(99)},
        {"Parotid_L": at(20), "Parotid_R": at(99), "Kidney_L": at(-9), "SpinalCord": at(70)},
    ],
    ids=["two pairs", "a pair, and one against the cord"],
)
def test_two_at_odds_leave_the_whole_set_for_review(
    odd: dict[str, RoiPlace | None], nomenclature: Nomenclature
) -> None:
    drawn = RIGHTLY | odd | {"Heart": at(90), "PTV_6000": None}
    assert names_left(nomenclature, drawn) == list(drawn)


@pytest.mark.parametrize(
    "drawn",
    [
        {"Parotid_L": at(20), "Parotid_R": at(99), "Heart": None},
        {"Parotid_L": at(20), "SpinalCord": at(70), "Heart": None},
        {"Parotid_L_PRV05": None, "Parotid_L": at(-60), "Parotid_R": at(60), "Eye_L": at(52), "Eye_R": at(50)},
    ],
    ids=["the only pair", "the only side", "the other pair is no evidence"],
)  # fmt: skip
def test_all_there_are_at_odds_leave_the_whole_set_for_review(
    drawn: dict[str, RoiPlace | None], nomenclature: Nomenclature
) -> None:
    assert names_left(nomenclature, drawn) == list(drawn)


def test_helpers_of_a_mirrored_set_stay_helpers(nomenclature: Nomenclature) -> None:
    ring = Decision("ring", Status.KEEP, "ring", "R045", Reason.PLANNING, 0.9)
    drawn = [(named("Eye_L"), at(1)), (named("Eye_R"), at(50)), (ring, None), (LUNG_L, None)]
    assert [d.rule for d in checked(nomenclature, *drawn)] == ["V080", "V080", "R045", "V080"]


@pytest.mark.parametrize(
    "drawn",
    [
        {"Parotid_L": at(50), "Parotid_R": at(59)},
        {"Parotid_L": at(50), "Parotid_R": None},
        {"Parotid_L": at(51), "SpinalCord": at(70)},
        {"Parotid_L": at(20), "Heart": at(70)},
        {"Parotid_L": at(20), "SpinalCord": at(70), "Larynx": at(120)},
        {"Parotid_L": at(20), "Kidney_R": at(90)},
    ],
    ids=["9 mm", "no partner", "19 mm off the cord", "no median", "medians disagree", "two structures"],
)
def test_what_is_no_evidence_changes_nothing(
    drawn: dict[str, RoiPlace | None], nomenclature: Nomenclature
) -> None:
    assert names_left(nomenclature, drawn) == []


def test_pairs_are_compared_where_a_body_is_drawn_as_well(nomenclature: Nomenclature) -> None:
    near = replace(MIDDLE, centroid_mm=(12, 0, 0)), replace(MIDDLE, centroid_mm=(-12, 0, 0))
    drawn = {"Eye_L": LEFT, "OpticNrv_R": near[0], "OpticNrv_L": near[1]}
    assert names_left(nomenclature, drawn | {"Eye_R": RIGHT}) == [*drawn, "Eye_R"]


def test_a_set_with_a_pair_at_odds_lends_no_side(nomenclature: Nomenclature) -> None:
    lung = replace(LEFT, centroid_mm=(60, 0, 0)), replace(RIGHT, centroid_mm=(-60, 0, 0))
    odd = replace(MIDDLE, centroid_mm=(-9, 0, 0)), replace(MIDDLE, centroid_mm=(9, 0, 0))
    decided = checked(
        nomenclature,
        (KIDNEY, LEFT),
        (LUNG_L, lung[0]),
        (named("Lung_R"), lung[1]),
        (named("Eye_L"), odd[0]),
        (named("Eye_R"), odd[1]),
    )
    assert decided[0] == KIDNEY
    assert [d.rule for d in decided[3:]] == ["V080", "V080"]
