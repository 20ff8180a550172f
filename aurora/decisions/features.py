"""Features of assistants for serving: one published snapshot, read from the mart, loaded by the engine.

The mart `assistant_features` is the one definition; training reads it too. Publishing replaces
`serving/features.json` atomically, so that a reader sees one snapshot, whole.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from aurora.decisions.bundles import replace_file
from aurora.errors import DataError, NotReadyError
from aurora.store.paths import TenantPaths

if TYPE_CHECKING:
    from aurora.store.lake import LakeReader

FILE = "features.json"
MART = "assistant_features"


class FeatureRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one assistant did on one task type. Null: nothing was measured."""

    assistant_id: str
    task_type: str
    task_count: int
    success_share: float | None = None
    duration_p50_ms: float | None = None
    cost_usd_mean: Decimal | None = None
    open_task_count: int = 0


class Features(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A published snapshot. `feature_hash` is SHA-256 over the rows."""

    feature_hash: str
    published_at: dt.datetime
    mart_snapshot_id: int
    raw_snapshot_id: int
    rows: tuple[FeatureRow, ...]


def publish_features(paths: TenantPaths, *, clock: Callable[[], dt.datetime]) -> Features:
    """Publish the mart's features as they are now. `NotReadyError` before the mart is built."""
    from aurora.store.lake import read_lake  # serving loads features without loading the lake's libraries

    with read_lake(paths) as lake:
        features = _read(lake, published_at=clock())
    paths.serving.mkdir(parents=True, exist_ok=True)
    replace_file(paths.serving / FILE, msgspec.json.encode(features, order="sorted"))
    return features


def load_features(paths: TenantPaths) -> Features | None:
    """The published snapshot; None before the first. `DataError` when the file is not what was published."""
    file = paths.serving / FILE
    try:
        features = msgspec.json.decode(file.read_bytes(), type=Features)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise _damaged(str(error)) from error
    if feature_hash(features.rows) != features.feature_hash:
        raise _damaged("its rows do not give its hash")
    return features


def feature_hash(rows: tuple[FeatureRow, ...]) -> str:
    """SHA-256 (hex) over the rows in order: the values, not when they were published."""
    return hashlib.sha256(msgspec.json.encode(rows, order="sorted")).hexdigest()


def _read(lake: LakeReader, *, published_at: dt.datetime) -> Features:
    if MART not in lake.table_names("mart"):
        raise NotReadyError(
            f"The mart {MART} is not built.", field=MART, next_step="Run `aurora build`, then publish again."
        )
    columns = ", ".join(FeatureRow.__struct_fields__)
    frame = lake.query(f"SELECT {columns} FROM mart.{MART} ORDER BY assistant_id, task_type")
    rows = tuple(_row(values) for values in frame.iter_rows(named=True))
    return Features(
        feature_hash=feature_hash(rows),
        published_at=published_at,
        mart_snapshot_id=lake.snapshot_id("mart"),
        raw_snapshot_id=lake.snapshot_id("raw"),
        rows=rows,
    )


def _row(values: dict[str, object]) -> FeatureRow:
    cost = values["cost_usd_mean"]
    if cost is not None:
        values["cost_usd_mean"] = Decimal(str(cost)).quantize(Decimal("1e-9"))
    values["open_task_count"] = values["open_task_count"] or 0
    return msgspec.convert(values, FeatureRow, strict=False)


def _damaged(why: str) -> DataError:
    return DataError(
        f"Published features are damaged: {why}.", field=FILE, rule="features", next_step="Publish them again."
    )
