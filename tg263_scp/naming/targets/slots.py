"""The slots of a target's name, and what is noted while they are filled."""

from __future__ import annotations

from dataclasses import dataclass, field

from tg263_scp.naming.words.letters import Token


@dataclass
class Slots:
    """The slots of a target while they are filled; ``problem`` says why the name is declined."""

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
    place_level: bool = False
    station: bool = False
    risk: bool = False
    risk_first: bool = False
    said: list[Token] = field(default_factory=list)
    roman: bool = False
    behind_minus: bool = False
    cut_off: bool = False
    last: str = ""
    problem: str = ""

    def put(self, slot: str, value: str) -> None:
        """Fill a slot that may be filled once."""
        if getattr(self, slot) not in ("", value) or (slot in ("dose", "number") and getattr(self, slot)):
            self.problem = f"more than one {slot}"
        setattr(self, slot, value)
