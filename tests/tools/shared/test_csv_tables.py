"""Where the verbs write what ``-o`` names."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tg263_scp.errors import Tg263Error
from tg263_scp.tools.shared.csv_tables import read_table, sheet_text, write_atomically

posix_only = pytest.mark.skipif(os.name == "nt", reason="links, pipes and devices as POSIX has them")


def test_a_table_replaces_the_one_before_and_its_folder_is_made(tmp_path: Path) -> None:
    target = tmp_path / "new" / "table.csv"
    for text in ("Gehirn\r\n", "Magen\r\n"):
        write_atomically(target, text)
        assert target.read_bytes() == text.encode()
    assert [path.name for path in target.parent.iterdir()] == ["table.csv"]


@posix_only
def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(pipe, "Magen\r\n")
        assert os.read(reader, 100) == b"Magen\r\n"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@posix_only
def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    link, target = tmp_path / "link.csv", tmp_path / "folder" / "table.csv"
    link.symlink_to(target)
    write_atomically(link, "Magen\r\n")
    assert link.is_symlink()
    assert target.read_bytes() == b"Magen\r\n"


def test_a_folder_in_the_place_of_a_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(Tg263Error, match=f"{tmp_path}: Is a directory") as caught:
        write_atomically(tmp_path, "")
    assert caught.value.hint


CALCULATED = ("-PTV", "+3mm", "=1+1", "@SUM(A1)", "\tx", "\rx", "'-PTV", "''=1", "'s", "Lung_L", "", " =1")


def test_no_cell_of_a_sheet_begins_a_formula_and_all_come_back(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    write_atomically(path, sheet_text([("original_name",), *((name,) for name in CALCULATED)]))
    table = read_table(path)
    assert table.required("original_name") == CALCULATED
    assert not [cell for (cell,) in table.rows if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    assert [cell for (cell,) in table.rows][-4:] == ["'s", "Lung_L", "", " =1"]
