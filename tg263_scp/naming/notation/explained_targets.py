"""Targets of a set that explain each other: the dose of one is the dose of another, indices follow one another.

``GTV 50`` alone may be a breathing phase; beside ``PTV 50`` of a prostate it is the dose. ``PTV 8`` alone may be 8 Gy; behind
PTV 1 to PTV 7 it is the eighth. ``PTV_P1`` beside ``PTV_N1`` is a primary.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field

from tg263_scp.decision import Decision, Status
from tg263_scp.naming.notation.shared_words import LONGEST_NAME
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.doubts import Doubt

_TYPE = re.compile(r"(?<![^\W_])([igc]?[gc]tv|itv|ptv)", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\d.,])\d{1,2}(?![\d.,])")
_PRIMARY = re.compile(r"[\s_]+[pP](?=\d)")
_LEAST_INDICES = 2
_STILL_SITES = frozenset({"head_and_neck", "brain", "prostate", "pelvis", "gyn", "spine", "limbs"})
"""Sites that are planned without breathing phases; of an unknown site nothing is believed."""
_Numbers = Set[tuple[str, int | None]]
"""Types and only small numbers of the targets that are open for the same doubt."""
_PLANNED = ("CTV", "PTV")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the targets of the set that have a name say: doses in cGy, indices and classifiers, by type."""

    doses: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    numbers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    classifiers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, target: grammar.TargetName) -> None:
        """Note the parts of one name."""
        self.classifiers[target.type].add(target.classifier)
        if target.dose.isdecimal():
            self.doses[target.type].add(int(target.dose))
        if target.number.isdecimal():
            self.numbers[target.type].add(int(target.number))


@dataclass(frozen=True, slots=True)
class _Open:
    """A target that is left for review: its text, its type, its only small number."""

    text: str
    type: str
    number: int | None


def target_readings(
    texts: Sequence[str], decisions: Sequence[Decision], nomenclature: Nomenclature, site: str
) -> Iterator[tuple[int, str, str]]:
    """Yield the targets that others of the set explain, each with another way to read it, and what shows it."""
    known = _Known()
    doubtful: dict[int, _Open] = {}
    for index, (text, decision) in enumerate(zip(texts, decisions, strict=True)):
        if decision.status is not Status.REVIEW:
            parsed = grammar.parse(decision.name, nomenclature)
            if isinstance(parsed, grammar.TargetName):
                known.add(parsed)
        elif decision.doubt and len(text) <= LONGEST_NAME and (match := _TYPE.search(text)):
            numbers = [int(number) for number in _NUMBER.findall(text)]
            doubtful[index] = _Open(text, match[1].upper(), numbers[0] if len(numbers) == 1 else None)
    alike: dict[str, set[tuple[str, int | None]]] = defaultdict(set)
    for index, opened in doubtful.items():
        alike[decisions[index].doubt].add((opened.type, opened.number))
    for index, opened in doubtful.items():
        doubt = decisions[index].doubt
        breathes = doubt == Doubt.MAY_BE_BREATHING_PHASE and site not in _STILL_SITES
        means = None if breathes else _MEANINGS.get(doubt)
        found = means(opened, known, alike[doubt]) if means else None
        if found:
            yield index, *found


def _dose(opened: _Open, known: _Known, alike: _Numbers) -> tuple[str, str] | None:
    doses = set[int]().union(*(known.doses[type_] for type_ in _PLANNED))
    numbers = {number for _, number in alike}
    if opened.number is None or any(number is None or number * 100 not in doses for number in numbers):
        return None
    return _NUMBER.sub(
        rf"{opened.number}Gy", opened.text
    ), f"{opened.number} Gy is the dose of another target"


def _index(opened: _Open, known: _Known, alike: _Numbers) -> tuple[str, str] | None:
    number = opened.number
    certain = known.numbers[opened.type]
    if number is None or len(certain) < _LEAST_INDICES or known.doses[opened.type]:
        return None
    indices = certain | {other for type_, other in alike if type_ == opened.type}
    if not indices.issuperset(range(1, number)):
        return None
    return re.sub(r"[\s_]+(?=\d)", "", opened.text), f"{opened.type}s are numbered 1 to {number}"


def _primary(opened: _Open, known: _Known, alike: _Numbers) -> tuple[str, str] | None:
    if "n" not in known.classifiers[opened.type]:
        return None
    return _PRIMARY.sub("p", opened.text), f"p stands beside n: another {opened.type} is one of nodes"


_MEANINGS: dict[str, Callable[[_Open, _Known, _Numbers], tuple[str, str] | None]] = {
    Doubt.MAY_BE_BREATHING_PHASE: _dose,
    Doubt.INDEX_OR_DOSE: _index,
    Doubt.PHASE_OR_PLAN: _primary,
}
