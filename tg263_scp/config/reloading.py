"""A changed configuration taken over while the node runs: all of it that can be, or nothing.

Each part of the node that can take something over registers it once (:meth:`Reloads.add`). What no part registers needs a
restart, and is named. A part first prepares, and may refuse; only when every part is ready do they take over, one after
another. So a faulty file, or a table that it names, changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tg263_scp.config.fields import Misfit
from tg263_scp.config.routes import check_routes
from tg263_scp.config.sections import Config
from tg263_scp.errors import Tg263Error
from tg263_scp.naming.standard.nomenclature import Nomenclature

logger = logging.getLogger("tg263_scp.node")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, and the nomenclature that goes with it."""

    config: Config
    nomenclature: Nomenclature


TakeOver = Callable[[], None]
"""Puts in force what was prepared; it must not fail."""
Prepare = Callable[[Loaded], TakeOver]
"""Reads and checks what a part needs; it raises Tg263Error or OSError where the part cannot take it over."""


class Reloads:
    """The parts of one node that take over a changed configuration, and what is in force. Use it from one thread."""

    def __init__(self, loaded: Loaded) -> None:
        self.in_force = loaded
        """What the node works by."""
        self._parts: list[Prepare] = []
        self._settings: set[str] = set()

    def add(self, prepare: Prepare, *settings: str) -> None:
        """Register a part, and the settings that it takes over: a section (``naming``) or one setting (``listen.idle_s``).

        The part is asked at every reload, also where no setting has changed: a file that a setting names may be another one.
        A part that only reads such files anew names no settings.
        """
        self._parts.append(prepare)
        self._settings.update(settings)

    def reload(self, load: Callable[[], Loaded]) -> bool:
        """Take over what ``load`` returns, and log what changed and what needs a restart; false where all stays as it was."""
        try:
            found = load()
            wanted = Loaded(self._possible(found.config), found.nomenclature)
            take_overs = [prepare(wanted) for prepare in self._parts]
        except (Tg263Error, OSError) as problem:
            logger.error(
                "the configuration is not taken over, the one before stays in force: %s", _said(problem)
            )
            return False
        changed = differences(self.in_force.config, wanted.config)
        if self.in_force.nomenclature.digest != wanted.nomenclature.digest:
            changed = [*changed, "the nomenclature"]
        for take_over in take_overs:
            take_over()
        self.in_force = wanted
        logger.info(
            "configuration %s is in force; changed: %s",
            wanted.config.digest[:12],
            ", ".join(changed) or "nothing",
        )
        waiting = differences(wanted.config, found.config)
        if waiting:
            logger.warning("not taken over until the node is restarted: %s", ", ".join(waiting))
        return True

    def _possible(self, found: Config) -> Config:
        """Return the configuration in force with the settings of ``found`` that parts take over.

        Raises:
            Tg263Error: the new routes need destinations that the running node does not have.
        """
        config = self.in_force.config
        for setting in sorted(self._settings):
            section, _, key = setting.partition(".")
            value = getattr(found, section)
            if key:
                value = getattr(config, section).model_copy(update={key: getattr(value, key)})
            config = config.model_copy(update={section: value})
        try:
            check_routes(config.routes, [destination.name for destination in config.destinations])
        except Misfit as problem:
            raise Tg263Error(
                f"routes: {problem}", hint="destinations change with a restart only: restart the node"
            ) from problem
        return config


def _said(problem: Tg263Error | OSError) -> str:
    if isinstance(problem, OSError):
        return problem.strerror or type(problem).__name__
    return f"{problem.message} ({problem.hint})" if problem.hint else problem.message


def differences(one: Config, other: Config) -> list[str]:
    """Return the settings in which two configurations differ, as ``section.key``; lists are compared as a whole."""
    return list(_differences(one.model_dump(), other.model_dump(), ""))


def _differences(one: Mapping[str, Any], other: Mapping[str, Any], above: str) -> Iterator[str]:
    for key in one:
        if isinstance(one[key], dict) and isinstance(other[key], dict):
            yield from _differences(one[key], other[key], f"{above}{key}.")
        elif one[key] != other[key]:
            yield f"{above}{key}"
