"""What goes to a destination that takes none of an object as it is: a radiotherapy object in another transfer syntax.

Beside the transfer syntax in which an object came, the other uncompressed little-endian ones are proposed for it. Where the
destination accepts only one of those, a copy is transcoded for this association, and gone after it: what a destination accepts
may change from one association to the next. The same object becomes the same bytes each time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tg263_scp.dicom.editing.transcode import TRANSCODED, transcode
from tg263_scp.dicom.encoding.budget import Budget, within
from tg263_scp.errors import HeldObjectError, HoldReason
from tg263_scp.service.journal.states import Job

_RADIOTHERAPY = "1.2.840.10008.5.1.4.1.1.481."
"""What the UIDs of the radiotherapy storage SOP classes begin with (PS3.4 B.5)."""

Context = tuple[str, str]


def contexts_of(job: Job) -> list[Context]:
    """Return what is proposed for an object, SOP class and transfer syntax: as it is, then as it might be transcoded."""
    own = job.transfer_syntax_uid
    others = TRANSCODED if own in TRANSCODED and job.sop_class_uid.startswith(_RADIOTHERAPY) else ()
    return [(job.sop_class_uid, each) for each in dict.fromkeys((own, *others))]


@dataclass(frozen=True, slots=True)
class Fitted:
    """The file that is sent, its transfer syntax, the digest of its data set where known, and what the audit line says."""

    path: Path
    transfer_syntax_uid: str
    dataset_sha256: str
    told: Mapping[str, Any]


@contextmanager
def fitted(
    job: Job, path: Path, digest: str, accepted: Collection[Context], scratch: Path, budget: Budget
) -> Iterator[Fitted]:
    """Give the file to send over an association with these accepted contexts; a transcoded copy is removed at the end.

    ``digest`` (SHA-256, hex) is that of the data set in the file, where it is known.

    Raises:
        HeldObjectError: the destination accepts none in which the object could be written, or the file has changed.
        OSError: reading or writing failed.
    """
    own, *others = contexts_of(job)
    wanted = next((each for each in others if each in accepted), None)
    if own in accepted or wanted is None:
        yield Fitted(path, job.transfer_syntax_uid, digest, {})
        return
    copy = scratch / f"{path.stem}.transcoded"
    copy.unlink(missing_ok=True)
    try:
        with within(budget):
            made = transcode(path, copy, wanted[1])
        if digest not in ("", made.source_sha256):
            raise HeldObjectError(HoldReason.SOURCE_CHANGED, "the file is no longer what was received")
        told = {
            "from": job.transfer_syntax_uid,
            "to": wanted[1],
            "elements_equal": made.elements,
            "dataset_sha256": made.dataset_sha256,
        }
        yield Fitted(copy, wanted[1], made.dataset_sha256, {"transcoded": told})
    finally:
        copy.unlink(missing_ok=True)
