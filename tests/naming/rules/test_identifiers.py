"""Names of persons in all their spellings, and words of anatomy that are none."""

from __future__ import annotations

import pytest

from tg263_scp.naming.rules.identifiers import looks_like_a_record, repeats_identifier
from tg263_scp.naming.words.letters import tokenise


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("PTV Mustermann", "Mustermann^Erika"),
        ("PTVMUSTERMANN60", "Mustermann"),
        ("PTV erika", "Mustermann^Erika"),
        ("PTV mueller", "Müller"),
        ("PTV Muller", "Müller"),
        ("PTV Иванов", "Ivanov"),
        ("PTV iwanow", "Иванов"),
        ("PTV Papadopoulos", "Παπαδόπουλος"),
        ("山田肺", "山田"),
        ("heart li", "Li"),
        ("heart 4711a", "4711A"),
        ("PTV O'Neill", "ONEILL"),
    ],
)
def test_an_identifier_is_found_in_any_spelling(name: str, identifier: str) -> None:
    assert repeats_identifier(name, [identifier])


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("heart", "Mustermann"),
        ("liver", "Li"),
        ("PTV 60 L", "L"),
        ("heart", ""),
        ("", "Mustermann"),
        ("lung", "Ung"),
    ],
)
def test_a_short_identifier_is_not_found_inside_a_word(name: str, identifier: str) -> None:
    assert not repeats_identifier(name, [identifier])


def test_without_identifiers_nothing_is_repeated() -> None:
    assert not repeats_identifier("Mustermann", [])


@pytest.mark.parametrize("name", ["heart 20240219", "heart 19.02.2024", "4711-0815", "12 34 5"])
def test_many_digits_in_a_row_may_be_a_record(name: str) -> None:
    assert looks_like_a_record(tokenise(name))


@pytest.mark.parametrize("name", ["PTV 5040", "PTV1 60 2", "CTV 54 L 2024", "heart", ""])
def test_a_dose_and_an_index_are_none(name: str) -> None:
    assert not looks_like_a_record(tokenise(name))
