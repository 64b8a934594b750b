"""What is not an organ at all: planning helpers, devices, sums and differences. Recognised, and left alone.

A ring round ``PTV60`` must not become a target, ``Lens_L_opt`` must not become the lens, ``Prostate+SV`` must not become
the prostate. A helper word counts only where the name as a whole is not a structure (``ring`` in no list, ``Bolus`` in it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from tg263_scp.decision import Kind, Reason
from tg263_scp.errors import SourceLine
from tg263_scp.naming.organs.reading import Finding, evidence_of, read_organ, read_words
from tg263_scp.naming.query import Query
from tg263_scp.naming.rules.combinations import combination, difference_from_body
from tg263_scp.naming.standard.grammar import TARGET_TYPES
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.filling import has_slot, type_tokens
from tg263_scp.naming.words.compounds import partings, segmented
from tg263_scp.naming.words.letters import Token, fold
from tg263_scp.naming.words.lexicon import WIDE_LANGUAGES, Lexicon

_HELPER_MARKS = {
    "planning": (Kind.PLANNING, Reason.PLANNING),
    "device": (Kind.DEVICE, Reason.DEVICE),
}
_UNITS = ("Gy", "cGy", "weighted Gy", "mm", "cm")
_PREFIXED = re.compile(r"(?P<glued>[a-z]{1,3})(?=[A-Z])|(?P<apart>[A-Za-z]{1,3})(?=[_ ])")
_DOSE_VOLUME = re.compile(
    r"(?:[dD](?=[2-9]\d)|[vV](?=[2-9]\d|5|1\d\d))\d{1,3}(?:\.\d+)?\s*(?:%|[cC]?[gG][yY])?"
)
"""``D95``, ``V20Gy``: below 20 a D or V may be a dorsal vertebra or a nerve."""
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


@dataclass(frozen=True, slots=True)
class Sign:
    """What shows the kind of a name: the word or sign, in words of ours where it is neither, and the lines it rests on."""

    kind: Kind
    reason: Reason
    text: str
    evidence: tuple[SourceLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """A listed organ minus a target: its name, and the lines of the organ's words, of the minus and of the list."""

    name: str
    evidence: tuple[SourceLine, ...]


def marks_of(
    tokens: Sequence[Token], lexicon: Lexicon, silent: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Return the marks among the words (``planning``, ``union``, ``copy`` ...), each with the words that made it.

    Marks of several words (``normal tissue``) are seen as well; a side word is never a mark, nor a word of ``silent`` alone.
    """
    found: dict[str, str] = {}
    for size in range(_LONGEST_MARK, 0, -1):
        for at in range(len(tokens) - size + 1):
            window = tokens[at : at + size]
            if _counts(window):
                continue
            text = "".join(t.text for t in window)
            mark = lexicon.marks.get(text)
            a_letter = len(text) == 1 and text.isascii()
            if size == 1 and (text in lexicon.sides or text in silent or a_letter):
                continue
            if mark:
                found.setdefault(mark, " ".join(t.raw for t in window))
    return found


def _counts(window: Sequence[Token]) -> bool:
    """Tell whether a letter and a number stand apart: ``R50`` is a measure of dose, the R of ``PTV_R_50`` a side."""
    letter, *rest = window
    return len(letter.text) == 1 and any(t.is_number and not t.joined for t in rest)


def difference_of(query: Query, nomenclature: Nomenclature) -> Difference | None:
    """Read the listed name of an organ minus a target (``total lung - GTV`` -> ``Lungs-GTV``), if it is one."""
    lexicon = nomenclature.lexicon
    said, types = type_tokens(query, lexicon)
    if types != 1:
        return None
    for words in (said, query.camel_words):  # 'LungsMinusGTV'
        tokens = _without_brackets(words)
        if not tokens or not tokens[-1].text.endswith("tv"):
            continue
        sign = tokens[-2].text if len(tokens) > 2 else ""
        if sign == "-" or lexicon.marks.get(sign) == "minus":
            organ = read_words((tokens[:-2],), query, nomenclature)
            patient = organ.name == "External" and len(tokens[0].text) > _SHORT  # 'Ext-PTV' may be extended
            minuend = "Body" if patient else organ.name  # the list has only 'Body-PTV' of the patient
            name = f"{minuend}-{tokens[-1].text.upper()}"
            if organ.name and name in nomenclature.entries:
                minus = lexicon.source_of("marks", sign)
                lines = (*evidence_of(organ, lexicon), *((minus,) if minus else ()))
                return Difference(name, (*lines, nomenclature.entries[name].source))
    return None


def _without_brackets(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Return the tokens without brackets and full stops, ``w/o`` as one word: ``Lungs (excl. GTV)``, ``brain w/o GTV``."""
    texts = [token.text for token in tokens]
    if texts[1:4] == ["w", "/", "o"]:
        tokens = (tokens[0], Token("wo", "w/o", False), *tokens[4:])
    return tuple(token for token in tokens if token.text not in "().[]")


@lru_cache(maxsize=4096)
def kind_of(query: Query, nomenclature: Nomenclature) -> Sign | None:
    """Return what shows by words and signs alone that a name is no organ and no single target; None where nothing does."""
    lexicon = nomenclature.lexicon
    tokens, types = type_tokens(query, lexicon)
    minus = _minus(query, tokens, types, nomenclature)
    if minus:
        return minus
    if types == 0:
        organ = read_organ(query, nomenclature)
        if organ.finding in (Finding.FOUND, Finding.SIDE_MISSING, Finding.UNLISTED):
            return None
        nothing = _without_structure(tokens, query, lexicon)
        if nothing or organ.finding is Finding.AMBIGUOUS:
            return nothing
    cuts = [tokens, *(() if types else (query.camel_words,))]
    cuts += [glued for cut in cuts if (glued := segmented(cut, lexicon))]
    ways = [tuple(Token(piece, piece, True) for piece in way) for way in _ways(tokens, lexicon)]
    foreign = frozenset() if types else _short_foreign(tokens, query, lexicon)
    return _helper_word((*cuts, *ways), types, lexicon, foreign) or _combined(
        cuts, types, query, nomenclature
    )


def _helper_word(
    cuts: Sequence[tuple[Token, ...]], types: int, lexicon: Lexicon, foreign: frozenset[str]
) -> Sign | None:
    """Return a word of planning or of a device; a vague or ``foreign`` one only where the name holds nothing else."""
    for cut in cuts:
        silent = frozenset() if _is_vague_only(cut, lexicon) else lexicon.usage.vague_helpers | foreign
        marks = marks_of(cut, lexicon, silent)
        for mark, (kind, reason) in _HELPER_MARKS.items():
            if mark in marks and not (types and marks[mark].casefold() in lexicon.target_words):
                return Sign(kind, reason, f"'{marks[mark]}'", _mark_lines(marks[mark], lexicon))
    return None


def _short_foreign(tokens: Sequence[Token], query: Query, lexicon: Lexicon) -> frozenset[str]:
    """Return the short helper words of languages that the set does not show: ``KM`` is contrast in German, or initials."""
    spoken = WIDE_LANGUAGES | query.languages
    short = (token.text for token in tokens if len(token.text) <= _SHORT and token.text in lexicon.marks)
    return frozenset(text for text in short if lexicon.source_of("marks", text, spoken) is None)


def _is_vague_only(tokens: Sequence[Token], lexicon: Lexicon) -> bool:
    """Tell whether only marks, placeholders, places and numbers stand in a name: ``Box 2``, ``Field edge``, ``Rail L``."""
    words = ((at, token.text) for at, token in enumerate(tokens) if token.is_word)
    return all(
        not _is_counted(tokens, at) if len(word) == 1 else _says_no_structure(word, lexicon)
        for at, word in words
    )


def _says_no_structure(word: str, lexicon: Lexicon) -> bool:
    if word in lexicon.target_words:
        return not has_slot(word, lexicon)
    tables = (lexicon.marks, lexicon.usage.placeholders, lexicon.sides)
    return any(word in table for table in tables) or lexicon.number_words.get(word) in _UNITS


def _is_counted(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a number is joined to a letter: ``C7`` may be a vertebra."""
    return at + 1 < len(tokens) and tokens[at + 1].is_number and tokens[at + 1].joined


def prefixed(query: Query, nomenclature: Nomenclature) -> Sign | None:
    """Return the letters before a name that sort helpers to an end of the list, where the name is no structure with them."""
    lexicon = nomenclature.lexicon
    prefix = helper_prefix(query.name, lexicon)
    if not prefix or read_organ(query, nomenclature).finding is not Finding.NOTHING:
        return None
    line = lexicon.source_of("helper_prefixes", prefix)
    return Sign(Kind.PLANNING, Reason.PLANNING, f"'{prefix}' before the name", (line,) if line else ())


def helper_prefix(name: str, lexicon: Lexicon) -> str:
    """Return the letters by which planners sort helpers to an end of the list: ``xRectum``, ``x_PTV``, ``TS_Bladder``."""
    found = _PREFIXED.match(name)
    if found is None:
        return ""
    glued, apart = found.group("glued") or "", (found.group("apart") or "").lower()
    prefix = glued or apart
    return prefix if prefix in lexicon.usage.helper_prefixes else ""


def _combined(
    cuts: Sequence[tuple[Token, ...]], types: int, query: Query, nomenclature: Nomenclature
) -> Sign | None:
    """Return the sign or word by which structures are added, subtracted or grown."""
    lexicon = nomenclature.lexicon
    for cut in cuts:
        sign = combination(cut, types, query, nomenclature) or _expansion(cut, types, lexicon)
        if sign:
            lines = _mark_lines(sign, lexicon) or _type_lines(cut, nomenclature)
            lines = lines or _structure_lines(cut, query, nomenclature)
            return Sign(Kind.DERIVED, Reason.DERIVED, f"'{sign}'", lines)
    return None


def _expansion(tokens: Sequence[Token], types: int, lexicon: Lexicon) -> str:
    return marks_of(tokens, lexicon).get("expansion", "") if types else ""


def _without_structure(tokens: tuple[Token, ...], query: Query, lexicon: Lexicon) -> Sign | None:
    """Return what shows that a name without a target type names no structure: a dose, a length, a placeholder."""
    words = [t for t in tokens if t.is_word and lexicon.number_words.get(t.text) not in _UNITS]
    if not any(lexicon.knows(t.text) and t.text not in lexicon.marks for t in words) and _is_dose(
        tokens, lexicon
    ):
        return Sign(Kind.PLANNING, Reason.DOSE_ALONE, "a dose without a target")
    if _DOSE_VOLUME.fullmatch(query.name.strip()):
        return Sign(Kind.PLANNING, Reason.DOSE_ALONE, "a dose or a volume of the histogram")
    if not all(t.text in lexicon.usage.placeholders for t in words):
        return None
    telling = next((t.text for t in words if len(t.text) >= _SHORT or not t.text.isascii()), "")
    if not telling and (words or not _is_length(tokens, lexicon)):
        return None
    line = lexicon.source_of("placeholders", telling)
    return Sign(Kind.JUNK, Reason.NO_STRUCTURE, "it names no structure", (line,) if line else ())


def _is_length(tokens: Sequence[Token], lexicon: Lexicon) -> bool:
    return any(
        number.is_number and lexicon.number_words.get(unit.text) in ("mm", "cm")
        for number, unit in pairwise(tokens)
    )


def _mark_lines(written: str, lexicon: Lexicon) -> tuple[SourceLine, ...]:
    """Return the line of a mark as :func:`marks_of` gives it, its words parted and in the name's own letters."""
    line = lexicon.source_of("marks", "".join(fold(word) for word in written.split()))
    return (line,) if line else ()


def _type_lines(tokens: Sequence[Token], nomenclature: Nomenclature) -> tuple[SourceLine, ...]:
    """Return the list's lines of the target types that are named."""
    types = dict.fromkeys(token.text.upper() for token in tokens if _is_type(token))
    return tuple(nomenclature.entries[type].source for type in types if type in nomenclature.entries)


def _structure_lines(
    tokens: Sequence[Token], query: Query, nomenclature: Nomenclature
) -> tuple[SourceLine, ...]:
    """Return the lines of the structures that stand between the signs of a name; for signs have no line of their own."""
    groups: list[list[Token]] = [[]]
    for token in tokens:
        if token.is_word:
            groups[-1].append(token)
        elif groups[-1]:
            groups.append([])
    readings = [read_words((tuple(group),), query, nomenclature) for group in groups if group]
    return tuple(dict.fromkeys(line for one in readings for line in evidence_of(one, nomenclature.lexicon)))


def _minus(query: Query, tokens: Sequence[Token], types: int, nomenclature: Nomenclature) -> Sign | None:
    """Return the ``-`` that takes something off: at the end (a name cut short), or between two different structures."""
    signs = [at for at, token in enumerate(tokens) if token.text == "-"]
    if signs and signs[-1] == len(tokens) - 1 and len(tokens) > 1:
        lines = _type_lines(tokens, nomenclature) or _structure_lines(tokens, query, nomenclature)
        return Sign(Kind.DERIVED, Reason.DERIVED, "ends in '-': something is taken off", lines)
    if difference_from_body(tokens, query, nomenclature):
        lines = _structure_lines(tokens[:1], query, nomenclature)
        return Sign(Kind.DERIVED, Reason.DERIVED, "'-': something is taken off the body", lines)
    if types or len(signs) != 1:
        return None
    (at,) = signs
    first, second = (
        read_words((tuple(part),), query, nomenclature) for part in (tokens[:at], tokens[at + 1 :])
    )
    if not (first.structure and second.structure and first.structure != second.structure):
        return None
    both = (*evidence_of(first, nomenclature.lexicon), *evidence_of(second, nomenclature.lexicon))
    return Sign(Kind.DERIVED, Reason.DERIVED, "'-' between two structures", both)


def _ways(tokens: Sequence[Token], lexicon: Lexicon) -> Iterator[tuple[str, ...]]:
    """Yield every way to part an unknown word: a helper word in any of them makes the name a helper's."""
    for token in tokens:
        if token.is_word and not lexicon.knows(token.text):
            ways = partings(token.text, lexicon)
            yield from ways if len(ways) > 1 else ()


def _is_type(token: Token) -> bool:
    return token.text.upper() in TARGET_TYPES


def _is_dose(tokens: Sequence[Token], lexicon: Lexicon) -> bool:
    """Tell whether a number is followed by Gy, cGy or per cent, in any language."""
    return any(
        number.is_number and (unit.text == "%" or lexicon.number_words.get(unit.text) in ("Gy", "cGy"))
        for number, unit in pairwise(tokens)
    )
