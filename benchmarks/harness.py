"""What every bench speaks: results with bars, printed as JSON; ratios taken side by side in one run.

A bench is a module `benchmarks/<name>.py` with `run(*, data, scale) -> list[Result]`.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Op = Literal["<=", ">="]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One figure. `bar` and `op` say what it must reach; without them it is reported only."""

    metric: str
    value: float
    unit: str
    bar: float | None = None
    op: Op | None = None

    @property
    def is_ok(self) -> bool | None:
        """Whether the bar is met; None without one."""
        if self.bar is None or self.op is None:
            return None
        return self.value <= self.bar if self.op == "<=" else self.value >= self.bar

    def as_json(self) -> dict[str, Any]:
        """The result as one element of the report."""
        return {
            "metric": self.metric,
            "value": round(self.value, 6),
            "unit": self.unit,
            "bar": self.bar,
            "op": self.op,
            "ok": self.is_ok,
        }


def report(bench: str, results: list[Result]) -> dict[str, Any]:
    """The whole report: `{"bench", "commit", "machine", "results"}`."""
    return {
        "bench": bench,
        "commit": _commit(),
        "machine": {
            "cores": os.cpu_count(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "results": [result.as_json() for result in results],
    }


def _commit() -> str:
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def seconds(work: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def paired_ratio(ours: Callable[[], float], theirs: Callable[[], float], *, rounds: int) -> tuple[float, float, float]:
    """Medians of ours and theirs, and of the ratio ours / theirs taken pair by pair (A B A B ...)."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )


def peak_memory_gib() -> float:
    """Largest resident memory this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
