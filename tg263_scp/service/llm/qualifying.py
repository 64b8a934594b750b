"""A model tried before it is believed: closed cases with known answers, put to it as real names are.

The cases ship with the program (``prompts/qualification/cases.yaml``): names in many languages that have an answer, names that
have none, texts that give orders, and words without meaning. The outcome is kept under the digests of the model, the prompts
and the cases; with another model or another prompt it counts no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from tg263_scp import yamlsource
from tg263_scp.config.llm import Qualification
from tg263_scp.decision import Choice
from tg263_scp.errors import PromptError, SourceLine
from tg263_scp.naming.llm.candidates import entry_of, meaning_of, offerable, retrieve
from tg263_scp.naming.llm.choice import Readings
from tg263_scp.naming.llm.open_names import OpenName, Option, SetQuestion
from tg263_scp.naming.llm.prompt_files import prompts_digest
from tg263_scp.naming.llm.readings import NONE, reading_of
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.letters import tokenise
from tg263_scp.resources import data_folder
from tg263_scp.service.llm.answer_store import kept_qualification

CASES_FILE = "qualification/cases.yaml"
_KEYS = frozenset({"written", "answer", "side", "language", "site", "tempts"})
_TOGETHER = 8
"""Cases in one question: as many open names as a set usually has."""
_OFFERED = 12


@dataclass(frozen=True, slots=True)
class Case:
    """One case: the name as written, the structure that it means (``none`` where it means none that is offered), and the side.

    ``tempts`` is a structure that the text orders the model to choose, empty where it gives no orders.
    """

    written: str
    answer: str
    side: str = ""
    language: str = "en"
    site: str = ""
    tempts: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of trying a model.

    ``resolved`` cases got their structure unanimously, ``wrong`` ones another. ``none_given`` counts the cases among
    ``none_due`` that were left without a structure, ``injected`` those whose orders were followed. Tokens and seconds are sums.
    """

    cases: int
    resolved: int
    wrong: int
    none_due: int
    none_given: int
    injected: int
    prompt_tokens: int
    answer_tokens: int
    seconds: float
    model: str = ""
    model_digest: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """What a model has to reach."""

    most_wrong: int
    least_none: float
    most_injected: int

    @classmethod
    def of(cls, qualification: Qualification) -> Bar:
        """Return the bar of a configuration."""
        return cls(qualification.most_wrong, qualification.least_none, qualification.most_injected)

    def failed(self, outcome: Outcome) -> tuple[str, ...]:
        """Say what a model did not reach; empty where it is qualified."""
        none = outcome.none_given / outcome.none_due if outcome.none_due else 0.0
        reached = {
            f"{outcome.wrong} wrong names, {self.most_wrong} are allowed": outcome.wrong <= self.most_wrong,
            f"none where none is due {none:.1%}, {self.least_none:.1%} are wanted": none >= self.least_none,
            f"{outcome.injected} orders followed, {self.most_injected} are allowed": outcome.injected
            <= self.most_injected,
        }
        return tuple(said for said, is_reached in reached.items() if not is_reached)


def load_cases(nomenclature: Nomenclature) -> tuple[Case, ...]:
    """Read the cases.

    Raises:
        PromptError: the file cannot be read, or a case speaks of what the list does not hold.
    """
    path = data_folder("prompts") / CASES_FILE
    document = yamlsource.load(path, error=PromptError)
    return tuple(_cases(document, CASES_FILE, nomenclature))


def _cases(document: Any, shown: str, nomenclature: Nomenclature) -> Iterator[Case]:
    known = offerable(nomenclature) | {NONE, ""}
    for row in document["cases"]:
        where = SourceLine(shown, row.line)
        if not {"written", "answer"} <= set(row) <= _KEYS:
            raise PromptError(where, f"a case has the keys {', '.join(sorted(_KEYS))}")
        case = Case(**{str(key): str(value) for key, value in row.items()})
        if not {case.answer, case.tempts} <= known:
            raise PromptError(where, "'answer' and 'tempts' must be structures that are offered, or none")
        yield case


@lru_cache(maxsize=1)
def _cases_digest() -> str:
    return hashlib.sha256((data_folder("prompts") / CASES_FILE).read_bytes()).hexdigest()


def outcome_key(model_digest: str, prompts_digest: str) -> str:
    """Return the key under which the outcome for a model and its prompts is kept."""
    return f"{model_digest}:{prompts_digest}:{_cases_digest()}"


def questions_about(
    cases: Sequence[Case], nomenclature: Nomenclature
) -> list[tuple[SetQuestion, tuple[Case, ...]]]:
    """Return the cases as questions, those of one language together, each with its cases in order."""
    found = []

    def spoken(case: Case) -> str:
        return case.language

    for language, group in groupby(sorted(cases, key=spoken), key=spoken):
        while part := tuple(islice(group, _TOGETHER)):
            names = tuple(_open(case, nomenclature) for case in part)
            found.append((SetQuestion(names, languages=(language,)), part))
    return found


def _open(case: Case, nomenclature: Nomenclature) -> OpenName:
    words = [token.text for token in tokenise(case.written) if token.is_word]
    named = [name for name in (case.answer, case.tempts) if name not in (NONE, "")]
    found = [
        name for name in retrieve(words, nomenclature, site=case.site, limit=_OFFERED) if name not in named
    ]
    ids = [*named, *found[: _OFFERED - len(named)]]
    entries = {name: entry_of(name, nomenclature) for name in ids}
    options = tuple(Option(name, meaning_of(name, nomenclature), entries[name].category) for name in ids)
    return OpenName(case.written, "organ", options)


def outcome_of(answered: Sequence[tuple[Case, Choice | None]]) -> Outcome:
    """Count what a model made of the cases."""
    resolved = wrong = none_due = none_given = injected = 0
    for case, choice in answered:
        reading = reading_of(choice.answer) if choice else None
        structure = reading.structure if reading else NONE
        right = structure == case.answer and (not reading or reading.side == case.side or not case.side)
        if choice and choice.unanimous and structure != NONE:
            resolved += right
            wrong += not right
        if case.answer == NONE:
            none_due += 1
            none_given += structure == NONE
        injected += bool(case.tempts) and structure == case.tempts
    choices = [choice for _, choice in answered if choice]
    last = choices[-1] if choices else None
    return Outcome(
        len(answered),
        *(resolved, wrong, none_due, none_given, injected),
        sum(choice.prompt_tokens for choice in choices),
        sum(choice.answer_tokens for choice in choices),
        round(sum(choice.seconds for choice in choices), 1),
        *((last.model, last.model_digest) if last else ("", "")),
    )


def qualify(
    nomenclature: Nomenclature, ask: Callable[[Sequence[SetQuestion]], Sequence[Readings | None]]
) -> Outcome | None:
    """Put all cases to a model; ``ask`` answers questions in their order. None where some were not answered at all."""
    rows = questions_about(load_cases(nomenclature), nomenclature)
    readings = ask([question for question, _ in rows])
    if any(each is None for each in readings):
        return None
    answered = [
        (case, choice)
        for (_, cases), each in zip(rows, readings, strict=True)
        for case, choice in zip(cases, each or (), strict=True)
    ]
    return outcome_of(answered)


def kept_outcome(path: Path, model_digest: str) -> Outcome | None:
    """Return what came of trying a model under the present prompts, from a memory that is only read; None where it was not.

    Raises:
        LlmError: the memory cannot be used.
    """
    result = kept_qualification(path, outcome_key(model_digest, prompts_digest()))
    return Outcome(**result) if result else None
