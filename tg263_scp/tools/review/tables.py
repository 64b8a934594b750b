"""Open names, decisions and what they would change, as tables and as JSON."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from tg263_scp.service.review.applying import ApplyPlan
from tg263_scp.service.review.decisions import Entry, ReviewDecision, Scope, ScopeKind
from tg263_scp.service.review.impact import Impact
from tg263_scp.service.review.open_names import OpenName
from tg263_scp.service.review.review import Review
from tg263_scp.tools.shared.terminal import roi_text
from tg263_scp.tools.shared.wording import offered_words, reason_words

_ROWS_SHOWN = 50
_CHANGES_SHOWN = 40
_PLACES_S = 3.0
"""So long contours are read for a list; further names say nothing of their place."""
_SIDES = {"L": "left", "R": "right"}


def show_names(names: Sequence[OpenName], review: Review, console: Console) -> None:
    """Print the names that wait, most frequent first."""
    if not names:
        console.print("No name waits for anybody.", style="green")
        return
    table = Table()
    for title in ("name", "count", "why", "candidates", "type", "where", "site", "sender", "status"):
        table.add_column(title, overflow="fold", justify="right" if title == "count" else "left")
    until = time.monotonic() + _PLACES_S
    for each in names[:_ROWS_SHOWN]:
        place = _place(each, review) if time.monotonic() < until else {}
        table.add_row(
            roi_text(each.name),
            f"{each.count} in {each.objects}",
            ", ".join(reason_words(code) for code in each.reasons),
            offered_words(offered.name for offered in each.candidates),
            _most(each.types),
            place_words(place),
            _most(each.sites),
            _most(each.senders),
            each.status if each.decision is None else f"{each.status} ({each.decision.id})",
        )
    console.print(table)
    if len(names) > _ROWS_SHOWN:
        console.print(f"... and {len(names) - _ROWS_SHOWN} more, which --json lists", style="dim")
    console.print(f"{len(names)} names, {sum(each.count for each in names)} ROIs")


def _place(name: OpenName, review: Review) -> Mapping[str, Any]:
    return review.place(name.occurrences[0])


def _most(counts: Mapping[str, int]) -> str:
    named = [(text, count) for text, count in counts.items() if text]
    more = f" and {len(named) - 1} more" if len(named) > 1 else ""
    return f"{named[0][0]}{more}" if named else ""


def place_words(place: Mapping[str, Any]) -> str:
    """Say in words where an ROI lies in the body; nothing where that is not known."""
    if not place:
        return ""
    side = _SIDES.get(place.get("side", ""), "middle")
    return f"{side}, {abs(place['offset_mm']):.0f} mm off, {place['volume_cm3']:.1f} cm3"


def show_name(
    name: str,
    found: OpenName | None,
    decided: Sequence[ReviewDecision],
    review: Review,
    console: Console,
) -> None:
    """Print all that is known of one name: candidates with their evidence, where it was met, what was decided."""
    console.print(roi_text(found.name if found else name, style="bold"))
    if found is not None:
        console.print(f"{found.count} ROIs in {found.objects} objects, {found.status}")
        console.print(", ".join(reason_words(code) for code in found.reasons))
        if found.identifying:
            console.print("It looks like an identifier: it is decided for one object only.", style="yellow")
        _show_candidates(found, console)
        _show_occurrences(found, review, console)
    for decision in decided:
        console.print(
            f"{decision.id} ({decision.standing}): {scope_words(decision.scope)}, it {decision.said};"
            f" {decision.by}, {decision.at[:10]}{': ' + decision.why if decision.why else ''}"
        )


def _show_candidates(found: OpenName, console: Console) -> None:
    if not found.candidates:
        return
    table = Table(title="Candidates", title_justify="left")
    for title in ("name", "score", "rests on"):
        table.add_column(title, overflow="fold")
    for each in found.candidates:
        table.add_row(each.name, f"{each.score:.2f}", ", ".join(each.evidence))
    console.print(table)


def _show_occurrences(found: OpenName, review: Review, console: Console) -> None:
    table = Table(title="Where it was met, newest first", title_justify="left")
    for title in ("job", "ROI", "sender", "site", "type", "where", "the model said", "SOP Instance UID"):
        table.add_column(title, overflow="fold")
    until = time.monotonic() + _PLACES_S
    for each in found.occurrences[:_CHANGES_SHOWN]:
        place = review.place(each) if time.monotonic() < until else {}
        table.add_row(
            str(each.job) if each.job is not None else each.source,
            str(each.roi_number if each.roi_number is not None else ""),
            each.sender,
            each.site,
            each.interpreted_type,
            place_words(place),
            each.votes,
            each.sop_instance_uid,
        )
    console.print(table)


def scope_words(scope: Scope) -> str:
    """Say in words for which objects a decision holds."""
    roi = f", ROI {scope.roi}" if scope.roi is not None else ""
    return {
        ScopeKind.OBJECT: f"for the object {scope.value}{roi}",
        ScopeKind.SENDER: f"for {scope.value}",
        ScopeKind.SITE: f"for the site {scope.value}",
        ScopeKind.CLINIC: "for the whole clinic",
    }[scope.kind]


def show_log(entries: Sequence[Entry], console: Console) -> None:
    """Print what was decided, approved and undone, oldest first."""
    table = Table()
    for title in ("when (UTC)", "id", "who", "what", "name", "becomes", "for", "why"):
        table.add_column(title, overflow="fold")
    for entry in entries:
        decision = entry.decision
        table.add_row(
            entry.at[:16].replace("T", " "),
            entry.id,
            entry.by,
            entry.kind,
            roi_text(decision.name or "(identifier)"),
            decision.said,
            scope_words(decision.scope),
            entry.why,
        )
    console.print(table if entries else "Nothing was decided yet.")


def show_impact(impact: Impact, console: Console) -> None:
    """Print what a decision would change."""
    console.print(
        f"{impact.names} names in {impact.objects} objects would change: {impact.in_spool} of them are here,"
        f" {impact.held} held, {impact.delivered} delivered"
    )
    if impact.differing:
        console.print(f"it has another meaning at {', '.join(impact.differing)}", style="yellow")
    if not impact.changes:
        return
    table = Table()
    for title in ("job", "state", "ROI", "name", "is now", "would be"):
        table.add_column(title, overflow="fold")
    for each in impact.changes[:_CHANGES_SHOWN]:
        then = each.then or "as the rules say"
        table.add_row(
            str(each.job or ""),
            each.state,
            str(each.roi_number or ""),
            roi_text(each.name),
            roi_text(each.now),
            roi_text(then if each.sure else f"{then}, unless a veto or the set objects"),
        )
    console.print(table)
    if len(impact.changes) > _CHANGES_SHOWN:
        console.print(f"... and {len(impact.changes) - _CHANGES_SHOWN} more, which --json lists", style="dim")


def show_plan(plan: ApplyPlan, console: Console) -> None:
    """Print which objects would be decided anew, and where they would go."""
    table = Table()
    for title in ("job", "state", "names", "goes to", "approved"):
        table.add_column(title, overflow="fold")
    for each in plan.jobs:
        goes_to = ", ".join(each.destinations) or "its destinations"
        table.add_row(str(each.job), each.state, str(each.names), goes_to, "yes" if each.approved else "")
    if plan.jobs:
        console.print(table)
    else:
        console.print("No object would be decided otherwise.")
    for job, why in plan.refused:
        console.print(f"job {job} is left alone: {why}", style="yellow")


def as_evidence(name: OpenName) -> dict[str, Any]:
    """What stands in the store as what was shown when somebody decided."""
    return {
        "count": name.count,
        "objects": name.objects,
        "reasons": dict(name.reasons),
        "sites": dict(name.sites),
        "senders": dict(name.senders),
        "candidates": [[each.name, each.score] for each in name.candidates],
    }
