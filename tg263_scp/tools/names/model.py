"""``model``: try a language model before it is believed, and show word by word what would be sent to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from tg263_scp.config.loading import load_config
from tg263_scp.naming.llm.choice import Readings
from tg263_scp.naming.llm.open_names import SetQuestion
from tg263_scp.service.llm.consultant import Consultant, Missed
from tg263_scp.service.llm.qualifying import Bar, Outcome, qualify
from tg263_scp.service.namer import open_namer
from tg263_scp.tools.names.asking import Tape, open_consultant
from tg263_scp.tools.names.sending import what_is_sent
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.shared.terminal import open_console, print_json, progress, say, visible_lines


def qualify_model(
    config: Path | None, llm_questions: Path | None, llm_answers: Path | None, as_json: bool
) -> ExitCode:
    """The verb ``model qualify``."""
    namer = open_namer(config)
    tape = Tape(questions=llm_questions, answers=llm_answers)
    with open_consultant(config, namer.nomenclature, tape) as consultant:
        outcome = qualify(namer.nomenclature, lambda questions: _asked(consultant, questions))
        if outcome is None:
            say("some cases were not answered yet: nothing is stored", errors=True)
            return ExitCode.FINDINGS
        consultant.keep_qualification(outcome)
    failed = Bar.of(load_config(config).llm.qualification).failed(outcome)
    if as_json:
        print_json({**asdict(outcome), "qualified": not failed, "failed": failed})
    else:
        _show(outcome, failed)
    return ExitCode.FINDINGS if failed else ExitCode.DONE


def _asked(consultant: Consultant, questions: Sequence[SetQuestion]) -> list[Readings | None]:
    """Ask questions one batch after the other; answers that are remembered are taken as they are."""
    missed = Missed()
    view = consultant.view(missed)
    for question in questions:
        view.readings_of(question)
    wanted = list(missed.questions.items())
    with progress("trying the model", len(wanted)) as advance:
        for start in range(0, len(wanted), consultant.batch_questions):
            batch = dict(wanted[start : start + consultant.batch_questions])
            consultant.consult(Missed(batch), budget_s=float("inf"), advance=advance)
    return [view.readings_of(question) for question in questions]


def _show(outcome: Outcome, failed: Sequence[str]) -> None:
    table = Table(
        title=f"{outcome.model} ({outcome.model_digest[:12]})", title_justify="left", show_header=False
    )
    for name, value in asdict(outcome).items():
        if name not in ("model", "model_digest"):
            table.add_row(name.replace("_", " "), str(value))
    console = open_console()
    console.print(table)
    console.print(
        f"0 wrong of {outcome.cases} cases still allows {_rule_of_three(outcome.cases):.1%} wrong names (95 %)"
        if not outcome.wrong
        else f"{outcome.wrong} wrong names of {outcome.cases} cases"
    )
    for said in failed:
        console.print(f"below the bar: {said}", style="yellow")
    verdict = "not qualified: it may only suggest" if failed else "qualified"
    console.print(verdict, style="yellow" if failed else "green")


def _rule_of_three(cases: int) -> float:
    """Return the upper 95 % bound of a rate of which nothing was seen in so many cases (Hanley 1983)."""
    return 1.0 - float(0.05 ** (1 / cases))


def show_question(path: Path, config: Path | None, overlay: Path | None, as_json: bool) -> ExitCode:
    """The verb ``model show-question``."""
    namer = open_namer(config, overlay)
    llm = load_config(config).llm
    shown = what_is_sent(path, namer, llm, config)
    if as_json:
        print_json([asdict(request) for request in shown.requests])
        return ExitCode.DONE
    console = open_console()
    for request in shown.requests:
        console.print(f"{request.prompt}, passages: {', '.join(request.passages) or 'none'}", style="bold")
        for role, content in request.messages:
            console.print(f"{role}>", style="cyan")
            console.print(visible_lines(content), markup=False, highlight=False)
    console.print(
        f"{len(shown.requests)} questions about {shown.names} names; {shown.withheld} names are withheld;"
        f" {llm.samples} samples of each and two tests are sent at most"
    )
    return ExitCode.DONE
