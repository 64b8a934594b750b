"""Compare DICOM files with pydicom's raw values, independently of the code that edits them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from pydicom import dcmread
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

ROI_NAME = "30060026"
OBSERVATION_LABEL = "30060085"
ROI_SEQUENCE = "30060020"
COERCION, EQUIPMENT, ORIGINAL = "00080015", "0018A001", "04000561"


def data_set_bytes(path: Path) -> bytes:
    """Return everything behind the file meta; inflated where the transfer syntax is the deflated one."""
    return _parted(path)[1]


def undeflated(path: Path) -> bytes:
    """Return a whole file, the data set inflated where the transfer syntax is the deflated one.

    Two deflaters write one data set differently, and not all pad it to even length (PS3.5 A.5).
    """
    meta = getattr(dcmread(path, specific_tags=["SOPInstanceUID"], force=True), "file_meta", None)
    if getattr(meta, "TransferSyntaxUID", "") != DeflatedExplicitVRLittleEndian:
        return path.read_bytes()
    return b"".join(_parted(path))


def _parted(path: Path) -> tuple[bytes, bytes]:
    content = path.read_bytes()
    assert content[128:132] == b"DICM", f"{path.name} has no preamble"
    assert content[132:138] == b"\x02\x00\x00\x00UL", f"{path.name} has no group length (0002,0000)"
    start = 144 + int.from_bytes(content[140:144], "little")
    if transfer_syntax(path) == DeflatedExplicitVRLittleEndian:
        return content[:start], zlib.decompress(content[start:], -zlib.MAX_WBITS)
    return content[:start], content[start:]


def transfer_syntax(path: Path) -> str:
    """Return the Transfer Syntax UID (0002,0010)."""
    return str(dcmread(path, specific_tags=["SOPInstanceUID"]).file_meta.TransferSyntaxUID)


def sop_instance_uid(path: Path) -> str:
    """Return the SOP Instance UID (0008,0018)."""
    return str(dcmread(path, specific_tags=["SOPInstanceUID"], force=True).SOPInstanceUID)


def elements(path: Path) -> dict[str, bytes]:
    """Return the undecoded value of every element by its place, such as ``30060020[2].30060026``, in their order.

    Group lengths are left out: they are retired, and DCMTK does not write them (PS3.5 7.2).
    """
    return dict(_elements(dcmread(path, force=True), ""))


def _elements(data: Dataset, place: str) -> Iterator[tuple[str, bytes]]:
    # First all raw values: to read a sequence decodes Pixel Representation beside it. Iterating the data set would decode too.
    for tag, raw in [(tag, data.get_item(tag)) for tag in data.keys()]:  # noqa: SIM118
        if tag.element == 0:
            continue
        here = f"{place}{tag.group:04X}{tag.element:04X}"
        if not isinstance(raw, RawDataElement):
            vr = raw.VR
        else:
            vr = raw.VR or (dictionary_VR(tag) if dictionary_has_tag(tag) else "UN")
        if vr == "SQ":
            items = data[tag].value
            yield here, b"%d items" % len(items)
            for index, item in enumerate(items):
                yield from _elements(item, f"{here}[{index}].")
        else:
            yield here, _bytes(raw.value)


def _bytes(value: object) -> bytes:
    if value is None:
        return b""
    return value if isinstance(value, bytes) else str(value).encode()


def changes(before: Path, after: Path) -> dict[str, tuple[bytes | None, bytes | None]]:
    """Return what differs between two files: place to old and new value."""
    old, new = elements(before), elements(after)
    return {
        place: (old.get(place), new.get(place))
        for place in {**old, **new}
        if old.get(place) != new.get(place)
    }


def edits(before: Path, after: Path) -> dict[str, tuple[bytes, bytes]]:
    """Return what differs between two files, beside the record of that: place to old and new value.

    Fails where an element was added, removed or moved, and where differences and record do not go together.
    """
    old, new = elements(before), elements(after)
    record = _record(old, new)
    order = [[place for place in each if place not in record] for each in (old, new)]
    assert order[0] == order[1], f"not the same elements: {set(order[0]) ^ set(order[1])}"
    differ = {place: (old[place], new[place]) for place in order[0] if old[place] != new[place]}
    assert bool(record) is bool(differ), "an edit without a record, or a record without an edit"
    return differ


def renamed(before: Path, after: Path) -> dict[str, str]:
    """Return old to new for the ROI names that differ, and fail where anything differs beside names and their labels."""
    names: dict[str, str] = {}
    labels: dict[str, str] = {}
    for place, (old, new) in edits(before, after).items():
        of = {ROI_NAME: names, OBSERVATION_LABEL: labels}.get(place.rpartition(".")[2])
        assert of is not None, f"{place} differs"
        of[_text(old)] = _text(new)
    assert labels.items() <= names.items(), "an observation label does not follow its ROI name"
    return names


def _record(old: dict[str, bytes], new: dict[str, bytes]) -> set[str]:
    """Return the places that record an edit: one item more in both sequences, and in it the sequences as they were."""
    if new.get(COERCION) == old.get(COERCION):
        return set()
    record = {COERCION}
    for sequence in (EQUIPMENT, ORIGINAL):
        number = int(old.get(sequence, b"0 items").split()[0])
        assert new[sequence] == b"%d items" % (number + 1), f"{sequence} has not one item more"
        record |= {sequence, *(place for place in new if place.startswith(f"{sequence}[{number}]."))}
    number = int(new[ORIGINAL].split()[0]) - 1
    inside = f"{ORIGINAL}[{number}].04000550[0]."
    prior = {place.removeprefix(inside): value for place, value in new.items() if place.startswith(inside)}
    assert prior
    for sequence in {place[:8] for place in prior}:
        was, is_recorded = (
            {place: value for place, value in each.items() if place.startswith(sequence)}
            for each in (old, prior)
        )
        assert is_recorded == was, f"{sequence} is not recorded as it was"
    return record


def _text(raw: bytes) -> str:
    return raw.decode("latin-1").strip(" \0")


def roi_names(path: Path) -> list[str]:
    """Return the ROI names in the order of the Structure Set ROI Sequence, undecodable bytes as Latin-1."""
    found = elements(path).items()
    return [
        _text(value) for place, value in found if re.fullmatch(rf"{ROI_SEQUENCE}\[\d+\].{ROI_NAME}", place)
    ]
