"""``demo``: run the demonstration and show it."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from tg263_scp.tools.demo.demonstration import demonstrate
from tg263_scp.tools.demo.view import show_demo
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import open_console


def demo(path: Path | None, keep: Path | None) -> ExitCode:
    """The verb ``demo``."""
    if keep is not None:
        if keep.exists() and any(keep.iterdir()):
            raise UsageError(f"{keep} is not empty", hint="give --keep a new folder")
        keep.mkdir(parents=True, exist_ok=True)
    logging.getLogger("tg263_scp").addHandler(
        logging.NullHandler()
    )  # what it would say is shown in the tables
    console = open_console()
    with tempfile.TemporaryDirectory(prefix="tg263-scp-demo-") as temporary:
        demonstration = demonstrate(path, keep or Path(temporary))
        demonstration.folder = keep
        show_demo(demonstration, console)
    return ExitCode.DONE if demonstration.delivered else ExitCode.FINDINGS
