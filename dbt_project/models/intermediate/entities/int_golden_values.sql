{# Every value that the records behind a golden record hold, the survivor of each column first. #}
with
    record_values as (
        {{ record_values(ref("int_parties_current"), "party") }}
        union all
        {{ record_values(ref("int_properties_current"), "property") }}
    ),
    links as (select entity_kind, source, source_record_id, entity_id from {{ ref("stg_raw__entity_links") }}),
    rules as (select * from {{ ref("stg_raw__survivor_rules") }}),
    ruled as (
        select
            links.entity_kind,
            links.entity_id,
            record_values.survivor_column,
            record_values.source,
            record_values.source_record_id,
            record_values.updated_at,
            record_values.batch_seq,
            record_values.is_sample,
            record_values.held_value,
            record_values.compared_value,
            others.survivor_strategy,
            coalesce(own.trust_rank, others.trust_rank) as trust_rank,
            others.is_synced
        from record_values
        inner join
            links
            on record_values.entity_kind = links.entity_kind
            and record_values.source = links.source
            and record_values.source_record_id = links.source_record_id
        inner join
            rules as others
            on record_values.entity_kind = others.entity_kind
            and record_values.survivor_column = others.survivor_column
            and others.trusted_source = '*'
        left join
            rules as own
            on record_values.entity_kind = own.entity_kind
            and record_values.survivor_column = own.survivor_column
            and record_values.source = own.trusted_source
    ),
    counted as (
        select
            *, count(*) over (partition by entity_kind, entity_id, survivor_column, compared_value) as same_value_count
        from ruled
    ),
    ranked as (
        select
            *,
            row_number() over (
                partition by entity_kind, entity_id, survivor_column
                order by
                    case
                        when survivor_strategy = 'most_trusted'
                        then - trust_rank
                        when survivor_strategy = 'newest'
                        then {{ moment_number("updated_at") }}
                        when survivor_strategy = 'longest'
                        then {{ text_length("held_value") }}
                        else same_value_count
                    end desc nulls last,
                    trust_rank asc nulls last,
                    updated_at desc nulls last,
                    source asc nulls last,
                    source_record_id asc nulls last
            ) as survivor_rank
        from counted
    )
select
    *,
    max(case when survivor_rank = 1 then compared_value end) over (
        partition by entity_kind, entity_id, survivor_column
    ) as golden_compared_value,
    max(case when survivor_rank = 1 then source end) over (
        partition by entity_kind, entity_id, survivor_column
    ) as golden_source,
    max(case when survivor_rank = 1 then source_record_id end) over (
        partition by entity_kind, entity_id, survivor_column
    ) as golden_record_id
from ranked
