"""Which names a language model may be asked about, and the closed question that it gets.

A question is about words only. Side, margin, PRV, doses and numbers are taken out before and put back after by the rules of
:mod:`tg263_scp.naming.organs.reading` and :mod:`tg263_scp.naming.targets.reading`; the model sees neither and chooses
neither. For an organ
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

from tg263_scp.decision import Decision, Kind, Reason, Status
from tg263_scp.naming.llm.candidates import entry_of, meaning_of, retrieve
from tg263_scp.naming.llm.unaskable import SHORTEST, initials_beside, undecidable, unexplainable
from tg263_scp.naming.organs.parts import Parts, takings
from tg263_scp.naming.query import Query
from tg263_scp.naming.rules.identifiers import looks_like_a_record, repeats_identifier
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.doubts import OPEN_WORDS
from tg263_scp.naming.targets.reading import open_slots
from tg263_scp.naming.words.letters import Token, fold

NONE = "none"
"""What the model answers where nothing offered fits."""
STRUCTURE, CLASSIFIER, DOSE_LEVEL = "structure", "classifier", "dose_level"
"""The slots a question may have."""

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
}
"""Reasons for which a name is asked about as an organ; a target is asked about where only words of it are open."""
LONGEST_SENT = 64
"""Characters of a name that are sent at most: ROI Name (3006,0026) is LO (PS3.5 6.2)."""
_SHORTEST_SHARED = 4
"""Letters of a word that makes two structures relatives: ``Bowel`` and ``Bag_Bowel``."""


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


def without(question: Question, answer: Iterable[tuple[str, str]]) -> Question:
    """Return the same question with what was answered taken out of the choices, and with it what has a word of its name.

    With ``Bladder`` goes ``Bladder_Wall``, which might well be said in its place. Who knows what the words mean now answers
    none; who only chose what looked best chooses again.
    """
    taken = {slot: id_ for slot, id_ in answer if id_ != NONE}

    def stays(option: Option, chosen: str) -> bool:
        shared = set(option.id.split("_")) & set(chosen.split("_"))
        return option.id != chosen and not any(len(word) >= _SHORTEST_SHARED for word in shared)

    slots = tuple(
        (slot, tuple(o for o in options if slot not in taken or stays(o, taken[slot])))
        for slot, options in question.slots
    )
    return replace(question, slots=slots)


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
    about_target = decision.doubt in OPEN_WORDS
    if decision.status is not Status.REVIEW or not (about_target or decision.reason in _ASKABLE):
        return Asking()
    if looks_like_a_record(query.words) or repeats_identifier(query.name, identifiers):
        return Asking(why_not="withheld: it repeats or looks like an identifier")

    def find(words: Sequence[str], offered: Sequence[str]) -> tuple[Option, ...] | None:
        alike = near(words) if near else ()
        if alike is None:
            return None
        found = retrieve(
            words,
            nomenclature,
            site=query.site,
            interpreted_type=_known_type(query, nomenclature),
            offered=(*offered, *alike),
            half_pairs=half_pairs,
            treated=decision.kind is Kind.TARGET,
            limit=candidates - candidates // 5 if decision.kind is Kind.TARGET else candidates,
        )
        entries = ((name, entry_of(name, nomenclature)) for name in found)
        return tuple(Option(name, meaning_of(name, nomenclature), entry.category) for name, entry in entries)

    if about_target:
        return _about_target(query, nomenclature, find)
    return _about_organ(query, decision, nomenclature, find)


def _about_organ(query: Query, decision: Decision, nomenclature: Nomenclature, find: _Find) -> Asking:
    parts = open_parts(query, nomenclature)
    if parts is None:
        return Asking(why_not="nothing but a side or a margin")
    ambiguous = decision.reason in _AMBIGUOUS
    why_not = (
        (undecidable(query, nomenclature) if ambiguous else "")
        or unexplainable(parts.core, query, nomenclature, ambiguous=ambiguous)
        or initials_beside(parts.core, query, nomenclature)
    )
    if why_not:
        return Asking(why_not=why_not)
    offered = [candidate.name for candidate in decision.candidates]
    structures = find(parts.core, offered)
    if structures is None:
        return _NOT_SEARCHED
    interpreted_type = _known_type(query, nomenclature)
    asked = ((STRUCTURE, structures),)
    return Asking(Question("organ", cleaned(" ".join(parts.core)), asked, "", interpreted_type, query.site))


def _about_target(query: Query, nomenclature: Nomenclature, find: _Find) -> Asking:
    slots = open_slots(query, nomenclature)
    if slots is None:
        return Asking()
    words = tuple(token.text for token in slots.words)
    why_not = unexplainable(words, query, nomenclature)
    if not why_not and min(map(len, words)) < SHORTEST:
        why_not = "a short word beside a target may be initials"
    if why_not:
        return Asking(why_not=why_not)
    structures = find(words, ())
    if structures is None:
        return _NOT_SEARCHED
    anatomy = nomenclature.anatomy
    asked = [(STRUCTURE, structures)]
    if not slots.classifier:
        asked.append((CLASSIFIER, tuple(Option(id_, means) for id_, means in anatomy.classifiers.items())))
    if not slots.dose:
        asked.append((DOSE_LEVEL, tuple(Option(id_, means) for id_, means in anatomy.dose_levels.items())))
    interpreted_type = _known_type(query, nomenclature)
    text = cleaned(" ".join(words))
    return Asking(Question("target", text, tuple(asked), slots.type, interpreted_type, query.site))


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
