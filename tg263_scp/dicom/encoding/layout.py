"""The top level of a data set as offsets: where the elements that matter lie, and where an absent one belongs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tg263_scp.dicom.encoding.elements import Element, Encoding, data_set_elements
from tg263_scp.dicom.encoding.length_fields import LengthField, group_lengths, wanted_elements
from tg263_scp.dicom.encoding.part10 import OpenedObject
from tg263_scp.dicom.encoding.window import WINDOW_BYTES

LENGTH_TO_END = 0x00080001
INSTANCE_COERCION_DATETIME = 0x00080015
SERIES_INSTANCE_UID = 0x0020000E
SOP_INSTANCE_UID = 0x00080018
CONTRIBUTING_EQUIPMENT = 0x0018A001
ORIGINAL_ATTRIBUTES = 0x04000561
STRUCTURE_SET_DATE = 0x30060008
STRUCTURE_SET_TIME = 0x30060009
PREDECESSORS = 0x30060018
ROI_SEQUENCE = 0x30060020
ROI_CONTOUR_SEQUENCE = 0x30060039
OBSERVATIONS_SEQUENCE = 0x30060080

INSERTABLE = (
    *(INSTANCE_COERCION_DATETIME, CONTRIBUTING_EQUIPMENT, ORIGINAL_ATTRIBUTES),
    *(STRUCTURE_SET_DATE, STRUCTURE_SET_TIME, PREDECESSORS),
)
"""In tag order."""
EDITABLE = frozenset(
    (
        *(*INSERTABLE, LENGTH_TO_END, SOP_INSTANCE_UID, SERIES_INSTANCE_UID),
        *(ROI_SEQUENCE, OBSERVATIONS_SEQUENCE),
        *(0x00080000, 0x00180000, 0x00200000, 0x04000000, 0x30060000),  # group lengths
    )
)
LARGE_BYTES = 1 << 16
"""From this size on an element is a large one (see :mod:`tg263_scp.dicom.encoding.folded_digest`)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the top-level elements of one data set lie.

    ``found`` are the wanted ones by tag. ``gaps`` is, for each tag of :data:`INSERTABLE`, the offset before which such
    an element is inserted so that it stands before all greater tags. ``large`` are the large ones, in order.
    """

    encoding: Encoding
    found: Mapping[int, Element]
    gaps: Mapping[int, int]
    large: tuple[Element, ...]

    def counted_by(self, tag: int) -> tuple[LengthField, ...]:
        """Return what counts the bytes of a top-level element: the length of its group, and Length to End."""
        return group_lengths(self.found, (tag & 0xFFFF0000, LENGTH_TO_END))

    @property
    def large_untouched(self) -> tuple[Element, ...]:
        """The large elements that nobody edits."""
        return tuple(each for each in self.large if each.tag not in EDITABLE)


def read_layout(
    source: OpenedObject,
    wanted: Collection[int],
    known_ends: Mapping[int, int] = MappingProxyType({}),
    begins: Callable[[int], None] | None = None,
) -> Layout:
    """Walk the top level of an open object; the elements of :data:`EDITABLE` are wanted in any case.

    ``known_ends`` as for :func:`~tg263_scp.dicom.encoding.elements.data_set_elements`. ``begins`` is called with the
    offset of ROI
    Contour Sequence, usually most of the object, before its end is known.

    Raises:
        HeldObjectError: ``truncated`` or ``unreadable``.
    """
    tags = EDITABLE.union(wanted)
    gaps: dict[int, int] = {}
    large: list[Element] = []
    contours = source.encoding.pair.pack(ROI_CONTOUR_SEQUENCE >> 16, ROI_CONTOUR_SEQUENCE & 0xFFFF, 0)[:4]

    def noted() -> Iterator[Element]:
        absent = list(INSERTABLE)
        end = source.start
        for element in data_set_elements(source.window, source.start, source.encoding, known_ends):
            while absent and element.tag > absent[0]:
                gaps[absent.pop(0)] = element.header_offset
            end = element.end
            if end - element.header_offset >= LARGE_BYTES:
                large.append(element)
            if begins and end + 4 <= source.window.size and source.window.take(end, 4) == contours:
                begins(end)
            yield element
        gaps.update(dict.fromkeys(absent, end))

    found = wanted_elements(noted(), tags)
    return Layout(source.encoding, found, gaps, tuple(large))


def guessed_end(source: OpenedObject, contours: int) -> int:
    """Guess where ROI Contour Sequence ends that begins at offset ``contours``; 0 where there is no good guess.

    To find the end of a sequence of undefined length it has to be walked. But usually RT ROI Observations Sequence comes
    next, and is among the last bytes. Its tag behind a delimiter may be part of a value, so the guess is to be verified.
    """
    window, pack = source.window, source.encoding.pair.pack
    start = max(contours, window.size - WINDOW_BYTES)
    last = window.take(start, window.size - start)
    mark = pack(0xFFFE, 0xE0DD, 0) + pack(OBSERVATIONS_SEQUENCE >> 16, OBSERVATIONS_SEQUENCE & 0xFFFF, 0)[:4]
    at = last.find(mark)
    return start + at + 8 if at >= 0 and at == last.rfind(mark) else 0
