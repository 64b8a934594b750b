"""An organ name taken apart: sides, partial marks and margins on one hand, the core on the other."""

from __future__ import annotations

import pytest

from tg263_scp.naming.organs.parts import is_mark, takings
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.letters import tokenise


def ways(name: str, nomenclature: Nomenclature) -> list[tuple[str, str, bool, bool]]:
    """Every way to take a name apart: the core, the sides, whether both and whether a part is meant."""
    found = takings(tokenise(name), nomenclature.lexicon)
    return [(" ".join(p.core), "".join(sorted(p.sides)), p.both, p.partial) for p in found]


def test_the_name_as_a_whole_comes_first(nomenclature: Nomenclature) -> None:
    assert [core for core, *_ in ways("left lung", nomenclature)] == ["left lung", "lung"]


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("left lung", ("lung", "L", False, False)),
        ("Lung (Right)", ("lung", "R", False, False)),
        ("both lungs", ("lungs", "", True, False)),
        ("Lungs L+R", ("lungs", "", True, False)),
        ("partial rt kidney", ("kidney", "R", False, True)),
        ("parotis li", ("parotis", "L", False, False)),
        ("left right lung", ("lung", "LR", False, False)),
        ("OAR_Lung_L", ("lung", "L", False, False)),
    ],
)
def test_sides_and_parts_are_taken_out(
    name: str, way: tuple[str, str, bool, bool], nomenclature: Nomenclature
) -> None:
    assert way in ways(name, nomenclature)


@pytest.mark.parametrize("name", ["Heart*", "rectum'", 'lung"', "Level II-V", "level 2-4"])
def test_a_mark_of_a_version_and_a_range_are_not_taken_apart(name: str, nomenclature: Nomenclature) -> None:
    assert ways(name, nomenclature) == []


@pytest.mark.parametrize("name", ["lung + heart", "lung & heart", "", "()"])
def test_a_sign_that_joins_leaves_no_core(name: str, nomenclature: Nomenclature) -> None:
    assert ways(name, nomenclature) == []


def test_a_margin_is_taken_out_with_the_side(nomenclature: Nomenclature) -> None:
    (parts,) = [p for p in takings(tokenise("lens L + 3 mm"), nomenclature.lexicon) if p.core == ("lens",)]
    assert parts.margin is not None
    assert (parts.margin.mm, parts.sides, parts.rebuilt) == (3, {"L"}, True)


def test_an_apostrophe_between_two_words_only_parts_them() -> None:
    assert not is_mark(tokenise("l'aorte"), 1)
    assert is_mark(tokenise("rectum'"), 1)
