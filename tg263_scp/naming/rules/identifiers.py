"""Does a name repeat what identifies a patient or a physician? Asked before a name leaves, and of every name that is made.

Names of persons come in many spellings: ``Müller`` is ``Mueller`` and ``MULLER``, ``Иванов`` is ``Ivanov`` and ``Iwanow``.
They are compared by their letters and, where they are long enough, by a key that such spellings share. Too much is found
rather than too little: it only keeps a name from being asked about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from tg263_scp.naming.words.letters import Token, fold, is_unspaced, squeeze, tokenise

_SHORTEST_INSIDE = 4
"""Letters from which an identifier is looked for inside longer words too; two of scripts written without spaces."""
_SHORTEST_KEY = 4
_DIGITS_OF_A_RECORD = 5
"""Digits in a row, however they are parted, from which a number may be a date or a record number."""
_TARGET_TYPE = re.compile(r"[gcpi]tv", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"\d{6}")
_PARTING_DIGITS = frozenset("./-:,")
_PARTS = re.compile(r"[\^=,;.\s\-'’]+")

_ROMAN = str.maketrans(
    dict(zip("абвгдеєжзиійклмнопрстуўфхъыьэґјћђ", "abvgdeejziiiklmnoprstuufh'i'egisd", strict=True))
    | {"ц": "s", "ч": "s", "ш": "s", "щ": "s", "ю": "iu", "я": "ia", "љ": "li", "њ": "ni", "џ": "s", "'": ""}
    | dict(zip("αβγδεζηθικλμνξοπρσςτυφχω", "abgdeziiiklmnkoprsstifho", strict=True))
    | {"ψ": "ps"}
)
_SOUNDS = (
    (re.compile(r"shch|t?s?ch|sh|sz|cz|dzh?|dj|t[sz]|zh|[cz]"), "s"),
    (re.compile(r"ck|[qx]"), "k"),
    (re.compile(r"kh"), "h"),
    (re.compile(r"ou"), "u"),
    (re.compile(r"ph|[vw]"), "f"),
    (re.compile(r"[yj]"), "i"),
    (re.compile(r"(?<=[aou])e"), ""),
    (re.compile(r"['h]"), ""),
    (re.compile(r"(.)\1+"), r"\1"),
)


def repeats_identifier(name: str, identifiers: Iterable[str]) -> bool:
    """Tell whether a name repeats an identifier: as a word, a longer one anywhere in it, or in another spelling.

    >>> written = ("PTV Mueller", "ptv_muller", "PTVMüller", "Ivanov boost", "Iwanow")
    >>> [name for name in written if not repeats_identifier(name, ["Müller^Hans", "Иванов"])]
    []
    >>> repeats_identifier("PTV Milz", ["Müller^Hans", "Иванов"])
    False
    """
    whole = squeeze(name)
    words = {token.text for camel in (False, True) for token in tokenise(name, camel=camel)}
    keys = {_key(word) for word in (*words, whole)}
    parts = {part for text in identifiers for part in (text, *_PARTS.split(text)) if len(squeeze(part)) > 1}
    return any(_is_repeated(part, whole, words, keys) for part in parts)


def _is_repeated(part: str, whole: str, words: set[str], keys: set[str]) -> bool:
    plain, key = squeeze(part), _key(part)
    if plain in words or (plain in whole and (len(plain) >= _SHORTEST_INSIDE or is_unspaced(plain))):
        return True
    return len(key) >= _SHORTEST_KEY and any(
        key == other or (len(key) > _SHORTEST_KEY and key in other) for other in keys
    )


@lru_cache(maxsize=4096)
def _key(text: str) -> str:
    """Return what the usual spellings of a name in Latin letters, and its transliterations, have in common."""
    key = fold(text).replace("ου", "u").translate(_ROMAN)
    for sounds, letter in _SOUNDS:
        key = sounds.sub(letter, key)
    return squeeze(key)


def looks_like_a_record(tokens: Iterable[Token]) -> bool:
    """Tell whether digits in a row, signs and spaces between them not counted, may be a date or a record number."""
    digits = 0
    for token in tokens:
        if token.is_number:
            digits += len(token.text.replace(".", ""))
        elif token.text not in _PARTING_DIGITS:
            digits = 0
        if digits >= _DIGITS_OF_A_RECORD:
            return True
    return False


def looks_identifying(name: str, identifiers: Iterable[str] = ()) -> bool:
    """Tell whether a name repeats an identifier of its patient, or holds what may be a date or a record number.

    >>> [looks_identifying(name) for name in ("mass 4711 99", "PTV 6000/30", "PTV 20260131", "Ring 20-30")]
    [True, False, True, False]
    """
    if repeats_identifier(name, identifiers):
        return True
    if _TARGET_TYPE.search(name) and not _LONG_NUMBER.search(name):
        return False  # a dose and its fractions
    return looks_like_a_record(tokenise(name, camel=False))
