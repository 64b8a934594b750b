"""Each cause for which a target is left for review, shown by a name that has it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tg263_scp
from tg263_scp.decision import Reason, Status
from tg263_scp.naming.decide import decide
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.doubts import OPEN_WORDS, Doubt, first_doubt
from tg263_scp.naming.targets.reading import open_slots, read_target, read_with_choice
from tg263_scp.naming.targets.single_words import DOUBTS_OF_PACKS

NAMES: tuple[tuple[Doubt, str, str, str], ...] = (
    # doubt, name, site, language of the set
    (Doubt.ABBREVIATION, "PTV rib", "", ""),
    (Doubt.BED_OR_VESICLES, "PTV SB", "", ""),
    (Doubt.BOTH_SIDES, "PTV L R", "", ""),
    (Doubt.COPY_NUMBER, "PTV (2)", "", ""),
    (Doubt.COPY_NUMBER, "CTV60L_2", "", ""),
    (Doubt.COPY_NUMBER, "CTV70.1", "", ""),
    (Doubt.COUNT_OF_FRACTIONS, "PTV 3 x 18", "", ""),
    (Doubt.COUNT_OF_FRACTIONS, "CTV 3fx", "", ""),
    (Doubt.COUNT_OF_FRACTIONS, "PTV 54 Fraktionen", "", ""),
    (Doubt.CUT_OFF, "PTV -5", "", ""),
    (Doubt.CUT_OFF, "PTV-", "", ""),
    (Doubt.CUT_OFF, "PTV - 4", "", ""),
    (Doubt.CUT_OFF, "GTV - neck", "", ""),
    (Doubt.CUT_OFF, "PTV-Rectum", "", ""),
    (Doubt.DEVICE, "PTV Bolus", "", ""),
    (Doubt.DOSE_IMPOSSIBLE, "PTV 154 Gy", "", ""),
    (Doubt.DOSE_IMPOSSIBLE, "PTV 70 cGy", "", ""),
    (Doubt.FIELD_STRENGTH, "GTV 3T", "", ""),
    (Doubt.FRACTIONS_TOO_LARGE, "PTV 45Gyx3", "", ""),
    (Doubt.FRACTIONS_UNREADABLE, "CTV 54Gy x 3.60", "", ""),
    (Doubt.INDEX_OR_DOSE, "PTV 12", "", ""),
    (Doubt.INDEX_OR_DOSE, "PTV 8", "", ""),
    (Doubt.LENGTH, "PTV 5 mm", "", ""),
    (Doubt.LENGTH, "PTV 5 мм", "", ""),
    (Doubt.LETTER_BEFORE_TYPE, "PGTV 69", "", ""),
    (Doubt.LEVEL_OF_STRUCTURE, "PTV low larynx", "", ""),
    (Doubt.MAY_BE_BREATHING_PHASE, "GTV 50", "", ""),
    (Doubt.MAY_BE_DATE, "PTV 24.03", "", ""),
    (Doubt.MAY_BE_DATE, "PTV 2403", "", ""),
    (Doubt.MAY_BE_RANK, "1 GTV", "", ""),
    (Doubt.NODES_OR_DOSE_LEVEL, "PTV level 2", "head_and_neck", ""),
    (Doubt.COPY_NUMBER, "PTV prostate 1", "", ""),
    (Doubt.COPY_NUMBER, "PTV high_1", "", ""),
    (Doubt.INDEX_OR_DOSE, "GTV PET 4", "", ""),
    (Doubt.MAY_BE_NECK_LEVEL, "PTV neck 4", "", ""),
    (Doubt.MAY_BE_NECK_LEVEL, "4 PTV neck", "", ""),
    (Doubt.MAY_BE_STATION, "GTV_LN7", "", ""),
    (Doubt.MAY_BE_STATION, "ITV 2R", "thorax", ""),
    (Doubt.MAY_BE_VERTEBRA, "PTV T12", "", ""),
    (Doubt.MAY_BE_YEAR, "PTV 2024", "", ""),
    (Doubt.MORE_THAN_ONE_TYPE, "PTV GTV", "", ""),
    (Doubt.NODES_OF_ORGAN, "CTV rectum nodes", "", ""),
    (Doubt.NODES_OR_INTERSECTION, "CTV n brain", "", ""),
    (Doubt.NUMBERS_COMBINED, "CTV 40-56", "", ""),
    (Doubt.NUMBER_UNUSUAL, "PTV_20191203", "", ""),
    (Doubt.NUMBER_UNUSUAL, "PTV 100", "", ""),
    (Doubt.ONE_SIDE_OR_BOTH, "PTV nerki", "", ""),
    (Doubt.ORDINAL, "CTV 3rd", "", ""),
    (Doubt.ORDINAL, "CTV 2ème", "", ""),
    (Doubt.ORGAN_AT_RISK, "PTV cord", "", ""),
    (Doubt.ORGAN_AT_RISK, "PTV rectum", "prostate", ""),
    (Doubt.ORGAN_BEFORE_TARGET, "Larynx PTV", "", ""),
    (Doubt.ORGAN_WITHOUT_TARGET, "Lungs_PTV", "", ""),
    (Doubt.PART_OF_STRUCTURE, "PTV-SpinalCord_PRV", "", ""),
    (Doubt.PHASE_NUMBER, "PTV 3ph", "", ""),
    (Doubt.PHASE_OR_PLAN, "PTV_P1", "", ""),
    (Doubt.PLACE_BESIDE_STRUCTURE, "PTV sup clav R", "breast", ""),
    (Doubt.PLACE_OR_CLASSIFIER, "CTV BR", "", ""),
    (Doubt.PLACE_OR_CLASSIFIER, "CTV lf", "", ""),
    (Doubt.PLACE_OR_LEVEL, "PTV low neck", "", ""),
    (Doubt.PLACE_OR_LEVEL, "GTV hi", "", ""),
    (Doubt.PLACE_OR_LEVEL, "PTV high", "brain", ""),
    (Doubt.PROSTATE_AND_VESICLES, "CTV_P_sv", "prostate", ""),
    (Doubt.PROSTATE_OR_PRIMARY, "PTV P", "prostate", ""),
    (Doubt.RISK_OR_INITIALS, "LR PTV", "", ""),
    (Doubt.ROMAN_LEVEL, "CTV II L", "head_and_neck", ""),
    (Doubt.SECOND_CLASSIFIER, "GTVt_LN", "", ""),
    (Doubt.SECOND_DOSE, "PTV 40 70", "", ""),
    (Doubt.SECOND_IMAGE_SET, "GTV CT1 PT1", "", ""),
    (Doubt.SECOND_LEVEL, "HR-CTV mid", "", ""),
    (Doubt.SECOND_NUMBER, "CTV1_1", "", ""),
    (Doubt.SHARE, "GTV 50%", "", ""),
    (Doubt.SIDE_IN_SET_LANGUAGE, "CTV p 65", "", "pl"),
    (Doubt.SIDE_IN_STRUCTURE_LANGUAGE, "PTV p nerka", "", ""),
    (Doubt.SIDE_OR_REVISION, "GTV R3", "", ""),
    (Doubt.SIDE_UNLISTED, "PTV colon R", "", ""),
    (Doubt.SIGN_WITHOUT_SLOT, "PTV?", "", ""),
    (Doubt.SMALL_LETTER, "PTVr", "", ""),
    (Doubt.STRUCTURE_UNLISTED, "epiglottis GTV", "", ""),
    (Doubt.STRUCTURE_WITHOUT_SLOT, "GTV Laorta", "", ""),
    (Doubt.TOO_LONG, "PTV60 combined", "", ""),
    (Doubt.TWO_DOSES, "CTV54,60", "", ""),
    (Doubt.TWO_VERTEBRAE, "CTV p vertebra T8", "", ""),
    (Doubt.UNSAFE_TOTAL, "PTV 60/2", "", ""),
    (Doubt.VERSION_MARK, "PTV 54*", "", ""),
    (Doubt.VESSEL, "PTV aorta", "", ""),
    (Doubt.WORD_AMBIGUOUS, "PTV bulb", "", ""),
    (Doubt.WORD_UNKNOWN, "PTV xyz", "", ""),
)
BY_CHOICE_ONLY = frozenset({Doubt.NOTHING_OPEN, Doubt.NOT_NODES})
"""Doubts that only the answer of a language model can raise."""


@pytest.mark.parametrize(("doubt", "name", "site", "language"), NAMES)
def test_each_cause_is_told_by_its_own_doubt(
    nomenclature: Nomenclature, doubt: Doubt, name: str, site: str, language: str
) -> None:
    languages = frozenset({language} if language else ())
    reading = read_target(Query(name, site=site, languages=languages), nomenclature)
    assert (reading.name, reading.doubt) == ("", doubt)


def test_every_doubt_has_a_name_that_raises_it() -> None:
    assert {doubt for doubt, *_ in NAMES} | BY_CHOICE_ONLY == set(Doubt)


def test_an_answer_of_a_model_that_contradicts_the_name_is_left_for_review(
    nomenclature: Nomenclature,
) -> None:
    assert read_with_choice(Query("PTV 54"), nomenclature, structure="Liver").doubt is Doubt.NOTHING_OPEN
    nodal = read_with_choice(Query("PTV nodal gnarblix"), nomenclature, structure="Liver")
    assert (nodal.name, nodal.doubt) == ("", Doubt.NOT_NODES)


@pytest.mark.parametrize(
    ("name", "reason", "doubt"),
    [
        ("PTV 12", Reason.TARGET_DOUBTFUL, Doubt.INDEX_OR_DOSE),
        ("PTV xyz", Reason.TARGET_DOUBTFUL, Doubt.WORD_UNKNOWN),
        ("PTV60 combined", Reason.NO_STANDARD_NAME, Doubt.TOO_LONG),
        ("PTV colon R", Reason.NO_STANDARD_NAME, Doubt.SIDE_UNLISTED),
    ],
)
def test_a_decision_says_doubtful_or_that_the_standard_has_no_name(
    nomenclature: Nomenclature, name: str, reason: Reason, doubt: Doubt
) -> None:
    decision = decide(name, nomenclature)
    assert (decision.status, decision.reason, decision.doubt) == (Status.REVIEW, reason, doubt.value)
    assert decision.note == doubt.text


def test_a_name_that_is_no_doubtful_target_has_no_doubt(nomenclature: Nomenclature) -> None:
    assert [decide(name, nomenclature).doubt for name in ("PTV 60", "Heart", "gnarblix")] == ["", "", ""]


@pytest.mark.parametrize(
    ("doubt", "name", "site", "language"), [row for row in NAMES if row[0] not in OPEN_WORDS]
)
def test_a_model_is_asked_only_where_nothing_but_words_stands_open(
    nomenclature: Nomenclature, doubt: Doubt, name: str, site: str, language: str
) -> None:
    languages = frozenset({language} if language else ())
    assert open_slots(Query(name, site=site, languages=languages), nomenclature) is None


def test_codes_are_stable_words_and_texts_are_one_plain_clause() -> None:
    assert all(doubt.value == doubt.name.lower() for doubt in Doubt)
    assert len({doubt.text for doubt in Doubt}) == len(Doubt)
    assert not [doubt for doubt in Doubt if doubt.text.endswith(".") or "person" in doubt.text]


def test_every_doubt_that_a_pack_may_raise_is_raised_by_a_word_of_one(nomenclature: Nomenclature) -> None:
    assert set(nomenclature.lexicon.doubtful_words.values()) == set(DOUBTS_OF_PACKS)


def test_the_first_doubt_of_a_table_stands() -> None:
    table = ((str.isupper, Doubt.SMALL_LETTER), (str.isalpha, Doubt.WORD_UNKNOWN))
    assert first_doubt(table, "PTV") is Doubt.SMALL_LETTER
    assert first_doubt(table, "ptv") is Doubt.WORD_UNKNOWN
    assert first_doubt(table, "54") is None


def test_no_doubt_is_compared_as_text() -> None:
    codes = {doubt.value for doubt in Doubt if "_" in doubt.value} | {doubt.text for doubt in Doubt}
    for module in (Path(tg263_scp.__file__).parent / "naming").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                said = {side.value for side in ast.walk(node) if isinstance(side, ast.Constant)}
                assert said.isdisjoint(codes), f"{module.name}:{node.lineno}"
