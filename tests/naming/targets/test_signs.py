"""A sign in a target name: each test of what it may be, with the nearest name that it must let pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tg263_scp.naming.targets import signs
from tg263_scp.naming.targets.signs import Sign
from tg263_scp.naming.words.letters import tokenise


def sign_of(name: str) -> Sign:
    """The last sign of a name."""
    tokens = tokenise(name, camel=False)
    at = max(place for place, token in enumerate(tokens) if not (token.is_word or token.is_number))
    return Sign(tokens, at)


@pytest.mark.parametrize(
    ("test", "holds", "holds_not"),
    [
        (signs.has_no_slot, "PTV+GTV", "PTV-GTV"),
        (signs.may_tell_versions_apart, "PTV 54*", "PTV 54)"),
        (signs.combines_numbers, "CTV 40-56", "CTV n3-57.5"),
        (signs.combines_numbers, "CTV 2/3", "CTV 2/x"),
        (signs.takes_something_off, "PTV -5", "PTV-5"),
        (signs.takes_something_off, "PTV-", "PTV-larynx"),
        (signs.takes_something_off, "PTV -5", "PTV (5"),
    ],
)
def test_each_test_holds_for_its_names_only(test: Callable[[Sign], bool], holds: str, holds_not: str) -> None:
    assert test(sign_of(holds))
    assert not test(sign_of(holds_not))
