{{ config(materialized="replaced") }}

with
    golden_values as (select * from {{ ref("int_golden_values") }}),
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
