{#
    Outcomes and overrides come later than their decision. A run reads the journal records that are newer
    than its watermark and, for records about older decisions, the rows it holds already: it never reads
    old journal records again. A newer record always wins, which is what reading all of them would say.
#}
{{ config(unique_key="decision_id") }}

{%- set new_records = after_watermark(
    "journal_seq",
    [
        ref("stg_raw__decisions"),
        ref("stg_raw__outcomes"),
        ref("stg_raw__overrides"),
    ],
) %}

with
    new_decisions as (
        select
            decision_id,
            decision_kind,
            decision_status,
            action,
            decided_at,
            decided_date,
            actor_id,
            task_id,
            confidence,
            policy_id,
            reason,
            rules_checked_count,
            veto_count,
            expected_cost_usd,
            baseline_cost_usd,
            decide_us,
            journal_seq
        from {{ ref("stg_raw__decisions") }}
        where {{ new_records }}
    ),
    new_outcomes as (
        select
            decision_id,
            is_success,
            quality,
            cost_usd as outcome_cost_usd,
            journal_seq,
            row_number() over (partition by decision_id order by journal_seq desc nulls last) as recency
        from {{ ref("stg_raw__outcomes") }}
        where {{ new_records }}
    ),
    new_overrides as (
        select
            decision_id,
            override_action,
            reason as override_reason,
            journal_seq,
            row_number() over (partition by decision_id order by journal_seq desc nulls last) as recency
        from {{ ref("stg_raw__overrides") }}
        where {{ new_records }}
    ),
    known as (
        select
            decision_id,
            decision_kind,
            decision_status,
            action,
            decided_at,
            decided_date,
            actor_id,
            task_id,
            confidence,
            policy_id,
            reason,
            rules_checked_count,
            veto_count,
            expected_cost_usd,
            baseline_cost_usd,
            decide_us,
            journal_seq,
            cast(null as boolean) as held_is_success,
            cast(null as double) as held_quality,
            cast(null as decimal(18, 9)) as held_outcome_cost_usd,
            cast(null as varchar) as held_override_action,
            cast(null as varchar) as held_override_reason
        from new_decisions
        {% if is_incremental() %}
            union all
            select
                decision_id,
                decision_kind,
                decision_status,
                action,
                decided_at,
                decided_date,
                actor_id,
                task_id,
                confidence,
                policy_id,
                reason,
                rules_checked_count,
                veto_count,
                expected_cost_usd,
                baseline_cost_usd,
                decide_us,
                journal_seq,
                is_success as held_is_success,
                quality as held_quality,
                outcome_cost_usd as held_outcome_cost_usd,
                override_action as held_override_action,
                override_reason as held_override_reason
            from {{ this }}
            where
                decision_id in (
                    select decision_id
                    from new_outcomes
                    union
                    select decision_id
                    from new_overrides
                )
        {% endif %}
    ),
    final as (
        select
            known.decision_id,
            known.decision_kind,
            known.decision_status,
            known.action,
            known.decided_at,
            known.actor_id,
            known.task_id,
            known.confidence,
            known.policy_id,
            known.reason,
            known.rules_checked_count,
            known.veto_count,
            known.expected_cost_usd,
            known.baseline_cost_usd,
            case
                when new_outcomes.decision_id is null then known.held_is_success else new_outcomes.is_success
            end as is_success,
            case when new_outcomes.decision_id is null then known.held_quality else new_outcomes.quality end as quality,
            case
                when new_outcomes.decision_id is null
                then known.held_outcome_cost_usd
                else new_outcomes.outcome_cost_usd
            end as outcome_cost_usd,
            coalesce(new_overrides.override_action, known.held_override_action) is not null as is_overridden,
            coalesce(new_overrides.override_action, known.held_override_action) as override_action,
            coalesce(new_overrides.override_reason, known.held_override_reason) as override_reason,
            known.decision_status = 'abstained'
            and coalesce(new_overrides.override_action, known.held_override_action) is null as needs_human,
            known.decide_us,
            known.decided_date,
            greatest(
                known.journal_seq,
                coalesce(new_outcomes.journal_seq, known.journal_seq),
                coalesce(new_overrides.journal_seq, known.journal_seq)
            ) as journal_seq
        from known
        left join new_outcomes on known.decision_id = new_outcomes.decision_id and new_outcomes.recency = 1
        left join new_overrides on known.decision_id = new_overrides.decision_id and new_overrides.recency = 1
    )
select *
from final
