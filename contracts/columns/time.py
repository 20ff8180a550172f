"""Moments and days. One line a column."""

from contracts.field import TIME, Field

COLUMNS: tuple[Field, ...] = (
    Field(name="occurred_at", type="timestamp", meaning="When the operation began.", unit="UTC", checks=TIME),
    Field(name="occurred_date", type="date", meaning="UTC day of occurred_at.", unit="UTC day"),
    Field(name="started_at", type="timestamp", meaning="When it began.", unit="UTC", checks=TIME),
    Field(name="ended_at", type="timestamp", meaning="When it ended.", unit="UTC", checks=TIME),
    Field(name="submitted_at", type="timestamp", meaning="When the task was asked for.", unit="UTC", checks=TIME),
    Field(name="completed_at", type="timestamp", meaning="When the task reached its last state.", unit="UTC", checks=TIME),
    Field(name="created_at", type="timestamp", meaning="When the source made the record.", unit="UTC", checks=TIME),
    Field(name="updated_at", type="timestamp", meaning="When the source last changed the record: the newest state of a key is the one in force.", unit="UTC", checks=TIME),
    Field(name="decided_at", type="timestamp", meaning="When the decision was made.", unit="UTC", checks=TIME),
    Field(name="recorded_at", type="timestamp", meaning="When the journal made the record durable.", unit="UTC", checks=TIME),
    Field(name="ingested_at", type="timestamp", meaning="When the batch was committed to the lake.", unit="UTC", checks=TIME),
    Field(name="valid_from", type="timestamp", meaning="First moment it holds.", unit="UTC"),
    Field(name="valid_to", type="timestamp", meaning="First moment it no longer holds; null while it does.", unit="UTC"),
    Field(name="period_date", type="date", meaning="First day of the period a figure is about.", unit="UTC day"),
)
