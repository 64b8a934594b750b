"""The parts of a target name, each in its slot; what may be read in two ways fills none (TG-263 T1-T10)."""

from __future__ import annotations

import pytest

from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.filling import fill, has_slot, told_by_site, type_tokens
from tg263_scp.naming.targets.reading import read_target
from tg263_scp.naming.targets.slots import Slots


def filled(name: str, nomenclature: Nomenclature) -> Slots:
    tokens, types = type_tokens(Query(name), nomenclature.lexicon)
    assert types == 1
    return fill(tokens, nomenclature.lexicon)


@pytest.mark.parametrize(
    ("name", "words", "types"),
    [
        ("RtPTVn", "rt ptv n", 1),
        ("larynxGTV", "larynx gtv", 1),
        ("gross tumor volume", "gtv", 1),
        ("ICTV54", "ictv 54", 1),
        ("PTV-CTV", "ptv - ctv", 2),
        ("pitvar", "pitvar", 0),
        ("H&N PTV", "ptv", 1),
        ("lung", "lung", 0),
        ("", "", 0),
    ],
)
def test_target_types_stand_alone_and_are_counted(
    name: str, words: str, types: int, nomenclature: Nomenclature
) -> None:
    tokens, count = type_tokens(Query(name), nomenclature.lexicon)
    assert (" ".join(token.text for token in tokens), count) == (words, types)


@pytest.mark.parametrize(
    ("name", "slots"),
    [
        ("PTVn 54 Gy L", {"type": "PTV", "classifier": "n", "dose": "5400", "sides": ["L"]}),
        ("CTV!2", {"type": "CTV", "segmented": True, "number": "2"}),
        ("GTV MR1", {"type": "GTV", "imaging": "MR1"}),
        ("PTV high risk", {"type": "PTV", "level": "High", "risk": True}),
        ("HR-CTV", {"type": "CTV", "level": "High"}),
        ("CTVnR", {"classifier": "n", "sides": ["R"]}),
        ("PTV boost 16", {"qualifier": "Boost", "dose": "1600"}),
        ("PTV neck 60", {"custom": ["Neck"], "dose": "6000"}),
    ],
)
def test_every_part_has_its_slot(name: str, slots: dict[str, object], nomenclature: Nomenclature) -> None:
    found = filled(name, nomenclature)
    assert {slot: getattr(found, slot) for slot in slots} == slots


@pytest.mark.parametrize(
    "name", ["CTV 40-56", "PTV 54 60", "PTV%", "PTV -5", "PTV*", "MDGTV high low", "PTV 54 -", "54 PTV 60"]
)
def test_what_may_be_read_in_two_ways_stays_as_it_is(name: str, nomenclature: Nomenclature) -> None:
    reading = read_target(Query(name), nomenclature)
    assert (reading.types, reading.name) == (1, "")


def test_a_word_without_a_slot_waits_for_the_structure(nomenclature: Nomenclature) -> None:
    found = filled("larynx ptv gnarblix", nomenclature)
    assert [token.text for token in found.words] == ["larynx", "gnarblix"]
    assert found.words_first


def test_a_word_with_a_slot_of_its_own_is_told_from_a_place(nomenclature: Nomenclature) -> None:
    assert all(has_slot(word, nomenclature.lexicon) for word in ("n", "high", "boost"))
    assert not any(has_slot(word, nomenclature.lexicon) for word in ("neck", "larynx", ""))


@pytest.mark.parametrize(
    ("name", "site", "becomes"),
    [
        ("PTV T12", "spine", "PTV_VB_T12"),
        ("PTV L2 boost", "spine", "PTV_VB_L2^Boost"),
        ("CTV T8 vertebral body", "spine", "CTV_VB_T08"),
        ("CTV C8", "spine", ""),
        ("PTV T12", "", ""),
        ("CTVn L2 L", "breast", "CTVn_LN_Ax_L2_L"),
        ("PTV L2", "breast", ""),
        ("PTV T5-T7", "spine", "PTV^T5-T7"),
        ("PTV int", "head_and_neck", "PTV_Mid"),
        ("PTV int", "pelvis", ""),
        ("PTV L2-4", "", "PTV^L2-4"),
        ("PTV T5-70", "", ""),
    ],
)
def test_the_site_tells_what_is_counted(
    name: str, site: str, becomes: str, nomenclature: Nomenclature
) -> None:
    assert read_target(Query(name, site=site), nomenclature).name == becomes


def test_other_sites_change_nothing(nomenclature: Nomenclature) -> None:
    query = Query("PTV T12", site="thorax")
    tokens, _ = type_tokens(query, nomenclature.lexicon)
    assert told_by_site(tokens, query, nomenclature.lexicon) == tokens
