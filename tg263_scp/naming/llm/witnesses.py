"""Who besides the model says so: the independent witnesses of a side, and of a name that is doubtful in itself.

A model's reading adds a side that no rule sees in a name only where one of these agrees:

* the *mirror name*: the set holds the same name with the opposite side letter (``LLACR`` beside ``RLACR``);
* the *notation*: at least two names of the set that the rules decided say the same side by the same piece at the same end;
* the *contours*: the ROI lies unmistakably on that side of the body;
* the *partner*: the rules named the other side of the very structure, and this side is missing in the set. It alone also tells
  which structure an ambiguous word means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tg263_scp.decision import Decision, RoiPlace, Status
from tg263_scp.naming.llm.readings import Reading, Role
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.letters import fold

_OPPOSITE = {"l": "r", "r": "l"}
_LEAST_ALIKE = 2
"""Decided names from which a piece is the notation of a set."""


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What a structure set can testify: its names, how its decided names say their sides, the sides of structures it holds."""

    names: frozenset[str] = frozenset()
    notation: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """piece, end (``first`` or ``last``) and the side it says, counted over the decided names"""
    held: frozenset[tuple[str, str]] = frozenset()
    """structure and side"""
    place_of: Callable[[int], RoiPlace | None] = lambda _: None

    def of_side(self, at: int, written: str, structure: str, reading: Reading) -> str:
        """Return who besides the model says the side of a reading of the ROI at an index; empty where nobody does."""
        side = reading.side
        if side not in ("L", "R"):
            return ""
        (piece,) = set(map(fold, reading.spans(Role.LEFT, Role.RIGHT))) or {""}
        if self._is_mirrored(written, piece):
            return "the mirror name"
        if any(self.notation[piece, end, side] >= _LEAST_ALIKE for end in _ends(fold(written), piece)):
            return "the notation of the set"
        place = self.place_of(at)
        if place is not None and place.side == side:
            return "the contours"
        return self.of_partner(structure, side)

    def of_partner(self, structure: str, side: str) -> str:
        """Say that the set holds the other side of a structure, and not this one."""
        other = _OPPOSITE.get(side.casefold(), "").upper()
        lone = (structure, other) in self.held and (structure, side) not in self.held
        return "its partner in the set" if lone else ""

    def _is_mirrored(self, written: str, piece: str) -> bool:
        other = _OPPOSITE.get(piece)
        if other is None:
            return False
        name = fold(written)
        mirrored = {"first": f"{other}{name[1:]}", "last": f"{name[:-1]}{other}"}
        return any(mirrored[end] in self.names for end in _ends(name, piece))


def _ends(name: str, piece: str) -> tuple[str, ...]:
    ends = (("first", name.startswith(piece)), ("last", name.endswith(piece)))
    return tuple(end for end, is_there in ends if piece and is_there)


def witnesses_of(
    decisions: Sequence[Decision],
    nomenclature: Nomenclature,
    place_of: Callable[[int], RoiPlace | None] | None = None,
) -> Witnesses:
    """Return the witnesses that a set has, from what the rules decided about it."""
    notation: Counter[tuple[str, str, str]] = Counter()
    held = set()
    for decision in decisions:
        structure, side = grammar.side_of_pair(decision.name, nomenclature)
        if not side or decision.status is Status.REVIEW:
            continue
        held.add((structure, side))
        name = fold(decision.original)
        for piece in {name[:1], name[-1:], *(_word(name, 0), _word(name, -1))}:
            for end in _ends(name, piece):
                notation[piece, end, side] += 1
    names = frozenset(fold(decision.original) for decision in decisions)
    both = {(piece, end) for piece, end, side in notation if (piece, end, _other(side)) in notation}
    told = Counter({key: count for key, count in notation.items() if key[:2] not in both})
    return Witnesses(names, told, frozenset(held), place_of or (lambda _: None))


def _other(side: str) -> str:
    return _OPPOSITE[side.casefold()].upper()


def _word(name: str, at: int) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in name).split()
    return words[at] if words else ""
