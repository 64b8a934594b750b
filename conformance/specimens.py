"""Synthetic objects of a radiotherapy export: one of each kind, small, without any patient.

DCMTK's tools read and write what they send, so the specimens are written as DCMTK writes them (explicit lengths, no group
lengths): what a peer sends can then be compared byte for byte with the file it was given.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    ComprehensiveSRStorage,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DeformableSpatialRegistrationStorage,
    DigitalXRayImageStorageForPresentation,
    EncapsulatedPDFStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    MRImageStorage,
    NuclearMedicineImageStorage,
    ParametricMapStorage,
    PositronEmissionTomographyImageStorage,
    RawDataStorage,
    RTBeamsDeliveryInstructionStorage,
    RTBeamsTreatmentRecordStorage,
    RTBrachyTreatmentRecordStorage,
    RTDoseStorage,
    RTImageStorage,
    RTIonBeamsTreatmentRecordStorage,
    RTIonPlanStorage,
    RTPlanStorage,
    RTStructureSetStorage,
    RTTreatmentSummaryRecordStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    SpatialFiducialsStorage,
    SpatialRegistrationStorage,
    SurfaceSegmentationStorage,
    UltrasoundImageStorage,
    generate_uid,
)

RENAMED = {
    "LUNG-L": "Lung_L",
    "lung r": "Lung_R",
    "HEART": "Heart",
    "spinal cord": "SpinalCord",
    "femur_head_l": "Femur_Head_L",
}
"""Names that the rules spell anew, whatever the language packs hold."""

KEPT = ("Bladder", "Rectum", "zRing", "_support", "Qwxyz 7", "")
"""Names that stay: listed, marked as not for dose evaluation, unknown, empty."""

ODD = (b"F\xfcllung", "  indented")
"""Names that stay: one does not decode, one begins with spaces."""

_X_MM: dict[str | bytes, float] = {"LUNG-L": 80, "lung r": -80, "femur_head_l": 90}
"""Where the contours of a ROI lie; all others in the middle."""

SOP_CLASSES = (
    *(CTImageStorage, EnhancedCTImageStorage, MRImageStorage, EnhancedMRImageStorage),
    *(PositronEmissionTomographyImageStorage, NuclearMedicineImageStorage, UltrasoundImageStorage),
    *(ComputedRadiographyImageStorage, DigitalXRayImageStorageForPresentation, SecondaryCaptureImageStorage),
    *(SegmentationStorage, ParametricMapStorage, SurfaceSegmentationStorage),
    *(SpatialRegistrationStorage, DeformableSpatialRegistrationStorage, SpatialFiducialsStorage),
    *(RTImageStorage, RTDoseStorage, RTStructureSetStorage, RTPlanStorage, RTIonPlanStorage),
    *(RTBeamsTreatmentRecordStorage, RTBrachyTreatmentRecordStorage, RTIonBeamsTreatmentRecordStorage),
    *(RTTreatmentSummaryRecordStorage, RTBeamsDeliveryInstructionStorage),
    *(BasicTextSRStorage, ComprehensiveSRStorage, KeyObjectSelectionDocumentStorage),
    *(GrayscaleSoftcopyPresentationStateStorage, EncapsulatedPDFStorage, RawDataStorage),
)
"""What lies in a radiotherapy study, and what is sent along with it."""

MODALITIES = {
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "PT": PositronEmissionTomographyImageStorage,
    "RTPLAN": RTPlanStorage,
    "RTDOSE": RTDoseStorage,
    "REG": SpatialRegistrationStorage,
}
"""What an export holds beside the structure set, and its SOP class (PS3.4 B.5)."""

_STUDY_UID = generate_uid(entropy_srcs=["specimens", "study"])
_FRAME_UID = generate_uid(entropy_srcs=["specimens", "frame of reference"])


def structure_set(
    path: Path,
    *,
    names: Iterable[str | bytes] = (*RENAMED, *KEPT, *ODD),
    seed: str = "",
    points: int = 40,
    charset: str = "ISO_IR 192",
) -> Path:
    """Write an RTSTRUCT with the given ROI names, in explicit VR little endian; bytes are written as they are.

    It carries what must survive an edit: names that do not decode or begin with spaces, observation labels equal to
    the names, private elements between and beside the ROIs, contours of ``points`` points.
    """
    data = _head(RTStructureSetStorage, "RTSTRUCT", f"structure set {seed}")
    data.SpecificCharacterSet = charset.split("\\")
    data.StructureSetLabel = "SPECIMEN"
    data.StructureSetDate = data.StructureSetTime = ""
    data.ReferencedFrameOfReferenceSequence = [_item(FrameOfReferenceUID=_FRAME_UID)]
    rois, observations, contours = [], [], []
    for number, name in enumerate(names, start=1):
        roi = _item(
            ROINumber=number, ReferencedFrameOfReferenceUID=_FRAME_UID, ROIGenerationAlgorithm="MANUAL"
        )
        roi.add_new(0x30060026, "LO", name)
        block = roi.private_block(0x3007, "SPECIMEN PRIVATE", create=True)
        block.add_new(0x01, "LO", f"private {number}")
        rois.append(roi)
        observation = _item(ObservationNumber=number, ReferencedROINumber=number)
        if 0 < len(name) <= 16:
            observation.add_new(0x30060085, "SH", name)
        observation.RTROIInterpretedType = "ORGAN"
        observation.ROIInterpreter = ""
        observations.append(observation)
        contours.append(_contours(number, _X_MM.get(name, 0.0), points))
    data.StructureSetROISequence = rois
    data.ROIContourSequence = contours
    data.RTROIObservationsSequence = observations
    data.private_block(0x3009, "SPECIMEN PRIVATE", create=True).add_new(0x02, "OB", bytes(range(256)))
    return _write(data, path)


def other_object(path: Path, modality: str, *, seed: str = "", rows: int = 16) -> Path:
    """Write a CT, MR, PT, RTPLAN, RTDOSE or REG object, in explicit VR little endian."""
    data = _head(MODALITIES[modality], modality, f"{modality} {seed}")
    if modality == "RTPLAN":
        data.RTPlanLabel, data.RTPlanDate, data.RTPlanTime, data.RTPlanGeometry = (
            "SPECIMEN",
            "",
            "",
            "PATIENT",
        )
        reference = _item(
            ReferencedSOPClassUID=RTStructureSetStorage,
            ReferencedSOPInstanceUID=instance_uid(f"structure set {seed}"),
        )
        data.ReferencedStructureSetSequence = [reference]
        data.DoseReferenceSequence = [
            _item(DoseReferenceNumber=1, DoseReferenceStructureType="SITE", DoseReferenceDescription="LUNG-L")
        ]
    elif modality == "REG":
        data.FrameOfReferenceUID = _FRAME_UID
        matrix = _item(FrameOfReferenceTransformationMatrixType="RIGID")
        matrix.FrameOfReferenceTransformationMatrix = [1, 0, 0, 0.5, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
        data.RegistrationSequence = [
            _item(FrameOfReferenceUID=_FRAME_UID, MatrixRegistrationSequence=[_item(MatrixSequence=[matrix])])
        ]
    else:
        _add_pixels(data, rows)
        if modality == "RTDOSE":
            data.DoseUnits, data.DoseType, data.DoseSummationType, data.DoseGridScaling = (
                "GY",
                "PHYSICAL",
                "PLAN",
                "1e-4",
            )
    data.private_block(0x3009, "SPECIMEN PRIVATE", create=True).add_new(0x02, "UN", b"odd one!")
    return _write(data, path)


def any_object(path: Path, sop_class_uid: UID, *, seed: str = "") -> Path:
    """Write an object of a storage SOP class that holds what identifies it, and pixels where it is an image."""
    if sop_class_uid == RTStructureSetStorage:
        return structure_set(path, seed=seed)
    data = _head(sop_class_uid, "OT", f"{sop_class_uid} {seed}")
    if "Image" in sop_class_uid.name:
        _add_pixels(data, 16)
    data.private_block(0x3009, "SPECIMEN PRIVATE", create=True).add_new(0x02, "UN", b"odd one!")
    return _write(data, path)


def export(folder: Path, *, seed: str = "") -> list[Path]:
    """Write a whole export in the order of its file names: images, registration, structure set, plan, dose."""
    folder.mkdir()
    written: list[Path] = []
    for modality in ("CT", "CT", "MR", "MR", "PT", "PT", "REG", "RTSTRUCT", "RTPLAN", "RTDOSE"):
        place = folder / f"{len(written):02d}-{modality}.dcm"
        if modality == "RTSTRUCT":
            written.append(structure_set(place, seed=seed))
        elif modality in ("CT", "MR", "PT"):
            written.append(other_object(place, modality, seed=f"{seed} {len(written)}"))
        else:
            written.append(other_object(place, modality, seed=seed))
    return written


def instance_uid(seed: str) -> str:
    """Return the SOP Instance UID of the specimen that was made from ``seed``."""
    return generate_uid(entropy_srcs=["specimens", seed])


def _head(sop_class_uid: str, modality: str, seed: str) -> Dataset:
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID = sop_class_uid
    data.SOPInstanceUID = instance_uid(seed)
    data.StudyDate = data.StudyTime = data.AccessionNumber = data.ReferringPhysicianName = ""
    data.Modality = modality
    data.Manufacturer = "SPECIMEN"
    data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = (
        "Specimen^Synthetic",
        "SPECIMEN-1",
        "",
        "O",
    )
    data.StudyInstanceUID = _STUDY_UID
    data.SeriesInstanceUID = generate_uid(entropy_srcs=["specimens", "series", modality])
    data.StudyID, data.SeriesNumber, data.InstanceNumber = "1", 1, 1
    return data


def _item(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _contours(number: int, x_mm: float, points: int) -> Dataset:
    """Return a circle of 20 mm around ``x_mm``; patient coordinates, +x is the patient's left (PS3.3 C.7.6.2.1.1)."""
    turns = [2 * math.pi * index / points for index in range(points)]
    triplets = [f"{value:.1f}" for t in turns for value in (x_mm + 20 * math.cos(t), 20 * math.sin(t), 0)]
    contour = _item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=points, ContourData=triplets)
    return _item(ROIDisplayColor=[255, 0, number], ContourSequence=[contour], ReferencedROINumber=number)


def _add_pixels(data: Dataset, rows: int) -> None:
    data.FrameOfReferenceUID = _FRAME_UID
    data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows = data.Columns = rows
    data.PixelSpacing = [1, 1]
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    count = rows * rows
    data.add_new(0x7FE00010, "OW", struct.pack(f"<{count}H", *(value * 7 % 65536 for value in range(count))))


def _write(data: Dataset, path: Path) -> Path:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta = meta
    data.save_as(path, enforce_file_format=True)
    return path
