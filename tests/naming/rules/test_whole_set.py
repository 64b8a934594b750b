"""What the whole set tells, asked with decisions made by hand: clashes, the other sex, unwritable signs, site, language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from tg263_scp.decision import Candidate, Decision, Reason, Roi, Status
from tg263_scp.naming.query import Proposal
from tg263_scp.naming.rules.whole_set import (
    doubt_the_other_sex,
    half_pairs,
    infer_languages,
    infer_site,
    refuse_unwritable,
    settle_clashes,
)
from tg263_scp.naming.standard.nomenclature import Nomenclature


def renamed(original: str, name: str) -> Decision:
    return Decision(original, Status.RENAME, name, "R050", Reason.SYNONYM, 0.9)


def kept(name: str) -> Decision:
    return Decision(name, Status.KEEP, name, "R010", Reason.LISTED, 1.0)


def reviewed(name: str, *offered: str) -> Decision:
    candidates = tuple(Candidate(each, 0.5) for each in offered)
    reason = Reason.SIDE_MISSING if offered else Reason.UNMATCHED
    return Decision(name, Status.REVIEW, name, "R050", reason, candidates=candidates)


def rules_of(decisions: Iterable[Decision]) -> list[str]:
    return [decision.rule for decision in decisions]


def test_s010_stops_two_rois_that_would_get_one_name() -> None:
    both = (renamed("lt lung", "Lung_L"), renamed("left lung", "lung_l"), renamed("herz", "Heart"))
    settled = settle_clashes(both)
    assert rules_of(settled) == ["S010", "S010", "R050"]
    assert [(d.status, d.name) for d in settled[:2]] == [
        (Status.REVIEW, "lt lung"),
        (Status.REVIEW, "left lung"),
    ]
    assert [d.candidates[0] for d in settled[:2]] == [Candidate("Lung_L", 0.9), Candidate("lung_l", 0.9)]


def test_s010_lets_pass_names_that_differ_by_one_letter() -> None:
    apart = (renamed("lt lung", "Lung_L"), renamed("rt lung", "Lung_R"), reviewed("lung left old", "Lung_L"))
    assert settle_clashes(apart) == apart


@pytest.mark.parametrize("borne", [kept("Lung_L"), kept("lung_l "), reviewed("LUNG_L")])
def test_s020_stops_a_name_that_another_roi_goes_on_with(borne: Decision) -> None:
    stopped, other = settle_clashes((renamed("left lung", "Lung_L"), borne))
    assert (stopped.status, stopped.name, stopped.rule) == (Status.REVIEW, "left lung", "S020")
    assert stopped.trail[-1].rule == "S020"
    assert other == borne


def test_s020_lets_pass_a_name_that_another_roi_gives_up() -> None:
    handed_on = (renamed("Blase", "Bladder"), renamed("Bladder", "Bladder_Wall"))
    assert settle_clashes(handed_on) == handed_on


def test_equal_names_that_both_stay_are_the_sender_s_own() -> None:
    assert rules_of(settle_clashes((kept("Heart"), kept("Heart")))) == ["R010", "R010"]


def test_where_a_side_is_missing_the_name_that_is_free_is_offered_first() -> None:
    asked, _ = settle_clashes((reviewed("parotid", "Parotid_L", "Parotid_R"), kept("Parotid_L")))
    assert [candidate.name for candidate in asked.candidates] == ["Parotid_R", "Parotid_L"]


def test_v090_stops_a_sign_that_the_character_set_lacks() -> None:
    roi = Roi(1, "partial heart", unwritable="~\\")
    (stopped,) = refuse_unwritable([renamed("partial heart", "Heart~")], [roi])
    assert (stopped.status, stopped.name, stopped.rule) == (Status.REVIEW, "partial heart", "V090")
    assert stopped.reason is Reason.VETO_CHARSET


@pytest.mark.parametrize(
    ("decision", "unwritable"),
    [
        (renamed("partial heart", "Heart~"), ""),
        (renamed("herz", "Heart"), "~\\"),
        (kept("Heart~"), "~\\"),
        (reviewed("heart~ old"), "~\\"),
    ],
)
def test_v090_lets_pass_what_can_be_written_and_what_is_not_written(
    decision: Decision, unwritable: str
) -> None:
    assert refuse_unwritable([decision], [Roi(1, decision.original, unwritable=unwritable)]) == [decision]


@pytest.mark.parametrize(
    ("abbreviation", "shown"),
    [
        (renamed("SV", "SeminalVes"), kept("Uterus")),
        (renamed("pros", "Prostate"), kept("Vagina")),
        (renamed("SV", "SeminalVes"), renamed("Gebärmutter", "Uterus")),
        (renamed("ov l", "Ovary_L"), kept("Prostate")),
        (renamed("p prv", "Prostate_PRV05"), kept("Ovary_R")),
    ],
)
def test_s040_stops_an_abbreviation_of_the_sex_that_the_set_does_not_show(
    abbreviation: Decision, shown: Decision, nomenclature: Nomenclature
) -> None:
    stopped, other = doubt_the_other_sex([abbreviation, shown], nomenclature)
    assert (stopped.status, stopped.rule, stopped.reason) == (Status.REVIEW, "S040", Reason.OTHER_SEX)
    assert stopped.name == abbreviation.original
    assert other == shown


@pytest.mark.parametrize(
    "decisions",
    [
        [renamed("SV", "SeminalVes"), kept("Prostate")],
        [renamed("seminal vesicles", "SeminalVes"), kept("Uterus")],
        [renamed("SV", "SeminalVes"), kept("Uterus"), kept("Prostate")],
        [renamed("SV", "SeminalVes"), reviewed("Uterus")],
        [renamed("SV", "SeminalVes"), renamed("ut", "Uterus")],
        [renamed("bl", "Bladder"), kept("Uterus")],
    ],
    ids=["its own sex", "written out", "both are shown", "not certain", "two abbreviations", "of no sex"],
)
def test_s040_lets_pass_what_the_set_does_not_contradict(
    decisions: list[Decision], nomenclature: Nomenclature
) -> None:
    assert doubt_the_other_sex(decisions, nomenclature) == decisions


@pytest.mark.parametrize(
    ("names", "site"),
    [
        (("Prostate", "Bladder", "Rectum"), "prostate"),
        (("Uterus", "Bladder"), "gyn"),
        (("Bladder", "Rectum"), "pelvis"),
        (("Heart", "Lung_L"), "thorax"),
        (("Breast_L", "Heart", "Lung_L"), "breast"),
        (("Heart", "Liver"), ""),
        (("Heart",), ""),
        ((), ""),
    ],
)
def test_the_site_is_what_two_certain_structures_agree_on(
    names: tuple[str, ...], site: str, nomenclature: Nomenclature
) -> None:
    assert infer_site([(kept(name), None) for name in names], nomenclature) == site


def test_a_name_in_review_tells_no_site(nomenclature: Nomenclature) -> None:
    decisions = [(kept("Bladder"), None), (reviewed("Rectum"), None)]
    assert infer_site(decisions, nomenclature) == ""


def _in(*languages: str) -> Proposal:
    return Proposal("R050", Status.RENAME, Reason.SYNONYM, "Heart", languages=frozenset(languages))


@pytest.mark.parametrize(
    ("proposals", "language"),
    [
        ([_in("de"), _in("de", "la")], "de"),
        ([_in("de"), _in("de"), _in("fr")], "de"),
        ([_in("de")], ""),
        ([_in("de"), _in("de"), _in("fr"), _in("fr")], ""),
        ([_in("de", "en"), _in("de", "en")], ""),
        ([_in("la"), _in("la")], ""),
        ([None, None], ""),
    ],
)
def test_the_language_is_the_one_that_most_names_need(
    proposals: list[Proposal | None], language: str
) -> None:
    assert infer_languages(proposals) == ({language} if language else set())


def test_a_pair_of_which_one_side_is_drawn_is_half(nomenclature: Nomenclature) -> None:
    decisions = [kept("Lung_L"), kept("Lung_R"), renamed("lt parotid", "Parotid_L"), kept("Heart")]
    assert half_pairs(decisions, nomenclature) == {"Parotid"}


def test_what_is_stopped_keeps_its_way_and_its_offers() -> None:
    before = replace(renamed("lt lung", "Lung_L"), candidates=(Candidate("Lungs", 0.4),))
    (stopped, _) = settle_clashes((before, kept("Lung_L")))
    assert [candidate.name for candidate in stopped.candidates] == ["Lung_L", "Lungs"]
    assert stopped.confidence == 0
