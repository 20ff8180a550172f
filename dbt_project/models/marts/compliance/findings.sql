{{ config(materialized="replaced") }}

with
    states as (select * from {{ ref("stg_raw__findings") }}),
    numbered as (
        select *, row_number() over (partition by finding_id order by updated_at desc nulls last) as recency from states
    ),
    final as (
        select
            finding_id,
            rule_id,
            rule_pack_id,
            regime,
            about_contract,
            record_source,
            about_id,
            assistant_id,
            severity,
            finding_state,
            evidence,
            found_at,
            due_at,
            owner_role,
            resolved_at,
            actor_id,
            note,
            updated_at,
            is_sample,
            region
        from numbered
        where recency = 1
    )
select *
from final
