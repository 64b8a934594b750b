"""Review of names: what desk and verbs call. Opened for one configuration, of a node or of an archive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tg263_scp.config.loading import load_config
from tg263_scp.config.sections import Config
from tg263_scp.decision import Status
from tg263_scp.errors import ReviewError
from tg263_scp.naming.query import NamingOptions
from tg263_scp.naming.standard.loading import load_nomenclature
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.naming_options import naming_options
from tg263_scp.service.review import checking
from tg263_scp.service.review.applying import Applied, Applying, ApplyPlan
from tg263_scp.service.review.checking import Checked, Seen
from tg263_scp.service.review.decisions import (
    Entry,
    ReviewDecision,
    ScopeKind,
    Standing,
    Wish,
    name_key,
)
from tg263_scp.service.review.exchange import Exported, Imported, as_overlay, clinic_of, proposals_of
from tg263_scp.service.review.impact import DECIDED_ANEW_S, HYPOTHETICAL, Impact, as_decided, impact_of
from tg263_scp.service.review.objects_at_hand import AtHand, ObjectsAtHand, decided_anew, seen_in
from tg263_scp.service.review.open_names import Filter, Occurrence, OpenName, open_names
from tg263_scp.service.review.rulings import Rulings
from tg263_scp.service.review.seen_objects import SeenObject, SeenObjects
from tg263_scp.service.review.store import ReviewStore, Writer


def open_review(config: Path) -> Review:
    """Open the review of the node or the archive that a configuration describes.

    Raises:
        ConfigError: the configuration cannot be used.
        NomenclatureError: the nomenclature or the overlay cannot be used.
    """
    settings = load_config(config)
    return Review(
        settings,
        load_nomenclature(
            overlay=settings.naming.overlay, compiled=True, languages=settings.naming.languages
        ),
    )


class Review:
    """Open names and decisions; safe to use from several threads. What other programs wrote is seen at the next call.

    ``archive`` are objects that no audit log knows, such as those of a manifest.
    """

    def __init__(
        self, config: Config, nomenclature: Nomenclature, archive: Iterable[SeenObject] = ()
    ) -> None:
        self._config = config
        self._nomenclature = nomenclature
        self._options: NamingOptions = naming_options(config.naming)
        self._archive = tuple(archive)
        self._store = ReviewStore(config.review.store_folder, second_person=config.review.second_person)
        self._objects = SeenObjects(config.audit.file)
        self._at_hand = ObjectsAtHand(config.spool.folder)

    @property
    def second_person(self) -> bool:
        """Whether somebody else has to approve a decision before it counts."""
        return self._store.second_person

    @property
    def state(self) -> str:
        """Which decisions count: the hash of the last line of the store; empty where nothing was ever decided.

        Raises:
            ReviewError: the store is damaged.
        """
        self._store.refresh()
        return self._store.state

    def open_names(
        self, *, site: str = "", sender: str = "", since: str = "", status: str = "open"
    ) -> list[OpenName]:
        """Return the distinct names that wait, most frequent first; see :class:`Filter` for what is wanted.

        Raises:
            ReviewError: the store is damaged.
            OSError: the audit log cannot be read.
        """
        self._refresh()
        active, waiting = self._rulings(Standing.ACTIVE), self._rulings(Standing.WAITING)
        wanted = Filter(site, sender, since, status)
        objects = (*self._objects.last(), *self._archive)
        return open_names(objects, active, waiting, wanted, self._nomenclature.anatomy.nearest_first)

    @property
    def stamp(self) -> tuple[int, str]:
        """What is another one whenever :meth:`open_names` may answer otherwise.

        Raises:
            ReviewError: the store is damaged.
            OSError: the audit log cannot be read.
        """
        self._refresh()
        return self._objects.generation, self._store.state

    def seen(self, job: int) -> tuple[SeenObject, list[dict[str, Any]]] | None:
        """Return the last decision about the structure set of a job, and the audit lines of its ROIs; None without one.

        Raises:
            OSError: the audit log cannot be read.
        """
        self._objects.refresh()
        return next(iter(self._objects.of_jobs((job,))), None)

    def find(self, name: str) -> OpenName | None:
        """Return one of the names that wait, open ones before those that were decided since; None where it is none."""
        found = [each for each in self.open_names(status="all") if each.key == name_key(name)]
        return min(found, key=lambda each: each.status != "open", default=None)

    def decisions(self) -> list[ReviewDecision]:
        """Return all decisions as they stand, oldest first."""
        self._store.refresh()
        return self._store.decisions()

    def decided_about(self, name: str) -> list[ReviewDecision]:
        """Return the decisions about a name that were not undone."""
        self._store.refresh()
        return self._store.about(name)

    def log(self) -> list[Entry]:
        """Return what was decided, approved and undone, oldest first."""
        self._store.refresh()
        return self._store.entries()

    def check(self, wish: Wish) -> Checked:
        """Say what would come of a wish; nothing is written.

        Raises:
            ReviewError: the wish makes no sense, or its object is gone.
        """
        checking.refuse_unfit(wish)
        return self._checked(wish)[0]

    def _checked(self, wish: Wish) -> tuple[Checked, Seen | None]:
        at_hand = self._at_hand.find(wish)
        seen = None if at_hand is None else seen_in(at_hand, wish, self._site_of(at_hand.version))
        if seen is not None and wish.scope.kind is ScopeKind.OBJECT:
            roi = wish.scope.roi if wish.scope.roi is not None else seen.scope.roi
            seen = replace(seen, scope=replace(seen.scope, roi=roi))
            wish = replace(wish, scope=seen.scope)
        known = self.decided_about(wish.name)
        checked = checking.check(wish, seen, known, self._nomenclature, self._options)
        if at_hand is not None and checked.scope.kind is ScopeKind.OBJECT and not checked.objection:
            checked = self._tried(checked, replace(wish, scope=checked.scope), at_hand)
        return checked, seen

    def _tried(self, checked: Checked, wish: Wish, at_hand: AtHand) -> Checked:
        """Decide the object at hand as if the wish were granted: its other ROIs, its letters and its sex may object."""
        others = [each for each in self._store.decisions() if each.id != wish.instead_of]
        ruling_on = Rulings([*others, as_decided(wish)], self._store.digest).on(at_hand)
        decisions = decided_anew(
            at_hand.path, at_hand.structure_set, ruling_on, self._nomenclature, self._options
        )
        for decision in decisions:
            if decision.ruling == HYPOTHETICAL and decision.status is Status.REVIEW:
                return replace(checked, objection=decision.note, objection_code=decision.rule)
        return checked

    def _site_of(self, version: str) -> str:
        self._objects.refresh()
        objects = (*self._objects.last(), *self._archive)
        return next((each.site for each in objects if each.version == version), "")

    def decide(self, wish: Wish) -> ReviewDecision:
        """Enter a decision; the same one again is the one that is there already.

        Raises:
            ReviewError: it may not be, another one stands there, its object is gone, or the store cannot be written.
        """
        with self._store.writing() as writer:
            return self._decide(wish, writer)

    def decide_many(self, wishes: Sequence[Wish]) -> list[ReviewDecision | ReviewError]:
        """Enter many decisions, each by itself: what one of them meets stops no other.

        Raises:
            ReviewError: the store cannot be written.
        """
        found: list[ReviewDecision | ReviewError] = []
        with self._store.writing() as writer:
            for wish in wishes:
                try:
                    found.append(self._decide(wish, writer))
                except ReviewError as problem:
                    found.append(problem)
        return found

    def _decide(self, wish: Wish, writer: Writer, *, proposal_from: str = "") -> ReviewDecision:
        checking.refuse_unfit(wish)
        checked, seen = self._checked(wish)
        if checked.objection:
            raise ReviewError(
                "scope" if checked.objection_code == "scope" else "objection",
                f"this may not be decided ({checked.objection_code}): {checked.objection}",
                hint=f"{checked.narrowed}; name the job" if checked.narrowed and seen is None else "",
            )
        wish = replace(wish, scope=checked.scope)
        standing = self._in_the_way(wish)
        if standing is not None:
            if checking.same_wish(standing, wish, checked.scope):
                return standing
            raise ReviewError(
                "already_decided",
                f"{standing.by} decided about this name already: it {standing.said} ({standing.id})",
                hint=f"undo {standing.id} first, or decide instead of it",
            )
        digest = self._store.digest(wish.name, make_key=True) if checked.identifying else ""
        waits = bool(proposal_from) or self._store.second_person
        return writer.decided(wish, name_digest=digest, waits=waits, proposal_from=proposal_from)

    def _in_the_way(self, wish: Wish) -> ReviewDecision | None:
        """Return the decision of the same scope that was not undone, and is not to be replaced."""
        if wish.instead_of:
            replaced = self._store.decision(wish.instead_of)
            if replaced.standing is Standing.UNDONE:
                raise ReviewError("undone", f"the decision {replaced.id} was undone by {replaced.undone_by}")
        for decision in self._store.about(wish.name):
            if decision.scope == wish.scope and decision.id != wish.instead_of:
                return decision
        return None

    def approve(self, id: str, *, by: str, why: str = "") -> ReviewDecision:
        """Let a decision that waits count.

        Raises:
            ReviewError: it does not wait, or who approves is who decided.
        """
        _named(by)
        with self._store.writing() as writer:
            decision = self._store.decision(id)
            if decision.standing is not Standing.WAITING:
                raise ReviewError("not_waiting", f"the decision {id} is {decision.standing}")
            same = decision.by.strip().casefold() == by.strip().casefold()
            if same and (self.second_person or not decision.proposal_from):
                raise ReviewError(
                    "same_person",
                    f"{by} decided it, so somebody else has to approve",
                    hint="review.second_person asks for two persons",
                )
            return writer.approved(id, by=by, why=why)

    def undo(self, id: str, *, by: str, why: str) -> ReviewDecision:
        """Take a decision back: it stays in the store, and no longer counts.

        Raises:
            ReviewError: there is none, or it was undone already.
        """
        _named(by)
        with self._store.writing() as writer:
            decision = self._store.decision(id)
            if decision.standing is Standing.UNDONE:
                raise ReviewError("undone", f"{decision.undone_by} has undone {id} already")
            return writer.undone(id, by=by, why=why)

    def impact(self, wish: Wish | str, *, within_s: float = DECIDED_ANEW_S) -> Impact:
        """Say which objects and names a wish would change, or undoing the decision of that id; nothing is written.

        So long structure sets are decided anew for it; of the others it is told what the decision itself says.

        Raises:
            ReviewError: the wish makes no sense, or there is no such decision.
        """
        self._refresh()
        scope = None
        if isinstance(wish, Wish):
            scope = self.check(wish).scope
        return impact_of(
            wish if scope is None or isinstance(wish, str) else replace(wish, scope=scope),
            self._store,
            self._objects,
            self._at_hand,
            self._nomenclature,
            self._options,
            within_s=within_s,
        )

    def export(self) -> Exported:
        """Write what was decided for the whole clinic or a site as an overlay."""
        return as_overlay(self.decisions())

    def import_overlay(self, overlay: Path, *, by: str) -> Imported:
        """Enter the mappings of another clinic as proposals: each counts when somebody has approved it.

        Raises:
            NomenclatureError: the overlay cannot be read.
            ReviewError: the store cannot be written.
        """
        _named(by)
        wishes, refused = proposals_of(overlay, by)
        clinic, entered = clinic_of(overlay), []
        with self._store.writing() as writer:
            for where, wish in wishes:
                try:
                    entered.append(self._decide(wish, writer, proposal_from=clinic))
                except ReviewError as problem:
                    refused.append((where, problem.message))
        return Imported(tuple(entered), tuple(refused))

    def place(self, occurrence: Occurrence) -> Mapping[str, Any]:
        """Return where an ROI lies in the body, read from its contours where the log does not tell; else nothing."""
        return occurrence.place or self._at_hand.place(occurrence)

    def plan(
        self,
        *,
        held: bool = False,
        sent: bool = False,
        jobs: Sequence[int] = (),
        approved: bool = False,
    ) -> ApplyPlan:
        """Say which objects would be decided anew with what was decided since, and where they would go.

        Raises:
            JournalError: there is no node, or its journal cannot be read.
        """
        self._refresh()
        return self._applying().plan(held=held, sent=sent, jobs=jobs, approved=approved)

    def apply(self, plan: ApplyPlan, *, by: str) -> Applied:
        """Have the node decide anew what a plan holds.

        Raises:
            JournalError: the journal cannot be written.
        """
        _named(by)
        return self._applying().apply(plan, by=by)

    def _applying(self) -> Applying:
        return Applying(
            self._config, self._rulings(Standing.ACTIVE), self._objects, self._at_hand, self._nomenclature
        )

    def _rulings(self, standing: Standing) -> Rulings:
        return Rulings(self._store.decisions(), self._store.digest, self._store.state, standing=standing)

    def _refresh(self) -> None:
        self._store.refresh()
        self._objects.refresh()


def _named(by: str) -> None:
    if not by.strip():
        raise ReviewError("empty", "who does it is not said", hint="give a name: the log keeps it")
