"""Every open name of an organ is offered candidates, whatever left it open."""

from __future__ import annotations

from tg263_scp.decision import Reason, Roi, Status
from tg263_scp.naming.decide import decide_set
from tg263_scp.naming.offering.open_names import with_offers
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature


def names_of(nomenclature: Nomenclature, *names: str, site: str = "") -> list[list[str]]:
    rois = [Roi(number, name) for number, name in enumerate(names)]
    decisions = decide_set(rois, nomenclature, site=site)
    return [[candidate.name for candidate in decision.candidates] for decision in decisions]


def test_an_open_name_has_five_candidates_and_a_settled_one_none(nomenclature: Nomenclature) -> None:
    found, settled = names_of(nomenclature, "Bladder_MK", "left lung")
    assert found[0] == "Bladder"
    assert len(found) == 5
    assert settled == []


def test_what_the_set_lacks_comes_first(nomenclature: Nomenclature) -> None:
    alone, *_ = names_of(nomenclature, "parotid_MK")
    beside, *_ = names_of(nomenclature, "parotid_MK", "Parotid_L")
    assert alone.index("Parotid_L") < alone.index("Parotid_R")
    assert beside.index("Parotid_R") < beside.index("Parotid_L")


def test_what_the_rules_found_comes_first(nomenclature: Nomenclature) -> None:
    (found,) = names_of(nomenclature, "kidney")
    assert found[:2] == ["Kidney_L", "Kidney_R"]


def test_the_name_that_clashes_is_offered_first(nomenclature: Nomenclature) -> None:
    found, _ = names_of(nomenclature, "left lung", "Lung_L")
    assert found[0] == "Lung_L"


def test_targets_and_what_the_list_lacks_are_offered_no_organ(nomenclature: Nomenclature) -> None:
    rois = [Roi(1, "PTV xyz"), Roi(2, "thalamus", "PTV"), Roi(3, "gnarblix", readable=False)]
    decisions = decide_set(rois, nomenclature)
    assert {decision.status for decision in decisions} == {Status.REVIEW}
    assert decisions[1].reason is Reason.UNLISTED
    assert all(candidate.name.startswith("PTV") for candidate in decisions[0].candidates)
    assert not any(decision.candidates for decision in decisions[1:])


def test_nothing_else_of_a_decision_changes(nomenclature: Nomenclature) -> None:
    rois = [Roi(1, "Bladder_MK")]
    (decision,) = decide_set(rois, nomenclature)
    (again,) = with_offers([decision], [Query("Bladder_MK")], nomenclature)
    assert again == decision
