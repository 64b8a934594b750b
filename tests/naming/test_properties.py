"""What holds for every name of the list and every order of a set, whatever the rules become."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

import pytest
from rapidfuzz.distance import OSA

from tg263_scp.decision import Reason, Roi, Status
from tg263_scp.naming.decide import decide, decide_set
from tg263_scp.naming.query import NamingOptions, Proposal, Query
from tg263_scp.naming.rules.vetoes import no_identifier
from tg263_scp.naming.standard.nomenclature import Nomenclature

MESSY = (
    "LT PAROTID", "rt parotid", "Cord", "PRV cord 5mm", "PTV 60", "CTV n 54", "Ring 60", "left lens", "Lens_R", "brain stem",
    "larynx", "Lung (Left)", "lung right", "heart", "kidney", "unknown thing", "z_help", "", "Hüftkopf links",
)  # fmt: skip


def test_a_listed_name_is_kept_in_every_company(nomenclature: Nomenclature) -> None:
    decisions = decide_set([Roi(i, name) for i, name in enumerate(nomenclature.names)], nomenclature)
    assert [d.name for d in decisions if d.status is not Status.KEEP] == []


def test_a_reverse_name_becomes_its_primary_name(nomenclature: Nomenclature) -> None:
    for name, entry in nomenclature.entries.items():
        decision = decide(entry.reverse, nomenclature)
        assert decision.name in (name, entry.reverse), entry.reverse
        if "_" in entry.reverse and entry.reverse != name and entry.kind == "organ":
            assert decision.name == name, entry.reverse


def test_deciding_twice_changes_nothing_more(nomenclature: Nomenclature) -> None:
    for name in MESSY:
        once = decide(name, nomenclature)
        twice = decide(once.name, nomenclature)
        if once.status is Status.RENAME:
            assert (twice.status, twice.name) == (Status.KEEP, once.name)


def test_the_order_of_the_rois_does_not_matter(nomenclature: Nomenclature) -> None:
    rois = [Roi(i, name) for i, name in enumerate(MESSY)]
    expected = {d.original: (d.status, d.name) for d in decide_set(rois, nomenclature)}
    for seed in range(5):
        shuffled = random.Random(seed).sample(rois, len(rois))
        assert {d.original: (d.status, d.name) for d in decide_set(shuffled, nomenclature)} == expected


def test_a_listed_side_never_changes_however_it_is_spelt(nomenclature: Nomenclature) -> None:
    words = {"L": ("left", "lt", "L"), "R": ("right", "rt", "R")}
    for stem in nomenclature.stems.values():
        if not (stem.left and stem.right):
            continue
        for side, listed in (("L", stem.left), ("R", stem.right)):
            for word in words[side]:
                for text in (f"{word} {stem.name}", f"{stem.name} {word}", f"{stem.name}-{word}".upper()):
                    decision = decide(text, nomenclature)
                    assert decision.name in (listed, text), (text, decision.name)


def test_a_name_that_is_not_readable_is_never_changed(nomenclature: Nomenclature) -> None:
    (decision,) = decide_set([Roi(1, "cord", readable=False)], nomenclature)
    assert (decision.status, decision.name, decision.reason) == (Status.REVIEW, "cord", Reason.UNREADABLE)


def test_two_rois_never_get_one_name(nomenclature: Nomenclature) -> None:
    decisions = decide_set([Roi(1, "lt lung"), Roi(2, "left lung"), Roi(3, "heart")], nomenclature)
    assert [d.status for d in decisions] == [Status.REVIEW, Status.REVIEW, Status.RENAME]
    assert {d.rule for d in decisions[:2]} == {"S010"}
    assert [c.name for c in decisions[0].candidates][:1] == ["Lung_L"]


def test_a_name_that_another_roi_keeps_is_not_given_again(nomenclature: Nomenclature) -> None:
    kept, other = decide_set([Roi(1, "Lung_L"), Roi(2, "left lung")], nomenclature)
    assert kept.status is Status.KEEP
    assert (other.status, other.rule, other.name) == (Status.REVIEW, "S020", "left lung")


@pytest.mark.parametrize(("side", "missing"), [("L", "R"), ("R", "L")])
@pytest.mark.parametrize("structure", ["Parotid", "Kidney", "Cochlea"])
def test_beside_one_of_a_pair_the_other_side_is_offered_first(
    structure: str, side: str, missing: str, nomenclature: Nomenclature
) -> None:
    decisions = decide_set([Roi(1, structure), Roi(2, f"{structure}_{side}")], nomenclature)
    offered = [candidate.name for candidate in decisions[0].candidates]
    assert decisions[0].status is Status.REVIEW
    assert offered[0] == f"{structure}_{missing}"
    assert offered.index(f"{structure}_{side}") > 0, "the side that the set has stays on offer"


def dangerous_neighbours(nomenclature: Nomenclature) -> list[tuple[str, str]]:
    """Pairs of words for different structures that lie one or two letters apart: ileum and ilium, ureter and urethra."""
    meaning: dict[str, set[str]] = {}
    for key, phrases in nomenclature.lexicon.index.items():
        own = {p.means for p in phrases if p.language in ("en", "tg263") and p.means and not p.site}
        if own and key.isalpha() and len(key) > 4:
            meaning[key] = meanings(nomenclature, key)
    words = sorted(meaning)
    return [
        (a, b)
        for at, a in enumerate(words)
        for b in words[at + 1 :]
        if abs(len(a) - len(b)) < 3
        and meaning[a].isdisjoint(meaning[b])
        and OSA.distance(a, b, score_cutoff=2) <= 2
    ]


def test_no_slip_of_the_pen_leads_from_one_organ_to_its_neighbour(nomenclature: Nomenclature) -> None:
    pairs = dangerous_neighbours(nomenclature)
    assert {("ileum", "ilium"), ("larynx", "pharynx"), ("ureter", "urethra")} <= set(pairs)
    decided = cache(lambda name: decide(name, nomenclature))
    for pair in pairs:
        for word, other in (pair, pair[::-1]):
            theirs = meanings(nomenclature, other) - meanings(nomenclature, word)
            slips = {word[:at] + word[at + 1 :] for at in range(1, len(word))} - {other}
            for slip in slips:
                decision = decided(f"{slip} left")
                if decision.rule == "R080" and decision.status is Status.RENAME:
                    nearer = OSA.distance(slip, other) < OSA.distance(slip, word)
                    assert nearer or decision.name.removesuffix("_L") not in theirs, (
                        word,
                        slip,
                        decision.name,
                    )


def meanings(nomenclature: Nomenclature, word: str) -> set[str]:
    """What a word means, both sides and one of them being one organ."""
    names = {phrase.means for phrase in nomenclature.lexicon.find([word])} - {""}
    return {entry.plural_of or name for name in names if (entry := nomenclature.entries.get(name))} | names


def test_equal_names_of_the_sender_stay_as_they_are(nomenclature: Nomenclature) -> None:
    decisions = decide_set([Roi(1, "Heart"), Roi(2, "Heart")], nomenclature)
    assert [d.status for d in decisions] == [Status.KEEP, Status.KEEP]


def test_a_helper_gets_its_z_only_where_the_clinic_asks(nomenclature: Nomenclature) -> None:
    assert decide("Ring 60", nomenclature).status is Status.KEEP
    assert decide("Ring 60", nomenclature, NamingOptions(planning="prefix_z")).name == "zRing60"


def test_a_pattern_the_clinic_keeps_is_never_touched(nomenclature: Nomenclature) -> None:
    options = NamingOptions(keep_patterns=("left*",))
    assert decide("Left Lung", nomenclature, options).reason is Reason.CLINIC_KEEPS


def test_an_identifier_of_the_patient_is_never_repeated_in_a_new_name(nomenclature: Nomenclature) -> None:
    assert decide("PTV 60 L", nomenclature).name == "PTV_6000^L"
    options = NamingOptions(identifiers=("MUSTERMANN", "Neck"))
    for name in ("PTV Mustermann 60", "CTV^mustermann", "zMustermann"):
        assert decide(name, nomenclature, options).name == name


def test_the_identifier_veto_looks_at_the_custom_part_alone(nomenclature: Nomenclature) -> None:
    query, proposal = Query("ptv x"), Proposal("R070", Status.RENAME, Reason.TARGET, "PTV_6000^Mustermann")
    options = NamingOptions(identifiers=("mustermann",))
    assert no_identifier(query, proposal, nomenclature, options)
    assert not no_identifier(
        query, replace(proposal, name="Breast_L"), nomenclature, NamingOptions(identifiers=("breast",))
    )


@pytest.mark.parametrize(
    "name", ["{" * 64, "\u200b\u202e", "L" * 64, "+" * 40, "PTV" * 20, "0" * 64, "\\", "左左左", "１２３"]
)
def test_no_name_is_too_odd_to_be_left_alone(nomenclature: Nomenclature, name: str) -> None:
    assert decide(name, nomenclature).name == name


@pytest.mark.parametrize(
    ("names", "becomes"),
    [
        (("SV", "Uterus", "Vagina", "Bladder", "Rectum"), "SV"),
        (("SV", "Prostate", "Bladder", "Rectum"), "SeminalVes"),
        (("seminal vesicles", "Uterus", "Bladder", "Rectum"), "SeminalVes"),
        (("sem v", "Uterus", "Prostate", "Bladder", "Rectum"), "SeminalVes"),
    ],
)
def test_an_abbreviation_is_no_organ_of_the_sex_that_the_set_does_not_show(
    names: tuple[str, ...], becomes: str, nomenclature: Nomenclature
) -> None:
    decision = decide_set([Roi(n, name) for n, name in enumerate(names)], nomenclature)[0]
    assert decision.name == becomes
    assert (decision.reason is Reason.OTHER_SEX) is (becomes == "SV")
