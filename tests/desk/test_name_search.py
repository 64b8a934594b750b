"""TG-263 names by a few letters, and what may be written at all."""

from __future__ import annotations

import pytest

from tg263_scp.desk.name_search import found_names, is_standard
from tg263_scp.naming.standard.nomenclature import Nomenclature


@pytest.mark.parametrize(
    "name", ["Heart", "Lung_L", "SpinalCord_PRV05", "PTV_6000", "PTVn1_5400", "Lungs-PTV", "zRing"]
)
def test_a_name_of_the_list_or_of_its_grammar_may_be_written(name: str, nomenclature: Nomenclature) -> None:
    assert is_standard(name, nomenclature)


@pytest.mark.parametrize("name", ["", "heart", "Lung", "Herz", "Lung_L ", "X" * 17, "<b>", "Kidney_PRV05_LR"])
def test_anything_else_may_not(name: str, nomenclature: Nomenclature) -> None:
    assert not is_standard(name, nomenclature)


def test_what_begins_with_the_letters_comes_before_what_holds_them(nomenclature: Nomenclature) -> None:
    names = [found.name for found in found_names("lung", nomenclature)]
    assert names[:3] == ["Lungs", "Lung_L", "Lung_R"]
    assert names.index("Lung_L") < names.index("Eval_Lung") if "Eval_Lung" in names else True


def test_the_name_itself_comes_first_in_any_spelling(nomenclature: Nomenclature) -> None:
    assert found_names("lung l", nomenclature)[0].name == "Lung_L"


def test_a_name_of_the_grammar_is_found_where_it_is_written_in_full(nomenclature: Nomenclature) -> None:
    first = found_names("Parotid_PRV03_L", nomenclature)[0]
    assert (first.name, first.listed) == ("Parotid_PRV03_L", False)


def test_meanings_are_searched_too(nomenclature: Nomenclature) -> None:
    assert found_names("womb", nomenclature) or found_names("uterus", nomenclature)
    assert found_names("no such word", nomenclature) == []


def test_without_letters_the_whole_list_is_there(nomenclature: Nomenclature) -> None:
    assert len(found_names("", nomenclature)) == len(nomenclature.entries)
