"""New UIDs with rewritten references: what belongs together stays so in an archive that never replaces what it has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import specimens
from comparison import changes, data_set_bytes, sop_instance_uid
from foreign_peers import Orthanc, findings
from processes import HOST, run
from pydicom import Dataset, dcmread
from pydicom.uid import RTPlanStorage, RTStructureSetStorage
from serving_node import ServingNode

from tg263_scp.cli import main as cli

pytestmark = pytest.mark.peer


def _pair(sop_class: str, uid: str) -> Dataset:
    pair = Dataset()
    pair.ReferencedSOPClassUID, pair.ReferencedSOPInstanceUID = sop_class, uid
    return pair


def _export(folder: Path, seed: str) -> dict[str, Path]:
    """Write a structure set, a plan and a dose with DVH that refer to it; the dose refers to the plan as well."""
    folder.mkdir()
    paths = {"RTSTRUCT": specimens.structure_set(folder / "RTSTRUCT.dcm", seed=seed)}
    for modality in ("RTPLAN", "RTDOSE"):
        paths[modality] = specimens.other_object(folder / f"{modality}.dcm", modality, seed=seed)
    dose = dcmread(paths["RTDOSE"])
    dose.ReferencedRTPlanSequence = [_pair(RTPlanStorage, sop_instance_uid(paths["RTPLAN"]))]
    dose.ReferencedStructureSetSequence = [_pair(RTStructureSetStorage, sop_instance_uid(paths["RTSTRUCT"]))]
    roi, dvh = Dataset(), Dataset()
    roi.ReferencedROINumber, roi.DVHROIContributionType = 1, "INCLUDED"
    dvh.DVHReferencedROISequence = [roi]
    dvh.DVHType, dvh.DoseUnits, dvh.DoseType, dvh.DVHDoseScaling = "CUMULATIVE", "GY", "PHYSICAL", 1
    dvh.DVHVolumeUnits, dvh.DVHNumberOfBins, dvh.DVHData = "CM3", 1, [1, 10]
    dose.DVHSequence = [dvh]
    dose.save_as(paths["RTDOSE"])
    return paths


PROVENANCE = {"00080015", "0018A001", "04000561"}


@pytest.mark.parametrize(
    ("order", "provenance"),
    [(("RTSTRUCT", "RTPLAN", "RTDOSE"), "off"), (("RTDOSE", "RTPLAN", "RTSTRUCT"), "on")],
)
def test_an_archive_holds_plan_dose_and_set_that_refer_to_one_another(
    order: tuple[str, ...],
    provenance: str,
    make_node: Callable[..., ServingNode],
    first_come_orthanc: Orthanc,
    tmp_path: Path,
) -> None:
    orthanc = first_come_orthanc
    sent = _export(tmp_path / "export", tmp_path.name)
    run("storescu", "-aet", "STORESCU", "-aec", orthanc.ae_title, HOST, orthanc.port, sent["RTSTRUCT"])
    policy = {"uid_policy": "new", "rewrite_references": "on"}
    node = make_node({**orthanc.as_destination(), **policy}, write={"provenance": provenance}).start()

    run("storescu", "-R", HOST, node.port, *(sent[modality] for modality in order))
    node.wait_for("sent", objects=3)

    original = sop_instance_uid(sent["RTSTRUCT"])
    plan_uid, dose_uid = sop_instance_uid(sent["RTPLAN"]), sop_instance_uid(sent["RTDOSE"])
    new = {*orthanc.instances()} - {original, plan_uid, dose_uid}
    assert len(orthanc.instances()) == 4
    (new_uid,) = new
    renewed = dcmread(orthanc.file(new_uid, tmp_path / "set.dcm"))
    assert renewed.PredecessorStructureSetSequence[0].ReferencedSOPInstanceUID == original
    assert orthanc.roi_names(new_uid)[0] == "Lung_L"
    assert findings(tmp_path / "set.dcm") == findings(sent["RTSTRUCT"])
    for modality, uid in (("RTPLAN", plan_uid), ("RTDOSE", dose_uid)):
        stored = orthanc.file(uid, tmp_path / f"{modality}.dcm")
        changed = {place.split("[")[0] for place in changes(sent[modality], stored)}
        assert changed - PROVENANCE == {"300C0060"}
        assert changed & PROVENANCE == (PROVENANCE if provenance == "on" else set())
        (reference,) = dcmread(stored).ReferencedStructureSetSequence
        assert reference.ReferencedSOPInstanceUID == new_uid
        assert findings(stored) == findings(sent[modality])
    assert dcmread(tmp_path / "RTDOSE.dcm").ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID == plan_uid
    if provenance == "on":
        assert cli(["revert", str(tmp_path / "RTPLAN.dcm"), "--output", str(tmp_path / "back")]) == 0
        assert data_set_bytes(tmp_path / "back" / "RTPLAN.dcm") == data_set_bytes(sent["RTPLAN"])
