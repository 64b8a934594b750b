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

from tg263_scp.config.llm import Llm
from tg263_scp.config.loading import load_config
from tg263_scp.decision import Decision
from tg263_scp.errors import Tg263Error
from tg263_scp.naming.llm.choice import ALL_NETS, LlmView, Net, Readings
from tg263_scp.naming.llm.open_names import SetQuestion
from tg263_scp.naming.llm.prompt_files import load_prompts
from tg263_scp.naming.llm.prompts import Assembled
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.resources import cache_folder
from tg263_scp.service.llm.answer_store import IN_MEMORY, AnswerStore
from tg263_scp.service.llm.ask_and_decide import ask_and_decide
from tg263_scp.service.llm.cassette import Lines, Player, Recorder
from tg263_scp.service.llm.clients.configured import client_of
from tg263_scp.service.llm.consultant import Consultant, Missed
from tg263_scp.service.llm.voting import Chooser
from tg263_scp.service.namer import Namer
from tg263_scp.tools.names.table import decide_table
from tg263_scp.tools.shared.csv_tables import Table
from tg263_scp.tools.shared.exitcode import UsageError
from tg263_scp.tools.shared.terminal import open_console, progress

_Result = TypeVar("_Result")
_HOPELESS = frozenset({"paused", "unreachable", "model_missing"})
_NO_TIME = frozenset({"timeout", "budget"})
_CACHE_NAME = "llm.sqlite"


@dataclass(frozen=True, slots=True)
class Tape:
    """Files that stand between a verb and the model.

    ``record`` writes requests and answers to a file, ``replay`` takes them from one. ``questions`` writes down what would be
    asked, and asks nobody; ``answers`` is the file with the answers so far.
    """

    record: Path | None = None
    replay: Path | None = None
    questions: Path | None = None
    answers: Path | None = None

    @property
    def is_offline(self) -> bool:
        """Whether questions and answers pass over files alone."""
        return self.questions is not None or self.answers is not None


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
    taped = tape.record or tape.replay or tape.is_offline
    book = load_prompts(nomenclature)
    with ExitStack() as opened:
        chooser = opened.enter_context(closing(_chooser(llm, tape, book.digest)))
        store = opened.enter_context(closing(AnswerStore(IN_MEMORY if taped else remembered)))
        consultant = Consultant(
            chooser,
            store,
            book,
            llm,
            nomenclature,
            qualifications=_qualifications(remembered) if taped else None,
        )
        consultant.meet()
        opened.pop_all()
    return consultant


def open_consultant(
    config: Path | None, nomenclature: Nomenclature, tape: Tape = Tape()
) -> closing[Consultant]:
    """Return :func:`make_consultant`'s consultant for a ``with`` block, closed behind it."""
    return closing(make_consultant(config, nomenclature, tape))


def _qualifications(path: Path) -> AnswerStore | None:
    """Return the memory in which trials of models are kept, where there is one."""
    return AnswerStore(path) if path.exists() else None


def _chooser(llm: Llm, tape: Tape, prompts_digest: str) -> Chooser:
    if sum((tape.record is not None, tape.replay is not None, tape.is_offline)) > 1:
        raise UsageError(
            "--record, --replay and --llm-questions exclude each other", hint="record first, then replay"
        )
    path = tape.record or tape.replay or tape.questions or tape.answers
    try:
        if tape.replay:
            return Player(tape.replay)
        if tape.is_offline:
            lines = Lines(tape.questions) if tape.questions else None
            return Player(tape.answers, questions=lines, prompts_digest=prompts_digest, samples=llm.samples)
        client = client_of(llm)
        return Recorder(client, tape.record) if tape.record else client
    except OSError as problem:
        raise Tg263Error(
            f"{problem.filename or path}: {problem.strerror}", hint="these files are never overwritten"
        ) from problem


class Asker:
    """Decides with the model: with what is remembered, then again when what was missing has been asked.

    Afterwards ``questions`` is how many different ones there were to ask, ``unanswered`` how many have no answer, and ``seen``
    holds every question by its key. ``nets`` are the safety nets in force.
    """

    def __init__(self, consultant: Consultant, nets: frozenset[Net] = ALL_NETS) -> None:
        self._consultant = consultant
        self._nets = nets
        self._has_answered = False
        self.questions = 0
        self.unanswered = 0
        self.seen: dict[str, SetQuestion] = {}

    def __call__(self, namer: Namer, decide: Callable[[Namer], _Result]) -> _Result:
        """Return what ``decide`` returns with a namer that asks; says on standard error what was not answered."""
        tried: set[str] = set()
        reason = ""

        def ask(missed: Missed) -> bool:
            nonlocal reason
            anew = {key: question for key, question in missed.questions.items() if key not in tried}
            silent = reason in _NO_TIME and not self._has_answered
            if silent or reason in _HOPELESS or not (anew or missed.texts):
                return False
            tried.update(anew)
            reason = self._ask(Missed(anew, missed.texts)) or reason
            return True

        result, missed = ask_and_decide(
            self._consultant, lambda llm: decide(namer.asking(self._noting(llm))), ask, nets=self._nets
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
        def readings_of(question: SetQuestion) -> Readings | None:
            self.seen[question.key] = question
            return llm.readings_of(question)

        return replace(llm, readings_of=readings_of)

    def _ask(self, missed: Missed) -> str:
        """Ask in batches; return why some were not answered, if so."""
        questions = list(missed.questions.items())
        reason = ""
        with progress("asking the model", len(questions)) as advance:
            for start in range(0, max(1, len(questions)), self._consultant.batch_questions):
                batch = dict(questions[start : start + self._consultant.batch_questions])
                texts = missed.texts if start == 0 else {}
                # A server that has never answered gets the time of one structure set; then the table goes on without it.
                budget_s = float("inf") if self._has_answered else self._consultant.object_budget_s
                result = self._consultant.consult(Missed(batch, texts), budget_s=budget_s, advance=advance)
                reason = result.reason or reason
                self._has_answered = self._has_answered or result.answered > 0
                if reason in _HOPELESS or (reason in _NO_TIME and not self._has_answered):
                    break
        return reason


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question with the requests it is asked by, one for each sample."""

    question: SetQuestion
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
            key: AskedQuestion(question, consultant.requests(question))
            for key, question in asker.seen.items()
        }
    return result, asked
