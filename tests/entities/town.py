"""The made-up brokerage as matching sees it, and how what was found is judged against the truth."""

import datetime as dt
import json
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl

from aurora.entities.judgements import Judgements
from aurora.entities.policy import EntityKind, GoldenPolicy, load_policies
from aurora.entities.resolve import Resolution, resolve, resolve_entities
from aurora.ingest.batch import ingest_file
from aurora.ingest.sample_brokerage import Brokerage, Key
from aurora.privacy.tokens import token_of
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths
from contracts import registry
from contracts.messages.entities import RecordName

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
POLICIES = load_policies(Path(__file__).resolve().parents[2] / "packs", "real_estate")
TOKENS = {
    field.name: (field.token_of, field.name.removesuffix("_token").removesuffix("_no"))
    for field in registry.table("party").fields
    if field.token_of
}
GOLDEN_MODELS = ["+gold_party", "+gold_property", "+golden_conflicts", "int_golden_values"]
Pairs = set[frozenset[Key]]


def with_tokens(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the tokens that privacy gives it at the door."""
    made = {
        token: token_of(b"a key of the tests", kind, str(row[column]))
        for token, (column, kind) in TOKENS.items()
        if row.get(column)
    }
    return row | made


def frame(rows: list[dict[str, Any]], policy: GoldenPolicy) -> pl.DataFrame:
    """Rows with `source` and the source's id, as `read_records` gives them, in the order given."""
    types = registry.polars_schema(registry.table(policy.entity_kind))
    table = [
        {"source": row["source"], "source_record_id": row[policy.id_column], "first_batch_seq": 1}
        | {column: with_tokens(row).get(column) for column in policy.columns}
        for row in rows
    ]
    schema = {"source": pl.String(), "source_record_id": pl.String(), "first_batch_seq": pl.Int64()}
    texts = {column: pl.String() for column in policy.columns}
    made = pl.DataFrame(
        table,
        schema=schema | {column: pl.Object() for column in texts} if not table else None,
        infer_schema_length=None,
    )
    casts = {column: types[column] for column in policy.columns if types[column] != pl.Date()}
    return made.with_columns(
        *[pl.col(column).cast(kind) for column, kind in casts.items()],
        *[pl.col(column).cast(pl.String).str.to_date() for column in policy.columns if types[column] == pl.Date()],
    )


def all_rows(made: Brokerage, kind: str) -> list[dict[str, Any]]:
    """Every record of a kind, with its source."""
    return [
        row | {"source": source} for (source, contract), rows in made.rows.items() if contract == kind for row in rows
    ]


def matched(kind: EntityKind, rows: list[dict[str, Any]], said: Judgements | None = None) -> Resolution:
    """What matching makes of the rows."""
    policy = POLICIES[kind]
    return resolve(kind, policy, frame(rows, policy), said or Judgements(), now=NOW)


def entities(found: Resolution) -> dict[Key, str]:
    """The golden record of each record."""
    return {
        (source, name): entity
        for source, name, entity in found.links.select("source", "source_record_id", "entity_id").iter_rows()
    }


def named(source: str, record_id: str) -> RecordName:
    return RecordName(source=source, record_id=record_id)


def pairs_of(groups: dict[Key, Any]) -> Pairs:
    """Every two records that are one."""
    members = defaultdict(list)
    for key, group in groups.items():
        members[group].append(key)
    return {frozenset(pair) for keys in members.values() for pair in combinations(keys, 2)}


def reviewed(found: Resolution) -> Pairs:
    """Pairs that a person is asked about."""
    asked = found.matches.filter(pl.col("match_verdict") == "review")
    ends = asked.select("left_source", "left_record_id", "right_source", "right_record_id").iter_rows()
    return {frozenset({(left, one), (right, other)}) for left, one, right, other in ends}


def land(paths: TenantPaths, source: str, contract: str, rows: list[dict[str, Any]]) -> None:
    """Bring rows in by the landing folder, as a system's export."""
    folder = paths.landing / source
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{contract}-{len(list(folder.iterdir()))}.ndjson"
    file.write_bytes(b"".join(json.dumps(with_tokens(row)).encode() + b"\n" for row in rows))
    report = ingest_file(paths, file, source=source, contract=contract, clock=lambda: NOW)
    assert report.good == report.rows


def build(paths: TenantPaths, *, at: dt.datetime = NOW) -> dict[str, int]:
    """Match everything that the lake holds."""
    return resolve_entities(paths, POLICIES, clock=lambda: at)


def links(paths: TenantPaths, kind: str = "party") -> dict[Key, str]:
    """The golden record of each record in the lake."""
    with read_lake(paths) as lake:
        rows = lake.query(
            "SELECT source, source_record_id, entity_id FROM raw.entity_link WHERE entity_kind = ?", [kind]
        )
    return {(source, name): entity for source, name, entity in rows.iter_rows()}
