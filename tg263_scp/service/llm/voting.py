"""The question about a set put to a model: several samples, every answer checked, the votes of each name counted.

Confidence is agreement, never what the model says of itself. Agreement alone would believe a model that always finds
something. So what all samples chose is taken off the lists and asked about once more (*counter-check*: a model that knew it
now says ``none``), and the names are replaced by nonsense of the same shape (*null control*: a model that read them now says
something else). Each request holds all the names that are still in question; where nothing is left that could be applied, no
further request is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tg263_scp.decision import Choice
from tg263_scp.errors import LlmError
from tg263_scp.naming.llm.choice import Readings
from tg263_scp.naming.llm.open_names import SetQuestion, with_nonsense, without
from tg263_scp.naming.llm.prompts import Assembled
from tg263_scp.naming.llm.readings import NONE, UNREAD, Reading, Role, readings_in
from tg263_scp.service.llm.clients.completions import Completion, LlmFacts


class Chooser(Protocol):
    """What is needed of a client; see :class:`tg263_scp.service.llm.clients.ollama_client.OllamaClient`."""

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


@dataclass(frozen=True, slots=True)
class Procedure:
    """How a question is put.

    ``assemble`` makes the request of a question and a sample. ``complete`` sends a request with a seed, and returns None
    where no time is left. ``samples`` is how often the question is asked; ``counter_check`` and ``null_control`` say which
    tests follow. ``may_be_applied`` tells whether a reading of a name at an index is worth testing.
    """

    assemble: Callable[[SetQuestion, int], Assembled]
    complete: Callable[[Assembled, int], Completion | None]
    samples: int
    counter_check: bool = True
    null_control: bool = True
    may_be_applied: Callable[[SetQuestion, int], bool] = lambda question, at: True


@dataclass(slots=True)
class _Votes:
    """The answers so far: the votes of each name by its index, and what they cost."""

    names: int
    counted: list[Counter[Reading]] = field(default_factory=list)
    counter: dict[int, str] = field(default_factory=dict)
    null: dict[int, str] = field(default_factory=dict)
    completions: list[Completion] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counted = [Counter() for _ in range(self.names)]

    def first(self, at: int) -> Reading:
        """The most frequent reading of a name."""
        return self.counted[at].most_common(1)[0][0]

    def agreed(self, at: int) -> bool:
        """Whether all samples so far read a name alike, and as a structure."""
        return len(self.counted[at]) == 1 and self.first(at).names_a_structure


def ask_set(question: SetQuestion, facts: LlmFacts, procedure: Procedure) -> Readings | None:
    """Ask until the votes are certain.

    Returns:
        For each name of the question what the model said, None where it said nothing usable of it; None for all of it where
        the time was over before.

    Raises:
        LlmError: the model fails, or answers nothing that was asked for.
    """
    votes = _Votes(len(question.names))
    seed, prompt = 0, ""

    def put(asked: SetQuestion, sample: int) -> tuple[Reading, ...] | None:
        nonlocal seed, prompt
        seed += 1
        request = procedure.assemble(asked, sample)
        prompt = request.prompt
        completion = procedure.complete(request, seed)
        if completion is None:
            return None
        votes.completions.append(completion)
        return checked(completion.text, asked)

    absent: LlmError | None = None
    for sample in range(procedure.samples):
        try:
            readings = put(question, sample)
        except LlmError as problem:
            if problem.reason != "not_recorded":
                raise
            absent = problem  # where answers come from a file, all samples are put down in one round
            continue
        if readings is None:
            return None
        for at, reading in enumerate(readings):
            votes.counted[at][reading] += 1
        if not _in_question(votes, question, procedure):
            break
    if absent is not None:
        raise absent
    if not _tested(votes, question, procedure, put):
        return None
    return tuple(_choice(at, votes, procedure.samples, facts, prompt) for at in range(votes.names))


def _in_question(votes: _Votes, question: SetQuestion, procedure: Procedure) -> list[int]:
    """Return the names that could still get a name."""
    return [at for at in range(votes.names) if votes.agreed(at) and procedure.may_be_applied(question, at)]


def _tested(
    votes: _Votes,
    question: SetQuestion,
    procedure: Procedure,
    put: Callable[[SetQuestion, int], tuple[Reading, ...] | None],
) -> bool:
    """Make the counter-check and the null control; false where the time was over before."""
    chosen = {at: votes.first(at).structure for at in _in_question(votes, question, procedure)}
    if procedure.counter_check and chosen:
        readings = put(without(question, chosen), 0)
        if readings is None:
            return False
        votes.counter.update(zip(chosen, (reading.structure for reading in readings), strict=True))
        chosen = {at: structure for at, structure in chosen.items() if votes.counter[at] == NONE}
    if procedure.null_control and chosen:
        readings = put(with_nonsense(question, chosen), 0)
        if readings is None:
            return False
        for (at, structure), reading in zip(chosen.items(), readings, strict=True):
            votes.null[at] = "same" if reading.structure == structure else "other"
    return True


def _choice(at: int, votes: _Votes, wanted: int, facts: LlmFacts, prompt: str) -> Choice | None:
    if set(votes.counted[at]) == {UNREAD}:
        return None
    names, cost = votes.names, votes.completions
    return Choice(
        answer=votes.first(at).answer,
        votes=tuple((_said(reading), count) for reading, count in votes.counted[at].most_common()),
        wanted=wanted,
        counter=votes.counter.get(at, ""),
        null=votes.null.get(at, ""),
        model=facts.model,
        model_digest=facts.digest,
        identity=facts.identity,
        prompt=prompt,
        prompt_tokens=sum(each.prompt_tokens for each in cost) // names,
        answer_tokens=sum(each.answer_tokens for each in cost) // names,
        seconds=round(sum(each.seconds for each in cost) / names, 3),
    )


def checked(text: str, question: SetQuestion) -> tuple[Reading, ...]:
    """Return the readings in a text, in the order of the names.

    Raises:
        LlmError: it is no JSON of the wanted form, or holds no usable reading at all; the text is not repeated.
    """
    try:
        readings = readings_in(text, question.asked())
    except (ValueError, RecursionError):
        readings = {}
    if all(reading == UNREAD for reading in readings.values()):
        raise LlmError(
            "outside", "the model answered something that was not offered", hint="choose another llm.model"
        )
    return tuple(readings.values())


def _said(reading: Reading) -> str:
    """Return a reading in words, without the pieces of the name: ``Parotid (left)``."""
    roles = dict.fromkeys(
        role.value for role, _ in reading.pieces if role not in (Role.STRUCTURE, Role.UNKNOWN)
    )
    named = reading.structure if reading.names_a_structure else reading.meant.value
    return f"{named} ({', '.join(roles)})" if roles else named
