"""What the privacy page wants to know: personal data that came in, how it rests, rows refused for their region."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin, lake_at
from apps.streamlit.reads.question import DATE, INT, TEXT, Question, ask
from contracts import registry

FINDINGS = Question(
    marts=("privacy_findings",),
    shape={
        "source": TEXT, "contract": TEXT, "column_name": TEXT, "identifier_class": TEXT, "privacy_action": TEXT,
        "finding_count": INT, "unsure_count": INT, "last_date": DATE,
    },
    sql="""
        SELECT source, contract, column_name, identifier_class, privacy_action, sum(finding_count) AS finding_count,
            sum(unsure_count) AS unsure_count, max(period_date) AS last_date
        FROM mart.privacy_findings GROUP BY ALL
        ORDER BY finding_count DESC, source, contract, column_name, identifier_class, privacy_action LIMIT 2000
    """,
)  # fmt: skip
REFUSALS = Question(
    marts=("residency_refusals",),
    shape={
        "period_date": DATE, "source": TEXT, "file_name": TEXT, "contract": TEXT, "refused_region": TEXT,
        "row_count": INT, "first_row_number": INT, "reason": TEXT,
    },
    sql="SELECT * FROM mart.residency_refusals ORDER BY period_date DESC, row_count DESC LIMIT 2000",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PrivacyFigures:
    """Findings and residency refusals of all batches."""

    findings: pl.DataFrame
    refusals: pl.DataFrame

    def count(self, *actions: str) -> int:
        """Values that these actions were taken on."""
        return int(self.findings.filter(pl.col("privacy_action").is_in(actions))["finding_count"].sum())


@st.cache_data(ttl=600, max_entries=8, show_spinner="Reading the lake")
def privacy_figures(pin: Pin) -> PrivacyFigures:
    """Everything the page shows, at one snapshot."""
    with lake_at(pin) as lake:
        return PrivacyFigures(findings=ask(lake, pin, FINDINGS), refusals=ask(lake, pin, REFUSALS))


def protected_columns() -> pl.DataFrame:
    """Columns that the contracts have protected or tokenised: contract, column, protection, whose key."""
    rows = [
        {
            "contract": declared.name,
            "column_name": field.name,
            "privacy": field.privacy,
            "protection": f"token of {field.token_of}" if field.token_of else field.protection,
            "subject": declared.subject if field.protection == "encrypt" else None,
        }
        for declared in registry.tables().values()
        if declared.is_ingested
        for field in declared.fields
        if field.protection != "none" or field.token_of
    ]
    shape = {"contract": TEXT, "column_name": TEXT, "privacy": TEXT, "protection": TEXT, "subject": TEXT}
    return pl.DataFrame(rows, schema=shape)
