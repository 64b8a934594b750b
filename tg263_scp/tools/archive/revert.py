"""``revert``: what was relabelled with provenance, or refers to it, copied as its sender wrote it.

Works from what the objects themselves record; a copy is the data set of the sender byte for byte, or there is none. With
``--by-content`` what an archive has written anew is reverted too: its names are the sender's, its other bytes the archive's. As
with ``relabel`` nothing is overwritten, no input is touched, a bad file stops nothing. An interrupted run is taken up by
the same command: a copy that is there already and right counts as done.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from tg263_scp.dicom.editing.revert import Proof, RevertReport
from tg263_scp.dicom.editing.revert import revert as restore
from tg263_scp.dicom.reading.identify import identify
from tg263_scp.dicom.reading.references import REFERRING
from tg263_scp.errors import HeldObjectError, HoldReason
from tg263_scp.tools.archive.copies import (
    file_digest,
    may_be_structure_set,
    publish,
    surviving,
    unfinished_copy,
)
from tg263_scp.tools.archive.find_files import Source, find_files
from tg263_scp.tools.archive.outcome import Handled, What
from tg263_scp.tools.archive.relabel import Summary, output_folder, show_summary, stop_if_full
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.shared.terminal import open_console, print_json, progress, say

_OUTCOMES = (
    *(What.REVERTED, What.DONE_BEFORE, What.NOT_REVERTED),
    *(What.LEFT_OUT, What.NOT_DICOM, What.REFUSED, What.FAILED),
)

Reports = dict[Source, RevertReport]


def revert(paths: Sequence[Path], output: Path, by_content: bool, as_json: bool) -> ExitCode:
    """The verb ``revert``.

    Raises:
        UsageError: an input does not exist.
        Tg263Error: the output folder cannot be used, is in use by another run, or its disk is full.
    """
    reports: Reports = {}
    summary = _revert_all(paths, output, reports, by_content=by_content)
    if as_json:
        print_json({**summary.as_json(_OUTCOMES), "reverted": _as_json(reports)})
    else:
        show_summary(summary, open_console())
        rewritten = sum(report.proof is Proof.ELEMENTS for report in reports.values())
        if rewritten:
            say(
                f"{rewritten} had been written anew by an archive: their names are the sender's, proven element by element,"
                " their other bytes the archive's"
            )
        again = sum(report.earlier > 0 for report in reports.values())
        if again:
            say(f"{again} record an earlier relabelling still: revert the copies once more to undo it too")
    return ExitCode.FINDINGS if summary.findings else ExitCode.DONE


def _as_json(reports: Reports) -> list[dict[str, object]]:
    return [
        {"source": str(source.path), "output": source.relative, **asdict(report)}
        for source, report in reports.items()
    ]


def _revert_all(paths: Sequence[Path], output: Path, reports: Reports, *, by_content: bool) -> Summary:
    found = find_files(paths, output)
    summary = Summary.begun(found)
    with output_folder(output), progress("reverting", len(found.sources)) as advance:
        for source in found.sources:
            target = output / source.relative
            handled = surviving(source, partial(_revert_one, source, target, reports, by_content=by_content))
            stop_if_full(handled)
            publish(handled, output)
            summary.count(handled)
            advance(1)
    return summary


def _revert_one(source: Source, target: Path, reports: Reports, *, by_content: bool) -> Handled:
    identity = identify(source.path)
    if identity is None:
        return Handled(source, What.NOT_DICOM)
    referring = identity.sop_class_uid in REFERRING
    if not (referring or may_be_structure_set(identity)):
        return Handled(source, What.LEFT_OUT)
    copy = unfinished_copy(target)
    try:
        report = restore(source.path, copy, by_content=by_content)
    except HeldObjectError as problem:
        if referring and problem.reason is HoldReason.NOT_OURS:
            return Handled(source, What.LEFT_OUT)  # most plans and doses were never touched
        return Handled(source, What.NOT_REVERTED, problem.reason)
    if os.path.lexists(target):
        copy.unlink()
        done = target.is_file() and file_digest(target) == report.sha256_after
        return (
            Handled(source, What.DONE_BEFORE)
            if done
            else Handled(source, What.REFUSED, HoldReason.OUTPUT_EXISTS)
        )
    reports[source] = report
    return Handled(source, What.REVERTED, temporary=copy)
