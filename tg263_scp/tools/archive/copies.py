"""The copies of an archive: relabelled, or as they are, and what is known of those that are there already.

A copy is written under a temporary name; it gets its own name only after the manifest knows it (:func:`publish`).
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tg263_scp import __version__, durable
from tg263_scp.config.loading import load_config
from tg263_scp.config.sections import Config, Naming, Write
from tg263_scp.dicom.editing.new_uids import UidMap, new_uids
from tg263_scp.dicom.reading.identify import ObjectIdentity, is_rtstruct
from tg263_scp.errors import HoldReason
from tg263_scp.naming.decide import Decide, decide_set
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.audit import IdentifierHash
from tg263_scp.service.deciding.in_review import RulingsOn, no_rulings
from tg263_scp.service.deciding.relabelling import (
    OutcomeKind,
    RelabelPolicy,
    Writing,
    decide_and_write,
)
from tg263_scp.service.delivery.new_uid_copies import uid_map
from tg263_scp.service.llm.ask_and_decide import asking_at_once
from tg263_scp.service.review.rulings import rulings_of
from tg263_scp.tools.archive.find_files import Source
from tg263_scp.tools.archive.manifest import Record
from tg263_scp.tools.archive.manifest_rows import Digests, left_out_row, row, set_rows
from tg263_scp.tools.archive.outcome import Handled, What
from tg263_scp.tools.names.asking import Tape, make_consultant
from tg263_scp.tools.shared.exitcode import UsageError

logger = logging.getLogger("tg263_scp.archiving")

KEY_NAME = ".tg263-scp.uid-key"
"""Key of the new UIDs, beside the manifest: with it a later run gives the same UIDs."""
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Order:
    """What a run shall do; the options of ``relabel``.

    ``uid_policy`` says whether what is relabelled keeps its UIDs or gets new ones. These follow from the key in the file
    ``uid_key``, or from one that is made in ``output``. ``provenance``, where given, goes before what the configuration says;
    ``llm`` asks the configured model; ``jobs`` is the number of processes. ``llm_questions`` writes down what would be asked
    and copies nothing; ``llm_answers`` takes answers that were made elsewhere.
    ``approved``, where given, says what becomes of approved structure sets, in the place of the gate of the configuration.
    ``again`` decides anew what an earlier run decided under other settings, and replaces its copies.

    Raises:
        UsageError: options do not go together, or the key is not there.
    """

    paths: Sequence[Path]
    output: Path
    config: Path | None = None
    overlay: Path | None = None
    copy_others: bool = False
    provenance: bool | None = None
    rewrite_references: bool = False
    jobs: int = 1
    llm: bool = False
    llm_questions: Path | None = None
    llm_answers: Path | None = None
    uid_policy: Literal["keep", "new"] = "keep"
    uid_key: Path | None = None
    again: bool = False
    approved: Literal["relabel", "pass", ""] = ""

    def __post_init__(self) -> None:
        if self.uid_policy == "keep" and (self.rewrite_references or self.uid_key is not None):
            option = "--rewrite-references" if self.rewrite_references else "--uid-key"
            raise UsageError(
                f"{option} goes with --uid-policy new",
                hint="without new UIDs every reference to a structure set stays right",
            )
        if self.uid_key is not None and not self.uid_key.is_file():
            raise UsageError(
                f"there is no key {self.uid_key}",
                hint=f"leave it out: a key is made in the output folder ({KEY_NAME})",
            )

    @property
    def uids(self) -> UidMap | None:
        """Which new UIDs stand for the old ones; None where all stay."""
        if self.uid_policy == "keep":
            return None
        return uid_map(IdentifierHash(self.uid_key or self.output / KEY_NAME))


@dataclass(frozen=True, slots=True)
class Workshop:
    """What is needed to handle a file; made once per process."""

    nomenclature: Nomenclature
    policy: RelabelPolicy
    writing: Writing
    output: Path
    copy_others: bool
    rewrite_references: bool
    uids: UidMap | None
    decide: Decide
    rulings: RulingsOn
    settings: str
    """Under what names are decided, in a few words: part of every row of the manifest."""
    again: bool = False


def open_workshop(order: Order) -> Workshop:
    """Load configuration and nomenclature. An archive is always relabelled, never shadowed.

    Raises:
        ConfigError: the configuration cannot be used.
        NomenclatureError: the nomenclature, the overlay or the table of codes cannot be used.
    """
    settings = load_config(order.config)
    naming, write = settings.naming, settings.write
    if order.provenance is not None:
        write = write.model_copy(update={"provenance": order.provenance})
    if order.approved:
        gates = naming.gates.model_copy(update={"approved": order.approved})
        naming = naming.model_copy(update={"gates": gates})
    policy = replace(RelabelPolicy.of(naming), mode="relabel")
    nomenclature = load_nomenclature(overlay=order.overlay or naming.overlay, languages=naming.languages)
    rulings, decisions = _rulings(order.config)
    decide: Decide = decide_set
    asks = order.llm or order.llm_answers is not None
    if asks:
        tape = Tape(answers=order.llm_answers)
        decide = asking_at_once(
            make_consultant(order.config, nomenclature, tape)
        )  # open until the process ends
    return Workshop(
        nomenclature,
        policy,
        Writing.of(write),
        order.output,
        order.copy_others,
        order.rewrite_references,
        order.uids,
        decide,
        rulings,
        _settings_of(settings, naming, write, nomenclature.digest, decisions, llm=asks),
        order.again,
    )


def _rulings(config: Path | None) -> tuple[RulingsOn, str]:
    """Return what people decided about names, where a configuration says in which folder, and its state."""
    if config is None:
        return no_rulings, ""
    rulings = rulings_of(load_config(config))
    return rulings.on, rulings.state


def _settings_of(
    settings: Config, naming: Naming, write: Write, nomenclature: str, decisions: str, *, llm: bool
) -> str:
    """Return a few digits for each thing that decides what a copy looks like."""
    parts = {
        "naming": _short(naming.model_dump(mode="json", exclude={"overlay"})),
        "write": _short(write.model_dump(mode="json")),
        "nomenclature": nomenclature[:12],
        "decisions": decisions[:12],
        "llm": _short(settings.llm.model_dump(mode="json")) if llm else "",
        "program": __version__,
    }
    return " ".join(f"{what}={text}" for what, text in parts.items() if text)


def _short(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def differing_settings(before: str, now: str) -> str:
    """Name what differs between two of :attr:`Workshop.settings`."""
    old, new = (dict(part.partition("=")[::2] for part in text.split()) for text in (before, now))
    return ", ".join(what for what in {**old, **new} if old.get(what) != new.get(what))


def may_be_structure_set(identity: ObjectIdentity) -> bool:
    """An object that does not say what it is may be one."""
    return is_rtstruct(identity.sop_class_uid) or not identity.sop_class_uid


def surviving(source: Source, work: Callable[[], Handled]) -> Handled:
    """Do the work of one file; where it fails the file is a finding, and the others go on."""
    try:
        return work()
    except OSError as problem:
        return _failed(source, errno.errorcode.get(problem.errno or 0, type(problem).__name__))
    except Exception as problem:
        # One file must never stop the others. The message is left out: it may quote the object.
        frames = "".join(traceback.format_list(traceback.extract_tb(problem.__traceback__)))
        logger.error("a file was given up after %s at\n%s", type(problem).__name__, frames)
        return _failed(source, HoldReason.INTERNAL_ERROR)


def publish(handled: Handled, output: Path) -> None:
    """Give a finished copy its name; an existing file is replaced only where it is the copy of an earlier run, to be redone.

    Raises:
        FileExistsError: something appeared there meanwhile.
        OSError: the folder refuses.
    """
    if handled.temporary is None:
        return
    durable.publish(handled.temporary, output / handled.source.relative, replace=handled.replaces)


def unfinished_copy(target: Path) -> Path:
    """Return the name of an unfinished copy, its folder made; one that a killed run left behind is removed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(target.name.encode("utf-8", "surrogateescape")).hexdigest()
    temporary = target.with_name(
        f".{digest[:24]}.unfinished"
    )  # short, since the name may be as long as names can be
    temporary.unlink(missing_ok=True)
    return temporary


def relabelled(source: Source, target: Path, workshop: Workshop) -> Handled:
    """Decide a structure set and write its copy under a temporary name beside ``target``."""
    temporary = unfinished_copy(target)
    outcome = decide_and_write(
        source.path,
        temporary,
        workshop.nomenclature,
        workshop.policy,
        workshop.writing,
        decide=workshop.decide,
        rulings=workshop.rulings,
    )
    statuses = tuple(decision.status for decision in outcome.decisions)
    if outcome.unanswered:
        # An archive is in no hurry: a later run asks, and finds the answers of this one.
        temporary.unlink(missing_ok=True)
        outcome = replace(outcome, kind=OutcomeKind.HELD, reason=HoldReason.MODEL_UNANSWERED, proof=None)
    if outcome.kind is OutcomeKind.HELD:
        rows = set_rows(
            source, What.HELD, outcome, Digests(before=file_digest(source.path)), settings=workshop.settings
        )
        return Handled(source, What.HELD, outcome.reason, rows, statuses)
    if outcome.proof is None or outcome.structure_set is None:
        digest = copy_file(source.path, temporary)
        rows = set_rows(
            source, What.UNCHANGED, outcome, Digests(digest, digest, digest), settings=workshop.settings
        )
        uid = outcome.structure_set.sop_instance_uid if outcome.structure_set else ""
        return Handled(source, What.UNCHANGED, outcome.reason, rows, statuses, temporary, (uid, uid))
    uid, new_uid, blanked = outcome.structure_set.sop_instance_uid, "", outcome.proof.blanked_sha256_after
    if workshop.uids is not None:
        named, temporary = temporary, unfinished_copy(target.with_name(f"{target.name} under new UIDs"))
        new_uid = new_uids(named, temporary, workshop.uids, workshop.writing.now()).new_sop_instance_uid
        named.unlink()
        blanked = ""  # of the copy with the old UIDs, which nobody can compare any more
    digests = Digests(file_digest(source.path), file_digest(temporary), blanked)
    rows = set_rows(source, What.RELABELLED, outcome, digests, new_uid, workshop.settings)
    uids = (uid, new_uid or uid)
    return Handled(source, What.RELABELLED, outcome.reason, rows, statuses, temporary, uids)


def copied(source: Source, target: Path, identity: ObjectIdentity, reason: str = "") -> Handled:
    """Copy an object as it is, under a temporary name beside ``target``."""
    temporary = unfinished_copy(target)
    digest = copy_file(source.path, temporary)
    rows = (row(source, What.COPIED, reason, identity.sop_instance_uid, Digests(digest, digest, digest)),)
    return Handled(source, What.COPIED, reason, rows, temporary=temporary)


def existing(source: Source, workshop: Workshop, known: Record | None, identity: ObjectIdentity) -> Handled:
    """Say of a copy that is there already whether it is the one an earlier run wrote, and the same would be written."""
    target = workshop.output / source.relative
    if known is None or not known.sha256_after or not target.is_file():
        return refused(source, HoldReason.OUTPUT_EXISTS, identity)
    before, after = file_digest(source.path), file_digest(target)
    if before != known.sha256_before:
        return refused(source, HoldReason.SOURCE_CHANGED, identity)
    if after != known.sha256_after:
        return refused(source, HoldReason.COPY_CHANGED, identity)
    if known.outcome == What.RELABELLED and bool(known.new_sop_instance_uid) != (workshop.uids is not None):
        return refused(source, HoldReason.OTHER_UID_POLICY, identity)
    if workshop.again and known.settings and known.settings != workshop.settings:
        return replace(relabelled(source, target, workshop), replaces=True)
    uids = known.sop_instance_uid, known.new_sop_instance_uid or known.sop_instance_uid
    reason = known.reason if known.outcome == What.UNCHANGED else ""
    return Handled(source, What.DONE_BEFORE, reason, uids=uids)


def left_out(
    source: Source,
    what: What,
    reason: HoldReason | Literal[""],
    known: Record | None,
    identity: ObjectIdentity | None,
) -> Handled:
    """Tell of a file that gets no copy; it has its row once, however often the archive is gone through."""
    if known is not None and (known.outcome, known.reason) == (what, reason):
        return Handled(source, what, reason)
    return Handled(source, what, reason, (left_out_row(source, what, reason, identity),))


def refused(source: Source, reason: HoldReason, identity: ObjectIdentity) -> Handled:
    """Leave alone what stands where a copy belongs."""
    rows = (row(source, What.REFUSED, reason, identity.sop_instance_uid),)
    return Handled(source, What.REFUSED, reason, rows)


def _failed(source: Source, reason: str) -> Handled:
    return Handled(source, What.FAILED, reason, (row(source, What.FAILED, reason),))


def copy_file(source: Path, temporary: Path) -> str:
    """Copy a file byte for byte, on the disk when this returns; return the digest of both.

    Raises:
        OSError: a file cannot be read or written, or the copy read back differs.
    """
    with source.open("rb") as original, temporary.open("xb") as copy:
        shutil.copyfileobj(original, copy, _CHUNK_BYTES)
        copy.flush()
        os.fsync(copy.fileno())
    digest = file_digest(source)
    if file_digest(temporary) != digest:
        raise OSError(errno.EIO, "the copy differs from its source")
    return digest


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
