"""Exact predicates of the packs uae_aml, rera, rera_ads, dld and tenancy."""

from __future__ import annotations

from typing import Final

from twin.cases.predicate import Predicate, on

_TODAY: Final = "CAST($as_of AS DATE)"
_BUSINESS_DAYS: Final = (
    "(SELECT count(*) FROM range(CAST(r.frozen_at AS DATE) + INTERVAL 1 DAY, CAST($as_of AS DATE) + INTERVAL 1 DAY, INTERVAL 1 DAY) AS d(day)"
    " WHERE isodow(d.day) <= 5)"
)
_CAP: Final = (
    "(CASE WHEN r.rent_gap_share <= 0.10 THEN 0 WHEN r.rent_gap_share <= 0.20 THEN 5 WHEN r.rent_gap_share <= 0.30 THEN 10"
    " WHEN r.rent_gap_share <= 0.40 THEN 15 ELSE 20 END)"
)
_ADMIN_FEE: Final = "CASE WHEN d.is_off_plan THEN [40] WHEN r.property_kind = 'land' THEN [430] WHEN r.property_kind IN ('villa', 'townhouse') THEN [580, 430] ELSE [580] END"
_TO_PARTY: Final = (
    "JOIN (SELECT DISTINCT party_id, is_marketing_opt_out, has_objected FROM party) p ON p.party_id = r.subject_id"
)

AML: Final[tuple[Predicate, ...]] = (
    on("AML-001", "deal", "r.deal_stage IN ('reservation', 'mou', 'payment', 'transfer') AND (r.buyer_cdd_status IS DISTINCT FROM 'complete' OR r.seller_cdd_status IS DISTINCT FROM 'complete')", "An unknown status is not complete. The stages are those the rule names."),
    on("AML-002", "deal", "r.is_freehold AND r.cash_total_aed >= 55000 AND r.rear_filed_at IS NULL", "cash_total_aed equals the sum of the deal's cash payments."),
    on("AML-003", "deal", "r.is_freehold AND r.has_virtual_asset_payment AND r.rear_filed_at IS NULL", "has_virtual_asset_payment agrees with the deal's payments."),
    on("AML-004", "deal", "r.is_freehold AND r.is_source_of_funds_virtual_asset AND r.rear_filed_at IS NULL"),
    on("AML-005", "deal", "r.rear_filed_at IS NOT NULL AND r.has_rear_documents IS NOT TRUE", "has_rear_documents agrees with the deal's documents of kind buyer_id, seller_id, receipt and spa."),
    on("AML-006", "deal", "r.cash_total_aed BETWEEN 45000 AND 54999 AND r.cash_payment_30d_count >= 2"),
    on("AML-007", "suspicion", "r.suspicion_status = 'confirmed' AND r.str_filed_at IS NULL", "Without delay: at once."),
    on("AML-008", "message", "r.has_str_mention AND r.subject_id IN (SELECT party_id FROM suspicion WHERE suspicion_status <> 'dismissed')", "An open subject is one under a suspicion that was not dismissed. The message names the party as compliance does."),
    on("AML-009", "screening_hit", "r.match_kind = 'confirmed' AND r.frozen_at IS NULL", "The clock of 24 hours runs from found_at and is not part of the predicate."),
    on("AML-010", "screening_hit", f"r.frozen_at IS NOT NULL AND r.ffr_filed_at IS NULL AND {_BUSINESS_DAYS} > $ffr_business_days", "Business days are Monday to Friday after the day of the freeze, up to and with the day of judgement; public holidays are not taken off."),
    on("AML-011", "screening_hit", "r.match_kind = 'partial' AND (r.suspended_at IS NULL OR r.pnmr_filed_at IS NULL)"),
    on("AML-012", "party", "r.last_screened_at IS NULL OR r.last_screened_at < (SELECT max(updated_at) FROM sanctions_list)", "Every record of every system carries compliance's mark. The newest list counts."),
    on("AML-013", "party", "r.is_pep AND (r.edd_status IS DISTINCT FROM 'complete' OR r.senior_approval_by IS NULL)"),
    on("AML-014", "party", "list_contains($high_risk_countries, r.country) AND r.edd_status IS DISTINCT FROM 'complete'"),
    on("AML-015", "party", "r.party_kind = 'legal' AND (coalesce(r.ubo_identified_count, 0) = 0 OR coalesce(r.ubo_coverage_share, 0) < $ubo_coverage)"),
    on("AML-016", "deal", "r.source_of_funds IS NULL OR (r.risk_rating = 'high' AND r.source_of_wealth IS NULL)", "At every stage."),
    on("AML-017", "payment", "r.payer_party_id <> d.buyer_party_id AND r.third_party_justification IS NULL", joins="JOIN deal d ON d.deal_id = r.deal_id"),
    on("AML-018", "document", "r.record_class = 'aml' AND r.retention_end_date < CAST(d.closed_at AS DATE) + INTERVAL 5 YEAR", joins="JOIN deal d ON d.deal_id = r.deal_id"),
    on("AML-019", "party", "r.risk_rating IS NULL OR r.risk_rated_at < $as_of - INTERVAL 1 YEAR"),
    on("AML-020", "party", f"r.id_expiry_date < {_TODAY} AND r.has_active_deal", "The paper is valid on its last day."),
    on("AML-021", "tenant", "r.compliance_officer_id IS NULL OR r.last_aml_training_at < $as_of - INTERVAL 1 YEAR"),
    on("AML-022", "payment", "r.received_at < d.cdd_cleared_at", "Of any method.", joins="JOIN deal d ON d.deal_id = r.deal_id"),
)  # fmt: skip

RERA: Final[tuple[Predicate, ...]] = (
    on("RERA-001", "listing", "r.is_published AND (r.form_a_id IS NULL OR r.form_a_status IS DISTINCT FROM 'active')"),
    on("RERA-002", "listing", f"r.is_published AND r.form_a_expiry_date < {_TODAY}", "Valid on its last day."),
    on("RERA-003", "property", "r.active_form_a_count > 3", "The count is the Land Department's: Form A of other brokerages are in it."),
    on("RERA-004", "viewing", "r.broker_represents = 'buyer' AND r.buyer_form_b_id IS NULL", "Of any state of the viewing; `both` is not asked for."),
    on("RERA-005", "deal", "r.deal_stage IN ('transfer', 'payment') AND r.form_f_id IS NULL", "Off-plan sales too."),
    on("RERA-006", "deal", "r.brokerage_count > 1 AND r.form_i_id IS NULL"),
    on("RERA-007", "listing", "r.is_form_a_cancelled AND r.form_u_id IS NULL"),
    on("RERA-008", "deal", "r.is_same_broker_both_sides AND NOT (coalesce(r.has_buyer_dual_consent, false) AND coalesce(r.has_seller_dual_consent, false))"),
    on("RERA-009", "broker", f"r.is_acting AND (r.brn IS NULL OR r.brn_expiry_date < {_TODAY})", "The card is valid on its last day."),
    on("RERA-010", "listing", "r.is_published AND (r.is_orn_displayed IS NOT TRUE OR r.is_brn_displayed IS NOT TRUE)"),
)  # fmt: skip

ADS: Final[tuple[Predicate, ...]] = (
    on("ADS-001", "listing", "r.is_published AND r.permit_no IS NULL"),
    on("ADS-002", "listing", f"r.is_published AND r.permit_expiry_date < {_TODAY}", "Valid on its last day."),
    on("ADS-003", "ad_creative", "r.is_permit_no_visible IS NOT TRUE"),
    on("ADS-004", "listing", "r.price_aed <> r.permit_price_aed OR r.size_sqft <> r.permit_size_sqft OR r.location <> r.permit_location OR r.listing_category <> r.permit_category", "Published or not; exact equality."),
    on("ADS-005", "listing", "r.is_published AND r.permit_no IS NOT NULL AND r.published_per_permit_count > 1 AND NOT r.is_off_plan", "published_per_permit_count counts published listings of a permit and category; every one of them breaks the rule."),
    on("ADS-006", "listing", "r.is_published AND r.property_status IN ('sold', 'rented', 'withdrawn')"),
    on("ADS-007", "listing", "r.permit_scope = 'project' AND r.is_unit_advertised"),
    on("ADS-008", "ad_creative", "r.qr_url IS NULL OR r.qr_permit_no <> r.permit_no"),
    on("ADS-009", "ad_creative", "r.channel = 'social' AND r.publisher_advertiser_permit_id IS NULL AND r.published_at >= TIMESTAMPTZ '2026-02-01 00:00:00+00'", "Not plantable in a life that begins before 1 February 2026."),
    on("ADS-010", "ai_decision", "r.ai_decision_kind = 'listing_copy' AND r.has_permit_conflict"),
)  # fmt: skip

DLD: Final[tuple[Predicate, ...]] = (
    on("DLD-001", "deal", "r.deal_stage IN ('mou', 'spa', 'payment', 'transfer', 'closed') AND r.title_check_status IS DISTINCT FROM 'verified'", "Stages from the MOU on; a deal that was called off is none of them."),
    on("DLD-002", "deal_cost", "r.cost_kind = 'dld_transfer' AND abs(r.amount_aed - 0.04 * r.price_aed) > 1"),
    on("DLD-003", "deal_cost", "r.cost_kind = 'trustee' AND r.amount_aed <> CASE WHEN r.price_aed >= 500000 THEN 4200 ELSE 2100 END"),
    on("DLD-004", "deal_cost", f"r.cost_kind = 'dld_admin' AND NOT list_contains({_ADMIN_FEE}, CAST(r.amount_aed AS INTEGER))", "40 off-plan whatever the kind, 430 land, 580 otherwise; sources differ for villas and townhouses, so both are right.", joins="JOIN deal d ON d.deal_id = r.deal_id"),
    on("DLD-005", "deal_cost", "r.cost_kind = 'mortgage_reg' AND abs(r.amount_aed - (0.0025 * r.loan_aed + 290)) > 1"),
    on("DLD-006", "deal_cost", "r.cost_kind = 'commission' AND r.rate_share > 0.02 AND r.is_agreed_in_writing IS NOT TRUE"),
    on("DLD-007", "deal", "r.deal_stage = 'transfer' AND r.noc_id IS NULL"),
    on("DLD-008", "deal", "r.is_off_plan AND r.deal_stage IN ('spa', 'payment', 'transfer', 'closed') AND r.oqood_no IS NULL", "Stages from the SPA on; a deal that was called off is none of them."),
    on("DLD-009", "payment", "d.is_off_plan AND r.payee_account_token <> p.escrow_account_token", "The lake holds both accounts as keyed hashes; the property is finance's own record.", joins="JOIN deal d ON d.deal_id = r.deal_id JOIN property p ON p.source = d.source AND p.property_id = d.property_id"),
    on("DLD-010", "listing", "r.is_off_plan AND r.developer_agreement_id IS NULL"),
    on("DLD-011", "deal", "NOT list_contains($gcc, r.buyer_country) AND r.is_area_freehold IS NOT TRUE", "At every stage, called off too. The Emirates are among the Gulf states."),
)  # fmt: skip

TENANCY: Final[tuple[Predicate, ...]] = (
    on("TEN-001", "tenancy", "r.is_active AND r.ejari_no IS NULL", "The clock of 30 days is not part of the predicate."),
    on("TEN-002", "tenancy", f"r.new_rent_aed * 100 > r.old_rent_aed * (100 + {_CAP})", "The cap by how far the old rent lies below the market's: 0 up to 10 %, 5 up to 20 %, 10 up to 30 %, 15 up to 40 %, 20 above."),
    on("TEN-003", "tenancy", "r.is_rent_changed AND r.notice_sent_at > CAST(r.tenancy_expiry_date AS TIMESTAMP) AT TIME ZONE 'UTC' - INTERVAL 90 DAY", "From the first moment (UTC) of the last day."),
    on("TEN-004", "tenancy", "r.is_eviction AND (r.is_notarised IS NOT TRUE OR r.notice_sent_at > CAST(r.eviction_date AS TIMESTAMP) AT TIME ZONE 'UTC' - INTERVAL 12 MONTH)"),
)  # fmt: skip

MESSAGES: Final[tuple[Predicate, ...]] = (
    on("PDPL-010", "message", "r.message_kind = 'marketing' AND p.is_marketing_opt_out", "The message names the party as sales does; ids of systems do not collide.", joins=_TO_PARTY),
    on("GDPR-009", "message", "r.message_kind = 'marketing' AND p.has_objected", joins=_TO_PARTY),
)  # fmt: skip
