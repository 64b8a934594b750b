"""Sides against contours: a side that the contours contradict is not believed, one that is missing may be read from them.

A set whose coordinates are mirrored never lends a side, since its written sides contradict its contours. The codes stand in
``SIDE_RULES`` at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tg263_scp.decision import Candidate, Decision, Reason, RoiPlace, Status, Step
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.nomenclature import Nomenclature

PlaceOf = Callable[[int], RoiPlace | None]
"""The place of the ROI at an index of the set; None where the contours do not tell."""


def check_sides(
    decisions: Sequence[Decision], nomenclature: Nomenclature, place_of: PlaceOf
) -> list[Decision]:
    """Apply V080 and S030 to the decisions of one set; contours are asked for only where a side is at stake."""
    checked = list(decisions)
    agree = contradict = 0
    for index, decision in enumerate(decisions):
        side = _written_side(decision, nomenclature)
        place = place_of(index) if side else None
        if place is None:
            continue
        seen = place.side
        agree += seen == side
        if seen and seen != side:
            contradict += 1
            checked[index] = _contradicted(decision)
    if agree and not contradict:
        for index, decision in enumerate(decisions):
            if decision.reason is Reason.SIDE_MISSING:
                checked[index] = _supplied(decision, nomenclature, place_of(index))
    return checked


def _written_side(decision: Decision, nomenclature: Nomenclature) -> str:
    """Return the side of a paired organ that a kept or new name states; none where it was decided for this very object."""
    if decision.status is Status.REVIEW or decision.reason is Reason.DECIDED_HERE:
        return ""
    return _side_of(decision.name, nomenclature)


def _side_of(name: str, nomenclature: Nomenclature) -> str:
    parsed = grammar.parse(name, nomenclature)
    if not isinstance(parsed, grammar.OrganName) or not nomenclature.stems[parsed.stem].paired:
        return ""
    sides = [token for token in parsed.spatial if token in ("L", "R")]
    return sides[0] if len(sides) == 1 else ""


def _contradicted(decision: Decision) -> Decision:
    """V080: a side is not believed where the ROI unmistakably lies on the other side of the body."""
    note = "its contours lie on the other side of the body"
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
    names = [c.name for c in decision.candidates if side and _side_of(c.name, nomenclature) == side]
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
