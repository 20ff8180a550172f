{{ config(materialized="replaced") }}

with
    bills as (
        select
            provider_name,
            {{ utc_day("billing_period_start") }} as period_date,
            {{ utc_day("billing_period_end") }} as period_end_date,
            cast(sum(billed_cost) as decimal(18, 9)) as invoiced_usd,
            count(distinct invoice_id) as invoice_count
        from {{ ref("stg_raw__invoice_lines") }}
        where provider_name is not null and billing_currency = 'USD'
        group by provider_name, {{ utc_day("billing_period_start") }}, {{ utc_day("billing_period_end") }}
    ),
    compared as (
        select
            bills.provider_name,
            bills.period_date,
            bills.period_end_date,
            bills.invoice_count,
            bills.invoiced_usd,
            cast(sum(days.provider_usd) as decimal(18, 9)) as provider_usd,
            cast(sum(days.priced_usd) as decimal(18, 9)) as priced_usd
        from bills
        left join
            {{ ref("spend_trust_daily") }} as days
            on bills.provider_name = days.provider_name
            and days.period_date >= bills.period_date
            and days.period_date < bills.period_end_date
        group by bills.provider_name, bills.period_date, bills.period_end_date, bills.invoice_count, bills.invoiced_usd
    ),
    final as (
        select
            period_date,
            period_end_date,
            provider_name,
            invoice_count,
            invoiced_usd,
            provider_usd,
            priced_usd,
            {{ usd("invoiced_usd - provider_usd") }} as provider_difference_usd,
            {{ usd("invoiced_usd - priced_usd") }} as priced_difference_usd
        from compared
    )
select *
from final
