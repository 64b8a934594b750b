"""Words whose reading needs a witness: a model's word alone is not enough for them.

* Words of planning, copies and states (``draft``, ``edited``, ``combined``), and misspelt ones: no structure may be meant.
* Initials, versions and sides that may be something else: short words beside others, letters behind a structure.
* Words as near to one structure as to another (``parynx``), or to one that the list does not hold.
* Words of several meanings in which nothing tells which.

Each function returns why, or an empty text. Such a name is asked about all the same. What a model says of it is given only
where a second, independent witness says so too (:mod:`tg263_scp.naming.llm.witnesses`), else it is suggested.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tg263_scp.naming.llm.evidence import Spoken, spoken
from tg263_scp.naming.organs.reading import Finding, read_organ, read_words
from tg263_scp.naming.query import Query
from tg263_scp.naming.rules.planning_helpers import marks_of
from tg263_scp.naming.rules.spelling import contested, corrections, look_alikes
from tg263_scp.naming.standard.nomenclature import Nomenclature, relaxed
from tg263_scp.naming.words.compounds import part
from tg263_scp.naming.words.letters import Token
from tg263_scp.naming.words.lexicon import Sense

SHORTEST = 4
"""Letters below which a word is an abbreviation that each clinic made for itself, or initials."""
_SHORTEST_KNOWN = 3
"""Letters below which even a known abbreviation may be a level, a stage or a number."""
_SHORTEST_MISSPELT = 6
"""Letters below which a word that looks like a known one may be a person's name: ``Braun``."""
_SHORTEST_MARK = 7
"""Letters from which a word that stands alone and looks like one of planning is taken for it, not for alike by chance."""
_SHORTEST_BEGINNING = 5
"""Letters from which the beginning of a word of planning is taken for it: ``encomp``."""
_HARMLESS_MARKS = frozenset({"partial", "prv"})
"""Marks that the rules take out and put back; all others say that no plain structure is meant."""
_MOST_RUNS = 40
"""Runs of words of a name that are read by themselves; a name of so many words has no standard name."""
_NAMED = (Finding.FOUND, Finding.SIDE_MISSING)


def unexplainable(
    words: Sequence[str], query: Query, nomenclature: Nomenclature, *, ambiguous: bool = False
) -> str:
    """Say why a model's explanation of these words needs a witness; ``ambiguous`` ones are known."""
    letters = [word for word in words if word[0].isalpha()]
    shortest = _SHORTEST_KNOWN if ambiguous else SHORTEST
    if sum(map(len, letters)) < shortest and all(word.isascii() for word in letters):
        return "too short to mean anything for certain"
    if marks_of([Token(word, word, False) for word in words], nomenclature.lexicon).keys() - _HARMLESS_MARKS:
        return "a word of planning, of a copy or of a combination"
    alone = len(letters) == 1
    if alone and letters[0] in nomenclature.lexicon.vocabulary and not ambiguous:
        return "a known word that names nothing alone"
    for word in letters:
        why_not = _unexplainable(word, query, nomenclature, alone=alone)
        if why_not:
            return why_not
    return "" if alone else _named_already(letters, query, nomenclature)


def _unexplainable(word: str, query: Query, nomenclature: Nomenclature, *, alone: bool) -> str:
    lexicon = nomenclature.lexicon
    if word.isascii() and not alone and len(word) == 1:
        return "a single letter beside other words"
    if word in lexicon.sides and word not in lexicon.vocabulary:
        return "a side, or something else"
    if lexicon.knows(word) or not word.isascii():
        return ""
    if not alone and len(word) < SHORTEST:
        return "a short unknown word: initials, a version, a side?"
    if any(
        piece in lexicon.marks or is_structure((piece,), query, nomenclature)
        for piece in part(word, lexicon) or ()
    ):
        return "known words glued together, and not all of them a structure"
    usage = lexicon.usage
    if word.startswith(tuple(usage.planning_beginnings)) or word.endswith(tuple(usage.planning_endings)):
        return "a word of planning glued to another"
    shortest = _SHORTEST_MARK if alone else _SHORTEST_MISSPELT
    if len(word) >= shortest and any(near in lexicon.marks for near in look_alikes(word, lexicon)):
        return "it looks like a word of planning"
    if len(word) >= _SHORTEST_BEGINNING and any(mark.startswith(word) for mark in lexicon.marks):
        return "the beginning of a word of planning"
    if _is_longer_by_letters(word, query, nomenclature):
        return "a structure with a few letters more: initials, a version, a side?"
    alike = spoken(word, query, nomenclature) if alone else None
    return _misspelt(word, alike, nomenclature) if alike is not None else ""


def _misspelt(word: str, alike: Spoken, nomenclature: Nomenclature) -> str:
    """Say why what a misspelt word that stands alone looks like is no help."""
    if len(word) < _SHORTEST_MISSPELT:
        return "a short word that only looks like a known one"
    if alike.alone - {Sense.STRUCTURE} or not alike.structures:
        return "it looks like a word that means several things, or none of the list"
    if corrections(word, nomenclature.lexicon) and contested(word, nomenclature.lexicon):
        return "as near to one structure as to another"
    return ""


def _named_already(words: Sequence[str], query: Query, nomenclature: Nomenclature) -> str:
    """Say that some of the words name something by themselves: the others make it something else."""
    known = tuple(word for word in words if nomenclature.lexicon.knows(word))
    size = len(words)
    runs = [
        words[start:end] for start in range(size) for end in range(start + 1, size + 1) if end - start < size
    ]
    if any(is_structure(run, query, nomenclature) for run in runs[:_MOST_RUNS]) or (
        len(known) < size and _read(known, query, nomenclature) in (*_NAMED, Finding.UNLISTED)
    ):
        return "a structure, and a word that may make it another: a version, a person, a part?"
    return ""


def _is_longer_by_letters(word: str, query: Query, nomenclature: Nomenclature) -> bool:
    """Tell whether a word is a structure with one to three letters before or behind it: ``brainstemag``."""
    pieces = [word[more:] for more in (1, 2, 3)]
    inflections = nomenclature.lexicon.usage.inflections
    pieces += [word[:-more] for more in (1, 2, 3) if word[-more:] not in inflections]
    return any(is_structure((piece,), query, nomenclature) for piece in pieces if len(piece) >= SHORTEST)


def is_structure(words: Sequence[str], query: Query, nomenclature: Nomenclature) -> bool:
    """Tell whether the rules read these words as a structure of the list, or as the spelling of its name."""
    listed = nomenclature.respellings.get(relaxed("".join(words)), ())
    return any(entry.kind == "organ" for entry in listed) or _read(words, query, nomenclature) in _NAMED


def _read(words: Iterable[str], query: Query, nomenclature: Nomenclature) -> Finding:
    tokens = tuple(Token(word, word, False) for word in words)
    return read_words((tokens,), query, nomenclature).finding


def undecidable(query: Query, nomenclature: Nomenclature) -> str:
    """Say why a name of several meanings is left to a person: an expert could not tell, or the site is not known."""
    reading = read_organ(query, nomenclature)
    if not reading.names or any(phrase.sense is Sense.AMBIGUOUS for phrase in reading.phrases):
        return "it means several things, and nothing in it tells which"
    return "" if query.site else "it means different things at different sites, and the site is not known"


def initials_beside(words: Sequence[str], query: Query, nomenclature: Nomenclature) -> str:
    """Say that a name reads as a structure once its short words are left out: ``Lens SP``."""
    longer = tuple(w for w in words if len(w) >= SHORTEST or not w.isascii())
    if not longer or len(longer) == len(words):
        return ""
    reads = is_structure(tuple(dict.fromkeys(longer)), query, nomenclature)
    return "a short word beside a structure: initials, a version, a side?" if reads else ""
