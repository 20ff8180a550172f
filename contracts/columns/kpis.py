"""Figures of KPIs that people enter, and targets that a company sets for itself. One line a column."""

from contracts.field import Field, one_of
from contracts.vocabulary import KPI_INPUT_KINDS

COLUMNS: tuple[Field, ...] = (
    Field(name="kpi_input_id", type="text", meaning="One figure that somebody entered for a KPI."),
    Field(name="kpi_input_kind", type="text", meaning="Whether the figure is the KPI's value, or a target of the company's own.", privacy="public", checks=one_of(*KPI_INPUT_KINDS)),
)
