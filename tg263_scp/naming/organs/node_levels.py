"""Levels of nodes in the notations of atlases and contouring systems: ``Lvl_IIa_L``, ``Axilla L2``, ``LN Station 4R``.

A level is a number, Roman or Arabic, with a letter at most. It is one only where the name says so: by a word for level,
by its place (neck, axilla) or by the letter that only levels of the neck have. A number behind *node* alone counts nodes.
The list holds the neck's levels I to VII and the axilla's 1 to 3; finer and further ones, and the stations of the
mediastinum, are real and have no name.

Sources: neck levels, Gregoire et al. 2014; axillary levels, ESTRO 2015; mediastinal stations, IASLC 2009.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tg263_scp.naming.organs.parts import Parts
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.lexicon import OWN_LANGUAGE, Lexicon, Phrase, Sense

_ROMAN = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
_CODE = re.compile(r"(?P<roman>x|ix|iv|v?i{0,3})(?P<letter>[abc]?)")
_NECK = frozenset({"IA", "IB", "II", "IIA", "IIB", "III", "IV", "V", "VA", "VB", "VC", "VI", "VII"})
_SUBLEVELS = frozenset({"I", "IVA", "IVB", "VIA", "VIB", "VIIA", "VIIB", "VIII", "IX", "X", "XA", "XB"})
"""Levels of the neck that the list does not hold, or only as parts of a whole."""
_LEAST_OF_NECK_ONLY = 5
"""Roman level from which there is no axillary one."""
_AXILLA = 4
_MOST_STATIONS = 14
_LONGEST_NUMBER = 2
_SIDE_LETTERS = frozenset("lr")
_ROLES = frozenset({"node", "level", "neck", "axilla", "station"})


@dataclass(frozen=True, slots=True)
class _Said:
    """What the words of a name say besides the code: their roles in the order written, and the code itself."""

    roles: tuple[str, ...]
    number: int
    letter: str
    roman: bool

    @property
    def level(self) -> str:
        """The level as the list writes it: ``IIA``."""
        return f"{_ROMAN[self.number]}{self.letter.upper()}" if self.number < len(_ROMAN) else ""


def phrase_of_level(parts: Parts, query: Query, nomenclature: Nomenclature) -> Phrase | None:
    """Return what the words of a name say as a level of nodes, with the list's own line; None where they say none."""
    lexicon = nomenclature.lexicon
    said = _said(parts.core, lexicon)
    if said is None or _takes_letter_of_code(parts):
        return None
    region = _region(said, query, nomenclature)
    if not region:
        return None
    structure = _structure(said, region)
    stem = nomenclature.stems.get(structure)
    text = " ".join(parts.core)
    if stem is not None:
        line = nomenclature.entries[stem.any_form].source
        return Phrase(text, Sense.STRUCTURE, structure, OWN_LANGUAGE, line)
    word = next((w for w in parts.core if lexicon.number_words.get(w) in _ROLES), "")
    source = lexicon.source_of("number_words", word)
    known = region == "station" or said.level in _SUBLEVELS or (region == "axilla" and said.number == _AXILLA)
    return Phrase(text, Sense.UNLISTED, text, OWN_LANGUAGE, source) if known and source else None


def drops_a_level(parts: Parts, query: Query, lexicon: Lexicon) -> bool:
    """Tell whether a side that was taken out reads as another level: the ``Va`` of ``LN_Va_Vb_L`` is no Swedish left."""
    lettered = any((code := _CODE.fullmatch(word)) and code["letter"] for word in parts.core)
    dropped = lettered and any(len(word) > 1 and _CODE.fullmatch(word) for word in parts.taken)
    return dropped or _takes_letter_of_code(parts) or _takes_a_level(parts, query, lexicon)


def _takes_a_level(parts: Parts, query: Query, lexicon: Lexicon) -> bool:
    """Tell whether a side is a second level: the ``v`` of ``Neck_V_L_2`` and of ``neck v 2`` is no Danish left.

    It is one where the set or the name shows the language, as the Danish neck of ``hals 2b v`` does.
    """
    spoken = parts.side_languages
    if parts.side_certain or not spoken or not any(_CODE.fullmatch(word) for word in parts.taken):
        return False
    if any(word in _SIDE_LETTERS and after.isdecimal() for word, after in pairwise(parts.core)):
        return True
    levels = [word for word in parts.core if word[0].isdecimal() or _CODE.fullmatch(word)]
    others = [word for word in parts.core if word not in levels]
    shown = spoken & query.languages or any(lexicon.source_of("number_words", w, spoken) for w in others)
    return bool(levels) and not shown


def _takes_letter_of_code(parts: Parts) -> bool:
    """Tell whether a side is the letter before a number: ``Neck_L2`` is a level, or number 2 of the left."""
    return any(
        word in _SIDE_LETTERS
        and following[0].isdecimal()
        and parts.core.count(word) < parts.written.count(word)
        and parts.written.count(word) == 1
        for word, following in zip(parts.written, parts.written[1:], strict=False)
    )


def _said(core: Sequence[str], lexicon: Lexicon) -> _Said | None:
    """Part words of known roles from the code; None where anything else stands there, or no code."""
    roles: list[str] = []
    codes: list[tuple[int, str, bool]] = []
    at = 0
    while at < len(core):
        word, after = core[at], core[at + 1] if at + 1 < len(core) else ""
        role = lexicon.number_words.get(word, "")
        if word.isdecimal() and len(word) <= _LONGEST_NUMBER:
            letter = after if after in ("a", "b", "c", "p") else ""
            codes.append((int(word), letter, False))
            at += bool(letter)
        elif role in _ROLES and not (word == "n" and len(core) > 1 and at > 0):
            roles.append(role)
        elif word == "l" and after.isdecimal():
            roles.append("letter")
        elif code := _CODE.fullmatch(word):
            codes.append((_ROMAN.index(code["roman"].upper()), code["letter"], True))
        else:
            return None
        at += 1
    if len(codes) != 1 or not roles or codes[0][0] == 0:
        return None
    return _Said(tuple(roles), *codes[0])


def _region(said: _Said, query: Query, nomenclature: Nomenclature) -> str:
    """Return where the level lies: what the name says, else what only the neck has, else what the site tells."""
    sites = nomenclature.anatomy.nearest_first(query.site)
    counted = not said.roman and not said.letter and not {"level", "letter", "station"} & {*said.roles}
    if "station" in said.roles or ("thorax" in sites and said.roles == ("node",) and not said.roman):
        return "station" if said.number <= _MOST_STATIONS and (said.letter in ("", "a", "p")) else ""
    if {"neck", "axilla"} <= {*said.roles}:
        return ""
    if "axilla" in said.roles:
        return "" if counted else "axilla"
    if "neck" in said.roles:
        return "neck" if not counted or said.roles == ("node", "neck") else ""
    if said.roles == ("letter",) or counted or said.letter == "p":
        return ""
    if said.letter or (said.roman and said.number >= _LEAST_OF_NECK_ONLY) or "head_and_neck" in sites:
        return "neck"
    return "axilla" if "breast" in sites else ""


def _structure(said: _Said, region: str) -> str:
    if region == "neck":
        return f"LN_Neck_{said.level}" if said.level in _NECK else ""
    return f"LN_Ax_L{said.number}" if region == "axilla" and not said.letter else ""
