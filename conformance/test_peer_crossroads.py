"""One node between all peers: what each of them sends reaches each of them, by transfer syntax and by SOP class.

All objects are sent once and looked at one by one, so that each is a cell of the matrix of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import specimens
from comparison import data_set_bytes, elements, renamed, sop_instance_uid, transfer_syntax
from foreign_peers import ENCODINGS, DcmtkReceiver, Orthanc
from processes import HOST, run
from pydicom.uid import UID, RTStructureSetStorage
from serving_node import ServingNode

pytestmark = pytest.mark.peer

SENDERS = ("storescu", "dcmsend", "Orthanc")
RECEIVERS = ("storescp", "dcmrecv", "Orthanc")
COMPRESSED = {
    "RLE lossless": ("dcmcrle",),
    "JPEG baseline": ("dcmcjpeg", "+eb"),
    "JPEG lossless, first order": ("dcmcjpeg", "+e1"),
    "JPEG-LS lossless": ("dcmcjpls", "+el"),
}
"""DCMTK's program and option for each."""


@dataclass
class Crossroads:
    """A node with three destinations, and what was sent to it: files by what they are and by their sender."""

    node: ServingNode
    orthanc: Orthanc
    dcmtk: dict[str, DcmtkReceiver]
    folder: Path
    sent: dict[tuple[str, str], Path] = field(default_factory=dict)

    def received(self, what: str, sender: str, receiver: str = "storescp") -> tuple[Path, Path]:
        """Return the file that was sent and the one that ``receiver`` holds of it."""
        sent = self.sent[what, sender]
        uid = sop_instance_uid(sent)
        if receiver == "Orthanc":
            assert uid in self.orthanc.instances(), "it never arrived"
            return sent, self.orthanc.file(uid, self.folder / "stored.dcm")
        held = self.dcmtk[receiver].files()
        assert uid in held, "it never arrived"
        return sent, held[uid]

    def send_all(self) -> None:
        """Let each sender send its objects. What one refuses to send is missed later, by its own test."""
        port, orthanc = self.node.port, self.orthanc
        for sender in SENDERS:
            for uid in specimens.SOP_CLASSES:
                self._make(uid.name, sender, specimens.any_object(self._new(), uid, seed=sender))
        for encoding, (write, _, _) in ENCODINGS.items():
            for sender in ("Orthanc", "movescu"):
                plain = specimens.structure_set(self._new(), seed=f"{encoding} {sender}")
                self._make(encoding, sender, plain, "dcmconv", write)
        for name, command in COMPRESSED.items():
            self._make(name, "dcmsend", specimens.other_object(self._new(), "CT", seed=name), *command)

        run("storescu", "-R", HOST, port, *self._of("storescu"), check=False)
        run("dcmsend", "--decompress-never", HOST, port, *self._of("dcmsend"), check=False)
        for path in (*self._of("Orthanc"), *self._of("movescu")):
            orthanc.request("POST", "/instances", path.read_bytes().decode("latin-1"))
        known = orthanc.instances()
        by_rest = [known[sop_instance_uid(path)] for path in self._of("Orthanc")]
        orthanc.rest("POST", "/modalities/TG263/store", by_rest)
        for path in self._of("movescu"):
            self._move(path)
        self.node.settle()

    def _new(self) -> Path:
        return self.folder / f"{len(list(self.folder.glob('*.dcm'))):03d}.dcm"

    def _make(self, what: str, sender: str, plain: Path, *command: str) -> None:
        made = plain
        if command:
            made = self._new()
            run(command[0], *command[1:], plain, made)
        self.sent[what, sender] = made

    def _of(self, sender: str) -> Sequence[Path]:
        return [path for (_, by), path in self.sent.items() if by == sender]

    def _move(self, path: Path) -> None:
        found = elements(path)
        unique = {
            "StudyInstanceUID": "0020000D",
            "SeriesInstanceUID": "0020000E",
            "SOPInstanceUID": "00080018",
        }
        keys = ["QueryRetrieveLevel=IMAGE"] + [
            f"{key}={found[tag].decode().rstrip(chr(0))}" for key, tag in unique.items()
        ]
        asked = [word for key in keys for word in ("-k", key)]
        call = ("-S", "-aec", self.orthanc.ae_title, "-aem", self.node.ae_title)
        run("movescu", *call, *asked, HOST, self.orthanc.port, check=False)


@pytest.fixture(scope="module")
def crossroads(tmp_path_factory: pytest.TempPathFactory, shared_orthanc: Orthanc) -> Iterator[Crossroads]:
    """The node with storescp, dcmrecv and Orthanc as destinations; everything has been sent and has arrived."""
    folder = tmp_path_factory.mktemp("crossroads")
    dcmtk = {command: DcmtkReceiver(folder / command, command=command) for command in ("storescp", "dcmrecv")}
    try:
        destinations = [receiver.start().as_destination(name) for name, receiver in dcmtk.items()]
        node = ServingNode(folder, [*destinations, shared_orthanc.as_destination("Orthanc")]).start()
        try:
            shared_orthanc.know_node(node)
            objects = folder / "objects"
            objects.mkdir()
            made = Crossroads(node, shared_orthanc, dcmtk, objects)
            made.send_all()
            yield made
        finally:
            node.kill()
    finally:
        for receiver in dcmtk.values():
            receiver.kill()


def _check(sent: Path, received: Path) -> None:
    is_structure_set = elements(sent)["00080016"].rstrip(b"\0").decode() == RTStructureSetStorage
    assert renamed(sent, received) == (specimens.RENAMED if is_structure_set else {})
    if not is_structure_set:
        assert data_set_bytes(received) == data_set_bytes(sent)


@pytest.mark.cell("SOP classes", "{sop_class}", "{sender} sends")
@pytest.mark.parametrize("sop_class", [uid.name for uid in specimens.SOP_CLASSES])
@pytest.mark.parametrize("sender", SENDERS)
def test_an_object_of_each_sop_class_comes_from_each_sender(
    sender: str, sop_class: str, crossroads: Crossroads
) -> None:
    _check(*crossroads.received(sop_class, sender))


@pytest.mark.cell("SOP classes", "{sop_class}", "{receiver} receives")
@pytest.mark.parametrize("sop_class", [uid.name for uid in specimens.SOP_CLASSES])
@pytest.mark.parametrize("receiver", RECEIVERS)
def test_an_object_of_each_sop_class_reaches_each_receiver(
    receiver: str, sop_class: str, crossroads: Crossroads
) -> None:
    _check(*crossroads.received(sop_class, "dcmsend", receiver))


@pytest.mark.cell("Transfer syntaxes", "{encoding}", "Orthanc sends")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_orthanc_sends_a_structure_set_in_any_encoding(encoding: str, crossroads: Crossroads) -> None:
    _check_encoding(encoding, *crossroads.received(encoding, "Orthanc"))


@pytest.mark.cell("Transfer syntaxes", "{encoding}", "movescu lets Orthanc send")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_move_brings_a_structure_set_in_any_encoding(encoding: str, crossroads: Crossroads) -> None:
    _check_encoding(encoding, *crossroads.received(encoding, "movescu"))


@pytest.mark.cell("Transfer syntaxes", "{encoding}", "dcmrecv receives")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_dcmrecv_takes_a_structure_set_in_any_encoding(encoding: str, crossroads: Crossroads) -> None:
    _check_encoding(encoding, *crossroads.received(encoding, "Orthanc", "dcmrecv"))


def _check_encoding(encoding: str, sent: Path, received: Path) -> None:
    _check(sent, received)
    assert transfer_syntax(received) == ENCODINGS[encoding][2]


@pytest.mark.cell("Transfer syntaxes", "{compressed} (CT)", "dcmsend sends")
@pytest.mark.cell("Transfer syntaxes", "{compressed} (CT)", "{receiver} receives")
@pytest.mark.parametrize("compressed", COMPRESSED)
@pytest.mark.parametrize("receiver", RECEIVERS)
def test_a_compressed_image_reaches_each_receiver(
    receiver: str, compressed: str, crossroads: Crossroads
) -> None:
    sent, received = crossroads.received(compressed, "dcmsend", receiver)
    assert UID(transfer_syntax(sent)).is_compressed
    assert transfer_syntax(received) == transfer_syntax(sent)
    assert data_set_bytes(received) == data_set_bytes(sent)
