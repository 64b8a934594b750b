"""Facts of the network: parameters of associations, limits, and when something is tried again."""

from __future__ import annotations

from tg263_scp.config.sections import Config
from tg263_scp.dicom.editing.relabel import MAX_LABEL_CHARACTERS, MAX_NAME_CHARACTERS
from tg263_scp.dicom.encoding.length_fields import MAX_TEXT_BYTES
from tg263_scp.dicom.encoding.part10 import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
)
from tg263_scp.dicom.network.listener import waiting_per_address
from tg263_scp.dicom.network.pynetdicom_internals import BLOCK_BYTES
from tg263_scp.dicom.network.sender import ANNOUNCED_PDU_BYTES, MAX_CONTEXTS, MAX_SENT_PDU_BYTES
from tg263_scp.dicom.network.waiting_room import MAX_ASSOCIATE_REQUEST_BYTES
from tg263_scp.dicom.reading.roi_items import MAX_ITEMS
from tg263_scp.service.delivery.forwarder import PATIENCE
from tg263_scp.tools.statement.markdown import table
from tg263_scp.tools.statement.services import Link

_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"


def duration(seconds: float) -> str:
    """Write a duration in seconds, and in the largest unit that it is a whole number of."""
    for unit, factor in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * factor and seconds % factor == 0:
            return f"{seconds:.15g} s ({seconds / factor:g} {unit})"
    return f"{seconds:.15g} s"


def _size(value: int) -> str:
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value and value % factor == 0:
            return f"{value // factor} {unit}"
    return f"{value} bytes"


def _announced(value: int) -> str:
    return _size(value) if value else "unlimited (0)"


def association_table(config: Config, link: Link) -> str:
    """Table 7-2."""
    listen, calling = config.listen, config.destination_defaults
    said = link("negotiation-scp"), link("negotiation-scu")
    rows = [
        ("Application Context Name", _APPLICATION_CONTEXT, said[0]),
        ("Implementation Class UID", IMPLEMENTATION_CLASS_UID, f"{said[0]} {said[1]}"),
        ("Implementation Version Name", IMPLEMENTATION_VERSION_NAME, f"{said[0]} {said[1]}"),
        ("Maximum PDU length announced as acceptor", _announced(listen.max_pdu_bytes), link("pdu-received")),
        ("Maximum PDU length announced as initiator", _announced(ANNOUNCED_PDU_BYTES), said[1]),
        (
            "Maximum PDU length sent",
            f"that of the peer, at most {_size(MAX_SENT_PDU_BYTES)}",
            link("pdu-sent"),
        ),
        ("Simultaneous associations as acceptor", str(listen.max_associations), link("too-many")),
        ("Simultaneous associations as initiator", "one per destination", link("own-state")),
        ("Asynchronous operations", "not supported: one outstanding operation", f"{said[0]} {said[1]}"),
        (
            "SCP/SCU role selection",
            "for Storage Commitment and C-GET (5.2.6, 1.2.4); else default roles",
            f"{said[0]} {said[1]}",
        ),
        ("Extended negotiation of SOP classes", "not supported", f"{said[0]} {said[1]}"),
        ("User identity", "not supported", f"{said[0]} {said[1]}"),
        ("Wait for an A-ASSOCIATE-RQ (ARTIM)", duration(listen.acse_timeout_s), link("idle-callers")),
        (
            "Association without traffic, as acceptor",
            duration(listen.network_timeout_s),
            link("idle-callers"),
        ),
        (
            "Wait for a TCP connection, as initiator",
            duration(calling.connect_timeout_s),
            link("down-destination"),
        ),
        (
            "Wait for an A-ASSOCIATE-AC, as initiator",
            duration(calling.acse_timeout_s),
            link("down-destination"),
        ),
        (
            "Wait for a C-STORE-RSP, as initiator",
            duration(calling.dimse_timeout_s),
            link("no-answer-no-success"),
        ),
    ]
    return table(("name", "value", "shown by"), rows)


def limits_table(config: Config, link: Link) -> str:
    """Table 5-12."""
    largest = config.spool.max_object_bytes
    rows = [
        (
            "Size of an object",
            f"{_size(largest)} (`spool.max_object_bytes`); with more the association is aborted and nothing is"
            " acknowledged",
            link("object-size"),
        ),
        (
            "Size of an A-ASSOCIATE-RQ",
            f"{_size(MAX_ASSOCIATE_REQUEST_BYTES)}; beyond it the connection is closed",
            link("hostile-sockets"),
        ),
        (
            "Connections that have not asked for an association yet",
            f"{config.listen.max_waiting} in all, {waiting_per_address(config.listen)} from one address"
            " (`listen.max_waiting`, `listen.max_waiting_per_address`); beyond it the oldest is closed",
            link("hostile-sockets"),
        ),
        (
            "Memory for one association",
            f"two blocks of {_size(BLOCK_BYTES)}, whatever is sent",
            link("to-disk"),
        ),
        (
            "Free disk",
            f"{_size(config.spool.min_free_bytes)} have to stay free (`spool.min_free_bytes`); else status A700",
            link("disk-full"),
        ),
        (
            "ROI Name (3006,0026) as received",
            f"values of more than {MAX_TEXT_BYTES} bytes are not read; longer than LO allows is read",
            link("odd-names"),
        ),
        (
            "ROI Name (3006,0026) as written",
            f"1 to {MAX_NAME_CHARACTERS} characters of ASCII, no backslash (LO)",
            link("name-writable"),
        ),
        (
            "ROI Observation Label (3006,0085) as written",
            f"at most {MAX_LABEL_CHARACTERS} characters (SH); else the label stays",
            link("label-rules"),
        ),
        (
            "ROIs or observations of one structure set",
            f"{MAX_ITEMS}; more is held as unreadable",
            link("many-items"),
        ),
        (
            "Deflated data set, inflated",
            f"{_size(config.spool.max_inflated_bytes)} (`spool.max_inflated_bytes`); more is held as too costly",
            link("inflated-size"),
        ),
    ]
    return table(("what", "limit", "shown by"), rows)


def retry(config: Config) -> str:
    """When a delivery is tried again, and when it is given up."""
    again = config.destination_defaults.retry
    return (
        f"first after {duration(again.first_delay_s)}, then after twice the delay each time, at most"
        f" {duration(again.max_delay_s)}, with up to 25 % added at random; given up {duration(again.give_up_after_s)}"
        " after queueing"
    )


def patience() -> str:
    """How many failures in a row let others pass."""
    return str(PATIENCE)


def max_contexts() -> str:
    """How many presentation contexts are proposed on one association."""
    return str(MAX_CONTEXTS)
