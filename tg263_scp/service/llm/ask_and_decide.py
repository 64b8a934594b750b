"""The one loop of asking a language model: decide with what is remembered, ask what was missing, decide again.

Three use it, and differ in how they ask: the node lets a set wait and goes on with others
(:mod:`tg263_scp.service.llm.waiting_sets`), an archive waits for the answers (:func:`asking_at_once`), a verb asks about a
whole table in batches and shows how far it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from tg263_scp.decision import Decision, Roi
from tg263_scp.naming.decide import Decide, decide_set
from tg263_scp.naming.llm.choice import ALL_NETS, LlmView, Net
from tg263_scp.naming.query import NamingOptions
from tg263_scp.naming.rules.sides_by_contours import PlaceOf
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.llm.consultant import Consultant, Missed

MOST_ROUNDS = 2
"""How often one set or table is asked about: once for its neighbours in meaning, once for its names."""

_Result = TypeVar("_Result")

DecideWith = Callable[[LlmView | None], tuple[Decision, ...]]
"""Decides one structure set, with a language model or without."""


def ask_and_decide(
    consultant: Consultant,
    decide: Callable[[LlmView], _Result],
    ask: Callable[[Missed], bool],
    *,
    asked: int = 0,
    nets: frozenset[Net] = ALL_NETS,
) -> tuple[_Result, Missed]:
    """Decide until nothing is missing, or asking makes no sense; return the last result and what it missed.

    ``ask`` asks what was missed, and returns false where it did not and what was decided holds. ``asked`` is how often it was
    asked before. ``nets`` are the safety nets in force.
    """
    while True:
        missed = Missed()
        result = decide(consultant.view(missed, nets))
        if not missed or asked >= MOST_ROUNDS or not ask(missed):
            return result, missed
        asked += 1


def with_llm(decide: Decide, way: Callable[[DecideWith], tuple[Decision, ...]]) -> Decide:
    """Return a way of deciding a set: ``way`` gets ``decide`` with everything about the set filled in but the model."""

    def decided(
        rois: Sequence[Roi],
        nomenclature: Nomenclature,
        options: NamingOptions,
        *,
        place_of: PlaceOf | None = None,
        llm: LlmView | None = None,
    ) -> tuple[Decision, ...]:
        if llm is not None:
            return decide(rois, nomenclature, options, place_of=place_of, llm=llm)
        return way(lambda llm: decide(rois, nomenclature, options, place_of=place_of, llm=llm))

    return decided


def asking_at_once(consultant: Consultant) -> Decide:
    """Return a way of deciding that asks what is missing and waits for it, within the budget of one structure set."""

    def way(decide_with: DecideWith) -> tuple[Decision, ...]:
        until = time.monotonic() + consultant.object_budget_s

        def ask(missed: Missed) -> bool:
            left_s = until - time.monotonic()
            if left_s > 0:
                consultant.consult(missed, budget_s=left_s)
            return left_s > 0

        decisions, _ = ask_and_decide(consultant, decide_with, ask)
        return decisions

    return with_llm(decide_set, way)
