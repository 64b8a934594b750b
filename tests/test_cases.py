"""The case files: one per rule, in words a physicist can extend (``tests/cases/*.yaml``).

A case names a ROI and says what becomes of it: ``becomes: NAME``, ``stays: true``, or ``review: REASON``. ``site`` and
``type`` (ROI Interpreted Type) may be given.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tg263_scp import yamlsource
from tg263_scp.model import Reason, Status
from tg263_scp.naming.decide import RULES, decide
from tg263_scp.naming.nomenclature import Nomenclature
from tg263_scp.naming.vetoes import VETOES

FOLDER = Path(__file__).parent / "cases"
_KEYS = {"name", "becomes", "stays", "review", "why", "site", "type", "rule"}


def _cases() -> list[object]:
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        document = yamlsource.load(path)
        for case in document["cases"]:
            unknown = set(case) - _KEYS
            assert not unknown, f"{path.name}:{case.line}: unknown {unknown}"
            found.append(pytest.param(str(document["rule"]), case, id=f"{path.stem}:{case.line}"))
    return found


@pytest.mark.parametrize(("rule", "case"), _cases())
def test_case(nomenclature: Nomenclature, rule: str, case: dict[str, str]) -> None:
    decision = decide(
        case["name"], nomenclature, site=case.get("site", ""), interpreted_type=case.get("type", "")
    )
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
    assert {code for code, _ in RULES} | {code for code, _, _ in VETOES} <= rules | {"V060"}
