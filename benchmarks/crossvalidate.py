"""Leave one clinic out: choose the thresholds of close matches on all other sources, measure on the one left out.

    python benchmarks/crossvalidate.py GOLD.csv --output conformance/accuracy.md

``GOLD.csv`` is a gold table as ``tg263-scp evaluate`` reads it, with a column ``source``. For every source the pair of
``fuzzy_floor`` and ``fuzzy_gap`` is chosen that costs least on the *other* sources (a wrong name costs as much as ten missed
ones), and the source is then measured with that pair. The vocabulary cannot be left out in this way: it was learned from
words of all sources, so the figures say how the rules carry over, not how a language nobody wrote a pack for would fare.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tg263_scp import __version__
from tg263_scp.naming.query import NamingOptions
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.service.namer import Namer
from tg263_scp.tools.names.evaluation import Judged, Tally, Verdict, evaluate_file, tally, wilson

FLOORS = (0.75, 0.79, 0.83, 0.87, 0.91, 1.0)
GAPS = (0.0, 0.08, 0.15)
WRONG_COSTS = 10
"""Missed names that one wrong name weighs."""

Setting = tuple[float, float]


def judged_under(gold: Path) -> dict[Setting, tuple[Judged, ...]]:
    """Judge every row of the gold table under every setting of the thresholds."""
    nomenclature = load_nomenclature()
    found = {}
    for floor in FLOORS:
        for gap in GAPS:
            options = replace(NamingOptions(), fuzzy_floor=floor, fuzzy_gap=gap)
            found[floor, gap] = evaluate_file(gold, Namer(nomenclature, options)).judged
    return found


def cost(rows: Sequence[Judged]) -> int:
    """What the errors of these rows cost, in missed names."""
    verdicts = Counter(row.verdict for row in rows)
    return WRONG_COSTS * verdicts[Verdict.WRONG] + verdicts[Verdict.MISSED]


def chosen_without(source: str, judged: dict[Setting, tuple[Judged, ...]]) -> Setting:
    """Return the cheapest setting on all sources but one; of equals the strictest."""

    def elsewhere(setting: Setting) -> int:
        return cost([row for row in judged[setting] if row.groups["source"] != source])

    return min(sorted(judged, reverse=True), key=elsewhere)


def held_out(judged: dict[Setting, tuple[Judged, ...]]) -> list[tuple[str, Setting, list[Judged]]]:
    """Return every source with the setting chosen without it and its rows under that setting."""
    sources = sorted({row.groups["source"] for row in next(iter(judged.values()))})
    found = []
    for source in sources:
        setting = chosen_without(source, judged)
        found.append((source, setting, [row for row in judged[setting] if row.groups["source"] == source]))
    return found


def report(gold: Path) -> Iterator[str]:
    """Yield the lines of the report, worst clinic first."""
    judged = judged_under(gold)
    clinics = held_out(judged)
    total = tally([row for _, _, rows in clinics for row in rows])
    yield "# Accuracy, one clinic left out at a time"
    yield ""
    yield f"tg263-scp {__version__}, no model, on {total.rows} names of {len(clinics)} sources (real clinics and public data"
    yield "sets; the names are not part of the project). Made by"
    yield "`python benchmarks/crossvalidate.py GOLD.csv --output conformance/accuracy.md`."
    yield ""
    yield "For every source the thresholds of close matches (`fuzzy_floor`, `fuzzy_gap`) were chosen on all other sources,"
    yield f"a wrong name counting as {WRONG_COSTS} missed ones. Vocabulary was learned from words of all sources and cannot"
    yield "be left out: these figures are of names the authors could have seen. On names of clinics they had not seen"
    yield "expect less; measure your own with `tg263-scp evaluate`."
    yield ""
    yield "| source | names | right | missed | wrong | wrong side | right (95 % interval) | floor | gap |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: |"
    for source, (floor, gap), rows in sorted(clinics, key=lambda clinic: _badness(tally(clinic[2]))):
        yield f"| {source} | {_cells(tally(rows))} | {floor} | {gap} |"
    yield f"| **all** | {_cells(total)} | | |"
    yield ""
    yield "| class | names | right | missed | wrong | wrong side | right (95 % interval) |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- |"
    rows = [row for _, _, rows in clinics for row in rows]
    for name in sorted({row.groups.get("class", "") for row in rows}):
        yield f"| {name} | {_cells(tally([row for row in rows if row.groups.get('class', '') == name]))} |"


def _badness(counts: Tally) -> tuple[float, float]:
    return (-counts.wrong / counts.rows, counts.right / counts.rows)


def _cells(counts: Tally) -> str:
    low, high = wilson(counts.right, counts.rows)
    share = f"{counts.right / counts.rows:.1%} ({low:.1%} to {high:.1%})"
    return (
        f"{counts.rows} | {counts.right} | {counts.missed} | {counts.wrong} | {counts.wrong_side} | {share}"
    )


def main() -> None:
    """Print the report, or write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("gold", type=Path)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    text = "\n".join(report(arguments.gold)) + "\n"
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
