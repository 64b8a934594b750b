"""*Object*: one object of the node, its deliveries and, of a structure set, its names."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from tg263_scp.desk.node_records import NodeRecords
from tg263_scp.desk.pages.guards import Looking
from tg263_scp.desk.pages.queue import ACTIONS, Row
from tg263_scp.desk.pages.rendering import page

router = APIRouter()


@router.get("/object/{number}")
def show_object(request: Request, number: int, visitor: Looking) -> Response:
    """Show one object: where it came from, what became of it, where it is."""
    records: NodeRecords = request.app.state.records
    journal = records.journal
    job, deliveries = journal.job(number), journal.outbox.deliveries(number)
    return page(
        request,
        "object.html",
        visitor,
        row=Row.of(job, deliveries),
        deliveries=deliveries,
        acts=ACTIONS if visitor.may("operate") else {},
    )
