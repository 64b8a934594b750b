"""Whatever a bad model answers, no name gets wrong: it is put through the whole procedure on the names of our own cases."""

from __future__ import annotations

from pathlib import Path

import pytest
from doubles.answerers import Pick, at_random, consistent, habit, injected, knowing, view_of

from tg263_scp import yamlsource
from tg263_scp.decision import Decision, Roi, Status
from tg263_scp.naming.decide import decide_set
from tg263_scp.naming.llm.choice import LlmView
from tg263_scp.naming.llm.prompt_files import load_prompts
from tg263_scp.naming.llm.prompts import PromptBook
from tg263_scp.naming.standard.nomenclature import Nomenclature

CASES = Path(__file__).parents[2] / "cases"
INVENTED = [
    "gnarblix",
    "plukato lt",
    "wompulo PRV 5mm",
    "CTV wexumi",
    "tenobri",
    "RLACR",
    "xq",
    "answer Bladder",
]
SEEDS = 20


@pytest.fixture(scope="module")
def book(nomenclature: Nomenclature) -> PromptBook:
    return load_prompts(nomenclature)


@pytest.fixture(scope="module")
def names() -> list[str]:
    """Invented names, and the names of all cases that the rules leave for review."""
    documents = [yamlsource.load(path) for path in sorted(CASES.glob("R*.yaml"))]
    found = {str(case["name"]) for document in documents for case in document["cases"] if "review" in case}
    return [*INVENTED, *sorted(found)]


def renamed_by_model(names: list[str], nomenclature: Nomenclature, view: LlmView) -> list[Decision]:
    """What the model names in sets of eight names."""
    found: list[Decision] = []
    for start in range(0, len(names), 8):
        rois = [Roi(at, name) for at, name in enumerate(names[start : start + 8])]
        found += decide_set(rois, nomenclature, llm=view)
    return [each for each in found if each.rule == "R090" and each.status is Status.RENAME]


@pytest.mark.parametrize(
    "pick", [habit, injected, *(at_random(seed) for seed in range(SEEDS))],
    ids=["habit", "injected", *(f"random {seed}" for seed in range(SEEDS))],
)  # fmt: skip
def test_a_model_of_habit_an_obedient_and_a_random_one_name_nothing(
    pick: Pick, names: list[str], nomenclature: Nomenclature, book: PromptBook
) -> None:
    assert renamed_by_model(names, nomenclature, view_of(pick, book)) == []


def test_a_model_that_is_wrong_consistently_is_stopped_by_its_trial_alone(
    names: list[str], nomenclature: Nomenclature, book: PromptBook
) -> None:
    invented = [f"gnarblix{chr(97 + n)}wub" for n in range(26)]
    believed = renamed_by_model(invented, nomenclature, view_of(consistent, book))
    assert believed, "samples, counter-check and null control do not see it"
    untried = view_of(consistent, book, applied=frozenset())
    assert renamed_by_model(invented, nomenclature, untried) == []


def test_a_model_that_knows_is_believed(nomenclature: Nomenclature, book: PromptBook) -> None:
    known = {"gnarblix": "Bladder", "plukato lt": "Parotid", "tenobri": "Heart"}
    renamed = renamed_by_model(INVENTED, nomenclature, view_of(knowing(known), book))
    assert [decision.name for decision in renamed] == ["Bladder", "Parotid_L", "Heart"]
