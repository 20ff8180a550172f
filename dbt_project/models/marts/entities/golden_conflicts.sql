{# A record that stands alone contradicts nobody: looking at the others halves the work. #}
{{ config(materialized="replaced") }}

with
    links as (select entity_id from {{ ref("stg_raw__entity_links") }}),
    joined as (select entity_id from links group by entity_id having count(*) > 1),
    golden_values as (select * from {{ ref("int_golden_values") }} where entity_id in (select entity_id from joined)),
    final as (
        select
            entity_kind,
            entity_id,
            survivor_column,
            source,
            source_record_id,
            batch_seq,
            updated_at,
            is_sample,
            is_synced,
            survivor_strategy,
            golden_source,
            golden_record_id
        from golden_values
        where compared_value <> golden_compared_value
    )
select *
from final
