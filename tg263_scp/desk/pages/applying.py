"""*Decide anew*: which objects bear names that were decided since, where they would go, and having the node do it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from tg263_scp.desk.node_records import NodeRecords
from tg263_scp.desk.pages.guards import Looking, Sent, want_role
from tg263_scp.desk.pages.rendering import page, to

router = APIRouter()

_MOST = 500


@router.get("/apply")
def show_plan(request: Request, visitor: Looking, which: str = "held") -> Response:
    """Show what would be decided anew and where it would go; nothing changes yet."""
    want_role(visitor, "operate")
    sent = which == "sent"
    plan = _records(request).review.plan(held=not sent, sent=sent, approved=visitor.may("approve"))
    return page(
        request,
        "apply.html",
        visitor,
        which="sent" if sent else "held",
        jobs=plan.jobs[:_MOST],
        more=len(plan.jobs) - _MOST,
        refused=plan.refused[:_MOST],
    )


@router.post("/apply")
def apply(request: Request, sent: Sent) -> Response:
    """Have the node decide anew the objects that were selected; an approved one wants the role *approve* as well."""
    want_role(sent.visitor, "operate")
    review, session = _records(request).review, sent.visitor.session
    jobs = sent.numbers("job")[:_MOST]
    if not jobs:
        session.note("Select at least one object first.", "bad")
        return to(f"/apply?which={'sent' if sent.text('which') == 'sent' else 'held'}")
    plan = review.plan(jobs=jobs, approved=sent.visitor.may("approve"))
    applied = review.apply(plan, by=sent.visitor.user)
    for job, why in (*plan.refused, *applied.refused)[:20]:
        session.note(f"Job {job}: {why}.", "bad")
    if applied.begun:
        count = len(applied.begun)
        session.note(f"{count} {'object is' if count == 1 else 'objects are'} decided anew.")
    return to("/names?status=decided")


def _records(request: Request) -> NodeRecords:
    records: NodeRecords = request.app.state.records
    return records
