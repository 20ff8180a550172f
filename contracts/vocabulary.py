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
DECISION_KINDS = ("route_task", "route_llm")
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
