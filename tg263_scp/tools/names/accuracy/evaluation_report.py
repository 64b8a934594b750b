"""An evaluation as a folder: a report to read, its figures, and every row with its verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tg263_scp.tools.names.accuracy.changes import Changes, change_rows, said_of
from tg263_scp.tools.names.accuracy.coverage import FIGURES, by_class, sets_all_named
from tg263_scp.tools.names.accuracy.evaluation import CurvePoint, Evaluation, Tally, Verdict, wilson
from tg263_scp.tools.shared.csv_tables import sheet_text, write_atomically
from tg263_scp.tools.shared.terminal import json_text, visible

TITLES = {
    "family": "By family",
    "class": "By class",
    "site": "By site",
    "source": "By source",
    "language": "By language",
    "sender": "By sender",
    "rule": "By rule",
}
COLUMNS = ("names", "right", "missed", "wrong", "accuracy", "95 %", "wrong rate", "95 %", "wrong side")
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


def worst_first(tallies: Mapping[str, Tally]) -> dict[str, Tally]:
    """Return the groups with the highest wrong rate first."""
    return dict(
        sorted(
            tallies.items(), key=lambda item: (-item[1].wrong / item[1].rows, item[1].right / item[1].rows)
        )
    )


def tally_cells(tally: Tally) -> tuple[str, ...]:
    """Return the figures of a group as the texts of :data:`COLUMNS`."""
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


def curve_cells(point: CurvePoint) -> tuple[str, ...]:
    """Return a point of the curve as texts: confidence, answered, coverage, precision."""
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
    yield "Right: the gold label or an accepted one. Missed: left for review where a name was due."
    yield "Wrong: any other name."
    yield "Intervals are 95 % Wilson score intervals. Groups with the highest wrong rate stand first."
    yield from _markdown_tallies("All names", {"all": evaluation.overall})
    for dimension, tallies in evaluation.groups.items():
        yield from _markdown_tallies(TITLES[dimension], worst_first(tallies))
    if evaluation.sets:
        yield ""
        yield f"Structure sets without any missed or wrong name: {evaluation.sets_all_right} of {len(evaluation.sets)};"
        yield f"with every name given that is due: {sets_all_named(evaluation.judged)}."
    yield ""
    yield "## Named, asked and kept"
    yield ""
    rows = ((group or "(none)", *each.cells()) for group, each in by_class(evaluation.judged).items())
    yield from _markdown_table(("", *FIGURES), rows)
    yield ""
    yield "## Coverage and precision"
    yield ""
    yield from _markdown_table(
        ("confidence at least", "answered", "coverage", "precision"), map(curve_cells, evaluation.curve)
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
        ("", *COLUMNS), ((group or "(none)", *tally_cells(tally)) for group, tally in tallies.items())
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
