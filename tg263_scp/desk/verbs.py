"""``desk``: run the review desk alone, tell its login link, enter users and tokens.

Stands here and not with the other verbs, since the desk is built upon those. Nothing of the extra ``desk`` is imported before
the desk is run.
"""

from __future__ import annotations

import getpass
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread

from tg263_scp.config.loading import load_config
from tg263_scp.desk.security.accounts import enter_account, enter_token
from tg263_scp.desk.security.passwords import LEAST_CHARACTERS, hashed
from tg263_scp.errors import Tg263Error
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import begin_log, say

_LOOK_EVERY_S = 1.0
_INSTALL = "pip install 'tg263-scp[desk]'"


def run(config: Path | None, until_input_ends: bool = False) -> ExitCode:
    """The verb ``desk``: returns after SIGTERM or Ctrl-C, or when standard input ends where ``until_input_ends`` says so.

    Raises:
        ConfigError: the configuration cannot be used.
        Tg263Error: the extra is not installed, or the desk cannot listen.
    """
    if config is None:
        raise UsageError("say which node the desk is for", hint="give --config FILE")
    log = load_config(config).log
    begin_log(log.level, log.file and log.file.with_name(f"{log.file.name}.desk"), log.format)
    for library in ("pydicom", "uvicorn", "uvicorn.error", "multipart", "python_multipart"):
        logging.getLogger(library).setLevel(logging.ERROR)
    try:
        from tg263_scp.desk.server import running_desk
    except ModuleNotFoundError as problem:
        raise Tg263Error(f"the desk needs the package {problem.name}", hint=_INSTALL) from problem
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if until_input_ends:
        Thread(target=_wait_for_end_of_input, args=(stop,), daemon=True).start()
    with running_desk(config):
        # A wait without end would not see a signal on Windows.
        while not stop.wait(_LOOK_EVERY_S):
            pass
    return ExitCode.DONE


def _wait_for_end_of_input(stop: Event) -> None:
    """A node that ends, however it ends, closes the pipe."""
    while sys.stdin.buffer.read(1024):
        pass
    stop.set()


def link(config: Path) -> ExitCode:
    """The verb ``desk link``: print the address that logs in, to whoever may read its file.

    Raises:
        Tg263Error: no desk runs, or this user may not read the file.
    """
    desk = load_config(config).desk
    try:
        say(desk.link_file.read_text(encoding="utf-8").strip())
    except FileNotFoundError as problem:
        wanted = (
            "start it: 'tg263-scp desk --config FILE', or desk.port and 'tg263-scp serve'"
            if desk.login_link
            else "desk.login_link is off: log in by name, as 'tg263-scp desk add-user' entered it"
        )
        raise Tg263Error("no desk with a login link runs", hint=wanted) from problem
    except OSError as problem:
        raise Tg263Error(
            f"{desk.link_file} cannot be read: {problem.strerror}", hint="ask as the user the desk runs as"
        ) from problem
    return ExitCode.DONE


def add_user(name: str, roles: Sequence[str], by_proxy: bool, config: Path) -> ExitCode:
    """The verb ``desk add-user``: ask for a password twice, or read it from standard input, and enter the user.

    Raises:
        UsageError: the password is too short, or was written differently the second time.
        Tg263Error: name or role is none, or the file cannot be written.
    """
    desk = load_config(config).desk
    kept = "" if by_proxy else hashed(_asked_password())
    enter_account(desk.users, name, roles, kept)
    say(f"{name} may {', '.join(roles)}: {desk.users}")
    return ExitCode.DONE


def _asked_password() -> str:
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = getpass.getpass("password: ")
        if getpass.getpass("again: ") != password:
            raise UsageError("the two passwords differ", hint="begin again")
    if len(password) < LEAST_CHARACTERS:
        raise UsageError(
            f"a password has at least {LEAST_CHARACTERS} characters", hint="several words are easy to keep"
        )
    return password


def add_token(name: str, config: Path) -> ExitCode:
    """The verb ``desk add-token``: make a token of the names API and print it, this once.

    Raises:
        Tg263Error: the name is none, or the file cannot be written.
    """
    desk = load_config(config).desk
    say(enter_token(desk.tokens, name))
    say(f"keep it as a password; the line '{name}' of {desk.tokens} ends it", errors=True)
    return ExitCode.DONE
