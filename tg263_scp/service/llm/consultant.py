"""The language model consulted: each question about a set asked several times, the votes counted, the outcome remembered.

Deciding and asking are two steps. While a set is decided, only remembered answers are looked up (:meth:`Consultant.view`),
so that deciding never waits and the same names always get the same answers; what is missing is noted. Asking
(:meth:`Consultant.consult`) then fills the memory, within a budget, and the set is decided again.

Whatever the model does, nothing is lost: a question without an answer leaves its name for review. After some failures in a
row the model is left alone for a while.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from threading import Lock

from tg263_scp.config.llm import Llm
from tg263_scp.errors import LlmError
from tg263_scp.naming.llm.choice import ALL_NETS, LlmView, Net, Readings
from tg263_scp.naming.llm.open_names import SetQuestion, Withhold
from tg263_scp.naming.llm.prompt_files import load_prompts
from tg263_scp.naming.llm.prompts import Assembled, PromptBook, assemble
from tg263_scp.naming.llm.readings import packed, unpacked
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.llm.answer_store import AnswerStore
from tg263_scp.service.llm.breaker import Breaker
from tg263_scp.service.llm.clients.completions import Completion, LlmFacts
from tg263_scp.service.llm.clients.configured import client_of
from tg263_scp.service.llm.counters import LlmFigures
from tg263_scp.service.llm.embedding import Embedding
from tg263_scp.service.llm.qualifying import Bar, Outcome, outcome_key
from tg263_scp.service.llm.voting import Chooser, Procedure, ask_set

logger = logging.getLogger("tg263_scp.model")

_CONFIGURED = "only suggested, as configured"
_UNQUALIFIED = "only suggested: the model is not qualified (tg263-scp model qualify)"
_LOADING_S = 300.0
"""How long the first answer may take, for which the server has to load the model."""


@dataclass(slots=True)
class Missed:
    """What deciding would have needed and nobody has answered yet: questions by their key, and texts without embedding."""

    questions: dict[str, SetQuestion] = field(default_factory=dict)
    texts: dict[str, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.questions or self.texts)


@dataclass(frozen=True, slots=True)
class Consulted:
    """What asking brought: how many questions were answered, and why others were not.

    ``reason`` is empty where all were, else a reason of :class:`LlmError` or ``paused``, ``budget`` (no time left),
    ``too_many`` (more than are asked at a time), ``outside`` (not what was offered), ``changed`` (another model meanwhile).
    """

    answered: int
    reason: str = ""


class Consultant:
    """Asks one model about names; may be used by several threads. ``clock`` gives seconds that only rise.

    Trials of models are kept in ``qualifications``, by default in ``store``; whichever it is, it is closed with the consultant.
    """

    def __init__(
        self,
        chooser: Chooser,
        store: AnswerStore,
        book: PromptBook,
        llm: Llm,
        nomenclature: Nomenclature,
        *,
        clock: Callable[[], float] = time.monotonic,
        qualifications: AnswerStore | None = None,
    ) -> None:
        self._chooser = chooser
        self._qualifications = qualifications or store
        self._store = store
        self._book = book
        self._llm = llm
        self._nomenclature = nomenclature
        self._clock = clock
        self._breaker = Breaker(llm.failures_before_pause, llm.pause_s, clock)
        self._embedding = (
            Embedding(llm.embed_model, chooser.embed, store, nomenclature) if llm.embed_model else None
        )
        self.figures = LlmFigures()
        """What is counted and measured, for the metrics; counted since the start."""
        self.figures.qualified.set_function(
            lambda: float(not self._closed and self._is_known_to_be_believed())
        )
        self.figures.breaker_open.set_function(lambda: float(not self._breaker.allows))
        self._lock = Lock()
        self._digest = store.model_digest(llm.model)
        self._told: bool | None = None
        self._closed = False
        self._answered_at: float | None = None

    def use(self, nomenclature: Nomenclature, book: PromptBook) -> None:
        """Ask under another nomenclature from now on; answers given under the one before are not taken for its own."""
        self._nomenclature, self._book = nomenclature, book
        if self._llm.embed_model:
            self._embedding = Embedding(self._llm.embed_model, self._chooser.embed, self._store, nomenclature)

    def close(self) -> None:
        """Close the client and the memory; what is being asked ends without an answer."""
        self._closed = True
        self._chooser.close()
        self._store.close()
        if self._qualifications is not self._store:
            self._qualifications.close()

    @property
    def usable(self) -> bool:
        """Whether asking makes sense now: the model has not failed again and again just before."""
        return self._breaker.allows

    @property
    def batch_questions(self) -> int:
        """How many questions are asked at a time at most."""
        return self._llm.object_questions

    @property
    def object_budget_s(self) -> float:
        """How long one structure set may wait for the model."""
        return self._llm.object_budget_s

    def requests(self, question: SetQuestion) -> tuple[Assembled, ...]:
        """Return what is sent to ask a question: one request for each sample. Tests of the answers may follow."""
        return tuple(self._assembled(question, sample) for sample in range(self._llm.samples))

    def _assembled(self, question: SetQuestion, sample: int) -> Assembled:
        return assemble(question, self._book, sample)

    @property
    def qualification(self) -> Outcome | None:
        """What came of trying the model that was last seen, under these prompts; None where it was not tried."""
        result = (
            self._qualifications.qualification(outcome_key(self._digest, self._book.digest))
            if self._digest
            else None
        )
        return Outcome(**result) if result else None

    @property
    def is_believed(self) -> bool:
        """Whether what the model says may become a name: it passed the bar, or none is required."""
        bar = Bar.of(self._llm.qualification)
        outcome = self.qualification
        return not self._llm.qualification.required or (outcome is not None and not bar.failed(outcome))

    def _is_known_to_be_believed(self) -> bool:
        try:
            return self.is_believed
        except LlmError:
            return False  # the memory of answers cannot be read: figures are shown all the same

    def keep_qualification(self, outcome: Outcome) -> None:
        """Keep what came of trying the model that was last seen."""
        self._qualifications.keep_qualification(outcome_key(self._digest, self._book.digest), asdict(outcome))

    def view(self, missed: Missed, nets: frozenset[Net] = ALL_NETS) -> LlmView:
        """Return the model as naming sees it: remembered answers only; what is missing is noted in ``missed``.

        ``nets`` are the safety nets in force; an evaluation takes some away to see what they are worth.
        """

        def readings_of(question: SetQuestion) -> Readings | None:
            try:
                readings = self._remembered(question, self._digest)
            except LlmError as problem:
                self._failed(problem)
                return None
            if readings is None:
                missed.questions.setdefault(question.key, question)
            else:
                self.figures.cached.inc()
            return readings

        def near(words: Sequence[str]) -> Sequence[str] | None:
            text = " ".join(words)
            try:
                found = self._embedding.near(text) if self._embedding else ()
            except LlmError as problem:
                self._failed(problem)
                return ()
            if found is None:
                missed.texts.setdefault(text)
            return found

        believed = Net.QUALIFICATION not in nets or self.is_believed
        return LlmView(
            readings_of,
            applied=self._llm.apply.given if believed else frozenset(),
            asked=self._llm.apply.asked,
            candidates=self._llm.candidates,
            near=near if self._embedding else None,
            withhold=Withhold(self._llm.withheld),
            geometry=self._llm.geometry,
            nets=nets,
            why_not=_CONFIGURED if believed else _UNQUALIFIED,
        )

    def consult(
        self, missed: Missed, *, budget_s: float, advance: Callable[[int], None] = lambda answered: None
    ) -> Consulted:
        """Ask what was missed and remember the answers; returns when all are answered, the budget is used up, or it fails.

        Answers are remembered only where the model was the same one before and after. ``advance`` is called with 1 for
        each question that is done. What fails is a reason in the result, never raised.
        """
        until = self._clock() + budget_s
        if not self._breaker.allows:
            return Consulted(0, "paused")
        try:
            facts = self.meet()
            if self._embedding and missed.texts:
                self._embedding.learn(list(missed.texts))
            # Another set may have asked the same meanwhile.
            questions = [q for q in missed.questions.values() if not self._knows(q, facts.digest)]
            known = len(missed.questions) - len(questions)
            over = "too_many" if len(questions) > self._llm.object_questions else ""
            questions = questions[: self._llm.object_questions]
            outcomes = self._ask_all(questions, facts, until, advance)
            choices = {q: outcome for q, outcome in outcomes.items() if not isinstance(outcome, str)}
            if choices and self.meet().digest != facts.digest:
                raise LlmError(
                    "changed",
                    "another model answers than before",
                    hint="the names are asked again, of the new model",
                )
            for question, readings in choices.items():
                self._store.keep_answer(self._key(question, facts.digest), _each(packed, question, readings))
        except LlmError as problem:
            self._failed(problem)
            return Consulted(0, problem.reason)
        self.figures.answered.inc(len(choices))
        reasons = [outcome for outcome in outcomes.values() if isinstance(outcome, str)]
        return Consulted(known + len(choices), reasons[0] if reasons else over)

    def look(self) -> None:
        """Look whether the model is there and still the same one; say so in the log where that is news."""
        try:
            facts = self.meet()
        except LlmError as problem:
            self.figures.up.set(0)
            if self._told is not False and not self._closed:
                logger.warning("names that no rule knows go to review: %s", problem)
            self._told = False
        else:
            if not self._told:
                believed = "" if self.is_believed else "; it may only suggest until it is qualified"
                logger.info(
                    "asking %s (%s, %s)%s", facts.model, facts.digest[:12], facts.server_version, believed
                )
            self._told = True

    def meet(self) -> LlmFacts:
        """Return the facts of the model that answers now.

        Raises:
            LlmError: it is not there, or may not be asked.
        """
        facts = self._chooser.facts()
        self.figures.up.set(1)
        with self._lock:
            if facts.digest != self._digest:
                self._digest = facts.digest
                self._store.keep_model(self._llm.model, facts.digest)
        return facts

    def _ask_all(
        self, questions: Sequence[SetQuestion], facts: LlmFacts, until: float, advance: Callable[[int], None]
    ) -> Mapping[SetQuestion, Readings | str]:
        """Ask questions side by side; a question without an answer gets the reason instead."""

        def ask(question: SetQuestion) -> Readings | str:
            try:
                if not self._breaker.allows:
                    return "paused"
                readings = self._ask(question, facts, until)
            except LlmError as problem:
                self._failed(problem)
                return problem.reason
            finally:
                advance(1)
            if readings is None:
                return "budget"
            if self._breaker.worked():
                logger.warning("the language model answers again")
            return readings

        with ThreadPoolExecutor(self._llm.concurrent_requests, "model") as pool:
            return dict(zip(questions, pool.map(ask, questions), strict=True))

    def _ask(self, question: SetQuestion, facts: LlmFacts, until: float) -> Readings | None:
        """Ask until the votes are certain; None where the budget ends before."""

        def complete(request: Assembled, seed: int) -> Completion | None:
            left_s = until - self._clock()
            if left_s <= 0:
                return None
            self.figures.asked.inc()
            patience_s = (
                max(_LOADING_S, self._llm.answer_timeout_s) if self._is_cold() else self._llm.answer_timeout_s
            )
            timeout_s = min(patience_s, left_s)
            completion = self._chooser.complete(
                request.messages, request.schema, seed=seed, timeout_s=timeout_s
            )
            self.figures.prompt_tokens.inc(completion.prompt_tokens)
            self.figures.answer_tokens.inc(completion.answer_tokens)
            self._answered_at = self._clock()
            return completion

        procedure = Procedure(
            self._assembled,
            complete,
            self._llm.samples,
            self._llm.counter_check,
            self._llm.null_control,
            lambda asked, at: asked.names[at].kind == "organ" or "target" in self._llm.apply.given,
        )
        readings = ask_set(question, facts, procedure)
        if readings is None:
            return None
        return tuple(
            replace(choice, prompt_digest=self._book.digest) if choice else None for choice in readings
        )

    def _knows(self, question: SetQuestion, digest: str) -> bool:
        return self._remembered(question, digest) is not None

    def _remembered(self, question: SetQuestion, digest: str) -> Readings | None:
        readings = self._store.answer(self._key(question, digest)) if digest else None
        return _each(unpacked, question, readings) if readings else None

    def _is_cold(self) -> bool:
        """Whether the server may have to load the model first, which may take longer than any answer."""
        kept_s = self._llm.keep_alive_s
        return self._answered_at is None or (0 <= kept_s < self._clock() - self._answered_at)

    def _key(self, question: SetQuestion, model_digest: str) -> str:
        llm = self._llm
        under = (
            model_digest,
            self._book.digest,
            self._nomenclature.digest,
            llm.samples,
            llm.counter_check,
            llm.null_control,
            sorted(llm.apply.given),
            llm.temperature,
            llm.think,
        )
        return hashlib.sha256(json.dumps([question.key, *under]).encode()).hexdigest()

    def _failed(self, problem: LlmError) -> None:
        if self._closed:
            return  # it was cut off by us
        self.figures.failures.inc()
        if problem.reason == "not_recorded":
            return  # no failure of a model: a cassette holds what it holds
        if problem.reason in ("unreachable", "model_missing"):
            self.figures.up.set(0)
        if self._breaker.failed():
            logger.warning(
                "the language model is left alone for %.0f s, names that no rule knows go to review: %s",
                self._llm.pause_s,
                problem,
            )


def _each(
    change: Callable[[Sequence[tuple[str, str]], str], tuple[tuple[str, str], ...]],
    question: SetQuestion,
    readings: Readings,
) -> Readings:
    """Change the reading of each name of a question: what is kept of it holds no name as it was typed."""
    rows = zip(question.names, readings, strict=True)
    return tuple(
        replace(choice, answer=change(choice.answer, name.written)) if choice else None
        for name, choice in rows
    )


def configured_consultant(llm: Llm, nomenclature: Nomenclature) -> Consultant:
    """Return a consultant for the model of the configuration; nothing is sent yet.

    Raises:
        PromptError: a prompt cannot be used.
        LlmError: the file of answers cannot be used.
        Tg263Error: certificates or a key cannot be used.
    """
    book = load_prompts(nomenclature)
    return Consultant(client_of(llm), AnswerStore(llm.cache_file), book, llm, nomenclature)
