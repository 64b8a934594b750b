"""Sets and names that no treatment planning system writes: each ends soon, and with no wrong answer.

What is bounded is the work, told by how it grows: a set of twice the size takes about twice the work.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

import pytest

from tg263_scp.decision import Decision, Roi, Status
from tg263_scp.naming.decide import decide, decide_set
from tg263_scp.naming.standard.nomenclature import Nomenclature

LONG = 10_000
LONG_NAMES = (
    "Q" * LONG,
    "1" * LONG,
    "l r " * (LONG // 4),
    "left lung " * (LONG // 10),
    "PTV " * (LONG // 4),
    "ptv1" * (LONG // 4),
    "(" * LONG,
    "a-" * (LONG // 2),
    "aB" * (LONG // 2),
    "x+" * (LONG // 2),
    "opt " * (LONG // 4),
    "Lung_L" + " " * LONG + "5",
    "肺" * LONG,
)


def together(names: list[str], nomenclature: Nomenclature) -> tuple[Decision, ...]:
    return decide_set([Roi(at, name) for at, name in enumerate(names)], nomenclature)


def calls_during(work: Callable[[], object]) -> int:
    """How many Python functions are called: the work without the clock."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("name", LONG_NAMES, ids=lambda name: name[:10].strip())
def test_a_name_of_10_kb_is_not_renamed(name: str, nomenclature: Nomenclature) -> None:
    decision = decide(name, nomenclature)
    assert decision.name == name
    assert decision.status in (Status.KEEP, Status.REVIEW)


def test_long_names_in_one_set_have_no_notation(nomenclature: Nomenclature) -> None:
    decisions = together([f"{name}{number}" for name in LONG_NAMES[:5] for number in range(2)], nomenclature)
    assert Status.RENAME not in {decision.status for decision in decisions}


@pytest.mark.parametrize(
    ("name", "status"),
    [("Lung_L", Status.KEEP), ("left lung", Status.REVIEW), ("qxt zab", Status.REVIEW), ("PTV 60", Status.REVIEW)],
)  # fmt: skip
def test_equal_names_stay_all_alike(name: str, status: Status, nomenclature: Nomenclature) -> None:
    decisions = together([name] * 2000, nomenclature)
    assert Counter((d.status, d.name) for d in decisions) == {(status, name): 2000}


@pytest.mark.parametrize("name", ["Lung_L", "left lung", "1 CTV", "01_Bladder", "QXT_Cord", "LON", "T8", ""])
def test_a_set_of_one_name_is_that_name_alone(name: str, nomenclature: Nomenclature) -> None:
    assert together([name], nomenclature) == (decide(name, nomenclature),)


def test_an_empty_set_has_no_decisions(nomenclature: Nomenclature) -> None:
    assert together([], nomenclature) == ()


@pytest.mark.parametrize(
    "pattern", ["{}_qxt", "QXT_{}", "L{}Q R{}Q", "T{}", "GTV {}", "PTV {} l", "qx{}r", "{} CTV"]
)
def test_the_work_grows_as_the_set_does(pattern: str, nomenclature: Nomenclature) -> None:
    names = [pattern.format(number, number) for number in range(800)]
    together(names, nomenclature)  # readings are remembered; what is left is the work on the set
    small = calls_during(lambda: together(names[:400], nomenclature))
    large = calls_during(lambda: together(names, nomenclature))
    assert large < 3 * small


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["left lung", "qxt {}", "PTV {}", "{}_Ring", "L{}Q", "T{}"])
def test_a_hundred_thousand_names_in_one_set(pattern: str, nomenclature: Nomenclature) -> None:
    names = [pattern.format(number) for number in range(100_000)]
    renamed = [decision for decision in together(names, nomenclature) if decision.status is Status.RENAME]
    given = Counter(decision.name for decision in renamed)
    assert max(given.values(), default=0) <= 1
    assert all(decision.name.startswith("PTV") for decision in renamed)
