{#
    KPIs. One is a file `models/marts/kpis/kpi_<name>.sql` giving period_date, kpi_value, value_low, value_high
    and sample_count, and a `.yml` beside it whose meta says what it is called, its unit, target and direction.
    The post-hooks below carry its rows into `kpi_values`, in the transaction that writes them: nothing else
    is edited. (A model cannot ref() what it does not name, so the KPIs bring their rows, not the other way.)
#}
{% macro drop_changed_kpi_rows() -%}
    {%- set kpi_values = ref("kpi_values") -%}
    {%- set usage_daily = ref("usage_daily") -%}
    {%- if execute -%}
        delete from {{ kpi_values }}
        where
            kpi_id = '{{ model.name }}'
            and period_date not in (
                select held.period_date
                from {{ kpi_values }} as held
                inner join ({{ described_kpi(usage_daily) }}) as fresh on held.period_date = fresh.period_date
                where
                    held.kpi_id = '{{ model.name }}'
                    {% for column in kpi_columns() -%}
                        and held.{{ column }} is not distinct from fresh.{{ column }}
                    {% endfor %}
            )
    {%- endif -%}
{%- endmacro %}

{% macro kpi_columns() -%}
    {{
        return(
            [
                "kpi_name",
                "kpi_value",
                "unit",
                "target",
                "direction",
                "value_low",
                "value_high",
                "sample_count",
                "is_met",
            ]
        )
    }}
{%- endmacro %}

{#
    The KPI's rows with what its yml says about it. A KPI that nothing was measured for yet has one row
    without a value, on the newest day there is.
#}
{% macro described_kpi(usage_daily) -%}
    {%- set meta = kpi_meta(model) -%}
    {%- set kpi_name = meta.kpi_name | replace("'", "''") -%}
    {%- set met = "kpi_value >= " if meta.direction == "up" else "kpi_value <= " -%}
    select
        period_date,
        '{{ kpi_name }}' as kpi_name,
        kpi_value,
        '{{ meta.unit }}' as unit,
        cast({{ meta.target }} as double) as target,
        '{{ meta.direction }}' as direction,
        value_low,
        value_high,
        sample_count,
        {{ met }} cast({{ meta.target }} as double) as is_met
    from
        (
            select period_date, kpi_value, value_low, value_high, sample_count
            from {{ this }}
            union all
            select max(period_date), null, null, null, 0
            from {{ usage_daily }}
            where not exists (select 1 from {{ this }})
            having max(period_date) is not null
        ) as measured
{%- endmacro %}
