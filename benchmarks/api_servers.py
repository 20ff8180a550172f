"""The servers of this project that the `api` bench loads: Aurora's, the same on a slow disk, an ordinary route.

No postponed annotations here: FastAPI could not see the dependency that is defined inside a function.
"""

import datetime as dt
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Depends, FastAPI, Header
from pydantic import BaseModel, ConfigDict, Field

from apps.api.admission import Admission, Admitted
from apps.api.app import create_app, utc_now
from apps.api.engines import FileEngines
from apps.api.serving import run
from apps.api.tenants import Tenants
from aurora.audit.records import decision_record, decision_seed
from aurora.settings import Settings, load_settings
from aurora.store.ids import IdMaker
from aurora.store.state import StateStore
from contracts.messages.decisions import RouteTaskRequest

SLOW_SYNC_SECONDS = 0.010
Text = Annotated[str, Field(min_length=1, max_length=256)]


class RouteTask(BaseModel):
    """The request, as pydantic."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["route_task"]
    task_type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.\-]{0,63}$")]
    task_id: Text | None = None
    case_id: Text | None = None
    priority: Literal["critical", "high", "medium", "low"] = "medium"
    privacy_class: Literal["public", "internal", "personal", "sensitive"] = "internal"
    data_region: Text | None = None
    compliance_levels: Annotated[tuple[Text, ...], Field(max_length=16)] = ()
    max_cost_usd: Decimal | None = None
    deadline_ms: Annotated[int, Field(ge=0)] | None = None
    candidates: Annotated[tuple[Text, ...], Field(min_length=1, max_length=256)] | None = None
    policy: Text | None = None
    mode: Literal["advise", "shadow", "act"] = "advise"


class VetoOut(BaseModel):
    """A veto, as pydantic."""

    source: Literal["scope", "rule"]
    rule_id: str
    reason: str


class CandidateOut(BaseModel):
    """A candidate, as pydantic."""

    candidate_id: str
    is_eligible: bool
    vetoes: tuple[VetoOut, ...] = ()
    score: float | None = None
    quality: float | None = None
    cost_usd: Decimal | None = None
    latency_ms: float | None = None
    propensity: float = 0.0


class DecisionOut(BaseModel):
    """The receipt, as pydantic."""

    decision_id: str
    tenant_id: str
    region: str
    kind: str
    mode: str
    status: str
    action: str | None
    reason: str
    confidence: float
    propensity: float | None
    decided_at: dt.datetime
    actor_id: str
    policy_id: str
    bundle_hash: str | None
    rule_pack_hash: str
    rules_checked: tuple[str, ...]
    snapshot_id: int | None
    feature_hash: str | None
    seed: int
    request: RouteTask
    candidates: tuple[CandidateOut, ...]
    expected_cost_usd: Decimal | None = None
    baseline_cost_usd: Decimal | None = None


def ordinary_app(settings: Settings) -> FastAPI:
    """The decision as most would write it: pydantic in, pydantic out; same keys, engine and journal."""
    tenants = Tenants(settings, engines=FileEngines(), clock=utc_now)
    admission = Admission(tenants, monotonic=time.monotonic)
    ids = IdMaker(utc_now)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await tenants.start()
        yield
        await tenants.stop()

    app = FastAPI(lifespan=lifespan)

    async def caller(authorization: Annotated[str, Header()]) -> Admitted:
        return admission.admit(authorization.encode(), "decide")

    @app.post("/api/v1/decisions", status_code=201, response_model_exclude_defaults=True)
    async def decide(request: RouteTask, admitted: Annotated[Admitted, Depends(caller)]) -> DecisionOut:
        decision_id = ids.new("dec")
        decision = admitted.runtime.require_engine().decide(
            RouteTaskRequest(**request.model_dump(exclude={"kind"})),
            actor_id=admitted.identity.actor_id,
            decision_id=decision_id,
            decided_at=utc_now(),
            seed=decision_seed(decision_id),
        )
        await admitted.runtime.journal.append((decision_record(decision),))
        # Through plain values: a fifth faster than pydantic's own `from_attributes`.
        return DecisionOut.model_validate(msgspec.to_builtins(decision))

    return app


class SlowDisk(StateStore):
    """A store on a disk that takes ten milliseconds longer to say that a commit is safe."""

    def _sync(self) -> None:
        time.sleep(SLOW_SYNC_SECONDS)
        super()._sync()


APPS: dict[str, Callable[[Settings], Any]] = {
    "aurora": create_app,
    "slow_disk": partial(create_app, open_store=SlowDisk.open),
    "ordinary": ordinary_app,
}


def main() -> None:
    """Argument: one of `APPS`; settings come from the environment."""
    settings = load_settings(os.environ)
    run(APPS[sys.argv[1]](settings), settings)


if __name__ == "__main__":
    main()
