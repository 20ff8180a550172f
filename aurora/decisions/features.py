"""Features of assistants for serving: one published snapshot, read from the mart, loaded by the engine.

The mart `assistant_features` is the one definition. Publishing appends the snapshot to `raw.feature_snapshot`
under its hash, which is what training and replay read, and replaces `serving/features.json` atomically, so that a
reader sees one snapshot, whole.
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
from aurora.errors import DataError, NotFoundError, NotReadyError
from aurora.store.paths import TenantPaths

if TYPE_CHECKING:
    from aurora.store.lake import LakeReader

FILE = "features.json"
MART = "assistant_features"
SNAPSHOTS = "feature_snapshot"
AUTHOR = "features"
"""Author of the lake's snapshots that only hold features: marts are not made from them."""


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
        is_kept = _is_kept(lake, features.feature_hash)
    if not is_kept:
        _keep(paths, features)
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


def kept_rows(lake: LakeReader, features_hash: str) -> tuple[FeatureRow, ...]:
    """The rows that were published under a hash, as the lake holds them; none when it holds none."""
    columns = ", ".join(FeatureRow.__struct_fields__)
    sql = f"SELECT {columns} FROM raw.{SNAPSHOTS} WHERE feature_hash = $hash ORDER BY assistant_id, task_type"
    return tuple(_row(values) for values in lake.query(sql, {"hash": features_hash}).iter_rows(named=True))


def kept_features(lake: LakeReader, features_hash: str) -> Features:
    """The published snapshot of that hash. `NotFoundError` when it was not kept, `DataError` when a row was changed."""
    rows = kept_rows(lake, features_hash)
    if not rows:
        raise NotFoundError(
            f"The features {features_hash[:16]} were not kept.",
            field="feature_hash",
            rule="feature_snapshot",
            next_step="They were published by an older Aurora; replay newer decisions.",
        )
    if feature_hash(rows) != features_hash:
        raise DataError(
            f"The features {features_hash[:16]} are not what was published: their rows do not give their hash.",
            field=f"raw.{SNAPSHOTS}",
            rule="input_drift",
            next_step="Somebody changed the lake; restore it from a backup and look at its snapshots.",
        )
    sql = f"SELECT min(published_at), min(snapshot_id), min(raw_snapshot_id) FROM raw.{SNAPSHOTS} WHERE feature_hash = $hash"
    published_at, mart_id, raw_id = lake.query(sql, {"hash": features_hash}).row(0)
    return Features(
        feature_hash=features_hash,
        published_at=published_at,
        mart_snapshot_id=mart_id,
        raw_snapshot_id=raw_id,
        rows=rows,
    )


def _is_kept(lake: LakeReader, features_hash: str) -> bool:
    sql = f"SELECT count(*) FROM raw.{SNAPSHOTS} WHERE feature_hash = $hash"
    return bool(lake.query(sql, {"hash": features_hash}).item())


def _keep(paths: TenantPaths, features: Features) -> None:
    import polars as pl

    from aurora.store.lake import LakeWriter, write_lake
    from contracts import registry

    shared = {
        "feature_hash": features.feature_hash,
        "published_at": features.published_at,
        "snapshot_id": features.mart_snapshot_id,
        "raw_snapshot_id": features.raw_snapshot_id,
    }
    rows = [{**shared, **msgspec.structs.asdict(row)} for row in features.rows]
    if not rows:
        return
    frame = pl.DataFrame(rows, schema=registry.polars_schema(registry.table(SNAPSHOTS)))

    def append(lake: LakeWriter) -> int:
        return 0 if _is_kept(lake, features.feature_hash) else lake.append(SNAPSHOTS, frame)

    write_lake(paths, "raw", append, author=AUTHOR, message=f"Features {features.feature_hash[:16]}")


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
