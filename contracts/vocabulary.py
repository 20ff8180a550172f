"""The words that columns are drawn from: closed lists, each once."""

from __future__ import annotations

OPERATIONS = (
    "chat",
    "generate_content",
    "text_completion",
    "embeddings",
    "retrieval",
    "create_agent",
    "invoke_agent",
    "execute_tool",
    "invoke_workflow",
    "image_generation",
    "speech",
    "transcription",
    "moderation",
    "rerank",
)
"""OpenTelemetry GenAI operation names (semantic conventions 1.41) and the media operations
that providers bill and OpenTelemetry does not name yet."""

TASK_STATES = (
    "submitted",
    "working",
    "input_required",
    "auth_required",
    "completed",
    "failed",
    "canceled",
    "rejected",
)
"""A2A 1.0 task states."""

PRIVACY_CLASSES = ("public", "internal", "personal", "sensitive")
COST_SOURCES = ("provider", "logged", "price_book", "unpriced")
KPI_INPUT_KINDS = ("value", "target")
DECISION_KINDS = ("route_task", "route_llm", "resolve_conflict", "scale", "rebalance", "tune")
CONFLICT_STATES = ("open", "resolved", "scored")
CONFLICT_SOURCES = ("api", "recommendations", "handoffs")
SCORE_SOURCES = ("outcome", "person")
DECISION_STATUSES = ("chosen", "abstained")
CONTROL_LEVELS = (
    "full_orchestration",
    "read_write",
    "read_only_alerts",
    "command_authority",
    "monitoring_thresholds",
)
ASSISTANT_STATES = ("active", "degraded", "down", "disabled")
PRIORITIES = ("critical", "high", "medium", "low")
CHARGE_CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")
PRICING_CATEGORIES = ("Standard", "Dynamic", "Committed", "Other")
SERVICE_CATEGORIES = (
    "AI and Machine Learning",
    "Analytics",
    "Business Applications",
    "Compute",
    "Databases",
    "Developer Tools",
    "Multicloud",
    "Identity",
    "Integration",
    "Internet of Things",
    "Management and Governance",
    "Media",
    "Migration",
    "Mobile",
    "Networking",
    "Security",
    "Storage",
    "Web",
    "Other",
)
"""FOCUS 1.2 allowed values."""

EVALUATORS = ("human", "llm", "code")

PARTY_KINDS = ("natural", "legal")
RISK_RATINGS = ("low", "medium", "high")
CDD_STATUSES = ("not_started", "in_progress", "complete", "failed")
LEAD_STATUSES = ("new", "contacted", "qualified", "viewing", "negotiation", "booked", "won", "lost")
LEAD_EVENT_KINDS = (
    "enquired",
    "contacted",
    "qualified",
    "viewed",
    "offered",
    "negotiated",
    "booked",
    "won",
    "lost",
    "reassigned",
)
VIEWING_STATUSES = ("planned", "done", "canceled", "no_show")
BROKER_SIDES = ("buyer", "seller", "both")
OFFER_STATUSES = ("open", "accepted", "rejected", "withdrawn", "expired")
PROPERTY_KINDS = ("apartment", "villa", "townhouse", "penthouse", "office", "shop", "land", "building")
PROPERTY_STATUSES = ("available", "reserved", "sold", "rented", "withdrawn")
PERMIT_SCOPES = ("unit", "project")
DEAL_STAGES = ("reservation", "mou", "spa", "payment", "transfer", "closed", "called_off")
"""In the order of a sale; `called_off` may follow any."""
TITLE_CHECKS = ("not_checked", "pending", "verified", "failed")
COST_KINDS = ("dld_transfer", "dld_admin", "trustee", "mortgage_reg", "commission", "noc", "other")
PAYMENT_METHODS = ("cash", "bank_transfer", "cheque", "card", "mortgage", "virtual_asset")
RECORD_CLASSES = ("aml", "hipaa", "contract", "marketing", "other")
MATCH_KINDS = ("confirmed", "partial", "dismissed")
SUSPICION_STATUSES = ("open", "confirmed", "dismissed")

MODALITIES = ("text", "image", "audio", "document")
CASE_STATES = ("open", "waiting", "escalated", "completed", "failed", "canceled")
COMMAND_STATES = ("issued", "delivered", "accepted", "completed", "failed", "refused", "expired")
HANDOFF_STATES = ("offered", "accepted", "completed", "refused", "failed")
SEVERITIES = ("info", "low", "medium", "high", "critical")
ALERT_LABELS = ("relevant", "noise")
PRINCIPAL_KINDS = ("person", "assistant", "service")
PRINCIPAL_STATES = ("active", "suspended", "left")
LAWFUL_BASES = ("consent", "contract", "law", "vital_interest", "public_task", "legitimate_interest")
DSR_KINDS = ("access", "portability", "rectification", "restriction", "objection", "erasure")
DSR_STATES = ("open", "waiting", "refused", "closed")
STORAGE_FORMS = ("clear", "encrypted", "hashed", "truncated", "masked")
RUN_STATES = ("started", "succeeded", "failed", "canceled")
VERDICTS = ("pass", "fail", "unknown")
BREACH_STATES = ("detected", "assessed", "notified_authority", "notified_subjects", "closed")
BREACH_ORIGINS = ("incident", "finding", "residency_refusal")
FINDING_STATES = ("open", "remediated", "false_positive", "accepted")
POSTURES = ("compliant", "pending_review", "non_compliant")
MESSAGE_DIRECTIONS = ("inbound", "outbound")
AI_DECISION_BASES = ("contract", "law", "explicit_consent", "legitimate_interest", "none")

ENTITY_KINDS = ("party", "property")
MATCH_VERDICTS = ("same", "review", "refused")
SURVIVOR_STRATEGIES = ("most_trusted", "newest", "longest", "most_frequent")
