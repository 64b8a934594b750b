"""Make structure sets of patients who never were, for the demonstration and the tests.

Anatomy is rough but in place: closed planar contours in patient coordinates (PS3.3 C.7.6.2.1.1: +x is the patient's left,
+y posterior, +z superior, in mm), a body around the organs, lungs where lungs are. Names are as untidy as in clinics.
Equal arguments give equal bytes.
"""

from __future__ import annotations

import io
import random
import uuid
from pathlib import Path

from pydicom import Dataset, Sequence, dcmwrite
from pydicom.dataset import FileDataset, FileMetaDataset

from tg263_scp.dicom.encoding.part10 import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    IMPLICIT_VR_LITTLE_ENDIAN,
    PREAMBLE_BYTES,
)
from tg263_scp.dicom.reading.structure_set import RT_STRUCTURE_SET_STORAGE
from tg263_scp.dicom.synthetic.anatomy import (
    BODY_PART,
    ISOCENTRE_MM,
    SITES,
    SOLIDS,
    Site,
    local_solids,
    loops,
)

_CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
_DETACHED_STUDY_MANAGEMENT = "1.2.840.10008.3.1.2.3.1"
_UID_NAMESPACE = uuid.UUID("c1f6d5a4-7f0e-4f0b-9a55-263263263263")


def synthetic_structure_set(
    site: Site,
    *,
    transfer_syntax_uid: str = EXPLICIT_VR_LITTLE_ENDIAN,
    charset: str = "ISO_IR 192",
    undefined_length: bool = False,
    seed: int = 0,
    slice_spacing_mm: float = 5.0,
    points: int = 36,
) -> bytes:
    """Return a DICOM file with a synthetic structure set.

    Finer ``slice_spacing_mm`` and more ``points`` per contour make it larger. ``undefined_length`` writes all sequences
    and items with delimiters. ``charset`` is a value of Specific Character Set; some add names in their own script.
    """
    dataset = synthetic_dataset(
        site, charset=charset, seed=seed, slice_spacing_mm=slice_spacing_mm, points=points
    )
    if undefined_length:
        _undefine_lengths(dataset)
    dataset.file_meta.TransferSyntaxUID = transfer_syntax_uid
    out = io.BytesIO()
    dcmwrite(out, dataset, enforce_file_format=True)
    return out.getvalue()


def write_synthetic(folder: Path, *, seed: int = 0) -> list[Path]:
    """Write one structure set per site, in different encodings, and return their paths.

    Raises:
        OSError: the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for site in SITES:
        content = synthetic_structure_set(
            site,
            transfer_syntax_uid=IMPLICIT_VR_LITTLE_ENDIAN
            if site == "prostate"
            else EXPLICIT_VR_LITTLE_ENDIAN,
            undefined_length=site == "thorax",
            seed=seed,
        )
        path = folder / f"RS.synthetic.{site}.{seed}.dcm"
        path.write_bytes(content)
        paths.append(path)
    return paths


def synthetic_dataset(
    site: Site,
    *,
    charset: str = "ISO_IR 192",
    seed: int = 0,
    slice_spacing_mm: float = 5.0,
    points: int = 36,
) -> FileDataset:
    """Return the structure set of :func:`synthetic_structure_set` before encoding, to be varied by tests."""
    dataset = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=bytes(PREAMBLE_BYTES))
    uids = _Uids(site, seed)
    _identify(dataset, site, uids, charset, seed)
    chance = random.Random(f"{site} {seed}")
    solids = SOLIDS[site] + local_solids(site, charset)
    dataset.StructureSetROISequence = Sequence()
    dataset.ROIContourSequence = Sequence()
    dataset.RTROIObservationsSequence = Sequence()
    for number, solid in enumerate(solids, start=1):
        contours = [
            _contour("CLOSED_PLANAR", loop, uids.image(round(loop[0][2] / slice_spacing_mm)))
            for loop in loops(solid, slice_spacing_mm, points, chance)
        ]
        _add_roi(dataset, number, solid.name, solid.interpreted_type, contours, uids.frame_of_reference)
    centre = _contour("POINT", [ISOCENTRE_MM[site]], uids.image(0))
    _add_roi(dataset, len(solids) + 1, "Iso", "ISOCENTER", [centre], uids.frame_of_reference)
    return dataset


class _Uids:
    """UIDs below 2.25 (PS3.5 B.2), derived from site and seed, so that they repeat."""

    def __init__(self, site: Site, seed: int) -> None:
        self._of = f"{site} {seed}"
        self.study, self.frame_of_reference = self("study"), self("frame of reference")

    def __call__(self, role: str) -> str:
        return f"2.25.{uuid.uuid5(_UID_NAMESPACE, f'{self._of} {role}').int}"

    def image(self, slice_index: int) -> str:
        return self(f"image {slice_index}")


def _identify(dataset: FileDataset, site: Site, uids: _Uids, charset: str, seed: int) -> None:
    dataset.file_meta.MediaStorageSOPClassUID = RT_STRUCTURE_SET_STORAGE
    dataset.file_meta.MediaStorageSOPInstanceUID = uids("structure set")
    dataset.file_meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    dataset.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    dataset.SpecificCharacterSet = charset.split("\\") if "\\" in charset else charset
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = "20240102", "030405"
    dataset.SOPClassUID, dataset.SOPInstanceUID = RT_STRUCTURE_SET_STORAGE, uids("structure set")
    dataset.StudyDate, dataset.StudyTime, dataset.AccessionNumber = "20240102", "030000", ""
    dataset.Modality, dataset.Manufacturer, dataset.ManufacturerModelName = (
        "RTSTRUCT",
        "SYNTHETIC",
        "SYNTHETIC TPS",
    )
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription, dataset.SeriesDescription = "SYNTHETIC", f"synthetic {site.replace('_', ' ')}"
    dataset.PatientName, dataset.PatientID = "Nobody^Synthetic", f"SYN-{SITES.index(site) + 1:02d}{seed:04d}"
    dataset.PatientBirthDate, dataset.PatientSex = "19000101", "O"
    dataset.BodyPartExamined = BODY_PART[site]
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uids.study, uids("structure set series")
    dataset.StudyID, dataset.SeriesNumber = "1", 1
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = uids.frame_of_reference, ""
    dataset.StructureSetLabel, dataset.StructureSetDate, dataset.StructureSetTime = (
        "SYNTHETIC",
        "20240102",
        "030405",
    )
    dataset.ReferencedFrameOfReferenceSequence = Sequence([_referenced_frame(uids)])
    dataset.ApprovalStatus = "UNAPPROVED"


def _referenced_frame(uids: _Uids) -> Dataset:
    frame, study, series, image = Dataset(), Dataset(), Dataset(), Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = _CT_IMAGE_STORAGE, uids.image(0)
    series.SeriesInstanceUID, series.ContourImageSequence = uids("CT series"), Sequence([image])
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = _DETACHED_STUDY_MANAGEMENT, uids.study
    study.RTReferencedSeriesSequence = Sequence([series])
    frame.FrameOfReferenceUID = uids.frame_of_reference
    frame.RTReferencedStudySequence = Sequence([study])
    return frame


def _add_roi(
    dataset: FileDataset,
    number: int,
    name: str,
    interpreted_type: str,
    contours: list[Dataset],
    frame_uid: str,
) -> None:
    roi, contour, observation = Dataset(), Dataset(), Dataset()
    roi.ROINumber, roi.ReferencedFrameOfReferenceUID = number, frame_uid
    roi.ROIName, roi.ROIGenerationAlgorithm = name, "MANUAL"
    contour.ROIDisplayColor = [number * 53 % 256, number * 101 % 256, number * 197 % 256]
    contour.ContourSequence, contour.ReferencedROINumber = Sequence(contours), number
    observation.ObservationNumber, observation.ReferencedROINumber = number, number
    if number % 3 and len(name) <= 16:
        observation.ROIObservationLabel = name
    observation.RTROIInterpretedType, observation.ROIInterpreter = interpreted_type, ""
    dataset.StructureSetROISequence.append(roi)
    dataset.ROIContourSequence.append(contour)
    dataset.RTROIObservationsSequence.append(observation)


def _contour(geometric_type: str, loop: list[tuple[float, float, float]], image_uid: str) -> Dataset:
    image, contour = Dataset(), Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = _CT_IMAGE_STORAGE, image_uid
    contour.ContourImageSequence = Sequence([image])
    contour.ContourGeometricType, contour.NumberOfContourPoints = geometric_type, len(loop)
    contour.ContourData = [f"{coordinate:.2f}" for point in loop for coordinate in point]
    return contour


def _undefine_lengths(dataset: Dataset) -> None:
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
                _undefine_lengths(item)
