"""Organs at risk beside a target: a name of both is more often their overlap, or one without the other, than a target.

``Bladder_PTV`` and ``PTV cord`` are what the two share, ``Lungs_PTV`` may be the lungs without the target; ``PTV PB`` may
be the prostate bed as well as the penile bulb. Such names are left for review.
"""

from __future__ import annotations

from collections.abc import Callable

from tg263_scp.naming.targets.doubts import Doubt
from tg263_scp.naming.targets.placing import Placing

DRAWN_AS_TARGETS = frozenset(
    (
        "Prostate ProstateBed TumorBed SurgicalBed SeminalVes Breast Chestwall Tonsil Tongue Tongue_Base Cervix Uterus"
        " Vagina Parametrium LN_Pelvics LN_IMN"
    ).split()
)
"""Structures that ``CTV-SV`` names as the target's own; any other behind a minus may be what was cut off."""
_AVOIDED = frozenset(
    (
        "External Body Skin SpinalCord SpinalCanal Brainstem OpticChiasm OpticNrv Lens Eye Cochlea Heart Bowel"
        " Bowel_Small Bowel_Large Bag_Bowel Ventricle Atrium Musc_Temporal PenileBulb BrachialPlex Hippocampus Retina"
        " CaudaEquina GreatVes Femur_Head Glnd_Lacrimal SacralPlex LumbSacPlex Joint_TM Cornea"
    ).split()
)
"""Organs at risk that stand beside a target's name when the two overlap, wherever they are named."""
_AVOIDED_AT = {"Bladder": ("prostate",), "Rectum": ("prostate",)}
"""Organs that do so at these sites; elsewhere they are treated."""
_SHORT = 3
"""Letters up to which a word may be an abbreviation of several things."""


def is_vessel(placing: Placing) -> bool:
    """``PTV aorta``; the portal vein is treated for its thrombosis."""
    organ = _organ(placing)
    return organ.startswith(("A_", "V_")) and organ != "V_Portal"


def may_be_overlap(placing: Placing) -> bool:
    """``PTV cord``."""
    organ = _organ(placing)
    return organ in _AVOIDED or placing.query.site in _AVOIDED_AT.get(organ, ())


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
    organ = _organ(placing)
    return organ in DRAWN_AS_TARGETS or organ.startswith(("LN", "VB", "Lung_"))


def _organ(placing: Placing) -> str:
    """Return the organ without its side and in the singular: ``Eye`` for ``Eyes`` and ``Eye_L``."""
    nomenclature, structure = placing.nomenclature, placing.structure
    entry = nomenclature.entries.get(structure)
    structure = entry.plural_of if entry and entry.plural_of else structure
    organ, _, side = structure.rpartition("_")
    return organ if side in ("L", "R") and organ in nomenclature.stems else structure
