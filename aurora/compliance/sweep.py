"""The sweep: every rule over every record of the lake, at one moment and one snapshot."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from aurora.compliance.calendars import due_at
from aurora.compliance.rulebook import RecordRule, Rulebook
from aurora.compliance.sweep_sql import sweep_sql
from aurora.store.lake import LakeReader

_UTC: Final = pl.Datetime("us", "UTC")
HIT_SCHEMA: Final[dict[str, pl.DataType]] = {
    "finding_id": pl.String(),
    "rule_id": pl.String(),
    "rule_pack_id": pl.String(),
    "regime": pl.String(),
    "about_contract": pl.String(),
    "record_source": pl.String(),
    "about_id": pl.String(),
    "assistant_id": pl.String(),
    "severity": pl.String(),
    "evidence": pl.String(),
    "due_at": _UTC,
    "owner_role": pl.String(),
    "is_sample": pl.Boolean(),
    "region": pl.String(),
}
"""One row a rule and record that breaks it. `about_id` is the record's key without its source, joined by `|`."""
FIGURE_SCHEMA: Final[dict[str, pl.DataType]] = {
    "rule_id": pl.String(),
    "rule_pack_id": pl.String(),
    "regime": pl.String(),
    "about_contract": pl.String(),
    "rule_pack_hash": pl.String(),
    "judged_count": pl.Int64(),
    "broken_count": pl.Int64(),
    "unknown_count": pl.Int64(),
    "checked_at": _UTC,
}


@dataclass(frozen=True, slots=True)
class Sweep:
    """What was found (`HIT_SCHEMA`), and what each rule was asked about (`FIGURE_SCHEMA`)."""

    hits: pl.DataFrame
    figures: pl.DataFrame
    raw_snapshot_id: int
    now: dt.datetime
    is_whole: bool
    """All rules were swept: what no rule of the book finds any more is over."""


def sweep(rulebook: Rulebook, lake: LakeReader, *, now: dt.datetime, rule_ids: Iterable[str] | None = None) -> Sweep:
    """Judge all records by the rules in force, or by those named. Writes nothing."""
    wanted = None if rule_ids is None else {rulebook.rule(one).rule_id for one in rule_ids}
    given = rulebook.given(now)
    assistants = _assistants(lake)
    hits, figures = [], []
    for contract, rules in rulebook.by_contract.items():
        asked = [rule for rule in rules if rule.holds_on(now.date()) and (wanted is None or rule.rule_id in wanted)]
        if not asked:
            continue
        (row,) = lake.query(sweep_sql(rulebook, contract, asked, given)).iter_slices(1)
        figures += [_figures(rulebook, rule, row, place) for place, rule in enumerate(asked)]
        if row["hits"].item() is not None:
            found = row.select(pl.col("hits").explode()).unnest("hits")
            hits += [_hits(rulebook, rule, found, place, assistants, now) for place, rule in enumerate(asked)]
    return Sweep(
        hits=pl.concat([pl.DataFrame(schema=HIT_SCHEMA), *hits]),
        figures=pl.DataFrame(figures, schema=FIGURE_SCHEMA),
        raw_snapshot_id=lake.snapshot_id("raw"),
        now=now,
        is_whole=wanted is None,
    )


def finding_id(rule_id: str, contract: str, source: str, key: str) -> str:
    """The id of a finding: the same rule and record always have the same one."""
    text = f"{rule_id}\x1f{contract}\x1f{source}\x1f{key}"
    return "fnd-" + hashlib.sha256(text.encode()).hexdigest()[:28]


def _figures(rulebook: Rulebook, rule: RecordRule, row: pl.DataFrame, place: int) -> dict[str, Any]:
    pack = rulebook.pack(rule.pack.rule_pack)
    return {
        "rule_id": rule.rule_id,
        "rule_pack_id": pack.file.rule_pack,
        "regime": pack.file.regime,
        "about_contract": rule.contract,
        "rule_pack_hash": pack.pack_hash,
        "judged_count": row["judged"].item(),
        "broken_count": row[f"broken_{place}"].item(),
        "unknown_count": row[f"unknown_{place}"].item(),
        "checked_at": pack.file.checked_at,
    }


def _hits(
    rulebook: Rulebook, rule: RecordRule, found: pl.DataFrame, place: int, assistants: Sequence[str], now: dt.datetime
) -> pl.DataFrame:
    mine = found.filter(pl.col(f"broken_{place}"))
    due = [
        due_at(rule.file.clock, rule.clock_value, start, rulebook.calendars[rule.pack.calendar])
        for start in _starts(rule, mine, now)
    ]
    evidence = pl.struct(pl.col(f"e_{name}").alias(name) for name in rule.file.evidence).struct.json_encode()
    ids = [
        finding_id(rule.rule_id, rule.contract, source, key)
        for source, key in mine.select("record_source", "record_key").iter_rows()
    ]
    return mine.select(
        pl.Series("finding_id", ids, dtype=pl.String),
        pl.lit(rule.rule_id).alias("rule_id"),
        pl.lit(rule.pack.rule_pack).alias("rule_pack_id"),
        pl.lit(rule.pack.regime).alias("regime"),
        pl.lit(rule.contract).alias("about_contract"),
        "record_source",
        pl.col("record_key").alias("about_id"),
        pl.coalesce("record_assistant", _assistant_of_source(assistants)).alias("assistant_id"),
        pl.lit(rule.file.severity).alias("severity"),
        evidence.alias("evidence"),
        pl.Series("due_at", due, dtype=_UTC),
        pl.lit(rule.pack.owner).alias("owner_role"),
        pl.col("record_is_sample").alias("is_sample"),
        pl.col("record_region").alias("region"),
    )


def _starts(rule: RecordRule, mine: pl.DataFrame, now: dt.datetime) -> list[dt.datetime]:
    """When the clock of each record began."""
    column = rule.file.clock.runs_from
    if column is None:
        return [now] * mine.height
    return mine[f"t_{column}"].cast(_UTC).fill_null(now).to_list()


def _assistants(lake: LakeReader) -> list[str]:
    return lake.query("SELECT DISTINCT assistant_id FROM raw.assistant ORDER BY 1")["assistant_id"].to_list()


def _assistant_of_source(assistants: Sequence[str]) -> pl.Expr:
    """A source that is named after an assistant is that assistant's export."""
    source = pl.col("record_source")
    named = [pl.when((source == one) | source.str.ends_with(f"_{one}")).then(pl.lit(one)) for one in assistants]
    return pl.coalesce([*named, pl.lit(None, dtype=pl.String)])
