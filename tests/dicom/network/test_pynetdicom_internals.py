"""What is used of pynetdicom beyond its documentation: a version that changes it fails here, not in a clinic.

A failure means: read what changed, see whether ``pynetdicom_internals.py`` or ``pynetdicom_calling.py`` still holds, and
write the new digest here.
"""

from __future__ import annotations

import hashlib
import inspect

import pytest
from pynetdicom import AE
from pynetdicom.acse import ACSE
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dul import DULServiceProvider
from pynetdicom.fsm import EVENTS, STATES
from pynetdicom.service_class import StorageServiceClass
from pynetdicom.transport import AssociationSocket

BUILT_ON = [
    (DULServiceProvider, "run_reactor", "e3a10eb3a0931e48"),
    (DULServiceProvider, "_read_pdu_data", "19f2d4e38c13c835"),
    (DULServiceProvider, "_is_transport_event", "8725ed03bb8fbdef"),
    (DULServiceProvider, "_process_recv_primitive", "4c0ebbb3e646e35e"),
    (AssociationSocket, "ready", "3eb58e3d39dc076d"),
    (AssociationSocket, "recv", "6bc20a33b1b7cfe7"),
    (AssociationSocket, "send", "1ea8158c0b51faca"),
    (AssociationSocket, "close", "c726c8db53813d55"),
    (Association, "run_reactor", "ed8bbbe3b3d6ddae"),
    (Association, "_run_reactor", "f28838c5559e462a"),
    (Association, "_serve_request", "2f24c1759cdf6c8c"),
    (Association, "_abort_blocking", "10b43ef8c63c6764"),
    (Association, "kill", "8f9713666a7f4cff"),
    (ACSE, "_negotiate_as_acceptor", "fffd360957c42a8e"),
    (DIMSEServiceProvider, "send_msg", "a839cf2fb46976d9"),
    (DIMSEServiceProvider, "get_msg", "890e3e04283f5aeb"),
    (DIMSEMessage, "encode_msg", "73000c902c52832d"),
    (DIMSEMessage, "primitive_to_message", "71fd61d5997f0f0c"),
    (AssociationSocket, "connect", "aeeeae413bd339dc"),
    (DULServiceProvider, "send_pdu", "7cbce5da8594124e"),
    (StorageServiceClass, "SCP", "63afca7fc6c6e7ee"),
]
"""What we call, override or rely on the order of, and the digest of its source in the version that was read."""


@pytest.mark.parametrize(
    ("owner", "name", "digest"), BUILT_ON, ids=lambda value: getattr(value, "__name__", value)
)
def test_what_we_build_on_is_what_we_read(owner, name, digest):
    found = inspect.getattr_static(owner, name)
    source = inspect.getsource(found.fget if isinstance(found, property) else found)
    assert hashlib.sha256(source.encode()).hexdigest()[:16] == digest


def test_an_association_has_the_parts_that_we_set_and_read():
    association = Association(AE(), "acceptor")
    assert isinstance(association.dul, DULServiceProvider)
    assert association.dul.socket is None, "the upper layer is exchanged before it has a socket"
    assert association.dul.state_machine.current_state == "Sta1"
    assert association.dul.event_queue.empty()
    assert association.dul.to_provider_queue.empty()
    assert association.dimse.msg_queue.empty()
    assert not association._is_paused
    assert association._reactor_checkpoint.is_set()
    assert C_STORE()._dataset_path is None


def test_events_and_states_have_the_names_that_we_compare_with():
    assert STATES["Sta6"].startswith("Association established")
    assert STATES["Sta13"].startswith("Awaiting Transport Connection Close")
    assert EVENTS["Evt17"].startswith("Transport connection closed")
    assert EVENTS["Evt19"].startswith("Unrecognized or invalid PDU")
