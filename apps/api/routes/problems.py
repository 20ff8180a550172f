"""What each problem type means: the pages that a problem's `type` leads to."""

from __future__ import annotations

import inspect
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from apps.api.caller import documented, header, reply
from apps.api.docs_page import problem_page
from apps.api.messages import ProblemPage
from apps.api.problems import PROBLEMS
from aurora.errors import NotFoundError

router = APIRouter(tags=["docs"])


@router.get("/problems/{code}", **documented(ProblemPage))
async def explain_problem(request: Request, code: str) -> Response:
    """What a problem type means and what to do; HTML for a browser, JSON for everyone else."""
    found = PROBLEMS.get(code)
    if found is None:
        raise NotFoundError(
            f"There is no problem type {code[:64]!r}.", field="code", next_step=f"There are: {', '.join(PROBLEMS)}."
        )
    kind, next_step = found
    page = ProblemPage(
        type=f"/problems/{code}",
        status=kind.status,
        title=HTTPStatus(kind.status).phrase,
        meaning=inspect.getdoc(kind) or "",
        next_step=next_step,
    )
    if b"text/html" in (header(request, b"accept") or b""):
        return HTMLResponse(problem_page(page))
    return reply(page)
