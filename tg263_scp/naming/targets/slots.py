"""The slots of a target's name, and what is noted while they are filled."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field

from tg263_scp.errors import SourceLine
from tg263_scp.naming.targets.doubts import Doubt
from tg263_scp.naming.words.letters import Token

_SECOND = {
    "classifier": Doubt.SECOND_CLASSIFIER,
    "dose": Doubt.SECOND_DOSE,
    "imaging": Doubt.SECOND_IMAGE_SET,
    "level": Doubt.SECOND_LEVEL,
    "number": Doubt.SECOND_NUMBER,
}
BEDS = frozenset({"ProstateBed", "TumorBed", "SurgicalBed"})
"""Structures that the classifier ``sb`` stands for where another takes their slot, or 16 characters cannot hold them."""
_NEVER_TWICE = frozenset({"dose", "number"})
"""Slots that even the same value fills once only: ``PTV 54 54`` may be a copy."""


@dataclass
class Slots:
    """The slots of a target while they are filled; ``doubt`` says why the name is left for review.

    ``used`` are the words that filled them, as pairs of a section of the language packs and the word there.
    """

    type: str = ""
    segmented: bool = False
    classifier: str = ""
    number: str = ""
    imaging: str = ""
    dose: str = ""
    level: str = ""
    qualifier: str = ""
    sides: list[str] = field(default_factory=list)
    custom: list[str] = field(default_factory=list)
    words: list[Token] = field(default_factory=list)
    nodal: list[Token] = field(default_factory=list)
    letters: set[str] = field(default_factory=set)
    prefixed: bool = False
    words_first: bool = False
    small: bool = False
    place: bool = False
    place_level: bool = False
    station: bool = False
    counted: bool = False
    risk: bool = False
    risk_first: bool = False
    said: list[Token] = field(default_factory=list)
    roman: bool = False
    behind_minus: bool = False
    cut_off: bool = False
    last: str = ""
    used: list[tuple[str, str]] = field(default_factory=list)
    sources: list[SourceLine] = field(default_factory=list)
    doubt: Doubt | None = None

    def copied(self) -> Slots:
        """Return slots filled alike, which may be filled on without these."""
        slots = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, (list, set)):
                setattr(slots, name, value.copy())
        return slots

    def put(self, slot: str, value: str) -> None:
        """Fill a slot that may be filled once."""
        filled = getattr(self, slot)
        if filled and (filled != value or slot in _NEVER_TWICE):
            self.leave(_SECOND[slot])
        setattr(self, slot, value)

    def leave(self, doubt: Doubt | None) -> None:
        """Leave the name for review; the first doubt stands."""
        self.doubt = self.doubt or doubt
