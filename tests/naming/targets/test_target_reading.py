"""A target's name as a whole: every part kept, or none changed (TG-263 T1-T10)."""

from __future__ import annotations

import pytest

from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.reading import open_slots, read_target, read_with_choice


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("Lt PTV54", "PTV_5400^L"),
        ("larynx ptv 1 (54 gy)", "PTV1_Larynx_5400"),
        ("CTV pelvic nodes", "CTV_LN_Pelvics"),
        ("PTV lung R", "PTV_Lung_R"),
        ("PTV ProstateBed 66", "PTVsb_6600"),
        ("CTV prostate 6000", "CTVProstate_6000"),
    ],
)
def test_every_part_is_in_the_new_name(name: str, becomes: str, nomenclature: Nomenclature) -> None:
    reading = read_target(Query(name), nomenclature)
    assert (reading.types, reading.name) == (1, becomes)


@pytest.mark.parametrize(
    "name",
    ["PTV xyz", "PTV chest wall L 50.4", "PTV cord", "CTV left right", "pPTV", "PTV nerki", "PTV heart L"],
)
def test_with_a_part_in_doubt_the_name_stays(name: str, nomenclature: Nomenclature) -> None:
    reading = read_target(Query(name), nomenclature)
    assert (reading.types, reading.name) == (1, "")


@pytest.mark.parametrize(("name", "types"), [("lung", 0), ("PTV-CTV", 2), ("", 0)])
def test_a_name_without_one_target_type_is_not_read(
    name: str, types: int, nomenclature: Nomenclature
) -> None:
    reading = read_target(Query(name), nomenclature)
    assert (reading.types, reading.name) == (types, "")


def test_words_that_no_pack_knows_leave_slots_open(nomenclature: Nomenclature) -> None:
    slots = open_slots(Query("PTV gnarblix 54"), nomenclature)
    assert slots is not None
    assert slots.dose == "5400"
    for name in ("PTV larynx 54", "PTV 54", "PTV gnarblix 12", "lung"):
        assert open_slots(Query(name), nomenclature) is None, name


def test_a_choice_fills_the_open_slot_and_nothing_else(nomenclature: Nomenclature) -> None:
    query = Query("PTV gnarblix 54")
    assert read_with_choice(query, nomenclature, structure="Prostate").name == "PTVProstate_5400"
    assert read_with_choice(query, nomenclature, classifier="n").name == "PTVn_5400"
    assert read_with_choice(query, nomenclature, structure="SpinalCord").name == ""
    assert read_with_choice(Query("PTV larynx"), nomenclature, structure="Prostate").name == ""
