"""A sign in a target name: a separator, or something that leaves the name for review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tg263_scp.naming.organs.parts import SEPARATORS, is_mark
from tg263_scp.naming.words.letters import Token

_LEAST_DOSE_GY = 20
"""Number behind a minus from which it is a dose: ``N3-57.5`` is an index and a dose, ``40-56`` a range."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of a target name at its place."""

    tokens: Sequence[Token]
    at: int

    @property
    def text(self) -> str:
        """The sign itself."""
        return self.tokens[self.at].text


def has_no_slot(sign: Sign) -> bool:
    """``PTV+GTV``, ``PTV?``."""
    return sign.text not in SEPARATORS


def may_tell_versions_apart(sign: Sign) -> bool:
    """``PTV 54*``."""
    return is_mark(sign.tokens, sign.at)


def combines_numbers(sign: Sign) -> bool:
    """``40-56`` is a range, a difference or two levels; ``N3-57.5`` an index and a dose."""
    around = sign.tokens[max(0, sign.at - 1) : sign.at + 2]
    if sign.text not in "-/" or len(around) < 3 or not (around[0].is_number and around[2].is_number):
        return False
    return not (len(around[0].text) == 1 and float(around[2].text) >= _LEAST_DOSE_GY)


def takes_something_off(sign: Sign) -> bool:
    """``PTV -5`` and ``PTV-``: a minus that begins a number or ends the name."""
    if sign.text != "-" or sign.at == len(sign.tokens) - 1:
        return sign.text == "-"
    following = sign.tokens[sign.at + 1]
    return following.is_number and following.joined and not sign.tokens[sign.at].joined
