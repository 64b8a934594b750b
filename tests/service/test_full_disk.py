"""A full disk: what waits is delivered, what was delivered makes room, and what was not stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from doubles.loopback import CT, EXPLICIT, Receiver, Sender, image, node_config, wait_until
from doubles.nodes import List, decide, settled

from tg263_scp.service.journal.states import ObjectState
from tg263_scp.service.node import Node, assemble
from tg263_scp.service.spool import RESERVED_BYTES, Spool

TESTS = Path(__file__).parents[1]
IN_OWN_NAMESPACE = ("unshare", "--map-root-user", "--mount")

PROGRAM = """
import errno, sys
from pathlib import Path
import subprocess
folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", folder], check=True)
from doubles.loopback import CT, EXPLICIT, Receiver, Sender, image, node_config, unused_port, wait_until
from doubles.nodes import List, decide, settled
from tg263_scp.service.node import assemble

port = unused_port()
config = node_config(folder, port)
config = config.model_copy(update={"spool": config.spool.model_copy(update={"min_free_bytes": 8 << 20})})
uids = [f"1.2.{n}" for n in range(1, 21)]
with assemble(config, List(), decide=decide) as node:
    objects = [(image(uid) + bytes(200_000), CT, uid, EXPLICIT) for uid in uids]
    answers = Sender(node.address[1], folder).send_all(objects)
    assert {answer.status for answer in answers} == {0}, answers
    wait_until(lambda: node.journal.outbox.waiting_destinations().get("d1") == 20)
    with (folder / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(1 << 12))
        except OSError as full:
            assert full.errno == errno.ENOSPC
    assert Sender(node.address[1], Path("/dev/shm")).send(image("1.9"), CT, "1.9").status == 0xA700
    with Receiver(port=port) as receiver:
        wait_until(lambda: len(receiver.box) >= 20)
        wait_until(lambda: not node.journal.list_objects())
        assert receiver.uids() == uids, receiver.uids()
print("delivered")
"""


@pytest.mark.skipif(
    subprocess.run([*IN_OWN_NAMESPACE, "true"], capture_output=True, check=False).returncode != 0
    if sys.platform == "linux"
    else True,
    reason="this computer lets nobody mount a small disk of their own",
)
def test_with_nothing_free_what_waits_is_delivered(tmp_path: Path) -> None:
    """On a real file system of 40 MB, filled to its last byte; the mount ends with the process."""
    ended = subprocess.run(
        [*IN_OWN_NAMESPACE, sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])},
    )
    assert ended.stdout == "delivered\n", ended.stderr


def test_the_room_for_the_journal_is_given_up_while_the_disk_is_full(tmp_path: Path) -> None:
    free = 1 << 40
    spool = Spool(tmp_path, min_free_bytes=1 << 20, free_bytes=lambda _: free)
    reserve = tmp_path / "reserve"
    spool.keep_room()
    assert reserve.stat().st_size == 1 << 20
    free = 0
    spool.keep_room()
    assert not reserve.exists()
    free = 2 << 20
    spool.keep_room()
    assert not reserve.exists()
    free = 1 << 40
    spool.keep_room()
    assert reserve.exists()


def test_the_reserve_is_never_more_than_has_to_stay_free(tmp_path: Path) -> None:
    Spool(tmp_path / "none", min_free_bytes=0).keep_room()
    assert not (tmp_path / "none" / "reserve").exists()
    Spool(tmp_path / "most", min_free_bytes=1 << 40, free_bytes=lambda _: 1 << 50).keep_room()
    assert (tmp_path / "most" / "reserve").stat().st_size == RESERVED_BYTES


def test_delivered_objects_go_early_oldest_first_and_only_as_many_as_needed(tmp_path: Path) -> None:
    with (
        Receiver() as receiver,
        assemble(node_config(tmp_path, receiver.port), List(), decide=decide) as node,
    ):
        uids = [f"1.2.{number}" for number in range(1, 5)]
        Sender(node.address[1], tmp_path).send_all([(image(uid), CT, uid, EXPLICIT) for uid in uids])
        wait_until(lambda: settled(node, 4))
        originals = tmp_path / "spool" / "originals"
        _short_while(node, lambda: len(list(originals.iterdir())) > 2)
        wait_until(lambda: len(list(originals.iterdir())) == 2)
        wait_until(lambda: len(node.journal.list_objects(finished=True)) == 2)
        kept = node.journal.list_objects(finished=True)
        assert [job.sop_instance_uid for job, _ in kept] == uids[2:]


def test_what_was_not_delivered_stays_however_short_the_disk_is(tmp_path: Path) -> None:
    with (
        Receiver(status=0xA900) as receiver,
        assemble(node_config(tmp_path, receiver.port), List(), decide=decide) as node,
    ):
        Sender(node.address[1], tmp_path).send(image("1.2.3"), CT, "1.2.3")
        wait_until(lambda: settled(node))
        asked = _short_while(node, lambda: True)
        wait_until(lambda: len(asked) > 3)
        ((job, _),) = node.journal.list_objects()
        assert job.state is ObjectState.READY
        assert node._worker._spool.original(job.token).exists()


def _short_while(node: Node, condition) -> list[Path]:
    """Let the disk be short as long as a condition holds; return a list that grows each time somebody asks."""
    asked: list[Path] = []

    def free_bytes(folder: Path) -> int:
        asked.append(folder)
        return 0 if condition() else 1 << 40

    node._worker._spool._free_bytes = free_bytes
    return asked
