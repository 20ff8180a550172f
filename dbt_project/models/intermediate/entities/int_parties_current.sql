with
    states as (select * from {{ ref("stg_raw__parties") }}),
    numbered as (
        select
            *,
            row_number() over (
                partition by source, party_id order by updated_at desc nulls last, batch_seq desc nulls last
            ) as recency
        from states
    )
select *
from numbered
where recency = 1
