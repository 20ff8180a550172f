{{ config(materialized="replaced") }}

with
    states as (select * from {{ ref("stg_raw__rule_sweeps") }}),
    numbered as (
        select *, row_number() over (partition by rule_id order by updated_at desc nulls last) as recency from states
    ),
    final as (
        select
            rule_id,
            rule_pack_id,
            regime,
            about_contract,
            rule_pack_hash,
            judged_count,
            broken_count,
            unknown_count,
            checked_at,
            updated_at,
            region
        from numbered
        where recency = 1
    )
select *
from final
