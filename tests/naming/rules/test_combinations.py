"""Sums, differences and overlaps: a sign alone makes none, what stands on both sides of it does."""

from __future__ import annotations

import pytest

from tg263_scp.naming.query import Query
from tg263_scp.naming.rules.combinations import combination, difference_from_body
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.filling import type_tokens


def sign_of(name: str, nomenclature: Nomenclature, site: str = "") -> str:
    query = Query(name, site=site)
    tokens, types = type_tokens(query, nomenclature.lexicon)
    return combination(tokens, types, query, nomenclature)


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("PTV60 - CTV60", "-"),
        ("Bladder not PTV", "not"),
        ("PTV-Parotid", "-"),
        ("PTV-5mm", "-"),
        ("CTV+5mm", "+"),
        ("PTV65-T + PTV65-N", "-"),
        ("mandible_QQ and PTV65", "and"),
        ("PTV/Parotid", "/"),
        ("Rectum in PTV", "in"),
        ("PTV∩Rectum", "∩"),
        ("Brain - Brainstem", "-"),
        ("Liver-1cm", "-"),
        ("Lung without heart", "without"),
        ("Prostate+SV", "+"),
        ("Heart and liver", "and"),
        ("Rectum∩Bladder", "∩"),
        ("Body_54_60", "Body"),
        ("SpinalCord_PTV", "SpinalCord"),
    ],
)
def test_two_terms_that_belong_to_no_single_structure_are_combined(
    name: str, sign: str, nomenclature: Nomenclature
) -> None:
    assert sign_of(name, nomenclature) == sign


@pytest.mark.parametrize(
    "name",
    [
        "PTV-Brain",
        "PTV and nodes",
        "CTV n+p",
        "CTV prostate + SV",
        "PTV L/R",
        "GTV in lung",
        "Kidney-2",
        "nodes-54",
        "Lens_L - QQ",
        "Lung L + Lung R",
        "Heart/pericardium",
        "lesion in liver",
        "Kidney (left and right)",
        "Rectum (including stool)",
        "CTV need bolus",
        "Body_L",
        "Skin_PTV",
    ],
)
def test_a_sign_alone_combines_nothing(name: str, nomenclature: Nomenclature) -> None:
    assert sign_of(name, nomenclature) == ""


def test_the_site_tells_whether_an_organ_is_treated(nomenclature: Nomenclature) -> None:
    assert sign_of("PTV-Rectum", nomenclature, "prostate") == "-"
    assert sign_of("PTV-Rectum", nomenclature, "pelvis") == ""


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("BODY-FEM_L", True), ("Body - anything", True), ("Body - L", False), ("Heart-3mm", False)],
)
def test_nothing_but_a_side_is_read_behind_the_body(
    name: str, is_one: bool, nomenclature: Nomenclature
) -> None:
    query = Query(name)
    assert difference_from_body(query.words, query, nomenclature) is is_one
