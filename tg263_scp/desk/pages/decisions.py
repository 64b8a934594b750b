"""*Decisions*: what people decided, newest first, each to be undone or, where a second person is wanted, approved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tg263_scp.desk.node_records import NodeRecords
from tg263_scp.desk.pages.guards import Looking, Posted, Sent, want_role
from tg263_scp.desk.pages.rendering import page, to
from tg263_scp.errors import ReviewError
from tg263_scp.service.review.decisions import ReviewDecision, Standing

router = APIRouter()

ROWS = 100
SHOWN = ("all", "waiting", "active", "undone")


@router.get("/decisions")
def show_decisions(
    request: Request,
    visitor: Looking,
    show: str = "all",
    number: Annotated[int, Query(alias="page")] = 1,
) -> Response:
    """Show decisions as they stand now, newest first."""
    show = show if show in SHOWN else "all"
    review = _records(request).review
    found = [each for each in reversed(review.decisions()) if show in ("all", each.standing)]
    pages = max(1, -(-len(found) // ROWS))
    number = max(1, min(number, pages))
    return page(
        request,
        "decisions.html",
        visitor,
        rows=found[(number - 1) * ROWS : number * ROWS],
        total=len(found),
        show=show,
        number=number,
        pages=pages,
        second_person=review.second_person,
        decides=visitor.may("decide"),
        approves=visitor.may("approve"),
        mine=visitor.user.strip().casefold(),
    )


@router.post("/decisions/undo")
def undo(request: Request, sent: Sent) -> Response:
    """Undo decisions: they stay in the log and no longer count."""
    want_role(sent.visitor, "decide")
    why = sent.text("why")[:500]
    review, user = _records(request).review, sent.visitor.user
    return _each(sent, "undone", lambda id: review.undo(id, by=user, why=why))


@router.post("/decisions/approve")
def approve(request: Request, sent: Sent) -> Response:
    """Let decisions of somebody else count."""
    want_role(sent.visitor, "approve")
    why = sent.text("why")[:500]
    review, user = _records(request).review, sent.visitor.user
    return _each(sent, "approved", lambda id: review.approve(id, by=user, why=why))


def _each(sent: Posted, done: str, act: Callable[[str], ReviewDecision]) -> Response:
    session, count = sent.visitor.session, 0
    for id in dict.fromkeys(str(value) for value in sent.form.getlist("id")):
        try:
            decision = act(id)
        except ReviewError as problem:
            session.note(f"{problem.message}. {problem.hint}".rstrip(), "bad")
        else:
            count += 1
            if decision.standing is Standing.UNDONE:
                session.last_decisions = tuple(each for each in session.last_decisions if each != id)
    if count:
        session.note(f"{count} {'decision' if count == 1 else 'decisions'} {done}.")
    back = sent.text("back")
    return to(back if back.startswith(("/names", "/object/")) and "//" not in back else "/decisions")


def _records(request: Request) -> NodeRecords:
    records: NodeRecords = request.app.state.records
    return records
