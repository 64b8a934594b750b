"""Letters that tell a language, and the many that do not."""

from __future__ import annotations

import pytest

from tg263_scp.naming.words.letters_of_languages import languages_of_letters


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("Płuca", "pl"),
        ("Kåda", "no da sv fi"),
        ("riñón", "es pt pl cs hu"),
        ("Lung", ""),
        ("肺", ""),
        ("", ""),
    ],
)
def test_a_language_is_told_by_its_letters_alone(name: str, languages: str) -> None:
    assert languages_of_letters(name) == set(languages.split())
