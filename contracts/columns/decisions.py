"""Decisions, outcomes, overrides and KPIs. One line a column."""

from contracts.field import SHARE, Field, at_least, one_of
from contracts.vocabulary import DECISION_KINDS, DECISION_STATUSES

COLUMNS: tuple[Field, ...] = (
    Field(name="decision_kind", type="text", meaning="Which question was decided.", privacy="public", checks=one_of(*DECISION_KINDS)),
    Field(name="decision_status", type="text", meaning="A candidate was chosen, or it went to a person.", privacy="public", checks=one_of(*DECISION_STATUSES)),
    Field(name="action", type="text", meaning="The chosen candidate; null when abstained."),
    Field(name="confidence", type="float", unit="share", meaning="Calibrated probability that the action is good enough.", checks=SHARE),
    Field(name="propensity", type="float", unit="share", meaning="Probability with which the policy chose the action.", checks=SHARE),
    Field(name="policy_id", type="text", meaning="The policy that chose.", privacy="public"),
    Field(name="bundle_hash", type="text", meaning="SHA-256 of the policy bundle in use; empty for a policy without one."),
    Field(name="rule_pack_hash", type="text", meaning="SHA-256 of the rules in force."),
    Field(name="rules_checked_count", type="int", unit="rules", meaning="Rules that gave a verdict on the decision.", checks=at_least(0)),
    Field(name="snapshot_id", type="int", meaning="Lake snapshot that the decision or figure was derived from.", checks=at_least(0)),
    Field(name="feature_hash", type="text", meaning="SHA-256 of the published features in use."),
    Field(name="seed", type="int", meaning="Seed of the exploration draw."),
    Field(name="candidates", type="json", meaning="Every candidate with its vetoes, scores and propensity, a JSON array.", privacy="internal"),
    Field(name="context", type="json", meaning="What the decision was asked with.", privacy="personal", residency="tenant_region"),
    Field(name="receipt_hash", type="text", meaning="SHA-256 of the decision record: the leaf of the audit log is made from it."),
    Field(name="decide_us", type="int", unit="us", meaning="Time from request parsed to decision made, the disk not included.", checks=at_least(0)),
    Field(name="expected_cost_usd", type="decimal", unit="USD", meaning="Expected cost of the chosen action.", checks=at_least(0)),
    Field(name="baseline_cost_usd", type="decimal", unit="USD", meaning="Expected cost of the best single admissible candidate: what would be spent without routing.", checks=at_least(0)),
    Field(name="is_success", type="bool", meaning="The action met its aim."),
    Field(name="quality", type="float", unit="share", meaning="How good the result was, 0 to 1.", checks=SHARE),
    Field(name="override_action", type="text", meaning="What the person chose instead."),
    Field(name="note", type="text", meaning="What a person wrote about it.", privacy="personal", residency="tenant_region"),
    Field(name="kpi_value", type="float", meaning="Measured value, in the KPI's unit; null when there is nothing to measure."),
    Field(name="unit", type="text", meaning="Unit of the value.", privacy="public"),
    Field(name="target", type="float", meaning="Value to reach, in the KPI's unit.", privacy="public"),
    Field(name="direction", type="text", meaning="Which way is better.", privacy="public", checks=one_of("up", "down")),
    Field(name="value_low", type="float", meaning="Lower end of the 95 % interval, where sampled."),
    Field(name="value_high", type="float", meaning="Upper end of the 95 % interval, where sampled."),
    Field(name="sample_count", type="int", meaning="Observations behind the value.", checks=at_least(0)),
)
