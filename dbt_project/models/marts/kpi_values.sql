{#- Compiled from models/marts/kpis/*.yml by each build. Do not edit. fmt: off -#}
-- fmt: off
{{ config(materialized="amended", meta={"unchanged_by": ["snapshot_id"], "key": ["kpi_id", "period_date"]}) }}

with
    measured as (
        select 'kpi_agent_success_rate' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                cast(hits as double) / nullif(trials, 0) as kpi_value,
                {{ wilson("hits", "trials", "low") }} as value_low,
                {{ wilson("hits", "trials", "high") }} as value_high,
                trials as sample_count
            from
                (
                    select
                        period_date as period_date,
                        cast(sum(success_count) as bigint) as hits,
                        cast(sum(settled_count) as bigint) as trials
                    from {{ ref("tasks_daily") }}
                    group by period_date
                ) as counted
        ) as kpi_agent_success_rate
        union all
        select 'kpi_ai_operation_error_rate' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                cast(hits as double) / nullif(trials, 0) as kpi_value,
                {{ wilson("hits", "trials", "low") }} as value_low,
                {{ wilson("hits", "trials", "high") }} as value_high,
                trials as sample_count
            from
                (
                    select
                        period_date as period_date,
                        cast(sum(error_count) as bigint) as hits,
                        cast(sum(operation_count) as bigint) as trials
                    from {{ ref("usage_daily") }}
                    group by period_date
                ) as counted
        ) as kpi_ai_operation_error_rate
        union all
        select 'kpi_ai_operation_response_p95' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                cast(operation_p95_ms as double) as kpi_value,
                cast(null as double) as value_low,
                cast(null as double) as value_high,
                timed_operation_count as sample_count
            from {{ ref("fleet_daily") }}
            where timed_operation_count > 0
        ) as kpi_ai_operation_response_p95
        union all
        select 'kpi_alert_relevance' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                cast(hits as double) / nullif(trials, 0) as kpi_value,
                {{ wilson("hits", "trials", "low") }} as value_low,
                {{ wilson("hits", "trials", "high") }} as value_high,
                trials as sample_count
            from
                (
                    select
                        cast(raised_at as date) as period_date,
                        count(case when alert_label = 'relevant' then 1 end) as hits,
                        count(alert_label) as trials
                    from
                        (
                            select
                                raised_at,
                                alert_label,
                                row_number() over (partition by alert_id order by updated_at desc nulls last) as recency
                            from {{ ref("stg_raw__alerts") }}
                        ) as states
                    where recency = 1 and alert_label is not null
                    group by cast(raised_at as date)
                ) as counted
        ) as kpi_alert_relevance
        union all
        select 'kpi_compliance_audit_success' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                1 - cast(sum(unknown_count) as double) / nullif(cast(sum(judged_count) as double), 0) as kpi_value,
                cast(null as double) as value_low,
                cast(null as double) as value_high,
                cast(sum(judged_count) as bigint) as sample_count
            from {{ ref("int_rule_sweeps_held") }}
            group by period_date
        ) as kpi_compliance_audit_success
        union all
        select 'kpi_compliance_score' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                rules.period_date,
                cast(count(case when late.rule_id is null then 1 end) as double) / nullif(count(*), 0) as kpi_value,
                cast(null as double) as value_low,
                cast(null as double) as value_high,
                count(*) as sample_count
            from {{ ref("int_rule_sweeps_held") }} as rules
            left join
                (
                    select distinct days.period_date, spans.rule_id
                    from (select distinct period_date from {{ ref("int_rule_sweeps_held") }}) as days
                    inner join
                        (
                            select distinct rule_id, cast(due_at as date) as due_date, cast(resolved_at as date) as resolved_date
                            from {{ ref("findings") }}
                            where due_at is not null and finding_state <> 'false_positive'
                        ) as spans
                        on spans.due_date <= days.period_date
                        and (spans.resolved_date is null or spans.resolved_date > days.period_date)
                ) as late
                on rules.rule_id = late.rule_id and rules.period_date = late.period_date
            where rules.judged_count > 0
            group by rules.period_date
        ) as kpi_compliance_score
        union all
        select 'kpi_compliance_validation_rate' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                cast(hits as double) / nullif(trials, 0) as kpi_value,
                {{ wilson("hits", "trials", "low") }} as value_low,
                {{ wilson("hits", "trials", "high") }} as value_high,
                trials as sample_count
            from
                (
                    select
                        period_date as period_date,
                        cast(sum(checked_count) as bigint) as hits,
                        cast(sum(decision_count) as bigint) as trials
                    from {{ ref("decision_figures_daily") }}
                    group by period_date
                ) as counted
        ) as kpi_compliance_validation_rate
        union all
        select 'kpi_confidence_calibration_error' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                calibration_gap / nullif(outcome_count, 0) as kpi_value,
                cast(null as double) as value_low,
                cast(null as double) as value_high,
                outcome_count as sample_count
            from {{ ref("decision_figures_daily") }}
        ) as kpi_confidence_calibration_error
        union all
        select 'kpi_cost_efficiency' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                cast(sum(success_cost_usd) as double) / nullif(cast(sum(settled_cost_usd) as double), 0) as kpi_value,
                cast(null as double) as value_low,
                cast(null as double) as value_high,
                cast(sum(settled_count) as bigint) as sample_count
            from {{ ref("assistant_skills_daily") }}
            group by period_date
        ) as kpi_cost_efficiency
        union all
        select 'kpi_counterfactual_saving' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                1 - cost / nullif(baseline, 0) as kpi_value,
                {{ saving_bound("cost", "baseline", "cost_squares", "products", "baseline_squares", "priced_count", "low") }} as value_low,
                {{ saving_bound("cost", "baseline", "cost_squares", "products", "baseline_squares", "priced_count", "high") }} as value_high,
                priced_count as sample_count
            from {{ ref("decision_figures_daily") }}
        ) as kpi_counterfactual_saving
        union all
        select 'kpi_cross_assistant_latency_p95' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                cast(handoff_p95_ms as double) as kpi_value,
                cast(null as double) as value_low,
                cast(null as double) as value_high,
                timed_handoff_count as sample_count
            from {{ ref("fleet_daily") }}
            where timed_handoff_count > 0
        ) as kpi_cross_assistant_latency_p95
        union all
        select 'kpi_cross_assistant_success_rate' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                cast(hits as double) / nullif(trials, 0) as kpi_value,
                {{ wilson("hits", "trials", "low") }} as value_low,
                {{ wilson("hits", "trials", "high") }} as value_high,
                trials as sample_count
            from
                (
                    select
                        period_date as period_date,
                        cast(sum(decided_count - handoff_error_count) as bigint) as hits,
                        cast(sum(decided_count) as bigint) as trials
                    from {{ ref("handoffs_daily") }}
                    group by period_date
                ) as counted
        ) as kpi_cross_assistant_success_rate
        union all
        select 'kpi_decision_latency_p95' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                cast(decide_p95_us as double) / 1000 as kpi_value,
                cast(null as double) as value_low,
                cast(null as double) as value_high,
                timed_count as sample_count
            from {{ ref("decision_figures_daily") }}
            where timed_count > 0
        ) as kpi_decision_latency_p95
        union all
        select 'kpi_ecosystem_uptime' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                all_up_s / nullif(watched_s, 0) as kpi_value,
                cast(null as double) as value_low,
                cast(null as double) as value_high,
                watched_span_count as sample_count
            from {{ ref("fleet_daily") }}
            where watched_span_count > 0
        ) as kpi_ecosystem_uptime
        union all
        select 'kpi_fleet_visibility' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                heard.period_date,
                cast(heard.hits as double) / nullif(fleet.trials, 0) as kpi_value,
                cast(null as double) as value_low,
                cast(null as double) as value_high,
                fleet.trials as sample_count
            from
                (
                    select assistants_daily.period_date, count(distinct assistants_daily.assistant_id) as hits
                    from {{ ref("assistants_daily") }} as assistants_daily
                    inner join {{ ref("assistants") }} as assistants on assistants_daily.assistant_id = assistants.assistant_id
                    where assistants.control_level is not null
                    group by assistants_daily.period_date
                ) as heard
            cross join (select count(*) as trials from {{ ref("assistants") }} where control_level is not null) as fleet
        ) as kpi_fleet_visibility
        union all
        select 'kpi_handoff_error_rate' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                cast(hits as double) / nullif(trials, 0) as kpi_value,
                {{ wilson("hits", "trials", "low") }} as value_low,
                {{ wilson("hits", "trials", "high") }} as value_high,
                trials as sample_count
            from
                (
                    select
                        period_date as period_date,
                        cast(sum(handoff_error_count) as bigint) as hits,
                        cast(sum(decided_count) as bigint) as trials
                    from {{ ref("handoffs_daily") }}
                    group by period_date
                ) as counted
        ) as kpi_handoff_error_rate
        union all
        select 'kpi_manual_intervention_rate' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                cast(hits as double) / nullif(trials, 0) as kpi_value,
                {{ wilson("hits", "trials", "low") }} as value_low,
                {{ wilson("hits", "trials", "high") }} as value_high,
                trials as sample_count
            from
                (
                    select
                        period_date as period_date,
                        cast(sum(human_count) as bigint) as hits,
                        cast(sum(decision_count) as bigint) as trials
                    from {{ ref("decision_figures_daily") }}
                    group by period_date
                ) as counted
        ) as kpi_manual_intervention_rate
        union all
        select 'kpi_overdue_critical_violations' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                days.period_date,
                cast(sum(coalesce(changes.change_count, 0)) over (
                    order by days.period_date asc nulls last rows between unbounded preceding and current row
                ) as double) as kpi_value,
                cast(null as double) as value_low,
                cast(null as double) as value_high,
                known.finding_count as sample_count
            from
                (
                    select cast(due_at as date) as period_date
                    from {{ ref("findings") }}
                    where severity = 'critical' and finding_state <> 'false_positive' and due_at is not null
                    union
                    select cast(resolved_at as date) as period_date
                    from {{ ref("findings") }}
                    where severity = 'critical' and finding_state <> 'false_positive' and resolved_at is not null
                    union
                    select cast(max(checked_at) as date) as period_date
                    from {{ ref("rule_figures") }}
                ) as days
            left join
                (
                    select period_date, cast(sum(change_count) as bigint) as change_count
                    from
                        (
                            select cast(due_at as date) as period_date, 1 as change_count
                            from {{ ref("findings") }}
                            where severity = 'critical' and finding_state <> 'false_positive' and due_at is not null and (resolved_at is null or resolved_at > due_at)
                            union all
                            select cast(resolved_at as date) as period_date, -1 as change_count
                            from {{ ref("findings") }}
                            where severity = 'critical' and finding_state <> 'false_positive' and due_at is not null and resolved_at > due_at
                        ) as moves
                    group by period_date
                ) as changes
                on days.period_date = changes.period_date
            cross join
                (select max(checked_at) as swept_at from {{ ref("rule_figures") }}) as sweeps
            cross join
                (select count(case when severity = 'critical' then 1 end) as finding_count from {{ ref("findings") }}) as known
            where sweeps.swept_at is not null and days.period_date <= cast(sweeps.swept_at as date)
        ) as kpi_overdue_critical_violations
        union all
        select 'kpi_prediction_accuracy' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                cast(hits as double) / nullif(trials, 0) as kpi_value,
                {{ wilson("hits", "trials", "low") }} as value_low,
                {{ wilson("hits", "trials", "high") }} as value_high,
                trials as sample_count
            from
                (
                    select
                        period_date as period_date,
                        cast(sum(right_count) as bigint) as hits,
                        cast(sum(outcome_count) as bigint) as trials
                    from {{ ref("decision_figures_daily") }}
                    group by period_date
                ) as counted
        ) as kpi_prediction_accuracy
        union all
        select 'kpi_realised_saving' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                1 - real_cost / nullif(real_baseline, 0) as kpi_value,
                {{ saving_bound("real_cost", "real_baseline", "real_cost_squares", "real_products", "real_baseline_squares", "real_count", "low") }} as value_low,
                {{ saving_bound("real_cost", "real_baseline", "real_cost_squares", "real_products", "real_baseline_squares", "real_count", "high") }} as value_high,
                real_count as sample_count
            from {{ ref("decision_figures_daily") }}
        ) as kpi_realised_saving
        union all
        select 'kpi_spend_trust' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                period_date,
                cast(sum(trust_share * weight_usd) as double) / cast(sum(weight_usd) as double) as kpi_value,
                cast(null as double) as value_low,
                cast(null as double) as value_high,
                count(*) as sample_count
            from
                (
                    select
                        period_date,
                        trust_share,
                        cast(greatest(coalesce(provider_usd, invoiced_usd, 0), priced_usd, 0.000001) as double) as weight_usd
                    from {{ ref("spend_trust_daily") }}
                    where trust_share is not null
                ) as weighed
            group by period_date
        ) as kpi_spend_trust
        union all
        select 'kpi_transaction_speed' as kpi_id, cast(period_date as date) as period_date, cast(kpi_value as double) as kpi_value, cast(value_low as double) as value_low, cast(value_high as double) as value_high, cast(sample_count as bigint) as sample_count
        from (
            select
                days.period_date,
                1 - days.mean_us / nullif(baseline.mean_us, 0) as kpi_value,
                1 - (days.mean_us + 1.959963984540054 * days.deviation_us) / nullif(baseline.mean_us, 0) as value_low,
                1 - (days.mean_us - 1.959963984540054 * days.deviation_us) / nullif(baseline.mean_us, 0) as value_high,
                days.case_count as sample_count
            from
                (
                    select
                        period_date,
                        count(*) as case_count,
                        avg(taken_us) as mean_us,
                        sqrt(
                            greatest(avg(taken_us * taken_us) - avg(taken_us) * avg(taken_us), 0) / nullif(count(*) - 1, 0)
                        ) as deviation_us
                    from {{ ref("int_cases_ended") }}
                    where is_beginning = false
                    group by period_date
                ) as days
            cross join
                (select avg(taken_us) as mean_us from {{ ref("int_cases_ended") }} where is_beginning) as baseline
            where baseline.mean_us is not null
        ) as kpi_transaction_speed
    ),
    declared as (
        select 'kpi_agent_success_rate' as kpi_id, 'Agent success rate' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.98 as double) as declared_target
        union all
        select 'kpi_ai_operation_error_rate' as kpi_id, 'AI operation error rate' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'down' as direction, cast(0.01 as double) as declared_target
        union all
        select 'kpi_ai_operation_response_p95' as kpi_id, 'AI operation response, p95' as kpi_name, 'measured' as kpi_kind, 'ms' as unit, 'down' as direction, cast(2000.0 as double) as declared_target
        union all
        select 'kpi_alert_relevance' as kpi_id, 'Relevant alerts' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.95 as double) as declared_target
        union all
        select 'kpi_annual_revenue' as kpi_id, 'Annual revenue' as kpi_name, 'input' as kpi_kind, 'USD' as unit, 'up' as direction, cast(110400000.0 as double) as declared_target
        union all
        select 'kpi_api_response_p95' as kpi_id, 'API response, p95' as kpi_name, 'input' as kpi_kind, 'ms' as unit, 'down' as direction, cast(500.0 as double) as declared_target
        union all
        select 'kpi_automation_efficiency' as kpi_id, 'Automation efficiency' as kpi_name, 'input' as kpi_kind, 'times' as unit, 'up' as direction, cast(3.0 as double) as declared_target
        union all
        select 'kpi_churn_rate' as kpi_id, 'Churn' as kpi_name, 'input' as kpi_kind, 'share' as unit, 'down' as direction, cast(0.08 as double) as declared_target
        union all
        select 'kpi_code_coverage' as kpi_id, 'Code coverage' as kpi_name, 'input' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.95 as double) as declared_target
        union all
        select 'kpi_compliance_audit_success' as kpi_id, 'Compliance audit success' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'up' as direction, cast(1.0 as double) as declared_target
        union all
        select 'kpi_compliance_score' as kpi_id, 'Compliance score' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'up' as direction, cast(1.0 as double) as declared_target
        union all
        select 'kpi_compliance_validation_rate' as kpi_id, 'Compliance validation rate' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'up' as direction, cast(1.0 as double) as declared_target
        union all
        select 'kpi_concurrent_users' as kpi_id, 'Concurrent users reached' as kpi_name, 'input' as kpi_kind, 'users' as unit, 'up' as direction, cast(10000.0 as double) as declared_target
        union all
        select 'kpi_confidence_calibration_error' as kpi_id, 'Confidence calibration error' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'down' as direction, cast(0.05 as double) as declared_target
        union all
        select 'kpi_cost_efficiency' as kpi_id, 'Cost efficiency' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.9 as double) as declared_target
        union all
        select 'kpi_counterfactual_saving' as kpi_id, 'Counterfactual saving' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.25 as double) as declared_target
        union all
        select 'kpi_critical_vulnerabilities' as kpi_id, 'Critical vulnerabilities' as kpi_name, 'input' as kpi_kind, 'vulnerabilities' as unit, 'down' as direction, cast(0.0 as double) as declared_target
        union all
        select 'kpi_cross_assistant_latency_p95' as kpi_id, 'Cross-assistant latency, p95' as kpi_name, 'measured' as kpi_kind, 'ms' as unit, 'down' as direction, cast(200.0 as double) as declared_target
        union all
        select 'kpi_cross_assistant_success_rate' as kpi_id, 'Cross-assistant success rate' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.99 as double) as declared_target
        union all
        select 'kpi_customer_lifetime_value' as kpi_id, 'Customer lifetime value' as kpi_name, 'input' as kpi_kind, 'USD' as unit, 'up' as direction, cast(126000.0 as double) as declared_target
        union all
        select 'kpi_customer_satisfaction' as kpi_id, 'Customer satisfaction' as kpi_name, 'input' as kpi_kind, 'of 5' as unit, 'up' as direction, cast(4.8 as double) as declared_target
        union all
        select 'kpi_decision_latency_p95' as kpi_id, 'Decision latency, p95' as kpi_name, 'measured' as kpi_kind, 'ms' as unit, 'down' as direction, cast(500.0 as double) as declared_target
        union all
        select 'kpi_deployment_success_rate' as kpi_id, 'Deployment success rate' as kpi_name, 'input' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.99 as double) as declared_target
        union all
        select 'kpi_ecosystem_uptime' as kpi_id, 'Ecosystem uptime' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.999 as double) as declared_target
        union all
        select 'kpi_enterprise_customers' as kpi_id, 'Enterprise customers' as kpi_name, 'input' as kpi_kind, 'customers' as unit, 'up' as direction, cast(100.0 as double) as declared_target
        union all
        select 'kpi_fleet_visibility' as kpi_id, 'Fleet in one pane' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'up' as direction, cast(1.0 as double) as declared_target
        union all
        select 'kpi_handoff_error_rate' as kpi_id, 'Handoff error rate' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'down' as direction, cast(0.01 as double) as declared_target
        union all
        select 'kpi_international_markets' as kpi_id, 'International presence' as kpi_name, 'input' as kpi_kind, 'markets' as unit, 'up' as direction, cast(5.0 as double) as declared_target
        union all
        select 'kpi_lint_errors' as kpi_id, 'Linting errors' as kpi_name, 'input' as kpi_kind, 'errors' as unit, 'down' as direction, cast(9.0 as double) as declared_target
        union all
        select 'kpi_manual_intervention_rate' as kpi_id, 'Manual intervention rate' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'down' as direction, cast(0.6 as double) as declared_target
        union all
        select 'kpi_market_share' as kpi_id, 'Market share' as kpi_name, 'input' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.15 as double) as declared_target
        union all
        select 'kpi_monthly_growth_rate' as kpi_id, 'Monthly growth rate' as kpi_name, 'input' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.5 as double) as declared_target
        union all
        select 'kpi_net_revenue_retention' as kpi_id, 'Net revenue retention' as kpi_name, 'input' as kpi_kind, 'share' as unit, 'up' as direction, cast(1.8 as double) as declared_target
        union all
        select 'kpi_overdue_critical_violations' as kpi_id, 'Critical violations past their clock' as kpi_name, 'measured' as kpi_kind, 'findings' as unit, 'down' as direction, cast(0.0 as double) as declared_target
        union all
        select 'kpi_prediction_accuracy' as kpi_id, 'Prediction accuracy' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.95 as double) as declared_target
        union all
        select 'kpi_realised_saving' as kpi_id, 'Realised saving' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.25 as double) as declared_target
        union all
        select 'kpi_spend_trust' as kpi_id, 'Trust in spend' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.98 as double) as declared_target
        union all
        select 'kpi_support_ticket_reduction' as kpi_id, 'Support ticket reduction' as kpi_name, 'input' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.6 as double) as declared_target
        union all
        select 'kpi_transaction_speed' as kpi_id, 'Transactions faster than at the start' as kpi_name, 'measured' as kpi_kind, 'share' as unit, 'up' as direction, cast(0.3 as double) as declared_target
    ),
    entries as (
        select
            kpi_id,
            kpi_input_kind,
            as_of_date,
            kpi_value,
            value_low,
            value_high,
            sample_count,
            row_number() over (
                partition by kpi_id, kpi_input_kind, case when kpi_input_kind = 'value' then as_of_date end
                order by updated_at desc nulls last, kpi_input_id desc nulls last
            ) as recency
        from {{ ref("stg_raw__kpi_inputs") }}
    ),
    entered as (
        select
            entries.kpi_id,
            entries.as_of_date as period_date,
            entries.kpi_value,
            entries.value_low,
            entries.value_high,
            coalesce(entries.sample_count, 1) as sample_count
        from entries
        inner join declared on entries.kpi_id = declared.kpi_id and declared.kpi_kind = 'input'
        where entries.kpi_input_kind = 'value' and entries.recency = 1 and entries.kpi_value is not null
    ),
    own_targets as (
        select kpi_id, kpi_value as own_target
        from entries
        where kpi_input_kind = 'target' and recency = 1 and kpi_value is not null
    ),
    newest as (select max(period_date) as period_date from {{ ref("usage_daily") }}),
    known as (
        select * from measured where period_date is not null
        union all
        select * from entered
    ),
    waiting as (
        select
            declared.kpi_id,
            newest.period_date,
            cast(null as double) as kpi_value,
            cast(null as double) as value_low,
            cast(null as double) as value_high,
            cast(0 as bigint) as sample_count
        from declared
        cross join newest
        where
            declared.kpi_kind = 'measured'
            and newest.period_date is not null
            and not exists (select 1 from known where known.kpi_id = declared.kpi_id)
    ),
    found as (
        select * from known
        union all
        select * from waiting
    ),
    final as (
        select
            found.kpi_id,
            declared.kpi_name,
            declared.kpi_kind,
            found.period_date,
            found.kpi_value,
            declared.unit,
            coalesce(own_targets.own_target, declared.declared_target) as target,
            own_targets.own_target is not null as is_own_target,
            declared.direction,
            found.value_low,
            found.value_high,
            coalesce(found.sample_count, 0) as sample_count,
            case
                when declared.direction = 'up'
                then found.kpi_value >= coalesce(own_targets.own_target, declared.declared_target)
                else found.kpi_value <= coalesce(own_targets.own_target, declared.declared_target)
            end as is_met,
            cast({{ raw_snapshot_id() }} as bigint) as snapshot_id
        from found
        inner join declared on found.kpi_id = declared.kpi_id
        left join own_targets on found.kpi_id = own_targets.kpi_id
    )
select *
from final
