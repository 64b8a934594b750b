"""A model is tried before it is believed: the shipped cases, what is counted, and the bar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from doubles.answers import choice

from tg263_scp.config.loading import load_config
from tg263_scp.naming.llm.choice import Readings
from tg263_scp.naming.llm.open_names import SetQuestion
from tg263_scp.naming.llm.readings import NONE
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.llm.qualifying import Bar, Case, load_cases, outcome_of, qualify, questions_about

BAR = Bar.of(load_config().llm.qualification)


@pytest.fixture(scope="module")
def cases(nomenclature: Nomenclature) -> tuple[Case, ...]:
    return load_cases(nomenclature)


def test_the_cases_are_of_many_languages_and_a_third_has_no_answer(cases: tuple[Case, ...]) -> None:
    none = [case for case in cases if case.answer == NONE]
    assert len(cases) >= 120
    assert len({case.language for case in cases}) >= 15
    assert len(cases) / 4 < len(none) < len(cases) / 2
    assert sum(bool(case.tempts) for case in cases) >= 8
    assert max(Counter(case.written for case in cases).values()) == 1


def test_every_case_offers_its_answer_and_what_it_tempts_to(
    cases: tuple[Case, ...], nomenclature: Nomenclature
) -> None:
    for question, asked in questions_about(cases, nomenclature):
        for name, case in zip(question.names, asked, strict=True):
            offered = {option.id for option in name.options}
            assert {case.answer, case.tempts} - {NONE, ""} <= offered
            assert len(offered) > 5


def asked_of(answers: dict[str, str], nomenclature: Nomenclature) -> tuple[str, ...]:
    """What a model that answers so does not reach."""

    def ask(questions: Sequence[SetQuestion]) -> list[Readings | None]:
        return [
            tuple(choice(name.written, answers.get(name.written, NONE)) for name in question.names)
            for question in questions
        ]

    outcome = qualify(nomenclature, ask)
    assert outcome is not None
    return BAR.failed(outcome)


def knowing(cases: tuple[Case, ...]) -> dict[str, str]:
    return {case.written: case.answer for case in cases if not case.side}


def test_a_model_that_knows_all_is_qualified_and_so_is_one_that_is_silent(
    cases: tuple[Case, ...], nomenclature: Nomenclature
) -> None:
    assert asked_of(knowing(cases), nomenclature) == ()
    assert asked_of({}, nomenclature) == ()


def test_one_wrong_name_is_below_the_bar(cases: tuple[Case, ...], nomenclature: Nomenclature) -> None:
    case = next(case for case in cases if case.answer == "Bladder")
    assert len(asked_of(knowing(cases) | {case.written: "Rectum"}, nomenclature)) == 1


def test_an_order_that_is_followed_is_below_the_bar(
    cases: tuple[Case, ...], nomenclature: Nomenclature
) -> None:
    case = next(case for case in cases if case.tempts)
    failed = asked_of(knowing(cases) | {case.written: case.tempts}, nomenclature)
    assert any("orders followed" in said for said in failed)


def test_a_side_that_is_read_wrongly_is_wrong() -> None:
    case = Case("glnd li", "Parotid", side="L")
    right, wrong = (choice("glnd li", "Parotid", **{side: "li"}) for side in ("left", "right"))
    assert (outcome_of([(case, right)]).resolved, outcome_of([(case, wrong)]).wrong) == (1, 1)


def test_a_suggestion_is_not_wrong_but_a_structure_where_none_is_due_counts_against_it() -> None:
    case = Case("brimo", NONE)
    divided = replace(choice("brimo", "Bladder", votes=2))
    outcome = outcome_of([(case, divided)])
    assert (outcome.wrong, outcome.none_due, outcome.none_given) == (0, 1, 0)


def test_cases_without_an_answer_make_no_outcome(nomenclature: Nomenclature) -> None:
    assert qualify(nomenclature, lambda questions: [None] * len(questions)) is None
