"""What is not an organ at all: planning helpers, devices, sums and differences. Recognised, and left alone.

A ring round ``PTV60`` must not become a target, ``Lens_L_opt`` must not become the lens, ``Prostate+SV`` must not become
the prostate. A helper word counts only where the name as a whole is not a structure (``ring`` in no list, ``Bolus`` in it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from tg263_scp.decision import Kind
from tg263_scp.naming.organs.reading import Finding, OrganReading, read_organ, read_words
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.grammar import TARGET_TYPES
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.filling import has_slot, type_tokens
from tg263_scp.naming.words.compounds import partings, segmented
from tg263_scp.naming.words.letters import Token
from tg263_scp.naming.words.lexicon import Lexicon

_HELPER_MARKS = {"planning": Kind.PLANNING, "device": Kind.DEVICE}
_JOINING = frozenset("+&/")
_NOT_FOR_DOSE = re.compile(r"_|[zZ][_ ]|z+(?=[A-Z0-9_])|zz")
_LONGEST_MARK = 3
_SHORT = 3
"""Letters up to which a word may be short for something else."""


def is_not_for_dose(name: str) -> bool:
    """Tell whether a name is marked as no structure for dose evaluation (principle N15).

    >>> [name for name in ("zRing", "_Heart", "zzHeart", "z Heart", "Z_opt", "z1") if not is_not_for_dose(name)]
    []

    A word that merely begins with z is not:

    >>> [name for name in ("Zunge", "zygoma", "ZRing", "Heart_z") if is_not_for_dose(name)]
    []
    """
    return bool(_NOT_FOR_DOSE.match(name))


def marks_of(tokens: Sequence[Token], lexicon: Lexicon, *, in_target: bool = False) -> dict[str, str]:
    """Return the marks among the words (``planning``, ``union``, ``copy`` ...), each with the words that made it.

    Marks of several words (``normal tissue``) are seen as well; a side word is never a mark.
    """
    found: dict[str, str] = {}
    for size in range(_LONGEST_MARK, 0, -1):
        for at in range(len(tokens) - size + 1):
            window = tokens[at : at + size]
            text = "".join(t.text for t in window)
            mark = lexicon.marks.get(text)
            a_side = text in lexicon.sides and not (in_target and _takes_off(mark, tokens[at + 1 :]))
            a_letter = len(text) == 1 and text.isascii()
            if size == 1 and (a_side or a_letter):
                continue
            if mark:
                found.setdefault(mark, " ".join(t.raw for t in window))
    return found


def _takes_off(mark: str | None, following: Sequence[Token]) -> bool:
    """``sin`` is left in Latin and *without* in Spanish: beside a target it may take the next word off."""
    return mark == "minus" and bool(following) and following[0].is_word


def difference_name(query: Query, nomenclature: Nomenclature) -> tuple[str, OrganReading] | None:
    """Return the listed name of an organ minus a target (``total lung - GTV`` -> ``Lungs-GTV``), if it is one."""
    said, types = type_tokens(query, nomenclature.lexicon)
    if types != 1:
        return None
    for words in (said, query.camel_words):  # 'LungsMinusGTV'
        tokens = _without_brackets(words)
        if not tokens or not tokens[-1].text.endswith("tv"):
            continue
        sign = tokens[-2].text if len(tokens) > 2 else ""
        if sign == "-" or nomenclature.lexicon.marks.get(sign) == "minus":
            organ = read_words((tokens[:-2],), query, nomenclature)
            patient = organ.name == "External" and len(tokens[0].text) > _SHORT  # 'Ext-PTV' may be extended
            minuend = "Body" if patient else organ.name  # the list has only 'Body-PTV' of the patient
            name = f"{minuend}-{tokens[-1].text.upper()}"
            if organ.name and name in nomenclature.entries:
                return name, organ
    return None


def _without_brackets(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Return the tokens without brackets and full stops, ``w/o`` as one word: ``Lungs (excl. GTV)``, ``brain w/o GTV``."""
    texts = [token.text for token in tokens]
    if texts[1:4] == ["w", "/", "o"]:
        tokens = (tokens[0], Token("wo", "w/o", False), *tokens[4:])
    return tuple(token for token in tokens if token.text not in "().[]")


@lru_cache(maxsize=4096)
def kind_of(query: Query, nomenclature: Nomenclature) -> tuple[Kind, str]:
    """Return the kind a name shows by its words and signs alone, and the sign of it; UNKNOWN where it shows none.

    ORGAN is not decided here: any name without a sign of another kind is UNKNOWN.
    """
    lexicon = nomenclature.lexicon
    tokens, types = type_tokens(query, lexicon)
    if _minus(query, tokens, types, nomenclature):
        return Kind.DERIVED, "-"
    if types == 0:
        organ = read_organ(query, nomenclature)
        if organ.finding in (Finding.FOUND, Finding.SIDE_MISSING, Finding.AMBIGUOUS, Finding.UNLISTED):
            return Kind.UNKNOWN, ""
    cuts = [tokens, *(() if types else (query.camel_words,))]
    cuts += [glued for cut in cuts if (glued := segmented(cut, lexicon))]
    cuts += [tuple(Token(piece, piece, True) for piece in way) for way in _ways(tokens, lexicon)]
    for cut in cuts:
        marks = marks_of(cut, lexicon)
        for mark, kind in _HELPER_MARKS.items():
            if mark in marks and not (types and marks[mark].casefold() in lexicon.target_words):
                return kind, marks[mark]
    for cut in cuts:
        sign = _combination(cut, types, lexicon)
        if sign:
            return Kind.DERIVED, sign
    if types > 1:
        return Kind.DERIVED, "more than one target"
    return (
        (Kind.PLANNING, "a dose without a target") if types == 0 and _is_dose(tokens) else (Kind.UNKNOWN, "")
    )


def _minus(query: Query, tokens: Sequence[Token], types: int, nomenclature: Nomenclature) -> bool:
    """Tell whether a ``-`` takes something off: at the end (a name cut short), or between two different structures."""
    signs = [at for at, token in enumerate(tokens) if token.text == "-"]
    if signs and signs[-1] == len(tokens) - 1 and len(tokens) > 1:
        return True
    if types or len(signs) != 1:
        return False
    (at,) = signs
    first, second = (
        read_words((tuple(part),), query, nomenclature).structure for part in (tokens[:at], tokens[at + 1 :])
    )
    return bool(first and second and first != second)


def _ways(tokens: Sequence[Token], lexicon: Lexicon) -> Iterator[tuple[str, ...]]:
    """Yield every way to part an unknown word: a helper word in any of them makes the name a helper's."""
    for token in tokens:
        if token.is_word and not lexicon.knows(token.text):
            ways = partings(token.text, lexicon)
            yield from ways if len(ways) > 1 else ()


def _combination(tokens: Sequence[Token], types: int, lexicon: Lexicon) -> str:
    """Return the sign by which structures are added, subtracted or grown, if there is one."""
    marks = marks_of(tokens, lexicon, in_target=types > 0)
    for mark in ("minus", "union"):
        if mark in marks:
            return marks[mark]
    if types and "expansion" in marks:
        return marks["expansion"]
    for before, sign, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if sign.text in _JOINING and after.is_word and before.text != "(":
            return sign.raw
        if sign.text == "+" and types and after.is_number:
            return sign.raw
        if sign.text == "-" and after.is_number and not types and before.is_word:
            return sign.raw
        first = _before(tokens, sign) if sign.text == "-" and types else ()
        if _names_something(first, lexicon) and not any(_is_type(t) for t in first):
            return sign.raw
    return ""


def _before(tokens: Sequence[Token], sign: Token) -> Sequence[Token]:
    return tokens[: next(at for at, token in enumerate(tokens) if token is sign)]


def _names_something(tokens: Sequence[Token], lexicon: Lexicon) -> bool:
    """Tell whether a structure is named: the minus of ``parotid left - Lt PTV`` takes something off, that of ``Lt-PTV`` not."""
    return any(t.is_word and t.text not in lexicon.sides and not has_slot(t.text, lexicon) for t in tokens)


def _is_type(token: Token) -> bool:
    return token.text.upper() in TARGET_TYPES


def _is_dose(tokens: Sequence[Token]) -> bool:
    texts = [t.text for t in tokens]
    return any(t in ("gy", "cgy", "гр", "%") and i and tokens[i - 1].is_number for i, t in enumerate(texts))
