"""What the numbers of a set mean: ranks that sort the list of names, levels, indices, doses.

* A leading number that sorts the types (``0 GTV``, ``1 CTV``, ``2 PTV``) is a rank, and so are numbers that run through most
  names of the set (``01_Bladder``, ``02_Rectum`` ...): they are no part of the name.
* A family of numbers behind one stem (``Ax1``, ``Ax2``, ``Ax3``; ``T8``, ``T9``, ``T10``) are levels, or vertebrae.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from tg263_scp.naming.notation.shared_words import LEAST_NAMES, LONGEST_NAME, Stripped
from tg263_scp.naming.standard.nomenclature import relaxed
from tg263_scp.naming.words.letters import fold

_LEADING = re.compile(r"\s*(?P<number>\d{1,2})[\s_.\-)]*(?P<rest>(?=[^\W\d_]).*)", re.DOTALL)
_LEADING_APART = re.compile(r"\s*(?P<number>\d{1,3})[\s_.\-)]+(?P<rest>[^\W\d_]{3}.*)", re.DOTALL)
_TYPES = ("gtv", "ctv", "itv", "ptv")
_FAMILY = re.compile(r"(?P<stem>[^\W\d][^\d]{0,30}?)[\s_\-]*(?P<number>\d{1,2})(?P<rest>\D*)", re.DOTALL)
_LAST_LETTER = re.compile(r"(?<![^\W\d_])[^\W\d_][\s_\-]*$")
_VERTEBRA = re.compile(r"(?P<letter>[^\W\d_]{1,2})[\s_\-]?(?P<number>\d{1,2})")
_SPINE = {"c": (0, 7), "t": (7, 12), "th": (7, 12), "d": (7, 12), "l": (19, 5), "s": (24, 5)}
"""Letters of vertebrae: how many lie above the first, and how many there are."""
_LEAST_FAMILY = 3
_MOST_RANKS_PER_NAME = 2


def ranks_of_types(names: Sequence[Stripped]) -> dict[int, Stripped]:
    """Return the names of targets without the leading number that sorts their types; nothing where it does not."""
    found: dict[int, tuple[int, str, str]] = {}
    for index, name in enumerate(names):
        match = _LEADING.fullmatch(name.text) if len(name.text) <= LONGEST_NAME else None
        if match and fold(match["rest"])[:3] in _TYPES:
            found[index] = int(match["number"]), fold(match["rest"])[:3], match["rest"]
    number_of: dict[str, set[int]] = defaultdict(set)
    for number, type_, _ in found.values():
        number_of[type_].add(number)
    used = [number_of[type_] for type_ in _TYPES if type_ in number_of]
    single = [min(numbers) for numbers in used if len(numbers) == 1]
    sorts = len(single) == len(used) > 1 and single == sorted(set(single)) and single[0] < 2
    left = {relaxed(rest) for _, _, rest in found.values()}
    if not sorts or any(relaxed(name.text) in left for index, name in enumerate(names) if index not in found):
        return {}  # two names would become equal
    said = ", ".join(f"{min(number_of[t])} {t.upper()}" for t in _TYPES if t in number_of)
    return {
        index: Stripped(
            rest,
            (*names[index].notes, f"the leading {number} is a rank: {said}"),
            (*names[index].numbers, str(number)),
        )
        for index, (number, _, rest) in found.items()
    }


def running_ranks(names: Sequence[Stripped]) -> dict[int, Stripped]:
    """Return the names without the numbers that run through most names of the set; nothing where none do."""
    texts = {relaxed(name.text) for name in names if name.text.strip()}
    found: dict[int, tuple[str, str]] = {}
    for index, name in enumerate(names):
        match = _LEADING_APART.fullmatch(name.text) if len(name.text) <= LONGEST_NAME else None
        if match:
            found[index] = match["number"], match["rest"]
    numbers = {int(number) for number, _ in found.values()}
    ranked = {relaxed(names[index].text) for index in found}
    if len(ranked) < LEAST_NAMES or 2 * len(ranked) <= len(texts) or len(numbers) < len(ranked):
        return {}
    if max(numbers) > _MOST_RANKS_PER_NAME * len(texts):
        return {}
    left = {relaxed(rest) for _, rest in found.values()}
    if len(left) < len(ranked) or left & (texts - ranked):
        return {}
    note = f"the leading number is a rank: {len(ranked)} of {len(texts)} names have one, all different"
    return {
        index: Stripped(rest, (*names[index].notes, note), (*names[index].numbers, number))
        for index, (number, rest) in found.items()
    }


def families(texts: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Yield the names of a numbered family, each with another way to read it, and what shows it.

    A family of levels has at least three numbers from 1 behind one stem, and nothing else that differs.
    """
    members: dict[tuple[str, str], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, text in enumerate(texts):
        match = _FAMILY.fullmatch(text) if len(text) <= LONGEST_NAME else None
        if match and not _ends_in_letter(match["stem"]):
            members[fold(match["stem"]), fold(match["rest"])][int(match["number"])].append(index)
    for (stem, rest), numbers in members.items():
        run = _longest_run(sorted(numbers))
        if len(run) < _LEAST_FAMILY or run[0] != 1 or any(len(numbers[number]) > 1 for number in run):
            continue
        for number in run:
            note = f"one of {len(run)} names '{stem}' numbered {run[0]} to {run[-1]}"
            yield numbers[number][0], f"{stem} level {number} {rest}", note


def _ends_in_letter(stem: str) -> bool:
    """Tell whether a stem ends in a letter that stands alone: the last of ``LN_Ax_L`` is of the level, not of the left."""
    return _LAST_LETTER.search(stem) is not None


def vertebrae(texts: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Yield the names of a run of vertebrae, each with another way to read it, and what shows it.

    At least three names are neighbours in the spine: ``T8``, ``T9``, ``T10``, or ``T12``, ``L1``, ``L2``. ``T1``, ``T2``,
    ``T3`` alone may count targets or times.
    """
    members: dict[int, list[tuple[int, str, int]]] = defaultdict(list)
    for index, text in enumerate(texts):
        match = _VERTEBRA.fullmatch(text) if len(text) <= LONGEST_NAME else None
        first, most = _SPINE.get(fold(match["letter"]), (0, 0)) if match else (0, 0)
        if match and 1 <= int(match["number"]) <= most:
            members[first + int(match["number"])].append((index, fold(match["letter"]), int(match["number"])))
    for run in _runs(sorted(place for place, named in members.items() if len(named) == 1)):
        named = [members[place][0] for place in run]
        counts_from_one = named[0][2] == 1 and len({letter for _, letter, _ in named}) == 1
        if len(run) < _LEAST_FAMILY or counts_from_one:
            continue
        for index, letter, number in named:
            yield index, f"vertebra {letter}{number}", f"one of {len(run)} neighbouring vertebrae"


def _longest_run(numbers: Sequence[int]) -> list[int]:
    """Return the longest run of neighbouring numbers; of equals the first."""
    return max(_runs(numbers), key=len, default=[])


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """Part ascending numbers into runs of neighbours."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs
