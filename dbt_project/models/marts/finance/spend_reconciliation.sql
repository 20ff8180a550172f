{{ config(unique_key="period_date") }}

{% set touched = in_touched_days(ref("int_spend_days_touched"), day="period_date", seq="batch_seq") %}

with
    legs as (select * from {{ ref("int_spend_legs") }} where {{ touched }}),
    days as (
        select
            provider_name,
            period_date,
            max(case when leg = 'logged' then 1 else 0 end) as has_log,
            max(case when leg = 'usage' then 1 else 0 end) as has_usage,
            max(case when leg = 'cost' then 1 else 0 end) as has_cost,
            max(case when leg = 'invoice' then 1 else 0 end) as has_invoice,
            max(case when leg <> 'logged' and model_name is null then 1 else 0 end) as is_whole,
            max(is_simulated) as is_simulated
        from legs
        group by provider_name, period_date
    ),
    cells as (
        select
            legs.provider_name,
            legs.period_date,
            case when days.is_whole = 0 then legs.model_name end as model_name,
            days.has_log,
            days.has_usage,
            days.has_cost,
            days.has_invoice,
            days.is_simulated,
            legs.leg,
            legs.request_count,
            legs.plain_tokens,
            legs.read_tokens,
            legs.write_tokens,
            legs.output_tokens,
            legs.cost_usd,
            legs.is_unpriced,
            legs.is_twin,
            case when days.is_whole = 0 then legs.price_id end as price_id
        from legs
        inner join days on legs.provider_name = days.provider_name and legs.period_date = days.period_date
    ),
    summed as (
        select
            provider_name,
            period_date,
            model_name,
            max(has_log) as has_log,
            max(has_usage) as has_usage,
            max(has_cost) as has_cost,
            max(has_invoice) as has_invoice,
            max(is_simulated) as is_simulated,
            max(price_id) as price_id,
            cast(sum(case when leg = 'logged' then request_count else 0 end) as bigint) as logged_count,
            cast(sum(case when leg = 'logged' then plain_tokens else 0 end) as bigint) as logged_plain_tokens,
            cast(sum(case when leg = 'logged' then read_tokens else 0 end) as bigint) as logged_read_tokens,
            cast(sum(case when leg = 'logged' then write_tokens else 0 end) as bigint) as logged_write_tokens,
            cast(sum(case when leg = 'logged' then output_tokens else 0 end) as bigint) as logged_output_tokens,
            cast(sum(case when leg = 'usage' then request_count else 0 end) as bigint) as usage_count,
            cast(sum(case when leg = 'usage' then plain_tokens else 0 end) as bigint) as usage_plain_tokens,
            cast(sum(case when leg = 'usage' then read_tokens else 0 end) as bigint) as usage_read_tokens,
            cast(sum(case when leg = 'usage' then write_tokens else 0 end) as bigint) as usage_write_tokens,
            cast(sum(case when leg = 'usage' then output_tokens else 0 end) as bigint) as usage_output_tokens,
            cast(sum(case when leg = 'logged' and is_twin = 1 then request_count else 0 end) as bigint) as twin_count,
            cast(
                sum(case when leg = 'logged' and is_twin = 1 then plain_tokens else 0 end) as bigint
            ) as twin_plain_tokens,
            cast(
                sum(case when leg = 'logged' and is_twin = 1 then read_tokens else 0 end) as bigint
            ) as twin_read_tokens,
            cast(
                sum(case when leg = 'logged' and is_twin = 1 then write_tokens else 0 end) as bigint
            ) as twin_write_tokens,
            cast(
                sum(case when leg = 'logged' and is_twin = 1 then output_tokens else 0 end) as bigint
            ) as twin_output_tokens,
            cast(
                sum(case when leg = 'logged' and is_unpriced = 1 then request_count else 0 end) as bigint
            ) as unpriced_count,
            cast(
                sum(case when leg = 'logged' and is_unpriced = 1 then plain_tokens else 0 end) as bigint
            ) as unpriced_plain_tokens,
            cast(
                sum(case when leg = 'logged' and is_unpriced = 1 then read_tokens else 0 end) as bigint
            ) as unpriced_read_tokens,
            cast(
                sum(case when leg = 'logged' and is_unpriced = 1 then write_tokens else 0 end) as bigint
            ) as unpriced_write_tokens,
            cast(
                sum(case when leg = 'logged' and is_unpriced = 1 then output_tokens else 0 end) as bigint
            ) as unpriced_output_tokens,
            cast(
                sum(
                    case when leg = 'logged' and is_unpriced = 1 and is_twin = 1 then request_count else 0 end
                ) as bigint
            ) as twin_unpriced_count,
            cast(
                sum(case when leg = 'logged' and is_unpriced = 1 and is_twin = 1 then plain_tokens else 0 end) as bigint
            ) as twin_unpriced_plain_tokens,
            cast(
                sum(case when leg = 'logged' and is_unpriced = 1 and is_twin = 1 then read_tokens else 0 end) as bigint
            ) as twin_unpriced_read_tokens,
            cast(
                sum(case when leg = 'logged' and is_unpriced = 1 and is_twin = 1 then write_tokens else 0 end) as bigint
            ) as twin_unpriced_write_tokens,
            cast(
                sum(
                    case when leg = 'logged' and is_unpriced = 1 and is_twin = 1 then output_tokens else 0 end
                ) as bigint
            ) as twin_unpriced_output_tokens,
            cast(coalesce(sum(case when leg = 'logged' then cost_usd end), 0) as decimal(18, 9)) as priced_usd,
            cast(
                coalesce(sum(case when leg = 'logged' and is_twin = 1 then cost_usd end), 0) as decimal(18, 9)
            ) as twin_usd,
            cast(sum(case when leg = 'cost' then cost_usd end) as decimal(18, 9)) as cost_leg_usd,
            cast(sum(case when leg = 'invoice' then cost_usd end) as decimal(18, 9)) as invoice_leg_usd
        from cells
        group by provider_name, period_date, model_name
    ),
    listed as (
        select
            price_id,
            provider_name,
            request_model,
            cast(input_usd_per_mtok as double) as input_rate,
            cast(output_usd_per_mtok as double) as output_rate,
            cast(cache_read_usd_per_mtok as double) as cache_read_rate,
            cast(cache_write_usd_per_mtok as double) as cache_write_rate,
            cast(request_usd as double) as request_rate,
            {{ utc_day("valid_from") }} as first_date,
            {{ utc_day("valid_to") }} as end_date
        from {{ ref("stg_raw__prices") }}
        where tier_start_tokens = 0
    ),
    named as (
        select
            summed.provider_name,
            summed.period_date,
            summed.model_name,
            listed.price_id,
            row_number() over (
                partition by summed.provider_name, summed.period_date, summed.model_name
                order by listed.first_date desc nulls last, listed.price_id asc nulls last
            ) as place
        from summed
        inner join
            listed
            on summed.provider_name = listed.provider_name
            and summed.model_name = listed.request_model
            and summed.period_date >= listed.first_date
            and (listed.end_date is null or summed.period_date < listed.end_date)
        where summed.price_id is null
    ),
    rated as (
        select
            summed.*,
            listed.input_rate,
            listed.output_rate,
            listed.cache_read_rate,
            listed.cache_write_rate,
            listed.request_rate,
            logged_plain_tokens + logged_read_tokens + logged_write_tokens + logged_output_tokens as logged_tokens,
            usage_plain_tokens + usage_read_tokens + usage_write_tokens + usage_output_tokens as usage_tokens,
            twin_plain_tokens + twin_read_tokens + twin_write_tokens + twin_output_tokens as twin_tokens
        from summed
        left join
            named
            on summed.provider_name = named.provider_name
            and summed.period_date = named.period_date
            and summed.model_name = named.model_name
            and named.place = 1
        left join listed on coalesce(summed.price_id, named.price_id) = listed.price_id
    ),
    copied as (
        select
            *,
            case
                when has_usage = 0 or twin_count = 0
                then 0
                when usage_count = logged_count and usage_tokens = logged_tokens
                then 0
                when usage_count >= logged_count - twin_count and usage_tokens >= logged_tokens - twin_tokens
                then twin_count
                else least(twin_count, greatest(logged_count - usage_count, 0))
            end as copied_count
        from rated
    ),
    compared as (
        select
            *,
            cast(copied_count as double) / greatest(twin_count, 1) as copied_share,
            case when has_usage = 1 then greatest(usage_count - (logged_count - copied_count), 0) end as missing_count,
            case
                when has_usage = 1 then greatest(logged_count - copied_count - usage_count, 0) else 0
            end as excess_count
        from copied
    ),
    gaps as (
        select
            *,
            case
                when missing_count > 0
                then greatest(usage_plain_tokens - (logged_plain_tokens - twin_plain_tokens * copied_share), 0)
                else 0
            end as missing_plain_tokens,
            unpriced_plain_tokens - twin_unpriced_plain_tokens * copied_share as open_plain_tokens,
            case
                when missing_count > 0
                then greatest(usage_read_tokens - (logged_read_tokens - twin_read_tokens * copied_share), 0)
                else 0
            end as missing_read_tokens,
            unpriced_read_tokens - twin_unpriced_read_tokens * copied_share as open_read_tokens,
            case
                when missing_count > 0
                then greatest(usage_write_tokens - (logged_write_tokens - twin_write_tokens * copied_share), 0)
                else 0
            end as missing_write_tokens,
            unpriced_write_tokens - twin_unpriced_write_tokens * copied_share as open_write_tokens,
            case
                when missing_count > 0
                then greatest(usage_output_tokens - (logged_output_tokens - twin_output_tokens * copied_share), 0)
                else 0
            end as missing_output_tokens,
            unpriced_output_tokens - twin_unpriced_output_tokens * copied_share as open_output_tokens,
            unpriced_count - cast(twin_unpriced_count * copied_share as bigint) as open_count,
            case when has_cost = 1 then coalesce(cost_leg_usd, 0) end as provider_usd,
            case when has_invoice = 1 then coalesce(invoice_leg_usd, 0) end as invoiced_usd,
            cast(priced_usd - twin_usd as double) / nullif(
                logged_tokens
                - twin_tokens
                - unpriced_plain_tokens
                - unpriced_read_tokens
                - unpriced_write_tokens
                - unpriced_output_tokens,
                0
            ) as usd_per_token,
            cast(priced_usd - twin_usd as double)
            / nullif(logged_count - twin_count - unpriced_count, 0) as usd_per_call
        from compared
    ),
    valued as (
        select
            *,
            missing_plain_tokens + missing_read_tokens + missing_write_tokens + missing_output_tokens as missing_tokens,
            open_plain_tokens + open_read_tokens + open_write_tokens + open_output_tokens as open_tokens,
            coalesce(provider_usd, invoiced_usd) as paid_usd,
            cast(twin_usd as double) * copied_share + coalesce(excess_count * usd_per_call, 0) as duplicate_value,
            case when missing_count > 0 then {{ tokens_usd("missing") }} else 0 end as missing_at_rate,
            case when open_count > 0 then {{ tokens_usd("open") }} else 0 end as open_at_rate
        from gaps
    ),
    known as (
        select
            *,
            coalesce(missing_at_rate, missing_tokens * usd_per_token) as missing_value,
            coalesce(open_at_rate, open_tokens * usd_per_token) as open_value
        from valued
    ),
    rest as (
        select
            *,
            case when missing_value is null then missing_tokens else 0 end as unknown_missing,
            case when open_value is null then open_tokens else 0 end as unknown_open,
            cast(paid_usd - priced_usd as double)
            + duplicate_value
            - coalesce(missing_value, 0)
            - coalesce(open_value, 0) as rest_usd
        from known
    ),
    settled as (
        select
            *,
            case
                when unknown_missing > 0
                then greatest(rest_usd, 0) * unknown_missing / (unknown_missing + unknown_open)
                else missing_value
            end as missing_found,
            case
                when unknown_open > 0
                then greatest(rest_usd, 0) * unknown_open / (unknown_missing + unknown_open)
                else open_value
            end as unpriced_found,
            case
                when rest_usd is null
                then null
                when unknown_missing + unknown_open > 0
                then least(rest_usd, 0)
                when abs(rest_usd) <= {{ rounding_usd("paid_usd") }}
                then 0
                else rest_usd
            end as price_found
        from rest
    ),
    final as (
        select
            period_date,
            provider_name,
            model_name,
            has_log = 1 as has_log,
            has_usage = 1 as has_provider_usage,
            has_cost = 1 as has_provider_cost,
            has_invoice = 1 as has_invoice,
            is_simulated = 1 as is_simulated,
            logged_count,
            case when has_usage = 1 then usage_count end as provider_count,
            logged_tokens,
            case when has_usage = 1 then usage_tokens end as provider_tokens,
            priced_usd,
            {{ usd("provider_usd") }} as provider_usd,
            {{ usd("invoiced_usd") }} as invoiced_usd,
            missing_count,
            case when has_usage = 1 then {{ usd("missing_found") }} end as missing_usd,
            case when has_usage = 1 then copied_count + excess_count end as duplicate_count,
            case when has_usage = 1 then {{ usd("duplicate_value") }} end as duplicate_usd,
            open_count as unpriced_count,
            {{ usd("unpriced_found") }} as unpriced_usd,
            {{ usd("price_found") }} as price_difference_usd,
            {{ usd("paid_usd - priced_usd") }} as difference_usd
        from settled
    )
select *
from final
