"""Coming in and going out: password, link, logging out."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from tg263_scp.desk.node_records import NodeRecords
from tg263_scp.desk.pages.guards import Form, Sent, visitor_of
from tg263_scp.desk.pages.rendering import client_address, give_cookie, page, to
from tg263_scp.desk.security.sessions import COOKIE, Session
from tg263_scp.desk.security.visitors import Refusal, Visitors

router = APIRouter()
LINK_PATH = "/enter"


@router.get("/login")
def login_page(request: Request) -> Response:
    """Ask for name and password, or tell how to come in by the link."""
    return to("/") if visitor_of(request) else _login(request)


@router.post("/login")
def log_in(request: Request, form: Form) -> Response:
    """Log in by name and password."""
    user, password = str(form.get("user", "")).strip(), str(form.get("password", ""))
    said = _visitors(request).log_in(user[:64], password[:1024], client_address(request))
    return _let_in(request, said) or _login(request, said, user)


@router.get(LINK_PATH)
def link_page(request: Request, key: str = "") -> Response:
    """Ask who comes in by the link; looking at it changes nothing."""
    return page(request, "link.html", key=key, problem="", user="")


@router.post(LINK_PATH)
def enter(request: Request, form: Form) -> Response:
    """Log in by the link."""
    key, user = str(form.get("key", "")), str(form.get("user", "")).strip()
    said = _visitors(request).log_in_by_link(key, user, client_address(request))
    answer = _let_in(request, said)
    if answer is None:
        assert isinstance(said, Refusal)
        return page(request, "link.html", status=403, key=key, problem=said.text, user=user[:64])
    return answer


@router.post("/logout")
def log_out(request: Request, sent: Sent) -> Response:
    """Log out."""
    _visitors(request).log_out(sent.visitor.session)
    response = to("/login")
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response


def _visitors(request: Request) -> Visitors:
    visitors: Visitors = request.app.state.visitors
    return visitors


def _let_in(request: Request, said: Session | Refusal) -> Response | None:
    if isinstance(said, Refusal):
        return None
    response = to("/")
    give_cookie(request, response, said)
    return response


def _login(request: Request, said: Session | Refusal | None = None, user: str = "") -> Response:
    records: NodeRecords = request.app.state.records
    refusal = said if isinstance(said, Refusal) else None
    status = 200 if refusal is None else 429 if refusal.wait_s else 403
    response = page(
        request,
        "login.html",
        status=status,
        problem=refusal.text if refusal else "",
        user=user[:64],
        has_accounts=_visitors(request).has_accounts,
        has_link=records.config.desk.login_link,
    )
    if refusal and refusal.wait_s:
        response.headers["Retry-After"] = str(int(refusal.wait_s) + 1)
    return response
