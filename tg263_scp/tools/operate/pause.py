"""``pause`` and ``resume``: one switch for the whole node; receiving and delivery go on, names stay as they come."""

from __future__ import annotations

from pathlib import Path

from tg263_scp.config.loading import load_config
from tg263_scp.service.switch import set_switch
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import say


def pause(by: str, why: str, config: Path) -> ExitCode:
    """The verb ``pause``: from the next object on everything passes as it was received."""
    _set(config, paused=True, by=by, why=why)
    say("From the next object on everything passes as it was received. `tg263-scp resume` ends that.")
    return ExitCode.DONE


def resume(by: str, why: str, config: Path) -> ExitCode:
    """The verb ``resume``: from the next object on names are decided again."""
    _set(config, paused=False, by=by, why=why)
    say("From the next object on names are decided again.")
    return ExitCode.DONE


def _set(config: Path, *, paused: bool, by: str, why: str) -> None:
    if not by.strip() or (paused and not why.strip()):
        raise UsageError("--by or --why is empty", hint="the audit log keeps it: say who, and why")
    set_switch(load_config(config).spool.folder, paused=paused, by=by, why=why)
