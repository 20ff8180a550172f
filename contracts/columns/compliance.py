"""Findings of rules, and what each sweep of a rule saw. One line a column."""

from contracts.field import SLUG, TIME, Field, at_least, one_of
from contracts.vocabulary import FINDING_STATES

COLUMNS: tuple[Field, ...] = (
    Field(
        name="finding_id",
        type="text",
        meaning="One finding: a rule and the record that breaks it. The same record found again has the same id.",
    ),
    Field(
        name="finding_state",
        type="text",
        meaning="Open, remediated (a later sweep no longer found it), or what a person said of it.",
        privacy="public",
        checks=one_of(*FINDING_STATES),
    ),
    Field(name="record_source", type="text", meaning="The source that the record came from."),
    Field(name="due_at", type="timestamp", unit="UTC", meaning="When the rule's clock runs out.", checks=TIME),
    Field(name="owner_role", type="text", meaning="Role that is given the work.", privacy="public", checks=SLUG),
    Field(
        name="judged_count",
        type="int",
        unit="records",
        meaning="Records that the rule was asked about.",
        checks=at_least(0),
    ),
    Field(name="broken_count", type="int", unit="records", meaning="Records that break the rule.", checks=at_least(0)),
    Field(
        name="unknown_count",
        type="int",
        unit="records",
        meaning="Records that do not say enough for a verdict.",
        checks=at_least(0),
    ),
)
