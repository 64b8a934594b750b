"""Objects to be decided anew, since people have decided about their names: which ones, and where they go.

What is held is decided anew and goes on. What was delivered is sent again, to the destinations that may get an object twice
(``redeliver: yes``) and only there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tg263_scp.config.sections import Config
from tg263_scp.errors import JournalError
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.journal.states import FOR_REVIEW, Asked, Delivery, DeliveryState, Job, ObjectState
from tg263_scp.service.review.impact import differs
from tg263_scp.service.review.objects_at_hand import ObjectsAtHand
from tg263_scp.service.review.rulings import Rulings
from tg263_scp.service.review.seen_objects import SeenObject, SeenObjects
from tg263_scp.service.switch import refuse_while_paused

_AT_REST = frozenset({DeliveryState.SENT, DeliveryState.FAILED})


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job to be decided anew: ``names`` of it are concerned, and it goes to ``destinations``; empty for all of its route."""

    job: int
    state: str
    names: int
    destinations: tuple[str, ...]
    approved: bool


@dataclass(frozen=True, slots=True)
class ApplyPlan:
    """What would be done; ``refused`` are jobs that were asked for, each with why not."""

    jobs: tuple[PlannedJob, ...]
    refused: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """What was begun, and what the journal refused meanwhile."""

    begun: tuple[int, ...]
    refused: tuple[tuple[int, str], ...] = ()


class Applying:
    """Plans and begins, with the rulings of a moment."""

    def __init__(
        self,
        config: Config,
        rulings: Rulings,
        objects: SeenObjects,
        at_hand: ObjectsAtHand,
        nomenclature: Nomenclature,
    ) -> None:
        self._redeliver = {each.name for each in config.destinations if each.redeliver}
        self._folder = config.spool.folder
        self._rulings = rulings
        self._objects = objects
        self._at_hand = at_hand
        self._nomenclature = nomenclature

    def plan(self, *, held: bool, sent: bool, jobs: Sequence[int], approved: bool) -> ApplyPlan:
        """Say which objects would be decided anew; of those named by ``jobs`` all, of the others those whose names differ.

        Approved structure sets that were delivered are left out unless ``approved``.

        Raises:
            JournalError: there is no node, or its journal cannot be read.
        """
        with self._at_hand.journal() as journal:
            listed = {job.job: (job, deliveries) for job, deliveries in journal.list_objects(finished=True)}
        chosen = list(jobs)
        for number, (job, deliveries) in listed.items():
            wanted = (held and job.state is ObjectState.HELD) or (sent and _is_delivered(job, deliveries))
            if wanted and number not in jobs:
                chosen.append(number)
        seen = {each.job: (each, rois) for each, rois in self._objects.of_jobs(chosen)}
        planned: list[PlannedJob] = []
        refused: list[tuple[int, str]] = []
        for number in chosen:
            if number not in listed:
                refused.append((number, "no longer here"))
                continue
            known = seen.get(number)
            names = sum(self._concerned(*known)) if known else 0
            if not names and number not in jobs:
                continue
            is_approved = known is not None and known[0].approved
            found = self._planned(*listed[number], names, is_approved=is_approved, approved=approved)
            if isinstance(found, PlannedJob):
                planned.append(found)
            else:
                refused.append((number, found))
        return ApplyPlan(tuple(planned), tuple(refused))

    def _concerned(self, seen: SeenObject, rois: Sequence[dict[str, object]]) -> Iterator[bool]:
        sites = self._nomenclature.anatomy.nearest_first(seen.site)
        for roi in rois:
            number = roi.get("number")
            decision = self._rulings.decision_on(
                str(roi["old"]), number if isinstance(number, int) else None, sites, seen
            )
            yield differs(roi, decision)

    def _planned(
        self, job: Job, deliveries: Sequence[Delivery], names: int, *, is_approved: bool, approved: bool
    ) -> PlannedJob | str:
        state = job.state.value.lower()
        if job.state is ObjectState.HELD:
            return PlannedJob(job.job, state, names, (), is_approved)
        if not _is_delivered(job, deliveries):
            return "not decided yet, or on its way: wait until every destination has it"
        if is_approved and not approved:
            return "it is approved: only --approved sends it again"
        destinations = tuple(d.destination for d in deliveries if d.destination in self._redeliver)
        if not destinations:
            return "none of its destinations has redeliver: yes"
        return PlannedJob(job.job, state, names, destinations, is_approved)

    def apply(self, plan: ApplyPlan, *, by: str) -> Applied:
        """Have the node decide anew what a plan holds.

        Raises:
            JournalError: the journal cannot be opened.
            Tg263Error: the node is paused.
        """
        refuse_while_paused(self._folder)
        begun: list[int] = []
        refused: list[tuple[int, str]] = []
        with self._at_hand.journal() as journal:
            for planned in plan.jobs:
                wish = Asked(FOR_REVIEW, by, destinations=planned.destinations)
                try:
                    journal.redo(planned.job, wish=wish)
                    begun.append(planned.job)
                except JournalError as problem:
                    refused.append((planned.job, problem.message))
        return Applied(tuple(begun), tuple(refused))


def _is_delivered(job: Job, deliveries: Sequence[Delivery]) -> bool:
    return job.state is ObjectState.READY and all(each.state in _AT_REST for each in deliveries)
