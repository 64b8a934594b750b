"""Which names a language model may be asked about, and the closed question that it gets.

A question is about words only. Side, margin, PRV, doses and numbers are taken out before and put back after by the rules of
:mod:`tg263_scp.naming.organs` and :mod:`tg263_scp.naming.targets`; the model sees neither and chooses neither. For an organ
it may choose one of the offered structures, for a target a structure, a classifier or a dose level for the words that have
no slot; or ``none``.

No question is asked

* where a rule has decided, or has told for certain why not: a side that is missing, real anatomy that the list lacks, a
  veto, two ROIs that would get one name;
* where the name repeats an identifier of the patient or a physician, or looks like one (a date, a record number);
* where nothing that could be chosen would be applied: a number that no offered name holds, nothing that fits 16 characters;
* about a word of three letters beside others: it may be initials, a version or a side, and no model can know.

Standard: AAPM TG-263 report, principles N1-N15, T1-T10.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from tg263_scp.model import Decision, Kind, Reason, Status
from tg263_scp.naming.glue import segmented
from tg263_scp.naming.lexicon import Sense
from tg263_scp.naming.listing import Nomenclature
from tg263_scp.naming.organs import Verdict, read_organ, read_words
from tg263_scp.naming.parts import Parts, takings
from tg263_scp.naming.query import Query
from tg263_scp.naming.retrieval import entry_of, meaning_of, retrieve
from tg263_scp.naming.targets import open_slots
from tg263_scp.naming.text import Token, fold, squeeze

NONE = "none"
"""What the model answers where nothing offered fits."""
STRUCTURE, CLASSIFIER, DOSE_LEVEL = "structure", "classifier", "dose_level"
"""The slots a question may have."""

_ASKABLE = frozenset(
    {Reason.UNMATCHED, Reason.PART_UNKNOWN, Reason.AMBIGUOUS, Reason.CLOSE_MATCH, Reason.NO_STANDARD_NAME}
)
_LONGEST_SENT = 64
"""Characters of a name that are sent at most: ROI Name (3006,0026) is LO (PS3.5 6.2)."""
_SHORTEST_BESIDE_OTHERS = 4
_SHORTEST_ALONE = 3
_LIKE_A_RECORD_NUMBER = 5
"""Digits in a row from which a number may be a date or a record number."""
_SHORTEST_IDENTIFIER_INSIDE = 4
"""Letters from which an identifier is looked for inside a longer word too."""

_CLASSIFIERS = {
    "n": "nodal",
    "p": "primary tumor",
    "sb": "surgical bed",
    "par": "parenchyma of an organ",
    "v": "venous thrombosis",
    "vas": "vascular",
}
_DOSE_LEVELS = {"High": "the higher dose", "Mid": "the middle dose", "Low": "the lower dose"}


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that may be chosen: its id in the answer, and what it is. ``category`` is that of the list."""

    id: str
    meaning: str
    category: str = ""


Near = Callable[[Sequence[str]], Sequence[str] | None]
"""Words of a name to structures that another search (by meaning) finds; None where it has not been made yet."""
_Find = Callable[[Sequence[str], Sequence[str]], tuple[Option, ...] | None]
"""Words of a name, and listed names that rules offer, to the options of the structure slot."""


@dataclass(frozen=True, slots=True)
class Question:
    """A closed question about one name.

    ``words`` are what has to be explained, cleaned for sending; for a target ``kind`` is ``target`` and ``type`` the type it
    has (``PTV``), else ``kind`` is ``organ``. ``interpreted_type`` and ``site`` are context, ``""`` where unknown.
    ``slots`` are the parts of the answer with the options of each, best first; ``none`` may be answered in each.
    """

    kind: str
    words: str
    slots: tuple[tuple[str, tuple[Option, ...]], ...]
    type: str = ""
    interpreted_type: str = ""
    site: str = ""

    @property
    def key(self) -> str:
        """SHA-256 (hex) of everything that is asked: equal questions have equal keys."""
        asked = [self.kind, fold(self.words), self.type, self.interpreted_type, self.site]
        offered = [[name, sorted(option.id for option in options)] for name, options in self.slots]
        return hashlib.sha256(json.dumps([asked, offered]).encode()).hexdigest()

    @property
    def options(self) -> tuple[Option, ...]:
        """The structures that are offered."""
        return dict(self.slots)[STRUCTURE]


@dataclass(frozen=True, slots=True)
class Asking:
    """A question, or why there is none."""

    question: Question | None = None
    why_not: str = ""


_NOT_SEARCHED = Asking(why_not="candidates by meaning are not there yet")


def question_about(
    query: Query,
    decision: Decision,
    nomenclature: Nomenclature,
    identifiers: Iterable[str] = (),
    candidates: int = 20,
    half_pairs: frozenset[str] = frozenset(),
    near: Near | None = None,
) -> Asking:
    """Return the question to ask about a name that the rules left to a person, or why none is asked.

    ``identifiers`` are texts of the object's patient and physicians: a name that repeats one is withheld. ``candidates`` is
    how many structures are offered at most; ``half_pairs`` are structures of which the set holds one side only; ``near`` adds
    what another search finds.
    """
    if decision.status is not Status.REVIEW or decision.reason not in _ASKABLE:
        return Asking()
    if _identifies(query, identifiers):
        return Asking(why_not="withheld: it repeats or looks like an identifier")

    def find(words: Sequence[str], offered: Sequence[str]) -> tuple[Option, ...] | None:
        alike = near(words) if near else ()
        if alike is None:
            return None
        found = retrieve(
            words,
            nomenclature,
            site=query.site,
            offered=(*offered, *alike),
            half_pairs=half_pairs,
            treated=decision.kind is Kind.TARGET,
            limit=candidates,
        )
        entries = ((name, entry_of(name, nomenclature)) for name in found)
        return tuple(Option(name, meaning_of(name, nomenclature), entry.category) for name, entry in entries)

    if decision.reason is Reason.NO_STANDARD_NAME:
        if decision.kind is not Kind.TARGET:
            return Asking()
        return _about_target(query, nomenclature, find)
    return _about_organ(query, decision, nomenclature, find)


def _about_organ(query: Query, decision: Decision, nomenclature: Nomenclature, find: _Find) -> Asking:
    parts = open_parts(query, nomenclature)
    if parts is None:
        return Asking(why_not="nothing but a side or a margin")
    why_not = _unexplainable(parts.core, query, nomenclature) or _undecidable(query, decision, nomenclature)
    if not why_not and _initials_beside(parts.core, query, nomenclature):
        why_not = "a short word beside a structure: initials, a version, a side?"
    if why_not:
        return Asking(why_not=why_not)
    offered = [candidate.name for candidate in decision.candidates]
    structures = find(parts.core, offered)
    if structures is None:
        return _NOT_SEARCHED
    return Asking(_question("organ", " ".join(parts.core), query, ((STRUCTURE, structures),)))


def _about_target(query: Query, nomenclature: Nomenclature, find: _Find) -> Asking:
    slots = open_slots(query, nomenclature)
    if slots is None:
        return Asking()
    words = tuple(token.text for token in slots.words)
    why_not = _unexplainable(words, query, nomenclature) or (
        "a short word beside a target may be initials"
        if min(map(len, words)) < _SHORTEST_BESIDE_OTHERS
        else ""
    )
    if why_not:
        return Asking(why_not=why_not)
    structures = find(words, ())
    if structures is None:
        return _NOT_SEARCHED
    asked = [(STRUCTURE, structures)]
    if not slots.classifier:
        asked.append((CLASSIFIER, tuple(Option(id_, means) for id_, means in _CLASSIFIERS.items())))
    if not slots.dose:
        asked.append((DOSE_LEVEL, tuple(Option(id_, means) for id_, means in _DOSE_LEVELS.items())))
    return Asking(replace(_question("target", " ".join(words), query, tuple(asked)), type=slots.type))


def _question(
    kind: str, words: str, query: Query, slots: tuple[tuple[str, tuple[Option, ...]], ...]
) -> Question:
    interpreted_type = query.interpreted_type.strip().upper()
    known = (
        interpreted_type if interpreted_type.replace("_", "").isalpha() and interpreted_type.isascii() else ""
    )
    return Question(kind, cleaned(words), slots, interpreted_type=known[:16], site=query.site)


def open_parts(query: Query, nomenclature: Nomenclature) -> Parts | None:
    """Take sides, margin and partial mark out of a name that no rule could read; None where nothing is left.

    Short side words of a single language are believed only where the set shows that language.
    """
    for cut in _cuts(query, nomenclature):
        chosen: Parts | None = None
        for parts in takings(cut, nomenclature.lexicon):
            spoken = parts.side_languages is None or bool(query.languages & parts.side_languages)
            believed = spoken or (parts.side_certain and parts.side_telling)
            if parts.core and believed and len(parts.sides) < 2:
                chosen = parts
        if chosen is not None:
            return chosen
    return None


def _cuts(query: Query, nomenclature: Nomenclature) -> list[tuple[Token, ...]]:
    """Return the ways of cutting a name into words, the one that parts most first."""
    cuts = [query.camel_words, query.words]
    cuts += [glued for cut in cuts if (glued := segmented(cut, nomenclature.lexicon))]
    return sorted(dict.fromkeys(cut for cut in cuts if cut), key=lambda cut: -_known(cut, nomenclature))


def _known(cut: tuple[Token, ...], nomenclature: Nomenclature) -> float:
    """Return the share of letters that known words hold."""
    letters = sum(len(token.text) for token in cut if token.is_word)
    known = sum(len(t.text) for t in cut if t.is_word and nomenclature.lexicon.knows(t.text))
    return known / letters if letters else 0.0


def _unexplainable(words: tuple[str, ...], query: Query, nomenclature: Nomenclature) -> str:
    """Say why no model could explain these words, whatever it answers; empty where one may."""
    lexicon = nomenclature.lexicon
    letters = [word for word in words if word[0].isalpha()]
    if sum(len(word) for word in letters) < _SHORTEST_ALONE and all(word.isascii() for word in letters):
        return "too short to mean anything for certain"
    for word in letters:
        if not word.isascii():
            continue
        if len(letters) > 1 and len(word) == 1:
            return "a single letter beside other words"
        if lexicon.knows(word):
            continue
        if len(letters) > 1 and len(word) < _SHORTEST_BESIDE_OTHERS:
            return "a short unknown word: initials, a version, a side?"
        if _is_longer_by_letters(word, query, nomenclature):
            return "a structure with a few letters more: initials, a version, a side?"
    return ""


def _is_longer_by_letters(word: str, query: Query, nomenclature: Nomenclature) -> bool:
    """Tell whether a word is a structure with one to three letters before or behind it: ``brainstemag``."""
    pieces = [piece for more in (1, 2, 3) for piece in (word[more:], word[:-more])]
    return any(
        _is_structure((piece,), query, nomenclature)
        for piece in pieces
        if len(piece) >= _SHORTEST_BESIDE_OTHERS
    )


def _is_structure(words: Iterable[str], query: Query, nomenclature: Nomenclature) -> bool:
    tokens = tuple(Token(word, word, False) for word in words)
    return read_words((tokens,), query, nomenclature).verdict in (Verdict.FOUND, Verdict.SIDE_MISSING)


def _undecidable(query: Query, decision: Decision, nomenclature: Nomenclature) -> str:
    """Say why words of several meanings are left to a person: an expert could not tell, or the site is not known."""
    if decision.reason is not Reason.AMBIGUOUS:
        return ""
    phrases = read_organ(query, nomenclature).phrases
    if not decision.candidates or any(phrase.sense is Sense.AMBIGUOUS for phrase in phrases):
        return "it means several things, and nothing in it tells which"
    return "" if query.site else "it means different things at different sites, and the site is not known"


def _initials_beside(words: tuple[str, ...], query: Query, nomenclature: Nomenclature) -> bool:
    """Tell whether a name reads as a structure once its short words are left out."""
    longer = tuple(w for w in words if len(w) >= _SHORTEST_BESIDE_OTHERS or not w.isascii())
    if not longer or len(longer) == len(words):
        return False
    return _is_structure(dict.fromkeys(longer), query, nomenclature)


def _identifies(query: Query, identifiers: Iterable[str]) -> bool:
    """Tell whether a name repeats an identifier as a word, a longer one anywhere, or holds a number like one."""
    if any(
        len(token.text.replace(".", "")) >= _LIKE_A_RECORD_NUMBER for token in query.words if token.is_number
    ):
        return True
    whole = squeeze(query.name)
    words = {token.text for token in (*query.words, *query.camel_words)}
    for identifier in identifiers:
        plain = squeeze(identifier)
        parts = [squeeze(part) for part in identifier.split()]
        if len(plain) >= _SHORTEST_IDENTIFIER_INSIDE and plain in whole:
            return True
        if any(len(part) > 1 and part in words for part in (plain, *parts)):
            return True
    return False


def cleaned(text: str) -> str:
    """Return a name as it may be sent: compatibility-normalised, without control and format characters, at most 64 long."""
    plain = unicodedata.normalize("NFKC", text)
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in plain)
    return " ".join(kept.split())[:_LONGEST_SENT]
