{{ config(post_hook="{{ drop_gone_kpis() }}") }}

{#- Only the shape: each KPI carries its own rows in (macros/kpis.sql). -#}
with
    shape as (
        select
            cast(null as varchar) as kpi_id,
            cast(null as varchar) as kpi_name,
            cast(null as date) as period_date,
            cast(null as double) as kpi_value,
            cast(null as varchar) as unit,
            cast(null as double) as target,
            cast(null as varchar) as direction,
            cast(null as double) as value_low,
            cast(null as double) as value_high,
            cast(null as bigint) as sample_count,
            cast(null as boolean) as is_met,
            cast(null as bigint) as snapshot_id
        where 1 = 0
    )
select *
from shape
