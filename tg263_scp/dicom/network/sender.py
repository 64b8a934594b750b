"""The sending side: a Storage SCU that sends files as they are and tells what the peer said about each.

The bytes of the data set leave as they lie in the file: nothing is decoded, encoded or transcoded. What they are called is
what the caller says of them; a file that is another object than it says is not sent. For each SOP class and
transfer syntax one presentation context is proposed with that transfer syntax alone, so that the peer can only take the
object as it is or refuse it.

Standard: Storage Service Class PS3.4 B, status values B.2.3 and PS3.7 C; association rejection PS3.8 9.3.4.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pynetdicom import AE, build_context, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import MaximumLengthNotification

import tg263_scp.dicom.network.pynetdicom_settings  # noqa: F401  (settings of pynetdicom)
from tg263_scp.config.sections import Destination
from tg263_scp.dicom.encoding.part10 import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    data_set_sha256,
    read_file_meta,
)
from tg263_scp.dicom.network.pynetdicom_calling import (
    MAX_ANSWER_PDU_BYTES,
    Ended,
    Silent,
    bound_answers,
    end,
    store,
)
from tg263_scp.dicom.network.pynetdicom_internals import keep_answers
from tg263_scp.dicom.network.statuses import StoreResult, reaction_to
from tg263_scp.errors import HeldObjectError, Tg263Error
from tg263_scp.tls.calling import CallingTls, Handshake

MAX_CONTEXTS = 128
"""Presentation context IDs are the odd numbers from 1 to 255 (PS3.8 9.3.2.2)."""
ANNOUNCED_PDU_BYTES = MAX_ANSWER_PDU_BYTES
"""The maximum length we announce where we call: only answers come back."""
LEAST_PDU_BYTES = 64
"""With less, a peer could not even take a command; pynetdicom would divide by what is left of it."""
MAX_SENT_PDU_BYTES = 1 << 17
"""pynetdicom would put a whole object into one PDU for a peer that announces no limit, and copy it again and again."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom to call, as whom, and how long to wait."""

    host: str
    port: int
    ae_title: str
    calling_ae_title: str
    connect_timeout_s: float = 15.0
    acse_timeout_s: float = 30.0
    dimse_timeout_s: float = 300.0
    tls: CallingTls | None = None
    """How hands are shaken first; None for a plain connection."""


def peer_of(destination: Destination) -> Peer:
    """Return a destination as whom to call.

    Raises:
        Tg263Error: a file that TLS with it needs cannot be used.
    """
    return Peer(
        destination.host,
        destination.port,
        destination.ae_title,
        destination.calling_ae_title or "",
        destination.connect_timeout_s,
        destination.acse_timeout_s,
        destination.dimse_timeout_s,
        CallingTls(destination.tls, destination.host) if destination.tls.enabled else None,
    )


def requesting_entity(target: Peer) -> AE:
    """Return the application entity that calls ``target``: our titles and its timeouts, nothing proposed yet."""
    ae = AE(ae_title=target.calling_ae_title)
    ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    ae.connection_timeout = target.connect_timeout_s
    ae.acse_timeout = target.acse_timeout_s
    ae.dimse_timeout = target.dimse_timeout_s
    return ae


@dataclass(frozen=True, slots=True)
class Call:
    """An association that was asked for, established or not, and its handshake where there is TLS."""

    association: Association
    handshake: Handshake | None

    @property
    def tls_problem(self) -> str:
        """Why hands were not shaken; empty where that is not the reason."""
        problem = self.handshake.problem if self.handshake else ""
        return f"no TLS with the peer: {problem}" if problem else ""


def call(ae: AE, target: Peer, *, handlers: Sequence[tuple[Any, Any]] = (), **options: Any) -> Call:
    """Ask ``target`` for an association; ``handlers`` (event, function) and ``options`` are pynetdicom's.

    Raises:
        OSError: the host cannot be found.
    """
    handshake = target.tls.handshake() if target.tls else None
    association = ae.associate(
        target.host,
        target.port,
        ae_title=target.ae_title,
        evt_handlers=[(evt.EVT_CONN_OPEN, bound_answers), *handlers],
        tls_args=(handshake, target.tls.server_name) if target.tls else None,
        **options,
    )
    return Call(association, handshake)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A DICOM file to send, and what it is: the file has to say the same.

    ``dataset_sha256`` is the digest (hex) of its data set, where it is known.
    """

    path: Path
    sop_class_uid: str
    transfer_syntax_uid: str
    sop_instance_uid: str
    dataset_sha256: str = ""

    @property
    def context(self) -> tuple[str, str]:
        """SOP class and transfer syntax: what a presentation context must hold for it."""
        return self.sop_class_uid, self.transfer_syntax_uid


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one C-STORE; ``status`` is None where no answer came. ``text`` holds no data of the object.

    ``silent`` is true where the peer neither answered nor ended the association, until our patience was over.
    ``dataset_sha256`` is the digest (hex) of what was sent.
    """

    result: StoreResult
    status: int | None
    text: str
    silent: bool = False
    dataset_sha256: str = ""


DAMAGED = "the file in the spool was damaged: 'tg263-scp queue redo' makes a relabelled copy anew"


class Unavailable(Tg263Error):  # noqa: N818 - a state of the peer, not a fault of ours
    """No association came about; ``permanent`` where the peer refuses us for good."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class Connection:
    """An association with a destination; use as a context manager.

    Raises:
        Unavailable: the peer cannot be reached, or refuses.
    """

    def __init__(self, target: Peer, contexts: Collection[tuple[str, str]]) -> None:
        if not 1 <= len(contexts) <= MAX_CONTEXTS:
            raise ValueError(f"an association has 1 to {MAX_CONTEXTS} presentation contexts")
        self._ended = False
        self._silence_s = target.dimse_timeout_s
        ae = requesting_entity(target)
        # The answer of a slow archive is silence of the network to pynetdicom.
        ae.network_timeout = target.dimse_timeout_s + target.acse_timeout_s
        proposed = [build_context(sop_class, [syntax]) for sop_class, syntax in contexts]
        try:
            called = call(ae, target, contexts=proposed, max_pdu=ANNOUNCED_PDU_BYTES)
        except OSError as problem:
            raise Unavailable(f"{target.host} cannot be found", permanent=False) from problem
        self._association = called.association
        if not self._association.is_established:
            if called.tls_problem:
                raise Unavailable(called.tls_problem, permanent=True)
            # With nothing accepted the peer is there, but wants none of these objects as they are.
            if not self._association.rejected_contexts:
                raise _unavailable(self._association)
            self._accepted: dict[tuple[str, str], int] = {}
            return
        self._accepted = {
            (str(context.abstract_syntax), str(context.transfer_syntax[0])): context.context_id or 0
            for context in self._association.accepted_contexts
        }
        keep_answers(self._association)
        _limit_pdu(self._association)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def accepts(self, parcel: Parcel) -> bool:
        """Say whether the peer takes this SOP class in this transfer syntax."""
        return parcel.context in self._accepted

    @property
    def accepted(self) -> Collection[tuple[str, str]]:
        """What the peer takes: SOP class with transfer syntax."""
        return self._accepted.keys()

    @property
    def usable(self) -> bool:
        """False once the association has ended, by whomever."""
        return bool(self._association.is_established) and not self._ended

    def send(self, parcel: Parcel) -> Answer:
        """Send one file and return what the peer said. Without an answer nobody knows whether it was stored."""
        if not self.accepts(parcel):
            return Answer(
                StoreResult.PERMANENT,
                None,
                f"the peer accepts no presentation context for SOP class {parcel.sop_class_uid}"
                f" in transfer syntax {parcel.transfer_syntax_uid}",
            )
        try:
            offset, digest, fault = _checked(parcel)
        except FileNotFoundError:
            offset, digest, fault = 0, "", "the file is no longer in the spool"
        except OSError as problem:
            offset, digest, fault = 0, "", _unreadable(problem)
        if fault:
            return Answer(StoreResult.PERMANENT, None, fault)
        if not self.usable:
            return Answer(StoreResult.TRANSIENT, None, "the association ended before the object was sent")
        return replace(self._store(parcel, offset), dataset_sha256=digest)

    def _store(self, parcel: Parcel, offset: int) -> Answer:
        try:
            status = store(
                self._association,
                parcel.path,
                offset,
                sop_class_uid=parcel.sop_class_uid,
                sop_instance_uid=parcel.sop_instance_uid,
                context_id=self._accepted[parcel.context],
                silence_s=self._silence_s,
            )
        except Silent:
            self.abort()
            return Answer(StoreResult.TRANSIENT, None, "the peer gave no answer", silent=True)
        except Ended:
            self.abort()
            return Answer(StoreResult.TRANSIENT, None, "the peer ended the association without an answer")
        except OSError as problem:
            self.abort()
            return Answer(StoreResult.PERMANENT, None, _unreadable(problem))
        if status is None:
            self.abort()
            return Answer(StoreResult.TRANSIENT, None, "the peer gave no valid answer")
        reaction = reaction_to(status)
        return Answer(reaction.result, status, reaction.said)

    def close(self) -> None:
        """Release the association, if it still stands."""
        if self.usable:
            self._association.release()

    def abort(self) -> None:
        """End the association at once; a send that waits returns without an answer."""
        self._ended = True
        end(self._association)


def _checked(parcel: Parcel) -> tuple[int, str, str]:
    """Return where the data set of a file begins, its digest, and what speaks against sending it; empty where nothing does.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        meta = read_file_meta(parcel.path)
    except HeldObjectError as problem:
        return 0, "", problem.message
    said = (parcel.sop_class_uid, parcel.sop_instance_uid, parcel.transfer_syntax_uid)
    if said != (meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid):
        return 0, "", "the file is another object than the one to be sent"
    digest = data_set_sha256(parcel.path, meta)
    if parcel.dataset_sha256 not in ("", digest):
        return 0, "", DAMAGED
    return meta.dataset_offset, digest, ""


def _unreadable(problem: OSError) -> str:
    return f"the file cannot be read: {problem.strerror}"


def _unavailable(association: Association) -> Unavailable:
    if association.is_rejected:
        said = association.acceptor.primitive
        permanent = said.result == 0x01
        how = "for good" if permanent else "for the moment"
        return Unavailable(f"the peer rejects the association {how}: {said.reason_str}", permanent=permanent)
    return Unavailable("the peer cannot be reached or gives no answer", permanent=False)


def _limit_pdu(association: Association) -> None:
    for item in association.acceptor.user_information:
        if isinstance(item, MaximumLengthNotification):
            announced = item.maximum_length_received or MAX_SENT_PDU_BYTES
            if announced < LEAST_PDU_BYTES:
                association.release()
                raise Unavailable(f"the peer takes PDUs of at most {announced} bytes", permanent=True)
            # Receivers refuse fragments of odd length.
            item.maximum_length_received = min(announced, MAX_SENT_PDU_BYTES) & ~1
