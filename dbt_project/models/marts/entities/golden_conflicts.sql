{{ config(materialized="replaced") }}

with
    golden_values as (select * from {{ ref("int_golden_values") }}),
    survivors as (
        select entity_kind, entity_id, survivor_column, source, source_record_id
        from golden_values
        where survivor_rank = 1
    ),
    final as (
        select
            golden_values.entity_kind,
            golden_values.entity_id,
            golden_values.survivor_column,
            golden_values.source,
            golden_values.source_record_id,
            golden_values.batch_seq,
            golden_values.updated_at,
            golden_values.is_sample,
            golden_values.is_synced,
            golden_values.survivor_strategy,
            survivors.source as golden_source,
            survivors.source_record_id as golden_record_id
        from golden_values
        inner join
            survivors
            on golden_values.entity_kind = survivors.entity_kind
            and golden_values.entity_id = survivors.entity_id
            and golden_values.survivor_column = survivors.survivor_column
        where golden_values.compared_value <> golden_values.golden_compared_value
    )
select *
from final
