{{ config(materialized="replaced") }}

with
    statistics as (
        select
            *,
            row_number() over (
                partition by market_area, market_segment, month_date, source
                order by updated_at desc nulls last, batch_seq desc nulls last
            ) as recency
        from {{ ref("stg_raw__market_statistics") }}
    ),
    figures as (
        select
            *,
            row_number() over (
                partition by competitor_name, measure_name, as_of_date
                order by updated_at desc nulls last, batch_seq desc nulls last
            ) as recency
        from {{ ref("stg_raw__competitor_figures") }}
    ),
    final as (
        select
            'market' as figure_kind,
            market_area as subject_name,
            market_segment as measure_name,
            month_date as as_of_date,
            source,
            transaction_count,
            cast(median_price_aed as double) as median_price_aed,
            off_plan_share,
            cast(null as double) as measure_value,
            cast(null as varchar) as measure_unit,
            cast(null as varchar) as source_note
        from statistics
        where recency = 1
        union all
        select
            'competitor' as figure_kind,
            competitor_name as subject_name,
            measure_name,
            as_of_date,
            source,
            cast(null as bigint) as transaction_count,
            cast(null as double) as median_price_aed,
            cast(null as double) as off_plan_share,
            measure_value,
            measure_unit,
            source_note
        from figures
        where recency = 1
    )
select *
from final
