"""Close matches: renamed above the floor and ahead of the runner-up by the gap; everything else is only a suggestion."""

from __future__ import annotations

import pytest

from tg263_scp.decision import Reason, Status
from tg263_scp.naming.query import NamingOptions, Query
from tg263_scp.naming.rules.close_match import close_match
from tg263_scp.naming.standard.nomenclature import Nomenclature

GERMAN = frozenset({"de"})


def outcome(
    name: str, nomenclature: Nomenclature, *, languages: frozenset[str] = frozenset(), **options: float
) -> tuple[Status, str]:
    """What becomes of a name: the status, and the name that is given or suggested."""
    proposal = close_match(Query(name, languages=languages), nomenclature, NamingOptions(**options))
    assert proposal is not None
    assert proposal.status is Status.REVIEW or proposal.reason is Reason.CLOSE_MATCH
    return proposal.status, proposal.name or proposal.candidates[0].name


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("left pariotd gland", "Parotid_L"),
        ("submandibular galnd rt", "Glnd_Submand_R"),
        ("thoroxwall left", "Chestwall_L"),
        ("Right Femoral He", "Femur_Head_R"),
    ],
)
def test_a_slip_of_the_pen_is_mended(name: str, becomes: str, nomenclature: Nomenclature) -> None:
    assert outcome(name, nomenclature) == (Status.RENAME, becomes)


def test_below_the_floor_it_is_only_a_suggestion(nomenclature: Nomenclature) -> None:
    # one letter of six is wrong (0.83); a language that the set does not show takes off 0.06 more
    assert outcome("Zarvix", nomenclature) == (Status.REVIEW, "Cervix")
    assert outcome("Zarvix", nomenclature, languages=GERMAN) == (Status.RENAME, "Cervix")
    assert outcome("Zarvix", nomenclature, fuzzy_floor=0.77) == (Status.RENAME, "Cervix")
    assert outcome("thoroxwall left", nomenclature, fuzzy_floor=0.91) == (Status.REVIEW, "Chestwall_L")


def test_with_a_runner_up_within_the_gap_it_is_only_a_suggestion(nomenclature: Nomenclature) -> None:
    # of twelve letters one more is wrong for the vertebrae: 0.08 behind
    assert outcome("vertebealart left", nomenclature) == (Status.REVIEW, "A_Vertebral_L")
    assert outcome("vertebealart left", nomenclature, fuzzy_gap=0.08) == (Status.RENAME, "A_Vertebral_L")


def test_the_penalties_are_named(nomenclature: Nomenclature) -> None:
    proposal = close_match(Query("vertebealart left"), nomenclature, NamingOptions())
    assert proposal is not None
    assert proposal.candidates[0].penalties == (("wrong_letters", 0.083), ("runner_up", 0.067))


def test_a_short_word_alone_is_only_a_suggestion(nomenclature: Nomenclature) -> None:
    assert outcome("Braun", nomenclature) == (Status.REVIEW, "Brain")


@pytest.mark.parametrize(
    "name", ["Rectumx", "brainstemag", "parynx", "sacrumplexus", "qwertzuiop", "kidney", "PTV prostaet", "", "LoboTTemporalE"]
)  # fmt: skip
def test_what_is_no_slip_is_not_mended(name: str, nomenclature: Nomenclature) -> None:
    assert close_match(Query(name), nomenclature, NamingOptions()) is None
