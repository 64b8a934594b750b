"""``demo``: run the demonstration and show it."""

from __future__ import annotations

import logging
import signal
import tempfile
from pathlib import Path
from threading import Event

from rich.console import Console

from tg263_scp.tools.demo.demonstration import demonstrate, left_running
from tg263_scp.tools.demo.view import show_demo, show_running, show_what_next
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import open_console

_LOOK_EVERY_S = 1.0


def demo(path: Path | None, keep: Path | None, desk: bool) -> ExitCode:
    """The verb ``demo``; with ``desk`` it returns after SIGTERM or Ctrl-C."""
    if keep is not None:
        if keep.exists() and any(keep.iterdir()):
            raise UsageError(f"{keep} is not empty", hint="give --keep a new folder")
        keep.mkdir(parents=True, exist_ok=True)
    logging.getLogger("tg263_scp").addHandler(
        logging.NullHandler()
    )  # what it would say is shown in the tables
    console = open_console()
    with tempfile.TemporaryDirectory(prefix="tg263-scp-demo-") as temporary:
        folder = keep or Path(temporary)
        demonstration = demonstrate(path, folder, desk=desk)
        demonstration.folder = keep
        show_demo(demonstration, console)
        show_what_next(path is not None, desk, console)
        if desk:
            _leave_running(folder, console)
    return ExitCode.DONE if demonstration.delivered else ExitCode.FINDINGS


def _leave_running(folder: Path, console: Console) -> None:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with left_running(folder) as running:
        show_running(running, console)
        # A wait without end would not see a signal on Windows.
        while not stop.wait(_LOOK_EVERY_S):
            pass
