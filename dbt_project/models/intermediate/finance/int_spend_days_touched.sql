with
    touched as (
        select occurred_date as period_date, batch_seq
        from {{ ref("stg_raw__usage") }}
        union all
        select period_date, batch_seq
        from {{ ref("stg_raw__provider_usages") }}
        union all
        select period_date, batch_seq
        from {{ ref("stg_raw__provider_costs") }}
        union all
        select period_date, batch_seq
        from {{ ref("stg_raw__invoice_lines") }}
    )
select *
from touched
