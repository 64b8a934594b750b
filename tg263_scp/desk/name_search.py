"""TG-263 names found by a few letters, and whether a text is one: the list and what its grammar builds."""

from __future__ import annotations

from dataclasses import dataclass

from tg263_scp.naming.standard.grammar import parse
from tg263_scp.naming.standard.nomenclature import Entry, Nomenclature, relaxed


@dataclass(frozen=True, slots=True)
class FoundName:
    """A TG-263 name; ``entry`` is its entry of the list, or the pattern that it fills, None for one of the grammar alone."""

    name: str
    listed: bool
    entry: Entry | None


def is_standard(name: str, nomenclature: Nomenclature) -> bool:
    """Tell whether a person may give a name: one of the list, or one that its grammar builds."""
    return parse(name, nomenclature) is not None


def found_names(query: str, nomenclature: Nomenclature) -> list[FoundName]:
    """Return the names that a text finds, best first: what begins with it, then what holds it, then meanings that do.

    A text that is itself a name of the grammar comes first, although no list can hold all of them.
    """
    wanted = relaxed(query.strip())
    ranked = sorted(
        (rank, len(entry.name), entry.name, entry)
        for entry in nomenclature.entries.values()
        if (rank := _rank(wanted, query.strip().casefold(), entry)) is not None
    )
    listed = [FoundName(name, True, entry) for _, _, name, entry in ranked]
    exact = query.strip()
    if exact and exact not in nomenclature.entries and is_standard(exact, nomenclature):
        return [FoundName(exact, False, nomenclature.pattern_for(exact)), *listed]
    return listed


def _rank(wanted: str, text: str, entry: Entry) -> int | None:
    name = relaxed(entry.name)
    if not wanted or name == wanted:
        return 0
    if name.startswith(wanted):
        return 1
    if wanted in name or any(wanted in relaxed(each) for each in entry.accepts):
        return 2
    return 3 if text in entry.meaning.casefold() else None
