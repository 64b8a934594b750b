"""Decisions of people in a structure set: rule R030, checked at every use."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tg263_scp.decision import Decision, Reason, Roi, RoiPlace, Status
from tg263_scp.errors import SourceLine
from tg263_scp.naming.decide import decide_set
from tg263_scp.naming.query import NamingOptions, Ruling
from tg263_scp.naming.standard.nomenclature import Nomenclature


def ruling(becomes: str = "", *, never: bool = False, one: bool = False) -> Ruling:
    return Ruling("d1", becomes, never, one, SourceLine("review.jsonl", 7))


@pytest.fixture
def decided(nomenclature: Nomenclature) -> Callable[..., dict[str, Decision]]:
    """Decide the names of a set of which some were ruled on; ``right`` are names that lie on the right side."""

    def decide(
        *names: str, rulings: dict[str, Ruling], right: tuple[str, ...] = (), **more: tuple[str, ...]
    ) -> dict[str, Decision]:
        def place_of(index: int) -> RoiPlace | None:
            sign = -1 if names[index] in right else 1
            return RoiPlace(50.0 * sign, 40.0 * sign, 60.0 * sign, 10) if right else None

        options = NamingOptions(ruling_on=lambda name, number, sites: rulings.get(name), **more)
        rois = [Roi(number, name) for number, name in enumerate(names)]
        return {d.original: d for d in decide_set(rois, nomenclature, options, place_of=place_of)}

    return decide


def test_a_decision_renames_what_no_rule_knows_and_names_its_line(decided) -> None:
    found = decided("qq7x", "Heart", rulings={"qq7x": ruling("SpinalCord", one=True)})["qq7x"]
    assert (found.status, found.name, found.rule) == (Status.RENAME, "SpinalCord", "R030")
    assert (found.reason, found.ruling) == (Reason.DECIDED_HERE, "d1")
    assert [str(line) for line in found.evidence] == ["review.jsonl:7"]


def test_a_decision_goes_before_the_rules_that_would_rename(decided) -> None:
    assert decided("vessie", rulings={})["vessie"].name == "Bladder"
    kept = decided("vessie", rulings={"vessie": ruling()})["vessie"]
    assert (kept.status, kept.name, kept.reason) == (Status.KEEP, "vessie", Reason.DECIDED)


def test_what_is_a_tg263_name_already_is_changed_for_one_object_only(decided) -> None:
    assert decided("Rectum", rulings={"Rectum": ruling("Bladder")})["Rectum"].rule == "R010"
    assert decided("Rectum", rulings={"Rectum": ruling("Bladder", one=True)})["Rectum"].name == "Bladder"


def test_never_touch_goes_before_everything(decided) -> None:
    found = decided("vessie", rulings={"vessie": ruling(never=True)})["vessie"]
    assert (found.status, found.rule, found.reason) == (Status.KEEP, "R000", Reason.CLINIC_KEEPS)


@pytest.mark.parametrize("becomes", ["left lung!!", "Kidney", "Bladderish"])
def test_what_is_no_standard_name_any_more_is_not_used(decided, becomes: str) -> None:
    found = decided("qqx", rulings={"qqx": ruling(becomes, one=True)})["qqx"]
    assert (found.status, found.name, found.rule) == (Status.REVIEW, "qqx", "R030")


def test_a_side_that_the_name_does_not_say_is_used_for_its_one_object_only(decided) -> None:
    one = decided("kidney", rulings={"kidney": ruling("Kidney_L", one=True)})["kidney"]
    assert (one.status, one.name) == (Status.RENAME, "Kidney_L")
    wider = decided("kidney", rulings={"kidney": ruling("Kidney_L")})["kidney"]
    assert (wider.status, wider.reason) == (Status.REVIEW, Reason.SIDE_MISSING)


def test_vetoes_stop_a_decision_when_it_is_used(decided) -> None:
    found = decided("left kidney", rulings={"left kidney": ruling("Kidney_R", one=True)})["left kidney"]
    assert (found.status, found.rule, found.candidates[0].name) == (Status.REVIEW, "V010", "Kidney_R")
    echo = decided("qqx", rulings={"qqx": ruling("zMuster", one=True)}, identifiers=("Muster^Erika",))["qqx"]
    assert (echo.status, echo.rule) == (Status.REVIEW, "V060")


def test_set_rules_stop_a_decision_when_it_is_used(decided) -> None:
    found = decided("qqx", "Bladder", rulings={"qqx": ruling("Bladder", one=True)})
    assert (found["qqx"].status, found["qqx"].rule) == (Status.REVIEW, "S020")


def test_contours_overrule_what_was_decided_for_more_than_one_object(decided) -> None:
    names, right = ("lt kid", "Lung_R"), ("lt kid", "Lung_R")
    wide = decided(*names, rulings={"lt kid": ruling("Kidney_L")}, right=right)["lt kid"]
    assert (wide.status, wide.rule) == (Status.REVIEW, "V080")
    one = decided(*names, rulings={"lt kid": ruling("Kidney_L", one=True)}, right=right)["lt kid"]
    assert (one.status, one.name) == (Status.RENAME, "Kidney_L")


def test_an_unreadable_name_is_never_changed(nomenclature: Nomenclature) -> None:
    options = NamingOptions(ruling_on=lambda name, number, sites: ruling("Heart", one=True))
    (found,) = decide_set([Roi(1, "H\ufffdrz", readable=False)], nomenclature, options)
    assert found.status is Status.REVIEW
