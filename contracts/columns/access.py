"""Principals, roles, grants and accesses. One line a column."""

from contracts.field import SLUG, Field, at_least, one_of
from contracts.vocabulary import PRINCIPAL_KINDS, PRINCIPAL_STATES

COLUMNS: tuple[Field, ...] = (
    Field(name="principal_id", type="text", meaning="A person, assistant or service that can sign in or hold a key.", privacy="personal"),
    Field(name="principal_kind", type="text", meaning="Person, assistant or service.", privacy="public", checks=one_of(*PRINCIPAL_KINDS)),
    Field(name="principal_state", type="text", meaning="Whether it may act at all.", privacy="public", checks=one_of(*PRINCIPAL_STATES)),
    Field(name="display_name", type="text", meaning="Name shown for the principal.", privacy="personal", residency="tenant_region", protection="encrypt"),
    Field(name="work_email", type="text", meaning="Address at work of the principal.", privacy="personal", residency="tenant_region", protection="encrypt"),
    Field(name="role_names", type="json", meaning="Roles held, a JSON array of texts."),
    Field(name="role_name", type="text", meaning="The role in which someone acts.", privacy="public"),
    Field(name="role_meaning", type="text", meaning="What the role is for.", privacy="public"),
    Field(name="scopes", type="json", meaning="Scopes that the role admits, a JSON array of texts.", privacy="public"),
    Field(name="visible_labels", type="json", meaning="Data labels that the role may read, a JSON array of texts.", privacy="public"),
    Field(name="phi_fields", type="json", meaning="Health-record fields that the role needs (minimum necessary), a JSON array of texts.", privacy="public"),
    Field(name="last_reviewed_at", type="timestamp", unit="UTC", meaning="When the grant was last reviewed."),
    Field(name="access_event_id", type="text", meaning="One access to data."),
    Field(name="principal_tenant_id", type="text", meaning="Tenant of the one who accessed."),
    Field(name="resource_tenant_id", type="text", meaning="Tenant that the data belongs to."),
    Field(name="resource", type="text", meaning="What was read or changed: a table, page, file or endpoint."),
    Field(name="purpose", type="text", meaning="What the data is used for.", privacy="public", checks=SLUG),
    Field(name="field_names", type="json", meaning="Fields that were read, a JSON array of texts.", privacy="public"),
    Field(name="is_access_granted", type="bool", meaning="The access was granted."),
    Field(name="data_scope", type="text", meaning="Part of the estate: cde is the cardholder data environment.", privacy="public", checks=SLUG),
    Field(name="grant_id", type="text", meaning="One grant of a role to a principal."),
    Field(name="is_shared_account", type="bool", meaning="More than one person uses the account."),
    Field(name="session_ttl_s", type="int", unit="s", meaning="Longest time a session lives without signing in again.", checks=at_least(0)),
    Field(name="has_full_pan_view", type="bool", meaning="The grant lets whole card numbers be seen."),
    Field(name="business_need", type="text", meaning="Why the grant is needed.", privacy="internal"),
    Field(name="has_mfa", type="bool", meaning="Signing in takes a second factor."),
    Field(name="rendered_field_id", type="text", meaning="One sensitive field as it was shown on a page or in a file."),
    Field(name="page_name", type="text", meaning="Page, report or file that showed it.", privacy="public"),
    Field(name="visible_pan_digit_count", type="int", unit="digits", meaning="Digits of the card number that were readable.", checks=at_least(0)),
    Field(name="allowed_pan_digit_count", type="int", unit="digits", meaning="Digits of the card number that the role may see.", checks=at_least(0)),
)
