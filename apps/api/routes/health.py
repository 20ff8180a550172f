"""Is it up, is it ready? For supervisors, load balancers and people."""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from apps.api.caller import Parts, Services, documented, needs, reply
from apps.api.messages import Alive, Health, Part, PartState
from aurora.errors import NotReadyError

router = APIRouter(tags=["health"])
PARTS: tuple[Part, ...] = get_args(Part)


@router.get("/livez", **documented(Alive))
async def livez() -> Response:
    """Whether the process answers. Restart it when it does not."""
    return reply(Alive())


@router.get("/readyz", **documented(Health, meaning="Everything works."))
async def readyz(parts: Parts) -> Response:
    """Whether requests can be served: a lake is read, a commit is made, an engine stands. 503 says what is missing."""
    health = await _overall(parts)
    missing = [state.part for state in health.parts if not state.is_ready]
    if missing:
        raise NotReadyError(
            f"Not ready: {', '.join(missing)}.",
            field=missing[0],
            rule="ready",
            next_step="`aurora doctor` on the server, its log, and /healthz?verbose with a key say why.",
        )
    return reply(health)


@router.get("/healthz", **documented(Health))
async def healthz(
    request: Request, parts: Parts, verbose: Annotated[str | None, Query(description="With a key: why.")] = None
) -> Response:
    """The state of each part, always with 200. `?verbose` and a key with the scope read tell why, for its tenant."""
    if verbose is None:
        return reply(await _overall(parts))
    admitted = await needs("read")(request)
    states = (await parts.readiness.states()).get(admitted.identity.tenant, [])
    return reply(_health(states))


async def _overall(parts: Services) -> Health:
    """Over all tenants, and without what belongs to one of them: these routes ask for no key."""
    tenants = (await parts.readiness.states()).values()
    return _health(
        [
            PartState(
                part=part,
                is_ready=bool(tenants) and all(s.is_ready for states in tenants for s in states if s.part == part),
            )
            for part in PARTS
        ]
    )


def _health(states: list[PartState]) -> Health:
    is_ready = bool(states) and all(state.is_ready for state in states)
    return Health(status="ok" if is_ready else "not_ready", parts=states)
