{{ config(unique_key="period_date") }}

with
    cells as (
        select *
        from {{ ref("spend_reconciliation") }}
        where
            {{
                in_touched_days(
                    ref("int_spend_days_touched"),
                    day="period_date",
                    seq="batch_seq",
                    through=["spend_reconciliation"],
                )
            }}
    ),
    summed as (
        select
            period_date,
            provider_name,
            max(case when has_log then 1 else 0 end) as has_log,
            max(case when has_provider_usage then 1 else 0 end) as has_usage,
            max(case when has_provider_cost then 1 else 0 end) as has_cost,
            max(case when has_invoice then 1 else 0 end) as has_invoice,
            max(case when is_simulated then 1 else 0 end) as is_simulated,
            cast(sum(logged_count) as bigint) as logged_count,
            cast(sum(provider_count) as bigint) as provider_count,
            cast(sum(priced_usd) as decimal(18, 9)) as priced_usd,
            cast(sum(provider_usd) as decimal(18, 9)) as provider_usd,
            cast(sum(invoiced_usd) as decimal(18, 9)) as invoiced_usd,
            cast(sum(missing_count) as bigint) as missing_count,
            cast(sum(missing_usd) as decimal(18, 9)) as missing_usd,
            cast(sum(duplicate_count) as bigint) as duplicate_count,
            cast(sum(duplicate_usd) as decimal(18, 9)) as duplicate_usd,
            cast(sum(unpriced_count) as bigint) as unpriced_count,
            cast(sum(unpriced_usd) as decimal(18, 9)) as unpriced_usd,
            cast(sum(price_difference_usd) as decimal(18, 9)) as price_difference_usd,
            cast(
                sum(
                    coalesce(abs(missing_usd), 0)
                    + coalesce(abs(duplicate_usd), 0)
                    + coalesce(abs(unpriced_usd), 0)
                    + coalesce(abs(price_difference_usd), 0)
                ) as decimal(18, 9)
            ) as wrong_usd
        from cells
        group by period_date, provider_name
    ),
    measured as (
        select
            *,
            has_usage + has_cost + has_invoice as leg_count,
            case
                when has_usage = 1
                then cast(missing_count + duplicate_count as double) / nullif(greatest(logged_count, provider_count), 0)
            end as request_error,
            case
                when has_cost + has_invoice > 0
                then
                    cast(wrong_usd as double)
                    / nullif(cast(greatest(coalesce(provider_usd, invoiced_usd), priced_usd) as double), 0)
            end as money_error,
            case
                when has_cost + has_invoice = 0 then cast(unpriced_count as double) / nullif(logged_count, 0)
            end as unpriced_error,
            case
                when
                    has_cost = 1
                    and has_invoice = 1
                    and abs(invoiced_usd - provider_usd) > {{ rounding_usd("invoiced_usd") }}
                then
                    cast(abs(invoiced_usd - provider_usd) as double)
                    / nullif(cast(greatest(abs(invoiced_usd), abs(provider_usd)) as double), 0)
            end as invoice_error
        from summed
    ),
    judged as (
        select
            *,
            case
                when leg_count > 0
                then
                    least(
                        1.0,
                        greatest(
                            coalesce(request_error, 0),
                            coalesce(money_error, 0),
                            coalesce(unpriced_error, 0),
                            coalesce(invoice_error, 0)
                        )
                    )
            end as error_share
        from measured
    ),
    final as (
        select
            period_date,
            provider_name,
            has_log = 1 as has_log,
            has_usage = 1 as has_provider_usage,
            has_cost = 1 as has_provider_cost,
            has_invoice = 1 as has_invoice,
            is_simulated = 1 as is_simulated,
            cast(leg_count as bigint) as leg_count,
            logged_count,
            provider_count,
            priced_usd,
            provider_usd,
            invoiced_usd,
            missing_count,
            missing_usd,
            duplicate_count,
            duplicate_usd,
            unpriced_count,
            unpriced_usd,
            price_difference_usd,
            {{ usd("coalesce(provider_usd, invoiced_usd) - priced_usd") }} as difference_usd,
            {{ usd("invoiced_usd - provider_usd") }} as invoice_difference_usd,
            cast(error_share as double) as error_share,
            cast(1 - error_share as double) as trust_share
        from judged
    )
select *
from final
