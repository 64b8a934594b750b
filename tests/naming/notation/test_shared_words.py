"""What most names of a set share is taken out, unless it says something."""

from __future__ import annotations

import pytest

from tg263_scp.naming.notation.shared_words import may_be_taken_out, without_shared
from tg263_scp.naming.standard.nomenclature import Nomenclature

ORGANS = ("Cord", "Lips", "Larynx", "Brainstem", "Parotid_L", "ring", "PTV70")


def texts(names: list[str], nomenclature: Nomenclature) -> list[str]:
    return [name.text for name in without_shared(names, nomenclature.lexicon)]


@pytest.mark.parametrize(
    "written", ["qxt_{}", "QXT {}", "[QXT] {}", "qxt-{}", "{}_qxt", "{} (QXT)", "{}.qxt", "k{}", "QXT_{}_AI"]
)
def test_a_shared_word_is_taken_out(written: str, nomenclature: Nomenclature) -> None:
    names = [written.format(organ) for organ in ("Cord", "Lips", "Larynx", "Brainstem", "Parotid_L")]
    assert texts(names, nomenclature) == ["Cord", "Lips", "Larynx", "Brainstem", "Parotid_L"]


def test_the_note_counts_the_names_that_share_it(nomenclature: Nomenclature) -> None:
    names = [f"QXT_{organ}" for organ in ORGANS[:5]] + ["Heart", "Liver"]
    stripped = without_shared(names, nomenclature.lexicon)
    assert stripped[0].notes == ("the beginning 'qxt' was taken out: 5 of 7 names share it",)
    assert stripped[-1].notes == ()


def test_the_number_of_a_protocol_is_noted(nomenclature: Nomenclature) -> None:
    stripped = without_shared([f"AB003_{organ}" for organ in ORGANS], nomenclature.lexicon)
    assert (stripped[0].text, stripped[0].numbers) == ("Cord", ("003",))


@pytest.mark.parametrize(
    "names",
    [
        [f"QXT_{organ}" for organ in ORGANS[:4]],
        [f"QXT_{organ}" for organ in ORGANS] + ["cord"],
        [f"QXT_{organ}" for organ in ORGANS[:4]] + ["Heart"],
        [f"QXT_{organ}" for organ in ORGANS[:5]] + ["Heart", "Liver", "Lens_L", "Lens_R", "Eye_L"],
        ["QXT_Cord"] * 9,
        [],
    ],
    ids=["four names", "two would be equal", "four share it", "half is not most", "all are equal", "none"],
)
def test_nothing_is_taken_out(names: list[str], nomenclature: Nomenclature) -> None:
    assert texts(names, nomenclature) == names


@pytest.mark.parametrize("word", ["qxt", "hn", "rtog0617", "ai", "dlc", "limbus"])
def test_a_word_that_says_nothing_of_a_structure_may_be_taken_out(
    word: str, nomenclature: Nomenclature
) -> None:
    assert may_be_taken_out(word, nomenclature.lexicon)


@pytest.mark.parametrize(
    "word",
    "l li dx g links ptv ctvx prv 54 5400 3mm gy c40 t50 wk insp exp pre z zz x ring opt avoid crop boost n p lung neck mm "
    "hd5400 plan1 20240117 left high".split(),
)
def test_a_word_that_says_something_stays(word: str, nomenclature: Nomenclature) -> None:
    assert not may_be_taken_out(word, nomenclature.lexicon)


def test_a_side_in_any_language_stays(nomenclature: Nomenclature) -> None:
    sides = [side for side in nomenclature.lexicon.sides if side.isalpha()]
    assert [side for side in sides if may_be_taken_out(side, nomenclature.lexicon)] == []
