"""What is no organ: helpers of planning, devices, sums and differences."""

from __future__ import annotations

import pytest

from tg263_scp.decision import Kind, Status
from tg263_scp.naming.query import NamingOptions, Query
from tg263_scp.naming.rules.planning_helpers import is_not_for_dose, marks_of
from tg263_scp.naming.rules.rules import helper, rebuilt
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.letters import tokenise


@pytest.mark.parametrize("name", ["zRing", "_Heart", "z_help", "zzBox", "Z Ring", "z1"])
def test_a_leading_z_or_underscore_is_not_for_dose(name: str) -> None:
    assert is_not_for_dose(name)


@pytest.mark.parametrize("name", ["Zunge", "zygoma l", "ZUNGE", "Heart_", "", "z"])
def test_a_word_that_begins_with_z_is_no_helper(name: str) -> None:
    assert not is_not_for_dose(name)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Ring PTV60", Kind.PLANNING),
        ("opt lens L", Kind.PLANNING),
        ("R lensOPT", Kind.PLANNING),
        ("Dose 95[%]", Kind.PLANNING),
        ("Couch Surface", Kind.DEVICE),
        ("Prostate+SV", Kind.DERIVED),
        ("PTV60 - CTV60", Kind.DERIVED),
        ("CTV+5mm", Kind.DERIVED),
        ("Brain-", Kind.DERIVED),
        ("PTV CTV and parotid", Kind.DERIVED),
        ("NewStructure 2", Kind.JUNK),
        ("xRectum", Kind.PLANNING),
        ("Box 2", Kind.PLANNING),
    ],
)
def test_a_helper_shows_its_kind(name: str, kind: Kind, nomenclature: Nomenclature) -> None:
    proposal = helper(Query(name), nomenclature, NamingOptions())
    assert proposal is not None
    assert (proposal.status, proposal.kind) == (Status.KEEP, kind)
    assert proposal.note


@pytest.mark.parametrize(
    "name",
    ["Lung_L", "left lung", "PTV 60", "PTV-1", "Bolus", "gnarblix", "", "kidney", "Lt-PTV", "lungs - GTV"],
)
def test_a_structure_and_an_unknown_word_show_none(name: str, nomenclature: Nomenclature) -> None:
    assert helper(Query(name), nomenclature, NamingOptions()) is None


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("total lung - GTV", "Lungs-GTV"),
        ("Lungs (excl. GTV)", "Lungs-GTV"),
        ("LungsMinusGTV", "Lungs-GTV"),
        ("lungs w/o ptv", "Lungs-PTV"),
    ],
)
def test_an_organ_minus_a_target_has_its_listed_name(
    name: str, listed: str, nomenclature: Nomenclature
) -> None:
    proposal = rebuilt(Query(name), nomenclature, NamingOptions())
    assert proposal is not None
    assert (proposal.name, proposal.kind) == (listed, Kind.DERIVED)


@pytest.mark.parametrize("name", ["heart - GTV", "PTV - lungs", "lungs - GTV - CTV", "lungs GTV", "- GTV"])
def test_any_other_difference_has_none(name: str, nomenclature: Nomenclature) -> None:
    assert rebuilt(Query(name), nomenclature, NamingOptions()) is None


def test_marks_are_found_with_the_words_that_made_them(nomenclature: Nomenclature) -> None:
    found = marks_of(tokenise("Opt normal tissue PRV"), nomenclature.lexicon)
    assert found["planning"] in ("normal tissue", "Opt")
    assert found["prv"] == "PRV"
    assert marks_of(tokenise("left lung"), nomenclature.lexicon) == {}
