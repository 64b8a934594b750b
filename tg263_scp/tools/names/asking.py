"""The language model at the command line: opened where ``--llm`` asks for it, and asked about a whole table at once.

A table is decided with the answers that are remembered, what is missing is asked, and the table is decided again. Equal
questions are asked once, however many rows need the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from tg263_scp.config.loading import load_config
from tg263_scp.decision import Choice, Decision
from tg263_scp.errors import Tg263Error
from tg263_scp.naming.llm.choice import LlmView
from tg263_scp.naming.llm.prompt_files import load_prompts
from tg263_scp.naming.llm.prompts import Assembled
from tg263_scp.naming.llm.questions import Question
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.resources import cache_folder
from tg263_scp.service.llm.answer_store import IN_MEMORY, AnswerStore
from tg263_scp.service.llm.ask_and_decide import ask_and_decide
from tg263_scp.service.llm.cassette import Player, Recorder
from tg263_scp.service.llm.consultant import Consultant, Missed
from tg263_scp.service.llm.ollama_client import OllamaClient
from tg263_scp.service.llm.voting import Chooser
from tg263_scp.service.namer import Namer
from tg263_scp.tools.names.table import decide_table
from tg263_scp.tools.shared.csv_tables import Table
from tg263_scp.tools.shared.exitcode import UsageError
from tg263_scp.tools.shared.terminal import open_console, progress

_Result = TypeVar("_Result")
_HOPELESS = frozenset({"paused", "unreachable", "model_missing"})
_CACHE_NAME = "llm.sqlite"


@dataclass(frozen=True, slots=True)
class Tape:
    """What ``evaluate`` may do with the requests and answers: write them to a file, or take them from one."""

    record: Path | None = None
    replay: Path | None = None


def make_consultant(config: Path | None, nomenclature: Nomenclature, tape: Tape = Tape()) -> Consultant:
    """Return a consultant of the configured model, which is there. To be closed by the caller.

    Without a configuration the answers are remembered in the user's cache. With a tape nothing is remembered: every request
    has to pass over it.

    Raises:
        ConfigError: the configuration cannot be used.
        LlmError: the model is not there.
        Tg263Error: the tape, the memory or a certificate cannot be used.
    """
    llm = load_config(config).llm
    folder = cache_folder()
    remembered = llm.cache_file if config or folder is None else folder / _CACHE_NAME
    taped = tape.record or tape.replay
    with ExitStack() as opened:
        chooser = opened.enter_context(closing(_chooser(lambda: OllamaClient.of(llm), tape)))
        store = opened.enter_context(closing(AnswerStore(IN_MEMORY if taped else remembered)))
        consultant = Consultant(chooser, store, load_prompts(nomenclature), llm, nomenclature)
        consultant.meet()
        opened.pop_all()
    return consultant


def open_consultant(
    config: Path | None, nomenclature: Nomenclature, tape: Tape = Tape()
) -> closing[Consultant]:
    """Return :func:`make_consultant`'s consultant for a ``with`` block, closed behind it."""
    return closing(make_consultant(config, nomenclature, tape))


def _chooser(client: Callable[[], Chooser], tape: Tape) -> Chooser:
    if tape.record and tape.replay:
        raise UsageError("--record and --replay exclude each other", hint="record first, then replay")
    try:
        if tape.replay:
            return Player(tape.replay)
        return Recorder(client(), tape.record) if tape.record else client()
    except OSError as problem:
        raise Tg263Error(
            f"{tape.record or tape.replay}: {problem.strerror}", hint="a cassette is never overwritten"
        ) from problem


class Asker:
    """Decides with the model: with what is remembered, then again when what was missing has been asked.

    Afterwards ``questions`` is how many different ones there were to ask, ``unanswered`` how many nobody answered, and
    ``seen`` holds every question by its key, with its answer.
    """

    def __init__(self, consultant: Consultant) -> None:
        self._consultant = consultant
        self.questions = 0
        self.unanswered = 0
        self.seen: dict[str, tuple[Question, Choice | None]] = {}

    def __call__(self, namer: Namer, decide: Callable[[Namer], _Result]) -> _Result:
        """Return what ``decide`` returns with a namer that asks; says on standard error what was not answered."""
        tried: set[str] = set()
        reason = ""

        def ask(missed: Missed) -> bool:
            nonlocal reason
            anew = {key: question for key, question in missed.questions.items() if key not in tried}
            if reason in _HOPELESS or not (anew or missed.texts):
                return False
            tried.update(anew)
            reason = self._ask(Missed(anew, missed.texts)) or reason
            return True

        result, missed = ask_and_decide(
            self._consultant, lambda llm: decide(namer.asking(self._noting(llm))), ask
        )
        self.questions, self.unanswered = len(tried), len(missed.questions)
        if self.unanswered:
            said = f"{self.unanswered} questions were not answered ({reason}); their names stay"
            open_console(errors=True).print(said, style="yellow")
        return result

    def table(self, table: Table, namer: Namer) -> list[Decision]:
        """Decide every row of a table, in the order of the rows."""
        return self(namer, lambda asking: decide_table(table, asking))

    def _noting(self, llm: LlmView) -> LlmView:
        def choice_of(question: Question) -> Choice | None:
            choice = llm.choice_of(question)
            self.seen[question.key] = question, choice
            return choice

        return replace(llm, choice_of=choice_of)

    def _ask(self, missed: Missed) -> str:
        """Ask in batches; return why some were not answered, if so."""
        questions = list(missed.questions.items())
        reason = ""
        with progress("asking the model", len(questions)) as advance:
            for start in range(0, max(1, len(questions)), self._consultant.batch_questions):
                batch = dict(questions[start : start + self._consultant.batch_questions])
                texts = missed.texts if start == 0 else {}
                result = self._consultant.consult(
                    Missed(batch, texts), budget_s=float("inf"), advance=advance
                )
                reason = result.reason or reason
                if reason in _HOPELESS:
                    break
        return reason


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question with the requests it is asked by: one for each sample, and the counter-check where there was one."""

    question: Question
    requests: tuple[Assembled, ...]


def decide_asking(
    config: Path | None, namer: Namer, decide: Callable[[Namer], _Result]
) -> tuple[_Result, dict[str, AskedQuestion]]:
    """Decide with the model of the configuration; return what ``decide`` returns, and the questions by their keys.

    Raises:
        ConfigError: the configuration cannot be used.
        LlmError: the model is not there.
    """
    with open_consultant(config, namer.nomenclature) as consultant:
        asker = Asker(consultant)
        result = asker(namer, decide)
        asked = {
            key: AskedQuestion(question, consultant.requests(question, choice))
            for key, (question, choice) in asker.seen.items()
        }
    return result, asked
