"""An evaluation as people read it on the screen, and as other programs do: tables, and every figure as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tg263_scp import __version__
from tg263_scp.service.namer import Namer, open_namer
from tg263_scp.tools.names.accuracy.changes import (
    Changes,
    changes_against,
    changes_table,
    decisions_as_json,
    read_decisions,
    said_of,
)
from tg263_scp.tools.names.accuracy.coverage import FIGURES, Coverage, by_class, sets_all_named
from tg263_scp.tools.names.accuracy.evaluation import (
    CurvePoint,
    Evaluation,
    Judged,
    Tally,
    Verdict,
    evaluate_file,
    wilson,
)
from tg263_scp.tools.names.accuracy.evaluation_findings import findings_as_json
from tg263_scp.tools.names.accuracy.evaluation_page import About, evaluation_page
from tg263_scp.tools.names.accuracy.evaluation_report import (
    COLUMNS,
    TITLES,
    curve_cells,
    tally_cells,
    worst_first,
    write_report,
)
from tg263_scp.tools.names.accuracy.gold_mistakes import check_gold
from tg263_scp.tools.shared.csv_tables import read_table, write_atomically
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import open_console, print_json, roi_text


@dataclass(frozen=True, slots=True)
class EvaluationOrder:
    """What ``evaluate`` is asked to do.

    ``gold`` is the labelled table. ``report`` is a folder for the report, ``against`` the figures of an earlier evaluation.
    ``errors`` is how many wrong names are shown; ``sets`` shows every structure set. ``llm`` asks the model; ``record``,
    ``replay``, ``llm_questions`` and ``llm_answers`` are files that stand between it and us; ``ablation`` also measures
    without each of its safety nets.
    """

    gold: Path
    report: Path | None
    sets: bool
    errors: int
    llm: bool
    record: Path | None
    replay: Path | None
    llm_questions: Path | None
    llm_answers: Path | None
    ablation: bool
    against: Path | None
    config: Path | None
    overlay: Path | None
    as_json: bool

    @property
    def asks(self) -> bool:
        """Whether a model is asked, or files that stand for one."""
        return self.llm or self.llm_questions is not None or self.llm_answers is not None


def evaluate_gold(order: EvaluationOrder) -> ExitCode:
    """The verb ``evaluate``.

    Raises:
        TableError: the gold table cannot be used, or a label in it is none.
    """
    if (order.record or order.replay) and not order.llm:
        raise UsageError("--record and --replay go with --llm", hint="add --llm")
    earlier = read_decisions(order.against) if order.against else None
    namer = open_namer(order.config, order.overlay)
    check_gold(read_table(order.gold), order.gold, namer.nomenclature)
    figures: dict[str, Any] = {}
    if order.asks:
        evaluation, unanswered, figures["model"] = _with_model(order, namer)
    else:
        evaluation, unanswered = evaluate_file(order.gold, namer), 0
    figures |= evaluation_as_json(evaluation, nomenclature=namer.nomenclature.digest, sets=order.sets)
    changes = changes_against(earlier, evaluation, namer.nomenclature) if earlier is not None else None
    if changes:
        figures["changes"] = changes.as_json()
    if order.report:
        about = About.now(order.gold, namer.nomenclature, order.config, figures.get("model"))
        figures = {"about": about.as_json(), **figures, **findings_as_json(evaluation)}
        write_report(order.report, evaluation, figures, changes)
        write_atomically(order.report / "report.html", evaluation_page(evaluation, about, changes))
    if order.as_json:
        print_json(figures)
    else:
        console = open_console()
        show_evaluation(evaluation, console, errors=order.errors, sets=order.sets)
        if order.asks:
            console.print(_model_table(figures["model"]))
        if changes:
            _show_changes(changes, console)
    return ExitCode.FINDINGS if unanswered or (changes and changes.got_wrong) else ExitCode.DONE


def _with_model(order: EvaluationOrder, namer: Namer) -> tuple[Evaluation, int, dict[str, Any]]:
    """Evaluate with the model; return also how many questions were not answered, and what the model did."""
    from tg263_scp.tools.names.asking import Asker, Tape, open_consultant
    from tg263_scp.tools.names.llm_figures import use_of_model, without_each_net

    tape = Tape(order.record, order.replay, order.llm_questions, order.llm_answers)
    with open_consultant(order.config, namer.nomenclature, tape) as consultant:
        facts, asker = consultant.meet(), Asker(consultant)
        evaluation = evaluate_file(order.gold, namer, asker.table)
        use = use_of_model(facts, evaluation, asker)
        use["qualified"] = consultant.is_believed
        if order.ablation:
            use["safety_nets"] = without_each_net(
                lambda nets: evaluate_file(order.gold, namer, Asker(consultant, nets).table)
            )
    return evaluation, asker.unanswered, use


def _show_changes(changes: Changes, console: Console) -> None:
    if changes.changed:
        console.print(changes_table(changes))
    console.print(said_of(changes), style="bold red" if changes.got_wrong else "")


def evaluation_as_json(evaluation: Evaluation, *, nomenclature: str, sets: bool = False) -> dict[str, Any]:
    """Every figure of an evaluation; ``nomenclature`` is the digest of the data that named the rows."""
    figures: dict[str, Any] = {
        "program": __version__,
        "nomenclature_sha256": nomenclature,
        "overall": evaluation.overall.as_json(),
        "groups": {
            dimension: {group: tally.as_json() for group, tally in tallies.items()}
            for dimension, tallies in evaluation.groups.items()
        },
        "coverage": {group: found.as_json() for group, found in by_class(evaluation.judged).items()},
        "curve": [point.as_json() for point in evaluation.curve],
        "wrong": [_row_as_json(row) for row in evaluation.of(Verdict.WRONG)],
    }
    if evaluation.sets:
        figures["structure_sets"] = {
            "n": len(evaluation.sets),
            "all_right": evaluation.sets_all_right,
            "all_named": sets_all_named(evaluation.judged),
        }
        if sets:
            figures["structure_sets"]["each"] = {
                name: tally.as_json() for name, tally in evaluation.sets.items()
            }
    figures["decisions"] = decisions_as_json(evaluation)
    return figures


def _row_as_json(row: Judged) -> dict[str, Any]:
    return {
        "original_name": row.decision.original,
        "gold": row.gold,
        "answer": row.answer,
        "rule": row.decision.rule,
        "reason": row.decision.reason.value,
        "confidence": round(row.decision.confidence, 4),
        "wrong_side": row.wrong_side,
        **{name: value for name, value in row.groups.items() if name != "rule"},
    }


def show_evaluation(
    evaluation: Evaluation, console: Console, *, errors: int = 40, sets: bool = False
) -> None:
    """Print the figures, then up to ``errors`` wrong names: the ones that harm come last, where the eye rests."""
    console.print(_tally_table("All names", {"all": evaluation.overall}))
    for dimension, tallies in evaluation.groups.items():
        console.print(_tally_table(TITLES[dimension], worst_first(tallies)))
    console.print(_coverage_table(by_class(evaluation.judged)))
    console.print(_curve_table(evaluation.curve))
    if evaluation.sets:
        if sets:
            console.print(_tally_table("By structure set", worst_first(evaluation.sets)))
        low, high = wilson(evaluation.sets_all_right, len(evaluation.sets))
        console.print(
            f"Structure sets without any missed or wrong name: {evaluation.sets_all_right} of {len(evaluation.sets)}"
            f" (95 %: {low:.1%} to {high:.1%}); with every name given that is due: {sets_all_named(evaluation.judged)}"
        )
    _show_wrong(evaluation.of(Verdict.WRONG), console, errors)


def _show_wrong(wrong: list[Judged], console: Console, limit: int) -> None:
    if not wrong:
        console.print("No wrong name.", style="green")
        return
    table = Table(title=f"Wrong names ({len(wrong)})", title_justify="left", title_style="bold red")
    for title in ("name", "gold", "got", "rule", "confidence", ""):
        table.add_column(title, overflow="fold")
    for row in wrong[:limit]:
        flag = Text("WRONG SIDE" if row.wrong_side else "", style="bold red")
        decision = row.decision
        table.add_row(
            roi_text(decision.original),
            roi_text(row.gold),
            roi_text(row.answer),
            decision.rule,
            f"{decision.confidence:.2f}",
            flag,
        )
    console.print(table)
    if len(wrong) > limit:
        console.print(f"... and {len(wrong) - limit} more; --report writes them all")


def _model_table(use: Mapping[str, Any]) -> Table:
    """What the model did, line by line."""
    table = Table(title="The model", title_justify="left", show_header=False)
    for name, value in use.items():
        table.add_row(name.replace("_", " "), str(value))
    return table


def _tally_table(title: str, tallies: Mapping[str, Tally]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("", overflow="fold")
    for column in COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for group, tally in tallies.items():
        table.add_row(roi_text(group or "(none)"), *tally_cells(tally))
    return table


def _coverage_table(found: Mapping[str, Coverage]) -> Table:
    """How much is named, and what is left for people."""
    table = Table(title="Named, asked and kept", title_justify="left", title_style="bold")
    table.add_column("", overflow="fold")
    for figure in FIGURES:
        table.add_column(figure, justify="right")
    for group, each in found.items():
        table.add_row(roi_text(group or "(none)"), *each.cells())
    return table


def _curve_table(curve: Iterable[CurvePoint]) -> Table:
    table = Table(
        title="If only answers of at least this confidence were given",
        title_justify="left",
        title_style="bold",
    )
    for column in ("confidence", "answered", "coverage", "precision"):
        table.add_column(column, justify="right")
    for point in curve:
        table.add_row(*curve_cells(point))
    return table
