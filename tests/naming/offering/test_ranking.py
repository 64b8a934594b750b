"""Candidates of an open name: the structure, in the side and form that were written."""

from __future__ import annotations

import pytest

from tg263_scp.naming.offering.ranking import ranked
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature


@pytest.mark.parametrize(
    ("name", "name_meant"),
    [
        ("Rt prtd_xy", "Parotid_R"),
        ("Brainstem 3PRV", "Brainstem_PRV03"),
        ("Cchl_PRV", "Cochlea_PRV"),
        ("SpinalCanal_0.5", "SpinalCanal_PRV5"),
        ("Slplxs", "SacralPlex"),
        ("study base of tongue", "Tongue_Base"),
        ("Level III Left: middle jugular nodes", "LN_Neck_III_L"),
        ("lon", "OpticNrv_L"),
        ("Blase_20240219", "Bladder"),
        ("Cóclea D", "Cochlea_R"),
        ("partial lt kidny", "Kidney~_L"),
    ],
)
def test_what_is_meant_is_among_the_first(name: str, name_meant: str, nomenclature: Nomenclature) -> None:
    assert name_meant in [candidate.name for candidate in ranked(Query(name), nomenclature)]


def test_no_candidate_has_the_other_side(nomenclature: Nomenclature) -> None:
    names = [candidate.name for candidate in ranked(Query("Lt gnarblix parotid xy"), nomenclature)]
    assert "Parotid_L" in names
    assert not [name for name in names if name.endswith("_R")]


def test_the_site_comes_first_among_names_that_are_alike(nomenclature: Nomenclature) -> None:
    def first(site: str) -> str:
        return ranked(Query("bulbus xq", site=site), nomenclature)[0].name

    assert first("prostate") == "PenileBulb"


def test_a_word_nobody_knows_is_offered_what_is_contoured_most(nomenclature: Nomenclature) -> None:
    names = [candidate.name for candidate in ranked(Query("xqzwv R", site="prostate"), nomenclature)]
    assert len(names) == 5
    assert set(names) & {"Bladder", "Rectum", "Prostate"}


def test_the_interpreted_type_excludes_what_cannot_have_it(nomenclature: Nomenclature) -> None:
    names = {candidate.name for candidate in ranked(Query("bodi cont xq", "EXTERNAL"), nomenclature)}
    assert names <= {"External", "Body"}
    assert names


def test_scores_fall_and_the_limit_holds(nomenclature: Nomenclature) -> None:
    found = ranked(Query("optic nrv xq"), nomenclature, 3)
    scores = [candidate.score for candidate in found]
    assert len(found) == 3
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
