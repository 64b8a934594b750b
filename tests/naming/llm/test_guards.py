"""Words of which a model's reading needs a witness."""

from __future__ import annotations

import pytest

from tg263_scp.naming.llm.guards import initials_beside, is_structure, undecidable, unexplainable
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature


@pytest.mark.parametrize(
    "words",
    ["xq", "lhp", "gnarblix ring", "gnarblix x", "lung gnarblix", "brainstemag", "parynx", "bsopt", "gland",
     "Braun", "gnarblix copy"],
)  # fmt: skip
def test_no_answer_could_be_relied_on(words: str, nomenclature: Nomenclature) -> None:
    folded = words.casefold()
    assert unexplainable(folded.split(), Query(words), nomenclature)


@pytest.mark.parametrize("words", ["gnarblix", "gnarblix wompulo", "左肿物"])
def test_unknown_words_can_be_asked_about(words: str, nomenclature: Nomenclature) -> None:
    assert unexplainable(words.split(), Query(words), nomenclature) == ""


@pytest.mark.parametrize(
    ("name", "site", "is_asked"), [("PBT", "thorax", True), ("PBT", "", False), ("hip", "pelvis", False)]
)
def test_several_meanings_are_asked_about_where_the_site_may_tell(
    name: str, site: str, is_asked: bool, nomenclature: Nomenclature
) -> None:
    assert (undecidable(Query(name, site=site), nomenclature) == "") is is_asked


@pytest.mark.parametrize(
    ("words", "is_beside"), [("lens sp", True), ("lens", False), ("sp", False), ("gnarblix sp", False)]
)
def test_short_words_beside_a_structure_may_be_initials(
    words: str, is_beside: bool, nomenclature: Nomenclature
) -> None:
    assert bool(initials_beside(words.split(), Query(words), nomenclature)) is is_beside


@pytest.mark.parametrize(
    ("words", "expected"), [("lung", True), ("spinal cord", True), ("gnarblix", False), ("ring", False)]
)
def test_a_structure_is_what_the_rules_read(words: str, expected: bool, nomenclature: Nomenclature) -> None:
    assert is_structure(words.split(), Query(words), nomenclature) is expected
