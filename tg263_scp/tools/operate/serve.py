"""``serve``: run the node until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Event

from tg263_scp import __version__
from tg263_scp.config.loading import load_config
from tg263_scp.config.sections import Config
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.service.node import assemble
from tg263_scp.tools.operate.desk_process import desk_command, kept_running
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.shared.terminal import log_to_standard_error

logger = logging.getLogger("tg263_scp.serve")

_LOOK_EVERY_S = 1.0


def serve(config: Path) -> ExitCode:
    """The verb ``serve``: returns after SIGTERM or Ctrl-C, once running associations are done.

    The log goes to standard error, without ROI names and patient data.

    Raises:
        ConfigError: the configuration cannot be used.
        Tg263Error: the spool is in use, the port is taken, the journal or the audit log cannot be continued.
    """
    log_to_standard_error()
    # pynetdicom and pydicom name identifiers in what they log; httpx logs every request.
    for library in ("pynetdicom", "pydicom", "httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    # What is written here concerns patients: whatever the umask was, only this user reads it.
    os.umask(0o077)
    settings = load_config(config)
    nomenclature = load_nomenclature(overlay=settings.naming.overlay)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logger.info(
        "tg263-scp %s, nomenclature %s, configuration %s",
        __version__,
        nomenclature.digest[:12],
        settings.digest[:12],
    )
    with assemble(settings, nomenclature), _desk(settings, config):
        # A wait without end would not see a signal on Windows.
        while not stop.wait(_LOOK_EVERY_S):
            pass
        logger.info("told to stop")
    return ExitCode.DONE


def _desk(settings: Config, config: Path) -> AbstractContextManager[None]:
    """Keep the desk running beside the node, where the configuration gives it a port."""
    return nullcontext() if settings.desk.port is None else kept_running(desk_command(config))
