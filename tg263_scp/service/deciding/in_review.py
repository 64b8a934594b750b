"""An object as decisions of review know it, and where its ROIs lie as far as that was looked up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tg263_scp.decision import RoiPlace
from tg263_scp.dicom.encoding.part10 import data_set_sha256
from tg263_scp.dicom.reading.structure_set import StructureSet
from tg263_scp.naming.query import RulingOn
from tg263_scp.naming.rules.sides_by_contours import PlaceOf
from tg263_scp.service.review.decisions import sender_of


class PlacesSeen:
    """Tells places as another does, and keeps what it told."""

    def __init__(self, place_of: PlaceOf) -> None:
        self._place_of = place_of
        self.seen: dict[int, RoiPlace] = {}

    def __call__(self, index: int) -> RoiPlace | None:
        """Return the place of the ROI at an index."""
        place = self._place_of(index)
        if place is not None:
            self.seen[index] = place
        return place


@dataclass(frozen=True, slots=True)
class ObjectInReview:
    """The object whose names are decided, as decisions of review know it."""

    sop_instance_uid: str
    sender: str
    path: Path
    known_version: str = ""

    @classmethod
    def of(
        cls, structure_set: StructureSet, path: Path, calling_ae_title: str, version: str
    ) -> ObjectInReview:
        """Return it for a structure set that lies in a file."""
        sender = sender_of(
            calling_ae_title, structure_set.manufacturer, structure_set.model_name, structure_set.station_name
        )
        return cls(structure_set.sop_instance_uid, sender, path, version)

    @property
    def version(self) -> str:
        """The SHA-256 (hex) of its data set; read from the file where nobody knows it."""
        return self.known_version or data_set_sha256(self.path)


RulingsOn = Callable[[ObjectInReview], RulingOn | None]
"""Tells what was decided in review about the names of an object."""


def no_rulings(this: ObjectInReview) -> RulingOn | None:
    """Nothing was ever decided in review."""
    return None
