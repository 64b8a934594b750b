"""The names API as an application of its own below ``/api/v1``."""

from __future__ import annotations

from collections.abc import Sequence
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as AnyHttpError
from starlette.responses import JSONResponse, Response

from tg263_scp import __version__
from tg263_scp.decision import Decision, Roi
from tg263_scp.desk.api.shapes import (
    ListedName,
    NamedRow,
    NamesAnswer,
    NamesQuestion,
    NomenclatureAnswer,
    Provenance,
)
from tg263_scp.desk.name_search import found_names
from tg263_scp.desk.node_records import NodeRecords
from tg263_scp.desk.security.visitors import Refusal, Visitors
from tg263_scp.errors import Tg263Error
from tg263_scp.service.namer import Namer
from tg263_scp.tools.shared.wording import reason_words, standard_name

_MOST_SITES = 20
"""Each further site decides the whole set once more."""
_WORKING = BoundedSemaphore(2)
"""Structure sets that are decided at a time; others wait, so that pages do not."""
_WAIT_S = 20.0
_DESCRIPTION = (
    "TG-263 names for the structures of a plan, before it is approved. The answer is that of `tg263-scp map`: a name with"
    " status `rename` may be written, one with `review` has to be decided by a person,"
    " and one with `keep` is right, or none of ours."
)


def names_api(records: NodeRecords, visitors: Visitors) -> FastAPI:
    """Put the application together; its own pages (which load from elsewhere) are off."""
    api = FastAPI(
        title="tg263-scp names API",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(_token)],
    )
    api.state.records, api.state.visitors = records, visitors
    api.post("/names", response_model=NamesAnswer)(_names)
    api.get("/nomenclature", response_model=NomenclatureAnswer)(_nomenclature)
    api.get("/openapi.json", include_in_schema=False)(_openapi)
    api.add_exception_handler(Tg263Error, _unavailable)
    api.add_exception_handler(AnyHttpError, _refused)
    api.add_exception_handler(RequestValidationError, _not_understood)
    api.add_exception_handler(Exception, _failed)
    return api


def _token(request: Request) -> str:
    visitors: Visitors = request.app.state.visitors
    owner = visitors.script(request.headers.get("authorization", ""))
    if isinstance(owner, Refusal):
        wait = {"Retry-After": str(int(owner.wait_s) + 1)}
        status, headers = (429, wait) if owner.wait_s else (401, {"WWW-Authenticate": "Bearer"})
        raise HTTPException(status, owner.text, headers)
    return owner


def _unavailable(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, Tg263Error)
    return JSONResponse({"detail": problem.message, "hint": problem.hint}, 503)


def _refused(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, AnyHttpError)
    return JSONResponse({"detail": problem.detail}, problem.status_code, problem.headers)


def _not_understood(_: Request, problem: Exception) -> Response:
    """Say where a question is wrong, without repeating it: what came may not even be text."""
    assert isinstance(problem, RequestValidationError)
    faults = [{"loc": fault["loc"], "msg": fault["msg"], "type": fault["type"]} for fault in problem.errors()]
    return JSONResponse({"detail": faults}, 422)


def _failed(_: Request, __: Exception) -> Response:
    return JSONResponse({"detail": "A fault of this program; its log says where."}, 500)


def _names(request: Request, question: NamesQuestion) -> NamesAnswer:
    """Say what becomes of the names of one structure set, which are decided together."""
    records: NodeRecords = request.app.state.records
    most = records.config.desk.names_per_request
    if len(question.names) > most:
        raise HTTPException(413, f"One request may hold {most} names.")
    sites = [row.site.strip() or question.site.strip() for row in question.names]
    if len(set(sites)) > _MOST_SITES:
        raise HTTPException(422, f"The names of one set may have {_MOST_SITES} different sites.")
    if not _WORKING.acquire(timeout=_WAIT_S):
        raise HTTPException(503, "Other sets are being decided. Try again.", {"Retry-After": "5"})
    try:
        namer = records.namer
        decisions = decided(namer, question, sites)
    finally:
        _WORKING.release()
    rows = [_row(row.original_name, each) for row, each in zip(question.names, decisions, strict=True)]
    return NamesAnswer(names=rows, **_provenance(records).model_dump())


def decided(namer: Namer, question: NamesQuestion, sites: Sequence[str]) -> list[Decision]:
    """Decide a set; a row whose site differs gets the answer that the set would get at that site."""
    rois = [
        Roi(number, row.original_name, row.roi_type.strip())
        for number, row in enumerate(question.names, start=1)
    ]
    answers = {site: namer.together(rois, site=site) for site in dict.fromkeys(sites)}
    return [answers[site][index] for index, site in enumerate(sites)]


def _row(name: str, decision: Decision) -> NamedRow:
    return NamedRow(
        original_name=name,
        status=decision.status.value,
        standard_name=standard_name(decision),
        rule=decision.rule,
        reason=decision.reason.value,
        reason_text=reason_words(decision.reason.value),
        confidence=round(decision.confidence, 2),
        candidates=[candidate.name for candidate in decision.candidates],
    )


def _nomenclature(
    request: Request,
    q: Annotated[str, Query(max_length=100, description="letters of a name or of its meaning")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> NomenclatureAnswer:
    """Search the TG-263 list; a name that its grammar builds is found where it is written in full."""
    records: NodeRecords = request.app.state.records
    found = found_names(q, records.namer.nomenclature)
    names = [
        ListedName(
            name=each.name,
            listed=each.listed,
            kind=each.entry.kind if each.entry else "",
            region=each.entry.region if each.entry else "",
            meaning=each.entry.meaning if each.entry else "",
        )
        for each in found[:limit]
    ]
    return NomenclatureAnswer(query=q, total=len(found), names=names, **_provenance(records).model_dump())


def _provenance(records: NodeRecords) -> Provenance:
    return Provenance(
        program=__version__,
        nomenclature=records.namer.nomenclature.digest,
        configuration=records.config.digest,
        decisions=records.review.state,
    )


def _openapi(request: Request) -> Response:
    api: FastAPI = request.app
    schema = api.openapi()
    schema["servers"] = [{"url": "/api/v1"}]
    schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    schema["security"] = [{"token": []}]
    return JSONResponse(schema)
