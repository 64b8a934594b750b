"""The open names of one structure set put into questions, and the answers brought back to their ROIs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tg263_scp.decision import Decision, Kind, RoiPlace, Status
from tg263_scp.naming.llm.choice import Asked, LlmView
from tg263_scp.naming.llm.open_names import (
    OpenName,
    SetContext,
    is_open,
    may_identify,
    offered_each,
    open_name,
    set_questions,
)
from tg263_scp.naming.llm.witnesses import witnesses_of
from tg263_scp.naming.query import NamingOptions, Query
from tg263_scp.naming.rules.whole_set import half_pairs
from tg263_scp.naming.standard.nomenclature import Nomenclature

_ANATOMY = (Kind.ORGAN, Kind.PRV, Kind.TARGET)
"""Kinds whose decided names tell a model how the names of a set are written."""


@dataclass(frozen=True, slots=True)
class Read:
    """What came of asking about one ROI: ``asked`` with the model's reading, or ``why_not``.

    ``question`` is the key of the question that holds the name, empty where none does.
    """

    question: str = ""
    asked: Asked | None = None
    why_not: str = ""


def read_set(
    readable: Sequence[int],
    queries: Sequence[Query],
    decisions: Sequence[Decision],
    nomenclature: Nomenclature,
    options: NamingOptions,
    llm: LlmView,
    place_of: Callable[[int], RoiPlace | None] | None,
) -> dict[int, Read]:
    """Return what a model says of the open names of a set, by the indices of their ROIs.

    Args:
        readable: the indices of the ROIs whose names have a certain meaning in their character set.
        queries: the names of all ROIs with what the set tells.
        decisions: what the rules decided about them.
        nomenclature: the list, the synonym packs and the clinic's overlay.
        options: ``identifiers`` keep names from being sent.
        llm: the model, and what may be sent to it.
        place_of: the place of the ROI at an index in the body.
    """
    open_ = [at for at in readable if is_open(decisions[at])]
    if not open_:
        return {}
    context = SetContext(
        options.identifiers,
        offered_each(llm.candidates, len(open_)),
        half_pairs(decisions, nomenclature),
        llm.near,
        llm.withhold,
    )
    found: dict[int, Read] = {}
    names: list[tuple[int, OpenName]] = []
    searching = False
    for at in open_:
        place = place_of(at) if llm.geometry and place_of else None
        asking = open_name(queries[at], decisions[at], nomenclature, context, place.in_words if place else "")
        searching = searching or asking.searching
        if asking.name is None:
            found[at] = Read(why_not=asking.why_not)
        elif asking.name.kind in llm.asked:
            names.append((at, asking.name))
    if searching:
        return found  # the set is asked about as a whole, once all candidates are known
    known = _known(queries, decisions, nomenclature, context)
    witnesses = witnesses_of(decisions, nomenclature, place_of)
    for question, places in set_questions(names, known, queries[0].site, queries[0].languages):
        readings = llm.readings_of(question)
        for name, choice, indices in zip(
            question.names, readings or (None,) * len(places), places, strict=True
        ):
            for at in indices:
                asked = Asked(at, name, choice, witnesses, llm) if choice else None
                found[at] = Read(question.key, asked, "" if choice else _NO_ANSWER)
    return found


_NO_ANSWER = "the model has not answered the question about it yet"


def _known(
    queries: Sequence[Query], decisions: Sequence[Decision], nomenclature: Nomenclature, context: SetContext
) -> Iterator[tuple[str, str]]:
    """Yield the decided names of a set, as written and as they are called now; a name that may identify stays here."""
    for query, decision in zip(queries, decisions, strict=True):
        decided = decision.status is not Status.REVIEW and decision.kind in _ANATOMY
        if decided and not may_identify(query, nomenclature, context):
            yield decision.original, decision.name
