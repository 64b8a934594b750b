"""The notifier: looks once a minute whether there is something new to tell, and tells it, at most once an hour for each cause.

What is new at one look goes in one message. What was told stands in a file of the spool, so that a restart repeats nothing.
"""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tg263_scp.durable import whole_file
from tg263_scp.errors import Tg263Error
from tg263_scp.service.notify.causes import Finding, Sources
from tg263_scp.service.notify.channels import Channel, Message
from tg263_scp.service.polling import Clock, PollingThread

logger = logging.getLogger("tg263_scp.notify")

NOTED_NAME = "notified.json"
LOOK_EVERY_S = 60.0
TRY_AGAIN_S = 300.0
_MOST_REMEMBERED = 10_000


class Notifier(PollingThread):
    """Tells people; :meth:`start` and :meth:`stop` run it on a thread of its own, so that nothing waits for a mail server."""

    def __init__(
        self,
        sources: Sources,
        channels: Sequence[Channel],
        folder: Path,
        node: str,
        *,
        every_s: float,
        clock: Clock,
    ) -> None:
        super().__init__("notifier", subject="notification", logger=logger, clock=clock)
        self._sources = sources
        self._channels = channels
        self._noted = folder / NOTED_NAME
        self._node = node
        self._every_s = every_s
        self._told = _read(self._noted)
        self._not_before = 0.0

    def _prepare(self, *, afresh: bool) -> None:
        """Nothing comes before a look."""

    def _idle_s(self) -> float:
        return LOOK_EVERY_S

    def work_on_next(self) -> bool:
        """Look once, and tell what is new; false, since the next look is a while away."""
        now = self._clock()
        findings = self._sources.findings()
        self._forget_what_is_over(findings)
        news = [each for each in findings if self._is_due(each, now)]
        if news and now >= self._not_before:
            if self._tell(news):
                for each in news:
                    self._told[each.cause] = {"at": now, "items": sorted(each.items)[:_MOST_REMEMBERED]}
                self._note()
            else:
                self._not_before = now + TRY_AGAIN_S
        return False

    def _is_due(self, finding: Finding, now: float) -> bool:
        told = self._told.get(finding.cause, {"at": -self._every_s, "items": []})
        return now >= told["at"] + self._every_s and not finding.items <= set(told["items"])

    def _forget_what_is_over(self, findings: Iterable[Finding]) -> None:
        """What is over and begins again is news; the hour since it was told last holds all the same."""
        now_there = {str(each.cause): each.items for each in findings}
        for cause, told in self._told.items():
            told["items"] = [each for each in told["items"] if each in now_there.get(cause, ())]

    def _tell(self, news: Sequence[Finding]) -> bool:
        """Send one message over every channel; true where one of them took it."""
        message = self._message(news)
        taken = False
        for channel in self._channels:
            try:
                channel.send(message)
                taken = True
            except (Tg263Error, OSError) as problem:
                said = problem.message if isinstance(problem, Tg263Error) else type(problem).__name__
                logger.error("%s: %s", channel.name, said)
        if taken:
            logger.info("told: %s", ", ".join(str(each.cause) for each in news))
        return taken

    def _message(self, news: Sequence[Finding]) -> Message:
        causes = [{"cause": str(each.cause), "count": len(each.items), "text": each.text} for each in news]
        facts = {
            "node": self._node,
            "computer": platform.node(),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "causes": causes,
        }
        words = ", ".join(str(each.cause).replace("_", " ") for each in news)
        return Message(f"tg263-scp {self._node}: {words}", "\n".join(each.text for each in news), facts)

    def _note(self) -> None:
        with whole_file(self._noted, replace=True, private=True) as (file, _):
            file.write(json.dumps(self._told).encode())


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        told: dict[str, dict[str, Any]] = json.loads(path.read_bytes())
        return {
            cause: {"at": float(each["at"]), "items": list(each["items"])} for cause, each in told.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
