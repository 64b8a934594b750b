"""Which names of a set a language model is asked about, and the one question about all of them.

The question shows every open name as it is written, with the structures it may mean, and beside them what is known of the
set: its decided names, site, language and notation. The model answers with a reading of each name
(:mod:`tg263_scp.naming.llm.readings`); it never writes a name, a number or a side that is not written.

A name is not asked about

* where a rule has decided, or has told for certain why not: a side that is missing, real anatomy that the list lacks, a
  veto, two ROIs that would get one name;
* where the name repeats an identifier of the patient or a physician, or looks like one (a date, a record number); where
  ``strict`` is asked for, also where a word of it resembles nothing that any pack knows, since it may be a surname.

Standard: AAPM TG-263 report, principles N1-N15, T1-T10.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tg263_scp.decision import Decision, Kind, Reason, Status
from tg263_scp.naming.llm.candidates import entry_of, meaning_of, retrieve
from tg263_scp.naming.llm.guards import SHORTEST, initials_beside, undecidable, unexplainable
from tg263_scp.naming.organs.parts import Parts, takings
from tg263_scp.naming.query import Query
from tg263_scp.naming.rules.identifiers import looks_like_a_record, repeats_identifier
from tg263_scp.naming.rules.spelling import look_alikes
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.doubts import OPEN_WORDS
from tg263_scp.naming.targets.reading import open_slots
from tg263_scp.naming.words.letters import Token, is_unspaced

_AMBIGUOUS = frozenset({Reason.AMBIGUOUS, Reason.SITE_DECIDES, Reason.OTHER_SITE, Reason.BOTH_SIDES})
_ASKABLE = _AMBIGUOUS | {
    Reason.UNMATCHED,
    Reason.PART_UNKNOWN,
    Reason.REMARK,
    Reason.MARGIN_UNCLEAR,
    Reason.MISSPELT_TOO_FAR,
    Reason.MISSPELT_FOREIGN,
    Reason.MISSPELT_CONTESTED,
    Reason.MISSPELT_SHORT,
    Reason.LANGUAGE_UNCHECKED,
}
"""Reasons for which a name is asked about as an organ; a target is asked about where only words of it are open."""
LONGEST_SENT = 64
"""Characters of a name that are sent at most: ROI Name (3006,0026) is LO (PS3.5 6.2)."""
MOST_NAMES = 25
"""Open names in one question; a set with more of them gets several."""
_MOST_NEIGHBOURS = 30
_MOST_OFFERS = 200
"""Structures offered in one question at most, all its names together."""
_FEWEST_OFFERED = 6
_SHORTEST_SHARED = 4
"""Letters of a word that makes two structures relatives: ``Bowel`` and ``Bag_Bowel``."""


class Withhold(StrEnum):
    """What is not sent: what repeats a *known* identifier of the object, or (*strict*) also any word that nothing knows."""

    KNOWN = "known"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that may be chosen: its id in the answer, and what it is. ``category`` is that of the list."""

    id: str
    meaning: str
    category: str = ""


Near = Callable[[Sequence[str]], Sequence[str] | None]
"""Words of a name to structures that another search (by meaning) finds; None where it has not been made yet."""


@dataclass(frozen=True, slots=True)
class OpenName:
    """One open name as it is sent.

    ``written`` is the name cleaned for sending. ``kind`` is ``organ`` or ``target``. ``options`` are the structures that it
    may mean, best first. ``interpreted_type`` and ``place`` (what its contours say, in words) are ``""`` where unknown.
    ``guard`` says why a reading of it needs a witness; it is not sent.
    """

    written: str
    kind: str
    options: tuple[Option, ...]
    interpreted_type: str = ""
    place: str = ""
    guard: str = ""


@dataclass(frozen=True, slots=True)
class SetQuestion:
    """What is asked about one structure set, or about a part of a large one.

    ``known`` pairs names that the rules decided, as written, with their standard names. ``site`` is that of the set, ``""``
    where unknown; ``languages`` are ISO 639-1 codes.
    """

    names: tuple[OpenName, ...]
    known: tuple[tuple[str, str], ...] = ()
    site: str = ""
    languages: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """SHA-256 (hex) of everything that is asked: equal questions have equal keys."""
        asked = [
            (
                name.written,
                name.kind,
                [option.id for option in name.options],
                name.interpreted_type,
                name.place,
            )
            for name in self.names
        ]
        whole = json.dumps([asked, self.known, self.site, self.languages])
        return hashlib.sha256(whole.encode()).hexdigest()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids under which the names are asked about: ``n1``, ``n2`` ..."""
        return tuple(f"n{number}" for number in range(1, len(self.names) + 1))

    def asked(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Return each id with the name as written and the ids of the structures that are offered for it."""
        rows = zip(self.ids, self.names, strict=True)
        return {id_: (name.written, tuple(option.id for option in name.options)) for id_, name in rows}


def without(question: SetQuestion, chosen: Mapping[int, str]) -> SetQuestion:
    """Return the question about the names at the indices of ``chosen`` alone, what was chosen taken off their lists.

    With ``Bladder`` goes ``Bladder_Wall``, which might well be said in its place. A model that knows what the words mean now
    answers none; one that only chose what looked best chooses again.
    """

    def stays(option: Option, taken: str) -> bool:
        shared = set(option.id.split("_")) & set(taken.split("_"))
        return option.id != taken and not any(len(word) >= _SHORTEST_SHARED for word in shared)

    return replace(
        question,
        names=tuple(
            replace(
                question.names[at], options=tuple(o for o in question.names[at].options if stays(o, taken))
            )
            for at, taken in chosen.items()
        ),
    )


def with_nonsense(question: SetQuestion, at: Iterable[int]) -> SetQuestion:
    """Return the question about the names at some indices, each replaced by nonsense of the same shape.

    Length, case, digits and signs stay; each letter becomes another one, a vowel for a vowel, always the same for the same
    name. A model that reads the words now answers otherwise; one that goes by habit answers the same.
    """
    return replace(question, names=tuple(_nonsense(question.names[index]) for index in at))


_VOWELS, _CONSONANTS = "aeiou", "bdfgkmnprtvz"


def _nonsense(name: OpenName) -> OpenName:
    drawn = hashlib.sha256(name.written.encode("utf-8", "surrogatepass")).digest()

    def other(at: int, letter: str) -> str:
        if not letter.isalpha():
            return letter
        letters = _VOWELS if letter.casefold() in _VOWELS else _CONSONANTS
        chosen = letters[(drawn[at % len(drawn)] + at) % len(letters)]
        if chosen == letter.casefold():
            chosen = letters[(letters.index(chosen) + 1) % len(letters)]
        return chosen.upper() if letter.isupper() else chosen

    return replace(name, written="".join(other(at, letter) for at, letter in enumerate(name.written)))


@dataclass(frozen=True, slots=True)
class Asking:
    """An open name, or why it is not asked about; ``searching``: not before its neighbours in meaning are known."""

    name: OpenName | None = None
    why_not: str = ""
    searching: bool = False


@dataclass(frozen=True, slots=True)
class SetContext:
    """What is the same for all names of a set while its question is made.

    ``identifiers`` are texts of the object's patient and physicians. ``limit`` is how many structures a name is offered at
    most. ``half_pairs`` are structures of which the set holds one side only; ``near`` adds what another search finds.
    """

    identifiers: tuple[str, ...] = ()
    limit: int = 20
    half_pairs: frozenset[str] = frozenset()
    near: Near | None = None
    withhold: Withhold = Withhold.KNOWN


def is_open(decision: Decision) -> bool:
    """Tell whether a model may be asked about a name that was decided so."""
    about_target = decision.doubt in OPEN_WORDS
    return decision.status is Status.REVIEW and (about_target or decision.reason in _ASKABLE)


def offered_each(limit: int, names: int) -> int:
    """Return how many structures each of so many names is offered, so that one question stays short."""
    return max(_FEWEST_OFFERED, min(limit, _MOST_OFFERS // max(1, min(names, MOST_NAMES))))


def open_name(
    query: Query, decision: Decision, nomenclature: Nomenclature, context: SetContext, place: str = ""
) -> Asking:
    """Return how a name that :func:`is_open` is asked about, or why it is not."""
    if may_identify(query, nomenclature, context):
        return Asking(why_not="withheld: it repeats or looks like an identifier")
    about_target = decision.doubt in OPEN_WORDS
    words = _target_words(query, nomenclature) if about_target else _organ_words(query, nomenclature)
    if not words:
        return Asking(why_not="nothing but a side or a margin")
    interpreted_type = _known_type(query, nomenclature)
    if not about_target and interpreted_type in nomenclature.anatomy.interpreted_types.target:
        return Asking(why_not="drawn as a target: no organ would be given")
    guard = _guard(words, query, decision, nomenclature)
    alike = context.near(words) if context.near else ()
    if alike is None:
        return Asking(why_not="candidates by meaning are not there yet", searching=True)
    found = retrieve(
        words,
        nomenclature,
        site=query.site,
        interpreted_type=interpreted_type,
        offered=(*(candidate.name for candidate in decision.candidates), *alike),
        half_pairs=context.half_pairs,
        treated=decision.kind is Kind.TARGET,
        limit=context.limit,
    )
    if not found:
        return Asking(why_not="nothing on the list fits its interpreted type")
    entries = ((name, entry_of(name, nomenclature)) for name in found)
    options = tuple(Option(name, meaning_of(name, nomenclature), entry.category) for name, entry in entries)
    kind = "target" if about_target else "organ"
    return Asking(
        OpenName(cleaned(query.name), kind, options, _known_type(query, nomenclature), place, guard)
    )


def _organ_words(query: Query, nomenclature: Nomenclature) -> tuple[str, ...]:
    parts = open_parts(query, nomenclature)
    if parts is not None:
        return parts.core
    return tuple(token.text for token in query.words if token.is_word)


def _target_words(query: Query, nomenclature: Nomenclature) -> tuple[str, ...]:
    slots = open_slots(query, nomenclature)
    return tuple(token.text for token in slots.words) if slots else ()


def _guard(words: Sequence[str], query: Query, decision: Decision, nomenclature: Nomenclature) -> str:
    """Say why the reading of a name needs a witness; empty where a unanimous one is enough."""
    if decision.doubt in OPEN_WORDS:
        short = min(map(len, words)) < SHORTEST
        return unexplainable(words, query, nomenclature) or (
            "a short word beside a target may be initials" if short else ""
        )
    ambiguous = decision.reason in _AMBIGUOUS
    return (
        (undecidable(query, nomenclature) if ambiguous else "")
        or unexplainable(words, query, nomenclature, ambiguous=ambiguous)
        or initials_beside(words, query, nomenclature)
    )


def may_identify(query: Query, nomenclature: Nomenclature, context: SetContext) -> bool:
    """Tell whether a name may say who the patient or a physician is: then it does not leave."""
    if looks_like_a_record(query.words) or repeats_identifier(query.name, context.identifiers):
        return True
    return context.withhold is Withhold.STRICT and not _every_word_is_known(query, nomenclature)


def _every_word_is_known(query: Query, nomenclature: Nomenclature) -> bool:
    lexicon = nomenclature.lexicon
    words = [token.text for token in query.camel_words if token.is_word and len(token.text) > 1]
    return all(
        lexicon.knows(word) or word in lexicon.sides or is_unspaced(word) or bool(look_alikes(word, lexicon))
        for word in words
    )


def set_questions(
    names: Sequence[tuple[int, OpenName]],
    known: Iterable[tuple[str, str]],
    site: str,
    languages: Iterable[str],
) -> list[tuple[SetQuestion, tuple[tuple[int, ...], ...]]]:
    """Return the questions about the open names of a set, each with the indices of the ROIs that each of its names stands for.

    ``names`` are indices and open names; equal names are asked about once. The order of the ROIs makes no difference.
    """
    places: dict[OpenName, list[int]] = {}
    for index, name in names:
        places.setdefault(name, []).append(index)
    ordered = sorted(places, key=lambda name: (name.written, name.kind, name.interpreted_type, name.place))
    neighbours = tuple(sorted(set(known))[:_MOST_NEIGHBOURS])
    questions = []
    for start in range(0, len(ordered), MOST_NAMES):
        part = tuple(ordered[start : start + MOST_NAMES])
        question = SetQuestion(part, neighbours, site, tuple(sorted(languages)))
        questions.append((question, tuple(tuple(places[name]) for name in part)))
    return questions


def _known_type(query: Query, nomenclature: Nomenclature) -> str:
    """Return the interpreted type where it is a term of the standard; any other text is nobody's to see."""
    term = query.interpreted_type.strip().upper()
    return term if term in nomenclature.anatomy.interpreted_types.terms else ""


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
    """Return the ways of cutting a name into words, the one with most known ones first.

    A word that nobody knows stays whole: the *sin* in ``bassin`` is no side.
    """
    cuts = dict.fromkeys(cut for cut in (query.camel_words, query.words) if cut)
    return sorted(cuts, key=lambda cut: -_known(cut, nomenclature))


def _known(cut: tuple[Token, ...], nomenclature: Nomenclature) -> float:
    """Return the share of letters that known words hold."""
    letters = sum(len(token.text) for token in cut if token.is_word)
    known = sum(len(t.text) for t in cut if t.is_word and nomenclature.lexicon.knows(t.text))
    return known / letters if letters else 0.0


def cleaned(text: str) -> str:
    """Return a name as it may be sent: compatibility-normalised, without control and format characters, at most 64 long."""
    plain = unicodedata.normalize("NFKC", text)
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in plain)
    return " ".join(kept.split())[:LONGEST_SENT]
