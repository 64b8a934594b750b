"""Answers of a language model that the test decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def always(structure: str) -> Callable[[dict[str, Any]], dict[str, str]]:
    """Answer one structure wherever it is offered, and none in every other slot."""

    def answer(request: dict[str, Any]) -> dict[str, str]:
        slots = request["format"]["properties"]
        return {slot: structure if structure in slots[slot]["enum"] else "none" for slot in slots}

    return answer
