"""The listed form of a structure that side words ask for, and margin and partial mark put on it, in the order of the standard.

Where there is none, the reason says why.
"""

from __future__ import annotations

from dataclasses import replace

from tg263_scp.decision import Reason
from tg263_scp.naming.organs.parts import Parts
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.nomenclature import Nomenclature

FORM_NOTES = {
    Reason.SIDE_MISSING: "the list has it only with a side, and none is given",
    Reason.SIDE_NOT_LISTED: "the list does not have it with the side that is given",
    Reason.PAIR_NOT_LISTED: "the list has no name for both together",
    Reason.MARGIN_UNSAID: "a length without the word PRV: a margin, a rind or a part of it",
    Reason.TOO_LONG: "16 characters cannot hold side, margin and structure",
    Reason.NO_STANDARD_NAME: "side, margin or part cannot be put on this name of the list",
}
"""Why a structure that was read has no name in the form that was said; the structure is named behind it."""


def gathered_forms(means: str, parts: Parts, nomenclature: Nomenclature) -> tuple[str, str] | Reason:
    """Return the listed form as :func:`_forms` does; ``Kidney total`` are both kidneys, ``Liver total`` is the liver."""
    if not parts.sides and not nomenclature.lexicon.usage.gathering_words.isdisjoint(parts.idle):
        forms = _forms(means, replace(parts, both=True), nomenclature)
        if not isinstance(forms, Reason):
            return forms
        if _merges(means, parts, nomenclature):
            return forms
    return _forms(means, parts, nomenclature)


def _merges(means: str, parts: Parts, nomenclature: Nomenclature) -> bool:
    """``Larynx combined`` are several volumes drawn into one, ``Kidneys combined`` the kidneys."""
    entry = nomenclature.entries.get(means)
    several = entry is not None and entry.plural_of
    return not several and not nomenclature.lexicon.usage.merging_words.isdisjoint(parts.idle)


def _forms(means: str, parts: Parts, nomenclature: Nomenclature) -> tuple[str, str] | Reason:
    """Return stem and side token of the listed form that side words ask for, or why the list has none."""
    entry = nomenclature.entries.get(means)
    stem = nomenclature.stems.get(means)
    if stem is None:
        base, _, own_side = means.rpartition("_")
        if parts.both:
            return Reason.PAIR_NOT_LISTED
        return (base, own_side) if parts.sides <= {own_side} else Reason.SIDE_NOT_LISTED
    if parts.sides and entry is not None and entry.plural_of and means.startswith("LN_"):
        means, stem = (
            entry.plural_of,
            nomenclature.stems[entry.plural_of],
        )  # 'left pelvic nodes' are one side's
    if parts.sides:
        if parts.both:
            return Reason.NO_STANDARD_NAME
        if not stem.paired and means not in nomenclature.anatomy.sided_too:
            return Reason.SIDE_NOT_LISTED
        return means, next(iter(parts.sides))
    if parts.both:
        if stem.plural:
            return stem.plural, ""
        gathers = (
            stem.paired or (entry is not None and entry.plural_of) or f"{means}_" in nomenclature.gathering
        )
        return (means, "") if stem.bare and gathers else Reason.PAIR_NOT_LISTED
    if stem.bare:
        return means, ""
    return Reason.SIDE_MISSING if stem.paired else Reason.NO_STANDARD_NAME


def dressed(form: tuple[str, str], parts: Parts, nomenclature: Nomenclature) -> str | Reason:
    """Return a listed form with margin and partial mark put on, or why it cannot have them."""
    stem, side = form
    spatial = (side,) if side else ()
    if parts.margin is None:
        return _spelt(grammar.OrganName(stem, parts.partial, None, spatial), nomenclature)
    if stem == "Bolus" and parts.margin.mm is not None and not parts.margin.named:
        return f"Bolus_{parts.margin.mm:02d}mm"
    never = not parts.margin.named and stem in nomenclature.anatomy.never_grown
    if never or (parts.margin.bare and parts.margin.too_long):
        return Reason.MARGIN_UNSAID  # 'Skin 5mm' is a rind, 'SV 1cm' the first centimetre
    spelt: str | Reason = Reason.TOO_LONG
    for digits in parts.margin.digits:
        spelt = _spelt(grammar.OrganName(stem, parts.partial, digits, spatial), nomenclature)
        if not isinstance(spelt, Reason):
            break
    return spelt


def _spelt(name: grammar.OrganName, nomenclature: Nomenclature) -> str | Reason:
    too_long = len(grammar.render(name)) > grammar.MAX_LENGTH
    return grammar.spell(name, nomenclature) or (Reason.TOO_LONG if too_long else Reason.NO_STANDARD_NAME)
