"""The rows of a table decided: those of one structure set together, all others once for each distinct name.

A structure set is told by the column ``structure_set``, within its ``source`` where there is one: two clinics may both have a
set 1. Rows without it are no set, for a list of names may be of many patients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tg263_scp.decision import Decision, Roi
from tg263_scp.service.namer import Namer
from tg263_scp.tools.shared.csv_tables import Table

TableDecider = Callable[[Table, Namer], list[Decision]]
"""Decides every row of a table, in the order of its rows."""


def decide_table(table: Table, namer: Namer) -> list[Decision]:
    """Decide every row of a table, in the order of its rows.

    Raises:
        TableError: the table has no column ``original_name``.
    """
    names = table.required("original_name")
    sites, types = table.optional("site"), table.optional("roi_type")
    members: dict[tuple[str, str], list[int]] = {}
    decisions: dict[int, Decision] = {}
    sources = table.optional("source")
    for row, structure_set in enumerate(table.optional("structure_set")):
        if structure_set.strip():
            members.setdefault((sources[row].strip(), structure_set.strip()), []).append(row)
        else:
            decisions[row] = namer.alone(
                names[row], site=sites[row].strip(), interpreted_type=types[row].strip()
            )
    for rows in members.values():
        rois = [Roi(number, names[row], types[row].strip()) for number, row in enumerate(rows, start=1)]
        answers = namer.together(rois, site=_common(sites[row] for row in rows))
        decisions.update(zip(rows, answers, strict=True))
    return [decisions[row] for row in range(len(names))]


def _common(sites: Iterable[str]) -> str:
    """The one site that the rows of a set name; unknown where they contradict each other."""
    named = {site.strip() for site in sites} - {""}
    return named.pop() if len(named) == 1 else ""
