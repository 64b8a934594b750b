"""The settings as a table, read from the text of ``default_config.yaml`` and of the user's file.

Text, not values: a path stays as it was written, so that the table is the same on every computer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tg263_scp import yamlsource
from tg263_scp.config.loading import DEFAULTS_PATH
from tg263_scp.errors import ConfigError
from tg263_scp.tools.statement.markdown import table

_NO_BUSINESS_OF_PEERS = (
    *("llm", "review", "desk", "audit", "log", "metrics"),
    *("destinations", "commitment_peers", "routes"),
)
"""Sections that change nothing between two DICOM systems, or, destinations and routes, have tables of their own."""
_COMMENT = re.compile(r"(?:^|\s)#\s?(.*)$")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its default and its value here, both as written, and what the reference says of it."""

    key: str
    default: str
    here: str
    meaning: str


def settings_of(path: Path | None) -> list[Setting]:
    """Return all settings of ``default_config.yaml``, with the values of the user's file.

    Raises:
        ConfigError: a file cannot be read or is not YAML.
    """
    defaults = yamlsource.load(DEFAULTS_PATH, error=ConfigError)
    user = yamlsource.load(path, error=ConfigError) if path else yamlsource.Mapping()
    lines = DEFAULTS_PATH.read_text(encoding="utf-8").splitlines()
    return list(_walked(defaults, user, lines, ""))


def _walked(defaults: Any, user: Any, lines: list[str], above: str) -> Iterator[Setting]:
    for key, default in defaults.items():
        own = user.get(key, "") if isinstance(user, dict) else ""
        if not above and key in _NO_BUSINESS_OF_PEERS:
            continue
        if isinstance(default, dict):
            yield from _walked(default, own, lines, f"{above}{key}.")
        else:
            here = own if isinstance(user, dict) and key in user else default
            yield Setting(
                f"{above}{key}", _text(default), _text(here), _meaning(lines, defaults.line_of(key))
            )


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(each) for each in value) or "[]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(each)}" for key, each in value.items()) + "}"
    return str(value)


def _meaning(lines: list[str], line: int) -> str:
    """Take the comment behind a setting, and those on the lines below it that hold nothing else."""
    found = [_COMMENT.search(lines[line - 1])]
    for below in lines[line:]:
        if not below.strip().startswith("#") or below.startswith("#"):
            break
        found.append(_COMMENT.search(below))
    return " ".join(match[1].strip() for match in found if match)


def settings_table(settings: list[Setting]) -> str:
    """Return the table of parameters; "here" is filled where it differs from the default."""
    return table(
        ("parameter", "default", "here", "meaning"),
        (
            (
                f"`{each.key}`",
                f"`{each.default}`" if each.default else "",
                f"`{each.here}`" if each.here != each.default else "",
                each.meaning,
            )
            for each in settings
        ),
    )
