"""``queue``: objects that are held, failed or on their way, and what a person can do about them.

Works beside a running node: the journal is shared, and the node finds a retried or released object at its next look.
A list names objects by their job number alone; the SOP Instance UID appears where one job is shown, no ROI name ever.
"""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tg263_scp.config.loading import load_config
from tg263_scp.errors import HoldReason, JournalError, Tg263Error
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Delivery, DeliveryState, Job, ObjectState
from tg263_scp.service.node import JOURNAL_NAME
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import complain, open_console, print_json, say
from tg263_scp.tools.shared.wording import hold_words

Entry = tuple[Job, list[Delivery]]


@contextmanager
def opened_journal(config: Path) -> Iterator[Journal]:
    """Open the journal of the node that ``config`` describes; one that does not exist is not made.

    Raises:
        Tg263Error: no node has ever run there.
    """
    path = load_config(config).spool.folder / JOURNAL_NAME
    if not path.is_file():
        raise Tg263Error(f"there is no journal at {path}", hint="has the node run with this configuration?")
    journal = Journal(path)
    try:
        yield journal
    finally:
        journal.close()


def list_jobs(config: Path, everything: bool, as_json: bool) -> ExitCode:
    """The verb ``queue list``."""
    with opened_journal(config) as journal:
        entries = journal.list_objects(finished=everything)
        unanswered = len(journal.unanswered())
    if as_json:
        print_json([_summary(entry) | {"errors": _errors(entry[1])} for entry in entries])
        return ExitCode.DONE
    console = open_console()
    _show_list(entries, console)
    if unanswered:
        console.print(
            f"{unanswered} objects went on with names that the language model was not asked about:"
            " `queue redo --unanswered` decides them anew",
            style="dim",
        )
    return ExitCode.DONE


def show_job(job: int, config: Path, as_json: bool) -> ExitCode:
    """The verb ``queue show``."""
    with opened_journal(config) as journal:
        entry = (journal.job(job), journal.outbox.deliveries(job))
    if as_json:
        print_json(_details(entry))
    else:
        _show_details(entry, open_console())
    return ExitCode.DONE


def retry_jobs(jobs: Sequence[int], everything: bool, config: Path) -> ExitCode:
    """The verb ``queue retry``: decide held objects anew, queue failed deliveries again, let nothing wait any longer."""
    if bool(jobs) == everything:
        raise UsageError("say which jobs to retry", hint="give job numbers, or --all")
    with opened_journal(config) as journal:
        chosen = (
            [job.job for job, deliveries in journal.list_objects() if _can_start_again(job, deliveries)]
            if everything
            else jobs
        )
        restarted = sum(journal.retry(job) > 0 for job in chosen)
    say(f"{restarted} of {len(chosen)} objects start again")
    return ExitCode.DONE if restarted == len(chosen) else ExitCode.FINDINGS


def redo_jobs(jobs: Sequence[int], unanswered: bool, config: Path) -> ExitCode:
    """The verb ``queue redo``: decide anew, and deliver again, what is done; says of each why not where it cannot."""
    if bool(jobs) == unanswered:
        raise UsageError("say which jobs to do again", hint="give job numbers, or --unanswered")
    with opened_journal(config) as journal:
        chosen = journal.unanswered() if unanswered else jobs
        begun = 0
        for job in chosen:
            try:
                journal.redo(job)
                begun += 1
            except JournalError as problem:
                complain(problem)
    say(f"{begun} of {len(chosen)} objects are decided anew")
    return ExitCode.DONE if begun == len(chosen) else ExitCode.FINDINGS


def release_jobs(jobs: Sequence[int], config: Path) -> ExitCode:
    """The verb ``queue release``: forward held objects as they were received; the audit log names who said so."""
    with opened_journal(config) as journal:
        for job in jobs:
            journal.release(job, by=getpass.getuser())
            say(f"job {job} goes on unchanged")
    return ExitCode.DONE


def _can_start_again(job: Job, deliveries: Sequence[Delivery]) -> bool:
    return _stuck(job, deliveries) or any(each.state is DeliveryState.RETRY for each in deliveries)


def _stuck(job: Job, deliveries: Sequence[Delivery]) -> bool:
    return job.state is ObjectState.HELD or any(each.state is DeliveryState.FAILED for each in deliveries)


def _summary(entry: Entry) -> dict[str, Any]:
    job, deliveries = entry
    return {
        "job": job.job,
        "state": job.state.value.lower(),
        "reason": job.reason,
        "unanswered": job.unanswered,
        "received": _time(job.received_at),
        "from": job.calling_ae_title,
        "bytes": job.dataset_bytes,
        "destinations": {each.destination: each.state.value.lower() for each in deliveries},
    }


def _errors(deliveries: Sequence[Delivery]) -> dict[str, str]:
    return {each.destination: each.error for each in deliveries if each.error}


def _details(entry: Entry) -> dict[str, Any]:
    job, deliveries = entry
    return {
        **_summary(entry),
        "sop_class_uid": job.sop_class_uid,
        "sop_instance_uid": job.sop_instance_uid,
        "transfer_syntax_uid": job.transfer_syntax_uid,
        "sha256": job.sha256,
        "peer_address": job.peer_address,
        "called_as": job.called_ae_title,
        "route": job.route,
        "changed": _time(job.changed_at),
        "relabelled_copy": job.sends_result,
        "other_version_of_same_uid": job.other_version,
        "came_back": job.returns,
        "destinations": [_delivery(each) for each in deliveries],
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    waits = delivery.state in (DeliveryState.PENDING, DeliveryState.RETRY)
    return {
        "destination": delivery.destination,
        "state": delivery.state.value.lower(),
        "attempts": delivery.attempts,
        "next_attempt": _time(delivery.next_attempt_at) if waits else "",
        "status": "" if delivery.status is None else f"0x{delivery.status:04X}",
        "set_aside": waits and delivery.aside,
        "error": delivery.error,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _show_list(entries: Sequence[Entry], console: Console) -> None:
    if not entries:
        console.print("Nothing waits: every object is where it should be.", style="green")
        return
    table = Table()
    for title in ("job", "state", "reason", "received (UTC)", "from", "MB", "destinations"):
        table.add_column(title, overflow="fold", justify="right" if title in ("job", "MB") else "left")
    for job, deliveries in entries:
        states = ", ".join(f"{each.destination} {each.state.value.lower()}" for each in deliveries)
        cells = (
            str(job.job),
            job.state.value.lower(),
            job.reason,
            _time(job.received_at).removesuffix("+00:00").replace("T", " "),
            job.calling_ae_title,
            f"{job.dataset_bytes / 1e6:.1f}",
            states,
        )
        table.add_row(*cells, style="yellow" if _stuck(job, deliveries) else "")
    console.print(table)
    held = sum(job.state is ObjectState.HELD for job, _ in entries)
    failed = sum(any(each.state is DeliveryState.FAILED for each in deliveries) for _, deliveries in entries)
    waiting = sum(job.reason == HoldReason.AWAITING_MODEL for job, _ in entries)
    waits = f", {waiting} waiting for the language model" if waiting else ""
    console.print(f"{len(entries)} objects: {held} held, {failed} with a failed delivery{waits}")
    errors = Counter(error for _, deliveries in entries for error in _errors(deliveries).items())
    for (destination, error), count in errors.items():
        console.print(f"{destination}, {count} objects: {error}")


def _show_details(entry: Entry, console: Console) -> None:
    details = _details(entry)
    deliveries = details.pop("destinations")
    if details["reason"]:
        details["reason"] = f"{details['reason']}: {hold_words(details['reason'])}"
    grid = Table.grid(padding=(0, 2))
    for key, value in details.items():
        shown = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        grid.add_row(key.replace("_", " "), str(shown))
    console.print(grid)
    if deliveries:
        table = Table(title="Destinations", title_justify="left")
        for title in deliveries[0]:
            table.add_column(title.replace("_", " "), overflow="fold")
        for delivery in deliveries:
            table.add_row(*map(str, delivery.values()))
        console.print(table)
