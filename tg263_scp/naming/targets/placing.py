"""A structure that was found for a target, with all that is known around it: what doubts about it are asked of."""

from __future__ import annotations

from dataclasses import dataclass

from tg263_scp.naming.organs.reading import OrganReading
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.slots import Slots


@dataclass(frozen=True, slots=True)
class Placing:
    """What the words of a target were read as, with all that is known around them."""

    found: OrganReading
    slots: Slots
    query: Query
    nomenclature: Nomenclature

    @property
    def structure(self) -> str:
        """The listed name, without its side."""
        return self.found.structure

    @property
    def languages(self) -> frozenset[str]:
        """The languages of the words."""
        return frozenset(phrase.language for phrase in self.found.phrases)
