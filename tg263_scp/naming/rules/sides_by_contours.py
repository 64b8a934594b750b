"""Sides against contours: a side that the contours contradict is not believed, one that is missing may be read from them.

Where a body is drawn each ROI is compared with its midline. Left and right of a pair are compared with each other as well,
body or not, and without a body a side that has no partner is compared with structures in the middle of the body. One pair at
odds is left for review. Two, or all that there are, mean that the set is mirrored or mislabelled: then all of it is.

A set whose coordinates are mirrored never lends a side, since its written sides contradict its contours. The codes stand in
``SIDE_RULES`` at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from tg263_scp.decision import Candidate, Decision, Reason, RoiPlace, Status, Step
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.nomenclature import Nomenclature

PlaceOf = Callable[[int], RoiPlace | None]
"""The place of the ROI at an index of the set; None where the contours do not tell."""

_LEAST_APART_MM = 10.0
"""Distance from left to right below which two centres are no evidence of a side."""
_LEAST_FROM_MEDIAN_MM = 20.0
"""The same against structures in the middle, which may lie off it by as much as they lie apart from each other."""
_MOST_AT_ODDS = 1
"""Pairs at odds that are mistakes of their own; with more the set as a whole is not believed."""
_NOT_LOOKED_AT = frozenset({"R000", "R045"})
"""Rules that leave a name alone as none of ours; a mirrored set does not change that."""
_OTHER_SIDE = "its contours lie on the other side of the body"
_PAIR_AT_ODDS = "the one that is called left lies to the right of its partner"
_SET_AT_ODDS = (
    "left and right of {odd} of {all} structures lie on the wrong sides: the set is mirrored or mislabelled"
)


def check_sides(
    decisions: Sequence[Decision], nomenclature: Nomenclature, place_of: PlaceOf
) -> list[Decision]:
    """Apply V080 and S030 to the decisions of one set; contours are asked for only where a side is at stake."""
    checked = list(decisions)
    places: dict[int, RoiPlace] = {}
    agree = contradict = 0
    for index, decision in enumerate(decisions):
        side = _written_side(decision, nomenclature)
        place = place_of(index) if side else None
        if place is None:
            continue
        places[index] = place
        seen = place.side
        agree += seen == side
        if seen and seen != side:
            contradict += 1
            checked[index] = _contradicted(decision, _OTHER_SIDE)
    compared = list(_compared(decisions, nomenclature, places, place_of))
    odd = [each for each in compared if each.at_odds]
    if odd and (len(odd) > _MOST_AT_ODDS or len(odd) == len(compared)):
        note = _SET_AT_ODDS.format(odd=len(odd), all=len(compared))
        return [
            d if d.status is Status.REVIEW or d.rule in _NOT_LOOKED_AT else _contradicted(d, note)
            for d in checked
        ]
    for index in (index for each in odd for index in each.indices):
        if checked[index].rule != "V080":
            checked[index] = _contradicted(decisions[index], _PAIR_AT_ODDS)
    if agree and not contradict and not odd:
        for index, decision in enumerate(decisions):
            if decision.reason is Reason.SIDE_MISSING:
                checked[index] = _supplied(decision, nomenclature, place_of(index))
    return checked


@dataclass(frozen=True, slots=True)
class _Compared:
    """A pair, or a side without its partner, whose centres lie far enough apart to be evidence."""

    indices: tuple[int, ...]
    at_odds: bool


def _compared(
    decisions: Sequence[Decision],
    nomenclature: Nomenclature,
    places: Mapping[int, RoiPlace],
    place_of: PlaceOf,
) -> Iterator[_Compared]:
    """Compare left and right of each structure; a side without its partner with the middle, where no body is drawn."""
    sides: dict[str, dict[str, list[int]]] = {}
    for index in places:
        name, side = decisions[index].name, grammar.side_of_pair(decisions[index].name, nomenclature)[1]
        sides.setdefault(name.replace(f"_{side}", "", 1), {}).setdefault(side, []).append(index)
    alone: list[tuple[int, float]] = []
    for drawn in sides.values():
        if set(drawn) == {"L", "R"} and all(len(indices) == 1 for indices in drawn.values()):
            (left,), (right,) = drawn["L"], drawn["R"]
            apart_mm = places[left].centroid_mm[0] - places[right].centroid_mm[0]
            if abs(apart_mm) >= _LEAST_APART_MM:
                yield _Compared((left, right), apart_mm < 0)
        elif len(drawn) == 1:
            sign = 1.0 if "L" in drawn else -1.0
            alone += [(i, sign) for i in next(iter(drawn.values())) if not places[i].against_body]
    middle_mm = _middle_mm(decisions, nomenclature, place_of) if alone else None
    if middle_mm is not None:
        for index, sign in alone:
            outward_mm = sign * (places[index].centroid_mm[0] - middle_mm)
            if abs(outward_mm) >= _LEAST_FROM_MEDIAN_MM:
                yield _Compared((index,), outward_mm < 0)


def _middle_mm(decisions: Sequence[Decision], nomenclature: Nomenclature, place_of: PlaceOf) -> float | None:
    """Return where the middle of the body is, told by the structures that lie there; None where none is drawn."""
    drawn = [
        place.centroid_mm[0]
        for index, decision in enumerate(decisions)
        if decision.status is not Status.REVIEW
        and decision.name in nomenclature.anatomy.median
        and (place := place_of(index)) is not None
    ]
    return median(drawn) if drawn and max(drawn) - min(drawn) < _LEAST_FROM_MEDIAN_MM else None


def _written_side(decision: Decision, nomenclature: Nomenclature) -> str:
    """Return the side of a paired organ that a kept or new name states; none where it was decided for this very object."""
    if decision.status is Status.REVIEW or decision.reason is Reason.DECIDED_HERE:
        return ""
    return grammar.side_of_pair(decision.name, nomenclature)[1]


def _contradicted(decision: Decision, note: str) -> Decision:
    """V080: a side is not believed where the ROI unmistakably lies on the other side of the body, or of its partner.

    One pair at odds is left for review. Where two are, or all that can be compared, the whole set is. Centres less than 10 mm
    apart are no evidence.
    """
    offered = (Candidate(decision.name, 0.0),) if decision.status is Status.RENAME else ()
    return replace(
        decision,
        status=Status.REVIEW,
        name=decision.original,
        rule="V080",
        reason=Reason.VETO_GEOMETRY,
        confidence=0.0,
        note=note,
        candidates=(*offered, *decision.candidates),
        trail=(*decision.trail, Step("V080", note)),
    )


def _supplied(decision: Decision, nomenclature: Nomenclature, place: RoiPlace | None) -> Decision:
    """S030: a missing side is supplied where the ROI unmistakably lies on one: renamed.

    At least one side that is written in the same set must agree with its contours, and none may contradict them.
    """
    side = place.side if place else ""
    names = [
        c.name for c in decision.candidates if side and grammar.side_of_pair(c.name, nomenclature)[1] == side
    ]
    if len(names) != 1 or place is None:
        return decision
    note = f"side from the contours: {place.volume_cm3:.0f} cm3, centre {abs(place.offset_mm):.0f} mm from the midline"
    return replace(
        decision,
        status=Status.RENAME,
        name=names[0],
        rule="S030",
        reason=Reason.SIDE_FROM_CONTOURS,
        confidence=0.9,
        note=note,
        trail=(*decision.trail, Step("S030", note)),
    )


SIDE_RULES: tuple[tuple[str, Callable[..., object]], ...] = (("V080", _contradicted), ("S030", _supplied))
"""In the order they are asked, where an object has contours."""
