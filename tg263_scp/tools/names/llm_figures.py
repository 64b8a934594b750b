"""What a language model did in an evaluation, in figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tg263_scp.decision import Choice, Status
from tg263_scp.naming.llm.questions import NONE
from tg263_scp.service.llm.ollama_client import LlmFacts
from tg263_scp.tools.names.asking import Asker
from tg263_scp.tools.names.evaluation import Evaluation, Verdict, wilson


def use_of_model(facts: LlmFacts, evaluation: Evaluation, asker: Asker) -> dict[str, Any]:
    """Return what a model did in an evaluation: who it is, how many names it resolved, how right, and what that cost.

    Tokens and seconds are those of one question, all samples together, as the server told them when it was asked.
    """
    asked = [row for row in evaluation.judged if row.decision.choice is not None]
    resolved = [row for row in asked if row.decision.rule == "R090" and row.decision.status is Status.RENAME]
    wrong = sum(row.verdict is Verdict.WRONG for row in resolved)
    answers = [row.decision.choice for row in asked if row.decision.choice is not None]
    choices = set(answers)
    cost: dict[str, list[float]] = {
        "tokens_per_question": [choice.prompt_tokens + choice.answer_tokens for choice in choices],
        "prompt_tokens_per_request": [c.prompt_tokens / c.requests for c in choices],
        "seconds_per_question": [choice.seconds for choice in choices],
    }
    return {
        **asdict(facts),
        "questions_not_answered": asker.unanswered,
        "names_asked_about": len(asked),
        "answered_none": sum(not _chosen(choice) for choice in answers),
        "votes_differed": sum(len(choice.votes) > 1 for choice in answers),
        "counter_check_failed": sum(choice.counter not in ("", NONE) for choice in answers),
        "names_resolved": len(resolved),
        "resolved_right": sum(row.verdict is Verdict.RIGHT for row in resolved),
        "resolved_wrong": wrong,
        "resolved_wrong_rate_95": [round(bound, 4) for bound in wilson(wrong, len(resolved))],
        "left_although_a_name_was_due": sum(row.verdict is Verdict.MISSED for row in asked),
        **{name: round(sum(values) / len(values), 2) if values else None for name, values in cost.items()},
    }


def _chosen(choice: Choice) -> bool:
    return any(id_ != NONE for _, id_ in choice.answer)
