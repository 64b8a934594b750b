"""C-GET: read one object back from a destination, into a file.

The destination sends the object by C-STORE over our own association, for which it has to accept that we are the SCP there
(role selection). What it sends is bounded in bytes, and written as it comes.

Standard: Query/Retrieve Service Class PS3.4 C.4.3, Study Root C.6.2.1; role selection PS3.7 D.3.3.4.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydicom.dataset import Dataset
from pynetdicom import build_context, build_role, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet

from tg263_scp.dicom.encoding.part10 import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    write_part10,
)
from tg263_scp.dicom.network.pynetdicom_calling import end
from tg263_scp.dicom.network.pynetdicom_internals import keep_answers
from tg263_scp.dicom.network.sender import ANNOUNCED_PDU_BYTES, Peer, call, requesting_entity

_SYNTAXES = [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN]
_STORED, _REFUSED = 0x0000, 0xA700


class Got(StrEnum):
    """What came of asking for an object."""

    OBJECT = "object"
    NOTHING = "nothing"
    """The destination answered, and has no such object."""
    NO_ANSWER = "no answer"
    """It cannot be reached, does not retrieve, or broke off: nothing is known."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An instance by its UIDs, and the most bytes that it may have."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What came, and in words why nothing did."""

    got: Got
    text: str


def retrieve(target: Peer, wanted: Wanted, to: Path) -> Retrieval:
    """Ask for an object and write what comes to ``to``, under the UIDs that the destination gives it.

    Raises:
        OSError: the file cannot be written.
    """
    arriving = _Arriving(wanted, to)
    contexts = [build_context(StudyRootQueryRetrieveInformationModelGet, _SYNTAXES[:2])]
    contexts.append(build_context(wanted.sop_class_uid, _SYNTAXES))
    ae = requesting_entity(target)
    ae.network_timeout = target.dimse_timeout_s + target.acse_timeout_s
    try:
        called = call(
            ae,
            target,
            handlers=[(evt.EVT_C_STORE, arriving.store), (evt.EVT_DATA_RECV, arriving.count)],
            contexts=contexts,
            ext_neg=[build_role(wanted.sop_class_uid, scp_role=True)],
            max_pdu=ANNOUNCED_PDU_BYTES,
        )
    except OSError:
        return Retrieval(Got.NO_ANSWER, f"{target.host} cannot be found")
    association = called.association
    if not association.is_established:
        return Retrieval(Got.NO_ANSWER, called.tls_problem or "the destination cannot be reached, or refuses")
    keep_answers(association)
    try:
        return _asked(association, wanted, arriving)
    finally:
        if association.is_established:
            association.release()
        else:
            end(association)


def _asked(association: Association, wanted: Wanted, arriving: _Arriving) -> Retrieval:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "IMAGE"
    identifier.StudyInstanceUID = wanted.study_instance_uid
    identifier.SeriesInstanceUID = wanted.series_instance_uid
    identifier.SOPInstanceUID = wanted.sop_instance_uid
    status: int | None = None
    try:
        for answer, _ in association.send_c_get(identifier, StudyRootQueryRetrieveInformationModelGet):
            status = answer.Status if "Status" in answer else None
    except (ValueError, RuntimeError):
        return Retrieval(Got.NO_ANSWER, "the destination offers no C-GET (Study Root)")
    if arriving.fault is not None:
        raise arriving.fault
    if arriving.too_large:
        return Retrieval(Got.NO_ANSWER, "the destination sent more than the object that was asked for")
    if arriving.objects == 1:
        return Retrieval(Got.OBJECT, "")
    if arriving.objects:
        return Retrieval(
            Got.NO_ANSWER, f"the destination sent {arriving.objects} objects where one was asked for"
        )
    if status == 0x0000:
        return Retrieval(Got.NOTHING, "the destination has no such object")
    said = "gave no answer" if status is None else f"answered 0x{status:04X}"
    return Retrieval(Got.NO_ANSWER, f"the destination {said} to the C-GET")


class _Arriving:
    """Takes what the destination sends over our association."""

    def __init__(self, wanted: Wanted, to: Path) -> None:
        self._wanted = wanted
        self._to = to
        self._bytes = 0
        self.objects = 0
        self.too_large = False
        self.fault: OSError | None = None

    def count(self, event: evt.Event) -> None:
        self._bytes += len(event.data)
        if self._bytes > self._wanted.most_bytes and not self.too_large:
            self.too_large = True
            with suppress(OSError):
                event.assoc.abort(block=False)

    def store(self, event: evt.Event) -> int:
        self.objects += 1
        if self.objects > 1:
            return _REFUSED
        request = event.request
        try:
            with self._to.open("wb") as file:
                write_part10(
                    file,
                    request.DataSet.getbuffer(),
                    sop_class_uid=str(request.AffectedSOPClassUID),
                    sop_instance_uid=str(request.AffectedSOPInstanceUID),
                    transfer_syntax_uid=str(event.context.transfer_syntax),
                )
        except OSError as problem:
            self.fault = problem
            return _REFUSED
        return _STORED
