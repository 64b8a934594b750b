"""One structure set in several files of an archive: the same SOP Instance UID, and the same bytes.

The first file gets a copy, the others are left out, and the manifest says so. Files of one SOP Instance UID whose bytes
differ are no twins: each gets its copy, since a decision between them would lose one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tg263_scp.errors import HoldReason
from tg263_scp.tools.archive.manifest import SHA256_BEFORE, Record
from tg263_scp.tools.archive.manifest_rows import Digests, row
from tg263_scp.tools.archive.outcome import Handled, What

_COPIED = (What.RELABELLED, What.UNCHANGED)


@dataclass(slots=True)
class Twins:
    """The structure sets that a run met: by SOP Instance UID, place and digest of the first file."""

    _first: dict[str, tuple[str, str]] = field(default_factory=dict)

    def has(self, handled: Handled, known: Record | None) -> bool:
        """Tell whether a file before this one holds the same structure set; ``known`` is what the manifest says of this.

        A file that has its copy from an earlier run keeps it.
        """
        if handled.uids is None or not handled.uids[0]:
            return False
        uid, digest = handled.uids[0], _digest_before(handled, known)
        first = self._first.setdefault(uid, (handled.source.relative, digest))
        new_copy = handled.what in _COPIED and not handled.replaces
        return new_copy and bool(digest) and first[0] != handled.source.relative and first[1] == digest


def _digest_before(handled: Handled, known: Record | None) -> str:
    if handled.rows:
        return handled.rows[0][SHA256_BEFORE]
    return known.sha256_before if known is not None else ""


def twin(handled: Handled, known: Record | None) -> Handled:
    """Leave out a file whose structure set has its copy already."""
    if handled.temporary is not None:
        handled.temporary.unlink()
    uid = handled.uids[0] if handled.uids is not None else ""
    reason = HoldReason.DUPLICATE_UID
    if known is not None and (known.outcome, known.reason) == (What.LEFT_OUT, reason):
        return Handled(handled.source, What.LEFT_OUT, reason)
    told = row(handled.source, What.LEFT_OUT, reason, uid, Digests(before=_digest_before(handled, known)))
    return Handled(handled.source, What.LEFT_OUT, reason, (told,))
