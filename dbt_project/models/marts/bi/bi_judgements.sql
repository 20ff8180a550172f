{{ config(unique_key="period_date") }}

with
    states as (
        select
            *,
            row_number() over (
                partition by evaluation_id order by updated_at desc nulls last, batch_seq desc nulls last
            ) as recency
        from {{ ref("stg_raw__evaluations") }}
        where {{ in_touched_days(ref("int_judged_days_touched"), day="occurred_date", seq="batch_seq") }}
    ),
    judgements as (select * from states where recency = 1 and score_value is not null),
    judged as (
        select
            judgements.evaluation_id,
            operations.assistant_id,
            operations.request_count,
            operations.is_error,
            operations.duration_ms,
            operations.output_tokens,
            operations.cost_usd
        from judgements
        inner join {{ ref("stg_raw__usage") }} as operations on judgements.trace_id = operations.trace_id
        union all
        select
            judgements.evaluation_id,
            operations.assistant_id,
            operations.request_count,
            operations.is_error,
            operations.duration_ms,
            operations.output_tokens,
            operations.cost_usd
        from judgements
        inner join {{ ref("stg_raw__usage") }} as operations on judgements.conversation_id = operations.conversation_id
        where judgements.trace_id is null
    ),
    summed as (
        select
            evaluation_id,
            max(assistant_id) as assistant_id,
            cast(sum(request_count) as bigint) as operation_count,
            cast(sum(case when is_error then request_count else 0 end) as bigint) as error_count,
            cast(sum(duration_ms) as bigint) as duration_sum_ms,
            cast(sum(output_tokens) as bigint) as output_tokens,
            case when count(cost_usd) = count(*) then cast(sum(cost_usd) as decimal(18, 9)) end as cost_usd
        from judged
        group by evaluation_id
    ),
    final as (
        select
            judgements.evaluation_id,
            judgements.occurred_date as period_date,
            judgements.source,
            judgements.evaluation_name,
            judgements.evaluator_kind,
            judgements.score_value,
            coalesce(judgements.assistant_id, summed.assistant_id) as assistant_id,
            coalesce(summed.operation_count, 0) as operation_count,
            coalesce(summed.error_count, 0) as error_count,
            summed.duration_sum_ms,
            summed.output_tokens,
            summed.cost_usd
        from judgements
        left join summed on judgements.evaluation_id = summed.evaluation_id
    )
select *
from final
