"""Open names of an archive, read from the manifest that ``relabel`` wrote."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from tg263_scp.decision import Status
from tg263_scp.naming.rules.identifiers import looks_identifying
from tg263_scp.service.review.seen_objects import OfferedName, OpenRoi, SeenObject
from tg263_scp.tools.shared.csv_tables import TableError, read_table, unguarded

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
_Cells = dict[str, str]


def objects_of_manifest(path: Path) -> Iterator[SeenObject]:
    """Yield the structure sets of a manifest that have open names.

    Raises:
        TableError: it is no manifest of this version.
    """
    table = read_table(path)
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
    at = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
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
