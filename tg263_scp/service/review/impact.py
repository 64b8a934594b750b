"""What a decision would change, before it takes effect: a dry run over audit log and spool."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tg263_scp.decision import Status
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.errors import HeldObjectError
from tg263_scp.naming.query import NamingOptions
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.journal.states import DeliveryState, ObjectState
from tg263_scp.service.review.decisions import (
    ReviewDecision,
    Ruled,
    ScopeKind,
    Standing,
    Wish,
    name_key,
)
from tg263_scp.service.review.objects_at_hand import ObjectsAtHand, decided_anew
from tg263_scp.service.review.rulings import Rulings
from tg263_scp.service.review.seen_objects import SeenObject, SeenObjects
from tg263_scp.service.review.store import ReviewStore

MOST_CHANGES = 10_000
DECIDED_ANEW_S = 10.0
"""So long structure sets of the spool are decided anew; of the others it is told what the decision itself says."""
_BEFORE_RULINGS = frozenset({"R000", "R010", "R020"})
HYPOTHETICAL = "(new)"
"""The id of a decision that was not made yet."""


@dataclass(frozen=True, slots=True)
class Change:
    """One name that would be another: ``now`` is what the ROI is called since its last decision, ``then`` what it would be.

    ``then`` is empty where the rules alone would decide. ``state`` is that of the job, ``gone`` where its files are. ``sure``
    tells that the whole set was decided anew for it.
    """

    job: int | None
    sop_instance_uid: str
    roi_number: int | None
    name: str
    now: str
    then: str
    state: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Impact:
    """What would change: of it at most :data:`MOST_CHANGES`, and how many objects and names that are.

    ``in_spool`` of the objects are still here, ``held`` of them held and ``delivered`` everywhere. ``differing`` are senders
    and sites for which the name was decided to mean something else.
    """

    changes: tuple[Change, ...]
    objects: int
    names: int
    in_spool: int
    delivered: int
    held: int
    differing: tuple[str, ...] = ()


def differs(roi: Mapping[str, Any], decision: ReviewDecision | None) -> bool:
    """Tell whether an ROI was decided under another decision than the one that holds; ``roi`` is its line of the audit log."""
    if "old_bytes" in roi or (decision.id if decision else "") == roi.get("ruling", ""):
        return False
    if decision is None or decision.ruled is Ruled.NEVER or decision.scope.kind is ScopeKind.OBJECT:
        return True
    return roi.get("rule") not in _BEFORE_RULINGS


def impact_of(
    wish: Wish | str,
    store: ReviewStore,
    objects: SeenObjects,
    at_hand: ObjectsAtHand,
    nomenclature: Nomenclature,
    options: NamingOptions,
    *,
    within_s: float = DECIDED_ANEW_S,
) -> Impact:
    """Say what a wish would change, or undoing the decision of that id.

    So long structure sets are decided anew for it.

    Raises:
        ReviewError: there is no such decision.
    """
    decisions = store.decisions()
    if isinstance(wish, Wish):
        about = as_decided(wish)
        decisions = [each for each in decisions if each.id != wish.instead_of]
        then = Rulings([*decisions, about], store.digest)
    else:
        about = store.decision(wish)
        then = Rulings([each for each in decisions if each.id != wish], store.digest)
    states = _states(at_hand)
    anew = _Anew(then, at_hand, nomenclature, options, within_s)
    changes: list[Change] = []
    changed = []
    for seen, rois in _candidates(about, objects):
        found = list(_changes(seen, rois, about, then, nomenclature, states, anew))
        if found:
            changed.append(seen)
        changes += found[: MOST_CHANGES - len(changes)]
    here = [states[seen.job][0] for seen in changed if seen.job in states]
    return Impact(
        tuple(changes),
        objects=len(changed),
        names=len(changes),
        in_spool=len(here),
        delivered=sum(states[seen.job][1] for seen in changed if seen.job in states),
        held=here.count("held"),
        differing=tuple(_differing(about, decisions)),
    )


def as_decided(wish: Wish) -> ReviewDecision:
    """Return the decision that a wish would become, under an id of its own."""
    return ReviewDecision(
        id=HYPOTHETICAL,
        seq=1 << 62,
        at="",
        by=wish.by,
        why=wish.why,
        name=wish.name,
        name_digest="",
        ruled=wish.ruled,
        becomes=wish.becomes,
        scope=wish.scope,
        evidence={},
        standing=Standing.ACTIVE,
    )


def _candidates(
    about: ReviewDecision, objects: SeenObjects
) -> Iterator[tuple[SeenObject, list[dict[str, Any]]]]:
    if about.scope.kind is ScopeKind.OBJECT:
        return objects.with_uid(about.scope.value)
    return objects.with_name(about.name)


def _states(at_hand: ObjectsAtHand) -> dict[int | None, tuple[str, bool]]:
    """Return, by job, its state in words, and whether every destination has it; only what is still here."""
    if not at_hand.has_node:
        return {}
    with at_hand.journal() as journal:
        listed = journal.list_objects(finished=True)
    return {
        job.job: (
            job.state.value.lower(),
            bool(deliveries) and all(each.state is DeliveryState.SENT for each in deliveries),
        )
        for job, deliveries in listed
        if job.state is not ObjectState.EXPIRED
    }


def _changes(
    seen: SeenObject,
    rois: Sequence[Mapping[str, Any]],
    about: ReviewDecision,
    then: Rulings,
    nomenclature: Nomenclature,
    states: Mapping[int | None, tuple[str, bool]],
    anew: _Anew,
) -> Iterator[Change]:
    sites = nomenclature.anatomy.nearest_first(seen.site)
    concerned = [
        (roi, decision)
        for roi in rois
        for decision in (then.decision_on(roi["old"], roi.get("number"), sites, seen),)
        if differs(roi, decision) and (_is(about, decision) or roi.get("ruling") == about.id)
    ]
    if not concerned:
        return
    state = states.get(seen.job, ("gone", False))[0]
    names = anew.names(seen) if seen.job in states else None
    if names is not None and len(names) == len(rois):
        for roi, name in zip(rois, names, strict=True):
            if name != roi["new"]:
                yield _change(seen, roi, name, state, sure=True)
        return
    for roi, decision in concerned:
        after = "" if decision is None else decision.becomes or roi["old"]
        if after != roi["new"] or roi["status"] == Status.REVIEW:
            yield _change(seen, roi, after, state, sure=False)


def _is(about: ReviewDecision, decision: ReviewDecision | None) -> bool:
    return decision is not None and decision.id == about.id


def _change(seen: SeenObject, roi: Mapping[str, Any], then: str, state: str, *, sure: bool) -> Change:
    return Change(
        seen.job, seen.sop_instance_uid, roi.get("number"), roi["old"], roi["new"], then, state, sure
    )


class _Anew:
    """Decides structure sets of the spool anew, as long as there is time."""

    def __init__(
        self,
        then: Rulings,
        at_hand: ObjectsAtHand,
        nomenclature: Nomenclature,
        options: NamingOptions,
        within_s: float,
    ) -> None:
        self._then = then
        self._at_hand = at_hand
        self._nomenclature = nomenclature
        self._options = options
        self._until = time.monotonic() + within_s

    def names(self, seen: SeenObject) -> list[str] | None:
        """Return what the ROIs of an object would be called; None where that was not tried or does not work."""
        if time.monotonic() > self._until or seen.job is None:
            return None
        try:
            with self._at_hand.journal() as journal:
                path = self._at_hand.original(journal.job(seen.job).token)
            read = read_structure_set(path)
            ruling_on = self._then.on(seen)
            decisions = decided_anew(path, read, ruling_on, self._nomenclature, self._options)
        except (HeldObjectError, OSError):
            return None
        return [decision.name for decision in decisions]


def _differing(about: ReviewDecision, decisions: Iterable[ReviewDecision]) -> Iterator[str]:
    if about.scope.kind is not ScopeKind.CLINIC:
        return
    for each in decisions:
        narrower = each.scope.kind in (ScopeKind.SENDER, ScopeKind.SITE)
        same_name = name_key(each.name) == name_key(about.name)
        counts = each.standing is not Standing.UNDONE
        if narrower and same_name and counts and (each.ruled, each.becomes) != (about.ruled, about.becomes):
            yield each.scope.value
