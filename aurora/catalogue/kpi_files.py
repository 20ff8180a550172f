"""KPIs as their files declare them: one YAML file each, in `dbt_project/models/marts/kpis/`.

A file says what the KPI means and, where Aurora measures it, the SQL that does. All of them are compiled
into one dbt model, `kpi_values`; nothing else is edited when a file is added, changed or taken away.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec
import yaml

from aurora.errors import DataError

Group = Literal[
    "performance",
    "quality",
    "ai_performance",
    "revenue",
    "market",
    "operational",
    "technical",
    "business_impact",
    "user_experience",
]
GROUPS: Final[tuple[Group, ...]] = get_args(Group)
"""As the two plans group their metrics."""

KpiKind = Literal["measured", "input"]
FOLDER: Final = Path("models") / "marts" / "kpis"
"""Where KPI files lie, in the dbt project."""
_NAME: Final = re.compile(r"kpi_[a-z][a-z0-9_]{1,60}")
_REF: Final = re.compile(r"""\bref\(\s*['"](\w+)['"]\s*\)""")
_REQUIRED: Final = ("period_date", "kpi_value", "value_low", "value_high", "sample_count")


class Share(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many of so many: sums of two expressions over a table, by day, with the 95 % Wilson interval."""

    of: str
    """A dbt model."""
    hits: str
    trials: str
    day: str = "period_date"

    def sql(self) -> str:
        """The select that measures it."""
        return f"""select
    period_date,
    cast(hits as double) / nullif(trials, 0) as kpi_value,
    {{{{ wilson("hits", "trials", "low") }}}} as value_low,
    {{{{ wilson("hits", "trials", "high") }}}} as value_high,
    trials as sample_count
from
    (
        select
            {self.day} as period_date,
            cast(sum({self.hits}) as bigint) as hits,
            cast(sum({self.trials}) as bigint) as trials
        from {{{{ ref("{self.of}") }}}}
        group by {self.day}
    ) as counted"""


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows made by hand and what the KPI must say of them: its test."""

    says: str
    given: dict[str, list[dict[str, Any]]]
    expect: list[dict[str, Any]]


class Kpi(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One KPI. Beyond `alert_at` somebody must look; `plan_ids` are the points of the plans it answers.

    `measured`: computed from the lake. `input`: a figure from outside that somebody enters, with its source.
    """

    kpi_id: str
    kpi_name: str
    group: Group
    kind: KpiKind
    definition: str
    formula: str
    unit: str
    target: float
    direction: Literal["up", "down"]
    alert_at: float
    alert_level: Literal["info", "warning", "critical"]
    owner: str
    source: str
    plan_ids: tuple[str, ...]
    stretch: float | None = None
    caveat: str | None = None
    share: Share | None = None
    sql: str | None = None
    examples: tuple[Example, ...] = ()

    @property
    def is_measured(self) -> bool:
        """Whether Aurora computes it."""
        return self.kind == "measured"

    @property
    def select(self) -> str:
        """The select that measures it, with dbt's `ref`; empty for an input."""
        return self.share.sql() if self.share else (self.sql or "").strip()

    @property
    def tables(self) -> tuple[str, ...]:
        """Dbt models that it is measured from."""
        return tuple(sorted(set(_REF.findall(self.select))))

    def is_beyond(self, value: float) -> bool:
        """Whether the value is on the wrong side of the alert level."""
        return value < self.alert_at if self.direction == "up" else value > self.alert_at

    def meets(self, value: float, target: float) -> bool:
        """Whether the value reaches a target."""
        return value >= target if self.direction == "up" else value <= target


FIELD_MEANINGS: Final = {
    "kpi_name": "what people call it",
    "group": f"one of {', '.join(GROUPS)}",
    "kind": "`measured` (Aurora computes it) or `input` (somebody enters it, with its source)",
    "definition": "what it says, in a sentence or two",
    "formula": "what is divided by what, in words or symbols",
    "unit": "of the value and the target: `share`, `ms`, `requests` ...",
    "target": "the value to reach; a tenant may set its own",
    "direction": "`up` when more is better, `down` when less is",
    "alert_at": "the value beyond which somebody must look",
    "alert_level": "`info`, `warning` or `critical`",
    "owner": "who answers for it",
    "source": "the table it is computed from, or who knows the figure",
    "plan_ids": "points of the plans it answers",
    "stretch": "a second, further target (may be left out)",
    "caveat": "what the figure does not say (may be left out)",
    "share": "of a measured one: `of` (a table), `hits` and `trials` (summed by day); interval and SQL follow",
    "sql": f"of a measured one that is no share: a select that gives {', '.join(_REQUIRED)}",
    "examples": "rows made by hand and what comes of them: the KPI's test; a measured one needs one",
}
"""Every key of a KPI file, as the catalogue page tells them."""


def read_kpis(project: Path) -> list[Kpi]:
    """The KPIs of a dbt project, sorted by id. `DataError` names the file and what is wrong in it."""
    return [_read(file) for file in sorted((project / FOLDER).glob("*.yml"))]


def _read(file: Path) -> Kpi:
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
        kpi = msgspec.convert({**said, "kpi_id": file.stem}, Kpi, strict=False)
    except (msgspec.ValidationError, yaml.YAMLError, TypeError) as error:
        raise _wrong(file, str(error)) from error
    for fault in _faults(kpi):
        raise _wrong(file, fault)
    return kpi


def _faults(kpi: Kpi) -> list[str]:
    """What is wrong with a KPI beyond the types of its keys."""
    given = [name for name in ("share", "sql") if getattr(kpi, name) is not None]
    rules = {
        "its file is not named kpi_<name>.yml, in small letters": not _NAME.fullmatch(kpi.kpi_id),
        "a measured KPI has either `share` or `sql`": kpi.is_measured and len(given) != 1,
        "a measured KPI has at least one entry under `examples`": kpi.is_measured and not kpi.examples,
        "an input has neither `share`, `sql` nor `examples`": not kpi.is_measured and bool(given or kpi.examples),
        "`plan_ids` names no point": not kpi.plan_ids,
        "its name or unit holds a brace": bool(re.search("[{}]", kpi.kpi_name + kpi.unit)),
        "`target` and `alert_at` must be finite": not (math.isfinite(kpi.target) and math.isfinite(kpi.alert_at)),
        "it would alert while its target is met": kpi.is_beyond(kpi.target),
        "its SQL speaks of a target: targets are kept apart from values": bool(re.search(r"\btarget\b", kpi.select)),
    }
    return [fault for fault, holds in rules.items() if holds]


def _wrong(file: Path, fault: str) -> DataError:
    return DataError(
        f"{file.name} does not declare its KPI: {fault}.",
        field=file.name,
        rule="kpi_file",
        next_step="Put it right; docs/reference/kpis.md says what the file must hold, docs/how-to/add-a-kpi.md shows one.",
    )


# the one dbt model ----------------------------------------------------------------------------

TABLE_FILE: Final = Path("models") / "marts" / "kpi_values.sql"


def write_kpi_values(project: Path) -> bool:
    """Compile the KPI files into the dbt model `kpi_values`; whether its text changed."""
    text, file = kpi_values_sql(read_kpis(project)), project / TABLE_FILE
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return False
    file.write_text(text, encoding="utf-8")
    return True


def kpi_values_sql(kpis: Sequence[Kpi], *, by_name: bool = False) -> str:
    """The dbt model that holds every KPI's values.

    With `by_name` each measured KPI stands there as a relation of its own name, which is how lineage sees it.
    """
    measured = "\n        union all\n".join(_measured(kpi, by_name=by_name) for kpi in kpis if kpi.is_measured)
    declared = "\n        union all\n".join(_declared(kpi) for kpi in kpis)
    return _TEMPLATE.replace("<measured>", measured).replace("<declared>", declared)


def _measured(kpi: Kpi, *, by_name: bool) -> str:
    inner = f'select * from {{{{ ref("{kpi.kpi_id}") }}}}' if by_name else kpi.select
    body = "\n".join(f"            {line}".rstrip() for line in inner.splitlines())
    columns = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in _TYPES.items())
    return f"        select '{kpi.kpi_id}' as kpi_id, {columns}\n        from (\n{body}\n        ) as {kpi.kpi_id}"


_TYPES: Final = {
    "period_date": "date",
    "kpi_value": "double",
    "value_low": "double",
    "value_high": "double",
    "sample_count": "bigint",
}


def _declared(kpi: Kpi) -> str:
    texts = {"kpi_id": kpi.kpi_id, "kpi_name": kpi.kpi_name, "kpi_kind": kpi.kind, "unit": kpi.unit,
             "direction": kpi.direction}  # fmt: skip
    columns = [f"{_text(value)} as {name}" for name, value in texts.items()]
    return f"        select {', '.join(columns)}, cast({kpi.target!r} as double) as declared_target"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


_TEMPLATE: Final = """\
{#- Compiled from models/marts/kpis/*.yml by each build. Do not edit. fmt: off -#}
-- fmt: off
{{ config(materialized="amended", meta={"unchanged_by": ["snapshot_id"], "key": ["kpi_id", "period_date"]}) }}

with
    measured as (
<measured>
    ),
    declared as (
<declared>
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
"""
