"""*Queue*: objects that are held, failed or on their way, and what may be done about them, each with a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tg263_scp.desk.node_records import NodeRecords
from tg263_scp.desk.pages.guards import Looking, Posted, Sent, want_role
from tg263_scp.desk.pages.rendering import page, to
from tg263_scp.desk.security.visitors import Visitor
from tg263_scp.errors import JournalError
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import REDONE, Asked, Delivery, DeliveryState, Job, ObjectState

router = APIRouter()

ROWS = 100
_MOST_PAGES = 50
"""Beyond it somebody looks for one object, and finds it by its number."""
SHOWN = ("person", "open", "all")


@dataclass(frozen=True, slots=True)
class QueueAction:
    """What a person can do about objects: its name on buttons, what it does, and how. It needs ``role``.

    ``everywhere`` is whether it makes sense for objects that want a person, or on their way, too.
    """

    title: str
    effect: str
    act: Callable[[Journal, int, str, str], None]
    role: str = "operate"
    everywhere: bool = True


def _retry(journal: Journal, job: int, by: str, why: str) -> None:
    if not journal.retry(job, by=by, why=why):
        raise JournalError(f"job {job} has nothing to try again")


def _redo(journal: Journal, job: int, by: str, why: str) -> None:
    journal.redo(job, wish=Asked(REDONE, by, why))


def _release(journal: Journal, job: int, by: str, why: str) -> None:
    journal.release(job, by=by, why=why)


def _discard(journal: Journal, job: int, by: str, why: str) -> None:
    journal.discard(job, by=by, why=why)


def _restore(journal: Journal, job: int, by: str, why: str) -> None:
    journal.restore(job, by=by)


def _relabel_once(journal: Journal, job: int, by: str, why: str) -> None:
    journal.relabel_once(job, by=by, why=why)


def _send_original(journal: Journal, job: int, by: str, why: str) -> None:
    journal.send_original(job, by=by, why=why)


ACTIONS: Mapping[str, QueueAction] = {
    "retry": QueueAction(
        "Retry", "A held object is decided anew; a delivery that failed or waits is tried at once.", _retry
    ),
    "redo": QueueAction(
        "Redo", "Its names are decided anew, and what comes of it goes to every destination once more.", _redo
    ),
    "release": QueueAction(
        "Release", "A held object goes to its destinations as it was received, with its old names.", _release
    ),
    "discard": QueueAction(
        "Discard", "A held object goes nowhere; its file stays for a while and can be restored.", _discard
    ),
    "relabel": QueueAction(
        "Relabel once",
        "An approved structure set is relabelled this once. It keeps its Approval Status: audit log and object say that the"
        " approval came before the names.",
        _relabel_once,
        role="approve",
    ),
    "original": QueueAction(
        "Send original",
        "What was delivered goes to its destinations once more, as it was received, with its old names.",
        _send_original,
        everywhere=False,
    ),
    "restore": QueueAction("Restore", "A discarded object is held again.", _restore, everywhere=False),
}

_KINDS: Mapping[ObjectState, str] = {
    ObjectState.HELD: "warn",
    ObjectState.DISCARDED: "dim",
    ObjectState.READY: "good",
}
_DELIVERY_KINDS: Mapping[DeliveryState, str] = {
    DeliveryState.SENT: "good",
    DeliveryState.FAILED: "bad",
    DeliveryState.RETRY: "warn",
}


@dataclass(frozen=True, slots=True)
class ShownDelivery:
    """A delivery as pages show it."""

    destination: str
    state: str
    kind: str
    error: str


@dataclass(frozen=True, slots=True)
class Row:
    """An object as pages show it; ``seen`` comes back with a form, so that nothing is done to what has changed since."""

    job: Job
    deliveries: tuple[ShownDelivery, ...]
    state: str
    kind: str
    seen: str

    @classmethod
    def of(cls, job: Job, deliveries: Sequence[Delivery]) -> Row:
        """Return the row of an object."""
        failed = any(each.state is DeliveryState.FAILED for each in deliveries)
        shown = tuple(
            ShownDelivery(
                each.destination, each.state.lower(), _DELIVERY_KINDS.get(each.state, "wait"), each.error
            )
            for each in deliveries
        )
        kind = "bad" if failed else _KINDS.get(job.state, "wait")
        return cls(job, shown, "failed" if failed else job.state.lower(), kind, seen_mark(job))

    @property
    def wants_a_person(self) -> bool:
        """Whether it stays as it is until somebody does something."""
        return self.kind == "bad" or self.job.state is ObjectState.HELD


def seen_mark(job: Job) -> str:
    """Return what stands for an object in its present state."""
    return f"{job.job}:{job.state}:{job.changed_at!r}"


@router.get("/queue")
def show_queue(
    request: Request,
    visitor: Looking,
    show: str = "person",
    number: Annotated[int, Query(alias="page")] = 1,
    find: str = "",
) -> Response:
    """Show what wants a person, all that is on its way, or everything."""
    journal = _records(request).journal
    show = show if show in SHOWN else "person"
    rows = _found(journal, find.strip()) if find.strip() else _rows(journal, show)
    number = max(1, min(number, (len(rows) - 1) // ROWS + 1))
    return page(
        request,
        "queue.html",
        visitor,
        show="" if find.strip() else show,
        find=find.strip()[:70],
        rows=rows[(number - 1) * ROWS : number * ROWS],
        number=number,
        pages=(len(rows) - 1) // ROWS + 1,
        totals=journal.totals(finished=show == "all"),
        acts=actions_for(visitor, everything=show == "all" or bool(find.strip())),
    )


def actions_for(visitor: Visitor, *, everything: bool) -> dict[str, QueueAction]:
    """Return what a visitor may do about the objects of a page, which shows ``everything`` or only what wants something."""
    return {
        key: action
        for key, action in ACTIONS.items()
        if visitor.may(action.role) and (everything or action.everywhere)
    }


def _rows(journal: Journal, show: str) -> list[Row]:
    everything = show == "all"
    entries = journal.list_objects(finished=everything, most=ROWS * _MOST_PAGES, newest_first=everything)
    rows = [Row.of(*entry) for entry in entries]
    return [row for row in rows if row.wants_a_person] if show == "person" else rows


def _found(journal: Journal, wanted: str) -> list[Row]:
    """Return the object of a job number, or those of a SOP Instance UID, newest first."""
    try:
        jobs = (
            [journal.job(int(wanted))]
            if wanted.isdecimal() and len(wanted) < 18
            else [job for job, _ in journal.outbox.versions_of(wanted, "")]
        )
    except JournalError:
        return []
    return [Row.of(job, journal.outbox.deliveries(job.job)) for job in jobs[:ROWS]]


@router.post("/queue/ask")
def ask(request: Request, sent: Sent) -> Response:
    """Show what will be done to which objects, and ask for the reason; nothing changes yet."""
    key, action = _action(sent)
    want_role(sent.visitor, action.role)
    seen = {mark.partition(":")[0]: mark for mark in map(str, sent.form.getlist("seen"))}
    journal = _records(request).journal
    chosen = [(_job(journal, number), seen.get(str(number), "")) for number in sent.numbers("job")]
    jobs = [(job, mark) for job, mark in chosen if job is not None]
    if not jobs:
        sent.visitor.session.note("Select at least one object first.", "bad")
        return to(_back(sent))
    return page(
        request, "confirm.html", sent.visitor, key=key, action=action, jobs=jobs, back=_shown_before(sent)
    )


@router.post("/queue/do")
def do(request: Request, sent: Sent) -> Response:
    """Do it to each object that is still as it was shown; say of each other one why not."""
    _, action = _action(sent)
    want_role(sent.visitor, action.role)
    why = sent.text("why")[:500]
    session, journal = sent.visitor.session, _records(request).journal
    if not why:
        session.note("Nothing was done: give a reason, the audit log keeps it.", "bad")
        return to(_back(sent))
    done = 0
    for mark in map(str, sent.form.getlist("seen")):
        number = mark.partition(":")[0]
        job = _job(journal, int(number)) if number.isdecimal() and len(number) < 18 else None
        if job is None:
            session.note(f"Job {number[:18]} is no longer in the spool.", "bad")
        elif seen_mark(job) != mark:
            session.note(
                f"Job {job.job} has changed since the page was shown (it is {job.state.lower()} now): left alone.",
                "bad",
            )
        else:
            try:
                action.act(journal, job.job, sent.visitor.user, why)
                done += 1
            except JournalError as problem:
                session.note(f"{problem.message}. {problem.hint}".rstrip(), "bad")
    if done:
        session.note(f"{action.title}: {done} {'object' if done == 1 else 'objects'}.")
    return to(_back(sent))


def _action(sent: Posted) -> tuple[str, QueueAction]:
    key = sent.text("action")
    if key not in ACTIONS:
        raise HTTPException(422, "There is no such action.")
    return key, ACTIONS[key]


def _shown_before(sent: Posted) -> str:
    back = sent.text("back")
    return back if back in SHOWN else "person"


def _back(sent: Posted) -> str:
    return f"/queue?show={_shown_before(sent)}"


def _job(journal: Journal, number: int) -> Job | None:
    try:
        return journal.job(number)
    except JournalError:
        return None


def _records(request: Request) -> NodeRecords:
    records: NodeRecords = request.app.state.records
    return records
