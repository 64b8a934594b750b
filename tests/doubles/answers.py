"""Answers of a language model that the test decides, and what was counted of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tg263_scp.service.llm.consultant import Consultant


def always(structure: str) -> Callable[[dict[str, Any]], dict[str, str]]:
    """Answer one structure wherever it is offered, and none in every other slot."""

    def answer(request: dict[str, Any]) -> dict[str, str]:
        slots = request["format"]["properties"]
        return {slot: structure if structure in slots[slot]["enum"] else "none" for slot in slots}

    return answer


def figure(consultant: Consultant, name: str) -> float | None:
    """Return what the metrics page shows as ``tg263_model_<name>``."""
    return consultant.figures.registry.get_sample_value(f"tg263_model_{name}")
