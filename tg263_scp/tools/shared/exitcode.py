"""How a verb ended, for the shell that called it."""

from __future__ import annotations

from enum import IntEnum

from tg263_scp.errors import Tg263Error


class ExitCode(IntEnum):
    """Exit codes of every verb; scripts rely on them."""

    DONE = 0
    FINDINGS = 1
    """Done, and something needs a person: an object held, a check failed, a chain that does not verify."""
    USAGE = 2
    """The call or the given table cannot be used."""
    CONFIGURATION = 3
    """The configuration, the nomenclature or an overlay cannot be used."""
    FAILURE = 4
    """Anything else that stopped the work."""
    INTERRUPTED = 130
    """Stopped from the keyboard."""


class UsageError(Tg263Error):
    """What was asked for, or a file that was given, cannot be used as it is."""
