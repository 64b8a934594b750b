"""Organs at risk beside a target: a name of both is more often their overlap, or one without the other, than a target.

``Bladder_PTV`` and ``PTV cord`` are what the two share, ``Lungs_PTV`` may be the lungs without the target; ``PTV PB`` may
be the prostate bed as well as the penile bulb. Such names are left to a person.
"""

from __future__ import annotations

from tg263_scp.naming.organs.reading import OrganReading
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.slots import Slots

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


def organ_at_risk(found: OrganReading, slots: Slots, query: Query, nomenclature: Nomenclature) -> str:
    """Say why the structure is more likely an organ beside the target than what is treated; empty where it is not."""
    organ = _one_of(found.structure, nomenclature)
    treated = organ in DRAWN_AS_TARGETS or organ.startswith(("LN", "VB", "Lung_"))
    if organ.startswith(("A_", "V_")) and organ != "V_Portal":
        return "a vessel is seldom treated"
    if organ in _AVOIDED or query.site in _AVOIDED_AT.get(organ, ()):
        return "more often the overlap with an organ at risk than a target"
    if slots.words_first and (organ == "Lung" or f"{found.structure}-{slots.type}" in nomenclature.entries):
        return "perhaps the organ without the target"
    if slots.words_first and not treated and not (slots.number and slots.dose):
        return "an organ named before the target: perhaps their overlap"
    if not treated and _may_be_abbreviation(slots):
        return "an abbreviation that may mean something else in a target"
    return ""


def _one_of(structure: str, nomenclature: Nomenclature) -> str:
    """Return the organ without its side and in the singular: ``Eye`` for ``Eyes`` and ``Eye_L``."""
    entry = nomenclature.entries.get(structure)
    structure = entry.plural_of if entry and entry.plural_of else structure
    organ, _, side = structure.rpartition("_")
    return organ if side in ("L", "R") and organ in nomenclature.stems else structure


def _may_be_abbreviation(slots: Slots) -> bool:
    """Tell whether the structure is one word of two or three Latin letters: ``PB``, ``BP``."""
    words = [token.text for token in slots.words]
    return len(words) == 1 and len(words[0]) <= _SHORT and words[0].isascii()
