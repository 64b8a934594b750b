"""The node takes up what people said since: decisions about names, and the switch. Each is entered into the audit log once.

How far it is stands in a file of the spool; a crash between the log and that file leads to a look into the log, not to a second
line. Decisions count in this node from the moment their ids are in its audit log.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tg263_scp.durable import whole_file
from tg263_scp.errors import ReviewError
from tg263_scp.naming.query import RulingOn
from tg263_scp.service.audit import AuditLog
from tg263_scp.service.review.rulings import Rulings, TheObject
from tg263_scp.service.review.store import ReviewStore
from tg263_scp.service.switch import switch_setting

logger = logging.getLogger("tg263_scp.review")

TAKEN_NAME = "taken-up.json"


@dataclass(frozen=True, slots=True)
class _Taken:
    """The last line of the store and the last setting of the switch that are in the audit log, and its last line then."""

    store_seq: int = 0
    switch_id: str = ""
    audit_seq: int = 0


class TakingUp:
    """What people said, as far as this node knows of it. Used by the worker alone.

    Raises:
        ReviewError: the store is damaged: without it names would change that somebody wanted left alone.
    """

    def __init__(self, store: ReviewStore, audit: AuditLog, folder: Path) -> None:
        self._store = store
        self._audit = audit
        self._folder = folder
        self._taken = _read(folder / TAKEN_NAME)
        self._certain = self._taken.audit_seq == audit.last_seq
        self._rulings = Rulings((), store.digest)
        self._complained = ""
        self.paused = False
        """Whether every object is to pass as it was received."""
        store.refresh()
        self._use()

    @property
    def state(self) -> str:
        """Which decisions count: the hash of the last line of the store; empty where nothing was ever decided."""
        return self._rulings.state

    @property
    def damaged(self) -> bool:
        """Whether the store cannot be read any more; what was decided before still counts."""
        return bool(self._complained)

    def on(self, this: TheObject) -> RulingOn | None:
        """Return what tells the rulings on the names of an object."""
        return self._rulings.on(this)

    def take_up(self) -> None:
        """Enter what people said since into the audit log, and let it count from now on.

        Raises:
            OSError: the audit log cannot be written; nothing of it counts yet.
        """
        self._take_switch()
        try:
            news = self._store.refresh()
            self._complained = ""
        except ReviewError as problem:
            if self._complained != problem.message:
                logger.error("%s: what was decided before still counts", problem.message)
            self._complained = problem.message
            return
        if news or self._rulings.state != self._store.state:
            self._take_decisions()
            self._use()

    def _use(self) -> None:
        self._rulings = Rulings(self._store.decisions(), self._store.digest, self._store.state)

    def _take_decisions(self) -> None:
        for entry in self._store.entries():
            if entry.seq > self._taken.store_seq:
                line = {
                    "kind": "review",
                    "decision": f"review-{entry.seq}-{entry.id}",
                    "said": entry.kind,
                    "id": entry.id,
                    "by": entry.by,
                    "store_line": entry.seq,
                    "scope": str(entry.decision.scope.kind),
                }
                self._enter(line, replace(self._taken, store_seq=entry.seq))
                logger.info("decision %s: %s", entry.id, entry.kind)

    def _take_switch(self) -> None:
        setting = switch_setting(self._folder)
        if setting is None:
            self.paused = False
            return
        if setting.id != self._taken.switch_id:
            line = {
                "kind": "paused" if setting.paused else "resumed",
                "decision": f"switch-{setting.id}",
                "by": setting.by,
                "why": setting.why,
                "at": setting.at,
            }
            self._enter(line, replace(self._taken, switch_id=setting.id))
            logger.warning(
                "the node is %s", "paused: every object passes as received" if setting.paused else "resumed"
            )
        self.paused = setting.paused

    def _enter(self, line: Mapping[str, Any], taken: _Taken) -> None:
        if self._certain or not self._audit.holds(str(line["decision"]), after=self._taken.audit_seq):
            self._audit.append(line)
        self._taken = replace(taken, audit_seq=self._audit.last_seq)
        self._certain = True
        with whole_file(self._folder / TAKEN_NAME, replace=True, private=True) as (file, _):
            file.write(json.dumps(asdict(self._taken)).encode())


def _read(path: Path) -> _Taken:
    try:
        return _Taken(**json.loads(path.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return _Taken()
