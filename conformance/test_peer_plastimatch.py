"""plastimatch reads relabelled structure sets: the same contours and voxels as before, under the new names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from comparison import roi_names, transfer_syntax
from foreign_peers import ENCODINGS
from processes import run
from pydicom import dcmread

from tg263_scp.cli import main as cli
from tg263_scp.dicom.synthetic.structure_sets import synthetic_structure_set

pytestmark = pytest.mark.peer

LENGTHS = {"defined": False, "undefined": True}


class Drawn:
    """What plastimatch makes of a structure set: names, contours, voxels, and a structure set of its own."""

    def __init__(self, source: Path, folder: Path) -> None:
        folder.mkdir()
        names, contours, voxels = folder / "names.txt", folder / "contours.cxt", folder / "voxels.nrrd"
        grid = ("--origin", "-250 -150 -120", "--spacing", "10 10 10", "--dim", "51 31 25")
        out = ("--output-ss-list", names, "--output-cxt", contours, "--output-ss-img", voxels)
        run("plastimatch", "convert", "--input", source, *grid, *out, "--output-dicom", folder / "dicom")
        self.names = [line.split("|", 2)[2] for line in names.read_text().splitlines()]
        self.contours = contours.read_text().partition("END_OF_ROI_NAMES")[2].split()
        self.voxels = voxels.read_bytes()
        (written,) = (
            read for path in (folder / "dicom").iterdir() if (read := dcmread(path)).Modality == "RTSTRUCT"
        )
        self.rewritten = {
            str(roi.ROIName): [loop.ContourData for loop in drawn.get("ContourSequence", ())]
            for roi, drawn in zip(written.StructureSetROISequence, written.ROIContourSequence, strict=True)
        }


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], tuple[Path, Drawn, Drawn]]:
    """Relabel synthetic sets in every encoding; return a relabelled file and what plastimatch makes of it before and after."""
    folder = tmp_path_factory.mktemp("plastimatch")
    (folder / "archive").mkdir()
    for encoding, (_, _, uid) in ENCODINGS.items():
        for lengths, undefined in LENGTHS.items():
            content = synthetic_structure_set(
                "thorax", transfer_syntax_uid=uid, undefined_length=undefined, slice_spacing_mm=20, points=12
            )
            (folder / "archive" / f"{encoding}-{lengths}.dcm").write_bytes(content)
    assert cli(["relabel", str(folder / "archive"), "--output", str(folder / "relabelled")]) in (0, 1)

    def make(encoding: str, lengths: str) -> tuple[Path, Drawn, Drawn]:
        name = f"{encoding}-{lengths}"
        before, after = (folder / way / f"{name}.dcm" for way in ("archive", "relabelled"))
        return after, Drawn(before, folder / f"{name}-before"), Drawn(after, folder / f"{name}-after")

    return make


@pytest.mark.cell("Transfer syntaxes", "{encoding}", "plastimatch reads")
@pytest.mark.cell("The relabelled object", "Shows the new names", "plastimatch")
@pytest.mark.cell(
    "The relabelled object", "Draws the same contours and voxels, and converts them", "plastimatch"
)
@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_plastimatch_draws_the_same_structures_under_their_new_names(
    encoding: str, lengths: str, drawn: Callable[[str, str], tuple[Path, Drawn, Drawn]]
) -> None:
    relabelled, before, after = drawn(encoding, lengths)
    assert transfer_syntax(relabelled) == ENCODINGS[encoding][2]
    assert after.names == roi_names(relabelled) != before.names

    loops = [loop for roi in dcmread(relabelled).ROIContourSequence for loop in roi.ContourSequence]
    assert len(after.contours) == [loop.ContourGeometricType for loop in loops].count("CLOSED_PLANAR") > 100
    assert after.contours == before.contours
    assert after.voxels == before.voxels
    assert list(after.rewritten) == [name for name in after.names if name != "Iso"], "it writes no points"
    assert list(after.rewritten.values()) == list(before.rewritten.values())
