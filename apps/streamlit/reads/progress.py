"""How far the first build has come, from what lies on the disk and in the lake: no message is needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from apps.streamlit.reads.lake import Pin, lake_at
from apps.streamlit.ui.wording import count, plural
from aurora.store.paths import TenantPaths

_FILES_SHOWN = 10_000


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the first build."""

    title: str
    is_done: bool
    detail: str


def build_steps(paths: TenantPaths | None, pin: Pin | None) -> list[Step]:
    """Tenant, files, rows, marts, estimator: in the order they come about."""
    landed = sum(1 for _ in islice(_files(paths.landing), _FILES_SHOWN)) if paths else 0
    rows = _landed_rows(pin) if pin else 0
    marts = len(pin.marts) if pin else 0
    champion = paths.serving / "bundles" / "route_llm" / "champion" if paths else None
    has_estimator = champion is not None and champion.exists()
    return [
        Step("Company made", paths is not None, paths.tenant if paths else "not yet"),
        Step("Exports found", landed > 0, plural(landed, "file") + " in the landing folder" if landed else "not yet"),
        Step("Rows landed", rows > 0, count(rows) + " rows of AI usage" if rows else "not yet"),
        Step("Figures computed", marts > 0, plural(marts, "table") if marts else "not yet"),
        Step("Estimator trained", has_estimator, "which language model answers well enough at the lowest cost"),
    ]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _landed_rows(pin: Pin) -> int:
    with lake_at(pin) as lake:
        if "usage" not in lake.table_names("raw"):
            return 0
        return int(lake.query("SELECT count(*) AS row_count FROM raw.usage")["row_count"][0])
