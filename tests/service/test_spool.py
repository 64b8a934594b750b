from __future__ import annotations

import hashlib
import os
import resource
import signal
import stat

import pytest
from doubles.loopback import CT, EXPLICIT
from doubles.spooling import spool_dataset

from tg263_scp.dicom.encoding.part10 import read_file_meta
from tg263_scp.service.spool import Spool, SpoolFull, unknown_objects


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool", min_free_bytes=0)


def store(spool, dataset=b"data", uid="1.2.3", syntax=EXPLICIT, *, journaled=True):
    spooled = spool_dataset(
        spool,
        dataset,
        sop_class_uid=CT,
        sop_instance_uid=uid,
        transfer_syntax_uid=syntax,
        source_ae_title="TPS",
    )
    if journaled:
        spool.journaled(spooled.token)
    return spooled


def files(spool):
    return sorted(str(path.relative_to(spool.folder)) for path in spool.folder.rglob("*") if path.is_file())


def test_an_object_is_a_dicom_file_around_the_very_bytes(spool):
    dataset = bytes(range(256))
    spooled = store(spool, dataset)
    path = spool.original(spooled.token)
    meta = read_file_meta(path)
    assert (meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid) == (CT, "1.2.3", EXPLICIT)
    assert path.read_bytes()[meta.dataset_offset :] == dataset
    assert spooled.sha256 == hashlib.sha256(dataset).hexdigest()


def test_bytes_and_name_are_on_the_disk_in_this_order(spool, monkeypatch):
    done = []
    fsync, link = os.fsync, os.link

    def spy_fsync(handle):
        done.append("fsync folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "fsync file")
        fsync(handle)

    def spy_link(part, target):
        done.append("name")
        link(part, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "link", spy_link)
    store(spool)
    assert done == ["fsync file", "name", "fsync folder"]


@pytest.mark.parametrize("uid", ["../../etc/passwd", "1.2/../3", "", "x" * 65, "1.2.3\n", "1..2"])
def test_what_a_peer_calls_an_object_never_becomes_a_file_name(spool, uid):
    with pytest.raises(ValueError, match="not a UID"):
        store(spool, uid=uid)
    assert files(spool) == []


def test_file_names_are_not_uids(spool):
    store(spool, uid="1.2.3.4.5")
    assert not any("1.2.3" in name for name in files(spool))


def test_a_full_disk_refuses_before_writing(tmp_path):
    spool = Spool(tmp_path / "spool", min_free_bytes=100, free_bytes=lambda folder: 103)
    with pytest.raises(SpoolFull):
        store(spool, b"data")
    assert files(spool) == []
    store(spool, b"dat")


def test_a_disk_that_fails_leaves_nothing(spool, monkeypatch):
    def fail(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        store(spool)
    assert files(spool) == []


def test_a_sweep_removes_the_unfinished_and_keeps_the_unknown(spool):
    live, expired, unknown = store(spool), store(spool), store(spool)
    (spool.folder / "incoming" / "cut-off.part").write_bytes(b"half")
    (spool.folder / "results" / f"{live.token}.dcm").write_bytes(b"result")
    (spool.folder / "results" / "tmp123").write_bytes(b"half a result")
    for each in (live, expired):
        spool.under_new_uids(each.token).write_bytes(b"result under new UIDs")
    swept = spool.sweep({live.token}, {expired.token})
    assert (swept.unfinished_removed, swept.expired_removed, swept.orphans_kept) == (1, 3, 1)
    assert files(spool) == [
        f"new-uids/{live.token}.dcm",
        f"originals/{live.token}.dcm",
        f"orphans/originals-{unknown.token}.dcm",
        f"results/{live.token}.dcm",
    ]


def test_the_spool_is_private_whatever_the_umask_also_one_that_was_not(tmp_path):
    before = os.umask(0)
    try:
        (tmp_path / "spool" / "originals").mkdir(parents=True)
        spool = Spool(tmp_path / "spool", min_free_bytes=0)
        token = store(spool).token
    finally:
        os.umask(before)
    assert stat.S_IMODE(spool.original(token).stat().st_mode) == 0o600
    for folder in (spool.folder, *spool.folder.iterdir()):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_discarding_twice_is_no_error(spool):
    token = store(spool).token
    spool.under_new_uids(token).write_bytes(b"result under new UIDs")
    spool.discard(token)
    spool.discard(token)
    assert files(spool) == []


def begin(spool):
    return spool.begin(
        sop_class_uid=CT, sop_instance_uid="1.2.3", transfer_syntax_uid=EXPLICIT, source_ae_title="TPS"
    )


def test_an_object_that_arrives_in_pieces_is_kept_as_if_it_came_at_once(spool):
    incoming = begin(spool)
    for piece in (b"a" * 100_000, b"", b"b", bytes(300_000)):
        incoming.write(piece)
    spooled, at_once = incoming.keep(), store(spool, b"a" * 100_000 + b"b" + bytes(300_000))
    assert spool.original(spooled.token).read_bytes() == spool.original(at_once.token).read_bytes()
    assert (spooled.sha256, spooled.dataset_bytes) == (at_once.sha256, at_once.dataset_bytes)


def test_an_object_that_breaks_off_leaves_nothing(spool):
    incoming = begin(spool)
    incoming.write(bytes(100_000))
    (part,) = files(spool)
    assert part.startswith("incoming/")
    incoming.discard()
    incoming.discard()
    assert files(spool) == []


def test_a_disk_that_fills_while_an_object_arrives_is_said_at_its_end_and_leaves_nothing(tmp_path):
    free = [100 << 20]
    spool = Spool(tmp_path / "spool", min_free_bytes=1 << 20, free_bytes=lambda folder: free[0])
    incoming = begin(spool)
    for _ in range(40):
        incoming.write(bytes(1 << 20))
        free[0] -= 4 << 20
    assert files(spool) == [], "what cannot be kept makes room at once"
    with pytest.raises(SpoolFull):
        incoming.keep()


def test_a_write_that_fails_is_said_at_the_end_and_leaves_nothing(spool):
    incoming = begin(spool)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limit[1]))
    try:
        for _ in range(8):
            incoming.write(bytes(1 << 19))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    with pytest.raises(OSError, match="too large"):
        incoming.keep()
    assert files(spool) == []


def test_what_a_crash_left_unacknowledged_is_no_orphan_and_goes_after_a_while(spool):
    leftover, lost = store(spool, journaled=False), store(spool)
    assert spool.sweep((), ()).orphans_kept == 1
    assert files(spool) == [
        f"orphans/originals-{lost.token}.dcm",
        f"orphans/unacknowledged-{leftover.token}.dcm",
    ]
    assert unknown_objects(spool.folder, tuple) == 1
    received_at = spool.orphans()[0].received_at
    spool.sweep((), (), leftovers_before=received_at - 60)
    assert len(files(spool)) == 2
    spool.sweep((), (), leftovers_before=received_at + 60)
    assert files(spool) == [f"orphans/originals-{lost.token}.dcm"]


def test_a_leftover_that_the_journal_knows_after_all_comes_back(spool):
    """Its mark was still there: the power went before the disk had taken it off."""
    token = store(spool, journaled=False).token
    spool.sweep((), ())
    spool.sweep({token}, ())
    assert files(spool) == [f"originals/{token}.dcm"]


def test_an_object_that_the_journal_knows_keeps_no_mark(spool):
    token = store(spool, journaled=False).token
    spool.sweep({token}, ())
    assert files(spool) == [f"originals/{token}.dcm"]
