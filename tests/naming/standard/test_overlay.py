"""A clinic's overlay is checked as it is read: every target, site and key, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tg263_scp.errors import NomenclatureError
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.standard.overlay import check_targets

SIGNED = 'clinic: here\napproved_by: somebody\ndate: "2026-01-15"\n'


def loaded(folder: Path, lines: str, head: str = SIGNED) -> Nomenclature:
    path = folder / "overlay.yaml"
    path.write_text(head + lines, encoding="utf-8")
    return load_nomenclature(overlay=path, compiled=True)


@pytest.mark.parametrize(
    ("line", "problem", "hint"),
    [
        ('{name: "lung l", becomes: "left lung!!"}', "neither a name of the TG-263 list", "local: yes"),
        ("{name: RM, becomes: SpinalCrod}", "neither a name of the TG-263 list", "did you mean SpinalCord?"),
        ("{name: DL, becomes: A_LAD, site: moon}", "unknown site 'moon'", "breast"),
        ("{name: DL, becomes: A_LAD, sight: breast}", "unknown key of a mapping 'sight'", "site"),
        ("{name: DL, becomes: A_LAD, local: perhaps}", "'local' is yes or no", ""),
        ("{name: DL}", "needs 'name' and 'becomes'", ""),
    ],
)
def test_a_line_that_cannot_be_meant_is_an_error_with_its_line(
    tmp_path: Path, line: str, problem: str, hint: str
) -> None:
    with pytest.raises(NomenclatureError) as caught:
        loaded(tmp_path, f"mappings:\n  - {line}\n")
    assert problem in str(caught.value)
    assert caught.value.where.line == 5
    assert hint in caught.value.hint


def test_the_clinics_own_name_is_marked_local(tmp_path: Path) -> None:
    read = loaded(tmp_path, "mappings:\n  - {name: RM opt, becomes: Cord_helper, local: yes}\n")
    (row,) = read.clinic["rmopt"]
    assert row.local
    check_targets(read)


def test_a_site_may_go_by_another_of_its_names(tmp_path: Path) -> None:
    read = loaded(tmp_path, 'mappings:\n  - {name: DL, becomes: A_LAD, site: "Head and Neck"}\n')
    assert read.clinic["dl"][0].site == "head_and_neck"


def test_an_overlay_that_nobody_approved_says_so(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").clinic_unsigned is None
    unsigned = loaded(tmp_path, "", head="clinic: here\n").clinic_unsigned
    assert unsigned is not None
    assert unsigned.line == 1


def test_only_the_packs_that_are_named_are_read() -> None:
    read = load_nomenclature(compiled=True, languages=["de", "fr"])
    assert set(read.lexicon.word_lines) == {"de", "fr"}
    assert read.digest != load_nomenclature(compiled=True).digest


def test_a_language_without_a_pack_is_an_error() -> None:
    with pytest.raises(NomenclatureError, match="no pack of the language 'xx'") as caught:
        load_nomenclature(languages=["de", "xx"])
    assert "fr" in caught.value.hint
