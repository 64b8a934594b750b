"""Read an RT Structure Set as far as naming needs it: which ROIs, called what, of what type, in whose object.

Names come as raw bytes together with their text. A name is ``readable`` only where its bytes mean exactly one text in
the character set declared for it; everything else is left for review and never changed. Contours are not read.

Standard: RT Structure Set IOD, PS3.3 A.19; Structure Set ROI Sequence C.8.8.5; RT ROI Observations Sequence C.8.8.8.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from tg263_scp.decision import Roi
from tg263_scp.dicom.encoding.elements import Element
from tg263_scp.dicom.encoding.layout import OBSERVATIONS_SEQUENCE, ROI_SEQUENCE, Layout, read_layout
from tg263_scp.dicom.encoding.length_fields import raw_value
from tg263_scp.dicom.encoding.part10 import FileMeta, OpenedObject, opened, uid_text
from tg263_scp.dicom.encoding.window import ByteWindow
from tg263_scp.dicom.reading.charsets import ASCII, Charset, charset_of
from tg263_scp.dicom.reading.roi_items import (
    DIGITAL_SIGNATURES,
    INTERPRETED_TYPE,
    INTERPRETER,
    OBSERVATION_LABEL,
    REFERENCED_ROI_NUMBER,
    ROI_NAME,
    ROI_NUMBER,
    SPECIFIC_CHARACTER_SET,
    SequenceItem,
    TextPlace,
    sequence_items,
)
from tg263_scp.errors import HeldObjectError, HoldReason

RT_STRUCTURE_SET_STORAGE = "1.2.840.10008.5.1.4.1.1.481.3"

_SOP_CLASS_UID = 0x00080016
_TEXT_FIELDS = {
    0x00080018: "sop_instance_uid",
    0x0020000D: "study_instance_uid",
    0x0020000E: "series_instance_uid",
    0x0008103E: "series_description",
    0x00081030: "study_description",
    0x00180015: "body_part",
    0x00181030: "protocol_name",
    0x00080020: "study_date",
    0x00080070: "manufacturer",
    0x00081090: "model_name",
    0x00081010: "station_name",
    0x00100020: "patient_id",
    0x30060002: "structure_set_label",
    0x30060004: "structure_set_name",
    0x30060008: "structure_set_date",
    0x300E0002: "approval_status",
}
_PERSON_NAMES = (  # patient, other, birth, mother, responsible; referring, consulting, of record, performing, reading, operator
    *(0x00100010, 0x00101001, 0x00101005, 0x00101060, 0x00102297),
    *(
        0x00080090,
        0x0008009C,
        0x00081048,
        0x00081050,
        0x00081060,
        0x00081070,
        0x300E0008,
    ),  # the last is the reviewer
)
_PERSON_IDS = (  # patient ID, other IDs, birth date, accession number, study ID
    *(0x00100020, 0x00101000, 0x00100030, 0x00080050, 0x00200010),
)
_PIXELS_OR_DOCUMENT = frozenset((0x00420011, 0x7FE00008, 0x7FE00009, 0x7FE00010))
"""Encapsulated Document, Pixel Data and its two floating point kinds: not for a structure set."""
_WANTED = frozenset(
    (
        *(*_TEXT_FIELDS, *_PERSON_NAMES, *_PERSON_IDS, *_PIXELS_OR_DOCUMENT),
        *(SPECIFIC_CHARACTER_SET, _SOP_CLASS_UID, DIGITAL_SIGNATURES),
    )
)
_NAME_PARTS = re.compile(r"[\^=\\,\s]+")


@dataclass(frozen=True, slots=True)
class RoiRecord:
    """One item of the Structure Set ROI Sequence.

    ``index`` is its place, from 0: the only key that is always there and always unique. ``number`` is the ROI Number
    (3006,0022), None where absent or no number. ``raw_name`` is the value of ROI Name with its padding, None where the
    element is absent or too long to be a name. ``name`` is its text without padding; where ``readable`` is false it is
    for display only, and ``fault`` says why. ``unwritable`` are ASCII characters that no new name may have in the
    character set. The interpreted type and ``raw_label`` come from the observation of this ROI, empty and None where
    there is none or where several contradict one another.
    """

    index: int
    number: int | None
    raw_name: bytes | None
    name: str
    interpreted_type: str = ""
    raw_label: bytes | None = None
    fault: HoldReason | None = None
    unwritable: str = ""

    @property
    def readable(self) -> bool:
        """Whether the bytes of the name mean exactly one text."""
        return self.fault is None

    @property
    def roi(self) -> Roi:
        """What naming has to know of it; its number is -1 where there is none."""
        number = self.number if self.number is not None else -1
        return Roi(number, self.name, self.interpreted_type, self.readable, self.unwritable)


@dataclass(frozen=True, slots=True)
class StructureSet:
    """What is known of an RT Structure Set without its contours. Text that is absent or undecodable is empty.

    ``identifiers`` are parts of names, ids and dates of the patient and of physicians: to be withheld, never logged.
    """

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    patient_id: str
    identifiers: tuple[str, ...]
    rois: tuple[RoiRecord, ...]
    series_description: str
    study_description: str
    protocol_name: str
    body_part: str
    structure_set_label: str
    structure_set_name: str
    manufacturer: str
    model_name: str
    station_name: str
    study_date: str
    structure_set_date: str
    approval_status: str
    has_digital_signature: bool
    holds_pixels_or_document: bool

    @property
    def date(self) -> str:
        """The day on which it was drawn (Structure Set Date, else Study Date), as DICOM writes it: YYYYMMDD."""
        return self.structure_set_date or self.study_date


@dataclass(frozen=True, slots=True)
class Survey:
    """A structure set and the places of its texts.

    ``names`` goes by ROI index, ``labels`` by the index of the observation. ``labels_of`` gives, for each ROI index,
    the observations whose label is its name, ``observations_of`` all of its own; ``observations`` are their items.
    """

    structure_set: StructureSet
    names: Mapping[int, TextPlace]
    labels: Mapping[int, TextPlace]
    labels_of: Mapping[int, tuple[int, ...]]
    observations_of: Mapping[int, tuple[int, ...]]
    observations: tuple[SequenceItem, ...]
    layout: Layout


@dataclass(frozen=True, slots=True)
class _Observation:
    index: int
    number: int | None
    interpreted_type: str
    label: TextPlace | None
    label_text: str | None
    interpreter: str


def read_structure_set(path: Path) -> StructureSet:
    """Read the ROIs of a structure set and what identifies it.

    Raises:
        HeldObjectError: ``not_dicom``, ``not_rtstruct``, ``no_roi_sequence``, ``truncated``, ``unreadable`` or
            ``unsupported_transfer_syntax``.
        OSError: the file cannot be read.
    """
    with opened(path) as source:
        return survey(source, path).structure_set


def survey(
    source: OpenedObject,
    path: Path,
    known_ends: Mapping[int, int] = MappingProxyType({}),
    begins: Callable[[int], None] | None = None,
) -> Survey:
    """Read an open structure set and remember where its names lie; raises as :func:`read_structure_set`.

    ``known_ends`` and ``begins`` as for :func:`~tg263_scp.dicom.encoding.layout.read_layout`.
    """
    window = source.window
    layout = read_layout(source, _WANTED, known_ends, begins)
    found = layout.found
    _check_class(window, found, source.meta)
    declared = found.get(SPECIFIC_CHARACTER_SET)
    charset = ASCII if declared is None else charset_of(raw_value(window, declared))
    counted_by = layout.counted_by(ROI_SEQUENCE)
    roi_items = list(sequence_items(window, found[ROI_SEQUENCE], charset, counted_by))
    observation_items = list(sequence_items(window, found.get(OBSERVATIONS_SEQUENCE), charset, counted_by))
    observations = [_observation(window, item) for item in observation_items]
    rois, labels_of, observations_of = _joined([_roi(window, item) for item in roi_items], observations)
    signed = any(
        DIGITAL_SIGNATURES in each for each in (found, *(i.found for i in roi_items + observation_items))
    )
    names = {item.index: item.text_place(window, ROI_NAME) for item in roi_items}
    return Survey(
        _structure_set(path, source, found, charset, rois, [o.interpreter for o in observations], signed),
        {index: place for index, place in names.items() if place is not None},
        {each.index: each.label for each in observations if each.label is not None},
        labels_of,
        observations_of,
        tuple(observation_items),
        layout,
    )


def _check_class(window: ByteWindow, found: Mapping[int, Element], meta: FileMeta) -> None:
    sop_class_uid = uid_text(raw_value(window, found.get(_SOP_CLASS_UID))) or meta.sop_class_uid
    if sop_class_uid != RT_STRUCTURE_SET_STORAGE:
        raise HeldObjectError(
            HoldReason.NOT_RTSTRUCT,
            "the object is not an RT Structure Set",
            hint="only structure sets are relabelled",
        )
    if ROI_SEQUENCE not in found:
        raise HeldObjectError(
            HoldReason.NO_ROI_SEQUENCE,
            "the object says it is an RT Structure Set but has no Structure Set ROI Sequence (3006,0020)",
            hint="ask the sender to export it again; an empty structure set still has the (empty) sequence",
        )


def _roi(window: ByteWindow, item: SequenceItem) -> RoiRecord:
    number = item.integer(window, ROI_NUMBER)
    place = item.text_place(window, ROI_NAME)
    if place is None:
        fault = HoldReason.UNREADABLE_NAME if ROI_NAME in item.found else None
        return RoiRecord(item.index, number, None, "", fault=fault)
    text = item.charset.decode(place.raw)
    if text is None:
        shown = place.raw.rstrip(b" \x00").decode("ascii", "backslashreplace")
        return RoiRecord(item.index, number, place.raw, shown, fault=item.charset.fault(place.raw))
    if "\\" in text:
        return RoiRecord(item.index, number, place.raw, text, fault=HoldReason.MULTI_VALUED_NAME)
    return RoiRecord(item.index, number, place.raw, text, unwritable=item.charset.unwritable)


def _observation(window: ByteWindow, item: SequenceItem) -> _Observation:
    label = item.text_place(window, OBSERVATION_LABEL)
    return _Observation(
        item.index,
        item.integer(window, REFERENCED_ROI_NUMBER),
        (ASCII.decode(item.raw(window, INTERPRETED_TYPE)) or "").strip(),
        label,
        None if label is None else item.charset.decode(label.raw),
        _person(item.charset, item.raw(window, INTERPRETER)),
    )


def _person(charset: Charset, raw: bytes) -> str:
    """Return a text that may identify somebody; what only a lenient reader can decode still does."""
    text = charset.decode(raw)
    return (raw.decode("latin-1") if text is None else text).strip(" \x00")


def _joined(
    rois: Sequence[RoiRecord], observations: Iterable[_Observation]
) -> tuple[tuple[RoiRecord, ...], dict[int, tuple[int, ...]], dict[int, tuple[int, ...]]]:
    """Give each ROI what its observations say; tell which carry its name, and which are its own.

    A ROI Number that occurs twice refers to nobody for certain.
    """
    times = Counter(roi.number for roi in rois)
    by_number: dict[int | None, list[_Observation]] = {}
    for each in observations:
        by_number.setdefault(each.number, []).append(each)
    joined: list[RoiRecord] = []
    labels_of: dict[int, tuple[int, ...]] = {}
    observations_of: dict[int, tuple[int, ...]] = {}
    for roi in rois:
        own = by_number.get(roi.number, []) if roi.number is not None and times[roi.number] == 1 else []
        observations_of[roi.index] = tuple(each.index for each in own)
        kinds = {each.interpreted_type for each in own if each.interpreted_type}
        labels = {each.label.raw for each in own if each.label is not None}
        kind = kinds.pop() if len(kinds) == 1 else ""
        joined.append(
            replace(roi, interpreted_type=kind, raw_label=labels.pop() if len(labels) == 1 else None)
        )
        name = roi.name.strip()
        if roi.readable and name:
            labels_of[roi.index] = tuple(
                e.index for e in own if e.label_text and e.label_text.strip() == name
            )
    return tuple(joined), labels_of, observations_of


def _structure_set(
    path: Path,
    source: OpenedObject,
    found: Mapping[int, Element],
    charset: Charset,
    rois: tuple[RoiRecord, ...],
    interpreters: Sequence[str],
    signed: bool,
) -> StructureSet:
    def raw(tag: int) -> bytes:
        return raw_value(source.window, found.get(tag))

    names = (*(_person(charset, raw(tag)) for tag in _PERSON_NAMES), *dict.fromkeys(interpreters))
    parts = [part for text in names for part in _NAME_PARTS.split(text)]
    ids = [
        part.strip()
        for text in (_person(charset, raw(tag)) for tag in _PERSON_IDS)
        for part in text.split("\\")
    ]
    return StructureSet(
        path=path,
        sop_class_uid=RT_STRUCTURE_SET_STORAGE,
        transfer_syntax_uid=source.meta.transfer_syntax_uid,
        identifiers=tuple(dict.fromkeys(part for part in (*parts, *ids) if len(part) > 1)),
        rois=rois,
        has_digital_signature=signed,
        holds_pixels_or_document=not _PIXELS_OR_DOCUMENT.isdisjoint(found),
        **{field: (charset.decode(raw(tag)) or "").strip() for tag, field in _TEXT_FIELDS.items()},
    )
