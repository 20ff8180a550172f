"""Findings of rules, and what each sweep of a rule saw. One line a column."""

from contracts.field import SLUG, TIME, Field, at_least, one_of
from contracts.vocabulary import BREACH_ORIGINS, BREACH_STATES, FINDING_STATES

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
    Field(name="breach_id", type="text", meaning="One breach of personal data, or what may be one."),
    Field(
        name="authority_name",
        type="text",
        meaning="Authority in charge of a breach, by its name in breaches.yaml; `none` where no law names one.",
        privacy="public",
        checks=SLUG,
    ),
    Field(
        name="breach_state",
        type="text",
        meaning="How far it is: detected, assessed, notified_authority, notified_subjects, closed.",
        privacy="public",
        checks=one_of(*BREACH_STATES),
    ),
    Field(
        name="breach_origin",
        type="text",
        meaning="What it was noticed by: an incident's record, a finding, rows refused for their region.",
        privacy="public",
        checks=one_of(*BREACH_ORIGINS),
    ),
    Field(
        name="authority_due_at",
        type="timestamp",
        unit="UTC",
        meaning="By when the authority must be told; null where it need not be.",
        checks=TIME,
    ),
    Field(
        name="subjects_due_at",
        type="timestamp",
        unit="UTC",
        meaning="By when the people concerned must be told; null where they need not be.",
        checks=TIME,
    ),
    Field(
        name="next_due_at",
        type="timestamp",
        unit="UTC",
        meaning="When the first duty that is not met runs out; null when there is none.",
        checks=TIME,
    ),
)
