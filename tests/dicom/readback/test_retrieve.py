"""C-GET gives one object or says why not; more than was asked for is cut off."""

from __future__ import annotations

import pytest
from doubles.archive_that_gives import GivingArchive
from doubles.loopback import RTSTRUCT, Sender, structure_set, unused_port

from tg263_scp.dicom.encoding.part10 import read_file_meta
from tg263_scp.dicom.network.sender import Peer
from tg263_scp.dicom.readback.retrieve import Got, Wanted, retrieve

UID = "1.2.3.100"


def wanted(most_bytes: int = 1 << 20) -> Wanted:
    return Wanted(RTSTRUCT, UID, "1.2.3.2", "1.2.3.1", most_bytes)


def target(port: int) -> Peer:
    return Peer("127.0.0.1", port, "RECEIVER", "TG263", 2.0, 2.0, 5.0)


@pytest.fixture
def archive(tmp_path):
    with GivingArchive() as running:
        Sender(running.port, tmp_path, called_ae_title="RECEIVER").send(structure_set(["x"]), RTSTRUCT, UID)
        yield running


def test_an_object_comes_into_a_file(tmp_path, archive):
    answer = retrieve(target(archive.port), wanted(), tmp_path / "there.dcm")
    assert answer.got is Got.OBJECT
    assert read_file_meta(tmp_path / "there.dcm").sop_instance_uid == UID


def test_more_bytes_than_wanted_are_cut_off(tmp_path, archive):
    answer = retrieve(target(archive.port), wanted(300), tmp_path / "there.dcm")
    assert (answer.got, "more than the object" in answer.text) == (Got.NO_ANSWER, True)


def test_a_file_that_cannot_be_written_is_our_fault(tmp_path, archive):
    with pytest.raises(OSError, match="No such file"):
        retrieve(target(archive.port), wanted(), tmp_path / "absent" / "there.dcm")


def test_nobody_there_is_no_answer(tmp_path):
    assert retrieve(target(unused_port()), wanted(), tmp_path / "x").got is Got.NO_ANSWER
