"""Organs at risk beside a target: a name of both is more often their overlap, or one without the other, than a target.

``Bladder_PTV`` and ``PTV cord`` are what the two share, ``Lungs_PTV`` may be the lungs without the target; ``PTV PB`` may
be the prostate bed as well as the penile bulb. Such names are left for review.
"""

from __future__ import annotations

from collections.abc import Callable

from tg263_scp.naming.targets.doubts import Doubt
from tg263_scp.naming.targets.placing import Placing

_SHORT = 3
"""Letters up to which a word may be an abbreviation of several things."""


def is_vessel(placing: Placing) -> bool:
    """``PTV aorta``; the portal vein is treated for its thrombosis."""
    organ, anatomy = _organ(placing), placing.nomenclature.anatomy
    return organ in anatomy.vessels and organ not in anatomy.treated_vessels


def may_be_overlap(placing: Placing) -> bool:
    """``PTV cord``."""
    organ, anatomy = _organ(placing), placing.nomenclature.anatomy
    return organ in anatomy.beside_targets or organ in anatomy.beside_targets_at.get(placing.query.site, ())


def may_be_without_target(placing: Placing) -> bool:
    """``Lungs_PTV`` may be ``Lungs-PTV``."""
    difference = f"{placing.structure}-{placing.slots.type}"
    listed = _organ(placing) == "Lung" or difference in placing.nomenclature.entries
    return placing.slots.words_first and listed


def stands_before_target(placing: Placing) -> bool:
    """``Larynx PTV``; an index and a dose, as in ``larynx ptv 1 (54 gy)``, make it a target."""
    counted = bool(placing.slots.number and placing.slots.dose)
    return placing.slots.words_first and not _is_treated(placing) and not counted


def may_be_abbreviation(placing: Placing) -> bool:
    """``PTV PB``: one word of two or three Latin letters."""
    words = [token.text for token in placing.slots.words]
    short = len(words) == 1 and len(words[0]) <= _SHORT and words[0].isascii()
    return short and not _is_treated(placing)


DOUBTS_OF_ORGANS: tuple[tuple[Callable[[Placing], bool], Doubt], ...] = (
    (is_vessel, Doubt.VESSEL),
    (may_be_overlap, Doubt.ORGAN_AT_RISK),
    (may_be_without_target, Doubt.ORGAN_WITHOUT_TARGET),
    (stands_before_target, Doubt.ORGAN_BEFORE_TARGET),
    (may_be_abbreviation, Doubt.ABBREVIATION),
)
"""Why the structure is more likely an organ beside the target than what is treated, in the order it is asked."""


def _is_treated(placing: Placing) -> bool:
    organ, anatomy = _organ(placing), placing.nomenclature.anatomy
    return organ in anatomy.drawn_as_targets or organ in anatomy.often_treated


def _organ(placing: Placing) -> str:
    """Return the organ without its side and in the singular: ``Eye`` for ``Eyes`` and ``Eye_L``."""
    nomenclature, structure = placing.nomenclature, placing.structure
    entry = nomenclature.entries.get(structure)
    structure = entry.plural_of if entry and entry.plural_of else structure
    organ, _, side = structure.rpartition("_")
    return organ if side in ("L", "R") and organ in nomenclature.stems else structure
