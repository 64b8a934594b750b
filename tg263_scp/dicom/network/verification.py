"""C-ECHO: ask a peer whether it is there and would talk to us.

Standard: Verification Service Class PS3.4 A; C-ECHO PS3.7 9.1.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from pynetdicom.association import Association
from pynetdicom.sop_class import Verification

from tg263_scp.dicom.network.pynetdicom_internals import keep_answers
from tg263_scp.dicom.network.sender import Peer, call, requesting_entity
from tg263_scp.dicom.network.storage_classes import VERIFICATION_TRANSFER_SYNTAXES
from tg263_scp.tls.certificates import Certificate


@dataclass(frozen=True, slots=True)
class EchoAnswer:
    """What came of a C-ECHO; ``text`` says it in words, ``certificate`` is what the peer showed, with TLS."""

    answered: bool
    text: str
    certificate: Certificate | None = None


def echo(target: Peer) -> EchoAnswer:
    """Send one C-ECHO over an association of its own. A peer that is not there is an answer, not an error."""
    ae = requesting_entity(target)
    ae.add_requested_context(Verification, list(VERIFICATION_TRANSFER_SYNTAXES))
    try:
        called = call(ae, target)
    except OSError:
        return EchoAnswer(False, "the host cannot be found")
    association = called.association
    certificate = called.handshake.certificate if called.handshake else None
    if not association.is_established:
        return EchoAnswer(False, called.tls_problem or _why_not(association), certificate)
    keep_answers(association)
    try:
        status = association.send_c_echo()
    except (RuntimeError, ValueError):
        return EchoAnswer(False, "the association ended before the echo was sent", certificate)
    finally:
        if association.is_established:
            association.release()
    if "Status" not in status:
        return EchoAnswer(False, "no answer to the C-ECHO", certificate)
    over = f" over {called.handshake.version}" if called.handshake else ""
    return EchoAnswer(status.Status == 0x0000, f"C-ECHO status 0x{status.Status:04X}{over}", certificate)


def _why_not(association: Association) -> str:
    if association.is_rejected:
        return f"the association is rejected: {association.acceptor.primitive.reason_str}"
    if association.rejected_contexts:
        return "the peer is there, but does not offer Verification"
    return "no connection"
