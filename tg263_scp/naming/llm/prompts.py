"""The question about a set as a language model gets it: messages and the JSON schema of the only answers there are.

The texts come from ``prompts/``: the prompt, and passages about TG-263 of which only those go along that speak of something
offered. Names and choices are written as JSON strings, so that nothing a planner typed can pass for anything but data. Every
sample has the choices in another order, the same for the same question and sample, so that a preference for the first or the
last place shows up as disagreement. Worked examples are drawn from a larger number, other ones for other questions, so that
none can be copied blindly.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tg263_scp.naming.llm.open_names import OpenName, SetQuestion
from tg263_scp.naming.llm.readings import schema_of

_MOST_PASSAGES = 2
_EXAMPLES_SENT = 2


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: one name with its choices (id to meaning), and the right reading of it."""

    written: str
    choices: Mapping[str, str]
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Prompt:
    """The prompt file: what the model is told."""

    id: str
    version: str
    purpose: str
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

    def matters(self, question: SetQuestion) -> bool:
        """Tell whether this passage is about something that is offered for one of the names."""
        return any(self._matters_to(name) for name in question.names)

    def _matters_to(self, name: OpenName) -> bool:
        if name.kind not in self.asks:
            return False
        offered = sum(option.id in self.about or option.category in self.about for option in name.options)
        return not self.about or offered >= self.least


@dataclass(frozen=True, slots=True)
class PromptBook:
    """The prompt and all passages; ``digest`` is the SHA-256 over their files."""

    prompt: Prompt
    passages: tuple[Passage, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Assembled:
    """What is sent for one sample: pairs of role and content, and which texts they were made of (as ``id/version``).

    Everything but the last message is the same for questions with the same examples, so that a server can keep it prepared.
    """

    messages: tuple[tuple[str, str], ...]
    schema: Mapping[str, Any]
    prompt: str
    passages: tuple[str, ...]


def assemble(question: SetQuestion, book: PromptBook, sample: int = 0) -> Assembled:
    """Return the messages and the schema for one sample (counted from 0) of a question."""
    prompt = book.prompt
    passages = [passage for passage in book.passages if passage.matters(question)][:_MOST_PASSAGES]
    key = question.key
    messages = [("system", prompt.system)]
    for example in _drawn(prompt.examples, key):
        messages.append(("user", _example_data(example)))
        messages.append(("assistant", _compact({"n1": example.answer})))
    offered = {id_: _shuffled(ids, f"{key}:{sample}:{id_}") for id_, (_, ids) in question.asked().items()}
    messages.append(("user", _data(question, offered, [passage.text for passage in passages], sample)))
    return Assembled(
        tuple(messages),
        schema_of(offered),
        f"{prompt.id}/{prompt.version}",
        tuple(f"{passage.id}/{passage.version}" for passage in passages),
    )


def _data(
    question: SetQuestion, offered: Mapping[str, Sequence[str]], rules: Sequence[str], sample: int
) -> str:
    meanings = {option.id: option.meaning for name in question.names for option in name.options}
    rows = zip(question.ids, question.names, strict=True)
    alone = len(question.names) == 1  # then every structure is one of its choices
    told = {
        "rules": rules,
        "structures": {id_: meanings[id_] for id_ in _shuffled(tuple(meanings), f"{question.key}:{sample}")},
        "site": question.site.replace("_", " "),
        "languages": question.languages,
        "decided": dict(question.known),
        "names": {id_: _name_data(name, () if alone else offered[id_]) for id_, name in rows},
    }
    return _compact({key: value for key, value in told.items() if value})


def _name_data(name: OpenName, offered: Sequence[str]) -> dict[str, Any]:
    told = {
        "written": name.written,
        "roi_type": name.interpreted_type,
        "place": name.place,
        "choices": offered,
    }
    return {key: value for key, value in told.items() if value}


def _example_data(example: Example) -> str:
    return _compact({"structures": example.choices, "names": {"n1": {"written": example.written}}})


def _drawn(examples: Sequence[Example], key: str) -> list[Example]:
    """Return some examples, chosen by the question."""
    order = sorted(examples, key=lambda example: _drawn_place(f"{key}:{example.written}"))
    return order[:_EXAMPLES_SENT]


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _shuffled(ids: Sequence[str], by: str) -> list[str]:
    """Return ids in an order that looks random and is the same for the same text."""
    return sorted(ids, key=lambda id_: _drawn_place(f"{by}:{id_}"))


def _drawn_place(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
