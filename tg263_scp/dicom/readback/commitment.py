"""Storage Commitment Push Model: ask a destination to commit itself, and tell a peer what we have committed ourselves to.

The request (N-ACTION) and the report (N-EVENT-REPORT) belong together by their Transaction UID. The report comes over the same
association, or over a new one that the destination opens. Everything in it is by UID: it says that an object of this UID is
held, not which version.

Standard: Storage Commitment Service Class PS3.4 J.3; N-ACTION and N-EVENT-REPORT PS3.7 10.1.
"""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID, generate_uid
from pynetdicom import build_context, build_role, evt
from pynetdicom.sop_class import StorageCommitmentPushModel, StorageCommitmentPushModelInstance

from tg263_scp.dicom.encoding.part10 import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from tg263_scp.dicom.network.pynetdicom_calling import end
from tg263_scp.dicom.network.pynetdicom_internals import keep_answers
from tg263_scp.dicom.network.sender import Peer, Unavailable, call, requesting_entity

REQUEST_COMMITMENT = 1
"""Action Type ID (PS3.4 J.3.2)."""
ALL_COMMITTED, SOME_FAILED = 1, 2
"""Event Type IDs (PS3.4 J.3.3)."""
NO_SUCH_OBJECT, CLASS_CONFLICT, PROCESSING_FAILURE = 0x0112, 0x0119, 0x0110
"""Failure Reasons (0008,1197), PS3.3 C.14.1.1."""
MOST_REFERENCES = 100_000

_INVALID_ARGUMENT = 0x0115
_SYNTAXES = [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN]


class UnreadableCommitment(ValueError):  # noqa: N818 - what the peer sent
    """The data set of a request or report cannot be read, or lacks what PS3.4 J wants of it."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One object: SOP class and instance; ``failure`` is the Failure Reason where it is not committed, else 0."""

    sop_class_uid: str
    sop_instance_uid: str
    failure: int = 0


@dataclass(frozen=True, slots=True)
class Commitment:
    """What a request asks for, or a report tells of."""

    transaction_uid: str
    references: tuple[Reference, ...]

    def encoded(self) -> Dataset:
        """Return it as a data set: a request where nothing has failed, or a report."""
        data = Dataset()
        data.TransactionUID = self.transaction_uid
        held = [_item(each) for each in self.references if not each.failure]
        failed = [_item(each) for each in self.references if each.failure]
        if held:
            data.ReferencedSOPSequence = held
        if failed:
            data.FailedSOPSequence = failed
        return data


def _item(reference: Reference) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = reference.sop_class_uid
    item.ReferencedSOPInstanceUID = reference.sop_instance_uid
    if reference.failure:
        item.FailureReason = reference.failure
    return item


def new_transaction_uid() -> str:
    """Return a Transaction UID that nobody can guess: an answer under it is one to our request."""
    return str(generate_uid(prefix=None))


def read_commitment(encoded: bytes, transfer_syntax_uid: str) -> Commitment:
    """Read the data set of a request or a report.

    Raises:
        UnreadableCommitment: it is none.
    """
    syntax = UID(transfer_syntax_uid)
    try:
        data = read_dataset(io.BytesIO(encoded), syntax.is_implicit_VR, syntax.is_little_endian)
        held = [_reference(item, failed=False) for item in data.get("ReferencedSOPSequence") or ()]
        failed = [_reference(item, failed=True) for item in data.get("FailedSOPSequence") or ()]
        transaction_uid = str(data.TransactionUID)
    except Exception as problem:
        # pydicom raises whatever its reading meets; what the peer sent is not for the log.
        raise UnreadableCommitment("the data set cannot be read") from problem
    if not UID(transaction_uid).is_valid or not 1 <= len(held) + len(failed) <= MOST_REFERENCES:
        raise UnreadableCommitment("the data set lacks a transaction or objects")
    return Commitment(transaction_uid, (*held, *failed))


def _reference(item: Dataset, *, failed: bool) -> Reference:
    failure = int(item.get("FailureReason", PROCESSING_FAILURE)) if failed else 0
    return Reference(str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID), failure)


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to a request: ``status`` 0 where it was taken, and the report where it came over the same association."""

    status: int | None
    report: Commitment | None


def ask_for_commitment(target: Peer, wanted: Commitment, *, wait_s: float) -> Asked:
    """Ask a destination to commit itself, and wait for ``wait_s`` whether its report comes over the same association.

    Raises:
        Unavailable: it cannot be reached, or offers no Storage Commitment.
    """
    ae, reported = requesting_entity(target), _Reported(wanted)
    ae.network_timeout = target.dimse_timeout_s + target.acse_timeout_s
    try:
        called = call(
            ae,
            target,
            handlers=[(evt.EVT_N_EVENT_REPORT, reported.take)],
            contexts=[build_context(StorageCommitmentPushModel, _SYNTAXES)],
        )
    except OSError as problem:
        raise Unavailable(f"{target.host} cannot be found", permanent=False) from problem
    association = called.association
    if not association.is_established:
        raise Unavailable(
            called.tls_problem or "the destination cannot be reached, or offers no Storage Commitment",
            permanent=False,
        )
    keep_answers(association)
    try:
        answer, _ = association.send_n_action(
            wanted.encoded(),
            REQUEST_COMMITMENT,
            StorageCommitmentPushModel,
            StorageCommitmentPushModelInstance,
        )
        status = answer.Status if "Status" in answer else None
        if status == 0:
            reported.here.wait(wait_s)
        return Asked(status, reported.told)
    except (ValueError, RuntimeError) as problem:
        raise Unavailable("the destination ended the association", permanent=False) from problem
    finally:
        if association.is_established:
            association.release()
        else:
            end(association)


class _Reported:
    """Takes the report of a destination over the association of our request."""

    def __init__(self, wanted: Commitment) -> None:
        self._wanted = wanted
        self.here = threading.Event()
        self.told: Commitment | None = None

    def take(self, event: evt.Event) -> tuple[int, None]:
        try:
            said = event.request.EventInformation.getvalue()
            told = read_commitment(said, str(event.context.transfer_syntax))
        except (AttributeError, UnreadableCommitment):
            return _INVALID_ARGUMENT, None
        if told.transaction_uid != self._wanted.transaction_uid:
            return _INVALID_ARGUMENT, None
        self.told = told
        self.here.set()
        return 0x0000, None


def report_commitment(target: Peer, told: Commitment) -> None:
    """Tell a peer what became of its request, over an association of our own in which we are the SCP.

    Raises:
        Unavailable: it cannot be reached, takes no report, or refuses it.
    """
    ae = requesting_entity(target)
    try:
        called = call(
            ae,
            target,
            contexts=[build_context(StorageCommitmentPushModel, _SYNTAXES)],
            ext_neg=[build_role(StorageCommitmentPushModel, scp_role=True)],
        )
    except OSError as problem:
        raise Unavailable(f"{target.host} cannot be found", permanent=False) from problem
    association = called.association
    if not association.is_established:
        raise Unavailable(
            called.tls_problem or "the peer cannot be reached, or takes no report", permanent=False
        )
    keep_answers(association)
    kind = SOME_FAILED if any(each.failure for each in told.references) else ALL_COMMITTED
    try:
        answer, _ = association.send_n_event_report(
            told.encoded(), kind, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
    except (ValueError, RuntimeError) as problem:
        raise Unavailable("the peer does not let us report", permanent=False) from problem
    finally:
        if association.is_established:
            association.release()
        else:
            end(association)
    if answer.get("Status") != 0x0000:
        raise Unavailable("the peer does not take the report", permanent=False)
