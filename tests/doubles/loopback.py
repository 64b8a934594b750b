"""DICOM peers for tests: a sender that sends bytes, and receivers that keep what arrives or misbehave on purpose."""

from __future__ import annotations

import io
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, AllStoragePresentationContexts, build_context, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.transport import ThreadedAssociationServer

from tg263_scp.config.loading import load_config
from tg263_scp.config.routes import Gates
from tg263_scp.config.sections import Config
from tg263_scp.dicom.encoding.part10 import write_part10
from tg263_scp.dicom.network.sender import Answer, Connection, Parcel, Peer
from tg263_scp.dicom.network.storage_classes import accepted_transfer_syntaxes

CT = "1.2.840.10008.5.1.4.1.1.2"
RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
RTPLAN = "1.2.840.10008.5.1.4.1.1.481.5"
RTDOSE = "1.2.840.10008.5.1.4.1.1.481.2"
EXPLICIT = str(ExplicitVRLittleEndian)

DEADLINE_S = 60.0
"""How long a test waits for what should come at once: only a test that fails ever waits so long, however busy the machine."""

PATIENT_ID = "PID4711"
PATIENT_NAME = "Mustermann^Erika"


def wait_until(condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
    """Wait for a condition, or fail."""
    until = time.monotonic() + deadline_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < until, "the condition did not come true in time"
        pause.wait(0.005)


_kept: list[socket.socket] = []


def unused_port() -> int:
    """Return a port on which nobody listens, and which nobody gets who asks for any: a peer of the test may take it later."""
    _kept.append(socket.socket())
    _kept[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _kept[-1].bind(("127.0.0.1", 0))
    return _kept[-1].getsockname()[1]


def element(tag: int, vr: str, value: bytes) -> bytes:
    """Encode one element in explicit VR little endian."""
    value += (b"\x00" if vr in ("UI", "OB") else b" ") * (len(value) % 2)
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    if vr in ("OB", "OW", "SQ", "UN", "UT"):
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def item(*content: bytes) -> bytes:
    """Encode one sequence item of defined length."""
    value = b"".join(content)
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value)) + value


def structure_set(
    names: list[str] | list[bytes],
    *,
    uid: str = "1.2.3.100",
    approval: str = "",
    charset: bytes = b"ISO_IR 192",
    sop_class: str = RTSTRUCT,
) -> bytes:
    """Encode a small structure set (explicit VR little endian, no file meta)."""
    raw = [name.encode() if isinstance(name, str) else name for name in names]
    rois = [
        item(element(0x30060022, "IS", str(n).encode()), element(0x30060026, "LO", name))
        for n, name in enumerate(raw, start=1)
    ]
    parts = [
        element(0x00080005, "CS", charset),
        element(0x00080016, "UI", sop_class.encode()),
        element(0x00080018, "UI", uid.encode()),
        element(0x00080060, "CS", b"RTSTRUCT"),
        element(0x00100010, "PN", PATIENT_NAME.encode()),
        element(0x00100020, "LO", PATIENT_ID.encode()),
        element(0x0020000D, "UI", b"1.2.3.1"),
        element(0x0020000E, "UI", b"1.2.3.2"),
        element(0x30060020, "SQ", b"".join(rois)),
    ]
    if approval:
        parts.append(element(0x300E0002, "CS", approval.encode()))
    return b"".join(parts)


def image(uid: str = "1.2.3.200", *, pixels: bytes = bytes(range(256)) * 8) -> bytes:
    """Encode something like a CT slice."""
    return b"".join(
        (
            element(0x00080016, "UI", CT.encode()),
            element(0x00080018, "UI", uid.encode()),
            element(0x00100020, "LO", PATIENT_ID.encode()),
            element(0x0020000D, "UI", b"1.2.3.1"),
            element(0x0020000E, "UI", b"1.2.3.3"),
            element(0x7FE00010, "OB", pixels),
        )
    )


def referring(
    sop_class: str, uid: str, *structure_sets: str, approval: str = "", signed: bool = False
) -> bytes:
    """Encode a plan or dose that refers to structure sets (explicit VR little endian, no file meta)."""
    pairs = [
        item(element(0x00081150, "UI", RTSTRUCT.encode()), element(0x00081155, "UI", each.encode()))
        for each in structure_sets
    ]
    parts = [
        element(0x00080016, "UI", sop_class.encode()),
        element(0x00080018, "UI", uid.encode()),
        element(0x00100020, "LO", PATIENT_ID.encode()),
        element(0x0020000D, "UI", b"1.2.3.1"),
        element(0x300C0060, "SQ", b"".join(pairs)),
    ]
    if approval:
        parts.append(element(0x300E0002, "CS", approval.encode()))
    if signed:
        parts.append(element(0xFFFAFFFA, "SQ", item(element(0x04000005, "US", b"\x01\x00"))))
    return b"".join(parts)


RECORDED = (0x00080015, 0x0018A001, 0x04000561)
"""What a relabelling adds to an object that has none of it."""


def unrecorded(dataset: bytes) -> bytes:
    """Leave out of a data set (explicit VR little endian, lengths defined) what records its relabelling."""
    kept, offset = b"", 0
    while offset < len(dataset):
        group, number, vr, length = struct.unpack_from("<HH2sH", dataset, offset)
        end = offset + 8 + length
        if vr in (b"OB", b"SQ", b"UN"):
            end = offset + 12 + struct.unpack_from("<I", dataset, offset + 8)[0]
        if group << 16 | number not in RECORDED:
            kept += dataset[offset:end]
        offset = end
    return kept


@dataclass
class Sent:
    """An object as a receiver saw it."""

    uid: str
    sop_class: str
    transfer_syntax: str
    dataset: bytes
    calling_ae_title: str
    message_pdus: int = 0


@dataclass
class Receiver:
    """A Storage SCP that keeps what arrives in ``box`` and answers with ``status``, by SOP Instance UID if so wished."""

    port: int = 0
    status: int | Callable[[str], int] = 0x0000
    sop_classes: list[str] = field(default_factory=list)
    transfer_syntaxes: list[str] = field(default_factory=accepted_transfer_syntaxes)
    maximum_pdu_size: int = 0
    abort_on: Callable[[str], bool] = lambda uid: False
    before_answer: Callable[[str], None] = lambda uid: None
    calling_ae_titles: list[str] = field(default_factory=list)
    associations: int = 0
    box: list[Sent] = field(default_factory=list)

    def __enter__(self) -> Receiver:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._ae = AE(ae_title="RECEIVER")
        self._ae.maximum_pdu_size = self.maximum_pdu_size
        self._ae.require_calling_aet = self.calling_ae_titles
        classes = self.sop_classes or [str(cx.abstract_syntax) for cx in AllStoragePresentationContexts]
        for sop_class in classes:
            self._ae.add_supported_context(sop_class, self.transfer_syntaxes)
        self._pdus = 0
        self._server = self._ae.make_server(
            ("127.0.0.1", self.port),
            server_class=ThreadedAssociationServer,
            evt_handlers=[
                (evt.EVT_C_STORE, self._on_store),
                (evt.EVT_ACCEPTED, self._on_accepted),
                (evt.EVT_PDU_RECV, self._on_pdu),
            ],
        )
        self._ae._servers.append(self._server)
        # AE.start_server looks for the end twice a second only.
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.port = self._server.server_address[1]

    def stop(self) -> None:
        self._ae.shutdown()

    def uids(self) -> list[str]:
        return [sent.uid for sent in self.box]

    def _on_accepted(self, event: evt.Event) -> None:
        self.associations += 1

    def _on_pdu(self, event: evt.Event) -> None:
        self._pdus += 1

    def _on_store(self, event: evt.Event) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        if self.abort_on(uid):
            event.assoc.abort()
            return 0x0000
        self.before_answer(uid)
        status = self.status(uid) if callable(self.status) else self.status
        if status in (0x0000, 0xB000):
            self.box.append(
                Sent(
                    uid,
                    str(event.request.AffectedSOPClassUID),
                    str(event.context.transfer_syntax),
                    event.request.DataSet.getvalue(),
                    event.assoc.requestor.ae_title,
                    self._pdus,
                )
            )
        self._pdus = 0
        return status


def write_object(path: Path, dataset: bytes, sop_class: str, uid: str, syntax: str = EXPLICIT) -> Parcel:
    """Write a DICOM file and return it as a parcel."""
    with path.open("wb") as file:
        write_part10(file, dataset, sop_class_uid=sop_class, sop_instance_uid=uid, transfer_syntax_uid=syntax)
    return Parcel(path, sop_class, syntax, uid)


@dataclass
class Sender:
    """A TPS: sends data sets as they are to a port."""

    port: int
    folder: Path
    calling_ae_title: str = "TPS"
    called_ae_title: str = "TG263"

    def send(self, dataset: bytes, sop_class: str, uid: str, syntax: str = EXPLICIT) -> Answer:
        return self.send_all([(dataset, sop_class, uid, syntax)])[0]

    def send_all(self, objects: list[tuple[bytes, str, str, str]]) -> list[Answer]:
        parcels = [
            write_object(self.folder / f"out-{n}.dcm", dataset, sop_class, uid, syntax)
            for n, (dataset, sop_class, uid, syntax) in enumerate(objects)
        ]
        target = Peer("127.0.0.1", self.port, self.called_ae_title, self.calling_ae_title)
        with Connection(target, list({parcel.context for parcel in parcels})) as connection:
            return [connection.send(parcel) for parcel in parcels]


@contextmanager
def associated(port: int, *sop_classes: str, ae_title: str = "TG263", calling: str = "TPS"):
    """An association of pynetdicom's own, for what :class:`Sender` would not do."""
    ae = AE(ae_title=calling)
    contexts = [build_context(sop_class, [EXPLICIT]) for sop_class in sop_classes or (CT, RTSTRUCT)]
    association = ae.associate("127.0.0.1", port, contexts=contexts, ae_title=ae_title)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def gates(**actions: str) -> Gates:
    """Return the default gates with other actions."""
    return load_config().naming.gates.model_copy(update=actions)


def ask_to_store(port: int, dataset: bytes, *, sop_class: str, uid: str) -> int:
    """Send a C-STORE request that :class:`Sender` would not send, in the context of CT, and return the status."""
    with associated(port, CT) as association:
        request = C_STORE()
        request.MessageID, request.Priority = 1, 2
        request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = sop_class, uid
        request.DataSet = io.BytesIO(dataset)
        association._reactor_checkpoint.clear()
        wait_until(lambda: association._is_paused)
        association.dimse.send_msg(request, association.accepted_contexts[0].context_id)
        _, answer = association.dimse.get_msg(block=True)
        association._reactor_checkpoint.set()
        return answer.Status


def node_config(
    folder: Path, *destination_ports: int, first_delay_s: float = 0.05, **sections: dict
) -> Config:
    """Return a configuration for tests: loopback, free port, quick retries."""
    lines = [
        f"listen: {{port: 0, drain_s: 10, network_timeout_s: {DEADLINE_S}}}",
        f"spool: {{folder: '{folder / 'spool'}', min_free_bytes: 0}}",
        "llm: {enabled: no}",
        f"destination_defaults: {{retry: {{first_delay_s: {first_delay_s}, max_delay_s: {4 * first_delay_s}}},"
        f" dimse_timeout_s: {DEADLINE_S}}}",
        "destinations:",
    ]
    lines += [
        f"  - {{name: d{n}, host: 127.0.0.1, port: {port}, ae_title: RECEIVER}}"
        for n, port in enumerate(destination_ports, start=1)
    ]
    path = folder / "node.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = load_config(path)
    update = {name: getattr(config, name).model_copy(update=values) for name, values in sections.items()}
    return config.model_copy(update=update)
