"""What a language model did in an evaluation, in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from tg263_scp.decision import Choice, Status
from tg263_scp.naming.llm.choice import ALL_NETS, Net, suggestion
from tg263_scp.naming.llm.readings import NONE, reading_of
from tg263_scp.service.llm.clients.completions import LlmFacts
from tg263_scp.tools.names.accuracy.evaluation import Evaluation, Judged, Verdict, wilson
from tg263_scp.tools.names.asking import Asker

_HELPERS = ("planning", "derived")
_FIRST = 3


def use_of_model(facts: LlmFacts, evaluation: Evaluation, asker: Asker) -> dict[str, Any]:
    """Return what a model did in an evaluation: who it is, how many names it resolved, how right, and what that cost.

    Tokens and seconds are those of one structure set, all requests together, as the server told them when it was asked.
    """
    asked = [row for row in evaluation.judged if row.decision.choice is not None]
    resolved = [row for row in asked if row.decision.rule == "R090" and row.decision.status is Status.RENAME]
    wrong = sum(row.verdict is Verdict.WRONG for row in resolved)
    answers = [row.decision.choice for row in asked if row.decision.choice is not None]
    return {
        **asdict(facts),
        "questions_not_answered": asker.unanswered,
        "names_asked_about": len(asked),
        "answered_none": sum(not reading_of(choice.answer).names_a_structure for choice in answers),
        "votes_differed": sum(len(choice.votes) > 1 for choice in answers),
        "counter_check_failed": sum(choice.counter not in ("", NONE) for choice in answers),
        "null_control_failed": sum(choice.null == "same" for choice in answers),
        "names_resolved": len(resolved),
        "resolved_right": sum(row.verdict is Verdict.RIGHT for row in resolved),
        "resolved_wrong": wrong,
        "resolved_wrong_rate_95": [round(bound, 4) for bound in wilson(wrong, len(resolved))],
        "left_although_a_name_was_due": sum(row.verdict is Verdict.MISSED for row in asked),
        **_suggested(evaluation.judged),
        **_cost(asked),
    }


def _suggested(rows: Iterable[Judged]) -> dict[str, Any]:
    """Count how often the first answer offered for a name left for review, and the first three, hold a right one."""
    left = [row for row in rows if row.decision.status is Status.REVIEW]
    due = [row for row in left if row.verdict is Verdict.MISSED]
    first = sum(_is_offered(row, 1) for row in due)
    right = first + sum(row.verdict is not Verdict.MISSED and _is_marked(row) for row in left)
    return {
        "left_for_review": len(left),
        "top_1": _share(first, len(due)),
        f"top_{_FIRST}": _share(sum(_is_offered(row, _FIRST) for row in due), len(due)),
        "first_answer_right": _share(right, len(left)),
    }


def _is_offered(row: Judged, first: int) -> bool:
    return any(candidate.name in row.accepted | {row.gold} for candidate in row.decision.candidates[:first])


def _is_marked(row: Judged) -> bool:
    """Tell whether the model says of a name that has none what the label says: a helper, not listed, or undecidable."""
    choice = row.decision.choice
    meant = suggestion(choice)
    if meant == "helper":
        return row.groups.get("class") in _HELPERS
    if meant == "unlisted":
        return row.groups.get("class") == "unlisted"
    return (
        choice is not None
        and not reading_of(choice.answer).names_a_structure
        and row.groups.get("class") == "ambiguous"
    )


def _cost(asked: Sequence[Judged]) -> dict[str, Any]:
    sets: dict[str, list[Choice]] = {}
    for row in asked:
        if row.decision.choice is not None:
            sets.setdefault(row.decision.question, []).append(row.decision.choice)
    tokens = [
        sum(choice.prompt_tokens + choice.answer_tokens for choice in choices) for choices in sets.values()
    ]
    seconds = [sum(choice.seconds for choice in choices) for choices in sets.values()]
    return {
        "questions": len(sets),
        "tokens_per_question": _mean(tokens),
        "seconds_per_question": _mean(seconds),
    }


def _share(count: int, of: int) -> float | None:
    return round(count / of, 4) if of else None


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 2) if values else None


def without_each_net(evaluated: Callable[[frozenset[Net]], Evaluation]) -> dict[str, dict[str, int]]:
    """Return what the model would have resolved, right and wrong, with all safety nets and without each of them."""
    nets = (
        {"all": ALL_NETS} | {f"without {net.value}": ALL_NETS - {net} for net in Net} | {"none": frozenset()}
    )
    found = {}
    for said, kept in nets.items():
        rows = [row for row in evaluated(frozenset(kept)).judged if row.decision.rule == "R090"]
        counts = Counter(row.verdict for row in rows if row.decision.status is Status.RENAME)
        found[said] = {"right": counts[Verdict.RIGHT], "wrong": counts[Verdict.WRONG]}
    return found
