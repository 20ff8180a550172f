"""A figure that somebody enters for a KPI: what is asked for, and what the journal keeps."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta, Struct

from contracts.messages.decisions import Text

KpiInputKind = Literal["value", "target"]
Cited = Annotated[str, Meta(min_length=3, max_length=300)]
"""Where a figure was taken from, so that a reader can look it up."""


class KpiInputRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A figure for a KPI on a day, or with kind `target` a target of the company's own. Null takes it back."""

    as_of_date: dt.date
    kpi_value: float | None
    """In the KPI's unit; a share is 0.05, not 5."""
    source_note: Cited
    kind: KpiInputKind = "value"
    value_low: float | None = None
    value_high: float | None = None
    """Ends of the 95 % interval, where the figure is sampled."""
    sample_count: Annotated[int, Meta(ge=1)] | None = None
    note: Annotated[str, Meta(max_length=2000)] | None = None


class KpiInput(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What was entered, by whom and when."""

    kpi_input_id: Text
    kpi_id: Text
    kind: KpiInputKind
    as_of_date: dt.date
    kpi_value: float | None
    value_low: float | None
    value_high: float | None
    sample_count: int | None
    source_note: str
    note: str | None
    actor_id: str
    entered_at: dt.datetime
    region: str
