"""One decision in process: the shipped pack's 16 assistants, rules, score and receipt; then with the journal.

Requests differ as they would in a day: `distinct` ones were never asked before, so that no remembered plan
helps; `recurring` ones come again and again; the bars hold for a mix of both, half and half.
"""

from __future__ import annotations

import datetime as dt
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from time import perf_counter_ns

import numpy as np

from apps.bootstrap import utc_now
from aurora.audit.records import decision_record, decision_seed
from aurora.decisions.bundles import promote_bundle, write_bundle
from aurora.decisions.engine import Engine, receipt
from aurora.decisions.loading import load_engine
from aurora.settings import Settings
from aurora.store.ids import IdMaker
from aurora.store.paths import TenantPaths, create_tenant
from aurora.store.state import StateStore
from benchmarks.harness import Result
from contracts.messages.decisions import Decision, DecisionRequest, RouteLlmRequest, RouteTaskRequest

RECURRING = 64
TERMS = 20_000
WORDS = 60


def run(*, data: Path | None, scale: float) -> list[Result]:
    """Latencies of whole decisions, sorted; `scale` 1 is 20,000 a figure."""
    count = max(500, int(20_000 * scale))
    with tempfile.TemporaryDirectory(dir=data) as folder:
        paths = create_tenant(Path(folder), "bench", "ae-dubai")
        tasks = _Bench(load_engine(paths, Settings()))
        draw = random.Random(7)
        distinct, recurring = tasks.distinct(draw), tasks.recurring(draw)
        tasks.latencies_us(recurring, RECURRING * 4)
        results = [
            Result(metric="candidates", value=len(tasks.engine.pack.assistants), unit="count", bar=16, op=">="),
            *_described("mixed", tasks.latencies_us(_mixed(distinct, recurring), count), bars={"p50": 0.3, "p99": 2.0}),
            *_described("distinct", tasks.latencies_us(distinct, count)),
            *_described("recurring", tasks.latencies_us(recurring, count)),
            *_described("journaled", _journaled_us(paths, tasks, _mixed(distinct, recurring), count // 20)),
        ]
        _publish_router(paths, tasks.engine)
        prompts = _Bench(load_engine(paths, Settings()))
        return [*results, *_described("route_llm", prompts.latencies_us(_prompts(draw), count // 4))]


class _Bench:
    """Decides and writes receipts with one engine, and takes the time of each."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._ids = IdMaker(utc_now)
        self._task_types = sorted(engine.pack.task_types)

    def decide(self, request: DecisionRequest) -> Decision:
        """One decision, as the API makes it."""
        decision_id = self._ids.new("dec")
        return self.engine.decide(
            request,
            actor_id="bench",
            decision_id=decision_id,
            decided_at=utc_now(),
            seed=decision_seed(decision_id),
        )

    def latencies_us(self, requests: Iterator[DecisionRequest], count: int) -> list[float]:
        """How long each of `count` decisions took with its receipt."""
        return _timed(lambda request: receipt(self.decide(request)), requests, count)

    def distinct(self, draw: random.Random) -> Iterator[DecisionRequest]:
        """Requests that never come twice: each has a cost ceiling of its own."""
        number = 0
        while True:
            number += 1
            yield self._task(draw, max_cost_usd=Decimal(number).scaleb(-4))

    def recurring(self, draw: random.Random) -> Iterator[DecisionRequest]:
        """The same few requests in turn."""
        requests = [self._task(draw, max_cost_usd=None) for _ in range(RECURRING)]
        while True:
            yield from requests

    def _task(self, draw: random.Random, *, max_cost_usd: Decimal | None) -> RouteTaskRequest:
        return RouteTaskRequest(
            task_type=draw.choice(self._task_types),
            priority=draw.choice(("critical", "high", "medium", "low")),
            privacy_class=draw.choice(("public", "internal", "personal", "sensitive")),
            max_cost_usd=max_cost_usd,
        )


def _mixed(*sources: Iterator[DecisionRequest]) -> Iterator[DecisionRequest]:
    while True:
        for source in sources:
            yield next(source)


def _timed(act: Callable[[DecisionRequest], object], requests: Iterator[DecisionRequest], count: int) -> list[float]:
    latencies = []
    for _ in range(count):
        request = next(requests)
        started = perf_counter_ns()
        act(request)
        latencies.append((perf_counter_ns() - started) / 1000)
    return sorted(latencies)


def _journaled_us(paths: TenantPaths, bench: _Bench, requests: Iterator[DecisionRequest], count: int) -> list[float]:
    """The same, one after the other, each on the disk before the next: a commit and an fsync a decision."""
    with StateStore.open(paths, clock=utc_now) as store:

        def durable(request: DecisionRequest) -> None:
            store.append([decision_record(bench.decide(request))]).result()

        return _timed(durable, requests, count)


def _described(name: str, latencies_us: Sequence[float], *, bars: dict[str, float] | None = None) -> list[Result]:
    found = []
    for at, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        value = latencies_us[int(len(latencies_us) * share)] / 1000
        bar = (bars or {}).get(at)
        found.append(Result(metric=f"{name}_{at}", value=value, unit="ms", bar=bar, op=None if bar is None else "<="))
    return found


def _publish_router(paths: TenantPaths, engine: Engine) -> None:
    """A router of a real one's size over the pack's language models. Its numbers mean nothing; its cost does."""
    numbers = np.random.default_rng(7)
    llms = sorted(llm.candidate_id for llm in engine.pack.llms)
    curves = np.linspace(-1.0, 2.0, 33)
    arrays = {
        "vocabulary": np.array([f"term{number}" for number in range(TERMS)], dtype=np.str_),
        "idf": numbers.uniform(1.0, 10.0, TERMS),
        "coef": numbers.normal(size=(TERMS, len(llms))).astype(np.float32),
        "intercept": numbers.normal(size=len(llms)),
        "calib_x": np.tile(curves, (len(llms), 1)),
        "calib_y": np.tile(np.linspace(0.0, 1.0, 33), (len(llms), 1)),
        "mean_output_tokens": np.full(len(llms), 200.0),
    }
    manifest = {
        "kind": "route_llm",
        "estimator": "tfidf_ridge_v1",
        "llms": llms,
        "created_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC).isoformat(),
        "metrics": {},
    }
    promote_bundle(write_bundle(paths.serving, manifest, arrays))


def _prompts(draw: random.Random) -> Iterator[DecisionRequest]:
    while True:
        yield RouteLlmRequest(prompt=" ".join(f"term{draw.randrange(2 * TERMS)}" for _ in range(WORDS)))
