"""``map``: a table of ROI names in, the same table with their TG-263 names out.

The rows of one ``structure_set`` are decided together, so that pairs, clashes and the site count; a row without one is
decided alone. Names repeat endlessly in real tables, so a row that is decided alone is decided once per distinct name,
site and interpreted type.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tg263_scp.decision import Decision, Roi, Status
from tg263_scp.naming.decide import NamingOptions, decide_set
from tg263_scp.naming.llm.choice import Model
from tg263_scp.naming.standard.loading import Nomenclature, load_nomenclature
from tg263_scp.tools.shared.csv_tables import Table, TableError, read_table, table_text, write_atomically
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.shared.terminal import print_table
from tg263_scp.tools.shared.wording import standard_name

ADDED_COLUMNS = ("status", "standard_name", "rule", "reason", "confidence", "candidates")


@dataclass(slots=True)
class Namer:
    """The nomenclature, the naming options and the language model of one run, with a memory of names decided alone."""

    nomenclature: Nomenclature
    options: NamingOptions = field(default_factory=NamingOptions)
    model: Model | None = None
    _seen: dict[tuple[str, str, str], Decision] = field(default_factory=dict)

    def alone(self, name: str, *, site: str = "", interpreted_type: str = "") -> Decision:
        """Decide one name that stands by itself."""
        key = (name, site, interpreted_type)
        decision = self._seen.get(key)
        if decision is None:
            rois = (Roi(1, name, interpreted_type),)
            (decision,) = self.together(rois, site=site)
            self._seen[key] = decision
        return decision

    def together(self, rois: Sequence[Roi], *, site: str = "") -> tuple[Decision, ...]:
        """Decide the names of one structure set."""
        return decide_set(rois, self.nomenclature, self.options, site=site, model=self.model)

    def asking(self, model: Model) -> Namer:
        """Return a namer with the same data that asks a model, and remembers nothing yet."""
        return Namer(self.nomenclature, self.options, model)


TableDecider = Callable[[Table, Namer], list[Decision]]
"""Decides every row of a table, in the order of its rows."""


def open_namer(config: Path | None = None, overlay: Path | None = None, *, compiled: bool = True) -> Namer:
    """Load the nomenclature and the naming options that a configuration names, or the defaults without one.

    ``overlay`` replaces the configured overlay of the clinic; ``compiled`` as for ``load_nomenclature``.

    Raises:
        ConfigError: the configuration cannot be used.
        NomenclatureError: the nomenclature or the overlay contradicts itself.
    """
    if config is None:
        return Namer(load_nomenclature(overlay=overlay, compiled=compiled))
    from tg263_scp.config.sections import (
        load_config,  # only where asked for: these cost more time than naming itself
    )
    from tg263_scp.service.deciding.relabelling import RelabelPolicy

    naming = load_config(config).naming
    nomenclature = load_nomenclature(overlay=overlay or naming.overlay, compiled=compiled)
    return Namer(nomenclature, RelabelPolicy.of(naming).options)


def map_names(
    source: Path, target: Path | None, llm: bool, config: Path | None, overlay: Path | None
) -> ExitCode:
    """The verb ``map``."""
    namer = open_namer(config, overlay)
    if not llm:
        return _show_mapped(*map_file(source, target, namer), target)
    from tg263_scp.tools.names.asking import Asker, open_consultant

    with open_consultant(config, namer.nomenclature) as consultant:
        asker = Asker(consultant)
        code = _show_mapped(*map_file(source, target, namer, asker.table), target)
    return ExitCode.FINDINGS if asker.unanswered else code


def _show_mapped(text: str, counts: Counter[Status], target: Path | None) -> ExitCode:
    if target is None:
        print_table(text)
    else:
        parts = ", ".join(f"{counts[status]} {status}" for status in Status)
        print(f"{target}: {counts.total()} names: {parts}")
    return ExitCode.DONE


def map_file(
    source: Path, target: Path | None, namer: Namer, decide: TableDecider | None = None
) -> tuple[str, Counter[Status]]:
    """Map a CSV file; write it to ``target`` where given. ``decide`` stands in for :func:`decide_table`.

    Returns the text of the mapped table and how many rows have which status.

    Raises:
        TableError: the table cannot be used, or ``target`` is the input itself.
    """
    if target is not None and target.exists() and target.samefile(source):
        raise TableError(f"{target} is the input itself", hint="give -o another file")
    table = read_table(source)
    taken = [title for title in table.header if title.strip().casefold() in ADDED_COLUMNS]
    if taken:
        raise TableError(
            f"{source}:1: the table already has a column '{taken[0]}'", hint="rename or remove it"
        )
    decisions = (decide or decide_table)(table, namer)
    rows = (row + _answer(decision) for row, decision in zip(table.rows, decisions, strict=True))
    text = table_text((*table.header, *ADDED_COLUMNS), rows, table.delimiter)
    if target is not None:
        write_atomically(target, text)
    return text, Counter(decision.status for decision in decisions)


def decide_table(table: Table, namer: Namer) -> list[Decision]:
    """Decide every row of a table, in the order of its rows.

    Raises:
        TableError: the table has no column ``original_name``.
    """
    names = table.required("original_name")
    sites, types = table.optional("site"), table.optional("roi_type")
    members: dict[str, list[int]] = {}
    decisions: dict[int, Decision] = {}
    for row, structure_set in enumerate(table.optional("structure_set")):
        if structure_set.strip():
            members.setdefault(structure_set, []).append(row)
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


def _answer(decision: Decision) -> tuple[str, ...]:
    return (
        decision.status.value,
        standard_name(decision),
        decision.rule,
        decision.reason.value,
        f"{decision.confidence:.2f}",
        ";".join(candidate.name for candidate in decision.candidates),
    )
