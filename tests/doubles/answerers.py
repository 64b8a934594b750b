"""Models that are wrong on purpose, and one that is right: each answers requests as a server would, without a server.

They are put through the whole procedure (samples, counter-check, null control), so what they get past it is what a real model
of that habit would.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from doubles.answers import reading
from tg263_scp.naming.llm.choice import LlmView, Readings
from tg263_scp.naming.llm.open_names import SetQuestion
from tg263_scp.naming.llm.prompts import Assembled, PromptBook, assemble
from tg263_scp.service.llm.clients.completions import Completion, LlmFacts
from tg263_scp.service.llm.voting import Procedure, ask_set

FACTS = LlmFacts("double", "answerer", "digest", 0, "", "")
Pick = Callable[[str, str, list[str]], str]
"""Chooses among the ids that are offered for a name (its id, the name as written), or ``none``."""


def habit(id_: str, written: str, offered: list[str]) -> str:
    """Always the first that is offered."""
    return offered[0] if offered else "none"


def injected(id_: str, written: str, offered: list[str]) -> str:
    """Whatever of the offered structures the name itself mentions, else the shortest."""
    mentioned = [each for each in offered if each.casefold() in written.casefold()]
    return next(iter(mentioned or sorted(offered, key=len)), "none")


def at_random(seed: int) -> Pick:
    """Any of them, or none."""
    drawn = random.Random(seed)

    def pick(id_: str, written: str, offered: list[str]) -> str:
        return drawn.choice([*offered, "none"])

    return pick


def consistent(id_: str, written: str, offered: list[str]) -> str:
    """Wrong, but always the same of the same name, and none once that is taken away: only a trial or a witness stops it."""
    every = sorted(offered, key=lambda each: hashlib.sha256(f"{written}:{each}".encode()).digest())
    first = every[0] if every else "none"
    return first if hashlib.sha256(f"{written}:{first}".encode()).digest()[0] < 32 else "none"


def knowing(structures: Mapping[str, str]) -> Pick:
    """The right structure of a name that is known, where it is offered; none of anything else."""

    def pick(id_: str, written: str, offered: list[str]) -> str:
        structure = structures.get(written, "none")
        return structure if structure in offered else "none"

    return pick


def view_of(
    pick: Pick,
    book: PromptBook,
    samples: int = 3,
    read: Callable[[str, str], dict[str, Any]] = reading,
    **settings: Any,
) -> LlmView:
    """Return a model as naming sees it that answers as ``pick`` chooses; ``read`` cuts a name into its pieces."""

    def complete(request: Assembled, seed: int) -> Completion:
        said = json.loads(request.messages[-1][1])
        answer = {}
        for id_, name in said["names"].items():
            offered = list(name.get("choices", said["structures"]))
            answer[id_] = read(name["written"], pick(id_, name["written"], offered))
        return Completion(json.dumps(answer), 1, 1, 0.0)

    procedure = Procedure(lambda question, sample: assemble(question, book, sample), complete, samples)

    def readings_of(question: SetQuestion) -> Readings | None:
        return ask_set(question, FACTS, procedure)

    return LlmView(readings_of, **settings)
