"""``relabel``: an archive of structure sets copied with TG-263 names; the same engine as the node.

Nothing is overwritten, no input is touched, a bad file stops nothing. ``manifest.csv`` in the output folder tells what
became of every ROI; with its help an interrupted run is taken up where it ended: run the same command again.
"""

from __future__ import annotations

import errno
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tg263_scp.decision import Status
from tg263_scp.errors import HoldReason, Tg263Error
from tg263_scp.service.sole_owner import sole_owner
from tg263_scp.tools.archive.copies import Order, Workshop, differing_settings, publish
from tg263_scp.tools.archive.crew import crew
from tg263_scp.tools.archive.find_files import Found, find_files
from tg263_scp.tools.archive.llm_questions import write_questions
from tg263_scp.tools.archive.manifest import Manifest, Record, Row, manifest_text, without_copy
from tg263_scp.tools.archive.outcome import FINDINGS, Handled, What
from tg263_scp.tools.archive.twins import Twins, twin
from tg263_scp.tools.shared.csv_tables import write_atomically
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import open_console, print_json, print_table, progress
from tg263_scp.tools.shared.wording import hold_words

MANIFEST_NAME = "manifest.csv"
_NOT_AN_OUTCOME = (What.REVERTED, What.NOT_REVERTED, What.PUT_OFF)
_OUTCOMES = tuple(what for what in What if what not in _NOT_AN_OUTCOME)
_SHOWN_FINDINGS = 40


@dataclass(slots=True)
class Summary:
    """What a run did. ``findings`` are files a person has to look at: path, what became of it, reason.

    ``names`` counts what the copies bear. ``not_written`` are the new names that were decided and stand in no copy;
    ``as_they_were`` tells how many structure sets a gate let through as they were, by what it found.
    """

    objects: Counter[What] = field(default_factory=Counter)
    names: Counter[Status] = field(default_factory=Counter)
    not_written: int = 0
    as_they_were: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[Path, What, str]] = field(default_factory=list)
    folder_links: int = 0

    @classmethod
    def begun(cls, found: Found) -> Summary:
        """A summary that knows what the search could not read."""
        findings = [(folder, What.FAILED, reason) for folder, reason in found.unreadable]
        return cls(Counter([What.FAILED] * len(findings)), findings=findings, folder_links=found.folder_links)

    def count(self, handled: Handled) -> None:
        """Add what became of one file."""
        self.objects[handled.what] += 1
        if handled.what in (What.UNCHANGED, What.DONE_BEFORE) and handled.reason:
            self.as_they_were[handled.reason] += 1
        if handled.what is What.RELABELLED or not handled.reason:
            self.names.update(handled.statuses)
        else:
            self.not_written += handled.statuses.count(Status.RENAME)
        if handled.what in FINDINGS:
            self.findings.append((handled.source.path, handled.what, handled.reason))

    def as_json(self, outcomes: Iterable[What]) -> dict[str, Any]:
        """Counts of the possible ``outcomes``, and findings."""
        return {
            "objects": {what.value: self.objects[what] for what in outcomes},
            "left_as_they_were": dict(self.as_they_were),
            "new_names_not_written": self.not_written,
            "folder_links_not_followed": self.folder_links,
            "findings": [
                {"source": str(path), "outcome": what.value, "reason": reason}
                for path, what, reason in self.findings
            ],
        }


def relabel(order: Order, dry_run: bool, manifest: Path | None, as_json: bool) -> ExitCode:
    """The verb ``relabel``; ``manifest`` is where that of a dry run goes."""
    if manifest is not None and not dry_run:
        raise UsageError(
            "--manifest goes with --dry-run", hint=f"a real run writes {MANIFEST_NAME} into the output folder"
        )
    if dry_run and as_json and manifest is None:
        raise UsageError(
            "a dry run writes its manifest to standard output", hint="with --json give --manifest FILE"
        )
    if order.llm_questions is not None:
        return write_questions(order)
    summary = rehearse(order, manifest) if dry_run else relabel_archive(order)
    if as_json:
        names = {status.value: summary.names[status] for status in Status}
        print_json({**summary.as_json(_OUTCOMES), "names": names})
    else:
        show_summary(summary, open_console(errors=dry_run and manifest is None))
    return ExitCode.FINDINGS if summary.findings else ExitCode.DONE


def relabel_archive(order: Order) -> Summary:
    """Relabel into ``order.output``, resuming what an earlier run of the same order began.

    Raises:
        UsageError: an input does not exist.
        Tg263Error: the output folder cannot be used, is in use by another run, or its disk is full.
    """
    found = find_files(order.paths, order.output)
    with output_folder(order.output), closing(Manifest(order.output / MANIFEST_NAME)) as manifest:
        return _run(
            order,
            found,
            manifest.known.get,
            lambda handled: _keep(handled, manifest, order.output),
            lambda workshop: _refuse_other_settings(workshop, manifest.known.values()),
        )


def _refuse_other_settings(workshop: Workshop, known: Iterable[Record]) -> None:
    """Refuse to mix copies that were decided under different settings.

    Raises:
        UsageError: an earlier run decided under others, and ``--again`` was not given.
    """
    if workshop.again:
        return
    copies = [each for each in known if each.settings and each.sha256_after]
    others = [each for each in copies if each.settings != workshop.settings]
    if others:
        raise UsageError(
            f"an earlier run decided {len(others)} of the copies under other settings:"
            f" {differing_settings(others[-1].settings, workshop.settings)} changed since",
            hint="--again decides them anew and replaces the copies; or name another output folder",
        )


@contextmanager
def output_folder(output: Path) -> Iterator[None]:
    """Make the output folder and have it alone for the duration of the block.

    Raises:
        Tg263Error: it cannot be used, is in use by another run, or its disk is full.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        with sole_owner(output / ".tg263-scp.lock", "the output folder"):
            yield
    except OSError as problem:
        said = problem.strerror or type(problem).__name__
        raise Tg263Error(
            f"the output folder {output} cannot be written: {said}",
            hint="when that is mended run the same command again: it goes on where it ended",
        ) from problem


def rehearse(order: Order, manifest: Path | None) -> Summary:
    """Do the same work and keep no copy; the manifest goes to a file or to standard output.

    The copies are written to a temporary folder and proven there, so that the rehearsal finds what the run would find.
    """
    rows: list[Row] = []
    found = find_files(order.paths, order.output)
    with tempfile.TemporaryDirectory(prefix="tg263-scp-") as folder:
        rehearsal = replace(order, output=Path(folder))

        def forget(handled: Handled) -> Handled:
            rows.extend(without_copy(row) for row in handled.rows)
            if handled.temporary is not None:
                handled.temporary.unlink()
            return handled

        summary = _run(rehearsal, found, lambda relative: None, forget)
    if manifest is not None:
        write_atomically(manifest, manifest_text(rows))
    else:
        print_table(manifest_text(rows))
    return summary


def _keep(handled: Handled, manifest: Manifest, output: Path) -> Handled:
    """Enter an object into the manifest, then give its copy a name."""
    stop_if_full(handled)
    if handled.rows:
        manifest.add(handled.rows, at_once=handled.temporary is not None)
    publish(handled, output)
    return handled


def stop_if_full(handled: Handled) -> None:
    """A full disk is no fault of one file.

    Raises:
        OSError: the disk is full.
    """
    if handled.reason == errno.errorcode[errno.ENOSPC]:
        raise OSError(errno.ENOSPC, "no space left on the disk")


def _run(
    order: Order,
    found: Found,
    known: Callable[[str], Record | None],
    keep: Callable[[Handled], Handled],
    look: Callable[[Workshop], None] = lambda workshop: None,
) -> Summary:
    """Handle every file, once ``look`` lets the workshop pass.

    Plans and doses whose references are to change come when every structure set is done.

    Where an archive holds a set twice, changed and unchanged, nobody can say which of them a plan means: it is left alone.
    """
    summary = Summary.begun(found)
    uids: dict[str, str] = {}
    twins = Twins() if not order.copy_others else None
    put_off: list[Handled] = []
    with crew(order, look) as handled_by, progress("relabelling", len(found.sources)) as advance:
        for handled in handled_by((source, known(source.relative), None) for source in found.sources):
            if handled.what is What.PUT_OFF:
                put_off.append(handled)
                continue
            if twins is not None and twins.has(handled, known(handled.source.relative)):
                summary.count(keep(twin(handled, known(handled.source.relative))))
                advance(1)
                continue
            if handled.uids is not None:
                old, new = handled.uids
                uids[old] = new if uids.get(old, new) == new else old
            summary.count(keep(handled))
            advance(1)
        later = ((each.source, known(each.source.relative), _of(each, uids)) for each in put_off)
        for handled in handled_by(later):
            summary.count(keep(handled))
            advance(1)
    return summary


def _of(put_off: Handled, uids: Mapping[str, str]) -> dict[str, str]:
    """Return the new UIDs that matter for one plan or dose."""
    return {uid: uids[uid] for uid in put_off.refers_to if uids.get(uid, uid) != uid}


def _gate_words(reason: str) -> str:
    """Put into words why structure sets were let through as they were, and what would name them."""
    if reason == HoldReason.APPROVED:
        return f"{hold_words(reason)} (--approved relabel names such sets too)"
    return f"{hold_words(reason)} (the section naming.gates of the configuration decides)"


def show_summary(summary: Summary, console: Console) -> None:
    """Print the counts, then the files that a person has to look at."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right")
    for what in What:
        if summary.objects[what]:
            grid.add_row(str(summary.objects[what]), what.value, style="yellow" if what in FINDINGS else "")
    console.print(grid)
    if summary.names:
        parts = ", ".join(f"{summary.names[status]} {status.value}" for status in Status)
        console.print(f"names in the copies: {parts}")
    if summary.not_written:
        console.print(f"{summary.not_written} new names were decided and not written", style="yellow")
    for reason, count in summary.as_they_were.items():
        console.print(f"{count} structure sets stayed as they were: {_gate_words(reason)}", style="yellow")
    if summary.folder_links:
        console.print(f"{summary.folder_links} links to folders were not followed", style="yellow")
    for path, what, reason in summary.findings[:_SHOWN_FINDINGS]:
        console.print(f"{what.value}: {path} ({hold_words(reason)})", style="yellow")
    if len(summary.findings) > _SHOWN_FINDINGS:
        console.print(f"... and {len(summary.findings) - _SHOWN_FINDINGS} more; the manifest lists them all")
