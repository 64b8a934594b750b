"""Reading a ROI name as people write them: letters folded, words split, nothing thrown away.

``LT_Parótida 54Gy`` and ``lt parotida 54 gy`` are the same words. This module knows letters, not organs: it folds case,
width and accents, and cuts a name at separators, at letter/digit borders and, where asked, at camel-case borders.
Every token keeps the spelling it came from.

Examples:
    >>> [t.text for t in tokenise("LeftLens+3mm")]
    ['left', 'lens', '+', '3', 'mm']
    >>> [t.text for t in tokenise("LeftLens+3mm", camel=False)]
    ['leftlens', '+', '3', 'mm']
    >>> [t.text for t in tokenise("Brain-Stem (PRV 5mm)")]
    ['brain', '-', 'stem', '(', 'prv', '5', 'mm', ')']
    >>> [t.text for t in tokenise("腮腺L")]
    ['腮腺', 'l']
    >>> [t.text for t in tokenise("ต่อมไทรอยด์ L")]
    ['ต่อมไทรอยด์', 'l']
    >>> [t.text for t in tokenise("PTV54,60")]
    ['ptv', '54.60']
    >>> fold("Hüftkopf ØRE Cœur")
    'huftkopf ore coeur'
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_HIRAGANA_OF = {chr(katakana): chr(katakana - 0x60) for katakana in range(0x30A1, 0x30F7)}
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "æ": "ae",
        "œ": "oe",
        "ł": "l",
        "đ": "d",
        "ı": "i",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        **_HIRAGANA_OF,
    }
)
_TRANSCRIBED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_THAI_MARKS = "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
"""Vowel signs and tone marks above and below a letter, which belong to the word as letters do."""
_TOKEN = re.compile(rf"\d+(?:[.,]\d+)?|[^\W\d_](?:[^\W\d_]|[{_THAI_MARKS}])*|[^\w\s]", re.UNICODE)
_SCRIPTS = re.compile(
    r"(?<=[\u0E00-\u0E7F\u2E80-\uFFFF])(?=[A-Za-z])|(?<=[A-Za-z])(?=[\u0E00-\u0E7F\u2E80-\uFFFF])"
)
_THAI_MARK = re.compile(f"[{_THAI_MARKS}]")
_COMBINING = range(0x0300, 0x0370)
_SPACING = "\u00a8\u00af\u00b4\u00b8\u02d8\u02d9\u02da\u02db\u02dc\u02dd\u0384\u0385\u2017\u203e"
_SIGNS_AND_MARKS = re.compile(f"([{_SPACING}])|[\u061c\u200b-\u200f\u2060\ufeff]")
"""Accents that stand alone, such as the overline, are signs, but NFKC makes them a space and an accent, which would
vanish. Marks that print nothing (direction, joining, byte order) are no part of a name."""


def normalised(text: str) -> str:
    """Return ``text`` compatibility-normalised (full-width letters, ligatures), without marks that print nothing.

    >>> normalised("Ｌｕｎｇ＿Ｌ")
    'Lung_L'
    >>> normalised("\\u200eLung_L"), normalised("Lung‾_L")
    ('Lung_L', 'Lung‾_L')
    """
    if text.isascii():
        return text
    parts = _SIGNS_AND_MARKS.split(text)
    return "".join(
        part if number % 2 else unicodedata.normalize("NFKC", part)
        for number, part in enumerate(parts)
        if part
    )


@lru_cache(maxsize=32768)
def fold(text: str) -> str:
    """Return ``text`` in lower case, compatibility-normalised, without accents, and in hiragana for katakana.

    Japanese sets without kanji (ISO_IR 13) write organs in katakana, dictionaries give their reading in hiragana.

    >>> fold("Parótida"), fold("Straße"), fold("İleum"), fold("ﾋﾀﾞﾘﾊｲ")
    ('parotida', 'strasse', 'ileum', 'ひだりはい')
    """
    if text.isascii():
        return text.lower()
    lowered = normalised(text).casefold().translate(_LETTERS)
    if lowered.isascii():
        return lowered
    bare = "".join(c for c in unicodedata.normalize("NFD", lowered) if ord(c) not in _COMBINING)
    return unicodedata.normalize("NFC", bare)


def foldings(text: str) -> tuple[str, ...]:
    """Return the ways an accented word is written without accents.

    >>> foldings("Schädel"), foldings("Parótida"), foldings("Lung")
    (('schadel', 'schaedel'), ('parotida',), ('lung',))
    """
    plain = fold(text)
    if text.isascii():
        return (plain,)
    lowered = unicodedata.normalize("NFC", normalised(text).casefold())
    transcribed = fold(lowered.translate(_TRANSCRIBED))
    return (plain,) if transcribed == plain else (plain, transcribed)


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or sign of a name.

    ``text`` is folded, ``raw`` as written, ``joined`` tells that no separator stands before it.
    """

    text: str
    raw: str
    joined: bool

    @property
    def is_word(self) -> bool:
        """Letters only."""
        return self.text[0].isalpha()

    @property
    def is_number(self) -> bool:
        """Digits, with at most one decimal mark."""
        return self.text[0].isdecimal()


@lru_cache(maxsize=16384)
def tokenise(name: str, *, camel: bool = True) -> tuple[Token, ...]:
    """Cut a name into words, numbers and signs; ``_`` and white space only separate.

    A decimal comma becomes a point. With ``camel`` a capital begins a new word (``LLung`` is ``l`` and ``lung``).
    """
    text = normalised(name)
    tokens: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(text):
        piece = match.group()
        joined = bool(tokens) and match.start() == end
        end = match.end()
        for part in _parts(piece, camel=camel):
            folded = fold(part).replace(",", ".") if part[0].isdecimal() else fold(part)
            if folded:
                tokens.append(Token(folded, part, joined))
            joined = True
    return tuple(tokens)


def _parts(piece: str, *, camel: bool) -> list[str]:
    """Cut a run of letters where the script changes (``腮腺L``) and, where asked, at camel-case borders."""
    if not piece[0].isalpha():
        return [piece]
    runs = [piece] if piece.isascii() else _SCRIPTS.split(piece)
    return [part for run in runs for part in _camel_parts(run)] if camel else runs


def _camel_parts(word: str) -> list[str]:
    """Cut before a capital that follows a small letter, and before the last of several that begins a word (``LLung``)."""
    if word.islower() or word.isupper():
        return [word]
    cuts = [0]
    for at in range(1, len(word)):
        begins = word[at].isupper() and (word[at - 1].islower() or word[at + 1 : at + 2].islower())
        if begins:
            cuts.append(at)
    return [word[start:end] for start, end in zip(cuts, [*cuts[1:], len(word)], strict=True)]


def ends_in_capital(word: str) -> bool:
    """Tell whether a word ends in one capital behind small letters, which then is a word of its own.

    >>> ends_in_capital("LinseR"), ends_in_capital("LINSER"), ends_in_capital("oR")
    (True, False, False)
    """
    return len(word) > 2 and word[-1].isupper() and word[-2].islower()


def is_unspaced(word: str) -> bool:
    """Tell whether a word is of a script written without spaces (or Hangul), whose characters are syllables or words."""
    return word >= "\u2e80"


@lru_cache(maxsize=32768)
def squeeze(text: str) -> str:
    """Return the folded letters and digits of ``text`` and nothing else.

    >>> squeeze("LT_Parótida 54Gy"), squeeze("- ( )")
    ('ltparotida54gy', '')
    """
    return "".join(c for c in fold(text) if c.isalnum() or _THAI_MARK.match(c))
