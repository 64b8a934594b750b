"""What can become of a file of an archive."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tg263_scp.decision import Status
from tg263_scp.tools.archive.find_files import Source
from tg263_scp.tools.archive.manifest import Row


class What(StrEnum):
    """What became of a file."""

    RELABELLED = "relabelled"
    """A structure set was copied with at least one new name."""
    UNCHANGED = "unchanged"
    """A structure set was copied as it is: no name has to change, or it is approved or signed."""
    COPIED = "copied"
    """A DICOM object of another kind was copied as it is."""
    REWRITTEN = "rewritten"
    """A plan or dose was copied with the new UIDs of the structure sets it refers to."""
    PUT_OFF = "put off"
    """A plan or dose waits until every structure set is done; no outcome of a run."""
    DONE_BEFORE = "done before"
    """An earlier run wrote the copy; source and copy still have the digests of the manifest, or the copy is right."""
    LEFT_OUT = "left out"
    """A DICOM object of another kind."""
    NOT_DICOM = "not DICOM"
    HELD = "held"
    """A structure set that must not be edited."""
    REFUSED = "refused"
    """Something else stands where the copy belongs."""
    FAILED = "failed"
    """It could not be read or written."""
    REVERTED = "reverted"
    """A relabelled structure set was copied with the names of its sender."""
    NOT_REVERTED = "not reverted"
    """A structure set that does not record what its names were, or was edited since."""


FINDINGS = frozenset({What.HELD, What.REFUSED, What.FAILED, What.NOT_REVERTED})
"""What a person has to look at."""


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of one file. ``temporary`` is the finished copy that waits for its name, None where there is none.

    ``uids`` are the SOP Instance UID of a structure set and the one that its copy has; ``refers_to`` are the structure sets
    that a plan or dose refers to, where it is put off. ``replaces`` tells that the copy takes the place of an earlier one.
    """

    source: Source
    what: What
    reason: str = ""
    rows: tuple[Row, ...] = ()
    statuses: tuple[Status, ...] = ()
    temporary: Path | None = None
    uids: tuple[str, str] | None = None
    refers_to: tuple[str, ...] = ()
    replaces: bool = False
