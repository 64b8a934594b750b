"""What people mapped: is it a TG-263 name, does it say more than the name, does a veto object?"""

from __future__ import annotations

import pytest

from tg263_scp.naming.query import NamingOptions, Query
from tg263_scp.naming.rules.mappings import no_standard_name, objection, unsaid
from tg263_scp.naming.standard.nomenclature import Nomenclature


@pytest.mark.parametrize("name", ["Kidney_L", "SpinalCord_PRV05", "PTV_6000", "Lungs-GTV", "zRing_1"])
def test_listed_and_built_names_are_standard_names(name: str, nomenclature: Nomenclature) -> None:
    assert no_standard_name(name, nomenclature) == ""


@pytest.mark.parametrize("name", ["left lung!!", "Kidney", "lung_l", "PTV 60", "Glnd_Submand_PRV05_L", ""])
def test_anything_else_is_none_and_a_near_one_is_named(name: str, nomenclature: Nomenclature) -> None:
    assert no_standard_name(name, nomenclature)


def test_the_nearest_name_is_offered(nomenclature: Nomenclature) -> None:
    assert "Bladder?" in no_standard_name("Blader", nomenclature)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("kidney", "Kidney_L", "side"),
        ("lung", "Lungs", "side"),
        ("lobe", "Lung_LUL", "side"),
        ("cord", "SpinalCord_PRV05", "margin"),
        ("cord", "SpinalCord_PRV", "margin"),
        ("cord 3", "SpinalCord_PRV05", "margin"),
        ("PTV", "PTV_6000", "number"),
        ("PTV 60", "PTV_6600", "number"),
        ("neck nodes li", "LN_Neck_III_L", "level"),
        ("axilla L", "LN_Ax_L2_L", "level"),
    ],
)
def test_what_a_name_does_not_say_is_found(old: str, new: str, what: str, nomenclature: Nomenclature) -> None:
    assert unsaid(Query(old), new, nomenclature) == what


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Niere li", "Kidney_L"),
        ("LUL", "Lung_LUL"),
        ("OPTNRV-L", "OpticNrv_L"),
        ("cord 5mm", "SpinalCord_PRV05"),
        ("cord prv", "SpinalCord_PRV"),
        ("SIB-PTV 66", "PTV_6600"),
        ("LK III li", "LN_Neck_III_L"),
        ("Blase voll", "Bladder"),
        ("DL", "A_LAD"),
    ],
)
def test_what_a_name_says_is_not(old: str, new: str, nomenclature: Nomenclature) -> None:
    assert unsaid(Query(old), new, nomenclature) == ""


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("left kidney", "Kidney_R", "V010"),
        ("Haut 3", "Skin", "V020"),
        ("cord", "SpinalCord_PRV05", "V030"),
        ("PTV boost", "Bladder", "V040"),
        ("Bladder", "PTV_6000", "V020"),
    ],
)
def test_every_veto_is_asked(old: str, new: str, code: str, nomenclature: Nomenclature) -> None:
    found = objection(Query(old), new, nomenclature, NamingOptions())
    assert found is not None
    assert found.code == code


def test_for_one_object_numbers_and_margins_may_be_supplied_but_no_side_may_change(
    nomenclature: Nomenclature,
) -> None:
    options = NamingOptions()
    for old, new in (("cord", "SpinalCord_PRV05"), ("Haut 3", "Skin"), ("PTV", "PTV_6000")):
        assert objection(Query(old), new, nomenclature, options, one_object=True) is None
    for old, new in (("left kidney", "Kidney_R"), ("PTV boost", "Bladder")):
        assert objection(Query(old), new, nomenclature, options, one_object=True) is not None


def test_a_name_that_is_not_for_dose_may_not_hold_an_identifier_either(nomenclature: Nomenclature) -> None:
    options = NamingOptions(identifiers=("Mustermann^Erika",))
    query = Query("help")
    assert objection(query, "zMustermann", nomenclature, options, one_object=True) is not None
    assert objection(query, "z4711998", nomenclature, NamingOptions(), one_object=True) is not None
    assert objection(query, "zHelp", nomenclature, options, one_object=True) is None
