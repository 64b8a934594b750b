"""The desk as one application: pages, names API and what guards both."""

from __future__ import annotations

from functools import cache

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from tg263_scp.desk.api.application import names_api
from tg263_scp.desk.node_records import NodeRecords
from tg263_scp.desk.open_name_list import OpenNameList
from tg263_scp.desk.pages import applying, decisions, destinations, health, logins, names, objects, queue
from tg263_scp.desk.pages.guards import LogInFirst, visitor_of
from tg263_scp.desk.pages.rendering import page, static_file, to
from tg263_scp.desk.security.gate import Gate, hosts_of
from tg263_scp.desk.security.visitors import Visitors
from tg263_scp.errors import Tg263Error

_ROUTERS = (
    logins.router,
    names.router,
    objects.router,
    queue.router,
    destinations.router,
    decisions.router,
    applying.router,
    health.router,
)
_HEADINGS = {
    403: "Not allowed",
    404: "There is no such page",
    405: "Not here",
    413: "Too large",
    422: "Not understood",
}


def desk_application(records: NodeRecords, visitors: Visitors, port: int) -> ASGIApp:
    """Put the application together; ``port`` is the one that browsers name in the header Host."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.records, app.state.visitors = records, visitors
    # Not before the first page wants it: the nomenclature takes long to read, and may be at fault.
    app.state.open_names = cache(lambda: OpenNameList(records.review))
    app.state.examinations = health.Examinations(records.path)
    for router in _ROUTERS:
        app.include_router(router)
    app.get("/")(_home)
    app.get("/static/{name}")(static_file)
    app.mount("/api/v1", names_api(records, visitors))
    app.add_exception_handler(LogInFirst, _to_login)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Tg263Error, _unavailable)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(Exception, _failed)
    desk = records.config.desk
    return Gate(
        app, hosts=hosts_of(desk, port), most_bytes=desk.request_bytes, encrypted=desk.cert_file is not None
    )


def _home() -> Response:
    return to("/names")


def _to_login(request: Request, _: Exception) -> Response:
    if request.method == "GET":
        return to("/login")
    return page(
        request,
        "message.html",
        status=401,
        heading="Log in again",
        text="Your login has ended, and nothing was changed. Log in and repeat what you did.",
        hint="",
    )


def _refused(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    heading = _HEADINGS.get(problem.status_code, "This did not work")
    text = "" if problem.status_code == 404 else str(problem.detail)
    return page(
        request,
        "message.html",
        visitor_of(request),
        status=problem.status_code,
        heading=heading,
        text=text,
        hint="",
    )


def _unavailable(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Tg263Error)
    return page(
        request,
        "message.html",
        visitor_of(request),
        status=503,
        heading="This cannot be shown",
        text=problem.message,
        hint=problem.hint,
    )


def _not_understood(request: Request, _: Exception) -> Response:
    return page(
        request,
        "message.html",
        visitor_of(request),
        status=422,
        heading=_HEADINGS[422],
        text="The address or the form is none of this desk.",
        hint="",
    )


def _failed(request: Request, _: Exception) -> Response:
    return page(
        request,
        "message.html",
        status=500,
        heading="A fault of this program",
        text="The log of the desk says where. Whether your last change was made stands on its page.",
        hint="",
    )
