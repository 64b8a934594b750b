"""C-ECHO: ask a peer whether it is there and would talk to us.

Standard: Verification Service Class PS3.4 A; C-ECHO PS3.7 9.1.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.sop_class import Verification

from tg263_scp.dicom.network.pynetdicom_calling import bound_answers
from tg263_scp.dicom.network.pynetdicom_internals import keep_answers
from tg263_scp.dicom.network.sender import Peer, requesting_entity
from tg263_scp.dicom.network.storage_classes import VERIFICATION_TRANSFER_SYNTAXES


@dataclass(frozen=True, slots=True)
class EchoAnswer:
    """What came of a C-ECHO; ``text`` says it in words."""

    answered: bool
    text: str


def echo(target: Peer) -> EchoAnswer:
    """Send one C-ECHO over an association of its own. A peer that is not there is an answer, not an error."""
    ae = requesting_entity(target)
    ae.add_requested_context(Verification, list(VERIFICATION_TRANSFER_SYNTAXES))
    try:
        association = ae.associate(
            target.host,
            target.port,
            ae_title=target.ae_title,
            evt_handlers=[(evt.EVT_CONN_OPEN, bound_answers)],
        )
    except OSError:
        return EchoAnswer(False, "the host cannot be found")
    if not association.is_established:
        return EchoAnswer(False, _why_not(association))
    keep_answers(association)
    try:
        status = association.send_c_echo()
    except (RuntimeError, ValueError):
        return EchoAnswer(False, "the association ended before the echo was sent")
    finally:
        if association.is_established:
            association.release()
    if "Status" not in status:
        return EchoAnswer(False, "no answer to the C-ECHO")
    return EchoAnswer(status.Status == 0x0000, f"C-ECHO status 0x{status.Status:04X}")


def _why_not(association: Association) -> str:
    if association.is_rejected:
        return f"the association is rejected: {association.acceptor.primitive.reason_str}"
    if association.rejected_contexts:
        return "the peer is there, but does not offer Verification"
    return "no connection"
