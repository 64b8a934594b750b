"""Candidates for review: every open name of an organ or a PRV is offered what it most likely means.

What the rules themselves found comes first; where no rule knew the name, the ranking does. A name that another ROI of the set
bears is offered after those that the set lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tg263_scp.decision import Candidate, Decision, Kind, Reason, Status
from tg263_scp.naming.offering.ranking import ranked
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.filling import type_tokens

_MOST = 5
_NOT_UNDERSTOOD = frozenset({Reason.UNMATCHED, Reason.PART_UNKNOWN, Reason.MARGIN_UNCLEAR, Reason.REMARK})
_NOTHING_TO_OFFER = frozenset({Reason.UNREADABLE, Reason.UNLISTED})
_CLASHES = frozenset({Reason.CLASH_SAME_NAME, Reason.CLASH_KEPT_NAME})
"""Their own name is borne by another ROI, and is the first thing to offer all the same."""


def with_offers(
    decisions: Sequence[Decision], queries: Sequence[Query], nomenclature: Nomenclature
) -> tuple[Decision, ...]:
    """Return the decisions of a set, each open one with its candidates; what was decided stays as it is."""
    if not any(decision.status is Status.REVIEW for decision in decisions):
        return tuple(decisions)
    borne = frozenset(decision.name.strip().casefold() for decision in decisions)
    return tuple(
        _offered(decision, query, borne, nomenclature)
        for decision, query in zip(decisions, queries, strict=True)
    )


def _offered(decision: Decision, query: Query, borne: frozenset[str], nomenclature: Nomenclature) -> Decision:
    if decision.status is not Status.REVIEW or decision.reason in _NOTHING_TO_OFFER:
        return decision
    if decision.kind is Kind.TARGET or type_tokens(query, nomenclature.lexicon)[1]:
        return decision
    found = ranked(query, nomenclature)
    own = decision.candidates
    if own and decision.reason not in _NOT_UNDERSTOOD:
        least = min(candidate.score for candidate in own)
        found = tuple(replace(each, score=round(min(each.score, 1.0) * least, 3)) for each in found)
    both = (*found, *own) if decision.reason in _NOT_UNDERSTOOD else (*own, *found)
    names: dict[str, Candidate] = {}
    for candidate in both:
        names.setdefault(candidate.name, candidate)
    offered = list(names.values())[:_MOST]
    if decision.reason not in _CLASHES:
        offered.sort(key=lambda candidate: candidate.name.casefold() in borne)
    return replace(decision, candidates=tuple(offered))
