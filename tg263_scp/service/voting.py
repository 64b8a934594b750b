"""One closed question put to a model several times: every answer checked against the list, the votes counted.

Confidence is agreement, never what the model says of itself. One sample that says ``none``, or two that differ, end the
question: it cannot become unanimous any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from tg263_scp.errors import ModelError
from tg263_scp.model import Choice
from tg263_scp.naming.asking import NONE, Question
from tg263_scp.naming.prompting import Assembled
from tg263_scp.service.ollama_client import Completion, ModelFacts


class Chooser(Protocol):
    """What is needed of a client; see :class:`tg263_scp.service.ollama_client.OllamaClient`."""

    def facts(self) -> ModelFacts: ...  # noqa: D102

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
    facts: ModelFacts,
    complete: Callable[[Assembled, int], Completion | None],
) -> Choice | None:
    """Ask until the votes are certain.

    Args:
        question: what is asked.
        requests: the same question once for each sample, the choices in another order each time.
        facts: the model that is asked.
        complete: sends a request with a seed; None where there is no time left.

    Returns:
        The choice, or None where the time was over before.

    Raises:
        ModelError: the model fails, or answers something that was not offered.
    """
    votes: Counter[tuple[tuple[str, str], ...]] = Counter()
    prompt_tokens = answer_tokens = 0
    seconds = 0.0
    for seed, request in enumerate(requests, start=1):
        completion = complete(request, seed)
        if completion is None:
            return None
        answer = checked(completion.text, question)
        votes[answer] += 1
        prompt_tokens += completion.prompt_tokens
        answer_tokens += completion.answer_tokens
        seconds += completion.seconds
        if len(votes) > 1 or all(id_ == NONE for _, id_ in answer):
            break
    counted = votes.most_common()
    return Choice(
        answer=counted[0][0],
        votes=tuple((_said(answer), count) for answer, count in counted),
        wanted=len(requests),
        model=facts.model,
        model_digest=facts.digest,
        prompt=requests[0].prompt,
        prompt_tokens=prompt_tokens,
        answer_tokens=answer_tokens,
        seconds=round(seconds, 3),
    )


def checked(text: str, question: Question) -> tuple[tuple[str, str], ...]:
    """Return the answer in a text, slot by slot.

    Raises:
        ModelError: it is no JSON of the wanted form, or chooses what was not offered; the text is not repeated.
    """
    try:
        answer = _form_of(question).model_validate_json(text)
    except ValidationError:
        raise ModelError(
            "outside", "the model answered something that was not offered", hint="choose another llm.model"
        ) from None
    return tuple((name, getattr(answer, name)) for name, _ in question.slots)


def _form_of(question: Question) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (Literal[(*(option.id for option in options), NONE)], ...) for name, options in question.slots
    }
    return create_model("Answer", __config__=ConfigDict(extra="forbid", strict=True), **fields)


def _said(answer: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{slot} {id_}" for slot, id_ in answer if id_ != NONE) or NONE
