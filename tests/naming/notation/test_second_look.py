"""The second look at a set: the same for every order, and never against what a name alone became."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from tg263_scp.decision import Decision, Roi, Status
from tg263_scp.naming.decide import decide, decide_set
from tg263_scp.naming.notation.second_look import is_worth_a_look
from tg263_scp.naming.standard.nomenclature import Nomenclature

SETS = (
    "LON RON LPAR RPAR LLENS RLENS LCOCHLEA BrSt Cord GTV_0 CTV_0 PTV_60",
    "QXT_Cord QXT_Lips QXT_RETINAL QXT_RETINAR QXT_ring QXT_PTV_70 QXT_zAvoid Body",
    "0_GTV 1_CTV_50 1_CTV_60 2_PTV_50 2_PTV_60 T12 L1 L2 Ax1L Ax2L Ax3L",
    "ReinG ReinD LensG LensD OeilG OeilD CochleeD Vessie PTV1 PTV2 PTV_6",
    "Heart_AI Lung_L_AI Lung_R_AI Liver_AI SpinalCord_AI Kidney_AI",
)


def together(names: Sequence[str], nomenclature: Nomenclature, site: str = "") -> list[Decision]:
    return list(decide_set([Roi(at, name) for at, name in enumerate(names)], nomenclature, site=site))


@pytest.mark.parametrize("text", SETS)
def test_the_order_of_the_names_does_not_matter(text: str, nomenclature: Nomenclature) -> None:
    names = text.split()
    decisions = {d.original: d for d in together(names, nomenclature)}
    for seed in range(3):
        shuffled = random.Random(seed).sample(names, len(names))
        assert {d.original: d for d in together(shuffled, nomenclature)} == decisions


@pytest.mark.parametrize("text", SETS)
def test_a_name_that_was_named_alone_keeps_its_name(text: str, nomenclature: Nomenclature) -> None:
    for decision in together(text.split(), nomenclature):
        alone = decide(decision.original, nomenclature)
        if alone.status is Status.RENAME and decision.rule != "S070":
            assert decision.name in (alone.name, alone.original), decision.note


def test_the_evidence_is_in_the_note_the_trail_and_the_lines(nomenclature: Nomenclature) -> None:
    cord, *_ = together("QXT_Cord QXT_Lips QXT_Larynx QXT_Eye_L QXT_Eye_R".split(), nomenclature)
    assert cord.note == "the beginning 'qxt' was taken out: 5 of 5 names share it"
    assert [step.note for step in cord.trail if step.rule == "S050"] == [cord.note]
    assert cord.evidence
    assert cord.name == "SpinalCord"


def test_v020_says_which_number_was_inferred_to_be_none_of_the_name(nomenclature: Nomenclature) -> None:
    gtv, *_ = together(["0 GTV", "1 CTV", "2 PTV"], nomenclature)
    assert [step.note for step in gtv.trail if step.rule == "V020"][-1].startswith("no objection; 0 was")


def test_vetoes_look_at_the_whole_written_name(nomenclature: Nomenclature) -> None:
    first = together("PRVQ_Cord PRVQ_Lips PRVQ_Larynx PRVQ_Eye_L PRVQ_Eye_R".split(), nomenclature)
    assert all(decision.name != "SpinalCord" for decision in first)


def test_what_stays_open_is_offered_what_the_set_leads_to(nomenclature: Nomenclature) -> None:
    lon, _ = together(["LON", "RON"], nomenclature)
    assert lon.status is Status.REVIEW
    assert lon.candidates[0].name == "OpticNrv_L"


def test_a_notation_of_three_pairs_reads_a_name_without_its_mirror(nomenclature: Nomenclature) -> None:
    names = ["PAROTIDL", "PAROTIDR", "LENSL", "LENSR", "EYEL", "EYER", "RETINAR"]
    decision = together(names, nomenclature, "head_and_neck")[-1]
    assert (decision.name, decision.rule) == ("Retina_R", "S060")
    assert "3 pairs" in decision.note
    assert together(names[1:], nomenclature, "head_and_neck")[-1].status is Status.REVIEW


def test_only_what_is_open_or_begins_with_a_number_is_looked_at_again(nomenclature: Nomenclature) -> None:
    names = ("Heart", "qxt", "1 CTV")
    assert [is_worth_a_look(decide(name, nomenclature)) for name in names] == [False, True, True]
