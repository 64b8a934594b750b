"""Characters that hide something from who reads a text: what a terminal obeys, or shows as nothing or in another order."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def replaced(text: str, written: Callable[[str], str]) -> str:
    """Return a text with each control, format and unassigned character, line ends too, as ``written`` gives it."""
    if text.isprintable():  # no character of these categories is
        return text
    return "".join(written(char) if unicodedata.category(char) in _HIDDEN else char for char in text)


def visible_json(text: str) -> str:
    """Write as ``\\u....`` what hides in a JSON text; it says the same as before.

    >>> visible_json('"Lung\\u202e_L"')
    '"Lung\\\\u202e_L"'
    """
    return "\n".join(replaced(line, _json_escape) for line in text.split("\n"))


def _json_escape(char: str) -> str:
    return json.dumps(char)[1:-1]
