"""A short acronym needs evidence of its language or of the treatment site."""

from __future__ import annotations

import pytest

from tg263_scp.naming.organs.parts import Parts
from tg263_scp.naming.organs.spoken import spoken_phrases
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature


def heard(name: str, nomenclature: Nomenclature, site: str = "", languages: str = "") -> set[str]:
    query = Query(name, site=site, languages=frozenset(languages.split()))
    core = tuple(token.text for token in query.words)
    phrases = nomenclature.lexicon.find(core)
    return {phrase.means for phrase in spoken_phrases(phrases, Parts(core), query, nomenclature)}


@pytest.mark.parametrize("name", ["AMI", "HID", "BOR", "ARR", "IVA", "AGY"])
def test_an_acronym_of_one_language_says_nothing_alone(name: str, nomenclature: Nomenclature) -> None:
    assert heard(name, nomenclature) == set()


@pytest.mark.parametrize(
    ("name", "site", "languages", "means"),
    [
        ("IVA", "thorax", "", {"A_LAD"}),
        ("IVA", "", "fr", {"A_LAD"}),
        ("IVA", "prostate", "", set()),
        ("HID", "", "hu", {"Pons"}),
        ("SVC", "", "", {"V_Venacava_S"}),
        ("ATM", "", "", {"Joint_TM"}),
    ],
)
def test_evidence_of_the_language_or_of_the_site_lets_it_speak(
    name: str, site: str, languages: str, means: set[str], nomenclature: Nomenclature
) -> None:
    assert heard(name, nomenclature, site, languages) == means
