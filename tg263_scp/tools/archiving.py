"""One file of an archive: what it is, what becomes of it, and the rows that the manifest gets.

Runs in the process that was asked or in one of several workers; only paths and rows go between them. A copy is written
under a temporary name; it gets its own name only after the manifest knows it (:func:`publish`).
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from tg263_scp.config import load_config
from tg263_scp.dicom.identify import ObjectIdentity, identify, is_rtstruct
from tg263_scp.model import Decision, Status
from tg263_scp.naming.decide import decide_set
from tg263_scp.naming.nomenclature import Nomenclature, load_nomenclature
from tg263_scp.service.consultations import asking_at_once
from tg263_scp.service.relabelling import (
    Decide,
    OutcomeKind,
    RelabelOutcome,
    RelabelPolicy,
    Writing,
    decide_and_write,
)
from tg263_scp.service.spool import sync_folder
from tg263_scp.tools.consulting import make_consultant
from tg263_scp.tools.finding import Source
from tg263_scp.tools.manifest import Record, Row

logger = logging.getLogger("tg263_scp.archiving")

_CHUNK_BYTES = 1 << 20


class What(StrEnum):
    """What became of a file."""

    RELABELLED = "relabelled"
    """A structure set was copied with at least one new name."""
    UNCHANGED = "unchanged"
    """A structure set was copied as it is: no name has to change, or it is approved or signed."""
    COPIED = "copied"
    """A DICOM object of another kind was copied as it is."""
    DONE_BEFORE = "done before"
    """An earlier run wrote the copy; source and copy still have the digests of the manifest, or the copy is right."""
    LEFT_OUT = "left out"
    """A DICOM object of another kind."""
    NOT_DICOM = "not DICOM"
    HELD = "held"
    """A structure set that must not be edited."""
    REFUSED = "refused"
    """Something else stands where the copy belongs."""
    FAILED = "failed"
    """It could not be read or written."""
    REVERTED = "reverted"
    """A relabelled structure set was copied with the names of its sender."""
    NOT_REVERTED = "not reverted"
    """A structure set that does not record what its names were, or was edited since."""


FINDINGS = frozenset({What.HELD, What.REFUSED, What.FAILED, What.NOT_REVERTED})
"""What a person has to look at."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What is needed to handle a file; made once per process."""

    nomenclature: Nomenclature
    policy: RelabelPolicy
    writing: Writing
    output: Path
    copy_others: bool
    decide: Decide = decide_set


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of one file. ``temporary`` is the finished copy that waits for its name, None where there is none."""

    source: Source
    what: What
    reason: str = ""
    rows: tuple[Row, ...] = ()
    statuses: tuple[Status, ...] = ()
    temporary: Path | None = None


@dataclass(frozen=True, slots=True)
class _Digests:
    before: str = ""
    after: str = ""
    blanked: str = ""


def open_workshop(
    config: Path | None,
    overlay: Path | None,
    output: Path,
    copy_others: bool,
    provenance: bool,
    llm: bool = False,
) -> Workshop:
    """Load configuration and nomenclature. An archive is always relabelled, never shadowed.

    ``provenance`` adds provenance whatever the configuration says; ``llm`` asks the configured model.

    Raises:
        ConfigError: the configuration cannot be used.
        NomenclatureError: the nomenclature, the overlay or the table of codes cannot be used.
    """
    settings = load_config(config)
    naming, write = settings.naming, settings.write
    if provenance:
        write = write.model_copy(update={"provenance": True})
    policy = replace(RelabelPolicy.of(naming), mode="relabel")
    nomenclature = load_nomenclature(overlay=overlay or naming.overlay)
    decide: Decide = decide_set
    if llm:
        decide = asking_at_once(make_consultant(config, nomenclature))  # open until the process ends
    return Workshop(nomenclature, policy, Writing.of(write), output, copy_others, decide)


def handle(source: Source, workshop: Workshop, known: Record | None) -> Handled:
    """Do everything for one file except giving its copy a name; a bad file is a result, never an error.

    ``known`` is what the manifest of earlier runs says about it.
    """
    return surviving(source, lambda: _handle(source, workshop, known))


def _handle(source: Source, workshop: Workshop, known: Record | None) -> Handled:
    identity = identify(source.path)
    if identity is None:
        return Handled(source, What.NOT_DICOM)
    structure_set = may_be_structure_set(identity)
    if not structure_set and not workshop.copy_others:
        return Handled(source, What.LEFT_OUT)
    target = workshop.output / source.relative
    if os.path.lexists(target):
        return _existing(source, target, known, identity)
    temporary = unfinished_copy(target)
    return _relabelled(source, temporary, workshop) if structure_set else _copied(source, temporary, identity)


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
        return _failed(source, "internal_error")


def publish(handled: Handled, output: Path) -> None:
    """Give a finished copy its name; an existing file is never replaced.

    Raises:
        FileExistsError: something appeared there meanwhile.
        OSError: the folder refuses.
    """
    if handled.temporary is None:
        return
    target = output / handled.source.relative
    try:
        os.link(handled.temporary, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "exists", str(target)) from None
        handled.temporary.rename(target)
    else:
        handled.temporary.unlink()
    sync_folder(target.parent)


def unfinished_copy(target: Path) -> Path:
    """Return the name of an unfinished copy, its folder made; one that a killed run left behind is removed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(target.name.encode("utf-8", "surrogateescape")).hexdigest()
    temporary = target.with_name(
        f".{digest[:24]}.unfinished"
    )  # short, since the name may be as long as names can be
    temporary.unlink(missing_ok=True)
    return temporary


def _relabelled(source: Source, temporary: Path, workshop: Workshop) -> Handled:
    outcome = decide_and_write(
        source.path,
        temporary,
        workshop.nomenclature,
        workshop.policy,
        workshop.writing,
        decide=workshop.decide,
    )
    statuses = tuple(decision.status for decision in outcome.decisions)
    if outcome.kind is OutcomeKind.HELD:
        rows = _set_rows(source, What.HELD, outcome, _Digests(before=file_digest(source.path)))
        return Handled(source, What.HELD, outcome.reason, rows, statuses)
    if outcome.proof is None:
        digest = _copy(source.path, temporary)
        rows = _set_rows(source, What.UNCHANGED, outcome, _Digests(digest, digest, digest))
        return Handled(source, What.UNCHANGED, outcome.reason, rows, statuses, temporary)
    digests = _Digests(file_digest(source.path), file_digest(temporary), outcome.proof.blanked_sha256_after)
    rows = _set_rows(source, What.RELABELLED, outcome, digests)
    return Handled(source, What.RELABELLED, outcome.reason, rows, statuses, temporary)


def _copied(source: Source, temporary: Path, identity: ObjectIdentity) -> Handled:
    digest = _copy(source.path, temporary)
    rows = (_row(source, What.COPIED, "", identity.sop_instance_uid, _Digests(digest, digest, digest)),)
    return Handled(source, What.COPIED, rows=rows, temporary=temporary)


def _existing(source: Source, target: Path, known: Record | None, identity: ObjectIdentity) -> Handled:
    if known is not None and known.sha256_after and target.is_file():
        before, after = file_digest(source.path), file_digest(target)
        if (before, after) == (known.sha256_before, known.sha256_after):
            return Handled(source, What.DONE_BEFORE)
        reason = "source_changed" if before != known.sha256_before else "copy_changed"
    else:
        reason = "output_exists"
    return Handled(
        source, What.REFUSED, reason, (_row(source, What.REFUSED, reason, identity.sop_instance_uid),)
    )


def _failed(source: Source, reason: str) -> Handled:
    return Handled(source, What.FAILED, reason, (_row(source, What.FAILED, reason),))


def _copy(source: Path, temporary: Path) -> str:
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


def _set_rows(source: Source, what: What, outcome: RelabelOutcome, digests: _Digests) -> tuple[Row, ...]:
    structure_set = outcome.structure_set
    if structure_set is None or not structure_set.rois:
        uid = structure_set.sop_instance_uid if structure_set else ""
        return (_row(source, what, outcome.reason, uid, digests),)
    uid, total = structure_set.sop_instance_uid, len(structure_set.rois)
    written = what is What.RELABELLED
    return tuple(
        _row(
            source,
            what,
            outcome.reason,
            uid,
            digests,
            (index, total),
            _roi_fields(roi.number, decision, written),
        )
        for index, (roi, decision) in enumerate(
            zip(structure_set.rois, outcome.decisions, strict=True), start=1
        )
    )


def _roi_fields(number: int | None, decision: Decision, written: bool) -> Iterator[str]:
    yield "" if number is None else str(number)
    yield decision.original
    yield decision.status.value
    yield decision.name if written else decision.original
    yield decision.rule
    yield decision.reason.value
    yield f"{decision.confidence:.2f}"


def _row(
    source: Source,
    what: What,
    reason: str = "",
    sop_instance_uid: str = "",
    digests: _Digests = _Digests(),
    place: tuple[int, int] = (1, 1),
    roi: Iterator[str] | None = None,
) -> Row:
    return (
        str(source.path),
        source.relative,
        what.value,
        reason,
        str(place[0]),
        str(place[1]),
        sop_instance_uid,
        *(roi or ("",) * 7),
        digests.before,
        digests.after,
        digests.blanked,
    )
