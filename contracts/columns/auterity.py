"""Columns of the Auterity plan's own tables, named and bounded as its SQL does (ADR 0010). One line a column."""

from contracts.field import SHARE, TIME, UUID, Field, at_least, at_most_chars, one_of
from contracts.vocabulary import MODALITIES

COLUMNS: tuple[Field, ...] = (
    Field(name="id", type="text", meaning="Primary key of the row in the plan's own tables, a UUID.", checks=UUID),
    Field(name="session_id", type="text", meaning="The sitting that the conversation belongs to, as the platform names it.", privacy="personal", checks=at_most_chars(255)),
    Field(name="industry_profile", type="text", meaning="Industry accelerator that the conversation ran under.", privacy="public", checks=at_most_chars(50)),
    Field(name="conversation_context", type="json", meaning="What was said and known in the conversation, a JSON object.", privacy="sensitive", residency="tenant_region", protection="encrypt"),
    Field(name="workflow_generated_id", type="text", meaning="The workflow that came out of the conversation: a case_id, a UUID.", checks=UUID),
    Field(name="compliance_requirements", type="json", meaning="Regimes and conditions asked for, a JSON value.", privacy="public"),
    Field(name="industry_type", type="text", meaning="Industry that the template is for.", privacy="public", checks=at_most_chars(50)),
    Field(name="template_name", type="text", meaning="Name of the workflow template.", privacy="public", checks=at_most_chars(255)),
    Field(name="template_definition", type="json", meaning="The workflow as data: steps, timeouts, approvals, a JSON object.", privacy="internal"),
    Field(name="success_metrics", type="json", meaning="What the template is measured by, a JSON value.", privacy="public"),
    Field(name="usage_count", type="int", unit="uses", meaning="Times the template was used, as the exporter counted; dbt counts for itself.", checks=at_least(0)),
    Field(name="model_name", type="text", meaning="Language model that answered: request_model of the conformed usage table.", privacy="public", checks=at_most_chars(100)),
    Field(name="provider", type="text", meaning="Who served it: provider_name of the conformed usage table.", privacy="public", checks=at_most_chars(50)),
    Field(name="operation_type", type="text", meaning="What was asked, in the platform's words: operation_name of the conformed usage table.", privacy="public", checks=at_most_chars(50)),
    Field(name="industry_context", type="text", meaning="Industry that the operation was done for.", privacy="public", checks=at_most_chars(50)),
    Field(name="processing_time_ms", type="int", unit="ms", meaning="Time spent: duration_ms of the conformed tables.", checks=at_least(0)),
    Field(name="accuracy_score", type="decimal", unit="share", meaning="How accurate the result was, 0 to 1: quality of the conformed usage table.", checks=SHARE),
    Field(name="compliance_validated", type="bool", meaning="Compliance rules were checked and passed before the answer was used."),
    Field(name="modality_type", type="text", meaning="Kind of input that was processed.", privacy="public", checks=one_of(*MODALITIES)),
    Field(name="input_data_hash", type="text", meaning="Hash of the input, to find equal inputs without keeping them.", checks=at_most_chars(255)),
    Field(name="processing_result", type="json", meaning="What was found in the input, a JSON value.", privacy="sensitive", residency="tenant_region"),
    Field(name="confidence_score", type="decimal", unit="share", meaning="How sure the processor was, 0 to 1.", checks=SHARE),
    Field(name="model_used", type="text", meaning="Language model or media estimator that processed the input.", privacy="public", checks=at_most_chars(100)),
    Field(name="metric_id", type="text", meaning="One measured operation, unique within the tenant."),
    Field(name="compliance_level", type="text", meaning="Regime that the operation had to satisfy, such as gdpr or hipaa.", privacy="public", checks=at_most_chars(50)),
    Field(name="execution_time", type="float", unit="s", meaning="Time spent: duration_ms of the conformed usage table is 1000 times this.", checks=at_least(0)),
    Field(name="cost", type="decimal", unit="USD", meaning="Cost as the platform reckoned it: reported_cost_usd of the conformed usage table.", checks=at_least(0)),
    Field(name="success", type="bool", meaning="The operation met its aim; is_error of the conformed usage table is its opposite."),
    Field(name="business_value", type="decimal", unit="USD", meaning="Worth of the result as the platform estimated it."),
    Field(name="compliance_verified", type="bool", meaning="Compliance was verified for the operation: is_compliance_validated of the conformed usage table."),
    Field(name="timestamp", type="timestamp", unit="UTC", meaning="When the operation ended: occurred_at of the conformed usage table is this less execution_time.", checks=TIME),
)
