"""What is offered for a target left for review: the readings between which the rules doubt."""

from __future__ import annotations

import pytest

from tg263_scp.decision import Status
from tg263_scp.naming.decide import decide
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.alternatives import readings_offered


@pytest.mark.parametrize(
    ("name", "readings"),
    [
        ("PTV gnarblix", {"PTV^Gnarblix", "PTV"}),
        ("PTV60_GNX", {"PTV_6000^GNX", "PTV_6000"}),
        ("PTV 12", {"PTV12", "PTV_1200"}),
        ("GTV 50", {"GTV_5000", "GTV^50"}),
        ("PTV_60_2", {"PTV2_6000", "PTV_6000"}),
        ("PTV 3ph", {"PTV^3ph"}),
        ("PTV cord", {"PTV_SpinalCord"}),
        ("Lungs_PTV", {"PTV_Lungs", "Lungs-PTV"}),
        ("PTV TB", {"PTV_TumorBed", "PTV^TB"}),
        ("PTV 54/3", {"PTV_1800x3"}),
        ("PTV_5x11", {"PTV_500x11", "PTV_1100x5"}),
        ("1 PTV", {"PTV1", "PTV"}),
        ("PTV_INT", {"PTV_Mid", "PTV^INT"}),
        ("GTV T10", {"GTV_VB_T10"}),
        ("PGTV 69", {"PTV_6900^PGTV", "PTV_6900"}),
        ("PGTVgnx", {"GTV^Pgnx"}),
        ("PTV level 2", {"PTV_LN_Neck_II"}),
        ("GTV post gnx", {"GTV^Post_gnx", "GTV^Post"}),
    ],
)
def test_each_way_to_read_a_doubtful_target_is_offered(
    name: str, readings: set[str], nomenclature: Nomenclature
) -> None:
    offered = readings_offered(Query(name, site="head_and_neck" if "level" in name else ""), nomenclature)
    assert readings <= {*offered}, offered
    assert len(offered) <= 5


def test_what_is_offered_follows_the_standard(nomenclature: Nomenclature) -> None:
    for name in ("PTV 40-56 gnarblix", "Bladder PTV 3", "PTV T5 boost x", "CTV l", "PTV L R neck"):
        for offered in readings_offered(Query(name), nomenclature):
            assert grammar.parse(offered, nomenclature) is not None, (name, offered)


def test_a_decision_carries_the_readings_and_applies_none(nomenclature: Nomenclature) -> None:
    decision = decide("PTV 12", nomenclature)
    assert (decision.status, decision.name) == (Status.REVIEW, "PTV 12")
    assert [candidate.name for candidate in decision.candidates][:2] == ["PTV12", "PTV_1200"]


@pytest.mark.parametrize("name", ["Heart", "", "PTV " + "gnarblix " * 40])
def test_what_is_no_name_of_a_target_is_offered_none(name: str, nomenclature: Nomenclature) -> None:
    assert readings_offered(Query(name), nomenclature) == ()


@pytest.mark.parametrize("name", ["PTV L" + "9" * 5000, "LN level " + "1" * 5000, "PTV T5-" + "7" * 5000])
def test_runs_of_digits_that_python_cannot_convert_are_left_for_review(
    name: str, nomenclature: Nomenclature
) -> None:
    assert decide(name, nomenclature, site="spine").status is Status.REVIEW
