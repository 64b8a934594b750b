"""Sums, differences and overlaps: what stands on both sides of a sign or word tells whether a name is one.

``PTV60 - CTV60``, ``Prostate+SV``, ``Bladder in PTV`` and ``Body-3mm`` are combinations. A sign alone makes none:

* what a bracket includes or leaves out says how an organ was drawn (``Rectum (including stool)``, ``Kidney (left and right)``);
* words about a target are its own (``PTV and nodes``, ``CTV n+p``), and so is an organ that is treated (``CTV prostate + SV``);
* two names with a slash between them may be two names for one thing (``Heart/pericardium``);
* a side, a copy or somebody's initials behind a minus take nothing off (``LENS_L - SLD``).

In a difference whose first term is the body nothing else is read: ``Body - PTV left`` is not a left PTV.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tg263_scp.naming.organs.reading import Finding, read_words
from tg263_scp.naming.query import Query
from tg263_scp.naming.rules.terms import ORGANS, Operand, Operator, Sort, operand_of, operators, spelt_out
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.letters import Token

_LEAST_DOSE = 20
"""A number from which it is a dose in Gy rather than a length in mm, where no unit is written."""
_MANY_NUMBERS = 2
_SHORTEST_DIFFERENCE = 3
"""Tokens of a difference: two terms and the sign."""

Combines = Callable[[Operator, Operand, Operand, Query, Nomenclature], bool]


def combination(tokens: Sequence[Token], types: int, query: Query, nomenclature: Nomenclature) -> str:
    """Return the sign or word by which the terms of a name are combined; an empty text where none are.

    Args:
        tokens: the name, cut into words, numbers and signs, each target type by itself.
        types: how many target types there are.
        query: the name and its context.
        nomenclature: the list and the synonym packs.
    """
    joined = spelt_out(tokens)
    if _is_body_and_more(joined, query, nomenclature) or (
        types == 1 and _is_organ_beside_target(joined, query, nomenclature)
    ):
        return joined[0].raw
    for operator in operators(joined, types > 0, nomenclature.lexicon):
        left, right = (
            operand_of(term, types > 0, query, nomenclature) for term in (operator.left, operator.right)
        )
        rule = WITH_TARGETS if types else WITHOUT_TARGETS
        if rule[operator.kind](operator, left, right, query, nomenclature):
            return operator.text
    return ""


def takes_from_target(
    operator: Operator, left: Operand, right: Operand, query: Query, nomenclature: Nomenclature
) -> bool:
    """``PTV60 - CTV60``, ``Bladder not PTV``, ``PTV-Parotid``, ``PTV-5mm``; in ``PTV-Brain`` the sign may only separate."""
    if left.sort is Sort.BODY:
        return right.sort not in (Sort.NOTHING, Sort.OF_TARGET)
    if right.sort is Sort.TARGET:
        return left.sort not in (Sort.NOTHING, Sort.NUMBER, Sort.LENGTH, Sort.OF_TARGET)
    if left.sort is not Sort.TARGET:
        return False
    if operator.is_word:
        return right.sort in (*ORGANS, Sort.BODY, Sort.LENGTH, Sort.UNLISTED, Sort.UNKNOWN)
    if right.sort in (Sort.LENGTH, Sort.BODY):
        return True
    return right.sort is Sort.ORGAN and _is_no_target(right, query, nomenclature)


def adds_to_target(
    operator: Operator, left: Operand, right: Operand, query: Query, nomenclature: Nomenclature
) -> bool:
    """``CTV+5mm``, ``PTV_56+70``, ``PTV1 + PTV2``, ``PTV60 and left parotid``; ``CTV prostate + SV`` is one target."""
    if operator.text == "+" and operator.right and operator.right[0].is_number:
        return True
    return _is_target_and_organ(left, right, query, nomenclature)


def alternates_target(
    operator: Operator, left: Operand, right: Operand, query: Query, nomenclature: Nomenclature
) -> bool:
    """``PTV/Parotid``; ``PTV L/R`` and ``PTV primary/nodes`` are one target."""
    return _is_target_and_organ(left, right, query, nomenclature)


def lies_in_target(
    operator: Operator, left: Operand, right: Operand, query: Query, nomenclature: Nomenclature
) -> bool:
    """``Bladder in PTV``, ``PTV∩Rectum``; a ``PTV in lung`` may be that of the lung."""
    if right.sort is Sort.TARGET:
        return left.sort not in (Sort.NOTHING, Sort.NUMBER, Sort.LENGTH, Sort.OF_TARGET)
    return left.sort is Sort.TARGET and not operator.is_word and right.sort in ORGANS


def takes_from_organ(
    operator: Operator, left: Operand, right: Operand, query: Query, nomenclature: Nomenclature
) -> bool:
    """``Brain - Brainstem``, ``Liver-1cm``, ``Body - anything``; ``Kidney-2`` may be a copy, ``nodes-54`` a dose."""
    if left.sort is Sort.BODY:
        return right.sort not in (Sort.NOTHING, Sort.OF_TARGET)
    if right.sort is Sort.LENGTH:
        return left.sort in ORGANS
    if right.sort is Sort.NUMBER:
        number = operator.right[0].text
        return (
            left.sort is Sort.ORGAN
            and len(operator.right) == 1
            and "." in number
            and float(number) < _LEAST_DOSE
        )
    wanted = ORGANS if operator.is_word else (Sort.ORGAN,)
    return _are_two_organs(left, right, wanted)


def adds_to_organ(
    operator: Operator, left: Operand, right: Operand, query: Query, nomenclature: Nomenclature
) -> bool:
    """``Prostate+SV``, ``Heart and pulmonary artery``; a left and a right of one organ are a pair."""
    if operator.text == "+":
        sorts, known = {left.sort, right.sort}, {*ORGANS, Sort.UNLISTED, Sort.AMBIGUOUS}
        return sorts <= known and not sorts.isdisjoint(ORGANS) and left.structure != right.structure
    return _are_two_organs(left, right, (*ORGANS, Sort.UNLISTED)) and bool(left.structure or right.structure)


def never(
    operator: Operator, left: Operand, right: Operand, query: Query, nomenclature: Nomenclature
) -> bool:
    """``Heart/pericardium``: two names with a slash may be two names for one thing."""
    return False


def overlaps_organ(
    operator: Operator, left: Operand, right: Operand, query: Query, nomenclature: Nomenclature
) -> bool:
    """``Rectum∩Bladder``; words say where something lies: ``lesion in liver``."""
    return not operator.is_word and _are_two_organs(left, right, ORGANS)


WITH_TARGETS: dict[str, Combines] = {
    "minus": takes_from_target,
    "union": adds_to_target,
    "inside": lies_in_target,
    "either": alternates_target,
}
"""What an operator has to stand between where the name holds a target type."""

WITHOUT_TARGETS: dict[str, Combines] = {
    "minus": takes_from_organ,
    "union": adds_to_organ,
    "inside": overlaps_organ,
    "either": never,
}
"""What it has to stand between in any other name."""


def _are_two_organs(left: Operand, right: Operand, wanted: Sequence[Sort]) -> bool:
    return left.sort in wanted and right.sort in wanted and left.structure != right.structure


def _is_target_and_organ(left: Operand, right: Operand, query: Query, nomenclature: Nomenclature) -> bool:
    if left.sort is right.sort is Sort.TARGET:
        return True
    others = [term for term in (left, right) if term.sort is not Sort.TARGET]
    return len(others) == 1 and (others[0].sort is Sort.BODY or _is_no_target(others[0], query, nomenclature))


def _is_no_target(term: Operand, query: Query, nomenclature: Nomenclature) -> bool:
    """Tell whether a term is an organ that is seldom treated, at this site at least."""
    if term.sort not in ORGANS:
        return False
    anatomy = nomenclature.anatomy
    entry = nomenclature.entries.get(term.structure)
    if entry is not None and entry.plural_of:
        return entry.plural_of not in anatomy.drawn_as_targets and not term.structure.startswith("LN")
    if term.structure in anatomy.beside_targets_at.get(query.site, ()):
        return True
    treated = (anatomy.drawn_as_targets, anatomy.often_treated, anatomy.treated_most)
    return not any(term.structure in structures for structures in treated)


def difference_from_body(tokens: Sequence[Token], query: Query, nomenclature: Nomenclature) -> bool:
    """Tell whether a name is the body minus anything: in ``BODY-FEM_L`` nobody means the shaft of the femur."""
    if (
        len(tokens) < _SHORTEST_DIFFERENCE
        or tokens[1].text != "-"
        or not _is_body(tokens[0], query, nomenclature)
    ):
        return False
    return not all(token.text in nomenclature.lexicon.sides for token in tokens[2:])


def _is_body(token: Token, query: Query, nomenclature: Nomenclature) -> bool:
    reading = read_words(((token,),), query, nomenclature)
    return reading.finding is Finding.FOUND and reading.structure == "Body"


def _is_body_and_more(tokens: Sequence[Token], query: Query, nomenclature: Nomenclature) -> bool:
    """``BODY_LUNG_L``, ``body_ptv1``, ``Body_54_60``, ``Body_3mm``: the body, and what was taken off it or put beside it."""
    if len(tokens) < 2 or not all(t.is_word or t.is_number for t in tokens):
        return False
    if not _is_body(tokens[0], query, nomenclature):
        return False
    more = operand_of(tuple(tokens[1:]), True, query, nomenclature)
    if more.sort is Sort.NUMBER:
        numbers = [float(t.text) for t in tokens[1:] if t.is_number]
        return len(numbers) >= _MANY_NUMBERS or numbers[0] >= _LEAST_DOSE
    if more.sort is Sort.OF_TARGET:
        return not any(t.text in nomenclature.lexicon.sides for t in tokens[1:])
    return more.sort in (Sort.LENGTH, Sort.TARGET, *ORGANS)


def _is_organ_beside_target(tokens: Sequence[Token], query: Query, nomenclature: Nomenclature) -> bool:
    """``SpinalCord_PTV``: an organ that is never treated before a target without number or dose is their overlap."""
    if len(tokens) < 2 or tokens[-1].text != "ptv" or not all(t.is_word for t in tokens):
        return False
    organ = operand_of(tuple(tokens[:-1]), True, query, nomenclature)
    return organ.sort is Sort.ORGAN and organ.structure in nomenclature.anatomy.never_treated
