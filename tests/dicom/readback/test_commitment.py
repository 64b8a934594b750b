"""Requests and reports of Storage Commitment as data sets: read as the standard writes them, and refused otherwise."""

from __future__ import annotations

import pytest
from doubles.loopback import unused_port
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from tg263_scp.dicom.encoding.part10 import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from tg263_scp.dicom.network.sender import Peer, Unavailable
from tg263_scp.dicom.readback.commitment import (
    PROCESSING_FAILURE,
    Commitment,
    Reference,
    UnreadableCommitment,
    ask_for_commitment,
    new_transaction_uid,
    read_commitment,
    report_commitment,
)

CT = "1.2.840.10008.5.1.4.1.1.2"


def encoded(told: Commitment, syntax: str, *, without: str = "") -> bytes:
    data = told.encoded()
    if without:
        delattr(data, without)
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, syntax == IMPLICIT_VR_LITTLE_ENDIAN
    write_dataset(out, data)
    return out.getvalue()


@pytest.mark.parametrize("syntax", [IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN])
def test_what_is_written_is_read(syntax):
    told = Commitment("1.2.3", (Reference(CT, "1.2.4"), Reference(CT, "1.2.5", PROCESSING_FAILURE)))
    assert read_commitment(encoded(told, syntax), syntax) == told


def test_a_transaction_uid_is_new_each_time_and_a_uid():
    assert new_transaction_uid() != new_transaction_uid()
    assert new_transaction_uid().startswith("2.25.")


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\x08\x00\x95\x11",
        encoded(
            Commitment("1.2.3", (Reference(CT, "1"),)), IMPLICIT_VR_LITTLE_ENDIAN, without="TransactionUID"
        ),
        encoded(
            Commitment("1.2.3", (Reference(CT, "1"),)),
            IMPLICIT_VR_LITTLE_ENDIAN,
            without="ReferencedSOPSequence",
        ),
        encoded(Commitment("no UID", (Reference(CT, "1"),)), IMPLICIT_VR_LITTLE_ENDIAN),
        b"\xff" * 64,
    ],
)
def test_what_is_no_commitment_is_refused(damaged):
    with pytest.raises(UnreadableCommitment):
        read_commitment(damaged, IMPLICIT_VR_LITTLE_ENDIAN)


def test_a_peer_that_is_away_is_unavailable():
    nobody = Peer("127.0.0.1", unused_port(), "NOBODY", "TG263", 1.0, 1.0, 1.0)
    wanted = Commitment("1.2.3", (Reference(CT, "1.2.4"),))
    with pytest.raises(Unavailable):
        ask_for_commitment(nobody, wanted, wait_s=0.1)
    with pytest.raises(Unavailable):
        report_commitment(nobody, wanted)
