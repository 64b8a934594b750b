"""What comes of Storage Commitment over an association: its answers, and what a peer cannot do with it."""

from __future__ import annotations

import pytest
from doubles.loopback import wait_until
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role
from pynetdicom.sop_class import (
    CTImageStorage,
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from tg263_scp.config.loading import load_config
from tg263_scp.dicom.network import messages
from tg263_scp.dicom.network.listener import Listener
from tg263_scp.dicom.network.messages import N_ACTION_RQ, N_EVENT_REPORT_RQ, InMemory, Notice
from tg263_scp.dicom.network.refusals import Reason
from tg263_scp.dicom.network.statuses import StoreStatus


@pytest.fixture
def noticing():
    """Start a listener that takes notices; the test says how."""
    started = []

    def start(notice) -> Listener:
        config = load_config(None)
        running: Listener = Listener(
            config.listen.model_copy(update={"port": 0}),
            config.peers,
            max_object_bytes=1 << 20,
            begin=InMemory,
            accept=lambda received: StoreStatus.SUCCESS,
            notice=notice,
        )
        running.start()
        started.append(running)
        return running

    yield start
    for running in started:
        running.stop(0.0)


def associated(running: Listener, *, reporting: bool = False):
    ae = AE(ae_title="TPS")
    ae.add_requested_context(StorageCommitmentPushModel)
    ae.add_requested_context(CTImageStorage)
    roles = [build_role(StorageCommitmentPushModel, scp_role=True)] if reporting else []
    return ae.associate("127.0.0.1", running.address[1], ae_title="TG263", ext_neg=roles)


def asked(references: int = 1) -> Dataset:
    data = Dataset()
    data.TransactionUID = "1.2.3"
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CTImageStorage, "1.2.4"
    data.ReferencedSOPSequence = [item] * references
    return data


def act(association, data: Dataset) -> Dataset:
    answer, _ = association.send_n_action(
        data, 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
    )
    return answer


def test_a_request_and_a_report_are_handed_on_with_who_sent_them(noticing):
    taken: list[Notice] = []

    def notice(told: Notice) -> int:
        taken.append(told)
        return 0x0000

    running = noticing(notice)
    association = associated(running)
    assert act(association, asked()).Status == 0x0000
    association.release()
    reporting = associated(running, reporting=True)
    answer, _ = reporting.send_n_event_report(
        asked(), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
    )
    assert answer.Status == 0x0000
    reporting.release()
    assert [(told.field, told.type_id) for told in taken] == [(N_ACTION_RQ, 1), (N_EVENT_REPORT_RQ, 1)]
    assert {told.caller.calling_ae_title for told in taken} == {"TPS"}
    assert all(b"1.2.3" in told.dataset for told in taken)


def test_a_fault_of_ours_is_a_failure_and_not_the_end_of_the_association(noticing):
    def notice(told: Notice) -> int:
        raise ZeroDivisionError

    association = associated(noticing(notice))
    assert act(association, asked()).Status == 0x0110
    assert association.is_established
    association.release()


def test_more_than_anybody_can_ask_for_ends_the_association(noticing, monkeypatch):
    monkeypatch.setattr(messages, "MAX_NOTICE_BYTES", 200)
    running = noticing(lambda told: 0x0000)
    association = associated(running)
    assert "Status" not in act(association, asked(100))
    wait_until(lambda: running.refused()[Reason.TOO_LARGE] == 1)


def test_without_anybody_who_takes_them_they_are_not_offered(noticing):
    association = associated(noticing(None))
    offered = {str(context.abstract_syntax) for context in association.accepted_contexts}
    assert offered == {str(CTImageStorage)}
    association.release()
