"""An evaluation as one page for people: it can be printed and put before a board, and says what it was measured with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tg263_scp import __version__
from tg263_scp.decision import Status
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.tools.names.accuracy.changes import Changes, change_rows, said_of
from tg263_scp.tools.names.accuracy.coverage import FIGURES, by_class
from tg263_scp.tools.names.accuracy.evaluation import Evaluation, Judged, Tally, Verdict, tally, wilson
from tg263_scp.tools.names.accuracy.evaluation_findings import (
    PARTS,
    SetState,
    calibration_points,
    clustered_interval,
    clusters,
    confusion,
    distinct,
    risk_points,
    set_states,
    work,
)
from tg263_scp.tools.names.accuracy.evaluation_report import (
    COLUMNS,
    TITLES,
    curve_cells,
    tally_cells,
    worst_first,
)
from tg263_scp.tools.report import charts
from tg263_scp.tools.report.clusters import LEAST_CLUSTERS
from tg263_scp.tools.report.page import Html, figure, heading, page, paragraph, table

TITLE = "Accuracy of the TG-263 names"
_NUMBERS = range(1, len(COLUMNS) + 1)
_STATE_WORDS = {
    SetState.READY: "every name that is due is given, nothing is left",
    SetState.TO_CHECK: "nothing is left for review, and a name that was due is not given",
    SetState.TO_DECIDE: "no name is wrong, at least one is left for review",
    SetState.WRONG: "at least one name is wrong",
}


@dataclass(frozen=True, slots=True)
class About:
    """What was measured, when, with what; digests are SHA-256 (hex), dates ISO 8601."""

    date: str
    gold_file: str
    gold_sha256: str
    program: str
    nomenclature_edition: str
    nomenclature_sha256: str
    configuration: str
    model: str

    @classmethod
    def now(
        cls, gold: Path, nomenclature: Nomenclature, config: Path | None, model: Mapping[str, Any] | None
    ) -> About:
        """Return what an evaluation says about itself that runs now.

        Raises:
            OSError: the gold table or the configuration cannot be read.
        """
        return cls(
            datetime.now(UTC).isoformat(timespec="seconds"),
            gold.name,
            _sha256(gold),
            f"tg263-scp {__version__}",
            nomenclature.edition,
            nomenclature.digest,
            "the defaults" if config is None else f"{config.name}, SHA-256 {_sha256(config)}",
            "none was asked"
            if model is None
            else " ".join(str(model.get(key, "")) for key in ("model", "digest")),
        )

    def as_json(self) -> dict[str, str]:
        """Return it by name."""
        return asdict(self)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def evaluation_page(evaluation: Evaluation, about: About, changes: Changes | None = None) -> str:
    """Return the page as HTML that stands alone."""
    return page(TITLE, _parts(evaluation, about, changes))


def _parts(evaluation: Evaluation, about: About, changes: Changes | None) -> Iterator[Html]:
    judged = evaluation.judged
    drawn = charts.has_charts()
    yield paragraph(headline(evaluation), "headline")
    yield table(
        ("what was measured", ""), ((name.replace("_", " "), text) for name, text in about.as_json().items())
    )
    if not drawn:
        yield paragraph(charts.WITHOUT_FIGURES, "note")
    yield paragraph(
        "Right: the label or an accepted one. Missed: no name where one was due. Wrong: any other name; a wrong side is counted"
        " within it. Intervals are 95 % Wilson score intervals, which take names as independent.",
        "note",
    )
    yield from _rates(evaluation)
    yield from _whole_sets(evaluation)
    yield from _work(evaluation)
    if changes is not None:
        yield heading("Decisions that changed since the earlier evaluation")
        yield paragraph(said_of(changes), "wrong" if changes.got_wrong else "")
        yield table(("name", "gold", "before", "now", "rules", ""), change_rows(changes))
    yield from _studies(judged)
    for dimension, tallies in evaluation.groups.items():
        yield from _group(TITLES[dimension], worst_first(tallies), drawn=drawn and dimension == "class")
    yield heading("Named, asked and kept")
    found = by_class(judged).items()
    yield table(("", *FIGURES), ((kind or "(none)", *each.cells()) for kind, each in found), range(1, 9))
    yield from _confidence(evaluation, drawn=drawn)
    yield from _errors(judged)


def headline(evaluation: Evaluation) -> str:
    """Say in one sentence what came out."""
    overall, rows = evaluation.overall, evaluation.overall.rows or 1
    left = sum(row.decision.status is Status.REVIEW for row in evaluation.judged)
    low, high = wilson(overall.wrong, overall.rows)
    return (
        f"Of {overall.rows} names {overall.right} ({overall.right / rows:.1%}) came out right and {overall.wrong}"
        f" ({overall.wrong / rows:.2%}; 95 %: {low:.2%} to {high:.2%}) wrong, {overall.wrong_side} of these on the wrong side;"
        f" {left} ({left / rows:.1%}) are left for review."
    )


def _rates(evaluation: Evaluation) -> Iterator[Html]:
    yield heading("All names")
    yield table(("", *COLUMNS), [("all", *tally_cells(evaluation.overall))], _NUMBERS)
    by, groups = clusters(evaluation.judged)
    intervals = {verdict: clustered_interval(groups, verdict) for verdict in Verdict}
    if len(groups) < LEAST_CLUSTERS:
        yield paragraph(
            f"No interval by {by}: the table has {len(groups)}, a bootstrap needs at least {LEAST_CLUSTERS}.",
            "note",
        )
        return
    yield paragraph(
        f"Names of one {by} go wrong together. 95 % intervals of a bootstrap that draws whole {by}s ({len(groups)}):"
    )
    rows = (
        (
            verdict.value,
            "never or always: see the Wilson interval" if pair is None else f"{pair[0]:.2%} to {pair[1]:.2%}",
        )
        for verdict, pair in intervals.items()
    )
    yield table(("names", "by bootstrap"), rows)


def _whole_sets(evaluation: Evaluation) -> Iterator[Html]:
    states = set_states(evaluation.judged)
    if not states:
        return
    yield heading("Whole structure sets")
    total = states.total()
    rows = (
        (
            state.value,
            str(states[state]),
            f"{states[state] / total:.1%}",
            _interval(states[state], total),
            words,
        )
        for state, words in _STATE_WORDS.items()
    )
    yield table(("", "sets", "share", "95 %", "meaning"), rows, (1, 2, 3))


def _work(evaluation: Evaluation) -> Iterator[Html]:
    what = "structure sets" if evaluation.sets else "names"
    yield heading(f"What a person has to do per 100 {what}")
    rows = ((name.replace("_", " "), f"{count:g}") for name, count in work(evaluation.judged).items())
    yield table(("", f"per 100 {what}"), rows, (1,))


def _studies(judged: tuple[Judged, ...]) -> Iterator[Html]:
    yield heading("As published studies count")
    yield paragraph(
        "Published studies removed planning structures, targets or names that the list lacks before they counted. These parts"
        " of the table are counted the same way. The data differ from theirs: the figures are no comparison.",
        "note",
    )
    rows = []
    for part, belongs in PARTS.items():
        kept = [row for row in judged if belongs(row)]
        rows.append((f"{part}, by occurrence", *tally_cells(tally(kept))))
        rows.append((f"{part}, distinct", *tally_cells(tally(distinct(kept)))))
    yield table(("", *COLUMNS), rows, _NUMBERS)


def _group(title: str, tallies: Mapping[str, Tally], *, drawn: bool) -> Iterator[Html]:
    yield heading(title)
    if drawn:
        groups = [(name or "(none)", each.right, each.missed, each.wrong) for name, each in tallies.items()]
        yield figure(
            charts.shares(groups),
            "Right, missed and wrong names; groups with the highest wrong rate stand first.",
        )
    rows = ((group or "(none)", *tally_cells(each)) for group, each in tallies.items())
    yield table(("", *COLUMNS), rows, _NUMBERS)


def _confidence(evaluation: Evaluation, *, drawn: bool) -> Iterator[Html]:
    yield heading("If only answers of at least some confidence were given")
    risk, deserved = risk_points(evaluation.judged), calibration_points(evaluation.judged)
    if drawn and risk:
        yield figure(
            charts.risk_coverage(risk),
            "Risk and coverage: the share of wrong answers, as answers of lower and lower confidence are given (95 % band).",
        )
    yield table(
        ("confidence", "answered", "coverage", "precision"), map(curve_cells, evaluation.curve), range(4)
    )
    yield heading("Calibration: stated confidence and what came true")
    if drawn and deserved:
        yield figure(
            charts.calibration(deserved),
            "Answers by stated confidence, with 95 % intervals and their number.",
        )
    rows = (
        (f"{p.x:.3f}", str(p.count), f"{p.y:.2%}", f"{p.low:.1%} to {p.high:.1%}") for p in deserved
    )  # a mean of each step
    yield table(("mean confidence", "answers", "right", "95 %"), rows, range(4))


def _errors(judged: Iterable[Judged]) -> Iterator[Html]:
    rows = list(judged)
    yield heading("Most frequent errors")
    confused = confusion(rows)
    if not confused:
        yield paragraph("No wrong name.")
    else:
        told = (
            (
                each.gold,
                each.answer,
                str(each.count),
                ", ".join(each.rules),
                "WRONG SIDE" if each.wrong_side else "",
            )
            for each in confused
        )
        yield table(("label", "given instead", "times", "rules", ""), told, (2,))
    lists: tuple[tuple[str, Callable[[Judged], bool]], ...] = (
        ("Names on the wrong side", lambda row: row.wrong_side),
        ("Other wrong names", lambda row: row.verdict is Verdict.WRONG and not row.wrong_side),
        ("Missed names", lambda row: row.verdict is Verdict.MISSED),
    )
    for title, belongs in lists:
        yield from _names(title, [row for row in rows if belongs(row)])


def _names(title: str, rows: list[Judged]) -> Iterator[Html]:
    yield heading(f"{title} ({len(rows)})")
    if not rows:
        yield paragraph("None.")
        return
    told = (
        (
            row.decision.original,
            row.gold,
            row.answer,
            row.decision.rule,
            row.decision.reason.value,
            row.groups.get("site", ""),
            ", ".join(filter(None, (row.groups.get("source", ""), row.structure_set))),
            f"{row.decision.confidence:.2f}",
        )
        for row in rows
    )
    yield table(("name", "label", "given", "rule", "reason", "site", "source, set", "confidence"), told, (7,))


def _interval(happened: int, of: int) -> str:
    low, high = wilson(happened, of)
    return f"{low:.1%} to {high:.1%}"
