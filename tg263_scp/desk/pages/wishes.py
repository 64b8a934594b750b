"""What forms ask for about names, made into wishes of the review store, looked at before they are entered.

Two steps: what was picked is shown with what it would change, what speaks against it and for how much it may hold; only then it
is entered. Between the two travels nothing but digests of names and what was picked: the review store looks at it again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData

from tg263_scp.desk.node_records import NodeRecords
from tg263_scp.desk.open_name_list import OpenNameList, name_digest
from tg263_scp.errors import ReviewError
from tg263_scp.service.review.checking import Checked
from tg263_scp.service.review.decisions import WHOLE_CLINIC, Ruled, Scope, ScopeKind, Wish
from tg263_scp.service.review.impact import Impact
from tg263_scp.service.review.open_names import OpenName
from tg263_scp.service.review.seen_objects import SeenObject

MOST_PICKS = 500
_IMPACT_WITHIN_S = 1.5
"""Looking at every object that bears a name takes long where there are thousands; the page does not wait for all of it."""
SCOPES = {
    "clinic": "Whole clinic",
    "sender": "Each sender it came from",
    "site": "Each treatment site it came from",
    "object": "This object only",
}


@dataclass(frozen=True, slots=True)
class Pick:
    """What somebody picked for a name. ``roi`` is the ROI Number where it was picked at one ROI of one object."""

    digest: str
    ruled: Ruled
    becomes: str = ""
    roi: int | None = None


def picks_of(form: FormData) -> list[Pick]:
    """Read what was picked: a name that was typed wins over a candidate; what was left undecided is left out."""
    picked: dict[str, Pick] = {}
    for field, value in form.multi_items():
        kind, _, place = field.partition("-")
        text = str(value).strip()
        if kind in ("pick", "other") and place and text:
            pick = _pick(place, text, typed=kind == "other")
            if pick is not None and (kind == "other" or place not in picked):
                picked[place] = pick
    return list(picked.values())[:MOST_PICKS]


def _pick(place: str, text: str, *, typed: bool) -> Pick | None:
    digest, _, number = place.partition(".")
    roi = int(number) if number.isdecimal() and len(number) < 12 else None
    if typed:
        return Pick(digest, Ruled.RENAME, text[:64], roi)
    if text in ("keep", "never"):
        return Pick(digest, Ruled(text), "", roi)
    return Pick(digest, Ruled.RENAME, text[1:65], roi) if text.startswith("=") and len(text) > 1 else None


@dataclass(frozen=True, slots=True)
class AskedFor:
    """A wish as the form holds it until it is confirmed: the name by its digest."""

    digest: str
    ruled: Ruled
    becomes: str
    scope: Scope
    job: int | None

    def as_text(self) -> str:
        """Write it for a form."""
        return json.dumps([self.digest, self.ruled, self.becomes, self.scope.as_json(), self.job])

    @classmethod
    def of_text(cls, text: str) -> AskedFor | None:
        """Read what :meth:`as_text` wrote; None for anything else."""
        try:
            digest, ruled, becomes, scope, job = json.loads(text)
            found = cls(str(digest), Ruled(ruled), str(becomes), Scope.of_json(scope), job)
        except (ValueError, TypeError, KeyError):
            return None
        return found if job is None or isinstance(job, int) else None


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A wish with what would come of it. ``name`` is the one in question; ``problem`` is why it cannot be entered."""

    asked: AskedFor
    name: str
    checked: Checked | None
    impact: Impact | None
    problem: str = ""
    count: int = 0
    objects: int = 0

    @property
    def is_sure(self) -> bool:
        """Whether every structure set that is still here was decided anew to tell what would change."""
        return self.impact is not None and all(
            each.sure or each.state == "gone" for each in self.impact.changes
        )

    @property
    def narrower(self) -> AskedFor | None:
        """The wish with the narrower scope that is proposed, if any is."""
        proposed = self.checked.proposed if self.checked else None
        return replace(self.asked, scope=proposed) if proposed else None


class Wishes:
    """Reads, looks at and enters what one visitor asks for."""

    def __init__(self, records: NodeRecords, names: OpenNameList, user: str) -> None:
        self._review = records.review
        self._names = names
        self._user = user

    def asked(self, picks: Sequence[Pick], scope: str, job: int | None) -> list[AskedFor]:
        """Return a wish for each pick and each sender or site that the scope means."""
        return [wish for pick in picks for wish in self._asked(pick, scope, job)]

    def _asked(self, pick: Pick, kind: str, job: int | None) -> Iterator[AskedFor]:
        found = self._names.find(pick.digest)
        seen = self._review.seen(job) if job is not None else None
        if job is None and found is not None:
            job = found.occurrences[0].job
        for scope in _scopes(kind, found, seen[0] if seen else None, pick.roi):
            yield AskedFor(pick.digest, pick.ruled, pick.becomes, scope, job)

    def look(self, wishes: Sequence[AskedFor]) -> list[LookedAt]:
        """Say of each wish what would come of it."""
        until = time.monotonic() + _IMPACT_WITHIN_S
        return [self._look(each, until - time.monotonic()) for each in wishes]

    def _look(self, asked: AskedFor, within_s: float) -> LookedAt:
        name, found = self._name(asked)
        if not name:
            return LookedAt(
                asked, "", None, None, "This name is no longer open: somebody decided it meanwhile."
            )
        count, objects = (found.count, found.objects) if found else (1, 1)
        if found is not None and found.status != "open" and found.decision is not None:
            told = f"{found.decision.by} has decided it meanwhile: it {found.decision.said}."
            return LookedAt(asked, name, None, None, told, count, objects)
        wish = self._wish(asked, name, "", found)
        try:
            checked = self._review.check(wish)
            if checked.objection:
                return LookedAt(asked, name, checked, None, checked.objection, count, objects)
            impact = self._review.impact(wish, within_s=within_s) if within_s > 0 else None
        except ReviewError as problem:
            return LookedAt(asked, name, None, None, problem.message, count, objects)
        return LookedAt(asked, name, checked, impact, "", count, objects)

    def enter(self, wishes: Sequence[AskedFor], why: str) -> tuple[list[str], list[str]]:
        """Enter what was confirmed; return the ids of the decisions, and of each that could not be entered why not.

        Raises:
            ReviewError: the store cannot be written.
        """
        named = [(each, *self._name(each)) for each in wishes]
        gone = sum(not name for _, name, _ in named)
        asked = [self._wish(each, name, why, found) for each, name, found in named if name]
        ids: list[str] = []
        problems = [f"{gone} names are no longer open: somebody decided them meanwhile."] if gone else []
        for wish, said in zip(asked, self._review.decide_many(asked), strict=True):
            if isinstance(said, ReviewError):
                problems.append(f"{wish.name}: {said.message}. {said.hint}".rstrip())
            else:
                ids.append(said.id)
        return ids, problems

    def _name(self, asked: AskedFor) -> tuple[str, OpenName | None]:
        """Return the name that a digest stands for: one that is open, or one of the object that the wish is about."""
        found = self._names.find(asked.digest)
        if asked.job is not None:
            seen = self._review.seen(asked.job)
            for line in seen[1] if seen else ():
                if name_digest(str(line["old"])) == asked.digest:
                    return str(line["old"]), found
        return (found.name, found) if found else ("", None)

    def _wish(self, asked: AskedFor, name: str, why: str, found: OpenName | None = None) -> Wish:
        return Wish(
            name=name,
            ruled=asked.ruled,
            scope=asked.scope,
            by=self._user,
            becomes=asked.becomes,
            why=why,
            evidence=_shown(found),
            job=asked.job,
            file=_file(found) if asked.job is None else None,
        )


def _scopes(kind: str, found: OpenName | None, seen: SeenObject | None, roi: int | None) -> list[Scope]:
    if kind == "object":
        return [Scope(ScopeKind.OBJECT, roi=roi)]
    if kind in ("sender", "site"):
        if seen is not None:
            values: Sequence[str] = [seen.sender if kind == "sender" else seen.site]
        else:
            values = list((found.senders if kind == "sender" else found.sites) if found else ())
        return [Scope(ScopeKind(kind), value) for value in values]
    return [WHOLE_CLINIC]


def _file(found: OpenName | None) -> Path | None:
    """Return the newest file of an archive that bears a name; a form never names files."""
    source = found.occurrences[0].source if found else ""
    return Path(source) if source else None


def _shown(found: OpenName | None) -> Mapping[str, Any]:
    """Return what the page showed, for the store: it tells later on what the decision rested."""
    if found is None:
        return {}
    return {
        "count": found.count,
        "objects": found.objects,
        "senders": dict(found.senders),
        "sites": dict(found.sites),
        "reasons": dict(found.reasons),
        "candidates": [{"name": each.name, "score": each.score} for each in found.candidates],
    }
