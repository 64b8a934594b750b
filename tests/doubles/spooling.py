"""A received object in the spool, without a sender and an association."""

from __future__ import annotations

from tg263_scp.service.spool import Spool, Spooled


def spool_dataset(
    spool: Spool,
    dataset: bytes,
    *,
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax_uid: str,
    source_ae_title: str,
) -> Spooled:
    """Store one data set that is at hand, as if it came in one block; raises what ``Incoming.keep`` raises."""
    incoming = spool.begin(
        sop_class_uid=sop_class_uid,
        sop_instance_uid=sop_instance_uid,
        transfer_syntax_uid=transfer_syntax_uid,
        source_ae_title=source_ae_title,
    )
    incoming.write(dataset)
    return incoming.keep()
