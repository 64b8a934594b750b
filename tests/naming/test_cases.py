"""The case files: one per rule, in words a physicist can extend (``tests/cases/*.yaml``).

A case names a ROI and says what becomes of it: ``becomes: NAME``, ``stays: true``, or ``review: REASON``. ``site`` and
``type`` (ROI Interpreted Type) may be given. ``model`` is what a language model answers if asked, such as ``structure: Lens``,
and ``votes`` how many of three samples say so; with ``asked: false`` no question may be made of the name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tg263_scp import yamlsource
from tg263_scp.decision import Choice, Reason, Roi, Status
from tg263_scp.naming.decide import RULES, decide_set
from tg263_scp.naming.llm.choice import LlmView
from tg263_scp.naming.llm.questions import NONE, Question
from tg263_scp.naming.rules.vetoes import VETOES
from tg263_scp.naming.standard.nomenclature import Nomenclature

FOLDER = Path(__file__).parents[1] / "cases"
_KEYS = {"name", "becomes", "stays", "review", "why", "site", "type", "rule", "model", "votes", "asked"}


def _cases() -> list[object]:
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        document = yamlsource.load(path)
        for case in document["cases"]:
            unknown = set(case) - _KEYS
            assert not unknown, f"{path.name}:{case.line}: unknown {unknown}"
            found.append(pytest.param(str(document["rule"]), case, id=f"{path.stem}:{case.line}"))
    return found


def _model(case: dict[str, Any], asked: list[Question]) -> LlmView:
    """A model that answers as the case says; anything it is asked about without an answer in the case is ``none``."""

    def choice_of(question: Question) -> Choice:
        asked.append(question)
        said = dict(case.get("model", {}))
        for slot, id_ in said.items():
            assert id_ in [option.id for option in dict(question.slots)[slot]], f"{id_} is not offered"
        answer = tuple((slot, str(said.get(slot, NONE))) for slot, _ in question.slots)
        votes = int(case.get("votes", "3"))
        others = (("another", 3 - votes),) if votes < 3 else ()
        return Choice(answer, (("as the case says", votes), *others), wanted=3)

    return LlmView(choice_of)


@pytest.mark.parametrize(("rule", "case"), _cases())
def test_case(nomenclature: Nomenclature, rule: str, case: dict[str, Any]) -> None:
    asked: list[Question] = []
    roi = Roi(0, case["name"], case.get("type", ""))
    model = _model(case, asked) if "model" in case or "asked" in case else None
    (decision,) = decide_set([roi], nomenclature, site=case.get("site", ""), llm=model)
    assert bool(asked) is ("model" in case), [step.note for step in decision.trail]
    if "becomes" in case:
        assert (decision.status, decision.name) == (Status.RENAME, case["becomes"]), decision.note
        assert decision.rule == case.get("rule", rule)
    elif "review" in case:
        assert (decision.status, decision.reason) == (Status.REVIEW, Reason(case["review"])), (
            decision.name,
            decision.note,
        )
        assert decision.name == case["name"]
    else:
        assert case["stays"] == "true"
        assert decision.status is Status.KEEP, (decision.name, decision.reason)
        assert decision.name == case["name"]


def test_every_rule_and_veto_has_its_file_of_cases() -> None:
    rules = {str(yamlsource.load(path)["rule"]) for path in FOLDER.glob("*.yaml")}
    assert {code for code, _ in RULES} | {code for code, _, _ in VETOES} | {"R090"} <= rules | {"V060"}
