"""Tables of the Auterity plan, named and shaped as its SQL does, so that an export of that shape lands as it is.

What has a conformed table is renamed into it by `contracts/mappings.py`; the rest is the conformed table itself (ADR 0010)."""

from contracts.table import Table

ENHANCED_AI_CONVERSATIONS = Table(
    name="enhanced_ai_conversations",
    meaning="Conversations as the Auterity platform keeps them; conformed into conversation.",
    grain="one row a conversation and state of it",
    key=("id",),
    columns=(
        "id",
        "user_id",
        "session_id",
        "industry_profile",
        "conversation_context",
        "workflow_generated_id",
        "compliance_requirements",
        "created_at",
        "updated_at",
        "source",
        "region",
    ),
    optional=frozenset({"industry_profile", "workflow_generated_id", "compliance_requirements", "created_at"}),
    owner="operations",
    retention_days=730,
    versioned_by="updated_at",
    subject="user_id",
)

INDUSTRY_WORKFLOW_TEMPLATES = Table(
    name="industry_workflow_templates",
    meaning="Workflow templates of the industry accelerators: the one table of templates.",
    grain="one row a template and state of it",
    key=("id",),
    columns=(
        "id",
        "industry_type",
        "template_name",
        "template_definition",
        "compliance_requirements",
        "success_metrics",
        "usage_count",
        "created_at",
        "updated_at",
        "source",
        "region",
    ),
    optional=frozenset({"compliance_requirements", "success_metrics", "usage_count", "created_at"}),
    owner="operations",
    retention_days=2555,
    versioned_by="updated_at",
)

ENHANCED_AI_MODEL_USAGE = Table(
    name="enhanced_ai_model_usage",
    meaning="AI operations as the Auterity platform logs them; conformed into usage.",
    grain="one row an AI operation",
    key=("id",),
    columns=(
        "id",
        "user_id",
        "conversation_id",
        "model_name",
        "provider",
        "operation_type",
        "industry_context",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        "processing_time_ms",
        "accuracy_score",
        "compliance_validated",
        "created_at",
        "source",
        "region",
    ),
    optional=frozenset(
        {
            "conversation_id",
            "industry_context",
            "input_tokens",
            "output_tokens",
            "cost_usd",
            "processing_time_ms",
            "accuracy_score",
            "compliance_validated",
        }
    ),
    owner="finance",
    retention_days=2555,
    subject="user_id",
)

MULTIMODAL_PROCESSING_RESULTS = Table(
    name="multimodal_processing_results",
    meaning="What was found in texts, images, sounds and documents: the one table of media results.",
    grain="one row a processed input",
    key=("id",),
    columns=(
        "id",
        "conversation_id",
        "modality_type",
        "input_data_hash",
        "processing_result",
        "confidence_score",
        "processing_time_ms",
        "model_used",
        "created_at",
        "source",
        "region",
    ),
    optional=frozenset({"conversation_id", "input_data_hash", "confidence_score", "processing_time_ms", "model_used"}),
    owner="operations",
    retention_days=730,
)

AI_OPERATION_METRIC = Table(
    name="ai_operation_metric",
    meaning="AI operations as the Auterity metrics collector measures them (EnhancedAIOperationMetric); conformed into usage.",
    grain="one row a measured operation",
    key=("metric_id",),
    columns=(
        "metric_id",
        "operation_type",
        "model_name",
        "industry_context",
        "compliance_level",
        "input_tokens",
        "output_tokens",
        "execution_time",
        "cost",
        "success",
        "accuracy_score",
        "business_value",
        "compliance_verified",
        "timestamp",
        "source",
        "region",
    ),
    optional=frozenset(
        {
            "industry_context",
            "compliance_level",
            "input_tokens",
            "output_tokens",
            "cost",
            "accuracy_score",
            "business_value",
            "compliance_verified",
        }
    ),
    owner="finance",
    retention_days=2555,
)

TABLES = (
    ENHANCED_AI_CONVERSATIONS,
    INDUSTRY_WORKFLOW_TEMPLATES,
    ENHANCED_AI_MODEL_USAGE,
    MULTIMODAL_PROCESSING_RESULTS,
    AI_OPERATION_METRIC,
)
