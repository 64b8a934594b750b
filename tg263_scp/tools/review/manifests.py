"""Open names of an archive, read from the manifest that ``relabel`` wrote, or from ``names.csv`` of ``census``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from tg263_scp.decision import Status
from tg263_scp.naming.rules.identifiers import looks_identifying
from tg263_scp.service.review.seen_objects import OfferedName, OpenRoi, SeenObject
from tg263_scp.tools.shared.csv_tables import Table, TableError, counts_of, read_table, unguarded

_WANTED = (
    "source",
    "outcome",
    "sop_instance_uid",
    "roi_number",
    "original_name",
    "status",
    "rule",
    "name_reason",
    "roi_type",
    "candidates",
    "votes",
    "site",
    "sender",
    "ruling",
)
_OF_CENSUS = (
    *("original_name", "status", "rule", "name_reason", "site", "roi_types", "senders"),
    *("candidates", "votes", "ruling"),
)
_Cells = dict[str, str]


def objects_of_manifest(path: Path) -> Iterator[SeenObject]:
    """Yield the structure sets of a manifest that have open names; of a census, as many as it counted, without their UIDs.

    Raises:
        TableError: it is no manifest of this version, and no census.
    """
    table = read_table(path)
    at = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    if table.column("senders") is not None:
        yield from _objects_of_census(path, table, at)
        return
    columns = []
    for name in _WANTED:
        column = table.column(name)
        if column is None:
            raise TableError(
                f"{path}: there is no column '{name}'",
                hint="a manifest of an earlier version has none: run relabel again",
            )
        columns.append([unguarded(cell) for cell in column])
    rows = [dict(zip(_WANTED, cells, strict=True)) for cells in zip(*columns, strict=True)]
    for source, group in groupby(rows, key=lambda row: row["source"]):
        members = list(group)
        open_rois = tuple(_open_roi(row) for row in members if row["status"] == Status.REVIEW)
        if open_rois:
            first = members[0]
            yield SeenObject(
                sop_instance_uid=first["sop_instance_uid"],
                version="",
                sender=first["sender"],
                site=first["site"],
                at=at,
                outcome=first["outcome"],
                source=source,
                open_rois=open_rois,
            )


def _objects_of_census(path: Path, table: Table, at: str) -> Iterator[SeenObject]:
    """Yield an object for every structure set that a row counts; which type came from which sender is not known."""
    columns = {name: table.required(name) for name in _OF_CENSUS}
    for number in range(len(table.rows)):
        row = {name: column[number] for name, column in columns.items()}
        if row["status"] != Status.REVIEW:
            continue
        try:
            senders, types = counts_of(row["senders"]), counts_of(row["roi_types"])
        except ValueError as problem:
            raise TableError(
                f"{path}: row {number + 1}: senders and roi_types must end in counts",
                hint="give names.csv as census wrote it",
            ) from problem
        rois = [_open_roi({**row, "roi_number": "", "roi_type": kind}) for kind in Counter(types).elements()]
        objects = list(Counter(senders).elements())
        for place, sender in enumerate(objects):
            # More ROIs than sets: a set has the name several times.
            own = rois[place :: len(objects)]
            yield SeenObject("", "", sender, row["site"], at, "", open_rois=tuple(own))


def _open_roi(row: _Cells) -> OpenRoi:
    number = row["roi_number"]
    return OpenRoi(
        name=row["original_name"],
        number=int(number) if number.lstrip("-").isdecimal() else None,
        interpreted_type=row["roi_type"],
        reason=row["name_reason"],
        rule=row["rule"],
        ruling=row["ruling"],
        candidates=tuple(_offered(row["candidates"])),
        place={},
        identifying=looks_identifying(row["original_name"]),
        votes=row["votes"],
    )


def _offered(text: str) -> Iterator[OfferedName]:
    for each in filter(None, text.split(";")):
        name, _, score = each.rpartition("=")
        yield OfferedName(name, float(score))
