"""``demo``: what it claims is measured at both ends, and it does not claim success where there is none."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest
from doubles.loopback import DEADLINE_S

from tg263_scp.cli import main
from tg263_scp.config.loading import load_config
from tg263_scp.dicom.editing.provenance import Provenance
from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.dicom.synthetic.structure_sets import write_synthetic
from tg263_scp.service.audit import verify
from tg263_scp.tools.demo.comparison import compare
from tg263_scp.tools.demo.demonstration import demonstrate, left_running
from tg263_scp.tools.shared.exitcode import ExitCode

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_synthetic(tmp_path_factory.mktemp("synthetic"))


def test_the_demonstration_delivers_names_proofs_and_a_zero(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep = tmp_path / "kept"
    assert main(["demo", "--keep", str(keep)]) == ExitCode.DONE
    out = capsys.readouterr().out
    assert "Parotid_L" in out
    assert "Rectum_PRV05" in out
    assert "FAIL" not in out
    assert "delivered: 3 of 3 structure sets" in out
    assert "everything else byte-identical: yes" in out
    assert "3 of 3 are what was sent, byte for byte" in out
    assert len(list((keep / "received").glob("RS.*.dcm"))) == 3
    log = load_config(keep / "node.yaml").audit.file
    assert verify(log).intact
    assert f"chain of {verify(log).lines} lines verified" in out


def test_given_structure_sets_are_sent_and_others_counted(
    tmp_path: Path, synthetic: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    shutil.copy(synthetic[0], folder / "a.dcm")
    shutil.copy(synthetic[0], folder / "again.dcm")
    (folder / "broken.dcm").write_bytes(synthetic[1].read_bytes()[:5000])
    (folder / "notes.txt").write_text("nothing", encoding="utf-8")
    assert main(["demo", str(folder)]) == ExitCode.FINDINGS
    out = capsys.readouterr().out
    assert "with this SOP Instance UID is sent already" in out
    assert "not delivered: held truncated" in out
    assert "delivered: 1 of 3 structure sets" in out


def test_a_folder_without_structure_sets_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", str(tmp_path)]) == ExitCode.USAGE
    assert "there is no structure set" in capsys.readouterr().err


def test_a_folder_that_holds_something_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    assert main(["demo", "--keep", str(tmp_path)]) == ExitCode.USAGE
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("provenance", [None, Provenance(datetime(2026, 11, 25, tzinfo=UTC), "NODE1")])
def test_the_comparison_sees_one_other_byte(
    tmp_path: Path, synthetic: list[Path], provenance: Provenance | None
) -> None:
    renamed = tmp_path / "renamed.dcm"
    relabel(synthetic[0], renamed, {0: "Body"}, provenance=provenance)
    found = compare(synthetic[0], renamed)
    assert found.same
    assert found.names[0] == "Body"
    assert found.compared_bytes > 10_000
    assert found.comes_back is (True if provenance else None)
    content = bytearray(renamed.read_bytes())
    place = content.rindex(b".00\\")
    content[place + 1 : place + 2] = b"5"
    renamed.write_bytes(content)
    found = compare(synthetic[0], renamed)
    assert not found.same
    assert found.comes_back is (False if provenance else None)


def test_the_comparison_sees_a_missing_roi(tmp_path: Path, synthetic: list[Path]) -> None:
    assert not compare(synthetic[0], synthetic[1]).same


@pytest.mark.skipif(
    "TG263_RTSTRUCT_DIR" not in os.environ, reason="TG263_RTSTRUCT_DIR names no folder of real files"
)
def test_real_structure_sets_are_delivered(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder, keep = Path(os.environ["TG263_RTSTRUCT_DIR"]), tmp_path / "kept"
    assert main(["demo", str(folder), "--keep", str(keep)]) == ExitCode.DONE
    for path in (keep / "received").iterdir():
        assert read_structure_set(path).rois


def test_the_demonstration_ends_by_saying_what_to_try_next(
    tmp_path: Path, synthetic: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", str(synthetic[0])]) == ExitCode.DONE
    *_, said = capsys.readouterr().out.partition("What to try next")
    assert "tg263-scp explain" in said
    assert "tg263-scp demo --desk" in said
    assert "demo FOLDER" not in said, "files were given"


def test_node_and_desk_stay_with_a_link_and_the_node_takes_further_sets(
    tmp_path: Path, synthetic: list[Path]
) -> None:
    pytest.importorskip("fastapi")
    demonstrate(synthetic[0], tmp_path, desk=True)
    with left_running(tmp_path) as running:
        with urlopen(running.login_link, timeout=DEADLINE_S) as answer:
            assert "Come in" in answer.read().decode()
        peer = f"{running.ae_title}@{running.address[0]}:{running.address[1]}"
        assert main(["echo", peer]) == ExitCode.DONE
