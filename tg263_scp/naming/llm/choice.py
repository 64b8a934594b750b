"""Rule R090: what becomes of a name once a language model has chosen from a closed list.

The choice is put together with the side, the margin and the numbers that the name itself holds, by the same code that
composes names everywhere, and then meets the same vetoes as any rule's proposal. A model can therefore be wrong only within
the list it was given, and never about a side, a margin, a dose or an index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from tg263_scp.decision import Choice, Kind, Reason, Status
from tg263_scp.errors import SourceLine
from tg263_scp.naming.llm.candidates import entry_of, structure_meant
from tg263_scp.naming.llm.evidence import contradiction, spoken
from tg263_scp.naming.llm.questions import CLASSIFIER, DOSE_LEVEL, NONE, STRUCTURE, Near, Question, open_parts
from tg263_scp.naming.organs.reading import Finding, compose, read_organ, read_words
from tg263_scp.naming.query import Proposal, Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.reading import open_slots, read_with_choice
from tg263_scp.naming.words.letters import Token

_MOST_WORDS = 7
"""Words of a name that are left out in every combination; a longer name has no standard name anyway."""


@dataclass(frozen=True, slots=True)
class LlmView:
    """A language model as naming sees it.

    ``choice_of`` gives the choice for a question, None where nobody has answered it (yet). ``applies`` tells whether a
    unanimous choice is applied or only suggested; ``candidates`` is how many structures a question offers at most, and
    ``near`` a further search for them.
    """

    choice_of: Callable[[Question], Choice | None]
    applies: bool = True
    candidates: int = 20
    near: Near | None = None


def certain(slot: str, id_: str) -> Choice:
    """Return the choice of a model without any doubt, to see what would become of it."""
    return Choice(((slot, id_),), ((f"{slot}={id_}", 1),), wanted=1)


def llm_choice(
    query: Query, question: Question, choice: Choice, nomenclature: Nomenclature
) -> Proposal | None:
    """The language model chooses from a closed list or answers none: renamed where unanimous and no veto objects."""
    answer = {slot: id_ for slot, id_ in choice.answer if id_ != NONE}
    if not answer:
        return None
    name, why_not = named(query, question, answer, nomenclature)
    why_not = why_not or _against(question, answer, query, nomenclature)
    kind = Kind.TARGET if question.kind == "target" else Kind.PRV if "_PRV" in name else Kind.ORGAN
    if name and not why_not:
        status = Status.RENAME if choice.unanimous else Status.REVIEW
        note = f"chosen from {len(question.options)} structures; {choice.said}"
        return Proposal(
            "R090", status, Reason.MODEL_CHOICE, name, 0.85, kind, note, _lines(answer, nomenclature)
        )
    note = f"{why_not}; {choice.said}"
    return Proposal(
        "R090", Status.REVIEW, Reason.MODEL_CHOICE, name, 0.5, kind, note, _lines(answer, nomenclature)
    )


def _against(question: Question, answer: Mapping[str, str], query: Query, nomenclature: Nomenclature) -> str:
    """Say what in the words of the question speaks against an answer."""
    words = question.words.split()
    structure = answer.get(STRUCTURE, "")
    readings = read_organ(query, nomenclature) if question.kind == "organ" else None
    if readings and readings.finding is Finding.AMBIGUOUS:
        meant = {structure_meant(name, nomenclature) for name in readings.names}
        return "" if structure in meant else "it is none of the things that the name may mean"
    if structure:
        return contradiction(words, structure, query, nomenclature) or _dropped(
            question, structure, query, nomenclature
        )
    if any(spoken(word, query, nomenclature) is not None for word in words):
        return "a word of the name speaks of a structure, or of something else"
    return ""


def _dropped(question: Question, structure: str, query: Query, nomenclature: Nomenclature) -> str:
    """Say that a choice only leaves out what nobody understands: ``resected`` of ``parotid resected``.

    Some of the words name the chosen structure by themselves; the model has explained nothing, and what it passes over may be
    what makes this another structure.
    """
    within = _within(tuple(question.words.split()), query, nomenclature)
    return "it leaves out words that may make it another structure" if structure in within else ""


@lru_cache(maxsize=1024)
def _within(words: tuple[str, ...], query: Query, nomenclature: Nomenclature) -> frozenset[str]:
    """Return the structures that a name reads as once one word, or several, are left out."""
    found: set[str] = set()
    for size in range(1, min(len(words), _MOST_WORDS)):
        for kept in combinations(words, size):
            reading = read_words((tuple(Token(word, word, False) for word in kept),), query, nomenclature)
            found.update(
                (reading.structure, *(structure_meant(name, nomenclature) for name in reading.names))
            )
    return frozenset(found - {""})


def _lines(answer: Mapping[str, str], nomenclature: Nomenclature) -> tuple[SourceLine, ...]:
    structure = answer.get(STRUCTURE, "")
    return (entry_of(structure, nomenclature).source,) if structure else ()


def named(
    query: Query, question: Question, answer: Mapping[str, str], nomenclature: Nomenclature
) -> tuple[str, str]:
    """Return the standard name that an answer leads to, and why it may only be suggested (empty where it may be given)."""
    structure = answer.get(STRUCTURE, "")
    stem = nomenclature.stems.get(structure)
    if question.kind == "target":
        reading = read_with_choice(
            query,
            nomenclature,
            structure=structure,
            classifier=answer.get(CLASSIFIER, ""),
            dose_level=answer.get(DOSE_LEVEL, ""),
        )
        slots = open_slots(query, nomenclature)
        sided = bool(slots and slots.sides)
        if stem and stem.paired and not sided:
            return reading.name, "one of a pair, and no side is written"
        return reading.name, reading.doubt.text if reading.doubt else ""
    parts = open_parts(query, nomenclature)
    if parts is None:
        return "", "nothing but a side or a margin"
    composed = compose(structure, parts, (), nomenclature)
    name = composed.names[0] if len(composed.names) == 1 else ""
    if name and parts.partial:
        return name, "a word for a part, which may belong to the name"
    if stem and stem.paired and not parts.sides and not parts.both:
        return name, "one of a pair, and no side is written"
    return name, "" if name else composed.note
