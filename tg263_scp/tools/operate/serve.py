"""``serve``: run the node until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Event

from tg263_scp import __version__
from tg263_scp.config.loading import load_config
from tg263_scp.config.reloading import Loaded
from tg263_scp.config.sections import Config
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.service.faults import fault_place
from tg263_scp.service.node import Node, assemble
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.shared.kept_process import kept_running
from tg263_scp.tools.shared.terminal import begin_log

logger = logging.getLogger("tg263_scp.serve")

_LOOK_EVERY_S = 1.0


def serve(config: Path) -> ExitCode:
    """The verb ``serve``: returns after SIGTERM or Ctrl-C, once running associations are done. SIGHUP makes it read the
    configuration again.

    The log goes where the section ``log`` says, without ROI names and patient data.

    Raises:
        ConfigError: the configuration cannot be used.
        Tg263Error: the spool is in use, the port is taken, the journal or the audit log cannot be continued.
    """
    # What is written here concerns patients: whatever the umask was, only this user reads it.
    os.umask(0o077)
    begin_log()
    # pynetdicom and pydicom name identifiers in what they log; httpx logs every request.
    for library in ("pynetdicom", "pydicom", "httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    stop, again = Event(), Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if hasattr(signal, "SIGHUP"):  # not on Windows
        signal.signal(signal.SIGHUP, lambda *_: again.set())
    loaded = _loaded(config)
    settings, nomenclature = loaded.config, loaded.nomenclature
    begin_log(settings.log.level, settings.log.file, settings.log.format)
    logger.info(
        "tg263-scp %s, nomenclature %s, configuration %s",
        __version__,
        nomenclature.digest[:12],
        settings.digest[:12],
    )
    with assemble(settings, nomenclature) as node, _desk(settings, config):
        # A wait without end would not see a signal on Windows.
        while not stop.wait(_LOOK_EVERY_S):
            if again.is_set():
                again.clear()
                _read_again(node, config)
        logger.info("told to stop")
    return ExitCode.DONE


def desk_command(config: Path) -> list[str]:
    """Return the command that runs the desk of a configuration for as long as its standard input is open."""
    return [sys.executable, "-m", "tg263_scp", "desk", "--config", str(config), "--until-input-ends"]


def _desk(settings: Config, config: Path) -> AbstractContextManager[None]:
    """Keep the desk running beside the node, where the configuration gives it a port."""
    return nullcontext() if settings.desk.port is None else kept_running(desk_command(config))


def _loaded(config: Path) -> Loaded:
    settings = load_config(config)
    return Loaded(
        settings, load_nomenclature(overlay=settings.naming.overlay, languages=settings.naming.languages)
    )


def _read_again(node: Node, config: Path) -> None:
    logger.info("told to read the configuration again")
    try:
        node.reloads.reload(lambda: _loaded(config))
        node.reload_certificates()
    except Exception as problem:  # whatever a changed file does: the node goes on
        logger.error("the configuration is not taken over after %s", fault_place(problem))
