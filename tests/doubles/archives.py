"""Folders before and after."""

from __future__ import annotations

from pathlib import Path

from tg263_scp.tools.shared.csv_tables import read_table


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def manifest_rows(output: Path) -> list[dict[str, str]]:
    table = read_table(output / "manifest.csv")
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]
