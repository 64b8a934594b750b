"""Which decision holds for which name of which object: the most specific one, the latest of equals (R030)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tg263_scp.config.sections import Config
from tg263_scp.errors import SourceLine
from tg263_scp.naming.query import Ruling, RulingOn
from tg263_scp.service.review.decisions import ReviewDecision, Ruled, ScopeKind, Standing, name_key
from tg263_scp.service.review.store import STORE_NAME, ReviewStore


class TheObject(Protocol):
    """The object whose names are decided."""

    @property
    def sop_instance_uid(self) -> str: ...  # noqa: D102
    @property
    def sender(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class NoObject:
    """Names that stand in a table: of no object, perhaps of a known sender."""

    sop_instance_uid: str = ""
    sender: str = ""
    version: str = ""


_Key = tuple[ScopeKind, str, str]
"""A scope, its value and the key of a name, or the digest of one."""


class Rulings:
    """The decisions of one ``standing`` at a moment, ready to be looked up."""

    def __init__(
        self,
        decisions: Iterable[ReviewDecision],
        digest: Callable[[str], str],
        state: str = "",
        *,
        standing: Standing = Standing.ACTIVE,
    ) -> None:
        self.state = state
        self._digest = digest
        self._by_key: dict[_Key, list[ReviewDecision]] = {}
        self._objects: set[str] = set()
        for decision in decisions:
            if decision.standing is standing:
                scope = decision.scope
                known_as = decision.name_digest or name_key(decision.name)
                self._by_key.setdefault((scope.kind, scope.value, known_as), []).append(decision)
                if scope.kind is ScopeKind.OBJECT:
                    self._objects.add(scope.value)

    def on(self, this: TheObject) -> RulingOn | None:
        """Return what tells the ruling on a name of an object; None where nothing was ever decided."""
        if not self._by_key:
            return None

        def ruling_on(name: str, roi_number: int, sites: Sequence[str]) -> Ruling | None:
            found = self.decision_on(name, roi_number, sites, this)
            return None if found is None else as_ruling(found)

        return ruling_on

    def decision_on(
        self, name: str, roi_number: int | None, sites: Sequence[str], this: TheObject
    ) -> ReviewDecision | None:
        """Return the decision that holds for a name, for its ROI Number and the sites of its set, nearest first."""
        if not self._by_key:
            return None
        key = name_key(name)
        if this.sop_instance_uid in self._objects:
            found = self._for_this_object(name, key, roi_number, this)
            if found is not None:
                return found
        wider = (
            *([(ScopeKind.SENDER, this.sender)] if this.sender else ()),
            *((ScopeKind.SITE, site) for site in sites),
            (ScopeKind.CLINIC, ""),
        )
        for kind, value in wider:
            decisions = self._by_key.get((kind, value, key))
            if decisions:
                return decisions[-1]
        return None

    def _for_this_object(
        self, name: str, key: str, roi_number: int | None, this: TheObject
    ) -> ReviewDecision | None:
        found = [
            decision
            for known_as in (key, self._digest(name))
            for decision in self._by_key.get((ScopeKind.OBJECT, this.sop_instance_uid, known_as), ())
            if decision.scope.roi in (None, roi_number) and decision.scope.version == this.version
        ]
        return max(found, key=lambda each: (each.scope.roi is not None, each.seq), default=None)


def as_ruling(decision: ReviewDecision) -> Ruling:
    """Return what naming has to know of a decision."""
    return Ruling(
        decision.id,
        decision.becomes,
        decision.ruled is Ruled.NEVER,
        decision.scope.kind is ScopeKind.OBJECT,
        SourceLine(STORE_NAME, decision.seq),
    )


def rulings_of(config: Config) -> Rulings:
    """Return the decisions that count for the node or the archive of a configuration.

    Raises:
        ReviewError: the store is damaged or cannot be read.
    """
    store = ReviewStore(config.review.store_folder)
    store.refresh()
    return Rulings(store.decisions(), store.digest, store.state)
