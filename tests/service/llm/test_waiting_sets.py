"""Structure sets that wait for the language model: bounded in number and time, whatever happens to them meanwhile.

The consultant is real, the model is the test double; what decides is a stand-in that asks about the names it is given.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest
from doubles.answers import always, figure
from doubles.loopback import wait_until
from doubles.ollama_double import OllamaDouble

from tg263_scp.decision import Decision, Roi
from tg263_scp.naming.decide import decide_set
from tg263_scp.naming.llm.prompt_files import load_prompts
from tg263_scp.naming.query import NamingOptions
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.llm.answer_store import IN_MEMORY, AnswerStore
from tg263_scp.service.llm.clients.ollama_client import OllamaClient
from tg263_scp.service.llm.consultant import Consultant
from tg263_scp.service.llm.waiting_sets import AwaitingLlm, WaitingSets

BUDGET_S = 30.0
Sets = Callable[..., "Waiting"]


class Waiting:
    """Waiting sets with a clock of their own; ``woken`` is set when a set has waited enough."""

    def __init__(self, double: OllamaDouble, nomenclature: Nomenclature, most: int, **settings: Any) -> None:
        llm = double.llm(object_budget_s=BUDGET_S, **settings)
        self.now = 0.0
        self.nomenclature = nomenclature
        self.consultant = Consultant(
            OllamaClient.of(llm), AnswerStore(IN_MEMORY), load_prompts(nomenclature), llm, nomenclature
        )
        self.woken = Event()
        self.waiting_sets = WaitingSets(self.consultant, clock=lambda: self.now, most_waiting=most)
        self.waiting_sets.start(self.woken.set)

    def decide(self, job: int, *names: str) -> tuple[Decision, ...]:
        """Decide as the worker does; a set that has to wait waits, and nothing is returned."""
        decide = self.waiting_sets.deciding(job, decide_set)
        rois = [Roi(number, name) for number, name in enumerate(names, start=1)]
        try:
            decisions = decide(rois, self.nomenclature, NamingOptions())
        except AwaitingLlm as awaiting:
            self.waiting_sets.wait(job, awaiting.missed)
            return ()
        self.waiting_sets.forget(job)
        return decisions

    def when_asked(self, job: int) -> None:
        wait_until(lambda: job not in self.waiting_sets.waiting)


@pytest.fixture
def double() -> Iterator[OllamaDouble]:
    with OllamaDouble(answer=always("Bladder")) as double:
        yield double
        double.release()


@pytest.fixture
def sets(double: OllamaDouble, nomenclature: Nomenclature) -> Iterator[Sets]:
    begun: list[Waiting] = []

    def begin(*, most: int = 100, **settings: Any) -> Waiting:
        begun.append(
            Waiting(
                double, nomenclature, most, samples=1, counter_check=False, null_control=False, **settings
            )
        )
        return begun[-1]

    yield begin
    double.release()
    for each in begun:
        each.waiting_sets.stop()


def test_a_set_waits_is_asked_about_and_decided_with_the_answer(sets: Sets) -> None:
    waiting = sets()
    assert waiting.decide(1, "gnarblix") == ()
    assert waiting.woken.wait(10)
    assert [decision.name for decision in waiting.decide(1, "gnarblix")] == ["Bladder"]


def test_a_set_that_went_on_before_its_turn_stops_no_other(sets: Sets, double: OllamaDouble) -> None:
    double.fault, double.faulty_paths = "slow", {"/api/chat"}
    waiting = sets()
    waiting.decide(1, "gnarblix")
    wait_until(lambda: double.at_work > 0)
    waiting.decide(2, "plukato")
    waiting.now += BUDGET_S + 10
    assert waiting.waiting_sets.waiting == frozenset()
    (decision,) = waiting.decide(2, "plukato")
    assert decision.choice is None
    double.fault = None
    double.release()
    waiting.decide(3, "wexumi")
    waiting.when_asked(3)
    assert [decision.name for decision in waiting.decide(3, "wexumi")] == ["Bladder"]


def test_what_another_set_has_asked_is_not_asked_again(sets: Sets, double: OllamaDouble) -> None:
    double.fault, double.faulty_paths = "slow", {"/api/chat"}
    waiting = sets()
    waiting.decide(1, "gnarblix")
    wait_until(lambda: double.at_work > 0)
    for job in range(2, 20):
        assert waiting.decide(job, "gnarblix") == ()
    double.fault = None
    double.release()
    waiting.when_asked(19)
    assert len(double.requests) == 1
    assert {waiting.decide(job, "gnarblix")[0].name for job in range(1, 20)} == {"Bladder"}


def test_no_more_sets_wait_than_allowed_and_that_is_said_once(
    sets: Sets, double: OllamaDouble, caplog: pytest.LogCaptureFixture
) -> None:
    double.fault, double.faulty_paths = "slow", {"/api/chat"}
    waiting = sets(most=2)
    with caplog.at_level(logging.WARNING):
        decided = [waiting.decide(job, "gnarblix", "herz") for job in range(1, 8)]
    assert decided[:2] == [(), ()]
    assert all([d.name for d in each] == ["gnarblix", "Heart"] for each in decided[2:])
    assert figure(waiting.consultant, "waiting_objects") == 2
    assert figure(waiting.consultant, "unanswered_objects_total") == 5
    assert len([record for record in caplog.records if "others go on" in record.message]) == 1


def test_a_set_that_comes_again_has_its_time_again(sets: Sets, double: OllamaDouble) -> None:
    double.fault, double.faulty_paths = "error", {"/api/chat"}
    waiting = sets(failures_before_pause=100)
    waiting.decide(1, "gnarblix")
    waiting.when_asked(1)
    waiting.decide(1, "gnarblix")
    waiting.when_asked(1)
    assert waiting.decide(1, "gnarblix")[0].choice is None
    double.fault = None
    assert waiting.decide(1, "gnarblix") == ()
    waiting.when_asked(1)
    assert waiting.decide(1, "gnarblix")[0].name == "Bladder"


def test_a_decision_that_fails_with_the_model_is_made_without_it(
    sets: Sets, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = sets()

    def failing(*arguments: Any, llm: Any = None, **more: Any) -> tuple[Decision, ...]:
        if llm is not None:
            raise RuntimeError("gnarblix")
        return decide_set(*arguments, **more)

    decide = waiting.waiting_sets.deciding(1, failing)
    (decision,) = decide([Roi(1, "LUNG-L")], waiting.nomenclature, NamingOptions())
    assert decision.name == "Lung_L"
    assert "RuntimeError" in caplog.text
    assert "gnarblix" not in caplog.text


def test_whether_the_model_is_there_is_said_when_that_is_news(
    sets: Sets, double: OllamaDouble, caplog: pytest.LogCaptureFixture
) -> None:
    consultant = sets().consultant
    wait_until(lambda: figure(consultant, "up") == 1)
    with caplog.at_level(logging.INFO, "tg263_scp.model"):
        double.stop()
        for _ in range(3):
            consultant.look()
        assert figure(consultant, "up") == 0
        double.start()
        for _ in range(3):
            consultant.look()
    said = [record.getMessage().split(" ")[0] for record in caplog.records]
    assert said == ["names", "asking"]
    assert figure(consultant, "failures_total") == 0
