"""*Open names*: the distinct names that wait, and the way from a pick to a decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from tg263_scp.desk.name_search import found_names, is_standard
from tg263_scp.desk.node_records import NodeRecords
from tg263_scp.desk.open_name_list import OpenNameList, name_digest
from tg263_scp.desk.pages.guards import Looking, Posted, Sent, want_role
from tg263_scp.desk.pages.rendering import page, to
from tg263_scp.desk.pages.wishes import SCOPES, AskedFor, LookedAt, Wishes, picks_of
from tg263_scp.service.review.open_names import OpenName

router = APIRouter()

ROWS = 50
STATUSES = ("open", "decided", "waiting")
_MOST_SUGGESTED = 12


@router.get("/names")
def show_names(
    request: Request,
    visitor: Looking,
    status: str = "open",
    site: str = "",
    sender: str = "",
    since: str = "",
    find: str = "",
    number: Annotated[int, Query(alias="page")] = 1,
) -> Response:
    """Show the names of one status, most frequent first, a page at a time."""
    status = status if status in STATUSES else "open"
    listed = names_at_hand(request).names((site, sender, since, status))
    everything = names_at_hand(request).names(("", "", "", status))
    found = _holding(find.strip(), listed) if find.strip() else listed
    pages = max(1, -(-len(found) // ROWS))
    number = max(1, min(number, pages))
    filters = {"status": status, "site": site, "sender": sender, "since": since, "find": find.strip()}
    return page(
        request,
        "names.html",
        visitor,
        rows=found[(number - 1) * ROWS : number * ROWS],
        total=len(found),
        rois=sum(each.count for each in found),
        filters=filters,
        senders=_values(each.senders for each in everything),
        sites=_values(each.sites for each in everything),
        address=f"/names?{urlencode({key: value for key, value in filters.items() if value})}&",
        number=number,
        pages=pages,
        scopes={key: words for key, words in SCOPES.items() if key != "object"},
        scope="clinic",
        job=None,
        back="/names",
        decides=visitor.may("decide") and status == "open",
        listed_names=_records(request).namer.nomenclature.names,
        digest_of=name_digest,
        second_person=_records(request).review.second_person,
    )


def _holding(text: str, names: Sequence[OpenName]) -> list[OpenName]:
    wanted = text.casefold()
    return [each for each in names if wanted in each.key]


def _values(counted: Iterable[object]) -> list[str]:
    """Return what occurs, most frequent first, without what is not known."""
    total: Counter[str] = Counter()
    for each in counted:
        total.update(each)  # type: ignore[call-overload]
    return [value for value, _ in total.most_common(200) if value]


@router.get("/name/{digest}")
def show_name(request: Request, digest: str, visitor: Looking) -> Response:
    """Show one name: where it occurs, what is offered and why, what was decided about it."""
    found = names_at_hand(request).find(digest)
    if found is None:
        raise HTTPException(404, "No open name.")
    review = _records(request).review
    return page(
        request,
        "name.html",
        visitor,
        name=found,
        decisions=review.decided_about(found.name),
        scopes={key: words for key, words in SCOPES.items() if key != "object"},
        scope="clinic",
        job=None,
        back="/names",
        decides=visitor.may("decide"),
        listed_names=_records(request).namer.nomenclature.names,
        digest_of=name_digest,
        second_person=review.second_person,
    )


@router.post("/names/ask")
def ask(request: Request, sent: Sent) -> Response:
    """Show what was picked, what it would change and what speaks against it; nothing is decided yet."""
    want_role(sent.visitor, "decide")
    picks = picks_of(sent.form)
    if not picks:
        sent.visitor.session.note("Pick a name, or 'keep', for at least one row first.", "bad")
        return to(_back(sent))
    jobs = sent.numbers("of_job")
    scope = sent.text("scope")
    wishes = _wishes(request, sent).asked(
        picks, scope if scope in SCOPES else "clinic", jobs[0] if jobs else None
    )
    return _confirm(request, sent, wishes)


def _confirm(request: Request, sent: Posted, wishes: Sequence[AskedFor]) -> Response:
    looked = _wishes(request, sent).look(wishes)
    return page(
        request,
        "decide.html",
        sent.visitor,
        looked=looked,
        possible=sum(not each.problem for each in looked),
        back=_back(sent),
        why=sent.text("why")[:500],
        second_person=_records(request).review.second_person,
        standard=[_is_unlisted(request, each) for each in looked],
    )


def _is_unlisted(request: Request, looked: LookedAt) -> bool:
    nomenclature = _records(request).namer.nomenclature
    return bool(looked.asked.becomes) and looked.asked.becomes not in nomenclature.entries


@router.post("/names/decide")
def decide(request: Request, sent: Sent) -> Response:
    """Enter what was confirmed, each decision by itself, and tell what came of it."""
    want_role(sent.visitor, "decide")
    wishes = [
        found for text in sent.form.getlist("wish") if (found := AskedFor.of_text(str(text))) is not None
    ]
    session = sent.visitor.session
    ids, problems = _wishes(request, sent).enter(wishes, sent.text("why")[:500])
    for problem in problems[:20]:
        session.note(problem, "bad")
    if ids:
        waiting = " They wait for a second person." if _records(request).review.second_person else ""
        session.note(f"{len(ids)} {'decision' if len(ids) == 1 else 'decisions'} entered.{waiting}")
        session.last_decisions = tuple(ids)
    elif not problems:
        session.note("Nothing was selected.", "bad")
    return to(_back(sent))


@router.get("/suggest")
def suggest(request: Request, visitor: Looking, q: Annotated[str, Query(max_length=64)] = "") -> Response:
    """Return the TG-263 names that a few letters find, and whether they are one already: for the field of a page."""
    nomenclature = _records(request).namer.nomenclature
    found = [
        {"name": each.name, "meaning": each.entry.meaning if each.entry else "built by the grammar"}
        for each in found_names(q, nomenclature)[:_MOST_SUGGESTED]
    ]
    return JSONResponse({"names": found, "is_name": is_standard(q.strip(), nomenclature)})


def _back(sent: Posted) -> str:
    """Return where the visitor came from: one of our own lists, whatever the form says."""
    back = sent.text("back")
    return back if back.startswith(("/names", "/object/")) and "//" not in back else "/names"


def names_at_hand(request: Request) -> OpenNameList:
    """Return the open names of the node."""
    names: OpenNameList = request.app.state.open_names()
    return names


def _wishes(request: Request, sent: Posted) -> Wishes:
    return Wishes(_records(request), names_at_hand(request), sent.visitor.user)


def _records(request: Request) -> NodeRecords:
    records: NodeRecords = request.app.state.records
    return records
