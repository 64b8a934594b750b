"""What an archive has written anew after a relabelling is reverted by content; what anybody edited is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pydicom
import pytest
from doubles.drafts import EXPLICIT, draft

from tg263_scp.dicom.editing.provenance import Provenance
from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.editing.revert import Proof, revert
from tg263_scp.dicom.editing.same_content import same_content
from tg263_scp.dicom.encoding.elements import EXPLICIT_LITTLE, elements
from tg263_scp.dicom.encoding.window import ByteWindow
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.errors import HeldObjectError, HoldReason

NODE = Provenance(datetime(2026, 11, 23, 12, tzinfo=UTC), "NODE1")


def names(path) -> list[str]:
    return [roi.name for roi in read_structure_set(path).rois]


@pytest.fixture
def relabelled(stored, tmp_path):
    """A set with sequences of undefined length, relabelled; with the sender's file."""
    set_of_three = draft(b"left lung ", b"cord", b"Heart ")
    original = stored(set_of_three.encoded(replace(EXPLICIT, undefined=True)))
    there = tmp_path / "relabelled.dcm"
    relabel(original, there, {0: "Lung_L", 1: "SpinalCord"}, provenance=NODE)
    return original, there


def written_anew(path, target, change=lambda data: None):
    """Write an object as an archive does that decodes it: all lengths explicit."""
    data = pydicom.dcmread(path)
    change(data)
    for element in data.iterall():
        if element.VR == "SQ":
            element.is_undefined_length = False
            for item in element.value:
                item.is_undefined_length_sequence_item = False
    data.save_as(target)
    return target


def test_an_object_with_other_lengths_is_reverted_by_content(relabelled, tmp_path):
    original, there = relabelled
    anew = written_anew(there, tmp_path / "anew.dcm")
    with pytest.raises(HeldObjectError, match="re-encoded") as refused:
        revert(anew, tmp_path / "bytes.dcm")
    assert refused.value.reason is HoldReason.EDITED_SINCE
    report = revert(anew, tmp_path / "back.dcm", by_content=True)
    assert report.proof is Proof.ELEMENTS
    assert report.names == 2
    assert names(tmp_path / "back.dcm") == names(original)
    back, was = pydicom.dcmread(tmp_path / "back.dcm"), pydicom.dcmread(original)
    assert back == was


def test_where_bytes_can_be_proven_they_are(relabelled, tmp_path):
    original, there = relabelled
    report = revert(there, tmp_path / "back.dcm", by_content=True)
    assert report.proof is Proof.BYTES
    assert (tmp_path / "back.dcm").read_bytes() == original.read_bytes()


def _number(data) -> None:
    data.StructureSetROISequence[0].ROINumber = 77


def _one_more(data) -> None:
    data.StructureSetROISequence.append(pydicom.Dataset(data.StructureSetROISequence[0]))


def _one_less(data) -> None:
    del data.StructureSetROISequence[-1]


def _algorithm(data) -> None:
    data.StructureSetROISequence[0].ROIGenerationAlgorithm = "SEMIAUTOMATIC"


def _coerced(data) -> None:
    data.InstanceCoercionDateTime = "20300101"


@pytest.mark.parametrize("edit", [_number, _one_more, _one_less, _algorithm, _coerced])
def test_what_was_edited_beyond_names_is_refused(relabelled, tmp_path, edit):
    _, there = relabelled
    anew = written_anew(there, tmp_path / "anew.dcm", edit)
    with pytest.raises(HeldObjectError) as refused:
        revert(anew, tmp_path / "back.dcm", by_content=True)
    assert refused.value.reason is HoldReason.EDITED_SINCE
    assert not (tmp_path / "back.dcm").exists()


def test_what_was_never_relabelled_is_not_ours(stored, tmp_path):
    original = stored(draft(b"left lung ").encoded(EXPLICIT))
    with pytest.raises(HeldObjectError) as refused:
        revert(original, tmp_path / "back.dcm", by_content=True)
    assert refused.value.reason is HoldReason.NOT_OURS


def test_content_is_the_same_whatever_its_lengths_and_padding(tmp_path):
    def dataset(name: str, *, undefined: bool) -> bytes:
        item = pydicom.Dataset()
        item.ROINumber, item.ROIName = 1, name
        data = pydicom.Dataset()
        data.StructureSetROISequence = [item]
        data["StructureSetROISequence"].is_undefined_length = undefined
        item.is_undefined_length_sequence_item = undefined
        out = pydicom.filebase.DicomBytesIO()
        out.is_little_endian, out.is_implicit_VR = True, False
        pydicom.filewriter.write_dataset(out, data)
        return out.getvalue()

    path = tmp_path / "two"
    path.write_bytes(
        dataset("a", undefined=True) + dataset("a ", undefined=False) + dataset("b", undefined=False)
    )
    with path.open("rb") as file:
        window = ByteWindow(file)
        one, other, third = elements(window, 0, window.size, EXPLICIT_LITTLE)
        assert same_content(window, one, other, ())
        assert not same_content(window, one, third, ())
        assert same_content(window, one, third, {0x30060026})
