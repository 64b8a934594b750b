"""An evaluation as people read it: tables on the screen, and a folder with a report, its figures and every row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tg263_scp import __version__
from tg263_scp.service.namer import Namer, open_namer
from tg263_scp.tools.names.changes import (
    Changes,
    change_rows,
    changes_against,
    changes_table,
    decisions_as_json,
    read_decisions,
    said_of,
)
from tg263_scp.tools.names.evaluation import (
    CurvePoint,
    Evaluation,
    Judged,
    Tally,
    Verdict,
    evaluate_file,
    wilson,
)
from tg263_scp.tools.shared.csv_tables import sheet_text, write_atomically
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import json_text, open_console, print_json, roi_text, visible

_TITLES = {
    "family": "By family",
    "class": "By class",
    "site": "By site",
    "source": "By source",
    "language": "By language",
    "rule": "By rule",
}
_COLUMNS = ("names", "right", "missed", "wrong", "accuracy", "95 %", "wrong rate", "95 %", "wrong side")
_ROW_COLUMNS = (
    "original_name",
    "gold",
    "accept",
    "answer",
    "verdict",
    "wrong_side",
    "status",
    "rule",
    "reason",
    "confidence",
    "model_votes",
)


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
    """The verb ``evaluate``."""
    if (order.record or order.replay) and not order.llm:
        raise UsageError("--record and --replay go with --llm", hint="add --llm")
    earlier = read_decisions(order.against) if order.against else None
    namer = open_namer(order.config, order.overlay)
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
        write_report(order.report, evaluation, figures, changes)
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
        "curve": [point.as_json() for point in evaluation.curve],
        "wrong": [_row_as_json(row) for row in evaluation.of(Verdict.WRONG)],
    }
    if evaluation.sets:
        figures["structure_sets"] = {"n": len(evaluation.sets), "all_right": evaluation.sets_all_right}
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
        console.print(_tally_table(_TITLES[dimension], _worst_first(tallies)))
    console.print(_curve_table(evaluation.curve))
    if evaluation.sets:
        if sets:
            console.print(_tally_table("By structure set", _worst_first(evaluation.sets)))
        low, high = wilson(evaluation.sets_all_right, len(evaluation.sets))
        console.print(
            f"Structure sets without any missed or wrong name: {evaluation.sets_all_right} of {len(evaluation.sets)}"
            f" (95 %: {low:.1%} to {high:.1%})"
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


def _worst_first(tallies: Mapping[str, Tally]) -> dict[str, Tally]:
    return dict(
        sorted(
            tallies.items(), key=lambda item: (-item[1].wrong / item[1].rows, item[1].right / item[1].rows)
        )
    )


def _model_table(use: Mapping[str, Any]) -> Table:
    """What the model did, line by line."""
    table = Table(title="The model", title_justify="left", show_header=False)
    for name, value in use.items():
        table.add_row(name.replace("_", " "), str(value))
    return table


def _tally_table(title: str, tallies: Mapping[str, Tally]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("", overflow="fold")
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for group, tally in tallies.items():
        table.add_row(roi_text(group or "(none)"), *_cells(tally))
    return table


def _cells(tally: Tally) -> tuple[str, ...]:
    rows = tally.rows
    accuracy, harm = wilson(tally.right, rows), wilson(tally.wrong, rows)
    return (
        str(rows),
        str(tally.right),
        str(tally.missed),
        str(tally.wrong),
        f"{tally.right / rows:.2%}" if rows else "-",
        f"{accuracy[0]:.1%}-{accuracy[1]:.1%}",
        f"{tally.wrong / rows:.2%}" if rows else "-",
        f"{harm[0]:.1%}-{harm[1]:.1%}",
        str(tally.wrong_side),
    )


def _curve_table(curve: Iterable[CurvePoint]) -> Table:
    table = Table(
        title="If only answers of at least this confidence were given",
        title_justify="left",
        title_style="bold",
    )
    for column in ("confidence", "answered", "coverage", "precision"):
        table.add_column(column, justify="right")
    for point in curve:
        table.add_row(*_curve_cells(point))
    return table


def _curve_cells(point: CurvePoint) -> tuple[str, ...]:
    return (
        f"{point.confidence:.2f}",
        str(point.answered),
        f"{point.answered / point.rows:.1%}" if point.rows else "-",
        f"{point.right / point.answered:.2%}" if point.answered else "-",
    )


def write_report(
    folder: Path, evaluation: Evaluation, figures: dict[str, Any], changes: Changes | None = None
) -> list[Path]:
    """Write ``report.md``, ``figures.json`` and ``rows.csv`` (every row with its verdict) into a folder.

    Raises:
        Tg263Error: the folder cannot be written to.
    """
    files = {
        "report.md": "\n".join(
            (*_markdown(evaluation), *_markdown_model(figures), *_markdown_changes(changes))
        )
        + "\n",
        "figures.json": json_text(figures),
        "rows.csv": _rows_csv(evaluation),
    }
    for name, text in files.items():
        write_atomically(folder / name, text)
    return [folder / name for name in files]


def _rows_csv(evaluation: Evaluation) -> str:
    groups = [name for name in evaluation.groups if name not in ("rule", "family")]
    rows = (
        (
            row.decision.original, row.gold, "|".join(sorted(row.accepted)), row.answer, row.verdict.value,
            "yes" if row.wrong_side else "", row.decision.status.value, row.decision.rule, row.decision.reason.value,
            f"{row.decision.confidence:.4f}", row.decision.choice.said if row.decision.choice else "",
            *(row.groups.get(name, "") for name in groups),
        )
        for row in evaluation.judged
    )  # fmt: skip
    return sheet_text(((*_ROW_COLUMNS, *groups), *rows))


def _markdown(evaluation: Evaluation) -> Iterator[str]:
    yield "# Accuracy of the TG-263 names"
    yield ""
    yield "Right: the gold label or an accepted one. Missed: left for a person where a name was due."
    yield "Wrong: any other name."
    yield "Intervals are 95 % Wilson score intervals. Groups with the highest wrong rate stand first."
    yield from _markdown_tallies("All names", {"all": evaluation.overall})
    for dimension, tallies in evaluation.groups.items():
        yield from _markdown_tallies(_TITLES[dimension], _worst_first(tallies))
    if evaluation.sets:
        yield ""
        yield f"Structure sets without any missed or wrong name: {evaluation.sets_all_right} of {len(evaluation.sets)}."
    yield ""
    yield "## Coverage and precision"
    yield ""
    yield from _markdown_table(
        ("confidence at least", "answered", "coverage", "precision"), map(_curve_cells, evaluation.curve)
    )
    yield ""
    yield "## Wrong names"
    yield ""
    wrong = evaluation.of(Verdict.WRONG)
    if not wrong:
        yield "None."
        return
    yield from _markdown_table(
        ("name", "gold", "got", "rule", "side"),
        (
            (
                row.decision.original,
                row.gold,
                row.answer,
                row.decision.rule,
                "wrong" if row.wrong_side else "",
            )
            for row in wrong
        ),
    )


def _markdown_model(figures: Mapping[str, Any]) -> Iterator[str]:
    """What a language model did, where one was asked."""
    if "model" not in figures:
        return
    yield ""
    yield "## The language model"
    yield ""
    yield "Resolved: given a name by the model's unanimous choice (R090). Tokens and seconds count all samples of a question."
    yield ""
    rows = ((name.replace("_", " "), str(value)) for name, value in figures["model"].items())
    yield from _markdown_table(("", ""), rows)


def _markdown_changes(changes: Changes | None) -> Iterator[str]:
    """What changed since an earlier evaluation, where one was given."""
    if changes is None:
        return
    yield ""
    yield "## Decisions that changed"
    yield ""
    yield said_of(changes)
    yield ""
    yield from _markdown_table(("name", "gold", "before", "now", "rules", ""), change_rows(changes))


def _markdown_tallies(title: str, tallies: Mapping[str, Tally]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield from _markdown_table(
        ("", *_COLUMNS), ((group or "(none)", *_cells(tally)) for group, tally in tallies.items())
    )


def _markdown_table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    titles = list(header)
    yield f"| {' | '.join(titles)} |"
    yield f"|{' --- |' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(_markdown_cell(cell) for cell in row)} |"


def _markdown_cell(text: str) -> str:
    escaped = visible(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
    return escaped.replace("*", "\\*").replace("_", "\\_").replace("~", "\\~").replace("[", "\\[")
