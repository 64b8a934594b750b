"""What a page asks before it answers: is somebody logged in, is the form ours, has the visitor the role."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

from tg263_scp.desk.pages.rendering import client_address
from tg263_scp.desk.security.sessions import COOKIE
from tg263_scp.desk.security.visitors import Visitor, Visitors

_FORM = "application/x-www-form-urlencoded"


class LogInFirst(Exception):  # noqa: N818 - not an error, a way to the login page
    """Nobody is logged in."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A form of one of our pages, and who sent it."""

    visitor: Visitor
    form: FormData

    def text(self, name: str) -> str:
        """Return what stands in a field, without blanks around it; empty where the form lacks it."""
        return str(self.form.get(name, "")).strip()

    def numbers(self, name: str) -> list[int]:
        """Return the whole numbers in all fields of a name; what is none is left out."""
        return [
            int(text) for text in map(str, self.form.getlist(name)) if text.isdecimal() and len(text) < 18
        ]


def visitor_of(request: Request) -> Visitor | None:
    """Return who sent a request."""
    visitors: Visitors = request.app.state.visitors
    return visitors.visitor(request.cookies.get(COOKIE, ""), client_address(request), request.headers)


async def looking(request: Request) -> Visitor:
    """Return who looks at a page.

    Raises:
        LogInFirst: nobody is logged in.
    """
    visitor = visitor_of(request)
    if visitor is None:
        raise LogInFirst
    return visitor


async def read_form(request: Request) -> FormData:
    """Read the fields of a form; files are never taken.

    Raises:
        HTTPException: it is none.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise HTTPException(415, "A form is wanted.")
    return await request.form()


async def posted(request: Request) -> Posted:
    """Return a form that one of our pages gave to this very login.

    Raises:
        LogInFirst: nobody is logged in.
        HTTPException: the form is of another login, or of no page of ours.
    """
    visitor = await looking(request)
    form = await read_form(request)
    token = str(form.get("form_token", ""))
    if not hmac.compare_digest(token.encode("utf-8", "replace"), visitor.session.form_token.encode()):
        raise HTTPException(403, "This form is of an earlier login. Go back, load the page again and repeat.")
    return Posted(visitor, form)


def want_role(visitor: Visitor, role: str) -> None:
    """Refuse a visitor without a role.

    Raises:
        HTTPException: 403.
    """
    if not visitor.may(role):
        raise HTTPException(403, f"This needs the role '{role}'. Ask who looks after the desk.")


Looking = Annotated[Visitor, Depends(looking)]
Form = Annotated[FormData, Depends(read_form)]
Sent = Annotated[Posted, Depends(posted)]
