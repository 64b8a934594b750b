"""Templates to pages. What a template shows is text: escaped, and with what a browser would hide or turn round written out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tg263_scp import __version__
from tg263_scp.config.networks import in_networks
from tg263_scp.desk.node_records import NodeRecords
from tg263_scp.desk.security.sessions import COOKIE, Session
from tg263_scp.desk.security.visitors import Visitor
from tg263_scp.service.review.decisions import Scope, ScopeKind
from tg263_scp.service.switch import switch_setting
from tg263_scp.tools.shared.terminal import visible
from tg263_scp.tools.shared.wording import hold_words, reason_words

_HERE = Path(__file__).parent
_STATIC = {"desk.css": "text/css", "desk.js": "text/javascript", "desk.svg": "image/svg+xml"}


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _age(seconds: float) -> str:
    """Put a length of time into words, roughly: ``3 h``."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _scope_words(scope: Scope, job: int | None = None) -> str:
    """Put into words for which objects a decision holds."""
    if scope.kind is ScopeKind.CLINIC:
        return "the whole clinic"
    if scope.kind is ScopeKind.OBJECT:
        return f"job {job} only" if job is not None else "one object only"
    return f"{scope.kind} {scope.value.replace('_', ' ') if scope.kind is ScopeKind.SITE else scope.value}"


def _place_words(place: Mapping[str, Any]) -> str:
    """Put into words where an ROI lies, and how large it is."""
    if not place:
        return ""
    side = {"L": "left", "R": "right"}.get(str(place.get("side")), "")
    offset_mm = float(place.get("offset_mm", 0.0))
    where = f"{side}, {abs(offset_mm):.0f} mm from the midline" if side else f"midline ({offset_mm:+.0f} mm)"
    volume_cm3 = float(place.get("volume_cm3", 0.0))
    return f"{where}, {volume_cm3:.{0 if volume_cm3 >= 10 else 1}f} cm³" if volume_cm3 else where


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        time=_time,
        age=_age,
        hold_words=hold_words,
        reason_words=reason_words,
        scope_words=_scope_words,
        place_words=_place_words,
    )
    environment.globals.update(version=__version__, static=_static_address)
    return environment


@cache
def _static_address(name: str) -> str:
    """Return where a browser finds a file of ours; another content is another address, so that it may keep it."""
    return f"/static/{name}?{hashlib.sha256(_static(name)).hexdigest()[:12]}"


@cache
def _static(name: str) -> bytes:
    return (_HERE / "static" / name).read_bytes()


def static_file(name: str) -> Response:
    """Answer with a file of ours; 404 where there is no such file."""
    if name not in _STATIC:
        return Response(status_code=404)
    forever = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_static(name), media_type=_STATIC[name], headers=forever)


def page(
    request: Request, template: str, visitor: Visitor | None = None, status: int = 200, **context: Any
) -> Response:
    """Return a page; ``context`` is what its template asks for."""
    records: NodeRecords = request.app.state.records
    values = {
        "visitor": visitor,
        "here": request.url.path,
        "node": records.config.listen.ae_title,
        "form_token": visitor.session.form_token if visitor else "",
        "notes": visitor.session.taken_notes() if visitor else [],
        "undoable": visitor.session.taken_decisions() if visitor else (),
        "switch": switch_setting(records.config.spool.folder) if visitor else None,
        **context,
    }
    text = _environment().get_template(template).render(values)
    response = HTMLResponse(text, status)
    if visitor is not None:
        give_cookie(request, response, visitor.session)
    return response


def to(address: str) -> RedirectResponse:
    """Send a browser on to another page, with a GET."""
    return RedirectResponse(address, 303)


def give_cookie(request: Request, response: Response, session: Session) -> None:
    """Let the browser have the cookie of a login, where it has not."""
    if request.cookies.get(COOKIE) != session.key:
        response.set_cookie(
            COOKIE, session.key, httponly=True, samesite="strict", secure=_encrypted(request), path="/"
        )


def _encrypted(request: Request) -> bool:
    """Tell whether the browser came by https, to us or to the proxy that it speaks to."""
    records: NodeRecords = request.app.state.records
    through = in_networks(client_address(request), records.config.desk.proxy_addresses)
    told = request.headers.get("x-forwarded-proto", "") if through else ""
    return request.url.scheme == "https" or told.strip().lower() == "https"


def client_address(request: Request) -> str:
    """Return the address that a request comes from, as the socket has it."""
    return request.client.host if request.client else ""
