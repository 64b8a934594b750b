"""``census``: which names an archive holds and what ``relabel`` would make of them, before anything is written.

Every structure set is decided as ``relabel`` decides it, with its own type, side, site and set; nothing is copied.
``names.csv`` has one row for each name, treatment site and answer; ``files.csv`` tells of the files that were not counted;
``census.json`` holds both sums. ``review list --manifest`` takes ``names.csv``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tg263_scp import __version__
from tg263_scp.decision import Status
from tg263_scp.dicom.reading.identify import identify
from tg263_scp.errors import HoldReason
from tg263_scp.service.deciding.relabelling import RelabelOutcome, decide_and_write
from tg263_scp.tools.archive.census_names import COLUMNS, CountedName, NameCounts
from tg263_scp.tools.archive.copies import (
    Order,
    Workshop,
    file_digest,
    may_be_structure_set,
    open_workshop,
    surviving,
)
from tg263_scp.tools.archive.find_files import Source, find_files
from tg263_scp.tools.archive.outcome import Handled, What
from tg263_scp.tools.shared.csv_tables import sheet_text, write_atomically
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.shared.terminal import json_text, open_console, print_json, progress, roi_text
from tg263_scp.tools.shared.wording import hold_words, reason_words

_FILE_COLUMNS = ("source", "outcome", "reason", "why")
_SHOWN_NAMES = 40
_NOT_RELABELLED = {
    HoldReason.APPROVED: "approved: relabel leaves them as they are; --approved relabel names them too",
    HoldReason.SIGNED: "signed: naming.gates.signed decides; a new name breaks the signature",
}
_UNREADABLE_NAMES = frozenset(
    {
        HoldReason.CHARSET_UNKNOWN,
        HoldReason.MULTI_VALUED_NAME,
        HoldReason.UNDECLARED_UTF8,
        HoldReason.UNREADABLE_NAME,
    }
)


@dataclass(frozen=True, slots=True)
class CensusOrder:
    """What ``census`` is asked to do; ``output`` is the folder of its tables, None where there are none."""

    paths: Sequence[Path]
    output: Path | None
    config: Path | None
    overlay: Path | None


@dataclass(slots=True)
class Census:
    """What was counted. ``gates`` tells in how many sets which thing was found; ``uncounted`` are files without names.

    ``years`` counts sets. Every count but that of ``names`` is of structure sets or files.
    """

    nomenclature: str
    sets: int = 0
    twins: int = 0
    gates: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    ready: int = 0
    names: NameCounts = field(default_factory=NameCounts)
    uncounted: list[tuple[Path, What, str]] = field(default_factory=list)
    folder_links: int = 0

    def add(self, outcome: RelabelOutcome) -> None:
        """Count one structure set that could be read."""
        assert outcome.structure_set is not None, "the caller looks"
        self.sets += 1
        found = {gate.found for gate in outcome.gates}
        self.gates.update(str(each) for each in found)
        self.unreadable += not found.isdisjoint(_UNREADABLE_NAMES)
        self.ready += all(decision.status is not Status.REVIEW for decision in outcome.decisions)
        self.names.add(outcome.structure_set, outcome.decisions, outcome.sender)

    @property
    def not_read(self) -> int:
        """How many structure sets could not be read."""
        return sum(what in (What.HELD, What.FAILED) for _, what, _ in self.uncounted)

    def as_json(self) -> dict[str, Any]:
        """Every sum, and every name."""
        others = Counter(what for _, what, reason in self.uncounted if reason != HoldReason.DUPLICATE_UID)
        return {
            "program": __version__,
            "nomenclature_sha256": self.nomenclature,
            "structure_sets": self.sets,
            "approved": self.gates[HoldReason.APPROVED],
            "signed": self.gates[HoldReason.SIGNED],
            "with_unreadable_names": self.unreadable,
            "not_read": self.not_read,
            "without_open_name": self.ready,
            "same_set_again": self.twins,
            "other_objects": others[What.LEFT_OUT],
            "not_dicom": others[What.NOT_DICOM],
            "folder_links_not_followed": self.folder_links,
            "distinct_names": self.names.distinct,
            "rois": self.names.rois,
            "rois_by_status": {status.value: self.names.by_status[status] for status in Status},
            "names": [each.as_json() for each in self.names.most_frequent_first()],
        }


def census(order: CensusOrder, as_json: bool) -> ExitCode:
    """The verb ``census``; exit code 1 where a structure set could not be read."""
    found = count_names(order)
    if order.output is not None:
        _write(found, order.output)
    if as_json:
        print_json(found.as_json())
    else:
        show_census(found, open_console())
    return ExitCode.FINDINGS if found.not_read else ExitCode.DONE


def count_names(order: CensusOrder) -> Census:
    """Decide every structure set, and count.

    Raises:
        UsageError: an input does not exist.
        ConfigError: the configuration cannot be used.
    """
    nowhere = order.output or Path(os.devnull)  # the output folder of an earlier census is not searched
    files = find_files(order.paths, nowhere)
    workshop = open_workshop(Order(order.paths, nowhere, order.config, order.overlay))
    workshop = replace(workshop, policy=replace(workshop.policy, mode="shadow"))
    found = Census(workshop.nomenclature.digest, folder_links=files.folder_links)
    found.uncounted += [(folder, What.FAILED, reason) for folder, reason in files.unreadable]
    first: dict[str, Path] = {}
    with progress("counting", len(files.sources)) as advance:
        for source in files.sources:
            handled = surviving(source, partial(_count, source, workshop, found, first))
            if handled.what is not What.UNCHANGED:
                found.uncounted.append((source.path, handled.what, handled.reason))
            advance(1)
    return found


def _count(source: Source, workshop: Workshop, found: Census, first: dict[str, Path]) -> Handled:
    identity = identify(source.path)
    if identity is None:
        return Handled(source, What.NOT_DICOM)
    if not may_be_structure_set(identity):
        return Handled(source, What.LEFT_OUT, HoldReason.NOT_RTSTRUCT)
    earlier = (
        first.setdefault(identity.sop_instance_uid, source.path) if identity.sop_instance_uid else source.path
    )
    if earlier != source.path and file_digest(earlier) == file_digest(source.path):
        found.twins += 1
        return Handled(source, What.LEFT_OUT, HoldReason.DUPLICATE_UID)
    outcome = decide_and_write(
        source.path,
        source.path,  # of a shadow, which writes nothing
        workshop.nomenclature,
        workshop.policy,
        workshop.writing,
        rulings=workshop.rulings,
    )
    if outcome.structure_set is None:
        return Handled(source, What.HELD, outcome.reason)
    found.add(outcome)
    return Handled(source, What.UNCHANGED)


def _write(found: Census, folder: Path) -> None:
    names = (each.row() for each in found.names.most_frequent_first())
    write_atomically(folder / "names.csv", sheet_text((COLUMNS, *names)))
    files = ((str(path), what.value, reason, hold_words(reason)) for path, what, reason in found.uncounted)
    write_atomically(folder / "files.csv", sheet_text((_FILE_COLUMNS, *files)))
    write_atomically(folder / "census.json", json_text(found.as_json()))


def show_census(found: Census, console: Console) -> None:
    """Print the sums, then the most frequent names."""
    for count, words in _top(found):
        if count:
            console.print(f"{count:>7} {words}")
    if found.folder_links:
        console.print(f"{found.folder_links} links to folders were not followed", style="yellow")
    table = Table(
        title=f"{found.names.distinct} distinct names, {found.names.rois} ROIs", title_justify="left"
    )
    for title in ("name", "count", "sets", "becomes", "rule", "why", "site", "type", "sender"):
        table.add_column(title, overflow="fold", justify="right" if title in ("count", "sets") else "left")
    rows = found.names.most_frequent_first()
    for each in rows[:_SHOWN_NAMES]:
        table.add_row(*_cells(each))
    console.print(table)
    if len(rows) > _SHOWN_NAMES:
        console.print(
            f"... and {len(rows) - _SHOWN_NAMES} more rows, which -o DIR and --json list", style="dim"
        )
    for path, what, reason in found.uncounted:
        if what in (What.HELD, What.FAILED):
            console.print(f"not read: {path} ({hold_words(reason)})", style="yellow")


def _top(found: Census) -> Iterator[tuple[int, str]]:
    yield found.sets, "structure sets"
    yield found.ready, "of them without a name that is left for review"
    for reason, words in _NOT_RELABELLED.items():
        yield found.gates[reason], words
    yield found.unreadable, "with names that cannot be read: naming.gates.unreadable decides"
    yield found.not_read, "not read (see below): relabel holds them"
    yield found.twins, "files that hold a set of another file again"
    others = Counter(what for _, what, reason in found.uncounted if reason != HoldReason.DUPLICATE_UID)
    yield others[What.LEFT_OUT], "DICOM objects of another kind"
    yield others[What.NOT_DICOM], "files that are not DICOM"


def _cells(each: CountedName) -> Iterator[Any]:
    yield roi_text(each.name)
    yield str(each.count)
    yield str(each.sets)
    yield roi_text(each.standard_name or "?")
    yield each.decision.rule
    yield reason_words(each.decision.reason.value)
    yield each.decision.site
    yield ", ".join(kind for kind in each.types if kind)
    yield roi_text(", ".join(sender for sender in each.senders if sender))
