"""What a language model says of an open name: a *reading*, never a name.

A reading gives a role to pieces of the name as it is written. The rules check it: each piece has to stand in the name, the
structure has to be one that was offered, and what stands in the name without a role counts as not understood. The standard
name is then composed by the same code as everywhere.

The answer of a model about a set is one JSON object with a reading for each open name. Whatever is wrong with one reading
makes that one *unknown*; the other names keep theirs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tg263_scp.naming.words.letters import Token, fold, tokenise

NONE = "none"
"""What a model answers where nothing offered fits."""


class Meant(StrEnum):
    """What an open name is, as a model reads it."""

    STRUCTURE = "structure"
    TARGET = "target"
    HELPER = "helper"
    UNLISTED = "unlisted"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """What a piece of a name says."""

    STRUCTURE = "structure"
    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"
    PRV = "prv"
    MARGIN = "margin"
    LEVEL = "level"
    PART = "part"
    PERSON = "person"
    VERSION = "version"
    PLANNING = "planning"
    TARGET = "target"
    UNKNOWN = "unknown"


SIDES = {Role.LEFT: "L", Role.RIGHT: "R", Role.BOTH: "both"}
_CARRIED = frozenset({Role.STRUCTURE, Role.LEFT, Role.RIGHT, Role.BOTH, Role.PRV, Role.MARGIN, Role.TARGET})
"""Roles whose pieces the standard name says too; any other piece would be left out of it."""
_MOST_PIECES = 12


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading: what the name is, which offered structure (or ``none``), and the pieces with their roles."""

    meant: Meant = Meant.UNKNOWN
    structure: str = NONE
    pieces: tuple[tuple[Role, str], ...] = ()

    @property
    def answer(self) -> tuple[tuple[str, str], ...]:
        """The reading as pairs of text, as decisions and audit lines keep it; equal readings have equal pairs."""
        first = (("meant", self.meant.value), ("structure", self.structure))
        return (*first, *sorted((role.value, fold(text)) for role, text in self.pieces))

    @property
    def names_a_structure(self) -> bool:
        """Whether anything may become of it: a structure was chosen."""
        return self.structure != NONE

    @property
    def side(self) -> str:
        """``L``, ``R`` or ``both`` where exactly one side was read, else empty."""
        found = {SIDES[role] for role, _ in self.pieces if role in SIDES}
        return found.pop() if len(found) == 1 else ""

    def spans(self, *roles: Role) -> tuple[str, ...]:
        """The pieces that have one of these roles."""
        return tuple(text for role, text in self.pieces if role in roles)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The pieces that a standard name composed of this reading would not say."""
        return tuple(text for role, text in self.pieces if role not in _CARRIED)


UNREAD = Reading()


def reading_of(answer: Sequence[tuple[str, str]]) -> Reading:
    """Return the reading that pairs of text stand for (see :attr:`Reading.answer`)."""
    pairs = dict(answer[:2])
    pieces = tuple((Role(role), text) for role, text in answer[2:])
    return Reading(Meant(pairs["meant"]), pairs["structure"], pieces)


def packed(answer: Sequence[tuple[str, str]], written: str) -> tuple[tuple[str, str], ...]:
    """Return a reading with the places of its pieces in the name instead of the pieces, to keep it without the name."""
    name = fold(written)
    places = [(role, f"{(at := max(0, _whole(text, name)))}:{at + len(text)}") for role, text in answer[2:]]
    return (*answer[:2], *places)


def unpacked(answer: Sequence[tuple[str, str]], written: str) -> tuple[tuple[str, str], ...]:
    """Return what :func:`packed` packed.

    Raises:
        ValueError: the places are none.
    """
    name = fold(written)
    places = [(role, tuple(map(int, place.split(":")))) for role, place in answer[2:]]
    return (*answer[:2], *((role, name[start:end]) for role, (start, end) in places))


def schema_of(offered: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the JSON schema of the only answers there are: a reading for each name, of the structures offered for it."""
    piece = {
        "type": "object",
        "properties": {
            "text": {"type": "string", "maxLength": 64},
            "role": {"type": "string", "enum": [role.value for role in Role]},
        },
        "required": ["text", "role"],
        "additionalProperties": False,
    }

    def form(ids: Sequence[str]) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                "pieces": {"type": "array", "items": piece, "maxItems": _MOST_PIECES},
                "meant": {"type": "string", "enum": [meant.value for meant in Meant]},
                "structure": {"type": "string", "enum": [*ids, NONE]},
            },
            "required": ["pieces", "meant", "structure"],
            "additionalProperties": False,
        }

    return {
        "type": "object",
        "properties": {name: form(ids) for name, ids in offered.items()},
        "required": list(offered),
        "additionalProperties": False,
    }


def readings_in(text: str, asked: Mapping[str, tuple[str, Sequence[str]]]) -> dict[str, Reading]:
    """Return the readings in the text of an answer, by the ids of ``asked`` (id to name as written and offered ids).

    A name without a usable reading is :data:`UNREAD`; readings of names that were not asked about are ignored.

    Raises:
        ValueError: the text is no JSON object, or says something twice.
    """
    said = json.loads(text, object_pairs_hook=_each_once)
    if not isinstance(said, dict):
        raise ValueError("no JSON object")
    return {id_: _reading(said.get(id_), *asked[id_]) for id_ in asked}


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _reading(said: Any, written: str, offered: Sequence[str]) -> Reading:
    try:
        if set(said) != {"pieces", "meant", "structure"} or said["structure"] not in (*offered, NONE):
            return UNREAD
        pieces = [(Role(piece["role"]), str(piece["text"])) for piece in said["pieces"]]
        meant = Meant(said["meant"])
    except (TypeError, KeyError, ValueError):
        return UNREAD
    rest = _rest(written, [text for _, text in pieces])
    if rest is None or len(pieces) > _MOST_PIECES:
        return UNREAD
    structure = said["structure"] if meant in (Meant.STRUCTURE, Meant.TARGET) else NONE
    return Reading(meant, structure, (*pieces, *((Role.UNKNOWN, text) for text in rest)))


def _rest(written: str, pieces: Sequence[str]) -> tuple[str, ...] | None:
    """Return what of a name has no role: letters and digits outside the pieces; None where a piece does not stand in it."""
    left = fold(written)
    for piece in sorted(map(fold, pieces), key=len, reverse=True):
        at = _whole(piece, left)
        if not piece.strip() or at < 0:
            return None
        left = f"{left[:at]}\0{left[at + len(piece) :]}"
    return tuple(
        token.text for part in left.split("\0") for token in tokenise(part) if _says_something(token)
    )


def _whole(piece: str, text: str) -> int:
    """Return where a piece stands in a text, as a word of its own if it can, else inside one; -1 where it does not."""
    at = first = text.find(piece) if piece else -1
    while at >= 0:
        before, behind = text[at - 1 : at], text[at + len(piece) : at + len(piece) + 1]
        if not (before.isalnum() or behind.isalnum()):
            return at
        at = text.find(piece, at + 1)
    return first


def _says_something(token: Token) -> bool:
    return token.text.isalnum()
