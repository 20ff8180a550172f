"""What becomes of refused rows, when rows came, and what is expected of a source. One line a column."""

from contracts.field import Field, at_least, one_of

REPAIR_ACTS = ("repair", "release", "rerun", "discard")
REPAIR_STATES = ("repaired", "released", "discarded", "still_failing")

COLUMNS: tuple[Field, ...] = (
    Field(name="resolution_id", type="text", meaning="One act on one refused row."),
    Field(name="repairs_batch_id", type="text", meaning="The batch whose refused rows this batch brings in again; empty for a batch that a source sent."),
    Field(name="repair_batch_id", type="text", meaning="The batch by which a refused row was acted on."),
    Field(name="repair_act", type="text", meaning="What was done with a refused row.", privacy="public", checks=one_of(*REPAIR_ACTS)),
    Field(name="repair_state", type="text", meaning="What came of it.", privacy="public", checks=one_of(*REPAIR_STATES)),
    Field(name="is_duplicate", type="bool", meaning="The row had landed before, unchanged, by another way."),
    Field(name="repaired_columns", type="json", meaning="Columns that a person gave new values, a JSON array.", privacy="public"),
    Field(name="refused_at", type="timestamp", meaning="When the row was refused.", unit="UTC"),
    Field(name="resolved_at", type="timestamp", meaning="When it was acted on.", unit="UTC"),
    Field(name="event_date", type="date", meaning="UTC day of the rows' own time; of their ingest, where they have none.", unit="UTC day"),
    Field(name="first_event_at", type="timestamp", meaning="Oldest of the rows' own times.", unit="UTC"),
    Field(name="last_event_at", type="timestamp", meaning="Newest of the rows' own times.", unit="UTC"),
    Field(name="expected_interval_h", type="float", unit="h", meaning="Longest time between two batches of the source; empty: learnt from history.", checks=at_least(0)),
    Field(name="expected_low_count", type="int", unit="rows a day", meaning="Fewest rows that the source sends of a day; empty: learnt from history.", checks=at_least(0)),
    Field(name="expected_high_count", type="int", unit="rows a day", meaning="Most rows that the source sends of a day; empty: learnt from history.", checks=at_least(0)),
    Field(name="late_tolerance_days", type="int", unit="days", meaning="A row is late when its own day is more than so many days before the day it came.", checks=at_least(0)),
    Field(name="quiet_days", type="json", meaning="Days on which nothing is expected, a JSON array of dates.", privacy="public"),
)
