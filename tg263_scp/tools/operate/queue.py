"""``queue``: objects that are held, failed or on their way, and what a person can do about them.

Works beside a running node: the journal is shared, and the node finds a retried or released object at its next look.
A list names objects by their job number alone; the SOP Instance UID appears where one job is shown, no ROI name ever.
"""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tg263_scp.config.loading import load_config
from tg263_scp.errors import DamagedJournalError, JournalError, Tg263Error
from tg263_scp.service.audit import last_job_number, log_lines
from tg263_scp.service.journal.adoption import Adoption, adopt
from tg263_scp.service.journal.database import ADOPT_HINT, JOURNAL_NAME
from tg263_scp.service.journal.objects import Journal, Totals
from tg263_scp.service.journal.states import Delivery, DeliveryState, Job, ObjectState
from tg263_scp.service.readback.ledger import LEDGER_NAME, proofs_of
from tg263_scp.service.sole_owner import sole_owner
from tg263_scp.service.spool import LOCK_NAME, Spool, unknown_objects
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import complain, open_console, print_json, print_json_rows, say
from tg263_scp.tools.shared.wording import hold_words

_ROWS_SHOWN = 100
"""More than that a person does not read, and a terminal takes long to draw."""

Entry = tuple[Job, list[Delivery]]


@contextmanager
def opened_journal(config: Path) -> Iterator[Journal]:
    """Open the journal of the node that ``config`` describes; one that does not exist is not made.

    Raises:
        Tg263Error: no node has ever run there, or its journal was lost.
    """
    folder = load_config(config).spool.folder
    path = folder / JOURNAL_NAME
    if not path.is_file():
        lost = unknown_objects(folder, tuple)
        if lost:
            raise Tg263Error(
                f"there is no journal at {path}, and the spool holds {lost} objects", hint=ADOPT_HINT
            )
        raise Tg263Error(f"there is no journal at {path}", hint="has the node run with this configuration?")
    with closing(Journal(path)) as journal:
        yield journal


def stopped_words(journal: Journal) -> str:
    """Say that the change waits for the node where it does not run; empty where it does."""
    try:
        with sole_owner(journal.path.with_name(LOCK_NAME), "the spool"):
            return ", once the node runs: `tg263-scp serve` (it does not run now)"
    except (Tg263Error, OSError):
        return ""


def list_jobs(config: Path, everything: bool, as_json: bool) -> ExitCode:
    """The verb ``queue list``."""
    with opened_journal(config) as journal:
        entries = journal.list_objects(finished=everything, most=None if as_json else _ROWS_SHOWN)
        totals = journal.totals(finished=everything)
        unanswered = len(journal.unanswered())
        unknown = unknown_objects(journal.path.parent, journal.tokens)
    if unknown:
        complain(
            f"the spool holds {unknown} objects that the journal does not know: 'tg263-scp queue adopt'"
            " takes them in again"
        )
    done = ExitCode.FINDINGS if unknown else ExitCode.DONE
    if as_json:
        print_json_rows(_summary(entry) | {"errors": _errors(entry[1])} for entry in entries)
        return done
    console = open_console()
    _show_list(entries, totals, console)
    if unanswered:
        console.print(
            f"{unanswered} objects went on with names that the language model was not asked about:"
            " `queue redo --unanswered` decides them anew",
            style="dim",
        )
    return done


def show_job(job: int, config: Path, as_json: bool) -> ExitCode:
    """The verb ``queue show``."""
    with opened_journal(config) as journal:
        entry = (journal.job(job), journal.outbox.deliveries(job))
        proofs = proofs_of(journal.path.with_name(LEDGER_NAME), job)
    if as_json:
        print_json(_details(entry, proofs))
    else:
        _show_details(entry, proofs, open_console())
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
        told = stopped_words(journal)
    say(f"{restarted} of {len(chosen)} objects start again{told}")
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
        told = stopped_words(journal)
    say(f"{begun} of {len(chosen)} objects are decided anew{told}")
    return ExitCode.DONE if begun == len(chosen) else ExitCode.FINDINGS


def release_jobs(jobs: Sequence[int], config: Path) -> ExitCode:
    """The verb ``queue release``: forward held objects as they were received; the audit log names who said so."""
    with opened_journal(config) as journal:
        for job in jobs:
            journal.release(job, by=getpass.getuser())
            say(f"job {job} goes on unchanged{stopped_words(journal)}")
    return ExitCode.DONE


def adopt_objects(send: bool, config: Path) -> ExitCode:
    """The verb ``queue adopt``: take in again, as held, what the spool holds and the journal does not know.

    Without a running node a damaged journal is put beside the new one, and files of objects are sought in the whole spool;
    beside a running one only in ``orphans``, where it put them when it started.
    """
    settings = load_config(config)
    folder = settings.spool.folder
    if not folder.is_dir():
        raise Tg263Error(f"there is no spool at {folder}", hint="has the node run with this configuration?")
    with ExitStack() as opened:
        stopped = True
        try:
            opened.enter_context(sole_owner(folder / LOCK_NAME, "the spool"))
        except Tg263Error:
            stopped = False
        if stopped:
            _put_damaged_journal_aside(folder / JOURNAL_NAME)
        journal = opened.enter_context(_journal_to_adopt_into(folder / JOURNAL_NAME, made=stopped))
        spool = Spool(folder, min_free_bytes=0)
        if stopped:
            if journal.last_job() == 0:
                journal.number_after(last_job_number(settings.audit.file))
            spool.sweep(journal.tokens(), ())
        adoption = adopt(
            spool,
            journal,
            log_lines(settings.audit.file),
            route_is_certain=lambda _: not settings.routes,
        )
        going = [job for job in adoption.held if send and job not in adoption.doubtful]
        for job in going:
            journal.retry(job)
    _tell_adoption(adoption, going, send=send)
    return ExitCode.FINDINGS if adoption.unreadable or len(going) < len(adoption.held) else ExitCode.DONE


@contextmanager
def _journal_to_adopt_into(path: Path, *, made: bool) -> Iterator[Journal]:
    if not (made or path.is_file()):
        raise Tg263Error(f"the running node has lost its journal {path}", hint="stop the node first")
    with closing(Journal(path, upgrade=made)) as journal:
        yield journal


def _put_damaged_journal_aside(path: Path) -> None:
    """Rename a journal that is no longer a whole database, and its companions: nothing of it is lost."""
    if not path.is_file():
        return
    try:
        with closing(Journal(path, upgrade=True)) as journal:
            journal.check()
    except DamagedJournalError:
        aside = f"{path.name}.damaged-{secrets.token_hex(4)}"
        # The companions first: beside a new journal they would be taken for its own.
        for suffix in ("-wal", "-shm", ""):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(path.with_name(aside + suffix))
        say(f"the damaged journal is now {path.with_name(aside)}")


def _tell_adoption(adoption: Adoption, going: Sequence[int], *, send: bool) -> None:
    total = len(adoption.held) + len(adoption.done) + len(adoption.discarded)
    say(
        f"{total} objects taken in again: {len(adoption.done)} are everywhere, {len(adoption.held)} were held"
    )
    if adoption.discarded:
        say(f"{len(adoption.discarded)} were discarded before, and stay so: `queue restore` undoes it")
    if going:
        say(f"{len(going)} of those go on")
    if send and adoption.doubtful:
        numbers = ", ".join(map(str, adoption.doubtful))
        say(f"still held, since another version has come or their route is not known: {numbers}")
    if adoption.known:
        say(f"{adoption.known} were here a second time: removed")
    if adoption.unreadable:
        complain(f"{adoption.unreadable} files in 'orphans' are none that the node wrote: left there")


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


def _details(entry: Entry, proofs: Mapping[str, str]) -> dict[str, Any]:
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
        "destinations": [
            _delivery(each) | {"read_back": proofs.get(each.destination, "")} for each in deliveries
        ],
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


def _show_list(entries: Sequence[Entry], totals: Totals, console: Console) -> None:
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
    if totals.objects > len(entries):
        console.print(f"... and {totals.objects - len(entries)} more, which --json lists", style="dim")
    waits = f", {totals.awaiting_llm} waiting for the language model" if totals.awaiting_llm else ""
    console.print(
        f"{totals.objects} objects: {totals.held} held, {totals.failed} with a failed delivery{waits}"
    )
    for destination, error, count in totals.errors:
        console.print(f"{destination}, {count} objects: {error}")


def _show_details(entry: Entry, proofs: Mapping[str, str], console: Console) -> None:
    details = _details(entry, proofs)
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
