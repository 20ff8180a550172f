"""Who there is, what they may do, and what they did with data."""

from contracts.table import Table

PRINCIPAL = Table(
    name="principal",
    meaning="People, assistants and services that can act: the plan of Auterity calls them users.",
    grain="one row a principal and state of it",
    key=("principal_id",),
    columns=(
        "principal_id",
        "principal_kind",
        "principal_state",
        "display_name",
        "work_email",
        "role_names",
        "tenant_id",
        "created_at",
        "updated_at",
        "source",
        "is_sample",
        "region",
    ),
    optional=frozenset({"display_name", "work_email", "role_names", "tenant_id", "created_at"}),
    owner="security",
    retention_days=2555,
    versioned_by="updated_at",
    subject="principal_id",
)

ACCESS_ROLE = Table(
    name="access_role",
    meaning="Roles and what they admit.",
    grain="one row a role and state of it",
    key=("role_name",),
    columns=(
        "role_name",
        "role_meaning",
        "scopes",
        "visible_labels",
        "phi_fields",
        "updated_at",
        "source",
        "is_sample",
        "region",
    ),
    optional=frozenset({"visible_labels", "phi_fields"}),
    owner="security",
    retention_days=2555,
    versioned_by="updated_at",
)

ACCESS_GRANT = Table(
    name="access_grant",
    meaning="Roles that principals hold, how they are secured and when they were last reviewed.",
    grain="one row a grant and state of it",
    key=("grant_id",),
    columns=(
        "grant_id",
        "principal_id",
        "principal_state",
        "role_name",
        "data_scope",
        "is_active",
        "is_shared_account",
        "session_ttl_s",
        "has_full_pan_view",
        "business_need",
        "has_mfa",
        "granted_at",
        "last_reviewed_at",
        "updated_at",
        "source",
        "is_sample",
        "region",
    ),
    optional=frozenset(
        {
            "data_scope",
            "is_shared_account",
            "session_ttl_s",
            "has_full_pan_view",
            "business_need",
            "has_mfa",
            "granted_at",
            "last_reviewed_at",
        }
    ),
    owner="security",
    retention_days=2555,
    versioned_by="updated_at",
)

ACCESS_EVENT = Table(
    name="access_event",
    meaning="Accesses to data: who, to what, for what purpose, granted or not.",
    grain="one row an access",
    key=("access_event_id",),
    columns=(
        "access_event_id",
        "occurred_at",
        "principal_id",
        "principal_tenant_id",
        "resource_tenant_id",
        "resource",
        "role_name",
        "dataset_id",
        "purpose",
        "data_label",
        "data_scope",
        "field_names",
        "is_access_granted",
        "audit_event_id",
        "source",
        "is_sample",
        "region",
    ),
    optional=frozenset(
        {"role_name", "dataset_id", "purpose", "data_label", "data_scope", "field_names", "audit_event_id"}
    ),
    owner="security",
    retention_days=2555,
)

RENDERED_FIELD = Table(
    name="rendered_field",
    meaning="Card numbers as they were shown, and how much of them a role may see.",
    grain="one row a field as shown",
    key=("rendered_field_id",),
    columns=(
        "rendered_field_id",
        "occurred_at",
        "page_name",
        "column_name",
        "role_name",
        "data_label",
        "visible_pan_digit_count",
        "allowed_pan_digit_count",
        "source",
        "is_sample",
        "region",
    ),
    optional=frozenset({"data_label", "visible_pan_digit_count", "allowed_pan_digit_count"}),
    owner="security",
    retention_days=730,
)

TABLES = (
    PRINCIPAL,
    ACCESS_ROLE,
    ACCESS_GRANT,
    ACCESS_EVENT,
    RENDERED_FIELD,
)
