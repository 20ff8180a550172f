"""The communication matrix beside what went over it: who may hand work to whom, and who did."""

from __future__ import annotations

import polars as pl
import streamlit as st

from apps.streamlit.reads.fleet import fleet_pack, fleet_sharing


def edge_rows(edges: pl.DataFrame, shown: set[str]) -> pl.DataFrame:
    """Every edge of the matrix and every pair that handed something over, with what went over it."""
    names = {one.assistant_id: one.assistant_name for one in fleet_pack().assistants}
    allowed = pl.DataFrame(
        [
            {"from_assistant_id": edge.from_assistant_id, "to_assistant_id": to}
            for edge in fleet_sharing().policy.edges
            for to in edge.to_assistant_ids
        ],
        schema={"from_assistant_id": pl.String, "to_assistant_id": pl.String},
    ).with_columns(is_allowed=pl.lit(value=True))
    pair = ["from_assistant_id", "to_assistant_id"]
    return (
        allowed.join(edges, on=pair, how="full", coalesce=True)
        .filter(pl.col(pair[0]).is_in(list(shown)) | pl.col(pair[1]).is_in(list(shown)))
        .select(
            pl.col(pair[0]).replace(names).alias("from"),
            pl.col(pair[1]).replace(names).alias("to"),
            pl.when(pl.col("is_allowed"))
            .then(pl.lit("✓ Allowed"))
            .otherwise(pl.lit("✗ Not in the matrix"))
            .alias("edge"),
            pl.col("handoff_count").fill_null(0),
            (pl.col("handoff_error_count") / pl.col("decided_count")).fill_nan(None).alias("failed_share"),
            pl.col("breach_count").fill_null(0),
            pl.col("latency_p95_ms"),
        )
        .sort("handoff_count", "from", "to", descending=[True, False, False])
    )


EDGE_COLUMNS = {
    "failed_share": st.column_config.NumberColumn("Refused or failed", format="percent"),
    "handoff_count": st.column_config.NumberColumn("Handoffs, 30 days", format="localized"),
    "breach_count": st.column_config.NumberColumn(
        "Against the rules", format="localized", help="Over an edge that is not there, or against the contract"
    ),
    "latency_p95_ms": st.column_config.NumberColumn(
        "Latency, p95 (ms)", format="localized", help="From asked to accepted; of the worst day"
    ),
}
