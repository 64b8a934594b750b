"""Rule R090: what becomes of a name once a language model has read it.

The structure it chose from a closed list is put together with the side, the margin and the numbers that stand in the name, by
the same code that composes names everywhere, and then meets the same vetoes as any rule's proposal. A model never adds a
margin, a dose or an index. A side that only the model sees, and a name that is doubtful in itself, need a witness
(:mod:`tg263_scp.naming.llm.witnesses`). All else is a suggestion for the person who decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from itertools import combinations

from tg263_scp.decision import Choice, Kind, Reason, Status
from tg263_scp.errors import SourceLine
from tg263_scp.naming.llm.candidates import entry_of, structure_meant
from tg263_scp.naming.llm.evidence import contradiction
from tg263_scp.naming.llm.open_names import Near, OpenName, SetQuestion, Withhold, open_parts
from tg263_scp.naming.llm.readings import Reading, Role, reading_of
from tg263_scp.naming.llm.witnesses import Witnesses
from tg263_scp.naming.organs.parts import Parts
from tg263_scp.naming.organs.reading import Finding, compose, read_organ, read_words
from tg263_scp.naming.query import Proposal, Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.reading import open_slots, read_with_choice
from tg263_scp.naming.words.letters import Token, fold, tokenise

_MOST_WORDS = 7
"""Words of a name that are left out in every combination; a longer name has no standard name anyway."""


class Net(StrEnum):
    """A safety net between what a model says and what is given."""

    COUNTER_CHECK = "counter_check"
    NULL_CONTROL = "null_control"
    WITNESS = "witness"
    QUALIFICATION = "qualification"


ALL_NETS = frozenset(Net)

Readings = tuple[Choice | None, ...]
"""What a model said of the names of a question, in their order; None for a name that it said nothing usable of."""


@dataclass(frozen=True, slots=True)
class LlmView:
    """A language model as naming sees it.

    ``readings_of`` gives what was answered to a question, None where nobody has answered it (yet). ``applied`` are the kinds
    (``organ``, ``prv``, ``target``) of which a reading may become the name; others are only suggested, with ``why_not`` said.
    ``asked`` are the kinds of name (``organ``, ``target``) that are asked about.
    ``candidates`` is how many structures a name is offered at most, ``near`` a further search for them. ``withhold`` and
    ``geometry`` say what may leave. ``nets`` are the safety nets in force.
    """

    readings_of: Callable[[SetQuestion], Readings | None]
    applied: frozenset[str] = frozenset({"organ", "prv"})
    asked: frozenset[str] = frozenset({"organ", "target"})
    candidates: int = 20
    near: Near | None = None
    withhold: Withhold = Withhold.KNOWN
    geometry: bool = False
    nets: frozenset[Net] = field(default=ALL_NETS)
    why_not: str = "only suggested, as configured"


@dataclass(frozen=True, slots=True)
class Asked:
    """An open name with its place in the set, what the model said of it, and who else may testify."""

    at: int
    name: OpenName
    choice: Choice
    witnesses: Witnesses
    view: LlmView


def llm_choice(query: Query, asked: Asked, nomenclature: Nomenclature) -> Proposal | None:
    """The language model reads the name: renamed where it is unanimous, stands its tests, and no veto objects."""
    reading, choice = reading_of(asked.choice.answer), asked.choice
    if not reading.names_a_structure:
        return None
    composed = _composed(query, asked, reading, nomenclature)
    name = composed.name
    kind = Kind.TARGET if asked.name.kind == "target" else Kind.PRV if "_PRV" in name else Kind.ORGAN
    why_not = (
        composed.why_not
        or _against(query, asked.name, reading, nomenclature)
        or _unsupported(composed, asked, reading)
        or _disbelieved(choice, asked.view.nets)
        or ("" if kind.value in asked.view.applied else asked.view.why_not)
    )
    lines = _lines(reading.structure, nomenclature)
    if name and not why_not:
        note = f"chosen from {len(asked.name.options)} structures; {choice.said}"
        if composed.witness:
            note = f"{note}; {composed.witness} says so too"
        return Proposal("R090", Status.RENAME, Reason.MODEL_CHOICE, name, 0.85, kind, note, lines)
    note = f"{why_not}; {choice.said}"
    return Proposal("R090", Status.REVIEW, Reason.MODEL_CHOICE, name, 0.5, kind, note, lines)


def _disbelieved(choice: Choice, nets: frozenset[Net]) -> str:
    """Say which test the answers of a model did not stand."""
    if not choice.agreed:
        return "the answers differ"
    if Net.COUNTER_CHECK in nets and choice.counter not in ("", "none"):
        return "with its choice taken away it chooses something else"
    if Net.NULL_CONTROL in nets and choice.null == "same":
        return "it says the same of a word without meaning"
    return ""


@dataclass(frozen=True, slots=True)
class _Composed:
    name: str
    why_not: str = ""
    side_added: bool = False
    witness: str = ""


def _composed(query: Query, asked: Asked, reading: Reading, nomenclature: Nomenclature) -> _Composed:
    """Return the standard name that a reading leads to, and why it may only be suggested (empty where it may be given)."""
    if asked.name.kind == "target":
        return _composed_target(query, reading, nomenclature)
    stem = nomenclature.stems.get(reading.structure)
    parts = open_parts(query, nomenclature) or Parts(core=tuple(t.text for t in query.words if t.is_word))
    said, own = reading.side, next(iter(parts.sides), "both" if parts.both else "")
    if len(reading.spans(Role.LEFT, Role.RIGHT, Role.BOTH)) > 1 or (own and said and said != own):
        return _Composed("", "the sides that it reads are not those that are written")
    added = bool(said) and not own
    if added:
        parts = replace(parts, both=said == "both", sides=frozenset({said} - {"both"}))
    composed = compose(reading.structure, parts, (), nomenclature)
    name = composed.names[0] if len(composed.names) == 1 else ""
    witness = asked.witnesses.of_side(asked.at, asked.name.written, reading.structure, reading)
    if not name:
        return _Composed("", composed.note)
    if parts.partial:
        return _Composed(name, "a word for a part, which may belong to the name")
    if stem and stem.paired and not parts.sides and not parts.both:
        return _Composed(name, "one of a pair, and no side is written")
    if parts.margin is None and reading.spans(Role.PRV, Role.MARGIN):
        return _Composed(name, "a margin that the rules do not read")
    if _left_out(reading, parts, nomenclature):
        return _Composed(name, "it leaves out a piece of the name")
    return _Composed(name, _misread_side(reading, nomenclature), added, witness)


def _misread_side(reading: Reading, nomenclature: Nomenclature) -> str:
    """Say that a piece read as one side means, in every language that has it, the other."""
    for piece in map(fold, reading.spans(Role.LEFT, Role.RIGHT)):
        meant = {"l": {"L"}, "r": {"R"}}.get(piece, set(nomenclature.lexicon.sides.get(piece, {}).values()))
        if meant and reading.side not in meant:
            return "a side word of the name means the other side"
    return ""


def _left_out(reading: Reading, parts: Parts, nomenclature: Nomenclature) -> bool:
    """Tell whether a reading leaves out more than the little words, sides, parts and margins that the rules know."""
    taken = {fold(word) for word in parts.taken}
    if parts.margin is not None:
        taken |= {"mm", "cm", *(str(parts.margin.mm or "")), *parts.margin.digits}
    little = nomenclature.lexicon.usage.little_words
    words = [token.text for piece in reading.left_out for token in tokenise(piece)]
    return any(
        word not in little and not {word, word.lstrip("0")} & taken for word in words if word.isalnum()
    )


def _composed_target(query: Query, reading: Reading, nomenclature: Nomenclature) -> _Composed:
    read = read_with_choice(query, nomenclature, structure=reading.structure)
    slots = open_slots(query, nomenclature)
    stem = nomenclature.stems.get(reading.structure)
    if stem and stem.paired and not (slots and slots.sides):
        return _Composed(read.name, "one of a pair, and no side is written")
    explained = {token.text for piece in reading.spans(Role.STRUCTURE) for token in tokenise(piece)}
    if slots and not {token.text for token in slots.words} <= explained:
        return _Composed(read.name, "it leaves out a piece of the name")
    return _Composed(read.name, read.doubt.text if read.doubt else "")


def _unsupported(composed: _Composed, asked: Asked, reading: Reading) -> str:
    """Say for what a witness is missing; empty where none is needed, or one is there."""
    if Net.WITNESS not in asked.view.nets:
        return ""
    if composed.side_added and not composed.witness:
        return "only the model sees the side"
    if asked.name.guard and not asked.witnesses.of_partner(reading.structure, reading.side):
        ambiguous = asked.name.guard.startswith("it means")
        if ambiguous or not composed.witness:
            return f"it needs a witness: {asked.name.guard}"
    return ""


def _against(query: Query, name: OpenName, reading: Reading, nomenclature: Nomenclature) -> str:
    """Say what in the words that a reading takes for the structure speaks against it."""
    words, structure = _explained(query, name, reading, nomenclature), reading.structure
    readings = read_organ(query, nomenclature) if name.kind == "organ" else None
    if readings and readings.finding is Finding.AMBIGUOUS:
        meant = {structure_meant(each, nomenclature) for each in readings.names}
        return "" if structure in meant else "it is none of the things that the name may mean"
    return contradiction(words, structure, query, nomenclature) or _dropped(
        words, structure, query, nomenclature
    )


def _explained(query: Query, name: OpenName, reading: Reading, nomenclature: Nomenclature) -> tuple[str, ...]:
    """Return the words that a reading takes for the structure, without sides and margins that the rules know."""
    pieces = tuple(map(fold, reading.spans(Role.STRUCTURE) or (name.written,)))
    parts = open_parts(query, nomenclature)
    core = [word for word in parts.core if any(word in piece for piece in pieces)] if parts else []
    return tuple(core) or tuple(t.text for piece in pieces for t in tokenise(piece, camel=False) if t.is_word)


def _dropped(words: tuple[str, ...], structure: str, query: Query, nomenclature: Nomenclature) -> str:
    """Say that a choice only leaves out what nobody understands: ``resected`` of ``parotid resected``.

    Some of the words name the chosen structure by themselves; the model has explained nothing, and what it passes over may be
    what makes this another structure.
    """
    within = _within(words, query, nomenclature)
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


def _lines(structure: str, nomenclature: Nomenclature) -> tuple[SourceLine, ...]:
    return (entry_of(structure, nomenclature).source,) if structure in nomenclature.stems else ()


def suggestion(choice: Choice | None) -> str:
    """Return what a model takes a name for where it names no structure: ``helper`` or ``unlisted``, else empty."""
    meant: Sequence[str] = [value for key, value in choice.answer if key == "meant"] if choice else ()
    return meant[0] if meant and meant[0] in ("helper", "unlisted") else ""
