"""A small archive: it takes objects by C-STORE, gives them back by C-GET, and commits itself, as the test says."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, build_role, evt
from pynetdicom.sop_class import (
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
    StudyRootQueryRetrieveInformationModelGet,
)
from pynetdicom.transport import ThreadedAssociationServer

from tg263_scp.dicom.encoding.part10 import file_head


@dataclass
class GivingArchive:
    """``keeps_first`` makes it keep what it has and answer success; ``gives`` changes what is given, or gives more or less."""

    keeps_first: bool = False
    gives: Callable[[list[Dataset]], list[Dataset]] = lambda found: found
    get_status: int = 0x0000
    offers_get: bool = True
    reports_to: Callable[[], int] | None = None
    """Gives the port of a new association for a report; over the same association where None."""
    reports: Callable[[Dataset], Dataset | None] = lambda told: told
    action_status: int = 0x0000
    asked_for: list[Dataset] = field(default_factory=list)
    answers: list[int | None] = field(default_factory=list)
    held: dict[str, bytes] = field(default_factory=dict)
    asked: int = 0
    port: int = 0

    def __enter__(self) -> GivingArchive:
        self._ae = AE(ae_title="RECEIVER")
        for context in AllStoragePresentationContexts:
            self._ae.add_supported_context(
                context.abstract_syntax, context.transfer_syntax, scu_role=True, scp_role=True
            )
        self._ae.add_supported_context(StorageCommitmentPushModel)
        if self.offers_get:
            self._ae.add_supported_context(StudyRootQueryRetrieveInformationModelGet)
        server = self._ae.make_server(
            ("127.0.0.1", self.port),
            server_class=ThreadedAssociationServer,
            evt_handlers=[
                (evt.EVT_C_STORE, self._store),
                (evt.EVT_C_GET, self._get),
                (evt.EVT_N_ACTION, self._act),
            ],
        )
        self._ae._servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.port = server.server_address[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._ae.shutdown()

    def _store(self, event: evt.Event) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        head = file_head(
            sop_class_uid=str(event.request.AffectedSOPClassUID),
            sop_instance_uid=uid,
            transfer_syntax_uid=str(event.context.transfer_syntax),
        )
        if not (self.keeps_first and uid in self.held):
            self.held[uid] = head + event.request.DataSet.getvalue()
        return 0x0000

    def _get(self, event: evt.Event):
        self.asked += 1
        uid = str(event.identifier.SOPInstanceUID)
        found = [dcmread(io.BytesIO(self.held[uid]))] if uid in self.held else []
        given = self.gives(found)
        yield len(given)
        if self.get_status:
            yield self.get_status, None
            return
        for each in given:
            yield 0xFF00, each

    def _act(self, event: evt.Event):
        self.asked_for.append(event.action_information)
        if not self.action_status:
            told = self.reports(commitment_of(event.action_information, self.held))
            threading.Thread(target=self._report, args=(event.assoc, told), daemon=True).start()
        return self.action_status, None

    def _report(self, association, told: Dataset | None) -> None:
        if told is None:
            return
        if self.reports_to is None:
            time.sleep(0.1)  # the answer to the request goes first
            self.answers.append(sent_report(association, told))
            return
        ae = AE(ae_title="RECEIVER")
        ae.add_requested_context(StorageCommitmentPushModel)
        role = build_role(StorageCommitmentPushModel, scp_role=True)
        anew = ae.associate("127.0.0.1", self.reports_to(), ae_title="TG263", ext_neg=[role])
        self.answers.append(sent_report(anew, told))
        anew.release()


def sent_report(association, told: Dataset) -> int | None:
    """Send an N-EVENT-REPORT; return the status."""
    kind = 2 if "FailedSOPSequence" in told else 1
    if association.is_acceptor:
        for context in association.accepted_contexts:
            context._as_scp = True
    answer, _ = association.send_n_event_report(
        told, kind, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
    )
    return answer.get("Status")


def commitment_of(asked: Dataset, held) -> Dataset:
    """Return the report that an honest archive would give."""
    told = Dataset()
    told.TransactionUID = asked.TransactionUID
    there = [item for item in asked.ReferencedSOPSequence if item.ReferencedSOPInstanceUID in held]
    absent = [item for item in asked.ReferencedSOPSequence if item.ReferencedSOPInstanceUID not in held]
    for item in absent:
        item.FailureReason = 0x0112
    if there:
        told.ReferencedSOPSequence = there
    if absent:
        told.FailedSOPSequence = absent
    return told
