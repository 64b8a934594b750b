"""One file of an archive: what it is, and what becomes of it.

Runs in the process that was asked or in one of several workers; only paths, rows and UIDs go between them.

Where references are rewritten, plans and doses come last: they are put off until every structure set is done, and it is known
which of them has a new UID.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tg263_scp.dicom.editing.rewrite_references import rewrite_references
from tg263_scp.dicom.reading.identify import ObjectIdentity, identify
from tg263_scp.dicom.reading.references import REFERRING, structure_sets_of
from tg263_scp.errors import HeldObjectError, HoldReason
from tg263_scp.service.delivery.outgoing import sealed
from tg263_scp.tools.archive.copies import (
    Workshop,
    copied,
    existing,
    file_digest,
    left_out,
    may_be_structure_set,
    refused,
    relabelled,
    surviving,
    unfinished_copy,
)
from tg263_scp.tools.archive.find_files import Source
from tg263_scp.tools.archive.manifest import Record
from tg263_scp.tools.archive.manifest_rows import Digests, row
from tg263_scp.tools.archive.outcome import Handled, What


def handle(
    source: Source, workshop: Workshop, known: Record | None, new_uids: Mapping[str, str] | None = None
) -> Handled:
    """Do everything for one file except giving its copy a name; a bad file is a result, never an error.

    ``known`` is what the manifest of earlier runs says about it. ``new_uids`` are the UIDs that stand for those of structure
    sets, once they are known: until then plans and doses that refer to any are put off.
    """
    return surviving(source, lambda: _handle(source, workshop, known, new_uids))


def _handle(
    source: Source, workshop: Workshop, known: Record | None, new_uids: Mapping[str, str] | None
) -> Handled:
    identity = identify(source.path)
    if identity is None:
        return left_out(source, What.NOT_DICOM, "", known, None)
    structure_set = may_be_structure_set(identity)
    referring = workshop.rewrite_references and identity.sop_class_uid in REFERRING
    if not (structure_set or referring or workshop.copy_others):
        return left_out(source, What.LEFT_OUT, HoldReason.NOT_RTSTRUCT, known, identity)
    if referring:
        return _referring(source, workshop, known, identity, new_uids)
    target = workshop.output / source.relative
    if os.path.lexists(target):
        return existing(source, workshop, known, identity)
    return relabelled(source, target, workshop) if structure_set else copied(source, target, identity)


def _referring(
    source: Source,
    workshop: Workshop,
    known: Record | None,
    identity: ObjectIdentity,
    new_uids: Mapping[str, str] | None,
) -> Handled:
    """Copy a plan or dose, with new references where they are known and its gates let it be changed."""
    assert workshop.uids is not None, "references change with UIDs only"
    target, reason = workshop.output / source.relative, ""
    changes: Mapping[str, str] = {}
    try:
        referring = structure_sets_of(source.path)
        if new_uids is None and referring.structure_sets:
            return Handled(source, What.PUT_OFF, refers_to=referring.structure_sets)
        changes = {uid: new for uid, new in (new_uids or {}).items() if uid in referring.structure_sets}
        seal = sealed(referring, workshop.policy.gates)
        if changes and seal is not None:
            changes, reason = {}, str(seal)
    except HeldObjectError as problem:
        reason = problem.reason
    if os.path.lexists(target):
        handled = existing(source, workshop, known, identity)
        stale = changes and handled.what is What.DONE_BEFORE and _refers_to_any(target, changes)
        return refused(source, HoldReason.REFERENCES_CHANGED, identity) if stale else handled
    if changes:
        temporary = unfinished_copy(target)
        try:
            proof = rewrite_references(
                source.path, temporary, changes, workshop.uids.series, workshop.writing.provenance("")
            )
        except HeldObjectError as problem:
            reason = problem.reason
        else:
            digests = Digests(file_digest(source.path), file_digest(temporary), proof.blanked_sha256_after)
            rows = (row(source, What.REWRITTEN, "", identity.sop_instance_uid, digests),)
            return Handled(source, What.REWRITTEN, rows=rows, temporary=temporary)
    return copied(source, target, identity, reason)


def _refers_to_any(target: Path, uids: Mapping[str, str]) -> bool:
    return not uids.keys().isdisjoint(structure_sets_of(target).structure_sets)
