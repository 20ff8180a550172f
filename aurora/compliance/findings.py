"""Findings: what sweeps found, kept in the lake as states, each once.

A sweep that sees what the one before saw writes nothing. A record that no longer breaks its rule is remediated; one
that breaks it again is open again, with a new clock. What a person said of a finding (a false alarm, accepted) holds
for as long as the record breaks the rule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from aurora.compliance.sweep import Sweep
from aurora.errors import ConflictError, NotFoundError, NotReadyError
from aurora.store.lake import LakeReader, LakeWriter, read_lake, write_lake
from aurora.store.paths import TenantPaths
from contracts import registry

Said = Literal["open", "false_positive", "accepted"]
"""What a person may make of a finding."""
_STATE: Final = ("finding_state", "found_at", "resolved_at", "actor_id", "note")
NEWEST: Final = """
    SELECT f.* FROM raw.finding AS f
    JOIN (SELECT finding_id, max(updated_at) AS updated_at FROM raw.finding GROUP BY finding_id) AS n
        ON n.finding_id = f.finding_id AND n.updated_at = f.updated_at
"""
_NEWEST_SWEEP: Final = """
    SELECT s.* FROM raw.rule_sweep AS s
    JOIN (SELECT rule_id, max(updated_at) AS updated_at FROM raw.rule_sweep GROUP BY rule_id) AS n
        ON n.rule_id = s.rule_id AND n.updated_at = s.updated_at
"""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a sweep changes in the books: rows to append, and how many of which kind."""

    findings: pl.DataFrame
    figures: pl.DataFrame
    opened_count: int
    reopened_count: int
    remediated_count: int
    changed_count: int
    """Findings whose evidence or severity is another than before."""
    open_count: int
    """Findings that are open afterwards."""


def require_tables(lake: LakeReader) -> None:
    """`NotReadyError` for a lake of an older release, which has no findings yet."""
    if missing := sorted({"assistant", "finding", "rule_sweep"} - set(lake.table_names("raw"))):
        raise NotReadyError(
            f"The lake is of an older release: it has no {', '.join(missing)}.",
            field="lake",
            rule="contract",
            next_step="`aurora rules sweep` upgrades it and looks for findings.",
        )


def changes(lake: LakeReader, swept: Sweep, *, region: str) -> Changes:
    """What `swept` would change. Of rules that were not swept nothing is touched, unless all were."""
    schema = _schema("finding")
    known = lake.query(NEWEST).select(schema.names()).cast(schema)
    now = pl.lit(swept.now).cast(pl.Datetime("us", "UTC"))
    joined = swept.hits.join(
        known.select("finding_id", *_STATE, "severity", "evidence", "due_at"),
        on="finding_id",
        how="left",
        suffix="_known",
    )
    is_new = pl.col("finding_state").is_null()
    is_back = pl.col("finding_state") == "remediated"
    differs = (pl.col("evidence") != pl.col("evidence_known")) | (pl.col("severity") != pl.col("severity_known"))
    fresh = is_new | is_back
    moved = joined.with_columns(is_fresh=fresh, is_back=is_back.fill_null(value=False)).filter(fresh | differs)
    stands = ~pl.col("is_fresh")
    found = moved.with_columns(
        pl.when(stands).then("finding_state").otherwise(pl.lit("open")).alias("finding_state"),
        pl.when(stands).then("found_at").otherwise(now).alias("found_at"),
        pl.when(stands).then("due_at_known").otherwise("due_at").alias("due_at"),
        pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("resolved_at"),
        pl.when(stands).then("actor_id").alias("actor_id"),
        pl.when(stands).then("note").alias("note"),
        now.alias("updated_at"),
    ).select(schema.names())
    was_swept = pl.lit(value=True) if swept.is_whole else pl.col("rule_id").is_in(swept.figures["rule_id"].implode())
    gone = known.filter(was_swept, pl.col("finding_state") != "remediated").join(
        swept.hits.select("finding_id"), on="finding_id", how="anti"
    )
    remediated = gone.with_columns(
        pl.lit("remediated").alias("finding_state"), now.alias("resolved_at"), now.alias("updated_at")
    )
    rows = pl.concat([found, remediated]).cast(schema)
    was_open = known.filter(pl.col("finding_state") == "open").height
    opened, reopened = int((moved["is_fresh"] & ~moved["is_back"]).sum()), int(moved["is_back"].sum())
    return Changes(
        findings=rows,
        figures=_new_figures(lake, swept, region=region),
        opened_count=opened,
        reopened_count=reopened,
        remediated_count=remediated.height,
        changed_count=moved.height - opened - reopened,
        open_count=was_open + opened + reopened - gone.filter(pl.col("finding_state") == "open").height,
    )


def _schema(contract: str) -> pl.Schema:
    return pl.Schema(registry.polars_schema(registry.table(contract)))


def _new_figures(lake: LakeReader, swept: Sweep, *, region: str) -> pl.DataFrame:
    schema = _schema("rule_sweep")
    known = lake.query(_NEWEST_SWEEP).select(schema.names()).cast(schema)
    figures = swept.figures.with_columns(
        pl.lit(swept.now).cast(pl.Datetime("us", "UTC")).alias("updated_at"), pl.lit(region).alias("region")
    ).select(schema.names())
    same = [name for name in schema if name not in ("updated_at", "region")]
    return figures.join(known.select(same), on=same, how="anti", nulls_equal=True)


def record_sweep(paths: TenantPaths, swept: Sweep) -> Changes:
    """Bring the books up to what was found, in one transaction; nothing is written where nothing changed."""

    def work(lake: LakeWriter) -> Changes:
        found = changes(lake, swept, region=paths.region)
        if found.findings.height:
            lake.append("finding", found.findings)
        if found.figures.height:
            lake.append("rule_sweep", found.figures)
        return found

    with read_lake(paths) as lake:
        found = changes(lake, swept, region=paths.region)
    if not found.findings.height and not found.figures.height:
        return found
    return write_lake(paths, "raw", work, author="rules", message=f"Sweep of {swept.figures.height} rules")


def judge_finding(
    paths: TenantPaths, finding_id: str, said: Said, *, actor_id: str, note: str, now: dt.datetime
) -> dict[str, Any]:
    """Write down what a person made of a finding, and return its new state.

    Errors: `NotFoundError` for an unknown one, `ConflictError` for one that is remediated.
    """
    schema = _schema("finding")

    def work(lake: LakeWriter) -> dict[str, Any]:
        found = lake.query(f"SELECT * FROM ({NEWEST}) AS f WHERE finding_id = ?", [finding_id])
        if found.is_empty():
            raise NotFoundError(
                f"There is no finding {finding_id[:64]!r}.",
                field="finding_id",
                next_step="`aurora rules findings` lists those that are open.",
            )
        if found["finding_state"].item() == "remediated":
            raise ConflictError(
                f"Finding {finding_id} is remediated: the record no longer breaks the rule.",
                field="finding_id",
                rule="finding_state",
                next_step="Nothing is to be done. It opens again when the record breaks the rule again.",
            )
        moment = max(now, found["updated_at"].item() + dt.timedelta(microseconds=1))
        row = (
            found.select(schema.names())
            .with_columns(
                pl.lit(said).alias("finding_state"),
                pl.lit(actor_id).alias("actor_id"),
                pl.lit(note).alias("note"),
                pl.lit(moment).alias("updated_at"),
            )
            .cast(schema)
        )
        lake.append("finding", row)
        return row.to_dicts()[0]

    return write_lake(paths, "raw", work, author=actor_id, message=f"{said} said of a finding")


def list_findings(
    lake: LakeReader,
    *,
    states: Sequence[str] = ("open",),
    regime: str | None = None,
    rule_id: str | None = None,
    assistant_id: str | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Findings in those states, those due first at the top."""
    where, params = [f"finding_state IN ({', '.join('?' for _ in states)})"], [*states]
    for column, value in (("regime", regime), ("rule_id", rule_id), ("assistant_id", assistant_id)):
        if value is not None:
            where.append(f"{column} = ?")
            params.append(value)
    return lake.query(
        f"SELECT * FROM ({NEWEST}) AS f WHERE {' AND '.join(where)} ORDER BY due_at, finding_id LIMIT {int(limit)}",
        params,
    ).to_dicts()
