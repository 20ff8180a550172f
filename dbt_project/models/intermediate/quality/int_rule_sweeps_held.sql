{#- A row holds until the next sweep that saw something else: one row behind by a frame, which lead would say. -#}
with
    sweeps as (
        select
            rule_id,
            cast(updated_at as date) as swept_date,
            judged_count,
            unknown_count,
            row_number() over (
                partition by rule_id, cast(updated_at as date) order by updated_at desc nulls last
            ) as recency
        from {{ ref("stg_raw__rule_sweeps") }}
    ),
    days as (select distinct swept_date as period_date from sweeps),
    spans as (
        select
            rule_id,
            swept_date,
            judged_count,
            unknown_count,
            min(swept_date) over (
                partition by rule_id order by swept_date asc nulls last rows between 1 following and 1 following
            ) as next_date
        from sweeps
        where recency = 1
    ),
    final as (
        select days.period_date, spans.rule_id, spans.judged_count, spans.unknown_count
        from days
        inner join
            spans
            on spans.swept_date <= days.period_date
            and (spans.next_date is null or spans.next_date > days.period_date)
    )
select *
from final
