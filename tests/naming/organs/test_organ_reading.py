"""A name read as an organ: found only where every word of it is explained (TG-263 N4-N11)."""

from __future__ import annotations

import pytest

from tg263_scp.naming.organs.reading import Finding, read_known_words, read_organ
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("PRV LT optic nerve", "OpticNrv_PRV_L"),
        ("cord 5mm", "SpinalCord_PRV05"),
        ("partial rt kidney", "Kidney~_R"),
        ("both lungs", "Lungs"),
        ("LGlobe", "Eye_L"),
        ("head of femur left", "Femur_Head_L"),
        ("левое лёгкое", "Lung_L"),
    ],
)
def test_all_words_explained_and_put_back_in_order(
    name: str, becomes: str, nomenclature: Nomenclature
) -> None:
    reading = read_organ(Query(name), nomenclature)
    assert (reading.finding, reading.name, reading.rebuilt) == (Finding.FOUND, becomes, True)
    assert reading.phrases


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("gnarblix", Finding.NOTHING),
        ("Lens_L_SP", Finding.NOTHING),
        ("", Finding.NOTHING),
        ("right hip", Finding.AMBIGUOUS),
        ("left right lung", Finding.AMBIGUOUS),
        ("epiglottis", Finding.UNLISTED),
        ("kidney", Finding.SIDE_MISSING),
        ("both femoral heads", Finding.NO_STANDARD_NAME),
        ("Submandibular L PRV5", Finding.NO_STANDARD_NAME),
        ("Skin 5mm", Finding.NO_STANDARD_NAME),
    ],
)
def test_what_is_not_found_says_how_far_it_was_read(
    name: str, finding: Finding, nomenclature: Nomenclature
) -> None:
    reading = read_organ(Query(name), nomenclature)
    assert (reading.finding, reading.name) == (finding, "")


def test_a_missing_side_offers_both(nomenclature: Nomenclature) -> None:
    assert read_organ(Query("kidney"), nomenclature).names == ("Kidney_L", "Kidney_R")


def test_a_site_decides_between_two_meanings(nomenclature: Nomenclature) -> None:
    assert read_organ(Query("SV's", site="prostate"), nomenclature).name == "SeminalVes"


def test_known_words_among_unknown_ones_are_only_offered(nomenclature: Nomenclature) -> None:
    query = Query("Blase_20240219 gnarblix")
    assert read_organ(query, nomenclature).finding is Finding.NOTHING
    assert read_known_words(query, nomenclature).names == ("Bladder",)


def test_words_are_read_by_site_languages_and_telling_letters_alone() -> None:
    query = Query("Lung_L", "ORGAN", "thorax", frozenset({"de"}), ("1",))
    assert query.context == Query("", "", "thorax", frozenset({"de"}))
    assert Query("Płuca").context == Query("Płuca")
