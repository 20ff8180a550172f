"""The columns: each one declared once, with type, unit, meaning, privacy and residency class.

A table (`contracts.tables`) is a list of these names. A quantity has one name in every table.
What does not belong here: anything that reads, writes or validates data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

FieldType = Literal["text", "int", "float", "decimal", "bool", "timestamp", "date", "json"]
"""`decimal` is DECIMAL(18, 9); `timestamp` is UTC with microseconds; `json` is text that parses."""

Privacy = Literal["public", "internal", "personal", "sensitive"]
Residency = Literal["any", "tenant_region"]

EARLIEST = "2015-01-01T00:00:00"
"""No language-model usage is older; a date before it is a broken clock or a wrong unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A rule each value must pass. Nulls pass: whether null is allowed is the column's matter.

    `rule` is its name in quarantine rows; `value` is a number, an ISO time, or a tuple of texts.
    """

    rule: Literal["at_least", "at_most", "one_of", "matches", "not_before"]
    value: float | str | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column, wherever it appears."""

    name: str
    type: FieldType
    meaning: str
    unit: str | None = None
    privacy: Privacy = "internal"
    residency: Residency = "any"
    checks: tuple[Check, ...] = ()


def _at_least(value: float) -> tuple[Check, ...]:
    return (Check(rule="at_least", value=value),)


def _one_of(*values: str) -> tuple[Check, ...]:
    return (Check(rule="one_of", value=values),)


_SHARE = (Check(rule="at_least", value=0), Check(rule="at_most", value=1))
_TIME = (Check(rule="not_before", value=EARLIEST),)
_SLUG = (Check(rule="matches", value=r"^[a-z][a-z0-9_.\-]{0,63}$"),)

OPERATIONS = (
    "chat", "generate_content", "text_completion", "embeddings", "retrieval", "create_agent",
    "invoke_agent", "execute_tool", "invoke_workflow", "image_generation", "speech", "transcription",
    "moderation", "rerank",
)
"""OpenTelemetry GenAI operation names (semantic conventions 1.41) and the media operations
that providers bill and OpenTelemetry does not name yet."""

TASK_STATES = (
    "submitted", "working", "input_required", "auth_required", "completed", "failed", "canceled",
    "rejected",
)
"""A2A 1.0 task states."""

PRIVACY_CLASSES = ("public", "internal", "personal", "sensitive")
COST_SOURCES = ("provider", "logged", "price_book", "unpriced")
DECISION_KINDS = ("route_task", "route_llm")
DECISION_STATUSES = ("chosen", "abstained")
CONTROL_LEVELS = (
    "full_orchestration", "read_write", "read_only_alerts", "command_authority", "monitoring_thresholds",
)
ASSISTANT_STATES = ("active", "degraded", "down", "disabled")
PRIORITIES = ("critical", "high", "medium", "low")

_DECLARED: tuple[Field, ...] = (
    # identity -----------------------------------------------------------------------------
    Field(name="usage_id", type="text", meaning="One AI operation, unique within the tenant: source and the source's own id, or a content hash where it has none."),
    Field(name="conversation_id", type="text", meaning="The exchange with one person or case that operations belong to (OpenTelemetry gen_ai.conversation.id)."),
    Field(name="trace_id", type="text", meaning="The distributed trace of the operation (OpenTelemetry trace id or the exporter's)."),
    Field(name="price_id", type="text", meaning="One dated price of one language model in the price book."),
    Field(name="assistant_id", type="text", meaning="The assistant that did or may do the work (OpenTelemetry gen_ai.agent.id)."),
    Field(name="task_id", type="text", meaning="One piece of work that an assistant or a person takes."),
    Field(name="case_id", type="text", meaning="One run of a workflow that tasks belong to."),
    Field(name="decision_id", type="text", meaning="One decision of the engine."),
    Field(name="outcome_id", type="text", meaning="One report of what came of a decision."),
    Field(name="override_id", type="text", meaning="One change of a decision by a person."),
    Field(name="actor_id", type="text", meaning="The person or assistant that asked or acted.", privacy="personal"),
    Field(name="user_id", type="text", meaning="Pseudonym of the person served, as the exporter gave it.", privacy="personal", residency="tenant_region"),
    Field(name="batch_id", type="text", meaning="The ingested batch a row came with: the fingerprint of its file or request."),
    Field(name="batch_seq", type="int", meaning="Order in which batches were committed, from 1.", checks=_at_least(0)),
    Field(name="row_number", type="int", meaning="Position in the source, from 1: line, array element or span.", checks=_at_least(0)),
    Field(name="quarantine_id", type="text", meaning="One refused row for one reason."),
    Field(name="kpi_id", type="text", meaning="One KPI, by its file name."),
    Field(name="record_id", type="text", meaning="One record of the tenant's journal."),
    # where it came from --------------------------------------------------------------------
    Field(name="source", type="text", meaning="The system that exported the row: its landing folder.", privacy="public"),
    Field(name="source_format", type="text", meaning="The format it was written in (aurora/ingest/formats).", privacy="public"),
    Field(name="source_record_id", type="text", meaning="The id the source gave the row."),
    Field(name="file_name", type="text", meaning="Name of the file a batch came in."),
    Field(name="content_hash", type="text", meaning="SHA-256 of the content, hex."),
    Field(name="contract", type="text", meaning="The contract a row was checked against.", privacy="public"),
    Field(name="rule", type="text", meaning="The check a row failed: not_null, type, at_least, unique_key ...", privacy="public"),
    Field(name="column_name", type="text", meaning="The column the failed check is about; empty when it is the whole row.", privacy="public"),
    Field(name="reason", type="text", meaning="What was wrong, in plain words, with the next step.", privacy="personal"),
    Field(name="raw_row", type="json", meaning="The row as it came, for repair.", privacy="sensitive", residency="tenant_region"),
    Field(name="region", type="text", meaning="Region whose law and storage the row belongs to, such as ae-dubai.", privacy="public", checks=_SLUG),
    # time ------------------------------------------------------------------------------------
    Field(name="occurred_at", type="timestamp", meaning="When the operation began.", unit="UTC", checks=_TIME),
    Field(name="occurred_date", type="date", meaning="UTC day of occurred_at.", unit="UTC day"),
    Field(name="started_at", type="timestamp", meaning="When it began.", unit="UTC", checks=_TIME),
    Field(name="ended_at", type="timestamp", meaning="When it ended.", unit="UTC", checks=_TIME),
    Field(name="submitted_at", type="timestamp", meaning="When the task was asked for.", unit="UTC", checks=_TIME),
    Field(name="completed_at", type="timestamp", meaning="When the task reached its last state.", unit="UTC", checks=_TIME),
    Field(name="decided_at", type="timestamp", meaning="When the decision was made.", unit="UTC", checks=_TIME),
    Field(name="recorded_at", type="timestamp", meaning="When the journal made the record durable.", unit="UTC", checks=_TIME),
    Field(name="ingested_at", type="timestamp", meaning="When the batch was committed to the lake.", unit="UTC", checks=_TIME),
    Field(name="valid_from", type="timestamp", meaning="First moment it holds.", unit="UTC"),
    Field(name="valid_to", type="timestamp", meaning="First moment it no longer holds; null while it does.", unit="UTC"),
    Field(name="period_date", type="date", meaning="First day of the period a figure is about.", unit="UTC day"),
    # AI usage ----------------------------------------------------------------------------------
    Field(name="operation_name", type="text", meaning="What was asked of the language model (OpenTelemetry gen_ai.operation.name).", privacy="public", checks=_one_of(*OPERATIONS)),
    Field(name="provider_name", type="text", meaning="Who served it (OpenTelemetry gen_ai.provider.name).", privacy="public"),
    Field(name="request_model", type="text", meaning="Language model asked for.", privacy="public"),
    Field(name="response_model", type="text", meaning="Language model that answered.", privacy="public"),
    Field(name="input_tokens", type="int", unit="tokens", meaning="Input tokens, cached ones included; null when the source does not say.", checks=_at_least(0)),
    Field(name="output_tokens", type="int", unit="tokens", meaning="Output tokens, reasoning included; null when the source does not say.", checks=_at_least(0)),
    Field(name="cache_read_input_tokens", type="int", unit="tokens", meaning="Input tokens read from the provider's cache (part of input_tokens).", checks=_at_least(0)),
    Field(name="cache_creation_input_tokens", type="int", unit="tokens", meaning="Input tokens written to the provider's cache (part of input_tokens).", checks=_at_least(0)),
    Field(name="reasoning_output_tokens", type="int", unit="tokens", meaning="Output tokens spent on reasoning (part of output_tokens).", checks=_at_least(0)),
    Field(name="request_count", type="int", unit="requests", meaning="Requests that the row stands for.", checks=_at_least(1)),
    Field(name="duration_ms", type="int", unit="ms", meaning="From request to last byte.", checks=_at_least(0)),
    Field(name="time_to_first_chunk_ms", type="int", unit="ms", meaning="From request to the first streamed chunk.", checks=_at_least(0)),
    Field(name="is_error", type="bool", meaning="The operation failed."),
    Field(name="error_type", type="text", meaning="Class of the failure (OpenTelemetry error.type)."),
    Field(name="reported_cost_usd", type="decimal", unit="USD", meaning="Cost as the source reported it; null when it did not.", checks=_at_least(0)),
    Field(name="cost_usd", type="decimal", unit="USD", meaning="Cost in use; null when unpriced, never 0 for unknown.", checks=_at_least(0)),
    Field(name="cost_source", type="text", meaning="Where cost_usd comes from: the provider's bill, the exporter's log, the price book, or nowhere.", privacy="public", checks=_one_of(*COST_SOURCES)),
    # prices --------------------------------------------------------------------------------------
    Field(name="price_source", type="text", meaning="The price list a price was taken from.", privacy="public"),
    Field(name="input_usd_per_mtok", type="decimal", unit="USD / 1M tokens", meaning="Price of uncached input.", privacy="public", checks=_at_least(0)),
    Field(name="output_usd_per_mtok", type="decimal", unit="USD / 1M tokens", meaning="Price of output.", privacy="public", checks=_at_least(0)),
    Field(name="cache_read_usd_per_mtok", type="decimal", unit="USD / 1M tokens", meaning="Price of cached input; null: as uncached.", privacy="public", checks=_at_least(0)),
    Field(name="cache_write_usd_per_mtok", type="decimal", unit="USD / 1M tokens", meaning="Price of input written to the cache; null: as uncached.", privacy="public", checks=_at_least(0)),
    Field(name="request_usd", type="decimal", unit="USD", meaning="Price of one request on top of tokens.", privacy="public", checks=_at_least(0)),
    Field(name="tier_start_tokens", type="int", unit="tokens", meaning="Smallest input for which the price holds; 0 for the base price.", privacy="public", checks=_at_least(0)),
    # assistants ------------------------------------------------------------------------------------
    Field(name="assistant_name", type="text", meaning="Name people know it by.", privacy="public"),
    Field(name="role", type="text", meaning="What it is for, in one line.", privacy="public"),
    Field(name="industry", type="text", meaning="Industry pack it comes from.", privacy="public"),
    Field(name="skills", type="json", meaning="Task types it can take, a JSON array of texts.", privacy="public"),
    Field(name="control_level", type="text", meaning="What Aurora may do with it.", privacy="public", checks=_one_of(*CONTROL_LEVELS)),
    Field(name="assistant_state", type="text", meaning="Whether it can take work.", privacy="public", checks=_one_of(*ASSISTANT_STATES)),
    Field(name="priority", type="text", meaning="How soon it must be served.", privacy="public", checks=_one_of(*PRIORITIES)),
    Field(name="is_sample", type="bool", meaning="Shipped as an example; not the owner's own."),
    Field(name="capacity_count", type="int", unit="tasks", meaning="Tasks it can work on at the same time.", checks=_at_least(0)),
    Field(name="backup_assistant_id", type="text", meaning="Who takes over when it is down."),
    # tasks and conversations ----------------------------------------------------------------------
    Field(name="task_type", type="text", meaning="Kind of work, the skill it takes.", privacy="public", checks=_SLUG),
    Field(name="task_state", type="text", meaning="State of the task, A2A's words.", privacy="public", checks=_one_of(*TASK_STATES)),
    Field(name="privacy_class", type="text", meaning="Most sensitive data the work touches.", privacy="public", checks=_one_of(*PRIVACY_CLASSES)),
    Field(name="turn_count", type="int", unit="turns", meaning="Messages in the conversation.", checks=_at_least(0)),
    Field(name="channel", type="text", meaning="Where the conversation took place: chat, voice, e-mail ...", privacy="public"),
    # decisions ---------------------------------------------------------------------------------------
    Field(name="decision_kind", type="text", meaning="Which question was decided.", privacy="public", checks=_one_of(*DECISION_KINDS)),
    Field(name="decision_status", type="text", meaning="A candidate was chosen, or it went to a person.", privacy="public", checks=_one_of(*DECISION_STATUSES)),
    Field(name="action", type="text", meaning="The chosen candidate; null when abstained."),
    Field(name="confidence", type="float", unit="share", meaning="Calibrated probability that the action is good enough.", checks=_SHARE),
    Field(name="propensity", type="float", unit="share", meaning="Probability with which the policy chose the action.", checks=_SHARE),
    Field(name="policy_id", type="text", meaning="The policy that chose.", privacy="public"),
    Field(name="bundle_hash", type="text", meaning="SHA-256 of the policy bundle in use; empty for a policy without one."),
    Field(name="rule_pack_hash", type="text", meaning="SHA-256 of the rules in force."),
    Field(name="rules_checked_count", type="int", unit="rules", meaning="Rules that gave a verdict on the decision.", checks=_at_least(0)),
    Field(name="snapshot_id", type="int", meaning="Lake snapshot that the decision or figure was derived from.", checks=_at_least(0)),
    Field(name="feature_hash", type="text", meaning="SHA-256 of the published features in use."),
    Field(name="seed", type="int", meaning="Seed of the exploration draw."),
    Field(name="candidates", type="json", meaning="Every candidate with its vetoes, scores and propensity, a JSON array.", privacy="internal"),
    Field(name="context", type="json", meaning="What the decision was asked with.", privacy="personal", residency="tenant_region"),
    Field(name="receipt_hash", type="text", meaning="SHA-256 of the decision record: the leaf of the audit log is made from it."),
    Field(name="decide_us", type="int", unit="us", meaning="Time from request parsed to decision made, the disk not included.", checks=_at_least(0)),
    Field(name="expected_cost_usd", type="decimal", unit="USD", meaning="Expected cost of the chosen action.", checks=_at_least(0)),
    Field(name="baseline_cost_usd", type="decimal", unit="USD", meaning="Expected cost of the best single admissible candidate: what would be spent without routing.", checks=_at_least(0)),
    Field(name="is_success", type="bool", meaning="The action met its aim."),
    Field(name="quality", type="float", unit="share", meaning="How good the result was, 0 to 1.", checks=_SHARE),
    Field(name="override_action", type="text", meaning="What the person chose instead."),
    Field(name="note", type="text", meaning="What a person wrote about it.", privacy="personal", residency="tenant_region"),
    # KPIs ------------------------------------------------------------------------------------------
    Field(name="kpi_value", type="float", meaning="Measured value, in the KPI's unit; null when there is nothing to measure."),
    Field(name="unit", type="text", meaning="Unit of the value.", privacy="public"),
    Field(name="target", type="float", meaning="Value to reach, in the KPI's unit.", privacy="public"),
    Field(name="direction", type="text", meaning="Which way is better.", privacy="public", checks=_one_of("up", "down")),
    Field(name="value_low", type="float", meaning="Lower end of the 95 % interval, where sampled."),
    Field(name="value_high", type="float", meaning="Upper end of the 95 % interval, where sampled."),
    Field(name="sample_count", type="int", meaning="Observations behind the value.", checks=_at_least(0)),
    # the batch ledger ------------------------------------------------------------------------------
    Field(name="row_count", type="int", unit="rows", meaning="Rows in the batch as it came.", checks=_at_least(0)),
    Field(name="good_count", type="int", unit="rows", meaning="Rows landed.", checks=_at_least(0)),
    Field(name="quarantined_count", type="int", unit="rows", meaning="Rows refused.", checks=_at_least(0)),
    Field(name="duplicate_count", type="int", unit="rows", meaning="Rows that had landed before, unchanged.", checks=_at_least(0)),
    Field(name="unpriced_count", type="int", unit="rows", meaning="Rows landed without a price.", checks=_at_least(0)),
    Field(name="journal_seq", type="int", meaning="Last journal record that the lake holds.", checks=_at_least(0)),
)


def _index(declared: tuple[Field, ...]) -> Mapping[str, Field]:
    index = {field.name: field for field in declared}
    if len(index) != len(declared):
        names = [field.name for field in declared]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"Fields declared twice: {', '.join(twice)}. Keep one declaration each.")
    return MappingProxyType(index)


FIELDS: Mapping[str, Field] = _index(_DECLARED)
"""Every declared column by name."""
