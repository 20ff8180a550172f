"""A scale request with what is published about its target, where the caller left something out.

The request that is recorded holds all of it, so that a decision replays without the published file.
"""

from __future__ import annotations

import datetime as dt

import msgspec
from msgspec import UNSET

from aurora.decisions.capacity.book import TargetCapacity, read_book
from aurora.decisions.capacity.plan import CapacityLimits, Standing
from aurora.errors import NotFoundError, NotReadyError
from aurora.store.paths import TenantPaths
from contracts.messages.decisions import Demand, DemandQuantiles, PlanStanding, ScaleLimits, ScaleRequest


def with_published(
    request: ScaleRequest, paths: TenantPaths, *, replicas: int | None, scaled_at: dt.datetime | None
) -> ScaleRequest:
    """The request, complete. `replicas` is what the target runs on as far as Aurora knows.

    Errors: `NotReadyError` and `NotFoundError` where history or limits are left out and nothing is published.
    """
    own = request.forecast
    if own is not None:  # only what is read here may say that it was published
        request = msgspec.structs.replace(request, forecast=msgspec.structs.replace(own, published_hash=UNSET))
        if request.history is not None and request.limits is not None:
            return request
    try:
        book, book_hash = read_book(paths)
        target = book.target(request.target_id)
    except (NotFoundError, NotReadyError):
        if request.history is None or request.limits is None:
            raise
        return request
    published = _forecast(target, book_hash) if own is None else None
    return msgspec.structs.replace(
        request,
        history=_history(request.history, target, replicas, scaled_at),
        limits=_limits(request.limits, target.limits, is_tuned=published is not None),
        forecast=request.forecast if own is not None else published,
    )


def _forecast(target: TargetCapacity, book_hash: str) -> DemandQuantiles | None:
    found = target.forecast
    if found is None:
        return None
    facts = {name: getattr(found, name) for name in found.__struct_fields__ if name != "target_id"}
    return DemandQuantiles(**facts, published_hash=book_hash)


def _history(
    asked: Demand | None, target: TargetCapacity, replicas: int | None, scaled_at: dt.datetime | None
) -> Demand:
    known = target.history
    standing = None if known.standing is None else _standing(known.standing)
    if asked is not None:
        return asked if asked.standing is not None else msgspec.structs.replace(asked, standing=standing)
    return Demand(
        window_s=known.window_s,
        ends_at=known.ends_at,
        demand=known.demand,
        replicas=known.replicas if replicas is None else replicas,
        scaled_at=known.scaled_at if scaled_at is None else scaled_at,
        backlog=known.backlog,
        standing=standing,
    )


def _standing(known: Standing) -> PlanStanding:
    theirs = known.autoscaler_violation_count
    return PlanStanding(
        observed_count=known.observed_count,
        violation_count=known.violation_count,
        saved_replica_windows=known.saved_replica_windows,
        autoscaler_violation_count=UNSET if theirs is None else theirs,
    )


def _limits(asked: ScaleLimits | None, known: CapacityLimits, *, is_tuned: bool) -> ScaleLimits:
    """Those asked for; what they leave open is as it was tuned, where the published forecast is planned by."""
    tuned = {name: getattr(known, name) for name in known.__struct_fields__}
    if asked is None:
        return ScaleLimits(**tuned)
    if not is_tuned:
        return asked
    missing = {name: value for name, value in tuned.items() if getattr(asked, name) is None}
    return msgspec.structs.replace(asked, **missing)
