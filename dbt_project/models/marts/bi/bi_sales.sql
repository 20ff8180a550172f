{#
    What became of enquiries, and who took the steps. A run makes again the enquiries that newer rows are about.
    A step counts as an assistant's when no person is named as its actor.
#}
{{ config(unique_key="enquiry_id") }}

{%- set new_rows = after_watermark(
    "batch_seq",
    [
        ref("stg_raw__leads"),
        ref("stg_raw__lead_events"),
        ref("stg_raw__deals"),
    ],
) %}

with
    touched as (
        select lead_id as enquiry_id
        from {{ ref("stg_raw__leads") }}
        where {{ new_rows }}
        union
        select lead_id as enquiry_id
        from {{ ref("stg_raw__lead_events") }}
        where {{ new_rows }}
        union
        select coalesce(lead_id, 'deal:' || deal_id) as enquiry_id
        from {{ ref("stg_raw__deals") }}
        where {{ new_rows }}
    ),
    lead_states as (
        select
            leads.*,
            row_number() over (
                partition by leads.lead_id order by leads.updated_at desc nulls last, leads.batch_seq desc nulls last
            ) as recency
        from {{ ref("stg_raw__leads") }} as leads
        inner join touched on leads.lead_id = touched.enquiry_id
    ),
    deal_states as (
        select
            deals.*,
            touched.enquiry_id,
            row_number() over (
                partition by deals.deal_id order by deals.updated_at desc nulls last, deals.batch_seq desc nulls last
            ) as recency
        from {{ ref("stg_raw__deals") }} as deals
        inner join touched on coalesce(deals.lead_id, 'deal:' || deals.deal_id) = touched.enquiry_id
    ),
    steps as (
        select
            events.lead_id as enquiry_id,
            events.occurred_at,
            case when events.actor_id is null then events.assistant_id end as assistant_id,
            events.actor_id is null and events.assistant_id is not null as is_by_assistant,
            row_number() over (
                partition by events.lead_id
                order by events.occurred_at asc nulls last, events.lead_event_id asc nulls last
            ) as place
        from {{ ref("stg_raw__lead_events") }} as events
        inner join touched on events.lead_id = touched.enquiry_id
        where events.lead_event_kind <> 'enquired' and events.lead_event_kind <> 'lost'
    ),
    counted as (
        select
            enquiry_id,
            count(*) as step_count,
            count(case when is_by_assistant then 1 end) as assistant_step_count,
            max(case when place = 1 then assistant_id end) as first_assistant_id,
            max(case when place = 1 then occurred_at end) as first_response_at
        from steps
        group by enquiry_id
    ),
    leads as (select * from lead_states where recency = 1),
    deals as (select * from deal_states where recency = 1),
    enquiries as (
        select lead_id as enquiry_id
        from leads
        union
        select enquiry_id
        from deals
        union
        select enquiry_id
        from counted
    ),
    final as (
        select
            enquiries.enquiry_id,
            deals.deal_id,
            coalesce(leads.source, deals.source) as source,
            leads.channel,
            leads.lead_status,
            leads.enquired_date,
            leads.marketing_cost_aed,
            coalesce(counted.step_count, 0) as step_count,
            coalesce(counted.assistant_step_count, 0) as assistant_step_count,
            counted.first_assistant_id,
            cast(
                floor(
                    ({{ moment_number("counted.first_response_at") }} - {{ moment_number("leads.enquired_at") }})
                    / 1000000
                ) as bigint
            ) as first_response_s,
            deals.deal_stage,
            deals.closed_date,
            deals.is_off_plan,
            deals.price_aed,
            deals.commission_aed,
            coalesce(sold.location, asked.location) as location,
            coalesce(sold.property_kind, asked.property_kind) as property_kind
        from enquiries
        left join leads on enquiries.enquiry_id = leads.lead_id
        left join deals on enquiries.enquiry_id = deals.enquiry_id
        left join counted on enquiries.enquiry_id = counted.enquiry_id
        left join
            {{ ref("int_properties_current") }} as sold
            on deals.source = sold.source
            and deals.property_id = sold.property_id
        left join
            {{ ref("int_properties_current") }} as asked
            on leads.source = asked.source
            and leads.property_id = asked.property_id
    )
select *
from final
