"""``demo``: a sender, the node and an archive on this computer's loopback, and what became of every name.

Nothing is staged: the node is the one that ``serve`` runs, the objects travel by C-STORE, and what is shown is read from
what the archive received and from the audit log. Everything lives in a temporary folder, or where ``--keep`` says.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tg263_scp.config.loading import load_config
from tg263_scp.config.sections import Config
from tg263_scp.dicom.encoding.part10 import opened, write_part10
from tg263_scp.dicom.network.listener import Listener
from tg263_scp.dicom.network.messages import InMemory, Received
from tg263_scp.dicom.network.sender import Connection, Parcel, Peer
from tg263_scp.dicom.network.statuses import StoreResult, StoreStatus
from tg263_scp.dicom.reading.identify import identify, is_rtstruct
from tg263_scp.dicom.synthetic.structure_sets import write_synthetic
from tg263_scp.errors import HeldObjectError, Tg263Error
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.service.audit import AuditReport, verify
from tg263_scp.service.journal.states import DeliveryState, ObjectState
from tg263_scp.service.node import Node, assemble
from tg263_scp.tools.archive.find_files import find_files
from tg263_scp.tools.demo.comparison import Comparison, compare
from tg263_scp.tools.operate.serve import desk_command
from tg263_scp.tools.shared.exitcode import UsageError
from tg263_scp.tools.shared.kept_process import kept_running

_DEADLINE_S = 60.0
_DEADLINE_PER_MEGABYTE_S = 1.0
_LOOK_EVERY_S = 0.05
_CONFIG = """\
# The configuration of the demonstration's node; every other setting has its default.
listen:
  port: 0
llm:
  enabled: no
spool:
  folder: spool
  min_free_bytes: 64 MiB
destination_defaults:
  retry:
    first_delay_s: 0.2
destinations:
  - name: archive
    host: 127.0.0.1
    port: {port}
    ae_title: ARCHIVE
"""
_DESK = """\
desk:
  port: 0
log:
  level: warning
"""
CONFIG_NAME = "node.yaml"


@dataclass(slots=True)
class Sent:
    """One structure set on its way. ``title`` is its file name; ``problem`` says why it could not be sent."""

    title: str
    path: Path
    sop_instance_uid: str
    problem: str = ""
    received: Path | None = None
    comparison: Comparison | None = None
    audit: dict[str, Any] = field(default_factory=dict)
    state: str = ""
    reason: str = ""

    @property
    def relabelled(self) -> bool:
        """The archive got new names; otherwise the object went on as it was, or was held."""
        return bool(self.audit.get("kind") == "relabelled")

    @property
    def arrived_as_audited(self) -> bool:
        """It arrived, nothing but names differs, and the names are those of the audit log; what it records is true."""
        if self.comparison is None or not self.comparison.same or self.comparison.comes_back is False:
            return False
        key = "new" if self.relabelled else "old"
        return self.comparison.names == tuple(roi[key] for roi in self.audit.get("rois", ()))


@dataclass(slots=True)
class Demonstration:
    """What was sent and what came of it."""

    sent: list[Sent]
    left_out: int
    audit: AuditReport
    config: Path
    folder: Path | None

    @property
    def delivered(self) -> bool:
        """Everything that was given arrived as the audit log says, and the log verifies."""
        return self.audit.intact and all(each.arrived_as_audited for each in self.sent)


def demonstrate(path: Path | None, folder: Path, *, desk: bool = False) -> Demonstration:
    """Send structure sets through a node into an archive, both made for the purpose, and compare both ends.

    With ``desk`` the configuration has a review desk, for :func:`left_running`.

    Raises:
        UsageError: there is no structure set under ``path``.
        Tg263Error: no node can be run here.
    """
    sent, left_out = _to_send(path, folder / "sent")
    config_path = folder / CONFIG_NAME
    with _archive(folder / "received") as (port, received):
        text = _CONFIG.format(port=port) + (_DESK if desk else "")
        config_path.write_text(text, encoding="utf-8")
        config = load_config(config_path)
        with assemble(config, load_nomenclature()) as node:
            _send([each for each in sent if not each.problem], node.address, config)
            _wait(node, sent)
    for each in sent:
        each.received = None if each.problem else received.get(each.sop_instance_uid)
        if each.received is not None:
            each.comparison = compare(each.path, each.received)
    _read_audit(config.audit.file, sent)
    return Demonstration(sent, left_out, verify(config.audit.file), config_path, None)


@dataclass(frozen=True, slots=True)
class Running:
    """A node with its desk: where the node listens, its AE title, and the address that logs in to the desk."""

    address: tuple[str, int]
    ae_title: str
    login_link: str


@contextmanager
def left_running(folder: Path) -> Iterator[Running]:
    """Run archive, node and desk of a demonstration in ``folder`` while the block runs.

    Raises:
        Tg263Error: one of them cannot be run here.
    """
    path = folder / CONFIG_NAME
    config = load_config(path)
    (archive,) = config.destinations
    with (
        _archive(folder / "received", archive.port),
        assemble(config, load_nomenclature()) as node,
        kept_running(desk_command(path)),
    ):
        yield Running(node.address, config.listen.ae_title, _login_link(config.desk.link_file))


def _login_link(file: Path) -> str:
    until = time.monotonic() + _DEADLINE_S
    while time.monotonic() < until:
        with suppress(FileNotFoundError):
            return file.read_text(encoding="utf-8").strip()
        time.sleep(_LOOK_EVERY_S)
    raise Tg263Error("the desk did not start", hint="pip install 'tg263-scp[desk]' installs what it needs")


def _to_send(path: Path | None, folder: Path) -> tuple[list[Sent], int]:
    """Copy what is to be sent, each with a file head of its own: some files in the world have none."""
    folder.mkdir()
    sources = write_synthetic(folder / "synthetic") if path is None else _structure_sets(path, folder)
    sent: list[Sent] = []
    seen: set[str] = set()
    for number, source in enumerate(sources, start=1):
        each = _copied(source, folder / f"{number:03d}.dcm")
        if each.sop_instance_uid in seen:
            each.problem = "a structure set with this SOP Instance UID is sent already"
        seen.add(each.sop_instance_uid)
        sent.append(each)
    if not sent:
        raise UsageError(
            f"there is no structure set under {path}", hint="give a folder that holds RTSTRUCT files"
        )
    return sent, 0 if path is None else _left_out(path, folder)


def _structure_sets(path: Path, folder: Path) -> list[Path]:
    return [source for source, wanted in _identified(path, folder) if wanted]


def _left_out(path: Path, folder: Path) -> int:
    return sum(not wanted for _, wanted in _identified(path, folder))


def _identified(path: Path, folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the DICOM objects under ``path`` and whether each is a structure set."""
    for source in find_files([path], folder).sources:
        identity = identify(source.path)
        if identity is not None:
            yield source.path, is_rtstruct(identity.sop_class_uid)


def _copied(source: Path, target: Path) -> Sent:
    identity = identify(source)
    assert identity is not None, "only identified files are copied"
    try:
        with opened(source) as found, target.open("xb") as copy:
            found.file.seek(found.meta.dataset_offset)
            write_part10(
                copy,
                found.file.read(),
                sop_class_uid=identity.sop_class_uid,
                sop_instance_uid=identity.sop_instance_uid,
                transfer_syntax_uid=found.meta.transfer_syntax_uid,
            )
    except (HeldObjectError, ValueError) as problem:
        return Sent(source.name, source, identity.sop_instance_uid, f"cannot be sent: {problem}")
    return Sent(source.name, target, identity.sop_instance_uid)


@contextmanager
def _archive(folder: Path, port: int = 0) -> Iterator[tuple[int, dict[str, Path]]]:
    """Run a Storage SCP that keeps what it gets; yield its port and the files it has, by SOP Instance UID."""
    folder.mkdir(exist_ok=True)
    received: dict[str, Path] = {}

    def accept(arrival: Received[InMemory]) -> StoreStatus:
        path = folder / f"RS.{arrival.sop_instance_uid}.dcm"
        with path.open("wb") as file:
            write_part10(
                file,
                arrival.dataset.getbuffer(),
                sop_class_uid=arrival.sop_class_uid,
                sop_instance_uid=arrival.sop_instance_uid,
                transfer_syntax_uid=arrival.transfer_syntax_uid,
            )
        received[arrival.sop_instance_uid] = path
        return StoreStatus.SUCCESS

    defaults = load_config()
    listen = defaults.listen.model_copy(update={"host": "127.0.0.1", "port": port, "ae_title": "ARCHIVE"})
    listener = Listener(
        listen,
        defaults.peers,
        max_object_bytes=defaults.spool.max_object_bytes,
        begin=InMemory,
        accept=accept,
    )
    listener.start()
    try:
        yield listener.address[1], received
    finally:
        listener.stop(5.0)


def _send(sent: Sequence[Sent], address: tuple[str, int], config: Config) -> None:
    """Send over one association, as a planning system would; what is not stored is noted."""
    parcels = []
    for each in sent:
        identity = identify(each.path)
        assert identity is not None, "written with a file head"
        parcels.append(
            Parcel(each.path, identity.sop_class_uid, identity.transfer_syntax_uid, identity.sop_instance_uid)
        )
    target = Peer(*address, ae_title=config.listen.ae_title, calling_ae_title="TPS")
    if not parcels:
        return
    with Connection(target, {parcel.context for parcel in parcels}) as connection:
        for each, parcel in zip(sent, parcels, strict=True):
            answer = connection.send(parcel)
            if answer.result is not StoreResult.STORED:
                each.problem = f"not accepted by the node: {answer.text}"


def _wait(node: Node, sent: Sequence[Sent]) -> None:
    """Wait until every accepted object is delivered, held or given up, or the deadline is over."""
    megabytes = sum(each.path.stat().st_size for each in sent) / 1e6
    until = time.monotonic() + _DEADLINE_S + megabytes * _DEADLINE_PER_MEGABYTE_S
    waiting = {each.sop_instance_uid: each for each in sent if not each.problem}
    while waiting and time.monotonic() < until:
        for job, deliveries in node.journal.list_objects(finished=True):
            each = waiting.get(job.sop_instance_uid)
            if each is None:
                continue
            each.state, each.reason = job.state.value.lower(), job.reason
            delivered = deliveries and all(
                delivery.state in (DeliveryState.SENT, DeliveryState.FAILED) for delivery in deliveries
            )
            if job.state is ObjectState.HELD or delivered:
                del waiting[job.sop_instance_uid]
        time.sleep(_LOOK_EVERY_S)


def _read_audit(log: Path, sent: Sequence[Sent]) -> None:
    by_uid = {each.sop_instance_uid: each for each in sent if not each.problem}
    try:
        text = log.read_text(encoding="utf-8")
    except OSError as problem:
        raise Tg263Error(
            f"the audit log is not there: {problem.strerror}", hint="run the demonstration again"
        ) from problem
    for line in text.splitlines():
        entry = json.loads(line)
        each = by_uid.get(entry.get("sop_instance_uid", ""))
        if each is not None and "rois" in entry:
            each.audit = entry
