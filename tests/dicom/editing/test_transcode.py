"""A transcoded copy has the elements of its source, or there is none; pydicom reads both and compares."""

from __future__ import annotations

import io
from itertools import permutations

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian

from tg263_scp.dicom.editing import transcode as transcoding
from tg263_scp.dicom.editing.transcode import TRANSCODED, transcode
from tg263_scp.dicom.encoding.part10 import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    read_file_meta,
)
from tg263_scp.errors import HeldObjectError, HoldReason

RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
IMPLICIT, EXPLICIT, DEFLATED = (
    IMPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
)


def structure_set(*, points: int = 4, undefined: bool = False) -> Dataset:
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID, data.SOPInstanceUID = RTSTRUCT, "1.2.3"
    data.Modality = "RTSTRUCT"
    data.PatientName = "Blåbær^Test"
    data.StructureSetDescription = ""
    contour, roi, item = Dataset(), Dataset(), Dataset()
    contour.ContourGeometricType = "CLOSED_PLANAR"
    contour.ContourData = [f"{n / 10:.1f}" for n in range(3 * points)]
    roi.ROINumber, roi.ROIName = 1, "Leber"
    item.ReferencedROINumber = 1
    item.ContourSequence = Sequence([contour, contour])
    data.StructureSetROISequence = Sequence([roi])
    data.ROIContourSequence = Sequence([item])
    data.RTROIObservationsSequence = Sequence([])
    if undefined:
        for tag in ("StructureSetROISequence", "ROIContourSequence"):
            data[tag].is_undefined_length = True
            data[tag].value[0].is_undefined_length_sequence_item = True
    return data


def written(data: Dataset, path, syntax=EXPLICIT):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    data.file_meta = meta
    data.save_as(path, enforce_file_format=True)
    return path


def data_set(path) -> bytes:
    return path.read_bytes()[read_file_meta(path).dataset_offset :]


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize(("came", "to"), list(permutations(TRANSCODED, 2)))
def test_every_element_arrives(tmp_path, came, to, undefined):
    data = structure_set(undefined=undefined)
    source = written(data, tmp_path / "source.dcm", came)
    made = transcode(source, tmp_path / "copy.dcm", to)
    copy = pydicom.dcmread(tmp_path / "copy.dcm")
    assert copy.file_meta.TransferSyntaxUID == to
    assert copy == pydicom.dcmread(source)
    assert made.elements == sum(1 for _ in copy.iterall())


def test_from_explicit_vr_to_deflated_no_byte_changes(tmp_path):
    source = written(structure_set(), tmp_path / "source.dcm")
    transcode(source, tmp_path / "deflated.dcm", DEFLATED)
    transcode(tmp_path / "deflated.dcm", tmp_path / "back.dcm", EXPLICIT)
    assert data_set(tmp_path / "back.dcm") == data_set(source)


def test_there_and_back_pydicom_writes_the_same_as_we_do(tmp_path):
    data = structure_set(undefined=True)
    data["RTROIObservationsSequence"].is_undefined_length = True
    for item in data.ROIContourSequence:
        item["ContourSequence"].is_undefined_length = True
        for contour in item.ContourSequence:
            contour.is_undefined_length_sequence_item = True
    source = written(data, tmp_path / "explicit.dcm")
    theirs = io.BytesIO()
    pydicom.dcmwrite(
        theirs, pydicom.dcmread(written(data, tmp_path / "i.dcm", IMPLICIT)), enforce_file_format=True
    )
    transcode(source, tmp_path / "ours.dcm", IMPLICIT)
    ours = (tmp_path / "ours.dcm").read_bytes()
    start = ours.index(b"\x08\x00\x05\x00")
    assert theirs.getvalue().endswith(ours[start:])


def test_a_contour_of_9000_points_is_refused_in_explicit_vr_and_kept_in_implicit(tmp_path):
    source = written(structure_set(points=9000), tmp_path / "source.dcm", IMPLICIT)
    with pytest.raises(
        HeldObjectError, match=r"\(3006,0050\) has \d+ bytes, and a value of its VR DS"
    ) as refused:
        transcode(source, tmp_path / "copy.dcm", EXPLICIT)
    assert refused.value.reason is HoldReason.UNSUPPORTED_TRANSFER_SYNTAX
    assert not (tmp_path / "copy.dcm").exists()


def test_a_private_element_is_written_by_the_dictionary_of_its_creator_or_refused(tmp_path):
    data = structure_set()
    data.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x02, "IS", "7")
    with_known = written(data, tmp_path / "known.dcm", IMPLICIT)
    transcode(with_known, tmp_path / "copy.dcm", EXPLICIT)
    assert pydicom.dcmread(tmp_path / "copy.dcm")[0x20011002].VR == "IS"
    stranger = structure_set()
    stranger.private_block(0x3253, "A CLINIC OF ITS OWN", create=True).add_new(0x01, "LO", "x")
    source = written(stranger, tmp_path / "unknown.dcm", IMPLICIT)
    with pytest.raises(HeldObjectError, match=r"private element \(3253,1001\) is in no dictionary"):
        transcode(source, tmp_path / "refused.dcm", EXPLICIT)
    assert transcode(written(stranger, tmp_path / "e.dcm"), tmp_path / "implicit.dcm", IMPLICIT).elements


def test_group_lengths_are_left_out_and_private_sequences_stay(tmp_path):
    data = structure_set()
    inner = Dataset()
    inner.add_new(0x32531002, "LO", "within")
    block = data.private_block(0x3253, "A CLINIC OF ITS OWN", create=True)
    block.add_new(0x01, "SQ", Sequence([inner]))
    data[0x32531001].is_undefined_length = True
    data.add_new(0x00080000, "UL", 12)
    source = written(data, tmp_path / "source.dcm")
    transcode(source, tmp_path / "copy.dcm", IMPLICIT)
    copy = pydicom.dcmread(tmp_path / "copy.dcm")
    assert 0x00080000 not in copy
    assert b"within" in (tmp_path / "copy.dcm").read_bytes()


@pytest.mark.parametrize(("representation", "vr"), [(0, "US"), (1, "SS")])
def test_a_value_that_is_signed_or_not_follows_pixel_representation(tmp_path, representation, vr):
    dose = Dataset()
    dose.SOPClassUID, dose.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.481.2", "1.2.4"
    dose.PixelRepresentation = representation
    dose.add_new(0x00280106, vr, 7)
    dose.add_new(0x7FE00010, "OW", b"\x01\x02\x03\x04")
    source = written(dose, tmp_path / "dose.dcm", IMPLICIT)
    transcode(source, tmp_path / "copy.dcm", EXPLICIT)
    copy = pydicom.dcmread(tmp_path / "copy.dcm")
    assert (vr, "OW") == (copy[0x00280106].VR, copy[0x7FE00010].VR)
    del dose.PixelRepresentation
    with pytest.raises(HeldObjectError, match="Pixel Representation"):
        transcode(written(dose, tmp_path / "d.dcm", IMPLICIT), tmp_path / "no.dcm", EXPLICIT)


def test_big_endian_is_not_transcoded(tmp_path):
    source = written(structure_set(), tmp_path / "source.dcm", ExplicitVRBigEndian)
    with pytest.raises(HeldObjectError, match="is not transcoded"):
        transcode(source, tmp_path / "copy.dcm", IMPLICIT)


def test_a_copy_that_is_not_equal_is_discarded(tmp_path, monkeypatch):
    source = written(structure_set(), tmp_path / "source.dcm")
    honest = transcoding._Transcoder.content
    monkeypatch.setattr(
        transcoding._Transcoder,
        "content",
        lambda self: (piece.replace(b"Leber", b"Lunge") for piece in honest(self)),
    )
    with pytest.raises(HeldObjectError, match=r"the value of \(3006,0026\) differs") as caught:
        transcode(source, tmp_path / "copy.dcm", IMPLICIT)
    assert caught.value.reason is HoldReason.EDIT_NOT_PROVEN
    assert not (tmp_path / "copy.dcm").exists()


@pytest.mark.parametrize(("lost", "said"), [(0, "an element is missing"), (-1, "an element is missing")])
def test_a_copy_that_lacks_an_element_is_discarded(tmp_path, monkeypatch, lost, said):
    source = written(structure_set(), tmp_path / "source.dcm")
    honest = transcoding.data_set_elements

    def cut(window, start, encoding):
        found = list(honest(window, start, encoding))
        return iter([each for each in found if each is not found[lost]] if encoding.explicit else found)

    monkeypatch.setattr(transcoding._Transcoder, "content", lambda self: _content_of(self, cut))
    with pytest.raises(HeldObjectError, match=said):
        transcode(source, tmp_path / "copy.dcm", IMPLICIT)


def _content_of(self, elements):
    return self._data_set(elements(self._source.window, self._source.start, self._source.encoding), 0)
