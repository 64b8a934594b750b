"""``explain``: what becomes of a name, every rule that was asked, and the line of the file that decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from tg263_scp.decision import Candidate, Choice, Decision, Roi, Status
from tg263_scp.errors import SourceLine
from tg263_scp.naming.rule_table import RuleRow, Section, rule_row, rule_table
from tg263_scp.naming.words.letters import tokenise
from tg263_scp.service.namer import Namer, open_namer
from tg263_scp.tools.names.rules import case_place
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import open_console, print_json, roi_text, visible, visible_lines
from tg263_scp.tools.shared.wording import (
    STATUS_STYLE,
    choice_words,
    decision_as_json,
    offered_words,
    place,
    reason_words,
)

if TYPE_CHECKING:
    from tg263_scp.tools.names.asking import AskedQuestion

_SILENT = frozenset({"nothing to say", "no objection"})
"""Notes of rules that neither proposed nor objected."""


def explain(
    names: Sequence[str],
    site: str,
    interpreted_type: str,
    as_set: bool,
    llm: bool,
    config: Path | None,
    overlay: Path | None,
    as_json: bool,
) -> ExitCode:
    """The verb ``explain``."""
    namer = open_namer(config, overlay)
    sites = namer.nomenclature.anatomy
    if site and not sites.site_called(site):
        raise UsageError(f"unknown site '{site}'", hint=f"sites: {', '.join(sorted(sites.sites))}")
    types = sites.interpreted_types.terms
    if interpreted_type and interpreted_type.upper() not in types:
        raise UsageError(
            f"unknown ROI Interpreted Type '{interpreted_type}'", hint=f"types: {', '.join(sorted(types))}"
        )
    asked: Mapping[str, AskedQuestion] = {}
    if llm:
        from tg263_scp.tools.names.asking import decide_asking  # without --llm nothing of it is needed

        decisions, asked = decide_asking(
            config, namer, lambda namer: decide(names, namer, site, interpreted_type, as_set=as_set)
        )
    else:
        decisions = decide(names, namer, site, interpreted_type, as_set=as_set)
    if as_json:
        print_json([explanation_as_json(decision, asked.get(decision.question)) for decision in decisions])
        return ExitCode.DONE
    console = open_console()
    for decision in decisions:
        show_explanation(decision, console, asked.get(decision.question))
    return ExitCode.DONE


def decide(
    names: Sequence[str], namer: Namer, site: str = "", interpreted_type: str = "", *, as_set: bool = False
) -> tuple[Decision, ...]:
    """Decide names, each alone or, with ``as_set``, as the names of one structure set."""
    if as_set:
        rois = [Roi(number, name, interpreted_type) for number, name in enumerate(names, start=1)]
        return namer.together(rois, site=site)
    return tuple(namer.alone(name, site=site, interpreted_type=interpreted_type) for name in names)


def explanation_as_json(decision: Decision, asked: AskedQuestion | None = None) -> dict[str, Any]:
    """A decision with its tokens, where its rule is, what every code said, and what the model was asked, for ``--json``."""
    row = rule_row(decision.rule)
    told = {
        **decision_as_json(decision),
        "tokens": _tokens(decision.original),
        "function": row.function if row else "",
        "cases": case_place(decision.rule),
        "codes": [asdict(one) for one in what_each_code_said(decision)],
    }
    if asked is None:
        return told
    choice = asdict(decision.choice) if decision.choice else None
    return {**told, "model": {"requests": [asdict(request) for request in asked.requests], "choice": choice}}


def show_explanation(decision: Decision, console: Console, asked: AskedQuestion | None = None) -> None:
    """Print one decision as a tree: result, tokens, rules, candidates, evidence, and what the model was asked."""
    tree = Tree(_headline(decision), guide_style="dim")
    row = rule_row(decision.rule)
    tree.add(_labelled("because", f"{reason_words(decision.reason)} ({_numbers(decision)})"))
    if decision.note:
        tree.add(_labelled("note", decision.note))
    tokens = _tokens(decision.original)
    if tokens:
        tree.add(_labelled("words", " · ".join(tokens)))
    if decision.evidence:
        tree.add(_labelled("decided by", ", ".join(place(source) for source in decision.evidence)))
    tree.add(_labelled("function", row.function if row else ""))
    tree.add(_labelled("cases", case_place(decision.rule) or "none in this installation"))
    tree.add(Group(Text("codes", style="bold"), _codes(decision)))
    if decision.candidates:
        tree.add(Group(Text("candidates", style="bold"), _candidates(decision.candidates)))
        offered = offered_words(candidate.name for candidate in decision.candidates)
        if offered.endswith("?") or "?," in offered:
            tree.add(_labelled("to decide", offered))
    if asked is not None:
        tree.add(_asked(asked, decision.choice))
    console.print(tree)


def _headline(decision: Decision) -> Text:
    style = STATUS_STYLE[decision.status]
    line = roi_text(decision.original, "bold")
    if decision.status is Status.RENAME:
        line.append(" → ").append(visible(decision.name), style=f"bold {style}")
    else:
        line.append(
            " stays as it is" if decision.status is Status.KEEP else " stays, left for review",
            style=style,
        )
    return line


def _numbers(decision: Decision) -> str:
    return f"{decision.rule}, {decision.kind.value}, confidence {decision.confidence:.2f}"


def _labelled(label: str, value: str) -> Text:
    return Text(label, style="bold").append("  ").append(Text(visible(value), style="default not bold"))


def _tokens(name: str) -> list[str]:
    return [token.text for token in tokenise(name)]


@dataclass(frozen=True, slots=True)
class Said:
    """What one code said about a name; ``asked`` is false where it was not asked, and ``note`` says why."""

    code: str
    title: str
    note: str
    asked: bool = True
    line: str = ""


def what_each_code_said(decision: Decision) -> list[Said]:
    """Return every code in the order they are asked, with what it said about a name, or why it was not asked."""
    steps = {step.rule: step for step in decision.trail}
    said = []
    for row in rule_table():
        step = steps.get(row.code)
        if step is not None:
            said.append(Said(row.code, row.title, step.note, line=place(step.source)))
        elif row.code in _looked_at(decision):
            said.append(Said(row.code, row.title, _NO_OBJECTION))
        else:
            said.append(Said(row.code, row.title, _why_not_asked(row, decision), asked=False))
    return said


_NO_OBJECTION = "no objection"
_NEED_CONTOURS = ("V080", "S030")


def _looked_at(decision: Decision) -> tuple[str, ...]:
    """Return the whole-set rules that saw a new name and let it pass: those before the one that stopped it."""
    codes = [row.code for row in rule_table() if row.section is Section.WHOLE_SET]
    codes = [code for code in codes if code not in _NEED_CONTOURS]
    if decision.rule in codes:
        return tuple(codes[: codes.index(decision.rule)])
    return tuple(codes) if decision.status is Status.RENAME else ()


def _why_not_asked(row: RuleRow, decision: Decision) -> str:
    if row.section is Section.RULES:
        return "another rule had decided"
    if row.section is Section.MODEL:
        return "only with --llm, about names that the rules leave for review"
    if row.code in _NEED_CONTOURS:
        return "needs the contours of an object"
    if decision.rule[0] in "VS":
        return f"{decision.rule} had objected"
    approved = decision.rule == "R030" and decision.status is Status.RENAME
    return "the clinic's own mapping is not checked for it" if approved else "there is no new name to check"


def _codes(decision: Decision) -> Table:
    """Every code: its name, what it said, and the line it rests on; dim where it had nothing to say or was not asked."""
    grid = Table.grid(padding=(0, 2))
    for said in what_each_code_said(decision):
        style = "dim" if said.note in _SILENT or not said.asked else "default"
        note = said.note if said.asked else f"not asked: {said.note}"
        grid.add_row(
            Text(said.code, style="cyan"),
            Text(said.title, style=style),
            Text(visible(note), style=style),
            Text(said.line, style="dim"),
        )
    return grid


def _dim(source: SourceLine | None) -> Text:
    return Text(place(source), style="dim")


def _candidates(candidates: Sequence[Candidate]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for candidate in candidates:
        penalties = ", ".join(f"{name} -{value:.2f}" for name, value in candidate.penalties)
        grid.add_row(
            Text(candidate.name, style="cyan"),
            f"{candidate.score:.2f}",
            penalties,
            _dim(candidate.source),
        )
    return grid


def _asked(asked: AskedQuestion, choice: Choice | None) -> Group:
    """The first of the requests word by word (the others have the choices in another order), then the votes."""
    request = asked.requests[0]
    head = f"model  {request.prompt}, passages: {', '.join(request.passages) or 'none'}"
    lines = [Text(head, style="bold")]
    for role, content in request.messages:
        lines.append(Text(f"{role}> ", style="cyan").append(Text(visible_lines(content), style="default")))
    if choice is None:
        lines.append(Text("no answer yet", style="yellow"))
        return Group(*lines)
    lines.append(Text(f"votes  {choice.said}", style="bold"))
    lines.append(Text(choice_words(choice), style="dim"))
    return Group(*lines)
