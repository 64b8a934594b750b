"""Leave one clinic out: choose thresholds and the notation of sets on all other sources, measure on the one left out.

    python benchmarks/crossvalidate.py GOLD.csv ... [--seen-once GOLD.csv] --output conformance/accuracy.md

``GOLD.csv`` are gold tables as ``tg263-scp evaluate`` reads them, with a column ``source``. For every source the pair of
``fuzzy_floor`` and ``fuzzy_gap``, and then the thresholds of a set's notation, are chosen that cost least on the *other*
sources of all tables (a wrong name costs as much as ten missed ones), and the source is then measured with them. The
vocabulary cannot be left out in this way: it was learned from words of all sources, so the figures say how the rules carry
over, not how a language without a pack would fare.

The table behind ``--seen-once`` takes no part in any choice: it is measured once, with the thresholds as released.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tg263_scp import __version__
from tg263_scp.naming.query import NamingOptions
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.namer import Namer
from tg263_scp.tools.names.accuracy.coverage import FIGURES, by_class, coverage, sets_all_named
from tg263_scp.tools.names.accuracy.evaluation import (
    Judged,
    Tally,
    Verdict,
    by_set,
    evaluate_file,
    tally,
    wilson,
)

FLOORS = (0.75, 0.79, 0.83, 0.87, 0.91, 1.0)
GAPS = (0.0, 0.08, 0.15)
NOTATIONS = ((0.5, 3), (0.5, 2), (0.7, 3), (0.9, 5), (1.0, 99))
"""Share of names that have to share a word, and pairs that show how sides are written; the first is the released one, the last
switches the notation off."""
WRONG_COSTS = 10
"""Missed names that one wrong name weighs."""

Judgements = dict[NamingOptions, tuple[Judged, ...]]
"""The rows of all tables, judged under each setting."""


@dataclass(frozen=True, slots=True)
class Clinic:
    """One source as it was measured: the setting that was chosen without it, and its rows under that setting."""

    source: str
    setting: NamingOptions
    rows: tuple[Judged, ...]


def judged_under(
    tables: Sequence[Path], settings: Iterable[NamingOptions], nomenclature: Nomenclature
) -> Judgements:
    """Judge every row of the tables under every setting."""
    return {
        options: tuple(
            row for gold in tables for row in evaluate_file(gold, Namer(nomenclature, options)).judged
        )
        for options in settings
    }


def cost(rows: Iterable[Judged]) -> int:
    """What the errors of these rows cost, in missed names."""
    verdicts = Counter(row.verdict for row in rows)
    return WRONG_COSTS * verdicts[Verdict.WRONG] + verdicts[Verdict.MISSED]


def chosen_without(source: str, judged: Judgements) -> NamingOptions:
    """Return the cheapest setting on all sources but one; of equals the first."""
    return min(judged, key=lambda options: cost(r for r in judged[options] if r.groups["source"] != source))


def held_out(tables: Sequence[Path]) -> list[Clinic]:
    """Return every source, measured with what was chosen without it."""
    nomenclature = load_nomenclature()
    released = NamingOptions()
    strictest_first = [(floor, gap) for floor in reversed(FLOORS) for gap in reversed(GAPS)]
    fuzzy = judged_under(
        tables,
        [replace(released, fuzzy_floor=floor, fuzzy_gap=gap) for floor, gap in strictest_first],
        nomenclature,
    )
    notations: dict[NamingOptions, Judgements] = {}
    found = []
    for source in sorted({row.groups["source"] for row in next(iter(fuzzy.values()))}):
        close = chosen_without(source, fuzzy)
        if close not in notations:
            settings = [
                replace(close, notation_share=share, notation_pairs=pairs) for share, pairs in NOTATIONS
            ]
            notations[close] = judged_under(tables, settings, nomenclature)
        setting = chosen_without(source, notations[close])
        rows = tuple(row for row in notations[close][setting] if row.groups["source"] == source)
        found.append(Clinic(source, setting, rows))
    return found


def report(tables: Sequence[Path], seen_once: Path | None) -> Iterator[str]:
    """Yield the lines of the report, worst clinic first."""
    clinics = held_out(tables)
    rows = [row for clinic in clinics for row in clinic.rows]
    given = " ".join(["GOLD.csv"] * len(tables)) + (" --seen-once ASIDE.csv" if seen_once else "")
    yield "# Accuracy, one clinic left out at a time"
    yield ""
    yield f"tg263-scp {__version__}, no model, on {len(rows)} names of {len(clinics)} sources (real clinics and public data"
    yield "sets; the names are not part of the project). Made by"
    yield f"`python benchmarks/crossvalidate.py {given} --output conformance/accuracy.md`."
    yield ""
    yield "For every source the thresholds of close matches (`fuzzy_floor`, `fuzzy_gap`) and of a set's notation (the share of"
    yield "names that share a word, the pairs that show how sides are written) were chosen on all other sources, a wrong name"
    yield f"counting as {WRONG_COSTS} missed ones. Vocabulary was learned from words of all sources and cannot be left out:"
    yield "these figures are of names the authors could have seen. On names of clinics they had not seen expect less;"
    yield "measure your own with `tg263-scp evaluate`, which explains each figure."
    if seen_once:
        yield from _seen_once(seen_once)
    yield ""
    yield "## Clinics left out"
    yield ""
    head = "| source | names | right | missed | wrong | wrong side | right (95 % interval) | named | asked |"
    yield f"{head} floor | gap | share | pairs |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for clinic in sorted(clinics, key=lambda clinic: _badness(tally(clinic.rows))):
        named, _, asked, *_ = coverage(clinic.rows).cells()
        used = clinic.setting
        chosen = f"{used.fuzzy_floor} | {used.fuzzy_gap} | {used.notation_share} | {used.notation_pairs}"
        yield f"| {clinic.source} | {_cells(tally(clinic.rows))} | {named} | {asked} | {chosen} |"
    yield ""
    yield from _figures(rows)


def _seen_once(gold: Path) -> Iterator[str]:
    """Yield the section of names that took no part in any choice."""
    rows = evaluate_file(gold, Namer(load_nomenclature())).judged
    yield ""
    yield "## Seen once"
    yield ""
    sources = {row.groups["source"] for row in rows}
    yield f"{len(rows)} names of {len(sources)} other sources, set aside before any of their names"
    yield "was read, and *seen once*: measured at the end, with the thresholds as released."
    yield ""
    yield from _figures(rows)


def _figures(rows: Sequence[Judged]) -> Iterator[str]:
    """Yield the table of all rows and of each class, then the sets."""
    yield f"| class | names | right | missed | wrong | wrong side | right (95 % interval) | {' | '.join(FIGURES)} |"
    yield f"| --- | ---: | ---: | ---: | ---: | ---: | --- |{' ---: |' * len(FIGURES)}"
    for name, found in by_class(rows).items():
        counts = tally(row for row in rows if name in ("all", row.groups.get("class", "")))
        yield f"| {'**all**' if name == 'all' else name} | {_cells(counts)} | {' | '.join(found.cells())} |"
    sets: dict[str, list[Judged]] = {}
    for name, row in by_set(rows):
        sets.setdefault(name, []).append(row)
    if sets:
        right = sum(all(row.verdict is Verdict.RIGHT for row in members) for members in sets.values())
        harmed = sum(any(row.verdict is Verdict.WRONG for row in members) for members in sets.values())
        yield ""
        yield f"Whole structure sets: {len(sets)}. Every name that is due was given and none is wrong: {sets_all_named(rows)}."
        yield f"Nothing missed and nothing wrong: {right}. With a wrong name: {harmed}."


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
    parser.add_argument("gold", type=Path, nargs="+")
    parser.add_argument("--seen-once", type=Path, help="a table that takes no part in any choice")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    text = "\n".join(report(arguments.gold, arguments.seen_once)) + "\n"
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
