"""A closed question as a language model gets it: messages and the JSON schema of the only answers there are.

The texts come from ``prompts/``: one prompt for each kind of question, and passages about TG-263 of which only those go
along that speak of something offered. Names and choices are written as JSON strings, so that nothing a planner typed can
pass for anything but data. Every sample has the choices in another order, the same for the same question and sample, so
that a preference for the first or the last place shows up as disagreement.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tg263_scp.naming.llm.questions import NONE, STRUCTURE, Option, Question

_MOST_PASSAGES = 3


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: what the user message holds, and the right answer."""

    words: str
    choices: Mapping[str, Mapping[str, str]]
    answer: Mapping[str, str]
    type: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt file: what the model is told for one kind of question (``asks``)."""

    id: str
    version: str
    purpose: str
    asks: str
    system: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """One thought of TG-263 in our words; sent where ``least`` of ``about`` are offered, always without any."""

    id: str
    version: str
    purpose: str
    asks: frozenset[str]
    about: frozenset[str]
    least: int
    text: str

    def matters(self, question: Question) -> bool:
        """Tell whether this passage is about something that the question offers."""
        if question.kind not in self.asks:
            return False
        offered = sum(option.id in self.about or option.category in self.about for option in question.options)
        return not self.about or offered >= self.least


@dataclass(frozen=True, slots=True)
class PromptBook:
    """All prompts and passages; ``digest`` is the SHA-256 over their files."""

    prompts: Mapping[str, Prompt]
    passages: tuple[Passage, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Assembled:
    """What is sent for one sample: pairs of role and content, and which texts they were made of (as ``id/version``).

    Everything but the last message is the same for all questions of a kind, so that a server can keep it prepared.
    """

    messages: tuple[tuple[str, str], ...]
    schema: Mapping[str, Any]
    prompt: str
    passages: tuple[str, ...]


def assemble(question: Question, book: PromptBook, sample: int = 0) -> Assembled:
    """Return the messages and the schema for one sample (counted from 0) of a question."""
    prompt = book.prompts[question.kind]
    passages = [passage for passage in book.passages if passage.matters(question)][:_MOST_PASSAGES]
    slots = {name: _shuffled(options, question, sample) for name, options in question.slots}
    messages = [("system", prompt.system)]
    for example in prompt.examples:
        messages.append(("user", _data(example.words, example.choices, {"type": example.type})))
        messages.append(("assistant", _compact(example.answer)))
    choices = {name: {option.id: option.meaning for option in options} for name, options in slots.items()}
    context = {
        "type": question.type,
        "roi_type": question.interpreted_type,
        "site": question.site.replace("_", " "),
        "rules": [passage.text for passage in passages],
    }
    messages.append(("user", _data(question.words, choices, context)))
    return Assembled(
        tuple(messages),
        schema_of({name: [option.id for option in options] for name, options in slots.items()}),
        f"{prompt.id}/{prompt.version}",
        tuple(f"{passage.id}/{passage.version}" for passage in passages),
    )


def schema_of(slots: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the JSON schema of the only answers there are: each slot one of its ids, or ``none``."""
    return {
        "type": "object",
        "properties": {name: {"type": "string", "enum": [*ids, NONE]} for name, ids in slots.items()},
        "required": list(slots),
        "additionalProperties": False,
    }


def _data(words: str, choices: Mapping[str, Mapping[str, str]], context: Mapping[str, Any]) -> str:
    alone = choices[STRUCTURE] if list(choices) == [STRUCTURE] else choices
    told = {key: value for key, value in context.items() if value}
    rules = {"rules": told.pop("rules")} if "rules" in told else {}
    return _compact({**rules, "choices": alone, **told, "words": words})


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _shuffled(options: Sequence[Option], question: Question, sample: int) -> list[Option]:
    """Return the options in an order that looks random and is the same for the same question and sample."""

    def place(option: Option) -> bytes:
        return hashlib.sha256(f"{question.key}:{sample}:{option.id}".encode()).digest()

    return sorted(options, key=place)
