"""One closed question put to a model several times: every answer checked against the list, the votes counted.

Confidence is agreement, never what the model says of itself. One sample that says ``none``, or two that differ, end the
question: it cannot become unanimous any more. Agreement alone would believe a model that always finds something; so what all
samples chose is taken out of the list, and the question asked once more: who knew it now says ``none``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from tg263_scp.decision import Choice
from tg263_scp.errors import LlmError
from tg263_scp.naming.llm.prompts import Assembled
from tg263_scp.naming.llm.questions import NONE, Question, without
from tg263_scp.service.llm.ollama_client import Completion, LlmFacts

_Answer = tuple[tuple[str, str], ...]
"""Slot and chosen id, in the order of the slots."""


class Chooser(Protocol):
    """What is needed of a client; see :class:`tg263_scp.service.llm.ollama_client.OllamaClient`."""

    def facts(self) -> LlmFacts: ...  # noqa: D102

    def complete(  # noqa: D102
        self,
        messages: Sequence[tuple[str, str]],
        schema: Mapping[str, Any],
        *,
        seed: int,
        timeout_s: float,
    ) -> Completion: ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]: ...  # noqa: D102

    def close(self) -> None: ...  # noqa: D102


def vote(
    question: Question,
    requests: Sequence[Assembled],
    facts: LlmFacts,
    complete: Callable[[Assembled, int], Completion | None],
    countered: Callable[[Question], Assembled] | None = None,
) -> Choice | None:
    """Ask until the votes are certain.

    Args:
        question: what is asked.
        requests: the same question once for each sample, the choices in another order each time.
        facts: the model that is asked.
        complete: sends a request with a seed; None where there is no time left.
        countered: makes the request of the question without the answer; None where that is not to be asked.

    Returns:
        The choice, or None where the time was over before.

    Raises:
        LlmError: the model fails, or answers something that was not offered.
    """
    votes: Counter[_Answer] = Counter()
    completions: list[Completion] = []
    for seed, request in enumerate(requests, start=1):
        completion = complete(request, seed)
        if completion is None:
            return None
        completions.append(completion)
        answer = checked(completion.text, question)
        votes[answer] += 1
        if len(votes) > 1 or _is_none(answer):
            break
    counter = ""
    if countered and len(votes) == 1 and not _is_none(answer):
        other = without(question, answer)
        completion = complete(countered(other), len(requests) + 1)
        if completion is None:
            return None
        completions.append(completion)
        counter = _said(_again(checked(completion.text, other), answer))
    counted = votes.most_common()
    return Choice(
        answer=counted[0][0],
        votes=tuple((_said(answer), count) for answer, count in counted),
        wanted=len(requests),
        counter=counter,
        model=facts.model,
        model_digest=facts.digest,
        prompt=requests[0].prompt,
        prompt_tokens=sum(each.prompt_tokens for each in completions),
        answer_tokens=sum(each.answer_tokens for each in completions),
        seconds=round(sum(each.seconds for each in completions), 3),
    )


def _again(answer: _Answer, first: _Answer) -> _Answer:
    """Return the part of an answer about the slots that were filled the first time."""
    filled = {slot for slot, id_ in first if id_ != NONE}
    return tuple((slot, id_) for slot, id_ in answer if slot in filled)


def _is_none(answer: _Answer) -> bool:
    return all(id_ == NONE for _, id_ in answer)


def checked(text: str, question: Question) -> _Answer:
    """Return the answer in a text, slot by slot.

    Raises:
        LlmError: it is no JSON of the wanted form, or chooses what was not offered; the text is not repeated.
    """
    try:
        answer = _form_of(question).model_validate_json(text)
    except ValidationError:
        raise LlmError(
            "outside", "the model answered something that was not offered", hint="choose another llm.model"
        ) from None
    return tuple((name, getattr(answer, name)) for name, _ in question.slots)


def _form_of(question: Question) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (Literal[(*(option.id for option in options), NONE)], ...) for name, options in question.slots
    }
    return create_model("Answer", __config__=ConfigDict(extra="forbid", strict=True), **fields)


def _said(answer: _Answer) -> str:
    return ", ".join(f"{slot} {id_}" for slot, id_ in answer if id_ != NONE) or NONE
