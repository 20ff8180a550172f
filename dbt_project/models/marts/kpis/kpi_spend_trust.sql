with
    weighed as (
        select
            period_date,
            trust_share,
            cast(greatest(coalesce(provider_usd, invoiced_usd, 0), priced_usd, 0.000001) as double) as weight_usd
        from {{ ref("spend_trust_daily") }}
        where
            trust_share is not null
            and {{
                in_touched_days(
                    ref("int_spend_days_touched"),
                    day="period_date",
                    seq="batch_seq",
                    through=["spend_trust_daily"],
                )
            }}
    ),
    measured as (
        select
            period_date,
            cast(sum(trust_share * weight_usd) as double) / cast(sum(weight_usd) as double) as kpi_value,
            cast(null as double) as value_low,
            cast(null as double) as value_high,
            count(*) as sample_count
        from weighed
        group by period_date
    )
select *
from measured
