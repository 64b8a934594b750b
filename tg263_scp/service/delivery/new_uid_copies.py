"""Relabelled copies under new UIDs, for the destinations whose ``uid_policy`` is ``new``.

One copy per object, made when the first such destination is due: all of them get the same bytes under the same UIDs, and
get them again where an object is sent again. The UIDs follow from the key beside the audit log (``audit.salt_file``), so
that the sets of one series stay in one series. Only what was relabelled is a new object; what passes keeps its UIDs.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from tg263_scp.dicom.editing.new_uids import UidMap, new_uids
from tg263_scp.dicom.encoding.part10 import data_set_sha256, read_file_meta
from tg263_scp.dicom.network.sender import DAMAGED
from tg263_scp.errors import HeldObjectError, HoldReason
from tg263_scp.service.audit import IdentifierHash
from tg263_scp.service.journal.states import Job
from tg263_scp.service.spool import Spool


def uid_map(key: IdentifierHash) -> UidMap:
    """Return the new UIDs that follow from a key file: the same for a node and for an archive, where they share it."""
    return UidMap(key.derived_key("new UIDs"))


class Renumbering:
    """Makes and finds the copies of one spool; safe to use from several threads."""

    def __init__(self, spool: Spool, uids: UidMap) -> None:
        self._spool = spool
        self.uids = uids

    def copy(self, job: Job) -> Path:
        """Return the copy of a relabelled object, made where it does not exist yet.

        Where the relabelled object is no longer in the spool, nor is the copy.

        Raises:
            HeldObjectError: the object cannot be given new UIDs, or is no longer what was written.
            OSError: reading or writing failed.
        """
        copy = self._spool.under_new_uids(job.token)
        if not copy.is_file():
            decided_at = datetime.fromtimestamp(job.changed_at).astimezone()
            # Another destination may have been faster.
            with suppress(FileExistsError, FileNotFoundError):
                result = self._spool.result(job.token)
                if job.result_sha256 and job.result_sha256 != data_set_sha256(result):
                    raise HeldObjectError(HoldReason.EDIT_NOT_PROVEN, DAMAGED)
                new_uids(result, copy, self.uids, decided_at)
        return copy

    def sop_instance_uid(self, job: Job) -> str:
        """Return the new SOP Instance UID of an object, as its copy has it; empty where there is no copy."""
        copy = self._spool.under_new_uids(job.token)
        return read_file_meta(copy).sop_instance_uid if copy.is_file() else ""
