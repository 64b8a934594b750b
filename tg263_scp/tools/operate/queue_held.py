"""``queue export``, ``discard`` and ``restore``: what a person can do about a held object beside releasing it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tg263_scp.config.loading import load_config
from tg263_scp.durable import whole_file
from tg263_scp.errors import Tg263Error
from tg263_scp.service.journal.states import ObjectState
from tg263_scp.service.spool import Spool
from tg263_scp.service.switch import refuse_while_paused
from tg263_scp.tools.operate.queue import opened_journal, stopped_words
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import say


def export_job(job: int, file: Path, config: Path) -> ExitCode:
    """The verb ``queue export``: write an object to a new DICOM file, for its owner alone, as it was received."""
    with opened_journal(config) as journal:
        token = journal.job(job).token
    original = Spool(load_config(config).spool.folder, min_free_bytes=0).original(token)
    try:
        with original.open("rb") as source, whole_file(file, private=True) as (target, _):
            shutil.copyfileobj(source, target)
    except FileExistsError:
        raise Tg263Error(f"{file} exists and is not overwritten", hint="name another file") from None
    except FileNotFoundError as problem:
        if original.exists():
            raise Tg263Error(f"there is no folder {file.parent}", hint="make it first") from problem
        raise Tg263Error(
            f"the file of job {job} is no longer in the spool",
            hint="it is everywhere, or was discarded for long",
        ) from problem
    except OSError as problem:
        raise Tg263Error(
            f"job {job} cannot be written to {file}: {problem.strerror}",
            hint="look at the disk and its permissions",
        ) from problem
    say(f"job {job} is in {file}; the spool keeps it")
    return ExitCode.DONE


def discard_jobs(jobs: Sequence[int], by: str, why: str, config: Path) -> ExitCode:
    """The verb ``queue discard``: held objects go nowhere; the audit log says who wanted it, and why."""
    _said(by, "--by")
    _said(why, "--why")
    settings = load_config(config)
    with opened_journal(config) as journal:
        for job in jobs:
            journal.discard(job, by=by, why=why)
            say(
                f"job {job} is discarded; its file stays for {settings.spool.discarded_retention_s / 86400:g} days"
            )
    return ExitCode.DONE


def restore_jobs(jobs: Sequence[int], by: str, why: str, config: Path) -> ExitCode:
    """The verb ``queue restore``: discarded objects are held again; of delivered ones the original is sent again."""
    _said(by, "--by")
    with opened_journal(config) as journal:
        for job in jobs:
            if journal.job(job).state is ObjectState.READY:
                journal.send_original(job, by=by, why=why)
                say(f"job {job} goes to its destinations again, as it was received{stopped_words(journal)}")
            else:
                journal.restore(job, by=by)
                say(f"job {job} is held again")
    return ExitCode.DONE


def relabel_jobs(jobs: Sequence[int], by: str, why: str, config: Path) -> ExitCode:
    """The verb ``queue relabel``: approved structure sets are relabelled this once; they keep their Approval Status."""
    _said(by, "--by")
    _said(why, "--why")
    settings = load_config(config)
    refuse_while_paused(settings.spool.folder)
    may_redeliver = {each.name for each in settings.destinations if each.redeliver}
    with opened_journal(config) as journal:
        for job in jobs:
            delivered = [each.destination for each in journal.outbox.deliveries(job)]
            goes_to = [name for name in delivered if name in may_redeliver]
            if delivered and not goes_to:
                raise Tg263Error(
                    f"job {job} is delivered, and none of its destinations may get it twice",
                    hint="redeliver: yes at a destination allows it",
                )
            journal.relabel_once(job, by=by, why=why, destinations=goes_to)
            say(f"job {job} is relabelled this once{stopped_words(journal)}")
    say("Their approval preceded the names: audit log and object say so.")
    return ExitCode.DONE


def _said(text: str, option: str) -> None:
    if not text.strip():
        raise UsageError(f"{option} is empty", hint="the audit log keeps it: say who, or why")
