"""Two ends of a relabelling compared: is what arrived the same as what was sent, but for the ROI names?

The names that arrived are read, written into what was sent (an edit that proves itself to touch nothing else), and the
two data sets are then compared byte by byte, without what records the relabelling in the one that arrived. Nothing of the
sender's is left out of that comparison. What arrived is reverted, too, and compared with what was sent.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.editing.revert import revert, without_record
from tg263_scp.dicom.encoding.part10 import opened
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.errors import HeldObjectError, HoldReason

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison found. ``same``: only ROI names (and labels that repeated them) differ.

    ``names`` are the ROI names that arrived, in their order; ``compared_bytes`` is the size of the data set.
    ``comes_back`` tells whether an object that records its relabelling gives back the data set that was sent; None for
    others.
    """

    same: bool
    names: tuple[str, ...]
    compared_bytes: int
    problem: str = ""
    comes_back: bool | None = None


def compare(sent: Path, received: Path) -> Comparison:
    """Compare the data sets of two DICOM files but for their ROI names.

    Raises:
        OSError: a file cannot be read.
    """
    try:
        before, after = read_structure_set(sent), read_structure_set(received)
    except HeldObjectError:
        same, size = _same_data_set(sent, received)  # passed on unread, so nothing at all may differ
        return Comparison(same, (), size, "" if same else "the data sets differ")
    names = tuple(roi.name for roi in after.rois)
    if len(before.rois) != len(after.rois):
        return Comparison(False, names, 0, "the number of ROIs differs")
    new_names = {
        old.index: new.name for old, new in zip(before.rois, after.rois, strict=True) if old.name != new.name
    }
    with tempfile.TemporaryDirectory(prefix="tg263-scp-compare-") as folder:
        expected = Path(folder) / "expected.dcm"
        try:
            relabel(sent, expected, new_names)
        except (HeldObjectError, ValueError) as problem:
            return Comparison(False, names, 0, str(problem))
        plain, comes_back = _taken_back(sent, received, Path(folder))
        same, size = _same_data_set(expected, plain)
    return Comparison(same, names, size, "" if same else "more than the names differs", comes_back)


def _taken_back(sent: Path, received: Path, folder: Path) -> tuple[Path, bool | None]:
    """Return what arrived without the record of its relabelling, and whether from that record comes what was sent."""
    plain, reverted = folder / "plain.dcm", folder / "reverted.dcm"
    try:
        without_record(received, plain)
        revert(received, reverted)
    except HeldObjectError as problem:
        return (received, None) if problem.reason is HoldReason.NOT_OURS else (received, False)
    return plain, _same_data_set(sent, reverted)[0]


def _same_data_set(one: Path, other: Path) -> tuple[bool, int]:
    """Tell whether two data sets are equal byte for byte, inflated where deflated, and how large they are."""
    compared = 0
    with opened(one) as first, opened(other) as second:
        if first.meta.transfer_syntax_uid != second.meta.transfer_syntax_uid:
            return False, 0
        left, right = first.inflated or first.file, second.inflated or second.file
        left.seek(first.start)
        right.seek(second.start)
        pairs = zip_longest(
            iter(lambda: left.read(_CHUNK_BYTES), b""), iter(lambda: right.read(_CHUNK_BYTES), b"")
        )
        for mine, theirs in pairs:
            if mine != theirs:
                return False, compared
            compared += len(mine)
    return True, compared
