"""Structure sets in every encoding that DCMTK writes: relabelled, read by others, and reverted to what they were.

With ``TG263_RTSTRUCT_DIR`` these are the structure sets of that folder, else two synthetic ones.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import specimens
from comparison import renamed, undeflated
from foreign_peers import dumped_names, findings
from processes import program, run

from tg263_scp.cli import main as cli
from tg263_scp.dicom.editing.provenance import Provenance
from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.reading.structure_set import read_structure_set

pytestmark = pytest.mark.peer

PROVENANCE = Provenance(datetime(2026, 11, 23, 12, tzinfo=UTC), "CONFORMANCE", "TPS")
AS_WRITTEN = {
    "as it is": (),
    "implicit little endian": ("+ti", "+e"),
    "implicit little endian, undefined lengths": ("+ti", "-e"),
    "explicit little endian": ("+te", "+e"),
    "explicit little endian, undefined lengths": ("+te", "-e"),
    "explicit little endian, group lengths": ("+te", "+e", "+g"),
    "explicit big endian": ("+tb", "+e"),
    "explicit big endian, undefined lengths": ("+tb", "-e"),
    "deflated": ("+td", "+e"),
    "deflated, undefined lengths": ("+td", "-e"),
}
"""By name, the options of ``dcmconv``."""


def structure_sets(folder: Path) -> list[Path]:
    given = os.environ.get("TG263_RTSTRUCT_DIR")
    if given:
        found = sorted(Path(given).glob("*.dcm"))
        assert found, f"TG263_RTSTRUCT_DIR: there is no *.dcm in {given}"
        return found
    return [
        specimens.structure_set(folder / "large.dcm", seed="transcoded 1", points=3000),
        specimens.structure_set(folder / "small.dcm", seed="transcoded 2", names=("heart", "Rt Lung", "")),
    ]


@pytest.mark.cell("Encodings", "{encoding}", "dcmdump")
@pytest.mark.cell("Encodings", "{encoding}", "dciodvfy")
@pytest.mark.cell("Encodings", "{encoding}", "revert")
@pytest.mark.parametrize("encoding", AS_WRITTEN)
def test_a_structure_set_in_any_encoding_is_relabelled_validated_and_reverted(
    encoding: str, tmp_path: Path
) -> None:
    options = AS_WRITTEN[encoding]
    for tool in ("dcmconv", "dcmdump", "dciodvfy"):
        program(tool)
    folders = {name: tmp_path / name for name in ("made", "sent", "relabelled", "reverted")}
    for name in ("made", "sent", "relabelled"):
        folders[name].mkdir()
    sent: list[Path] = []
    for original in structure_sets(folders["made"]):
        sent.append(folders["sent"] / original.name)
        if options:
            run("dcmconv", *options, original, sent[-1])
        else:
            sent[-1].write_bytes(original.read_bytes())
        _relabel(sent[-1], folders["relabelled"] / original.name)

    assert cli(["revert", str(folders["relabelled"]), "--output", str(folders["reverted"])]) == 0
    for path in sent:
        assert undeflated(folders["reverted"] / path.name) == undeflated(path), path.name


def _relabel(sent: Path, relabelled: Path) -> None:
    rois = read_structure_set(sent).rois
    names = {roi.index: f"Renamed_{roi.index}" for roi in rois if roi.raw_name is not None and roi.readable}
    assert names, f"{sent.name} has no ROI to be renamed"
    proof = relabel(sent, relabelled, names, provenance=PROVENANCE)
    assert proof.blanked_sha256_before == proof.blanked_sha256_after

    assert set(renamed(sent, relabelled).values()) == set(names.values())
    was, now = dumped_names(sent), dumped_names(relabelled)
    assert now == [names.get(index, name) for index, name in enumerate(was)]
    complaints = [_complaints(path) for path in (sent, relabelled)]
    assert complaints[1] <= complaints[0], f"dcmdump: {complaints[1] - complaints[0]}"
    found = [set(findings(_for_dciodvfy(path))) for path in (sent, relabelled)]
    assert found[1] <= found[0], f"dciodvfy: {found[1] - found[0]}"


def _complaints(path: Path) -> set[str]:
    """What DCMTK says of a file while it reads all of it."""
    answer = run("dcmdump", "-v", path, check=False)
    assert answer.returncode == 0, f"dcmdump cannot read {path.name}"
    said = f"{answer.stdout}\n{answer.stderr}".splitlines()
    return {line for line in said if line.startswith(("E:", "W:", "F:"))}


def _for_dciodvfy(path: Path) -> Path:
    """The same without deflation, which it cannot read."""
    if undeflated(path) == path.read_bytes():
        return path
    plain = path.parent.with_suffix(".inflated") / path.name
    plain.parent.mkdir(exist_ok=True)
    run("dcmconv", "+te", path, plain)
    return plain
