{{ config(materialized="replaced") }}

with
    golden_values as (select * from {{ ref("int_golden_values") }} where entity_kind = 'party'),
    links as (select entity_id, source from {{ ref("stg_raw__entity_links") }} where entity_kind = 'party'),
    survivors as (
        select {{ golden_record("party") }} max(updated_at) as last_updated_at, entity_id
        from golden_values
        where survivor_rank = 1
        group by entity_id
    ),
    conflicts as (
        select entity_id, count(*) as conflict_count
        from golden_values
        where compared_value <> golden_compared_value
        group by entity_id
    ),
    records as (
        select entity_id, count(*) as record_count, count(distinct source) as source_count from links group by entity_id
    ),
    final as (
        select
            records.entity_id as gold_party_id,
            survivors.party_kind,
            survivors.full_name,
            survivors.full_name_ar,
            survivors.country,
            survivors.birth_date,
            survivors.emirates_id,
            survivors.passport_no,
            survivors.phone,
            survivors.email,
            survivors.iban,
            survivors.id_expiry_date,
            survivors.preferred_location,
            survivors.preferred_property_kind,
            survivors.budget_aed,
            survivors.is_pep,
            survivors.risk_rating,
            survivors.last_screened_at,
            survivors.edd_status,
            survivors.is_marketing_opt_out,
            records.record_count,
            records.source_count,
            coalesce(conflicts.conflict_count, 0) as conflict_count,
            survivors.last_updated_at
        from records
        left join survivors on records.entity_id = survivors.entity_id
        left join conflicts on records.entity_id = conflicts.entity_id
    )
select *
from final
