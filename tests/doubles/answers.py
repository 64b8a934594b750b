"""Answers of a language model that the test decides, and what was counted of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tg263_scp.decision import Choice
from tg263_scp.naming.llm.choice import Readings
from tg263_scp.naming.llm.open_names import SetQuestion
from tg263_scp.service.llm.consultant import Consultant

INVENTED = ("gnarblix", "plukato", "wompulo", "wexumi", "tenobri")
"""Words that no pack knows, and that the models of the tests do."""

Request = dict[str, Any]
Answer = Callable[[Request], dict[str, Any]]


def told(request: Request) -> dict[str, Any]:
    """What the last message of a request says."""
    said = json.loads(request["messages"][-1]["content"])
    assert isinstance(said, dict)
    return said


def names_asked(request: Request) -> dict[str, dict[str, Any]]:
    """The names that a request asks about, by their ids."""
    return dict(told(request)["names"])


def reading(written: str, structure: str, *, meant: str = "", **pieces: str) -> dict[str, Any]:
    """A reading: ``pieces`` by their roles, and what else stands in the name as the structure, or as unknown."""
    rest = [written]
    for piece in pieces.values():
        rest = [part for text in rest for part in text.split(piece, 1)] if piece else rest
    role = "unknown" if structure == "none" else "structure"
    found = [{"text": text, "role": said} for said, text in pieces.items()]
    found += [{"text": text.strip(" _-"), "role": role} for text in rest if text.strip(" _-")]
    return {
        "pieces": found,
        "meant": meant or ("unknown" if structure == "none" else "structure"),
        "structure": structure,
    }


def reads(structures: Mapping[str, str]) -> Answer:
    """Answer the structure of the first word that stands in a name and has one, where it is offered; else none."""

    def answer(request: Request) -> dict[str, Any]:
        return dict(_readings(request, structures))

    return answer


def _readings(request: Request, structures: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for id_, name in names_asked(request).items():
        written = name["written"]
        meant = next((s for word, s in structures.items() if word in written.casefold()), "none")
        offered = request["format"]["properties"][id_]["properties"]["structure"]["enum"]
        yield id_, reading(written, meant if meant in offered else "none")


def always(structure: str) -> Answer:
    """Answer one structure for every name that holds an invented word, wherever it is offered; none for nonsense."""
    return reads(dict.fromkeys(INVENTED, structure))


def chosen(structure: str, votes: int = 3, **pieces: str) -> Callable[[SetQuestion], Readings]:
    """Choose one structure for every name of a question, as a view of a model does."""

    def readings_of(question: SetQuestion) -> Readings:
        return tuple(choice(name.written, structure, votes, **pieces) for name in question.names)

    return readings_of


def choice(written: str, structure: str, votes: int = 3, **pieces: str) -> Choice:
    """Three samples that read a name as a structure, ``votes`` of them alike."""
    said = reading(written, structure, **pieces)
    answer = (
        ("meant", said["meant"]),
        ("structure", structure),
        *((piece["role"], piece["text"].casefold()) for piece in said["pieces"]),
    )
    others = (("another", 3 - votes),) if votes < 3 else ()
    return Choice(answer, ((structure, votes), *others), wanted=3, null="other")


def figure(consultant: Consultant, name: str) -> float | None:
    """Return what the metrics page shows as ``tg263_model_<name>``."""
    return consultant.figures.registry.get_sample_value(f"tg263_model_{name}")
