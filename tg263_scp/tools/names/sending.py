"""What would be sent to a language model about a structure set or a table of names, without sending anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tg263_scp.config.llm import Llm
from tg263_scp.config.loading import load_config
from tg263_scp.decision import Decision
from tg263_scp.naming.decide import decide_set
from tg263_scp.naming.llm.choice import LlmView, Readings
from tg263_scp.naming.llm.open_names import SetQuestion, Withhold
from tg263_scp.naming.llm.prompt_files import load_prompts
from tg263_scp.naming.llm.prompts import Assembled, assemble
from tg263_scp.service.deciding.relabelling import RelabelPolicy, Writing, decide_and_write
from tg263_scp.service.llm.ask_and_decide import with_llm
from tg263_scp.service.namer import Namer
from tg263_scp.tools.names.table import decide_table
from tg263_scp.tools.shared.csv_tables import read_table

_WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class Sent:
    """The first request of each question, how many names are asked about, and how many are withheld."""

    requests: tuple[Assembled, ...]
    names: int
    withheld: int


def what_is_sent(path: Path, namer: Namer, llm: Llm, config: Path | None) -> Sent:
    """Return what would be sent about the open names of an RT Structure Set, or of a table (``.csv``) as ``map`` takes it.

    Raises:
        Tg263Error: the file cannot be used.
    """
    questions: dict[str, SetQuestion] = {}

    def note(question: SetQuestion) -> Readings | None:
        questions[question.key] = question
        return None

    view = LlmView(
        note,
        asked=llm.apply.asked,
        candidates=llm.candidates,
        withhold=Withhold(llm.withheld),
        geometry=llm.geometry,
    )
    if path.suffix.casefold() == ".csv":
        decisions: Sequence[Decision] = decide_table(read_table(path), namer.asking(view))
    else:
        decisions = _decided(path, namer, view, config)
    book = load_prompts(namer.nomenclature)
    requests = tuple(assemble(question, book) for question in questions.values())
    names = sum(len(question.names) for question in questions.values())
    return Sent(requests, names, sum(_is_withheld(decision) for decision in decisions))


def _decided(path: Path, namer: Namer, view: LlmView, config: Path | None) -> Sequence[Decision]:
    """Decide a structure set as the node would, and write nothing."""
    settings = load_config(config)
    policy = replace(RelabelPolicy.of(settings.naming), mode="shadow")
    decide = with_llm(decide_set, lambda decide_with: decide_with(view))
    outcome = decide_and_write(
        path, path, namer.nomenclature, policy, Writing.of(settings.write), decide=decide
    )
    return outcome.decisions


def _is_withheld(decision: Decision) -> bool:
    return any(step.rule == "R090" and step.note.startswith(_WITHHELD) for step in decision.trail)
