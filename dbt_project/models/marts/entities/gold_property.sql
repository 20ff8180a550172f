{{ config(materialized="replaced") }}

with
    golden_values as (select * from {{ ref("int_golden_values") }} where entity_kind = 'property'),
    links as (select entity_id, source from {{ ref("stg_raw__entity_links") }} where entity_kind = 'property'),
    survivors as (
        select {{ golden_record("property") }} max(updated_at) as last_updated_at, entity_id
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
            records.entity_id as gold_property_id,
            survivors.property_kind,
            survivors.property_status,
            survivors.title_deed_no,
            survivors.project_name,
            survivors.developer_name,
            survivors.unit_no,
            survivors.location,
            survivors.bedroom_count,
            survivors.size_sqft,
            survivors.price_aed,
            survivors.payment_plan,
            survivors.is_off_plan,
            survivors.is_area_freehold,
            survivors.oqood_no,
            survivors.escrow_account,
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
