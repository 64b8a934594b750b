"""A node that receives and forwards with TLS, while certificates expire and are renewed."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path

import pytest
from doubles.certificates import Authority
from doubles.loopback import RTSTRUCT, structure_set, wait_until, write_object
from doubles.nodes import UID, List, audit_lines, decide

from tg263_scp.config.loading import load_config
from tg263_scp.config.tls import ClientTls
from tg263_scp.dicom.network.doors import Doors
from tg263_scp.dicom.network.messages import InMemory, Received
from tg263_scp.dicom.network.sender import Connection, Peer
from tg263_scp.dicom.network.statuses import StoreStatus
from tg263_scp.errors import Tg263Error
from tg263_scp.service.journal.states import DeliveryState
from tg263_scp.service.node import Node, assemble
from tg263_scp.tls.calling import CallingTls


class House:
    """A node with two doors, and an archive with TLS; both have certificates of one authority."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.box: list[Received] = []
        self.archive = self._archive(stack)
        self.node = self._node(stack)

    def _archive(self, stack: ExitStack) -> Doors:
        files = self.authority.sign(title="archive")
        path = self.folder / "archive.yaml"
        path.write_text(
            f"listen: {{port: 0, ae_title: ARCHIVE, tls: {files.yaml(enabled='on')}}}\n"
            "peers: {certificates: ['CN=node']}\n"
        )
        config = load_config(path)
        doors: Doors = Doors(
            config.doors, config.peers, max_object_bytes=1 << 20, begin=InMemory, accept=self._take
        )
        doors.start()
        stack.callback(doors.stop, 0.0)
        return doors

    def _take(self, received: Received) -> StoreStatus:
        self.box.append(received)
        return StoreStatus.SUCCESS

    def _node(self, stack: ExitStack) -> Node:
        files = self.authority.sign(title="node")
        path = self.folder / "node.yaml"
        path.write_text(
            f"tls: {files.yaml()}\n"
            "listen: {port: 0}\n"
            "listeners: [{host: localhost, tls: {enabled: on}}]\n"
            "spool: {min_free_bytes: 0}\n"
            "llm: {enabled: no}\n"
            "destination_defaults: {retry: {first_delay_s: 0.05, max_delay_s: 0.1}, connect_timeout_s: 5,"
            " tls: {enabled: on}}\n"
            f"destinations: [{{name: archive, host: 127.0.0.1, port: {self.archive.addresses[0][1]},"
            " ae_title: ARCHIVE}]\n"
        )
        node = assemble(load_config(path), List(), decide=decide)
        node.start()
        stack.callback(node.drain_and_stop)
        return node

    def send(self, uid: str = UID) -> int | None:
        """Send a structure set through the door with TLS."""
        files = self.authority.sign(title="tps")
        settings = files.settings(
            minimum_version="1.2", enabled="on", server_name="", certificates=["CN=node"]
        )
        host, port = self.node.addresses[1]
        target = Peer(host, port, "TG263", "TPS", tls=CallingTls(ClientTls(**settings), host))
        parcel = write_object(self.folder / "out.dcm", structure_set(["linke lunge"], uid=uid), RTSTRUCT, uid)
        with Connection(target, [parcel.context]) as connection:
            return connection.send(parcel).status

    def error(self) -> str:
        """Say what the queue says of the newest object."""
        _, deliveries = self.node.journal.list_objects(finished=True)[-1]
        return deliveries[0].error if deliveries else ""

    def sent(self) -> int:
        listed = self.node.journal.list_objects(finished=True)
        return sum(each.state is DeliveryState.SENT for _, deliveries in listed for each in deliveries)


@pytest.fixture
def house(tmp_path):
    with ExitStack() as stack:
        yield House(tmp_path, stack)


def test_an_object_comes_and_goes_encrypted(house):
    assert house.send() == 0x0000
    wait_until(lambda: house.sent() == 1)
    assert b"Lung_L" in house.box[0].dataset.getvalue()
    lines = audit_lines(load_config(house.folder / "node.yaml"))
    assert [line["status"] for line in lines if line["kind"] == "delivered"] == ["0x0000"]


def test_a_certificate_that_expires_while_the_node_runs_delays_and_loses_nothing(house):
    house.authority.sign(title="archive", days=0, seconds=-1)
    house.archive.reload()
    assert house.send() == 0x0000
    wait_until(lambda: "certificate has expired" in house.error())
    assert house.sent() == 0
    house.authority.sign(title="archive")
    house.archive.reload()
    wait_until(lambda: house.sent() == 1)


def test_our_own_new_certificate_is_shown_after_a_reload(house, caplog):
    house.authority.sign(title="node", days=0, seconds=-1)
    house.node.reload_certificates()
    with pytest.raises(Tg263Error, match="certificate has expired"):
        house.send()
    house.authority.sign(title="node")
    house.node.reload_certificates()
    assert house.send() == 0x0000
    wait_until(lambda: house.sent() == 1)
    (house.folder / "ca-node.key").chmod(0o644)
    with caplog.at_level(logging.ERROR):
        house.node.reload_certificates()
    said = [line for line in caplog.messages if "the certificates stay as they were" in line]
    assert len(said) == 2  # one for the doors, one for the destination
    assert all("other users can read" in line for line in said)
    assert house.send("1.2.3.101") == 0x0000


def test_a_node_whose_key_others_can_read_does_not_start(house, tmp_path):
    (house.folder / "ca-node.key").chmod(0o644)
    house.node.drain_and_stop()
    with pytest.raises(Tg263Error, match="other users can read or change this private key"):
        assemble(load_config(house.folder / "node.yaml"), List(), decide=decide)
