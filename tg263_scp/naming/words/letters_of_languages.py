"""Letters that only some languages have."""

from __future__ import annotations

_LETTERS_OF = {
    "ł": "pl", "ą": "pl", "ę": "pl", "ś": "pl", "ż": "pl", "ř": "cs", "ě": "cs", "ů": "cs", "ß": "de", "ğ": "tr", "ş": "tr ro",
    "ı": "tr", "ő": "hu", "ű": "hu", "ț": "ro", "ș": "ro", "ă": "ro", "ñ": "es", "ã": "pt", "õ": "pt", "ø": "no da",
    "å": "no da sv fi", "æ": "no da", "ä": "de sv fi cs", "ö": "de sv fi hu tr", "ü": "de hu tr", "ê": "fr pt", "ç": "fr pt tr",
    "á": "es pt cs hu", "é": "fr es pt it cs hu nl", "í": "es pt cs hu", "ó": "es pt pl cs hu", "ú": "es pt cs hu",
    "è": "fr it", "à": "fr it pt", "â": "fr pt ro",
}  # fmt: skip


def languages_of_letters(name: str) -> frozenset[str]:
    """Return the languages whose letters a name shows: ``Płuca`` is Polish, ``Pluca`` may be Czech as well."""
    if name.isascii():
        return frozenset()
    return frozenset(
        language for c in name.casefold() if c in _LETTERS_OF for language in _LETTERS_OF[c].split()
    )
