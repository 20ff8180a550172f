{{ config(materialized="replaced") }}

with
    observed as (select max(period_date) as as_of_date from {{ ref("assistants_daily") }}),
    windows as (
        select 7 as window_days, 0 as back_days
        union all
        select 7 as window_days, 7 as back_days
        union all
        select 30 as window_days, 0 as back_days
        union all
        select 30 as window_days, 30 as back_days
    ),
    work as (
        select
            days.assistant_id,
            days.task_type,
            days.settled_count,
            days.success_count,
            days.timed_count,
            days.duration_sum_ms,
            days.priced_count,
            days.cost_usd,
            {{ days_between("days.period_date", "observed.as_of_date") }} as age_days
        from {{ ref("assistant_skills_daily") }} as days
        cross join observed
        where days.period_date > observed.as_of_date - interval '90' day
    ),
    norms as (
        select
            task_type,
            cast(sum(duration_sum_ms) as double) / nullif(cast(sum(timed_count) as double), 0) as duration_mean_ms,
            cast(sum(cost_usd) as double) / nullif(cast(sum(priced_count) as double), 0) as cost_mean_usd
        from work
        group by task_type
    ),
    done as (
        select
            work.assistant_id,
            windows.window_days,
            windows.back_days,
            cast(sum(work.settled_count) as bigint) as settled_count,
            cast(sum(work.success_count) as double) / nullif(cast(sum(work.settled_count) as double), 0) as accuracy,
            cast(sum(work.timed_count * norms.duration_mean_ms) as double)
            / nullif(cast(sum(work.duration_sum_ms) as double), 0) as pace,
            cast(sum(work.priced_count * norms.cost_mean_usd) as double)
            / nullif(cast(sum(work.cost_usd) as double), 0) as thrift
        from work
        inner join norms on work.task_type = norms.task_type
        inner join
            windows on work.age_days >= windows.back_days and work.age_days < windows.back_days + windows.window_days
        group by work.assistant_id, windows.window_days, windows.back_days
    ),
    handed as (
        select
            days.from_assistant_id as assistant_id,
            days.decided_count,
            days.breach_count,
            {{ days_between("days.period_date", "observed.as_of_date") }} as age_days
        from {{ ref("handoffs_daily") }} as days
        cross join observed
        where days.period_date > observed.as_of_date - interval '90' day
    ),
    kept as (
        select
            handed.assistant_id,
            windows.window_days,
            windows.back_days,
            1
            - cast(sum(handed.breach_count) as double)
            / nullif(cast(sum(handed.decided_count) as double), 0) as compliance
        from handed
        inner join
            windows
            on handed.age_days >= windows.back_days
            and handed.age_days < windows.back_days + windows.window_days
        group by handed.assistant_id, windows.window_days, windows.back_days
    ),
    parts as (
        select
            done.assistant_id,
            done.window_days,
            done.back_days,
            done.settled_count,
            cast(cast(case when done.pace > 1 then 1 else done.pace end as decimal(9, 6)) as double) as response_share,
            done.accuracy as accuracy_share,
            cast(
                cast(case when done.thrift > 1 then 1 else done.thrift end as decimal(9, 6)) as double
            ) as cost_score_share,
            kept.compliance as compliance_share
        from done
        left join
            kept
            on done.assistant_id = kept.assistant_id
            and done.window_days = kept.window_days
            and done.back_days = kept.back_days
    ),
    scored as (
        select
            assistant_id,
            window_days,
            back_days,
            settled_count,
            response_share,
            accuracy_share,
            cost_score_share,
            compliance_share,
            cast(
                cast(
                    100 * (
                        0.25 * coalesce(response_share, 0)
                        + 0.40 * accuracy_share
                        + 0.15 * coalesce(cost_score_share, 0)
                        + 0.20 * coalesce(compliance_share, 0)
                    )
                    / (
                        case when response_share is null then 0 else 0.25 end
                        + 0.40
                        + case when cost_score_share is null then 0 else 0.15 end
                        + case when compliance_share is null then 0 else 0.20 end
                    ) as decimal(9, 4)
                ) as double
            ) as performance_score
        from parts
    ),
    final as (
        select
            newest.assistant_id,
            cast(newest.window_days as bigint) as window_days,
            newest.performance_score,
            earlier.performance_score as previous_score,
            newest.performance_score - earlier.performance_score as score_change,
            newest.response_share,
            newest.accuracy_share,
            newest.cost_score_share,
            newest.compliance_share,
            newest.settled_count,
            observed.as_of_date
        from scored as newest
        cross join observed
        left join
            scored as earlier
            on newest.assistant_id = earlier.assistant_id
            and newest.window_days = earlier.window_days
            and earlier.back_days > 0
        where newest.back_days = 0
    )
select *
from final
