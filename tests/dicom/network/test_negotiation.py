"""What an association of ours says to the other side, and what it leaves unsaid (PS3.7 D.3, PS3.8 9.3)."""

from __future__ import annotations

import io
import socket

import pytest
from doubles.loopback import CT, DEADLINE_S, EXPLICIT, RTSTRUCT, Receiver, image, wait_until, write_object
from doubles.wire import association_request
from pynetdicom import AE, build_context, evt
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import (
    AsynchronousOperationsWindowNegotiation,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)

from tg263_scp.config.loading import load_config
from tg263_scp.dicom.encoding.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from tg263_scp.dicom.network.listener import Listener
from tg263_scp.dicom.network.messages import InMemory
from tg263_scp.dicom.network.sender import ANNOUNCED_PDU_BYTES, Connection, Peer
from tg263_scp.dicom.network.statuses import StoreStatus
from tg263_scp.dicom.network.verification import echo

SAID = [
    MaximumLengthNotification,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
]


@pytest.fixture
def listening():
    started = []

    def start(*, peers: dict | None = None, **listen) -> int:
        config = load_config(None)
        running = Listener(
            config.listen.model_copy(update={"port": 0, **listen}),
            config.peers.model_copy(update=peers or {}),
            max_object_bytes=1 << 20,
            begin=InMemory,
            accept=lambda received: StoreStatus.SUCCESS,
        )
        running.start()
        started.append(running)
        return running.address[1]

    yield start
    for running in started:
        running.stop(0.0)


def everything_that_can_be_proposed() -> list:
    window = AsynchronousOperationsWindowNegotiation()
    window.maximum_number_operations_invoked = window.maximum_number_operations_performed = 8
    roles = SCP_SCU_RoleSelectionNegotiation()
    roles.sop_class_uid, roles.scu_role, roles.scp_role = CT, True, True
    extended = SOPClassExtendedNegotiation()
    extended.sop_class_uid, extended.service_class_application_information = CT, b"\x02\x00\x03\x00\x01\x00"
    common = SOPClassCommonExtendedNegotiation()
    common.sop_class_uid, common.service_class_uid = CT, "1.2.840.10008.4.2"
    identity = UserIdentityNegotiation()
    identity.user_identity_type, identity.primary_field = 1, b"somebody"
    identity.positive_response_requested = True
    return [window, roles, extended, common, identity]


def test_we_name_ourselves_and_our_maximum_length_and_answer_no_other_proposal(listening):
    port = listening(max_pdu_bytes=32768)
    association = AE(ae_title="TPS").associate(
        "127.0.0.1",
        port,
        contexts=[build_context(CT, [EXPLICIT])],
        ext_neg=everything_that_can_be_proposed(),
    )
    assert association.is_established
    said = association.acceptor.primitive
    (context,) = association.accepted_contexts
    association.release()
    assert [type(item) for item in said.user_information] == SAID
    length, class_uid, version = said.user_information
    assert length.maximum_length_received == 32768
    assert class_uid.implementation_class_uid == IMPLEMENTATION_CLASS_UID
    assert version.implementation_version_name == IMPLEMENTATION_VERSION_NAME
    assert said.application_context_name == "1.2.840.10008.3.1.1.1"
    assert (context.as_scu, context.as_scp) == (True, False), "the roles are the default ones"


def test_where_we_call_we_propose_nothing_but_our_name_and_our_maximum_length(tmp_path):
    proposals = []
    parcel = write_object(tmp_path / "ct.dcm", image(), CT, "1.2.3")
    with Receiver() as receiver:
        receiver._server.bind(
            evt.EVT_REQUESTED, lambda event: proposals.append(event.assoc.requestor.primitive)
        )
        target = Peer("127.0.0.1", receiver.port, "RECEIVER", "TG263")
        with Connection(target, [parcel.context, (RTSTRUCT, EXPLICIT)]) as line:
            line.send(parcel)
    (proposal,) = proposals
    assert [type(item) for item in proposal.user_information] == SAID
    length, class_uid, version = proposal.user_information
    assert length.maximum_length_received == ANNOUNCED_PDU_BYTES
    assert class_uid.implementation_class_uid == IMPLEMENTATION_CLASS_UID
    assert version.implementation_version_name == IMPLEMENTATION_VERSION_NAME
    assert (proposal.calling_ae_title, proposal.called_ae_title) == ("TG263", "RECEIVER")
    assert [
        (context.abstract_syntax, context.transfer_syntax)
        for context in proposal.presentation_context_definition_list
    ] == [(CT, [EXPLICIT]), (RTSTRUCT, [EXPLICIT])]


def rejection(port: int, *, calling: str = "TPS", called: str = "TG263") -> tuple[int, int, int]:
    association = AE(ae_title=calling).associate(
        "127.0.0.1", port, contexts=[build_context(CT, [EXPLICIT])], ae_title=called
    )
    assert association.is_rejected
    said = association.acceptor.primitive
    return said.result, said.result_source, said.diagnostic


def test_a_rejection_says_why(listening):
    """Result, source and reason as PS3.8 9.3.4 defines them."""
    assert rejection(listening(peers={"ae_titles": ["CT1"]})) == (1, 1, 3)
    assert rejection(listening(called_ae_must_match=True), called="ELSE") == (1, 1, 7)


def test_an_association_on_which_nothing_happens_is_aborted(listening):
    port = listening(network_timeout_s=0.5)
    association = AE(ae_title="TPS").associate("127.0.0.1", port, contexts=[build_context(CT, [EXPLICIT])])
    assert association.is_established or association.is_aborted
    wait_until(lambda: association.is_aborted)


@pytest.mark.parametrize("sent", [b"\x04\x00\x00\x00\x03\xe8" + bytes(100), b"\x04\x00\x00"])
def test_a_sender_that_falls_silent_within_a_pdu_is_cut_off(listening, sent):
    port = listening(network_timeout_s=0.5)
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
        connection.sendall(association_request())
        assert connection.recv(4096)[:1] == b"\x02"
        connection.sendall(sent)
        assert connection.recv(4096)[:1] in (b"", b"\x07")


def test_a_sender_that_falls_silent_between_command_and_data_set_is_cut_off(listening):
    port = listening(network_timeout_s=0.5)
    association = AE(ae_title="TPS").associate("127.0.0.1", port, contexts=[build_context(CT, [EXPLICIT])])
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = CT, "1.2.3"
    request.DataSet = io.BytesIO(image())
    message = C_STORE_RQ()
    message.primitive_to_message(request)
    command, *_ = message.encode_msg(association.accepted_contexts[0].context_id, 16382)
    association.dul.send_pdu(command)
    wait_until(lambda: association.is_aborted)


def test_a_connection_that_asks_for_nothing_is_closed(listening):
    port = listening(acse_timeout_s=0.2, network_timeout_s=0.5)
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
        assert connection.recv(1) == b""


def test_ipv6_is_spoken_where_the_system_has_it(listening):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this system has no IPv6")
    assert echo(Peer("::1", listening(host="::1"), "TG263", "TPS")).answered


def test_an_unknown_abstract_syntax_and_an_unknown_transfer_syntax_are_refused_by_name(listening):
    port = listening()
    contexts = [
        build_context("1.2.3.4.5", [EXPLICIT]),
        build_context(
            CT, ["1.2.840.10008.1.2.4.94"]
        ),  # JPIP Referenced: the pixels would stay where they are
        build_context(RTSTRUCT, [EXPLICIT]),
    ]
    association = AE(ae_title="TPS").associate("127.0.0.1", port, contexts=contexts)
    results = {context.abstract_syntax: context.result for context in association.rejected_contexts}
    association.release()
    assert results == {"1.2.3.4.5": 3, CT: 4}
