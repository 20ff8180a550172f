"""What the page of golden records wants to know. Personal values are covered unless the viewer asked for them."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, current_settings, lake_at
from apps.streamlit.reads.question import INT, REAL, TEXT, TIME
from aurora.entities import golden
from aurora.entities.policy import EntityKind, policy_of
from contracts.fields import FIELDS
from contracts.messages.entities import RecordName

COVERED = "•••"
LIST_LIMIT = 500
_LISTED: dict[EntityKind, str] = {
    "party": "full_name, full_name_ar, country, risk_rating",
    "property": "project_name, unit_no, location, property_kind, property_status, bedroom_count, price_aed",
}
_PERSONAL = ("full_name", "full_name_ar", "country", "risk_rating", "left_name", "right_name")
_JUDGED = {
    "match_share": REAL, "left_name": TEXT, "right_name": TEXT, "left_record": TEXT, "right_record": TEXT,
    "agree": TEXT, "differ": TEXT, "left_entity_id": TEXT, "right_entity_id": TEXT,
}  # fmt: skip
_TOLD = {
    "told_by": TEXT, "assistant_id": TEXT, "entity_kind": TEXT, "column": TEXT, "record": TEXT, "golden_from": TEXT,
    "since": TIME, "id": TEXT, "entity_id": TEXT,
}  # fmt: skip
_FIGURES = {"entity_kind": TEXT, "record_count": INT, "entity_count": INT}


@st.cache_data(ttl=600, max_entries=16, show_spinner=False)
def figures(pin: Pin) -> pl.DataFrame:
    """Records and golden records of each kind."""
    with lake_at(pin) as lake:
        return lake.query(
            "SELECT entity_kind, count(*) AS record_count, count(DISTINCT entity_id) AS entity_count"
            " FROM raw.entity_link GROUP BY 1 ORDER BY 1"
        ).cast(_FIGURES)  # type: ignore[arg-type]


@st.cache_data(ttl=600, max_entries=16, show_spinner="Reading the lake")
def listed(pin: Pin, kind: EntityKind, *, text: str, are_personal_shown: bool) -> pl.DataFrame:
    """Golden records with most records first; `text` is looked for in names, projects and ids."""
    name = "concat_ws(' ', full_name, full_name_ar)" if kind == "party" else "concat_ws(' ', project_name, unit_no)"
    if not pin.has(f"gold_{kind}"):
        return pl.DataFrame(schema={"entity_id": TEXT})
    with lake_at(pin) as lake:
        rows = lake.query(
            f"""
            SELECT {_LISTED[kind]}, record_count, source_count, conflict_count, gold_{kind}_id AS entity_id
            FROM mart.gold_{kind}
            WHERE ? = '' OR contains(lower(concat_ws(' ', {name}, gold_{kind}_id)), lower(?))
            ORDER BY record_count DESC, conflict_count DESC, 1 NULLS LAST LIMIT {LIST_LIMIT}
            """,
            [text, text],
        )
    return rows if are_personal_shown else covered(rows)


def covered(rows: pl.DataFrame) -> pl.DataFrame:
    """Personal columns covered, empty ones left empty."""
    names = [name for name in _PERSONAL if name in rows.columns]
    return rows.with_columns(pl.when(pl.col(name).is_not_null()).then(pl.lit(COVERED)).alias(name) for name in names)


@st.cache_data(ttl=600, max_entries=64, show_spinner="Reading the lake")
def detail(pin: Pin, kind: EntityKind, entity_id: str, *, are_personal_shown: bool) -> dict[str, Any]:
    """One golden record, as `aurora.entities.golden.show` tells it."""
    with lake_at(pin) as lake:
        facts = golden.show(pin.paths, lake, kind, entity_id)
    if not are_personal_shown:
        facts["values"] = [{**row, "value": _shown(row["column"], row["value"])} for row in facts["values"]]
    return facts


def _shown(column: str, value: str | None) -> str | None:
    return value if value is None or FIELDS[column].privacy in {"public", "internal"} else COVERED


@st.cache_data(ttl=600, max_entries=16, show_spinner="Reading the lake")
def to_judge(pin: Pin, kind: EntityKind, *, are_personal_shown: bool) -> pl.DataFrame:
    """Pairs that look alike and are not sure: a person says. The likest first."""
    name, mart = ("full_name", "gold_party") if kind == "party" else ("project_name", "gold_property")
    if not pin.has(mart):
        return pl.DataFrame(schema=_JUDGED)
    with lake_at(pin) as lake:
        rows = lake.query(
            f"""
            SELECT m.match_share, lg.{name} AS left_name, rg.{name} AS right_name,
                m.left_source || ':' || m.left_record_id AS left_record,
                m.right_source || ':' || m.right_record_id AS right_record,
                m.match_evidence, l.entity_id AS left_entity_id, r.entity_id AS right_entity_id
            FROM raw.entity_match AS m
            JOIN raw.entity_link AS l
                ON l.entity_kind = m.entity_kind AND l.source = m.left_source AND l.source_record_id = m.left_record_id
            JOIN raw.entity_link AS r
                ON r.entity_kind = m.entity_kind AND r.source = m.right_source
                AND r.source_record_id = m.right_record_id
            LEFT JOIN mart.{mart} AS lg ON lg.{mart}_id = l.entity_id
            LEFT JOIN mart.{mart} AS rg ON rg.{mart}_id = r.entity_id
            WHERE m.entity_kind = ? AND m.match_verdict = 'review' ORDER BY m.match_share DESC, m.match_id LIMIT 500
            """,
            [kind],
        )
    said = rows["match_evidence"].str.json_decode(pl.Struct({"agree": pl.List(TEXT), "differ": pl.List(TEXT)}))
    told = [
        said.struct.field(which)
        .list.eval(pl.element().str.strip_suffix("_token").str.replace_all("_", " "))
        .list.join(", ")
        .alias(which)
        for which in ("agree", "differ")
    ]
    rows = rows.with_columns(told).select(*_JUDGED).cast(_JUDGED)  # type: ignore[arg-type]
    return rows if are_personal_shown else covered(rows)


def told_systems(pin: Pin) -> pl.DataFrame:
    """Commands and alerts that wait for a system to agree, oldest first."""
    rows = [
        {
            **one,
            "told_by": "command" if one["is_command"] else "alert",
            "column": one["column"].replace("_", " "),
            "record": _written(one["record"]),
            "golden_from": _written(one["golden_from"]),
        }
        for one in golden.open_conflicts(pin.paths)
    ]
    return pl.DataFrame(rows, schema=_TOLD) if not rows else pl.DataFrame(rows).select(*_TOLD).cast(_TOLD)  # type: ignore[arg-type]


def _written(record: dict[str, str]) -> str:
    return f"{record['source']}:{record['record_id']}"


def explained(pin: Pin, kind: EntityKind, left: RecordName, right: RecordName) -> dict[str, Any]:
    """Why two records are one or not."""
    settings = current_settings()
    with lake_at(pin) as lake:
        return golden.explain(lake, policy_of(settings.packs_dir, settings.pack, kind), left, right)
