"""Words that change nothing beside a structure are left out; those that say another volume never are."""

from __future__ import annotations

import pytest

from tg263_scp.decision import Reason, Status
from tg263_scp.naming.decide import decide
from tg263_scp.naming.organs.idle_words import without_idle_words
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.letters import tokenise


@pytest.mark.parametrize(
    ("name", "kept", "idle"),
    [
        ("Whole Liver", "liver", ("whole",)),
        ("Heart outline", "heart", ("outline",)),
        ("rectum (including gas)", "rectum", ("(", "including", "gas", ")")),
        ("bowel w/o contents", "bowel w / o contents", ()),
        ("bowel without air and stool", "bowel", ("without", "air", "and", "stool")),
        ("lungs without GTV", "lungs without gtv", ()),
        ("liver", "liver", ()),
        ("including gas", "including gas", ()),
    ],
)
def test_what_changes_nothing_is_left_out(
    name: str, kept: str, idle: tuple[str, ...], nomenclature: Nomenclature
) -> None:
    rest, left_out = without_idle_words(tokenise(name, camel=False), nomenclature.lexicon)
    assert (" ".join(token.text for token in rest), left_out) == (kept, idle)


def test_each_group_gives_its_reason_and_no_word_is_in_both_lists(nomenclature: Nomenclature) -> None:
    lexicon = nomenclature.lexicon
    assert all(len(why) > 10 for why in (*lexicon.idle_words.values(), *lexicon.remarks.values()))
    both = lexicon.idle_words.keys() & lexicon.remarks.keys()
    assert both <= lexicon.usage.filling_words


def test_a_remark_says_why_it_is_left_for_review(nomenclature: Nomenclature) -> None:
    decision = decide("Liver backup", nomenclature)
    assert (decision.status, decision.reason) == (Status.REVIEW, Reason.REMARK)
    assert "state of the work" in decision.note


def test_a_word_left_out_is_evidence(nomenclature: Nomenclature) -> None:
    decision = decide("Heart outline", nomenclature)
    line = nomenclature.lexicon.source_of("idle_words", "outline")
    assert decision.name == "Heart"
    assert line in decision.evidence
