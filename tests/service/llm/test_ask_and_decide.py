"""The loop of asking: decided with what is known, asked what was missing, decided again, and never without end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from doubles.answers import always, figure
from doubles.ollama_double import OllamaDouble

from tg263_scp.decision import Roi
from tg263_scp.naming.llm.choice import LlmView
from tg263_scp.naming.llm.prompt_files import load_prompts
from tg263_scp.naming.query import NamingOptions
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.llm.answer_store import IN_MEMORY, AnswerStore
from tg263_scp.service.llm.ask_and_decide import MOST_ROUNDS, ask_and_decide, asking_at_once
from tg263_scp.service.llm.clients.ollama_client import OllamaClient
from tg263_scp.service.llm.consultant import Consultant, Missed


class Remembering:
    """Stands for the consultant: what is decided with its view misses the ``texts`` that nobody has answered."""

    def __init__(self, *texts: str) -> None:
        self.open = dict.fromkeys(texts)
        self.views = 0

    def view(self, missed: Missed, nets: object) -> LlmView:
        self.views += 1
        missed.texts.update(self.open)
        return LlmView(lambda question: None)


def decide_by(consultant: Remembering) -> Callable[[LlmView], int]:
    return lambda llm: consultant.views


def test_what_is_answered_is_decided_again_and_no_more_is_asked() -> None:
    consultant = Remembering("gnarblix")

    def ask(missed: Missed) -> bool:
        assert list(missed.texts) == ["gnarblix"]
        consultant.open.clear()
        return True

    result, missed = ask_and_decide(consultant, decide_by(consultant), ask)
    assert (result, bool(missed)) == (2, False)


def test_what_stays_open_is_asked_about_so_often_and_then_decided_without() -> None:
    consultant, asked = Remembering("gnarblix"), []
    result, missed = ask_and_decide(consultant, decide_by(consultant), lambda m: not asked.append(m))
    assert (len(asked), result) == (MOST_ROUNDS, MOST_ROUNDS + 1)
    assert list(missed.texts) == ["gnarblix"]


@pytest.mark.parametrize("before", range(MOST_ROUNDS + 1))
def test_how_often_it_was_asked_before_counts(before: int) -> None:
    consultant, asked = Remembering("gnarblix"), []
    ask_and_decide(consultant, decide_by(consultant), lambda m: not asked.append(m), asked=before)
    assert len(asked) == MOST_ROUNDS - before


def test_where_asking_makes_no_sense_what_was_decided_holds() -> None:
    consultant = Remembering("gnarblix")
    result, missed = ask_and_decide(consultant, decide_by(consultant), lambda missed: False)
    assert (result, list(missed.texts)) == (1, ["gnarblix"])


def test_where_nothing_is_open_nothing_is_asked() -> None:
    consultant = Remembering()
    result, missed = ask_and_decide(consultant, decide_by(consultant), lambda missed: pytest.fail("asked"))
    assert (result, bool(missed)) == (1, False)


@pytest.mark.parametrize(("budget_s", "name", "asked"), [(30.0, "Bladder", 1), (0.0, "gnarblix", 0)])
def test_asked_at_once_a_set_has_its_answer_within_its_budget(
    nomenclature: Nomenclature, budget_s: float, name: str, asked: int
) -> None:
    with OllamaDouble(answer=always("Bladder")) as double:
        llm = double.llm(samples=1, counter_check=False, null_control=False).model_copy(
            update={"object_budget_s": budget_s}
        )
        consultant = Consultant(
            OllamaClient.of(llm), AnswerStore(IN_MEMORY), load_prompts(nomenclature), llm, nomenclature
        )
        try:
            (decision,) = asking_at_once(consultant)([Roi(1, "gnarblix")], nomenclature, NamingOptions())
        finally:
            consultant.close()
    assert decision.name == name
    assert figure(consultant, "asked_total") == asked
