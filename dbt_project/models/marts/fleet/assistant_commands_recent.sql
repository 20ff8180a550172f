{{ config(materialized="replaced") }}

with
    commands as (
        select *
        from {{ ref("stg_raw__commands") }} as states
        where
            issued_at > (select max(issued_at) from {{ ref("stg_raw__commands") }}) - interval '14' day
            and not exists (
                select 1
                from {{ ref("stg_raw__commands") }} as newer
                where newer.command_id = states.command_id and newer.updated_at > states.updated_at
            )
    ),
    ranked as (
        select
            command_id,
            assistant_id,
            command_kind,
            command_state,
            actor_id,
            error_type,
            issued_at,
            duration_ms,
            source,
            is_sample,
            cast(
                row_number() over (
                    partition by assistant_id order by issued_at desc nulls last, command_id desc nulls last
                ) as bigint
            ) as recency
        from commands
    )
select *
from ranked
where recency <= 25
