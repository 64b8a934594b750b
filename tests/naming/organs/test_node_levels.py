"""Levels of nodes: a number is a level where the name says so, and what the list does not hold has no name."""

from __future__ import annotations

import pytest

from tg263_scp.naming.organs.node_levels import drops_a_level, phrase_of_level
from tg263_scp.naming.organs.parts import Parts
from tg263_scp.naming.organs.reading import Finding, read_organ
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature


@pytest.mark.parametrize(
    ("name", "site", "level"),
    [
        ("LN_III_R", "head_and_neck", "LN_Neck_III_R"),
        ("Lv_IIa_L", "", "LN_Neck_IIA_L"),
        ("LN_Neck_2_R", "", "LN_Neck_II_R"),
        ("Neck L2 R", "", "LN_Neck_II_R"),
        ("hals niveau II links", "", "LN_Neck_II_L"),
        ("Axilla_I_R", "", "LN_Ax_L1_R"),
        ("Lvl_2_L", "breast", "LN_Ax_L2_L"),
        ("LN level V right", "", "LN_Neck_V_R"),
    ],
)
def test_a_level_is_named_in_every_notation(
    name: str, site: str, level: str, nomenclature: Nomenclature
) -> None:
    assert read_organ(Query(name, site=site), nomenclature).name == level


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("LN_2_L", "head_and_neck"),
        ("Neck_2_R", "head_and_neck"),
        ("Neck_L2", "head_and_neck"),
        ("II_L", "head_and_neck"),
        ("LN_Neck_II-IV_L", "head_and_neck"),
        ("LN neck axilla 2a L", ""),
        ("LN level 0 L", "head_and_neck"),
        ("station 15", "thorax"),
        ("LN_Va_Vb_L", "head_and_neck"),
        ("Axilla L1", "breast"),
    ],
)
def test_a_number_that_may_count_is_no_level(name: str, site: str, nomenclature: Nomenclature) -> None:
    assert read_organ(Query(name, site=site), nomenclature).name == ""


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("LN_Neck_IVB_R", ""),
        ("Lvl VIII L", ""),
        ("LN_Ax_L4_L", ""),
        ("LN_4R", "thorax"),
        ("IASLC 10L", ""),
        ("Station 3a", ""),
    ],
)
def test_what_the_list_does_not_hold_is_known_as_such(
    name: str, site: str, nomenclature: Nomenclature
) -> None:
    assert read_organ(Query(name, site=site), nomenclature).finding is Finding.UNLISTED


def test_a_level_rests_on_the_line_of_the_list(nomenclature: Nomenclature) -> None:
    phrase = phrase_of_level(Parts(("lv", "iia")), Query("Lv_IIa"), nomenclature)
    assert phrase is not None
    assert (phrase.means, phrase.source) == ("LN_Neck_IIA", nomenclature.entries["LN_Neck_IIA_L"].source)


def test_a_side_that_reads_as_a_level_is_none(nomenclature: Nomenclature) -> None:
    lexicon = nomenclature.lexicon
    dropped = Parts(("ln", "vb"), frozenset("L"), written=("ln", "va", "vb", "l"))
    kept = Parts(("ln", "vb"), frozenset("L"), written=("ln", "vb", "l"))
    assert drops_a_level(dropped, Query("LN_Va_Vb_L"), lexicon)
    assert not drops_a_level(kept, Query("LN_Vb_L"), lexicon)


@pytest.mark.parametrize("name", ["LN_Neck_V_L_2", "ln_neck_v 2", "LN neck II v"])
def test_a_level_is_no_danish_left_where_nothing_is_danish(name: str, nomenclature: Nomenclature) -> None:
    assert read_organ(Query(name), nomenclature).name == ""
    assert read_organ(Query("hals 2b v"), nomenclature).name == "LN_Neck_IIB_L"


def test_a_letter_that_was_taken_as_a_side_leaves_no_level(nomenclature: Nomenclature) -> None:
    parts = Parts(("ln", "neck", "2"), frozenset("L"), written=("ln", "neck", "l", "2"))
    assert phrase_of_level(parts, Query("LN_Neck_L2"), nomenclature) is None
