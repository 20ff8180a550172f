"""What the brokerage works on: parties, leads, properties, listings, deals, payments, and the law's papers.

Several systems know one party or property, each by an id of its own: their key is the source and its id,
and `aurora.entities` says which of them are the same.
"""

from collections.abc import Iterable

from contracts.table import Table

_ORIGIN = ("source", "is_sample", "region", "updated_at")
_YEARS_5 = 1826
_YEARS_7 = 2555


def _table(
    name: str,
    meaning: str,
    *,
    owner: str,
    required: tuple[str, ...] = (),
    optional: Iterable[str] = (),
    subject: str | None = "party_id",
    is_per_source: bool = False,
    retention_days: int = _YEARS_7,
) -> Table:
    """A table of things that change: its key is `<name>_id`, its states are told apart by `updated_at`."""
    key = f"{name}_id"
    return Table(
        name=name,
        meaning=meaning,
        grain=f"one row a {name.replace('_', ' ')}{' of a source' if is_per_source else ''} and state of it",
        key=("source", key) if is_per_source else (key,),
        columns=(key, *required, *optional, *_ORIGIN),
        optional=frozenset(optional),
        owner=owner,
        retention_days=retention_days,
        versioned_by="updated_at",
        subject=subject,
    )


PARTY = _table(
    "party",
    "People and companies that the brokerage deals with, as each system knows them.",
    owner="compliance",
    is_per_source=True,
    required=("party_kind",),
    optional=(
        "full_name",
        "full_name_ar",
        "country",
        "birth_date",
        "emirates_id",
        "emirates_id_token",
        "passport_no",
        "passport_no_token",
        "phone",
        "phone_token",
        "email",
        "email_token",
        "iban",
        "iban_token",
        "id_expiry_date",
        "preferred_location",
        "preferred_property_kind",
        "budget_aed",
        "is_pep",
        "risk_rating",
        "risk_rated_at",
        "last_screened_at",
        "edd_status",
        "senior_approval_by",
        "ubo_identified_count",
        "ubo_coverage_share",
        "is_marketing_opt_out",
        "has_objected",
        "has_active_deal",
    ),
)

CONSENT = _table(
    "consent",
    "What a party agreed to, and whether it still does.",
    owner="compliance",
    required=("party_id", "consent_purpose", "is_granted"),
    optional=("channel", "granted_at", "withdrawn_at", "evidence_document_id"),
)

LEAD = _table(
    "lead",
    "Enquiries of possible buyers and tenants, and how far they came.",
    owner="sales",
    required=("lead_status",),
    optional=(
        "party_id",
        "property_id",
        "broker_id",
        "channel",
        "campaign_name",
        "marketing_cost_aed",
        "enquired_at",
        "qualified_at",
        "viewed_at",
        "negotiated_at",
        "booked_at",
        "lost_reason",
    ),
    retention_days=1095,
)

LEAD_EVENT = Table(
    name="lead_event",
    meaning="What happened to leads, one thing at a time.",
    grain="one row an event",
    key=("lead_event_id",),
    columns=(
        "lead_event_id",
        "lead_id",
        "lead_event_kind",
        "occurred_at",
        "assistant_id",
        "actor_id",
        "channel",
        "note",
        "source",
        "is_sample",
        "region",
    ),
    optional=frozenset({"assistant_id", "actor_id", "channel", "note"}),
    owner="sales",
    retention_days=1095,
)

PROPERTY = _table(
    "property",
    "Units and plots, as each system knows them.",
    owner="inventory",
    subject=None,
    is_per_source=True,
    required=("property_kind",),
    optional=(
        "property_status",
        "title_deed_no",
        "project_name",
        "developer_name",
        "unit_no",
        "location",
        "bedroom_count",
        "size_sqft",
        "price_aed",
        "payment_plan",
        "is_off_plan",
        "is_area_freehold",
        "oqood_no",
        "escrow_account",
        "escrow_account_token",
        "owner_party_id",
        "active_form_a_count",
    ),
)

LISTING = _table(
    "listing",
    "Properties offered to the public, with the permit and forms they stand on.",
    owner="inventory",
    subject=None,
    required=("is_published",),
    optional=(
        "property_id",
        "broker_id",
        "channel",
        "published_at",
        "property_status",
        "is_off_plan",
        "is_unit_advertised",
        "price_aed",
        "size_sqft",
        "location",
        "listing_category",
        "permit_no",
        "permit_expiry_date",
        "permit_scope",
        "permit_price_aed",
        "permit_size_sqft",
        "permit_location",
        "permit_category",
        "published_per_permit_count",
        "form_a_id",
        "form_a_status",
        "form_a_expiry_date",
        "is_form_a_cancelled",
        "form_u_id",
        "is_brn_displayed",
        "is_orn_displayed",
        "developer_agreement_id",
    ),
)

AD_CREATIVE = _table(
    "ad_creative",
    "Published advertisements and what they show.",
    owner="marketing",
    subject=None,
    optional=(
        "listing_id",
        "channel",
        "permit_no",
        "is_permit_no_visible",
        "qr_url",
        "qr_permit_no",
        "publisher_advertiser_permit_id",
        "published_at",
    ),
)

BROKER = _table(
    "broker",
    "Brokers and agents of the house, and their licences.",
    owner="hr",
    required=("party_id", "is_acting"),
    optional=("full_name", "broker_department", "orn", "brn", "brn_expiry_date"),
)

VIEWING = _table(
    "viewing",
    "Visits to properties.",
    owner="sales",
    required=("viewing_status",),
    optional=(
        "lead_id",
        "party_id",
        "property_id",
        "broker_id",
        "broker_represents",
        "buyer_form_b_id",
        "viewing_starts_at",
    ),
    retention_days=1095,
)

OFFER = _table(
    "offer",
    "Offers for properties.",
    owner="sales",
    required=("offer_status", "offer_price_aed"),
    optional=("lead_id", "deal_id", "party_id", "property_id", "offered_at", "offer_expires_at"),
)

DEAL = _table(
    "deal",
    "Sales of properties, with what the law asks before each stage.",
    owner="sales",
    subject="buyer_party_id",
    required=("deal_stage",),
    optional=(
        "lead_id",
        "property_id",
        "broker_id",
        "buyer_party_id",
        "seller_party_id",
        "price_aed",
        "commission_aed",
        "is_freehold",
        "is_off_plan",
        "is_area_freehold",
        "buyer_country",
        "buyer_cdd_status",
        "seller_cdd_status",
        "cdd_cleared_at",
        "risk_rating",
        "source_of_funds",
        "source_of_wealth",
        "is_source_of_funds_virtual_asset",
        "cash_total_aed",
        "cash_payment_30d_count",
        "has_virtual_asset_payment",
        "rear_filed_at",
        "has_rear_documents",
        "form_f_id",
        "form_i_id",
        "noc_id",
        "oqood_no",
        "title_check_status",
        "brokerage_count",
        "is_same_broker_both_sides",
        "has_buyer_dual_consent",
        "has_seller_dual_consent",
        "closed_at",
    ),
)

DEAL_COST = _table(
    "deal_cost",
    "Fees, taxes and commissions of deals, as quoted or charged.",
    owner="finance",
    subject=None,
    required=("deal_id", "cost_kind", "amount_aed"),
    optional=("price_aed", "property_kind", "loan_aed", "rate_share", "is_agreed_in_writing"),
)

PAYMENT = _table(
    "payment",
    "Money received in deals.",
    owner="finance",
    subject="payer_party_id",
    required=("amount_aed", "payment_method"),
    optional=(
        "deal_id",
        "payer_party_id",
        "paid_currency",
        "payee_account",
        "payee_account_token",
        "received_at",
        "approver_id",
        "third_party_justification",
        "industry",
        "has_financial_controls",
    ),
)

TENANCY = _table(
    "tenancy",
    "Tenancy contracts: rent, registration, notice.",
    owner="operations",
    subject="tenant_party_id",
    required=("is_active",),
    optional=(
        "property_id",
        "tenant_party_id",
        "landlord_party_id",
        "ejari_no",
        "old_rent_aed",
        "new_rent_aed",
        "rent_gap_share",
        "is_rent_changed",
        "tenancy_expiry_date",
        "notice_sent_at",
        "is_eviction",
        "is_notarised",
        "eviction_date",
    ),
)

DOCUMENT = _table(
    "document",
    "Documents on file, and how long they must stay there.",
    owner="compliance",
    required=("document_kind",),
    optional=("record_class", "party_id", "deal_id", "filed_at", "retention_end_date", "content_hash"),
    retention_days=_YEARS_5 * 2,
)

SCREENING_HIT = _table(
    "screening_hit",
    "Parties found on a sanctions or watch list, and what was done.",
    owner="compliance",
    required=("party_id", "match_kind"),
    optional=(
        "list_name",
        "match_share",
        "found_at",
        "frozen_at",
        "suspended_at",
        "ffr_filed_at",
        "pnmr_filed_at",
    ),
)

SUSPICION = _table(
    "suspicion",
    "Suspicions of money laundering. Nobody outside compliance may learn of them (no tipping-off).",
    owner="compliance",
    required=("suspicion_status",),
    optional=("party_id", "deal_id", "found_at", "suspicion_grounds", "str_filed_at"),
)

TABLES = (
    PARTY,
    CONSENT,
    LEAD,
    LEAD_EVENT,
    PROPERTY,
    LISTING,
    AD_CREATIVE,
    BROKER,
    VIEWING,
    OFFER,
    DEAL,
    DEAL_COST,
    PAYMENT,
    TENANCY,
    DOCUMENT,
    SCREENING_HIT,
    SUSPICION,
)
