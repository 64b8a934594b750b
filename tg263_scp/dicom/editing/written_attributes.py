"""Every attribute that the node writes into an object, as a table: where, on what occasion, and what.

The conformance statement is made of it (PS3.2 N.5.2.5.2, Table N.5-11, and N.9). A test relabels an object on every
occasion and finds exactly these attributes changed. Beside them only what counts bytes follows: explicit lengths, group
lengths (gggg,0000) and Length to End (0008,0001), where the sender wrote them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pydicom.datadict import dictionary_description, dictionary_VM, dictionary_VR

from tg263_scp.dicom.editing.provenance import (
    CONTRIBUTION_DATETIME,
    CONTRIBUTION_DESCRIPTION,
    MANUFACTURER,
    MANUFACTURER_MODEL_NAME,
    MODEL_NAME,
    MODIFICATION_DATETIME,
    MODIFICATION_REASON,
    MODIFIED_ATTRIBUTES,
    MODIFYING_SYSTEM,
    PREVIOUS_SOURCE,
    PURPOSE,
    PURPOSE_OF_REFERENCE,
    REASON,
    SOFTWARE_VERSIONS,
)
from tg263_scp.dicom.encoding.layout import (
    CONTRIBUTING_EQUIPMENT,
    INSTANCE_COERCION_DATETIME,
    OBSERVATIONS_SEQUENCE,
    ORIGINAL_ATTRIBUTES,
    PREDECESSORS,
    ROI_SEQUENCE,
    SERIES_INSTANCE_UID,
    SOP_INSTANCE_UID,
    STRUCTURE_SET_DATE,
    STRUCTURE_SET_TIME,
)
from tg263_scp.dicom.reading.references import REFERENCED_SOP_INSTANCE_UID, reference_paths
from tg263_scp.dicom.reading.roi_items import IDENTIFICATION_CODES, OBSERVATION_LABEL, ROI_NAME
from tg263_scp.dicom.reading.structure_set import RT_STRUCTURE_SET_STORAGE


class Occasion(StrEnum):
    """Why an attribute is written."""

    RENAMED = "renamed"
    """At least one ROI gets a new name."""
    PROVENANCE = "provenance"
    """At least one ROI gets a new name, and ``write.provenance`` is on."""
    CODES = "codes"
    """At least one ROI gets a new name, and ``write.codes`` is on."""
    NEW_UIDS = "new_uids"
    """The relabelled object goes to a destination whose ``uid_policy`` is ``new``."""
    REFERENCES = "references"
    """A plan or dose refers to such an object, at a destination with ``rewrite_references``."""


class Change(StrEnum):
    """Type of change, as Table N.5-11 of PS3.2 calls it."""

    MODIFIED = "MODIFIED"
    ADDED = "ADDED"
    MODIFIED_OR_ADDED = "MODIFIED or ADDED"


@dataclass(frozen=True, slots=True)
class WrittenAttribute:
    """One attribute: ``path`` are the tags of the enclosing sequences, outermost first, and its own."""

    path: tuple[int, ...]
    occasion: Occasion
    change: Change
    value: str

    @property
    def name(self) -> str:
        """Its name in the data dictionary (PS3.6)."""
        return str(dictionary_description(self.path[-1]))

    @property
    def full_name(self) -> str:
        """Its name behind those of the sequences around it."""
        return " > ".join(dictionary_description(tag) for tag in self.path)

    @property
    def vr(self) -> str:
        """Its value representation."""
        return str(dictionary_VR(self.path[-1]))

    @property
    def vm(self) -> str:
        """Its value multiplicity."""
        return str(dictionary_VM(self.path[-1]))

    @property
    def tag(self) -> str:
        """Its own tag as ``(gggg,eeee)``."""
        return tag_text(self.path[-1])


def tag_text(tag: int) -> str:
    """Write a tag as ``(gggg,eeee)``."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def written_attributes() -> tuple[WrittenAttribute, ...]:
    """Return the table for structure sets, in the order of the occasions; items of a sequence follow it."""
    return (*_renamed(), *_provenance(), *_codes(), *_new_uids())


def written_references() -> tuple[WrittenAttribute, ...]:
    """Return the table for plans and doses."""
    values = {
        SERIES_INSTANCE_UID: "The new Series Instance UID of the structure set that the item lists",
        REFERENCED_SOP_INSTANCE_UID: "The new SOP Instance UID of the structure set, where it refers to one that has one",
    }
    return tuple(
        WrittenAttribute(path, Occasion.REFERENCES, Change.MODIFIED, values[path[-1]])
        for path in reference_paths()
    )


def _renamed() -> Iterator[WrittenAttribute]:
    modified = Occasion.RENAMED, Change.MODIFIED
    yield WrittenAttribute(
        (ROI_SEQUENCE, ROI_NAME), *modified, "The TG-263 name that was decided for this ROI"
    )
    yield WrittenAttribute(
        (OBSERVATIONS_SEQUENCE, OBSERVATION_LABEL),
        *modified,
        "The new name, where the label repeated the old one and the new one has at most 16 characters",
    )


def _provenance() -> Iterator[WrittenAttribute]:
    occasion = Occasion.PROVENANCE
    yield WrittenAttribute(
        (INSTANCE_COERCION_DATETIME,), occasion, Change.MODIFIED_OR_ADDED, "Date and time of the relabelling"
    )

    def added(*path: int, value: str) -> WrittenAttribute:
        return WrittenAttribute(path, occasion, Change.ADDED, value)

    one_item = "One item behind those of the sender"
    equipment, original = CONTRIBUTING_EQUIPMENT, ORIGINAL_ATTRIBUTES
    yield added(equipment, value=one_item)
    yield added(equipment, MANUFACTURER, value=MODEL_NAME)
    yield added(equipment, MANUFACTURER_MODEL_NAME, value=MODEL_NAME)
    yield added(equipment, SOFTWARE_VERSIONS, value="The version of the program")
    yield added(equipment, CONTRIBUTION_DATETIME, value="Date and time of the relabelling")
    yield added(
        equipment,
        CONTRIBUTION_DESCRIPTION,
        value="What was done, with the SHA-256 of the data set before and of the changed sequences after",
    )
    purpose = f"({PURPOSE.value}, {PURPOSE.scheme}, {PURPOSE.meaning})"
    yield added(equipment, PURPOSE_OF_REFERENCE, value=purpose)
    yield added(original, value=one_item)
    yield added(
        original,
        MODIFIED_ATTRIBUTES,
        value="One item: the whole prior Structure Set ROI Sequence; the whole prior RT ROI Observations Sequence where"
        " a label or a code changed; of a plan or dose the whole prior sequences in which a reference changed; the prior"
        " Instance Coercion DateTime where there was one",
    )
    yield added(original, MODIFICATION_DATETIME, value="Date and time of the relabelling")
    yield added(original, MODIFYING_SYSTEM, value="`write.modifying_system`, or our AE title")
    yield added(
        original, PREVIOUS_SOURCE, value="The calling AE title of the sender, where it can be written"
    )
    yield added(original, MODIFICATION_REASON, value=REASON)


def _codes() -> Iterator[WrittenAttribute]:
    yield WrittenAttribute(
        (OBSERVATIONS_SEQUENCE, IDENTIFICATION_CODES),
        *(Occasion.CODES, Change.ADDED),
        "The code of the name in `nomenclature/codes.yaml`, where the observation has none",
    )


def _new_uids() -> Iterator[WrittenAttribute]:
    occasion = Occasion.NEW_UIDS
    yield WrittenAttribute(
        (SOP_INSTANCE_UID,), occasion, Change.MODIFIED, "A UUID-derived UID that follows from the old one"
    )
    yield WrittenAttribute(
        (SERIES_INSTANCE_UID,),
        occasion,
        Change.MODIFIED,
        "A UUID-derived UID, the same for the sets of a series",
    )
    now = "Date and time of the relabelling"
    yield WrittenAttribute((STRUCTURE_SET_DATE,), occasion, Change.MODIFIED_OR_ADDED, now)
    yield WrittenAttribute((STRUCTURE_SET_TIME,), occasion, Change.MODIFIED_OR_ADDED, now)
    yield WrittenAttribute(
        (PREDECESSORS,),
        *(occasion, Change.ADDED),
        f"One item behind those of the sender: SOP Class UID {RT_STRUCTURE_SET_STORAGE} and the old SOP Instance UID",
    )
