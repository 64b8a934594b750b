"""The structure slot of a target: what was found fills it, unless one of the doubts holds."""

from __future__ import annotations

import pytest

from tg263_scp.naming.organs.reading import Finding, OrganReading, read_organ
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.doubts import Doubt
from tg263_scp.naming.targets.placing import Placing
from tg263_scp.naming.targets.slots import Slots
from tg263_scp.naming.targets.structures import is_part_or_margin, may_be_genitive, put_structure


def placed(found: OrganReading, nomenclature: Nomenclature, **filled: object) -> Slots:
    slots = Slots(type="PTV", **filled)  # type: ignore[arg-type]
    put_structure(found, slots, Query("PTV"), nomenclature)
    return slots


def test_a_side_goes_to_the_structure(nomenclature: Nomenclature) -> None:
    lung = read_organ(Query("lung left"), nomenclature)
    slots = placed(lung, nomenclature)
    assert (slots.qualifier, slots.sides, slots.doubt) == ("Lung_L", [], None)
    assert slots.sources == [phrase.source for phrase in lung.phrases]


def test_a_side_the_list_does_not_know_is_refused(nomenclature: Nomenclature) -> None:
    slots = placed(read_organ(Query("colon"), nomenclature), nomenclature, sides=["R"])
    assert (slots.qualifier, slots.doubt) == ("", Doubt.SIDE_UNLISTED)


def test_the_side_of_a_single_organ_goes_behind_the_caret(nomenclature: Nomenclature) -> None:
    slots = placed(read_organ(Query("liver"), nomenclature), nomenclature, sides=["R"])
    assert (slots.qualifier, slots.sides, slots.doubt) == ("Liver", ["R"], None)


def test_nodes_of_a_side_are_one_structure(nomenclature: Nomenclature) -> None:
    nodes = OrganReading(Finding.FOUND, ("LN_Pelvics",), "LN_Pelvic")
    assert placed(nodes, nomenclature).qualifier == "LN_Pelvics"


@pytest.mark.parametrize(
    ("finding", "doubt"),
    [
        (Finding.UNLISTED, Doubt.STRUCTURE_UNLISTED),
        (Finding.AMBIGUOUS, Doubt.WORD_AMBIGUOUS),
        (Finding.NOTHING, Doubt.WORD_UNKNOWN),
        (Finding.NO_STANDARD_NAME, Doubt.STRUCTURE_WITHOUT_SLOT),
    ],
)
def test_what_was_not_found_fills_nothing(finding: Finding, doubt: Doubt, nomenclature: Nomenclature) -> None:
    slots = placed(OrganReading(finding), nomenclature)
    assert (slots.qualifier, slots.doubt) == ("", doubt)


def test_the_first_doubt_stands(nomenclature: Nomenclature) -> None:
    slots = placed(read_organ(Query("liver"), nomenclature), nomenclature, doubt=Doubt.VERSION_MARK)
    assert (slots.qualifier, slots.doubt) == ("", Doubt.VERSION_MARK)


def test_a_genitive_is_doubtful_in_the_languages_whose_pack_says_so(nomenclature: Nomenclature) -> None:
    def placing(words: str, **filled: object) -> Placing:
        slots = Slots(**filled)  # type: ignore[arg-type]
        return Placing(read_organ(Query(words), nomenclature), slots, Query(words), nomenclature)

    assert may_be_genitive(placing("nerki"))
    assert not may_be_genitive(placing("nerki", sides=["L"]))
    assert not may_be_genitive(placing("kidneys"))


def test_a_margin_or_a_part_is_no_structure(nomenclature: Nomenclature) -> None:
    def placing(words: str) -> Placing:
        return Placing(read_organ(Query(words), nomenclature), Slots(), Query(words), nomenclature)

    assert is_part_or_margin(placing("cord prv"))
    assert not is_part_or_margin(placing("lung left"))
