"""One switch for the whole node: while it is paused, every object passes as it was received; receiving and delivery go on.

The switch is a file in the spool. Its author says who and why; the node sees it before each object, and it outlives a
restart. A file that cannot be read counts as paused: to change nothing is always safe.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tg263_scp.durable import give_to_owner_of_folder, whole_file
from tg263_scp.errors import Tg263Error

SWITCH_NAME = "switch.json"


@dataclass(frozen=True, slots=True)
class SwitchSetting:
    """How the switch stands: who set it so, why, and when (ISO 8601). ``id`` tells one setting from the next."""

    paused: bool
    by: str
    why: str
    at: str
    id: str


def switch_setting(folder: Path) -> SwitchSetting | None:
    """Return how the switch in a spool folder stands; None where it was never touched."""
    try:
        said = json.loads((folder / SWITCH_NAME).read_bytes())
        return SwitchSetting(**said)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        return SwitchSetting(True, "", "the switch cannot be read", "", "unreadable")


def set_switch(folder: Path, *, paused: bool, by: str, why: str) -> SwitchSetting:
    """Pause the node, or let it go on; on the disk when this returns.

    Raises:
        Tg263Error: it stands so already, or the folder cannot be written.
    """
    before = switch_setting(folder)
    if (before is not None and before.paused) == paused:
        said = f"paused by {before.by}: {before.why}" if before and paused else "not paused"
        raise Tg263Error(f"the node is {said}", hint="`tg263-scp doctor` shows how the switch stands")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    setting = SwitchSetting(paused, by, why, at, secrets.token_hex(4))
    try:
        with whole_file(folder / SWITCH_NAME, replace=True, private=True) as (file, part):
            file.write(json.dumps(asdict(setting)).encode())
            give_to_owner_of_folder(part)
    except OSError as problem:
        raise Tg263Error(
            f"the switch in {folder} cannot be set: {problem.strerror}",
            hint="has the node run with this configuration, and may this user write there?",
        ) from problem
    return setting


def refuse_while_paused(folder: Path) -> None:
    """Refuse what makes no sense while every object passes as it was received.

    Raises:
        Tg263Error: the node is paused.
    """
    setting = switch_setting(folder)
    if setting is not None and setting.paused:
        raise Tg263Error(
            "the node is paused: objects would pass as they were received", hint="`tg263-scp resume` first"
        )
