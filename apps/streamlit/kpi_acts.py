"""A figure that a person enters for a KPI, from the page: sealed in the journal with its source and its day."""

from __future__ import annotations

import datetime as dt

import msgspec

from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui.access import Viewer
from aurora.catalogue.kpi_files import Kpi
from aurora.errors import DataError, PermissionDeniedError
from aurora.insights.kpi_inputs import Entrant, input_record, new_input
from aurora.store.ids import IdMaker
from aurora.store.state import StateStore
from contracts.messages.kpis import KpiInputKind, KpiInputRequest


def enter(
    pin: Pin, kpi: Kpi, *, kind: KpiInputKind, value: float | None, day: dt.date, source: str, viewer: Viewer
) -> None:
    """Keep a figure, or a target of the company's own; without a value it is taken back.

    Errors: `PermissionDeniedError` below operator, `DataError` for a figure that the KPI cannot take.
    """
    if not viewer.reaches("operator"):
        raise PermissionDeniedError(
            f"The role {viewer.role} may not enter figures.",
            field="role",
            rule="operator",
            next_step="Ask the owner for the role operator.",
        )
    said = {"kind": kind, "kpi_value": value, "as_of_date": day, "source_note": source.strip()}
    try:
        asked = msgspec.convert(said, KpiInputRequest)
    except msgspec.ValidationError as error:
        raise DataError(
            f"The figure does not fit: {error}.",
            field="source",
            next_step="Say where it was taken from, in three letters or more.",
        ) from None
    entrant = Entrant(actor_id=viewer.actor_id, now=_now(), region=pin.paths.region, input_id=IdMaker(_now).new("kpi"))
    entered = new_input(kpi, asked, entrant)
    with StateStore.open(pin.paths, clock=_now) as store:
        store.append([input_record(entered)]).result()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
