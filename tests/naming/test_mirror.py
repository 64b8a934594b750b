"""Left and right exchanged in the names exchange left and right in the answers, and nothing else.

The names are the project's own: the phrases of the packs with the side words of their language, the list's stems in the
notations of clinics, and whole sets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tg263_scp.decision import Decision, Roi, Status
from tg263_scp.naming.decide import decide, decide_set
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.lexicon import Sense

_SIDE = re.compile(r"(?<![^\W_])[LR](?![^\W_])|(?<=_)[LR](?=(?:LL|UL|I)$)|[LR](?=_?\d{4}$)|(?<=[a-z])[LR]$")
NOTATIONS = (
    "{} {L}", "{L} {}", "{}_{L}", "{L}_{}", "{}-{L}", "{L}{}", "{}{L}", "{Lt} {}", "{}_{Lt}", "{left} {}", "{}{Left}",
    "({L}) {}", "{L} {} PRV", "{}_PRV03_{L}", "{} {Lt} + 5 mm", "partial {left} {}", "opt {} {L}", "{} {L} old", "{} {L} {L}",
    "PTV {} {L}", "{L} PTV {} 54", "CTVn_{}_{L}", "{} {L} - PTV", "PTV {L} 60", "PTV {L} 50", "{left} gtv",
    "PTV1_{L}_5400",
)  # fmt: skip
WORDS = (
    {"L": "L", "Lt": "Lt", "left": "left", "Left": "Left"},
    {"L": "R", "Lt": "Rt", "left": "right", "Left": "Right"},
)
SETS = (
    "{L}LACR LON {L}EYE {L}SMG {L}COCHLEA COCHLEA{L} RETINA{L} FEMUR{L} Ax1{L} Ax2{L} Ax3{L}",
    "QXT_Parotid_{L} QXT_Lens_{L} QXT_Cord QXT_PTV_{L} QXT_Lung_{L} QXT_{Left}Eye",
    "Lung_{L} Breast_{L} Heart ctv_{L} PTV_{L}_50 LN_Ax_{L} Kidney Kidney_{L}",
)  # fmt: skip


def mirrored(name: str) -> str:
    """A standard name with its sides exchanged."""
    return _SIDE.sub(lambda match: "R" if match.group() == "L" else "L", name)


def outcome(decision: Decision) -> tuple[Status, str]:
    """What became of a name; a name that stays says nothing by its spelling."""
    return decision.status, decision.name if decision.status is Status.RENAME else ""


def exchanged(decision: Decision) -> tuple[Status, str]:
    status, name = outcome(decision)
    return status, mirrored(name)


def own_phrases(nomenclature: Nomenclature) -> Iterator[tuple[str, str, str]]:
    """For each language one phrase of every sixth paired structure, with the first words for left and right, not letters."""
    sides: dict[str, dict[str, str]] = {}
    words_first = sorted(nomenclature.lexicon.sides.items(), key=lambda item: len(item[0]) == 1)
    for word, meanings in words_first:
        for language, side in meanings.items():
            sides.setdefault(language, {}).setdefault(side, word)
    seen: dict[tuple[str, str], int] = {}
    for phrases in nomenclature.lexicon.index.values():
        for phrase in phrases:
            stem = nomenclature.stems.get(phrase.means)
            key = phrase.language, phrase.means
            if phrase.sense is Sense.STRUCTURE and stem and stem.paired and key not in seen:
                seen[key] = len(seen)
                words = sides.get(phrase.language, {})
                if {"L", "R"} <= words.keys() and not seen[key] % 6:
                    yield phrase.text, words["L"], words["R"]


def test_the_words_of_every_language(nomenclature: Nomenclature) -> None:
    """A pack that nobody has checked renames nothing, though another language may know one of its side words."""
    asked = list(own_phrases(nomenclature))
    assert len(asked) > 200
    wrong = [
        (left.original, outcome(left), outcome(right))
        for phrase, said_left, said_right in asked
        for way in ("{} {}", "{1} {0}")
        for left in [decide(way.format(phrase, said_left), nomenclature)]
        for right in [decide(way.format(phrase, said_right), nomenclature)]
        if exchanged(left) != outcome(right) and "checked_by" not in left.note + right.note
    ]
    assert wrong == []


@pytest.mark.parametrize("notation", NOTATIONS)
def test_the_notations_of_clinics(notation: str, nomenclature: Nomenclature) -> None:
    stems = [stem.name for stem in nomenclature.stems.values() if stem.paired][::6]
    wrong = []
    for stem in stems:
        left, right = (
            decide(notation.format(stem.lower(), **words), nomenclature, site="head_and_neck")
            for words in WORDS
        )
        if exchanged(left) != outcome(right):
            wrong.append((left.original, outcome(left), outcome(right)))
    assert wrong == []


@pytest.mark.parametrize("text", SETS)
def test_whole_sets(text: str, nomenclature: Nomenclature) -> None:
    """Both sides together, then the other way round: each name gets the other's name."""

    def decided(first: dict[str, str], second: dict[str, str]) -> list[Decision]:
        names = [each.format(**words) for each in text.split() for words in (first, second)]
        return list(decide_set([Roi(at, name) for at, name in enumerate(dict.fromkeys(names))], nomenclature))

    here, there = decided(*WORDS), decided(*reversed(WORDS))
    assert [exchanged(decision) for decision in here] == [outcome(decision) for decision in there]
    assert any(decision.status is Status.RENAME for decision in here)
