"""A check of ``doctor`` and ``echo``: what was looked at, what was seen, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.shared.terminal import say


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, whether it is as it should be, what was seen, and what to do where it is not.

    ``harmless``: the node does its work all the same, so that the verb warns and ends well.
    """

    name: str
    good: bool
    detail: str
    hint: str = ""
    harmless: bool = False


def show(checks: Iterable[Check]) -> None:
    """Print a line for each check, and a hint where something is wrong."""
    for check in checks:
        mark = "ok  " if check.good else "warn" if check.harmless else "FAIL"
        say(f"{mark}  {check.name}: {check.detail}")
        if check.hint and not check.good:
            say(f"      hint: {check.hint}")


def found(checks: Iterable[Check]) -> ExitCode:
    """Say how the verb ends."""
    return ExitCode.DONE if all(check.good or check.harmless for check in checks) else ExitCode.FINDINGS
